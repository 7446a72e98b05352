"""Training measurements: the columns of ``workloads/evidence/training_runs.csv``, read strictly.

Required columns: ``id, model, accelerator, n_gpus, precision, seq_len, global_batch_seqs`` and one of ``step_time_s``
and ``tokens_per_s_per_gpu``. Optional: ``family, source, software, date, gpus_per_node, scale_out_gbps_per_gpu,
micro_batch, tp, pp, vpp, cp, ep, etp, dp, sharding, recompute, sequence_parallel, other_flags, memory_gb_per_gpu``;
further columns are kept for display and otherwise ignored. A blank means unknown.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field
from pathlib import Path

from planner.errors import InputError, OutputError, did_you_mean
from planner.tables import SHARDINGS
from planner.tables.arrays import RECOMPUTES

__all__ = ["LARGEST_FILE_BYTES", "Run", "parse_runs", "read_runs"]

LARGEST_FILE_BYTES = 64 * 2**20
_LARGEST_NUMBER = 1e15

REQUIRED = ("id", "model", "accelerator", "n_gpus", "precision", "seq_len", "global_batch_seqs")
NUMBERS = (
    "n_gpus", "seq_len", "global_batch_seqs", "gpus_per_node", "scale_out_gbps_per_gpu", "micro_batch", "tp", "pp",
    "vpp", "cp", "ep", "etp", "dp", "step_time_s", "tokens_per_s_per_gpu", "memory_gb_per_gpu",
)  # fmt: skip
TEXTS = ("id", "family", "source", "software", "model", "accelerator", "precision", "date", "other_flags")
CHOICES = {"sharding": SHARDINGS, "recompute": RECOMPUTES, "sequence_parallel": ("y", "n")}


@dataclass(frozen=True)
class Run:
    """One measured training run; ``None`` is unknown."""

    line: int
    text: dict[str, str]
    number: dict[str, float | None]
    choice: dict[str, str | None]
    flags: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its name in the file."""
        return self.text["id"]

    @property
    def family(self) -> str:
        """Rows of one family are near-copies: they are weighted and left out together."""
        return self.text["family"] or self.text["source"] or "user"

    @property
    def step_time_s(self) -> float | None:
        """Measured seconds per optimizer step, from the step time or from tokens/s."""
        n = self.number
        if n["step_time_s"]:
            return n["step_time_s"]
        rate, batch, seq, gpus = n["tokens_per_s_per_gpu"], n["global_batch_seqs"], n["seq_len"], n["n_gpus"]
        if rate and batch and seq and gpus:
            return batch * seq / (rate * gpus)
        return None

    @property
    def out_of_memory(self) -> bool:
        """The run did not fit."""
        return self.flags.get("result", "").upper().startswith("OOM")


def read_runs(path: Path) -> list[Run]:
    """Read a CSV file of measurements.

    Raises
    ------
    InputError
        All mistakes of the file at once, each ``file:line: column: message; mend``.
    OutputError
        The file cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path}: larger than {LARGEST_FILE_BYTES // 2**20} MiB; split it")
        data = path.read_bytes()
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        return parse_runs(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error


def parse_runs(text: str, name: str = "<input>") -> list[Run]:
    """Parse the text of a CSV of measurements; raises as `read_runs` does."""
    if "\0" in text:
        raise InputError(f"{name}: holds a NUL byte; it is not a CSV text file")
    mistakes: list[str] = []
    runs: list[Run] = []
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        header = reader.fieldnames or []
        _check_header(header, name)
        seen: dict[str, int] = {}
        for row in reader:
            run = _row(row, reader.line_num, name, mistakes)
            if run.id in seen:
                mistakes.append(f"{name}:{run.line}: id: {run.id!r} stands already on line {seen[run.id]}; rename it")
            seen[run.id] = run.line
            runs.append(run)
    except csv.Error as error:
        raise InputError(f"{name}: broken CSV: {error}; check quotes and line ends") from error
    if mistakes:
        raise InputError.collect(mistakes)
    if not runs:
        raise InputError(f"{name}: no rows below the header; add measurements")
    return runs


def _check_header(header: list[str] | tuple[str, ...], name: str) -> None:
    missing = [c for c in REQUIRED if c not in header]
    if "step_time_s" not in header and "tokens_per_s_per_gpu" not in header:
        missing.append("step_time_s")
    if missing:
        hints = "".join(did_you_mean(c, header) for c in missing)
        raise InputError(f"{name}:1: missing columns {', '.join(missing)}.{hints} Columns are listed in docs/evidence.md")
    doubled = sorted({c for c in header if header.count(c) > 1})
    if doubled:
        raise InputError(f"{name}:1: columns {', '.join(doubled)} stand twice; remove one")


def _row(row: dict[str | None, str | None], line: int, name: str, mistakes: list[str]) -> Run:
    if None in row or None in row.values():
        mistakes.append(f"{name}:{line}: has a different number of fields than the header; check its commas and quotes")
    get = {str(k): (v or "").strip() for k, v in row.items() if isinstance(v, str)}
    numbers: dict[str, float | None] = {}
    for column in NUMBERS:
        numbers[column] = _number(get.get(column, ""), f"{name}:{line}: {column}", mistakes)
    choices: dict[str, str | None] = {}
    for column, allowed in CHOICES.items():
        value = get.get(column, "")
        choices[column] = value or None
        if value and value not in allowed:
            mistakes.append(f"{name}:{line}: {column}: {value!r} is not one of {', '.join(allowed)}; leave blank if unknown")
    text = {column: get.get(column, "") for column in TEXTS}
    for column in ("id", "model", "accelerator"):
        if not text[column]:
            mistakes.append(f"{name}:{line}: {column}: is blank; every row needs one")
    flags = {}
    for part in text["other_flags"].split(";"):
        key, _, value = part.strip().partition("=")
        if key:
            flags[key] = value
    return Run(line, text, numbers, choices, flags)


def _number(value: str, place: str, mistakes: list[str]) -> float | None:
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        mistakes.append(f"{place}: {value[:40]!r} is not a number; leave blank if unknown")
        return None
    if not math.isfinite(number) or number <= 0 or number > _LARGEST_NUMBER:
        mistakes.append(f"{place}: {value[:40]} must be positive and finite; leave blank if unknown")
        return None
    return number
