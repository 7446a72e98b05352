"""Sensitivities of real answers, beside arithmetic that knows nothing of them."""

from __future__ import annotations

from math import log
from typing import Any

import pytest

import planner
from planner.errors import InfeasibleError, InputError, UsageError
from planner.plan.sensitivity.results import Bar, Elasticity, SensitivityResult, Threshold
from planner.plan.sensitivity.words import sentence_of

ASKED: dict[str, Any] = {
    "command": "train",
    "inputs": {"model": "llama-3.1-8b", "gpu": "h100-sxm", "gpus": 64, "tokens": "1T"},
}
RENTED: dict[str, Any] = {"command": "train", "inputs": {**ASKED["inputs"], "price": "reserved"}}


CAPITAL = "finance.usual.cost_of_capital"
VARIED = ["tokens=*0.5..*2", "precision=bf16,fp8", "memory=*0.05..*1.5"]


@pytest.fixture(scope="module")
def plan() -> Any:
    return planner.run(ASKED).plan


@pytest.fixture(scope="module")
def whole() -> SensitivityResult:
    """The widest ranges and one by hand, for what it costs to run on accelerators of one's own."""
    return planner.sensitivity(ASKED, figure="usd", vary=f"{CAPITAL}=8 %..13 %", all=True, asks=120)


@pytest.fixture(scope="module")
def late() -> SensitivityResult:
    """Money for rent that is enough, with one input that is a word and one that goes too far."""
    return planner.sensitivity(RENTED, holds="usd<=$100k", vary=VARIED)


def bar(result: SensitivityResult, name: str) -> Bar:
    return next(one for one in result.bars if one.name == name)


def slope(result: SensitivityResult, name: str) -> Elasticity:
    return next(one for one in result.result.elasticities if one.name == name)


def threshold(result: SensitivityResult, name: str) -> Threshold:
    assert result.result.statement is not None
    return next(one for one in result.result.statement.thresholds if one.name == name)


def test_bars_are_ranked_and_their_shares_add_up(whole: SensitivityResult) -> None:
    assert [one.effect for one in whole.bars] == sorted((one.effect for one in whole.bars), reverse=True)
    assert sum(one.share or 0.0 for one in whole.bars) == pytest.approx(1.0)
    spreads = [log((one.high.figure or 0.0) / (one.low.figure or 0.0)) ** 2 for one in whole.bars]
    for one, spread in zip(whole.bars, spreads, strict=True):
        assert one.share == pytest.approx(spread / sum(spreads))
    effort = whole.result.effort
    left = len(effort.not_looked_at)
    assert left > 0
    # The estimator and the one by hand are beside those that were found.
    assert effort.quantities == len(whole.bars) - 2 + effort.without_effect + left
    assert effort.answers <= 120 + 1 + 2 * len(whole.result.elasticities)
    assert any("raise --asks" in note for note in whole.result.notes)


def test_an_end_is_what_the_question_answers_with_that_value_set(whole: SensitivityResult) -> None:
    found = bar(whole, CAPITAL)
    for end in (found.low, found.high):
        alone = planner.run(ASKED, set=[f"{CAPITAL}={end.value!r}"]).plan.cost_usd.value
        assert end.figure == pytest.approx(alone, rel=1e-12)
        assert end.change == pytest.approx(alone / whole.result.figure.value - 1.0)
    assert (found.low.value, found.high.value) == (pytest.approx(0.08), pytest.approx(0.13))
    assert (found.base_text, found.where, found.dimension) == ("11 %", "record", "fraction")


def test_the_estimator_has_a_bar_as_wide_as_its_interval(whole: SensitivityResult, plan: Any) -> None:
    found = bar(whole, "estimator")
    step = plan.step_time_s
    assert found.basis == f"class {plan.interval_class}"
    assert found.low.value == pytest.approx(step.low / step.value)
    for end in (found.low, found.high):
        # Failures take their share of a run however long a step takes, up to checkpoints between steps.
        assert end.figure == pytest.approx(plan.cost_usd.value * (end.value or 0.0), rel=2e-3)


def test_money_follows_tokens_one_to_one(whole: SensitivityResult, late: SensitivityResult) -> None:
    for result in (whole, late):
        assert slope(result, "tokens").value == pytest.approx(1.0, abs=1e-3)
    found = bar(late, "tokens")
    assert (found.low.change, found.high.change) == (pytest.approx(-0.5), pytest.approx(1.0))
    assert (found.low.value, found.high.value, found.low.text) == (5e11, 2e12, "500B")


def test_money_follows_each_price_by_its_share(whole: SensitivityResult, plan: Any) -> None:
    """Of what is owned, the electricity price moves only what is paid for electricity."""
    parts = plan.cost.gpu_hour_parts_usd
    share = parts["electricity"] / sum(parts.values())
    assert slope(whole, "electricity-price").value == pytest.approx(share, rel=1e-4)
    assert 0.0 < (slope(whole, "server-price").value or 0.0) < 1.0
    assert slope(whole, "rent").value == 0.0
    assert slope(whole, "pue").value == pytest.approx(share, abs=0.2)


def test_rent_is_all_of_what_rented_accelerators_cost(late: SensitivityResult) -> None:
    assert slope(late, "rent").value == pytest.approx(1.0, abs=1e-9)
    assert slope(late, "electricity-price").value == 0.0
    base = late.result.figure.value
    found = threshold(late, "rent")
    assert found.change == pytest.approx(1e5 / base - 1.0, abs=0.006)
    assert (found.side, found.monotone) == ("below", True)
    assert found.sentence.startswith("cost usd at most 100 k USD as long as at most ")


