"""Measured kernels of serving: ``workloads/evidence/kernels/serving_*.csv``, read strictly and predicted.

One row is one shape on one accelerator, its time in microseconds; `planner.evidence.operator_families` lists
the columns. A kernel stands for a class of linear layers, for bits, or for a collective.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError, suggest
from planner.evidence.csv_rows import positive, read_rows, read_text, whole
from planner.evidence.kernel_tables import shipped
from planner.evidence.operator_families import FAMILIES, Family, cached_elements
from planner.tables import stack
from planner.tables.operators import Operators, operators_of, operators_table
from planner.types import BoolArray, FloatArray, IntArray
from planner.units import MICRO

__all__ = ["OperatorRows", "read_operators"]


@dataclass(frozen=True)
class OperatorRows:
    """Measured kernels with their predictions, as columns of equal length."""

    accelerator: npt.NDArray[np.str_]
    kernel: npt.NDArray[np.str_]
    size: Mapping[str, FloatArray]
    region: IntArray  # 0, 1, 2 from small to large
    time_s: FloatArray
    predicted_s: FloatArray
    hot: BoolArray  # reads a cache that lies in L2 here, as it would not in serving

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def ratio(self) -> FloatArray:
        """Predicted over measured."""
        return self.predicted_s / self.time_s


HOT_LIMB: Final = 0.1
"""A shape whose cache fits into twice the L2 counts as hot only where reading it from memory would take more
than this share of the time measured."""


def read_operators(name: str, catalog: Catalog, paths: tuple[Path, ...] = ()) -> OperatorRows:
    """Read and predict the tables of one of `FAMILIES`; default those that ship.

    Raises
    ------
    InputError
        All mistakes of the files at once, each ``file:line: column: message; mend``.
    OutputError
        A file cannot be read.
    """
    family = FAMILIES[name]
    reader = _Reader(family, catalog)
    for path in paths or tuple(shipped(file) for file in family.files):
        reader.read(path)
    if reader.mistakes:
        raise InputError.collect(reader.mistakes)
    return reader.rows(name == "decode")


class _Reader:
    """Reads the tables of one family and collects their mistakes."""

    def __init__(self, family: Family, catalog: Catalog) -> None:
        self.family = family
        self.catalog = catalog
        self.mistakes: list[str] = []
        self.parts: dict[str, tuple[str, Operators, float] | None] = {}
        self.found: list[tuple[str, str, list[float], float]] = []

    def read(self, path: Path) -> None:
        columns = ("accelerator", "kernel", *self.family.sizes, "time_us")
        lines = read_rows(
            read_text(path), str(path), self.mistakes, required=columns, listed="docs/kernels.md"
        )
        for line, cells in lines:
            self._row(f"{path}:{line}", cells)

    def _row(self, place: str, cells: dict[str, str]) -> None:
        before = len(self.mistakes)
        known = self._part(place, cells["accelerator"])
        kernel = cells["kernel"]
        if kernel not in self.family.kernels:
            mend = suggest(
                kernel, self.family.kernels, otherwise="it is one of " + ", ".join(self.family.kernels)
            )
            self.mistakes.append(f"{place}: kernel: {kernel[:40]!r} is no kind of kernel; {mend}")
        size = [
            whole(
                cells[column],
                f"{place}: {column}",
                self.mistakes,
                mend="every row needs one",
                least=0 if column == "window" else 1,
            )
            for column in self.family.sizes
        ]
        time_us = positive(cells["time_us"], f"{place}: time_us", self.mistakes, mend="every row needs one")
        if len(self.mistakes) == before and known and time_us is not None:
            self.found.append((known, kernel, [float(s or 0) for s in size], time_us * MICRO))

    def _part(self, place: str, name: str) -> str | None:
        if name not in self.parts:
            self.parts[name] = None
            try:
                record = self.catalog.get(ACCELERATOR, name)
            except UnknownNameError as error:
                self.mistakes.append(f"{place}: accelerator: {error}")
            else:
                table = operators_table(record, operators_of(self.catalog, record))
                cache = record.memory.l2.value if record.memory.l2 else 0.0
                self.parts[name] = self.parts[record.id] = (record.id, table, cache)
        part = self.parts[name]
        return part[0] if part else None

    def rows(self, decoding: bool) -> OperatorRows:
        known = {id_: part for part in self.parts.values() if part for id_ in (part[0],)}
        names = [name for name, *_ in self.found]
        kernel = np.array([kernel for _, kernel, _, _ in self.found])
        columns = np.array([size for _, _, size, _ in self.found]).T
        size = dict(zip(self.family.sizes, columns, strict=True))
        time_s = np.array([time_s for *_, time_s in self.found])
        index = {name: i for i, name in enumerate(known)}
        parts = stack([table for _, table, _ in known.values()])
        operators = parts.take(np.array([index[name] for name in names]))
        predicted = np.zeros(len(names))
        for one in dict.fromkeys(kernel.tolist()):
            mask = kernel == one
            part = {column: values[mask] for column, values in size.items()}
            predicted[mask] = self.family.predict(operators.take(mask), one, part)
        hot = np.zeros(len(names), dtype=bool)
        if decoding:
            bits8 = np.char.endswith(kernel, "bits8")
            moved = cached_elements(size) * np.where(bits8, 1.0, 2.0)
            fits = moved < 2.0 * np.array([known[name][2] for name in names])
            hot = fits & (moved / operators.memory_bytes_per_s > HOT_LIMB * time_s)
        region = np.digitize(self.family.scale(size), self.family.bounds)
        return OperatorRows(np.array(names), kernel, size, region, time_s, predicted, hot)
