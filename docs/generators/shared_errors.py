"""What two predictions share of their errors, and how ratios cover: blocks of the page on comparisons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from planner.catalog.kinds import CALIBRATION, SERVING_CALIBRATION
from planner.catalog.load import Catalog
from planner.catalog.schema.calibration import SharedError
from planner.evidence.pairs import Rows, pair_coverage
from planner.evidence.runs import read_runs
from planner.evidence.serving_pairs import rows_by_metric
from planner.evidence.serving_runs import read_serving_runs
from planner.evidence.serving_targets import serving_targets
from planner.evidence.validate import evidence_path

__all__ = ["BLOCKS"]

STORED = Path(__file__).resolve().parents[1] / "data"
_DIFFERS = {
    "layout": "the layout or the load",
    "accelerator": "the accelerator",
    "model": "the model",
    "both": "accelerator and model",
    "class": "the class (dense or mixture of experts, family of software)",
}
_METRICS = {
    "throughput": "throughput of a service",
    "tpot": "time per output token",
    "ttft": "time to the first token",
}


def shared_errors(_arguments: str, _old: str) -> str:
    """Return the correlations of the calibration records, and how ratios cover families left out."""
    head = [
        "| error | what differs | correlation | without one family | pairs | families | ratios inside "
        "| if independent |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*head, *_training(), *_serving()])


def _training() -> Iterator[str]:
    covered = pair_coverage(_training_rows())
    for kind, shared in Catalog().get(CALIBRATION, "training").shared.items():
        yield _row("step time of training", kind, shared, covered[kind])


def _serving() -> Iterator[str]:
    record = Catalog().get(SERVING_CALIBRATION, "serving").shared
    rows = _serving_rows()
    for metric, title in _METRICS.items():
        covered = pair_coverage(rows[metric])
        for kind in _DIFFERS:
            if f"{metric} {kind}" in record:
                yield _row(title, kind, record[f"{metric} {kind}"], covered[kind])


def _row(title: str, kind: str, shared: SharedError, covered: tuple[float, float]) -> str:
    return (
        f"| {title} | {_DIFFERS[kind]} | {shared.correlation:.2f} | {shared.low:.2f} to {shared.high:.2f} "
        f"| {shared.pairs:,} | {shared.families} | {covered[0]:.0%} | {covered[1]:.0%} |"
    )


def _training_rows() -> Rows:
    stored = json.loads((STORED / "crossvalidation.json").read_text(encoding="utf-8"))["rows"]
    runs = {run.id: run for run in read_runs(evidence_path())}
    mine = [runs[key] for key in stored]
    value, low, high = (np.array([row[at] for row in stored.values()]) for at in (1, 2, 3))
    return Rows(
        error=np.log(np.array([run.step_time_s for run in mine]) / value),
        low=np.log(low / value),
        high=np.log(high / value),
        families=[run.family for run in mine],
        classes=[row[0] for row in stored.values()],
        models=[run.text["model"] for run in mine],
        accelerators=[run.text["accelerator"] for run in mine],
    )


def _serving_rows() -> dict[str, Rows]:
    stored = json.loads((STORED / "crossvalidation_serving.json").read_text(encoding="utf-8"))["rows"]
    found = serving_targets(read_serving_runs(), Catalog()).targets
    mine = [one for one in found if one.scored and f"{one.run.id} {one.metric}" in stored]
    rows = [stored[f"{one.run.id} {one.metric}"] for one in mine]
    value, low, high = (np.array([row[at] for row in rows]) for at in (2, 3, 4))
    return rows_by_metric(
        mine,
        np.log(np.array([one.measured for one in mine]) / value),
        np.log(low / value),
        np.log(high / value),
        [row[0] for row in rows],
        np.ones(len(mine), dtype=bool),
    )


BLOCKS = {"shared-errors": shared_errors}
