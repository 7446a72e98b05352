"""Kernels of a serving step on an accelerator: ``hardware/calibration/operators/ID.yaml``.

A record states the parameters of the laws in `planner.model.inference`: times, and shares of the datasheet.
What it leaves out was not measured on that part and comes from the record ``shared``.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from planner.catalog.quantity import Count, FlopPerSecond, Fraction, IsoDate, Ratio, Seconds
from planner.catalog.records import Record, Section

__all__ = [
    "Collectives",
    "ContextLaw",
    "DecodeLaw",
    "GemmLaw",
    "GroupedLaw",
    "OneTwoShotLaw",
    "OperatorRates",
    "PipelinedLaw",
    "Reference",
    "StaticScales",
    "StreamLaw",
]


class GemmLaw(Section):
    """A linear layer ``[m, k] x [k, n]``: compute, memory and the serial loop over ``k`` by a p-norm."""

    overhead: Seconds
    """Of one captured kernel, with that of the quantisation of its activations where there is one."""
    compute: Ratio
    """Share of the dense peak."""
    memory: Ratio
    """Share of the memory bandwidth."""
    exponent: Ratio
    """Of the p-norm."""
    serial: Seconds
    """Of one tile per 1024 of ``k``."""
    serial_half: Ratio
    """Thousands (1024) of ``k`` at which splitting the loop halves its growth."""
    quantise: Ratio | None = None
    """Share of the memory bandwidth in the quantisation of activations; none where they stay in 16 bit."""
    waves: Fraction | None = None
    """Exponent of the loss in the last wave of tiles: 0 none, 1 all of it."""


class GroupedLaw(Section):
    """The routed experts of one rank: permutation, both grouped products, activation and reduction."""

    overhead: Seconds
    routing: Seconds
    """Per doubling of the tokens beyond 8."""
    compute: Ratio
    memory: Ratio
    """Share of the memory bandwidth in reading the weights of the experts that are hit."""
    exponent: Ratio
    serial: Seconds
    """Per 1024 of hidden and inner width together."""
    routed: Ratio
    """Share of the memory bandwidth in traffic of routed rows."""
    tokens: Ratio
    """Share of the memory bandwidth in traffic of tokens before they are routed and after."""


class DecodeLaw(Section):
    """The attention core of one new token per sequence over its cache."""

    overhead: Seconds
    doubling: Seconds
    """Per doubling of the keys beyond 256: the cache is read in splits that are reduced afterwards."""
    compute: Ratio
    memory: Ratio
    exponent: Ratio
    block: Seconds
    """Of one thread block, times the blocks per compute unit."""


class ContextLaw(Section):
    """The causal attention core of many new tokens per sequence."""

    overhead: Seconds
    compute: Ratio
    memory: Ratio
    exponent: Ratio
    tile: Ratio
    """Longest tile of 128 queries on one compute unit, over its time at the peak."""
    block: Seconds
    """Of one thread block, times the blocks per compute unit."""
    softmax: Count | None = None
    """Exponentials, as head size that costs as much; none where they are not seen apart."""


class GemmLaws(Section):
    """By format of the operands."""

    bf16: GemmLaw | None = None
    fp8: GemmLaw | None = None
    """One scale per row of activations, found on the fly."""
    fp8_block: GemmLaw | None = None
    """One scale per block of 128."""
    nvfp4: GemmLaw | None = None


class GroupedLaws(Section):
    """By format of the operands."""

    bf16: GroupedLaw | None = None
    fp8: GroupedLaw | None = None
    fp8_block: GroupedLaw | None = None
    nvfp4: GroupedLaw | None = None
    mxfp4: GroupedLaw | None = None
    """mxfp4 weights and mxfp8 activations."""


class DecodeLaws(Section):
    """By format of the cache."""

    bits16: DecodeLaw | None = None
    bits8: DecodeLaw | None = None


class ContextLaws(Section):
    """By format of the kernel (grouped queries) or of the cache (latent attention)."""

    bits16: ContextLaw | None = None
    bits8: ContextLaw | None = None


class PipelinedLaw(Section):
    """A collective of NCCL: start, wire, and what the best division into chunks leaves of both."""

    base: Seconds
    per_rank: Seconds
    """For each rank beyond the first."""
    share: Ratio
    """Share of the link with many ranks; above 1 where the switch reduces."""
    ends: Fraction
    """What one over the ranks takes off that share."""
    overlap: Ratio
    """Weight of the root of start times wire."""


class OneTwoShotLaw(Section):
    """All-reduce by direct reads of the peers: everything at once, or reduce-scatter and all-gather."""

    one_base: Seconds
    one_per_rank: Seconds
    one_share: Ratio
    two_base: Seconds
    two_per_rank: Seconds
    two_share: Ratio


class Collectives(Section):
    """Inside a scale-up domain."""

    all_reduce: PipelinedLaw
    all_gather: PipelinedLaw
    reduce_scatter: PipelinedLaw
    direct: OneTwoShotLaw


class StreamLaw(Section):
    """A kernel that only moves data."""

    floor: Seconds
    """Of the shortest captured kernel."""
    overhead: Seconds
    share: Fraction
    """Of the memory bandwidth."""


class StaticScales(Section):
    """Per-tensor 8 bit with scales known before: what differs from scales found on the fly."""

    overhead: Seconds
    quantise: Fraction
    """Of the time of the quantisation, since most of it joins other kernels."""


class Reference(Section):
    """The part on which the laws were measured, for variants of the same die with fewer matrix units."""

    bf16: FlopPerSecond
    compute_units: Count


class OperatorRates(Record):
    """Kernels of a serving step on one accelerator; a law that is missing is taken from ``shared``."""

    date: IsoDate | None = None
    """When the parameters were fitted."""
    reference: Reference | None = None
    unit_rate: FlopPerSecond | None = None
    """16-bit rate of the densest compute unit that was measured; a core beyond it counts as several."""
    gemm: GemmLaws | None = None
    grouped: GroupedLaws | None = None
    decode: DecodeLaws | None = None
    context: ContextLaws | None = None
    latent_decode: DecodeLaws | None = None
    latent_context: ContextLaws | None = None
    stream: StreamLaw | None = None
    collectives: Collectives | None = None
    """Over links of the part's own."""
    host_collectives: Collectives | None = None
    """Between cards that meet over the PCIe switches of their host."""
    static_scales: StaticScales | None = None

    @model_validator(mode="after")
    def _shared_is_complete(self) -> Self:
        if self.id == SHARED:
            gaps = self.gaps()
            if gaps:
                raise ValueError(f"lends to all other records and must not lack {', '.join(gaps)}; add them")
        return self

    def gaps(self) -> list[str]:
        """Paths of the laws that this record leaves to ``shared``."""
        found = []
        for name in LAWS:
            section = getattr(self, name)
            if section is None:
                found.append(name)
            elif name in FAMILIES:
                found += [f"{name}.{law}" for law in _laws(section) if getattr(section, law) is None]
        return found

    def completed(self, shared: OperatorRates) -> OperatorRates:
        """Fill what this record lacks from `shared`."""
        update: dict[str, object] = {}
        for name in LAWS:
            own, lent = getattr(self, name), getattr(shared, name)
            if own is None:
                update[name] = lent
            elif name in FAMILIES:
                missing = {law: getattr(lent, law) for law in _laws(own) if getattr(own, law) is None}
                update[name] = own.model_copy(update=missing)
        return self.model_copy(update=update)


def _laws(family: Section) -> list[str]:
    return [name for name in type(family).model_fields if name != "cite"]


SHARED = "shared"
"""The record that applies to parts without one of their own."""

FAMILIES = ("gemm", "grouped", "decode", "context", "latent_decode", "latent_context")
"""Sections with one law per format."""

LAWS = (*FAMILIES, "stream", "collectives", "host_collectives", "static_scales")
