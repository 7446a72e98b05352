"""The answer of ``planner budget``: amounts that say the same, deals, and questions that come back."""

from __future__ import annotations

from dataclasses import replace

import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError, UsageError
from planner.plan.budget import counted
from planner.plan.budget.amounts import allotted
from planner.plan.budget.asked import Wanted
from planner.plan.budget.results import BudgetAnswer, BudgetResult
from planner.plan.defaults import Filled
from planner.plan.document import Interval
from planner.plan.independent import exact, over, times
from planner.plan.operating.asked import Asked

BOOK = Catalog()
HOURS = 24 * 365.25


def ask(**options: object) -> BudgetResult:
    return planner.budget(**{"brief": True, "catalog": BOOK, **options})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole() -> BudgetResult:
    return planner.budget(usd="100M", gpu="h100", days=90, catalog=BOOK)


@pytest.fixture(scope="module")
def mixed() -> BudgetAnswer:
    return ask(usd="2B", cluster="colossus-1").result


class TestAmounts:
    def test_money_at_a_price_is_hours_and_accelerators(self) -> None:
        answer = ask(usd="1B", gpu="h100", price="$2.50/h").result
        assert answer.gpu_hours.value == pytest.approx(4e8)
        assert answer.accelerators is not None
        assert answer.accelerators.value == pytest.approx(4e8 / HOURS)
        assert answer.accelerators.low == answer.accelerators.high == answer.accelerators.value

    def test_what_is_given_comes_back_from_what_follows(self) -> None:
        by_gpus = ask(gpus=50_000, gpu="h100", price="$2/h", days=100).result
        by_hours = ask(gpu_hours=50_000 * 2400, gpu="h100", price="$2/h", days=100).result
        by_usd = ask(usd=50_000 * 2400 * 2, gpu="h100", price="$2/h", days=100).result
        hours = {round(one.gpu_hours.value) for one in (by_gpus, by_hours, by_usd)}
        assert hours == {120_000_000}
        money = [one.usd.value for one in (by_gpus, by_hours, by_usd) if one.usd is not None]
        assert money == pytest.approx([2.4e8] * 3)

    def test_power_is_what_sizing_says_and_carries_itself(self) -> None:
        answer = ask(mw=100, gpu="gb200").result
        sized = planner.cluster.size("gb200", power="100 MW", catalog=BOOK).result
        assert answer.accelerators is not None
        assert answer.accelerators.value == sized.accelerators.value
        assert answer.energy is not None
        assert answer.energy.nameplate_megawatts.value == pytest.approx(100, rel=0.01)

    def test_a_bare_number_is_in_the_unit_of_its_option(self) -> None:
        assert (
            ask(usd="10B").inputs.usd == ask(usd="10B USD").inputs.usd == ask(usd="$10B").inputs.usd == 1e10
        )
        assert ask(mw=250).inputs.megawatts == ask(mw="250 MW").inputs.megawatts == 250
        assert ask(mw="1.2 GW").inputs.megawatts == pytest.approx(1200)

    def test_a_share_of_power_is_a_share_of_a_cluster(self) -> None:
        nameplate = planner.cluster.show("colossus-1", catalog=BOOK).result.power.nameplate_facility_megawatts
        answer = ask(mw=nameplate.value / 2, cluster="colossus-1").result
        assert answer.share_of_cluster is not None
        assert answer.share_of_cluster.value == pytest.approx(0.5)


class TestHardware:
    def test_a_mixed_cluster_counts_the_mean_of_its_groups(self, mixed: BudgetAnswer) -> None:
        sheet = planner.cluster.show("colossus-1", catalog=BOOK).result
        by_bf16 = sheet.h100_equivalents.by_bf16
        assert by_bf16 is not None
        each = mixed.h100_equivalents_per_accelerator.value
        assert each == pytest.approx(by_bf16.value / sheet.accelerators)

    def test_its_prices_are_those_of_the_fact_sheet(self, mixed: BudgetAnswer) -> None:
        sheet = planner.cluster.show("colossus-1", catalog=BOOK).result
        said = {one.price: one.usd_per_gpu_hour for one in sheet.cost.prices}
        found = {one.price: one.usd_per_gpu_hour for one in mixed.prices if one.accelerator == "colossus-1"}
        assert set(said) == set(found)
        for word, price in said.items():
            ours = found[word]
            assert price is not None
            assert ours is not None
            assert ours.value == pytest.approx(price.value)

    def test_one_group_goes_by_both_names(self) -> None:
        result = ask(usd="1B", cluster="colossus-1/hgx-h100")
        assert result.inputs.cluster == "colossus-1/hgx-h100"
        assert result.result.h100_equivalents_per_accelerator.value == pytest.approx(1.0)

    def test_rules_count_differently(self) -> None:
        hours = {
            rule: ask(gpus=72, gpu="gb200", rule=rule).result.h100_equivalent_hours.value
            for rule in ("bf16", "hbm-bandwidth", "memory")
        }
        assert len({round(value) for value in hours.values()}) == 3

    def test_what_outlasts_a_cluster_says_how_long(self) -> None:
        answer = ask(usd="60B", cluster="colossus-1m", price="$2/h").result
        assert "The hardware binds" in answer.binds
        assert "all 395,856 of them for 8.65 years" in answer.sentence
        assert any("all there are" in note for note in answer.notes)


