"""The goal `cost`: a smaller model, trained for longer, for dollars of training and serving together."""

from __future__ import annotations

from typing import Any

import pytest

import planner
from planner.catalog.load import Catalog
from planner.plan.frontier.results import FrontierResult

HERE: dict[str, Any] = {"gpu": "h100", "gpus": 256, "days": 60, "goal": "cost"}


@pytest.fixture(scope="module")
def book() -> Catalog:
    return Catalog()


@pytest.fixture(scope="module")
def answer(book: Catalog) -> FrontierResult:
    return planner.frontier(**HERE, serve_tokens="2T", catalog=book)


def test_a_served_model_is_smaller_and_costs_less(answer: FrontierResult, book: Catalog) -> None:
    (point,) = answer.points
    serving = point.serving
    assert serving is not None
    assert serving.total_usd.value == pytest.approx(serving.training_usd.value + serving.serving_usd.value)
    assert serving.serving_usd.value == pytest.approx(
        2e12 * serving.usd_per_million_output_tokens.value / 1e6
    )
    assert serving.training_usd.value == pytest.approx(point.run.cost_usd.value)
    best = planner.frontier(**{**HERE, "goal": "loss", "days": 30}, catalog=book).points[0]
    assert point.parameters.value < best.parameters.value
    assert point.train_days <= 60.0
    assert point.loss is not None
    assert best.loss is not None
    # the loss to be reached is that of the best model in half of the time, by the surface
    assert point.loss.value == pytest.approx(best.loss.value, abs=0.01)
    assert serving.loss_reached == pytest.approx(point.loss.value, abs=2e-3)
    assert "loss" in {one.field for one in answer.assumptions}


def test_no_other_size_costs_less(answer: FrontierResult) -> None:
    (point,) = answer.points
    priced = [one for one in point.sizes if one.total_usd is not None and (one.days or 1e9) <= 60.0]
    assert len(priced) >= 2
    own = min(priced, key=lambda one: abs(one.parameters - point.parameters.value))
    assert own.total_usd == min(one.total_usd or 0.0 for one in priced)
    small = [one for one in priced if one.parameters < own.parameters]
    assert all((one.serving_usd or 0.0) < (own.serving_usd or 0.0) for one in small)


def test_what_binds_is_the_dearer_of_the_two_or_the_deadline(answer: FrontierResult, book: Catalog) -> None:
    (point,) = answer.points
    serving = point.serving
    assert serving is not None
    assert point.binds.resource in {"training", "serving"}
    dearer = max(serving.training_usd.value, serving.serving_usd.value)
    assert point.binds.share == pytest.approx(dearer / serving.total_usd.value)
    (forever,) = planner.frontier(**HERE, serve_tokens="2000T", catalog=book).points
    assert forever.binds.resource == "deadline"
    assert "less in all, and trains for" in forever.binds.sentence
    assert forever.parameters.value < point.parameters.value


def test_serving_a_flop_costs_more_than_training_one(answer: FrontierResult) -> None:
    serving = answer.points[0].serving
    assert serving is not None
    # decode runs at a fraction of the utilisation of training
    assert serving.usd_per_serving_exaflop > serving.usd_per_training_exaflop


def test_a_loss_that_cannot_be_reached_in_time_says_by_how_much(book: Catalog) -> None:
    late = planner.frontier(**HERE, serve_tokens="2T", loss=1.95, catalog=book)
    assert late.points == ()
    assert "more than the 60 days allowed" in late.result.reasons[0]
    mends = {one.field: one.value for one in late.result.nearest}
    assert isinstance(mends["days"], float)
    assert isinstance(mends["loss"], float)
    assert mends["days"] > 60.0
    assert mends["loss"] > 1.95
    floor = planner.frontier(**HERE, serve_tokens="2T", loss=1.5, catalog=book)
    assert "at the floor of the law or below" in floor.result.reasons[0]
    assert {one.field for one in floor.result.nearest} == {"loss"}


def test_a_loss_that_needs_no_run_is_refused(book: Catalog) -> None:
    answer = planner.frontier(**HERE, serve_tokens="2T", loss=15, catalog=book)
    assert answer.points == ()
    assert "that is no run to plan" in answer.result.reasons[0]
    (mend,) = answer.result.nearest
    assert mend.field == "loss"
    assert isinstance(mend.value, float)
    assert 1.8 < mend.value < 5.0
