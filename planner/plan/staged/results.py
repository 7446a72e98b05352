"""What a staged run takes: frozen result types, whose JSON other programs rely on.

Hours, days, energy and cost include failures here; the days of a stage are those of its own fastest layout.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from planner.plan.document import Assumption, Base, Document, Interval, Nearest, SourceUsed
from planner.plan.strategy import Strategy

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "AllIn",
    "Published",
    "StagePlan",
    "StagedAnswer",
    "StagedInputs",
    "StagedPlan",
    "StagedResult",
]


class StagedInputs(Base):
    """The question as resolved."""

    recipe: str
    """Id of its record."""
    model: str
    """Id of the model; of a shape with so many parameters where the recipe has no model."""
    parameters: int
    active_parameters: int
    tokens: float
    """Of all stages."""
    cluster: str | None
    gpu: str
    """Id of the accelerator."""
    gpus: int | None
    """Accelerators available, of all groups of a cluster."""
    precision: str | None
    """For all stages; null where the recipe decides."""
    software: str | None
    overhead: str
    """Id of the record with the shares of experiments and failed runs."""
    layouts: Literal["all", "regular"]
    """Which were looked at."""
    experiments: Interval
    """Compute before the run, as a share of the run's."""
    failed: Interval
    """Steps that are thrown away, as a share of the run's."""
    site: str | None
    price: str
    finance: str | None
    failures: str | None
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class StagePlan(Base):
    """One stage in its fastest layout."""

    name: str
    tokens: float
    seq_len: int
    global_batch_tokens: int
    gpus_used: int
    strategy: Strategy
    step_time_s: Interval
    mfu: float
    goodput: float
    days: Interval
    """Failures included."""
    share_of_days: float
    gpu_hours: Interval
    """Of the accelerators used, failures included."""
    cost_usd: Interval
    """Of the accelerators used and the spares, failures included."""
    energy_megawatt_hours: Interval
    co2_tonnes: Interval
    binds: str
    """What its time is spent on most."""
    sentence: str


class AllIn(Base):
    """The run with its experiments and failed runs, all at the price and the rate of the run."""

    factor: Interval
    """Over the run alone."""
    gpu_hours: Interval
    days: Interval
    """Where the same cluster does all of it, one after the other."""
    cost_usd: Interval


class Published(Base):
    """What its makers say the run took."""

    gpu: str
    gpus: int
    gpu_hours: float
    software: str | None
    """Stack it was trained with."""
    source: str
    difference: float | None
    """GPU-hours here over those, less 1; null on other hardware."""


class StagedPlan(Base):
    """The run, all stages one after the other."""

    days: Interval
    """Failures included. The errors of the stages are taken as one: their ends add up."""
    gpu_hours: Interval
    """Of the accelerators used, failures included."""
    cost_usd: Interval
    energy_megawatt_hours: Interval
    co2_tonnes: Interval
    flop: float
    """Of the model: forward and backward, attention counted causally."""
    mfu: float
    """Over the accelerators and the peaks of each stage."""
    goodput: float
    stages: tuple[StagePlan, ...]
    all_in: AllIn
    binds: str
    """Sentence."""
    published: Published | None


class StagedAnswer(Base):
    """The answer."""

    plan: StagedPlan | None
    reasons: tuple[str, ...] = ()
    """Why there is no plan, by stage."""
    nearest: tuple[Nearest, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know to use the figures."""


class StagedResult(Document):
    """Answer to ``planner staged``."""

    schema_name: Annotated[Literal["planner.staged/1"], Field(alias="schema")] = "planner.staged/1"
    inputs: StagedInputs
    assumptions: tuple[Assumption, ...]
    result: StagedAnswer
    sources: dict[str, SourceUsed]

    @property
    def plan(self) -> StagedPlan | None:
        """The run; None where a stage is not feasible."""
        return self.result.plan

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.staged.table import sections

        return sections(self)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: one for each stage."""
        from planner.plan.staged.table import records_of

        return records_of(self)