class TestPrices:
    def test_every_term_and_date_is_there_with_its_basis(self, mixed: BudgetAnswer) -> None:
        words = [one.price for one in mixed.prices]
        assert {"own", "colocation", "on-demand", "reserved", "spot"} <= set(words)
        assert {"reserved@2025-10", "reserved@2026-03", "reserved@2026-06"} <= set(words)
        assert len(words) == len(set(words))
        assert all(one.basis for one in mixed.prices)

    def test_money_times_price_is_hours_in_every_row(self, mixed: BudgetAnswer) -> None:
        for row in mixed.prices:
            assert row.usd_per_gpu_hour is not None
            assert row.gpu_hours is not None
            assert row.gpu_hours.value * row.usd_per_gpu_hour.value == pytest.approx(2e9)

    def test_of_hours_the_cost_follows_and_an_h100_row_costs_as_many_equivalents(self) -> None:
        answer = ask(gpu_hours="1M", gpu="gb200").result
        for row in answer.prices:
            assert row.h100_equivalent_hours is not None
            assert row.h100_equivalent_hours.value == pytest.approx(1e6 * 2500 / 989.4, rel=1e-3)
            assert row.usd is not None
            assert row.gpu_hours is not None
            assert row.usd_per_gpu_hour is not None
            assert row.usd.value == pytest.approx(row.gpu_hours.value * row.usd_per_gpu_hour.value)


class TestBought:
    def test_is_what_sizing_buys(self) -> None:
        answer = ask(usd="10B", gpu="gb300-nvl72").result
        sized = planner.cluster.size("gb300-nvl72", budget="10B USD", catalog=BOOK).result
        assert answer.bought is not None
        assert answer.bought.accelerators.value == sized.accelerators.value
        assert answer.bought.usd.value == pytest.approx(sized.spent_usd.value)

    def test_the_rent_pays_for_it_after_capital_over_what_it_saves(self) -> None:
        answer = ask(usd="10B", gpu="h100", price="$3/h").result
        dear = ask(usd="10B", gpu="h100", price="$4/h").result
        assert answer.bought is not None
        assert dear.bought is not None
        assert answer.bought.days_to_pay_for_itself is not None
        assert dear.bought.days_to_pay_for_itself is not None
        assert dear.bought.days_to_pay_for_itself < answer.bought.days_to_pay_for_itself

    def test_a_rent_below_running_cost_never_pays_for_it(self) -> None:
        answer = ask(usd="10B", gpu="h100", price="$0.10/h").result
        assert answer.bought is not None
        assert answer.bought.days_to_pay_for_itself is None


class TestEstimated:
    def test_runs_are_hours_over_those_of_one(self, whole: BudgetResult) -> None:
        answer = whole.result
        assert [one.model for one in answer.runs] == ["deepseek-v3", "llama-3.1-405b"]
        for run in answer.runs:
            assert run.gpu_hours is not None
            assert run.runs is not None
            assert run.days is not None
            assert run.gpus is not None
            assert run.runs.value == pytest.approx(answer.gpu_hours.value / run.gpu_hours.value)
            assert run.days.value == pytest.approx(run.gpu_hours.value / run.gpus / 24)
            assert run.days.value <= 90
            assert run.binds

    def test_a_run_is_the_estimate_of_train(self, whole: BudgetResult) -> None:
        (run, *_) = whole.result.runs
        plan = planner.train(
            "deepseek-v3", gpu="h100", gpus=run.gpus, tokens="14.8T", top=0, catalog=BOOK
        ).plan
        assert plan is not None
        assert run.days is not None
        assert run.days.value == pytest.approx(plan.days_with_failures.value, rel=1e-3)

    def test_services_are_those_of_serve(self, whole: BudgetResult) -> None:
        chat = whole.result.services[0]
        gpus = int(whole.result.accelerators.value) if whole.result.accelerators is not None else 0
        plan = planner.serve(
            "deepseek-v3", accelerator="h100", gpus=gpus, traffic="chat", price="reserved", top=0,
            pareto=False, catalog=BOOK,
        ).plan  # fmt: skip
        assert plan is not None
        assert chat.users == plan.users
        assert chat.binds == plan.bottleneck.sentence

    def test_a_run_on_one_kind_of_a_mixed_cluster_counts_by_equivalents(self) -> None:
        filled, amount = Filled(), {"usd": "1B", "mw": None, "gpu_hours": None, "gpus": None, "deal": None}
        rest = {"cluster": "colossus-1", "gpu": None, "days": 90, "rule": "bf16", "model": None}
        wanted = Wanted.read(BOOK, filled, **amount, **rest)  # type: ignore[arg-type]
        one = wanted.yardstick.model_copy(update={"runs": ("llama-3.1-405b",)})
        wanted, asked = replace(wanted, yardstick=one), Asked.read(BOOK, price="reserved")
        found = allotted(BOOK, wanted, asked, filled)
        (run,) = counted.runs(counted.where_of(BOOK, wanted, asked, found), wanted, found)
        assert run.accelerator == "gb200"
        assert run.runs is not None
        assert run.gpu_hours is not None
        assert run.usd is not None
        each = 2500 / 989.4 / found.hardware.equivalents("bf16").value
        assert run.runs.value == pytest.approx(found.hours.value / (run.gpu_hours.value * each), rel=1e-3)
        assert run.runs.value * run.usd.value == pytest.approx(1e9, rel=1e-6)

    def test_the_best_model_is_that_of_the_frontier(self, whole: BudgetResult) -> None:
        found = whole.result.largest
        gpus = int(whole.result.accelerators.value) if whole.result.accelerators is not None else 0
        (point,) = planner.frontier(gpu="h100", gpus=gpus, days=90, price="reserved", catalog=BOOK).points
        assert found is not None
        assert (found.model, found.loss, found.sentence) == (point.model, point.loss, point.sentence)
        assert found.usd == point.run.cost_usd
        assert found.extrapolated

    def test_brief_leaves_them_out(self, mixed: BudgetAnswer) -> None:
        assert (mixed.runs, mixed.services, mixed.largest) == ((), (), None)

    def test_too_little_for_a_run_says_how_much_of_one(self) -> None:
        answer = planner.budget(gpus=64, gpu="h100", days=30, catalog=BOOK).result
        v3 = next(one for one in answer.runs if one.model == "deepseek-v3")
        assert v3.runs is None or v3.runs.value < 0.05
        assert v3.binds


