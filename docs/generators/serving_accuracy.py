"""Blocks of the pages on the accuracy of serving: aims, errors by group, intervals, a day of production."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from generators.headline import LEAST_ROWS, Aim
from generators.measured import markdown, percent
from generators.served import METRICS, Served, by, held, of_metric, score, shipped, stored
from planner.catalog.kinds import SERVING_CALIBRATION
from planner.catalog.load import Catalog
from planner.catalog.quantity import Quantity
from planner.evidence.serving_production import (
    ENGINES,
    MEASURED_DECODE,
    MEASURED_PREFILL,
    ProductionDay,
    middle,
    production_day,
)
from planner.evidence.serving_targets import APART
from planner.evidence.serving_validate import Scores
from planner.units import format_quantity

__all__ = ["BLOCKS"]

HEAD = [
    "rows",
    "median error %",
    "mean %",
    "90 % below %",
    "bias %",
    "within 20 %",
    "in interval %",
    "high / low",
]
KINDS = ("offline-max-throughput", "online")
ACCELERATOR_ROWS = 10


def _line(s: Scores) -> list[str]:
    return [
        str(s.rows),
        percent(s.median_abs_pct),
        percent(s.mean_abs_pct),
        percent(s.p90_abs_pct),
        percent(s.bias_pct, signed=True),
        percent(s.within_20_pct),
        "" if s.coverage_80 is None else percent(100.0 * s.coverage_80),
        "" if s.width is None else f"{s.width:.2f}",
    ]


def _most(what: str, limit: float, value: float) -> Aim:
    return Aim(what, f"at most {limit:g} %", f"{percent(value)} %", round(value, 1) <= limit)


def _within(what: str, limit: float, value: float) -> Aim:
    return Aim(what, f"within {limit:g} %", f"{percent(value, signed=True)} %", abs(round(value, 1)) <= limit)


def _aims() -> Iterator[Aim]:
    tpot = of_metric("tpot_ms")
    yield _most("time per output token, median error", 10, score(tpot).median_abs_pct)
    yield _most("the same, mean error", 16, score(tpot).mean_abs_pct)
    yield _most("time to first token, median error", 30, score(of_metric("ttft_ms")).median_abs_pct)
    served = [row for row in of_metric("throughput") if _is_served(row)]
    yield _most("throughput offline and online, median error", 11, score(served).median_abs_pct)
    yield _within("bias of the time per output token", 5, score(tpot).bias_pct)
    moe = [row for row in tpot if row.target.labels["architecture"] == "moe"]
    yield _within("the same, mixtures of experts", 12, score(moe).bias_pct)
    apart = [row for row in tpot if row.target.labels["disaggregated"] == "yes"]
    yield _within("the same, disaggregated", 12, score(apart).bias_pct)
    parts = by(lambda row: row.target.labels["accelerator"], tpot)
    for name, rows in parts.items():
        if len(rows) >= ACCELERATOR_ROWS:
            yield _within(f"the same, {name} ({len(rows)} rows)", 12, score(rows).bias_pct)
    day = middle(_days().values())
    prefill = (day.prefill_tokens_per_s / MEASURED_PREFILL - 1.0) * 100.0
    decode = (day.decode_tokens_per_s / MEASURED_DECODE - 1.0) * 100.0
    yield _within("DeepSeek's day of production, prefill node", 20, prefill)
    yield _within("the same, decode node", 20, decode)
    yield from _intervals()


def _is_served(row: Served) -> bool:
    return row.target.labels["kind"] in KINDS and row.target.run.client != "pool"


def _intervals() -> Iterator[Aim]:
    covered = round(100.0 * (score(held()).coverage_80 or 0.0), 1)
    yield Aim(
        "figures within their 80 % interval", "75 to 85 %", f"{percent(covered)} %", 75 <= covered <= 85
    )
    for name, rows in by(lambda row: row.name, held()).items():
        if len(rows) >= LEAST_ROWS:
            share = round(100.0 * (score(rows).coverage_80 or 0.0), 1)
            what = f"the same, {name} ({len(rows)} rows)"
            yield Aim(what, "70 to 90 %", f"{percent(share)} %", 70 <= share <= 90)


def aims(_arguments: str, _old: str) -> str:
    """Return the aims as a table."""
    lines = [
        [a.what, a.aim, a.reached if a.met else f"**{a.reached}**", "yes" if a.met else "**no**"]
        for a in _aims()
    ]
    return markdown(["figure", "aim", "reached", "met"], lines)


def held_all(_arguments: str, _old: str) -> str:
    """Held-out errors by metric, and as shipped."""
    lines: list[list[str]] = []
    for metric, name in METRICS.items():
        rows = of_metric(metric)
        lines.append([name, "cross-validated", *_line(score(rows))])
        lines.append([name, "as shipped", *_line(shipped().summary[metric])])
    return markdown(["figure", "constants", *HEAD], lines)


def held_classes(_arguments: str, _old: str) -> str:
    """Held-out errors and coverage by class of interval."""
    groups = by(lambda row: row.name, held())
    return markdown(["class", *HEAD], ([name, *_line(score(rows))] for name, rows in groups.items()))


def held_by(arguments: str, _old: str) -> str:
    """``LABEL``: held-out errors by a group of `planner validate serving`, a table per metric."""
    tables = []
    for metric, what in METRICS.items():
        groups = by(lambda row: row.target.labels.get(arguments), of_metric(metric))
        lines = [[name, *_line(score(rows))] for name, rows in groups.items()]
        if lines:
            tables.append(f"{what.capitalize()}:\n\n{markdown([arguments, *HEAD], lines)}")
    return "\n\n".join(tables)


def shipped_by(arguments: str, _old: str) -> str:
    """``LABEL``: errors with the shipped constants, a table per metric."""
    tables = []
    for metric, what in METRICS.items():
        groups = shipped().groups[metric].get(arguments, {})
        lines = [[name, *_line(s)] for name, s in groups.items()]
        if lines:
            tables.append(f"{what.capitalize()}:\n\n{markdown([arguments, *HEAD], lines)}")
    return "\n\n".join(tables)


def apart(_arguments: str, _old: str) -> str:
    """Return the errors of the figures counted apart, as shipped."""
    lines = [
        [APART[why], METRICS[metric], *_line(s)]
        for metric, reasons in shipped().apart.items()
        for why, s in reasons.items()
    ]
    return markdown(["because", "figure", *HEAD], lines)


def skipped(_arguments: str, _old: str) -> str:
    """Every figure that is not predicted, with its reason."""
    groups: dict[str, list[str]] = {}
    for row in shipped().rows:
        if row.skipped:
            groups.setdefault(row.reason or "", []).append(f"{row.id} ({METRICS[row.metric]})")
    lines = [[why, str(len(ids)), ", ".join(ids)] for why, ids in groups.items()]
    return markdown(["because", "figures", "rows"], lines)


def furthest(_arguments: str, _old: str) -> str:
    """Return the held-out figures that are furthest off, ten a metric."""
    lines = []
    for metric, what in METRICS.items():
        rows = sorted(of_metric(metric), key=lambda row: -abs(row.error))[:10]
        for row in rows:
            run = row.target.run
            load = f"{run.isl or 0:.0f} in, {run.osl or 0:.0f} out"
            stack = f"{run.model}, {run.n_gpus} x {run.accelerator}, {run.weight_precision}"
            lines.append(
                [what, run.id, stack, load, row.target.labels["concurrency"], percent(row.error, signed=True)]
            )
    return markdown(["figure", "row", "deployment", "tokens", "concurrency", "error %"], lines)


def _days(*, balanced: bool = False) -> dict[str, ProductionDay]:
    catalog = Catalog()
    return {engine: production_day(catalog, engine, balanced=balanced) for engine in ENGINES}


def day(_arguments: str, _old: str) -> str:
    """Return the published day of production beside its predictions."""
    days = _days()
    rows = [("measured", MEASURED_PREFILL, MEASURED_DECODE, "", "")]
    means = {
        "geometric mean": middle(days.values()),
        "the same, hot experts replicated": middle(_days(balanced=True).values()),
    }
    for name, one in {**days, **means}.items():
        shown = f"{one.batch:.0f}", f"{one.tpot_s * 1e3:.1f}"
        rows.append((name, one.prefill_tokens_per_s, one.decode_tokens_per_s, *shown))
    lines = [
        [name, *_beside(prefill, MEASURED_PREFILL), *_beside(decode, MEASURED_DECODE), *rest]
        for name, prefill, decode, *rest in rows
    ]
    head = [
        "constants of",
        "prefill node, input tokens/s",
        "error %",
        "decode node, output tokens/s",
        "error %",
    ]
    return markdown([*head, "sequences per GPU", "time per token, ms"], lines)


def _beside(value: float, measured: float) -> Iterable[str]:
    error = (value / measured - 1.0) * 100.0
    return f"{value:,.0f}", percent(error, signed=True) if value != measured else ""


def constants(_arguments: str, _old: str) -> str:
    """Return the fitted constants, those of all engines and those of each family, with their spread."""
    record = Catalog().get(SERVING_CALIBRATION, "serving")
    shared = [
        [f"`{name}`", *_spread(getattr(section, name))]
        for section in (record.constants, record.client)
        for name in type(section).model_fields
        if name != "cite"
    ]
    first = next(iter(record.engines.values()))
    names = [name for name in type(first).model_fields if name != "cite"]
    own = [
        [f"`{name}`", *(_value(getattr(engine, name)) for engine in record.engines.values())]
        for name in names
    ]
    title = f"Fitted on {record.date} to {record.rows} rows of {len(record.families)} families."
    tables = [markdown(["constant", "value", "spread"], shared), markdown(["constant", *record.engines], own)]
    return "\n\n".join([title, *tables])


def _value(quantity: Quantity) -> str:
    return format_quantity(quantity.value, quantity.dimension)


def _spread(quantity: Quantity) -> tuple[str, str]:
    if quantity.low is None or quantity.high is None:
        return _value(quantity), "not fitted"
    low, high = (format_quantity(end, quantity.dimension) for end in (quantity.low, quantity.high))
    return _value(quantity), f"{low} to {high}"


def intervals(_arguments: str, _old: str) -> str:
    """Return the intervals by class."""
    record = Catalog().get(SERVING_CALIBRATION, "serving")
    lines = [
        [name, f"{i.low.value:.3f}", f"{i.high.value:.3f}", f"{i.high.value / i.low.value:.2f}", str(i.rows)]
        for name, i in record.intervals.items()
    ]
    return markdown(["class", "measured / predicted, 10 %", "90 %", "high / low", "figures"], lines)


def when(_arguments: str, _old: str) -> str:
    """Say when and how the stored figures were made."""
    s, record = stored(), Catalog().get(SERVING_CALIBRATION, "serving")
    return (
        f"The cross-validated figures were computed on {s['date']} by `{s['command']}` ({len(s['rows'])} "
        f"figures in {s['folds']} folds, those of `{s['same_as']}`) and are stored in "
        "[data/crossvalidation_serving.json](data/crossvalidation_serving.json); all else on this page is "
        f"recomputed whenever the pages are, with the constants of {record.date}."
    )


BLOCKS = {
    "serving-aims": aims,
    "serving-held": held_all,
    "serving-classes": held_classes,
    "serving-held-by": held_by,
    "serving-shipped-by": shipped_by,
    "serving-apart": apart,
    "serving-skipped": skipped,
    "serving-furthest": furthest,
    "serving-day": day,
    "serving-when": when,
    "serving-constants": constants,
    "serving-intervals": intervals,
}
