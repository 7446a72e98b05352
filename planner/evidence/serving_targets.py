"""Which figures of serving measurements are scored, under which labels, and why every other one is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError
from planner.evidence.serving_facts import METRICS
from planner.evidence.serving_row import ServingRun
from planner.evidence.statistics import Errors, errors
from planner.types import BoolArray, FloatArray
from planner.workload.engine_names import engine_id
from planner.workload.kinds import MODEL

__all__ = [
    "APART",
    "LABELS",
    "SKIPS",
    "SkippedMetric",
    "Target",
    "Targets",
    "error_tables",
    "grouped",
    "serving_targets",
]

SKIPS: Final = {
    "figure": "nothing measured: no time per token, time to first token or rate",
    "repeat": "the figures of an earlier row again",
    "model": "architecture unknown: not in the catalog",
    "accelerator": "accelerator unknown to the catalog",
    "precision": "precision of the weights unknown",
    "gpus": "number of accelerators unknown",
    "layout": "the layout does not multiply to the accelerators",
    "prefill": "disaggregated, and the prefill workers are unknown or do not multiply to their accelerators",
    "isl": "input length unknown",
    "osl": "output length unknown",
    "concurrency": "neither a concurrency nor all requests at once",
    "requests": "a burst of an unknown number of requests",
    "rate": "requests at an unknown rate",
}
"""Why a row cannot be predicted."""

APART: Final = {
    "unbalanced": "not in the balanced subset",
    "flagged": "contradicts itself",
    "burst": "clients that send everything at once and let the server drain",
    "doubted": "says nothing about the server",
}
"""Why a figure is predicted and shown, but counted apart from the error statistics."""

LABELS: Final = (
    "engine", "accelerator", "weights", "architecture", "load", "kind", "concurrency", "disaggregated",
    "speculation", "client", "throughput", "family", "model",
)  # fmt: skip
"""How errors are broken down, beside the metric."""

_BANDS: Final = ((1, "1"), (8, "2-8"), (32, "9-32"), (128, "33-128"))
_LOADS: Final = {
    "closed": "closed loop", "offline": "offline", "static": "static batch", "single": "single stream",
    "burst": "burst", "rate": "open loop",
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One measured figure that can be predicted."""

    index: int  # of the run
    run: ServingRun
    metric: str  # tpot_ms, ttft_ms or throughput
    measured: float  # milliseconds, or tokens per second of the whole deployment
    counts: str  # which tokens a throughput counts: output, input or total
    labels: Mapping[str, str]
    apart: tuple[str, ...]  # keys of `APART`

    @property
    def scored(self) -> bool:
        """Whether it counts in the error statistics."""
        return not self.apart


@dataclass(frozen=True)
class SkippedMetric:
    """One measured figure, or a row without any, that cannot be predicted."""

    id: str
    metric: str
    measured: float | None
    reason: str


@dataclass(frozen=True)
class Targets:
    """Every figure of some runs, once."""

    targets: tuple[Target, ...]  # those counted apart included
    skipped: tuple[SkippedMetric, ...]

    def of(self, metric: str) -> tuple[Target, ...]:
        """Targets of one metric."""
        return tuple(target for target in self.targets if target.metric == metric)


def serving_targets(
    runs: Sequence[ServingRun], catalog: Catalog, *, unpredicted: Mapping[str, str] | None = None
) -> Targets:
    """Return what is scored of each run.

    Parameters
    ----------
    unpredicted
        Run id to reason, of runs that cannot be predicted for reasons of the model (a format that the part
        lacks, an engine that nobody knows).
    """
    names = _Names(catalog)
    targets: list[Target] = []
    skipped: list[SkippedMetric] = []
    for index, run in enumerate(runs):
        figures = _figures(run)
        why = (_reason(run, names) if figures else SKIPS["figure"]) or (unpredicted or {}).get(run.id)
        if why is not None:
            skipped += [SkippedMetric(run.id, metric, measured, why) for metric, measured, _ in figures]
            if not figures:
                skipped.append(SkippedMetric(run.id, METRICS[-1], None, why))
            continue
        labels = _labels(run, names)
        for metric, measured, counts in figures:
            if run.osl is None and _needs_outputs(run, metric):
                skipped.append(SkippedMetric(run.id, metric, measured, SKIPS["osl"]))
                continue
            origin = {"throughput": "computed" if run.derived_throughput else "published"}
            own = labels | origin if metric == "throughput" else labels
            targets.append(Target(index, run, metric, measured, counts, own, tuple(_apart(run, metric))))
    return Targets(tuple(targets), tuple(skipped))


def error_tables(
    targets: Sequence[Target], ratio: FloatArray, *, keep: BoolArray | None = None
) -> dict[str, dict[str, dict[str, Errors]]]:
    """Return metric to label to key to errors.

    Parameters
    ----------
    ratio
        Predicted over measured per target, shape ``[T]``.
    keep
        Targets to count; default those that are `Target.scored`.
    """
    use = np.array([target.scored for target in targets], dtype=bool) if keep is None else keep
    return {
        metric: {
            label: {key: errors(ratio[index]) for key, index in groups.items()}
            for label, groups in labels.items()
        }
        for metric, labels in grouped(targets, use).items()
    }


