"""Linear mixers in place of attention: Mamba-2, gated delta-net and their kin.

References
----------
.. [1] T. Dao, A. Gu, arXiv:2405.21060 (Mamba-2): chunked scan as matrix products.
"""

from __future__ import annotations

from planner.model.adapters import linear_adapters
from planner.model.blocks import tensor_parallel
from planner.model.context import NORM_BYTES, LayerContext
from planner.model.passes import Passes, added, passes

__all__ = ["linear_mixer_block"]

SCAN_SHARE = 0.25
"""Share of the 16-bit peak that a chunked scan reaches."""

SCAN_BACKWARD = 2.5
"""Time of a scan backward over forward."""

MIXER_BACKWARD = 1.6
"""Element-wise traffic backward over forward."""

MIXER_KERNELS = 1.5
"""Launches over those of an attention block: convolution and scan come on top."""


def linear_mixer_block(c: LayerContext) -> Passes:
    """Projections, short convolution, chunked scan."""
    m, t = c.model, c.tokens
    inner, projection = m.linear_inner / c.st.tp, m.linear_projection / c.st.tp
    scan = t * m.linear_scan_flop / c.st.tp / (SCAN_SHARE * c.hw.peak_flop_per_s[:, 0])
    moved = t * (NORM_BYTES * m.hidden / c.sequence_split + 6.0 * (projection + inner))
    quantise = c.quantise(t * (m.hidden + inner))
    products = added(c.linear(m=t, n=projection, k=m.hidden), c.linear(m=t, n=m.hidden, k=inner))
    return passes(
        c,
        kernels=MIXER_KERNELS * c.sw.kernels_per_block,
        gemm=linear_adapters(c, products, projection=projection, inner=inner),
        attention=(scan, SCAN_BACKWARD * scan),
        elementwise=(c.stream(moved), c.stream(MIXER_BACKWARD * moved)),
        quantise=(quantise, quantise),
        tensor=tensor_parallel(c),
    )
