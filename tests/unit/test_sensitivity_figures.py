"""Figures that a sensitivity looks at, and statements about them, without a single search."""

from __future__ import annotations

from typing import Any

import pytest

from planner.errors import InputError, UsageError
from planner.plan.sensitivity.claims import read_claim
from planner.plan.sensitivity.figures import Figure, figure_named, figures_of, headline

RESULT: dict[str, Any] = {
    "plan": {
        "days": {"value": 80.0, "low": 70.0, "high": 100.0},
        "days_with_failures": {"value": 90.0, "low": 80.0, "high": 110.0},
        "cost_usd": {"value": 2e9, "low": 1e9, "high": 3e9},
        "mfu": {"value": 0.4, "low": 0.35, "high": 0.5, "full": 0.45},
        "power_megawatts": {"value": 150.0, "low": 140.0, "high": 160.0},
        "gpus_used": 8192,
        "fits": True,
        "stages": [{"days": 3.0}],
        "tokens_per_s": 1e6,
    },
    "search": {"seconds": 3.0},
}


def test_every_number_is_a_figure_and_an_interval_is_one() -> None:
    paths = [figure.path for figure in figures_of(RESULT)]
    assert paths[:4] == ["plan.days", "plan.days.value", "plan.days.low", "plan.days.high"]
    assert {"plan.gpus_used", "plan.stages.0.days", "plan.mfu.full"} <= set(paths)
    assert not any(path.startswith("search") or path == "plan.fits" for path in paths)
    assert Figure("plan.days").of(RESULT) == (80.0, 70.0, 100.0)
    assert Figure("plan.stages.0.days").of(RESULT) == (3.0, None, None)
    for missing in ("plan.stages.1.days", "plan.nothing", "plan.fits", "plan", "plan.days.value.more"):
        assert Figure(missing).of(RESULT) is None


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("days", "plan.days_with_failures"),
        ("plan.days", "plan.days"),
        ("usd", "plan.cost_usd"),
        ("power_megawatts", "plan.power_megawatts"),
        ("mfu", "plan.mfu"),
        ("gpus-used", "plan.gpus_used"),
        ("result.plan.mfu.full", "plan.mfu.full"),
    ],
)
def test_a_figure_has_a_path_a_short_name_or_the_end_of_its_path(name: str, path: str) -> None:
    assert figure_named(name, RESULT).path == path


def test_an_unknown_figure_is_answered_with_the_closest() -> None:
    with pytest.raises(InputError, match=r"no figure 'plan\.dais' in the answer; did you mean 'plan\.days'"):
        figure_named("plan.dais", RESULT)
    with pytest.raises(InputError, match=r"this answer has plan\.days, plan\.days\.value"):
        figure_named("zzzz", RESULT)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("plan.days", 2.0, "2 days"),
        ("plan.cost_usd.low", 2e9, "2 B USD"),
        ("plan.mfu", 0.4, "40 %"),
        ("plan.power_megawatts", 150.0, "150 MW"),
        ("plan.gpus_used", 16384, "16.4k"),
        ("plan.tokens_per_s", 5824.0, "5,824"),
        ("plan.step_time_s", 0.5, "500 ms"),
        ("points.0.loss", 1.87, "1.87"),
    ],
)
def test_figures_are_shown_in_their_unit(path: str, value: float, text: str) -> None:
    assert Figure(path).show(value) == text


def test_the_headline_is_what_a_question_is_asked_for() -> None:
    assert headline("train", {"inputs": {"question": "days"}, "result": RESULT}).path == (
        "plan.days_with_failures"
    )
    fewest = {**RESULT, "gpus": {"value": 5, "low": 4, "high": None}}
    assert headline("train", {"inputs": {"question": "gpus"}, "result": fewest}).path == "gpus"
    assert Figure("gpus").of(fewest) == (5.0, 4.0, None)
    with pytest.raises(InputError, match=r"no figure in particular; name one, as in --figure plan\.days"):
        headline("cluster compare", {"inputs": {}, "result": RESULT})
    with pytest.raises(InputError, match="holds no number"):
        headline("train", {"inputs": {}, "result": {"plan": None}})


@pytest.mark.parametrize(
    ("text", "path", "operator", "limit"),
    [
        ("days<=90", "plan.days_with_failures", "<=", 90.0),
        ("days < 12 weeks", "plan.days_with_failures", "<", 84.0),
        ("usd<=$10B", "plan.cost_usd", "<=", 1e10),
        ("power_megawatts<=150", "plan.power_megawatts", "<=", 150.0),
        ("power_megawatts <= 150 kW", "plan.power_megawatts", "<=", 0.15),
        ("mfu >= 40 %", "plan.mfu", ">=", 0.4),
        ("plan.gpus_used≤8k", "plan.gpus_used", "<=", 8000.0),
    ],
)
def test_a_statement_is_a_figure_a_sign_and_a_limit(
    text: str, path: str, operator: str, limit: float
) -> None:
    claim = read_claim(text, RESULT)
    assert (claim.figure.path, claim.operator) == (path, operator)
    assert claim.limit == pytest.approx(limit)
    assert claim.holds(limit) == ("=" in operator)
    assert not claim.holds(None)
    assert (claim.margin(limit) >= 0) == claim.holds(limit)


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("days=90", UsageError, "expected FIGURE<=LIMIT or FIGURE>=LIMIT; write for example"),
        ("<=90", UsageError, "expected FIGURE<=LIMIT"),
        ("dais<=90", InputError, "--holds 'dais<=90': no figure 'dais' in the answer; did you mean 'days'"),
        ("days<=soon", InputError, "'soon' is no value of days with failures; write for example '90 days'"),
    ],
)
def test_a_statement_that_is_none_gets_a_sentence(text: str, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=r".") as caught:
        read_claim(text, RESULT)
    assert sentence in str(caught.value)


def test_of_a_comparison_the_first_ratio_is_looked_at() -> None:
    ratios = [{"value": 1.0}, {"value": 0.4, "low": 0.3, "high": 0.5}]
    document = {"inputs": {}, "result": {"sides": [{"gpus": 8}], "figures": [{"ratios": ratios}]}}
    assert headline("compare", document).path == "figures.0.ratios.1"