def grouped(targets: Sequence[Target], keep: BoolArray) -> dict[str, dict[str, dict[str, list[int]]]]:
    """Return metric to label to key to the indices of the targets to keep; most targets first."""
    tables: dict[str, dict[str, dict[str, list[int]]]] = {}
    for metric in METRICS:
        at = [i for i, target in enumerate(targets) if keep[i] and target.metric == metric]
        if not at:
            continue
        found: dict[str, dict[str, list[int]]] = {"all": {"all": at}}
        for i in at:
            for label, key in targets[i].labels.items():
                found.setdefault(label, {}).setdefault(key, []).append(i)
        tables[metric] = {
            label: dict(sorted(found[label].items(), key=lambda item: (-len(item[1]), item[0])))
            for label in ("all", *LABELS)
            if label in found
        }
    return tables


class _Names:
    """Names of the rows as the catalog has them, each looked up once; None where it has not."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._mixture: dict[str, bool | None] = {}
        self._part: dict[str, str | None] = {}
        self._engine: dict[tuple[str, str], str] = {}

    def mixture(self, name: str) -> bool | None:
        """Whether a model is a mixture of experts."""
        if name not in self._mixture:
            try:
                self._mixture[name] = self._catalog.get(MODEL, name).architecture.moe is not None
            except UnknownNameError:
                self._mixture[name] = None
        return self._mixture[name]

    def part(self, name: str) -> str | None:
        """Id of an accelerator."""
        if name not in self._part:
            try:
                self._part[name] = self._catalog.resolve(ACCELERATOR, name)
            except UnknownNameError:
                self._part[name] = None
        return self._part[name]

    def engine(self, name: str, version: str) -> str:
        """Id of an engine, or else the name as it was published."""
        if (name, version) not in self._engine:
            try:
                found = engine_id(self._catalog, name, version) if name else "not given"
            except InputError:
                found = name
            self._engine[name, version] = found
        return self._engine[name, version]


def _figures(run: ServingRun) -> list[tuple[str, float, str]]:
    """Return metric, measured figure and the tokens that a rate counts."""
    rate, counts = run.output_rate, "output"
    if run.metric_kind == "prefill-only" or rate is None:
        rate, counts = run.total_tokens_per_s, "input" if run.metric_kind == "prefill-only" else "total"
    found = (("tpot_ms", run.tpot_ms, ""), ("ttft_ms", run.ttft_ms, ""), ("throughput", rate, counts))
    return [(metric, measured, of) for metric, measured, of in found if measured is not None]


def _reason(run: ServingRun, names: _Names) -> str | None:
    """Return why a run cannot be predicted; None where it can."""
    pools = run.disaggregated and run.client != "pool"
    reasons = {
        "model": names.mixture(run.model) is None,
        "accelerator": names.part(run.accelerator) is None,
        "precision": run.weight_format is None,
        "gpus": run.n_gpus is None,
        "layout": run.workers is None,
        "prefill": pools and run.prefill is None,
        "isl": run.isl is None,
        "concurrency": run.client in ("closed", "static") and run.concurrency is None,
        "requests": run.client == "burst" and run.requests is None and run.concurrency is None,
        "rate": run.client == "rate" and run.request_rate is None,
        "repeat": bool(run.repeats),
    }
    key = next((key for key, holds in reasons.items() if holds), None)
    if key is None:
        return None
    return f"{SKIPS[key]}: {run.repeats}" if key == "repeat" else SKIPS[key]


def _needs_outputs(run: ServingRun, metric: str) -> bool:
    """Whether a figure cannot be predicted without the output length: all but pools and lone prompts."""
    if run.client == "pool":
        return False
    return metric != "ttft_ms" or run.client not in ("static", "single")


def _apart(run: ServingRun, metric: str) -> Iterator[str]:
    if not run.balanced:
        yield "unbalanced"
    if run.flagged:
        yield "flagged"
    if run.client == "burst":
        yield "burst"
    if metric in run.doubts:
        yield "doubted"


def _labels(run: ServingRun, names: _Names) -> dict[str, str]:
    load = f"{run.pool} pool" if run.pool else _LOADS[run.client]
    return {
        "engine": names.engine(run.engine, run.engine_version),
        "accelerator": names.part(run.accelerator) or run.accelerator,
        "weights": run.weight_format or "",
        "architecture": "moe" if names.mixture(run.model) else "dense",
        "load": "disaggregated" if run.disaggregated and not run.pool else load,
        "kind": run.metric_kind or "not given",
        "concurrency": _band(run.concurrency),
        "disaggregated": "yes" if run.disaggregated else "no",
        "speculation": "yes" if run.spec_method else "no",
        "client": run.client,
        "family": run.family,
        "model": run.model,
    }


def _band(concurrency: int | None) -> str:
    if concurrency is None:
        return "not given"
    return next((name for most, name in _BANDS if concurrency <= most), "above 128")
