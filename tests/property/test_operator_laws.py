"""Laws of serving kernels over random shapes: more work is never faster, a faster part never slower."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.model.inference.attention import (
    context_attention_s,
    context_mla_s,
    decode_attention_s,
    decode_mla_s,
)
from planner.model.inference.kernels import (
    distinct_experts,
    experts_s,
    gemm_rates,
    gemm_s,
    grouped_rates,
    padded_rows,
    stream_s,
)
from planner.model.inference.network import (
    all_gather_s,
    all_reduce_s,
    dispatch_combine_s,
    reduce_scatter_s,
    send_s,
)
from planner.tables.operators import OPERATOR_CLASSES, Operators, operators_of, operators_table

CATALOG = Catalog()
ACCELERATORS = ("a100-sxm-80gb", "h100-sxm", "h20-sxm", "gb300", "l40s", "rtx-pro-6000", "mi355x", "tpu-v7")
CLOSE = 1.0 + 1e-9

parts = st.sampled_from(ACCELERATORS)
classes = st.integers(0, len(OPERATOR_CLASSES) - 1)
widths = st.integers(1, 512).map(lambda x: 64.0 * x)
some = st.integers(1, 4096).map(float)
more = st.floats(1.0, 16.0)
Timed = Callable[[Operators, dict[str, np.ndarray]], np.ndarray]


@cache
def table(name: str) -> Operators:
    part = CATALOG.get(ACCELERATOR, name)
    return operators_table(part, operators_of(CATALOG, part))


def columns(size: dict[str, Any]) -> dict[str, np.ndarray]:
    return {key: np.atleast_1d(value) for key, value in size.items()}


def gemm(o: Operators, s: dict[str, np.ndarray]) -> np.ndarray:
    return gemm_s(rates=gemm_rates(operators=o, operator_class=s["c"]), m=s["m"], n=s["n"], k=s["k"])


def experts(o: Operators, s: dict[str, np.ndarray]) -> np.ndarray:
    rows = s["tokens"] * s["top_k"] / s["ep"]
    active = distinct_experts(experts=s["experts"], top_k=s["top_k"], tokens=s["tokens"]) / s["ep"]
    return experts_s(
        operators=o,
        rates=grouped_rates(operators=o, operator_class=s["c"]),
        tokens=s["tokens"],
        rows=rows,
        active=active,
        padded=padded_rows(rows=rows, active=active),
        hidden=s["hidden"],
        inner=s["inner"],
        matrices=np.full(1, 3.0),
    )


def called(function: Any) -> Timed:
    return lambda o, s: function(operators=o, **s)


heads = {"heads": st.integers(1, 32).map(lambda x: 4.0 * x), "kv_bytes": st.sampled_from([1.0, 2.0])}
grouped = heads | {"kv_heads": st.sampled_from([1.0, 2.0, 4.0]), "head_dim": st.sampled_from([64.0, 128.0])}
prompt = {"batch": st.integers(1, 8).map(float), "new": some, "past": st.integers(0, 9999).map(float)}
moved = {"moved_bytes": st.floats(1.0, 1e10)}
LAWS: dict[str, tuple[Timed, dict[str, Any], tuple[str, ...]]] = {
    "gemm": (gemm, {"c": classes, "m": some, "n": widths, "k": widths}, ("k",)),
    "experts": (
        experts,
        {
            "c": classes,
            "tokens": some,
            "top_k": st.sampled_from([1.0, 2.0, 8.0]),
            "experts": st.sampled_from([8.0, 64.0, 256.0]),
            "ep": st.sampled_from([1.0, 2.0, 8.0]),
            "hidden": widths,
            "inner": widths,
        },
        ("tokens", "hidden", "inner"),
    ),
    "decode": (
        called(decode_attention_s),
        {"batch": some, "context": some, **grouped},
        ("batch", "context", "heads"),
    ),
    "latent decode": (
        called(decode_mla_s),
        {"batch": some, "context": some, **heads},
        ("batch", "context", "heads"),
    ),
    "context": (
        called(context_attention_s),
        {**prompt, **grouped, "window": st.sampled_from([128.0, 2048.0, np.inf]), "eight_bit": st.booleans()},
        ("batch", "new", "past", "window", "heads"),
    ),
    "latent context": (
        called(context_mla_s),
        {**prompt, **heads, "qk_dim": st.just(192.0), "v_dim": st.just(128.0)},
        ("batch", "new", "past", "heads"),
    ),
    "stream": (called(stream_s), moved, ("moved_bytes",)),
    "send": (called(send_s), {**moved, "across": st.booleans()}, ("moved_bytes",)),
    "all-reduce": (called(all_reduce_s), {**moved, "ranks": st.integers(1, 64).map(float)}, ("moved_bytes",)),
    "all-gather": (called(all_gather_s), {**moved, "ranks": st.integers(1, 64).map(float)}, ("moved_bytes",)),
    "reduce-scatter": (
        called(reduce_scatter_s),
        {**moved, "ranks": st.integers(1, 64).map(float)},
        ("moved_bytes",),
    ),
    "exchange": (
        called(dispatch_combine_s),
        {
            "tokens": some,
            "top_k": st.integers(1, 8).map(float),
            "hidden": widths,
            "ranks": st.integers(1, 128).map(float),
            "prefill": st.booleans(),
        },
        ("tokens", "hidden", "top_k"),
    ),
}
RATES = ("memory_bytes_per_s", "peak_flop_per_s", "link_bytes_per_s", "nic_bytes_per_s")


@pytest.mark.parametrize("law", LAWS)
@given(data=st.data(), name=parts, rate=st.sampled_from(RATES), factor=more)
def test_a_faster_part_is_never_slower(law: str, data: Any, name: str, rate: str, factor: float) -> None:
    timed, shape, _ = LAWS[law]
    size, o = columns(data.draw(st.fixed_dictionaries(shape))), table(name)
    before = timed(o, size)[0]
    after = timed(o.with_values(**{rate: getattr(o, rate) * factor}), size)[0]
    assert np.isnan(before) == np.isnan(after)
    assert np.isnan(before) or 0 <= after <= before * CLOSE


@pytest.mark.parametrize("law", LAWS)
@given(data=st.data(), name=parts, factor=more)
def test_more_work_is_never_faster(law: str, data: Any, name: str, factor: float) -> None:
    timed, shape, grows = LAWS[law]
    size, o = columns(data.draw(st.fixed_dictionaries(shape))), table(name)
    axis = data.draw(st.sampled_from(grows))
    before, after = timed(o, size)[0], timed(o, size | {axis: size[axis] * factor})[0]
    assert np.isnan(before) == np.isnan(after)
    assert np.isnan(before) or 0 <= before <= after * CLOSE


@given(name=parts, c=classes, n=widths, k=widths, m=st.integers(1, 64), step=st.integers(1, 64))
def test_more_tiles_of_rows_are_never_faster(
    name: str, c: int, n: float, k: float, m: int, step: int
) -> None:
    """Within a tile of 128 rows, and from whole tile to whole tile; between, a last wave may fill better."""
    size = columns({"c": c, "n": n, "k": k})
    for unit in (1.0, 128.0):
        few, many = (gemm(table(name), size | {"m": np.array([unit * x])})[0] for x in (m, m + step))
        assert np.isnan(few) or few <= many * CLOSE


@given(name=parts, moved_bytes=st.floats(1.0, 1e9), ranks=st.integers(1, 63))
def test_another_rank_never_makes_an_all_reduce_faster(name: str, moved_bytes: float, ranks: int) -> None:
    o, size = table(name), {"moved_bytes": np.array([moved_bytes])}
    if o.torus_dims[0]:
        return  # meshes and tori give larger groups more links
    few, many = (all_reduce_s(operators=o, ranks=np.array([n]), **size)[0] for n in (ranks, ranks + 1.0))
    assert few <= many * CLOSE
