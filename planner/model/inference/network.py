"""Time of communication at inference: collectives inside a domain and across it, and expert traffic.

Serving moves small messages often, so that start-up counts as much as bandwidth; the laws inside a domain are
fitted per part (``docs/kernels.md``). Across domains the constants are those of published runs. Functions
take keyword-only arrays that broadcast with ``[R]`` and return seconds; one rank alone takes none.

References
----------
.. [1] ai-dynamo/aiconfigurator (Apache-2.0): measured tables of NCCL, custom all-reduce and DeepEP.
.. [2] DeepSeek-AI, DeepEP (2025), and NVIDIA/nccl ``src/graph/tuning.cc``: paths and start-up across nodes.
.. [3] microsoft/vidur: sends between neighbours on H100 (0.82 of NVLink in 7 us, 20 us over InfiniBand).
"""

from __future__ import annotations

import numpy as np

from planner.model.collectives import link_bytes_per_s
from planner.model.operators import any_true
from planner.tables.operators import Operators
from planner.types import BoolArray, FloatArray

__all__ = [
    "all_gather_s",
    "all_reduce_s",
    "direct_s",
    "dispatch_combine_s",
    "pipelined_s",
    "reduce_scatter_s",
    "send_s",
]

NIC_SHARE = 0.8
"""Share of the NIC that collectives of serving engines reach (set by hand on published runs)."""

DIRECT_BYTES = 64.0 * 2**20
"""Largest buffer that engines reduce by direct reads of their peers."""

SEND_S, SEND_ACROSS_S, SEND_SHARE = 7.3e-6, 20e-6, 0.82
"""Start of a send inside and across domains, and its share of the link [3]."""

ACROSS_S, ACROSS_DOMAIN_S = 45e-6, 10e-6
"""Start of a collective across domains, and of each further one [3]: 67 to 151 us for 4 to 16 ranks on A100,
of which 19 to 45 us inside."""

TOKEN_BYTES = 3.0
"""Per element that is dispatched in 8 bit and combined in 16 bit."""

GROUP_LIMIT = 4.0
"""Domains that the experts of one token lie in, at most: routing is limited to groups of experts [2]."""


def all_reduce_s(
    *, operators: Operators, moved_bytes: FloatArray, ranks: FloatArray, efficiency: float = NIC_SHARE
) -> FloatArray:
    """Seconds of an all-reduce.

    Parameters
    ----------
    moved_bytes
        Of the buffer that every rank holds.
    ranks
        Of the group; it fills domains one after another.
    efficiency
        Share of the NIC reached across domains.
    """
    inside = np.minimum(ranks, operators.domain)
    time = pipelined_s(
        operators=operators, law=operators.all_reduce, moved_bytes=moved_bytes, ranks=inside, factor=2.0
    )
    small = moved_bytes <= DIRECT_BYTES
    if any_true(small):
        direct = direct_s(operators=operators, moved_bytes=moved_bytes, ranks=inside)
        time = np.where(small, np.minimum(time, direct), time)
    across = _across_s(operators, moved_bytes, ranks, factor=2.0, efficiency=efficiency)
    return np.where(moved_bytes > 0, time + across, 0.0)


def all_gather_s(
    *, operators: Operators, moved_bytes: FloatArray, ranks: FloatArray, efficiency: float = NIC_SHARE
) -> FloatArray:
    """Seconds of an all-gather; `moved_bytes` are those of the gathered buffer."""
    inside = np.minimum(ranks, operators.domain)
    time = pipelined_s(
        operators=operators, law=operators.all_gather, moved_bytes=moved_bytes, ranks=inside, factor=1.0
    )
    across = _across_s(operators, moved_bytes, ranks, factor=1.0, efficiency=efficiency)
    return np.where(moved_bytes > 0, time + across, 0.0)


def reduce_scatter_s(
    *, operators: Operators, moved_bytes: FloatArray, ranks: FloatArray, efficiency: float = NIC_SHARE
) -> FloatArray:
    """Seconds of a reduce-scatter; `moved_bytes` are those of the buffer before it is scattered."""
    inside = np.minimum(ranks, operators.domain)
    time = pipelined_s(
        operators=operators, law=operators.reduce_scatter, moved_bytes=moved_bytes, ranks=inside, factor=1.0
    )
    across = _across_s(operators, moved_bytes, ranks, factor=1.0, efficiency=efficiency)
    return np.where(moved_bytes > 0, time + across, 0.0)


def send_s(
    *,
    operators: Operators,
    moved_bytes: FloatArray,
    across: BoolArray,
    efficiency: float = NIC_SHARE,
) -> FloatArray:
    """Seconds of a send to one other accelerator, of the same domain or `across` the network."""
    start = np.where(across, SEND_ACROSS_S, SEND_S)
    link = SEND_SHARE * link_bytes_per_s(ranks=np.full(1, 2.0), hardware=operators)
    rate = np.where(across, efficiency * operators.nic_bytes_per_s, link)
    return np.where(moved_bytes > 0, start + moved_bytes / rate, 0.0)


