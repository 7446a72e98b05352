from __future__ import annotations

import pickle

import pytest

from planner.errors import (
    MOST_MISTAKES,
    InfeasibleError,
    InputError,
    MissingExtraError,
    OutputError,
    PlannerError,
    UnknownNameError,
    UsageError,
    closest,
    did_you_mean,
    suggest,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PlannerError("x"), 1),
        (UsageError("x"), 2),
        (MissingExtraError("solve", "planner mix"), 2),
        (InputError("x"), 3),
        (UnknownNameError("accelerator", "x"), 3),
        (InfeasibleError("x"), 4),
        (OutputError("x"), 5),
    ],
)
def test_exit_codes_are_those_of_the_contract(error: PlannerError, code: int) -> None:
    assert error.exit_code == code
    assert isinstance(error, PlannerError)


def test_missing_extra_says_what_to_install() -> None:
    error = MissingExtraError("solve", "planner mix")
    assert str(error) == "planner mix needs the extra 'solve'. Install it: pip install 'planner[solve]'"


def test_unknown_name_suggests_the_closest_and_where_to_look() -> None:
    error = UnknownNameError("accelerator", "H100-SXM5", ["h100-sxm", "l40s"])
    assert str(error) == (
        "unknown accelerator 'H100-SXM5'. Did you mean 'h100-sxm'? "
        "List them: planner catalog list accelerator"
    )


def test_unknown_name_without_anything_alike_suggests_nothing() -> None:
    assert "mean" not in str(UnknownNameError("accelerator", "zzz", ["h100-sxm"]))


@pytest.mark.parametrize(
    "error",
    [
        InputError.collect(["a: one", "b: two"]),
        UnknownNameError("accelerator", "h1", ["h100"]),
        MissingExtraError("solve", "planner mix"),
        InfeasibleError("no plan"),
    ],
)
def test_errors_cross_process_borders(error: PlannerError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  own bytes
    assert (type(copy), str(copy), copy.__dict__) == (type(error), str(error), error.__dict__)


def test_collect_keeps_every_mistake() -> None:
    error = InputError.collect(["a: one", "b: two"])
    assert error.mistakes == ("a: one", "b: two")
    assert str(error) == "a: one\nb: two"


def test_collect_stops_listing_where_nobody_reads_on() -> None:
    error = InputError.collect(f"mistake {number}" for number in range(MOST_MISTAKES + 7))
    assert len(error.mistakes) == MOST_MISTAKES + 1
    assert error.mistakes[-1] == "and 7 more mistakes"


def test_a_plain_message_is_its_own_mistake() -> None:
    assert InputError("wrong").mistakes == ("wrong",)


def test_closest_ignores_case_and_orders_by_likeness() -> None:
    assert closest("H100-SXN", ["h200-sxm", "h100-sxm", "l40s"]) == ["h100-sxm", "h200-sxm"]


def test_closest_does_not_compare_endless_names() -> None:
    assert closest("h100-sxm" * 1000, ["h100-sxm" * 1000]) == []


def test_suggestions_name_several() -> None:
    assert did_you_mean("bandwith", ["bandwidth"]) == " Did you mean 'bandwidth'?"
    assert suggest("chip", ["chip-a", "chip-b"]) == "did you mean 'chip-b' or 'chip-a'?"
    assert suggest("zzz", ["chip-a"], otherwise="ask") == "ask"
