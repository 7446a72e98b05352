"""Peak memory of one accelerator: weights, gradients, optimizer, activations, logits, working buffers.

Everything is per accelerator and in bytes. The peak is the maximum over the first, the second and the last
pipeline stage: the first holds the embedding and the most micro-batches, the last the head and the logits,
and the second is the worst of those between, which hold more layers than the ends where layers do not divide
evenly.

References
----------
.. [1] V. Korthikanti et al., arXiv:2205.05198: activation bytes per layer.
.. [2] S. Rajbhandari et al., "ZeRO", arXiv:1910.02054: 2 + 2 + 12 bytes of states per parameter, sharded in stages.
.. [3] D. Narayanan et al., arXiv:2104.04473: micro-batches in flight under 1F1B and interleaving.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.layer import _Context, prepare
from planner.tables import Hardware, Model, Rows, Software, Strategy
from planner.types import FloatArray

FIT_SLOPE = 1.702
"""Logistic slope that comes closest to the cumulative normal distribution (within 0.01)."""

StateBytes = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""Weights, gradients, optimizer states, gather buffers."""


@dataclass(frozen=True)
class ActivationCosts(Rows):
    """Activation bytes that one micro-batch leaves behind, shape ``[R]``."""

    layer_bytes: FloatArray  # everything kept
    selective_bytes: FloatArray  # kept under selective recompute
    full_bytes: FloatArray  # kept under full recompute: the input of the layer
    working_bytes: FloatArray  # transient peak while one layer runs backward
    embedding_bytes: FloatArray
    logits_bytes: FloatArray


def activation_costs(
    *, hardware: Hardware, model: Model, software: Software, strategy: Strategy
) -> ActivationCosts:
    """Activation bytes per body layer and micro-batch for each recompute choice."""
    c = prepare(hardware=hardware, model=model, software=software, strategy=strategy)
    m, st, sw = model, strategy, software
    t, split, h = c.tokens, c.sequence_split, model.hidden
    a = np.where(st.gemm_class == 0, 2.0, 1.0)  # bytes of a saved GEMM input
    mixer = attention_bytes(c, a) * (m.n_full + m.n_window) / m.layers
    mixer = mixer + linear_mixer_bytes(c, a) * m.n_linear / m.layers
    dense = t * ((sw.norm_bytes + a) * h / split + (2.0 + 2.0 * m.gated + a) * m.ffn / st.tp)
    routed = m.top_k * (a * m.expert_hidden + 2.0 * m.expert_hidden + (2.0 + 2.0 * m.expert_gated + a) * m.expert_ffn / st.etp) * st.etp
    moe = t * ((sw.norm_bytes + a) * h / split + routed / split)
    moe = moe + t * (2.0 + 2.0 * m.expert_gated + a) * m.shared_ffn / st.tp
    layer = sw.kept_share * (mixer + dense * m.n_dense / m.layers + moe * m.n_moe / m.layers)
    scores = np.where(sw.flash == 0, t * 5.0 * m.heads * st.seq_len / st.tp / st.cp, 0.0)
    rest = layer - scores
    checkpoint = 2.0 * t * h / split
    elementwise = t * (2.0 * sw.norm_bytes * h / split) + np.where(
        m.n_moe > 0, t / split * m.top_k * a * m.expert_ffn, t * a * m.ffn / st.tp
    )
    latent = np.where(
        m.mla, t * 2.0 * m.heads / st.tp * (2.0 * (m.nope_dim + m.rope_dim) + m.v_dim) * m.n_full / m.layers, 0.0
    )
    modules = np.maximum(layer - elementwise - latent, checkpoint)
    # Operators: every second matrix product's output is kept and the rest recomputed.
    selective = np.where(sw.flash == 0, rest, np.where(sw.selects_operators > 0, 0.5 * layer, modules))
    zero = 0.0 * layer
    return ActivationCosts(
        layer_bytes=layer,
        selective_bytes=selective,
        full_bytes=checkpoint + zero,
        working_bytes=2.0 * t * h / split * 2.0 + zero,
        embedding_bytes=(2.0 + sw.dropout) * t * h / split + zero,
        logits_bytes=t * sw.loss_bytes * np.where(sw.loss_sharded > 0, m.vocab / st.tp, m.vocab) + zero,
    )


