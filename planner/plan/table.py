"""An answer as rows for people: short, with units; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.plan.operating.table import (
    POLICY_HEAD,
    between,
    cost_rows,
    policy_rows,
    power_rows,
    storage_rows,
    usd,
)
from planner.plan.sections import Section, no_plan
from planner.plan.tuning import PRETRAIN
from planner.units import SECONDS_PER_HOUR, format_quantity, short_number

if TYPE_CHECKING:
    from planner.plan.explain import Explanation
    from planner.plan.results import Alternative, Interval, Memory, Plan, Strategy, TrainInputs, TrainResult

__all__ = [
    "Rows",
    "alternative_rows",
    "breakdown_rows",
    "explain_rows",
    "headline",
    "plan_records",
    "plan_rows",
    "sections",
]

Rows = list[tuple[str, ...]]
"""A table: rows of cells, all of the same length."""

BREAKDOWN_HEAD: Final = ("one step spends on", "time", "share")
_SHORT_YEAR = 400.0
"""Days above which years read better."""


def headline(result: TrainResult) -> str:
    """Say the answer in one sentence."""
    inputs, plan = result.inputs, result.result.plan
    if plan is None:
        reason = result.result.reasons[0] if result.result.reasons else "nothing fits"
        return f"No plan: {reason}"
    where = (
        f"{plan.gpus_used:,} of {inputs.gpus:,} {inputs.gpu}"
        if inputs.gpus
        else f"{plan.gpus_used:,} {inputs.gpu}"
    )
    if inputs.question == "tokens" and result.result.tokens is not None and inputs.days is not None:
        tokens = _between(result.result.tokens, lambda x: format_quantity(x, "count"))
        return f"{inputs.model} sees {tokens} tokens in {_days(inputs.days)} on {where}."
    took = _between(plan.days_with_failures, _days)
    how = "trains" if inputs.kind == PRETRAIN else f"is fine-tuned ({inputs.kind})"
    need = "needs " if inputs.question == "gpus" else f"{how} on "
    tokens = format_quantity(inputs.tokens or 0.0, "count")
    return (
        f"{inputs.model} {need}{where} for {tokens} tokens: {took} with failures, {usd(plan.cost_usd.value)}."
    )


def plan_rows(result: TrainResult) -> Rows:
    """Return (what, value) of the chosen plan."""
    plan = result.result.plan
    if plan is None:
        return []
    s, inputs = plan.strategy, result.inputs
    rows: Rows = [
        *_learns(inputs),
        ("hardware", _hardware(inputs)),
        ("accelerators", _used(plan)),
        ("layout", layout(s)),
        (
            "batch",
            f"{s.global_batch_seqs:,} sequences of {s.seq_len:,} {_positions(inputs)} = "
            f"{_count(inputs.global_batch_tokens)} tokens",
        ),
        ("micro-batches", f"{s.micro_batches:,} of {s.micro_batch} per pipeline"),
        ("states", _states(s)),
        ("recompute", _recompute(s)),
        ("precision", f"{s.precision}, {inputs.software}"),
        ("step time", _between(plan.step_time_s, _seconds)),
        (
            "throughput",
            f"{_between(plan.tokens_per_s, _count)} tokens/s, {plan.tokens_per_s_per_gpu.value:,.0f} per GPU",
        ),
        ("MFU", f"{plan.mfu.value:.1%} causal, {plan.mfu.full:.1%} with all pairs"),
        ("time", f"{_between(plan.days_with_failures, _days)}, {_days(plan.days.value)} without failures"),
        ("goodput", f"{between(plan.goodput, lambda x: f'{x:.1%}')}: {plan.reliability.sentence}"),
        ("failures", _failures(plan)),
        ("GPU-hours", f"{_between(plan.gpu_hours, _count)} without failures"),
        (
            "cost",
            f"{between(plan.cost_usd, usd)}, {between(plan.usd_per_million_tokens, usd)} per million tokens",
        ),
        *cost_rows(plan.cost, plan.usd_per_gpu_hour),
        *power_rows(plan.power, plan.power_megawatts, plan.energy_megawatt_hours, plan.co2_tonnes, per=""),
        *storage_rows(plan.storage),
        ("memory", _memory(plan.memory_gb_per_gpu)),
        ("binds", f"{plan.bottleneck.resource}: {plan.bottleneck.sentence}"),
    ]
    tokens, gpus = result.result.tokens, result.result.gpus
    if tokens is not None:
        rows.insert(0, ("tokens", _between(tokens, _count)))
    if gpus is not None:
        most = f"{gpus.high:,}" if gpus.high is not None else "more than can be used"
        rows.insert(0, ("accelerators needed", f"{gpus.value:,} ({gpus.low:,} to {most})"))
    return rows


def _positions(inputs: TrainInputs) -> str:
    return "tokens" if inputs.packing == 1.0 else f"positions, {inputs.packing:.0%} of them filled,"


def _learns(inputs: TrainInputs) -> Rows:
    """Say what of a model learns, where that is not all of it."""
    if inputs.kind == PRETRAIN:
        return []
    learning = inputs.learning_parameters or 0
    what = f"{_count(learning)} of {_count(inputs.parameters)} parameters learn"
    if inputs.rank is not None:
        where = " ".join(inputs.targets)
        what = f"{_count(learning)} parameters learn: adapters of rank {inputs.rank} on {where}"
    return [("kind", f"{inputs.kind}: {what}; data seen {inputs.epochs:g} times")]


def _failures(plan: Plan) -> str:
    r = plan.reliability
    spare = "host" if r.spare_hosts == 1 else "hosts"
    return (
        f"{_between(r.interruptions, _count)} interruptions, one every "
        f"{between(r.mean_hours_between_failures, lambda h: _seconds(h * SECONDS_PER_HOUR))}; "
        f"{r.spare_hosts:,} spare {spare}; rates of {r.failures}"
    )


def breakdown_rows(plan: Plan) -> Rows:
    """(part, seconds, share of the step), the largest first; parts that take no time are left out."""
    step = plan.step_time_s.value
    parts = sorted(plan.time_breakdown_s.items(), key=lambda item: -item[1])
    return [
        (name.replace("_", " "), _seconds(value), f"{value / step:.1%}") for name, value in parts if value > 0
    ]


ALTERNATIVE_HEAD = ("why", "layout", "GPUs", "step", "time", "cost", "tok/s/GPU", "MFU", "memory", "fits")


def alternative_rows(alternatives: Iterable[Alternative]) -> Rows:
    """Rows under `ALTERNATIVE_HEAD`."""
    return [
        (
            a.why,
            f"{layout(a.strategy)} {a.strategy.sharding} {_recompute(a.strategy)}",
            f"{a.gpus_used:,} {a.gpu}",
            _seconds(a.step_time_s.value),
            _days(a.days_with_failures.value),
            usd(a.cost_usd),
            f"{a.tokens_per_s_per_gpu:,.0f}",
            f"{a.mfu:.1%}",
            f"{a.memory_gb_per_gpu:.0f} GB",
            f"{a.fit_probability:.0%}",
        )
        for a in alternatives
    ]


def explain_rows(explanation: Explanation) -> tuple[Rows, Rows]:
    """Return time terms as (term, seconds, share, how) and numbers as (name, value, kind, source, place).

    How a term is computed ends with the numbers that enter, by the names under which they are listed.
    """
    texts = {n.name: n.text for n in explanation.numbers}
    terms: Rows = [
        (
            t.name.replace("_", " "),
            _seconds(t.seconds),
            f"{t.share:.1%}",
            f"{t.formula} [{', '.join(f'{name} = {texts[name]}' for name in t.uses)}]",
        )
        for t in explanation.terms
    ]
    numbers: Rows = [(n.name, n.text, n.kind, n.source, f"{n.at} [{n.record}]") for n in explanation.numbers]
    return terms, numbers


def layout(s: Strategy) -> str:
    """Write the degrees that are not 1, and the data-parallel one."""
    degrees = [("tp", s.tp), ("cp", s.cp), ("pp", s.pp), ("vpp", s.vpp), ("ep", s.ep), ("etp", s.etp)]
    shown = [f"{name}{value}" for name, value in degrees if value > 1]
    return " ".join([*shown, f"dp{s.dp}", f"mb{s.micro_batch}"])


def plan_records(result: TrainResult) -> list[dict[str, Any]]:
    """Return the plan and its alternatives as flat records, one each, with units in the names."""
    plan = result.result.plan
    records: list[dict[str, Any]] = []
    if plan is not None:
        records.append(
            {
                "why": "chosen",
                "gpu": result.inputs.gpu,
                **plan.strategy.model_dump(),
                "gpus_used": plan.gpus_used,
                **_flat("step_time_s", plan.step_time_s),
                **_flat("days", plan.days),
                **_flat("days_with_failures", plan.days_with_failures),
                "cost_usd": plan.cost_usd.value,
                "tokens_per_s_per_gpu": plan.tokens_per_s_per_gpu.value,
                "mfu": plan.mfu.value,
                "memory_gb_per_gpu": plan.memory_gb_per_gpu.device,
                "fit_probability": plan.memory_gb_per_gpu.fit_probability,
            }
        )
    for a in result.result.alternatives:
        records.append(
            {
                "why": a.why,
                "gpu": a.gpu,
                **a.strategy.model_dump(),
                "gpus_used": a.gpus_used,
                **_flat("step_time_s", a.step_time_s),
                **_flat("days", a.days),
                **_flat("days_with_failures", a.days_with_failures),
                "cost_usd": a.cost_usd,
                "tokens_per_s_per_gpu": a.tokens_per_s_per_gpu,
                "mfu": a.mfu,
                "memory_gb_per_gpu": a.memory_gb_per_gpu,
                "fit_probability": a.fit_probability,
            }
        )
    return records


def sections(result: TrainResult) -> Iterator[Section]:
    """Yield every table of the answer."""
    plan = result.result.plan
    if plan is None:
        yield no_plan(result, headline(result))
        return
    yield Section(headline(result), (), plan_rows(result))
    yield Section("", BREAKDOWN_HEAD, breakdown_rows(plan))
    yield Section("", POLICY_HEAD, policy_rows(plan.reliability))
    if result.result.alternatives:
        yield Section("", ALTERNATIVE_HEAD, alternative_rows(result.result.alternatives))
    yield from _together(result)


def _together(result: TrainResult) -> Iterator[Section]:
    """Yield training across groups and across sites, where the answer has them."""
    from planner.plan.across.table import ACROSS_HEAD, MULTISITE_HEAD, across_rows, multisite_rows

    across, multisite = result.result.across, result.result.multisite
    if across is not None:
        yield Section(across.sentence, ACROSS_HEAD, across_rows(across))
    if multisite is not None:
        yield Section(multisite.sentence, MULTISITE_HEAD, multisite_rows(multisite))


def _flat(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _between(interval: Interval, show: Any) -> str:
    return f"{show(interval.value)} ({show(interval.low)} to {show(interval.high)})"


def _count(value: float) -> str:
    return format_quantity(value, "count", digits=3)


def _seconds(value: float) -> str:
    return format_quantity(value, "s", digits=3)


def _days(days: float) -> str:
    if days < 1:
        return f"{days * 24:.3g} h"
    return f"{days:.3g} days" if days < _SHORT_YEAR else f"{short_number(days / 365.25)} years"


def _hardware(inputs: TrainInputs) -> str:
    parts = [inputs.gpu, inputs.system or "", inputs.fabric or ""]
    where = f" ({inputs.cluster})" if inputs.cluster else ""
    return ", ".join(part for part in parts if part) + where


def _used(plan: Plan) -> str:
    spare = f", {plan.gpus_spare:,} spare" if plan.gpus_spare else ""
    return f"{plan.gpus_used:,} used{spare}"


def _states(s: Strategy) -> str:
    group = f" in groups of {s.shard_group}" if s.shard_group is not None else ""
    return f"{s.sharding}{group}" + (", sequence parallel" if s.sequence_parallel else "")


def _recompute(s: Strategy) -> str:
    part = (
        f" of {s.recompute_layers:.0%} of the layers"
        if s.recompute == "full" and s.recompute_layers < 1
        else ""
    )
    moved = f", {s.offload:.0%} offloaded" if s.offload else ""
    return f"{s.recompute}{part}{moved}"


def _memory(m: Memory) -> str:
    held = f"{m.device:.1f} of {m.capacity:.0f} GB ({m.allocated:.1f} allocated)"
    return f"{held}: {m.fit}, probability {m.fit_probability:.0%}"
