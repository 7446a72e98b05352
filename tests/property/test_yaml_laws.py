from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.strict_yaml import MOST_DEPTH, parse_scalar, parse_yaml
from planner.errors import InputError

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="\x7f"), max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
KEYS = TEXT
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)
TREES = st.dictionaries(KEYS, NESTED, max_size=5)


@given(TREES, st.sampled_from([None, 2]))
def test_json_is_read_as_it_is(tree: dict[str, Any], indent: int | None) -> None:
    document = parse_yaml(json.dumps(tree, indent=indent).encode(), "f.yaml")
    assert document.data == tree
    assert json.dumps(document.data) == json.dumps(tree)  # tells 1 from 1.0 and from true


@given(TREES)
def test_every_key_and_item_has_a_line(tree: dict[str, Any]) -> None:
    text = json.dumps(tree, indent=1)
    document = parse_yaml(text.encode(), "f.yaml")
    lines = text.split("\n")

    def check(value: Any, path: tuple[str | int, ...]) -> int:
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        count = 0
        for step, part in steps:
            line = document.lines[(*path, step)]
            if isinstance(step, str):
                assert lines[line - 1].lstrip().startswith(json.dumps(step) + ":")
            count += 1 + (check(part, (*path, step)) if isinstance(part, (dict, list)) else 0)
        return count

    assert check(tree, ()) == len(document.lines)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_an_input_error(content: bytes) -> None:
    _document_or_mistakes(content)


@given(st.text(st.sampled_from("ab1: -[]{},&*!|>'\"%@`#?\n\t~<.e"), max_size=60))
def test_any_yaml_like_text_is_a_document_or_an_input_error(text: str) -> None:
    _document_or_mistakes(text.encode())


def _document_or_mistakes(content: bytes) -> None:
    try:
        document = parse_yaml(content, "f.yaml")
    except InputError as error:
        assert all(mistake.startswith("f.yaml:") for mistake in error.mistakes)
    else:
        assert isinstance(document.data, dict)
        json.dumps(document.data, allow_nan=False)


@given(st.integers(1, 3 * MOST_DEPTH), st.sampled_from(["[", "{a: "]))
def test_depth_is_bounded_exactly(depth: int, bracket: str) -> None:
    close = {"[": "]", "{a: ": "}"}[bracket]
    text = f"a: {bracket * depth}{close * depth}"
    try:
        parse_yaml(text.encode(), "f.yaml")
    except InputError as error:
        assert depth >= MOST_DEPTH
        assert "nested more than" in str(error)
    else:
        assert depth < MOST_DEPTH


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_every_digit(number: float) -> None:
    assert parse_scalar(repr(number)) == number


@given(st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), min_size=2, max_size=30))
def test_each_repeated_key_is_reported_once_and_no_other(keys: list[str]) -> None:
    text = "".join(f"{key}x: 1\n" for key in keys)
    repeated = [number for number, key in enumerate(keys, 1) if key in keys[: number - 1]]
    try:
        document = parse_yaml(text.encode(), "f.yaml")
    except InputError as error:
        assert [int(mistake.split(":")[1]) for mistake in error.mistakes] == repeated
    else:
        assert not repeated
        assert len(document.data) == len(keys)
