"""The answer to a staged run, from the answers of its stages: sums, what binds, reasons, notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.plan.document import Interval
from planner.plan.independent import times
from planner.plan.staged import results
from planner.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, TERA

if TYPE_CHECKING:
    from planner.plan.defaults import Filled
    from planner.plan.document import Nearest
    from planner.plan.results import Plan, TrainResult
    from planner.plan.staged.shares import Shares
    from planner.workload.training_recipe import Stage, TrainingRecipe

__all__ = ["Done", "answer_of", "longest"]

_HOURS_PER_DAY: Final = SECONDS_PER_DAY / SECONDS_PER_HOUR
_ONE: Final = 1.0


@dataclass(frozen=True)
class Done:
    """A stage and its answer."""

    stage: Stage
    result: TrainResult


def longest(recipe: TrainingRecipe) -> int:
    """Index of the stage with the most tokens."""
    return max(range(len(recipe.stages)), key=lambda at: recipe.stages[at].tokens.value)


def answer_of(
    recipe: TrainingRecipe, done: Sequence[Done], shares: Shares, filled: Filled
) -> results.StagedAnswer:
    """Put the answer together, and what the stages assumed into `filled`."""
    impossible = [one for one in done if one.result.plan is None]
    for one in done:
        filled.assumptions += [a for a in one.result.assumptions if a.field in ("precision", "software")]
    if impossible:
        return results.StagedAnswer(
            plan=None,
            reasons=tuple(f"stage {d.stage.name}: {r}" for d in impossible for r in d.result.result.reasons),
            nearest=_nearest([d.result for d in impossible]),
            notes=tuple(filled.notes),
        )
    plans = [one.result.plan for one in done if one.result.plan is not None]
    stages = _shared([_stage(one.stage, plan) for one, plan in zip(done, plans, strict=True)])
    flop = [s.tokens * plan.mfu.model_tflop_per_token * TERA for s, plan in zip(stages, plans, strict=True)]
    days = _added(s.days for s in stages)
    hours = _added(s.gpu_hours for s in stages)
    cost = _added(s.cost_usd for s in stages)
    most = max(stages, key=lambda s: s.days.value)
    plan = results.StagedPlan(
        days=days,
        gpu_hours=hours,
        cost_usd=cost,
        energy_megawatt_hours=_added(s.energy_megawatt_hours for s in stages),
        co2_tonnes=_added(s.co2_tonnes for s in stages),
        flop=sum(flop),
        mfu=sum(flop) / sum(each / s.mfu for each, s in zip(flop, stages, strict=True)),
        goodput=sum(s.days.value * s.goodput for s in stages) / days.value,
        stages=stages,
        all_in=results.AllIn(
            factor=shares.factor,
            gpu_hours=times(hours, shares.factor),
            days=times(days, shares.factor),
            cost_usd=times(cost, shares.factor),
        ),
        binds=f"The stage {most.name} takes {most.share_of_days:.0%} of the time. {most.sentence}",
        published=_published(recipe, done, hours.value),
    )
    return results.StagedAnswer(plan=plan, notes=(*filled.notes, *_notes(recipe, done)))


def _nearest(failed: Sequence[TrainResult]) -> tuple[Nearest, ...]:
    """Return the changes with which every stage is feasible: of each kind the one that asks for most."""
    found: dict[str, Nearest] = {}
    for near in (near for one in failed for near in one.result.nearest):
        known = found.get(near.field)
        if known is None or _amount(near) > _amount(known):
            found[near.field] = near
    return tuple(found.values())


def _amount(near: Nearest) -> float:
    return float(near.value) if isinstance(near.value, int | float) else 0.0


def _stage(stage: Stage, plan: Plan) -> results.StagePlan:
    strategy = plan.strategy
    return results.StagePlan(
        name=stage.name,
        tokens=stage.tokens.value,
        seq_len=stage.seq_len,
        global_batch_tokens=strategy.global_batch_seqs * strategy.seq_len,
        gpus_used=plan.gpus_used,
        strategy=strategy,
        step_time_s=plan.step_time_s,
        mfu=plan.mfu.value,
        goodput=plan.goodput.value,
        days=plan.days_with_failures,
        share_of_days=_ONE,
        gpu_hours=plan.days_with_failures.scaled(_HOURS_PER_DAY * plan.gpus_used),
        cost_usd=plan.cost_usd,
        energy_megawatt_hours=plan.energy_megawatt_hours,
        co2_tonnes=plan.co2_tonnes,
        binds=plan.bottleneck.resource,
        sentence=plan.bottleneck.sentence,
    )


def _shared(stages: Sequence[results.StagePlan]) -> tuple[results.StagePlan, ...]:
    total = sum(stage.days.value for stage in stages)
    return tuple(stage.model_copy(update={"share_of_days": stage.days.value / total}) for stage in stages)


def _added(intervals: Iterable[Interval]) -> Interval:
    """Add numbers that err together: their ends add up."""
    every = list(intervals)
    return Interval(**{end: sum(getattr(one, end) for one in every) for end in ("value", "low", "high")})


def _published(recipe: TrainingRecipe, done: Sequence[Done], hours: float) -> results.Published | None:
    said = recipe.published
    if said is None:
        return None
    same = all(
        one.result.inputs.gpu == said.gpu and one.result.inputs.gpus == round(said.gpus.value) for one in done
    )
    return results.Published(
        gpu=said.gpu,
        gpus=round(said.gpus.value),
        gpu_hours=said.gpu_hours.value,
        software=said.software,
        source=said.gpu_hours.source,
        difference=hours / said.gpu_hours.value - _ONE if same else None,
    )


def _notes(recipe: TrainingRecipe, done: Sequence[Done]) -> Iterable[str]:
    if recipe.note is not None:
        yield f"{recipe.id}: {recipe.note}"
    first = done[longest(recipe)].result
    across = first.result.across
    if across is not None:
        yield (
            f"Of unlike groups {first.inputs.gpu} in {first.inputs.system} trains all stages; "
            f"across them the longest one would be {across.gain:+.0%} faster (planner train)."
        )
    drawn = {d.result.plan.gpus_used for d in done if d.result.plan is not None}
    if len(drawn) > 1:
        yield "Stages use unlike numbers of accelerators; those left idle are not part of the cost."
