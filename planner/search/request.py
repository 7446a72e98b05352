"""What is asked of the search: a job, a limit on accelerators, a goal, and fields already decided."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import numpy as np

from planner.errors import InputError, UsageError, suggest
from planner.tables import GEMM_CLASSES, RECOMPUTES, SHARDINGS

__all__ = ["GOALS", "MOST_ACCELERATORS", "MOST_SEQUENCES", "PINNABLE", "Goal", "Request"]

MOST_ACCELERATORS: Final = 10_000_000
MOST_SEQUENCES: Final = 1 << 30

PINNABLE: Final = (
    "tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch", "sharding", "recompute", "recompute_layers",
    "sequence_parallel", "offload",
)  # fmt: skip
"""Fields of a layout that a request may fix to one value or to a choice of values."""

_NAMES: Final = {"sharding": SHARDINGS, "recompute": RECOMPUTES}
_MOST: Final = {
    "accelerators": MOST_ACCELERATORS,
    "seq_len": 1 << 30,
    "global_batch": MOST_SEQUENCES,
    "top": 1000,
}
_SHARES: Final = ("recompute_layers", "offload")


@dataclass(frozen=True)
class Goal:
    """What makes a plan better: ``step_s * accelerators ** power``, least first."""

    power: float
    fewest: bool = (
        False  # first find the least number of accelerators on which anything fits, and use no more
    )
    ladder: bool = False  # also try every halving of the largest data-parallel size


GOALS: Final = {
    "fastest": Goal(power=0.0),
    "cheapest": Goal(power=1.0, ladder=True),
    "fewest": Goal(power=0.0, fewest=True),
}
"""Names of the goals.

``fastest``: least step time. ``cheapest``: fewest accelerator-seconds per token. ``fewest``: fewest
accelerators, then least step time.
"""


@dataclass(frozen=True)
class Request:
    """One question to the search.

    Parameters
    ----------
    accelerators
        Available; a plan uses up to that many (1 to `MOST_ACCELERATORS`), the others are spares.
    seq_len, global_batch
        Tokens per sequence, sequences per optimizer step.
    gemm_class
        Index into `planner.tables.GEMM_CLASSES`.
    goal
        A key of `GOALS`.
    pins
        Field of `PINNABLE` to the value, or the values, it may take. Sharding and recompute go by name.
    offloads
        Shares of the activations that may be moved to host memory.
    zero_bubble
        1 where the schedule splits the backward pass to fill the bubble.
    fit, likely
        Least probability of fitting into memory: of any plan, and of one called likely.
    sigma
        Spread of log(measured/predicted) peak memory.
    in_flight
        Micro-batches that the first pipeline stage keeps, where the schedule is not to decide it.
    top
        Plans to return that differ in more than schedule, replicas, sharding and recompute.

    Raises
    ------
    UsageError
        Unknown goal or field.
    InputError
        Values out of range; all of them at once.
    """

    accelerators: int
    seq_len: int
    global_batch: int
    gemm_class: int = 0
    goal: str = "fastest"
    pins: Mapping[str, Any] = field(default_factory=dict)
    offloads: tuple[float, ...] = (0.0,)
    zero_bubble: float = 0.0
    fit: float = 0.5
    likely: float = 0.9
    sigma: float = 0.12
    top: int = 10
    in_flight: float | None = None

    def __post_init__(self) -> None:
        if self.goal not in GOALS:
            hint = suggest(self.goal, GOALS, otherwise=f"the goals are {', '.join(GOALS)}")
            raise UsageError(f"unknown goal {self.goal!r}; {hint}")
        for name in self.pins:
            if name not in PINNABLE:
                hint = suggest(name, PINNABLE, otherwise=f"the fields are {', '.join(PINNABLE)}")
                raise UsageError(f"unknown field {name!r} to pin; {hint}")
        mistakes = list(self._mistakes())
        pins: dict[str, tuple[float, ...]] = {}
        for name, value in self.pins.items():
            try:
                pins[name] = _values(name, value)
            except ValueError as error:
                mistakes.append(f"{name}: {error}")
        if mistakes:
            raise InputError.collect(mistakes)
        object.__setattr__(self, "pins", pins)
        object.__setattr__(self, "offloads", tuple(sorted(set(self.offloads))))

    def _mistakes(self) -> Iterable[str]:
        for name, most in _MOST.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and value == int(value) and 1 <= value <= most):
                yield f"{name}: {value!r} is not a whole number from 1 to {most}"
        if self.gemm_class not in range(len(GEMM_CLASSES)):
            yield f"gemm_class: {self.gemm_class!r} is not an index into {GEMM_CLASSES}"
        if not 0.0 < self.fit <= self.likely < 1.0:
            yield f"fit, likely: 0 < fit ({self.fit}) <= likely ({self.likely}) < 1 does not hold"
        if not 0.0 < self.sigma < math.inf:
            yield f"sigma: {self.sigma!r} is not a positive number"
        if not self.offloads or not all(0.0 <= x <= 1.0 for x in self.offloads):
            yield f"offloads: {self.offloads!r} are not shares from 0 to 1"
        if self.in_flight is not None and not 1.0 <= self.in_flight < math.inf:
            yield f"in_flight: {self.in_flight!r} is not a number from 1"
        if not 0.0 <= self.zero_bubble <= 1.0:
            yield f"zero_bubble: {self.zero_bubble!r} is not from 0 to 1"

    def pinned(self, name: str) -> tuple[float, ...] | None:
        """Values that a field may take, or None where it is free."""
        found: tuple[float, ...] | None = self.pins.get(name)
        return found

    def changed(self, **values: Any) -> Self:
        """Return a validated copy with some parameters replaced."""
        return replace(self, **{"pins": self.words(), **values})

    def without(self, name: str) -> Self:
        """Return a copy in which one field is free again."""
        return self.changed(pins={k: v for k, v in self.words().items() if k != name})

    def words(self) -> dict[str, tuple[Any, ...]]:
        """Return the pins as the constructor takes them: sharding and recompute by name."""
        return {
            k: tuple(_NAMES[k][int(x)] for x in v) if k in _NAMES else tuple(v) for k, v in self.pins.items()
        }


def _values(name: str, value: Any) -> tuple[float, ...]:
    """Sorted distinct numbers of a pin; names become indices."""
    many = value if isinstance(value, (list, tuple, set, frozenset, np.ndarray)) else [value]
    numbers: set[float] = set()
    for one in many:
        number = _number(name, one)
        numbers.add(number)
    if not numbers:
        raise ValueError("no value is left to choose from")
    return tuple(sorted(numbers))


def _number(name: str, value: Any) -> float:
    names = _NAMES.get(name)
    if names is not None:
        if value not in names:
            raise ValueError(f"{value!r} is none of {', '.join(names)}")
        return float(names.index(value))
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a number") from None
    if name in _SHARES:
        if not 0.0 <= number <= 1.0:
            raise ValueError(f"{value!r} is not a share from 0 to 1")
    elif name == "sequence_parallel":
        if number not in (0.0, 1.0):
            raise ValueError(f"{value!r} is neither true nor false")
    elif not (math.isfinite(number) and number == int(number) and number >= 1):
        raise ValueError(f"{value!r} is not a whole number from 1")
    return number
