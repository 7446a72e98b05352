"""Accelerators, hosts and fabrics as the physics sees them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR, FABRIC, KERNELS
from planner.catalog.load import Catalog
from planner.tables import Hardware, hardware_table
from planner.tables.hardware import REFERENCE_ACHIEVABLE

CATALOG = Catalog()


def table(name: str, *, kernels: str = "shared", catalog: Catalog = CATALOG, **values: object) -> Hardware:
    part = catalog.get(ACCELERATOR, name)
    return hardware_table(part, catalog.get(KERNELS, kernels), **values)  # type: ignore[arg-type]


def test_one_row_in_si_units() -> None:
    """The datasheet of the H100 SXM: 989.4 and 1,978.9 TFLOP/s, 3.35 TB/s, 450 GB/s, 400 Gb/s."""
    h = table("h100-sxm", kernels="h100-sxm")
    assert len(h) == 1
    assert h.peak_flop_per_s[0].tolist() == pytest.approx([989.4e12, 1978.9e12, 1978.9e12, 0.0], rel=1e-3)
    assert h.memory_bytes[0] == 80e9
    assert h.memory_bytes_per_s[0] == 3.35e12
    assert h.link_bytes_per_s[0] == 450e9
    assert h.nic_bytes_per_s[0] == 50e9
    assert (h.domain[0], h.node[0], h.torus_dims[0]) == (8, 8, 0)
    assert (h.power_ratio[0], h.fixed_clock[0]) == (1.0, False)


@pytest.mark.parametrize(
    ("name", "domain", "node", "torus"),
    [
        ("gb200", 72, 4, 0),
        ("mi300x", 8, 8, 1),
        ("tpu-v5e", 256, 4, 2),
        ("tpu-v5p", 8960, 4, 3),
        ("l40s", 8, 8, 0),
    ],
)
def test_scale_up(name: str, domain: int, node: int, torus: int) -> None:
    h = table(name)
    assert (h.domain[0], h.node[0], h.torus_dims[0]) == (domain, node, torus)


def test_domain_host_and_nic_may_be_given() -> None:
    h = table("h100-sxm", domain=4, node=2, nic_bytes_per_s=1e9)
    assert (h.domain[0], h.node[0], h.nic_bytes_per_s[0]) == (4, 2, 1e9)


def test_eight_bit_integers_stand_in_for_floats() -> None:
    part = CATALOG.get(ACCELERATOR, "a100-sxm-80gb")
    assert part.flops.fp8 is None
    assert table("a100-sxm-80gb").peak_flop_per_s[0].tolist() == [312e12, 624e12, 624e12, 0.0]


def test_half_precision_stands_in_where_there_is_no_bfloat() -> None:
    assert table("v100-sxm2-32gb").peak_flop_per_s[0, 0] == pytest.approx(125e12, rel=0.02)


def test_capped_boards_know_their_reference() -> None:
    assert table("h100-96gb-500w").power_ratio[0] == pytest.approx(500 / 700)


def test_kernel_rates_are_those_of_the_record() -> None:
    kernels = CATALOG.get(KERNELS, "b200")
    h = table("b200", kernels="b200")
    assert h.gemm_asymptote[0].tolist() == [
        kernels.gemm.bf16.value, kernels.gemm.fp8.value, kernels.gemm.mxfp8.value, kernels.gemm.nvfp4.value,
    ]  # fmt: skip
    assert h.attention_asymptote[0] == kernels.attention.asymptote.value
    assert table("tpu-v5p", kernels="systolic").fixed_clock[0]


def test_without_a_fabric_there_is_one_tier_without_shortage() -> None:
    h = table("h100-sxm")
    assert h.tier_endpoints.tolist() == [[np.inf]]
    assert h.tier_oversubscription.tolist() == [[1.0]]
    assert h.nic_achievable[0] == 1.0


def test_a_fabric_scales_the_nic() -> None:
    fabrics = {name: CATALOG.get(FABRIC, name) for name in CATALOG.ids(FABRIC)}
    for name, fabric in fabrics.items():
        expected = min(fabric.achievable.value, 1.0) / REFERENCE_ACHIEVABLE
        assert table("h100-sxm", fabric=fabric).nic_achievable[0] == pytest.approx(expected), name
    assert len({f.achievable.value for f in fabrics.values()}) > 1


def test_shortages_of_tiers_multiply() -> None:
    fabric = CATALOG.get(FABRIC, "meta-24k-roce")
    h = table("h100-sxm", fabric=fabric)
    assert h.tier_endpoints.shape == h.tier_oversubscription.shape == h.tier_latency_s.shape
    expected = np.cumprod([tier.oversubscription.value for tier in fabric.tiers])
    assert h.tier_oversubscription[0].tolist() == expected.tolist()
    assert h.tier_oversubscription[0, -1] == 7.0
    assert h.tier_endpoints[0].tolist() == [float(tier.endpoints) for tier in fabric.tiers]
    assert h.nic_achievable[0] == pytest.approx(fabric.achievable.value / REFERENCE_ACHIEVABLE)


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("memory.bandwidth", ("3.35 TB/s", "3350 GB/s", "26.8 Tb/s")),
        ("memory.capacity", ("80 GB", "80000 MB", "0.08 TB")),
        ("scale_out.bandwidth", ("400 Gb/s", "50 GB/s", "0.05 TB/s")),
        ("flops.bf16", ("989.4 TFLOP/s", "0.9894 PFLOP/s", "989400 GFLOP/s")),
    ],
)
def test_the_unit_in_which_a_number_is_written_changes_nothing(path: str, same: tuple[str, ...]) -> None:
    rows = [
        table("h100-sxm", catalog=Catalog(overrides=(f"accelerator.h100-sxm.{path}={text}",)))
        for text in same
    ]
    for f in fields(rows[0]):
        for row in rows[1:]:
            assert np.allclose(getattr(row, f.name), getattr(rows[0], f.name), rtol=1e-12, equal_nan=True), (
                f.name
            )


@pytest.mark.parametrize("name", CATALOG.ids(ACCELERATOR))
def test_every_accelerator_makes_a_row(name: str) -> None:
    h = table(name)
    assert h.peak_flop_per_s[0, 0] > 0
    positive = (
        "memory_bytes",
        "memory_bytes_per_s",
        "link_bytes_per_s",
        "nic_bytes_per_s",
        "host_bytes_per_s",
    )
    assert all(getattr(h, column)[0] > 0 for column in positive)
    assert h.domain[0] >= 1
