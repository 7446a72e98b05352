"""H100 equivalents as others publish them, and the ratios of peaks that the facts of the catalog give.

Ratios by dense bf16, dense 8 bit, bandwidth and capacity of the memory were derived once from the same data
sheets outside of this program; those of Epoch AI are its 8-bit operations per second over 1979e12
(https://github.com/epoch-research/ai-chip-counts, commit d1b1bc3 of 2026-04-22, fallbacks of chip
specifications, and data_inputs/xai_chip_quantities.csv for the sites).
"""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.model.equivalents import accelerators_for
from planner.plan.cluster.equivalents import per_accelerator, reference_part
from planner.plan.cluster.listing import clusters
from planner.plan.cluster.results import Listed
from planner.tables.peaks import peaks_table
from planner.tables.samples import Samples

BOOK = Catalog()
RULES = ("bf16", "8bit", "hbm-bandwidth", "memory")
RATIOS = {
    "v100-sxm2-32gb": (0.126, 0.032, 0.269, 0.400),
    "a100-sxm-40gb": (0.315, 0.315, 0.464, 0.500),
    "a100-sxm-80gb": (0.315, 0.315, 0.609, 1.000),
    "a100-pcie-80gb": (0.315, 0.315, 0.578, 1.000),
    "h100-sxm": (1.000, 1.000, 1.000, 1.000),
    "h100-pcie": (0.764, 0.765, 0.597, 1.000),
    "h100-nvl": (0.844, 0.844, 1.176, 1.175),
    "h200-sxm": (1.000, 1.000, 1.433, 1.762),
    "h800-sxm": (1.000, 1.000, 1.000, 1.000),
    "h20-sxm": (0.150, 0.150, 1.194, 1.200),
    "gh200": (1.000, 1.000, 1.194, 1.200),
    "l40s": (0.366, 0.370, 0.258, 0.600),
    "b100": (1.769, 1.769, 2.388, 2.400),
    "b200": (2.274, 2.274, 2.299, 2.250),
    "gb200": (2.527, 2.527, 2.388, 2.325),
    "b300": (2.274, 2.274, 2.313, 3.600),
    "gb300": (2.527, 2.527, 2.388, 3.600),
    "vr200": (4.043, 8.843, 6.567, 3.600),
    "rubin-cpx": (None, None, 0.597, 1.600),
    "vr300": (None, 17.535, 9.552, 12.800),
    "rtx-pro-6000": (0.473, 0.473, 0.535, 1.200),
    "rtx-4090": (0.167, 0.334, 0.301, 0.300),
    "rtx-5090": (0.212, 0.423, 0.535, 0.400),
    "mi250x": (0.387, 0.194, 0.978, 1.600),
    "mi300x": (1.321, 1.321, 1.582, 2.400),
    "mi325x": (1.321, 1.321, 1.791, 3.200),
    "mi350x": (2.332, 2.331, 2.388, 3.600),
    "mi355x": (2.544, 2.543, 2.388, 3.600),
    "mi455x": (10.107, 10.107, 5.851, 5.400),
    "gaudi2": (0.437, 0.437, 0.731, 1.200),
    "gaudi3": (1.855, 0.927, 1.104, 1.600),
    "tpu-v4": (0.278, 0.139, 0.367, 0.400),
    "tpu-v5e": (0.199, 0.199, 0.244, 0.200),
    "tpu-v5p": (0.464, 0.464, 0.825, 1.188),
    "tpu-v6e": (0.928, 0.928, 0.490, 0.400),
    "tpu-v7": (2.332, 2.332, 2.200, 2.400),
    "trainium2": (0.674, 0.656, 0.866, 1.200),
    "trainium3": (0.678, 1.272, 1.463, 1.800),
    "maia-200": (None, 2.527, 2.090, 2.700),
    "ascend-910c": (0.788, 0.788, 0.955, 1.600),
}
"""Record to its ratios by `RULES`; None where nothing is published (the catalog has an estimate there)."""
EPOCH = {
    "a100-sxm-80gb": 0.3153, "h100-sxm": 1.0, "h200-sxm": 1.0, "h800-sxm": 1.0, "h20-sxm": 0.1496,
    "gb200": 2.5265, "gb300": 2.5265, "mi250x": 0.1935, "mi300x": 1.3214, "mi325x": 1.3138, "mi350x": 2.3315,
    "mi355x": 2.5432, "tpu-v4": 0.1390, "tpu-v5e": 0.1986, "tpu-v5p": 0.4639, "tpu-v6e": 0.9277,
    "tpu-v7": 2.3315, "trainium2": 0.6564,
}  # fmt: skip
EPOCH_DIFFERS = {"b200": (2.5265, 2.274), "b300": (2.5265, 2.274)}
"""Epoch counts HGX boards like racks, 5000e12; their data sheets say 4500e12."""
SITES = {
    "colossus-1": 275_796,
    "colossus-1-2025-02": 200_000,
    "colossus-1-2024-09": 100_000,
    "colossus-2": 280_838,
    "colossus-2-2025-10": 277_918,
    "colossus-2-planned": 1_389_591,
    "colossus-s1": 655_800,
    "stargate-abilene": 1_010_000,
    "oci-zettascale10": 2_021_000,
    "fairwater-atlanta": 379_000,
    "fairwater-wisconsin": 5_000_000,
    "meta-hyperion": 5_000_000,
    "project-rainier": 328_000,
    "project-rainier-planned": 656_000,
    "tpu-v4-pod": 569,
    "tpu-v5p-pod": 4_157,
    "tpu-v7-pod": 21_487,
    "llama3-16k": 16_384,
    "bytedance-megascale": 3_870,
    "opt-992-a100": 313,
    "bloom-jean-zay": 121,
}
"""Cluster to its equivalents by 8 bit."""


