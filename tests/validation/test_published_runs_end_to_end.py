"""Published runs against whole answers of `planner.train`: hours, failures, cost and carbon together.

Layout, step time, failures and prices are all the planner's own here; the exact arithmetic of the published
figures is in the tests of each room.
"""

from __future__ import annotations

from typing import Any

import pytest

import planner


def plan_of(model: str, **words: Any) -> Any:
    plan = planner.train(model, top=0, **words).plan
    assert plan is not None
    return plan


@pytest.fixture(scope="module")
def deepseek() -> Any:
    """DeepSeek-AI, "DeepSeek-V3 Technical Report", arXiv:2412.19437, Table 1, on its own software."""
    return plan_of("deepseek-v3", cluster="deepseek-2048-h800", price="h800-deepseek", software="hai-llm")


def test_deepseek_v3_hours_and_dollars(deepseek: Any) -> None:
    # 2.664M H800-hours of pre-training at 2 USD: 5.328M USD.
    assert deepseek.gpu_hours.low <= 2.664e6 <= deepseek.gpu_hours.high
    assert deepseek.gpu_hours.value == pytest.approx(2.664e6, rel=0.15)
    assert deepseek.cost_usd.low <= 5.328e6 <= deepseek.cost_usd.high
    assert deepseek.cost_usd.value == pytest.approx(5.328e6, rel=0.2)
    assert deepseek.usd_per_gpu_hour.value == 2.0


def test_deepseek_v3_costs_its_hours_with_failures_and_spares(deepseek: Any) -> None:
    paid = deepseek.gpus_used + 8 * deepseek.reliability.spare_hosts
    hours = 24.0 * deepseek.days_with_failures.value
    assert deepseek.cost_usd.value == pytest.approx(2.0 * paid * hours, rel=1e-9)


def test_llama_3_interruptions_and_goodput_from_the_rates_of_other_clusters() -> None:
    # arXiv:2407.21783, table 5: 419 unexpected interruptions in 54 days on 16,384 H100, over 90 % effective
    # time; the rates are those of Meta's research clusters, arXiv:2410.21680.
    plan = plan_of("llama-3.1-405b", cluster="llama3-16k", failures="meta-research")
    reliability = plan.reliability
    window = 54.0 / plan.days_with_failures.value
    low, high = (x * 54.0 / days for x, days in (
        (reliability.interruptions.low, plan.days_with_failures.low),
        (reliability.interruptions.high, plan.days_with_failures.high),
    ))  # fmt: skip
    assert reliability.interruptions.value * window == pytest.approx(419, rel=0.1)
    assert low < 419 < high
    assert reliability.policy == "asynchronous"
    assert 0.90 <= plan.goodput.value <= 0.95


def test_bloom_energy_and_carbon_are_of_the_size_published() -> None:
    # arXiv:2211.02001: 1.08M A100-hours and 433 MWh for a run that the planner finds shorter; per hour of an
    # accelerator 0.40 kWh of the GPUs and 0.057 kg per kWh. The planner adds hosts and the building.
    plan = plan_of("bloom-176b", cluster="bloom-jean-zay")
    hours = 24.0 * plan.days_with_failures.value * (plan.gpus_used + 8 * plan.reliability.spare_hosts)
    kwh = 1000.0 * plan.energy_megawatt_hours.value / hours
    assert 0.40 < kwh < 2.2 * 0.40
    assert plan.co2_tonnes.value / plan.energy_megawatt_hours.value == pytest.approx(0.057, rel=0.01)


def test_a_million_gpus_need_more_than_checkpoints_on_storage() -> None:
    plan = plan_of("llama-3.1-405b", cluster="million-h100", global_batch="256M tokens")
    by_policy = {one.policy: one.goodput.value for one in plan.reliability.policies}
    assert plan.gpus_used > 500_000
    assert by_policy["blocking"] < 0.2
    assert by_policy["asynchronous"] < 0.4
    assert by_policy["replicas"] > 0.7
    assert plan.reliability.policy == plan.reliability.best_policy == "replicas"
    assert "collapse" in plan.reliability.sentence
