"""What the serving search answers, against counting everything out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.search.serving import (
    AGGREGATED,
    DECODE,
    PREFILL,
    FleetPlan,
    Points,
    ServingRequest,
    Target,
    search,
)
from planner.search.serving.pick import best_points
from planner.search.serving.queues import queues
from planner.search.serving.roles import sweep

Ask = Callable[..., ServingRequest]

PROMISED = {"ttft": Target(2.0, 0.9), "tpot": Target(0.04, 0.9)}


def every_replica(request: ServingRequest, role: int) -> Points:
    """Return all legal replicas of a role, at any operating point."""
    swept, _ = sweep(replace(request, ttft=Target(), tpot=Target()), 0, role)
    assert swept is not None
    found = best_points(request, [swept], lambda s: s.curves.rate)
    assert found is not None
    return found


TRIED = 150


def most_by_trying(request: ServingRequest, points: Points, workers: np.ndarray) -> np.ndarray:
    """Return the largest rate that keeps the targets, of many rates tried for each replica."""
    shape = (len(points), TRIED)
    top = queues(request, points, workers).law(np.full(len(points), 1e-9), ()).largest_rate
    rates = top[:, None] * np.geomspace(0.3, 1.0, TRIED)
    rows = np.repeat(np.arange(len(points)), TRIED)
    tried = queues(request, points.take(rows), workers[rows]).at(rates.ravel())
    best: np.ndarray = np.max(np.where((tried.reason == 0).reshape(shape), rates, 0.0), axis=1)
    return best


def layout_of(points: Points) -> tuple[float, ...]:
    return tuple(float(c[0]) for c in (points.tp, points.pp, points.dp, points.ep, points.chunk))


def roles(plan: FleetPlan) -> list[int]:
    return [pool.role for pool in plan.pools]


@pytest.mark.parametrize("gpus", [4.0, 11.0, 64.0, 1e6])
def test_aggregated_fleets_equal_brute_force(serving: Ask, gpus: float) -> None:
    request = serving(
        parts={"h200-sxm": gpus}, modes=("aggregated",), pins={"tp": (1, 2, 4), "pp": 1}, **PROMISED
    )
    points = every_replica(request, AGGREGATED)
    many = np.floor(gpus / points.gpus)
    total = many * most_by_trying(request, points, np.clip(many, 1, request.routed))
    best = search(request).best
    assert best is not None
    assert best.most_rate == pytest.approx(np.max(total), rel=0.01)
    (pool,) = best.pools
    chosen = [layout_of(points.take(np.array([i]))) for i in np.flatnonzero(total > 0.99 * np.max(total))]
    assert layout_of(pool.point) in chosen
    assert pool.replicas * pool.point.gpus[0] + best.idle[0] == gpus


@pytest.mark.parametrize("gpus", [5.0, 9.0])
def test_small_pools_equal_brute_force(serving: Ask, gpus: float) -> None:
    request = serving(
        parts={"h200-sxm": gpus},
        modes=("disaggregated",),
        pins={"tp": (1, 2), "pp": 1, "chunk": 8192},
        routed=4,
        **PROMISED,
    )
    prefill, decode = every_replica(request, PREFILL), every_replica(request, DECODE)
    sizes = np.arange(1, int(gpus))
    first, last = (most_by_pool(request, points, sizes) for points in (prefill, decode))
    x, y, i, j = np.meshgrid(sizes, sizes, np.arange(len(prefill)), np.arange(len(decode)), indexing="ij")
    rate = np.minimum(x * first[i, x - 1], y * last[j, y - 1])
    best = np.max(np.where(x * prefill.gpus[i] + y * decode.gpus[j] <= gpus, rate, 0.0))
    found = search(request).best
    assert found is not None
    assert roles(found) == [PREFILL, DECODE]
    assert found.most_rate == pytest.approx(best, rel=0.04)
    assert found.continuous_rate >= found.most_rate


def most_by_pool(request: ServingRequest, points: Points, sizes: np.ndarray) -> np.ndarray:
    """Return the largest rate of each replica in pools of each size, ``[replicas, sizes]``."""
    rows = np.repeat(np.arange(len(points)), len(sizes))
    workers = np.minimum(np.tile(sizes, len(points)), request.routed).astype(float)
    return most_by_trying(request, points.take(rows), workers).reshape(len(points), len(sizes))


@pytest.mark.parametrize("rate", [2.0, 1e5])
def test_the_fewest_accelerators_for_a_demand(serving: Ask, rate: float) -> None:
    request = serving(
        parts={"h200-sxm": np.inf},
        modes=("aggregated",),
        pins={"tp": (1, 2, 4), "pp": 1, "chunk": 8192},
        rate=rate,
        goal="gpus",
        routed=4,
        **PROMISED,
    )
    points = every_replica(request, AGGREGATED)
    sizes = np.arange(1, request.routed + 1)
    most = most_by_pool(request, points, sizes)
    few = np.where(most * sizes >= rate, sizes, np.inf)
    many = np.where(most[:, -1] > 0, np.ceil(rate / np.maximum(most[:, -1], 1e-9)), np.inf)
    least = float(np.min(np.minimum(np.min(few, axis=1), np.maximum(many, request.routed)) * points.gpus))
    found = search(request).best
    assert found is not None
    assert found.rate == rate <= found.most_rate
    assert all(pool.point.reason[0] == 0 for pool in found.pools)
    assert 0.99 * least - np.max(points.gpus) <= found.gpus <= max(1.01 * least, least)


def test_plans_keep_what_is_promised(serving: Ask) -> None:
    result = search(serving("deepseek-v3", {"h200-sxm": 512.0}, engine="sglang", **PROMISED))
    assert result.best is not None
    for plan in (result.best, *result.top, *result.alternatives.values()):
        for pool in plan.pools:
            point = pool.point
            assert point.reason[0] == 0
            assert not point.ttft.target[0] > 2.0
            assert not point.tpot.target[0] > 0.04
            assert 0 < point.load[0] <= 0.95 * (1 + 1e-6)
            assert point.memory_bytes[0] <= 141 * 2**30 * 0.95
            assert point.batch[0] <= point.capacity[0]
        pooled = [sum(p.rate for p in plan.pools if p.role == role) for role in (PREFILL, DECODE)]
        assert pooled[0] == pytest.approx(pooled[1], rel=1e-6)
        assert plan.gpus + plan.idle[0] == 512


def test_plans_are_distinct_and_in_order(serving: Ask) -> None:
    result = search(serving("deepseek-v3", {"h200-sxm": 512.0}, engine="sglang", top=8, **PROMISED))
    keys = [tuple((p.role, *layout_of(p.point)[:4]) for p in plan.pools) for plan in result.top]
    assert len(set(keys)) == len(keys) == 8
    rates = [plan.most_rate for plan in result.top]
    assert np.all(np.diff(rates) <= 0.03 * rates[0])  # mended pools may lose a little
    assert result.best is not None
    assert result.best.most_rate >= max(rates) * 0.999
    assert result.counts.points > 10_000


def test_a_demand_sets_the_load(serving: Ask) -> None:
    free = search(serving(modes=("aggregated",), **PROMISED)).best
    assert free is not None
    half = search(serving(modes=("aggregated",), rate=0.5 * free.rate, goal="latency", **PROMISED)).best
    assert half is not None
    assert half.rate == pytest.approx(0.5 * free.rate)
    assert half.pools[0].point.e2e.mean[0] < free.pools[0].point.e2e.mean[0]
    assert half.pools[0].point.load[0] < free.pools[0].point.load[0]


def test_an_end_to_end_target_is_shared_by_the_pools(serving: Ask) -> None:
    request = serving(parts={"h200-sxm": 256.0}, e2e=Target(15.0, 0.9), modes=("disaggregated",))
    best = search(request).best
    assert best is not None
    first = max(p.point.ttft.p90[0] for p in best.pools if p.role == PREFILL)
    last = max(p.point.e2e.target[0] for p in best.pools if p.role == DECODE)
    assert first + last <= 15.0 * 1.001
    assert first + last > 5.0


@pytest.mark.parametrize("goal", ["throughput", "latency", "gpus"])
@pytest.mark.parametrize("modes", [("aggregated",), ("disaggregated",), ("aggregated", "disaggregated")])
@pytest.mark.parametrize("rate", [None, 5.0])
def test_every_question_has_an_answer(
    serving: Ask, goal: str, modes: tuple[str, ...], rate: float | None
) -> None:
    request = serving(
        parts={"h200-sxm": 32.0, "b200": 16.0},
        pins={"tp": (2, 4), "pp": 1, "chunk": 8192},
        e2e=Target(25.0, 0.9),
        goal=goal,
        modes=modes,
        rate=rate,
    )
    result = search(request)
    assert result.best is not None
    assert set(result.best.modes) <= set(modes)
    assert set(result.alternatives) == set(modes)
    assert result.best.rate == rate or rate is None
    best = result.best.gpus if goal == "gpus" else result.best.rate
    for plan in result.alternatives.values():
        other = plan.gpus if goal == "gpus" else plan.rate
        assert other >= best if goal == "gpus" else goal == "latency" or other <= best * 1.04


@pytest.mark.parametrize("share", [0.99, 0.97, 0.9, 0.8])
def test_targets_just_out_of_reach_are_named(serving: Ask, share: float) -> None:
    pins = {"tp": 4, "pp": 1, "chunk": 8192}
    asked = serving(parts={"h200-sxm": 8.0}, pins=pins, ttft=Target(1e-3, 0.99), modes=("aggregated",))
    best = min(one.best for one in search(asked).missed)
    result = search(replace(asked, ttft=Target(share * best, 0.99)))
    if not result.feasible:
        assert [one.name for one in result.missed] == ["ttft"]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"ttft": Target(1e-3)}, {"ttft"}),
        ({"tpot": Target(1e-3, 0.9)}, {"tpot"}),
        ({"e2e": Target(1e-2)}, {"e2e"}),
        ({"rate": 1e6}, {"accelerators"}),
        ({"most_tokens": 4096.0}, {"context"}),
        ({"pins": {"tp": 3}}, {"heads"}),
        ({"longest": 1e9}, {"cache", "size"}),
    ],
)
def test_why_nothing_is_feasible(serving: Ask, values: dict[str, Any], names: set[str]) -> None:
    result = search(serving(parts={"h200-sxm": 8.0}, **values))
    assert not result.feasible
    assert not result.top
    assert {one.name for one in result.missed} == names
    for one in result.missed:
        assert one.text[-1] not in ".\n"
        assert np.isnan(one.best) or one.factor != 1.0


def test_how_far_off_a_target_is(serving: Ask) -> None:
    result = search(serving(parts={"h200-sxm": 8.0}, tpot=Target(1e-3)))
    reached = {one.best for one in result.missed}
    again = search(serving(parts={"h200-sxm": 8.0}, tpot=Target(min(reached) * 1.01)))
    assert again.feasible


def test_weights_that_do_not_fit_say_what_is_lacking(serving: Ask) -> None:
    result = search(serving("llama3.1-405b", {"h100-sxm": 4.0}, weights="bf16"))
    assert {one.name for one in result.missed} == {"weights", "size"}
    assert "GB per accelerator" in result.missed[0].text


def test_an_engine_that_cannot_says_so(serving: Ask) -> None:
    request = serving()
    request = replace(request, options=(replace(request.options[0], lacks="vllm does not run on this part"),))
    result = search(request)
    assert [one.text for one in result.missed] == ["vllm does not run on this part"]


def test_offline_work_fills_memory(serving: Ask) -> None:
    result = search(serving(modes=("aggregated",), most_load=1.0, variation=(0.0, 0.0, 1.0)))
    assert result.best is not None
    point = result.best.pools[0].point
    assert point.load[0] == pytest.approx(1.0, abs=2e-3)
    assert point.batch[0] > 0.9 * point.capacity[0]


def test_the_frontier_is_one(serving: Ask) -> None:
    result = search(serving("deepseek-v3", {"h200-sxm": 512.0}, engine="sglang", ttft=Target(2.0, 0.9)))
    edge = result.frontier
    assert edge is not None
    assert np.all(np.diff(edge.tokens_per_s_per_user) > 0)
    assert np.all(np.diff(edge.tokens_per_s_per_gpu) < 0)
    assert set(edge.mode) <= {0, 1}
    assert np.all(edge.ttft_s < 2.0)
    assert result.best is not None
    most = result.best.most_rate * 500.0 / 512.0
    assert np.max(edge.tokens_per_s_per_gpu) == pytest.approx(most, rel=0.1)
