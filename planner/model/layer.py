"""Forward and backward time of one transformer layer, of the head and of the embedding, on one accelerator.

A layer is the average over the body of the model (mixers and feed-forward blocks weighted by their counts), so that
hybrid and interleaved models need no special case. Times include the part of tensor-, context- and
expert-parallel communication that is not hidden.

References
----------
.. [1] V. Korthikanti et al., arXiv:2205.05198: sequence parallelism, selective recompute.
.. [2] M. Shoeybi et al., arXiv:1909.08053: tensor parallelism.
.. [3] DeepSeek-AI, arXiv:2412.19437: latent attention, shared experts, dispatch in fp8 and combine in bf16.
.. [4] H. Liu et al., "Ring Attention", arXiv:2310.01889: context parallelism.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from planner.model.collectives import dispatch_s, hidden_s, link_bytes_per_s, place, ring_s
from planner.model.operators import (
    any_true,
    causal_pairs,
    flash_attention_s,
    linear_s,
    stream_s,
    unfused_attention_s,
)
from planner.tables import Hardware, Model, Rows, Software, Strategy
from planner.types import FloatArray

TERMS = ("gemm", "attention", "elementwise", "quantise", "tensor", "context", "expert", "moe_fixed", "host")
"""Where the time of a layer goes; every term is seconds per layer and micro-batch."""

POWER_EXPONENT = 0.4
"""Matrix rate against board power: clocks fall by less than the power cap (measured on power-capped boards)."""

DROPOUT_BYTES = 2.0
"""A mask of one byte per element, written and read."""

WARM_DUTY = 0.5
"""Weight of the warm over the burst rate: a training step draws full power only during its large products."""

CONTEXT_LINK_SHARE = 0.375
"""Share of the scale-up link that one ring-attention stream reaches: sends and receives of one neighbour only."""


@dataclass(frozen=True)
class Pass:
    """Seconds by term (`TERMS`) of one pass through one layer, each of shape ``[R]``."""

    gemm: FloatArray
    attention: FloatArray
    elementwise: FloatArray
    quantise: FloatArray
    tensor: FloatArray
    context: FloatArray
    expert: FloatArray
    moe_fixed: FloatArray
    host: FloatArray

    def total(self) -> FloatArray:
        """Sum over terms."""
        return sum((getattr(self, t) for t in TERMS[1:]), self.gemm)

    @classmethod
    def zero(cls, rows: int) -> Pass:
        """No time at all."""
        return cls(*(np.zeros(rows) for _ in TERMS))

    def scaled(self, factor: FloatArray) -> Pass:
        """Every term times `factor`."""
        return Pass(*(getattr(self, t) * factor for t in TERMS))

    def plus(self, other: Pass) -> Pass:
        """Term-wise sum."""
        return Pass(*(getattr(self, t) + getattr(other, t) for t in TERMS))


@dataclass(frozen=True)
class LayerCosts(Rows):
    """What the pipeline needs to know of a layer, per micro-batch; seconds unless said otherwise, shape ``[R]``."""

    forward_s: FloatArray
    backward_s: FloatArray
    backward_weight_s: FloatArray  # the part of backward that a zero-bubble schedule can move
    selective_s: FloatArray  # extra time of selective recompute
    full_s: FloatArray  # extra time of full recompute
    prefix_delta_s: FloatArray  # dense prefix layer minus body layer, forward and backward
    prefix_delta_forward_s: FloatArray
    head_forward_s: FloatArray
    head_backward_s: FloatArray
    embedding_s: FloatArray
    mtp_s: FloatArray  # one multi-token-prediction module, forward and backward
    boundary_bytes: FloatArray  # activations sent to the next stage
    forward_terms: FloatArray  # [R, len(TERMS)]
    backward_terms: FloatArray  # [R, len(TERMS)]


@dataclass(frozen=True)
class _Context:
    """Quantities that every block shares."""

    hw: Hardware
    model: Model
    sw: Software
    st: Strategy
    tokens: FloatArray
    sequence_split: FloatArray
    sustained: FloatArray
    rate16: FloatArray
    rate_linear: FloatArray

    def linear(self, *, m: Any, n: Any, k: Any, low: bool = True) -> tuple[FloatArray, FloatArray]:
        """Forward and backward seconds of a linear layer, in the training precision or (`low=False`) in 16 bit."""
        c = self.st.gemm_class if low else np.zeros_like(self.st.gemm_class)
        return linear_s(
            m=m,
            n=n,
            k=k,
            gemm_class=c,
            rate_flop_per_s=self.rate_linear if low else self.rate16,
            memory_bytes_per_s=self.hw.memory_bytes_per_s,
            gradient_bytes=self.sw.gradient_bytes,
        )

    def stream(self, moved_bytes: FloatArray, kernels: float = 3.0) -> FloatArray:
        """Element-wise traffic at this stack's fusion."""
        return self.sw.elementwise * stream_s(
            moved_bytes=self.sw.passes * moved_bytes, memory_bytes_per_s=self.hw.memory_bytes_per_s, kernels=kernels
        )

    def quantise(self, elements: FloatArray) -> FloatArray:
        """Casting one operand to the training precision and its transpose."""
        low = np.where(self.st.gemm_class == 3, 1.5, np.where(self.st.gemm_class > 0, 1.0, 0.0))
        return low * self.sw.quantise * 4.0 * elements / (0.86 * self.hw.memory_bytes_per_s)


