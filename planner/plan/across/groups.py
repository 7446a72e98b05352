"""Training across the groups of a mixed cluster: each with its own layout and a share of every batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from planner.plan.across.group import Part
from planner.plan.across.mix import WORTH, Member, Mix, best_mix, limited
from planner.plan.across.results import Across, AcrossGroup
from planner.plan.assemble import costs_of, spread_at, strategy_of, work_of
from planner.plan.document import Interval
from planner.plan.solve import Effort
from planner.units import MEGA, SECONDS_PER_DAY, SECONDS_PER_HOUR, format_quantity

if TYPE_CHECKING:
    from planner.plan.defaults import Filled
    from planner.plan.interval import Spread
    from planner.plan.job import Case, Job
    from planner.plan.solve import Found

__all__ = ["LOST", "across_groups"]

LOST: Final = {
    "waiting": "for the slowest group",
    "rounding": "micro-batches that are not full",
    "exchange": "of gradients between groups, where no backward pass hides it",
    "growth": "jitter and stragglers of more accelerators in one step",
}
"""Why groups together are slower than the sum of them."""
LARGE: Final = 0.05
"""Share above which a cause is named."""


def across_groups(
    tried: Sequence[Found], filled: Filled, effort: Effort | None = None, *, share: float = 1.0
) -> Across | None:
    """Plan a job across the groups of a cluster.

    Parameters
    ----------
    tried
        The search of each group for the whole batch with the accelerators that it has.
    filled
        Takes the assumption about the shares.
    effort
        Takes the searches made: two more for each group.
    share
        Of the accelerators of each group, those that may run at a time (a cap on power); whole hosts.

    Returns
    -------
    Across or None
        None where fewer than two groups can train the model, where their sequences are too few, and where
        accelerators are solved for or are to be few: training across groups is about time.
    """
    if not tried or tried[0].case.job.question == "gpus" or tried[0].case.job.goal != "fastest":
        return None
    job = tried[0].case.job
    able = [one for one in tried if one.case.impossible is None and one.plans is not None and not one.failed]
    alone = [Part(found=(one,), available=one.case.site.available) for one in able]
    parts = limited([_running(part, share) for part in alone], job.gpus)
    mix = best_mix(parts, job.global_batch, effort or Effort())
    if mix is None:
        return None
    filled.assume(
        "shares",
        ", ".join(f"{one.part.case.site.accelerator.id} {one.sequences:,}" for one in mix.members),
        "across groups: each keeps a layout of its own and takes whole sequences in proportion to its speed",
    )
    return _answer(mix, alone, job, [one.case.site.short for one in tried])


def _running(part: Part, share: float) -> Part:
    if share >= 1.0:
        return part
    unit = part.case.site.node or 1
    return replace(part, available=max(int(part.available * share / unit), 1) * unit)


def _answer(mix: Mix, alone: Sequence[Part], job: Job, known: Sequence[str]) -> Across:
    """Return a mix as results carry it."""
    best = min(alone, key=lambda one: (one.alone_s, one.name))
    spreads = [_spread(one) for one in mix.members]
    step = _step_time(mix, spreads)
    rate = _per(job.batch_tokens, step)
    tokens = job.tokens
    days = None if tokens is None else _scaled(step, tokens / job.batch_tokens / SECONDS_PER_DAY)
    allowed = None if days is not None else (job.days or 0.0) * SECONDS_PER_DAY
    seen = None if allowed is None else _scaled(rate, allowed)
    hours = _scaled(days, SECONDS_PER_DAY / SECONDS_PER_HOUR) if days else None
    if hours is None:
        spent = (allowed or 0.0) / SECONDS_PER_HOUR
        hours = Interval(value=spent, low=spent, high=spent)
    used = sum(one.gpus for one in mix.members)
    chosen = [one.part.name for one in mix.members]
    sums = sum(1.0 / one.part.alone_s for one in mix.members)
    lost = _lost(mix)
    gain = best.alone_s / mix.step_s - 1.0
    return Across(
        groups=tuple(_group(one, mix, spread) for one, spread in zip(mix.members, spreads, strict=True)),
        left_out=tuple(name for name in known if name not in chosen),
        gpus_used=used,
        step_time_s=step,
        tokens_per_s=rate,
        mfu=work_of(best.case).causal * rate.value / sum(_peak(one) for one in mix.members),
        days=days,
        tokens=seen,
        gpu_hours=_scaled(hours, float(used)),
        best_group=best.case.site.accelerator.id,
        gain=gain,
        efficiency=1.0 / (mix.step_s * sums),
        exchange_megabytes_per_gpu=max(float(one.exchange.moved_bytes[0]) for one in mix.members) / MEGA,
        exchange_s=max(float(one.exchange.seconds[0]) for one in mix.members),
        lost=lost,
        notes=tuple(_notes(mix)),
        sentence=_sentence(mix, best, gain, sum(lost.values())),
    )


def _group(member: Member, mix: Mix, spread: Spread) -> AcrossGroup:
    site = member.part.case.site
    share = _on_share(member)
    return AcrossGroup(
        gpu=site.accelerator.id,
        system=site.system.id if site.system else None,
        fabric=site.fabric.id if site.fabric else None,
        gpus_used=member.gpus,
        gpus_spare=member.part.available - member.gpus,
        strategy=strategy_of(share, costs_of(share, member.plans)),
        share_of_batch=member.sequences / mix.sequences,
        step_time_s=spread.of_time(member.own_s),
        waits_s=mix.slowest_s - member.busy_s,
        alone_step_time_s=member.part.alone_s,
        fit_probability=float(member.plans.fit_probability[0]),
    )


def _on_share(member: Member) -> Case:
    """Return the job of one group: its share of the batch."""
    case = member.part.case
    return replace(case, job=replace(case.job, global_batch=member.sequences))


def _spread(member: Member) -> Spread:
    share = _on_share(member)
    return spread_at(share, costs_of(share, member.plans))


def _step_time(mix: Mix, spreads: Sequence[Spread]) -> Interval:
    """Interval of the slowest group, whichever it is at either end."""
    ends = [
        max(one.busy_s * getattr(spread, end) for one, spread in zip(mix.members, spreads, strict=True))
        for end in ("low", "high")
    ]
    return Interval(value=mix.step_s, low=ends[0] + mix.exposed_s, high=ends[1] + mix.exposed_s)


def _per(amount: float, step: Interval) -> Interval:
    return Interval(value=amount / step.value, low=amount / step.high, high=amount / step.low)


def _scaled(interval: Interval, factor: float) -> Interval:
    return Interval(value=interval.value * factor, low=interval.low * factor, high=interval.high * factor)


def _peak(member: Member) -> float:
    """Dense peak of the accelerators of a group in the precision that it trains in."""
    case = member.part.case
    return member.gpus * float(case.site.table.peak_flop_per_s[0, case.gemm_class])


def _lost(mix: Mix) -> dict[str, float]:
    weights = [one.sequences / mix.sequences for one in mix.members]
    seconds = {
        "waiting": [mix.slowest_s - one.busy_s for one in mix.members],
        "rounding": [one.own_s * (1.0 - one.sequences / one.room) for one in mix.members],
        "exchange": [mix.exposed_s for _ in mix.members],
        "growth": [one.growth_s for one in mix.members],
    }
    return {
        name: sum(w * s for w, s in zip(weights, parts, strict=True)) / mix.step_s
        for name, parts in seconds.items()
    }


def _notes(mix: Mix) -> Iterator[str]:
    fabrics = {one.part.case.site.fabric.id for one in mix.members if one.part.case.site.fabric is not None}
    if len(fabrics) > 1:
        yield (
            f"The groups are on fabrics of their own ({', '.join(sorted(fabrics))}): gradients are taken to "
            "pass between them at the rate of the slowest, and what joins them is not on record."
        )
    precisions = {one.part.case.precision for one in mix.members}
    if len(precisions) > 1:
        yield f"The groups compute in {' and '.join(sorted(precisions))}: their gradients differ in noise."


def _sentence(mix: Mix, best: Part, gain: float, lost: float) -> str:
    used = ", ".join(f"{one.gpus:,} {one.part.case.site.accelerator.id}" for one in mix.members)
    takes = format_quantity(mix.step_s, "s", digits=3)
    name = best.case.site.accelerator.id
    if gain < WORTH:
        return (
            f"Training across groups ({used}) gains nothing over {name} alone: a step takes {takes} instead "
            f"of {format_quantity(best.alone_s, 's', digits=3)}, because {_why_not(mix, best)}."
        )
    return (
        f"Across groups ({used}) a step takes {takes}, {1.0 + gain:.2f} times as fast as on {name} alone; "
        f"waiting, rounding, exchange and growth take {lost:.1%} of it."
    )


def _why_not(mix: Mix, best: Part) -> str:
    """Say why more groups are of no use."""
    if mix.exposed_s > LARGE * mix.step_s:
        return f"the exchange of gradients between groups takes {mix.exposed_s / mix.step_s:.0%} of it"
    others = [one.part for one in mix.members if one.part.name != best.name]
    if sum(best.alone_s / one.alone_s for one in others) < LARGE:
        return "the other groups are slow beside it"
    return (
        f"a batch of {mix.sequences:,} sequences does not divide into rounds that keep more accelerators "
        "busy; try a larger --global-batch"
    )
