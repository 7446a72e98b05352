"""What was aimed at and what was reached, in a table and in a few sentences."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from generators.measured import CELL_ROWS, Held, by, held, markdown, percent, shipped, statistics, tpu
from planner.evidence.validate import GROUPS

__all__ = ["BLOCKS"]

COUNTED = {2: "two", 3: "three"}
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


def _most(what: str, limit: float, value: float) -> Aim:
    return Aim(what, f"at most {limit:g} %", f"{percent(value)} %", round(value, 1) <= limit)


def _covered(rows: Iterable[Held]) -> float:
    return 100.0 * float(np.mean([row.covered for row in rows]))


def aims() -> list[Aim]:
    """Return every aim with what was reached."""
    return [*_errors(), *_named(), *_memory(), *_intervals()]


def _errors() -> Iterator[Aim]:
    gpu, dense, moe = _parts()
    d, m, g = statistics(dense), statistics(moe), statistics(gpu)
    inside, cells = _cells()
    share = 100 * inside / cells
    yield Aim("GPU rows scored", "at least 730", str(len(gpu)), len(gpu) >= 730)
    yield _most("dense on GPUs, median error", 6.5, d.median_abs_pct)
    yield _most("dense on GPUs, 90 % of rows below", 18.0, d.p90_abs_pct)
    yield _most("MoE on GPUs, median error", 11.0, m.median_abs_pct)
    yield _most("MoE on GPUs, 90 % of rows below", 30.0, m.p90_abs_pct)
    bias = f"{percent(g.bias_pct, signed=True)} %"
    yield Aim("bias over all GPU rows", "within 3 %", bias, abs(g.bias_pct) <= 3.0)
    reached = f"{inside} of {cells}, {percent(share)} %"
    yield Aim("cells of model x accelerator within 12 %", "at least 80 %", reached, share >= 80)
    yield _most("TPUs, one generation left out, median error", 20.0, statistics(tpu()).median_abs_pct)


def _named() -> Iterator[Aim]:
    llama = [row for row in held() if row.run.family == "llama"]
    table5 = [row for row in held() if row.run.text["source"].startswith("Korthikanti")]
    within = all(abs(row.error) <= 10 for row in llama)
    yield Aim("Llama 3.1 405B on 8,192 and 16,384 H100", "each within 10 %", _signed(llama), within)
    yield _most("Korthikanti 2022, table 5, mean error", 6.0, statistics(table5).mean_abs_pct)


def _memory() -> Iterator[Aim]:
    memory = shipped().memory
    for view, e in memory.by_view.items():
        yield _most(f"peak memory, {view} view, median error", 10.0, e.median_abs_pct)
    unlikely = 100.0 * len(memory.ran_below_tenth) / memory.ran
    yield _most("layouts that ran, called unlikely to fit", 3.0, unlikely)
    failed = len(memory.failed_above_nine_tenths)
    yield Aim("layouts that ran out of memory, called certain to fit", "none", str(failed), not failed)


def _intervals() -> Iterator[Aim]:
    covered = round(_covered(held()), 1)
    yield Aim("rows within their 80 % interval", "75 to 85 %", f"{percent(covered)} %", 75 <= covered <= 85)
    classes = {name: [row for row in held() if row.name == name] for name in sorted({r.name for r in held()})}
    shares = {name: _covered(part) for name, part in classes.items() if len(part) >= LEAST_ROWS}
    reached = ", ".join(f"{name} {percent(value)} %" for name, value in shares.items())
    met = all(70 <= round(value, 1) <= 90 for value in shares.values())
    yield Aim(f"the same, in each class of {LEAST_ROWS} rows or more", "70 to 90 %", reached, met)


def _signed(rows: Iterable[Held]) -> str:
    return " and ".join(f"{percent(row.error, signed=True)} %" for row in rows)


def table(_arguments: str, _old: str) -> str:
    """Return the aims as a table."""
    lines = [
        [a.what, a.aim, a.reached if a.met else f"**{a.reached}**", "yes" if a.met else "**no**"]
        for a in aims()
    ]
    return markdown(["figure", "aim", "reached", "met"], lines)


def short(_arguments: str, _old: str) -> str:
    """Return the same in a few sentences."""
    gpu, dense, moe = _parts()
    d, m, t = statistics(dense), statistics(moe), statistics(tpu())
    width = float(np.median([row.high / row.low for row in held()]))
    missed = [f"{a.what} ({a.reached}; aim: {a.aim})" for a in aims() if not a.met]
    inside, cells = _cells()
    llama = _signed(row for row in held() if row.run.family == "llama")
    cautions = [
        "The form of the model was developed while looking at these rows, so new stacks will be predicted "
        "less well.",
        f"Averages hide cells: {cells - inside} of {cells} pairs of model and accelerator with five rows or "
        "more are off by more than 12 %.",
    ]
    if missed:
        cautions.append(f"It falls short of its own aims in: {'; '.join(missed)}.")
    figures = (
        f"On {len(gpu)} public measurements of training on GPUs, each family of sources predicted by "
        f"constants fitted without it, the step time is off by {percent(d.median_abs_pct)} % in the median "
        f"for dense models (90 % of rows within {percent(d.p90_abs_pct)} %) and by "
        f"{percent(m.median_abs_pct)} % for mixtures of experts (90 % within {percent(m.p90_abs_pct)} %); on "
        f"TPUs, with a whole generation left out, by {percent(t.median_abs_pct)} %. The 80 % interval held "
        f"{percent(_covered(held()))} % of the rows; its ends are a factor of {width:.2f} apart in the "
        "median. "
        f"Llama 3.1 405B as Meta trained it on 8,192 and 16,384 H100 comes out {llama} off."
    )
    lines = [figures, "", f"With {COUNTED[len(cautions)]} cautions. {' '.join(cautions)}"]
    return "\n".join(textwrap.fill(line, 118) for line in lines)


def serving(_arguments: str, _old: str) -> str:
    """Return what was reached for serving in a few sentences."""
    from generators.served import held as served
    from generators.served import of_metric, score
    from generators.serving_accuracy import _aims as reached

    tpot, ttft, throughput = (score(of_metric(metric)) for metric in ("tpot_ms", "ttft_ms", "throughput"))
    everything = score(served())
    text = (
        f"On {everything.rows} figures of public measurements, each family of sources (of the largest, each "
        f"model) predicted by constants fitted without it, the time per output token is off by "
        f"{percent(tpot.median_abs_pct)} % in the median (90 % of figures within {percent(tpot.p90_abs_pct)} "
        f"%), the time to the first token by {percent(ttft.median_abs_pct)} % (90 % within "
        f"{percent(ttft.p90_abs_pct)} %), and throughput by {percent(throughput.median_abs_pct)} % (90 % "
        f"within {percent(throughput.p90_abs_pct)} %). The 80 % interval held "
        f"{percent(100.0 * (everything.coverage_80 or 0.0))} % of the figures; its ends are a factor of "
        f"{tpot.width or 1.0:.2f} apart in the median for times per token, {ttft.width or 1.0:.2f} for times "
        f"to the first token and {throughput.width or 1.0:.2f} for throughput."
    )
    missed, before = [], ""
    for aim in reached():
        what = aim.what.replace("the same", before)
        before = before if what != aim.what else what.split(", ")[0]
        if not aim.met:
            missed.append(f"{what} ({aim.reached}; aim: {aim.aim})")
    if missed:
        text += f" It falls short of its own aims in: {'; '.join(missed)}."
    return textwrap.fill(text, 118)


BLOCKS = {"aims": table, "headline": short, "serving-headline": serving}