def prepare(*, hardware: Hardware, model: Model, software: Software, strategy: Strategy) -> _Context:
    """Rates and token counts shared by all blocks."""
    tokens = strategy.micro_batch * strategy.seq_len / strategy.cp
    split = np.where(strategy.sequence_parallel, strategy.tp, 1.0)
    power = np.minimum(hardware.power_ratio, 1.0) ** POWER_EXPONENT
    sustained = np.where(hardware.fixed_clock, 1.0, software.sustained * hardware.warm**WARM_DUTY) * power
    rate16 = hardware.peak_flop_per_s[:, 0] * hardware.gemm_asymptote[:, 0] * sustained
    rows = np.arange(hardware.peak_flop_per_s.shape[0])
    rows, classes = np.broadcast_arrays(rows, strategy.gemm_class)
    peak = hardware.peak_flop_per_s[rows, classes] * hardware.gemm_asymptote[rows, classes]
    rate = np.where(peak > 0, peak, np.nan) * sustained
    return _Context(hardware, model, software, strategy, tokens, split, sustained, rate16, rate)


def layer_costs(*, hardware: Hardware, model: Model, software: Software, strategy: Strategy) -> LayerCosts:
    """Costs of one body layer, the head, the embedding and the MTP module.

    Parameters
    ----------
    hardware, model, software, strategy
        Tables of ``R`` rows (or one row that broadcasts).

    Returns
    -------
    LayerCosts
        Per micro-batch. Rows whose precision the part lacks come out as nan and are infeasible.
    """
    c = prepare(hardware=hardware, model=model, software=software, strategy=strategy)
    m = model
    body = m.layers - m.dense_prefix
    mixers = [(m.n_full - 0.0, *attention_block(c, windowed=False))]
    if any_true(m.n_window > 0):
        mixers.append((m.n_window, *attention_block(c, windowed=True)))
    if any_true(m.n_linear > 0):
        mixers.append((m.n_linear, *linear_mixer_block(c)))
    rows = len(c.tokens + c.rate16 + m.layers)
    forward, backward = Pass.zero(rows), Pass.zero(rows)
    for count, block_forward, block_backward in mixers:
        share = count / m.layers
        forward, backward = forward.plus(block_forward.scaled(share)), backward.plus(block_backward.scaled(share))
    mixer_forward, mixer_backward = forward, backward
    dense_forward, dense_backward = mlp_block(c, width=m.ffn, gated=m.gated)
    share = np.maximum(m.n_dense - m.dense_prefix, 0.0) / body
    forward, backward = forward.plus(dense_forward.scaled(share)), backward.plus(dense_backward.scaled(share))
    module = sum(part.total() for part in (*mixers[0][1:], dense_forward, dense_backward))
    if any_true(m.n_moe > 0):
        moe_forward, moe_backward = moe_block(c)
        share = m.n_moe / body
        with_experts = sum(part.total() for part in (*mixers[0][1:], moe_forward, moe_backward))
        module = np.where(m.n_moe > 0, with_experts, module)
        forward, backward = forward.plus(moe_forward.scaled(share)), backward.plus(moe_backward.scaled(share))
    prefix = mixer_forward.plus(dense_forward).total()
    prefix_both = prefix + mixer_backward.plus(dense_backward).total()
    latent_up, _ = c.linear(
        m=np.where(m.mla, c.tokens, 0.0), n=m.heads / strategy.tp * (m.qk_dim + m.nope_dim + m.v_dim), k=m.kv_lora
    )
    head_forward, head_backward = head(c)
    hidden_bytes = c.tokens * m.hidden * 2.0
    full = forward.total() - forward.moe_fixed * 0.5
    projection, projection_back = c.linear(m=c.tokens / c.sequence_split, n=m.hidden, k=2.0 * m.hidden)
    mtp_layer = module + projection + projection_back
    return LayerCosts(
        forward_s=forward.total(),
        backward_s=backward.total(),
        backward_weight_s=0.5 * backward.gemm,
        selective_s=selective_recompute(c, forward, latent_up),
        full_s=full,
        prefix_delta_s=prefix_both - forward.total() - backward.total(),
        prefix_delta_forward_s=prefix - forward.total(),
        head_forward_s=head_forward,
        head_backward_s=head_backward,
        embedding_s=c.stream(6.0 * hidden_bytes / c.sequence_split, kernels=4.0),
        mtp_s=np.where(m.mtp > 0, mtp_layer + head_forward + head_backward, 0.0),
        boundary_bytes=hidden_bytes / strategy.tp + 0.0 * forward.gemm,
        forward_terms=np.stack([getattr(forward, t) for t in TERMS], axis=-1),
        backward_terms=np.stack([getattr(backward, t) for t in TERMS], axis=-1),
    )


