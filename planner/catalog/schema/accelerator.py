"""Accelerators: ``hardware/accelerators/ID.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from planner.catalog.quantity import Bytes, BytesPerSecond, Count, FlopPerSecond, Hertz, Ratio, Watts
from planner.catalog.records import Record, Section, Text

__all__ = ["Accelerator", "Flops", "Host", "Memory", "Power", "ScaleOut", "ScaleUp"]


class Flops(Section):
    """Dense matrix rates, without structured sparsity; a format that is missing is not supported."""

    fp32: FlopPerSecond | None = None
    tf32: FlopPerSecond | None = None
    bf16: FlopPerSecond | None = None
    fp16: FlopPerSecond | None = None
    fp8: FlopPerSecond | None = None
    int8: FlopPerSecond | None = None
    fp6: FlopPerSecond | None = None
    fp4: FlopPerSecond | None = None

    @model_validator(mode="after")
    def _has_a_16_bit_rate(self) -> Flops:
        if self.bf16 is None and self.fp16 is None:
            raise ValueError("needs bf16 or fp16; add the dense rate, for example bf16: 989.4 TFLOP/s")
        return self


class Memory(Section):
    """Device memory."""

    capacity: Bytes
    """As marketed, decimal."""
    bandwidth: BytesPerSecond
    """Reads plus writes, peak."""
    type: Text
    """For example HBM3e."""
    l2: Bytes | None = None
    """Last-level cache."""


class Power(Section):
    """Power of one accelerator with its memory."""

    tdp: Watts
    idle: Watts | None = None


class ScaleUp(Section):
    """The fabric inside a domain: NVLink, xGMI, ICI; PCIe where there is nothing better."""

    name: Text
    bandwidth: BytesPerSecond
    """Per accelerator and direction, all links together."""
    domain: Annotated[int, Field(ge=1)]
    """Accelerators that reach one another over it, in the usual system."""
    topology: Literal["switch", "mesh", "torus", "none"]
    torus_dims: Literal[2, 3] | None = None
    """Dimensions, for a torus."""

    @model_validator(mode="after")
    def _torus_has_dimensions(self) -> ScaleUp:
        if (self.topology == "torus") != (self.torus_dims is not None):
            raise ValueError("torus_dims (2 or 3) belongs to topology torus, and only to it")
        return self


class ScaleOut(Section):
    """The network between domains."""

    bandwidth: BytesPerSecond
    """Per accelerator and direction with its usual NIC."""


class Host(Section):
    """The link to the host processor."""

    name: Text
    bandwidth: BytesPerSecond
    """Per accelerator and direction."""
    cpu: Literal["x86", "arm"] = "x86"
    """Kind of host processor: per-step work of serving engines runs on one of its cores."""
    speed: Ratio | None = None
    """Of one core of the usual host, over one of a Xeon Platinum 8480C; 1 where left out."""


class Accelerator(Record):
    """One accelerator as software sees it: an MI250X module has two of them."""

    vendor: Text
    released: Annotated[int, Field(ge=2000, le=2100)]
    """Year."""
    process: str | None = None
    flops: Flops
    memory: Memory
    compute_units: Count
    """Streaming multiprocessors, compute units or cores."""
    boost_clock: Hertz | None = None
    power: Power
    scale_up: ScaleUp
    scale_out: ScaleOut
    host: Host
    kernels: str | None = None
    """Id of the kernel calibration to use instead of its own, for a variant of another accelerator."""
    reference_tdp: Watts | None = None
    """The power at which those kernels were measured, where this variant is limited to less."""
