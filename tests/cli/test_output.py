"""One answer in every format: what people read, what programs read, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import stat
from pathlib import Path

import pytest

from planner.cli.output import Answer, Choice, Column, Table, document, rendered
from planner.cli.people import fixed, interval, percent, plain, quantity
from planner.cli.streams import check_writable, read_input, to_file
from planner.errors import InputError, OutputError, UsageError

ROWS = [
    {"name": 'a|b, "c"', "power_watts": 700.0, "days": {"value": 1 / 3, "low": 0.1, "high": 0.9}},
    {"name": "plain", "power_watts": None, "days": {"value": 2.0, "low": None, "high": None}},
]
TABLE = Table(
    [
        Column("name", "name"),
        Column("power_watts", "power", quantity("watts"), right=True),
        Column("days", "days", interval(fixed(1))),
    ],
    ROWS,
    title="Two rows",
)
ANSWER = Answer(document=document("planner.test/1", result={"rows": ROWS}), tables=[TABLE], text="And text.")


def render(answer: Answer, **options: object) -> str:
    return rendered(answer, Choice.of(**options))  # type: ignore[arg-type]


def test_people_see_rounded_numbers_with_units() -> None:
    text = render(ANSWER)
    assert "700 W" in text
    assert "0.3 (0.1 to 0.9)" in text
    assert text.startswith("Two rows\n")
    assert text.endswith("And text.\n")
    assert all(line == line.rstrip() for line in text.splitlines())


def test_json_is_the_whole_document_at_full_precision() -> None:
    read = json.loads(render(ANSWER, json=True))
    assert list(read) == ["schema", "inputs", "assumptions", "result", "sources"]
    assert read["result"]["rows"][0]["days"]["value"] == 1 / 3


def test_csv_reads_back_and_spreads_intervals() -> None:
    rows = list(csv.DictReader(io.StringIO(render(ANSWER, csv=True))))
    assert list(rows[0]) == ["name", "power_watts", "days", "days_low", "days_high"]
    assert rows[0]["name"] == 'a|b, "c"'
    assert float(rows[0]["days"]) == 1 / 3
    assert rows[1]["power_watts"] == ""


def test_csv_without_rows_still_has_its_header() -> None:
    empty = Answer(document={}, tables=[Table(TABLE.columns, [])])
    assert render(empty, csv=True) == "name,power_watts,days\n"


def test_json_lines_are_one_object_each() -> None:
    lines = render(ANSWER, jsonl=True).splitlines()
    assert [json.loads(line)["name"] for line in lines] == [row["name"] for row in ROWS]


@pytest.mark.parametrize("name", ["github", "latex", "html", "tsv", "rst", "json", "csv", "table"])
def test_formats_by_name(name: str) -> None:
    assert "plain" in render(ANSWER, format=name)


def test_what_is_not_finite_becomes_null_in_json() -> None:
    given = Answer(document={"a": math.nan, "b": [math.inf], "c": {"d": -math.inf}})
    assert json.loads(render(given, json=True)) == {"a": None, "b": [None], "c": {"d": None}}


def test_arrays_and_tuples_become_lists() -> None:
    numpy = pytest.importorskip("numpy")
    given = Answer(
        document={"a": numpy.arange(3), "b": numpy.float64(0.5), "c": (1, 2), 3: numpy.bool_(True)}
    )
    assert json.loads(render(given, json=True)) == {"a": [0, 1, 2], "b": 0.5, "c": [1, 2], "3": True}


def test_two_formats_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="json and csv are different formats"):
        Choice.of(json=True, csv=True)
    assert Choice.of(json=True, format="json").format == "json"


def test_an_unknown_format_is_answered_with_the_closest() -> None:
    with pytest.raises(UsageError, match="did you mean 'github'"):
        Choice.of(format="githob")


def test_rows_of_an_answer_without_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="use --json"):
        render(Answer(document={}, text="x"), csv=True)


@pytest.mark.parametrize(
    ("file", "format"),
    [("x.json", "json"), ("x.CSV", "csv"), ("x.jsonl", "jsonl"), ("x.md", "github"), ("x.txt", "table")],
)
def test_the_ending_of_the_file_picks_the_format(file: str, format: str) -> None:
    assert Choice.of(output=file).format == format
    assert Choice.of(output=file, csv=True).format == "csv"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (True, "yes"), (0.0, "0"), (1234, "1234"), (16384, "16,384"), (0.123456, "0.1235"),
        (1234.567, "1235"), (123456.7, "123,457"), (3.8e25, "3.8e+25"), (math.nan, "?"), (1e-9, "1e-09"),
        ([1, "a"], "1, a"), ("two\nlines", "two lines"), (12.5, "12.5"),
    ],
)  # fmt: skip
def test_plain_values(value: object, text: str) -> None:
    assert plain(value) == text


def test_intervals_and_percentages() -> None:
    show = interval(percent)
    assert show({"value": 0.412, "low": 0.4, "high": 0.5}) == "41.2 % (40.0 % to 50.0 %)"
    assert show(0.412) == "41.2 %"
    assert show({"value": 0.412, "low": None, "high": None}) == "41.2 %"
    assert show(None) == ""


def test_a_file_is_replaced_as_a_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("old")
    path.chmod(0o640)
    to_file(str(path), "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


def test_a_new_file_gets_the_permissions_of_the_user(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        to_file(str(tmp_path / "new"), "x")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    to_file(str(tmp_path / "link"), "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize("name", ["missing/x", "", "a\0b", ".", "x" * 5000])
def test_files_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="cannot be written"):
        to_file(name, "x")
    with pytest.raises(OutputError, match="cannot be written"):
        check_writable(name)
    assert not list(tmp_path.iterdir())


def test_looking_whether_a_file_can_be_written_leaves_it(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    for name in ("old", "new"):
        check_writable(str(tmp_path / name))
    check_writable("/dev/null")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("old", "old")]


def test_a_failure_midway_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plan").write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="the disk is full"):
        to_file(str(tmp_path / "plan"), "new")
    assert (tmp_path / "plan").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none"), str(tmp_path), "a\0b"):
        with pytest.raises(OutputError, match="cannot be read"):
            read_input(name)


def test_reading_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.cli.streams.MOST_BYTES", 10)
    (tmp_path / "large").write_bytes(b"x" * 11)
    with pytest.raises(InputError, match="is it the right file"):
        read_input(str(tmp_path / "large"))
