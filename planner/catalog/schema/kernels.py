"""Kernel rates per accelerator: ``hardware/calibration/kernels/ID.yaml``, and ``shared`` for parts without tables."""

from __future__ import annotations

from typing import Literal

from planner.catalog.quantity import Count, Fraction, Ratio
from planner.catalog.records import Record, Section

__all__ = ["AttentionRates", "GemmRates", "KernelRates"]


class GemmRates(Section):
    """Share of the dense datasheet peak that a large matrix product reaches in a short burst, by kind of kernel."""

    bf16: Fraction
    fp8: Fraction
    """8 bit with one scale per tensor or row."""
    mxfp8: Fraction
    """8 bit with block scales."""
    nvfp4: Fraction
    """4 bit with block scales."""


class AttentionRates(Section):
    """The fused attention core relative to the 16-bit peak."""

    asymptote: Fraction
    """At infinite head size."""
    head_half: Count
    """Head size at which the share halves: work that does not grow with the head."""
    latent: Fraction
    """Multi-head latent attention, expanded as in training."""


class KernelRates(Record):
    """Kernel rates of one accelerator."""

    clock: Literal["fixed", "boosted"] = "boosted"
    """Fixed clocks hold the burst rate; boosted ones give way to the power limit, which is a fitted constant."""
    warm: Ratio | None = None
    """Rate after thousands of warm-up products over that of a short burst, as published."""
    gemm: GemmRates
    attention: AttentionRates
