"""Kernels of a serving step against their laws written out a second time, in microseconds and one by one."""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.catalog.schema.operators import OperatorRates
from planner.model.inference.kernels import (
    GemmRates,
    distinct_experts,
    experts_s,
    gemm_rates,
    gemm_s,
    grouped_rates,
    padded_rows,
    stream_s,
)
from planner.model.inference.limbs import norm
from planner.tables import stack
from planner.tables.operators import OPERATOR_CLASSES, Operators, operators_of, operators_table

CATALOG = Catalog()
WEIGHT = {"bf16": 2.0, "fp8": 1.0, "fp8-block": 1.0, "nvfp4": 0.5625, "mxfp4": 0.53125}
OPERAND = {"bf16": 2.0, "fp8": 1.0, "fp8-block": 1.0, "nvfp4": 0.5625, "mxfp4": 1.0}
LAW = {"bf16": "bf16", "fp8": "fp8", "fp8-block": "fp8_block", "nvfp4": "nvfp4", "mxfp4": "fp8"}
NOT_ON_HOPPER = ("nvfp4", "mxfp4")


def record(name: str) -> OperatorRates:
    return operators_of(CATALOG, CATALOG.get(ACCELERATOR, name))


def table(name: str) -> Operators:
    return operators_table(CATALOG.get(ACCELERATOR, name), record(name))


def sheet(name: str) -> dict[str, float]:
    part = CATALOG.get(ACCELERATOR, name)
    peaks = {f: q.value / 1e6 for f, q in vars(part.flops).items() if q is not None and f != "cite"}
    return peaks | {"memory": part.memory.bandwidth.value / 1e6, "units": part.compute_units.value}


def rates(name: str, operator: str, **more: Any) -> GemmRates:
    which = np.array([OPERATOR_CLASSES.index(operator)])
    return gemm_rates(operators=table(name), operator_class=which, **more)


def gemm_us(name: str, operator: str, m: float, n: float, k: float, **more: Any) -> float:
    sizes = (np.array([float(x)]) for x in (m, n, k))
    return float(gemm_s(rates=rates(name, operator, **more), **dict(zip("mnk", sizes, strict=True)))[0] * 1e6)


def values(law: Any) -> dict[str, float]:
    """Parameters in microseconds and shares; what is missing is 0."""
    known = {f: getattr(law, f) for f in type(law).model_fields if f != "cite"}
    scaled = {
        f: 0.0 if q is None else q.value * (1e6 if q.dimension == "s" else 1.0) for f, q in known.items()
    }
    return scaled


def by_hand(name: str, operator: str, m: float, n: float, k: float, weight: float | None = None) -> float:
    law, part = values(getattr(record(name).gemm, LAW[operator])), sheet(name)
    peak = part[{"bf16": "bf16", "nvfp4": "fp4"}.get(operator, "fp8")]
    memory = law["memory"] * part["memory"]
    compute = 2 * m * n * k / (law["compute"] * peak)
    waves = ceil(m / 128) * ceil(n / 128) / part["units"]
    if waves > 1:
        compute *= (ceil(waves) / waves) ** law["waves"]
    weight = WEIGHT[operator] if weight is None else weight
    traffic = (n * k * weight + m * k * OPERAND[operator] + 2 * m * n) / memory
    serial = law["serial"] * (k / 1024) / (1 + k / 1024 / law["serial_half"])
    p = law["exponent"]
    quantise = (
        m * k * (2 + OPERAND[operator]) / (law["quantise"] * part["memory"]) if law["quantise"] else 0.0
    )
    return law["overhead"] + quantise + (compute**p + traffic**p + serial**p) ** (1 / p)


@pytest.mark.parametrize(
    "shape", [(1, 8192, 8192), (64, 28672, 8192), (200, 1536, 7168), (4096, 10240, 8192)]
)
@pytest.mark.parametrize("operator", WEIGHT)
@pytest.mark.parametrize("name", ["h100-sxm", "gb200", "rtx-pro-6000", "mi355x"])
def test_a_linear_layer(name: str, operator: str, shape: tuple[int, int, int]) -> None:
    if name == "h100-sxm" and operator in NOT_ON_HOPPER:
        return
    assert gemm_us(name, operator, *shape) == pytest.approx(by_hand(name, operator, *shape), rel=1e-9)


