"""Communication of a serving step against its laws written out a second time, in microseconds."""

from __future__ import annotations

from math import log2, sqrt
from typing import Any

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.catalog.schema.operators import Collectives
from planner.model.inference.network import (
    all_gather_s,
    all_reduce_s,
    direct_s,
    dispatch_combine_s,
    reduce_scatter_s,
    send_s,
)
from planner.tables.operators import Operators, operators_of, operators_table

CATALOG = Catalog()
MIB = 2**20
ONE_WAY = {all_gather_s: "all_gather", reduce_scatter_s: "reduce_scatter"}


def table(name: str, **values: int | float) -> Operators:
    part = CATALOG.get(ACCELERATOR, name)
    return operators_table(part, operators_of(CATALOG, part), **values)  # type: ignore[arg-type]


def laws(name: str) -> Collectives:
    found = operators_of(CATALOG, CATALOG.get(ACCELERATOR, name)).collectives
    assert found is not None
    return found


def us(function: Any, operators: Operators, **sizes: float | bool) -> float:
    given = {
        key: np.array([value if isinstance(value, bool) else float(value)]) for key, value in sizes.items()
    }
    return float(function(operators=operators, **given)[0] * 1e6)


def pipelined(law: Any, moved: float, n: int, factor: float, link: float) -> float:
    start = law.base.value * 1e6 + law.per_rank.value * 1e6 * (n - 1)
    rate = law.share.value * (1 - law.ends.value / n) * link
    wire = factor * (n - 1) / n * moved / rate * 1e6
    return float(start + wire + law.overlap.value * sqrt(start * wire))


def direct(law: Any, moved: float, n: int, link: float) -> float:
    one = (law.one_base.value + law.one_per_rank.value * n) * 1e6
    one += (n - 1) * moved / (law.one_share.value * link) * 1e6
    two = (law.two_base.value + law.two_per_rank.value * n) * 1e6
    two += 2 * (n - 1) / n * moved / (law.two_share.value * link) * 1e6
    return float((one**-4 + two**-4) ** -0.25)


@pytest.mark.parametrize("moved", [1024, 1 * MIB, 64 * MIB, 65 * MIB])
@pytest.mark.parametrize("ranks", [2, 3, 8])
@pytest.mark.parametrize(("name", "link"), [("h100-sxm", 450e9), ("b200", 900e9)])
def test_an_all_reduce_in_a_domain(name: str, link: float, ranks: int, moved: int) -> None:
    """The faster of NCCL and of direct reads, which engines use up to 64 MiB."""
    expected = pipelined(laws(name).all_reduce, moved, ranks, 2, link)
    if moved <= 64 * MIB:
        expected = min(expected, direct(laws(name).direct, moved, ranks, link))
    assert us(all_reduce_s, table(name), moved_bytes=moved, ranks=ranks) == pytest.approx(expected)


