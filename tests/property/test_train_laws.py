"""Laws of the training question, through the public call."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.plan.results import Plan, TrainResult
from planner.plan.train import train

MODELS = ("llama-3.2-1b", "llama-3-8b", "olmoe-1b-7b", "nemotron-h-8b", "gemma3-4b")
PRIMES = (1, 2, 3, 5, 7, 13, 31, 61, 127, 251)
few = settings(max_examples=12)

jobs = st.fixed_dictionaries(
    {
        "model": st.sampled_from(MODELS),
        "gpu": st.sampled_from(("h100", "a100", "gb200", "mi300x", "tpu-v5p")),
        "gpus": st.integers(1, 300) | st.sampled_from(PRIMES),
        "seq_len": st.sampled_from((2048, 4096)),
        "global_batch": st.integers(1, 300),
    }
)


@cache
def asked(options: tuple[tuple[str, Any], ...]) -> TrainResult:
    return train(**dict(options))


def ask(**options: Any) -> TrainResult:
    options.setdefault("tokens", "1T")
    options.setdefault("top", 1)
    return asked(tuple(sorted(options.items())))


def step_s(result: TrainResult) -> float:
    return result.plan.step_time_s.value if result.plan is not None else float("inf")


def fit_of(result: TrainResult) -> str:
    return result.plan.memory_gb_per_gpu.fit if result.plan is not None else "no"


def plan_of(result: TrainResult) -> Plan:
    assert result.plan is not None
    return result.plan


@few
@given(job=jobs)
def test_any_number_of_accelerators_works_or_says_why(job: dict[str, Any]) -> None:
    result = ask(**job)
    if result.plan is None:
        assert result.result.reasons
        assert result.result.nearest
        return
    s, plan = result.plan.strategy, result.plan
    assert s.tp * s.cp * s.pp * s.dp == plan.gpus_used <= job["gpus"]
    assert plan.gpus_used + plan.gpus_spare == job["gpus"]
    assert s.micro_batches * s.micro_batch * s.dp >= job["global_batch"]
    assert plan.step_time_s.low <= plan.step_time_s.value <= plan.step_time_s.high
    assert 0 < plan.mfu.value < 1
    assert sum(plan.time_breakdown_s.values()) == pytest.approx(plan.step_time_s.value)
    assert plan.memory_gb_per_gpu.fit != "no"


@few
@given(job=jobs, more=st.integers(1, 200))
def test_more_accelerators_are_never_slower(job: dict[str, Any], more: int) -> None:
    narrow, wider = ask(**job), ask(**{**job, "gpus": job["gpus"] + more})
    if fit_of(narrow) == fit_of(wider):  # a layout that fits comes before a faster one that may not
        assert step_s(wider) <= step_s(narrow) * (1 + 1e-9)
    else:
        assert ("no", "marginal", "fits").index(fit_of(wider)) > ("no", "marginal", "fits").index(
            fit_of(narrow)
        )


@few
@given(job=jobs, factor=st.floats(1.1, 8.0), link=st.sampled_from(("scale_up.bandwidth", "memory.bandwidth")))
def test_a_faster_link_never_slows(job: dict[str, Any], factor: float, link: str) -> None:
    faster = ask(**job, set=(f"accelerator.{link}=*{factor}",))
    assert step_s(faster) <= step_s(ask(**job)) * (1 + 1e-9)


@few
@given(job=jobs, factor=st.floats(1.1, 8.0))
def test_a_faster_network_never_slows(job: dict[str, Any], factor: float) -> None:
    sets = (f"system.nics.bandwidth=*{factor}", f"fabric.link=*{factor}")
    assert step_s(ask(**job, set=sets)) <= step_s(ask(**job)) * (1 + 1e-9)


@few
@given(job=jobs, factor=st.floats(0.001, 1000.0))
def test_time_grows_with_the_tokens(job: dict[str, Any], factor: float) -> None:
    base = ask(**job)
    if base.plan is None:
        return
    other = plan_of(ask(**job, tokens=1e12 * factor))
    assert other.days.value == pytest.approx(base.plan.days.value * factor)
    assert other.gpu_hours.value == pytest.approx(base.plan.gpu_hours.value * factor)
    assert other.strategy == base.plan.strategy


@few
@given(job=jobs)
def test_units_of_the_input_change_nothing(job: dict[str, Any]) -> None:
    words = {
        "gpus": f"{job['gpus']:,}",
        "seq_len": f"{job['seq_len'] / 1024:g}Ki",
        "global_batch": f"{job['global_batch'] * job['seq_len']} tokens",
        "tokens": "1000B",
    }
    one, other = ask(**job), ask(**{**job, **words})
    assert one.result.plan == other.result.plan
    assert one.inputs == other.inputs


@few
@given(job=jobs, days=st.floats(0.1, 1000.0))
def test_tokens_and_days_are_inverse(job: dict[str, Any], days: float) -> None:
    there = ask(**job, days=days, tokens=None)
    if there.plan is None:
        return
    assert there.result.tokens is not None
    back = ask(**job, tokens=there.result.tokens.value)
    assert plan_of(back).days_with_failures.value == pytest.approx(days, rel=1e-5)


@few
@given(
    model=st.sampled_from(MODELS),
    gpu=st.sampled_from(("h100", "gb200")),
    batch=st.integers(8, 256),
    days=st.floats(3, 300),
)
def test_the_fewest_accelerators_are_enough_and_one_less_is_not(
    model: str, gpu: str, batch: int, days: float
) -> None:
    job = {"model": model, "gpu": gpu, "global_batch": batch, "seq_len": 4096, "tokens": "300B"}
    found = ask(**job, days=days)
    if found.plan is None:
        assert found.result.reasons
        assert {n.field for n in found.result.nearest} >= {"days", "tokens"}
        return
    assert found.result.gpus is not None
    enough = found.result.gpus.value
    assert plan_of(ask(**job, gpus=enough)).days_with_failures.value <= days * (1 + 1e-5)
    less = int(enough * 0.999) if enough > 1000 else enough - 1
    if less:
        shorter = ask(**job, gpus=less)
        assert shorter.plan is None or shorter.plan.days_with_failures.value > days


@few
@given(job=jobs)
def test_the_nearest_number_of_accelerators_works(job: dict[str, Any]) -> None:
    result = ask(**{**job, "model": "llama-3-70b", "gpus": min(job["gpus"], 8)})
    for nearest in result.result.nearest:
        if nearest.field == "gpus":
            wide = ask(**{**job, "model": "llama-3-70b", "gpus": nearest.value})
            assert wide.plan is not None
