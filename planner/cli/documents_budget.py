"""The JSON of ``planner budget``: the library's answer, and what the command line adds to it."""

from __future__ import annotations

from planner.plan.budget.results import BudgetInputs, BudgetResult

__all__ = ["Budget"]


class InputsOfBudget(BudgetInputs):
    """The question as resolved."""

    catalog: tuple[str, ...] = ()
    """Directories laid over the catalog."""


class Budget(BudgetResult):
    """Answer to ``planner budget``."""

    inputs: InputsOfBudget
