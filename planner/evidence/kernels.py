"""``planner calibrate kernels``: kernel rates per accelerator as catalog records, from measured kernels.

Each accelerator of the tables gets a record; the shipped tables also give ``shared``, from all their parts
with stacked memory, for parts without tables. What the tables do not say of a part is taken over: from
``shared`` where that is fitted, else from the catalog.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.catalog.kinds import ACCELERATOR, KERNELS
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.evidence.kernel_fit import FEWEST_ROWS, KernelFit, fit_kernel
from planner.evidence.kernel_record import RATES, Rate, fitted_rates, held_rates, record_text
from planner.evidence.kernel_tables import (
    ATTENTION_FILE,
    GEMM_FILE,
    KernelTable,
    read_attention,
    read_gemm,
    shipped,
)
from planner.types import BoolArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SHARED", "Comparison", "KernelCalibration", "calibrate_kernels"]

SHARED: Final = "shared"
TABLES: Final = "workloads/evidence/kernels"
STACKED_MEMORY: Final = "HBM"
"""Beginning of the memory type of the parts that `SHARED` stands for."""


@dataclass(frozen=True)
class Comparison:
    """A rate of a record beside the one in the catalog; `rows` is 0 where it was taken over."""

    record: str
    rate: str
    value: float
    low: float | None
    high: float | None
    rows: int
    catalog: float | None
    change_pct: float | None


@dataclass(frozen=True)
class KernelCalibration:
    """Fitted kernel rates.

    Attributes
    ----------
    texts : mapping of str to str
        Record id to its YAML text.
    rates : tuple of Comparison
        Every rate of the records beside the catalog's.
    fits : tuple of KernelFit
        Per accelerator and kernel: rows, fitted values with their spread, and errors on shapes left out.
    notes : tuple of str
        What was not fitted, and why.
    """

    texts: Mapping[str, str]
    rates: tuple[Comparison, ...]
    fits: tuple[KernelFit, ...]
    notes: tuple[str, ...] = ()

    def save(self, overlay: Path) -> tuple[Path, ...]:
        """Write the records into an overlay directory, for ``--catalog DIR``; returns the files."""
        folder = overlay / KERNELS.folder
        folder.mkdir(parents=True, exist_ok=True)
        files = tuple(folder / f"{name}.yaml" for name in self.texts)
        for file, text in zip(files, self.texts.values(), strict=True):
            file.write_text(text, encoding="utf-8")
        return files

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "rates": [asdict(rate) for rate in self.rates],
            "fits": [asdict(fit) for fit in self.fits],
            "records": dict(self.texts),
        }

    def to_json(self) -> str:
        """Return JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the rates as a frame, one row each."""
        import pandas as pd

        return pd.DataFrame([asdict(rate) for rate in self.rates])


def calibrate_kernels(
    catalog: Catalog | None = None,
    date: str | None = None,
    *,
    gemm: Path | None = None,
    attention: Path | None = None,
) -> KernelCalibration:
    """Fit kernel rates to measured kernels.

    Parameters
    ----------
    catalog
        The datasheets, and the records to compare with; what the tables do not say is kept from there.
    date
        Date of the records, ISO; default today.
    gemm, attention
        Tables of your own; default those that planner ships, where neither is given.

    Raises
    ------
    InputError
        A wrong file, or too few rows in the regime of training.
    OutputError
        A file cannot be read.
    MissingExtraError
        SciPy is missing.
    """
    from datetime import UTC, datetime

    catalog = catalog or Catalog()
    date = date or datetime.now(UTC).date().isoformat()
    own = [path for path in (gemm, attention) if path is not None]
    tables = _tables(catalog, gemm, attention)
    where = " and ".join(path.name for path in own)
    source, at = ("planner-fit", where) if own else ("aiconfigurator-kernel-tables", TABLES)
    fits: list[KernelFit] = []
    notes: list[str] = []
    texts: dict[str, str] = {}
    rates: list[Comparison] = []
    pooled: dict[str, Rate] = {}
    names = sorted({name for table in tables for name in table.accelerator.tolist()})
    for name in names if own else (SHARED, *names):
        mine = [table.take(_rows_of(table, name, catalog)) for table in tables]
        found = _fits(mine, name, notes)
        if not found:
            continue
        fits.extend(found.values())
        held = catalog.get(KERNELS, name) if catalog.find(KERNELS, name) else None
        fitted = fitted_rates(found)
        if name == SHARED:
            pooled = {rate: _lent(value) for rate, value in fitted.items()}
        lender = held or catalog.get(KERNELS, SHARED)
        complete = held_rates(lender) | pooled | fitted
        texts[name] = record_text(
            complete,
            record_id=name,
            name=held.name if held else f"Kernel rates of {catalog.get(ACCELERATOR, name).name}",
            source=source,
            at=f"planner calibrate kernels, {at}",
            date=date,
            held=held,
        )
        rates.extend(_compared(name, complete, held_rates(held) if held else {}))
        notes.extend(_unread(name, catalog))
    if not texts:
        raise InputError(
            f"{where}: no kernel has {FEWEST_ROWS} rows in the regime of training; measure larger shapes"
        )
    return KernelCalibration(texts, tuple(rates), tuple(fits), tuple(notes))


def _tables(catalog: Catalog, gemm: Path | None, attention: Path | None) -> list[KernelTable]:
    if gemm is None and attention is None:
        gemm, attention = shipped(GEMM_FILE), shipped(ATTENTION_FILE)
    tables = [] if gemm is None else [read_gemm(gemm, catalog)]
    return tables if attention is None else [*tables, read_attention(attention, catalog)]


def _rows_of(table: KernelTable, name: str, catalog: Catalog) -> BoolArray:
    names = {name}
    if name == SHARED:
        measured = set(table.accelerator.tolist())
        names = {a for a in measured if catalog.get(ACCELERATOR, a).memory.type.startswith(STACKED_MEMORY)}
    return np.isin(table.accelerator, sorted(names))


def _fits(tables: Iterable[KernelTable], name: str, notes: list[str]) -> dict[str, KernelFit]:
    """Fit every kernel that the rows of one accelerator hold."""
    found: dict[str, KernelFit] = {}
    for table in tables:
        for kernel in sorted(set(table.kernel.tolist())):
            fit = fit_kernel(table.take(table.kernel == kernel), accelerator=name)
            if fit is None:
                notes.append(
                    f"{name}: fewer than {FEWEST_ROWS} rows of {kernel} in the regime of training; not fitted"
                )
            else:
                found[kernel] = fit
    return found


def _lent(rate: Rate) -> Rate:
    """Mark a rate as that of other parts."""
    note = f"shared by the parts with tables; {rate.note}" if rate.note else "shared by the parts with tables"
    return replace(rate, rows=0, note=note)


def _compared(name: str, rates: Mapping[str, Rate], held: Mapping[str, Rate]) -> Iterator[Comparison]:
    for rate in RATES:
        new = rates[rate]
        old = held[rate].value if rate in held else None
        change = 100.0 * (new.value / old - 1.0) if old else None
        yield Comparison(name, rate, new.value, new.low, new.high, new.rows, old, change)


def _unread(name: str, catalog: Catalog) -> Iterator[str]:
    """Say where an accelerator reads another record than its own."""
    if name == SHARED:
        return
    other = catalog.get(ACCELERATOR, name).kernels
    if other not in (None, name):
        yield f"{name} reads the kernel rates of {other}; for these, write kernels: {name} in its record"
