"""What a serving question answers: frozen result types, whose JSON other programs rely on.

Names carry their unit; a quantity with an 80 % interval is ``{"value": x, "low": a, "high": b}``. Nothing
here is ever NaN or infinite: what does not exist is null.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from planner.plan.document import Assumption, Base, Bottleneck, Document, Interval, Nearest, SourceUsed
from planner.plan.operating.results import Cost, Power, ServingAvailability
from planner.plan.serving.parts import (
    Deployment,
    Fleet,
    Group,
    Latency,
    Layout,
    Memory,
    Need,
    Precisions,
    PrefixCache,
    Replica,
    Tier,
)

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "Alternative",
    "Comparison",
    "Deployment",
    "Fleet",
    "Group",
    "Latency",
    "Layout",
    "Memory",
    "Need",
    "ParetoPoint",
    "Plan",
    "Precisions",
    "PrefixCache",
    "Replica",
    "Search",
    "ServeAnswer",
    "ServeInputs",
    "ServeResult",
    "Tier",
    "Verified",
]


class ServeInputs(Base):
    """The question as resolved."""

    question: Literal["capacity", "gpus"]
    """What was solved for: what the hardware serves, or the fewest accelerators for a load."""
    model: str
    """Id of the model's record."""
    parameters: int
    """Of the model, all of them."""
    active_parameters: int
    """That one token visits."""
    cluster: str | None
    accelerator: str
    """Id of the accelerator; of a cluster, that of its largest group."""
    system: str | None
    fabric: str | None
    gpus: int | None
    """Accelerators available; null where they were asked for without a limit."""
    users: float | None
    request_rate: float | None
    """Requests per second at the peak that were asked for."""
    concurrency: float | None
    traffic: str
    isl: float
    """Mean input tokens."""
    osl: float
    """Mean output tokens."""
    prefix_hit: float
    """Share of the input tokens that a cache of unlimited size finds, or as given."""
    ttft_ms: float | None
    """Target."""
    ttft_percentile: float | None
    """Share of the requests within it; null is the mean."""
    tpot_ms: float | None
    tpot_percentile: float | None
    e2e_ms: float | None
    e2e_percentile: float | None
    peak: Literal["mean", "hour", "minute"]
    years: float
    site: str
    price: str
    finance: str
    power_cap_megawatts: float | None
    goal: str
    modes: tuple[str, ...]
    top: int
    pinned: dict[str, int]
    """Fields of the deployment that were given and not searched."""
    spares: int | None
    """Spare hosts that were asked for; null for the policy."""
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class Plan(Base):
    """The chosen deployment and what it does at the peak."""

    deployment: Deployment
    ttft_ms: Latency | None
    """Null where requests wait in a queue that is worked off."""
    tpot_ms: Latency
    e2e_ms: Latency | None
    output_tokens_per_s: Interval
    output_tokens_per_s_per_gpu: Interval
    """Of the accelerators that serve, spares left out."""
    input_tokens_per_s: Interval
    """Those found in a cache included."""
    requests_per_s: Interval
    users: Interval | None
    """Null where the traffic says nothing of its users."""
    gpus: Need
    goodput: Interval
    """Share of the planned capacity that is there on average, beside the spares."""
    power_megawatts: Interval
    """Of the facility in the mean hour, spares included."""
    energy_megawatt_hours: Interval
    """Of a year, at the meter."""
    co2_tonnes: Interval
    """Of that energy, location-based."""
    cost_usd: Interval
    """Of a year."""
    usd_per_gpu_hour: Interval
    usd_per_million_tokens: Interval
    """Of output, everything included, at the load of the mean hour."""
    availability: ServingAvailability
    power: Power
    cost: Cost
    memory_gb_per_gpu: Memory
    time_breakdown_s: dict[str, float]
    """Seconds of a mean step of the first layout, by what they are spent on."""
    resource_share: dict[str, float]
    """Share of that step by what it waits for."""
    bottleneck: Bottleneck
    """Of the first layout."""
    binds: dict[str, str]
    """By role: the limit that keeps a replica from taking more requests."""
    headroom: float
    """Share by which the rate of a replica may grow before its queue does so without end."""
    replica: Replica
    fleet: Fleet
    groups: tuple[Group, ...]
    prefix_cache: PrefixCache | None
    interval_class: str
    """Whose spread of measured over predicted throughput gives the intervals."""
    interval_widened: tuple[str, ...] = ()
    """Why the intervals are wider than that spread."""


class Alternative(Base):
    """Another plan, in brief; spares left out."""

    why: str
    mode: str
    layouts: tuple[Layout, ...]
    gpus: int
    """That serve."""
    requests_per_s: float
    users: float | None
    output_tokens_per_s_per_gpu: float
    ttft_ms: float | None
    """Mean."""
    tpot_ms: float
    """Mean."""
    e2e_ms: float | None
    """Mean."""


class Comparison(Base):
    """Aggregated and disaggregated serving of the same request."""

    aggregated: Alternative | None
    disaggregated: Alternative | None
    better: Literal["aggregated", "disaggregated", "equal"] | None
    sentence: str


class ParetoPoint(Base):
    """A replica (or pair of pools) that none beats in both."""

    tokens_per_s_per_gpu: float
    """Output."""
    tokens_per_s_per_user: float
    """One over the mean time per output token."""
    ttft_ms: float | None
    """Mean."""
    mode: str
    accelerator: str
    tp: int
    pp: int
    dp: int
    ep: int
    batch: float
    chunk: int


class Search(Base):
    """How the plan was found."""

    points_evaluated: int
    """Operating points of all searches."""
    points_feasible: int
    layouts: int
    """Legal replicas of the last search, with their chunks."""
    searches: int
    seconds: float
    """Of all searches."""


class Verified(Base):
    """A request-level simulation of one replica beside the analytic figures."""

    requests: int
    seconds: float
    load: float
    analytic: dict[str, Latency]
    """By ttft_ms, tpot_ms and e2e_ms."""
    simulated: dict[str, Latency]
    sentence: str


class ServeAnswer(Base):
    """The answer."""

    plan: Plan | None
    pareto: tuple[ParetoPoint, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    comparison: Comparison | None = None
    verified: Verified | None = None
    search: Search
    reasons: tuple[str, ...] = ()
    """Why there is no plan."""
    nearest: tuple[Nearest, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know to use the figures."""


class ServeResult(Document):
    """Answer to ``planner serve``."""

    _ASKED: ClassVar[tuple[str, ...]] = ("verified",)

    schema_name: Annotated[Literal["planner.serve/1"], Field(alias="schema")] = "planner.serve/1"
    inputs: ServeInputs
    assumptions: tuple[Assumption, ...]
    result: ServeAnswer
    sources: dict[str, SourceUsed]
    _trace: Any = PrivateAttr(default=None)

    @property
    def plan(self) -> Plan | None:
        """The chosen plan; None where nothing is feasible."""
        return self.result.plan

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.serving.table import sections

        return sections(self)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: the plan and its alternatives."""
        from planner.plan.serving.table import plan_records

        return plan_records(self)

    def explain(self) -> Any:
        """Trace the plan's numbers to their sources; see `planner.plan.serving.explain`."""
        from planner.plan.serving.explain import explain

        return explain(self)
