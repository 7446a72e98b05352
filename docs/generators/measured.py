"""The predictions that the accuracy page is about: shipped constants now, cross-validated ones as stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from planner.evidence.runs import Run, read_runs
from planner.evidence.statistics import Errors, errors
from planner.evidence.validate import ValidationResult, evidence_path, validate_training

__all__ = [
    "STORED",
    "Held",
    "by",
    "held",
    "markdown",
    "percent",
    "runs",
    "shipped",
    "statistics",
    "stored",
    "tpu",
]

STORED = Path(__file__).resolve().parents[1] / "data" / "crossvalidation.json"
CELL_ROWS, CELL_LIMIT = 5, 12.0


@dataclass(frozen=True)
class Held:
    """A row predicted with constants that have not seen its family."""

    run: Run
    name: str  # class of model and software
    measured: float
    predicted: float
    low: float
    high: float

    @property
    def moe(self) -> bool:
        """Whether the model has experts."""
        return self.name.startswith("moe")

    @property
    def on_tpu(self) -> bool:
        """Whether it ran on TPUs."""
        return self.run.text["accelerator"].startswith("tpu")

    @property
    def error(self) -> float:
        """Percent, positive where predicted too slow."""
        return (self.predicted / self.measured - 1.0) * 100.0

    @property
    def covered(self) -> bool:
        """Whether the measurement lies in the interval."""
        return self.low <= self.measured <= self.high


@cache
def runs() -> dict[str, Run]:
    """Return the evidence by id."""
    return {run.id: run for run in read_runs(evidence_path())}


@cache
def shipped() -> ValidationResult:
    """Return the evidence predicted with the constants that planner ships."""
    return validate_training()


@cache
def stored() -> dict[str, Any]:
    """Return what `docs/crossvalidate.py` stored."""
    found: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    return found


@cache
def held() -> tuple[Held, ...]:
    """Return the cross-validated rows."""
    return tuple(
        Held(runs()[key], name, runs()[key].step_time_s or np.nan, *values)
        for key, (name, *values) in stored()["rows"].items()
    )


@cache
def tpu() -> tuple[Held, ...]:
    """Return the TPU rows, predicted without their generation."""
    found = stored()["tpu"]
    names = {key: name for key, (name, *_) in stored()["rows"].items()}
    return tuple(
        Held(runs()[key], names[key], runs()[key].step_time_s or np.nan, value, np.nan, np.nan)
        for key, value in found.items()
    )


def statistics(rows: Iterable[Held]) -> Errors:
    """Return the errors of some rows."""
    return errors(np.array([row.predicted / row.measured for row in rows]))


def by(key: Callable[[Run], str], rows: Iterable[Held]) -> dict[str, list[Held]]:
    """Group rows, the largest group first."""
    groups: dict[str, list[Held]] = {}
    for row in rows:
        groups.setdefault(key(row.run), []).append(row)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def percent(value: float, *, signed: bool = False) -> str:
    """Write a percentage."""
    text = f"{value:+.1f}" if signed else f"{value:.1f}"
    return "0.0" if text in ("-0.0", "+0.0") else text


def markdown(head: list[str], rows: Iterable[Iterable[Any]]) -> str:
    """Write a table: text columns at the left, the others at the right."""
    body = [list(map(str, row)) for row in rows]
    right = [i > 0 and all(_numeric(row[i]) for row in body) for i in range(len(head))]
    rule = ["---:" if r else "---" for r in right]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *body))


def _numeric(text: str) -> bool:
    return not text or text[0] in "0123456789+-"
