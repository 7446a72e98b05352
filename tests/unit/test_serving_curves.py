"""Tabulated times against the physics at the same points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from planner.search.serving import AGGREGATED, DECODE, PREFILL, ServingRequest, Target
from planner.search.serving.curves import NODES, PARTS, batches, curves, direct
from planner.search.serving.replicas import Replicas, replicas
from planner.search.serving.roles import sweep
from planner.search.serving.space import layouts
from planner.search.serving.times import step_times

Ask = Callable[..., ServingRequest]

CASES = [
    ("llama3.1-70b", "h100-sxm", "vllm", "fp8", 4000.0, 500.0),
    ("llama3.1-70b", "h100-sxm", "sglang", "bf16", 4000.0, 500.0),
    ("llama3.1-8b", "l40s", "vllm", "fp8", 1000.0, 100.0),
    ("deepseek-v3", "h200-sxm", "sglang", None, 4000.0, 500.0),
    ("deepseek-v3", "gb200", "trtllm", "nvfp4", 1000.0, 8000.0),
    ("gpt-oss-120b", "b200", "vllm", None, 1000.0, 1000.0),
    ("qwen3-235b-a22b", "b200", "vllm", None, 150000.0, 500.0),
]


def fitting(request: ServingRequest, role: int) -> Replicas:
    table, _ = layouts(request, request.options[0])
    return replicas(request, 0, table, role=role)[0]


@pytest.mark.parametrize(("model", "part", "engine", "weights", "isl", "osl"), CASES)
@pytest.mark.parametrize("role", [AGGREGATED, DECODE])
def test_tabulated_points_are_within_one_percent(
    serving: Ask, model: str, part: str, engine: str, weights: str | None, isl: float, osl: float, role: int
) -> None:
    found = fitting(serving(model, {part: 512.0}, engine=engine, weights=weights, isl=isl, osl=osl), role)
    tabulated = curves(found)
    exact = direct(found, tabulated.batch)
    for name in ("rate", "step_s", "decode_s"):
        error = np.abs(getattr(tabulated, name) / getattr(exact, name) - 1.0)
        assert np.mean(error) < 0.002, name
        # beyond are steps of the physics itself: tiles and waves of products, kernels for small messages
        assert np.quantile(error, 0.99) < 0.01, name


def test_nodes_are_exact(serving: Ask) -> None:
    found = fitting(serving("deepseek-v3", {"h200-sxm": 64.0}), AGGREGATED)
    nodes = direct(found, batches(found))
    tabulated = curves(found)
    assert tabulated.batch.shape == (len(found), (NODES - 1) * PARTS + 1)
    assert np.allclose(tabulated.rate[:, ::PARTS], nodes.rate, rtol=1e-12)


def test_batches_reach_from_idle_to_full(serving: Ask) -> None:
    found = fitting(serving(), AGGREGATED)
    grid = batches(found)
    assert np.all(np.diff(grid, axis=1) >= 0)
    assert np.allclose(grid[:, -1], found.most_batch)
    assert np.all(grid[:, 0] <= 1.0)


def test_a_replica_with_less_than_one_sequence_is_idle_in_between(serving: Ask) -> None:
    found = fitting(serving(), AGGREGATED).take(np.arange(3))
    curve = direct(found, np.tile([0.25, 0.5, 1.0], (3, 1)))
    assert np.allclose(curve.rate[:, 1] / curve.rate[:, 0], 2.0)
    assert np.allclose(curve.step_s, curve.step_s[:, :1])


@pytest.mark.parametrize("role", [AGGREGATED, PREFILL, DECODE])
def test_rates_and_latencies_rise_along_a_sweep(serving: Ask, role: int) -> None:
    request = serving("deepseek-v3", {"h200-sxm": 64.0}, ttft=Target(2.0, 0.99), tpot=Target(0.05))
    swept, _ = sweep(request, 0, role)
    assert swept is not None
    assert np.all(np.diff(swept.curves.rate, axis=1) > -1e-9 * swept.curves.rate[:, 1:])
    times = swept.waiting
    if role != DECODE:
        assert np.all(np.diff(times.ttft(0.99), axis=1) > -0.02 * times.ttft(0.99)[:, 1:])
    assert np.all(times.tpot(0.99) >= times.tpot() * 0.999)
    assert np.all(times.e2e(0.99) >= times.e2e(0.5))


def test_a_sweep_counts_what_it_leaves_out(serving: Ask) -> None:
    request = serving("llama3.1-405b", {"h100-sxm": 16.0}, weights="bf16", pins={"tp": (3, 8), "pp": (1, 2)})
    swept, left = sweep(request, 0, AGGREGATED)
    assert swept is not None
    assert left.counts == {"heads": 2, "weights": 2}  # tp 3; tp 8 without pp, with two chunks
    assert set(swept.found.layout.gpus.tolist()) == {16.0}


def test_step_times_are_those_of_the_physics(serving: Ask) -> None:
    request = serving(pins={"tp": 4, "pp": 1, "chunk": 8192})
    found = fitting(request, AGGREGATED)
    table = step_times(found)
    for batch in (1.0, 20.0, 200.0):
        at = direct(found, np.full((1, 1), batch))
        decode = table.at(batch=np.full(1, batch), tokens=np.zeros(1))
        mixed = table.at(batch=np.full(1, batch), tokens=np.full(1, 4000.0))
        assert decode[0] == pytest.approx(at.decode_s[0, 0], rel=0.01)
        assert mixed[0] == pytest.approx(at.mixed_s[0, 0], rel=0.02)


def test_prompts_gather_in_step_times(serving: Ask) -> None:
    request = serving("deepseek-v3", {"h200-sxm": 64.0}, pins={"dp": 16, "tp": 1, "ep": 16, "chunk": 8192})
    found = fitting(request, AGGREGATED)
    table = step_times(found)
    batch = 320.0
    at = direct(found, np.full((1, 1), batch))
    decode, one = (table.at(batch=np.full(1, batch), tokens=np.full(1, q))[0] for q in (0.0, 4000.0))
    # sixteen prompts side by side, one on every rank, hold up decoding once
    assert one - decode == pytest.approx((at.mixed_s[0, 0] - at.decode_s[0, 0]) / 16.0, rel=0.05)


def test_speculation_yields_more_tokens_per_step(serving: Ask) -> None:
    plain = serving(pins={"tp": 4, "pp": 1})
    drafted = plain.options[0].layout.with_values(drafts=3.0, accepted=2.5)
    fast = replace(plain, options=(replace(plain.options[0], layout=drafted),))
    alone = [direct(fitting(r, AGGREGATED), np.full((2, 1), 1.0)) for r in (plain, fast)]
    gain = alone[1].rate / alone[0].rate
    assert np.all((gain > 1.2) & (gain < 2.5))
