"""A dossier as tables for people, in one screen, and as flat records; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.plan.capacity.results import Taught
from planner.plan.capacity.words import brief
from planner.plan.cluster.words import RULE_LABELS, between, count, energy, plain, usd, watts
from planner.plan.sections import Section
from planner.plan.staged.table import days_text
from planner.units import SECONDS_PER_HOUR, format_quantity

if TYPE_CHECKING:
    from planner.plan.capacity.results import Best, CapacityAnswer, CapacityResult, Reinforced, Run, Served
    from planner.plan.cluster.results import Sheet
    from planner.plan.document import Interval

__all__ = ["records_of", "screens"]

_TRAINING: Final = (
    "run", "parameters", "tokens", "FLOP", "days", "MFU", "goodput", "cost", "all in", "spent on",
)  # fmt: skip
_FRONTIER: Final = (
    "days", "model", "parameters", "tokens", "loss, nats", "FLOP", "batch", "MFU", "goodput", "cost",
)  # fmt: skip
_EXAMPLES: Final = ("recipe", "what", "tokens", "GPUs", "time", "cost", "remark")
_SERVING: Final = ("model", "traffic", "users", "USD/M output", "USD/user, month", "tokens/s", "mode", "MW")


def screens(answer: CapacityAnswer) -> Iterator[Section]:
    """Yield the tables of a dossier that hold something; the first has its sentence as title."""
    title = answer.sentence
    if answer.site is not None:
        yield Section(title, (), _site(answer.site))
        title = ""
    if answer.training:
        more = "Training runs by stages; 'all in' has experiments and failed runs"
        yield Section(title or more, _TRAINING, [_run(run) for run in answer.training])
        title = ""
    if answer.frontier:
        law = next((one.law for one in answer.frontier if one.law), "")
        what = f"Lowest expected loss in the time, by the law {law}" if law else "Lowest expected loss"
        yield Section(title or what, _FRONTIER, [_best(one) for one in answer.frontier])
        title = ""
    if answer.serving:
        alone = "Services, each alone on all of it, at the peak"
        yield Section(title or alone, _SERVING, [_served(one) for one in answer.serving])
    examples = [*map(_taught, answer.distillation), *map(_reinforced, answer.post_training)]
    if examples:
        yield Section(title or "Examples of distillation and post-training", _EXAMPLES, examples)
    if answer.binds:
        yield Section("What binds", (), [(one.section, one.sentence) for one in answer.binds])


def _site(sheet: Sheet) -> list[tuple[str, ...]]:
    counted = ", ".join(
        f"{count(number, bare=True)} {label}"
        for field, label in RULE_LABELS.items()
        if (number := getattr(sheet.h100_equivalents, field)) is not None
    )
    hardware = ", ".join(f"{group.accelerators:,} {group.accelerator}" for group in sheet.groups)
    power, fails = sheet.power, sheet.failures
    prices = ", ".join(
        f"{one.price} {between(one.usd_per_gpu_hour, _cents)}"
        for one in sheet.cost.prices
        if one.usd_per_gpu_hour is not None
    )
    policies = ", ".join(f"{one.policy} {one.goodput.value:.1%}" for one in fails.policies)
    return [
        ("hardware", f"{hardware}; site {power.site}"),
        ("H100 equivalents", counted),
        (
            "power",
            f"{between(power.nameplate_facility_megawatts, watts)} nameplate at the meter, "
            f"{watts(power.average_facility_megawatts.value)} in training: "
            f"{energy(sheet.year.energy_megawatt_hours.value)} a year",
        ),
        ("capital", between(sheet.capital.usd, usd)),
        ("USD per GPU-hour", prices),
        (
            "interruptions",
            f"one every {between(fails.mean_hours_between_interruptions, _hours)}, {fails.spare_hosts:,} of "
            f"{fails.hosts:,} hosts spare",
        ),
        ("goodput by policy", f"{policies} ({fails.model} on all of it)"),
    ]


def _cents(value: float) -> str:
    return f"{value:.2f}"


def _hours(value: float) -> str:
    return format_quantity(value * SECONDS_PER_HOUR, "s", digits=3)


def _run(run: Run) -> tuple[str, ...]:
    plan = run.plan
    size = "" if run.parameters is None else brief(run.parameters)
    if run.active_parameters is not None and run.active_parameters != run.parameters:
        size = f"{size}, {brief(run.active_parameters)} active"
    tokens = "" if run.tokens is None else brief(run.tokens)
    if plan is None:
        why = run.reasons[0] if run.reasons else "no plan"
        return (run.recipe, size, tokens, "", "none", "", "", "", "", why)
    longest = max(plan.stages, key=lambda stage: stage.days.value)
    return (
        run.recipe,
        size,
        tokens,
        f"{plan.flop:.2g}",
        between(plan.days, _three),
        f"{plan.mfu:.1%}",
        f"{plan.goodput:.0%}",
        between(plan.cost_usd, usd),
        usd(plan.all_in.cost_usd.value),
        longest.binds,
    )


def _three(value: float) -> str:
    return f"{value:.3g}"


def _best(one: Best) -> tuple[str, ...]:
    days = f"{one.days:g}"
    if one.parameters is None or one.tokens is None:
        return (days, one.shape, "none", "", "", "", "", "", "", one.reasons[0] if one.reasons else "no plan")
    return (
        days,
        one.model or one.shape,
        between(one.parameters, brief),
        between(one.tokens, brief),
        "" if one.loss is None else between(one.loss, lambda value: f"{value:.3f}"),
        "" if one.flop is None else f"{one.flop:.2g}",
        "" if one.batch_tokens is None else brief(one.batch_tokens),
        "" if one.mfu is None else f"{one.mfu:.0%}",
        "" if one.goodput is None else f"{one.goodput:.0%}",
        "" if one.cost_usd is None else usd(one.cost_usd.value),
    )


def _taught(one: Taught) -> tuple[str, ...]:
    what = f"{one.student or 'a student'} from {one.teacher or 'a teacher'}"
    if one.days is None or one.tokens is None or one.cost_usd is None:
        return (one.recipe, what, "none", "", "", "", one.reasons[0] if one.reasons else "no plan")
    over = "" if one.over_plain is None else f", {one.over_plain:.3g} times plain training"
    return (
        one.recipe,
        what,
        brief(one.tokens.value),
        f"{one.gpus_used or 0:,}",
        days_text(one.days.value),
        usd(one.cost_usd.value),
        f"{one.mode}{over}",
    )


def _reinforced(one: Reinforced) -> tuple[str, ...]:
    what = f"{one.model or 'a model'} by reinforcement"
    if one.days is None or one.sampled_tokens is None or one.cost_usd is None:
        return (one.recipe, what, "none", "", "", "", one.reasons[0] if one.reasons else "no plan")
    times = ", ".join(f"{name} {share:.0%}" for name, share in one.gpu_time_shares.items())
    return (
        one.recipe,
        what,
        brief(one.sampled_tokens.value),
        f"{one.gpus_used or 0:,}",
        days_text(one.days.value),
        usd(one.cost_usd.value),
        f"{one.mode}; GPU time: {times}",
    )


def _served(one: Served) -> tuple[str, ...]:
    if one.output_tokens_per_s is None:
        return (one.model, one.traffic, "none", "", "", "", "", one.reasons[0] if one.reasons else "no plan")
    return (
        one.model,
        one.traffic,
        "" if one.users is None else between(one.users, brief),
        _money(one.usd_per_million_output_tokens),
        _money(one.usd_per_user_month),
        brief(one.output_tokens_per_s.value),
        one.mode or "",
        "" if one.power_megawatts is None else plain(round(one.power_megawatts.value)),
    )


def _money(number: Interval | None) -> str:
    return "" if number is None else between(number, lambda value: f"{value:.3g}")


def records_of(result: CapacityResult) -> list[dict[str, Any]]:
    """Return flat records: one for each run and each service, units in the names."""
    answer = result.result
    runs = [
        {
            "section": "training",
            "name": run.recipe,
            "model": run.model,
            "tokens": run.tokens,
            **({} if run.plan is None else _ends("days", run.plan.days)),
            **({} if run.plan is None else _ends("cost_usd", run.plan.cost_usd)),
            **({} if run.plan is None else _ends("all_in_cost_usd", run.plan.all_in.cost_usd)),
            **({} if run.plan is None else {"flop": run.plan.flop, "mfu": run.plan.mfu}),
            "reason": run.reasons[0] if run.reasons else None,
        }
        for run in answer.training
    ]
    services = [
        {
            "section": "serving",
            "name": one.traffic,
            "model": one.model,
            **_ends("users", one.users),
            **_ends("output_tokens_per_s", one.output_tokens_per_s),
            **_ends("usd_per_million_output_tokens", one.usd_per_million_output_tokens),
            "reason": one.reasons[0] if one.reasons else None,
        }
        for one in answer.serving
    ]
    best = [
        {
            "section": "frontier",
            "name": f"{one.days:g} days",
            "model": one.model or one.shape,
            **_ends("tokens", one.tokens),
            **_ends("loss", one.loss),
            **_ends("cost_usd", one.cost_usd),
            "flop": one.flop,
            "mfu": one.mfu,
            "reason": one.reasons[0] if one.reasons else None,
        }
        for one in answer.frontier
    ]
    examples = [
        {
            "section": section,
            "name": one.recipe,
            "model": one.student if isinstance(one, Taught) else one.model,
            **_ends("days", one.days),
            **_ends("cost_usd", one.cost_usd),
            "reason": one.reasons[0] if one.reasons else None,
        }
        for section, every in (("distillation", answer.distillation), ("post-training", answer.post_training))
        for one in every
    ]
    return [*runs, *best, *services, *examples]


def _ends(name: str, number: Interval | None) -> dict[str, float | None]:
    if number is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}
