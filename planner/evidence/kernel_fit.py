"""The asymptotes of the kernel laws of `planner.model.operators`, from measured kernels.

The laws are used as the model uses them; only what the catalog states per accelerator is unknown: the share
of the peak that a large product reaches, and for attention the share at infinite head size and the head size
that halves it. The loss is Cauchy on log(predicted/measured), so that a shape on which a library picked a
poor kernel does not steer the fit. Shapes below the regime of training are left out, since they say nothing
of an asymptote.

Tables of products below 16 bit hold the quantisation of the activations, which the model adds on its own.
Here it is one more pass over the activations, with the share of the memory bandwidth that it reaches as a
second unknown, which is then dropped. A second unknown is pulled towards what is plausible with the weight of
one row, since tables with one head size, or with few skinny products, say little of it.

References
----------
.. [1] Measured tables of ai-dynamo/aiconfigurator (Apache-2.0, commit 095f58a51).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.errors import InputError, MissingExtraError
from planner.evidence.kernel_tables import GEMM_KERNELS, KernelTable
from planner.evidence.statistics import Errors, errors
from planner.model.operators import OPERAND_BYTES, causal_pairs, flash_attention_s, gemm_s
from planner.types import BoolArray, FloatArray, IntArray
from planner.units import MICRO

__all__ = ["FEWEST_ROWS", "LAWS", "KernelFit", "Law", "Unknown", "fit_kernel", "large"]

SMALLEST_SIDE: Final = 1024.0
"""Least dimension of a product in the regime of training."""
SHORTEST: Final = 1024.0
"""Least sequence of an attention core in the regime of training."""
FEWEST_TILES: Final = 8.0
"""Tiles of 128 queries per compute unit from which an attention core fills the part; below, the longest tile
of the causal triangle sets the time, which the law does not hold."""
TILE_QUERIES: Final = 128.0
QUANTISE_LAUNCH_S: Final = 2.5 * MICRO
"""The quantisation kernel before a product: overhead of 8-bit tables over that of the law [1]_."""
RESIDUAL_SCALE: Final = 0.05
"""Log error beyond which a row loses influence."""
FOLDS: Final = 5
FEWEST_ROWS: Final = 20
"""Rows below which nothing is fitted."""


@dataclass(frozen=True)
class Unknown:
    """A constant to fit: its plausible range, where it starts, and how far from there it is expected.

    Rows that share one value of the column `told_by` say nothing of it.
    """

    name: str
    low: float
    start: float
    high: float
    expected: float = np.inf
    told_by: str = ""


@dataclass(frozen=True)
class Law:
    """Seconds of the rows of a table for values of the unknowns, and what makes two rows near-copies."""

    unknowns: tuple[Unknown, ...]
    time_s: Callable[[KernelTable, FloatArray], FloatArray]
    group: tuple[str, ...]
    """Columns whose rows are left out together."""


@dataclass(frozen=True)
class KernelFit:
    """Fitted constants of one kernel on one accelerator, or on several.

    Attributes
    ----------
    values : mapping of str to float
        By the name of the unknown.
    spread : mapping of str to pair of float
        Least and largest value over fits that leave out one shape group in five.
    errors : Errors
        Of shapes left out.
    small : Errors
        Of the shapes below the regime of training, with the fitted values.
    assumed : tuple of str
        Unknowns of which the rows say nothing: they stand where they start, and spread as far as is expected.
    """

    accelerator: str
    kernel: str
    rows: int
    values: Mapping[str, float]
    spread: Mapping[str, tuple[float, float]]
    errors: Errors
    small: Errors
    assumed: tuple[str, ...] = ()


def _product_s(table: KernelTable, x: FloatArray) -> FloatArray:
    return gemm_s(
        m=table.size["m"],
        n=table.size["n"],
        k=table.size["k"],
        gemm_class=table.gemm_class,
        rate_flop_per_s=x[0] * table.peak_flop_per_s,
        memory_bytes_per_s=table.memory_bytes_per_s,
    )


def _quantised_product_s(table: KernelTable, x: FloatArray) -> FloatArray:
    read_and_written = 2.0 + OPERAND_BYTES[table.gemm_class]
    moved_bytes = table.size["m"] * table.size["k"] * read_and_written
    pass_s = QUANTISE_LAUNCH_S + moved_bytes / (x[1] * table.memory_bytes_per_s)
    total: FloatArray = _product_s(table, x) + pass_s
    return total


def _attention_s(table: KernelTable, share: FloatArray | float) -> FloatArray:
    size = table.size
    whole = np.full_like(size["seq_len"], np.inf)
    return flash_attention_s(
        batch=size["batch"],
        heads=size["heads"],
        kv_heads=size["kv_heads"],
        qk_dim=size["qk_dim"],
        v_dim=size["v_dim"],
        query_len=size["seq_len"],
        pairs=causal_pairs(seq_len=size["seq_len"], window=whole),
        rate_flop_per_s=share * table.peak_flop_per_s,
        memory_bytes_per_s=table.memory_bytes_per_s,
    )


def _grouped_s(table: KernelTable, x: FloatArray) -> FloatArray:
    return _attention_s(table, x[0] / (1.0 + x[1] / table.size["qk_dim"]))


def _latent_s(table: KernelTable, x: FloatArray) -> FloatArray:
    return _attention_s(table, x[0])


_ASYMPTOTE: Final = Unknown("asymptote", 0.05, 0.7, 1.0)
_QUANTISE: Final = Unknown("quantise", 0.2, 0.6, 1.2, expected=0.2)
_HEAD_HALF: Final = Unknown("head_half", 0.0, 45.0, 200.0, expected=20.0, told_by="qk_dim")
_QUANTISED: Final = Law((_ASYMPTOTE, _QUANTISE), _quantised_product_s, ("n", "k"))
_SHAPE: Final = ("batch", "seq_len", "heads")
LAWS: Final[Mapping[str, Law]] = {
    "bf16": Law((_ASYMPTOTE,), _product_s, ("n", "k")),
    **{kernel: _QUANTISED for kernel in GEMM_KERNELS if kernel != "bf16"},
    "grouped": Law(
        (_ASYMPTOTE, Unknown("head_half", 0.0, 45.0, 200.0, expected=20.0, told_by="qk_dim")),
        _grouped_s,
        _SHAPE,
    ),
    "latent": Law((_ASYMPTOTE,), _latent_s, _SHAPE),
}
"""The law of each kernel of the tables."""


def large(table: KernelTable) -> BoolArray:
    """Rows in the regime of training, which say what a large shape reaches."""
    size = table.size
    if "m" in size:
        return np.minimum(np.minimum(size["m"], size["n"]), size["k"]) >= SMALLEST_SIDE
    tiles = size["batch"] * size["heads"] * np.ceil(size["seq_len"] / TILE_QUERIES)
    return (size["seq_len"] >= SHORTEST) & (tiles >= FEWEST_TILES * table.compute_units)


def fit_kernel(table: KernelTable, *, accelerator: str) -> KernelFit | None:
    """Fit the constants of one kernel; None with fewer than `FEWEST_ROWS` rows in the regime of training.

    Parameters
    ----------
    table
        Rows of one kernel, of one accelerator or of several that share the constants.
    accelerator
        What to call them.

    Raises
    ------
    InputError
        The rows are of several kernels.
    MissingExtraError
        SciPy is missing.
    """
    kernels = sorted(set(table.kernel.tolist()))
    if len(kernels) > 1 or not kernels:
        raise InputError(f"{accelerator}: rows of {len(kernels)} kernels; fit one at a time")
    law = LAWS[kernels[0]]
    inside = large(table)
    used, rest = table.take(inside), table.take(~inside)
    if len(used) < FEWEST_ROWS:
        return None
    best = _least(law, used)
    fold = _folds(law, used)
    ratio = np.full(len(used), np.nan)
    found = [best]
    for number in np.unique(fold):
        out = fold == number
        if np.count_nonzero(~out) < FEWEST_ROWS // 2:
            continue
        found.append(_least(law, used.take(~out)))
        ratio[out] = law.time_s(used.take(out), found[-1]) / used.time_s[out]
    low, high = np.min(found, axis=0), np.max(found, axis=0)
    spread = {u.name: (float(low[i]), float(high[i])) for i, u in enumerate(law.unknowns)}
    assumed = [u for u in law.unknowns if u.told_by and len(np.unique(used.size[u.told_by])) == 1]
    spread |= {u.name: (u.start - u.expected, u.start + u.expected) for u in assumed}
    return KernelFit(
        accelerator=accelerator,
        kernel=kernels[0],
        rows=len(used),
        values={unknown.name: float(value) for unknown, value in zip(law.unknowns, best, strict=True)},
        spread=spread,
        errors=errors(ratio[np.isfinite(ratio)]),
        small=errors(law.time_s(rest, best) / rest.time_s),
        assumed=tuple(u.name for u in assumed),
    )


def _folds(law: Law, table: KernelTable) -> IntArray:
    """Fold of each row: the same for rows of one shape group, whatever else the table holds."""
    columns = np.stack([table.size[name] for name in law.group], axis=-1)
    return np.array([zlib.crc32(",".join(f"{v:.0f}" for v in row).encode()) % FOLDS for row in columns])


def _least(law: Law, table: KernelTable) -> FloatArray:
    """Values of the unknowns that fit best."""
    try:
        from scipy.optimize import least_squares
    except ImportError as error:
        raise MissingExtraError("solve", "planner calibrate kernels") from error
    low = np.array([unknown.low for unknown in law.unknowns])
    high = np.array([unknown.high for unknown in law.unknowns])
    start = np.array([unknown.start for unknown in law.unknowns])
    expected = np.array([unknown.expected for unknown in law.unknowns])
    span = high - low

    def residuals(u: FloatArray) -> FloatArray:
        x = low + span * u
        misfit = np.log(law.time_s(table, x) / table.time_s)
        return np.concatenate([misfit, RESIDUAL_SCALE * (x - start) / expected])

    solution = least_squares(
        residuals,
        (start - low) / span,
        bounds=(0.0, 1.0),
        loss="cauchy",
        f_scale=RESIDUAL_SCALE,
        xtol=1e-10,
        ftol=1e-10,
    )
    return np.asarray(low + span * solution.x, dtype=np.float64)
