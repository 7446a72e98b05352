"""Serving measurements: the columns of ``workloads/evidence/serving_runs.csv``, read strictly.

Required columns: ``id, model, accelerator, n_gpus, weight_precision, isl`` and one of ``tpot_ms, ttft_ms,
output_tokens_per_s, total_tokens_per_s``; docs/evidence.md lists the others. A blank means unknown. Further
columns are ignored. What the text of a row says is parsed (`planner.evidence.serving_text`), what is known of
its source is applied (`planner.evidence.serving_facts`), and both are listed in its `assumptions`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from planner.catalog.paths import data_root
from planner.errors import InputError
from planner.evidence.csv_rows import Cells, read_rows, read_text
from planner.evidence.serving_facts import CLIENTS, METRICS, Effects, Fact, effects_on, parse_facts
from planner.evidence.serving_layout import Degrees, corrected, layout
from planner.evidence.serving_row import ServingRun, Workers
from planner.evidence.serving_text import (
    Notes,
    kv_format,
    length_spread,
    parse_notes,
    speculation,
    statistic,
    weight_format,
)

__all__ = [
    "METRIC_KINDS",
    "Flag",
    "ServingRun",
    "Workers",
    "parse_flags",
    "parse_serving_runs",
    "read_serving_runs",
    "serving_evidence_path",
]

REQUIRED: Final = ("id", "model", "accelerator", "n_gpus", "weight_precision", "isl")
MEASURED: Final = ("tpot_ms", "ttft_ms", "output_tokens_per_s", "total_tokens_per_s")
METRIC_KINDS: Final = ("online", "offline-max-throughput", "batch1-latency", "prefill-only", "decode-only")
POOL_KINDS: Final = ("prefill-only", "decode-only")
EVIDENCE: Final = "workloads/evidence"
SAME_FIGURES: Final = 3
"""Figures that two rows must share before they count as one measurement; one alone may be chance."""

_DEFAULT: Final = re.compile(r"default \(dp-size (\d{1,9})\)")


class Flag(NamedTuple):
    """A row that contradicts itself, recognised by its figures."""

    ttft_ms: float | None
    tpot_ms: float | None
    why: str


def serving_evidence_path() -> Path:
    """Return the file of serving measurements that planner ships."""
    return Path(str(data_root())) / EVIDENCE / "serving_runs.csv"


def read_serving_runs(path: Path | None = None) -> list[ServingRun]:
    """Read a CSV file of serving measurements, with the facts and flags that planner ships.

    Parameters
    ----------
    path
        Default: the measurements that planner ships.

    Raises
    ------
    InputError
        All mistakes of the file at once, each ``file:line: column: message; mend``.
    OutputError
        The file cannot be read.
    """
    shipped = serving_evidence_path()
    known = [shipped.with_name(name) for name in ("serving_facts.csv", "serving_flagged.csv")]
    facts = parse_facts(read_text(known[0]), str(known[0]))
    flags = parse_flags(read_text(known[1]), str(known[1]))
    path = path or shipped
    return parse_serving_runs(read_text(path), str(path), facts=facts, flags=flags)


def parse_flags(text: str, name: str = "<input>") -> dict[str, Flag]:
    """Parse a list of rows that contradict themselves: id to flag. Raises `InputError`."""
    mistakes: list[str] = []
    flags: dict[str, Flag] = {}
    listed = "docs/evidence.md"
    for line, given in read_rows(text, name, mistakes, required=("id", "flag"), listed=listed):
        cells = Cells(given, f"{name}:{line}", mistakes)
        why = "; ".join(filter(None, (part.strip() for part in cells.text("flag").split(";"))))
        flags[cells.name("id")] = Flag(cells.positive("ttft_ms"), cells.positive("tpot_ms"), why)
    if mistakes:
        raise InputError.collect(mistakes)
    return flags


def parse_serving_runs(
    text: str, name: str = "<input>", *, facts: Iterable[Fact] = (), flags: Mapping[str, Flag] | None = None
) -> list[ServingRun]:
    """Parse the text of a CSV of serving measurements; raises as `read_serving_runs` does."""
    mistakes: list[str] = []
    runs: list[ServingRun] = []
    seen: dict[str, int] = {}
    facts = tuple(facts)
    for line, given in read_rows(
        text, name, mistakes, required=REQUIRED, one_of=MEASURED, listed="docs/evidence.md"
    ):
        cells = Cells(given, f"{name}:{line}", mistakes)
        run = _run(cells, line, effects_on(given, facts))
        if run.id in seen:
            mistakes.append(f"{name}:{line}: id: {run.id!r} stands already on line {seen[run.id]}; rename it")
        seen[run.id] = line
        runs.append(run)
    if mistakes:
        raise InputError.collect(mistakes)
    return _with_repeats([_with_flag(run, (flags or {}).get(run.id)) for run in runs])


def _run(cells: Cells, line: int, effects: Effects) -> ServingRun:
    """Return the row with what follows from its text and from the facts about it."""
    notes = parse_notes(cells.text("notes"))
    kind = cells.choice("metric_kind", METRIC_KINDS, "")
    client = _client(cells, kind, effects)
    pool = kind if client == "pool" else ""
    count = cells.count("concurrency_or_max_batch")
    limited = client == "offline" or effects.concurrency_is_limit
    spec = speculation(cells.text("spec_decode"))
    prefill_gpus, decode_gpus = (cells.count(f"n_{name}_gpus", least=0) for name in ("prefill", "decode"))
    blank = "yes" if prefill_gpus and decode_gpus and not pool else "no"
    disaggregated = cells.choice("disaggregated", ("yes", "no"), blank) == "yes"
    isl, osl = cells.positive("isl"), cells.positive("osl")
    n_gpus = effects.accelerators or cells.count("n_gpus")
    columns = Degrees(cells.count("tp"), cells.count("pp"), _attention_ranks(cells), cells.count("ep"))
    own = corrected(columns, notes, effects)
    found = layout(
        pool=pool.partition("-only")[0] or None,
        disaggregated=disaggregated,
        gpus=n_gpus,
        prefill_gpus=prefill_gpus,
        decode_gpus=decode_gpus,
        own=own,
        prefill=Degrees(*(cells.count(f"prefill_{name}") for name in ("tp", "pp", "dp", "ep", "workers"))),
        notes=notes,
    )
    return ServingRun(
        line=line,
        id=cells.name("id"),
        family=cells.text("family") or cells.text("source") or "user",
        source=cells.text("source"),
        url=cells.text("url"),
        date=cells.text("date"),
        confidence=cells.text("confidence"),
        client=client,
        engine=cells.text("engine"),
        engine_version=cells.text("engine_version"),
        model=effects.model or cells.name("model"),
        accelerator=cells.name("accelerator"),
        n_gpus=n_gpus,
        weight_precision=cells.text("weight_precision"),
        kv_precision=cells.text("kv_precision"),
        tp=own.tp,
        pp=own.pp,
        ep=own.ep,
        dp_attention=own.dp,
        disaggregated=disaggregated,
        n_prefill_gpus=prefill_gpus,
        n_decode_gpus=decode_gpus,
        isl=isl,
        osl=osl,
        prefix_hit_rate=cells.share("prefix_hit_rate"),
        concurrency_or_max_batch=count,
        spec_decode=cells.text("spec_decode"),
        metric_kind=kind,
        output_tokens_per_s=cells.positive("output_tokens_per_s"),
        total_tokens_per_s=cells.positive("total_tokens_per_s"),
        output_tokens_per_s_per_gpu=cells.positive("output_tokens_per_s_per_gpu"),
        ttft_ms=cells.positive("ttft_ms"),
        tpot_ms=cells.positive("tpot_ms"),
        request_rate=cells.positive("request_rate"),
        length_note=cells.text("length_note"),
        latency_stat=cells.text("latency_stat"),
        balanced=cells.choice("balanced", ("1", "0"), "1") == "1",
        notes=cells.text("notes"),
        weight_format=weight_format(cells.text("weight_precision")),
        kv_format=kv_format(cells.text("kv_precision")),
        spec_method=spec.method,
        spec_tokens=spec.tokens,
        spec_accepted=spec.accepted,
        length_spread=length_spread(cells.text("length_note")),
        statistic=statistic(cells.text("latency_stat")),
        workers=found.workers,
        prefill=found.prefill,
        decode=found.decode,
        concurrency=None if limited else count or (1 if client == "single" else None),
        batch_limit=count if limited else None,
        chunk_tokens=cells.count("chunk_tokens") or notes.chunk_tokens,
        requests=cells.count("requests")
        or _requests(notes, count)
        or effects.requests.get((isl or 0.0, osl or 0.0)),
        span_s=notes.span_s,
        e2e_ms=notes.e2e_ms,
        kv_transfer_ms=notes.kv_transfer_ms,
        derived_throughput=notes.derived_throughput,
        states=effects.states,
        doubts=effects.doubts,
        assumptions=(*effects.reasons, *found.assumptions),
    )


def _client(cells: Cells, kind: str, effects: Effects) -> str:
    """Return how requests came; from the kind of metric and the load where the column is blank."""
    if kind in POOL_KINDS and cells.text("disaggregated") == "yes":
        guess = "pool"
    elif kind == "offline-max-throughput":
        guess = "offline"
    elif cells.text("concurrency_or_max_batch"):
        guess = "closed"
    elif cells.text("request_rate"):
        guess = "rate"
    else:
        guess = "single" if kind == "batch1-latency" else "closed"
    client = effects.client or cells.choice("client", CLIENTS, guess)
    if client == "pool" and kind not in POOL_KINDS:
        cells.wrong("metric_kind", f"a pool measured alone is {' or '.join(POOL_KINDS)}; write which")
    return client


def _attention_ranks(cells: Cells) -> int | None:
    """Return attention data-parallel ranks; a server's default may stand there in words."""
    default = _DEFAULT.search(cells.text("dp_attention"))
    return int(default[1]) if default else cells.count("dp_attention")


