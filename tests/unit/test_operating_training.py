"""What a training run takes: the policy that is followed, and every amount from those beside it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.plan.defaults import Filled
from planner.plan.operating.asked import Asked
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.operating.training import (
    ENOUGH,
    Run,
    central_goodput,
    chosen_policy,
    operated,
    outcomes,
    spare_accelerators,
)
from planner.plan.places import places
from planner.plan.results import Plan
from planner.plan.train import train
from planner.tables.samples import Samples

CATALOG = Catalog()
KINDS = ("blocking", "asynchronous", "memory", "replicas")
DAY = 86_400.0


def estate(samples: Samples | None = None, **asked: Any) -> Estate:
    place = places(CATALOG, cluster=None, gpu="h100", gpus=None)[0]
    return estate_of(CATALOG, place, Asked.read(CATALOG, **asked), Filled(), samples or Samples(0))


def chosen(
    goodputs: dict[str, float], *, invalid: tuple[str, ...] = (), checkpoint: str | None = None
) -> Any:
    policies = [SimpleNamespace(id=kind, kind=kind) for kind in goodputs]
    found = [
        SimpleNamespace(goodput=np.array([[value]]), valid=np.array([[kind not in invalid]]))
        for kind, value in goodputs.items()
    ]
    asked: Any = SimpleNamespace(checkpoint=checkpoint)
    at, best = chosen_policy(SimpleNamespace(policies=policies), asked, found)  # type: ignore[arg-type]
    return policies[at].id, policies[best].id


class TestPolicy:
    def test_the_usual_one_is_followed_while_it_keeps_enough(self) -> None:
        kept = dict(zip(KINDS, (0.93, 0.96, 0.99, 0.98), strict=True))
        assert chosen(kept) == ("asynchronous", "memory")

    def test_the_next_usual_one_where_it_does_not(self) -> None:
        kept = dict(zip(KINDS, (0.95, ENOUGH - 0.01, ENOUGH, 0.98), strict=True))
        assert chosen(kept) == ("memory", "replicas")

    def test_the_best_where_none_keeps_enough(self) -> None:
        kept = dict(zip(KINDS, (0.0, 0.2, 0.6, 0.7), strict=True))
        assert chosen(kept) == ("replicas", "replicas")

    def test_one_that_is_asked_for_is_followed(self) -> None:
        kept = dict(zip(KINDS, (0.1, 0.96, 0.99, 0.98), strict=True))
        assert chosen(kept, checkpoint="blocking") == ("blocking", "memory")

    def test_one_whose_model_does_not_hold_is_not_chosen(self) -> None:
        kept = dict(zip(KINDS, (0.0, 0.2, 0.6, 0.7), strict=True))
        assert chosen(kept, invalid=("replicas",)) == ("memory", "memory")

    @pytest.mark.parametrize("checkpoint", [None, *KINDS])
    @pytest.mark.parametrize("gpus", [8, 16_384, 262_144, 10_000_000])
    def test_the_search_reckons_with_the_goodput_of_the_plan(self, checkpoint: str | None, gpus: int) -> None:
        found, asked = estate(), Asked.read(CATALOG, checkpoint=checkpoint)
        n = np.array([float(gpus)])
        each = outcomes(found, n, 5e12, 8.0, 0.0)
        at, _ = chosen_policy(found, asked, each)
        assert central_goodput(found, asked, n, 5e12, 8.0) == pytest.approx(np.ravel(each[at].goodput))

    @pytest.mark.parametrize("gpus", [262_144, 10_000_000])
    def test_the_choice_does_not_depend_on_samples(self, gpus: int) -> None:
        asked, n = Asked.read(CATALOG), np.array([float(gpus)])
        choices = [
            chosen_policy(one, asked, outcomes(one, n, 5e12, 8.0, 0.0))
            for one in (estate(), estate(Samples(63)))
        ]
        assert choices[0] == choices[1]


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Llama 3 8B on 4,096 H100, with spares."""
    found = train("llama-3-8b", gpu="h100", gpus=4096, tokens="15T", top=0).plan
    assert found is not None
    return found


