"""What every block of a layer shares: tokens and rates of one accelerator, and work done at them.

References
----------
.. [1] V. Korthikanti et al., arXiv:2205.05198: sequence parallelism.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.operators import STREAM_SHARE, linear_s, stream_s
from planner.tables import Hardware, Model, Software, Strategy
from planner.types import FloatArray

__all__ = ["Both", "LayerContext", "micro_batch_tokens", "prepare", "sequence_split"]

Both = tuple[FloatArray, FloatArray]
"""Seconds forward and backward."""

POWER_EXPONENT = 0.4
"""Matrix rate against board power: clocks fall by less than the power cap (measured on capped boards)."""

WARM_DUTY = 0.5
"""Weight of the warm over the burst rate: a training step draws full power only during its large products."""

NORM_BYTES = 10.0
"""Bytes moved per element by the norm and the residual of a block, forward."""

DROPOUT_BYTES = 2.0
"""A mask of one byte per element, written and read."""

NORM_BACKWARD = 1.4
"""Traffic of norm and residual backward over forward."""


UNTURNED = 0.75
"""Traffic of a cast without its transpose over that with it: two bytes read, one written instead of two."""


@dataclass(frozen=True, eq=False)
class LayerContext:
    """Quantities that every block shares, per accelerator and micro-batch; shape ``[R]``."""

    hw: Hardware
    model: Model
    sw: Software
    st: Strategy
    tokens: FloatArray
    sequence_split: FloatArray
    sustained: FloatArray  # share of the burst rate that is held through a run
    rate16: FloatArray  # FLOP/s of 16-bit matrix products
    rate_linear: FloatArray  # FLOP/s in the training precision

    def linear(
        self, *, m: FloatArray, n: FloatArray, k: FloatArray, low: bool = True, learns: bool = False
    ) -> Both:
        """Seconds of a linear layer, in the training precision or (`low=False`) in 16 bit.

        Its weights are the model's own, frozen where those are; or (`learns=True`) learn in any case.
        """
        return linear_s(
            m=m,
            n=n,
            k=k,
            gemm_class=self.st.gemm_class if low else np.zeros_like(self.st.gemm_class),
            rate_flop_per_s=self.rate_linear if low else self.rate16,
            memory_bytes_per_s=self.hw.memory_bytes_per_s,
            gradient_bytes=self.sw.gradient_bytes,
            frozen=0.0 if learns else self.model.frozen,
        )

    def stream(self, moved_bytes: FloatArray, kernels: float = 3.0) -> FloatArray:
        """Seconds of element-wise traffic at this stack's fusion."""
        return self.sw.elementwise * stream_s(
            moved_bytes=self.sw.passes * moved_bytes,
            memory_bytes_per_s=self.hw.memory_bytes_per_s,
            kernels=kernels,
        )

    def quantise(self, elements: FloatArray) -> FloatArray:
        """Seconds to cast one operand of a product to the training precision, with its transpose.

        The transpose serves weight gradients, of which frozen weights have none.
        """
        casts = np.where(self.st.gemm_class == 3, 1.5, np.where(self.st.gemm_class > 0, 1.0, 0.0))
        casts = np.where(self.model.frozen > 0, UNTURNED * casts, casts)
        return casts * self.sw.quantise * 4.0 * elements / (STREAM_SHARE * self.hw.memory_bytes_per_s)

    def norm_bytes(self) -> FloatArray:
        """Bytes moved per token by the norm, the residual and the dropout of a block, forward."""
        return (NORM_BYTES + DROPOUT_BYTES * self.sw.dropout) * self.model.hidden / self.sequence_split


def micro_batch_tokens(strategy: Strategy) -> FloatArray:
    """Tokens of one micro-batch on one context-parallel rank."""
    return strategy.micro_batch * strategy.seq_len / strategy.cp


def sequence_split(strategy: Strategy) -> FloatArray:
    """Ranks over which norms and residuals are split: ``tp`` under sequence parallelism, else one [1]."""
    return np.where(strategy.sequence_parallel, strategy.tp, 1.0)


def prepare(*, hardware: Hardware, model: Model, software: Software, strategy: Strategy) -> LayerContext:
    """Return the rates and token counts of all blocks.

    A part without a format has a rate of nan in it, so that its rows come out as nan.
    """
    power = np.minimum(hardware.power_ratio, 1.0) ** POWER_EXPONENT
    held = software.sustained * hardware.warm**WARM_DUTY
    sustained = np.where(hardware.fixed_clock, 1.0, held) * power
    rows, classes = np.broadcast_arrays(np.arange(len(hardware.peak_flop_per_s)), strategy.gemm_class)
    burst = hardware.peak_flop_per_s[rows, classes] * hardware.gemm_asymptote[rows, classes]
    return LayerContext(
        hw=hardware,
        model=model,
        sw=software,
        st=strategy,
        tokens=micro_batch_tokens(strategy),
        sequence_split=sequence_split(strategy),
        sustained=sustained,
        rate16=hardware.peak_flop_per_s[:, 0] * hardware.gemm_asymptote[:, 0] * sustained,
        rate_linear=np.where(burst > 0, burst, np.nan) * sustained,
    )
