"""Blocks of the accuracy page that come from predictions of the evidence."""

from __future__ import annotations

import numpy as np

from generators.measured import (
    CELL_LIMIT,
    CELL_ROWS,
    Held,
    by,
    held,
    markdown,
    percent,
    runs,
    shipped,
    statistics,
    stored,
    tpu,
)
from planner.catalog.load import Catalog
from planner.evidence.statistics import Errors
from planner.evidence.validate import GROUPS

__all__ = ["BLOCKS"]

HEAD = ["rows", "median error %", "mean %", "90 % below %", "bias %"]


def _line(e: Errors) -> list[str]:
    return [
        str(e.rows),
        percent(e.median_abs_pct),
        percent(e.mean_abs_pct),
        percent(e.p90_abs_pct),
        percent(e.bias_pct, signed=True),
    ]


def _covered(rows: list[Held]) -> list[str]:
    width = np.median([row.high / row.low for row in rows])
    return [percent(100.0 * float(np.mean([row.covered for row in rows]))), f"{width:.2f}"]


def held_by_class(_arguments: str, _old: str) -> str:
    """Cross-validated errors and intervals: overall, dense and MoE, and by class."""
    rows = held()
    gpu = [row for row in rows if not row.on_tpu]
    groups = {
        "all": list(rows),
        "GPUs": gpu,
        "GPUs, dense": [row for row in gpu if not row.moe],
        "GPUs, MoE": [row for row in gpu if row.moe],
        **{f"class `{name}`": [r for r in rows if r.name == name] for name in sorted({r.name for r in rows})},
    }
    lines = [[name, *_line(statistics(part)), *_covered(part)] for name, part in groups.items()]
    lines.append(["TPUs, one generation left out", *_line(statistics(tpu())), "", ""])
    return markdown(["", *HEAD, "in interval %", "high / low"], lines)


def held_by(arguments: str, _old: str) -> str:
    """``GROUP``: cross-validated errors and coverage by a group of `planner validate training`."""
    lines = [
        [name, *_line(statistics(part)), *(_covered(part) if len(part) >= CELL_ROWS else ["", ""])]
        for name, part in by(GROUPS[arguments], held()).items()
    ]
    return markdown([arguments, *HEAD, "in interval %", "high / low"], lines)


def shipped_by(arguments: str, _old: str) -> str:
    """``GROUP``: errors with the shipped constants by a group of `planner validate training`."""
    return markdown(
        [arguments, *HEAD], ([name, *_line(e)] for name, e in shipped().groups[arguments].items())
    )


def cells(_arguments: str, _old: str) -> str:
    """Every cell of five rows or more, with those outside 12 % marked."""
    ours = shipped().groups["model x accelerator"]
    lines = []
    for name, part in by(GROUPS["model x accelerator"], held()).items():
        if len(part) < CELL_ROWS:
            continue
        e = statistics(part)
        biases = (e.bias_pct, ours[name].bias_pct)
        far = any(abs(bias) > CELL_LIMIT for bias in biases)
        shown = [percent(bias, signed=True) for bias in biases]
        lines.append(
            [
                f"**{name}**" if far else name,
                e.rows,
                percent(e.median_abs_pct),
                *shown,
                "**outside**" if far else "",
            ]
        )
    head = ["cell", "rows", "median error %", "bias %, cross-validated", "bias %, as shipped", ""]
    return markdown(head, lines)


def llama(_arguments: str, _old: str) -> str:
    """Return Llama 3.1 405B as Meta trained it, at every interleaving that its stack could use."""
    from planner.catalog.kinds import CALIBRATION
    from planner.evidence.cases import build_cases
    from planner.evidence.fill import CAPACITY_SHARE
    from planner.evidence.predict import chosen, constants_by_class, predict

    catalog = Catalog()
    asked = [run for run in runs().values() if run.family == "llama" and run.step_time_s]
    cases = build_cases(asked, catalog)
    found = predict(cases, constants_by_class(catalog.get(CALIBRATION, "training")))
    taken = set(chosen(cases, found).tolist())
    allocated, steps = found.memory.allocated_bytes, found.step.step_s
    room = float(cases.hardware.memory_bytes[0]) * CAPACITY_SHARE
    lines = []
    for i, run in enumerate(asked):
        mine = np.flatnonzero((cases.run == i) & (cases.strategy.micro_batch == 1))
        for chunks in np.unique(cases.strategy.vpp[mine]):
            same = [int(j) for j in mine if cases.strategy.vpp[j] == chunks]
            best = next((j for j in same if j in taken), min(same, key=allocated.__getitem__))
            limit = cases.strategy.in_flight[best]
            measured = run.step_time_s or np.nan
            gpus, flight = run.number["n_gpus"], f"{limit:.0f}" if np.isfinite(limit) else "by schedule"
            fits = "yes" if allocated[best] <= room else "no"
            error = percent((steps[best] / measured - 1) * 100, signed=True)
            line = [f"{gpus:,.0f} H100", int(chunks), flight, f"{allocated[best] / 1e9:.1f}", fits]
            mark = "taken" if best in taken else ""
            lines.append([*line, f"{measured:.2f}", f"{steps[best]:.2f}", error, mark])
    head = ["run", "chunks per stage", "micro-batches in flight", "allocated GB", "fits"]
    return markdown([*head, "measured s", "predicted s", "error %", ""], lines)


