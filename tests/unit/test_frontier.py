"""`planner.frontier` on a few hundred accelerators: what an answer says, and that the estimator agrees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError, UsageError
from planner.plan.frontier.results import FrontierResult, Point

HERE: dict[str, Any] = {"gpu": "h100", "gpus": 512}


@pytest.fixture(scope="module")
def book() -> Catalog:
    return Catalog()


@pytest.fixture(scope="module")
def several(book: Catalog) -> FrontierResult:
    return planner.frontier(**HERE, days="30, 90 days", catalog=book)


@pytest.fixture(scope="module")
def mixture(book: Catalog) -> FrontierResult:
    return planner.frontier(**HERE, days=30, shape="moe", catalog=book)


def only(result: FrontierResult) -> Point:
    (point,) = result.points
    return point


def test_a_longer_run_is_a_better_and_larger_model(several: FrontierResult) -> None:
    short, long = several.points
    assert (short.days, long.days) == (30.0, 90.0)
    assert short.loss is not None and long.loss is not None  # noqa: PT018
    assert long.loss.value < short.loss.value
    assert long.parameters.value > 1.3 * short.parameters.value
    assert long.tokens.value > 1.3 * short.tokens.value


def test_one_time_alone_has_the_answer_that_it_has_among_several(
    several: FrontierResult, book: Catalog
) -> None:
    alone = only(planner.frontier(**HERE, days=90, catalog=book))
    assert alone == several.points[1]


def test_the_run_is_one_of_the_estimator(several: FrontierResult, book: Catalog) -> None:
    point = several.points[0]
    plan = planner.train(
        point.model, **HERE, days=30, global_batch=f"{point.batch_tokens} tokens", top=0, catalog=book
    ).plan
    assert plan is not None
    # the whole search may only be better than that among alike stages, and hardly is
    ours = point.run.tokens_per_s.value * point.run.goodput.value
    whole = plan.tokens_per_s.value * plan.goodput.value
    assert 0.93 * whole <= ours <= 1.02 * whole
    assert point.tokens.value == pytest.approx(ours * 30 * 86400, rel=1e-3)
    assert point.flop == pytest.approx(6.0 * point.parameters.value * point.tokens.value)
    assert point.run.gpus_used <= 512


def test_the_loss_is_the_law_at_what_the_tokens_are_worth(several: FrontierResult) -> None:
    point = several.points[0]
    law = 1.81686 + 482.00572 / point.parameters.value**0.34781 + 2085.4342 / point.tokens_worth**0.36585
    assert point.loss is not None
    assert point.loss.value == pytest.approx(law, abs=1e-6)
    assert point.loss.low < point.loss.value < point.loss.high
    band = point.critical_batch_tokens
    assert band.low == pytest.approx(22.91 * (point.tokens.value / 1e6) ** 0.47 * 512, rel=1e-6)
    assert band.high == pytest.approx(0.0471 * point.tokens.value**0.462 * 2048, rel=1e-6)
    spent = 1.0 + point.batch_tokens / band.value
    assert point.tokens_worth == pytest.approx(point.tokens.value / spent, rel=1e-6)


def test_no_listed_size_is_better_and_the_loss_takes_them_longer(several: FrontierResult) -> None:
    for point in several.points:
        losses = [one.loss for one in point.sizes]
        assert len(losses) >= 3
        own = min(point.sizes, key=lambda one: abs(np.log(one.parameters / point.parameters.value)))
        assert own.loss is not None
        assert all(loss is not None and loss >= own.loss - 2e-3 for loss in losses)
        assert all(one.days is None or one.days >= 0.9 * point.days for one in point.sizes)


def test_every_answer_says_what_binds_what_was_assumed_and_where_a_law_ends(several: FrontierResult) -> None:
    point = several.points[0]
    assert point.binds.sentence
    assert {limit.resource for limit in point.limits} == {"compute", "batch", "data", "failures"}
    assert all(limit.loss is not None and limit.loss >= 0.0 for limit in point.limits)
    assert {one.field for one in several.assumptions} >= {"law", "shape", "unique_tokens", "seq_len"}
    assert any("times outside, an extrapolation" in text for text in point.extrapolated)
    assert {"arxiv-2404.10102", "arxiv-2410.21676", "arxiv-2211.04325"} <= set(several.sources)
    assert len({one.field for one in several.assumptions}) == len(several.assumptions)


def test_a_mixture_has_its_leverage_with_a_range(mixture: FrontierResult) -> None:
    point = only(mixture)
    assert mixture.inputs.counted == "active"
    assert point.total_parameters > 10 * point.parameters.value
    own = point.leverage
    assert own is not None
    assert own.low < own.value <= own.high
    assert own.loss_without is not None and own.loss_high is not None and own.loss_low is not None  # noqa: PT018
    assert point.loss is not None
    assert own.loss_low <= point.loss.value <= own.loss_high <= own.loss_without
    assert any("Efficiency leverage" in text for text in point.extrapolated)


def test_laws_without_a_loss_choose_the_split_alone(book: Catalog) -> None:
    point = only(planner.frontier(**HERE, days=30, law="llama-3", catalog=book))
    assert point.loss is None
    assert point.ahead == pytest.approx(1.0, abs=0.15)
    assert all(limit.loss is None for limit in point.limits)


def test_repeated_data_wears_out(book: Catalog) -> None:
    scarce = planner.frontier(**HERE, days=30, unique_tokens="50B", catalog=book)
    point = only(scarce)
    assert point.epochs > 5.0
    assert point.binds.resource == "data"
    assert point.tokens_worth < 0.9 * point.tokens.value
    assert any("how it wears out is muennighoff's" in note for note in scarce.result.notes)


def test_of_unlike_hardware_the_strongest_group_trains_within_the_power_cap(book: Catalog) -> None:
    found = planner.frontier("colossus-1", days=30, batch_law="bergsma", power_cap="30MW", catalog=book)
    point = only(found)
    assert (found.inputs.cluster, found.inputs.system) == ("colossus-1", "hgx-h100")
    group = next(one for one in found.assumptions if one.field == "group")
    assert "idle: 50,000 h200-sxm" in group.why
    assert 10_000 < point.run.gpus_used < 30_000
    assert point.run.power_megawatts.value <= 30.0
    assert found.inputs.power_cap_megawatts == 30.0
    assert found.inputs.batch_law == "bergsma"
    assert point.by_batch_law == ()
    band = point.critical_batch_tokens
    assert band.low == band.value == band.high


def test_accelerators_that_only_fail_stay_idle(book: Catalog) -> None:
    point = only(planner.frontier(gpu="h100", gpus="10M", days=90, catalog=book))
    assert point.run.gpus_used < 6_000_000
    assert point.binds.resource == "failures"


def test_the_largest_model_gets_its_tokens(book: Catalog) -> None:
    most = only(planner.frontier(**HERE, days=30, goal="size", tokens_per_parameter=100, catalog=book))
    split = only(planner.frontier(**HERE, days=30, goal="size", catalog=book))
    assert 100.0 <= most.tokens_per_parameter < 130.0
    assert split.ahead is not None
    assert 1.0 <= split.ahead < 1.4
    assert split.parameters.value > most.parameters.value


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({}, UsageError, "say on what: --cluster NAME"),
        ({"gpu": "h100"}, UsageError, "how many h100. Add --gpus N"),
        ({**HERE, "goal": "best"}, UsageError, "unknown goal 'best'; one of loss, size, cost"),
        ({**HERE, "goal": "cost"}, UsageError, "add --serve-tokens, as in --serve-tokens 100T"),
        ({**HERE, "serve_tokens": "1T"}, UsageError, "add --goal cost, or leave it out"),
        ({**HERE, "loss": 2}, UsageError, "--loss belongs to --goal cost"),
        ({**HERE, "tokens_per_parameter": 20}, UsageError, "belongs to --goal size"),
        ({**HERE, "goal": "cost", "serve_tokens": "1T", "law": "llama-3"}, UsageError, "use one that does"),
        ({**HERE, "days": 0}, InputError, "--days 0 must be positive"),
        ({**HERE, "days": "30,-1"}, InputError, "--days '-1' must be positive"),
        ({**HERE, "days": list(range(1, 14))}, InputError, "takes 1 to 12 times, found 13"),
        ({"cluster": "colossus-1m", "gpu": "h100"}, UsageError, "--cluster and --gpu exclude each other"),
        ({**HERE, "unique_tokens": -1}, InputError, "--unique-tokens -1 must be positive"),
        ({**HERE, "leverage": 3}, InputError, "belongs to mixtures of experts"),
        ({**HERE, "law": "zhang-tokens"}, InputError, "use besiroglu, hoffmann, muennighoff, sardana"),
        ({**HERE, "batch_law": "kaplan-batch"}, InputError, "use band, zhang-tokens, bergsma"),
        ({**HERE, "shape": "dens"}, UnknownNameError, "Did you mean 'dense'"),
    ],
)
def test_mistakes_are_sentences_with_a_mend(
    book: Catalog, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        planner.frontier(**options, catalog=book)


def test_nothing_feasible_has_a_reason_and_a_change(book: Catalog) -> None:
    result = planner.frontier(gpu="a100", gpus=64, days=30, precision="fp8", catalog=book)
    assert result.points == ()
    assert "has no fp8 matrix rate" in result.result.reasons[0]
    assert "precision" in {one.field for one in result.result.nearest}


def test_documents_are_plain_and_finite(several: FrontierResult) -> None:
    document = several.to_dict()
    assert document["schema"] == "planner.frontier/1"
    assert [point["days"] for point in document["result"]["points"]] == [30.0, 90.0]
    assert len(several.to_frame()) == 2
    assert "<table>" in several._repr_html_()


def test_a_law_that_gives_more_than_guessing_says_so(book: Catalog) -> None:
    """One token, seen without end: the repetition law leaves next to nothing, and the loss law soars."""
    point = only(planner.frontier(**HERE, days=30, unique_tokens=1, catalog=book))
    assert point.loss is not None
    assert point.loss.value > np.log(128_256)
    assert any("guessing among 128,256 tokens" in said for said in point.extrapolated)
    assert not any(
        "guessing" in said for said in only(planner.frontier(**HERE, days=30, catalog=book)).extrapolated
    )
