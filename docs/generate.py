"""Fill the generated parts of README.md and docs/*.md: ``python docs/generate.py [--check]``.

What stands between ``<!-- generate: NAME ARGUMENTS -->`` and ``<!-- /generate -->`` is the output of a block
of `generators`: the help of the commands, real answers, the catalog, the errors on the evidence. With
``--check`` nothing is written; what differs is shown and the exit code is 1. Times that a search took do not
count as differences.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
MARK = re.compile(
    r"(?P<open><!-- generate: (?P<call>[^\n]+?) -->\n)(?P<old>.*?)(?P<close><!-- /generate -->)", re.DOTALL
)
SECONDS = re.compile(r"\bin \d+\.\d+ s\b")

Block = Callable[[str, str], str]
"""Takes the arguments of a mark and the text that stands there; returns the text that should."""


def blocks() -> dict[str, Block]:
    """Return every block by its name."""
    from generators import (
        accuracy,
        answers,
        clusters,
        code,
        fine_tuning,
        headline,
        kernels,
        launchers,
        operating,
        operators,
        pictures,
        records,
        scenarios,
        serving_accuracy,
        shared_errors,
        staged,
        traffic,
        tutorial,
    )

    pages = (
        answers, clusters, operating, records, code, fine_tuning, kernels, launchers, operators, accuracy,
        headline, pictures, scenarios, serving_accuracy, shared_errors, staged, traffic, tutorial,
    )  # fmt: skip
    return {name: block for page in pages for name, block in page.BLOCKS.items()}


def filled(text: str, known: dict[str, Block]) -> str:
    """Return a page with its marked parts filled anew."""

    def fill(found: re.Match[str]) -> str:
        name, _, arguments = found["call"].partition(" ")
        name, old = name.rstrip(";"), found["old"]
        if name not in known:
            raise SystemExit(f"unknown block {name!r}; there are {', '.join(known)}")
        new = known[name](arguments.strip(), old).rstrip("\n") + "\n"
        if SECONDS.sub("", new) == SECONDS.sub("", old):
            new = old
        return found["open"] + new + found["close"]

    return MARK.sub(fill, text)


def pages() -> list[Path]:
    """Return the pages that may hold marks."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def main() -> int:
    """Fill or check the pages; returns the exit code."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--check", action="store_true", help="only say what differs")
    options.add_argument("only", nargs="*", help="names of pages, for example cli.md")
    given = options.parse_args()
    os.environ |= {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}
    os.environ.pop("PLANNER_CATALOG", None)
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(HERE)]
    known, stale = blocks(), []
    for page in pages():
        if given.only and page.name not in given.only:
            continue
        old = page.read_text(encoding="utf-8")
        new = filled(old, known)
        if new == old:
            continue
        stale.append(page.name)
        if given.check:
            lines = (old.splitlines(keepends=True), new.splitlines(keepends=True))
            sys.stdout.writelines(
                difflib.unified_diff(*lines, f"{page.name} as it is", "as it should be", n=1)
            )
        else:
            page.write_text(new, encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")
    if given.check and stale:
        print(f"out of date: {', '.join(stale)}; run python docs/generate.py", file=sys.stderr)
    return int(given.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
