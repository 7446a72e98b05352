"""What a budget is made of, as results carry it."""

from __future__ import annotations

from typing import Literal

from planner.plan.document import Base, Interval

__all__ = [
    "AtPrice",
    "Bought",
    "BreakEven",
    "Capacity",
    "DealTerms",
    "Energy",
    "FlatRate",
    "Largest",
    "Operations",
    "Payment",
    "Report",
    "Run",
    "Service",
]


class AtPrice(Base):
    """The amount at one price of an accelerator-hour."""

    price: str
    """``own``, ``colocation``, terms of rent with their date, or as it was asked for."""
    accelerator: str
    """Whose hour it is; of a cluster the mean of all its accelerators, under its name."""
    usd_per_gpu_hour: Interval | None
    """Null where no price is known."""
    usd: Interval | None
    """Given, or what the hours cost."""
    gpu_hours: Interval | None
    """Given, or what the money pays."""
    h100_equivalent_hours: Interval | None
    """By the rule of the question."""
    share_of_cluster: Interval | None
    """Equivalent hours over those of the cluster in the days; null without a cluster."""
    basis: str
    """Where the price comes from, with its date; or why there is none."""


class Bought(Base):
    """Whole systems that the money buys instead, building included."""

    system: str | None
    accelerators: Interval
    systems: int
    usd: Interval
    """Capital of them."""
    nameplate_megawatts: float
    """At the meter of the facility."""
    allotted_capital_usd: Interval
    """Capital of as many accelerators as are allotted for the days."""
    days_to_pay_for_itself: float | None
    """Of rent at the price of the question, less the running cost of an owner, that come to the capital; null
    where renting is never dearer."""


class Energy(Base):
    """Power of the allotted accelerators, and energy of the days."""

    nameplate_megawatts: Interval
    """At the meter of the facility, all equipment at its rating in the warmest season."""
    average_megawatts: Interval
    """In training."""
    megawatt_hours: Interval
    electricity_usd: Interval
    co2_tonnes: Interval
    """Location-based."""


class FlatRate(Base):
    """Operations of the hours at a share of the dense bf16 peak: arithmetic, no estimate."""

    who: str
    utilisation: float
    flop: Interval
    kind: Literal["news", "assumption"]
    """Whether the share was reported, or is ours."""
    source: str


class Operations(Base):
    """A number of operations that people speak of, in hours at the usual utilisation."""

    name: str
    flop: Interval
    utilisation: float
    h100_equivalent_hours: Interval
    """By dense bf16."""
    share: Interval
    """Of the equivalent hours of the answer."""
    hours_on_all: float
    """On all allotted accelerators at once."""


class Run(Base):
    """A published training run, by the estimator."""

    model: str
    accelerator: str | None = None
    """That it runs on: of unlike hardware one kind, whose hours count as those of the mean by equivalents."""
    tokens: float
    flop: float
    gpus: int | None
    """That one run takes; null where it cannot be trained on this hardware."""
    days: Interval | None
    """Of one run, failures included."""
    gpu_hours: Interval | None
    utilisation: float | None
    """Model FLOPs over the dense peak of the training precision."""
    goodput: float | None
    usd: Interval | None
    """Of one run, at the price of the question."""
    runs: Interval | None
    """That the hours pay."""
    binds: str


class Largest(Base):
    """The model with the lowest expected loss that the allotted accelerators train in the days."""

    model: str
    """As `planner.train` takes it."""
    parameters: Interval
    tokens: Interval
    flop: float
    """6 x parameters x tokens."""
    loss: Interval | None
    """Expected, nats."""
    gpus: int
    utilisation: float
    """Model FLOPs over the dense peak of the training precision."""
    goodput: float
    usd: Interval
    days: float
    law: str
    """Scaling law of the loss."""
    extrapolated: tuple[str, ...]
    """Where the law is used outside the runs of its fit."""
    binds: str
    sentence: str


class Service(Base):
    """Users that the allotted accelerators serve for the days."""

    model: str
    traffic: str
    users: Interval | None
    """At the peak; null where nothing is feasible, or the traffic has no users."""
    requests_per_s: Interval | None
    output_tokens_per_s: Interval | None
    usd_per_user_month: Interval | None
    """At the price of the question."""
    binds: str


class Payment(Base):
    """A part of what a deal pays."""

    name: str
    usd: float
    paid_in: str | None
    source: str


class Capacity(Base):
    """The price that a deal comes to if it covers some hardware for its whole term."""

    what: str
    accelerators: float | None
    h100_equivalents: float
    """By the rule; where only accelerators are known, each counts as those of the cluster do."""
    rule: str
    usd_per_gpu_hour: float | None
    usd_per_h100_equivalent_hour: float
    source: str


class BreakEven(Base):
    """Hardware at which a deal costs the same as a price of an hour."""

    price: str
    usd_per_h100_equivalent_hour: float
    h100_equivalents: float
    """For the whole term: with more, who pays is better off than at this price."""
    share_of_cluster: float | None
    """Null without a cluster."""
    basis: str


class Report(Base):
    """Something that was reported."""

    date: str
    text: str
    source: str


class DealTerms(Base):
    """A deal as reported, and the prices at which it breaks even; rights to buy are not priced."""

    deal: str
    name: str
    pays: str
    receives: str
    status: str
    as_of: str
    """Of the terms."""
    payments: tuple[Payment, ...]
    usd: float
    """All payments of the term."""
    usd_per_month: float | None
    months: float | None
    """At the full fee."""
    committed_usd: float | None
    """What the notice leaves due at any time; null without a notice."""
    option: str | None
    capacity: tuple[Capacity, ...]
    break_even: tuple[BreakEven, ...]
    reports: tuple[Report, ...]
    sentence: str
