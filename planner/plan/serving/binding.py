"""What keeps a replica from taking more requests, and what its time is spent on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.inference.batching import decode_bound, prompt_work, steady
from planner.model.inference.disaggregated import decode_pool, prefill_pool
from planner.model.inference.replica import Replica, Work, ranks
from planner.model.inference.step import StepTime, step
from planner.plan.document import Bottleneck
from planner.plan.serving.words import percentile_text
from planner.search.serving import DECODE, PREFILL, of_points
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.search.serving import PoolPlan, ServingRequest
    from planner.tables.serving import Load

__all__ = ["Binding", "Spent", "binding_of", "bottleneck_of", "spent_of"]

RESOURCES: Final = ("memory bandwidth", "compute", "communication", "host")
LIMITS: Final = {
    "kv_capacity": "KV capacity",
    "max_batch": "Batch limit",
    "ttft": "TTFT target",
    "tpot": "TPOT target",
    "e2e": "end-to-end target",
    "throughput": "throughput",
}
"""What may bind a replica, and its name for people; throughput is that of its slowest resource."""
ROUNDING: Final = 1e-6
FAR: Final = 0.6
"""Share of its nearest limit below which a replica is bound by none: there is not enough demand."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Seconds of a mean step of one replica.

    Attributes
    ----------
    parts
        By `planner.model.inference.step.StepTime.parts`, without their suffix; they add up to the step.
    resources
        The same by `RESOURCES`.
    """

    parts: dict[str, float]
    resources: dict[str, float]

    @property
    def step_s(self) -> float:
        """All of it."""
        return sum(self.parts.values())

    def share(self, resource: str) -> float:
        """Share of the step that a resource takes."""
        return self.resources[resource] / self.step_s if self.step_s else 0.0


@dataclass(frozen=True, kw_only=True)
class Binding:
    """The limit that a pool is nearest to: how near (1 is at it), and a sentence."""

    limit: str
    reached: float
    sentence: str


def spent_of(request: ServingRequest, pool: PoolPlan) -> Spent:
    """Where the time of a replica of a pool goes at its operating point."""
    found = of_points(request, pool.point)
    replica, load = found.replica, request.load
    batch = np.maximum(pool.point.batch, np.minimum(1.0, found.most_batch))
    if pool.role == PREFILL:
        prefill = prefill_pool(replica=replica, load=load)
        tokens = prefill.prompts * np.maximum(load.new, 1.0)
        return _weighed([(1.0, prefill.time, _work(replica, load, tokens, None))], replica)
    if pool.role == DECODE:
        decode = decode_pool(replica=replica, load=load, batch=batch)
        return _weighed([(1.0, decode.time, _work(replica, load, np.zeros(1), batch))], replica)
    point = steady(replica=replica, load=load, batch=batch)
    share = float(point.mixed_share[0])
    alone = _work(replica, load, np.zeros(1), batch)
    mixed = _work(replica, load, point.chunk, batch)
    chunk = _work(replica, load, point.chunk, None)
    together = float(point.mixed.total_s[0]) <= float(point.mixed_s[0]) * (1.0 + 1e-9)
    with_prompts = [(share, point.mixed, mixed)]
    if not together:
        with_prompts = [(share, point.decode, alone), (share, step(replica=replica, work=chunk), chunk)]
    return _weighed([(1.0 - share, point.decode, alone), *with_prompts], replica)


def _work(replica: Replica, load: Load, prompt: np.ndarray, batch: np.ndarray | None) -> Work:
    return prompt_work(replica=replica, load=load, prompt=prompt, batch=batch)


def _weighed(steps: list[tuple[float, StepTime, Work]], replica: Replica) -> Spent:
    parts = dict.fromkeys((name.removesuffix("_s") for name in StepTime.parts()), 0.0)
    resources = dict.fromkeys(RESOURCES, 0.0)
    for weight, time, work in steps:
        seconds = {
            name.removesuffix("_s"): weight * float(np.ravel(getattr(time, name))[0])
            for name in StepTime.parts()
        }
        for name, value in seconds.items():
            parts[name] += value
        for name, value in _by_resource(seconds, replica, work).items():
            resources[name] += value
    return Spent(parts=parts, resources=resources)


def _by_resource(seconds: dict[str, float], replica: Replica, work: Work) -> dict[str, float]:
    """Divide a step: products by their intensity; the cache is read, prompts are computed."""
    on = ranks(layout=replica.layout, work=work)
    model, layout = replica.model, replica.layout
    tokens = float(on.tokens[0])
    linear = _bound(replica, int(layout.mlp_class[0]), tokens, float(layout.mlp_bytes[0]))
    expert = linear
    if float(model.n_moe[0]) > 0:
        routed = float(on.group_tokens[0] * model.top_k[0])
        rows = routed / min(float(model.experts[0]), max(routed, 1.0))
        expert = _bound(replica, int(layout.expert_class[0]), rows, float(layout.expert_bytes[0]))
    found = dict.fromkeys(RESOURCES, 0.0)
    found[linear] += seconds["linear"] + seconds["head"] + seconds["draft"]
    found[expert] += seconds["expert"]
    attends = "compute" if float(work.prompt[0]) > 0 else "memory bandwidth"
    found[attends] += seconds["attention"]
    found["memory bandwidth"] += seconds["elementwise"]
    found["communication"] += seconds["communication"] + seconds["pipeline"]
    found["host"] += seconds["host"]
    return found


def _bound(replica: Replica, kernel: int, rows: float, weight_bytes: float) -> str:
    """Which limit of a product of `rows` rows with weights of so many bytes is nearer."""
    ops = replica.operators
    peak = float(ops.peak_flop_per_s[0, kernel]) or float(ops.peak_flop_per_s[0, 0])
    ridge = peak / float(ops.memory_bytes_per_s[0])
    return "compute" if 2.0 * rows / max(weight_bytes, 1e-9) > ridge else "memory bandwidth"


def binding_of(request: ServingRequest, pool: PoolPlan) -> Binding:
    """Which limit the replicas of a pool are nearest to."""
    point = pool.point
    full = float(point.load[0]) / request.most_load
    slots = _slots(request, pool)
    reached: dict[str, float] = {slots or "throughput": full}
    if pool.role != PREFILL and slots:
        reached[slots] = max(full, float(point.concurrency[0] / point.capacity[0]))
    for name in ("ttft", "tpot", "e2e"):
        target = getattr(request, name)
        value = float(getattr(point, name).target[0])
        if target.is_set and np.isfinite(value) and (name != "ttft" or pool.role != DECODE):
            reached[name] = value / target.seconds
    limit = max(reached, key=lambda name: reached[name])
    return Binding(limit=limit, reached=reached[limit], sentence=_sentence(request, pool, limit))


def _slots(request: ServingRequest, pool: PoolPlan) -> str:
    """Name what ends the growth of a batch, memory or the engine's limit; empty where prompts do first."""
    if pool.role == PREFILL:
        return ""
    found = of_points(request, pool.point)
    engine, layout = found.replica.engine, found.replica.layout
    if pool.role != DECODE:
        prompts = float(decode_bound(replica=found.replica, load=found.load)[0])
        if prompts < float(pool.point.capacity[0]):
            return ""
    most = float((engine.max_batch * layout.dp * layout.pp)[0])
    return "max_batch" if float(pool.point.capacity[0]) >= most * (1.0 - ROUNDING) else "kv_capacity"


