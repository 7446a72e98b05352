"""A training question resolved against the catalog: the job, independent of the hardware it is put on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from planner.catalog.kinds import CALIBRATION
from planner.errors import UsageError, suggest
from planner.plan import defaults, numbers
from planner.plan.defaults import Filled
from planner.plan.model_input import read_model_record
from planner.plan.pins import pinned
from planner.plan.site import MOST_GPUS, Site, check_place
from planner.plan.tuning import PRETRAIN, Tuning, read_tuning, share_filled, times_seen
from planner.tables import (
    PRECISION_CLASS,
    Model,
    Software,
    constants_of,
    model_table,
    software_table,
)
from planner.workload.counts import ParameterCounts, parameters

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.calibration import TrainingCalibration
    from planner.plan.document import Nearest
    from planner.plan.numbers import Number
    from planner.types import FloatArray
    from planner.workload.record import ModelRecord
    from planner.workload.software import SoftwareProfile

__all__ = ["Case", "Job", "Question", "as_catalog", "case_on", "on", "resolve"]

Question = Literal["days", "tokens", "gpus"]
CALIBRATED: Final = "training"
"""Id of the calibration record."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to train and how, without the hardware.

    Attributes
    ----------
    record, counts, model
        The model, its parameters, and its table of one row.
    software, calibration
        The stack and the fitted constants.
    seq_len, global_batch
        Tokens of a sequence, sequences of a step.
    precision
        As asked for; None leaves it to the recipe and the part.
    question
        What is solved for.
    tokens, days, gpus
        As given; None where asked for. Of `gpus` and a cluster's size the smaller counts.
    pins
        Layout fields that are not searched.
    in_flight
        Micro-batches that the first stage keeps; None lets the schedule decide.
    zero_bubble
        Whether the schedule splits the backward pass.
    tuning
        The kind of fine-tuning; None in pre-training.
    epochs
        Times that the data is seen; `tokens` counts each time.
    packing
        Share of the positions of a sequence that hold tokens: the others are padding.
    """

    record: ModelRecord
    counts: ParameterCounts
    model: Model
    software: SoftwareProfile
    calibration: TrainingCalibration
    seq_len: int
    global_batch: int
    precision: str | None
    question: Question
    tokens: float | None
    days: float | None
    gpus: int | None
    goal: str
    top: int
    pins: Mapping[str, Any]
    in_flight: int | None
    zero_bubble: bool
    tuning: Tuning | None = None
    epochs: float = 1.0
    packing: float = 1.0

    @property
    def moe(self) -> bool:
        """Whether the model has experts."""
        return self.record.architecture.moe is not None

    @property
    def batch_tokens(self) -> float:
        """Tokens of a step, padding left out."""
        positions = self.global_batch * self.seq_len
        return positions if self.packing == 1.0 else positions * self.packing

    @property
    def learning(self) -> int:
        """Parameters that learn."""
        return self.counts.total if self.tuning is None else self.tuning.learning


def always(accelerators: FloatArray) -> FloatArray:
    """Goodput where nothing fails."""
    return np.ones_like(accelerators)


def free(accelerators: FloatArray) -> FloatArray:
    """Price, or power, where there is none."""
    return np.zeros_like(accelerators)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A job on one kind of hardware."""

    job: Job
    site: Site
    precision: str
    software: Software
    impossible: str | None
    """Why the precision cannot be had on this part."""
    goodput: Callable[[FloatArray], FloatArray] = always
    """Share of the time in which a job on so many accelerators makes progress, ``[R]``."""
    hourly: Callable[[FloatArray], FloatArray] = free
    """USD per hour of one accelerator of so many, ``[R]``."""
    peak_watts: Callable[[FloatArray], FloatArray] = free
    """At the meter, of so many accelerators at work with their spares, ``[R]``."""
    mend: Nearest | None = None
    """What would make an impossible case possible, where that is not another precision."""

    @property
    def gemm_class(self) -> int:
        """Index into `planner.tables.GEMM_CLASSES`."""
        return PRECISION_CLASS[self.precision]


def as_catalog(catalog: object, overrides: Iterable[str]) -> Catalog:
    """Make a catalog of a `Catalog`, one or several overlay directories, or nothing.

    Raises
    ------
    UsageError
        Overrides beside a `Catalog`, which has its own.
    """
    from planner.catalog.load import Catalog

    texts = (overrides,) if isinstance(overrides, str) else tuple(overrides)
    if isinstance(catalog, Catalog):
        if texts:
            raise UsageError("give the overrides to the Catalog itself: Catalog(overlays, overrides)")
        return catalog
    if catalog is None:
        return Catalog((), texts)
    if isinstance(catalog, str | Path):
        return Catalog((Path(catalog),), texts)
    if isinstance(catalog, Iterable):
        return Catalog(tuple(Path(str(one)) for one in catalog), texts)
    raise UsageError(f"catalog is a Catalog or directories, not {type(catalog).__name__}")


