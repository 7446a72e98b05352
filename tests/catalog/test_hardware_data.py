"""The hardware data against facts that are published elsewhere, and against physics.

Nothing here was computed by planner: the expected numbers are those of the sources named in each test, so
a slip of the pen in a YAML file fails.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import chain

import pytest

from planner.catalog.fields import quantities
from planner.catalog.kinds import ACCELERATOR, CLUSTER, FABRIC, SYSTEM, kinds
from planner.catalog.load import Catalog, read_sources
from planner.catalog.schema.accelerator import Accelerator
from planner.catalog.schema.cluster import Cluster
from planner.catalog.schema.fabric import Fabric
from planner.catalog.schema.system import System
from planner.units import GIGA, TERA, parse

CATALOG = Catalog()
ACCELERATORS = CATALOG.all(ACCELERATOR)
SYSTEMS = CATALOG.all(SYSTEM)
FABRICS = CATALOG.all(FABRIC)
CLUSTERS = CATALOG.all(CLUSTER)

EVIDENCE = (
    *("a100-sxm-40gb", "a100-sxm-80gb", "a100-sxm-80gb-330w", "a100-pcie-80gb", "h100-sxm", "h100-96gb-500w"),
    *("h200-sxm", "h800-sxm", "h20-3e", "l40s", "rtx-4090", "rtx-pro-6000", "b200", "b300", "gb200", "gb300"),
    *("mi250x-gcd", "mi300x", "gaudi2", "tpu-v4", "tpu-v5e", "tpu-v5p", "tpu-v6e", "tpu-v7x"),
    *("gh200", "h100-nvl", "h200-nvl", "mi325x", "mi350x", "mi355x"),  # named, and kept out of the files
)
"""Accelerators under which training and serving measurements were published."""


def by_id(record: Accelerator | System | Fabric | Cluster) -> str:
    return record.id


def accelerator(name: str) -> Accelerator:
    return CATALOG.get(ACCELERATOR, name)


def rate(part: Accelerator, precision: str) -> float:
    """Dense rate in FLOP/s, 0 where the part does not have the format."""
    quantity = getattr(part.flops, precision)
    return quantity.value if quantity else 0.0


def rate_16_bit(part: Accelerator) -> float:
    return rate(part, "bf16") or rate(part, "fp16")


def rate_8_bit(part: Accelerator) -> float:
    return max(rate(part, "fp8"), rate(part, "int8"))


# --- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVIDENCE)
def test_every_accelerator_of_the_evidence_is_known(name: str) -> None:
    assert accelerator(name)


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        ("H100", "h100-sxm"),
        ("h100-sxm5", "h100-sxm"),
        ("H100-80GB", "h100-sxm"),
        ("a100", "a100-sxm-80gb"),
        ("A100-80GB", "a100-sxm-80gb"),
        ("h200", "h200-sxm"),
        ("h20", "h20-sxm"),
        ("gb200-nvl72", "gb200"),
        ("gb300-nvl72", "gb300"),
        ("rubin", "vr200"),
        ("mi300", "mi300x"),
        ("trn2", "trainium2"),
        ("trillium", "tpu-v6e"),
        ("ironwood", "tpu-v7"),
        ("tpu7x", "tpu-v7"),
    ],
)
def test_common_names_lead_to_the_part_people_mean(alias: str, expected: str) -> None:
    assert CATALOG.resolve(ACCELERATOR, alias) == expected


def test_the_presets_named_in_the_documentation_exist() -> None:
    wanted = {
        *("hgx-h100-node", "gb200-nvl72-rack", "llama3-16k", "deepseek-2048-h800", "colossus-1-2024-09"),
        *("colossus-1", "colossus-2", "colossus-2-planned", "colossus-1m", "million-h100"),
        *("stargate-abilene", "project-rainier", "fairwater-wisconsin", "fairwater-atlanta"),
    }
    assert wanted <= set(CATALOG.ids(CLUSTER))


# --- H100 equivalents ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "equivalents"),
    [
        # Epoch AI, ai-chip-counts, 8-bit operations per second over 1979e12
        ("a100-sxm-80gb", 0.3153),
        ("h100-sxm", 1.0),
        ("h200-sxm", 1.0),
        ("h800-sxm", 1.0),
        ("h20-sxm", 0.1496),
        ("gb200", 2.5265),
        ("gb300", 2.5265),
        ("mi250x", 0.1935),
        ("mi300x", 1.3214),
        ("mi350x", 2.3315),
        ("mi355x", 2.5432),
        ("tpu-v4", 0.1390),
        ("tpu-v5e", 0.1986),
        ("tpu-v5p", 0.4639),
        ("tpu-v6e", 0.9277),
        ("tpu-v7", 2.3315),
        ("trainium2", 0.6564),
    ],
)
def test_8_bit_equivalents_are_those_of_epoch_ai(name: str, equivalents: float) -> None:
    assert rate_8_bit(accelerator(name)) / (1979 * TERA) == pytest.approx(equivalents, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "bf16", "eight_bit", "bandwidth"),
    [
        ("gb200", 2.527, 2.527, 2.388),
        ("b200", 2.274, 2.274, 2.299),
        ("vr200", 4.043, 8.843, 6.567),
        ("trainium3", 0.678, 1.272, 1.463),
        ("gaudi3", 1.855, 0.927, 1.104),
        ("h20-sxm", 0.150, 0.150, 1.194),
        ("tpu-v7", 2.332, 2.332, 2.200),
    ],
)
def test_the_rule_of_equivalence_matters_as_published(
    name: str, bf16: float, eight_bit: float, bandwidth: float
) -> None:
    part, h100 = accelerator(name), accelerator("h100-sxm")
    assert rate_16_bit(part) / rate_16_bit(h100) == pytest.approx(bf16, abs=1e-3)
    assert rate_8_bit(part) / rate_8_bit(h100) == pytest.approx(eight_bit, abs=1e-3)
    assert part.memory.bandwidth.value / h100.memory.bandwidth.value == pytest.approx(bandwidth, abs=1e-3)


def equivalents(cluster: Cluster, rule: str) -> float:
    rates = {"bf16": rate_16_bit, "8-bit": rate_8_bit}[rule]
    return sum(
        group.accelerators.value * rates(accelerator(CATALOG.get(SYSTEM, group.system).accelerator))
        for group in cluster.groups
    ) / rates(accelerator("h100-sxm"))


def test_colossus_1_is_275_796_equivalents() -> None:
    # Epoch AI, xai_datacenter_timelines.csv, 2025-07-22
    assert equivalents(CATALOG.get(CLUSTER, "colossus-1"), "8-bit") == pytest.approx(275_796, rel=1e-3)


def test_colossus_1m_is_a_million_equivalents_in_whole_racks() -> None:
    cluster = CATALOG.get(CLUSTER, "colossus-1m")
    (group,) = cluster.groups
    assert group.accelerators.value == 5498 * 72
    assert equivalents(cluster, "bf16") == pytest.approx(1e6, rel=1e-3)
    assert equivalents(cluster, "bf16") >= 1e6
    assert cluster.claim is not None
    assert "bf16" in cluster.claim.rule


@pytest.mark.parametrize("cluster", [c for c in CLUSTERS if c.claim], ids=by_id)
def test_a_claimed_size_follows_from_the_inventory_by_its_own_rule(cluster: Cluster) -> None:
    assert cluster.claim is not None
    assert cluster.claim.h100_equivalents is not None
    rule = "bf16" if "bf16" in cluster.claim.rule else "8-bit"
    assert equivalents(cluster, rule) == pytest.approx(cluster.claim.h100_equivalents.value, rel=5e-3)


# --- rates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "flop_per_clock"),
    [
        # 16-bit multiply-adds of one SM or CU in a clock, times two; sparse figures would show double
        ("v100-sxm2-32gb", 1024),
        ("a100-sxm-40gb", 2048),
        ("a100-sxm-80gb", 2048),
        ("a100-pcie-80gb", 2048),
        ("l40s", 1024),
        ("rtx-4090", 512),
        ("rtx-5090", 512),
        ("rtx-pro-6000", 1024),
        ("mi250x", 1024),
        ("mi250x-gcd", 1024),
        ("mi300x", 2048),
        ("mi325x", 2048),
        ("mi350x", 4096),
        ("mi355x", 4096),
    ],
)
def test_16_bit_rates_are_a_power_of_two_per_unit_and_clock(name: str, flop_per_clock: int) -> None:
    part = accelerator(name)
    assert part.boost_clock is not None
    per_clock = rate_16_bit(part) / part.compute_units.value / part.boost_clock.value
    assert per_clock == pytest.approx(flop_per_clock, rel=0.015)


NVIDIA = [part for part in ACCELERATORS if part.vendor == "NVIDIA"]


@pytest.mark.parametrize("part", [part for part in NVIDIA if part.flops.tf32], ids=by_id)
def test_tf32_is_half_of_bf16_on_nvidia(part: Accelerator) -> None:
    assert rate(part, "tf32") == pytest.approx(rate(part, "bf16") / 2, rel=0.015)


@pytest.mark.parametrize("part", ACCELERATORS, ids=by_id)
def test_narrower_formats_are_not_slower(part: Accelerator) -> None:
    sixteen = rate_16_bit(part)
    ladder = [rate(part, "fp32"), rate(part, "tf32"), sixteen, rate(part, "fp8"), rate(part, "fp4")]
    present = [step for step in ladder if step]
    assert present == sorted(present)
    assert rate(part, "fp16") in (0, sixteen)
    # 4.4 is Rubin, 3.9 Maia; a sparse 8-bit figure beside a dense 16-bit one would be 4 on other parts.
    limit = 4.5 if part.released >= 2025 else 2.03  # L40S: 733 over 362
    assert rate(part, "fp8") <= limit * sixteen


def test_the_relations_of_the_blackwell_family() -> None:
    b200, gb200, b300, gb300 = (accelerator(name) for name in ("b200", "gb200", "b300", "gb300"))
    for precision in ("bf16", "fp8"):
        assert rate(b200, precision) == rate(b300, precision) == 0.9 * rate(gb200, precision)
        assert rate(gb300, precision) == rate(gb200, precision)
    assert rate(gb200, "fp4") == 2 * rate(gb200, "fp8")
    assert rate(gb300, "fp4") == 1.5 * rate(gb200, "fp4")  # NVIDIA: 1.5x dense FP4 of Blackwell
    assert rate(gb200, "int8") / rate(gb300, "int8") == pytest.approx(30, rel=0.02)
    assert rate(b200, "int8") / rate(b300, "int8") == pytest.approx(30, rel=0.03)
    assert b300.memory.capacity.value == gb300.memory.capacity.value == 288 * GIGA
    assert b200.memory.capacity.value < gb200.memory.capacity.value < 192 * GIGA
    assert gb200.scale_up.domain == gb300.scale_up.domain == 72
    assert gb200.scale_up.bandwidth.value == b200.scale_up.bandwidth.value
    assert gb300.scale_out.bandwidth.value == 2 * gb200.scale_out.bandwidth.value


def test_variants_differ_from_their_part_only_where_they_say() -> None:
    h100 = accelerator("h100-sxm")
    for name in ("h200-sxm", "h800-sxm", "h100-96gb-500w", "h100-sxm-350w"):
        assert rate(accelerator(name), "bf16") == rate(h100, "bf16")
        assert accelerator(name).compute_units.value == h100.compute_units.value
    assert accelerator("h800-sxm").scale_up.bandwidth.value == parse("200 GB/s", "bytes_per_s")
    die, module = accelerator("mi250x-gcd"), accelerator("mi250x")
    assert 2 * rate(die, "bf16") == rate(module, "bf16")
    assert 2 * die.memory.bandwidth.value == module.memory.bandwidth.value
    assert 2 * die.compute_units.value == module.compute_units.value


@pytest.mark.parametrize("part", [a for a in ACCELERATORS if a.reference_tdp], ids=by_id)
def test_a_limited_variant_names_the_part_and_power_of_its_kernels(part: Accelerator) -> None:
    assert part.kernels is not None
    assert part.reference_tdp is not None
    assert part.power.tdp.value < part.reference_tdp.value
    assert part.reference_tdp.value == accelerator(part.kernels).power.tdp.value


# --- memory, power, links -----------------------------------------------------------------------------

MEMORY = {  # type: TB/s of a package, and milliseconds in which it can be read once
    "HBM2": (0.7, 1.7, 19, 37),
    "HBM2e": (1.5, 3.8, 34, 42),
    "HBM": (0.7, 2.0, 15, 40),
    "HBM3": (2.8, 5.4, 23, 37),
    "HBM3e": (4.7, 8.1, 22, 44),
    "HBM4": (15.0, 24.0, 12, 25),
    "HBM4e": (25.0, 40.0, 20, 40),
    "GDDR6": (0.2, 1.0, 30, 60),
    "GDDR6X": (0.5, 1.2, 20, 30),
    "GDDR7": (0.9, 2.1, 15, 70),
}


@pytest.mark.parametrize("part", ACCELERATORS, ids=by_id)
def test_memory_is_as_its_kind_allows(part: Accelerator) -> None:
    slow, fast, short, long = MEMORY[part.memory.type]
    assert slow * TERA <= part.memory.bandwidth.value <= fast * TERA
    once_ms = 1000 * part.memory.capacity.value / part.memory.bandwidth.value
    if part.id != "tpu-v5e":  # half a stack: 16 GB
        assert short <= once_ms <= long
    if part.memory.l2 is not None:
        assert 4e6 <= part.memory.l2.value <= 300e6


@pytest.mark.parametrize("part", ACCELERATORS, ids=by_id)
def test_power_links_and_rates_are_of_this_world(part: Accelerator) -> None:
    assert 100 <= part.power.tdp.value <= 4000
    # 0.05 (consumer and old) to 6 TFLOP/s per watt in 16 bit
    assert 0.05 <= rate_16_bit(part) / TERA / part.power.tdp.value <= 6
    assert part.scale_up.bandwidth.value < part.memory.bandwidth.value
    if part.scale_up.topology == "none":
        assert part.scale_up.bandwidth.value == part.host.bandwidth.value
    else:
        assert part.scale_up.bandwidth.value > 2 * part.scale_out.bandwidth.value
    assert part.host.bandwidth.value <= part.scale_up.bandwidth.value


@pytest.mark.parametrize("part", [a for a in ACCELERATORS if a.vendor == "Google"], ids=by_id)
def test_tpu_pods_are_tori_of_the_published_size(part: Accelerator) -> None:
    published = {"tpu-v4": 4096, "tpu-v5e": 256, "tpu-v5p": 8960, "tpu-v6e": 256, "tpu-v7": 9216}
    assert part.scale_up.domain == published[part.id]
    assert part.scale_up.torus_dims == (2 if part.id in ("tpu-v5e", "tpu-v6e") else 3)


# --- systems ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", SYSTEMS, ids=by_id)
def test_a_system_agrees_with_its_accelerator(system: System) -> None:
    part = accelerator(system.accelerator)
    count = system.accelerators.value
    assert system.scale_up_domain == part.scale_up.domain
    assert count % system.scale_up_domain == 0
    assert count % system.node_size == 0
    assert max(system.node_size, system.scale_up_domain) % min(system.node_size, system.scale_up_domain) == 0
    share = system.nics.count.value * system.nics.bandwidth.value / count
    assert share == pytest.approx(part.scale_out.bandwidth.value, rel=1e-9) or system.id == "vr-nvl144-cpx"


@pytest.mark.parametrize("system", [s for s in SYSTEMS if s.power], ids=by_id)
def test_a_system_draws_more_than_its_accelerators_and_not_absurdly_more(system: System) -> None:
    assert system.power is not None
    chips = system.accelerators.value * accelerator(system.accelerator).power.tdp.value
    assert chips < system.power.max.value < 2.5 * chips
    if system.power.typical is not None:
        assert 0.5 * chips < system.power.typical.value <= system.power.max.value


@pytest.mark.parametrize("system", [s for s in SYSTEMS if s.fabric], ids=by_id)
def test_a_systems_nics_fit_the_ports_of_its_fabric(system: System) -> None:
    assert system.fabric is not None
    assert system.nics.bandwidth.value <= CATALOG.get(FABRIC, system.fabric).link.value


def test_every_accelerator_comes_in_some_system() -> None:
    covered = {system.accelerator for system in SYSTEMS}
    variants = {part.id for part in ACCELERATORS if part.reference_tdp}
    assert {part.id for part in ACCELERATORS} - covered - variants == {"gh200-144gb"}


def test_measured_over_rated_power_of_the_h100_server() -> None:
    # arXiv 2412.08602: at most 8.4 of 10.2 kW; arXiv 2506.14551: 0.76 of the rating on average
    power = CATALOG.get(SYSTEM, "hgx-h100").power
    assert power is not None
    assert power.typical is not None
    assert power.max.value == 10_200
    assert power.typical.value / power.max.value == pytest.approx(0.76, abs=0.005)
    assert power.typical.bounds[1] / power.max.value == pytest.approx(8.4 / 10.2, abs=0.001)


# --- fabrics ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("infiniband-hdr", (800, 16_000)),
        ("infiniband-ndr", (2_048, 65_536, 2_097_152)),
        ("infiniband-xdr", (10_368, 746_496)),
        ("spectrum-x-400", (8_192, 524_288)),
        ("spectrum-x-800", (2_048, 65_536)),
        ("spectrum-x-800-dual-plane", (8_192, 524_288)),
        ("spectrum-x-400-islands", (8_192, 524_288)),
        ("roce-100", (2_048, 65_536)),
        ("roce-200", (8_192, 524_288)),
        ("roce-400", (8_192, 524_288)),
    ],
)
def test_fat_trees_have_the_size_of_their_switches(name: str, sizes: tuple[int, ...]) -> None:
    fabric = CATALOG.get(FABRIC, name)
    assert tuple(tier.endpoints for tier in fabric.tiers[1 : 1 + len(sizes)]) == sizes


@pytest.mark.parametrize("fabric", FABRICS, ids=by_id)
def test_fabrics_are_plausible(fabric: Fabric) -> None:
    assert fabric.achievable.kind == "estimate"
    assert 0.5 < fabric.achievable.value < 1
    latencies = [tier.latency.value for tier in fabric.tiers]
    assert latencies == sorted(latencies)
    assert 1e-7 < latencies[0] <= latencies[-1] < 1e-4
    assert fabric.tiers[-1].oversubscription.value == 1  # there is nothing above to be short of


def test_metas_roce_pods_meet_seven_to_one() -> None:
    tiers = {tier.name: tier for tier in CATALOG.get(FABRIC, "meta-24k-roce").tiers}
    assert tiers["pod"].endpoints * 8 == tiers["cluster"].endpoints == 24_576
    assert tiers["pod"].oversubscription.value == 7


# --- clusters -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", CLUSTERS, ids=by_id)
def test_groups_are_whole_servers_on_a_fabric_that_holds_them(cluster: Cluster) -> None:
    for group in cluster.groups:
        system, fabric = CATALOG.get(SYSTEM, group.system), CATALOG.get(FABRIC, group.fabric)
        count = group.accelerators.value
        assert count % system.node_size == 0
        assert count <= fabric.tiers[-1].endpoints
        if count % system.accelerators.value and group.accelerators.kind != "estimate":
            assert re.search("not a whole number|took part", cluster.note or ""), "the note must say so"


@pytest.mark.parametrize("cluster", [c for c in CLUSTERS if c.power], ids=by_id)
def test_a_site_has_the_power_of_its_chips_and_their_surroundings(cluster: Cluster) -> None:
    chips = sum(
        group.accelerators.value * accelerator(CATALOG.get(SYSTEM, group.system).accelerator).power.tdp.value
        for group in cluster.groups
    )
    assert cluster.power is not None
    assert 1.1 * chips < cluster.power.bounds[1]
    assert cluster.power.bounds[0] < 3 * chips


def test_guessed_inventories_say_so() -> None:
    undisclosed = ("fairwater-wisconsin", "meta-hyperion", "meta-prometheus", "stargate-abilene")
    for name in (*undisclosed, "colossus-1-2026-05", "colossus-2-planned"):
        for group in CATALOG.get(CLUSTER, name).groups:
            assert group.accelerators.kind == "estimate"
            assert group.accelerators.bounds[0] < group.accelerators.bounds[1]
            assert "guess" in (group.note or "")


def test_a_million_h100_is_not_a_million_equivalents() -> None:
    million, claimed = CATALOG.get(CLUSTER, "million-h100"), CATALOG.get(CLUSTER, "colossus-1m")
    assert equivalents(million, "bf16") == 1e6
    assert sum(group.accelerators.value for group in claimed.groups) < 4e5
    (group,) = million.groups
    tiers = CATALOG.get(FABRIC, group.fabric).tiers
    assert max(tier.oversubscription.value for tier in tiers) > 1


def test_facility_power_per_gpu_is_that_of_epoch_ai() -> None:
    # kW per GPU of Colossus 1 (1.81 in 2024, 1.92 in 2025) and 2 (2.72)
    published = {"colossus-1-2024-09": 1.81, "colossus-1": 1.92, "colossus-2-planned": 2.72}
    for name, kilowatts in published.items():
        cluster = CATALOG.get(CLUSTER, name)
        assert cluster.power is not None
        count = sum(group.accelerators.value for group in cluster.groups)
        assert cluster.power.value / count / 1000 == pytest.approx(kilowatts, abs=0.01)


# --- honesty ------------------------------------------------------------------------------------------


def every_record() -> Iterator[Accelerator | System | Fabric | Cluster]:
    return chain(ACCELERATORS, SYSTEMS, FABRICS, CLUSTERS)


def test_estimates_have_ranges_and_reports_have_dates() -> None:
    for record in every_record():
        for path, number in quantities(record):
            assert math.isfinite(number.value)
            if number.kind == "estimate":
                assert number.low is not None, (record.id, path)
            if number.kind == "reported" or number.dimension.startswith("usd"):
                assert number.as_of is not None, (record.id, path)
            if number.kind == "derived":
                assert number.note or record.note, (record.id, path)


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("a100-sxm-40gb", ["memory.bandwidth"]),
        ("h20-sxm", ["memory.l2", "compute_units"]),
        ("l40s", ["flops.tf32", "memory.l2"]),
        ("b200", ["flops.fp32", "flops.fp6", "memory.l2"]),
        ("gb200", ["flops.fp32", "flops.fp6", "memory.l2", "compute_units", "host.bandwidth"]),
        ("gb300", ["flops.fp32", "flops.fp6", "memory.l2", "compute_units"]),
        ("vr200", ["flops.bf16", "flops.fp8", "flops.tf32", "flops.int8", "compute_units"]),
        ("mi300x", ["memory.l2", "compute_units", "scale_up.bandwidth"]),
        ("mi355x", ["flops.fp4", "flops.fp6", "scale_up.bandwidth"]),
        ("gaudi3", ["flops.bf16", "flops.fp8", "scale_up.bandwidth"]),
        ("tpu-v4", ["scale_up.bandwidth"]),
        ("tpu-v7", ["scale_up.bandwidth"]),
        ("maia-200", ["flops.fp8", "memory.capacity", "power.tdp"]),
        ("ascend-910c", ["flops.bf16", "memory.capacity", "power.tdp"]),
    ],
)
def test_what_was_recalled_is_not_dressed_up(name: str, paths: list[str]) -> None:
    numbers = dict(quantities(accelerator(name)))
    for path in paths:
        assert numbers[path].kind == "recalled", path


@pytest.mark.parametrize("name", ["rubin-cpx", "vr300", "mi455x", "maia-200"])
def test_16_bit_rates_that_nobody_announced_are_estimates(name: str) -> None:
    bf16 = accelerator(name).flops.bf16
    assert bf16 is not None
    assert bf16.kind == "estimate"
    assert bf16.bounds[1] >= 2 * bf16.bounds[0]


def test_every_hardware_source_is_used() -> None:
    held = (kind for kind in kinds() if kind.folder.startswith("hardware/"))
    records = (record for kind in held for record in CATALOG.all(kind))
    cited = {number.source for record in records for _, number in quantities(record)}
    assert set(read_sources(CATALOG.roots[0] / "hardware" / "sources.yaml")) <= cited
