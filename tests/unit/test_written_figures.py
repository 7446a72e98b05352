"""Figures of clusters and prices as people read them: small ones too."""

from __future__ import annotations

import pytest

import planner
from planner.plan.cluster.table import compare_rows
from planner.plan.cluster.words import amount
from planner.plan.document import Interval
from planner.plan.operating.results import Cost
from planner.plan.operating.table import cost_rows
from planner.plan.table import plan_rows


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (989.4, "EFLOP/s", "989 EFLOP/s"),
        (0.00792, "EFLOP/s", "7.92 PFLOP/s"),
        (8e-5, "PB", "80 GB"),
        (0.0268, "PB/s", "26.8 TB/s"),
        (2300.0, "PB", "2,300 PB"),
        (0.0, "PB", "0 PB"),
    ],
)
def test_a_single_node_is_not_counted_in_fractions_of_petabytes(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_ratios_of_a_node_to_a_site_have_no_exponents() -> None:
    result = planner.cluster.compare("million-h100", "hgx-h100-node")
    cells = [cell for row in compare_rows(result) for cell in row]
    assert any("1/125,000" in cell for cell in cells)
    assert not any("e-0" in cell or "e+0" in cell for cell in cells)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.62, "owning is cheaper above 62% of the hours than renting at $2.65/h"),
        (2.78, "renting at $2.65/h is cheaper, however many of the hours are used"),
        (None, "renting at $2.65/h is cheaper, however many of the hours are used"),
    ],
)
def test_no_one_uses_more_hours_than_there_are(share: float | None, text: str) -> None:
    rent = Interval(value=2.65, low=2.35, high=3.0)
    cost = Cost.model_construct(
        price="own", gpu_hour_parts_usd={}, rented_usd_per_gpu_hour=rent, break_even_utilisation=share
    )
    assert dict(cost_rows(cost, rent))["own or rent"] == text


def test_failures_are_minutes_apart_where_they_are() -> None:
    result = planner.train("llama-3.1-405b", cluster="colossus-1", tokens="1T", top=1)
    failures = dict(plan_rows(result))["failures"]
    assert " min (" in failures
    assert " h;" not in failures
