"""Accelerators divided between teacher and student so that both finish together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from planner.errors import InfeasibleError
from planner.plan.distill.speeds import Doing, Speeds, replica_gpus

if TYPE_CHECKING:
    from planner.plan.document import Interval
    from planner.plan.rates import Rate

__all__ = ["Division", "Need", "Share", "divide", "in_turn"]

GUESSED: Final = {"student-trains": 0.4, "teacher-reads": 0.5, "teacher-writes": 0.12, "student-writes": 0.08}
"""Model FLOPs over the dense peak, to begin with: they choose what is planned first, not what comes out."""
TRIES: Final = 5
SLACK: Final = 0.03
"""Share of the accelerators that may be left over, and of the time that training may wait, before another
split is tried."""
CLOSE: Final = 0.07
"""Of the accelerators of training: between splits nearer than that none is looked for."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """Tokens that somebody reads or writes for each token that the student is trained on."""

    doing: Doing
    per_token: float


@dataclass(frozen=True, kw_only=True)
class Share:
    """Accelerators of one role, and their rate."""

    doing: Doing
    gpus: int
    rate: Rate
    tokens_per_s: float
    per_token: float


@dataclass(frozen=True, kw_only=True)
class Division:
    """Who gets how many accelerators.

    Attributes
    ----------
    shares
        The student's training first.
    tokens_per_s
        Tokens that the student is trained on, all roles keeping up.
    limited
        Whether the student's training has no use for more accelerators, so that some stay idle.
    in_turn
        Whether the teacher has all of them first, and then the student.
    pace
        Tokens per second that the student can be trained on at most, however many accelerators there are;
        None without such a limit.
    """

    shares: tuple[Share, ...]
    tokens_per_s: float
    limited: bool
    in_turn: bool = False
    pace: Interval | None = None

    @property
    def gpus(self) -> int:
        """Accelerators in use."""
        gpus = [share.gpus for share in self.shares]
        return max(gpus) if self.in_turn else sum(gpus)


def divide(
    speeds: Speeds,
    trains: Doing,
    needs: Sequence[Need],
    *,
    tokens: float,
    most: int | None = None,
    pace: Interval | None = None,
) -> Division:
    """Give training as many accelerators as leave enough for those who must keep up with it.

    The rate of training rises with its accelerators, and so does what its teachers need: the largest
    training whose needs fit beside it is the split at which both finish together. Layouts and replicas come
    in steps, so that one may wait a little for the other; of the splits that are tried the fastest is kept.

    Parameters
    ----------
    speeds
        On this hardware.
    trains
        The student's training.
    needs
        What is read and written for it.
    tokens
        Of the run.
    most
        Accelerators that training may take; all by default.
    pace
        See `Division`.

    Raises
    ------
    InfeasibleError
        Training or a service does not fit, or not both of them.
    """
    size = speeds.size
    most = min(size, speeds.most or size, most or size)
    best: Division | None = None
    gpus, low, high = min(_guessed(trains, needs, size), most), 0, most + 1
    for _ in range(TRIES):
        try:
            rate = speeds.train(trains.record, gpus, tokens=tokens, seq_len=round(trains.isl))
        except InfeasibleError:
            if gpus == most:
                raise
            low, wanted = gpus, 2 * gpus
        else:
            tried, total = _tried(_beside(speeds, trains, rate, needs, pace), size, every=gpus == most)
            if tried is not None and (best is None or tried.tokens_per_s > best.tokens_per_s):
                best = tried
            low, high = (gpus, high) if total <= size else (low, gpus)
            if tried is not None and (
                gpus == low == most or (tried.gpus >= size * (1.0 - SLACK) and _even(tried))
            ):
                break
            wanted = math.ceil(gpus * size / total) if total <= size else rate.gpus * size // total
        if high - low <= 1.0 + CLOSE * low:
            break
        gpus = min(max(wanted, low + 1), high - 1)
    if best is None:
        names = " and ".join(dict.fromkeys(need.doing.record.id for need in needs))
        raise InfeasibleError(
            f"{size:,} accelerators do not hold the training of {trains.record.id} and {names} beside it; "
            "give more accelerators, or a way in which the teacher goes first"
        )
    if pace is None:
        return best
    return replace(best, pace=pace, tokens_per_s=min(best.tokens_per_s, pace.value))


def _squeezed(shares: tuple[Share, ...], size: int) -> tuple[Share, ...]:
    """Leave training what it has, and services what is left: the student waits for them. Empty if too little.

    What is left is divided as they need it, in whole replicas; one that is over goes to whom it helps most.
    """
    training, *services = shares
    left = size - training.gpus
    units = [replica_gpus(share.rate) for share in services]
    wanted = sum(share.gpus for share in services)
    gpus = [left * share.gpus // (wanted * unit) * unit for share, unit in zip(services, units, strict=True)]
    if not all(gpus):
        return ()
    each = [share.tokens_per_s / share.gpus / share.per_token for share in services]
    while True:
        slowest = min(range(len(gpus)), key=lambda at: gpus[at] * each[at])
        if sum(gpus) + units[slowest] > left:
            break
        gpus[slowest] += units[slowest]
    return (
        training,
        *(
            replace(share, gpus=got, tokens_per_s=share.tokens_per_s / share.gpus * got)
            for share, got in zip(services, gpus, strict=True)
        ),
    )


def _tried(shares: tuple[Share, ...], size: int, *, every: bool) -> tuple[Division | None, int]:
    """Return the division of these needs, and what they would take; `every` where training has all it may."""
    total = sum(share.gpus for share in shares)
    fitted = shares if total <= size else _squeezed(shares, size)
    if not fitted:
        return None, total
    speed = min(share.tokens_per_s / share.per_token for share in fitted)
    limited = every and total < size * (1.0 - SLACK)
    return Division(shares=fitted, tokens_per_s=speed, limited=limited), total


def _even(division: Division) -> bool:
    """Whether nobody waits for long."""
    training = division.shares[0]
    return division.tokens_per_s >= training.tokens_per_s * (1.0 - SLACK)


def in_turn(speeds: Speeds, trains: Doing, rate: Rate, needs: Sequence[Need]) -> Division:
    """Give all accelerators to the teacher first, then to the student.

    Parameters
    ----------
    rate
        Of the student's training on all that it has use for.

    Raises
    ------
    InfeasibleError
        A service does not fit on all of them.
    """
    speed = rate.tokens_per_s.value
    shares = [Share(doing=trains, gpus=rate.gpus, rate=rate, tokens_per_s=speed, per_token=1.0)]
    for need in needs:
        served = speeds.serve(need.doing, speeds.size)
        shares.append(
            Share(
                doing=need.doing,
                gpus=served.gpus,
                rate=served,
                tokens_per_s=served.tokens_per_s.value,
                per_token=need.per_token,
            )
        )
    seconds = sum(share.per_token / share.tokens_per_s for share in shares)
    return Division(shares=tuple(shares), tokens_per_s=1.0 / seconds, limited=False, in_turn=True)


def _guessed(trains: Doing, needs: Sequence[Need], size: int) -> int:
    """Accelerators of training by FLOP and usual utilisations."""
    own = trains.flop_per_token / GUESSED[trains.role]
    others = sum(need.per_token * need.doing.flop_per_token / GUESSED[need.doing.role] for need in needs)
    return max(round(size * own / (own + others)), 1)


def _beside(
    speeds: Speeds, trains: Doing, rate: Rate, needs: Sequence[Need], pace: Interval | None
) -> tuple[Share, ...]:
    """Return training at a rate, and what keeps up with it."""
    speed = rate.tokens_per_s.value
    shares = [Share(doing=trains, gpus=rate.gpus, rate=rate, tokens_per_s=speed, per_token=1.0)]
    for need in needs:
        wanted = (speed if pace is None else min(speed, pace.value)) * need.per_token
        reached = speeds.peak_flop_per_s * GUESSED[need.doing.role]
        served = speeds.serve(need.doing, wanted * need.doing.flop_per_token / reached)
        served = speeds.serve(need.doing, wanted / served.tokens_per_s_per_gpu.value)
        each, unit = served.tokens_per_s_per_gpu.value, replica_gpus(served)
        gpus = math.ceil(wanted / (each * unit)) * unit
        shares.append(
            Share(
                doing=need.doing, gpus=gpus, rate=served, tokens_per_s=gpus * each, per_token=need.per_token
            )
        )
    return tuple(shares)
