"""Records of failures and checkpoints: rates from published counts, rules, and which one is taken."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
from pydantic import ValidationError

from planner.catalog.kinds import CHECKPOINT, FAILURES
from planner.catalog.load import Catalog
from planner.catalog.schema.failures import POLICIES, Checkpoint, Failures
from planner.errors import UnknownNameError
from planner.tables.reliability import failures_for

CATALOG = Catalog()

# Failures, days and hosts that the sources named in the records count; None where it is not known
COUNTED = {
    "usual": 419 / 54 / 2048,
    "meta-research": sqrt(6.50e-3 * 2.34e-3),
    "crusoe-h200": 205 / 120 / (1600 / 8),
    "coreweave": 1 / (3.66 * 128),
    "nebius": 24 / 56.6 / 375,
    "opt-175b": (35 + 70) / 60 / 124,
    "bloom": 1.5 / 7 / 48,
    "aegis": 8 / 200,
    "gb200-first-year": 1.75 * 3.79e-3 * 4 / 8,
}


@pytest.mark.parametrize("name", COUNTED)
def test_rates_follow_from_the_counts(name: str) -> None:
    assert CATALOG.get(FAILURES, name).rate.value == pytest.approx(COUNTED[name], rel=0.011)


def test_every_policy_has_a_record_of_its_name() -> None:
    assert {record.id: record.policy for record in CATALOG.all(CHECKPOINT)} == {
        name: name for name in POLICIES
    }


def test_policies_come_back_faster_the_more_they_keep_near() -> None:
    records = [CATALOG.get(CHECKPOINT, name) for name in ("blocking", "asynchronous", "memory")]
    again = [r.detect.value + r.restart.value + r.warm.value for r in records]
    assert again == [285.0, 180.0, 60.0]
    assert [r.overhead.value for r in records] == [60.0, 20.0, 1.0]


def test_a_record_is_named_or_the_accelerators_or_the_usual_one() -> None:
    assert failures_for(CATALOG, "h100-sxm").id == "usual"
    assert failures_for(CATALOG, "gb300").id == "gb200-first-year"
    assert failures_for(CATALOG, "gb300", "rsc").id == "meta-research"
    with pytest.raises(UnknownNameError, match="meta-research"):
        failures_for(CATALOG, "gb300", "meta-reserch")


def given(kind: Any, name: str) -> dict[str, Any]:
    return dict(CATALOG.get(kind, name))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("replicas", {"stall": None}, "policy replicas needs stall; add it"),
        ("memory", {"whole": None}, "policy memory needs whole; add it"),
        ("memory", {"policy": "blocking"}, "policy blocking has no whole; remove it"),
    ],
)
def test_a_policy_has_the_fields_it_needs(name: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Checkpoint.model_validate({**given(CHECKPOINT, name), **change})


def test_causes_are_shares_of_one_whole() -> None:
    record = given(FAILURES, "llama-3")
    record["causes"] = dict.fromkeys(("a", "b", "c"), record["causes"]["gpu"])
    with pytest.raises(ValidationError, match=r"the causes add up to 106 %; shares of one whole"):
        Failures.model_validate(record)
