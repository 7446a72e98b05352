"""The largest training run that the accelerators of a budget do in its days."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.plan.budget.amounts import Amounts
    from planner.plan.budget.asked import Wanted
    from planner.plan.budget.parts import Largest
    from planner.plan.rates import Where

__all__ = ["largest"]


def largest(where: Where, wanted: Wanted, found: Amounts) -> Largest | None:
    """Return the model with the lowest expected loss; None where the search finds none."""
    return None
