"""The question: which amount is given, on which hardware, for how long and at which price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from planner.errors import InputError, UsageError
from planner.model.cost.hour import MONTHS_PER_YEAR
from planner.model.equivalents import PEAK_RULES
from planner.plan import numbers
from planner.plan.budget.deals import DAYS_PER_YEAR, months_of, paid_usd
from planner.plan.cluster.equivalents import reference_part
from planner.plan.model_input import read_model_record
from planner.plan.places import MOST_GPUS, check_place
from planner.units import MEGA, parse
from planner.workload.kinds import DEAL, YARDSTICK

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.budget.results import Given
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.workload.deal import Deal
    from planner.workload.yardstick import Yardstick

__all__ = ["PRICE", "Amount", "Wanted"]


PRICE: Final = "reserved"
"""Price where none is named: a budget for compute rents."""
USUAL: Final = "usual"
USUAL_RULE: Final = "bf16"
MOST_USD: Final = 1e14
MOST_GPU_HOURS: Final = 1e14
MOST_WATTS: Final = 1e12


@dataclass(frozen=True)
class Amount:
    """What was given, in its base unit: USD, watts, accelerator-hours or accelerators."""

    given: Given
    value: float

    @classmethod
    def read(
        cls, *, usd: Number | None, mw: Number | None, gpu_hours: Number | None, gpus: Number | None
    ) -> Self | None:
        """Read the amount; None where nothing is given.

        Raises
        ------
        UsageError
            Two of them.
        InputError
            No number, or nothing: zero or less.
        """
        both = [
            numbers.given(name)
            for name, value in (("usd", usd), ("mw", mw), ("gpu_hours", gpu_hours), ("gpus", gpus))
            if value is not None
        ]
        if len(both) > 1:
            raise UsageError(
                f"{' and '.join(both)} exclude each other: give one amount, the others follow from it"
            )
        if usd is not None:
            return cls("usd", _amount("usd", usd, "usd", most=MOST_USD, example="10B or '10B USD'"))
        if mw is not None:
            return cls("mw", _amount("mw", mw, "watts", most=MOST_WATTS, example="300 or '1.2 GW'"))
        if gpu_hours is not None:
            return cls(
                "gpu-hours",
                _amount("gpu_hours", gpu_hours, "count", most=MOST_GPU_HOURS, example="2.8M"),
            )
        if gpus is not None:
            if isinstance(gpus, str) or gpus > 0:
                return cls("gpus", float(numbers.count("gpus", gpus, most=MOST_GPUS)))
            raise InputError(f"--gpus {gpus!r} is a budget of nothing; give 1 or more, for example 16384")
        return None


def _amount(name: str, value: Number, dimension: str, *, most: float, example: str) -> float:
    """Read an amount; a bare number is in the unit that the option names."""
    try:
        number = _bare(value, dimension)
    except InputError:
        try:
            number = parse(value, dimension)
        except InputError:
            raise InputError(
                f"{numbers.given(name)} {value!r} is no such amount; write for example {example}"
            ) from None
    if number <= 0:
        raise InputError(
            f"{numbers.given(name)} {value!r} is a budget of nothing; give more than 0, for example {example}"
        )
    if number > most:
        raise InputError(
            f"{numbers.given(name)} {value!r} is more than there is to buy; give at most {most:.0e}"
        )
    return number


def _bare(value: Number, dimension: str) -> float:
    return parse(value, "count") * (MEGA if dimension == "watts" else 1.0)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The question as read.

    Attributes
    ----------
    amount
        What was given; of a deal, what it pays.
    deal : Deal or None
    cluster, gpu
        One of the two.
    days
        For which the amount is to last.
    rule
        By which H100 equivalents are counted.
    yardstick
        What it is counted in.
    served
        Model and traffic of the services: those of the yardstick, or of the model that was named.
    """

    amount: Amount
    deal: Deal | None
    cluster: str | None
    gpu: str | None
    days: float
    rule: str
    yardstick: Yardstick
    served: tuple[tuple[Any, str], ...]

    @classmethod
    def read(
        cls,
        catalog: Catalog,
        filled: Filled,
        *,
        usd: Number | None,
        mw: Number | None,
        gpu_hours: Number | None,
        gpus: Number | None,
        deal: str | None,
        cluster: str | None,
        gpu: str | None,
        days: Number | None,
        rule: str | None,
        model: Any,
    ) -> Self:
        """Read the question and fill what is open.

        Raises
        ------
        UsageError
            No amount or two, a deal beside an amount, or both a cluster and an accelerator.
        InputError
            A value that is wrong.
        UnknownNameError
            No such deal.
        """
        amount = Amount.read(usd=usd, mw=mw, gpu_hours=gpu_hours, gpus=gpus)
        if (amount is None) == (deal is None):
            raise UsageError(
                "a budget of what? Give one of --usd 10B, --mw 300, --gpu-hours 2.8M, --gpus 16384, "
                "--deal NAME"
                if amount is None
                else "--deal says what is paid: leave out the amount, or leave out --deal"
            )
        record = None if deal is None else catalog.get(DEAL, deal)
        if cluster is not None and gpu is not None:
            check_place(cluster, gpu)
        if cluster is None and gpu is None:
            cluster, gpu = _usual_hardware(catalog, record, filled)
        yardstick = catalog.get(YARDSTICK, USUAL)
        span = _days(days, record, filled)
        return cls(
            amount=amount or Amount("usd", 0.0 if record is None else paid_usd(record, span)),
            deal=record,
            cluster=cluster,
            gpu=gpu,
            days=span,
            rule=_rule(rule, filled),
            yardstick=yardstick,
            served=_served(catalog, yardstick, model),
        )


def _usual_hardware(catalog: Catalog, deal: Deal | None, filled: Filled) -> tuple[str | None, str | None]:
    if deal is not None:
        filled.assume("cluster", deal.cluster, f"what the record of {deal.id} sets it against")
        return deal.cluster, None
    part = reference_part(catalog).id
    filled.assume("gpu", part, "no hardware is named, and prices of compute are told by it; see --cluster")
    return None, part


def _days(days: Number | None, deal: Deal | None, filled: Filled) -> float:
    if days is not None:
        return numbers.days_of("days", days)
    if deal is not None and deal.monthly is not None:
        months = months_of(deal.monthly)
        value = months / MONTHS_PER_YEAR * DAYS_PER_YEAR
        filled.assume(
            "days", value, f"{months} months of {deal.id}, {deal.monthly.first} to {deal.monthly.last}"
        )
        return value
    why = "a year; --days says for how long the amount is to last"
    if deal is not None:
        why = f"a year: {deal.id} names no term for the compute; --days says otherwise"
    filled.assume("days", DAYS_PER_YEAR, why)
    return DAYS_PER_YEAR


def _rule(rule: str | None, filled: Filled) -> str:
    if rule is not None:
        return numbers.choice("rule", rule, tuple(PEAK_RULES))
    filled.assume("rule", USUAL_RULE, "H100 equivalents by dense bf16 rates; --rule names another")
    return USUAL_RULE


def _served(catalog: Catalog, yardstick: Yardstick, model: Any) -> tuple[tuple[Any, str], ...]:
    """Return model and traffic of each service; one model in all traffics where it is named."""
    if model is None:
        return tuple((one.model, one.traffic) for one in yardstick.served)
    read_model_record(catalog, model)
    return tuple((model, traffic) for traffic in dict.fromkeys(one.traffic for one in yardstick.served))
