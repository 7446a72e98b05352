"""A staged run as rows for people and as flat records; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.plan.cluster.words import amount, between, energy, plain, usd
from planner.plan.sections import Section, no_plan
from planner.units import KILO, SECONDS_PER_DAY, format_quantity

if TYPE_CHECKING:
    from planner.plan.document import Interval
    from planner.plan.staged.results import StagedPlan, StagedResult, StagePlan

__all__ = ["STAGE_HEAD", "days_text", "headline", "plan_rows", "records_of", "sections", "stage_rows"]

STAGE_HEAD: Final = (
    "stage", "tokens", "sequence", "batch", "GPUs", "step", "MFU", "goodput", "days", "share", "spent on",
)  # fmt: skip


def headline(result: StagedResult) -> str:
    """Say the answer in one sentence."""
    asked, plan = result.inputs, result.plan
    what = f"{asked.recipe} ({_count(asked.parameters)} parameters, {_count(asked.tokens)} tokens)"
    where = asked.cluster or f"{asked.gpus or 0:,} {asked.gpu}"
    if plan is None:
        return f"{what} cannot be trained on {where}: {result.result.reasons[0]}"
    return (
        f"{what} on {where}: {between(plan.days, days_text)}, "
        f"{between(plan.gpu_hours, _count)} GPU-hours and {between(plan.cost_usd, usd)} with failures; "
        f"{between(plan.all_in.cost_usd, usd)} with experiments and failed runs."
    )


def plan_rows(result: StagedResult) -> list[tuple[str, ...]]:
    """Return (what, value) of the whole run."""
    plan = result.plan
    if plan is None:
        return []
    more = plan.all_in
    rows: list[tuple[str, ...]] = [
        ("days, failures included", between(plan.days, days_text)),
        ("GPU-hours", between(plan.gpu_hours, _count)),
        ("cost", f"{between(plan.cost_usd, usd)} at price {result.inputs.price}"),
        ("energy", between(plan.energy_megawatt_hours, energy)),
        ("CO2, by location", f"{between(plan.co2_tonnes, plain)} t"),
        ("compute", f"{plan.flop:.3g} FLOP, MFU {plan.mfu:.1%}, goodput {plan.goodput:.1%}"),
        (
            "with experiments and failed runs",
            f"{between(more.factor, lambda v: f'{v:.3g}')} times: {between(more.gpu_hours, _count)} "
            f"GPU-hours, {between(more.days, days_text)} on the same cluster, {between(more.cost_usd, usd)}",
        ),
        ("binds", plan.binds),
    ]
    if plan.published is not None:
        rows.append(("published", _published(plan)))
    return rows


def _published(plan: StagedPlan) -> str:
    said = plan.published
    if said is None:
        return ""
    beside = "" if said.difference is None else f"; here {said.difference:+.1%}"
    return f"{_count(said.gpu_hours)} GPU-hours on {said.gpus:,} {said.gpu} ({said.source}){beside}"


def stage_rows(plan: StagedPlan) -> list[tuple[str, ...]]:
    """Rows under `STAGE_HEAD`."""
    return [_stage(stage) for stage in plan.stages]


def _stage(stage: StagePlan) -> tuple[str, ...]:
    return (
        stage.name,
        _count(stage.tokens),
        f"{stage.seq_len:,}",
        _count(stage.global_batch_tokens),
        f"{stage.gpus_used:,}",
        format_quantity(stage.step_time_s.value, "s", digits=3),
        f"{stage.mfu:.1%}",
        f"{stage.goodput:.1%}",
        f"{stage.days.value:.3g}",
        f"{stage.share_of_days:.0%}",
        stage.binds,
    )


def days_text(days: float) -> str:
    """Write days as people read them: ``5.14 days``, ``3.2 h``."""
    return f"{days:.3g} days" if days >= 1.0 else format_quantity(days * SECONDS_PER_DAY, "s", digits=3)


def _count(value: float) -> str:
    return format_quantity(value, "count", digits=3) if value >= KILO else amount(value, "").strip()


def records_of(result: StagedResult) -> list[dict[str, Any]]:
    """Return flat records, one for each stage, with units in the names."""
    plan = result.plan
    if plan is None:
        return []
    return [
        {
            "recipe": result.inputs.recipe,
            "stage": stage.name,
            "tokens": stage.tokens,
            "seq_len": stage.seq_len,
            "global_batch_tokens": stage.global_batch_tokens,
            "gpus_used": stage.gpus_used,
            "mfu": stage.mfu,
            "goodput": stage.goodput,
            **_ends("step_time_s", stage.step_time_s),
            **_ends("days", stage.days),
            **_ends("gpu_hours", stage.gpu_hours),
            **_ends("cost_usd", stage.cost_usd),
            "share_of_days": stage.share_of_days,
            "binds": stage.binds,
        }
        for stage in plan.stages
    ]


def _ends(name: str, number: Interval) -> dict[str, float]:
    return {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}


def sections(result: StagedResult) -> Iterator[Section]:
    """Yield every table of the answer."""
    if result.plan is None:
        yield no_plan(result, headline(result))
        return
    yield Section(headline(result), (), plan_rows(result))
    yield Section("", STAGE_HEAD, stage_rows(result.plan))
