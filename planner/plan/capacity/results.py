"""The dossier of a cluster: frozen result types, whose JSON other programs rely on.

Each section is answered by the question of its own command, and holds the parts of that answer that one
compares clusters by; a section that is empty was not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from planner.plan.cluster.results import Sheet
from planner.plan.document import Assumption, Base, Document, Interval, Nearest, SourceUsed
from planner.plan.staged.results import StagedPlan

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "Best",
    "Binding",
    "CapacityAnswer",
    "CapacityInputs",
    "CapacityResult",
    "Reinforced",
    "Run",
    "Served",
    "Taught",
]


class CapacityInputs(Base):
    """The question as resolved."""

    cluster: str
    """Id of its record, or the part and how many."""
    accelerators: int
    dossier: str
    """Id of the record with what is looked at."""
    sections: tuple[str, ...]
    site: str | None
    """Null where the cluster says."""
    price: str
    finance: str | None
    failures: str | None
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class Run(Base):
    """A training run by a recipe, on the whole cluster."""

    recipe: str
    model: str | None = None
    """Null where the recipe cannot be read for this cluster; the reasons say why."""
    parameters: int | None = None
    active_parameters: int | None = None
    tokens: float | None = None
    gpu: str | None = None
    plan: StagedPlan | None = None
    reasons: tuple[str, ...] = ()
    nearest: tuple[Nearest, ...] = ()


class Served(Base):
    """One model that serves one traffic on the whole cluster, at the peak."""

    model: str
    traffic: str
    users: Interval | None = None
    requests_per_s: Interval | None = None
    output_tokens_per_s: Interval | None = None
    usd_per_million_output_tokens: Interval | None = None
    """Everything included, over output tokens alone."""
    usd_per_user_month: Interval | None = None
    power_megawatts: Interval | None = None
    gpus_serving: int | None = None
    mode: str | None = None
    tpot_ms: float | None = None
    """Mean."""
    ttft_ms: float | None = None
    """Mean."""
    binds: str | None = None
    """Sentence."""
    reasons: tuple[str, ...] = ()
    """Why it cannot be served."""
    nearest: tuple[Nearest, ...] = ()


class Best(Base):
    """The model with the lowest expected loss that the cluster trains in some time."""

    shape: str
    days: float
    """Allowed, failures included."""
    law: str | None = None
    model: str | None = None
    """As `planner.train` takes it."""
    parameters: Interval | None = None
    """Active ones of a mixture."""
    total_parameters: int | None = None
    tokens: Interval | None = None
    loss: Interval | None = None
    """Expected, nats."""
    flop: float | None = None
    """6 x parameters x tokens."""
    batch_tokens: float | None = None
    mfu: float | None = None
    goodput: float | None = None
    cost_usd: Interval | None = None
    binds: str | None = None
    """Sentence."""
    extrapolated: tuple[str, ...] = ()
    """Where the law is used outside the runs of its fit."""
    reasons: tuple[str, ...] = ()
    nearest: tuple[Nearest, ...] = ()


class Taught(Base):
    """A student that learns from a teacher, by a recipe."""

    recipe: str
    student: str | None = None
    teacher: str | None = None
    """A model, or who serves it."""
    mode: str | None = None
    tokens: Interval | None = None
    gpus_used: int | None = None
    days: Interval | None = None
    cost_usd: Interval | None = None
    over_plain: float | None = None
    """Cost over that of training the student on as many tokens without a teacher."""
    loss_nats: Interval | None = None
    sentence: str | None = None
    """When distillation beats training without a teacher."""
    binds: str | None = None
    reasons: tuple[str, ...] = ()
    nearest: tuple[Nearest, ...] = ()


class Reinforced(Base):
    """A run of reinforcement learning, by a recipe."""

    recipe: str
    model: str | None = None
    mode: str | None = None
    steps: Interval | None = None
    gpus_used: int | None = None
    days: Interval | None = None
    gpu_hours: Interval | None = None
    cost_usd: Interval | None = None
    flop: float | None = None
    sampled_tokens: Interval | None = None
    gpu_time_shares: dict[str, float] = Field(default_factory=dict)
    flop_shares: dict[str, float] = Field(default_factory=dict)
    rollouts_in_flight: float | None = None
    environments: Interval | None = None
    """At a time."""
    binds: str | None = None
    reasons: tuple[str, ...] = ()
    nearest: tuple[Nearest, ...] = ()


class Binding(Base):
    """What binds in a section."""

    section: str
    sentence: str


class CapacityAnswer(Base):
    """The dossier."""

    sentence: str
    site: Sheet | None
    """The fact sheet of the cluster: equivalents, power, capital, prices, and the failures of one job."""
    training: tuple[Run, ...] = ()
    frontier: tuple[Best, ...] = ()
    serving: tuple[Served, ...] = ()
    distillation: tuple[Taught, ...] = ()
    post_training: tuple[Reinforced, ...] = ()
    binds: tuple[Binding, ...]
    notes: tuple[str, ...] = ()
    """What a reader must know to use the figures."""


class CapacityResult(Document):
    """Answer to ``planner capacity``."""

    schema_name: Annotated[Literal["planner.capacity/1"], Field(alias="schema")] = "planner.capacity/1"
    inputs: CapacityInputs
    assumptions: tuple[Assumption, ...]
    result: CapacityAnswer
    sources: dict[str, SourceUsed]

    @property
    def feasible(self) -> bool:
        """Whether anything that was looked at can be trained or served."""
        answer = self.result
        done = [*(run.plan for run in answer.training), *(one.output_tokens_per_s for one in answer.serving)]
        return not done or any(one is not None for one in done)

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.capacity.table import screens

        return screens(self.result)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: one for each run and each service."""
        from planner.plan.capacity.table import records_of

        return records_of(self)