def _sentence(request: ServingRequest, pool: PoolPlan, limit: str) -> str:
    point = pool.point
    if limit in ("kv_capacity", "max_batch"):
        held = f"{float(point.concurrency[0]):,.0f} of at most {float(point.capacity[0]):,.0f} requests"
        if limit == "kv_capacity":
            return f"memory holds the keys and values of no more: {held} on average"
        return f"the engine decodes no more together: {held} on average"
    if limit == "throughput":
        return f"it runs at {float(point.load[0]):.0%} of the rate at which its queue would grow without end"
    target = getattr(request, limit)
    value = format_quantity(float(getattr(point, limit).target[0]), "s", digits=3)
    asked = format_quantity(target.seconds, "s", digits=3)
    name = {"ttft": "the time to the first token", "tpot": "the time per output token"}.get(
        limit, "the end-to-end time"
    )
    return f"{name} is {value} at {percentile_text(target.percentile)}, {asked} are promised"


def bottleneck_of(binding: Binding, spent: Spent) -> Bottleneck:
    """Put limit and time together: the limit that binds, and the resource that most of a step waits for."""
    order = sorted(RESOURCES, key=lambda name: -spent.share(name))
    first, second = order[0], order[1]
    time = f"{first} takes {spent.share(first):.0%} of a step, {second} {spent.share(second):.0%}"
    if binding.reached < FAR:
        return Bottleneck(
            resource="demand",
            share=binding.reached,
            sentence=f"Nothing binds: a replica has more room than its share of the demand needs; {time}.",
        )
    if binding.limit == "throughput":
        return Bottleneck(
            resource=first,
            share=spent.share(first),
            sentence=f"{_capital(first)} binds: {binding.sentence}; {time}.",
        )
    name = LIMITS[binding.limit]
    return Bottleneck(
        resource=name,
        share=min(binding.reached, 1.0),
        sentence=f"{name} binds: {binding.sentence}; {time}.",
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
