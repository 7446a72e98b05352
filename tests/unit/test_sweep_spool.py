"""The work directory of a sweep: what is done is neither lost nor doubled, whatever ends the program."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path
from typing import Any

import pytest

import planner
from planner.errors import InputError, OutputError, UsageError
from planner.plan.sweep import executors, spool
from planner.plan.sweep.spool import Spool

HEADER = b"row,x\n"
MANIFEST: dict[str, Any] = {"grid": "a", "rows": 20}
PARTS = [(4, b"".join(b"%d,%d\n" % (i, i * i) for i in range(start, start + 4))) for start in range(0, 20, 4)]
WHOLE = HEADER + b"".join(content for _, content in PARTS)
GRID: dict[str, Any] = {
    "command": "cluster size",
    "inputs": {"price": "reserved"},
    "axes": {"accelerator": ["h100-sxm", "b200"], "budget": ["$1B", "$2B", "$3B"]},
}


def written(output: Path, most: int = len(PARTS), manifest: dict[str, Any] = MANIFEST) -> int:
    """Go on with a sweep for some parts; returns the rows that were done before."""
    with Spool(output, manifest, header=HEADER) as one:
        done = one.resumed
        for rows, content in PARTS[done // 4 : done // 4 + most]:
            one.append(rows, content, infeasible=1)
        if one.done == 20:
            assert one.infeasible == len(PARTS)
            one.finish()
    return done


def test_parts_go_on_where_they_ended_and_the_file_takes_the_output_at_once(tmp_path: Path) -> None:
    output = tmp_path / "rows.csv"
    output.write_bytes(b"something else")
    assert [written(output, 2), written(output, 1)] == [0, 8]
    assert output.read_bytes() == b"something else"
    assert written(output) == 12
    assert output.read_bytes() == WHOLE
    assert os.listdir(tmp_path) == ["rows.csv"]


@pytest.mark.parametrize("seed", range(25))
def test_any_cut_of_both_files_is_mended(tmp_path: Path, seed: int) -> None:
    """What a crash leaves: rows that are written in part, a line of the journal that is not whole."""
    output, draw = tmp_path / "rows.csv", random.Random(seed)  # noqa: S311
    written(output, 3)
    rows, journal = (tmp_path / "rows.csv.sweep" / name for name in ("rows", "journal"))
    if draw.random() < 0.7:
        with journal.open("r+b") as file:
            file.truncate(draw.randrange(journal.stat().st_size + 1))
    if draw.random() < 0.5:
        with rows.open("ab") as file:
            file.write(b"never finished"[: draw.randrange(14)])
    elif draw.random() < 0.5:
        with rows.open("r+b") as file:
            file.truncate(draw.randrange(rows.stat().st_size + 1))
    if draw.random() < 0.3:
        with journal.open("ab") as file:
            file.write(draw.choice([b"99 99 0 00000000\n", b"\x00\xff", b"20 500 5"]))
    written(output)
    assert output.read_bytes() == WHOLE


def test_another_grid_is_refused_with_the_mend(tmp_path: Path) -> None:
    output = tmp_path / "rows.csv"
    written(output, 1)
    with pytest.raises(InputError, match=r"part of another sweep: its grid differs; .*--restart"):
        written(output, manifest={"grid": "b", "rows": 20})
    with pytest.raises(InputError, match="its catalog, rows differ"):
        written(output, manifest={"grid": "a", "rows": 24, "catalog": "c"})
    assert written(output) == 4


def test_another_grid_begins_where_nothing_was_done(tmp_path: Path) -> None:
    output = tmp_path / "rows.csv"
    written(output, 0, manifest={"grid": "b", "rows": 24})
    assert written(output, 1) == 0
    assert written(output) == 4
    assert output.read_bytes() == WHOLE


@pytest.mark.parametrize("restart", [False, True])
def test_a_second_writer_is_refused_and_touches_nothing(tmp_path: Path, *, restart: bool) -> None:
    output = tmp_path / "rows.csv"
    with Spool(output, MANIFEST, header=HEADER) as first:
        first.append(*PARTS[0], infeasible=1)
        part = first.folder / "part-1"
        part.write_bytes(PARTS[1][1])
        with (
            pytest.raises(OutputError, match="another sweep is writing it"),
            Spool(output, MANIFEST, header=HEADER, restart=restart),
        ):
            pass
        first.append(PARTS[1][0], part, infeasible=1)
    assert written(output) == 8
    assert output.read_bytes() == WHOLE


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_full_disk_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, after: int
) -> None:
    output = tmp_path / "rows.csv"
    calls = iter(range(100))

    def full(file: Any, content: bytes) -> None:
        if file.name.endswith("rows") and next(calls) == after + 1:  # the header is the first
            file.write(content[:5])
            raise OSError(number, os.strerror(number))
        file.write(content)

    monkeypatch.setattr(spool, "_written", full)
    with pytest.raises(OutputError) as caught:
        written(output)
    assert f"{4 * after} rows are kept in" in str(caught.value)
    assert "run the same sweep again to go on" in str(caught.value)
    assert ("free some space" in str(caught.value)) == (number != errno.EIO)
    monkeypatch.undo()
    assert written(output) == 4 * after
    assert output.read_bytes() == WHOLE


def test_places_that_cannot_be_written_are_said_before_anything_is_computed(tmp_path: Path) -> None:
    def refused(output: Path) -> str:
        with pytest.raises(OutputError) as caught:
            planner.sweep(GRID, output=output)
        return str(caught.value)

    assert "there is no directory" in refused(tmp_path / "none" / "rows.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "Is a directory; name a file" in refused(tmp_path / "folder.csv")
    with pytest.raises(UsageError, match=r"ends in \.csv or \.parquet; name one"):
        planner.sweep(GRID, output=tmp_path / "rows.xlsx")
    with pytest.raises(UsageError, match="say where to write the rows"):
        planner.sweep(GRID)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_sweep_that_fails_goes_on_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    undisturbed = planner.sweep(GRID, output=tmp_path / f"whole.{suffix}", chunk=1)
    output, left = tmp_path / f"rows.{suffix}", [2]
    compute = executors.computed

    def failing(order: Any, span: tuple[int, int]) -> Any:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return compute(order, span)

    monkeypatch.setattr(executors, "computed", failing)
    done = []
    for _ in range(2):
        left[0] = 2
        with pytest.raises(KeyboardInterrupt):
            planner.sweep(
                GRID, output=output, chunk=1, progress=lambda done_, all_, before: done.append(before)
            )
    with pytest.raises(InputError, match="part of another sweep: its grid, rows differ"):
        planner.sweep({**GRID, "axes": {"budget": ["$1B"], "accelerator": ["h100-sxm"]}}, output=output)
    left[0] = 10
    found = planner.sweep(GRID, output=output, chunk=4)
    assert (found.result.resumed_rows, found.result.rows) == (4, 6)
    assert set(done) == {0, 2}
    assert output.read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()
    assert found.result.infeasible == undisturbed.result.infeasible
    assert planner.sweep(GRID, output=output).result.resumed_rows == 0


def test_restart_begins_anew(tmp_path: Path) -> None:
    output = tmp_path / "rows.csv"
    with Spool(output, MANIFEST, header=HEADER) as one:
        one.append(*PARTS[0])
    assert planner.sweep(GRID, output=output, restart=True).result.rows == 6
    assert output.read_bytes().count(b"\n") == 7
