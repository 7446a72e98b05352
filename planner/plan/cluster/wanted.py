"""What a cluster is sized for, and the whole systems that it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from planner.errors import InputError, UsageError, suggest
from planner.model.equivalents import PEAK_RULES, check_rule
from planner.plan import numbers
from planner.plan.cluster.equivalents import per_accelerator
from planner.plan.cluster.limits import (
    AT_WORK,
    POWERS,
    ROUNDING,
    Binds,
    Ends,
    PowerOf,
    Spends,
    limits,
    most_systems,
    too_little,
)
from planner.plan.cluster.workload import by_workload
from planner.plan.document import Interval
from planner.plan.operating.money import interval_of
from planner.plan.places import MOST_GPUS
from planner.types import FloatArray
from planner.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.cluster.sheet import Question
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.plan.operating.estate import Estate

__all__ = ["Sized", "Wanted", "sized"]

MOST_H100E: Final = 1e9
MOST_YEARS: Final = 50.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A demand (`h100e` by a `rule`, or `gpus`), or limits (`budget_usd`, `power_watts` of a kind)."""

    h100e: float | None
    rule: str | None
    workload: str | None
    gpus: int | None
    budget_usd: float | None
    years: float | None
    power_watts: float | None
    power_of: PowerOf | None

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
        power_of: str | None,
        gpus: Number | None,
    ) -> Self:
        """Read what is sized for.

        Raises
        ------
        UsageError
            Nothing, or a demand beside a limit; equivalents without a rule, or a rule without them; a kind of
            power without power, or none that there is.
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
            power_of=_power_of(power, power_of),
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


def _power_of(power: Number | None, given: str | None) -> PowerOf | None:
    if power is None:
        if given is not None:
            raise UsageError("--power-of says which power --power limits: give both")
        return None
    if given is None:
        return POWERS[0]
    if given not in POWERS:
        mend = suggest(given, POWERS, otherwise=f"it is one of {', '.join(POWERS)}")
        raise UsageError(f"--power-of {given[:40]!r}: there is no such power; {mend}")
    return given


def _years(years: Number | None, budget: Number | None) -> float | None:
    if years is None:
        return None
    if budget is None:
        raise UsageError("--years is how long a --budget pays a rent: give both")
    return numbers.positive("years", years, most=MOST_YEARS, example="1.5")


@dataclass(frozen=True, kw_only=True)
class Sized:
    """Accelerators in whole systems, and what they cost."""

    accelerators: Ends
    whole: int
    binds: Binds
    years: float | None
    spent_usd: Interval
    reasons: tuple[str, ...]
    supplies_watts: float
    """What the site can carry; infinite where nothing on record limits it."""


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
    supplies = sum((supply.capacity_watts for supply in estate.site_table.supplies), np.zeros((1, 1)))
    reasons: list[str] = []
    if wanted.h100e is not None or wanted.gpus is not None:
        ends, binds = _demanded(catalog, estate, wanted, whole)
    else:
        found = list(
            limits(
                estate,
                budget_usd=wanted.budget_usd,
                power_watts=wanted.power_watts,
                power_of=wanted.power_of,
                spends=spends,
                supplies=supplies,
            )
        )
        each = [most_systems(one.spends, limit=one.at, whole=whole) for one in found]
        tightest = found[min(range(len(each)), key=lambda at: each[at].value)]
        ends = Ends(*(min(getattr(one, end) for one in each) for end in Ends._fields))
        binds = tightest.binds
        if ends.value == 0:
            reasons = [too_little(estate, whole, tightest)]
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
        supplies_watts=float(supplies.flat[0]),
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
