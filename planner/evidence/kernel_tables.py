"""Measured kernels: ``workloads/evidence/kernels/gemm.csv`` and ``attention.csv``, read strictly.

One row is one shape on one accelerator. ``gemm.csv`` has ``accelerator, kernel, m, n, k, time_us``: a product
``[m, k] x [k, n]`` by one of `GEMM_KERNELS`. ``attention.csv`` has ``accelerator, kernel, batch, seq_len,
heads, kv_heads, qk_dim, v_dim, time_us``: the causal core of a prefill by one of `ATTENTION_KERNELS`, in 16
bit. Accelerators are ids or aliases of the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from planner.catalog.kinds import ACCELERATOR, KERNELS
from planner.catalog.load import Catalog
from planner.catalog.paths import data_root
from planner.errors import InputError, UnknownNameError, suggest
from planner.evidence.csv_rows import positive, read_rows, read_text
from planner.tables import hardware_table
from planner.types import BoolArray, FloatArray, IntArray
from planner.units import MICRO

__all__ = [
    "ATTENTION_FILE",
    "ATTENTION_KERNELS",
    "GEMM_FILE",
    "GEMM_KERNELS",
    "KernelTable",
    "read_attention",
    "read_gemm",
    "shipped",
]

GEMM_FILE: Final = "workloads/evidence/kernels/gemm.csv"
ATTENTION_FILE: Final = "workloads/evidence/kernels/attention.csv"

GEMM_KERNELS: Final = {"bf16": 0, "fp8": 1, "fp8_block": 2, "nvfp4": 3}
"""Kernel of a table to its index in `planner.tables.GEMM_CLASSES`; below 16 bit the activations are quantised
within the time measured."""

ATTENTION_KERNELS: Final = {"grouped": 0, "latent": 0}
"""Grouped-query attention, and latent attention expanded to full heads; both run at the 16-bit peak."""

GEMM_SIZES: Final = ("m", "n", "k")
ATTENTION_SIZES: Final = ("batch", "seq_len", "heads", "kv_heads", "qk_dim", "v_dim")

OVER_PEAK: Final = 1.2
"""Rate over the dense datasheet peak from which a row is taken for a mistake; boost clocks give less."""


@dataclass(frozen=True)
class KernelTable:
    """Measured kernels as columns of equal length.

    Attributes
    ----------
    accelerator, kernel : array of str
        Catalog id, and the kind of kernel.
    size : mapping of str to array
        The dimensions of the shape, by column.
    flop : array
        Work of the shape; causal attention counts half of the square.
    time_s : array
        As measured, in seconds.
    peak_flop_per_s, memory_bytes_per_s, compute_units : array
        Of the accelerator, from its datasheet; the dense peak of the kernel's precision.
    gemm_class : array of int
        Index into `planner.tables.GEMM_CLASSES`.
    """

    accelerator: npt.NDArray[np.str_]
    kernel: npt.NDArray[np.str_]
    size: Mapping[str, FloatArray]
    flop: FloatArray
    time_s: FloatArray
    peak_flop_per_s: FloatArray
    memory_bytes_per_s: FloatArray
    compute_units: FloatArray
    gemm_class: IntArray

    def __len__(self) -> int:
        return len(self.time_s)

    def take(self, keep: BoolArray) -> KernelTable:
        """Return the rows that a mask keeps."""
        columns = {name: value[keep] for name, value in vars(self).items() if name != "size"}
        return KernelTable(size={name: value[keep] for name, value in self.size.items()}, **columns)


@dataclass(frozen=True)
class _Part:
    """What the datasheet says of an accelerator, and its id."""

    id: str
    peaks: FloatArray
    memory_bytes_per_s: float
    compute_units: float


def shipped(file: str) -> Path:
    """Return the path of a table that planner ships."""
    return data_root() / file


def read_gemm(path: Path, catalog: Catalog) -> KernelTable:
    """Read measured matrix products.

    Raises
    ------
    InputError
        All mistakes of the file at once, each ``file:line: column: message; mend``.
    OutputError
        The file cannot be read.
    """
    return _Reader(str(path), catalog, GEMM_KERNELS, GEMM_SIZES).table(read_text(path))


def read_attention(path: Path, catalog: Catalog) -> KernelTable:
    """Read measured attention cores; raises as `read_gemm` does."""
    return _Reader(str(path), catalog, ATTENTION_KERNELS, ATTENTION_SIZES).table(read_text(path))


def _flop(size: Mapping[str, float]) -> float:
    if "m" in size:
        return 2.0 * size["m"] * size["n"] * size["k"]
    square = size["batch"] * size["heads"] * size["seq_len"] ** 2
    return square * (size["qk_dim"] + size["v_dim"])


class _Reader:
    """Reads one table and collects its mistakes."""

    def __init__(self, name: str, catalog: Catalog, kernels: Mapping[str, int], sizes: Sequence[str]) -> None:
        self.name = name
        self.catalog = catalog
        self.kernels = kernels
        self.sizes = sizes
        self.mistakes: list[str] = []
        self.parts: dict[str, _Part | None] = {}
        self.seen: dict[tuple[object, ...], int] = {}

    def table(self, text: str) -> KernelTable:
        columns = ("accelerator", "kernel", *self.sizes, "time_us")
        lines = read_rows(text, self.name, self.mistakes, required=columns, listed="docs/kernels.md")
        rows = [row for line, cells in lines if (row := self._row(line, cells)) is not None]
        if self.mistakes:
            raise InputError.collect(self.mistakes)
        parts = [part for part, *_ in rows]
        classes = np.array([self.kernels[kernel] for _, kernel, _, _ in rows])
        return KernelTable(
            accelerator=np.array([part.id for part in parts]),
            kernel=np.array([kernel for _, kernel, _, _ in rows]),
            size={name: np.array([size[name] for _, _, size, _ in rows]) for name in self.sizes},
            flop=np.array([_flop(size) for _, _, size, _ in rows]),
            time_s=np.array([time_s for *_, time_s in rows]),
            peak_flop_per_s=np.array([p.peaks[c] for p, c in zip(parts, classes, strict=True)]),
            memory_bytes_per_s=np.array([part.memory_bytes_per_s for part in parts]),
            compute_units=np.array([part.compute_units for part in parts]),
            gemm_class=classes,
        )

    def _row(self, line: int, cells: dict[str, str]) -> tuple[_Part, str, dict[str, float], float] | None:
        before = len(self.mistakes)
        part = self._part(line, cells.get("accelerator", ""))
        kernel = cells.get("kernel", "")
        if kernel not in self.kernels:
            mend = suggest(kernel, self.kernels, otherwise="it is one of " + ", ".join(self.kernels))
            self._mistake(line, "kernel", f"{kernel[:40]!r} is no kind of kernel; {mend}")
        size = {name: self._whole(line, name, cells.get(name, "")) for name in self.sizes}
        time_us = self._positive(line, "time_us", cells.get("time_us", ""))
        if len(self.mistakes) > before or part is None:
            return None
        time_s = time_us * MICRO
        self._check(line, part, kernel, size, time_s)
        return part, kernel, size, time_s

    def _check(self, line: int, part: _Part, kernel: str, size: dict[str, float], time_s: float) -> None:
        """Note what is wrong with a row whose cells are each right."""
        shape = (part.id, kernel, *size.values())
        first = self.seen.setdefault(shape, line)
        if first != line:
            self._mistake(line, "time_us", f"this shape stands already on line {first}; keep one of them")
        peak = part.peaks[self.kernels[kernel]]
        if not peak > 0:
            self._mistake(line, "kernel", f"{part.id} has no rate for {kernel} in the catalog; add it there")
        elif (share := _flop(size) / time_s / peak) > OVER_PEAK:
            times = f"{share:.3g} times the peak of {part.id}"
            self._mistake(line, "time_us", f"means {times}; give microseconds, and the shape as measured")
        if "heads" in size and size["heads"] % size["kv_heads"]:
            self._mistake(line, "kv_heads", "does not divide heads; give the heads on this accelerator")

    def _mistake(self, line: int, column: str, message: str) -> None:
        self.mistakes.append(f"{self.name}:{line}: {column}: {message}")

    def _positive(self, line: int, column: str, value: str) -> float:
        place = f"{self.name}:{line}: {column}"
        return positive(value, place, self.mistakes, mend="every row needs one") or np.nan

    def _whole(self, line: int, column: str, value: str) -> float:
        number = self._positive(line, column, value)
        if number % 1.0 > 0:
            self._mistake(line, column, f"{value[:40]} must be a whole number; every row needs one")
        return number

    def _part(self, line: int, name: str) -> _Part | None:
        if name in self.parts:
            return self.parts[name]
        part = None
        try:
            record = self.catalog.get(ACCELERATOR, name)
        except UnknownNameError as error:
            self._mistake(line, "accelerator", str(error))
        else:
            row = hardware_table(record, self.catalog.get(KERNELS, "shared"))
            memory, units = record.memory.bandwidth.value, record.compute_units.value
            part = _Part(record.id, row.peak_flop_per_s[0], memory, units)
        self.parts[name] = part
        return part
