"""Time of collectives over a scale-up domain and any number of network tiers.

A group of ``N`` ranks with stride ``inner`` (tensor parallel is innermost, then context, data/expert,
pipeline) puts ``g = min(N, D // inner)`` ranks into each scale-up domain of ``D`` and spans ``ceil(N/g)``
domains; the same count repeats for every tier of the network above.

References
----------
.. [1] R. Thakur, R. Rabenseifner, W. Gropp, "Optimization of collective communication operations in MPICH",
   doi:10.1177/1094342005051521: volumes f(N-1)/N with f = 2 for all-reduce, 1 for all-gather and
   reduce-scatter.
.. [2] NVIDIA nccl ``src/graph/tuning.cc``: latencies per hop and protocol. The pipelined form
   ``alpha + y + kappa sqrt(alpha y)`` is the optimum over chunk sizes.
.. [3] DeepSeek-AI, DeepEP (2025): tokens cross to a remote node once, then spread over its links.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.operators import any_true
from planner.tables import Hardware
from planner.tables.operators import Operators
from planner.types import FloatArray

LINK_SHARE = 0.92
"""Large-message share of the scale-up link; a ring of two reaches less, since it has one neighbour."""

PIPELINE_INSIDE = 1.1
PIPELINE_ACROSS = 0.5


@dataclass(frozen=True, eq=False)
class Group:
    """Placement of a communicator, shape ``[R]`` (``[R, T]`` for the network tiers)."""

    ranks: FloatArray
    inside: FloatArray  # ranks in one scale-up domain
    domains: FloatArray  # scale-up domains spanned
    tier_inside: FloatArray  # ranks below one unit of each tier
    tier_units: FloatArray  # units spanned at each tier


def place(*, ranks: FloatArray, inner: FloatArray, hardware: Hardware) -> Group:
    """Where the ranks of a group with stride `inner` sit."""
    ranks, inner = np.asarray(ranks, dtype=float), np.asarray(inner, dtype=float)
    inside = np.clip(np.floor(hardware.domain / inner), 1.0, ranks)
    domains = np.where(ranks * inner <= hardware.domain, 1.0, np.ceil(ranks / inside))
    n, i = ranks[..., None], inner[..., None]
    tier_inside = np.clip(np.floor(hardware.tier_endpoints / i), 1.0, n)
    tier_units = np.where(n * i <= hardware.tier_endpoints, 1.0, np.ceil(n / tier_inside))
    return Group(ranks, inside, domains, tier_inside, tier_units)


def link_bytes_per_s(*, ranks: FloatArray, hardware: Hardware | Operators) -> FloatArray:
    """Usable scale-up bandwidth per rank for a group of `ranks` inside one domain.

    Switched domains give every pair the full rate; an all-to-all mesh only the links to the members; a torus
    the axes that the group spans.
    """
    if not any_true(hardware.torus_dims > 0):
        return hardware.link_bytes_per_s
    n = np.maximum(ranks, 1.0)
    mesh = np.clip((n - 1.0) / np.maximum(hardware.domain - 1.0, 1.0), 0.0, 1.0)
    dims = np.maximum(hardware.torus_dims, 1)
    axes = np.clip(np.log(n) / np.log(np.maximum(hardware.domain, 2.0)) * dims, 1.0, dims) / dims
    share = np.where(
        hardware.torus_dims == 0, 1.0, np.where(hardware.torus_dims == 1, np.maximum(mesh, 1e-9), axes)
    )
    return hardware.link_bytes_per_s * share


def over_tiers(values: FloatArray) -> FloatArray:
    """Largest value over the network tiers, the last axis; most networks have one."""
    return values[..., 0] if values.shape[-1] == 1 else np.max(values, axis=-1)


def ring_s(
    *,
    moved_bytes: FloatArray,
    factor: float,
    group: Group,
    hardware: Hardware,
    nic_share: FloatArray,
) -> FloatArray:
    """Seconds of an all-reduce (`factor` 2) or an all-gather / reduce-scatter (`factor` 1).

    Parameters
    ----------
    moved_bytes
        Bytes of the gathered (whole) buffer per rank.
    nic_share
        Share of the NIC reached by the software.
    """
    g, n = group.inside, group.ranks
    volume = factor * moved_bytes
    rate_inside = (
        LINK_SHARE * (1.0 - 0.65 / np.maximum(n, 2.0)) * link_bytes_per_s(ranks=n, hardware=hardware)
    )
    inside = np.where(g > 1, volume * (1.0 - 1.0 / n) / rate_inside, 0.0)
    nic = nic_share * hardware.nic_achievable * hardware.nic_bytes_per_s
    across = volume * (1.0 - 1.0 / group.domains) / (g * nic)
    above = over_tiers(
        volume[..., None]
        * (1.0 - 1.0 / group.tier_units)
        * hardware.tier_oversubscription
        / (group.tier_inside * nic[..., None])
    )
    y = np.maximum(np.maximum(inside, across), above)
    crossing = np.sum(np.where(group.tier_units > 1, hardware.tier_latency_s, 0.0), axis=-1)
    alpha = np.where(
        group.domains > 1,
        20e-6 + 4e-6 * np.log2(np.maximum(group.domains, 1.0)) + 1e-6 * np.minimum(g, 8.0) + crossing,
        7.4e-6 + factor * 1e-6 * (np.minimum(g, 256.0) - 1.0),
    )
    kappa = np.where(group.domains > 1, PIPELINE_ACROSS, PIPELINE_INSIDE)
    time = alpha + y + kappa * np.sqrt(alpha * y)
    return np.where(n > 1, time, 0.0)


def dispatch_s(
    *,
    token_bytes: FloatArray,
    top_k: FloatArray,
    group: Group,
    hardware: Hardware,
    link_share: FloatArray,
    nic_share: FloatArray,
    deduplicated: FloatArray,
) -> FloatArray:
    """Seconds of one expert dispatch or combine.

    Parameters
    ----------
    token_bytes
        Bytes of the tokens that one rank holds (before replication to `top_k` experts).
    deduplicated
        1 where a token crosses once to each domain that needs it and is spread there, 0 for a plain
        all-to-all.
    """
    n, g, domains = group.ranks, group.inside, group.domains
    k = np.minimum(top_k, n)
    # Plain: k copies, each to a uniform rank.
    plain_link, plain_nic = k * (g - 1.0) / n, k * (n - g) / n
    # Deduplicated: distinct destination domains over the NIC, then distinct ranks over the link.
    fresh_rank = g * -np.expm1(k * np.log1p(-1.0 / np.maximum(n, 2.0))) * domains
    fresh_domain = np.where(domains > 1, -np.expm1(k * np.log1p(-1.0 / np.maximum(domains, 2.0))), 0.0)
    dedup_link = np.minimum(k, fresh_rank)
    dedup_nic = (domains - 1.0) * fresh_domain
    on_link = np.where(deduplicated > 0, dedup_link, plain_link)
    on_nic = np.where(deduplicated > 0, dedup_nic, plain_nic)
    worst = 1.0 + over_tiers(
        (1.0 - group.tier_inside / n[..., None])
        / np.maximum(1.0 - g / n, 1e-9)[..., None]
        * (hardware.tier_oversubscription - 1.0)
        * (group.tier_units > 1)
    )
    nic = nic_share * hardware.nic_achievable * hardware.nic_bytes_per_s
    time = (
        25e-6
        + 5e-6 * np.log2(np.maximum(n, 1.0))
        + np.maximum(
            token_bytes * on_link / (link_share * link_bytes_per_s(ranks=g, hardware=hardware)),
            token_bytes * on_nic * worst / nic,
        )
    )
    return np.where(n > 1, time, 0.0)


def hidden_s(
    *, communication_s: FloatArray, compute_s: FloatArray, window: FloatArray, slowdown: FloatArray
) -> FloatArray:
    """Seconds that overlapped communication still costs.

    What exceeds the usable `window` of the compute is exposed; what is hidden slows the compute, because it
    takes memory bandwidth and compute units, by `slowdown` per second.
    """
    covered = np.minimum(communication_s, window * compute_s)
    return communication_s - covered + slowdown * covered