def test_the_threshold_of_tokens_is_where_the_money_is_spent(late: SensitivityResult) -> None:
    found, base = threshold(late, "tokens"), late.result.figure.value
    assert found.value == pytest.approx(1e12 * 1e5 / base, rel=0.006)
    assert (found.side, found.within_range) == ("below", True)
    assert planner.run(RENTED, tokens=found.value).plan.cost_usd.value <= 1e5
    assert planner.run(RENTED, tokens=(found.value or 0.0) * 1.006).plan.cost_usd.value > 1e5
    assert threshold(late, "estimator").value == pytest.approx((found.value or 0.0) / 1e12, rel=0.01)


def test_what_does_not_matter_has_no_threshold(late: SensitivityResult) -> None:
    found = threshold(late, "electricity-price")
    assert (found.side, found.value, found.change, found.monotone) == (None, None, None, True)
    assert "whatever the electricity price from " in found.sentence


def test_an_end_without_an_answer_says_why(late: SensitivityResult) -> None:
    found = bar(late, "memory")
    assert found.low.figure is None
    assert found.low.searched
    assert "memory" in found.low.reason.lower() or "fits" in found.low.reason
    assert found.high.figure is not None
    statement = late.result.statement
    assert statement is not None
    assert (statement.worst.figure, statement.worst.holds) == (None, False)


def test_words_have_no_share_and_say_with_which_the_statement_holds(late: SensitivityResult) -> None:
    found = bar(late, "precision")
    assert (found.share, found.base_text, found.low.text, found.high.text) == (None, "bf16", "bf16", "fp8")
    assert found.high.searched
    alone = planner.run(RENTED, precision="fp8").plan.cost_usd.value
    assert found.high.figure == pytest.approx(alone, rel=1e-12)
    assert late.result.statement is not None
    assert late.result.statement.choices == ("precision: holds with bf16, fp8 (as asked bf16)",)


def test_all_ranges_together_and_how_likely(whole: SensitivityResult, late: SensitivityResult) -> None:
    statement = late.result.statement
    assert statement is not None
    assert statement.holds
    assert 0.5 < statement.probability < 1.0
    assert statement.best.figure is not None
    assert statement.best.figure < late.result.figure.value
    assert statement.best.multiplied == pytest.approx(statement.best.figure, rel=0.02)
    assert whole.result.statement is None


def test_the_answer_does_not_depend_on_the_number_of_processes(late: SensitivityResult) -> None:
    one = planner.sensitivity(RENTED, figure="usd", vary=VARIED, workers=1)
    assert one.result.bars == late.result.bars
    assert one.result.elasticities == late.result.elasticities


def test_a_question_without_an_answer_has_nothing_to_look_at() -> None:
    with pytest.raises(InfeasibleError, match=r"there is no answer to look at: .*feasible with"):
        planner.sensitivity(ASKED, model="llama-3.1-405b", gpus=8)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"figure": "plan.dais"}, InputError, "did you mean 'plan.days'"),
        ({"figure": "usd", "holds": "days<=5"}, UsageError, "speak of different figures"),
        ({"vary": "gpsu=1..2"}, InputError, "did you mean 'gpu' or 'gpus'?"),
        ({"asks": 0}, InputError, "--asks 0 is outside"),
        ({"top": 0}, InputError, "--top 0 is outside"),
        ({"workers": -1}, InputError, "--workers -1 is outside"),
        ({"tokens": "many"}, InputError, "--with tokens"),
        ({"tokns": 5}, InputError, "did you mean 'tokens'?"),
    ],
)
def test_what_is_wrong_gets_a_sentence(options: dict[str, Any], kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=r".") as caught:
        planner.sensitivity(ASKED, **options)
    assert sentence in str(caught.value)


def test_nothing_moves_it_is_said_of_what_was_looked_at(whole: SensitivityResult) -> None:
    def said(*left_out: str) -> str:
        effort = whole.result.effort.model_copy(update={"not_looked_at": left_out})
        return sentence_of(whole.result.model_copy(update={"bars": (), "effort": effort}))

    assert said().endswith("Nothing that has a range moves it.")
    assert said("site.x.pue.mean").endswith("Nothing that was looked at moves it.")


def test_a_result_is_flat_records_tables_and_a_frame(whole: SensitivityResult) -> None:
    record = whole.records()[0]
    assert {"figure", "input", "low", "figure_at_low", "change_at_high", "share_of_variance"} <= set(record)
    assert len(whole.to_frame()) == len(whole.bars)
    titles = [section.title for section in whole.sections()]
    assert titles[0].startswith("cost usd: ")
    assert "Elasticities" in titles[1]
    assert whole.to_dict()["schema"] == "planner.sensitivity/1"
    assert whole.inputs.question == ASKED["inputs"]


def test_an_input_is_moved_from_what_was_given_not_from_what_the_answer_made_of_it() -> None:
    """Tokens of an answer are those of all epochs."""
    found = planner.sensitivity(ASKED, epochs=3, vary="tokens=*0.5..*2", asks=1)
    tokens = bar(found, "tokens")
    assert tokens.base == 1e12
    assert [end.change for end in (tokens.low, tokens.high)] == pytest.approx([-0.5, 1.0], abs=0.02)