def attention_bytes(c: _Context, a: FloatArray) -> FloatArray:
    """Saved by the attention block: norm input and output, q, k, v, core output, softmax scores where unfused."""
    m, st, t = c.model, c.st, c.tokens
    q = m.heads * m.qk_dim / st.tp
    kv = np.maximum(m.kv_heads / st.tp, 1.0) * (m.qk_dim + m.v_dim)
    plain = (c.sw.norm_bytes + a) * m.hidden / c.sequence_split + 2.0 * (q + kv) + (2.0 + a - 2.0 + 2.0) * (
        m.heads * m.v_dim / st.tp
    ) / 2.0
    latent = (
        (c.sw.norm_bytes + a) * m.hidden / c.sequence_split
        + 2.0 * m.heads / st.tp * (2.0 * (m.nope_dim + m.rope_dim) + 2.0 * m.v_dim)
        + 2.0 * (2.0 * m.q_lora + 2.0 * m.kv_lora)
    )
    scores = np.where(c.sw.flash == 0, 5.0 * m.heads * st.seq_len / st.tp / st.cp, 0.0)
    dropout = c.sw.dropout * m.hidden / c.sequence_split
    return t * (np.where(m.mla, latent, plain) + scores + dropout)


def linear_mixer_bytes(c: _Context, a: FloatArray) -> FloatArray:
    """Saved by a linear mixer: norm, projections, convolution output, scan output."""
    m, st, t = c.model, c.st, c.tokens
    inner = (2.0 * 2.0 * m.linear_projection + 2.0 * 2.0 * m.linear_inner) / st.tp
    return t * ((c.sw.norm_bytes + a) * m.hidden / c.sequence_split + inner)


@dataclass(frozen=True)
class MemoryCosts(Rows):
    """Peak bytes per accelerator by use, on the worst stage; shape ``[R]``."""

    weights_bytes: FloatArray
    gradients_bytes: FloatArray
    optimizer_bytes: FloatArray
    activations_bytes: FloatArray
    logits_bytes: FloatArray
    buffers_bytes: FloatArray
    allocated_bytes: FloatArray
    device_bytes: FloatArray


@dataclass(frozen=True)
class StageLayers:
    """Layers on the first, the fullest and the last pipeline stage; shape ``[R]``."""

    first: FloatArray
    most: FloatArray
    last: FloatArray


def split_layers(*, layers: FloatArray, pp: FloatArray, vpp: FloatArray) -> StageLayers:
    """Layers per stage when they need not divide evenly.

    Every chunk has ``ceil(L / (pp v))`` layers; the slots that stay empty are taken from the last stage, which also
    holds the head, and then from the first, which holds the embedding.
    """
    chunks = pp * vpp
    most = vpp * np.ceil(layers / chunks)
    spare = most * pp - layers
    from_last = np.minimum(np.ceil(spare / 2.0), most - 1.0)
    from_first = np.where(pp > 1, np.minimum(spare - from_last, most - 1.0), 0.0)
    single = pp <= 1
    return StageLayers(
        first=np.where(single, layers, np.maximum(most - from_first, 1.0)),
        most=np.where(single, layers, most),
        last=np.where(single, layers, np.maximum(most - from_last, 1.0)),
    )


