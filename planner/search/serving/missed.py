"""Why nothing is feasible, and how far off the nearest replicas are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from planner.search.serving.fleet import FleetPlan, Missed
from planner.search.serving.pick import Score, at_rate, best_points, shortlist
from planner.search.serving.points import ROLES
from planner.search.serving.reasons import ASKED, bit, code
from planner.search.serving.replicas import Left
from planner.search.serving.request import ServingRequest, Target
from planner.search.serving.sweep import Swept
from planner.units import format_quantity

__all__ = ["missed"]

RULES: Final = {
    "heads": "tensor parallelism must divide heads and widths, and key/value heads or be a multiple",
    "pipeline": "pipeline parallelism needs an engine that can, and as many layers as stages",
    "attention-data": "attention data parallelism needs routed experts, and an engine that can",
    "experts": "expert parallelism needs an engine that can, and must divide the experts and tp x dp",
    "size": "a replica would need more accelerators than there are",
    "format": "the part does not multiply in the formats of the weights",
}
MEASURES: Final = {
    "ttft": "the time to the first token", "tpot": "the time per output token", "e2e": "the end-to-end time",
}  # fmt: skip


def missed(
    request: ServingRequest,
    swept: Mapping[int, Sequence[Swept]],
    left: Left,
    lacking: Sequence[str],
    most: FleetPlan | None = None,
) -> tuple[Missed, ...]:
    """Say what stands in the way, simplest cause first.

    Parameters
    ----------
    lacking
        Why options were not searched.
    most
        The fleet that serves most, where the demand is more than that.
    """
    found = list(_unrunnable(request, left, lacking))
    if any(len(one.found) for many in swept.values() for one in many):
        found = list(_targets(request, swept)) or [*_judged(request, swept), *_together(request)][:1]
    if most is not None and request.rate is not None:
        text = f"the accelerators serve {most.most_rate:.4g} requests/s; {request.rate:.4g} are asked"
        found = [_missed("accelerators", text, request.rate, most.most_rate)]
    return tuple(found)


def _missed(name: str, text: str, wanted: float = np.nan, best: float = np.nan) -> Missed:
    return Missed(code(name), name, text, wanted, best)


def _unrunnable(request: ServingRequest, left: Left, lacking: Sequence[str]) -> Iterator[Missed]:
    tokens = request.longest or float(request.load.isl[0] + request.load.osl[0])
    if tokens > request.most_tokens:
        text = (
            f"requests of {tokens:,.0f} tokens are beyond the model's context of {request.most_tokens:,.0f}"
        )
        yield _missed("context", text, request.most_tokens, tokens)
        return
    for why in dict.fromkeys(lacking):
        yield _missed("engine", why)
    for name in ("weights", "cache"):
        if left.counts[name]:
            what = {"weights": "the weights do not fit", "cache": "not one request fits beside the weights"}[
                name
            ]
            short = format_quantity(left.lacking_bytes, "bytes")
            yield _missed(name, f"{what}; the replica that comes nearest lacks {short} per accelerator")
    for name, rule in RULES.items():
        if left.counts[name]:
            yield _missed(name, rule)


def _targets(request: ServingRequest, swept: Mapping[int, Sequence[Swept]]) -> Iterator[Missed]:
    """Targets that no replica meets, with the best value among points that miss nothing else."""
    for role, many in swept.items():
        if any(np.any(one.feasible) for one in many):
            continue
        for name in MEASURES:
            target: Target = getattr(request, name)
            if not target.is_set or name not in ASKED[role]:
                continue
            best = min((_nearest(one, name, target) for one in many), default=np.inf)
            if np.isfinite(best) and best > target.seconds:
                yield _missed(name, _sentence(name, target, best, ROLES[role]), target.seconds, best)
        if all(np.all(one.missed & bit("fabric")) for one in many):
            yield _missed("fabric", "the fabric cannot carry the caches from prefill to decode at any load")


def _judged(request: ServingRequest, swept: Mapping[int, Sequence[Swept]]) -> Iterator[Missed]:
    """Targets that screening held to be met and queueing does not, at the lightest load."""
    for role, many in swept.items():
        for name in ASKED[role]:
            target: Target = getattr(request, name)
            if not target.is_set:
                continue
            points = best_points(request, many, _quickest(name, target))
            if points is None:
                continue
            few = shortlist(points, -getattr(points, name).target)
            lone = at_rate(request, few, few.rate, np.ones(len(few)))
            best = float(np.nanmin(getattr(lone, name).target, initial=np.inf))
            if target.seconds < best < np.inf:
                yield _missed(name, _sentence(name, target, best, ROLES[role]), target.seconds, best)


def _quickest(name: str, target: Target) -> Score:
    return lambda swept: -getattr(swept.waiting, name)(target.percentile)


def _together(request: ServingRequest) -> Iterator[Missed]:
    """Targets that replicas meet one by one."""
    asked = [name for name in MEASURES if getattr(request, name).is_set]
    if asked:
        text = (
            "no replica keeps the targets of " + " and ".join(MEASURES[name] for name in asked) + " at once"
        )
        yield _missed(asked[-1], text)


def _nearest(one: Swept, name: str, target: Target) -> float:
    """Least latency of the points that miss at most this target, or of all where there are none."""
    value = getattr(one.waiting, name)(target.percentile)
    alone = (one.missed & ~bit(name)) == 0
    return float(np.nanmin(value, where=alone if np.any(alone) else np.ones_like(alone), initial=np.inf))


def _sentence(name: str, target: Target, best: float, role: str) -> str:
    share = "on average" if target.percentile is None else f"for {100.0 * target.percentile:g} % of requests"
    asked, reached = (format_quantity(s, "s") for s in (target.seconds, best))
    return f"{MEASURES[name]} is at best {reached} {share} on {role} replicas; {asked} are asked"
