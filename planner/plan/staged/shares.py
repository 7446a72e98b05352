"""What a run takes beside itself, as shares of it: experiments before it, and steps that are thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING, Final

from planner.errors import InputError
from planner.plan import numbers
from planner.plan.document import Interval
from planner.units import parse

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.workload.training_recipe import Overhead, TrainingRecipe

__all__ = ["Shares", "shares_of"]

MOST_OVERHEAD: Final = 1000.0
"""Of experiments, as a multiple of the run."""
_ONE: Final = 1.0


@dataclass(frozen=True)
class Shares:
    """What a run takes beside itself, as shares of it."""

    experiments: Interval
    failed: Interval

    @property
    def factor(self) -> Interval:
        """Experiments, the run and its failed steps over the run; the two are taken as independent."""
        value = _ONE + self.experiments.value + self.failed.value
        down = hypot(self.experiments.value - self.experiments.low, self.failed.value - self.failed.low)
        up = hypot(self.experiments.high - self.experiments.value, self.failed.high - self.failed.value)
        return Interval(value=value, low=max(value - down, _ONE), high=value + up)


def shares_of(
    record: Overhead,
    recipe: TrainingRecipe,
    experiments: Number | None,
    failed: Number | None,
    filled: Filled,
) -> Shares:
    """Read what was given, and fill in the rest."""
    before = _given("experiments", experiments)
    if before is None:
        before = _known(record.experiments)
        filled.assume(
            "experiments",
            before.value,
            f"of the run's compute, before it; {before.low:.0%} to {before.high:.0%} ({record.id}: "
            f"{record.experiments.source})",
        )
    away = _given("failed", failed)
    if away is None:
        of, whose = (record.failed, record.id) if recipe.failed is None else (recipe.failed, recipe.id)
        away = _known(of)
        filled.assume(
            "failed",
            away.value,
            f"of the run's steps, thrown away; {away.low:.0%} to {away.high:.0%} ({whose}: {of.source})",
        )
    return Shares(before, away)


def _given(name: str, value: Number | None) -> Interval | None:
    if value is None:
        return None
    try:
        share = parse(value, "fraction")
    except InputError as error:
        raise InputError(f"{numbers.given(name)} {value!r}: {error}") from error
    if not 0.0 <= share <= MOST_OVERHEAD:
        raise InputError(
            f"{numbers.given(name)} {value!r} must be a share of the run from 0 to {MOST_OVERHEAD:g}; "
            "for example 150%"
        )
    return Interval(value=share, low=share, high=share)


def _known(quantity: Quantity) -> Interval:
    low, high = quantity.bounds
    return Interval(value=quantity.value, low=low, high=high)