class TestAmounts:
    """Each stated value follows from others of the same plan and of the records."""

    def test_time_with_failures(self, plan: Plan) -> None:
        expected = plan.days.value / plan.goodput.value
        assert plan.days_with_failures.value == pytest.approx(expected)

    def test_losses_and_goodput_are_all_the_time(self, plan: Plan) -> None:
        assert plan.goodput.value + sum(plan.reliability.lost.values()) == pytest.approx(1)

    def test_interruptions_are_those_of_the_hosts(self, plan: Plan) -> None:
        r = plan.reliability
        assert r.hosts == 512
        assert r.rate_per_host_day.value == pytest.approx(3.79e-3, rel=0.01)
        per_day = r.hosts * r.rate_per_host_day.value
        assert r.interruptions.value == pytest.approx(per_day * plan.days_with_failures.value)
        assert r.mean_hours_between_failures.value == pytest.approx(24 / per_day)

    def test_a_checkpoint_holds_weights_and_their_optimizer(self, plan: Plan) -> None:
        # 2 bytes of weights, and master weights with two moments in 4 bytes each
        assert plan.reliability.checkpoint_terabytes == pytest.approx(8.03e9 * 14 / 1e12, rel=0.001)

    def test_paid_are_those_at_work_and_the_spares(self, plan: Plan) -> None:
        paid = plan.gpus_used + 8 * plan.reliability.spare_hosts
        assert plan.reliability.spare_hosts >= 1
        hours = plan.days_with_failures.value * 24 * paid
        assert plan.cost_usd.value == pytest.approx(plan.usd_per_gpu_hour.value * hours)
        assert plan.usd_per_million_tokens.value == pytest.approx(plan.cost_usd.value / 15e6)
        assert plan.power_megawatts.value == pytest.approx(plan.power.watts_per_gpu * paid / 1e6)

    def test_energy_carbon_and_electricity(self, plan: Plan) -> None:
        energy = plan.power_megawatts.value * plan.days_with_failures.value * 24
        assert plan.energy_megawatt_hours.value == pytest.approx(energy)
        assert plan.co2_tonnes.value == pytest.approx(energy * 0.3497)
        assert plan.cost.electricity_usd.value == pytest.approx(energy * 1000 * 0.0826)
        share = plan.cost.gpu_hour_parts_usd["electricity"] / plan.usd_per_gpu_hour.value
        assert plan.cost.electricity_usd.value == pytest.approx(share * plan.cost_usd.value)

    def test_parts_add_up(self, plan: Plan) -> None:
        assert sum(plan.cost.gpu_hour_parts_usd.values()) == pytest.approx(plan.usd_per_gpu_hour.value)
        power = plan.power
        assert sum(power.by_part_megawatts.values()) == pytest.approx(power.it_megawatts.value)
        assert power.it_megawatts.value * power.pue == pytest.approx(plan.power_megawatts.value)
        assert sum(power.supplies_megawatts.values()) == pytest.approx(plan.power_megawatts.value)

    def test_water_and_embodied_carbon(self, plan: Plan) -> None:
        it_kwh = plan.power.it_megawatts.value * 1000 * plan.days_with_failures.value * 24
        assert plan.power.water_megalitres.value == pytest.approx(it_kwh * 0.36 / 1e6)
        assert 0 < plan.power.embodied_co2_tonnes.value < plan.co2_tonnes.value

    def test_data_and_checkpoints_on_storage(self, plan: Plan) -> None:
        storage = plan.storage
        assert storage.kept_terabytes == pytest.approx(10 * storage.checkpoint_terabytes)
        assert storage.available_write_gigabytes_per_s == pytest.approx(0.12 * plan.gpus_used)
        assert storage.data_terabytes > 15

    def test_the_sentence_says_the_policy_and_what_it_keeps(self, plan: Plan) -> None:
        r = plan.reliability
        assert f"{r.policy} checkpoints keep {plan.goodput.value:.1%} of the time" in r.sentence
        assert {one.policy for one in r.policies} == set(KINDS)
        best = max(r.policies, key=lambda one: one.goodput.value)
        assert best.policy == r.best_policy


def test_tokens_of_some_days_vary_as_their_time_does() -> None:
    result = train("llama-3-8b", gpu="h100", gpus=64, days=14, top=0)
    tokens, plan = result.result.tokens, result.plan
    assert tokens is not None
    assert plan is not None
    made = plan.tokens_per_s.value * 14 * DAY * plan.goodput.value
    assert tokens.value == pytest.approx(made, rel=1e-5)
    took = plan.days_with_failures
    assert took.value == pytest.approx(14, rel=1e-5)
    assert tokens.low * took.high == pytest.approx(tokens.value * took.value)
    assert tokens.high * took.low == pytest.approx(tokens.value * took.value)


def test_a_site_without_enough_power_says_how_much_is_missing() -> None:
    asked = {"gpu": "h100", "gpus": 1024, "tokens": "1T", "top": 0}
    enough = train("llama-3-8b", **asked).plan
    few = train("llama-3-8b", **asked, set=["site.usual.supplies.0.capacity=1 MW"]).plan
    assert enough is not None
    assert few is not None
    assert enough.power.short_megawatts == 0
    assert few.power.short_megawatts == pytest.approx(enough.power.peak_megawatts.value - 1)


def test_a_policy_that_is_chosen_is_an_assumption_and_one_that_is_given_is_not() -> None:
    n = {"accelerators": 64, "model_accelerators": 8, "state_bytes": 1e11}
    run = Run(**n, step_s=1.0, seconds=1e6, tokens=1e12, low=0.9, high=1.2)
    for checkpoint in (None, "memory"):
        filled = Filled()
        asked = Asked.read(CATALOG, checkpoint=checkpoint)
        found = operated(estate(), asked, run, catalog=CATALOG, filled=filled)
        said = [a.value for a in filled.assumptions if a.field == "checkpoint"]
        assert said == ([found["reliability"].policy] if checkpoint is None else [])
        if checkpoint is not None:
            assert found["reliability"].policy == checkpoint


def test_spares_are_whole_hosts_and_more_for_more() -> None:
    spare = spare_accelerators(estate(), np.array([8.0, 1024.0, 1e5, 1e6]))
    assert np.all(spare % 8 == 0)
    assert np.all(np.diff(spare) >= 0)
    assert spare[-1] > 0