def dispatch_combine_s(
    *,
    operators: Operators,
    tokens: FloatArray,
    top_k: FloatArray,
    hidden: FloatArray,
    ranks: FloatArray,
    prefill: BoolArray,
) -> FloatArray:
    """Seconds of taking the tokens of one layer to their experts and the results back.

    Inside a domain the better of an exchange of routed copies and of gathering all tokens in 8 bit and
    scattering sums in 16 bit. Across domains kernels for few tokens send every copy by itself, those for
    prompts send a token to a domain once.

    Parameters
    ----------
    tokens
        Of one rank.
    ranks
        Expert-parallel ranks.
    prefill
        Whether the kernels for prompts run.
    """
    domains = np.ceil(ranks / operators.domain)
    token_bytes = TOKEN_BYTES * tokens * hidden
    time = np.zeros(1)
    if any_true(domains <= 1):
        time = _exchange_inside_s(operators, tokens, top_k, hidden, ranks)
    if any_true(domains > 1):
        n = np.maximum(domains, 2.0)
        copies = top_k * (n - 1.0) / n
        few = 48e-6 + 2e-6 * np.log2(n) + token_bytes * copies / (0.93 * operators.nic_bytes_per_s)
        reached = -(n - 1.0) * np.expm1(np.minimum(top_k, GROUP_LIMIT) * np.log1p(-1.0 / n))
        many = 180e-6 + 15e-6 * np.log2(n) + token_bytes * reached / (0.85 * operators.nic_bytes_per_s)
        time = np.where(domains > 1, np.where(prefill, many, few), time)
    return np.where((ranks > 1) & (token_bytes > 0), time, 0.0)


def _exchange_inside_s(
    operators: Operators, tokens: FloatArray, top_k: FloatArray, hidden: FloatArray, ranks: FloatArray
) -> FloatArray:
    n = np.maximum(ranks, 1.0)
    link = 0.55 * link_bytes_per_s(ranks=ranks, hardware=operators)
    copies = tokens * top_k * (n - 1.0) / n
    exchange = 20e-6 + 2.5e-6 * np.log2(n) + TOKEN_BYTES * hidden * copies / link
    everything = tokens * n * hidden
    gather = all_gather_s(operators=operators, moved_bytes=everything, ranks=ranks)
    scatter = reduce_scatter_s(operators=operators, moved_bytes=2.0 * everything, ranks=ranks)
    return np.minimum(exchange, gather + scatter)


def pipelined_s(
    *, operators: Operators, law: FloatArray, moved_bytes: FloatArray, ranks: FloatArray, factor: float
) -> FloatArray:
    """Seconds of a collective of NCCL inside a domain.

    Start, wire, and the root of both that the best division into chunks leaves.

    Parameters
    ----------
    law
        ``operators.all_reduce``, ``all_gather`` or ``reduce_scatter``.
    factor
        2 for an all-reduce, else 1.
    """
    n = np.maximum(ranks, 1.0)
    base, per_rank, share, ends, overlap = (law[:, i] for i in range(5))
    start = base + per_rank * (n - 1.0)
    link = share * (1.0 - ends / n) * link_bytes_per_s(ranks=n, hardware=operators)
    wire = factor * (1.0 - 1.0 / n) * moved_bytes / link
    return np.where(ranks > 1, start + wire + overlap * np.sqrt(start * wire), 0.0)


def direct_s(*, operators: Operators, moved_bytes: FloatArray, ranks: FloatArray) -> FloatArray:
    """Seconds of an all-reduce by direct reads of the peers inside a domain.

    One shot (every rank reads all others) or two (reduce-scatter, then all-gather), joined smoothly.
    """
    n = np.maximum(ranks, 1.0)
    a1, b1, e1, a2, b2, e2 = (operators.direct[:, i] for i in range(6))
    wire = moved_bytes * (n - 1.0) / link_bytes_per_s(ranks=n, hardware=operators)
    one = a1 + b1 * n + wire / e1
    two = a2 + b2 * n + 2.0 * wire / (n * e2)
    fast, slow = np.minimum(one, two), np.maximum(one, two)
    ratio = fast / slow
    ratio = ratio * ratio
    return np.where(ranks > 1, fast / np.sqrt(np.sqrt(1.0 + ratio * ratio)), 0.0)


def _across_s(
    operators: Operators, moved_bytes: FloatArray, ranks: FloatArray, *, factor: float, efficiency: float
) -> FloatArray:
    """Ring over the domains of a group, every rank of a domain with its share of the buffer."""
    n = np.ceil(ranks / operators.domain)
    if not any_true(n > 1):
        return np.zeros(1)
    share = moved_bytes / np.minimum(ranks, operators.domain)
    wire = factor * (1.0 - 1.0 / n) * share / (efficiency * operators.nic_bytes_per_s)
    return np.where(n > 1, ACROSS_S + ACROSS_DOMAIN_S * (n - 1.0) + wire, 0.0)