def attention_block(c: _Context, *, windowed: bool) -> tuple[Pass, Pass]:
    """Grouped-query or latent attention with its projections, norms and communication."""
    m, st = c.model, c.st
    heads = np.maximum(m.heads / st.tp, 1.0)
    kv_heads = np.where(m.mla, heads, np.maximum(m.kv_heads / st.tp, 1.0))
    t = c.tokens
    q_width, v_width = heads * m.qk_dim, heads * m.v_dim
    gqa = ~m.mla
    gemm_forward, gemm_backward = c.linear(m=t, n=m.hidden, k=v_width)
    f, b = c.linear(m=t, n=q_width + kv_heads * (m.qk_dim + m.v_dim), k=m.hidden)
    gemm_forward, gemm_backward = gemm_forward + np.where(gqa, f, 0.0), gemm_backward + np.where(gqa, b, 0.0)
    quantised = np.where(gqa, m.hidden, 2.0 * m.hidden + m.q_lora + m.kv_lora) + v_width
    if any_true(m.mla):
        for n, k in (
            (np.where(m.q_lora > 0, m.q_lora, q_width), m.hidden),
            (np.where(m.q_lora > 0, q_width, 0.0), m.q_lora),
            (m.kv_lora + m.rope_dim, m.hidden),
            (heads * (m.nope_dim + m.v_dim), m.kv_lora),
        ):
            f, b = c.linear(m=np.where(m.mla, t, 0.0), n=n, k=k)
            gemm_forward, gemm_backward = gemm_forward + f, gemm_backward + b
    core_forward, core_backward = attention_core(c, heads=heads, kv_heads=kv_heads, windowed=windowed)
    context_forward, context_backward = context_parallel(c, kv_heads, core_forward, core_backward)
    rope = 4.0 * (q_width + kv_heads * m.qk_dim)
    norm = (10.0 + DROPOUT_BYTES * c.sw.dropout) * m.hidden / c.sequence_split
    forward_bytes, backward_bytes = t * (norm + rope), t * (1.4 * norm + rope)
    tensor_forward, tensor_backward = tensor_parallel(c)
    quantise = c.quantise(t * quantised)
    forward = assemble(
        c,
        gemm=gemm_forward,
        attention=core_forward,
        elementwise=c.stream(forward_bytes),
        quantise=quantise,
        tensor=tensor_forward,
        context=context_forward,
        kernels=c.sw.kernels_per_block,
    )
    backward = assemble(
        c,
        gemm=gemm_backward,
        attention=core_backward,
        elementwise=c.stream(backward_bytes),
        quantise=quantise,
        tensor=tensor_backward,
        context=context_backward,
        kernels=2.0 * c.sw.kernels_per_block,
    )
    return forward, backward


