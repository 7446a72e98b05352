from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from planner.catalog.strict_yaml import MOST_BYTES, MOST_DEPTH, parse_scalar, parse_yaml, read_yaml
from planner.errors import InputError, OutputError


def mistakes_of(content: str | bytes) -> tuple[str, ...]:
    raw = content.encode() if isinstance(content, str) else content
    with pytest.raises(InputError) as caught:
        parse_yaml(raw, "f.yaml")
    return caught.value.mistakes


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e12", 1e12),
        ("3.35e12", 3.35e12),
        (".5", 0.5),
        ("-3", -3),
        ("+3", 3),
        ("0777", 777),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("FALSE", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("on", "on"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ("2024-03-18", "2024-03-18"),
        ("1_000", "1_000"),
        ("3.35 TB/s", "3.35 TB/s"),
        ("0b1", "0b1"),
        ("1e", "1e"),
        ("-0x1", "-0x1"),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    read = parse_scalar(text)
    assert read == value
    assert type(read) is type(value)
    document = parse_yaml(f"a: {text}".encode(), "f.yaml").data
    assert document == {"a": value}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (".nan", "not a finite number"),
        ("-.inf", "not a finite number"),
        ("1e999", "too large a number"),
        ("9223372036854775808", "too large an integer"),
        ("9" * 100_000, "too large an integer"),
        ("0x" + "f" * 30, "too large an integer"),
    ],
)
def test_numbers_that_nothing_holds_are_refused(text: str, complaint: str) -> None:
    (mistake,) = mistakes_of(f"x: 1\na: {text}\n")
    assert mistake.startswith("f.yaml:2: a: ")
    assert complaint in mistake
    assert len(mistake) < 200


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' appears twice, first on line 1"),
        ("a: {x: 1, x: 2}\n", 1, "'x' appears twice"),
        ("b: &x 3\n", 1, "anchor '&x' is not allowed"),
        ("<<: {q: 1}\n", 1, "merge key '<<' is not allowed"),
        ("a: 1\n1: 2\n", 2, "key 1 is not text; write it in quotes"),
        ("true: 2\n", 1, "key true is not text"),
        ("~: 2\n", 1, "key ~ is not text"),
        (".nan: 2\n", 1, "key .nan is not text"),
        ("{[1]: 2}\n", 1, "a key must be text, not a list or mapping"),
        ("? {a: 1}\n: 2\n", 1, "a key must be text, not a list or mapping"),
        ("a: !!python/object/apply:os.system [x]\n", 1, "is not allowed; remove it"),
        ("a: !local 3\n", 1, "tag '!local' is not allowed"),
        ("a: ! 3\n", 1, "tag '!' is not allowed"),
        ("a: 1\n---\nb: 2\n", 2, "a second document starts here"),
        ("- 1\n", 1, "the file holds a list"),
        ("[1]", 1, "the file holds a list"),
        ("text\n", 1, "the file holds one value"),
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        ("---\n", 1, "the file is empty"),
        ("a:\n\tb: 1\n", 2, "indent with spaces, not tabs"),
        ("a: b: c\n", 1, "put text that contains ': ' in quotes"),
        ("a: @x\n", 1, "starts with a special character in quotes"),
        ("a: [1, 2\n", 2, "check the indentation and quotes"),
        ("a: 'x\n", 2, "check the indentation and quotes"),
        ("a: 1\n  b: 2\n", 2, "put text that contains ': ' in quotes, and check the indentation"),
        ("a: " + "[" * 100_000, 1, f"nested more than {MOST_DEPTH} deep"),
        ("a: " + "{a: " * 100_000, 1, f"nested more than {MOST_DEPTH} deep"),
        (
            "a:\n" + "".join(" " * depth + "- \n" for depth in range(1, 100)),
            MOST_DEPTH + 1,
            "nested more than",
        ),
        ("a: [" + "1," * 300_000 + "]", 1, "more than 200000 values"),
    ],
)
def test_hostile_text_is_refused_at_its_line(text: str, line: int, complaint: str) -> None:
    found = mistakes_of(text)
    assert found[0].startswith(f"f.yaml:{line}: ")
    assert complaint in found[0]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("content", "line", "complaint"),
    [
        (b"\xef\xbb\xbfa: 1\n", 1, "byte-order mark"),
        ("a: 1\n".encode("utf-16"), 1, "byte-order mark"),
        ("a: 1\n".encode("utf-16-be"), 1, "control character U+0000"),
        (b"a: 1\nb: caf\xe9\n", 2, "byte 0xe9 is not UTF-8"),
        (b"a: 1\nb: x\x00y\n", 2, "control character U+0000"),
        (b"a: \x1b[31mred\n", 1, "control character U+001B"),
        (b"x" * (MOST_BYTES + 1), 1, "larger than 4 MiB"),
    ],
)
def test_bytes_that_are_no_text_are_refused(content: bytes, line: int, complaint: str) -> None:
    (mistake,) = mistakes_of(content)
    assert mistake.startswith(f"f.yaml:{line}: ")
    assert complaint in mistake


