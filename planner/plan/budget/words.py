"""Sentences of a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan.budget.deals import DAYS_PER_YEAR, HOURS_PER_DAY
from planner.plan.cluster.power import nameplate_watts
from planner.plan.cluster.words import between, watts
from planner.plan.cluster.words import usd as dollars
from planner.plan.document import Nearest
from planner.units import MEGA, format_quantity

if TYPE_CHECKING:
    from planner.plan.budget.amounts import Amounts
    from planner.plan.budget.asked import Amount, Wanted
    from planner.plan.document import Interval

__all__ = ["amount_words", "binds", "days_words", "headline", "hourly", "nearest", "number", "reasons"]


def number(value: float) -> str:
    """Write a count: ``4.26B``, ``485,437``."""
    return f"{value:,.0f}" if 10_000 <= value < 10_000_000 else format_quantity(value, "count", digits=3)


def hourly(value: float) -> str:
    """Write a price of an hour."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3g}"


def days_words(days: float) -> str:
    """Write a number of days, as years where it is whole ones or many."""
    years = days / DAYS_PER_YEAR
    if abs(years - round(years)) < 1e-6 and years >= 1:
        return "a year" if round(years) == 1 else f"{years:.0f} years"
    if years >= 2:
        return f"{years:.3g} years"
    return "a day" if days == 1 else f"{days:,.4g} days"


def amount_words(amount: Amount) -> str:
    """Write what was given."""
    if amount.given == "usd":
        return dollars(amount.value)
    if amount.given == "mw":
        return watts(amount.value / MEGA)
    if amount.given == "gpu-hours":
        return f"{number(amount.value)} accelerator-hours"
    return "1 accelerator" if amount.value == 1 else f"{number(amount.value)} accelerators"


def headline(wanted: Wanted, found: Amounts, equivalent_hours: Interval) -> str:
    """Say the answer in one sentence."""
    label, days = found.hardware.label, days_words(found.days)
    share = found.share
    many = found.accelerators.value
    if found.outlasts:
        of, paid = "", f"all {found.gpus:,} of them for {days_words(found.days * many / found.gpus)}"
    else:
        of = "" if share is None else f", {_share(share.value)} of {label}"
        paid = f"{number(many)} of them for {days}" if found.gpus else f"less than one of them for {days}"
    price = f"{hourly(found.price.value)} USD/h ({found.hardware.asked.price.text})"
    counted = f"{number(equivalent_hours.value)} H100-equivalent hours by {wanted.rule}"
    what = f"{number(found.hours.value)} hours of {label} at {price}, {counted}"
    given = amount_words(wanted.amount)
    if wanted.amount.given == "usd":
        return f"{given} pay {what}: {paid}{of}."
    cost = f"they cost {dollars(found.usd.value)}"
    if wanted.amount.given == "mw":
        return f"{given} of nameplate carry {number(many)} accelerators for {days}{of}: {what}; {cost}."
    be = "is" if wanted.amount.value == 1 else "are"
    return f"{given} {be} {what}: {paid}{of}; {cost}."


def _share(value: float) -> str:
    return f"{value:.1%}"


def binds(wanted: Wanted, found: Amounts) -> str:
    """Say what limits the amount."""
    label, price = found.hardware.label, f"{hourly(found.price.value)} USD/h"
    if found.outlasts:
        share = found.accelerators.value / max(found.gpus, 1)
        return (
            f"The hardware binds: the amount is {share:,.3g} times all of {label} in "
            f"{days_words(found.days)}; it lasts {days_words(found.days * share)}."
        )
    if wanted.amount.given == "usd":
        return (
            f"Money binds: a tenth more of it is {number(0.1 * found.accelerators.value)} accelerators more "
            f"at {price} ({between(found.price, hourly)})."
        )
    if found.short_of_site:
        site = found.hardware.own.estates[0].site.id
        return f"The supplies of {site} bind: they carry less than the power that was given; see --site."
    if wanted.amount.given == "mw":
        return (
            f"Power binds: an accelerator takes {_nameplate(found):,.0f} W of nameplate with its share of "
            "everything else."
        )
    what = "Accelerator-hours bind" if wanted.amount.given == "gpu-hours" else "Accelerators bind"
    return f"{what}; at {price} they cost {dollars(found.usd.value)}."


def _nameplate(found: Amounts) -> float:
    """Watts of one accelerator with its share of everything else, at the meter."""
    own = found.hardware.own
    return float(nameplate_watts(own).flat[0]) / own.total


def reasons(wanted: Wanted, found: Amounts) -> tuple[str, ...]:
    """Say why not one accelerator is paid for all the days; nothing where one is."""
    if found.gpus >= 1:
        return ()
    label, given = found.hardware.label, amount_words(wanted.amount)
    if wanted.amount.given == "mw":
        return (f"{given} are less than the {_nameplate(found):,.0f} W of nameplate of one {label}",)
    hours, whole = number(found.hours.value), number(found.days * HOURS_PER_DAY)
    return (f"{given} are {hours} hours of {label}, and one for {days_words(found.days)} takes {whole}",)


def nearest(wanted: Wanted, found: Amounts) -> tuple[Nearest, ...]:
    """Say what would pay for one accelerator."""
    if found.gpus >= 1:
        return ()
    share = max(found.accelerators.value, 1e-12)
    more = wanted.amount.value / share
    name = {"usd": "usd", "mw": "mw", "gpu-hours": "gpu_hours", "gpus": "gpus"}[wanted.amount.given]
    value = more / MEGA if name == "mw" else more
    enough = Nearest(
        field=name,
        value=value,
        sentence=f"--{name.replace('_', '-')} {value:.4g}: one accelerator for {days_words(found.days)}",
    )
    if name == "mw":  # Fewer days need no less power.
        return (enough,)
    days = found.days * share
    shorter = Nearest(
        field="days", value=days, sentence=f"--days {days:.3g}: one accelerator, as long as the amount lasts"
    )
    return shorter, enough
