"""Kernel laws of a serving step on an accelerator: catalog records to the `Operators` table.

Axis letters: ``R`` rows, ``C`` classes of linear layers (`OPERATOR_CLASSES`); a last axis of 2 is 16 bit and
8 bit, of the cache or of the kernel. What the parameters mean says `planner.catalog.schema.operators`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.tables.arrays import Rows
from planner.tables.hardware import TOPOLOGY
from planner.types import FloatArray, IntArray

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.quantity import Quantity
    from planner.catalog.records import Section
    from planner.catalog.schema.accelerator import Accelerator
    from planner.catalog.schema.operators import OperatorRates, StaticScales

__all__ = ["OPERATOR_CLASSES", "Operators", "operators_of", "operators_table"]

OPERATOR_CLASSES = ("bf16", "fp8", "fp8-static", "fp8-block", "nvfp4", "mxfp4")
"""Kernels of linear layers: 16 bit; 8 bit scaled per row on the fly, per tensor with known scales, and per
block; 4 bit; and 4-bit weights (mxfp4) times 8-bit activations (mxfp8)."""

GEMM_LAWS = ("bf16", "fp8", "fp8", "fp8_block", "nvfp4", "fp8")
"""Law of each class. Products with mxfp4 weights outside experts have no tables: those of fp8 are nearest."""

GROUPED_LAWS = ("bf16", "fp8", "fp8", "fp8_block", "nvfp4", "mxfp4")

STATIC_CLASS = OPERATOR_CLASSES.index("fp8-static")


@dataclass(frozen=True, eq=False)
class Operators(Rows):
    """One accelerator in its domain and network per row."""

    peak_flop_per_s: FloatArray  # [R, C] dense datasheet rate; 0 where the part has no such format
    memory_bytes_per_s: FloatArray  # [R]
    compute_units: FloatArray  # [R] a core larger than that of any part measured counts as several
    link_bytes_per_s: FloatArray  # [R] scale-up, per accelerator and direction
    domain: IntArray  # [R] accelerators in one scale-up domain
    torus_dims: IntArray  # [R] 0 switched, 1 all-to-all mesh, 2 or 3 torus
    node: IntArray  # [R] accelerators that share one host
    nic_bytes_per_s: FloatArray  # [R] scale-out, per accelerator and direction
    density: FloatArray  # [R] 16-bit rate per compute unit, over that of the part the laws were measured on
    gemm_overhead: FloatArray  # [R, C] seconds
    gemm_compute: FloatArray  # [R, C]
    gemm_memory: FloatArray  # [R, C]
    gemm_exponent: FloatArray  # [R, C]
    gemm_serial: FloatArray  # [R, C] seconds per 1024 of k
    gemm_serial_half: FloatArray  # [R, C] thousands of k
    gemm_quantise: FloatArray  # [R, C] share of the memory bandwidth; inf where nothing is quantised
    gemm_waves: FloatArray  # [R, C]
    grouped_overhead: FloatArray  # [R, C] seconds
    grouped_routing: FloatArray  # [R, C] seconds
    grouped_compute: FloatArray  # [R, C]
    grouped_memory: FloatArray  # [R, C]
    grouped_exponent: FloatArray  # [R, C]
    grouped_serial: FloatArray  # [R, C] seconds per 1024 of both widths
    grouped_routed: FloatArray  # [R, C]
    grouped_tokens: FloatArray  # [R, C]
    decode_overhead: FloatArray  # [R, 2] seconds
    decode_doubling: FloatArray  # [R, 2] seconds
    decode_compute: FloatArray  # [R, 2]
    decode_memory: FloatArray  # [R, 2]
    decode_exponent: FloatArray  # [R, 2]
    decode_block: FloatArray  # [R, 2] seconds
    context_overhead: FloatArray  # [R, 2] seconds
    context_compute: FloatArray  # [R, 2]
    context_memory: FloatArray  # [R, 2]
    context_exponent: FloatArray  # [R, 2]
    context_tile: FloatArray  # [R, 2]
    context_block: FloatArray  # [R, 2] seconds
    context_softmax: FloatArray  # [R, 2] head size
    latent_decode_overhead: FloatArray  # [R, 2] as decode
    latent_decode_doubling: FloatArray  # [R, 2]
    latent_decode_compute: FloatArray  # [R, 2]
    latent_decode_memory: FloatArray  # [R, 2]
    latent_decode_exponent: FloatArray  # [R, 2]
    latent_decode_block: FloatArray  # [R, 2]
    latent_context_overhead: FloatArray  # [R, 2] as context
    latent_context_compute: FloatArray  # [R, 2]
    latent_context_memory: FloatArray  # [R, 2]
    latent_context_exponent: FloatArray  # [R, 2]
    latent_context_tile: FloatArray  # [R, 2]
    latent_context_block: FloatArray  # [R, 2]
    latent_context_softmax: FloatArray  # [R, 2]
    all_reduce: FloatArray  # [R, 5] base, per rank (seconds), share, ends, overlap
    all_gather: FloatArray  # [R, 5]
    reduce_scatter: FloatArray  # [R, 5]
    direct: FloatArray  # [R, 6] base, per rank (seconds), share of one shot; the same of two
    stream_floor: FloatArray  # [R] seconds
    stream_overhead: FloatArray  # [R] seconds
    stream_share: FloatArray  # [R]


def operators_of(catalog: Catalog, accelerator: Accelerator) -> OperatorRates:
    """Find the laws that apply to a part: its own, those of the part it is a variant of, or ``shared``.

    The shared record also fills what the other one lacks.
    """
    from planner.catalog.kinds import OPERATORS
    from planner.catalog.schema.operators import SHARED

    shared = catalog.get(OPERATORS, SHARED)
    named = accelerator.kernels or accelerator.id
    if named == SHARED or not catalog.find(OPERATORS, named):
        return shared
    return catalog.get(OPERATORS, named).completed(shared)


def operators_table(
    accelerator: Accelerator,
    record: OperatorRates,
    *,
    domain: int | None = None,
    node: int | None = None,
    nic_bytes_per_s: float | None = None,
) -> Operators:
    """One row of `Operators`.

    Parameters
    ----------
    accelerator, record
        The part and the laws that apply to it, from `operators_of`.
    domain, node
        Accelerators per scale-up domain and per host; default those of the part (8 per host, fewer where the
        domain is smaller, 4 where it is larger).
    nic_bytes_per_s
        Scale-out bandwidth per accelerator and direction; default that of the part.

    Raises
    ------
    ValueError
        The record lacks laws: it does not come from `operators_of`.
    """
    if gaps := record.gaps():
        raise ValueError(
            f"operators {record.id} lack {', '.join(gaps)}; complete them from the shared record"
        )
    a = accelerator
    domain = domain or a.scale_up.domain
    scalars: dict[str, Any] = {
        "memory_bytes_per_s": a.memory.bandwidth.value,
        "compute_units": _units(a, record),
        "link_bytes_per_s": a.scale_up.bandwidth.value,
        "domain": domain,
        "torus_dims": a.scale_up.torus_dims or TOPOLOGY[a.scale_up.topology],
        "node": node or (domain if domain <= 8 else 4),
        "nic_bytes_per_s": nic_bytes_per_s or a.scale_out.bandwidth.value,
        "density": _density(a, record),
        "peak_flop_per_s": _peaks(a),
        **_laws("gemm", record.gemm, GEMM_LAWS, absent={"quantise": np.inf}),
        **_laws("grouped", record.grouped, GROUPED_LAWS),
        **{
            key: values
            for family in ("decode", "context", "latent_decode", "latent_context")
            for key, values in _laws(family, getattr(record, family), ("bits16", "bits8")).items()
        },
        **_links(a, record),
        **{f"stream_{name}": value for name, value in _numbers(record.stream).items()},
    }
    if record.static_scales is not None:
        _make_static(scalars, record.static_scales)
    return Operators(**{key: np.asarray([value]) for key, value in scalars.items()})


def _numbers(law: Section | None, absent: dict[str, float] | None = None) -> dict[str, float]:
    """Parameters of one law in base units; those it does not have are 0 or as `absent` says."""
    if law is None:
        return {}
    fields = [name for name in type(law).model_fields if name != "cite"]
    values: dict[str, Quantity | None] = {name: getattr(law, name) for name in fields}
    default = absent or {}
    return {name: default.get(name, 0.0) if q is None else q.value for name, q in values.items()}


def _laws(
    family: str, section: Section | None, laws: tuple[str, ...], absent: dict[str, float] | None = None
) -> dict[str, list[float]]:
    """Columns ``FAMILY_PARAMETER``, one value per law."""
    numbers = [_numbers(getattr(section, law), absent) for law in laws]
    return {f"{family}_{name}": [one[name] for one in numbers] for name in numbers[0]}


def _peaks(a: Accelerator) -> list[float]:
    """Dense rate of each class. Parts without 4-bit units have no mxfp4 kernels: they widen the weights."""
    eight, four = _value(a.flops.fp8), _value(a.flops.fp4)
    return [_rate16(a), eight, eight, eight, four, eight if four else 0.0]


def _rate16(a: Accelerator) -> float:
    return _value(a.flops.bf16) or _value(a.flops.fp16)


def _units(a: Accelerator, record: OperatorRates) -> float:
    """Compute units as the laws count them: large cores, as of a systolic array, stand for several."""
    units = a.compute_units.value
    return units if record.unit_rate is None else max(units, _rate16(a) / record.unit_rate.value)


def _density(a: Accelerator, record: OperatorRates) -> float:
    if record.reference is None:
        return 1.0
    return (
        _rate16(a)
        / a.compute_units.value
        / (record.reference.bf16.value / record.reference.compute_units.value)
    )


def _value(quantity: Quantity | None) -> float:
    return quantity.value if quantity is not None else 0.0


def _links(a: Accelerator, record: OperatorRates) -> dict[str, list[float]]:
    """Take collectives over links of the part's own; where it has none, those over the PCIe of its host."""
    over = record.host_collectives if a.scale_up.topology == "none" else record.collectives
    names = ("all_reduce", "all_gather", "reduce_scatter", "direct")
    return {name: list(_numbers(getattr(over, name)).values()) for name in names}


def _make_static(columns: dict[str, Any], scales: StaticScales) -> None:
    """Spare most of the quantisation and part of the overhead in the class with static scales."""
    overhead, quantise = columns["gemm_overhead"], columns["gemm_quantise"]
    overhead[STATIC_CLASS] = min(overhead[STATIC_CLASS], scales.overhead.value)
    share = scales.quantise.value
    quantise[STATIC_CLASS] = quantise[STATIC_CLASS] / share if share else np.inf
