"""Mixture of experts at inference: which experts are read, how unevenly, and how tokens reach them.

References
----------
.. [1] Expected distinct experts under uniform routing, ``E (1 - (1 - k/E)^n)``: each of ``n`` tokens misses
   an expert with probability ``1 - k/E``.
.. [2] The largest of ``r`` loads with mean ``x`` exceeds it by about ``sqrt(2 x ln r)`` (extremes of a
   balanced multinomial).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.model.inference.kernels import distinct_experts, experts_s, gemm_s, padded_rows
from planner.model.inference.network import dispatch_combine_s
from planner.model.inference.replica import Ranks, Replica
from planner.types import BoolArray, FloatArray

__all__ = ["Experts", "expert_layer_s"]

SAMPLING = 0.5
"""Share of the extreme of a balanced multinomial that a step meets on average over layers [2]."""


class Experts(NamedTuple):
    """Seconds of one MoE layer on one rank."""

    compute_s: FloatArray
    traffic_s: FloatArray


def expert_layer_s(*, replica: Replica, ranks: Ranks, prompts: BoolArray) -> Experts:
    """Routed and shared experts of one layer, and the traffic to and from them.

    Shared experts run beside the routed ones: they share the memory and the matrix units, but start together.

    Parameters
    ----------
    prompts
        Rows whose step carries prompts; their traffic is sent in bulk, not at low latency.
    """
    model, layout, engine = replica.model, replica.layout, replica.engine
    experts = np.maximum(model.experts, 1.0)
    ep = np.minimum(layout.ep, layout.stage)
    split = layout.stage / ep
    tokens = ranks.group_tokens
    local = experts / ep
    active = np.minimum(
        distinct_experts(experts=experts, top_k=model.top_k, tokens=tokens) / ep, tokens * model.top_k
    )
    mean = tokens * model.top_k / ep
    fluctuation = SAMPLING * np.sqrt(2.0 * np.log(np.maximum(ep, 1.0)) / np.maximum(mean, 1.0))
    uneven = np.where(layout.balanced, engine.balanced_imbalance, engine.imbalance)
    hot = np.where(ep > 1, uneven + fluctuation, 1.0)
    rows = np.minimum(mean * hot, tokens * np.minimum(model.top_k, local))
    active = np.minimum(np.minimum(active, rows), local)
    active = np.maximum(active, np.minimum(rows, 1.0))
    dispatched = (layout.dp > 1) & (ep > 1)
    routed = experts_s(
        operators=replica.operators,
        rates=replica.experts,
        tokens=np.where(dispatched, ranks.tokens, tokens),
        rows=rows,
        active=active,
        padded=padded_rows(rows=rows, active=active),
        hidden=model.expert_hidden,
        inner=model.expert_ffn / split,
        matrices=2.0 + model.expert_gated,
    )
    shared = np.zeros(1)
    if np.any(model.shared_ffn > 0):
        width = model.shared_ffn / layout.tp
        shared = gemm_s(
            rates=replica.mlp, m=ranks.tokens, n=width * (1.0 + model.expert_gated), k=model.hidden
        )
        shared = shared + gemm_s(rates=replica.mlp, m=ranks.tokens, n=model.hidden, k=width)
        shared = np.maximum(shared - 2.0 * replica.mlp.overhead_s, 0.0)
    compute = routed + shared + engine.expert_layer_s
    traffic = np.zeros(1)
    if np.any(layout.dp > 1):
        traffic = dispatch_combine_s(
            operators=replica.operators,
            tokens=ranks.tokens,
            top_k=model.top_k,
            hidden=model.expert_hidden,
            ranks=np.where(ep > 1, ep, layout.dp),
            prefill=prompts,
        )
        hidden = np.where(layout.two_batches, 1.0 - engine.overlap, 1.0)
        traffic = np.where(layout.dp > 1, traffic * hidden, 0.0)
    return Experts(compute, traffic)
