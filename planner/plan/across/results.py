"""What training across groups or sites answers, as results carry it."""

from __future__ import annotations

from planner.plan.document import Base, Interval
from planner.plan.results import Strategy

__all__ = ["Across", "AcrossGroup"]


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
    """Accelerators of groups that take no part."""
    gpus_used: int
    step_time_s: Interval
    tokens_per_s: Interval
    mfu: float
    """Model FLOPs over the dense peaks of all accelerators used, each in its precision; attention causal."""
    days: Interval | None
    """Without failures; null where the tokens were asked for."""
    tokens: Interval | None
    """In the days allowed; null where those were asked for."""
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
