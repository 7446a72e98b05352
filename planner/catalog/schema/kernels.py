"""Kernel rates of an accelerator: ``hardware/calibration/kernels/ID.yaml``, ``shared`` without tables."""

from __future__ import annotations

from typing import Literal

from planner.catalog.quantity import Count, Fraction, IsoDate, Ratio
from planner.catalog.records import Record, Section, Strict

__all__ = ["AttentionRates", "GemmRates", "KernelRates", "KernelRows"]


class GemmRates(Section):
    """Share of the dense peak that a large matrix product reaches in a short burst, by kind of kernel."""

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


class KernelRows(Strict):
    """Rows of the kernel tables that each rate was fitted to; 0 where it comes from elsewhere."""

    bf16: int = 0
    fp8: int = 0
    mxfp8: int = 0
    nvfp4: int = 0
    grouped: int = 0
    """For the attention core of grouped queries."""
    latent: int = 0


class KernelRates(Record):
    """Kernel rates of one accelerator."""

    date: IsoDate | None = None
    """When the rates were fitted."""
    rows: KernelRows | None = None

    clock: Literal["fixed", "boosted"] = "boosted"
    """Fixed clocks hold the burst rate; boosted ones give way to the power limit, a fitted constant."""
    warm: Ratio | None = None
    """Rate after thousands of warm-up products over that of a short burst, as published."""
    gemm: GemmRates
    attention: AttentionRates
