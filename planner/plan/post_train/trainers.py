"""Training rates at a few sizes of the fleet, interpolated in logarithms between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InfeasibleError
from planner.plan.numbers import even
from planner.plan.rates import Rate, Where, training
from planner.units import TERA

if TYPE_CHECKING:
    from planner.plan.post_train.asked import Run
    from planner.plan.results import Plan
    from planner.types import FloatArray

__all__ = ["Batch", "Fleet", "batch_of", "plan_of"]

_SHARES: Final = (0.5, 0.2, 0.06)
"""Of all accelerators, at which the rate is asked first."""
_MORE: Final = (0.65, 0.8, 0.9, 1.0)
"""Shares beyond, where none of them holds the job."""
_HALVINGS: Final = 2
_GRAIN: Final = 64
"""Tokens to which the length of a sequence is rounded."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one update of the optimizer sees: rollouts packed into sequences."""

    seq_len: int
    """The length that a token is in on average, which is what attention costs follow."""
    sequences: int


def batch_of(run: Run) -> Batch:
    """Pack the rollouts of an update."""
    tokens = float((run.stated.rollouts * run.stated.sequence / run.stated.updates)[0, 0])
    length = run.visited_tokens
    learned = run.record.architecture.learned_positions
    if learned:
        length = min(length, float(learned))
    seq_len = max(round(length / _GRAIN) * _GRAIN, _GRAIN)
    return Batch(seq_len=seq_len, sequences=even(max(tokens / seq_len, 1.0), within=0.05))


@dataclass(kw_only=True)
class Fleet:
    """Asks the estimator for the rate of training on so many accelerators, once for each size.

    Attributes
    ----------
    unit
        Accelerators of a host: fleets are whole hosts.
    reasons
        Why a size does not hold the job.
    brief
        Ask at half of the accelerators and at the best splits alone: elsewhere the rate per accelerator is
        that of the nearest size, until one turns out not to fit.
    """

    where: Where
    run: Run
    batch: Batch
    options: dict[str, Any]
    unit: int
    brief: bool = False
    known: dict[int, Rate] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)

    def at(self, gpus: int) -> Rate | None:
        """Return the rate on exactly so many; None where it does not fit."""
        if gpus in self.reasons:
            return None
        if gpus not in self.known:
            try:
                self.known[gpus] = training(
                    self.where.on(gpus),
                    self.run.record,
                    tokens=TERA,
                    seq_len=self.batch.seq_len,
                    global_batch=self.batch.sequences,
                    **self.options,
                )
            except InfeasibleError as error:
                self.reasons[gpus] = str(error)
                return None
        return self.known[gpus]

    def whole(self, gpus: float) -> int:
        """Return the hosts below a number of accelerators, in accelerators; one host at least."""
        return max(int(gpus / self.unit) * self.unit, self.unit)

    def survey(self, total: int, *, roughly: bool = False) -> None:
        """Ask at a few sizes below the total, or only at half of it; where they do not fit, around the least.

        Fleets between the largest that is too small and the smallest that fits are halved twice.
        """
        for share in _SHARES[:1] if roughly or self.brief else _SHARES:
            if self.at(self.whole(share * total)) is None:
                break
        for share in () if self.known else _MORE:
            if self.at(self.whole(share * total)) is not None:
                break
        for _ in range(_HALVINGS if self.known and self.reasons else 0):
            low = max(size for size in self.reasons if size < min(self.known))
            self.at(self.whole((low + min(self.known)) / 2.0))

    def tokens_per_s(self, gpus: FloatArray) -> FloatArray:
        """Trained on with so many accelerators ``[R]``; 0 below the smallest fleet that is known to fit.

        Between sizes that were asked the logarithm of the rate is linear in that of the size; above the
        largest the rate per accelerator stays, at most. It also stays below the smallest in brief.
        """
        sizes = np.array(sorted(self.known), dtype=float)
        if sizes.size == 0:
            return np.zeros_like(gpus)
        rates = np.array([self.known[int(size)].tokens_per_s.value for size in sizes])
        found = np.exp(np.interp(np.log(np.maximum(gpus, 1.0)), np.log(sizes), np.log(rates)))
        fewer = rates[0] * gpus / sizes[0] if self.brief and not self.reasons else 0.0
        return np.where(
            gpus < sizes[0], fewer, np.where(gpus > sizes[-1], rates[-1] * gpus / sizes[-1], found)
        )


def plan_of(rate: Rate) -> Plan:
    """Return the training plan of a rate."""
    from planner.plan.results import Plan

    plan = rate.result.plan
    if not isinstance(plan, Plan):  # pragma: no cover
        raise TypeError("a rate of training carries a plan of training")
    return plan
