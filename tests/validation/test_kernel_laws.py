"""The kernel laws against measured kernels, and the fit of their constants against what the laws make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR, KERNELS
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.evidence.kernel_fit import LAWS, KernelFit, fit_kernel, large
from planner.evidence.kernel_record import BEST_NVFP4
from planner.evidence.kernel_tables import (
    ATTENTION_FILE,
    GEMM_FILE,
    KernelTable,
    read_attention,
    read_gemm,
    shipped,
)
from planner.evidence.kernels import SHARED, KernelCalibration, calibrate_kernels
from planner.types import FloatArray

CATALOG = Catalog()
MEDIAN_PCT = {"bf16": 6.5, "fp8": 7.0, "fp8_block": 13.0, "nvfp4": 9.0, "grouped": 15.0, "latent": 7.0}
"""Largest median error on shapes left out, of any accelerator of its own constants; docs/kernels.md."""
STACKED_PCT = {"bf16": 6.0, "fp8": 7.0, "fp8_block": 6.5, "nvfp4": 10.5, "grouped": 14.0, "latent": 7.5}
"""The same with the constants that all parts with stacked memory share."""
FROM_SHIPPED_PCT = {"bf16": 7.0, "fp8": 10.0, "mxfp8": 10.0, "nvfp4": 17.0, "latent": 14.0}
"""Furthest that a fitted rate lies from that of the catalog."""


@pytest.fixture(scope="module")
def calibrated() -> KernelCalibration:
    return calibrate_kernels(CATALOG, "2026-11-24")


@pytest.fixture(scope="module")
def tables() -> dict[str, KernelTable]:
    """Return the rows of one accelerator that has every kernel, by kernel."""
    both = (read_gemm(shipped(GEMM_FILE), CATALOG), read_attention(shipped(ATTENTION_FILE), CATALOG))
    return {
        kernel: table.take((table.kernel == kernel) & (table.accelerator == "b200"))
        for table in both
        for kernel in sorted(set(table.kernel.tolist()))
    }


def test_the_laws_hold_on_shapes_left_out(calibrated: KernelCalibration) -> None:
    for fit in calibrated.fits:
        limits = STACKED_PCT if fit.accelerator == SHARED else MEDIAN_PCT
        assert fit.errors.median_abs_pct < limits[fit.kernel], (fit.accelerator, fit.kernel)
        assert fit.errors.rows == fit.rows


def test_small_attention_takes_longer_than_the_law_says(calibrated: KernelCalibration) -> None:
    """The documented limit of the law: too few tiles to fill the part."""
    small = [
        f.small for f in calibrated.fits if f.kernel in ("grouped", "latent") and f.accelerator == SHARED
    ]
    assert len(small) == 2
    for found in small:
        assert found.rows > 100
        assert -40 < found.bias_pct < -15


def test_fitted_rates_lie_near_those_of_the_catalog(calibrated: KernelCalibration) -> None:
    for found in calibrated.rates:
        if found.rate in FROM_SHIPPED_PCT:
            assert found.change_pct is not None
            assert abs(found.change_pct) < FROM_SHIPPED_PCT[found.rate], found


def test_the_attention_rate_at_the_common_head_size_lies_near_that_of_the_catalog(
    calibrated: KernelCalibration,
) -> None:
    """Asymptote and half-way head size trade off; their product at a head of 128 is what is measured."""
    new = {(r.record, r.rate): r.value for r in calibrated.rates}
    for name in calibrated.texts:
        held = CATALOG.get(KERNELS, name).attention
        fitted = new[name, "attention"] / (1.0 + new[name, "head_half"] / 128.0)
        shipped_rate = held.asymptote.value / (1.0 + held.head_half.value / 128.0)
        assert fitted == pytest.approx(shipped_rate, rel=0.12), name


@pytest.mark.parametrize("kernel", LAWS)
def test_the_fit_recovers_the_constants_of_the_law(tables: dict[str, KernelTable], kernel: str) -> None:
    table, law = tables[kernel], LAWS[kernel]
    truth = np.array([0.6, {"head_half": 60.0, "quantise": 0.5}.get(law.unknowns[-1].name, 0.0)])
    fit = fitted(table, law.time_s(table, truth), noise=0.05, wild=0.1)
    assert fit.values["asymptote"] == pytest.approx(0.6, rel=0.03)
    low, high = fit.spread["asymptote"]
    assert low <= fit.values["asymptote"] <= high
    assert fit.errors.median_abs_pct < 6.0
    for unknown, value in zip(law.unknowns[1:], truth[1:], strict=False):
        assert fit.values[unknown.name] == pytest.approx(value, rel=0.15)


def test_quantisation_does_not_count_against_the_rate(tables: dict[str, KernelTable]) -> None:
    """The same products with a slower pass over the activations have the same asymptote."""
    table, law = tables["fp8"], LAWS["fp8"]
    slow, fast = (
        fitted(table, law.time_s(table, np.array([0.7, share])), noise=0.0, wild=0.0) for share in (0.4, 0.8)
    )
    assert slow.values["asymptote"] == pytest.approx(fast.values["asymptote"], rel=0.01)
    assert slow.values["quantise"] == pytest.approx(0.4, rel=0.03)


def test_one_head_size_says_nothing_of_the_others(tables: dict[str, KernelTable]) -> None:
    table = tables["grouped"]
    fit = fit_kernel(table.take(table.size["qk_dim"] == 128), accelerator="b200")
    assert fit is not None
    assert fit.assumed == ("head_half",)
    low, high = fit.spread["head_half"]
    assert high - low > 30


def test_few_or_mixed_rows_are_not_fitted(tables: dict[str, KernelTable]) -> None:
    table = tables["bf16"]
    assert fit_kernel(table.take(np.arange(len(table)) < 19), accelerator="b200") is None
    mixed = read_gemm(shipped(GEMM_FILE), CATALOG)
    with pytest.raises(InputError, match="rows of 4 kernels"):
        fit_kernel(mixed, accelerator="all")


def test_records_load_and_give_the_same_rates(calibrated: KernelCalibration, tmp_path: Path) -> None:
    files = calibrated.save(tmp_path)
    assert len(files) == len(calibrated.texts) == 10
    overlay = Catalog((tmp_path,))
    for name in calibrated.texts:
        old, new = CATALOG.get(KERNELS, name), overlay.get(KERNELS, name)
        assert (new.date, new.clock, new.name) == ("2026-11-24", old.clock, old.name)
        assert (new.warm and new.warm.value) == (old.warm and old.warm.value)
        assert new.rows is not None
        assert new.rows.bf16 > 80
        assert new.gemm.nvfp4.kind == "estimate"
        assert new.gemm.fp8.value == new.gemm.mxfp8.value
        for rate in (new.gemm.bf16, new.gemm.fp8, new.attention.asymptote, new.attention.latent):
            low, high = rate.bounds
            assert low < rate.value <= high or low <= rate.value < high


def test_the_four_bit_rate_is_an_estimate_above_serving_layers(calibrated: KernelCalibration) -> None:
    fits = {f.accelerator: f for f in calibrated.fits if f.kernel == "nvfp4"}
    rates = {r.record: r for r in calibrated.rates if r.rate == "nvfp4"}
    for name, fit in fits.items():
        serving = fit.values["asymptote"]
        assert rates[name].value == pytest.approx(max(serving, (serving + BEST_NVFP4) / 2))
        low, high = rates[name].low, rates[name].high
        assert low is not None
        assert high is not None
        assert low <= serving
        assert high >= BEST_NVFP4


def test_the_shared_rates_are_those_of_stacked_memory_alone(calibrated: KernelCalibration) -> None:
    rows = {(f.accelerator, f.kernel): f.rows for f in calibrated.fits}
    stacked = [
        name
        for name in calibrated.texts
        if name != SHARED and CATALOG.get(ACCELERATOR, name).memory.type.startswith("HBM")
    ]
    assert rows[SHARED, "bf16"] == sum(rows[name, "bf16"] for name in stacked)
    assert len(stacked) == 7


def test_a_table_of_ones_own_gives_a_record_of_its_own(write: Callable[[str, str], Path]) -> None:
    table = read_gemm(shipped(GEMM_FILE), CATALOG)
    mine = table.take((table.kernel == "bf16") & (table.accelerator == "h100-sxm"))
    lines = ["accelerator,kernel,m,n,k,time_us"]
    for i, time_s in enumerate(mine.time_s):
        m, n, k = (int(mine.size[name][i]) for name in ("m", "n", "k"))
        lines.append(f"h800-sxm,bf16,{m},{n},{k},{time_s * 1.1e6:.6g}")
    found = calibrate_kernels(CATALOG, "2026-11-24", gemm=write("mine.csv", "\n".join(lines) + "\n"))
    assert list(found.texts) == ["h800-sxm"]
    rates = {r.rate: r for r in found.rates}
    assert rates["bf16"].rows == len(mine)
    assert rates["latent"].rows == 0
    assert rates["latent"].value == CATALOG.get(KERNELS, SHARED).attention.latent.value
    assert any("h800-sxm reads the kernel rates of h100-sxm" in note for note in found.notes)
    assert "mine.csv" in found.texts["h800-sxm"]
    few = write("few.csv", "\n".join(lines[:10]) + "\n")
    with pytest.raises(InputError, match="no kernel has 20 rows in the regime of training"):
        calibrate_kernels(CATALOG, gemm=few)


def fitted(table: KernelTable, time_s: FloatArray, *, noise: float, wild: float) -> KernelFit:
    """Fit times made by a law, with log-normal noise and a share of rows that are up to twice too slow."""
    generator = np.random.default_rng(7)
    factor = np.exp(noise * generator.standard_normal(len(table)))
    factor = np.where(
        generator.random(len(table)) < wild, factor * (1.0 + generator.random(len(table))), factor
    )
    made = KernelTable(**(vars(table) | {"time_s": time_s * factor}))
    assert np.count_nonzero(large(made)) > 50
    fit = fit_kernel(made, accelerator="made")
    assert fit is not None
    return fit
