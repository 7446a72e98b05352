"""Time of one step of a replica: every sequence advances by a token, prompts by a chunk."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from planner.model.inference.experts import expert_layer_s
from planner.model.inference.kernels import gemm_s, stream_s
from planner.model.inference.mixers import mixing_s
from planner.model.inference.network import all_gather_s, all_reduce_s, send_s
from planner.model.inference.replica import Ranks, Replica, Work, ranks
from planner.model.operators import any_true
from planner.types import FloatArray

__all__ = ["StepTime", "step"]

HEAD_S = 10e-6
"""Sampling kernels."""

LOGIT_BYTES = 12.0
LOGIT_SHARE = 0.7
"""Bytes moved per logit by softmax and sampling, at this share of the memory bandwidth."""


@dataclass(frozen=True, eq=False)
class StepTime:
    """Seconds of a step by what they are spent on; shape ``[R]``."""

    linear_s: FloatArray  # projections and dense MLPs
    attention_s: FloatArray  # cores: cache reads, prompts, recurrent states
    expert_s: FloatArray
    elementwise_s: FloatArray
    communication_s: FloatArray  # tensor-parallel and expert traffic that nothing hides
    pipeline_s: FloatArray  # activations between stages
    head_s: FloatArray
    host_s: FloatArray
    draft_s: FloatArray
    total_s: FloatArray

    @classmethod
    def parts(cls) -> tuple[str, ...]:
        """Names of the parts; they sum to ``total_s``."""
        return tuple(f.name for f in fields(cls) if f.name != "total_s")


def step(*, replica: Replica, work: Work) -> StepTime:
    """Seconds of one step.

    Returns
    -------
    StepTime
        Rows whose part lacks a format are nan.
    """
    model, layout, engine = replica.model, replica.layout, replica.engine
    on = ranks(layout=layout, work=work)
    prompts = on.prompt_tokens > 0
    mix = mixing_s(replica=replica, work=work, ranks=on)
    slowest = np.where(layout.dp > 1, engine.attention_imbalance, 1.0)
    linear = slowest * (mix.linear_s + _dense(replica, on))
    attention = slowest * mix.core_s
    small = slowest * _elementwise(replica, on)
    expert, traffic = np.zeros(1), np.zeros(1)
    if any_true(model.n_moe > 0):
        moe = expert_layer_s(replica=replica, ranks=on, prompts=prompts)
        expert = np.where(model.n_moe > 0, slowest * model.n_moe * moe.compute_s, 0.0)
        traffic = np.where(model.n_moe > 0, model.n_moe * moe.traffic_s, 0.0)
    wire = traffic + _tensor_parallel(replica, on)
    slow = np.where(prompts, engine.prefill_slowdown, 1.0) * engine.correction
    busy = (linear + attention + small + expert + wire) * slow
    floor = engine.floor_layer_s * model.layers
    slow = slow * np.where(floor > busy, floor / np.maximum(busy, 1e-12), 1.0)
    head = layout.pp * engine.correction * _head(replica, on)
    host = layout.pp * (engine.host_step_s + engine.host_sequence_s * on.sequences)
    sent = layout.pp * _sent(replica, on)
    draft = _draft(replica, on, layers_s=(linear + attention + small + expert + wire) * slow, head_s=head)
    parts = {
        "linear_s": linear * slow,
        "attention_s": attention * slow,
        "expert_s": expert * slow,
        "elementwise_s": small * slow,
        "communication_s": wire * slow,
        "pipeline_s": sent,
        "head_s": head,
        "host_s": host,
        "draft_s": draft,
    }
    total = parts["linear_s"]
    for name in StepTime.parts()[1:]:
        total = total + parts[name]
    return StepTime(**parts, total_s=total)


def _dense(replica: Replica, on: Ranks) -> FloatArray:
    """Dense MLPs of all layers."""
    model, layout = replica.model, replica.layout
    if not any_true(model.n_dense > 0):
        return np.zeros(1)
    width = model.ffn / layout.tp
    one = gemm_s(rates=replica.mlp, m=on.tokens, n=width * (1.0 + model.gated), k=model.hidden)
    one = one + gemm_s(rates=replica.mlp, m=on.tokens, n=model.hidden, k=width)
    return model.n_dense * one


def _elementwise(replica: Replica, on: Ranks) -> FloatArray:
    """Norms, rotations, residuals of all layers: fixed time of small kernels and their traffic."""
    model, engine = replica.model, replica.engine
    moved = 2.0 * engine.element_bytes * on.tokens * model.hidden
    each = engine.layer_s + stream_s(operators=replica.operators, moved_bytes=moved, launches=0.0)
    return model.layers * each


def _tensor_parallel(replica: Replica, on: Ranks) -> FloatArray:
    """All-reduces over the tensor-parallel group.

    Two of a layer (mixer and feed-forward); where experts gather tokens from attention ranks the second is
    part of that traffic.
    """
    model, layout = replica.model, replica.layout
    if not any_true(layout.tp > 1):
        return np.zeros(1)
    one = all_reduce_s(
        operators=replica.operators, moved_bytes=2.0 * on.tokens * model.hidden, ranks=layout.tp
    )
    forward = model.n_dense + np.where(layout.dp > 1, 0.0, model.n_moe)
    mixers = model.n_full + model.n_window + model.n_linear
    return np.where(layout.tp > 1, (mixers + forward) * one, 0.0)


def _head(replica: Replica, on: Ranks) -> FloatArray:
    """Logits and sampling."""
    model, layout, ops = replica.model, replica.layout, replica.operators
    share = model.vocab / layout.tp
    logits = gemm_s(rates=replica.head, m=on.last, n=share, k=model.hidden)
    sampled = on.last * model.vocab * LOGIT_BYTES / (LOGIT_SHARE * ops.memory_bytes_per_s)
    gathered = all_gather_s(operators=ops, moved_bytes=2.0 * on.last * model.vocab, ranks=layout.tp)
    return logits + HEAD_S + sampled + gathered


def _sent(replica: Replica, on: Ranks) -> FloatArray:
    layout = replica.layout
    if not any_true(layout.pp > 1):
        return np.zeros(1)
    time = send_s(
        operators=replica.operators,
        moved_bytes=2.0 * on.tokens * replica.model.hidden,
        across=layout.gpus > replica.operators.domain,
    )
    return np.where(layout.pp > 1, time, 0.0)


def _draft(replica: Replica, on: Ranks, *, layers_s: FloatArray, head_s: FloatArray) -> FloatArray:
    """Drafts run one after another; each costs its layers, a head and a fixed time."""
    layout, model = replica.layout, replica.model
    if not any_true(layout.drafts > 0):
        return np.zeros(1)
    decode = on.decode_tokens / np.maximum(on.tokens, 1.0)
    each = layout.draft_layers * layers_s * decode / model.layers + head_s + replica.engine.draft_s
    return np.where((layout.drafts > 0) & (on.sequences > 0), layout.drafts * each, 0.0)