def attention_core(
    c: _Context, *, heads: FloatArray, kv_heads: FloatArray, windowed: bool
) -> tuple[FloatArray, FloatArray]:
    """Forward and backward seconds of the attention core, fused or not."""
    m, st, hw = c.model, c.st, c.hw
    window = m.window if windowed else np.full_like(m.window, np.inf)
    pairs = causal_pairs(seq_len=st.seq_len, window=window) / st.cp
    asymptote = np.where(
        m.mla, hw.mla_asymptote, hw.attention_asymptote / (1.0 + hw.attention_head_half / np.maximum(m.qk_dim, 1.0))
    )
    rate = asymptote * c.sw.attention_rate * c.sustained * hw.peak_flop_per_s[:, 0]
    fused = flash_attention_s(
        batch=st.micro_batch,
        heads=heads,
        kv_heads=kv_heads,
        qk_dim=m.qk_dim,
        v_dim=m.v_dim,
        query_len=st.seq_len / st.cp,
        pairs=pairs,
        rate_flop_per_s=rate,
        memory_bytes_per_s=hw.memory_bytes_per_s,
    )
    fused_backward = c.sw.attention_backward * fused
    unfused = c.sw.flash == 0
    if not any_true(unfused):
        return fused, fused_backward
    plain, plain_backward = unfused_attention_s(
        batch=st.micro_batch,
        heads=heads,
        head_dim=m.qk_dim,
        seq_len=st.seq_len,
        rate_flop_per_s=hw.peak_flop_per_s[:, 0] * c.sustained,
        memory_bytes_per_s=hw.memory_bytes_per_s,
    )
    return np.where(unfused, plain, fused), np.where(unfused, plain_backward, fused_backward)


