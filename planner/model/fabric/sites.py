"""One training job over several sites: what the exchange of gradients between them costs.

Three ways to train over links that are long and, beside the fabrics inside, narrow:

* **synchronous**: reduce inside each site, then all-reduce between sites, one after the other;
* **hierarchical**: the same in chunks, so that both go on at once: reduce-scatter inside, all-reduce of each
  shard between sites, all-gather inside [3]_;
* **local**: sites train apart for ``H`` steps and exchange what they have learnt (DiLoCo), which costs
  tokens [2]_.

Distillation and reinforcement learning are coupled more loosely still: weights travel after many steps, and
rollouts are small.

References
----------
.. [1] Epoch AI, "Could decentralized training solve AI's power problem?" (2025): a bidirectional ring over 23
   sites.
.. [2] Charles et al., "Scaling Laws for DiLoCo", arXiv:2503.09799.
.. [3] NVIDIA, "Turbocharge LLM training across long-haul data center networks with NeMo Framework" (2025).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from planner.errors import InputError
from planner.tables.fabric import LinkTable
from planner.types import FloatArray

__all__ = ["CHUNKS", "FIBRE_M_PER_S", "MODES", "Exchange", "Ring", "multisite", "ring"]

FIBRE_M_PER_S: Final = 2e8
"""Speed of light in glass."""
MODES: Final = ("synchronous", "hierarchical", "local")
CHUNKS: Final = 16.0
"""Pieces in which the hierarchical exchange passes the interfaces inside, then the link."""


class Ring(NamedTuple):
    """Seconds of an all-reduce between sites."""

    transfer_s: FloatArray
    latency_s: FloatArray

    @property
    def total_s(self) -> FloatArray:
        """Transfer and latency."""
        return self.transfer_s + self.latency_s


def ring(
    *, moved_bytes: FloatArray, sites: FloatArray, bytes_per_s: FloatArray, length_m: FloatArray
) -> Ring:
    """All-reduce over a ring of sites in both directions at once.

    ``2 (n - 1) / n`` of the bytes leave each site, half of them either way round; between two sites there is
    one connection, and so one way. Latency is that of light once around the ring (for two sites, one way)
    [1]_.

    Parameters
    ----------
    moved_bytes
        Of the whole gradient.
    sites
        In the ring, 2 or more; with 1, nothing is exchanged.
    bytes_per_s
        Of the connection between neighbours, per direction.
    length_m
        Of the ring, or between two sites.

    Raises
    ------
    InputError
        Fewer than one site, or a connection without bandwidth.
    """
    n = np.asarray(sites, dtype=float)
    if np.any(n < 1) or np.any(np.asarray(bytes_per_s) <= 0):
        raise InputError("a ring joins 1 or more sites by connections of more than 0 bytes/s")
    ways = np.where(n > 2, 2.0, 1.0)
    transfer = 2.0 * (n - 1.0) / n * moved_bytes / (bytes_per_s * ways)
    return Ring(transfer, np.where(n > 1, length_m / FIBRE_M_PER_S, 0.0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Exchange:
    """Training over several sites in one of the `MODES`, arrays ``[S, R]``.

    Attributes
    ----------
    exchange_s
        From the first byte of an exchange to its last.
    exposed_s
        Added to each step, on average.
    step_s
        Of the step over several sites.
    efficiency
        Useful tokens per second over those of as many accelerators in one site.
    link_bytes_per_s
        Mean rate per connection and direction.
    """

    exchange_s: FloatArray
    exposed_s: FloatArray
    step_s: FloatArray
    efficiency: FloatArray
    link_bytes_per_s: FloatArray


def multisite(
    *,
    link: LinkTable,
    gradient_bytes: FloatArray,
    step_s: FloatArray,
    backward_s: FloatArray,
    inside_s: FloatArray,
    site_bytes_per_s: FloatArray,
) -> dict[str, Exchange]:
    """Step time and efficiency over several sites, by mode.

    What the step in one site holds already is not counted twice: the exchange inside, as far as the backward
    pass does not hide it. Over sites the backward pass hides ``overlap`` of its time of the whole exchange.

    Parameters
    ----------
    link : LinkTable
        The ring, ``[S, 1]``.
    gradient_bytes : FloatArray
        Of the whole model, ``[R]`` as all others; 2 bytes per parameter where gradients are reduced in 16
        bit.
    step_s, backward_s
        Of the step as it is in one site, and its backward pass.
    inside_s
        Reduce-scatter and all-gather inside a site, as long as they take.
    site_bytes_per_s
        At which a site's accelerators together reach the link (interfaces times their rate): more than the
        link in all but small clusters.

    Returns
    -------
    dict
        For each of `MODES`.

    Raises
    ------
    InputError
        A step of no time, a backward pass longer than its step, or negative bytes or times.
    """
    parts = (gradient_bytes, backward_s, inside_s)
    if np.any(np.asarray(step_s) <= 0) or any(np.any(np.asarray(part) < 0) for part in parts):
        raise InputError("a step takes more than 0 s, and its gradient and parts are not negative")
    if np.any(np.asarray(backward_s) > step_s):
        raise InputError("the backward pass is a part of the step: backward_s cannot be more than step_s")
    across = ring(
        moved_bytes=gradient_bytes,
        sites=np.array(float(link.sites)),
        bytes_per_s=np.minimum(link.bytes_per_s, site_bytes_per_s),
        length_m=link.length_m,
    )
    window = link.overlap * backward_s
    # What the step already shows of the exchange inside.
    shown = np.maximum(inside_s - window, 0.0)
    serial = inside_s + across.total_s
    slowest = np.maximum(across.transfer_s, inside_s)
    chunked = (inside_s + across.transfer_s - slowest) / CHUNKS + slowest + across.latency_s
    every = float(link.inner_steps)
    exchange = {"synchronous": serial, "hierarchical": chunked, "local": across.total_s}
    exposed = {
        "synchronous": np.maximum(serial - window, 0.0) - shown,
        "hierarchical": np.maximum(chunked - window, 0.0) - shown,
        "local": np.maximum(across.total_s - window, 0.0) / every,
    }
    moved = across.transfer_s * np.minimum(link.bytes_per_s, site_bytes_per_s)
    found = {}
    for mode in MODES:
        rounds = every if mode == "local" else 1.0
        slower = step_s + exposed[mode]
        tokens = 1.0 + link.token_loss if mode == "local" else 1.0
        found[mode] = Exchange(
            exchange_s=exchange[mode],
            exposed_s=exposed[mode],
            step_s=slower,
            efficiency=step_s / (slower * tokens),
            link_bytes_per_s=moved / (slower * rounds),
        )
    return found
