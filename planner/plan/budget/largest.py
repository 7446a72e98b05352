"""The best training run that the accelerators of a budget do in its days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan.budget.parts import Largest

if TYPE_CHECKING:
    from planner.plan.budget.amounts import Amounts
    from planner.plan.rates import Where

__all__ = ["largest"]


def largest(where: Where, found: Amounts) -> Largest | None:
    """Return the model with the lowest expected loss, by `planner.frontier`; None where there is none."""
    from planner.plan.frontier.frontier import frontier

    answer = frontier(
        where.cluster,
        gpu=where.gpu,
        days=found.days,
        failures=where.failures,
        catalog=where.book,
        **where.options(),
    )
    if not answer.points:
        return None
    (point,) = answer.points
    return Largest(
        model=point.model,
        parameters=point.parameters,
        tokens=point.tokens,
        flop=point.flop,
        loss=point.loss,
        gpus=point.run.gpus_used,
        utilisation=point.run.mfu,
        goodput=point.run.goodput.value,
        usd=point.run.cost_usd,
        days=point.train_days,
        law=answer.inputs.law,
        extrapolated=point.extrapolated,
        binds=point.binds.sentence,
        sentence=point.sentence,
    )