def korthikanti(_arguments: str, _old: str) -> str:
    """Return the eight rows of a published table."""
    rows = [row for row in held() if row.run.text["source"].startswith("Korthikanti")]
    ours = {row.id: (row.predicted or np.nan, row.error_pct or np.nan) for row in shipped().rows}
    lines = []
    for row in rows:
        predicted, error = ours[row.run.id]
        what = [row.run.text["model"], f"{row.run.number['n_gpus']:.0f}", row.run.choice["recompute"]]
        now = [f"{row.measured:.2f}", f"{predicted:.2f}", percent(error, signed=True)]
        lines.append([*what, *now, f"{row.predicted:.2f}", percent(row.error, signed=True)])
    mean = float(np.mean([abs(ours[row.run.id][1]) for row in rows]))
    without = float(np.mean([abs(row.error) for row in rows]))
    lines.append(["mean of absolute errors", "", "", "", "", percent(mean), "", percent(without)])
    head = ["model", "GPUs", "recompute", "measured s", "as shipped s", "error %"]
    return markdown([*head, "cross-validated s", "error %"], lines)


def memory(_arguments: str, _old: str) -> str:
    """Peak memory by view and by source."""
    found = shipped().memory
    by_view = markdown(["view", *HEAD], ([name, *_line(e)] for name, e in found.by_view.items()))
    views = {row["source"]: row["view"] for row in found.rows}
    by_source = markdown(
        ["source", "view", *HEAD], ([name, views[name], *_line(e)] for name, e in found.by_source.items())
    )
    return f"{by_view}\n\n{by_source}"


def fits(_arguments: str, _old: str) -> str:
    """How fit probabilities separate runs that ran from those that did not."""
    found = shipped().memory
    sources = by(GROUPS["source"], [row for row in held() if row.run.id in found.ran_below_tenth])
    named = "; ".join(f"{name}: {', '.join(r.run.id for r in part)}" for name, part in sources.items())
    lines = [
        ["layouts that ran", str(found.ran)],
        [
            "of those, called unlikely to fit (probability below 0.1)",
            f"{len(found.ran_below_tenth)} ({percent(100 * len(found.ran_below_tenth) / found.ran)} %)",
        ],
        ["layouts that ran out of memory", str(found.out_of_memory)],
        ["of those, called certain to fit (above 0.9)", str(len(found.failed_above_nine_tenths))],
        [
            "Brier score (0 is perfect, 0.25 is a coin)",
            f"{found.brier:.3f}" if found.brier is not None else "",
        ],
        ["spread of log(measured / predicted), used for the probability", f"{found.sigma:.3f}"],
    ]
    return f"{markdown(['', ''], lines)}\n\nThe ones called unlikely are {named}."


def skipped(_arguments: str, _old: str) -> str:
    """Every row that is not scored, with its reason."""
    reasons: dict[str, list[str]] = {}
    for row in shipped().rows:
        if row.skipped:
            reasons.setdefault(row.reason or "", []).append(row.id)
    return markdown(
        ["reason", "rows", "ids"], ([why, len(ids), ", ".join(ids)] for why, ids in reasons.items())
    )


def furthest(arguments: str, _old: str) -> str:
    """``PERCENT``: every row that is off by more."""
    far = sorted(
        (row for row in held() if abs(row.error) > float(arguments)), key=lambda row: -abs(row.error)
    )
    lines = [
        [
            row.run.id, row.run.text["source"], f"{row.run.text['model']} on {row.run.number['n_gpus']:.0f} "
            f"{row.run.text['accelerator']}", row.run.text["precision"], percent(row.error, signed=True),
            "yes" if row.covered else "no",
        ]
        for row in far
    ]  # fmt: skip
    return markdown(["row", "source", "run", "precision", "error %", "within interval"], lines)


def when(_arguments: str, _old: str) -> str:
    """Say when and how the stored figures were made."""
    s = stored()
    return (
        f"The cross-validated figures were computed on {s['date']} by `{s['command']}` (the rows of "
        f"`{s['same_as']}`) and are stored in [data/crossvalidation.json](data/crossvalidation.json); all "
        f"else on this page is recomputed whenever the pages are, with the constants of {s['calibration']}."
    )


BLOCKS = {
    "held-classes": held_by_class,
    "held-by": held_by,
    "shipped-by": shipped_by,
    "cells": cells,
    "llama": llama,
    "korthikanti": korthikanti,
    "memory": memory,
    "fits": fits,
    "skipped": skipped,
    "furthest": furthest,
    "when": when,
}