def question_of(*, fixed: bool, tokens: object, days: object) -> Question:
    """Decide what to solve for.

    Parameters
    ----------
    fixed
        Whether the number of accelerators is given, by ``gpus`` or by a cluster that is to be used whole.
    tokens, days
        As given, or None.
    """
    if not fixed and days is not None:
        return "gpus"
    if not fixed:
        raise UsageError(
            "say how many accelerators (--gpus N), or how long it may take (--days D) to solve for them"
        )
    if days is not None:
        return "tokens"
    return "days"


def resolve(
    catalog: Catalog,
    filled: Filled,
    *,
    model: object,
    cluster: str | None,
    gpu: str | None,
    gpus: Number | None,
    tokens: Number | None,
    days: Number | None,
    seq_len: Number | None,
    global_batch: Number | None,
    precision: str | None,
    software: str | None,
    goal: str,
    top: Number,
    in_flight: Number | None,
    zero_bubble: bool | None,
    layout: Mapping[str, Any],
    kind: str = PRETRAIN,
    epochs: Number | None = None,
    packing: Number | None = None,
    rank: Number | None = None,
    targets: str | Iterable[str] | None = None,
) -> Job:
    """Read the question, fill in what it leaves open, and look up the model and the software.

    Raises
    ------
    UsageError
        Conflicting options, or nothing to solve for.
    InputError
        A value that is none; an unknown name.
    """
    if gpus is not None and tokens is not None and days is not None:
        raise UsageError("--gpus, --tokens and --days are all given: leave out the one to solve for")
    limit = None if gpus is None else numbers.count("gpus", gpus, most=MOST_GPUS)
    wanted_days = None if days is None else numbers.days_of("days", days)
    wanted_tokens = None if tokens is None else numbers.token_count("tokens", tokens)
    check_place(cluster, gpu)
    fixed = limit is not None or (cluster is not None and (tokens is None or days is None))
    question = question_of(fixed=fixed, tokens=tokens, days=days)
    defaults.check_precision(precision)
    check_goal(goal)
    pins = pinned(layout)
    record, notes = read_model_record(catalog, model)
    filled.notes.extend(notes)
    counts = parameters(record.architecture)
    tuning = read_tuning(catalog, kind, record, counts, rank=rank, targets=targets, filled=filled)
    asked = tuning.record.data if tuning is not None else None
    length = defaults.sequence_length(record, seq_len, filled, tuning)
    batch = defaults.batch(record, counts, global_batch, length, filled, tuning)
    if question != "tokens" and wanted_tokens is None:
        wanted_tokens = defaults.tokens(record, counts, filled, tuning)
    seen = times_seen(epochs, asked, filled)
    full = share_filled(packing, asked, filled)
    profile = defaults.software(catalog, software, filled)
    return Job(
        record=record,
        counts=counts,
        model=model_table(record.architecture) if tuning is None else tuning.table,
        software=profile,
        calibration=catalog.get(CALIBRATION, CALIBRATED),
        seq_len=length,
        global_batch=batch,
        precision=precision,
        question=question,
        tokens=None if wanted_tokens is None else wanted_tokens * seen,
        days=wanted_days,
        gpus=limit,
        goal=goal,
        top=numbers.count("top", top, most=100, least=0),
        pins=pins,
        in_flight=None if in_flight is None else numbers.count("in_flight", in_flight, most=MOST_GPUS),
        zero_bubble=profile.zero_bubble if zero_bubble is None else zero_bubble,
        tuning=tuning,
        epochs=seen,
        packing=full,
    )


def check_goal(goal: str) -> None:
    """Refuse an unknown goal; raises `UsageError`."""
    from planner.search.request import GOALS

    if goal not in GOALS:
        raise UsageError(
            f"unknown goal {goal!r}; {suggest(goal, GOALS, otherwise='one of ' + ', '.join(GOALS))}"
        )


def case_on(job: Job, site: Site, filled: Filled) -> Case:
    """Put a job on hardware: precision and software as they are on that part."""
    precision, impossible = defaults.precision_on(
        site.accelerator, job.record, job.precision, filled, job.tuning
    )
    constants = constants_of(job.calibration, job.software.family)
    table = software_table(job.software, constants, released=site.accelerator.released)
    return Case(job=job, site=site, precision=precision, software=table, impossible=impossible)


def on(case: Case, gpus: int) -> Case:
    """Return the same job on the same hardware with `gpus` accelerators available."""
    return replace(case, site=replace(case.site, available=gpus))
