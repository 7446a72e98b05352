"""Shipped scenarios: every one is answered, is named in the docs, and says what it assumes."""

from __future__ import annotations

from pathlib import Path

import pytest

import planner
from planner.catalog.load import Catalog
from planner.plan.scenario.check import mistakes_in
from planner.plan.scenario.inputs import parameters_of
from planner.plan.scenario.questions import QUESTIONS
from planner.workload.kinds import SCENARIO
from planner.workload.scenario import Scenario

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = Catalog().all(SCENARIO)
BRIEF = {"top": 0, "pareto": False, "brief": True, "sections": ["site"]}
"""Inputs that make an answer shorter, and no other."""
LONG = {"colossus-1-mix"}
"""Six jobs on three groups of hardware: a question of half a minute."""
RUN = [
    pytest.param(scenario, id=scenario.id, marks=[pytest.mark.slow] if scenario.id in LONG else [])
    for scenario in SHIPPED
]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


def test_no_question_of_a_shipped_scenario_is_wrong(catalog: Catalog) -> None:
    assert mistakes_in(catalog) == []


def test_every_question_has_a_shipped_scenario() -> None:
    assert {scenario.command for scenario in SHIPPED} == set(QUESTIONS)


@pytest.mark.parametrize("scenario", RUN)
def test_a_shipped_scenario_is_answered(catalog: Catalog, scenario: Scenario) -> None:
    question = QUESTIONS[scenario.command]
    brief = {name: value for name, value in BRIEF.items() if name in parameters_of(question)}
    answer = planner.run(scenario.id, catalog=catalog, **brief).to_dict()
    assert answer["schema"].startswith(f"planner.{scenario.command.replace(' ', '-')}/")
    assert answer["sources"]
    assert answer["result"].get("plan", answer["result"])


@pytest.mark.parametrize("scenario", SHIPPED, ids=lambda scenario: scenario.id)
def test_a_shipped_scenario_says_what_it_is(scenario: Scenario) -> None:
    assert scenario.note
    assert f"`{scenario.id}`" in (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
