"""What a question of post-training answers: frozen result types, whose JSON other programs rely on.

Names carry their unit; a quantity with an 80 % interval is ``{"value": x, "low": a, "high": b}``. Nothing
here is ever NaN or infinite: what does not exist is null.
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
    "Alternative",
    "Compared",
    "Engines",
    "Environments",
    "Fewer",
    "Plan",
    "PostTrainAnswer",
    "PostTrainInputs",
    "PostTrainResult",
    "Reward",
    "Rollouts",
    "Shares",
    "SplitPoint",
    "Trainers",
    "WeightSync",
]


class PostTrainInputs(Base):
    """The question as resolved."""

    model: str
    """Id of the model's record."""
    parameters: int
    active_parameters: int
    recipe: str
    mode: Literal["sync", "async"]
    staleness: float | None
    """Steps after which a rollout may no longer be trained on; null in sync mode."""
    cluster: str | None
    gpu: str
    gpus: int
    """Accelerators available, those for generation elsewhere not counted."""
    generation_gpu: str | None
    """Where rollouts are generated on other hardware."""
    generation_gpus: int | None
    link: str | None
    fixed: Literal["steps", "tokens", "days", "gpu_hours"]
    """Which of the four was given; the others are answers."""
    amount: float
    """Of it."""
    prompts: float
    group: float
    prompt_tokens: float
    mean_tokens: float
    """Sampled in a rollout."""
    p99_tokens: float
    max_tokens: float
    turns: float
    environment_tokens: float
    tool_time_s: float
    """Of a rollout of mean length."""
    late: float | None
    """Share of the rollouts that may come too late; null in sync mode."""
    epochs: float
    passes: float
    environments: int | None
    """Sandboxes there are; null without a limit."""
    precision: str
    """Of training."""
    reward_law: str | None
    reward_start: float | None
    reward_middle: float | None
    site: str
    price: str
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class Engines(Base):
    """Who generates."""

    gpu: str
    gpus: int
    """In colocated training, all of them by turns."""
    replicas: int
    replica_gpus: int
    engine: str
    weights: str
    kv: str
    tp: int
    pp: int
    dp: int
    ep: int
    rollouts_per_replica: float
    """At a time."""
    rollouts_memory_holds: float
    """Per replica, those that wait for tools counted as far as their keys and values stay."""
    tokens_per_s: Interval
    """Sampled on average over the step, evaluation and what is thrown away included."""
    tokens_per_s_per_gpu: float
    full_tokens_per_s_per_gpu: float
    """Of this layout with its memory full and no tools."""
    utilisation: float
    """Model FLOPs over the dense peak, over the step."""
    binds: str


class Trainers(Base):
    """Who trains."""

    gpus: int
    strategy: Strategy
    tokens_per_s: Interval
    """While they train, failures included; forward and backward."""
    seq_len: int
    """Tokens of a packed sequence: the length that a token is in on average."""
    global_batch_seqs: int
    goodput: float
    mfu: float
    """While they train."""
    utilisation: float
    """Over the step."""
    binds: str


class Rollouts(Base):
    """Rollouts of a step."""

    trained_on: float
    started: float
    """With those that are thrown away, and those of evaluation."""
    sampled_tokens: float
    """Of all that are trained on."""
    trained_tokens: float
    """With prompts and what the environment added, all epochs."""
    in_flight: float
    mean_s: Interval
    """From start to reward."""
    long_s: Interval
    """Of the longest of a step in sync mode, to its end; in async mode of the longest that is in time."""
    long_tokens: float
    """Sampled in such a one."""
    staleness_steps: float
    """Of a rollout of mean length, between its start and its use."""


class Environments(Base):
    """What rollouts need beside accelerators."""

    concurrent: Interval
    starts_per_s: Interval
    hosts: float
    cores: float
    usd_per_hour: Interval
    sentence: str


class WeightSync(Base):
    """New weights on their way."""

    gigabytes: float
    """Sent to each replica."""
    seconds: Interval
    every_steps: float
    over: str


class Shares(Base):
    """Who takes what: shares that add up to 1 each."""

    flop: dict[str, float]
    """Of the floating-point operations of models."""
    gpu_time: dict[str, float]
    """Of the time of all accelerators used."""
    sentence: str


class SplitPoint(Base):
    """Another way to divide the accelerators."""

    generation_gpus: int
    training_gpus: int
    step_time_s: float
    binds: str


class Fewer(Base):
    """The same run on fewer accelerators."""

    gpus: int
    generation_gpus: int
    step_time_s: float
    days: float
    gpu_hours: float


class Alternative(Base):
    """The other mode on the same accelerators."""

    mode: Literal["sync", "async"]
    step_time_s: float | None
    """Null where it cannot run."""
    days: float | None
    sentence: str


class Reward(Base):
    """Reward against compute by the law of a recipe."""

    law: str
    asymptote: float
    exponent: float | None
    start: float | None
    middle_gpu_hours: float | None
    reward: Interval | None
    """After the accelerator-hours of the plan; null where start and middle were not given."""
    curve: tuple[tuple[float, float], ...] = ()
    """Accelerator-hours and reward."""
    sentence: str


class Compared(Base):
    """A published figure beside what comes out here, without tuning."""

    says: str
    published: float | None = None
    here: float | None = None
    difference: float | None = None
    """Here over published, less one."""


class Plan(Base):
    """The chosen split and what the run takes."""

    steps: Interval
    days: Interval
    gpu_hours: Interval
    """Of the accelerators used."""
    cost_usd: Interval
    """Of accelerators and of the hosts of environments."""
    energy_megawatt_hours: Interval
    power_megawatts: float
    """On average at the meter, hosts of environments not included."""
    flop: float
    """Of models, generation included."""
    sampled_tokens: Interval
    trained_tokens: Interval
    step_time_s: Interval
    step_breakdown_s: dict[str, float]
    """In sync mode one after the other; in async mode the two sides, and what each waits for."""
    bottleneck: Bottleneck
    gpus_used: int
    gpus_idle: int
    engines: Engines
    trainers: Trainers
    rollouts: Rollouts
    environments: Environments
    weight_sync: WeightSync
    shares: Shares
    splits: tuple[SplitPoint, ...] = ()
    fewer: tuple[Fewer, ...] = ()
    """On parts of the accelerators, with as many steps; in async mode, training rates interpolated."""
    alternative: Alternative | None = None
    reward: Reward | None = None
    published: tuple[Compared, ...] = ()


class PostTrainAnswer(Base):
    """The answer."""

    plan: Plan | None
    reasons: tuple[str, ...] = ()
    """Why there is no plan."""
    nearest: tuple[Nearest, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know to use the figures."""


class PostTrainResult(Document):
    """Answer to ``planner post-train``."""

    schema_name: Annotated[Literal["planner.post-train/1"], Field(alias="schema")] = "planner.post-train/1"
    inputs: PostTrainInputs
    assumptions: tuple[Assumption, ...]
    result: PostTrainAnswer
    sources: dict[str, SourceUsed]

    @property
    def plan(self) -> Plan | None:
        """The chosen plan; None where nothing is feasible."""
        return self.result.plan

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.post_train.table import sections

        return sections(self)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: the plan in one."""
        from planner.plan.post_train.table import plan_records

        return plan_records(self)
