"""What a cluster is sized for, and the whole systems that it comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

import numpy as np

from planner.errors import InputError, UsageError
from planner.model.equivalents import PEAK_RULES, check_rule
from planner.plan import numbers
from planner.plan.cluster.equivalents import per_accelerator
from planner.plan.cluster.workload import by_workload
from planner.plan.document import Interval
from planner.plan.operating.money import interval_of
from planner.plan.places import MOST_GPUS
from planner.tables.samples import interval
from planner.types import FloatArray
from planner.units import HOURS_PER_YEAR, format_quantity

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.cluster.sheet import Question
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.plan.operating.estate import Estate

__all__ = ["Binds", "Sized", "Wanted", "most_systems", "sized"]

Binds = Literal["h100 equivalents", "budget", "power", "gpus"]
Spends = Callable[[FloatArray], FloatArray]
"""Numbers of accelerators ``[R]`` to what they take, ``[S, R]``; grows with them."""
AT_WORK: Final = "training"
ROUNDING: Final = 1e-12
MOST_H100E: Final = 1e9
MOST_YEARS: Final = 50.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A demand (`h100e` by a `rule`, or `gpus`), or limits (`budget_usd`, `power_watts`)."""

    h100e: float | None
    rule: str | None
    workload: str | None
    gpus: int | None
    budget_usd: float | None
    years: float | None
    power_watts: float | None

    @classmethod
    def read(
        cls,
        *,
        h100e: Number | None,
        rule: str | None,
        workload: str | None,
        budget: Number | None,
        years: Number | None,
        power: Number | None,
        gpus: Number | None,
    ) -> Self:
        """Read what is sized for.

        Raises
        ------
        UsageError
            Nothing, or a demand beside a limit; equivalents without a rule, or a rule without them.
        InputError
            A value that is wrong.
        """
        demands = [numbers.given(n) for n, v in (("h100e", h100e), ("gpus", gpus)) if v is not None]
        limits = [numbers.given(n) for n, v in (("budget", budget), ("power", power)) if v is not None]
        if not demands and not limits:
            raise UsageError(
                "size for what? --h100e 1M --rule bf16, --gpus N, --budget '10B USD' or --power '300 MW'"
            )
        if len(demands) > 1 or (demands and limits):
            raise UsageError(
                f"{' and '.join([*demands, *limits])} exclude each other: give one demand (--h100e, --gpus), "
                "or limits (--budget, --power)"
            )
        return cls(
            h100e=None if h100e is None else numbers.positive("h100e", h100e, most=MOST_H100E, example="1M"),
            rule=_rule(h100e, rule, workload),
            workload=workload,
            gpus=None if gpus is None else numbers.count("gpus", gpus, most=MOST_GPUS),
            budget_usd=None if budget is None else numbers.usd("budget", budget),
            years=_years(years, budget),
            power_watts=None if power is None else numbers.watts("power", power),
        )


def _rule(h100e: Number | None, rule: str | None, workload: str | None) -> str | None:
    if h100e is None:
        if rule is not None:
            raise UsageError("--rule says how --h100e is counted: give both, as in --h100e 1M --rule bf16")
        return None
    chosen = check_rule("workload" if rule is None and workload is not None else rule)
    if chosen == "workload" and workload is None:
        raise UsageError("--rule workload needs the job: --workload MODEL, or MODEL:TRAFFIC to serve it")
    return chosen


def _years(years: Number | None, budget: Number | None) -> float | None:
    if years is None:
        return None
    if budget is None:
        raise UsageError("--years is how long a --budget pays a rent: give both")
    return numbers.positive("years", years, most=MOST_YEARS, example="1.5")