@pytest.fixture(scope="module")
def ratios() -> dict[str, dict[str, float]]:
    parts = [BOOK.get(ACCELERATOR, name) for name in (*RATIOS, *EPOCH_DIFFERS)]
    by_rule = per_accelerator(BOOK, parts, Samples(0))
    return {part.id: {rule: by_rule[rule][0, i] for rule in RULES} for i, part in enumerate(parts)}


@pytest.fixture(scope="module")
def listed() -> dict[str, Listed]:
    return {one.id: one for one in clusters().result.clusters}


@pytest.mark.parametrize("part", RATIOS)
def test_ratios_of_peaks(part: str, ratios: dict[str, dict[str, float]]) -> None:
    for rule, published in zip(RULES, RATIOS[part], strict=True):
        if published is not None:
            assert ratios[part][rule] == pytest.approx(published, abs=6e-4), rule


@pytest.mark.parametrize("part", EPOCH)
def test_epochs_rule_is_ours_by_8_bit(part: str, ratios: dict[str, dict[str, float]]) -> None:
    assert ratios[part]["8bit"] == pytest.approx(EPOCH[part], rel=6e-3)


@pytest.mark.parametrize("part", EPOCH_DIFFERS)
def test_where_epoch_counts_a_board_as_a_rack(part: str, ratios: dict[str, dict[str, float]]) -> None:
    theirs, ours = EPOCH_DIFFERS[part]
    assert ratios[part]["8bit"] == pytest.approx(ours, abs=6e-4)
    assert theirs / ratios[part]["8bit"] == pytest.approx(5000 / 4500, rel=1e-3)


@pytest.mark.parametrize("site", SITES)
def test_sites_by_8_bit(site: str, listed: dict[str, Listed]) -> None:
    counted = listed[site].h100_equivalents.by_8bit
    assert counted is not None
    assert counted.value == pytest.approx(SITES[site], rel=3e-3)


def test_from_rubin_on_the_rule_changes_the_answer_by_two(listed: dict[str, Listed]) -> None:
    """Trap 10 of the methods: equivalents across FP8 and bf16."""
    sheet = listed["meta-hyperion"].h100_equivalents
    assert sheet.by_8bit is not None
    assert sheet.by_bf16 is not None
    assert sheet.by_8bit.value / sheet.by_bf16.value > 2


def test_one_million_equivalents_in_gb200() -> None:
    """395.8 thousand GPUs; by Epoch's rounded 1979e12, 5,498 racks, by the data sheet's 989.4e12 one less."""
    part = BOOK.get(ACCELERATOR, "gb200")
    peaks, unit = peaks_table([part], Samples(0)), peaks_table([reference_part(BOOK)], Samples(0))
    wanted = np.array([1e6])
    exact = accelerators_for(rule="bf16", wanted=wanted, peaks=peaks, reference=unit).item()
    assert exact == 395_760
    racks = accelerators_for(rule="bf16", wanted=wanted, peaks=peaks, reference=unit, whole=72).item() / 72
    assert racks == 5_497
    rounded = unit._replace(dense_8_bit_flop_per_s=np.array([[1979e12]]))
    theirs = accelerators_for(rule="8bit", wanted=wanted, peaks=peaks, reference=rounded, whole=72).item()
    assert theirs == 395_856
    assert theirs / 72 == 5_498


def test_a_million_equivalents_in_flop() -> None:
    """0.989 ZFLOP/s in bf16, 1.979 in 8 bit."""
    unit = peaks_table([reference_part(BOOK)], Samples(0))
    assert 1e6 * unit.dense_16_bit_flop_per_s.item() == pytest.approx(0.989e21, rel=1e-3)
    assert 1e6 * unit.dense_8_bit_flop_per_s.item() == pytest.approx(1.979e21, rel=1e-3)
