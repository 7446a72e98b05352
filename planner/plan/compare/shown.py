"""A figure of an answer, as a comparison takes it: where it stands, and which error it carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from planner.plan.document import Interval
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.plan.compare.asked import Answered

__all__ = ["Better", "Found", "Pairing", "Shown"]

Better = Literal["less", "more"] | None
Found = Interval | float | None


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """What two answers have in common in a figure, where what their errors share was not measured.

    Attributes
    ----------
    estimated
        Whether an error of the estimator, or of a law, is in it; else all in it is drawn by name.
    same
        Whether two sides rest on the same prediction, so that they share all of its errors.
    """

    estimated: bool
    same: Callable[[Answered, Answered], bool]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A figure of an answer.

    A figure that grows with the time of a step, or with the throughput, carries that error of the estimator
    in the power given here: its samples are those of everything else times that power of the error.

    Attributes
    ----------
    figure, unit
        For people.
    better
        Whether less or more of it is better.
    at
        Where an answer has it.
    error
        The error that it is exposed to, as in `planner.plan.compare.spreads`; empty for none.
    power
        With which it grows with that error, as measured over predicted.
    fixed_power
        The same where a service is sized for a load that is given, if it is another.
    samples
        Its samples, where they are not those that its own interval was made of.
    pairing
        None where draws of all sides are made with what was measured of the errors that they share.
    """

    figure: str
    unit: str
    better: Better
    at: Callable[[Answered], Found]
    error: str = ""
    power: float = 0.0
    fixed_power: float | None = None
    samples: Callable[[Answered], FloatArray | None] | None = None
    pairing: Pairing | None = None
