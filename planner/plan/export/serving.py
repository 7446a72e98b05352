"""Facts of a service, as its launcher takes them: one set for each role and kind of host."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.plan.export.hosts import spread

if TYPE_CHECKING:
    from planner.plan.export.said import Facts
    from planner.plan.serving.results import Layout, Plan, ServeResult

__all__ = ["serving_facts"]


def serving_facts(
    result: ServeResult, plan: Plan, layout: Layout, *, host: int, apart: bool
) -> Iterator[Facts]:
    """Yield the facts of a layout: once, or for the first host and for the others where they start apart.

    Parameters
    ----------
    host
        Accelerators of one host.
    apart
        Whether hosts of a replica run different commands.
    """
    nodes, local = spread(layout.gpus, host)
    span = _span(layout, local)
    facts: Facts = {
        "model": result.inputs.model,
        "role": layout.role,
        "pool": _pool(plan, layout),
        "accelerator": layout.accelerator,
        "gpus": layout.gpus,
        "nodes": nodes if nodes > 1 else None,
        "gpus_per_node": local,
        "node": None,
        "span": span,
        "dp_local": local // (layout.tp * layout.pp) if span == "ranks" else None,
        "rank_start": None,
        "prefix_caching": result.inputs.prefix_hit > 0.0,
        "weights": layout.precisions.weights,
        "kv": layout.precisions.kv,
        **_parallel(result, layout),
        **_batches(plan, layout),
    }
    if nodes == 1 or not apart:
        yield facts
        return
    yield facts | {"node": "first"}
    start = f"$((NODE_RANK * {facts['dp_local']}))" if span == "ranks" else None
    yield facts | {"node": "other", "rank_start": start}


def _pool(plan: Plan, layout: Layout) -> str:
    """Return a name of a layout that no other of the plan has."""
    alike = [one for one in plan.deployment.layouts if one.role == layout.role]
    place = next(place for place, one in enumerate(alike, 1) if one is layout)
    return layout.role if place == 1 else f"{layout.role}-{place}"


def _span(layout: Layout, host: int) -> str | None:
    if layout.gpus <= host:
        return None
    if layout.dp == 1:
        return "tensors"
    return "ranks" if layout.tp * layout.pp <= host else "both"


def _parallel(result: ServeResult, layout: Layout) -> Facts:
    mixture = result.inputs.parameters != result.inputs.active_parameters
    ranks = layout.tp * layout.dp
    experts = "divided" if layout.ep == 1 else "whole" if layout.ep == ranks else "mixed"
    attention = "tensors" if layout.dp == 1 else "ranks" if layout.tp == 1 else "both"
    return {
        "tp": layout.tp,
        "pp": layout.pp,
        "dp": layout.dp if layout.dp > 1 else None,
        "attention": attention,
        "stage_gpus": ranks,
        "ep": layout.ep if mixture else None,
        "experts": experts if mixture else None,
    }


def _batches(plan: Plan, layout: Layout) -> Facts:
    """Return the limits of a step: a step of prompts and decoding carries both."""
    drafts = plan.deployment.drafts if plan.deployment.speculation is not None else 0
    sequences = math.ceil(layout.max_batch / layout.dp)
    decoding = sequences * (1 + drafts)
    tokens = {"prefill": max(layout.chunk, sequences), "decode": decoding}
    decodes = layout.role != "prefill" and plan.deployment.speculation is not None
    return {
        "sequences": layout.max_batch,
        "rank_sequences": sequences,
        "chunk": layout.chunk if layout.role != "decode" else None,
        "all_chunks": layout.chunk * layout.dp if layout.role != "decode" else None,
        "step_tokens": tokens.get(layout.role, layout.chunk + decoding),
        "speculation": plan.deployment.speculation if decodes else None,
        "drafts": drafts if decodes else None,
        "verified": drafts + 1 if decodes else None,
    }
