"""What a training question answers: frozen result types, whose JSON other programs rely on.

Names carry their unit; a quantity with an 80 % interval is ``{"value": x, "low": a, "high": b}``. Nothing
here is ever NaN or infinite: what does not exist is null.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from planner.plan.across.results import Across, Multisite
from planner.plan.document import Assumption, Base, Bottleneck, Document, Interval, Nearest, SourceUsed
from planner.plan.operating.results import Cost, Power, Reliability, Storage
from planner.plan.strategy import Strategy

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "Alternative",
    "Assumption",
    "Bottleneck",
    "Document",
    "Interval",
    "Memory",
    "Mfu",
    "Nearest",
    "Need",
    "Plan",
    "Search",
    "SourceUsed",
    "Strategy",
    "TrainAnswer",
    "TrainInputs",
    "TrainResult",
]

TRAIN_SCHEMA = "planner.train/1"


class TrainInputs(Base):
    """The question as resolved."""

    question: Literal["days", "tokens", "gpus"]
    """Which of the three was solved for."""
    model: str
    """Id of the model's record."""
    parameters: int
    """Of the model, all of them."""
    active_parameters: int
    """That one token visits."""
    cluster: str | None
    gpu: str
    """Id of the accelerator."""
    system: str | None
    fabric: str | None
    gpus: int | None
    """Accelerators available to the job; null where they were asked for."""
    tokens: float | None
    """To train on, epochs included; null where they were asked for."""
    days: float | None
    """Allowed, failures included; null where they were asked for."""
    seq_len: int
    global_batch_seqs: int
    global_batch_tokens: int
    precision: str
    software: str
    goal: str
    top: int
    site: str
    price: str
    finance: str
    failures: str
    power_cap_megawatts: float | None
    pinned: dict[str, int | float | str | bool]
    """Layout fields that were given and not searched."""
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""
    kind: str = "pretrain"
    """What is trained: `pretrain`, or the id of a record of fine-tuning."""
    epochs: float = 1.0
    """Times that the data is seen; `tokens` counts each time."""
    packing: float = 1.0
    """Share of the positions that hold tokens; `global_batch_tokens` counts those only."""
    rank: int | None = None
    """Of adapters."""
    targets: tuple[str, ...] = ()
    """Matrices with adapters."""
    learning_parameters: int | None = None
    """That have gradients and states: all in pre-training, adapters where the weights are frozen."""


class Mfu(Base):
    """Model FLOPs utilisation; recomputation does not count as work."""

    value: float
    """Attention scores counted causally (half of all pairs)."""
    low: float
    high: float
    full: float
    """The same step with all pairs counted."""
    convention: str
    peak_tflop_per_s: float
    """Dense peak it is relative to."""
    model_tflop_per_token: float
    """Forward and backward, causal."""


class Memory(Base):
    """Peak memory of the fullest accelerator in GB of 10^9 bytes."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    buffers: float
    allocated: float
    """What the framework's allocator counts."""
    device: float
    """What the driver counts: with context, libraries and fragmentation."""
    capacity: float
    fit_probability: float
    fit: Literal["fits", "marginal", "no"]


class Plan(Base):
    """The chosen layout and what it does."""

    strategy: Strategy
    gpus_used: int
    gpus_spare: int
    """Available, and of no use to this job: spares."""
    step_time_s: Interval
    tokens_per_s: Interval
    tokens_per_s_per_gpu: Interval
    mfu: Mfu
    days: Interval
    """Without failures, restarts and checkpoints."""
    goodput: Interval
    """Share of the time in which the job makes progress at that step time."""
    days_with_failures: Interval
    gpu_hours: Interval
    """Of the accelerators used, without failures."""
    power_megawatts: Interval
    """Of the facility, on average, for the accelerators used and the spares that stand by."""
    energy_megawatt_hours: Interval
    """Of the run with failures, at the meter."""
    co2_tonnes: Interval
    """Of that energy, location-based."""
    cost_usd: Interval
    """Of the accelerators used and the spares, for the run with failures."""
    usd_per_gpu_hour: Interval
    usd_per_million_tokens: Interval
    """Trained on."""
    memory_gb_per_gpu: Memory
    reliability: Reliability
    power: Power
    cost: Cost
    storage: Storage
    time_breakdown_s: dict[str, float]
    """Seconds of one step by what they are spent on; they add up to the step time."""
    bottleneck: Bottleneck
    interval_class: str
    """Whose spread of measured over predicted gives the intervals."""
    interval_widened: tuple[str, ...] = ()
    """Why the intervals are wider than that spread."""


class Alternative(Base):
    """Another plan, in brief."""

    why: str
    gpu: str
    strategy: Strategy
    gpus_used: int
    step_time_s: Interval
    tokens_per_s_per_gpu: float
    mfu: float
    days: Interval
    """Without failures."""
    days_with_failures: Interval
    cost_usd: float
    """With failures, without the spares that stand by."""
    memory_gb_per_gpu: float
    """Device view."""
    fit_probability: float


class Search(Base):
    """How the plan was found: counts of the search that found it."""

    strategies_evaluated: int
    """Distinct legal layouts whose step time was computed."""
    strategies_pruned: int
    """Legal layouts that a bound showed not to matter."""
    strategies_feasible: int
    """Evaluated ones that fit in memory."""
    seconds: float
    searches: int
    """Searches in all: more than one for several groups of hardware, and where accelerators are solved
    for."""
    seconds_of_all: float


class Need(Base):
    """Accelerators needed."""

    value: int
    """At the predicted step time."""
    low: int
    """At the short end of its interval."""
    high: int | None
    """At the long end; null where no number of replicas of a layout found makes up for it."""


class TrainAnswer(Base):
    """The answer."""

    plan: Plan | None
    gpus: Need | None = None
    """The fewest accelerators, where that was the question."""
    tokens: Interval | None = None
    """What can be trained on in the days, where that was the question."""
    alternatives: tuple[Alternative, ...] = ()
    across: Across | None = None
    """Training on all groups of a cluster of unlike hardware; null where it was not looked at."""
    multisite: Multisite | None = None
    """The plan over several sites, where a link was named."""
    search: Search
    reasons: tuple[str, ...] = ()
    """Why there is no plan."""
    nearest: tuple[Nearest, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know to use the figures."""


class TrainResult(Document):
    """Answer to ``planner train``."""

    _ASKED: ClassVar[tuple[str, ...]] = ("gpus", "tokens")

    schema_name: Annotated[Literal["planner.train/1"], Field(alias="schema")] = "planner.train/1"
    inputs: TrainInputs
    assumptions: tuple[Assumption, ...]
    result: TrainAnswer
    sources: dict[str, SourceUsed]
    _trace: Any = PrivateAttr(default=None)

    @property
    def plan(self) -> Plan | None:
        """The chosen plan; None where nothing is feasible."""
        return self.result.plan

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.table import sections

        return sections(self)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: the plan and its alternatives."""
        from planner.plan.table import plan_records

        return plan_records(self)

    def explain(self) -> Any:
        """Trace the plan's numbers to their sources; see `planner.plan.explain`."""
        from planner.plan.explain import explain

        return explain(self)
