"""What the frontier answers: frozen result types, whose JSON other programs rely on.

Names carry their unit; a quantity with an 80 % interval is ``{"value": x, "low": a, "high": b}``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from planner.plan.document import Assumption, Base, Bottleneck, Document, Interval, Nearest, SourceUsed
from planner.plan.strategy import Strategy

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "BatchLawView",
    "FrontierAnswer",
    "FrontierInputs",
    "FrontierResult",
    "Leverage",
    "Limit",
    "Point",
    "Run",
    "Serving",
    "Size",
    "SurfaceFacts",
]

Goal = Literal["loss", "size", "cost"]


class FrontierInputs(Base):
    """The question as resolved."""

    cluster: str | None
    gpu: str
    system: str | None
    fabric: str | None
    gpus: int
    """Accelerators available to the run: those of one group of like hardware."""
    days: tuple[float, ...]
    goal: Goal
    law: str
    """Scaling law of the loss, or of the split alone."""
    shape: str
    """How the architecture grows with its parameters."""
    counted: Literal["all", "active"]
    """Which parameters are varied."""
    seq_len: int
    batch_law: str
    unique_tokens: float
    leverage: float | None
    tokens_per_parameter: float | None
    loss: float | None
    """To be reached, nats."""
    serve_tokens: float | None
    """Written in the model's life."""
    isl: float | None
    osl: float | None
    precision: str
    software: str
    site: str
    price: str
    finance: str
    failures: str
    power_cap_megawatts: float | None
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class Run(Base):
    """The training run, by the estimator of `planner.train`."""

    gpus_used: int
    gpus_spare: int
    strategy: Strategy
    step_time_s: Interval
    tokens_per_s: Interval
    """While nothing fails."""
    goodput: Interval
    mfu: float
    """Attention counted causally, over the dense peak of the precision."""
    days: Interval
    """With failures: those asked for are the value."""
    gpu_hours: Interval
    """With failures, of the accelerators used."""
    cost_usd: Interval
    usd_per_gpu_hour: Interval
    power_megawatts: Interval
    energy_megawatt_hours: Interval
    co2_tonnes: Interval
    hours_between_failures: float
    fit_probability: float
    bottleneck: Bottleneck
    """Of a step."""


class BatchLawView(Base):
    """The same time by one law of the critical batch alone."""

    law: str
    critical_batch_tokens: float
    """For the tokens of that run."""
    batch_tokens: float
    parameters: float
    tokens: float
    tokens_worth: float
    loss: float | None


class Leverage(Base):
    """Compute of a dense model over that of this mixture at equal loss."""

    value: float
    low: float
    high: float
    activation: float
    """Share of the experts at work."""
    granularity: float
    loss_without: float | None
    """If the mixture were worth no more than a dense model of its active parameters."""
    loss_low: float | None
    """At the high end of the leverage."""
    loss_high: float | None
    """At its low end."""


class Limit(Base):
    """How much loss one limit costs."""

    resource: Literal["compute", "batch", "data", "failures"]
    loss: float | None
    """Nats less without it (of compute: with twice the time); null where the law has no loss."""
    tokens: float
    """Worth of the tokens without it over that with it, at the same size."""
    sentence: str


class Size(Base):
    """The best run of another size in the same time; by the goal ``cost``, to the same loss."""

    parameters: float
    model: str
    """As `planner.train` takes it."""
    batch_tokens: float
    tokens: float
    tokens_per_parameter: float
    loss: float | None
    loss_more: float | None
    """Than the point's, both by the surface."""
    utilisation: float
    """6 x parameters x tokens over the dense peak of the accelerators used, failures included."""
    gpus_used: int
    cost_usd: float
    days: float | None
    """To the loss of the point, null where this size never has it; of a law without a loss, those of the
    point."""
    serving_usd: float | None = None
    total_usd: float | None = None


class Serving(Base):
    """What the model costs to serve, beside its training."""

    output_tokens: float
    usd_per_million_output_tokens: Interval
    """Prompts included."""
    serving_usd: Interval
    training_usd: Interval
    total_usd: Interval
    usd_per_training_exaflop: float
    """Of model compute, 6 x parameters x tokens."""
    usd_per_serving_exaflop: float
    """Of 2 x parameters x tokens read and written."""
    loss_reached: float
    """Nats, the same for all sizes that are compared."""
    sentence: str


class Point(Base):
    """The answer for one time."""

    days: float
    """Allowed."""
    model: str
    """As `planner.train` takes it, the shape and the size."""
    name: str
    parameters: Interval
    """Those counted (active ones of a mixture); the interval is that of the law's best size."""
    total_parameters: int
    layers: int
    hidden: int
    tokens: Interval
    """Trained on."""
    tokens_per_parameter: float
    epochs: float
    """Passes over the unique tokens."""
    batch_tokens: float
    critical_batch_tokens: Interval
    """By the law named, or the band of two laws."""
    tokens_worth: float
    """Fresh tokens in small batches that these are worth."""
    loss: Interval | None
    """Expected, nats; null by a law that says only the split."""
    ahead: float | None
    """Tokens worth over those of the law's best split; null outside a table of optima."""
    flop: float
    """6 x parameters x tokens."""
    model_flop: float
    """With attention and head, without recomputation."""
    train_days: float
    """Of the run: the days allowed, or fewer where the loss is given."""
    latency_wall_days: float
    """Shortest time of these steps on any number of accelerators."""
    run: Run
    leverage: Leverage | None
    by_batch_law: tuple[BatchLawView, ...]
    limits: tuple[Limit, ...]
    """Empty by the goal ``cost``."""
    binds: Bottleneck
    """What keeps the model from being better, and its share of the loss that the limits cost together; by the
    goal ``cost`` the deadline and what it costs, or which of training and serving costs most."""
    sizes: tuple[Size, ...]
    serving: Serving | None
    extrapolated: tuple[str, ...]
    """Where a law is used outside the runs of its fit."""
    sentence: str


class SurfaceFacts(Base):
    """How the rates were found."""

    sizes: tuple[float, ...]
    """Parameters of the models that were searched for."""
    searches: int
    seconds: float
    spread: float
    """Standard deviation of the searches about the surface, of the rate, relative."""
    exact_over_surface: tuple[float, ...]
    """Rate of the run that was evaluated over that of the interpolation which chose it, for each time."""
    dropped: dict[str, str]
    """Sizes that cannot be trained, and why."""


class FrontierAnswer(Base):
    """The answer."""

    sentence: str
    points: tuple[Point, ...]
    """One for each time, in the order asked."""
    surface: SurfaceFacts
    reasons: tuple[str, ...] = ()
    """Why a time has no point."""
    nearest: tuple[Nearest, ...] = ()
    notes: tuple[str, ...] = ()


class FrontierResult(Document):
    """Answer to ``planner frontier``."""

    schema_name: Annotated[Literal["planner.frontier/1"], Field(alias="schema")] = "planner.frontier/1"
    inputs: FrontierInputs
    assumptions: tuple[Assumption, ...]
    result: FrontierAnswer
    sources: dict[str, SourceUsed]

    @property
    def points(self) -> tuple[Point, ...]:
        """One for each time."""
        return self.result.points

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.frontier.table import sections

        return sections(self)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: one for each time."""
        from planner.plan.frontier.table import point_records

        return point_records(self)