def micro_batches_in_flight(
    *, strategy: Strategy, micro_batches: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Micro-batches (in whole stages' worth of layers) kept by the first, the second and the last stage.

    1F1B keeps ``min(m, p)``, one less on each stage, and 1; interleaving ``p + (p-1)/v``, ``2/v`` less on
    each stage, and ``((v-1)p + 1)/v``; an explicit `in_flight` replaces the first and scales the last.
    """
    p, v, m = strategy.pp, strategy.vpp, micro_batches
    first = np.where(v > 1, p + (p - 1.0) / v, p)
    last = np.where(v > 1, ((v - 1.0) * p + 1.0) / v, 1.0)
    explicit = np.isfinite(strategy.in_flight)
    ratio = np.where(explicit, strategy.in_flight / first, 1.0)
    last = np.minimum(np.maximum(last * np.minimum(ratio, 1.0), 1.0 / v), m)
    second = np.maximum(first * ratio - np.where(v > 1, 2.0 / v, 1.0), 1.0 / v)
    return np.minimum(first * ratio, m), np.minimum(second, m), last


def memory_costs(
    *,
    model: Model,
    software: Software,
    strategy: Strategy,
    activations: ActivationCosts,
    micro_batches: FloatArray,
) -> MemoryCosts:
    """Peak bytes per accelerator.

    Parameters
    ----------
    model, software, strategy
        Tables of ``R`` rows.
    activations
        From `activation_costs` for the same rows.
    micro_batches
        Per pipeline and step.
    """
    st = strategy
    stage = split_layers(layers=model.layers, pp=st.pp, vpp=st.vpp)
    flight = micro_batches_in_flight(strategy=st, micro_batches=micro_batches)
    states = stage_states(model=model, software=software, strategy=st, stage=stage)
    acts = stage_activations(strategy=st, activations=activations, stage=stage, flight=flight)
    every = activations.logits_bytes
    logits = (np.where(st.pp <= 1, every, 0.0), np.zeros_like(every), every)
    totals = [w + g + o + b + a + x for (w, g, o, b), a, x in zip(states, acts, logits, strict=True)]
    worst_second = (st.pp > 2) & (totals[1] > totals[0])
    ends = np.where(worst_second, totals[1], totals[0])
    worst_last = (st.pp > 1) & (totals[2] > ends)

    def worst(first: FloatArray, second: FloatArray, last: FloatArray) -> FloatArray:
        return np.where(worst_last, last, np.where(worst_second, second, first))

    weights, gradients, optimizer, buffers = (worst(*parts) for parts in zip(*states, strict=True))
    return MemoryCosts(
        weights_bytes=weights,
        gradients_bytes=gradients,
        optimizer_bytes=optimizer,
        activations_bytes=worst(*acts),
        logits_bytes=worst(*logits),
        buffers_bytes=buffers,
        allocated_bytes=(allocated := np.where(worst_last, totals[2], ends)),
        device_bytes=device_bytes(allocated, software),
    )


def device_bytes(allocated_bytes: FloatArray, software: Software) -> FloatArray:
    """What the device shows: reserved by the allocator, and context and communicators beside it."""
    return software.reserve_share * allocated_bytes + software.context_bytes


def allocated_bytes(device_bytes: FloatArray, software: Software) -> FloatArray:
    """The inverse of `device_bytes`."""
    return (device_bytes - software.context_bytes) / software.reserve_share


def stage_states(
    *, model: Model, software: Software, strategy: Strategy, stage: StageLayers
) -> tuple[StateBytes, StateBytes, StateBytes]:
    """Weights, gradients, optimizer states and gather buffers on the first, the second and the last stage.

    The first stage holds the embedding, the last the head and the MTP modules; a single stage holds all.
    """
    st, m = strategy, model
    single = st.pp <= 1
    table = m.embedding_parameters / st.tp
    head_table = table * np.where(m.tied & single, 0.0, 1.0)
    mtp = m.mtp * (m.mixer_parameters + m.dense_parameters) / m.layers / st.tp
    mtp_experts = m.mtp * m.expert_parameters / np.maximum(m.n_moe, 1.0) / (st.etp * st.ep)
    dense_layer = (m.mixer_parameters + m.dense_parameters) / m.layers / st.tp
    expert_layer = m.expert_parameters / m.layers / (st.etp * st.ep)

    def states(
        layers: FloatArray, dense_more: FloatArray | float, expert_more: FloatArray | float
    ) -> StateBytes:
        dense, expert = dense_layer * layers + dense_more, expert_layer * layers + expert_more
        return state_bytes(software, st, dense, expert, layers)

    whole = np.where(single, head_table + mtp, 0.0)
    return (
        states(stage.first, table + whole, np.where(single, mtp_experts, 0.0)),
        states(stage.most, 0.0, 0.0),
        states(stage.last, head_table + mtp, mtp_experts),
    )


def stage_activations(
    *,
    strategy: Strategy,
    activations: ActivationCosts,
    stage: StageLayers,
    flight: tuple[FloatArray, FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Activation bytes, without logits, on the first, the second and the last stage.

    `flight` is the number of micro-batches that each of them keeps, from `micro_batches_in_flight`.
    """
    kept = kept_bytes(strategy, activations) * (1.0 - strategy.offload)
    working = activations.working_bytes + recompute_peak(strategy, activations)
    first = flight[0] * (kept * stage.first + activations.embedding_bytes) + working
    return first, flight[1] * (kept * stage.most) + working, flight[2] * (kept * stage.last) + working


def kept_bytes(strategy: Strategy, activations: ActivationCosts) -> FloatArray:
    """Activation bytes kept per layer and micro-batch under the recompute choice."""
    share = strategy.recompute_layers
    full = share * activations.full_bytes + (1.0 - share) * activations.selective_bytes
    return np.where(
        strategy.recompute == 2, full, np.where(strategy.recompute == 1, activations.selective_bytes, activations.layer_bytes)
    )


def recompute_peak(strategy: Strategy, activations: ActivationCosts) -> FloatArray:
    """One whole layer's activations while it is recomputed."""
    return np.where(strategy.recompute == 2, activations.layer_bytes, 0.0)


def state_bytes(
    software: Software, strategy: Strategy, dense: FloatArray, expert: FloatArray, layers: FloatArray
) -> StateBytes:
    """Weights, gradients, optimizer states and gather buffers in bytes for the parameters of one stage.

    Dense parameters shard over the data- and context-parallel ranks, experts over what is left of them after
    expert parallelism. Full sharding keeps no 16-bit weights but those of the two layers it holds gathered.
    """
    st, sw, z = strategy, software, strategy.sharding
    ranks = np.minimum(st.dp * st.cp, st.shard_group)
    expert_ranks = np.minimum(np.maximum(st.dp * st.cp * st.tp / (st.etp * st.ep), 1.0), st.shard_group)
    whole, split = dense + expert, dense / ranks + expert / expert_ranks
    weights = 2.0 * np.where(z >= 3, 0.0, whole)
    gradients = sw.gradient_bytes * np.where(z >= 2, split, whole)
    optimizer = sw.state_bytes * np.where(z >= 1, split, whole)
    buffers = np.where(z >= 3, 4.0 * whole / np.maximum(layers, 1.0), 0.0) + sw.bucket_bytes
    return weights, gradients, optimizer, buffers


def fit_probability(
    *, device_bytes: FloatArray, capacity_bytes: FloatArray, sigma: FloatArray | float
) -> FloatArray:
    """Probability that the run fits, from the spread of log(measured/predicted) peaks (logistic, scale sigma)."""
    z = np.log(capacity_bytes / device_bytes) / np.asarray(sigma)
    probability: FloatArray = 1.0 / (1.0 + np.exp(-FIT_SLOPE * np.clip(z, -20.0, 20.0)))
    return probability


def fit_limit_bytes(
    *, capacity_bytes: FloatArray, sigma: FloatArray | float, probability: FloatArray | float
) -> FloatArray:
    """Device bytes up to which a run fits with at least `probability`: the inverse of `fit_probability`."""
    p = np.asarray(probability, dtype=float)
    return capacity_bytes * np.exp(-np.asarray(sigma) * np.log(p / (1.0 - p)) / FIT_SLOPE)
