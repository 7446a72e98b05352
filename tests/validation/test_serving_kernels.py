"""The laws of serving kernels against public kernel tables and against published measurements."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.evidence.operator_families import FAMILIES
from planner.evidence.operator_tables import OperatorRows, read_operators
from planner.evidence.statistics import Errors, errors
from planner.model.inference.kernels import gemm_rates, gemm_s
from planner.model.inference.network import pipelined_s
from planner.tables.operators import Operators, operators_of, operators_table

CATALOG = Catalog()
STACKED = ("a100-sxm-80gb", "h100-sxm", "h200-sxm", "b200", "gb200", "b300", "gb300")
"""Parts with stacked memory, to which the shared laws were fitted; docs/kernels.md reports these."""

MEDIAN_PCT = {
    "linear": {
        "bf16": (6.5, 7.5, 5.5),
        "fp8": (6.5, 12.5, 6.0),
        "fp8_block": (5.5, 6, 5.5),
        "nvfp4": (7, 6, 7),
    },
    "decode": {
        "grouped_bits16": (11.5, 17, 4.5),
        "grouped_bits8": (12, 16, 7),
        "latent_bits16": (5.5, 6, 4),
        "latent_bits8": (6, 7, 3.5),
    },
    "context": {
        "grouped_bits16": (13.5, 9.5, 9),
        "grouped_bits8": (15.5, 10.5, 6.5),
        "latent_bits16": (5, 5.5, 3.5),
        "latent_bits8": (5, 5, 3.5),
    },
    "experts": {
        "bf16": (9.5, 7.5, 15),
        "fp8": (15, 9, 9),
        "fp8_block": (8, 6, 13),
        "nvfp4": (17.5, 13, 16),
        "mxfp4": (10, 13.5, 10),
    },
    "collectives": {
        "all_reduce": (3, 9.5, 5),
        "all_gather": (4.5, 8, 4.5),
        "reduce_scatter": (3, 7.5, 4),
        "direct": (6.5, 5.5, 8.5),
    },
}
"""Largest median error of small, middle and large shapes: what docs/kernels.md measures, plus 0.3 to 1.1."""


@cache
def rows(name: str) -> OperatorRows:
    return read_operators(name, CATALOG)


def measured(name: str, kernel: str, *, region: int | None = None, hot: bool = False) -> Errors:
    r = rows(name)
    keep = (r.kernel == kernel) & np.isin(r.accelerator, STACKED) & (r.hot == hot)
    return errors(r.ratio[keep & (r.region == region)] if region is not None else r.ratio[keep])


KERNELS = [(family, kernel) for family, medians in MEDIAN_PCT.items() for kernel in medians]


@pytest.mark.parametrize("region", [0, 1, 2])
@pytest.mark.parametrize(("family", "kernel"), KERNELS)
def test_median_errors_are_those_of_the_page(family: str, kernel: str, region: int) -> None:
    found, most = measured(family, kernel, region=region), MEDIAN_PCT[family][kernel][region]
    assert found.rows >= 30
    assert 0.5 * most - 1.0 < found.median_abs_pct < most


@pytest.mark.parametrize(("family", "kernel"), KERNELS)
def test_no_kernel_is_systematically_fast_or_slow(family: str, kernel: str) -> None:
    assert abs(measured(family, kernel).bias_pct) < 4.0


def test_every_kernel_has_its_tolerances() -> None:
    assert {name: set(family.kernels) for name, family in FAMILIES.items()} == {
        name: set(medians) for name, medians in MEDIAN_PCT.items()
    }


@pytest.mark.parametrize("kernel", FAMILIES["decode"].kernels)
def test_hot_caches_of_the_tables_are_read_faster_than_cold_ones(kernel: str) -> None:
    """Rows left out above: their caches lie in L2, which the law of a cold cache does not follow."""
    hot = measured("decode", kernel, hot=True)
    assert hot.rows > 80
    assert hot.bias_pct > 4.0


@pytest.mark.parametrize("kernel", ["grouped_bits16", "grouped_bits8"])
def test_a_large_cache_is_read_at_most_of_the_memory_bandwidth(kernel: str) -> None:
    r = rows("decode")
    peak = {name: CATALOG.get(ACCELERATOR, name).memory.bandwidth.value for name in STACKED}
    s, kv_bytes = r.size, 2.0 if kernel.endswith("16") else 1.0
    cached = 2.0 * s["batch"] * s["context"] * s["kv_heads"] * s["head_dim"] * kv_bytes
    large = (r.kernel == kernel) & (cached > 5e8) & np.isin(r.accelerator, STACKED)
    assert np.count_nonzero(large) > 10
    share = cached[large] / r.time_s[large] / [peak[name] for name in r.accelerator[large]]
    assert 0.7 < np.median(share) < 0.95


def table(name: str) -> Operators:
    part = CATALOG.get(ACCELERATOR, name)
    return operators_table(part, operators_of(CATALOG, part))


@pytest.mark.parametrize(
    ("name", "ranks", "mib", "bus_gb_per_s"),
    [
        ("a100-sxm-80gb", 8, 256, 213.87),
        ("a100-sxm-80gb", 8, 8192, 231.58),
        ("h200-sxm", 8, 4, 138.44),
        ("h200-sxm", 8, 64, 368.11),
        ("h200-sxm", 8, 8192, 479.98),
        ("gb200", 4, 16, 331.09),
        ("gb200", 4, 1024, 646.87),
        ("gb200", 72, 512, 586.06),
        ("gb200", 72, 8192, 834.57),
    ],
)
def test_published_all_reduces_that_nothing_was_fitted_to(
    name: str, ranks: int, mib: int, bus_gb_per_s: float
) -> None:
    """Azure's AI benchmarking guide; 72 ranks are one NVL72, while the tables end at 8."""
    o, moved = table(name), mib * 2.0**20
    one = np.ones(1)
    time = pipelined_s(operators=o, law=o.all_reduce, moved_bytes=moved * one, ranks=ranks * one, factor=2.0)
    bus = 2.0 * (ranks - 1) / ranks * moved / time[0] / 1e9
    assert bus == pytest.approx(bus_gb_per_s, rel=0.20)


@pytest.mark.parametrize(
    ("name", "size", "tflop_per_s"),
    [("a100-sxm-80gb", 4096, 228.0), ("a100-sxm-80gb", 8192, 253.7), ("a100-sxm-80gb", 16384, 256.5)],
)
def test_published_products(name: str, size: int, tflop_per_s: float) -> None:
    """Azure's AI benchmarking guide, square products in 16 bit."""
    law = gemm_rates(operators=table(name), operator_class=np.zeros(1, dtype=np.int64))
    n = np.full(1, float(size))
    assert 2.0 * size**3 / gemm_s(rates=law, m=n, n=n, k=n)[0] / 1e12 == pytest.approx(tflop_per_s, rel=0.07)