@pytest.mark.parametrize("function", ONE_WAY)
@pytest.mark.parametrize("ranks", [2, 8])
def test_a_gather_and_a_scatter_in_a_domain(function: Any, ranks: int) -> None:
    law = getattr(laws("h200-sxm"), ONE_WAY[function])
    expected = pipelined(law, 3e6, ranks, 1, 450e9)
    assert us(function, table("h200-sxm"), moved_bytes=3e6, ranks=ranks) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("function", "factor"), [(all_reduce_s, 2), (all_gather_s, 1), (reduce_scatter_s, 1)]
)
@pytest.mark.parametrize("ranks", [9, 16, 32])
def test_domains_are_joined_over_their_nics(function: Any, factor: int, ranks: int) -> None:
    """Each of the 8 ranks of a domain moves its share over its own NIC (50 GB/s, of which 80 %)."""
    o, n = table("h100-sxm"), -(-ranks // 8)
    inside = us(function, o, moved_bytes=1e7, ranks=8)
    across = 45 + 10 * (n - 1) + factor * (n - 1) / n * 1e7 / 8 / (0.8 * 50e9) * 1e6
    assert us(function, o, moved_bytes=1e7, ranks=ranks) == pytest.approx(inside + across)


@pytest.mark.parametrize("function", [all_reduce_s, all_gather_s, reduce_scatter_s])
def test_alone_or_with_nothing_to_move(function: Any) -> None:
    for o in (table("h100-sxm"), table("mi300x"), table("l40s"), table("tpu-v5e")):
        assert us(function, o, moved_bytes=1e6, ranks=1) == 0.0
        assert us(function, o, moved_bytes=0.0, ranks=8) == 0.0
        assert us(function, o, moved_bytes=0.0, ranks=16) == 0.0


def test_a_larger_domain_keeps_traffic_off_the_network() -> None:
    inside = us(all_reduce_s, table("gb200"), moved_bytes=1e7, ranks=16)
    assert inside < us(all_reduce_s, table("gb200", domain=8), moved_bytes=1e7, ranks=16)


def test_a_mesh_gives_a_pair_one_of_its_links() -> None:
    mesh, switched = table("mi300x"), table("mi300x").with_values(torus_dims=0)
    few, all_ = ({"moved_bytes": 5e7, "ranks": n} for n in (2, 8))
    assert us(direct_s, mesh, **few) > 5 * us(direct_s, switched, **few)
    assert us(direct_s, mesh, **all_) == us(direct_s, switched, **all_)


def test_a_send() -> None:
    o = table("h100-sxm")
    assert us(send_s, o, moved_bytes=8e6, across=False) == pytest.approx(7.3 + 8e6 / (0.82 * 450e9) * 1e6)
    assert us(send_s, o, moved_bytes=8e6, across=True) == pytest.approx(20 + 8e6 / (0.8 * 50e9) * 1e6)
    assert us(send_s, o, moved_bytes=0.0, across=True) == 0.0


@pytest.mark.parametrize("tokens", [4, 4096])
def test_experts_of_one_domain_take_the_better_exchange(tokens: int) -> None:
    """Copies of tokens one by one, or all tokens to all ranks in 8 bit and sums back in 16 bit."""
    o, n, k, hidden = table("gb200"), 32, 8, 7168
    copies = 20 + 2.5 * log2(n) + tokens * k * (n - 1) / n * 3 * hidden / (0.55 * 900e9) * 1e6
    whole = tokens * n * hidden
    gather = pipelined(laws("gb200").all_gather, whole, n, 1, 900e9)
    scatter = pipelined(laws("gb200").reduce_scatter, 2 * whole, n, 1, 900e9)
    sizes = {"tokens": tokens, "top_k": k, "hidden": hidden, "ranks": n}
    found = us(dispatch_combine_s, o, **sizes, prefill=False)
    assert found == pytest.approx(min(copies, gather + scatter))
    assert found == us(dispatch_combine_s, o, **sizes, prefill=True)


def test_experts_across_domains_while_decoding() -> None:
    sizes = {"tokens": 128, "top_k": 8, "hidden": 7168, "ranks": 32}
    expected = 48 + 2 * log2(4) + 128 * 8 * 3 / 4 * 3 * 7168 / (0.93 * 50e9) * 1e6
    assert us(dispatch_combine_s, table("h100-sxm"), **sizes, prefill=False) == pytest.approx(expected)


@pytest.mark.parametrize(("top_k", "reach"), [(8, 4), (2, 2)])
def test_experts_across_domains_for_prompts_send_a_token_to_a_domain_once(top_k: int, reach: int) -> None:
    sizes = {"tokens": 4096, "top_k": top_k, "hidden": 7168, "ranks": 64}
    distinct = 7 * (1 - (7 / 8) ** reach)
    expected = 180 + 15 * log2(8) + 4096 * 3 * 7168 * distinct / (0.85 * 50e9) * 1e6
    assert us(dispatch_combine_s, table("h200-sxm"), **sizes, prefill=True) == pytest.approx(expected)


def test_no_exchange_for_one_rank_or_no_tokens() -> None:
    sizes = {"tokens": 64.0, "top_k": 8, "hidden": 7168, "ranks": 1}
    o = table("h100-sxm")
    assert us(dispatch_combine_s, o, **sizes, prefill=False) == 0.0
    for ranks in (8, 64):
        assert us(dispatch_combine_s, o, **sizes | {"tokens": 0.0, "ranks": ranks}, prefill=True) == 0.0


def test_rows_inside_and_across_mix() -> None:
    o = table("h100-sxm")
    ranks = np.array([1.0, 8.0, 16.0])
    one = np.ones(1)
    mixed = dispatch_combine_s(
        operators=o, tokens=64 * one, top_k=8 * one, hidden=7168 * one, ranks=ranks, prefill=np.zeros(1, bool)
    )
    sizes = {"tokens": 64, "top_k": 8, "hidden": 7168}
    alone = [us(dispatch_combine_s, o, **sizes, ranks=n, prefill=False) for n in ranks]
    np.testing.assert_allclose(mixed * 1e6, alone, rtol=1e-12)
