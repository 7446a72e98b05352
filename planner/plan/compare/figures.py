"""The figures of an answer that are set side by side, by question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from planner.plan.compare.others import curated_figures
from planner.plan.compare.sheets import PARTS, SHEETS
from planner.plan.compare.shown import Better, Found, Shown
from planner.plan.compare.spreads import FIRST, OUTPUT, SERVING, STEP
from planner.plan.document import Interval
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.plan.compare.asked import Answered

__all__ = ["figures_of"]


def figures_of(command: str, sides: Sequence[Answered]) -> Iterable[Shown]:
    """Return the figures of answers to a question, in the order in which they are shown."""
    return _BY_COMMAND[command] if command in _BY_COMMAND else curated_figures(command, sides)


def _plan(name: str) -> Callable[[Answered], Found]:
    def at(side: Answered) -> Found:
        found = getattr(side.plan, name)
        return found if found is None or isinstance(found, Interval) else float(found)

    return at


def _days(side: Answered) -> Found:
    """Return the time that a run takes; exact where it was asked for, and tokens were solved for."""
    found: Interval = side.plan.days_with_failures
    return found if side.result.result.tokens is None else found.value


def _fewest(side: Answered) -> Found:
    """Return the fewest accelerators that are in time, where that was asked."""
    need = side.result.result.gpus
    return None if need is None else _of_need(need)


def _mfu(side: Answered) -> Interval:
    mfu = side.plan.mfu
    return Interval(value=mfu.value, low=mfu.low, high=mfu.high)


def _latency(name: str) -> Callable[[Answered], Found]:
    def at(side: Answered) -> Found:
        found = getattr(side.plan, name)
        return None if found is None else Interval(value=found.mean, low=found.low, high=found.high)

    return at


def _need(side: Answered) -> Interval:
    """Return the accelerators to have: those that were asked for with their interval, or all of the plan."""
    return _of_need(side.plan.gpus)


def _of_need(need: Any) -> Interval:
    high = need.value if need.high is None else need.high
    return Interval(value=need.value, low=need.low, high=high)


def _tokens(side: Answered) -> Found:
    found: Interval | None = side.result.result.tokens
    return found


def _tokens_drawn(side: Answered) -> FloatArray | None:
    """Fewer tokens in as much as all of them would take longer, failures included."""
    took = side.samples.of(side.plan.days_with_failures)
    found = side.result.result.tokens
    return None if took is None or found is None else found.value * took[0] / took


def _cost(name: str) -> Callable[[Answered], Found]:
    def at(side: Answered) -> Found:
        found: Interval | None = getattr(side.plan.cost, name)
        return found

    return at


def _train(
    figure: str, unit: str, better: Better, at: str | Callable[[Answered], Found], power: float = 0.0
) -> Shown:
    """Return a figure of a training plan, by the field of the plan or by where it is."""
    return Shown(
        figure=figure,
        unit=unit,
        better=better,
        at=_plan(at) if isinstance(at, str) else at,
        error=STEP if power else "",
        power=power,
        samples=_tokens_drawn if at is _tokens else None,
    )


def _serve(
    figure: str,
    unit: str,
    better: Better,
    at: str | Callable[[Answered], Found],
    power: float = 0.0,
    fixed: float | None = None,
    *,
    error: str = SERVING,
) -> Shown:
    """Return a figure of a serving plan; `fixed` is the power where a load is given and not the hardware."""
    return Shown(
        figure=figure,
        unit=unit,
        better=better,
        at=_plan(at) if isinstance(at, str) else at,
        error=error if power or fixed is not None else "",
        power=power,
        fixed_power=fixed,
    )


TRAINING: Final = (
    _train("time with failures", "days", "less", _days, 1),
    _train("tokens in that time", "tokens", "more", _tokens, -1),
    _train("accelerators needed", "", "less", _fewest, 1),
    _train("accelerators at work", "", None, "gpus_used"),
    _train("throughput", "tokens/s", "more", "tokens_per_s", -1),
    _train("throughput per accelerator", "tokens/s", "more", "tokens_per_s_per_gpu", -1),
    _train("MFU", "share", "more", _mfu, -1),
    _train("goodput", "share", "more", "goodput"),
    _train("GPU-hours without failures", "h", "less", "gpu_hours", 1),
    _train("cost", "USD", "less", "cost_usd", 1),
    _train("hour of an accelerator", "USD", "less", "usd_per_gpu_hour"),
    _train("cost of a million tokens", "USD", "less", "usd_per_million_tokens", 1),
    _train("facility power", "MW", "less", "power_megawatts"),
    _train("energy", "MWh", "less", "energy_megawatt_hours", 1),
    _train("CO2", "t", "less", "co2_tonnes", 1),
)
"""Of ``planner train``."""

SERVICE: Final = (
    _serve("users", "", "more", "users", 1, 0),
    _serve("accelerators", "", "less", _need, 0, -1),
    _serve("output throughput", "tokens/s", "more", "output_tokens_per_s", 1, 0),
    _serve("output throughput per accelerator", "tokens/s", "more", "output_tokens_per_s_per_gpu", 1),
    _serve("mean time to the first token", "ms", "less", _latency("ttft_ms"), 1, error=FIRST),
    _serve("mean time per output token", "ms", "less", _latency("tpot_ms"), 1, error=OUTPUT),
    _serve("capacity there on average", "share", "more", "goodput"),
    _serve("cost of a million output tokens", "USD", "less", "usd_per_million_tokens", -1),
    _serve("cost in a year", "USD", "less", "cost_usd", 0, -1),
    _serve("cost of a user in a month", "USD", "less", _cost("usd_per_user_month"), -1),
    _serve("hour of an accelerator", "USD", "less", "usd_per_gpu_hour"),
    _serve("facility power in the mean hour", "MW", "less", "power_megawatts", 0, -1),
    _serve("energy in a year", "MWh", "less", "energy_megawatt_hours", 0, -1),
    _serve("CO2 in a year", "t", "less", "co2_tonnes", 0, -1),
)
"""Of ``planner serve``, at the peak where nothing else is said."""

_BY_COMMAND: Final = {"train": TRAINING, "serve": SERVICE, "cluster show": SHEETS, "accelerator": PARTS}
