"""What a search answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.layer import LayerCosts
from planner.model.memory import MemoryCosts
from planner.model.training import StepCosts
from planner.search.request import Request
from planner.tables import Strategy
from planner.types import FloatArray, IntArray

__all__ = ["BANDS", "Change", "Counts", "Plans", "Reason", "SearchResult", "band"]

BANDS = ("no", "marginal", "fits")
"""What a probability of fitting means: below 0.1, in between, above 0.9."""


def band(probability: FloatArray) -> IntArray:
    """Index into `BANDS`."""
    return np.where(probability >= 0.9, 2, np.where(probability >= 0.1, 1, 0))


@dataclass(frozen=True, eq=False)
class Plans:
    """Some plans, one per row, with all that the physics says of them; ``[K]``."""

    strategy: Strategy
    step: StepCosts
    layer: LayerCosts
    memory: MemoryCosts
    accelerators: FloatArray  # used
    spares: FloatArray  # available and not used
    fit_probability: FloatArray
    score: FloatArray  # of the goal; less is better

    def __len__(self) -> int:
        return len(self.accelerators)

    def take(self, index: IntArray) -> Plans:
        """Plans at `index`."""
        tables = {name: getattr(self, name).take(index) for name in ("strategy", "step", "layer", "memory")}
        columns = ("accelerators", "spares", "fit_probability", "score")
        return Plans(**tables, **{name: getattr(self, name)[index] for name in columns})


@dataclass(frozen=True)
class Counts:
    """Layouts by what became of them: ``legal = evaluated + pruned + rejected``."""

    legal: int
    evaluated: int  # final step time computed
    pruned: int  # proved not to answer any question better, without their step time
    rejected: int  # memory computed: does not fit
    feasible: int  # memory computed: fits

    def plus(self, other: Counts) -> Counts:
        """Sum."""
        return Counts(*(getattr(self, n) + getattr(other, n) for n in vars(self)))


@dataclass(frozen=True)
class Change:
    """The nearest change of the request that makes it feasible, alone."""

    field: str  # of the request: accelerators, global_batch, memory_gb ..., or a pinned field to release
    value: float | None  # what to set it to; None releases a pin
    text: str


@dataclass(frozen=True)
class Reason:
    """Why nothing is feasible: a code of `planner.search.reasons.REASONS` and a sentence."""

    code: int
    name: str
    text: str
    lacking_bytes: float = 0.0  # per accelerator, beyond its memory, of the layout that needs the least


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The answer to a `Request`."""

    request: Request
    plans: Plans | None  # the best, distinct in layout, best first; None where nothing is feasible
    by_pp: Plans | None  # the best of each pipeline size that is feasible, ascending
    alternatives: dict[str, Plans]  # one plan each: see `planner.search.answer.ALTERNATIVES`
    counts: Counts
    seconds: float
    reason: Reason | None = None
    nearest: tuple[Change, ...] = ()

    @property
    def feasible(self) -> bool:
        """Whether any plan satisfies the request."""
        return self.plans is not None

    @property
    def best(self) -> Plans | None:
        """The best plan, as a table of one row."""
        return None if self.plans is None else self.plans.take(np.array([0]))
