"""Spares of a training run: what they cost, draw and leave alone, by arithmetic on the answer itself."""

from __future__ import annotations

from typing import Any

import pytest

import planner
from planner.errors import InfeasibleError, InputError
from planner.model.power import check_cap

SECONDS = 86_400.0


def _train(**asked: Any) -> Any:
    return planner.train("llama-3.1-8b", tokens="2T", global_batch=2048, seq_len=8192, **asked).result


def test_spares_do_not_make_a_full_fabric_a_tier_higher() -> None:
    """2,048 ports fill two tiers of 64-port switches; the cluster's own sheet prices two tiers."""
    sheet = planner.cluster.show("deepseek-2048-h800").result
    plan = _train(cluster="deepseek-2048-h800").plan
    assert plan.gpus_used == 2048
    assert plan.reliability.spare_hosts >= 1
    own = next(price for price in sheet.cost.prices if price.price == "own")
    assert plan.usd_per_gpu_hour.value == pytest.approx(own.usd_per_gpu_hour.value, rel=1e-6)


def test_the_plan_costs_what_its_alternatives_on_as_many_accelerators_would() -> None:
    """Cost over days, spares included, is one number for all plans of one size."""
    found = _train(cluster="deepseek-2048-h800")
    plan = found.plan
    per_day = plan.cost_usd.value / plan.days_with_failures.value
    alike = [other for other in found.alternatives if other.gpus_used == plan.gpus_used]
    assert alike
    for other in alike:
        assert other.cost_usd / other.days_with_failures.value == pytest.approx(per_day, rel=0.01)


def test_cost_is_that_of_the_accelerators_at_work_and_of_the_spares() -> None:
    plan = _train(gpu="h100-sxm", gpus=4096, price="$2/h").plan
    paid = plan.gpus_used + 8 * plan.reliability.spare_hosts
    hours = plan.days_with_failures.value * SECONDS / 3600.0
    assert plan.reliability.spare_hosts >= 1
    assert plan.cost_usd.value == pytest.approx(2.0 * paid * hours, rel=1e-9)


@pytest.mark.parametrize("cap", ["5 MW", "15 MW", "20 MW"])
def test_a_power_cap_holds_for_the_spares_too(cap: str) -> None:
    plan = _train(cluster="meta-24k-infiniband", power_cap=cap).plan
    assert plan.power.peak_megawatts.value <= float(cap.split()[0])


def test_a_cap_that_leaves_the_hardware_only_without_spares_takes_some_of_it() -> None:
    """All at work draw less than the cap, with the spares more."""
    free = _train(cluster="meta-24k-infiniband").plan
    each = free.power.peak_megawatts.value / (free.gpus_used + 8 * free.reliability.spare_hosts)
    capped = _train(cluster="meta-24k-infiniband", power_cap=f"{each * (free.gpus_used + 8)} MW").plan
    assert capped.power.peak_megawatts.value <= each * (free.gpus_used + 8)


def test_a_cap_below_one_idle_accelerator_does_not_offer_none_at_all() -> None:
    with pytest.raises(InfeasibleError) as caught:
        check_cap(cap_watts=200.0, idle_watts=2_812.0, accelerators=8)
    assert "at most 0" not in str(caught.value)
    assert "raise the cap" in str(caught.value)


@pytest.mark.parametrize("given", ["0", "100%", "1.5", "much"])
def test_an_availability_that_no_spares_give_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="--availability"):
        planner.train("llama-3-8b", gpu="h100", gpus=64, tokens=1e12, top=0, availability=given)


def test_more_availability_takes_more_spares() -> None:
    plans = [
        planner.train("llama-3-8b", gpu="h100", gpus=4096, tokens=1e12, top=0, availability=share).plan
        for share in (0.5, None, "99.999 %")
    ]
    spare = [plan.reliability.spare_hosts for plan in plans if plan is not None]
    assert spare[0] < spare[1] < spare[2]
    assert plans[1] is not None
    assert plans[1].reliability.spares_suffice == 0.99
