"""Deals and contracts for compute, as reported: ``workloads/deals/ID.yaml``.

A record states what was said of a deal, by whom and when: sums, a monthly payment, an option, and what the
money may cover. Nothing in it is a price of an accelerator-hour; `planner.plan.budget` derives those.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.catalog.quantity import Count, Hours, IsoDate, Usd
from planner.catalog.records import Cite, Items, Record, Ref, Section, Text
from planner.workload.mixers import refuse

__all__ = ["Capacity", "Deal", "Monthly", "Option", "Report", "Sum"]

Month = Annotated[IsoDate, Field(pattern=r"^\d{4}-\d{2}$")]
"""A year and a month: ``2029-05``."""


class Sum(Section):
    """A part of what is paid once."""

    name: Text
    usd: Usd
    paid_in: Text | None = None
    """Cash, shares; left out where it was not said."""


class Monthly(Section):
    """What is paid every month."""

    usd: Usd
    first: Month
    """First month at the full fee."""
    last: Month
    notice: Hours | None = None
    """Time between a notice and the end of the payments; left out where neither side may leave."""


class Option(Section):
    """A right that goes with the deal; it is reported and not priced."""

    what: Text
    usd: Usd
    paid_in: Text
    exercised: IsoDate | None = None


class Capacity(Section):
    """Hardware that the money may cover, by one report or reading of it."""

    what: Text
    accelerators: Count | None = None
    h100_equivalents: Count | None = None
    rule: Literal["bf16", "8bit", "hbm-bandwidth", "memory"] | None = None
    """By which the equivalents were counted, where it was said or reckoned."""

    @model_validator(mode="after")
    def _one_count(self) -> Self:
        if (self.accelerators is None) == (self.h100_equivalents is None):
            refuse(["a capacity has accelerators or h100_equivalents; give one of the two"])
        return self


class Report(Section):
    """Something that was reported later, or beside the terms."""

    date: IsoDate
    text: Text
    cite: Cite


class Deal(Record):
    """A deal or a contract."""

    pays: Text
    """Who pays."""
    receives: Text
    """Who is paid."""
    date: IsoDate
    """Of the terms as they stand here."""
    status: Literal["announced", "disclosed", "in force", "exercised", "lapsed"]
    sums: Items[Sum] = ()
    monthly: Monthly | None = None
    option: Option | None = None
    capacity: Items[Capacity] = ()
    cluster: Annotated[str, Ref("cluster")]
    """What it is set against where the question names nothing."""
    reports: Items[Report] = ()

    @model_validator(mode="after")
    def _paid_somehow(self) -> Self:
        wrong = []
        if bool(self.sums) == (self.monthly is not None):
            wrong.append("a deal is paid in sums or monthly; give one of the two")
        if self.monthly is not None and self.monthly.last < self.monthly.first:
            wrong.append("monthly.last lies before monthly.first; swap them")
        refuse(wrong)
        return self
