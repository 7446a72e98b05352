"""Parts of a serving plan as results carry them: latencies, replicas, fleet, caches, hardware."""

from __future__ import annotations

from typing import Literal

from planner.plan.document import Base

__all__ = [
    "Deployment",
    "Fleet",
    "Group",
    "Latency",
    "Layout",
    "Memory",
    "Need",
    "Precisions",
    "PrefixCache",
    "Replica",
    "Tier",
]

Role = Literal["aggregated", "prefill", "decode"]


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
