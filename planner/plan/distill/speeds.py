"""How fast student and teacher train, read and write, by the accelerators they get.

Training is planned for the accelerators of each question, since its layouts do not scale smoothly. Reading
and writing are services of whole replicas: they are planned on all of the hardware, a quarter, a sixteenth
and so on, and scaled from the nearest of these, which is within a few percent of a plan of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from planner.errors import InfeasibleError
from planner.plan import rates
from planner.plan.rates import Rate, Where
from planner.workload.flops import flops

if TYPE_CHECKING:
    from planner.plan.results import TrainResult
    from planner.plan.serving.results import ServeResult
    from planner.workload.record import ModelRecord

__all__ = ["ROLES", "Doing", "Speeds", "efficient", "replica_gpus"]

ROLES: Final = ("student-trains", "teacher-reads", "teacher-writes", "student-writes")
"""What accelerators may do; the last three are services."""
SPARES: Final = 0
"""Hosts that stand by for a service: a batch job waits for a repair, and its goodput says so."""
QUARTER: Final = 4
MOST_QUARTERS: Final = 12
GOOD: Final = 0.25
"""Model FLOPs over the dense peak from which on nobody calls training wasteful."""
HALF: Final = 0.5
"""Of the best rate of an accelerator, which the last of an efficient run still reach."""


@dataclass(frozen=True, kw_only=True)
class Doing:
    """One thing that one model does, whatever the accelerators.

    Attributes
    ----------
    role
        Of `ROLES`.
    record
        The model.
    isl, osl
        Tokens of a sequence that is read or trained on, and written after it.
    """

    role: str
    record: ModelRecord
    isl: float
    osl: float = 0.0

    @property
    def key(self) -> tuple[str, str, float, float]:
        """What tells it from others."""
        return self.role, self.record.id, self.isl, self.osl

    @property
    def flop_per_token(self) -> float:
        """Of a token trained on, read, or written with its share of the prompt; attention causally."""
        long = max(round(self.isl + self.osl), 1)
        forward = float(flops(self.record.architecture, seq_len=long).forward)
        if self.role == "student-trains":
            return 3.0 * forward / long
        return forward / (self.osl or long)


@dataclass
class Speeds:
    """Rates of the roles of a question on some hardware; each search is done once.

    Attributes
    ----------
    where
        One kind of hardware.
    size
        Accelerators there are.
    whole
        Accelerators of a system: services get whole ones.
    peak_flop_per_s
        Dense, of one accelerator, for a first guess of what a service needs.
    options
        Of training: batch, precision.
    most
        Accelerators that the student's training may take; None where it may take all.
    """

    where: Where
    size: int
    whole: int
    peak_flop_per_s: float
    options: dict[str, Any]
    most: int | None = None
    _trained: dict[tuple[str, int], Rate | InfeasibleError] = field(default_factory=dict)
    _served: dict[tuple[tuple[str, str, float, float], int], Rate | InfeasibleError] = field(
        default_factory=dict
    )

    def train(self, record: ModelRecord, gpus: int, *, tokens: float, seq_len: int | None) -> Rate:
        """Train a model on up to so many accelerators.

        The best plan on more of them that leaves enough idle is also the best on these.

        Raises
        ------
        InfeasibleError
            It does not fit.
        """
        for (name, size), known in self._trained.items():
            if name == record.id and isinstance(known, Rate) and known.gpus <= gpus <= size:
                return known
        key = (record.id, gpus)
        if key not in self._trained:
            options = {} if seq_len is None else {"seq_len": seq_len, **self.options}
            try:
                found: Rate | InfeasibleError = rates.training(
                    self.where.on(gpus), record, tokens=tokens, **options
                )
            except InfeasibleError as error:
                found = error
            self._trained[key] = found
        return _or_raised(self._trained[key])

    def results(self) -> tuple[tuple[str, TrainResult | ServeResult], ...]:
        """Return the answers that the rates come from, by the role of their model; training first."""
        trained = [("student-trains", rate) for rate in self._trained.values() if isinstance(rate, Rate)]
        served = [(str(key[0][0]), rate) for key, rate in self._served.items() if isinstance(rate, Rate)]
        return tuple((role, rate.result) for role, rate in [*trained, *served])

    def serve(self, doing: Doing, gpus: float) -> Rate:
        """Read or write on about so many accelerators: by a plan within a factor of four of them.

        One that is there already is taken; else it is that of the nearest size on which it fits.

        Raises
        ------
        InfeasibleError
            It fits on none.
        """
        for (key, size), found in self._served.items():
            if key == doing.key and isinstance(found, Rate) and gpus / QUARTER < size < gpus * QUARTER:
                return found
        wanted = math.log(self.size / min(max(gpus, 1.0), self.size), QUARTER)
        for times in range(min(round(wanted), MOST_QUARTERS), -1, -1):
            found = self._at(doing, self._quartered(times))
            if isinstance(found, Rate):
                return found
        return _or_raised(self._at(doing, self.size))

    def _quartered(self, times: int) -> int:
        """Accelerators after so many quarterings, in whole systems."""
        if times == 0:
            return self.size
        return max(int(self.size / QUARTER**times) // self.whole, 1) * self.whole

    def _at(self, doing: Doing, gpus: int) -> Rate | InfeasibleError:
        gpus = min(gpus, self.size)
        key = (doing.key, gpus)
        if key not in self._served:
            where = self.where.on(gpus)
            try:
                if doing.role == "teacher-reads":
                    found: Rate | InfeasibleError = rates.scoring(
                        where, doing.record, isl=doing.isl, spares=SPARES
                    )
                else:
                    found = rates.generation(where, doing.record, isl=doing.isl, osl=doing.osl, spares=SPARES)
            except InfeasibleError as error:
                found = error
            self._served[key] = found
        return self._served[key]


def efficient(speeds: Speeds, record: ModelRecord, *, tokens: float, seq_len: int) -> int | None:
    """Accelerators up to which each does at least half of what it does at best in training; None for all.

    A small student on a large cluster can be spread until each accelerator does nearly nothing: it is trained
    a little faster at many times the cost. Where all of them reach `GOOD` they are all used; else their
    number is doubled from where their work would reach it, as long as each still does half.
    """
    every = speeds.train(record, speeds.size, tokens=tokens, seq_len=seq_len)
    if every.utilisation >= GOOD:
        return None
    best, found = 0.0, None
    gpus = max(round(every.gpus * every.utilisation / GOOD), 1)
    while gpus < every.gpus:
        try:
            rate = speeds.train(record, gpus, tokens=tokens, seq_len=seq_len)
        except InfeasibleError:
            gpus *= 2
            continue
        each = rate.tokens_per_s_per_gpu.value
        best = max(best, each)
        if each < HALF * best:
            return found
        found, gpus = rate.gpus, gpus * 2
    return None if every.tokens_per_s_per_gpu.value >= HALF * best else found


def replica_gpus(rate: Rate) -> int:
    """Accelerators of the smallest unit that a service grows by."""
    result: ServeResult = rate.result  # type: ignore[assignment]
    plan = result.plan
    if plan is None:
        return 1
    units = [layout.gpus for layout in plan.deployment.layouts]
    return sum(units) if plan.deployment.mode == "disaggregated" else min(units)


def _or_raised(found: Rate | InfeasibleError) -> Rate:
    if isinstance(found, InfeasibleError):
        raise found
    return found