def test_aliases_are_refused_before_they_multiply() -> None:
    found = mistakes_of("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")
    assert [mistake.split(":")[1] for mistake in found] == ["1", "2", "2", "2", "3", "3"]
    assert "alias '*b' is not allowed; write the value out" in found[-1]


def test_an_alias_as_a_key_is_refused() -> None:
    assert "alias '*x' is not allowed" in mistakes_of("*x : 1\n")[0]


def test_an_alias_as_the_whole_file_is_refused() -> None:
    assert "alias '*x' is not allowed" in mistakes_of("*x\n")[0]


def test_all_mistakes_of_a_file_are_reported_at_once() -> None:
    found = mistakes_of("a: 1\na: 2\nb: &x 3\nc: .nan\n2: d\n")
    assert [mistake.split(":")[1] for mistake in found] == ["2", "3", "4", "5"]


def test_mistakes_before_broken_syntax_are_kept() -> None:
    found = mistakes_of("a: 1\na: 2\nb: [\n")
    assert "appears twice" in found[0]
    assert "not valid YAML" in found[1]


def test_text_in_quotes_stays_text() -> None:
    data = parse_yaml(b"a: '1'\nb: \"true\"\n'<<': x\n'1': y\n\"\": z\n", "f.yaml").data
    assert data == {"a": "1", "b": "true", "<<": "x", "1": "y", "": "z"}


def test_every_value_has_its_line() -> None:
    document = parse_yaml(b"a: 1\nb:\n  c: 2\n  d:\n  - x\n  - e: 3\n\nf: {g: 4}\n", "f.yaml")
    assert document.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "d"): 4,
        ("b", "d", 0): 5,
        ("b", "d", 1): 6,
        ("b", "d", 1, "e"): 6,
        ("f",): 8,
        ("f", "g"): 8,
    }


def test_a_mistake_is_placed_at_the_nearest_line() -> None:
    document = parse_yaml(b"a: 1\nb:\n  c: 2\n", "f.yaml")
    assert document.mistake(("b", "c"), "wrong") == "f.yaml:3: b.c: wrong"
    assert document.mistake(("b", "union-tag", "c"), "wrong") == "f.yaml:3: b.c: wrong"
    assert document.mistake(("b", "d"), "missing", missing=True) == "f.yaml:2: b.d: missing"
    assert document.mistake((), "wrong") == "f.yaml:1: wrong"


def test_reading_can_stop_early(write: Callable[[str, str], Path]) -> None:
    path = write("x.yaml", "id: a\naliases: [b, c]\nrest: [unclosed\n")
    assert read_yaml(path, only=("id", "aliases")).data == {"id": "a", "aliases": ["b", "c"]}
    with pytest.raises(InputError, match="not valid YAML"):
        read_yaml(path)


def test_a_file_that_cannot_be_read_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(OutputError, match="cannot be read"):
        read_yaml(tmp_path)