class Ends(NamedTuple):
    """Accelerators, and the 80 % interval of what they depend on."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Sized:
    """Accelerators in whole systems, and what they cost."""

    accelerators: Ends
    whole: int
    binds: Binds
    years: float | None
    spent_usd: Interval
    reasons: tuple[str, ...]


def sized(catalog: Catalog, estate: Estate, wanted: Wanted, question: Question, filled: Filled) -> Sized:
    """Return the fewest whole systems that meet a demand, or the most that keep within the limits.

    Raises
    ------
    InputError
        More than `MOST_GPUS` accelerators, or a rule that the part does not answer.
    UsageError
        Years of something that is not rented.
    """
    system = estate.place.system
    whole = 1 if system is None else round(system.accelerators.value)
    spends, years = _money(catalog, estate, wanted, question, filled)
    reasons: list[str] = []
    if wanted.h100e is not None or wanted.gpus is not None:
        ends, binds = _demanded(catalog, estate, wanted, whole)
    else:
        limits: list[tuple[Binds, float, Spends]] = []
        if wanted.budget_usd is not None:
            limits.append(("budget", wanted.budget_usd, spends))
        if wanted.power_watts is not None:
            limits.append(("power", wanted.power_watts, lambda n: estate.watts(n, AT_WORK).peak * n))
        each = [most_systems(spend, limit=limit, whole=whole) for _, limit, spend in limits]
        tightest = min(range(len(each)), key=lambda at: each[at].value)
        ends, binds = (
            Ends(*(min(getattr(one, end) for one in each) for end in Ends._fields)),
            limits[tightest][0],
        )
        if ends.value == 0:
            reasons = [_too_little(estate, whole, *limits[tightest])]
    if ends.value > MOST_GPUS:
        raise InputError(
            f"that is more than {MOST_GPUS:,} {estate.place.accelerator.id}, the largest fleet that is "
            "planned; ask for less"
        )
    return Sized(
        accelerators=ends,
        whole=whole,
        binds=binds,
        years=years,
        spent_usd=interval_of(spends(np.array([ends.value]))),
        reasons=tuple(reasons),
    )


def _money(
    catalog: Catalog, estate: Estate, wanted: Wanted, question: Question, filled: Filled
) -> tuple[Spends, float | None]:
    """Return what accelerators cost: capital, or years of rent."""
    choice = question.asked.price
    if choice.mode != "rent":
        if wanted.years is not None:
            raise UsageError(
                f"--years goes with a rent, and --price {choice.text} buys: leave it out, or say for example "
                "--price reserved"
            )
        housed = choice.mode == "own"

        def bought(n: FloatArray) -> FloatArray:
            capital = estate.capital(n)
            parts = (capital.servers_usd, capital.network_usd, capital.storage_usd)
            return (sum(parts, np.zeros((1, 1))) + (capital.building_usd if housed else 0.0)) * n

        return bought, None
    years = wanted.years
    if years is None and wanted.budget_usd is not None:
        filled.assume("years", 1, "of rent that the budget pays; --years says otherwise")
    hours = HOURS_PER_YEAR * (years or 1.0)

    def rented(n: FloatArray) -> FloatArray:
        return estate.gpu_hour(n, choice, AT_WORK, catalog=catalog).total * n * hours

    return rented, years or 1.0


def _demanded(catalog: Catalog, estate: Estate, wanted: Wanted, whole: int) -> tuple[Ends, Binds]:
    if wanted.gpus is not None:
        number = _up(float(wanted.gpus), whole)
        return Ends(number, number, number), "gpus"
    ratio = _ratio(catalog, estate, wanted)
    asked = wanted.h100e or 0.0
    return Ends(
        _up(asked / ratio.value, whole), _up(asked / ratio.high, whole), _up(asked / ratio.low, whole)
    ), ("h100 equivalents")


def _ratio(catalog: Catalog, estate: Estate, wanted: Wanted) -> Interval:
    """Equivalents of one accelerator by the rule."""
    part = estate.place.accelerator
    rule = check_rule(wanted.rule)
    if rule in PEAK_RULES:
        found = interval_of(per_accelerator(catalog, [part], estate.samples)[rule])
        if np.isfinite(found.value):
            return found
        raise InputError(f"{part.name} has no rate that the rule {rule} compares; choose another rule")
    (one,) = by_workload(catalog, wanted.workload or "", [part.id]).ratios
    if one.ratio is None:
        raise InputError(f"--workload {wanted.workload}: {part.id} does none of it ({one.plan})")
    return one.ratio


def _up(number: float, whole: int) -> float:
    return float(np.ceil(number / whole * (1.0 - ROUNDING)) * whole)


def most_systems(spends: Spends, *, limit: float, whole: int, most: int = MOST_GPUS) -> Ends:
    """Return the most accelerators in whole systems that keep within a limit, by bisection.

    Parameters
    ----------
    spends
        What accelerators take, in samples.
    limit
        Of it.
    whole
        Accelerators of a system.
    most
        Accelerators beyond which nobody asks; one system more stands for all above.

    Returns
    -------
    Ends
        At the stated values, and at the ends of the 80 % interval: as each sample grows with the number, the
        quantiles of the number are the numbers at the quantiles.
    """
    fits, over = np.zeros(3), np.full(3, most // whole + 2.0)
    while np.any(over - fits > 1.0):
        middle = np.floor((fits + over) / 2.0)
        taken = np.atleast_2d(spends(middle * whole))
        value, low, high = interval(np.broadcast_to(taken, (taken.shape[0], 3)))
        enough = np.array([value[0], high[1], low[2]]) <= limit * (1.0 + ROUNDING)
        fits, over = np.where(enough, middle, fits), np.where(enough, over, middle)
    return Ends(*(float(one) for one in fits * whole))


def _too_little(estate: Estate, whole: int, binds: Binds, limit: float, spends: Spends) -> str:
    """Say what one system takes."""
    system = estate.place.system
    one = float(np.asarray(spends(np.array([float(whole)]))).flat[0])
    dimension = "usd" if binds == "budget" else "watts"
    box = system.id if system is not None else estate.place.accelerator.id
    return (
        f"one {box} takes {format_quantity(one, dimension)}, more than the {binds} of "
        f"{format_quantity(limit, dimension)}; raise it to that, or choose a smaller system"
    )