def test_a_published_decode_layer_is_bound_by_its_weights() -> None:
    """Down-projection of Llama-3-70B for 64 sequences: 470 MB at 3.35 TB/s are 140 us."""
    assert 1.0 < gemm_us("h100-sxm", "bf16", 64, 8192, 28672) / (8192 * 28672 * 2 / 3.35e12 * 1e6) < 1.35


def test_compressed_weights_run_the_16_bit_law_on_fewer_bytes() -> None:
    few = gemm_us("a100-sxm-80gb", "bf16", 8, 8192, 28672, weight_bytes=np.array([0.5625]))
    assert few == pytest.approx(by_hand("a100-sxm-80gb", "bf16", 8, 8192, 28672, 0.5625), rel=1e-9)
    assert few < 0.5 * gemm_us("a100-sxm-80gb", "bf16", 8, 8192, 28672)


@pytest.mark.parametrize("shape", [(0, 8, 8), (8, 0, 8), (8, 8, 0)])
@pytest.mark.parametrize("operator", ["bf16", "fp8-block", "nvfp4"])
def test_no_product_takes_no_time(operator: str, shape: tuple[int, int, int]) -> None:
    assert gemm_us("h100-sxm", operator, *shape) == 0.0


@pytest.mark.parametrize(
    ("name", "operator"), [("h100-sxm", "nvfp4"), ("h200-sxm", "mxfp4"), ("a100-sxm-80gb", "fp8-static")]
)
def test_a_format_that_the_part_lacks_has_no_time(name: str, operator: str) -> None:
    assert np.isnan(rates(name, operator).compute[0])
    assert np.isnan(gemm_us(name, operator, 8, 1024, 1024))
    which = np.array([OPERATOR_CLASSES.index(operator)])
    assert np.isnan(grouped_rates(operators=table(name), operator_class=which).compute[0])


def test_mixed_classes_and_parts_give_what_each_row_gives_alone() -> None:
    names, classes = ["h100-sxm", "b200", "b200", "h100-sxm"], [3, 4, 0, 0]
    each = [gemm_us(n, OPERATOR_CLASSES[c], 48, 4096, 5120) for n, c in zip(names, classes, strict=True)]
    mixed = gemm_rates(operators=stack([table(n) for n in names]), operator_class=np.array(classes))
    sizes = {"m": np.full(4, 48.0), "n": np.full(1, 4096.0), "k": np.full(1, 5120.0)}
    np.testing.assert_allclose(gemm_s(rates=mixed, **sizes) * 1e6, each, rtol=1e-12)
    one_part = gemm_rates(operators=table("b200"), operator_class=np.array([4, 0]))
    np.testing.assert_allclose(gemm_s(rates=one_part, **sizes | {"m": np.full(2, 48.0)}) * 1e6, each[1:3])


def experts_us(name: str, operator: str, **sizes: float) -> float:
    which = np.array([OPERATOR_CLASSES.index(operator)])
    law = grouped_rates(operators=table(name), operator_class=which)
    given = {key: np.array([float(value)]) for key, value in sizes.items()}
    return float(experts_s(operators=table(name), rates=law, **given)[0] * 1e6)


@pytest.mark.parametrize("matrices", [2, 3])
@pytest.mark.parametrize(
    ("name", "operator"),
    [("h200-sxm", "fp8-block"), ("b200", "nvfp4"), ("gb300", "mxfp4"), ("mi300x", "bf16")],
)
def test_routed_experts(name: str, operator: str, matrices: int) -> None:
    tokens, rows, active, padded, hidden, inner = 96.0, 48.0, 20.0, 480.0, 7168.0, 2048.0
    grouped = {"mxfp4": "mxfp4"}.get(operator, LAW[operator])
    law, part = values(getattr(record(name).grouped, grouped)), sheet(name)
    peak = part[{"bf16": "bf16", "nvfp4": "fp4"}.get(operator, "fp8")]
    compute = 2 * matrices * hidden * inner * padded / (law["compute"] * peak)
    weights = matrices * hidden * inner * active * WEIGHT[operator] / (law["memory"] * part["memory"])
    serial = law["serial"] * (hidden + inner) / 1024
    products = 4 * inner if matrices == 2 else 8 * inner
    moved = rows * (6 * hidden + products) / law["routed"] + 4 * tokens * hidden / law["tokens"]
    p = law["exponent"]
    expected = law["overhead"] + law["routing"] * log2(1 + tokens / 8) + moved / part["memory"]
    expected += (compute**p + weights**p + serial**p) ** (1 / p)
    sizes = {"tokens": tokens, "rows": rows, "active": active, "padded": padded}
    found = experts_us(name, operator, **sizes, hidden=hidden, inner=inner, matrices=matrices)
    assert found == pytest.approx(expected, rel=1e-9)


