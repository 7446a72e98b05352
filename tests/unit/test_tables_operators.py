"""Records of serving kernels as arrays: which laws a part takes, and what its datasheet makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from planner.catalog.kinds import ACCELERATOR, OPERATORS
from planner.catalog.load import Catalog
from planner.catalog.schema.operators import FAMILIES, OperatorRates
from planner.errors import InputError
from planner.tables import stack
from planner.tables.operators import OPERATOR_CLASSES, Operators, operators_of, operators_table

CATALOG = Catalog()
BF16, FP8, STATIC, BLOCK, NVFP4, MXFP4 = range(6)


def table(name: str, catalog: Catalog = CATALOG, **values: int | float) -> Operators:
    part = catalog.get(ACCELERATOR, name)
    return operators_table(part, operators_of(catalog, part), **values)  # type: ignore[arg-type]


def test_one_row_in_si_units() -> None:
    """The datasheet of the H100 SXM, and two figures of its kernel tables."""
    o = table("h100-sxm")
    assert len(o) == 1
    assert OPERATOR_CLASSES == ("bf16", "fp8", "fp8-static", "fp8-block", "nvfp4", "mxfp4")
    peaks = [989.4e12, 1978.9e12, 1978.9e12, 1978.9e12, 0.0, 0.0]
    assert o.peak_flop_per_s[0].tolist() == pytest.approx(peaks, rel=1e-3)
    assert (o.memory_bytes_per_s[0], o.link_bytes_per_s[0], o.nic_bytes_per_s[0]) == (3.35e12, 450e9, 50e9)
    assert (o.compute_units[0], o.domain[0], o.node[0], o.torus_dims[0]) == (132, 8, 8, 0)
    assert o.gemm_overhead[0, BF16] == pytest.approx(2.454e-6)
    assert o.all_reduce[0].tolist() == pytest.approx([4.577e-6, 1.549e-6, 1.106, 0.7231, 1.188])


@pytest.mark.parametrize(
    ("part", "record"),
    [
        ("b200", "b200"),
        ("gh200", "h100-sxm"),
        ("rtx-4090", "l40s"),
        ("mi325x", "mi300x"),
        ("tpu-v5p", "shared"),
        ("v100-sxm2-32gb", "shared"),
    ],
)
def test_a_part_takes_its_own_laws_or_those_of_its_die_or_the_shared_ones(part: str, record: str) -> None:
    found = operators_of(CATALOG, CATALOG.get(ACCELERATOR, part))
    assert found.id == record
    assert found.gaps() == []


def test_what_was_not_measured_is_lent_by_the_shared_record() -> None:
    a100, shared = table("a100-sxm-80gb"), table("mi355x")
    assert a100.gemm_compute[0, BF16] != shared.gemm_compute[0, BF16]
    assert a100.gemm_compute[0, FP8] == shared.gemm_compute[0, FP8]
    for name in ("decode_memory", "latent_decode_block", "latent_context_tile", "stream_share"):
        np.testing.assert_array_equal(getattr(a100, name), getattr(shared, name))
    assert a100.context_compute[0, 0] != shared.context_compute[0, 0]
    assert a100.context_compute[0, 1] == shared.context_compute[0, 1]


def test_a_part_without_4_bit_units_has_neither_4_bit_class() -> None:
    assert (table("h200-sxm").peak_flop_per_s[0, [NVFP4, MXFP4]] == 0).all()
    b200 = table("b200").peak_flop_per_s[0]
    assert b200[NVFP4] == 2 * b200[FP8]
    assert b200[MXFP4] == b200[FP8]
    assert (table("a100-sxm-80gb").peak_flop_per_s[0, 1:] == 0).all(), "its int8 units run no fp8"


def test_static_scales_spare_overhead_and_most_of_the_quantisation() -> None:
    o = table("h200-sxm")
    assert o.gemm_overhead[0, STATIC] == 3e-6 < o.gemm_overhead[0, FP8]
    assert o.gemm_quantise[0, STATIC] == pytest.approx(o.gemm_quantise[0, FP8] / 0.3)
    assert o.gemm_quantise[0, BF16] == np.inf
    for name in ("compute", "memory", "exponent", "serial", "serial_half", "waves"):
        columns = getattr(o, f"gemm_{name}")[0]
        assert columns[STATIC] == columns[FP8], name
    assert table("l40s").gemm_overhead[0, STATIC] == 0.3e-6, "never more than with scales found on the fly"


@pytest.mark.parametrize("part", ["l40s", "rtx-pro-6000", "a100-pcie-80gb", "h100-pcie"])
def test_cards_without_links_of_their_own_meet_over_the_host(part: str) -> None:
    host = CATALOG.get(OPERATORS, "shared").host_collectives
    assert host is not None
    o = table(part)
    assert o.all_reduce[0, 2] == host.all_reduce.share.value == 0.4384
    assert o.direct[0, 3] == pytest.approx(35.34e-6)


def test_fewer_matrix_units_on_the_same_die_leave_softmax_and_tiles_as_fast() -> None:
    """H20: 148 TFLOP/s on 78 units against the 989 on 132 of the H100, whose laws it takes."""
    assert table("h20-sxm").density[0] == pytest.approx(148 / 78 / (989 / 132))
    assert table("h100-sxm").density[0] == pytest.approx(1.0, abs=1e-3)
    assert table("mi300x").density[0] == 1.0


def test_a_large_core_counts_as_several_compute_units() -> None:
    assert table("tpu-v5e").compute_units[0] == pytest.approx(197 / 16.45)
    assert table("mi300x").compute_units[0] == 304


@pytest.mark.parametrize(
    ("part", "domain", "node", "torus"),
    [("gb200", 72, 4, 0), ("mi300x", 8, 8, 1), ("tpu-v5p", 8960, 4, 3), ("l40s", 8, 8, 0)],
)
def test_surroundings(part: str, domain: int, node: int, torus: int) -> None:
    o = table(part)
    assert (o.domain[0], o.node[0], o.torus_dims[0]) == (domain, node, torus)


def test_surroundings_can_be_given() -> None:
    o = table("gb200", domain=36, node=8, nic_bytes_per_s=1e11)
    assert (o.domain[0], o.node[0], o.nic_bytes_per_s[0]) == (36, 8, 1e11)
    assert table("gb200", domain=4).node[0] == 4


def test_rows_stack_and_are_taken() -> None:
    both = stack([table("h100-sxm"), table("b200")])
    assert len(both) == 2
    assert both.take(np.array([1])).direct.tolist() == table("b200").direct.tolist()


def test_a_record_with_gaps_is_refused() -> None:
    part = CATALOG.get(ACCELERATOR, "l40s")
    with pytest.raises(
        ValueError, match=r"operators l40s lack gemm.nvfp4, .*collectives.*from the shared record"
    ):
        operators_table(part, CATALOG.get(OPERATORS, "l40s"))


def test_the_shared_record_must_be_complete(tmp_path: Path) -> None:
    record = yaml.safe_load((CATALOG.roots[0] / OPERATORS.folder / "shared.yaml").read_text(encoding="utf-8"))
    del record["gemm"]["nvfp4"], record["stream"]
    folder = tmp_path / OPERATORS.folder
    folder.mkdir(parents=True)
    (folder / "shared.yaml").write_text(yaml.safe_dump(record), encoding="utf-8")
    with pytest.raises(InputError, match=r"must not lack gemm.nvfp4, stream; add them"):
        Catalog(overlays=(tmp_path,)).get(OPERATORS, "shared")


def test_an_override_reaches_the_table() -> None:
    changed = Catalog(overrides=("operators.h100-sxm.gemm.bf16.compute=*0.5",))
    assert table("h100-sxm", changed).gemm_compute[0, BF16] == pytest.approx(0.7801 / 2)


def test_every_record_names_the_part_it_was_measured_on() -> None:
    for record in CATALOG.all(OPERATORS):
        assert isinstance(record, OperatorRates)
        if record.id == "shared":
            continue
        part = CATALOG.get(ACCELERATOR, record.id)
        assert record.reference is not None
        assert part.flops.bf16 is not None
        assert record.reference.bf16.value == pytest.approx(part.flops.bf16.value, rel=1e-3)
        assert record.reference.compute_units.value == part.compute_units.value
        assert set(record.gaps()).isdisjoint({"gemm.bf16", "grouped.bf16", "context.bits16"})
        assert set(FAMILIES) >= {gap.split(".")[0] for gap in record.gaps() if "." in gap}
