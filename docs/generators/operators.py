"""Blocks of the page on kernel rates: the laws of serving kernels on the public tables."""

from __future__ import annotations

from functools import cache

import numpy as np

from generators.measured import markdown, percent
from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.evidence.operator_families import FAMILIES
from planner.evidence.operator_tables import OperatorRows, read_operators
from planner.evidence.statistics import Errors, errors
from planner.types import BoolArray

__all__ = ["BLOCKS"]

CATALOG = Catalog()


@cache
def _rows(family: str) -> OperatorRows:
    return read_operators(family, CATALOG)


def _stacked(rows: OperatorRows) -> BoolArray:
    """Whether a row's part has stacked memory, as those have to which the shared laws were fitted."""
    kinds = {name: CATALOG.get(ACCELERATOR, name).memory.type for name in set(rows.accelerator.tolist())}
    return np.array([kinds[name].startswith("HBM") for name in rows.accelerator])


def _cell(e: Errors) -> str:
    if not e.rows:
        return ""
    return f"{percent(e.median_abs_pct)} / {percent(e.p90_abs_pct)} / {percent(e.bias_pct, signed=True)}"


def by_size(_arguments: str, _old: str) -> str:
    """Errors on parts with stacked memory, by kernel and by size of the shape."""
    lines = []
    for name, family in FAMILIES.items():
        rows = _rows(name)
        stacked = _stacked(rows)
        for kernel in family.kernels:
            mine = stacked & (rows.kernel == kernel)
            cold = mine & ~rows.hot
            sizes = [_cell(errors(rows.ratio[cold & (rows.region == region)])) for region in range(3)]
            hot = errors(rows.ratio[mine & rows.hot])
            left_out = f"{hot.rows} ({percent(hot.bias_pct, signed=True)})" if hot.rows else ""
            lines.append([name, f"`{kernel}`", str(np.count_nonzero(cold)), *sizes, left_out])
    return markdown(["family", "kernel", "rows", "small", "middle", "large", "hot, left out"], lines)


def by_part(_arguments: str, _old: str) -> str:
    """Median errors of every part, by kernel."""
    parts = sorted(set(_rows("linear").accelerator.tolist()))
    lines = []
    for name, family in FAMILIES.items():
        rows = _rows(name)
        for kernel in family.kernels:
            kept = (rows.kernel == kernel) & ~rows.hot
            found = [errors(rows.ratio[kept & (rows.accelerator == part)]) for part in parts]
            lines.append([name, f"`{kernel}`", *[percent(e.median_abs_pct) if e.rows else "" for e in found]])
    return markdown(["family", "kernel", *parts], lines)


BLOCKS = {"operator-errors": by_size, "operator-parts": by_part}
"""The blocks that `docs/generate.py` fills pages with."""
