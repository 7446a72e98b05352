"""Numbers of a recipe: what the question gives, else the recipe, else the usual one, as samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import InputError
from planner.plan import numbers

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.tables.samples import Samples
    from planner.types import FloatArray
    from planner.workload.distillation import DistillationRecipe

__all__ = ["Fields"]


@dataclass(frozen=True, kw_only=True)
class Fields:
    """Reads the numbers of a recipe; each that the question leaves open becomes an assumption."""

    recipe: DistillationRecipe
    usual: DistillationRecipe
    filled: Filled
    samples: Samples

    @staticmethod
    def given(value: float) -> FloatArray:
        """Return what the question says, which has no spread, ``[1, 1]``."""
        return np.array([[value]])

    def drawn(self, name: str, *, say: bool = True) -> FloatArray:
        """Draw the number of the recipe, or the usual one, ``[S, 1]``; `say` where it bears on the answer."""
        record = self.recipe if getattr(self.recipe, name) is not None else self.usual
        quantity: Quantity | None = getattr(record, name)
        if quantity is None:
            raise InputError(
                f"recipe {record.id!r} says nothing of {name}; give {numbers.given(name)}, or add it there"
            )
        if say:
            note = f": {quantity.note}" if quantity.note else ""
            self.filled.assume(name, quantity.value, f"{self._whose(record, quantity)}{note}")
        return self.samples.of(quantity, f"distillation.{record.id}.{name}")

    def _whose(self, record: DistillationRecipe, quantity: Quantity) -> str:
        spread = "" if quantity.low is None else f", {quantity.low:g} to {quantity.high:g}"
        return f"recipe {record.id}, {quantity.kind}{spread}, {quantity.source}"

    def above_zero(self, name: str, value: Number | None, *, say: bool, **limits: Any) -> FloatArray:
        """Read a number above zero."""
        if value is not None:
            return self.given(numbers.positive(name, value, **limits))
        return self.drawn(name, say=say)

    def epochs(self, value: Number | None, *, most: float) -> FloatArray:
        """Read how often each token is seen: at least once."""
        if value is None:
            return np.maximum(self.drawn("epochs"), 1.0)
        number = numbers.positive("epochs", value, most=most, example="2")
        if number < 1.0:
            raise InputError(f"--epochs {value!r} leaves data unseen; give 1 or more, and fewer --tokens")
        return self.given(number)

    def share(self, name: str, value: Number | None, *, say: bool, zero: bool = False) -> FloatArray:
        """Read a share, above zero unless it may be."""
        if value is None:
            return np.minimum(self.drawn(name, say=say), 1.0)
        number = numbers.fraction(name, value)
        if number == 0.0 and not zero:
            raise InputError(
                f"{numbers.given(name)} {value!r} keeps nothing, so no data comes of it; for example 0.5"
            )
        return self.given(number)

    def whole(self, name: str, *, say: bool) -> int:
        """Read a whole number of the recipe."""
        return round(float(self.drawn(name, say=say)[0, 0]))

    def stored(self, name: str, *, say: bool) -> FloatArray:
        """Read bytes of the recipe."""
        return self.drawn(name, say=say)
