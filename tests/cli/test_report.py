"""``planner report``: the file, its bytes, how to ask again, and what is refused."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any, Final

import pytest

import planner
from planner.errors import InputError, MissingExtraError, OutputError, UsageError

Run = Callable[..., Any]
SHOW: Final = "colossus-2-show"
TRAIN: Final = """\
name: A <small> run & more
command: train
inputs:
  model: llama-3.1-8b
  gpu: h100-sxm
  gpus: 8
  tokens: 1B
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_is_named_after_what_it_is_about(run: Run, here: Path) -> None:
    result = run("report", SHOW)
    assert result.exit_code == 0
    page = (here / f"{SHOW}.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert f"Wrote {SHOW}.html" in result.stderr
    assert "equivalents" in result.stdout
    again = run("report", SHOW)
    assert "held something else, which is replaced" in again.stderr
    assert (here / f"{SHOW}.html").read_text(encoding="utf-8") == page


def test_another_process_writes_the_same_bytes(process: Any, here: Path) -> None:
    for name, seed in (("a.html", "1"), ("b.html", "2")):
        done = process("report", SHOW, "-o", str(here / name), env={"PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stderr
    assert (here / "a.html").read_bytes() == (here / "b.html").read_bytes()


def test_a_page_asks_again(run: Run, here: Path) -> None:
    (here / "mine.yaml").write_text(TRAIN, encoding="utf-8")
    set_ = "accelerator.h100-sxm.memory.bandwidth=*0.9"
    result = run("report", "mine.yaml", "-w", "tokens=2B", "-s", set_, "--figures", "none", "-o", "-")
    page = unescape(result.stdout)
    assert "A <small> run & more" in page
    assert "<small>" not in result.stdout
    assert "<svg" not in page
    command = f"planner run mine.yaml --with tokens=2B --set '{set_}'"
    assert command in page
    asked = run(*shlex.split(command)[1:], "--json")
    assert json.loads(asked.stdout)["inputs"]["tokens"] == 2e9
    saved = page.partition("<pre>id:")[2].partition("</pre>")[0]
    (here / "again.yaml").write_text(f"id:{saved}", encoding="utf-8")
    first, second = (json.loads(run("run", one, "--json").stdout) for one in ("again.yaml", "again.yaml"))
    assert first["result"]["plan"] == second["result"]["plan"] == json.loads(asked.stdout)["result"]["plan"]


def test_a_scenario_on_stdin_and_a_part_of_no_record(run: Run, here: Path) -> None:
    result = run("report", "-", "--figures", "breakdown", "--title", "Mine", stdin=TRAIN)
    assert result.exit_code == 0
    page = (here / "report.html").read_text(encoding="utf-8")
    assert "<title>Mine</title>" in page
    assert page.count("<svg ") == 1
    assert "planner run question.yaml" in page


def test_a_cluster_is_reported_by_its_dossier(run: Run, here: Path) -> None:
    result = run("report", "h100-sxm:64", "-w", "sections=site", "-w", "workers=1", "--figures", "power")
    assert result.exit_code == 0
    page = unescape((here / "h100-sxm-64.html").read_text(encoding="utf-8"))
    assert "planner capacity h100-sxm:64 --sections site --workers 1\n" in page.replace("</pre>", "\n")
    assert "planner report h100-sxm:64 --with sections=site --with workers=1" in page


def test_what_is_not_feasible_is_a_page_that_says_why(run: Run, here: Path) -> None:
    result = run("report", "-", "-w", "model=llama-3.1-405b", "-o", "none.html", stdin=TRAIN)
    assert result.exit_code == 4
    page = (here / "none.html").read_text(encoding="utf-8")
    assert "Why not" in page
    assert "Feasible with" in page


def test_a_document_for_programs(run: Run, here: Path) -> None:
    result = run("report", SHOW, "--json", "-o", "a.html")
    said = json.loads(result.stdout)
    assert said["schema"] == "planner.report/1"
    assert [one["name"] for one in said["result"]["figures"]]
    assert said["result"]["kilobytes"] * 1000 == len((here / "a.html").read_bytes())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["colosus-2"], 3, "no scenario and no cluster is called 'colosus-2'; did you mean 'colossus-2'"),
        ([SHOW, "--figures", "powr"], 2, "--figures powr: no such figure; did you mean 'power'?"),
        ([SHOW, "-o", "no/where.html"], 5, "no/where.html: cannot be written: there is no directory"),
        (["none.yaml"], 5, "none.yaml"),
        ([SHOW, "-o", "a.pdf"], 2, "a report is a page of HTML; name it a.html"),
        ([SHOW, "-w", "nme=2"], 3, "unknown input; did you mean 'name'?"),
    ],
)
def test_refusals_say_the_mend(run: Run, here: Path, arguments: list[str], code: int, says: str) -> None:
    result = run("report", *arguments)
    assert result.exit_code == code
    assert says in result.stderr
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", ["no/where.html", "."])
def test_a_page_that_cannot_be_written_is_refused_before_anything_is_asked(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("planner.reports.asked.asked", lambda *_, **__: pytest.fail("asked"))
    monkeypatch.setattr("planner.reports.report.asked", lambda *_, **__: pytest.fail("asked"))
    result = run("report", SHOW, "-o", name)
    assert (result.exit_code, "cannot be written" in result.stderr) == (5, True)
    with pytest.raises(OutputError, match="directory"):
        planner.report(SHOW, output=name)
    assert list(here.iterdir()) == []


def test_a_missing_extra_is_said_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'planner\[report\]'"):
        planner.report("there is none of this name")


def test_the_library_refuses_what_is_neither() -> None:
    with pytest.raises(InputError, match="no scenario and no cluster"):
        planner.report("nothing")
    with pytest.raises(UsageError, match="no such figure"):
        planner.report(SHOW, figures=["nothing"])
    assert planner.report(SHOW, figures="none").result.figures == ()


def test_the_step_of_a_service_says_whose_it_is() -> None:
    asked = {"command": "serve", "inputs": {"model": "llama-3.1-8b", "accelerator": "h100-sxm", "gpus": 64}}
    titles = {}
    for mode in ("aggregated", "disaggregated"):
        page = planner.report(asked, figures="breakdown", mode=mode)
        titles[mode] = page.result.figures[0].title
        role = page.answer.plan.deployment.layouts[0].role
    assert titles["aggregated"] == "Where the time of a mean step goes"
    assert titles["disaggregated"] == f"Where the time of a mean step of the {role} replicas goes"