def test_no_routed_rows_take_no_time() -> None:
    sizes = {"tokens": 4, "rows": 0, "active": 0, "padded": 0, "hidden": 512, "inner": 512, "matrices": 3}
    assert experts_us("b200", "nvfp4", **sizes) == 0.0


@pytest.mark.parametrize(
    ("rows", "active", "padded"),
    [
        (0, 0, 0),
        (1, 1, 16),  # one tile of 16
        (16, 1, 24),  # exactly one tile, half a tile more on average
        (17, 1, 33),  # tiles of 32 from here
        (64 * 8, 8, 8 * 96),
        (65 * 8, 8, 8 * 129),  # tiles of 128, the largest
        (10_000, 4, 10_000 + 4 * 64),
    ],
)
def test_rows_are_padded_to_tiles_of_16_to_128(rows: float, active: float, padded: float) -> None:
    assert padded_rows(rows=np.array([rows]), active=np.array([active]))[0] == padded


def test_distinct_experts_are_the_mean_of_random_draws() -> None:
    """256 experts, 8 per token: a simulation of 64 tokens against the expectation."""
    rng = np.random.default_rng(7)
    hit = [len({e for _ in range(64) for e in rng.choice(256, 8, replace=False)}) for _ in range(200)]
    found = distinct_experts(experts=np.array([256.0]), top_k=np.array([8.0]), tokens=np.array([64.0]))
    assert found[0] == pytest.approx(np.mean(hit), rel=0.005)


@pytest.mark.parametrize(
    ("experts", "top_k", "tokens", "distinct"),
    [(256, 8, 0, 0), (256, 8, 1, 8), (8, 8, 1, 8), (8, 2, 1e9, 8), (0, 0, 5, 0), (128, 4, 0.5, 2)],
)
def test_distinct_experts_at_the_ends(experts: float, top_k: float, tokens: float, distinct: float) -> None:
    found = distinct_experts(experts=np.array([experts]), top_k=np.array([top_k]), tokens=np.array([tokens]))
    assert found[0] == pytest.approx(distinct, rel=0.01)


def test_a_stream_has_a_floor_and_a_rate() -> None:
    o = table("h200-sxm")
    assert stream_s(operators=o, moved_bytes=np.array([1.0]))[0] == 1.26e-6
    large = stream_s(operators=o, moved_bytes=np.array([48e9]))[0]
    assert large == pytest.approx(0.3e-6 + 48e9 / (0.851 * 4.8e12))
    assert stream_s(operators=o, moved_bytes=np.array([0.0]))[0] == 0.0
    alone = stream_s(operators=o, moved_bytes=np.array([1e3]), launches=0.0)[0]
    assert alone == pytest.approx(1e3 / (0.851 * 4.8e12))


@pytest.mark.parametrize("p", [1.0, 1.36, 8.0])
def test_limbs_join_by_a_norm_whatever_their_order_and_size(p: float) -> None:
    for a, b, c in [(1, 2, 3), (3, 1, 2), (2, 3, 1), (5, 5, 5), (4, 0, 0), (0, 3, 4)]:
        found = norm(np.array([p]), *(np.array([float(x)]) for x in (a, b, c)))[0]
        assert found == pytest.approx((a**p + b**p + c**p) ** (1 / p), rel=1e-12)
    assert norm(np.array([p]), *(np.array([x]) for x in (1e200, 1e-200, 1e-200)))[0] == pytest.approx(1e200)
    assert norm(np.array([p]), *(np.zeros(1) for _ in range(3)))[0] < 1e-200
