"""README and docs say what the program does, and their links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from planner.evidence.serving_validate import validate_serving
from planner.evidence.validate import validate_training

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
DRIFT = 0.5
"""Percentage points that the shipped errors may move before the stored cross-validation is stale."""


def command(mark: str) -> str:
    found = re.search(rf"<!-- command: {mark} -->\n```sh\n(.+)\n```", PAGES[0].read_text(encoding="utf-8"))
    assert found, f"README.md has no command marked {mark}"
    return found[1]


@pytest.mark.slow
def test_the_generated_parts_are_up_to_date() -> None:
    check = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(check, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-3000:]


@pytest.mark.slow
def test_the_stored_cross_validation_belongs_to_this_estimator() -> None:
    stored = json.loads((ROOT / "docs/data/crossvalidation.json").read_text(encoding="utf-8"))
    then, now = stored["as_calibrated"], validate_training().summary
    moved = {
        name: (then[name], now[name])
        for name in ("median_abs_pct", "mean_abs_pct", "p90_abs_pct", "bias_pct")
        if abs(then[name] - now[name]) > DRIFT
    }
    mend = "the estimator has changed since: run python docs/crossvalidate.py and python docs/generate.py"
    assert not moved, f"{moved}: {mend}"
    assert then["rows"] == now["rows"], mend


@pytest.mark.slow
def test_the_stored_cross_validation_of_serving_belongs_to_this_estimator() -> None:
    stored = json.loads((ROOT / "docs/data/crossvalidation_serving.json").read_text(encoding="utf-8"))
    mend = "the estimator has changed since: run python docs/crossvalidate_serving.py and docs/generate.py"
    for metric, now in validate_serving().summary.items():
        then = stored["as_calibrated"][metric]
        moved = {
            name: (then[name], getattr(now, name))
            for name in ("median_abs_pct", "mean_abs_pct", "p90_abs_pct", "bias_pct")
            if abs(then[name] - getattr(now, name)) > DRIFT
        }
        assert not moved, f"{metric}: {moved}: {mend}"
        assert then["rows"] == now.rows, mend


def test_the_test_command_installs_the_test_group() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert re.findall(r"'([^']+)'", command("test")) == groups["test"]


def test_the_main_command_runs_a_plan_from_nothing() -> None:
    line = command("run")
    assert line.startswith("python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/planner train ")


def test_every_shell_example_names_a_command_that_exists() -> None:
    from planner.cli.tree import COMMANDS

    for page in PAGES:
        for block in re.findall(r"```(?:sh|console)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for words in re.findall(
                r"^(?:\$ )?planner ((?:--catalog \S+ )?[a-z-]+(?: [a-z]+)?)", block, re.MULTILINE
            ):
                first, *rest = re.sub(r"--catalog \S+ ", "", words).split()
                entry = COMMANDS.get(first)
                assert entry is not None, f"{page.name}: planner {words}"
                assert isinstance(entry, str) or rest[0] in entry[1], f"{page.name}: planner {words}"


def test_the_overlay_of_the_catalog_page_has_no_mistakes() -> None:
    from planner.catalog.lint import lint
    from planner.catalog.load import Catalog

    folder = ROOT / "docs" / "data" / "my-catalog"
    assert len(list(folder.rglob("*.yaml"))) == 4
    assert lint(Catalog((folder,)), folder=folder) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(there), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_ci_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    if not script.exists():
        pytest.skip("not part of the source distribution")
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert {"readme test", "readme run"} <= set(re.findall(r"readme \w+", text))
    assert "pytest" not in re.sub(r"#.*|grep.*", "", text), "the tests are run by the README's own command"
