"""What a serving question answers: frozen result types, whose JSON other programs rely on.

Names carry their unit; a quantity with an 80 % interval is ``{"value": x, "low": a, "high": b}``. Nothing
here is ever NaN or infinite: what does not exist is null.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from planner.plan.results import Assumption, Base, Bottleneck, Interval, Nearest, SourceUsed

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

Role = Literal["aggregated", "prefill", "decode"]


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
    goal: str
    modes: tuple[str, ...]
    top: int
    pinned: dict[str, int]
    """Fields of the deployment that were given and not searched."""
    spares: int | None
    """Spare hosts that were asked for; null for the policy."""
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class Latency(Base):
    """A latency in steady state, milliseconds; requests of all lengths."""

    mean: float
    low: float
    """80 % interval of the mean."""
    high: float
    p50: float
    p90: float
    p99: float
    target: float | None = None
    """What was promised."""
    percentile: float | None = None
    """Share of the requests within the target; null is the mean."""
    at_percentile: float | None = None
    """The latency at that percentile."""


class Precisions(Base):
    """Formats of what is stored."""

    weights: str
    kv: str


class Layout(Base):
    """Like replicas that do the same work."""

    role: Role
    accelerator: str
    engine: str
    tp: int
    pp: int
    dp: int
    """Attention data-parallel ranks inside the replica."""
    ep: int
    gpus: int
    """Accelerators of one replica."""
    replicas: int
    """That serve."""
    max_batch: int
    """Sequences that one replica admits."""
    chunk: int
    """Prompt tokens of a step and attention rank, at most."""
    precisions: Precisions


class Deployment(Base):
    """What to deploy."""

    mode: Literal["aggregated", "disaggregated", "mixed"]
    """Prompts and decoding on the same replicas, in pools of their own, or some of each."""
    engine: str
    layouts: tuple[Layout, ...]
    """One for each kind of replica, that with the most accelerators first."""
    replicas: int
    """That serve, of all kinds."""
    max_batch: int
    """Of the replicas that decode."""
    chunk: int
    """Of the replicas that compute prompts."""
    precisions: Precisions
    speculation: str | None = None
    drafts: int = 0
    """Draft tokens of a step."""


class Memory(Base):
    """Memory of one accelerator of the first layout, GB of 10^9 bytes."""

    weights: float
    cache: float
    """Keys, values and states of the sequences in the replica, on average."""
    workspace: float
    used: float
    usable: float
    """What the engine may fill."""
    capacity: float
    """As marketed."""


class Replica(Base):
    """One replica that decodes, at the peak."""

    requests_per_s: float
    output_tokens_per_s: float
    batch: float
    """Sequences that decode, on average."""
    concurrency: float
    """Requests in it, on average."""
    load: float
    """Rate over the largest one at which no queue grows without end."""
    users: float | None


class Fleet(Base):
    """All accelerators of the plan, and what they serve over a day."""

    replicas: int
    """That serve at the peak."""
    hosts_failed: float
    """Away on average."""
    gpus_serving: int
    gpus_spare: int
    """For failed hosts, a failure domain, and upgrades."""
    gpus_idle: int | None
    """Available, and of no use to this plan; null without a limit."""
    requests_per_s_peak: float
    """That the serving replicas take within the targets."""
    requests_per_s_mean: float
    """Of the mean hour, where the traffic says how much busier the peak is."""
    output_tokens_per_day: float
    """On a day of that mean."""
    rounding_loss: float
    """Share of the rate that whole replicas cannot serve."""


class Tier(Base):
    """Where keys and values of paused sessions stay."""

    name: Literal["device", "host", "disk"]
    gb_per_replica: float
    hit: float
    """Share of the input tokens found there."""
    reload_ms: float
    """To bring back what one request needs, on average over the requests that find it there."""


class PrefixCache(Base):
    """What a cache of this size finds."""

    asked: float
    """Share of the input tokens that a cache without limits finds."""
    effective: float
    """Share that is found here."""
    sessions_per_replica: float
    """Alive at the peak: in a step, or between two."""
    active_per_replica: float
    """Of these, in a step."""
    session_gb: float
    """Keys and values of one, in the whole replica."""
    tiers: tuple[Tier, ...]
    sentence: str


class Group(Base):
    """The share of one kind of hardware."""

    accelerator: str
    system: str | None
    available: int | None
    gpus_serving: int
    gpus_spare: int
    gpus_idle: int | None
    requests_per_s: float
    users: float | None
    output_tokens_per_s: float


class Need(Base):
    """Accelerators, spares included."""

    value: int
    """At the predicted throughput."""
    low: int
    """At the high end of its interval."""
    high: int | None
    """At its low end; null where that is more than there are."""


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


class ServeResult(Base):
    """Answer to ``planner serve``."""

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

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as the JSON has it; ``verified`` only where it was asked for."""
        data = self.model_dump(mode="json", by_alias=True)
        if data["result"]["verified"] is None:
            del data["result"]["verified"]
        return data

    def to_json(self, *, indent: int | None = 2) -> str:
        """JSON text."""
        import json

        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_frame(self) -> Any:
        """Return a pandas ``DataFrame``: the plan and its alternatives, one row each."""
        import pandas as pd

        from planner.plan.serving.table import plan_records

        return pd.DataFrame(plan_records(self))

    def explain(self) -> Any:
        """Trace the plan's numbers to their sources; see `planner.plan.serving.explain`."""
        from planner.plan.serving.explain import explain

        return explain(self)

    def _repr_html_(self) -> str:
        from planner.plan.serving.table import to_html

        return to_html(self)