class TestRefused:
    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({}, UsageError, "a budget of what"),
            ({"usd": "1B", "mw": 3}, UsageError, "--usd and --mw exclude each other"),
            ({"usd": "1B", "deal": "cursor-10b"}, UsageError, "leave out the amount"),
            ({"usd": 0}, InputError, "budget of nothing; give more than 0, for example 10B"),
            ({"usd": "-10B"}, InputError, "budget of nothing"),
            ({"mw": 0}, InputError, "budget of nothing; give more than 0, for example 300"),
            ({"gpu_hours": -1}, InputError, "budget of nothing"),
            ({"gpus": 0}, InputError, "budget of nothing; give 1 or more"),
            ({"gpus": "0"}, InputError, "outside 1 to 10,000,000"),
            ({"usd": "10 EUR"}, InputError, "no such amount; write for example 10B"),
            ({"usd": "1e300"}, InputError, "more than there is to buy"),
            ({"usd": "1B", "days": 0}, InputError, "--days 0 must be positive"),
            ({"usd": "1B", "cluster": "colossus-1", "gpu": "h100"}, UsageError, "exclude each other"),
            ({"usd": "1B", "price": "$0/h"}, InputError, "give a price above 0, or --gpus N"),
            ({"usd": "1B", "rule": "fp8"}, InputError, "--rule 'fp8' is unknown"),
            ({"gpus": "2M", "cluster": "million-h100"}, InputError, "more than the 1,000,000 accelerators"),
            ({"deal": "cursor-10"}, UnknownNameError, "Did you mean 'cursor-10b'"),
            ({"usd": "1B", "model": "deepsek-v3"}, UnknownNameError, "Did you mean 'deepseek-v3'"),
        ],
    )
    def test_says_the_mend(self, options: dict[str, object], error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message):
            ask(**options)

    def test_too_little_power_says_what_one_takes_and_that_it_would_do(self) -> None:
        answer = ask(mw=0.001, gpu="h100").result
        assert "less than the 1,7" in answer.reasons[0]
        (enough,) = answer.nearest
        assert enough.field == "mw"
        assert isinstance(enough.value, float)
        assert ask(mw=enough.value * 1.001, gpu="h100").result.reasons == ()

    def test_supplies_of_a_site_bind_before_the_power_that_is_given(self) -> None:
        answer = ask(mw=2000, gpu="h100", site="memphis-colossus-1").result
        assert answer.binds.startswith("The supplies of memphis-colossus-1 bind")
        assert answer.accelerators is not None
        assert answer.accelerators.value < ask(mw=2000, gpu="h100").result.accelerators.value  # type: ignore[union-attr]

    def test_less_than_one_accelerator_says_what_would_pay_one(self) -> None:
        answer = ask(usd=1000, gpu="h100", price="$2/h").result
        assert answer.accelerators is None
        assert answer.reasons
        days, usd = answer.nearest
        assert days.value == pytest.approx(500 / 24)
        assert usd.value == pytest.approx(2 * HOURS)
        mended = ask(usd=usd.value, gpu="h100", price="$2/h").result
        assert mended.reasons == ()


def test_intervals_multiply_in_squares_of_logarithms() -> None:
    one, other = Interval(value=2, low=1, high=4), exact(3.0)
    assert times(one, other).high == pytest.approx(12)
    assert times(one, other).low == pytest.approx(3)
    both = times(one, one)
    assert both.high == pytest.approx(4 * 2**2**0.5)
    quotient = over(exact(1.0), one)
    assert (quotient.low, quotient.high) == (pytest.approx(0.25), pytest.approx(1.0))
