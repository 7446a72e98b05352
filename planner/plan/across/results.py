"""What training across groups or sites answers, as results carry it."""

from __future__ import annotations

from planner.plan.document import Base, Interval
from planner.plan.strategy import Strategy

__all__ = ["Across", "AcrossGroup", "Multisite", "SiteMode"]


class AcrossGroup(Base):
    """A group of like accelerators that takes a share of every batch."""

    gpu: str
    """Id of the accelerator."""
    system: str | None
    fabric: str | None
    gpus_used: int
    gpus_spare: int
    """Of the group, without work."""
    strategy: Strategy
    """Its own layout; its batch is the group's share."""
    share_of_batch: float
    step_time_s: Interval
    """Of the group by itself, on its share."""
    waits_s: float
    """For the slowest group, in every step."""
    alone_step_time_s: float
    """Of the group by itself, with the whole batch."""
    fit_probability: float


class Across(Base):
    """The fastest training across groups of unlike accelerators, beside the best single group."""

    groups: tuple[AcrossGroup, ...]
    left_out: tuple[str, ...]
    """Groups that take no part: accelerator, system and fabric."""
    gpus_used: int
    step_time_s: Interval
    tokens_per_s: Interval
    mfu: float
    """Model FLOPs over the dense peaks of all accelerators used, each in its precision; attention causal."""
    days: Interval | None
    """Without failures; null where the tokens were asked for."""
    goodput: float = 1.0
    """Of a job that needs all of them."""
    days_with_failures: Interval | None = None
    cost_usd: float | None = None
    """With failures, each accelerator at its own price; without spares that stand by."""
    tokens: Interval | None
    """In the days allowed, failures included; null where those were asked for."""
    gpu_hours: Interval
    """Of the accelerators used, without failures."""
    best_group: str
    """Accelerator of the group that is fastest alone."""
    gain: float
    """Speed over that of the best group alone, less 1; negative where training across groups is slower."""
    efficiency: float
    """Speed over the sum of the speeds that the groups have alone."""
    exchange_megabytes_per_gpu: float
    """Of 10^6 bytes: gradients that an accelerator sends to other groups in a step, where it is most."""
    exchange_s: float
    """All-reduce across groups, hidden or not."""
    lost: dict[str, float]
    """Share of the step that the groups, weighted by their shares of the batch, lose by cause."""
    notes: tuple[str, ...] = ()
    sentence: str


class SiteMode(Base):
    """One way to train over several sites."""

    mode: str
    """``synchronous``, ``hierarchical`` or ``local`` (sites train apart for some steps, as DiLoCo does)."""
    efficiency: Interval
    """Useful tokens per second over those of as many accelerators in one site."""
    step_time_s: Interval
    """Of the link alone: the step time of the plan has an interval of its own."""
    exposed_s: Interval
    """Added to each step, on average."""
    exchange_s: Interval
    """From the first byte of an exchange to its last."""
    link_gigabits_per_s: Interval
    """Mean rate of each connection and direction, of 10^9 bits."""
    days: Interval | None
    """Without failures, tokens lost to training apart included; null where the tokens were asked for."""


class Multisite(Base):
    """The plan with its replicas divided among several sites."""

    link: str
    """Id of the record."""
    sites: int
    replicas_per_site: int
    """At the site that has the most."""
    gpus_per_site: int
    kilometres: float
    """Of the ring, or between two sites."""
    terabits_per_s: float
    """Of each connection, per direction."""
    gradient_gigabytes: float
    """Of 10^9 bytes: what the sites add up."""
    inner_steps: int
    """Between exchanges where sites train apart."""
    modes: tuple[SiteMode, ...]
    """Empty where the plan cannot be divided; the sentence says why."""
    best_mode: str | None
    """Fastest of those that train exactly as one site does."""
    sentence: str
