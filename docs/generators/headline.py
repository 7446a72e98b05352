"""What was aimed at and what was reached, in a table and in a few sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generators.accuracy import cells_outside
from generators.measured import CELL_ROWS, Held, by, held, markdown, percent, shipped, statistics, tpu
from planner.evidence.validate import GROUPS

__all__ = ["BLOCKS"]

LEAST_ROWS = 30
"""Rows of a class from which its coverage is judged."""


@dataclass(frozen=True)
class Aim:
    """One figure that the estimator is to reach."""

    what: str
    aim: str
    reached: str
    met: bool


def _parts() -> tuple[list[Held], list[Held], list[Held]]:
    gpu = [row for row in held() if not row.on_tpu]
    return gpu, [row for row in gpu if not row.moe], [row for row in gpu if row.moe]


def _cells() -> tuple[int, int]:
    groups = [part for part in by(GROUPS["model x accelerator"], held()).values() if len(part) >= CELL_ROWS]
    return sum(abs(statistics(part).bias_pct) <= 12.0 for part in groups), len(groups)


def _most(what: str, limit: float, value: float, unit: str = " %") -> Aim:
    return Aim(what, f"at most {limit:g}{unit}", f"{percent(value)}{unit}", round(value, 1) <= limit)


def aims() -> list[Aim]:
    """Return every aim with what was reached."""
    gpu, dense, moe = _parts()
    d, m, g = statistics(dense), statistics(moe), statistics(gpu)
    inside, cells = _cells()
    llama = [row for row in held() if row.run.family == "llama"]
    table5 = [row for row in held() if row.run.text["source"].startswith("Korthikanti")]
    covered = 100.0 * float(np.mean([row.covered for row in held()]))
    classes = {name: [row for row in held() if row.name == name] for name in sorted({row.name for row in held()})}
    cover = {
        name: 100.0 * float(np.mean([row.covered for row in part]))
        for name, part in classes.items()
        if len(part) >= LEAST_ROWS
    }
    memory = shipped().memory
    unlikely = 100.0 * len(memory.ran_below_tenth) / memory.ran
    return [
        Aim("GPU rows scored", "at least 730", str(len(gpu)), len(gpu) >= 730),
        _most("dense on GPUs, median error", 6.5, d.median_abs_pct),
        _most("dense on GPUs, 90 % of rows below", 18.0, d.p90_abs_pct),
        _most("MoE on GPUs, median error", 11.0, m.median_abs_pct),
        _most("MoE on GPUs, 90 % of rows below", 30.0, m.p90_abs_pct),
        Aim("bias over all GPU rows", "within 3 %", f"{percent(g.bias_pct, signed=True)} %", abs(g.bias_pct) <= 3.0),
        Aim(
            "cells of model x accelerator within 12 %", "at least 80 %",
            f"{inside} of {cells}, {percent(100 * inside / cells)} %", inside / cells >= 0.8,
        ),
        _most("TPUs, one generation left out, median error", 20.0, statistics(tpu()).median_abs_pct),
        Aim(
            "Llama 3.1 405B on 8,192 and 16,384 H100", "each within 10 %",
            " and ".join(f"{percent(row.error, signed=True)} %" for row in llama), all(abs(r.error) <= 10 for r in llama),
        ),
        _most("Korthikanti 2022, table 5, mean error", 6.0, statistics(table5).mean_abs_pct),
        *(_most(f"peak memory, {view} view, median error", 10.0, e.median_abs_pct) for view, e in memory.by_view.items()),
        _most("layouts that ran, called unlikely to fit", 3.0, unlikely),
        Aim(
            "layouts that ran out of memory, called certain to fit", "none", str(len(memory.failed_above_nine_tenths)),
            not memory.failed_above_nine_tenths,
        ),
        Aim("rows within their 80 % interval", "75 to 85 %", f"{percent(covered)} %", 75 <= round(covered, 1) <= 85),
        Aim(
            f"the same, in each class of {LEAST_ROWS} rows or more", "70 to 90 %",
            ", ".join(f"{name} {percent(value)} %" for name, value in cover.items()),
            all(70 <= round(value, 1) <= 90 for value in cover.values()),
        ),
    ]  # fmt: skip


def table(_arguments: str, _old: str) -> str:
    """Return the aims as a table."""
    lines = [[a.what, a.aim, a.reached if a.met else f"**{a.reached}**", "yes" if a.met else "**no**"] for a in aims()]
    return markdown(["figure", "aim", "reached", "met"], lines)


def short(_arguments: str, _old: str) -> str:
    """Return the same in a few sentences."""
    gpu, dense, moe = _parts()
    d, m, t = statistics(dense), statistics(moe), statistics(tpu())
    covered = 100.0 * float(np.mean([row.covered for row in held()]))
    width = float(np.median([row.high / row.low for row in held()]))
    llama = " and ".join(f"{percent(row.error, signed=True)} %" for row in held() if row.run.family == "llama")
    missed = [f"{a.what} ({a.reached}; aim: {a.aim})" for a in aims() if not a.met]
    inside, cells = _cells()
    outside = len(cells_outside())
    lines = [
        f"On {len(gpu)} public measurements of training on GPUs, each family of sources predicted by constants fitted "
        f"without it, the step time is off by {percent(d.median_abs_pct)} % in the median for dense models (90 % of rows "
        f"within {percent(d.p90_abs_pct)} %) and by {percent(m.median_abs_pct)} % for mixtures of experts (90 % within "
        f"{percent(m.p90_abs_pct)} %); on TPUs, with a whole generation left out, by {percent(t.median_abs_pct)} %. The "
        f"80 % interval held {percent(covered)} % of the rows; its ends are a factor of {width:.2f} apart in the median. "
        f"Llama 3.1 405B as Meta trained it on 8,192 and 16,384 H100 comes out {llama} off.",
        "",
        "Three cautions. The form of the model was developed while looking at these rows, so new stacks will be "
        f"predicted less well. Averages hide cells: {cells - inside} of {cells} pairs of model and accelerator with five rows "
        f"or more are off by more than 12 % ({outside} counting those that are so with either set of constants)."
        + (f" And it falls short of its own aims in: {'; '.join(missed)}." if missed else ""),
    ]
    return "\n".join(lines)


BLOCKS = {"aims": table, "headline": short}
