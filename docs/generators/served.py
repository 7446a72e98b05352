"""The serving predictions that the accuracy pages are about: as shipped now, held-out ones as stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from planner.evidence.serving_targets import Target
from planner.evidence.serving_validate import (
    Figures,
    Scores,
    ServingValidation,
    figures,
    scores,
    validate_serving,
)

__all__ = ["METRICS", "Served", "by", "found", "held", "of_metric", "score", "shipped", "stored"]

STORED = Path(__file__).resolve().parents[1] / "data" / "crossvalidation_serving.json"
METRICS = {
    "tpot_ms": "time per output token",
    "ttft_ms": "time to first token",
    "throughput": "throughput",
}


@dataclass(frozen=True)
class Served:
    """A figure predicted with constants that have not seen its fold."""

    target: Target
    name: str  # class of its interval
    fold: str
    predicted: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """Percent, positive where predicted too much."""
        return (self.predicted / self.target.measured - 1.0) * 100.0

    @property
    def covered(self) -> bool:
        """Whether the measurement lies in the interval."""
        return self.low <= self.target.measured <= self.high


@cache
def found() -> Figures:
    """Return the evidence."""
    from planner.catalog.load import Catalog

    return figures(Catalog())


@cache
def shipped() -> ServingValidation:
    """Return the evidence predicted with the constants that planner ships."""
    return validate_serving()


@cache
def stored() -> dict[str, Any]:
    """Return what `docs/crossvalidate_serving.py` stored."""
    read: dict[str, Any] = json.loads(STORED.read_text(encoding="utf-8"))
    return read


@cache
def held() -> tuple[Served, ...]:
    """Return the held-out figures."""
    targets = {f"{target.run.id} {target.metric}": target for target in found().targets}
    return tuple(
        Served(targets[key], name, fold, *values) for key, (name, fold, *values) in stored()["rows"].items()
    )


def score(rows: Iterable[Served]) -> Scores:
    """Return errors and coverage of some figures."""
    part = list(rows)
    return scores(
        np.array([row.predicted / row.target.measured for row in part]),
        np.array([row.covered for row in part], dtype=bool),
        np.array([row.high / row.low for row in part]),
    )


def of_metric(metric: str) -> list[Served]:
    """Return the held-out figures of a metric."""
    return [row for row in held() if row.target.metric == metric]


def by(key: Callable[[Served], str | None], rows: Iterable[Served]) -> dict[str, list[Served]]:
    """Group figures, the largest group first; those without a key are left out."""
    groups: dict[str, list[Served]] = {}
    for row in rows:
        name = key(row)
        if name is not None:
            groups.setdefault(name, []).append(row)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))
