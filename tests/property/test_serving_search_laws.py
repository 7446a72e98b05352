"""What the serving search obeys whatever it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.search.serving import ServingRequest, ServingResult, Target, search

Ask = Callable[..., ServingRequest]

PINS = {"tp": (2, 4), "pp": 1, "chunk": 8192}
ENOUGH = 0.985
"""Rates are sought to within half a per cent, and pools are mended in steps of three."""

few = settings(max_examples=6)


def asked(serving: Ask, **values: Any) -> ServingRequest:
    given_ = {
        "parts": {"h200-sxm": 4096.0},
        "pins": PINS,
        "ttft": Target(2.0, 0.9),
        "tpot": Target(0.04, 0.9),
    }
    return serving(**(given_ | values))


def most(result: ServingResult) -> float:
    return result.best.most_rate if result.best is not None else 0.0


def with_hardware(request: ServingRequest, **factors: float) -> ServingRequest:
    """Return the request with properties of its first part multiplied."""
    part = request.parts[0]
    values = {name: getattr(part.operators, name) * factor for name, factor in factors.items()}
    better = replace(part, operators=part.operators.with_values(**values))
    return replace(request, parts=(better, *request.parts[1:]))


@few
@given(
    factor=st.floats(1.0, 4.0),
    isl=st.sampled_from([500.0, 4000.0, 30000.0]),
    osl=st.sampled_from([50.0, 2000.0]),
)
def test_more_memory_bandwidth_never_serves_less(serving: Ask, factor: float, isl: float, osl: float) -> None:
    request = asked(serving, isl=isl, osl=osl)
    more = with_hardware(request, memory_bytes_per_s=factor)
    assert most(search(more)) >= ENOUGH * most(search(request))


@few
@given(factor=st.floats(1.0, 4.0))
def test_faster_links_never_serve_less(serving: Ask, factor: float) -> None:
    request = asked(serving)
    more = with_hardware(request, link_bytes_per_s=factor, nic_bytes_per_s=factor)
    assert most(search(more)) >= ENOUGH * most(search(request))


@few
@given(
    ttft=st.floats(0.5, 5.0),
    tpot=st.floats(0.015, 0.1),
    factor=st.floats(1.0, 3.0),
    percentile=st.sampled_from([None, 0.5, 0.9, 0.99]),
)
def test_looser_targets_never_need_more(
    serving: Ask, ttft: float, tpot: float, factor: float, percentile: float | None
) -> None:
    tight, loose = (
        search(
            asked(
                serving,
                parts={"h200-sxm": np.inf},
                rate=500.0,
                goal="gpus",
                ttft=Target(f * ttft, percentile),
                tpot=Target(f * tpot, percentile),
            )
        ).best
        for f in (1.0, factor)
    )
    if tight is not None:
        assert loose is not None
        assert loose.gpus <= tight.gpus / ENOUGH


@few
@given(gpus=st.integers(256, 100_000), times=st.integers(2, 20))
def test_the_rate_grows_with_the_accelerators(serving: Ask, gpus: int, times: int) -> None:
    small, large = (
        search(asked(serving, parts={"h200-sxm": float(n)}, modes=("aggregated",)))
        for n in (gpus, gpus * times)
    )
    assert small.best is not None
    assert large.best is not None
    per_gpu = [plan.most_rate / plan.gpus for plan in (small.best, large.best)]
    assert per_gpu[1] / per_gpu[0] == np.float64(1.0) or abs(per_gpu[1] / per_gpu[0] - 1.0) < 0.01
    assert small.counts == large.counts  # however many there are


@few
@given(order=st.permutations([0, 1, 2]), sizes=st.tuples(*(st.integers(16, 5000),) * 3))
def test_the_order_of_parts_changes_nothing(serving: Ask, order: list[int], sizes: tuple[int, ...]) -> None:
    names = ("h100-sxm", "h200-sxm", "b200")
    groups = [(n, float(size)) for n, size in zip(names, sizes, strict=True)]
    one = search(asked(serving, parts=dict(groups)))
    other = search(asked(serving, parts=dict(groups[i] for i in order)))
    assert most(other) > 0
    assert abs(most(other) / most(one) - 1.0) < 1e-3


@few
@given(sizes=st.tuples(*(st.integers(64, 5000),) * 2))
def test_parts_together_serve_at_least_what_they_serve_alone(serving: Ask, sizes: tuple[int, ...]) -> None:
    groups = dict(zip(("h100-sxm", "b200"), map(float, sizes), strict=True))
    alone = sum(most(search(asked(serving, parts={name: n}))) for name, n in groups.items())
    assert most(search(asked(serving, parts=groups))) >= ENOUGH * alone


@few
@given(rate=st.floats(1.0, 3000.0))
def test_a_demand_is_met_with_little_to_spare(serving: Ask, rate: float) -> None:
    plan = search(asked(serving, parts={"h200-sxm": np.inf}, rate=rate, goal="gpus")).best
    assert plan is not None
    assert plan.rate == rate <= plan.most_rate
    sizes = [float(pool.point.gpus[0]) for pool in plan.pools]
    fewer = search(asked(serving, parts={"h200-sxm": plan.gpus * 0.97 - max(sizes)}, goal="throughput"))
    assert most(fewer) < rate
