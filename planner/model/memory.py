"""Peak memory of one accelerator: weights, gradients, optimizer, activations, logits, working buffers.

Everything is per accelerator and in bytes. The peak is the maximum over the first, the second and the last
pipeline stage: the first holds the embedding and the most micro-batches, the last the head and the logits,
and the second is the worst of those between, which hold more layers than the ends where layers do not divide
evenly.

References
----------
.. [1] S. Rajbhandari et al., "ZeRO", arXiv:1910.02054: 2 + 2 + 12 bytes of states per parameter, sharded in
stages.
.. [2] Y. Zhao et al., arXiv:2304.11277 (FSDP): weights gathered one unit ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.activations import ActivationCosts, kept_bytes, recompute_peak
from planner.model.learning import StateBytes, all_learn, tuned_states
from planner.model.pipeline import StageLayers, micro_batches_in_flight, split_layers
from planner.model.sharding import dense_ranks, expert_ranks
from planner.tables import Model, Rows, Software, Strategy
from planner.types import FloatArray

__all__ = [
    "MemoryCosts",
    "allocated_bytes",
    "device_bytes",
    "fit_limit_bytes",
    "fit_probability",
    "memory_costs",
    "stage_states",
]

FIT_SLOPE = 1.702
"""Logistic slope that comes closest to the cumulative normal distribution (within 0.01)."""

GATHERED_LAYERS = 2.0
"""Layers whose weights full sharding holds at a time: the one at work and the next [2]."""


@dataclass(frozen=True, eq=False)
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
    allocated = worst(*totals)
    return MemoryCosts(
        weights_bytes=weights,
        gradients_bytes=gradients,
        optimizer_bytes=optimizer,
        activations_bytes=worst(*acts),
        logits_bytes=worst(*logits),
        buffers_bytes=buffers,
        allocated_bytes=allocated,
        device_bytes=device_bytes(allocated, software),
    )


def device_bytes(allocated_bytes: FloatArray, software: Software) -> FloatArray:
    """Bytes that the device shows: reserved by the allocator, and context and communicators beside it."""
    return software.reserve_share * allocated_bytes + software.context_bytes


def allocated_bytes(device_bytes: FloatArray, software: Software) -> FloatArray:
    """Allocated bytes behind what the device shows: the inverse of `device_bytes`."""
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
    dense_layer = (m.mixer_parameters + m.dense_parameters) / m.layers / st.tp
    expert_layer = m.expert_parameters / m.layers / (st.etp * st.ep)
    mtp = m.mtp * dense_layer
    mtp_experts = m.mtp * m.expert_parameters / np.maximum(m.n_moe, 1.0) / (st.etp * st.ep)
    plain = all_learn(m)

    def states(
        layers: FloatArray, dense_more: FloatArray | float, expert_more: FloatArray | float
    ) -> StateBytes:
        dense, expert = dense_layer * layers + dense_more, expert_layer * layers + expert_more
        if not plain:
            return tuned_states(
                model=m,
                software=software,
                strategy=st,
                own=(dense, expert),
                tables=np.zeros_like(dense) + dense_more,
                layers=layers,
                gathered_layers=GATHERED_LAYERS,
            )
        return state_bytes(software=software, strategy=st, dense=dense, expert=expert, layers=layers)

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


def state_bytes(
    *, software: Software, strategy: Strategy, dense: FloatArray, expert: FloatArray, layers: FloatArray
) -> StateBytes:
    """Weights, gradients, optimizer states and gather buffers for the parameters of one stage [1].

    Full sharding keeps no 16-bit weights but those of the `GATHERED_LAYERS` that it holds gathered.

    Parameters
    ----------
    dense, expert
        Parameters before sharding; experts shard over the ranks that expert parallelism leaves.
    layers
        Layers on the stage.
    """
    st, sw, z = strategy, software, strategy.sharding
    whole = dense + expert
    split = dense / np.minimum(dense_ranks(st), st.shard_group)
    split = split + expert / np.minimum(expert_ranks(st), st.shard_group)
    weights = 2.0 * np.where(z >= 3, 0.0, whole)
    gradients = sw.gradient_bytes * np.where(z >= 2, split, whole)
    optimizer = sw.state_bytes * np.where(z >= 1, split, whole)
    gathered = 2.0 * whole * np.minimum(GATHERED_LAYERS / np.maximum(layers, 1.0), 1.0)
    buffers = np.where(z >= 3, gathered, 0.0) + sw.bucket_bytes
    return weights, gradients, optimizer, buffers


def fit_probability(
    *, device_bytes: FloatArray, capacity_bytes: FloatArray, sigma: FloatArray | float
) -> FloatArray:
    """Probability that the run fits, with log(measured/predicted) peaks of spread `sigma` (logistic)."""
    z = np.log(capacity_bytes / device_bytes) / np.asarray(sigma)
    probability: FloatArray = 1.0 / (1.0 + np.exp(-FIT_SLOPE * np.clip(z, -20.0, 20.0)))
    return probability


def fit_limit_bytes(
    *, capacity_bytes: FloatArray, sigma: FloatArray | float, probability: FloatArray | float
) -> FloatArray:
    """Device bytes up to which a run fits with at least `probability`: the inverse of `fit_probability`."""
    p = np.asarray(probability, dtype=float)
    return capacity_bytes * np.exp(-np.asarray(sigma) * np.log(p / (1.0 - p)) / FIT_SLOPE)
