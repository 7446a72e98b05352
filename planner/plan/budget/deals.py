"""What a deal pays, and the prices at which it breaks even; rights to buy are reported and not priced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.cost.contract import lease_usd_per_hour, leased_accelerators
from planner.model.cost.hour import MONTHS_PER_YEAR
from planner.plan.budget.parts import BreakEven, Capacity, DealTerms, Payment, Report
from planner.plan.cluster.words import usd as dollars
from planner.units import HOURS_PER_YEAR, SECONDS_PER_DAY, SECONDS_PER_HOUR, short_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from planner.plan.budget.amounts import Amounts
    from planner.plan.budget.asked import Wanted
    from planner.plan.budget.parts import AtPrice
    from planner.workload.deal import Capacity as Covers
    from planner.workload.deal import Deal, Monthly

__all__ = ["DATED", "DAYS_PER_YEAR", "HOURS_PER_DAY", "months_of", "paid_usd", "terms_of"]

DATED: Final = "reserved@"
"""In the words of a contract of about a year at a date."""
HOURS_PER_DAY: Final = SECONDS_PER_DAY / SECONDS_PER_HOUR
DAYS_PER_YEAR: Final = HOURS_PER_YEAR / HOURS_PER_DAY


def months_of(monthly: Monthly) -> int:
    """Months of a monthly payment, the first and the last included."""
    (first_year, first), (last_year, last) = (
        (int(part) for part in month.split("-")) for month in (monthly.first, monthly.last)
    )
    return 12 * (last_year - first_year) + last - first + 1


def paid_usd(deal: Deal, days: float) -> float:
    """All that a deal pays: its sums, or the monthly payment over the days."""
    if deal.monthly is None:
        return sum(one.usd.value for one in deal.sums)
    return deal.monthly.usd.value * MONTHS_PER_YEAR * days / DAYS_PER_YEAR


def terms_of(wanted: Wanted, found: Amounts, prices: Sequence[AtPrice]) -> DealTerms | None:
    """Return the deal as reported beside prices of hours; None where the question is of no deal."""
    deal = wanted.deal
    if deal is None:
        return None
    monthly = deal.monthly
    per_month = found.usd.value * DAYS_PER_YEAR / (found.days * MONTHS_PER_YEAR)
    capacity = (
        *(_covers(one, wanted, found, per_month) for one in deal.capacity),
        *_all(wanted, found, per_month),
    )
    even = tuple(_even(one, found, wanted, per_month) for one in prices if one.usd_per_gpu_hour is not None)
    option = deal.option
    return DealTerms(
        deal=deal.id,
        name=deal.name,
        pays=deal.pays,
        receives=deal.receives,
        status=deal.status,
        as_of=deal.date,
        payments=_payments(deal),
        usd=found.usd.value,
        usd_per_month=None if monthly is None else monthly.usd.value,
        months=None if monthly is None else float(months_of(monthly)),
        committed_usd=_committed(monthly),
        option=None
        if option is None
        else f"{option.what} for {dollars(option.usd.value)} in {option.paid_in}"
        + ("" if option.exercised is None else f", exercised {option.exercised}"),
        capacity=capacity,
        break_even=even,
        reports=tuple(Report(date=one.date, text=one.text, source=one.cite.source) for one in deal.reports),
        sentence=_said(capacity, even, found),
    )


def _payments(deal: Deal) -> tuple[Payment, ...]:
    paid = [
        Payment(name=one.name, usd=one.usd.value, paid_in=one.paid_in, source=one.usd.source)
        for one in deal.sums
    ]
    if deal.monthly is not None:
        usd = deal.monthly.usd
        paid.append(Payment(name="each month", usd=usd.value, paid_in=None, source=usd.source))
    return tuple(paid)


def _committed(monthly: Monthly | None) -> float | None:
    if monthly is None or monthly.notice is None:
        return None
    return monthly.usd.value * MONTHS_PER_YEAR * monthly.notice.value / HOURS_PER_YEAR


def _covers(one: Covers, wanted: Wanted, found: Amounts, per_month: float) -> Capacity:
    each = found.hardware.equivalents(one.rule or wanted.rule).value
    quantity = one.accelerators or one.h100_equivalents
    count = 0.0 if quantity is None else quantity.value
    accelerators = count if one.accelerators is not None else None
    equivalents = count if accelerators is None else count * each
    return Capacity(
        what=one.what,
        accelerators=accelerators,
        h100_equivalents=equivalents,
        rule=one.rule or wanted.rule,
        usd_per_gpu_hour=None if accelerators is None else _hour(per_month, accelerators),
        usd_per_h100_equivalent_hour=_hour(per_month, equivalents),
        source="" if quantity is None else quantity.source,
    )


def _all(wanted: Wanted, found: Amounts, per_month: float) -> Iterator[Capacity]:
    """Yield all of the cluster that the deal is set against."""
    size = found.hardware.size
    if size is None:
        return
    equivalents = size * found.hardware.equivalents(wanted.rule).value
    yield Capacity(
        what=f"all of {found.hardware.label}",
        accelerators=float(size),
        h100_equivalents=equivalents,
        rule=wanted.rule,
        usd_per_gpu_hour=_hour(per_month, size),
        usd_per_h100_equivalent_hour=_hour(per_month, equivalents),
        source="",
    )


def _hour(per_month: float, accelerators: float) -> float:
    return float(lease_usd_per_hour(usd_per_month=per_month, accelerators=accelerators))


def _even(one: AtPrice, found: Amounts, wanted: Wanted, per_month: float) -> BreakEven:
    each = found.hardware.equivalents(wanted.rule).value
    counted = each if one.accelerator == found.hardware.label else 1.0
    usd = 0.0 if one.usd_per_gpu_hour is None else one.usd_per_gpu_hour.value / counted
    number = leased_accelerators(usd_per_month=per_month, usd_per_hour=np.maximum(usd, 1e-12))
    size = found.hardware.size
    return BreakEven(
        price=one.price if one.accelerator == found.hardware.label else f"{one.accelerator} {one.price}",
        usd_per_h100_equivalent_hour=usd,
        h100_equivalents=float(number),
        share_of_cluster=None if size is None else float(number) / (size * each),
        basis=one.basis,
    )


def _said(capacity: Sequence[Capacity], even: Sequence[BreakEven], found: Amounts) -> str:
    """Say the price for the last thing that it may cover, beside an owner's cost and the latest rent."""
    parts = [
        f"For {one.what} it is {one.usd_per_h100_equivalent_hour:.2f} USD per H100-equivalent hour"
        for one in capacity[-1:]
    ]
    own = next((one for one in even if one.price == "own"), None)
    if own is not None:
        parts.append(
            f"at the owner's cost of {own.usd_per_h100_equivalent_hour:.2f} USD it pays {_of(own, found)}"
        )
    dated = [one for one in even if DATED in one.price]
    if dated:
        usd = dated[-1].usd_per_h100_equivalent_hour
        parts.append(f"at the latest rent of an H100, {usd:.2f} USD, {_of(dated[-1], found)}")
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def _of(one: BreakEven, found: Amounts) -> str:
    number, share = f"{short_number(one.h100_equivalents)} of them", one.share_of_cluster
    if share is None:
        return number
    part = f"{share:.1%} of" if share <= 1.0 else f"{short_number(share)} times"
    return f"{number}, {part} {found.hardware.label}"
