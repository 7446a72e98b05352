"""``planner curve``: tables, data, pictures by their ending, errors with their mend."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from planner.cli.documents_curve import Curve
from planner.plot import files
from planner.plot.labels import overlapping, written

Run = Callable[..., Any]
HERE = ("curve", "throughput", "llama-3.1-8b", "--gpu", "h100", "--gpus", "64..256", "--points", "2")
FAST = (*HERE, "--layout", "tp=1 cp=1 pp=1", "--scaling", "strong")


def test_people_see_some_points_and_the_assumptions(run: Run) -> None:
    result = run(*FAST)
    assert result.exit_code == 0, result.stderr
    assert "throughput, failures included, tokens/s" in result.stdout
    assert "Bands hold the measurement in 80 %" in result.stdout
    assert "assumed" in result.stdout


def test_data_as_csv_and_json(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run(*FAST, "--csv").stdout)))
    assert [row["gpus"] for row in rows] == ["64.0", "256.0"]
    assert (
        float(rows[0]["tokens_per_s_low"])
        < float(rows[0]["tokens_per_s"])
        < float(rows[0]["tokens_per_s_high"])
    )
    document = json.loads(run(*FAST, "--json").stdout)
    assert document["schema"] == "planner.curve/1"
    assert document["inputs"]["options"] == {"scaling": "strong", "layout": {"tp": 1, "cp": 1, "pp": 1}}
    assert document["sources"]
    Curve.model_validate(document)


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_ending_picks_the_picture(run: Run, tmp_path: Path, ending: str, start: bytes) -> None:
    file = tmp_path / f"c.{ending}"
    result = run(*FAST, "-o", str(file), "--size", "6x4", "--dpi", "60")
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"Wrote {file}" in result.stderr
    assert file.read_bytes().startswith(start)


def test_data_goes_to_stdout_beside_a_picture(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "c.png"
    result = run(*FAST, "-o", str(file), "--csv")
    assert result.stdout.startswith("series,gpus,tokens_per_s")
    assert file.stat().st_size > 10_000


def test_models_given_both_ways_are_laid_over_one_another(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run(*FAST, "--model", "llama-3-70b", "--csv").stdout)))
    assert {row["series"] for row in rows} == {"llama-3-8b", "llama-3-70b"}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("curve", "throughptu"), 2, "did you mean 'throughput'?"),
        (("curve", "days", "--gpu", "h100"), 2, "needs a model, as in --model llama-3.1-405b"),
        (("curve", "days", "llama-3.1-8b"), 2, "needs hardware, as in --gpu h100"),
        ((*HERE[:-4], "--gpus", "1M..8"), 3, "write the smaller number first"),
        ((*HERE[:-4], "--gpus", "8..inf"), 3, "--gpus 'inf'"),
        ((*HERE[:-4], "--gpus", ".."), 3, "name an end of the range"),
        ((*HERE[:-2], "--points", "1"), 3, "--points '1' is outside 2 to 1,000"),
        ((*HERE, "--scaling", "stong"), 3, "did you mean 'strong'?"),
        ((*HERE, "--layout", "ppp=2"), 2, "did you mean 'pp' or 'vpp'?"),
        ((*HERE, "--with", "seqlen=4k"), 3, "did you mean 'seq_len'?"),
        ((*HERE, "--with", "days=4"), 3, "the curve sets it itself"),
        ((*HERE, "--with", "site=usual", "--site", "usual"), 2, "say the same; keep one"),
        ((*HERE, "--size", "8"), 2, "as in --size 8x5"),
        ((*HERE, "--dpi", "many"), 2, "as in --dpi 150"),
        (("curve", "days", "llama-3.1-8b", "--gpu", "h1000"), 3, "unknown accelerator 'h1000'"),
        (("curve", "days", "llama-8", "--gpu", "h100", "--gpus", "8"), 3, "unknown model"),
        (("catalog", "list", "-o", "x.svg"), 2, "has no picture"),
        ((*HERE, "-o", "x.jpg"), 2, "pictures are written as .svg, .png or .pdf"),
    ],
)
def test_mistakes_come_with_their_mend(
    run: Run, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == code, result.stderr
    assert sentence in result.stderr


@pytest.mark.parametrize("kind", ["throughput", "mfu", "days"])
def test_words_of_several_lines_do_not_overlap(run: Run, tmp_path: Path, kind: str) -> None:
    drawn: list[Any] = []
    plain = files.rendered

    def kept(axes: Any, format: str, **how: Any) -> bytes:
        drawn.append((len(written(axes)), overlapping(axes)))
        return plain(axes, format, **how)

    asked = ("curve", kind, "llama-3.1-8b", "--gpu", "h100", "--gpu", "b200", "--layout", "tp=1 cp=1 pp=1")
    with patch.object(files, "rendered", kept):
        assert run(*asked, "--points", "12", "-o", str(tmp_path / "c.svg")).exit_code == 0
    ((words, covered),) = drawn
    assert words > 20
    assert covered == []


def test_where_nothing_fits_there_is_no_picture(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "c.svg"
    asked = ("curve", "mfu", "llama-3.1-405b", "--gpu", "h100", "--gpus", "8..16", "--points", "2")
    result = run(*asked, "-o", str(file))
    assert result.exit_code == 4
    assert "llama-3.1-405b on h100-sxm" in result.stdout
    assert not file.exists()


def test_a_picture_that_cannot_be_written_is_refused_before_it_is_computed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("planner.plan.curve.curve.curve", lambda *_, **__: pytest.fail("computed"))
    result = run(*FAST, "-o", str(tmp_path / "none" / "c.png"))
    assert result.exit_code == 5
    assert "there is no directory" in result.stderr


def test_data_needs_no_drawing(process: Run) -> None:
    code = (
        "import sys; from planner.cli.tree import app; "
        f"app({[*FAST, '--csv']!r}, standalone_mode=False); "
        "print('matplotlib' in sys.modules, file=sys.stderr)"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)  # noqa: S603
    assert done.stderr.decode().strip().endswith("False")


def test_the_schema_is_there(run: Run) -> None:
    schema = json.loads(run("schema", "curve").stdout)
    assert schema["properties"]["schema"]["const"] == "planner.curve/1"
