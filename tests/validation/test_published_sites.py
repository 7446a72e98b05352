"""Sites as others size them: power at the meter and capital of known clusters, one million H100 equivalents.

Powers and capital of Epoch AI: https://github.com/epoch-research/ai-chip-counts, commit d1b1bc3 (2026-04-22),
data_inputs/xai_datacenter_timelines.csv; others as the cluster's record cites them. Those that differ by more
than 15 % are in `OFF`, each with its reason, and in docs/cluster.md.
"""

from __future__ import annotations

import pytest

import planner
from planner.plan.cluster.results import Sheet

WITHIN = 0.15
STALE = 0.10
"""Difference below which a figure has no business in `OFF`."""
OFF = {
    ("colossus-1-2026-05", "facility power"): "the lease says 300 MW, the grid alone; Epoch has 425 to 442",
    ("tpu-v4-pod", "facility power"): "a round figure from memory, presumably of the machines alone",
    ("tpu-v7-pod", "facility power"): "a round figure from memory, presumably of the machines alone",
    ("colossus-1", "capital"): "Epoch has 32,000 USD of IT per H100, what we have for its share of a server",
    ("colossus-1-2024-08", "capital"): "the same",
    ("colossus-1-2024-09", "capital"): "the same",
    ("colossus-1-2025-02", "capital"): "the same",
    ("stargate-abilene", "capital"): "a round figure for about 1 GW; the record has 24 to 40 billion",
}
CLAIMS = [
    "colossus-1", "colossus-1-2024-08", "colossus-1-2024-09", "colossus-1-2025-02", "colossus-1-2026-05",
    "colossus-2", "colossus-2-2025-10", "colossus-2-planned", "colossus-1m", "million-h100",
    "stargate-abilene", "fairwater-atlanta", "fairwater-wisconsin", "meta-prometheus", "meta-hyperion",
    "project-rainier", "tpu-v4-pod", "tpu-v7-pod",
]  # fmt: skip


@pytest.fixture(scope="module")
def sheets() -> dict[str, Sheet]:
    return {name: planner.cluster.show(name).result for name in CLAIMS}


@pytest.mark.parametrize("name", CLAIMS)
def test_power_and_capital_of_sites(name: str, sheets: dict[str, Sheet]) -> None:
    claims = sheets[name].claims
    assert claims
    for claim in claims:
        off = (name, claim.what) in OFF
        assert off or abs(claim.difference) <= WITHIN, (claim.what, claim.difference)
        assert not off or abs(claim.difference) > STALE, "no longer off: take it from OFF and docs/cluster.md"


def test_one_million_equivalents_as_gb200_nvl72() -> None:
    """Epoch AI's ratios: 5,498 racks, 1.08 GW of facility (2.72 kW each), 32 billion USD (29.5 per GW)."""
    found = planner.cluster.size(
        "gb200-nvl72", h100e="1M", rule="bf16", fabric="spectrum-x-800-dual-plane"
    ).result
    assert found.systems == 5_497
    assert found.sheet is not None
    assert found.sheet.power.nameplate_facility_megawatts.value == pytest.approx(1077, rel=WITHIN)
    assert found.sheet.capital.usd.value == pytest.approx(32e9, rel=WITHIN)


def test_capital_per_gigawatt() -> None:
    """Epoch AI, "AI data center cost breakdown" (May 2026): 29.5 to 38 billion USD for a gigawatt."""
    sheet = planner.cluster.size("gb200-nvl72", power="1 GW").result.sheet
    assert sheet is not None
    per_gigawatt = sheet.capital.usd.value / (sheet.power.nameplate_facility_megawatts.value / 1000)
    assert 0.85 * 29.5e9 < per_gigawatt < 38e9
