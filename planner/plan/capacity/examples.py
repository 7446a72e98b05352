"""Sections of a dossier on what to train, how to distill and how to post-train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan.capacity import results
from planner.plan.capacity.asked import REFUSALS, Asked
from planner.plan.rates import regular
from planner.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.frontier.results import Point

__all__ = ["best", "reinforced", "taught"]


def best(book: Catalog, asked: Asked, names: tuple[str, ...], filled: Filled) -> tuple[results.Best, ...]:
    """Find the best model of a shape for each horizon of a dossier; one surface of rates serves all."""
    from planner.plan.frontier.frontier import frontier
    from planner.workload.kinds import DOSSIER

    shape, dossier = names
    wanted = book.get(DOSSIER, dossier).frontier
    days = [horizon.value / SECONDS_PER_DAY for horizon in wanted.horizons]
    try:
        found = frontier(days=days, law=wanted.law, shape=shape, catalog=book, **asked.hardware())
    except REFUSALS as error:
        return tuple(results.Best(shape=shape, days=each, reasons=(str(error),)) for each in days)
    known = {point.days: point for point in found.points}
    filled.notes += found.result.notes
    return tuple(
        _best(shape, found.inputs.law, known[each])
        if each in known
        else results.Best(shape=shape, days=each, reasons=found.result.reasons, nearest=found.result.nearest)
        for each in days
    )


def _best(shape: str, law: str, point: Point) -> results.Best:
    return results.Best(
        shape=shape,
        days=point.days,
        law=law,
        model=point.model,
        parameters=point.parameters,
        total_parameters=point.total_parameters,
        tokens=point.tokens,
        loss=point.loss,
        flop=point.flop,
        batch_tokens=point.batch_tokens,
        mfu=point.run.mfu,
        goodput=point.run.goodput.value,
        cost_usd=point.run.cost_usd,
        binds=point.binds.sentence,
        extrapolated=point.extrapolated,
    )


def taught(book: Catalog, asked: Asked, names: tuple[str, ...], filled: Filled) -> results.Taught:
    """Distill by a recipe."""
    from planner.plan.distill.answer import distill

    (recipe,) = names
    try:
        with regular():
            found = distill(recipe=recipe, catalog=book, **asked.hardware())
    except REFUSALS as error:
        return results.Taught(recipe=recipe, reasons=(str(error),))
    said, plan = found.inputs, found.plan
    known = results.Taught(
        recipe=said.recipe,
        student=said.student,
        teacher=said.teacher or said.api,
        sentence=found.result.sentence,
    )
    if plan is None:
        why = {"reasons": found.result.reasons, "nearest": found.result.nearest}
        return known.model_copy(update=why)
    return known.model_copy(
        update={
            "mode": plan.mode,
            "tokens": plan.tokens,
            "gpus_used": plan.gpus_used,
            "days": plan.days,
            "cost_usd": plan.cost_usd,
            "over_plain": plan.over_plain,
            "loss_nats": plan.loss_nats,
            "binds": plan.binds,
        }
    )


def reinforced(book: Catalog, asked: Asked, names: tuple[str, ...], filled: Filled) -> results.Reinforced:
    """Post-train by a recipe, on as many accelerators as it has, or on all where there are fewer."""
    from planner.plan.post_train.question import post_train
    from planner.workload.kinds import POST_TRAINING

    (recipe,) = names
    try:
        usual = book.get(POST_TRAINING, recipe).hardware
        most = asked.accelerators if usual is None else min(round(usual.count.value), asked.accelerators)
        found = post_train(recipe=recipe, compare=False, catalog=book, **{**asked.hardware(), "gpus": most})
    except REFUSALS as error:
        return results.Reinforced(recipe=recipe, reasons=(str(error),))
    said, plan = found.inputs, found.plan
    if plan is None:
        return results.Reinforced(
            recipe=said.recipe,
            model=said.model,
            mode=said.mode,
            reasons=found.result.reasons,
            nearest=found.result.nearest,
        )
    return results.Reinforced(
        recipe=said.recipe,
        model=said.model,
        mode=said.mode,
        steps=plan.steps,
        gpus_used=plan.gpus_used,
        days=plan.days,
        gpu_hours=plan.gpu_hours,
        cost_usd=plan.cost_usd,
        flop=plan.flop,
        sampled_tokens=plan.sampled_tokens,
        gpu_time_shares=plan.shares.gpu_time,
        flop_shares=plan.shares.flop,
        rollouts_in_flight=plan.rollouts.in_flight,
        environments=plan.environments.concurrent,
        binds=plan.bottleneck.sentence,
    )
