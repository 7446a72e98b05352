"""Rows of evidence as tables of candidates, and the reason for every row that cannot be predicted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from planner.catalog.kinds import ACCELERATOR, KERNELS
from planner.catalog.load import Catalog
from planner.errors import UnknownNameError
from planner.evidence.facts import stated_facts, with_facts
from planner.evidence.fill import LARGEST_NODE, strategies
from planner.evidence.runs import Run
from planner.tables import (
    PRECISION_CLASS,
    Hardware,
    Model,
    Rows,
    Strategy,
    hardware_table,
    model_table,
    stack,
)
from planner.types import BoolArray, FloatArray, IntArray
from planner.units import GIGA
from planner.workload.architecture import Architecture
from planner.workload.kinds import MODEL, SOFTWARE
from planner.workload.software import SoftwareProfile

__all__ = ["SKIPS", "Cases", "build_cases"]

SKIPS = {
    "model": "architecture unknown: not in the catalog, in --models or published",
    "accelerator": "accelerator unknown to the catalog",
    "oom": "ran out of memory: checks the memory model, has no step time",
    "precision": "precision of the matrix products unknown",
    "target": "no step time and nothing to derive it from",
    "batch": "sequence length or global batch unknown",
    "format": "the accelerator has no rate for this precision",
    "layout": "the layout does not multiply to the accelerators",
}

BITS_PER_BYTE = 8.0

T = TypeVar("T", bound=Rows)


@dataclass(frozen=True, eq=False)
class Cases:
    """Candidate rows of many runs: arrays of ``R`` candidates, of which several belong to one run."""

    runs: list[Run]
    run: IntArray  # [R] index into runs
    hardware: Hardware
    model: Model
    strategy: Strategy
    profiles: list[tuple[SoftwareProfile, int]]  # distinct (profile, release year of the part)
    profile: IntArray  # [R] index into profiles
    skipped: dict[str, str]  # run id to reason
    notes: dict[str, list[str]]  # run id to what was filled

    def take(self, index: IntArray | BoolArray) -> Cases:
        """Candidates at `index`."""
        return Cases(
            self.runs,
            self.run[index],
            self.hardware.take(index),
            self.model.take(index),
            self.strategy.take(index),
            self.profiles,
            self.profile[index],
            self.skipped,
            self.notes,
        )

    @property
    def measured_s(self) -> FloatArray:
        """Measured step time per candidate; nan where there is none."""
        return np.array([self.runs[i].step_time_s or np.nan for i in self.run])


def build_cases(
    runs: list[Run],
    catalog: Catalog,
    *,
    models: dict[str, Architecture] | None = None,
    need_time: bool = True,
) -> Cases:
    """Candidates for every run that can be predicted, and the reason for every one that cannot.

    Parameters
    ----------
    models
        Architectures by name that take precedence over the catalog (``--models``).
    need_time
        False keeps rows without a step time, for checks of memory.
    """
    records = _Records(catalog, models or {})
    candidates: list[dict[str, float | int | bool]] = []
    index: list[int] = []
    parts: list[Hardware] = []  # of each run that can be predicted
    architectures: list[Model] = []
    row: list[int] = []  # of each candidate, in the two tables above
    profile: list[int] = []
    skipped: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    for i, run in enumerate(runs):
        architecture = records.model(run)
        why = _reason(run, records, need_time=need_time)
        if architecture is None or why is not None:
            skipped[run.id] = SKIPS[why or "model"]
            continue
        notes[run.id] = []
        p = records.profile(run, notes[run.id])
        found = list(strategies(run, architecture, records.profiles[p][0], notes[run.id]))
        candidates += found
        index += [i] * len(found)
        profile += [p] * len(found)
        row += [len(parts)] * len(found)
        parts.append(records.hardware(run))
        architectures.append(architecture)
    return Cases(
        runs,
        np.array(index, dtype=np.int64),
        _stacked(parts, Hardware).take(np.array(row, dtype=np.int64)),
        _stacked(architectures, Model).take(np.array(row, dtype=np.int64)),
        Strategy(**{f.name: np.array([c[f.name] for c in candidates]) for f in fields(Strategy)}),
        records.profiles,
        np.array(profile, dtype=np.int64),
        skipped,
        notes,
    )


def _stacked(tables: list[T], kind: type[T]) -> T:
    if tables:
        return stack(tables)
    return kind(**{f.name: np.zeros(0) for f in fields(kind)})  # type: ignore[arg-type]


def _reason(run: Run, records: _Records, *, need_time: bool) -> str | None:
    """Key of `SKIPS`, or None where the run can be predicted."""
    n, precision = run.number, run.text["precision"]
    if records.model(run) is None:
        return "model"
    if not records.knows_part(run):
        return "accelerator"
    if run.out_of_memory and need_time:
        return "oom"
    if precision not in PRECISION_CLASS:
        return "precision"
    if need_time and run.step_time_s is None:
        return "target"
    if n["seq_len"] is None or n["global_batch_seqs"] is None or n["n_gpus"] is None:
        return "batch"
    if records.hardware(run).peak_flop_per_s[0, PRECISION_CLASS[precision]] <= 0:
        return "format"
    size = (n["tp"] or 1.0) * (n["pp"] or 1.0) * (n["cp"] or 1.0)
    return "layout" if n["n_gpus"] % size or size > n["n_gpus"] else None


class _Records:
    """Catalog records of the rows, each read once."""

    def __init__(self, catalog: Catalog, models: dict[str, Architecture]) -> None:
        self.catalog = catalog
        self.models = models
        self.profiles: list[tuple[SoftwareProfile, int]] = []
        self._profile_at: dict[tuple[str, int, frozenset[str]], int] = {}
        self._hardware: dict[tuple[object, ...], Hardware] = {}
        self._model: dict[str, Model | None] = {}

    def model(self, run: Run) -> Model | None:
        """Return the architecture of a run, or None where nobody knows it."""
        name = run.text["model"]
        if name not in self._model:
            architecture = self.models.get(name)
            if architecture is None:
                try:
                    architecture = self.catalog.get(MODEL, name).architecture
                except UnknownNameError:
                    architecture = None
            self._model[name] = model_table(architecture) if architecture is not None else None
        return self._model[name]

    def knows_part(self, run: Run) -> bool:
        """Whether the catalog has the accelerator of a run."""
        try:
            self.catalog.resolve(ACCELERATOR, run.text["accelerator"])
        except UnknownNameError:
            return False
        return True

    def hardware(self, run: Run) -> Hardware:
        """Return the accelerator of a run in its hosts and network."""
        n = run.number
        key = (run.text["accelerator"], n["gpus_per_node"], n["scale_out_gbps_per_gpu"])
        if key not in self._hardware:
            part = self.catalog.get(ACCELERATOR, run.text["accelerator"])
            kernels = part.kernels or part.id
            if self.catalog.find(KERNELS, kernels) is None:
                kernels = "shared"
            node = int(n["gpus_per_node"] or min(part.scale_up.domain, LARGEST_NODE))
            # A torus or a rack-scale domain does not shrink with the host; a switched node does.
            small = part.scale_up.domain <= LARGEST_NODE
            nic = n["scale_out_gbps_per_gpu"]
            self._hardware[key] = hardware_table(
                part,
                self.catalog.get(KERNELS, kernels),
                domain=min(part.scale_up.domain, node) if small else part.scale_up.domain,
                node=node,
                nic_bytes_per_s=nic * GIGA / BITS_PER_BYTE if nic else None,
            )
        return self._hardware[key]

    def profile(self, run: Run, notes: list[str]) -> int:
        """Return the index in `profiles` of the stack of a run; the newest stands in for an unknown one."""
        name = run.flags.get("framework") or run.text["software"]
        try:
            found = self.catalog.resolve(SOFTWARE, name or "newest")
        except UnknownNameError:
            found = ""
        if not name or not found:
            notes.append(f"software {name or 'unknown'!s} has no profile: newest taken")
            found = self.catalog.get(SOFTWARE, "newest").id
        released = self.catalog.get(ACCELERATOR, run.text["accelerator"]).released
        facts = stated_facts(run.flags)
        key = (found, released, facts)
        if key not in self._profile_at:
            self._profile_at[key] = len(self.profiles)
            self.profiles.append((with_facts(self.catalog.get(SOFTWARE, found), facts), released))
        return self._profile_at[key]