def context_parallel(
    c: _Context, kv_heads: FloatArray, core_forward: FloatArray, core_backward: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Ring exchange of keys and values, hidden behind the attention of the block at hand."""
    st, m, hw = c.st, c.model, c.hw
    if not any_true(st.cp > 1):
        zero = np.zeros_like(core_forward)
        return zero, zero
    kv_bytes = 2.0 * np.where(m.mla, m.kv_lora + m.rope_dim, kv_heads * (m.qk_dim + m.v_dim)) * c.tokens
    group = place(ranks=st.cp, inner=st.tp, hardware=hw)
    nic = c.sw.nic_share * hw.nic_achievable * hw.nic_bytes_per_s
    rate = np.where(group.domains > 1, nic, CONTEXT_LINK_SHARE * link_bytes_per_s(ranks=st.cp, hardware=hw))
    sent = kv_bytes * (st.cp - 1.0) / rate
    covered = (st.cp - 1.0) / st.cp

    def exposed(bytes_s: FloatArray, compute: FloatArray) -> FloatArray:
        one = np.ones_like(compute)
        return hidden_s(
            communication_s=bytes_s, compute_s=compute * covered, window=one, slowdown=c.sw.slowdown
        ) + np.where(st.cp > 1, 12e-6 * (st.cp - 1.0), 0.0)

    return exposed(sent, core_forward), exposed(2.0 * sent, core_backward)


def mlp_block(c: _Context, *, width: FloatArray, gated: FloatArray) -> tuple[Pass, Pass]:
    """Dense MLP with its norm and communication."""
    m, t = c.model, c.tokens
    local = width / c.st.tp
    f1, b1 = c.linear(m=t, n=(1.0 + gated) * local, k=m.hidden)
    f2, b2 = c.linear(m=t, n=m.hidden, k=local)
    norm = (10.0 + DROPOUT_BYTES * c.sw.dropout) * m.hidden / c.sequence_split
    tensor_forward, tensor_backward = tensor_parallel(c)
    quantise = c.quantise(t * (m.hidden + local))
    forward = assemble(
        c,
        gemm=f1 + f2,
        elementwise=c.stream(t * (norm + (4.0 + 2.0 * gated) * local)),
        quantise=quantise,
        tensor=tensor_forward,
        kernels=c.sw.kernels_per_block,
    )
    backward = assemble(
        c,
        gemm=b1 + b2,
        elementwise=c.stream(t * (1.4 * norm + (6.0 + 4.0 * gated) * local)),
        quantise=quantise,
        tensor=tensor_backward,
        kernels=2.0 * c.sw.kernels_per_block,
    )
    return forward, backward


def moe_block(c: _Context) -> tuple[Pass, Pass]:
    """Routed experts (grouped GEMMs), router, shared experts, dispatch and combine."""
    m, st, sw, t = c.model, c.st, c.sw, c.tokens
    is_moe = m.n_moe > 0
    experts = np.maximum(m.experts, 1.0)
    local_experts = np.maximum(experts / st.ep, 1.0)
    held = t / c.sequence_split  # tokens that this rank dispatches
    routed = held * m.top_k * st.etp  # copies that it computes, on average
    per_expert = routed * st.ep / experts + sw.expert_padding
    width = m.expert_ffn / st.etp
    gated = m.expert_gated
    f1, b1 = c.linear(m=np.where(is_moe, per_expert, 0.0), n=(1.0 + gated) * width, k=m.expert_hidden)
    f2, b2 = c.linear(m=np.where(is_moe, per_expert, 0.0), n=m.expert_hidden, k=width)
    router_forward, router_backward = c.linear(m=held, n=experts, k=m.hidden, low=False)
    launches = 2.1e-6 * (local_experts - 1.0)  # one launch for the whole group
    gemm_forward = local_experts * (f1 + f2) - 2.0 * launches + router_forward
    gemm_backward = local_experts * (b1 + b2) - 4.0 * launches + router_backward
    shared_width = m.shared_ffn / st.tp
    f, b = c.linear(m=t, n=(1.0 + gated) * shared_width, k=m.hidden)
    gemm_forward, gemm_backward = gemm_forward + f, gemm_backward + b
    f, b = c.linear(m=t, n=m.hidden, k=shared_width)
    gemm_forward, gemm_backward = gemm_forward + f, gemm_backward + b
    latent = m.expert_hidden < m.hidden  # experts that read and write a narrower stream
    for n, k in ((m.expert_hidden, m.hidden), (m.hidden, m.expert_hidden)):
        f, b = c.linear(m=np.where(latent & is_moe, held, 0.0), n=n, k=k)
        gemm_forward, gemm_backward = gemm_forward + f, gemm_backward + b
    norm = (10.0 + DROPOUT_BYTES * sw.dropout) * m.hidden / c.sequence_split * t
    copies = routed
    permute = copies * (2.0 * sw.permute_bytes) * m.expert_hidden
    outputs = m.expert_bias * copies * ((1.0 + gated) * width + m.expert_hidden)  # grouped products add biases apart
    activation = 4.0 * outputs + copies * (4.0 + 2.0 * gated) * width + t * (4.0 + 2.0 * gated) * shared_width
    activation_back = 2.0 * outputs + copies * (6.0 + 4.0 * gated) * width + t * (6.0 + 4.0 * gated) * shared_width
    router_bytes = held * 12.0 * experts
    group = place(ranks=st.ep, inner=np.ones_like(st.ep), hardware=c.hw)
    one_way = dispatch_s(
        token_bytes=held * m.expert_hidden * 2.0,
        top_k=m.top_k,
        group=group,
        hardware=c.hw,
        link_share=sw.alltoall_share,
        nic_share=sw.nic_share,
        deduplicated=sw.deduplicated,
    )
    expert = 2.0 * one_way * sw.expert_exposed
    tensor_share = np.where(m.shared_ffn > 0, 1.0, 0.0)
    tensor_forward, tensor_backward = tensor_parallel(c)
    expert = expert + expert_tensor_parallel(c, copies)
    quantise = c.quantise(t * (m.hidden * tensor_share + shared_width) + copies * (m.expert_hidden + width))
    captured = np.where(c.hw.domain > c.hw.node, sw.moe_fixed_rack_share, sw.moe_fixed_host_share)
    fixed = np.where(is_moe, sw.moe_fixed_s * captured + sw.expert_fixed_s * local_experts, 0.0)
    forward = assemble(
        c,
        gemm=gemm_forward,
        elementwise=c.stream(norm + permute + activation + router_bytes, kernels=6.0),
        quantise=quantise,
        tensor=tensor_share * tensor_forward,
        expert=expert,
        moe_fixed=fixed / 3.0,
        kernels=sw.kernels_per_moe,
    )
    backward = assemble(
        c,
        gemm=gemm_backward,
        elementwise=c.stream(1.4 * norm + permute + activation_back + router_bytes, kernels=6.0),
        quantise=quantise,
        tensor=tensor_share * tensor_backward,
        expert=expert,
        moe_fixed=fixed * 2.0 / 3.0,
        kernels=2.0 * sw.kernels_per_moe,
    )
    return forward, backward


def expert_tensor_parallel(c: _Context, copies: FloatArray) -> FloatArray:
    """Gather and scatter of routed copies where expert weights are split; nothing hides them."""
    st = c.st
    if not any_true(st.etp > 1):
        return np.zeros_like(copies)
    group = place(ranks=st.etp, inner=np.ones_like(st.etp), hardware=c.hw)
    moved = copies * c.model.expert_hidden * 2.0
    return 2.0 * ring_s(moved_bytes=moved, factor=1.0, group=group, hardware=c.hw, nic_share=c.sw.nic_share)


def linear_mixer_block(c: _Context) -> tuple[Pass, Pass]:
    """Mamba-2, gated delta-net and their kin: projections, short convolution, chunked scan."""
    m, t = c.model, c.tokens
    inner, projection = m.linear_inner / c.st.tp, m.linear_projection / c.st.tp
    f1, b1 = c.linear(m=t, n=projection, k=m.hidden)
    f2, b2 = c.linear(m=t, n=m.hidden, k=inner)
    scan = t * m.linear_scan_flop / c.st.tp / (0.25 * c.hw.peak_flop_per_s[:, 0])
    norm = 10.0 * m.hidden / c.sequence_split
    moved = t * (norm + 6.0 * projection + 6.0 * inner)
    tensor_forward, tensor_backward = tensor_parallel(c)
    quantise = c.quantise(t * (m.hidden + inner))
    zero = np.zeros_like(t)
    forward = assemble(
        c,
        gemm=f1 + f2,
        attention=scan + zero,
        elementwise=c.stream(moved),
        quantise=quantise,
        tensor=tensor_forward,
        kernels=1.5 * c.sw.kernels_per_block,
    )
    backward = assemble(
        c,
        gemm=b1 + b2,
        attention=2.5 * scan + zero,
        elementwise=c.stream(1.6 * moved),
        quantise=quantise,
        tensor=tensor_backward,
        kernels=3.0 * c.sw.kernels_per_block,
    )
    return forward, backward


def tensor_parallel(c: _Context) -> tuple[FloatArray, FloatArray]:
    """Exposed all-gather and reduce-scatter (or all-reduce) of one block, forward and backward.

    With sequence parallelism the backward pass gathers its input once more, half hidden. Tiled overlap hides a
    share inside one scale-up domain; across domains at least 0.8 stays exposed.
    """
    st = c.st
    if not any_true(st.tp > 1):
        zero = np.zeros_like(c.tokens)
        return zero, zero
    group = place(ranks=st.tp, inner=np.ones_like(st.tp), hardware=c.hw)
    moved = c.tokens * c.model.hidden * 2.0
    once = ring_s(moved_bytes=moved, factor=1.0, group=group, hardware=c.hw, nic_share=c.sw.nic_share)
    reduce = ring_s(moved_bytes=moved, factor=2.0, group=group, hardware=c.hw, nic_share=c.sw.nic_share)
    forward = np.where(st.sequence_parallel, 2.0 * once, reduce)
    backward = np.where(st.sequence_parallel, 2.5 * once, reduce)
    share = np.where(group.domains > 1, np.maximum(c.sw.tensor_exposed, 0.8), c.sw.tensor_exposed)
    return share * forward, share * backward


def head(c: _Context) -> tuple[FloatArray, FloatArray]:
    """Output projection, loss and their tensor-parallel communication."""
    m, t = c.model, c.tokens
    f, b = c.linear(m=t, n=m.vocab / c.st.tp, k=m.hidden, low=False)
    local = np.where(c.sw.loss_sharded > 0, m.vocab / c.st.tp, m.vocab)
    traffic = c.stream(t * c.sw.loss_traffic * local, kernels=4.0)
    tensor_forward, tensor_backward = tensor_parallel(c)
    return f + 0.5 * traffic + tensor_forward, b + 0.5 * traffic + tensor_backward


def selective_recompute(c: _Context, forward: Pass, latent_up: FloatArray) -> FloatArray:
    """Extra time of selective recompute: the unfused core, or element-wise work and latent up-projections."""
    products = np.where(c.sw.selects_operators > 0, 0.5 * forward.gemm, 0.0)
    return np.where(c.sw.flash == 0, forward.attention, 0.5 * forward.elementwise + latent_up + products)


def assemble(c: _Context, *, gemm: FloatArray, elementwise: FloatArray, kernels: FloatArray, **terms: FloatArray) -> Pass:
    """One pass of a block; the host adds time where it launches more slowly than the device works."""
    zero = np.zeros(np.broadcast(c.tokens, gemm, elementwise, c.sw.sustained).shape)
    values = {t: zero for t in TERMS}
    values.update({"gemm": gemm + zero, "elementwise": elementwise + zero})
    values.update({k: v + zero for k, v in terms.items()})
    device = sum(values.values())
    host = kernels * c.sw.launch_s
    waiting = (device**6 + host**6) ** (1.0 / 6.0) - device
    values["host"] = np.where(c.sw.launch_blocking > 0, host, waiting)
    return Pass(**values)


if len(TERMS) != len(fields(Pass)):  # pragma: no cover
    raise TypeError("TERMS and Pass must name the same terms")