def _requests(notes: Notes, concurrency: int | None) -> int | None:
    if notes.requests_per_slot is not None and concurrency is not None:
        return notes.requests_per_slot * concurrency
    return notes.requests


def _with_flag(run: ServingRun, flag: Flag | None) -> ServingRun:
    """Add why a row contradicts itself, where it is the row that was examined and not one of its name."""
    if flag is None or (flag.ttft_ms, flag.tpot_ms) != (run.ttft_ms, run.tpot_ms):
        return run
    return dataclasses.replace(run, flagged=flag.why)


def _with_repeats(runs: list[ServingRun]) -> list[ServingRun]:
    """Mark rows whose figures an earlier row of the family has; doubt both where the parts differ."""
    first: dict[tuple[object, ...], int] = {}
    result = list(runs)
    for i, run in enumerate(runs):
        figures = (run.output_tokens_per_s, run.total_tokens_per_s, run.ttft_ms, run.tpot_ms)
        if sum(figure is not None for figure in figures) < SAME_FIGURES:
            continue
        j = first.setdefault((run.family, *figures), i)
        if j == i:
            continue
        result[i] = dataclasses.replace(run, repeats=runs[j].id)
        if (runs[j].accelerator, runs[j].model) != (run.accelerator, run.model):
            for k, other in ((i, runs[j].id), (j, run.id)):
                result[k] = _doubted(result[k], other)
    return result


def _doubted(run: ServingRun, other: str) -> ServingRun:
    why = f"the same figures stand for another accelerator or model in {other}: one of them is copied wrongly"
    return dataclasses.replace(run, doubts=METRICS, assumptions=(*run.assumptions, why))
