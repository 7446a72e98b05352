"""The run that was chosen, evaluated: tokens by the estimator, the loss with its interval, what limits it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from planner.plan.document import Interval
from planner.plan.frontier.curve import curve_of, least_loss
from planner.plan.frontier.results import Limit
from planner.plan.frontier.setting import figures, layout_of, round_batch
from planner.plan.operating.money import interval_of
from planner.plan.solve import Found
from planner.plan.train import train
from planner.workload.shape import LARGEST, SMALLEST

if TYPE_CHECKING:
    from planner.plan.frontier.build import Explored
    from planner.plan.frontier.curve import Asked, Curve
    from planner.plan.frontier.laws import Laws
    from planner.plan.frontier.setting import Setting
    from planner.plan.job import Case
    from planner.plan.results import TrainResult
    from planner.types import FloatArray

__all__ = ["Chosen", "evaluated", "expected", "limits_of", "planned", "refined", "sure_size"]

_BESIDE: Final = (0.75, 4.0 / 3.0)
_NEAR: Final = (0.92, 1.08)
_LARGER: Final = (1.26, 1.17, 1.08, 0.92, 0.85)
"""Batches and sizes beside a choice, as factors; of the largest size the exact run decides how large."""
_NOTHING: Final = 1e-9
_WIDER: Final = 30.0
"""How far beyond the sizes that were searched the uncertainty of the best size is followed."""
_SIZES: Final = 160
_ENDLESS: Final = 1e24
"""Tokens: more than any run."""


class Chosen(NamedTuple):
    """A run that was searched for."""

    parameters: float
    batch: float
    found: Found


def refined(
    explored: Explored, laws: Laws, asked: Asked, *, seconds: float, parameters: float, batch: float
) -> Chosen | None:
    """Search at a choice of the surface and beside it, and keep what is best; None where nothing fits.

    Some sizes and batches divide better among the accelerators than their neighbours: the best batch, then
    the best size, then once more the batch. Sizes have three digits, so that their names say all of them. For
    a given loss, and by a law without one, the size stays.
    """
    factors: tuple[float, ...] = _LARGER if asked.goal == "size" else _NEAR
    if asked.goal == "cost" or laws.loss_law is None:
        factors = ()
    best, kept, at = np.inf, None, (parameters, batch)
    for sizes, batches in (((1.0,), (1.0, *_BESIDE)), (factors, (1.0,)), ((1.0,), _BESIDE)):
        for exact, wanted in [(at[0] * s, at[1] * b) for s in sizes for b in batches]:
            size = float(f"{np.clip(exact, SMALLEST, LARGEST):.3g}")
            setting = explored.setting
            found = setting.search(size, round_batch(wanted, setting.job.seq_len))
            if found.plans is None:
                continue
            score = _score(explored, laws, asked, found, size=size, seconds=seconds)
            if score < best:
                best, kept = score, Chosen(size, float(found.case.job.batch_tokens), found)
        at = at if kept is None else (kept.parameters, kept.batch)
    return kept


def _score(
    explored: Explored, laws: Laws, asked: Asked, found: Found, *, size: float, seconds: float
) -> float:
    """Rate a search by the goal; less is better."""
    stated, batch = laws.stated, float(found.case.job.batch_tokens)
    rate, goodput, _ = figures(found)
    tokens = rate * goodput * seconds
    worth = float(np.ravel(stated.worth(tokens, batch, stated.critical(tokens)))[0])
    if asked.goal == "size":
        own = np.array([size])
        trained = tokens / size
        if asked.tokens_per_parameter is None:
            trained = float(laws.split(own, np.array([worth]), explored.counted(own))[0])
        return -size if trained >= asked.least else asked.least / max(trained, _NOTHING)
    loss = float(np.ravel(stated.loss(size, tokens, worth))[0])
    return loss if np.isfinite(loss) else -worth


def evaluated(setting: Setting, chosen: Chosen, days: float) -> TrainResult:
    """Evaluate a run by `planner.train`, with the layout that the search found."""
    return planned(setting, chosen.found.case, days, **layout_of(chosen.found))


def planned(setting: Setting, case: Case, days: float, **layout: Any) -> TrainResult:
    """Ask `planner.train` for a run on the hardware of a setting."""
    site, asked = setting.site, setting.asked
    system = site.system.id if site.system is not None else site.accelerator.id
    place: dict[str, Any] = (
        {"gpu": system} if site.cluster is None else {"cluster": f"{site.cluster}/{system}"}
    )
    return train(
        case.job.record,
        **place,
        gpus=site.available,
        **layout,
        days=days,
        seq_len=case.job.seq_len,
        global_batch=case.job.global_batch,
        precision=setting.job.precision,
        software=setting.job.software.id,
        site=asked.site,
        price=asked.price.text,
        finance=asked.finance,
        failures=asked.failures,
        power_cap=None if asked.power_cap_watts is None else f"{asked.power_cap_watts} W",
        checkpoint=asked.checkpoint,
        top=0,
        catalog=setting.book,
    )


def expected(
    laws: Laws, *, parameters: float, tokens: Interval, batch: float, critical: FloatArray
) -> Interval | None:
    """Loss with its interval: of the law, the tokens reached, batch and data; None by a law without one."""
    if laws.loss_law is None:
        return None
    drawn = laws.samples.ranged(tokens.value, tokens.low, tokens.high, "frontier.tokens")
    worth = laws.worth(drawn, batch, critical)
    return interval_of(laws.loss(parameters, drawn, worth))


def sure_size(
    explored: Explored,
    laws: Laws,
    *,
    seconds: float,
    parameters: float,
    tokens: Interval,
    critical: FloatArray,
) -> Interval:
    """Size of the least loss with its interval: the law's coefficients alone move it by several times.

    Parameters
    ----------
    parameters
        The size that was chosen.
    tokens, critical
        Of its run.
    """
    surface = explored.surface
    if surface is None or laws.loss_law is None:
        return Interval(value=parameters, low=parameters, high=parameters)
    sizes = np.geomspace(surface.sizes[0] / _WIDER, surface.sizes[-1] * _WIDER, _SIZES)
    curve = curve_of(surface, laws, seconds=seconds, parameters=sizes, flop_per_token=explored.counted(sizes))
    drawn = laws.samples.ranged(tokens.value, tokens.low, tokens.high, "frontier.tokens") / tokens.value
    held = curve.critical[None, :] * (critical / critical[0])
    data = curve.tokens[None, :] * drawn
    loss = laws.loss(sizes[None, :], data, laws.worth(data, curve.batches[None, :], held))
    best = sizes[np.argmin(loss, axis=1)]
    best[0] = parameters
    return interval_of(best[:, None])


def limits_of(explored: Explored, laws: Laws, *, seconds: float, base: Curve) -> tuple[Limit, ...]:
    """Say how much loss each limit costs: the best run without it, and with twice the time."""
    surface = explored.surface
    if surface is None:
        return ()
    at = least_loss(base)
    endless = replace(laws, unique=np.full_like(laws.unique, _ENDLESS))
    trials = {
        "compute": (laws, 2.0, True, True),
        "batch": (laws, 1.0, True, False),
        "data": (endless, 1.0, True, True),
        "failures": (laws, 1.0, False, True),
    }
    found = []
    for name, (own, times, failures, limited) in trials.items():
        other = curve_of(
            surface,
            own,
            seconds=seconds * times,
            parameters=base.parameters,
            flop_per_token=explored.counted(base.parameters),
            failures=failures,
            limited=limited,
        )
        gain = None if laws.loss_law is None else float(base.loss[at] - other.loss[least_loss(other)])
        more = max(float(other.worth[at] / base.worth[at]), 1.0)
        lower = "" if gain is None else f", for a loss {max(gain, 0.0):.4f} lower"
        said = _SENTENCES[name] + (_WORTH.format(more=more) + lower if more >= _COUNTS else _NOTHING_MORE)
        found.append(
            Limit(
                resource=name,  # type: ignore[arg-type]
                loss=None if gain is None else max(gain, 0.0),
                tokens=more,
                sentence=said,
            )
        )
    return tuple(found)


_SENTENCES: Final = {
    "compute": "compute: in twice the time",
    "batch": "batch: if large batches cost no tokens",
    "data": "data: with unique text without end",
    "failures": "failures: without them",
}
_WORTH: Final = " the tokens would be worth {more:.2f} times as much"
_NOTHING_MORE: Final = " hardly anything would change"
_COUNTS: Final = 1.005
