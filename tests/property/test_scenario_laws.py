"""A question that is written as a scenario is read as the same question."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.load import Catalog
from planner.catalog.strict_yaml import parse_yaml
from planner.errors import InputError
from planner.plan.scenario.check import ready
from planner.plan.scenario.inputs import mistakes_of, parameters_of
from planner.plan.scenario.questions import QUESTIONS
from planner.plan.scenario.read import read_document
from planner.plan.scenario.save import text_of

CATALOG = Catalog()
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff\u2028\u2029\x85\xa0"),
    min_size=1,
    max_size=30,
)
COUNTS = st.integers(1, 10**7)
TRAIN = st.fixed_dictionaries(
    {"model": st.just("llama-3.1-8b")},
    optional={
        "gpus": COUNTS | st.sampled_from(["1M", "16,384", "64"]),
        "tokens": st.floats(1, 1e18) | st.sampled_from(["15.6T", "2 trillion tokens"]),
        "days": st.floats(1e-3, 1e6),
        "precision": TEXT,
        "goal": TEXT,
        "sharding": TEXT,
        "zero_bubble": st.booleans(),
        "exhaustive": st.booleans(),
        "cluster": st.sampled_from(["colossus-1", "colossus-1m"]),
        "global_batch": st.sampled_from(["16M tokens", "2048"]),
        "explain": st.booleans(),
    },
)


@given(TRAIN, TEXT)
def test_writing_and_reading_is_the_same_question(inputs: dict[str, Any], note: str) -> None:
    question = QUESTIONS["train"]
    text = text_of(question, inputs, file="s.yaml", note=note)
    one = ready(parse_yaml(text.encode(), "s.yaml"), None)
    assert one.question is question
    assert one.record.note == note or not note.strip()
    assert set(one.inputs) == set(inputs)
    for name, value in inputs.items():
        assert one.inputs[name] == value or str(one.inputs[name]) == value


@given(st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT)))
def test_any_inputs_get_sentences_and_never_an_error(inputs: dict[str, Any]) -> None:
    for question in QUESTIONS.values():
        mistakes = mistakes_of(question, inputs)
        assert all(mistakes.values())
        assert all(name in mistakes for name in inputs if not name.isidentifier())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NAMES = sorted({name for question in QUESTIONS.values() for name in parameters_of(question)})


@given(
    st.sampled_from(sorted(QUESTIONS)),
    st.dictionaries(st.sampled_from(NAMES) | TEXT, VALUES, max_size=6),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=2),
    st.dictionaries(st.sampled_from(["set", "catalog", "note", "id", "frob"]), VALUES, max_size=2),
)
def test_whatever_stands_in_a_scenario_it_is_ready_or_refused_with_sentences(
    command: str, inputs: dict[str, Any], changed: dict[str, Any], more: dict[str, Any]
) -> None:
    document, folder = read_document({"command": command, "inputs": inputs, **more}, CATALOG)
    try:
        one = ready(document, folder, changed=changed)
    except InputError as error:
        assert all(mistake.startswith(("scenario: ", "--with ")) for mistake in error.mistakes)
    else:
        assert set(one.inputs) <= set(parameters_of(QUESTIONS[command]))
        assert None not in one.inputs.values()
