"""Training measurements: the columns of ``workloads/evidence/training_runs.csv``, read strictly.

Required columns: ``id, model, accelerator, n_gpus, precision, seq_len, global_batch_seqs`` and one of
``step_time_s`` and ``tokens_per_s_per_gpu``. Optional: ``family, source, software, date, gpus_per_node,
scale_out_gbps_per_gpu, micro_batch, tp, pp, vpp, cp, ep, etp, dp, sharding, recompute, sequence_parallel,
other_flags, memory_gb_per_gpu``; further columns are kept for display and otherwise ignored. A blank
means unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from planner.errors import InputError
from planner.evidence.csv_rows import positive, read_rows, read_text
from planner.tables import SHARDINGS
from planner.tables.arrays import RECOMPUTES

__all__ = ["Run", "parse_runs", "read_runs"]

REQUIRED = ("id", "model", "accelerator", "n_gpus", "precision", "seq_len", "global_batch_seqs")
NUMBERS = (
    "n_gpus", "seq_len", "global_batch_seqs", "gpus_per_node", "scale_out_gbps_per_gpu", "micro_batch", "tp",
    "pp", "vpp", "cp", "ep", "etp", "dp", "step_time_s", "tokens_per_s_per_gpu", "memory_gb_per_gpu",
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
    return parse_runs(read_text(path), str(path))


def parse_runs(text: str, name: str = "<input>") -> list[Run]:
    """Parse the text of a CSV of measurements; raises as `read_runs` does."""
    mistakes: list[str] = []
    runs: list[Run] = []
    seen: dict[str, int] = {}
    measured = ("step_time_s", "tokens_per_s_per_gpu")
    for line, cells in read_rows(
        text, name, mistakes, required=REQUIRED, one_of=measured, listed="docs/evidence.md"
    ):
        run = _row(cells, line, name, mistakes)
        if run.id in seen:
            mistakes.append(f"{name}:{line}: id: {run.id!r} stands already on line {seen[run.id]}; rename it")
        seen[run.id] = line
        runs.append(run)
    if mistakes:
        raise InputError.collect(mistakes)
    return runs


def _row(get: dict[str, str], line: int, name: str, mistakes: list[str]) -> Run:
    numbers: dict[str, float | None] = {}
    for column in NUMBERS:
        value = get.get(column, "")
        place = f"{name}:{line}: {column}"
        numbers[column] = positive(value, place, mistakes, mend="leave blank if unknown") if value else None
    choices: dict[str, str | None] = {}
    for column, allowed in CHOICES.items():
        value = get.get(column, "")
        choices[column] = value or None
        if value and value not in allowed:
            known = ", ".join(allowed)
            mistakes.append(
                f"{name}:{line}: {column}: {value!r} is not one of {known}; leave blank if unknown"
            )
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
