"""A question that is written as a scenario is read as the same question."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.strict_yaml import parse_yaml
from planner.plan.scenario.check import ready
from planner.plan.scenario.inputs import mistakes_of
from planner.plan.scenario.questions import QUESTIONS
from planner.plan.scenario.save import text_of

TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff\u2028\u2029\x85\xa0"),
    min_size=1,
    max_size=30,
)
COUNTS = st.integers(1, 10**9)
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
