"""The time terms of a step in words: how each is computed, and from which numbers."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["FORMULAS", "Formula"]


class Formula(NamedTuple):
    """A term in words, with the names of the numbers that enter (`planner.plan.explain.Number.name`)."""

    words: str
    uses: tuple[str, ...]


_MEMORY: Final = ("accelerator.memory.bandwidth", "constant.STREAM_SHARE")
_RING: Final = ("accelerator.scale_up.bandwidth", "hardware.domain", "rate.nic", "constant.LINK_SHARE")
_STAGE: Final = ("layout.layers_per_stage", "layout.micro_batches")
_TIMES: Final = "; times layers per stage and micro-batches"

FORMULAS: Final = {
    "matrix_products": Formula(
        "each product m x k by k x n at its true shape, forward, input gradient and, where weights learn, "
        "weight gradient, with adapters beside them: "
        "overhead + (compute^p + memory^p + serial^p)^(1/p), with compute = 2 m n k / rate, memory = bytes / "
        f"bandwidth and serial = the k-loop of one tile{_TIMES}",
        ("rate.matrix", "accelerator.memory.bandwidth", "layout.tokens", "model.hidden",
         "constant.GEMM_OVERHEAD_S", "constant.GEMM_EXPONENT", "constant.GEMM_SERIAL_S", *_STAGE),
    ),
    "attention": Formula(
        "forward (compute^1.5 + memory^1.5)^(2/3) + tiles, with compute = 2 b heads (qk + v) pairs / "
        "rate and s (s + 64) / 2 pairs, fewer in a window; backward a fitted multiple; unfused stacks sweep "
        f"all s^2 scores{_TIMES}",
        ("rate.attention", "calibration.attention_backward", "layout.tokens", *_STAGE),
    ),
    "elementwise": Formula(
        "bytes of norms, residuals, rotary embedding, activations and routing / streaming rate, times the "
        f"stack's traffic over that of ideally fused kernels{_TIMES}",
        (*_MEMORY, "calibration.elementwise", "layout.tokens", *_STAGE),
    ),
    "quantisation": Formula(
        "4 bytes per operand element of the linear layers / streaming rate, times a fitted factor; none in "
        f"16 bit{_TIMES}",
        ("calibration.quantise", *_MEMORY, "layout.tokens", *_STAGE),
    ),
    "tensor_parallel": Formula(
        "all-gather and reduce-scatter of tokens x hidden x 2 bytes around each block: latency + volume "
        f"(N-1)/N / bandwidth; times the share that tiled overlap leaves exposed{_TIMES}",
        (*_RING, "layout.tp", "calibration.tensor_exposed", "layout.tokens", "model.hidden", *_STAGE),
    ),
    "context_parallel": Formula(
        f"keys and values of the other ranks' tokens over link or NIC, hidden behind attention{_TIMES}",
        (*_RING, "layout.cp", "calibration.overlap_slowdown", *_STAGE),
    ),
    "expert_parallel": Formula(
        "dispatch and combine of tokens x hidden x 2 bytes: the larger of link and NIC time for the copies "
        f"that leave a rank or a domain, plus latency; times the share left exposed{_TIMES}",
        (*_RING, "layout.ep", "calibration.alltoall_share", "software.overlap.expert_exposed", *_STAGE),
    ),
    "expert_fixed": Formula(
        "fitted seconds per MoE layer and per "
        f"local expert{_TIMES}",
        ("calibration.moe_fixed", "calibration.expert_fixed", *_STAGE),
    ),
    "host": Formula(
        "(device^6 + launches^6)^(1/6) - device, with launches = kernels per block x seconds per launch that "
        f"graphs do not hide; all of them where the host waits for every kernel{_TIMES}",
        ("software.launches.block", "software.launches.moe", "software.launches.each", *_STAGE),
    ),
    "recompute": Formula(
        "full: the forward pass again; selective: element-wise work and latent up-projections (the unfused "
        f"core in old stacks){_TIMES}",
        ("layout.recompute_layers", *_STAGE),
    ),
    "embedding_and_head": Formula(
        "embedding traffic, the output projection in 16 bit, logits traffic, multi-token-prediction modules "
        "and first layers that differ from the body; shared over the stages",
        ("model.vocab", "rate.matrix16", "software.loss.traffic", "layout.micro_batches", "layout.pp"),
    ),
    "stage_imbalance": Formula(
        "(slowest stage - average stage) x micro-batches: layers do not divide evenly, or the head sits on "
        "the last stage",
        ("layout.pp", "layout.vpp", "model.layers", "layout.micro_batches"),
    ),
    "pipeline_bubble": Formula(
        "(all stages - slowest stage) / virtual stages for one micro-batch; a split backward pass fills a "
        "share of it",
        ("layout.pp", "layout.vpp", "calibration.bubble_share"),
    ),
    "pipeline_transfer": Formula(
        "(latency + boundary bytes / bandwidth) x sends on the critical path: 2 (p - 1) and those not hidden",
        ("layout.pp", "layout.vpp", "rate.nic", "model.hidden", "layout.tokens"),
    ),
    "data_parallel": Formula(
        "gradient reduction and parameter gathering: latency + volume (N-1)/N / bandwidth over every tier, "
        "less what the usable window of compute hides, plus the slow-down that hiding costs",
        (*_RING, "layout.dp", "calibration.overlap_window", "calibration.overlap_slowdown",
         "software.states.gradient"),
    ),
    "optimizer": Formula(
        "bytes of states and weights of this rank / share of the memory bandwidth",
        ("constant.OPTIMIZER_SHARDED_BYTES", "constant.OPTIMIZER_LOCAL_BYTES",
         "constant.OPTIMIZER_BANDWIDTH_SHARE", "accelerator.memory.bandwidth"),
    ),
    "activation_offload": Formula(
        "twice the offloaded activation bytes / share of the host link, less what compute hides",
        ("accelerator.host.bandwidth", "layout.offload"),
    ),
    "growth_with_scale": Formula(
        "everything above x growth x the lesser of log2(accelerators / 16) and log2(replicas)",
        ("calibration.growth", "layout.gpus", "layout.dp"),
    ),
    "fixed": Formula("fitted seconds of every step", ("calibration.step_fixed",)),
}  # fmt: skip
"""Term of `planner.plan.evaluate.BREAKDOWN`: how it is computed."""
