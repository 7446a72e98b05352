"""A dossier in sentences: what the cluster is, and what binds in each section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from planner.plan.capacity.results import Binding
from planner.plan.cluster.words import RULE_LABELS, count, usd, watts
from planner.plan.frontier.words import days_text
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.capacity.results import Best, CapacityAnswer, Reinforced, Run, Served, Taught
    from planner.plan.cluster.results import Sheet

__all__ = ["binds_of", "brief", "sentence_of"]


def sentence_of(answer: CapacityAnswer) -> str:
    """Say in one sentence what the cluster is and does."""
    said = [] if answer.site is None else [_site(answer.site)]
    done = [run for run in answer.training if run.plan is not None]
    if answer.training and not done:
        said.append("None of the runs fits.")
    if done:
        longest = max(done, key=lambda run: run.plan.days.value if run.plan else 0.0)
        days = longest.plan.days.value if longest.plan else 0.0
        said.append(
            f"It trains {len(done)} of {len(answer.training)} runs, {longest.recipe} in {days_text(days)}."
        )
    most: dict[str, float] = {}
    for one in answer.serving:
        if one.users is not None:
            most[one.traffic] = max(most.get(one.traffic, 0.0), one.users.value)
    if most:
        users = ", ".join(f"{brief(number)} of {traffic}" for traffic, number in most.items())
        said.append(f"Its hardware carries users, one kind at a time: up to {users}.")
    return " ".join(said)


def _site(sheet: Sheet) -> str:
    counted = ", ".join(
        f"{count(number, bare=True)} {label}"
        for field, label in RULE_LABELS.items()
        if (number := getattr(sheet.h100_equivalents, field)) is not None
    )
    return (
        f"{sheet.name}: {sheet.accelerators:,} accelerators are {counted} in H100 equivalents; "
        f"{watts(sheet.power.nameplate_facility_megawatts.value)}, {usd(sheet.capital.usd.value)}."
    )


def brief(value: float) -> str:
    """Write a count in three digits: ``16.1B``, ``830``."""
    return format_quantity(value, "count", digits=3)


def binds_of(answer: CapacityAnswer) -> Iterator[Binding]:
    """Yield what binds in each section that was looked at."""
    if answer.site is not None:
        yield Binding(section="site", sentence=answer.site.power.sentence)
        yield Binding(section="trouble", sentence=answer.site.failures.sentence)
    if answer.training:
        yield Binding(section="training", sentence=_training(answer.training))
    if answer.frontier:
        yield Binding(section="frontier", sentence=_last(answer.frontier))
    if answer.serving:
        yield Binding(section="serving", sentence=_serving(answer.serving))
    if answer.distillation:
        yield Binding(section="distillation", sentence=_last(answer.distillation))
    if answer.post_training:
        yield Binding(section="post-training", sentence=_last(answer.post_training))


def _last(entries: Sequence[Best | Taught | Reinforced]) -> str:
    """Say what binds the last entry that has an answer, or why none has."""
    able = [one.binds for one in entries if one.binds is not None]
    if able:
        return able[-1]
    return entries[0].reasons[0] if entries[0].reasons else "Nothing is feasible."


def _training(runs: Sequence[Run]) -> str:
    """Tell apart the runs that use all of the cluster from those whose batch is too small for it."""
    plans = [(run.recipe, run.plan) for run in runs if run.plan is not None]
    if not plans:
        return f"Nothing trains: {runs[0].reasons[0] if runs[0].reasons else 'no run was named'}"
    spent: dict[str, list[str]] = {}
    for recipe, plan in plans:
        longest = max(plan.stages, key=lambda stage: stage.days.value)
        spent.setdefault(longest.binds, []).append(recipe)
    return "; ".join(f"{', '.join(names)}: {what}" for what, names in spent.items()) + "."


def _serving(services: Sequence[Served]) -> str:
    able = [one for one in services if one.binds is not None]
    lost = [one for one in services if one.binds is None]
    said = []
    if able:
        common, often = Counter(one.binds for one in able).most_common(1)[0]
        most = next(one for one in able if one.binds == common)
        of = f"{most.model}, {most.traffic}" if often == 1 else f"{often} of {len(services)}"
        said.append(f"{of}: {common}")
    if lost:
        said.append(
            f"{len(lost)} of {len(services)} cannot be served: {lost[0].model}, {lost[0].traffic}: "
            f"{lost[0].reasons[0] if lost[0].reasons else 'no plan'}"
        )
    return " ".join(said)
