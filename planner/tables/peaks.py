"""Accelerator records to their peaks: the rates and sizes by which one is counted as so many others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.catalog.schema.accelerator import Accelerator
    from planner.tables.samples import Samples

__all__ = ["Peaks", "peaks_table"]


class Peaks(NamedTuple):
    """Peaks of accelerators, ``[S, R]``: samples by accelerators; NaN where a part lacks a rate.

    Attributes
    ----------
    dense_16_bit_flop_per_s
        Matrix products in bf16 without structured sparsity; in fp16 on parts that lack bf16.
    dense_8_bit_flop_per_s
        The faster of FP8 and INT8: parts differ in which of the two they were built for.
    memory_bytes_per_s, memory_bytes
        Device memory.
    """

    dense_16_bit_flop_per_s: FloatArray
    dense_8_bit_flop_per_s: FloatArray
    memory_bytes_per_s: FloatArray
    memory_bytes: FloatArray


def peaks_table(accelerators: Sequence[Accelerator], samples: Samples) -> Peaks:
    """Return the peaks of accelerators, one column each, in their order.

    Rates that are estimates (of parts that are announced) are drawn from their ranges.
    """
    columns = [_peaks(part, samples) for part in accelerators]
    rows = 1 + samples.count
    return Peaks(
        *(
            np.concatenate([np.broadcast_to(column[i], (rows, 1)) for column in columns], axis=1)
            for i in range(len(Peaks._fields))
        )
    )


def _peaks(part: Accelerator, samples: Samples) -> tuple[FloatArray, ...]:
    def of(quantity: Quantity | None, path: str) -> FloatArray:
        key = f"accelerator.{part.id}.{path}"
        return np.array([[np.nan]]) if quantity is None else samples.of(quantity, key)

    rate = part.flops
    name = "bf16" if rate.bf16 is not None else "fp16"
    eight = np.fmax(of(rate.fp8, "flops.fp8"), of(rate.int8, "flops.int8"))
    return (
        of(getattr(rate, name), f"flops.{name}"),
        eight,
        of(part.memory.bandwidth, "memory.bandwidth"),
        of(part.memory.capacity, "memory.capacity"),
    )
