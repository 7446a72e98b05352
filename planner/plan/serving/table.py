"""A serving answer as rows for people: short, with units; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.plan.operating.table import between, cost_rows, power_rows, usd
from planner.plan.sections import Section, no_plan
from planner.plan.serving.words import percentile_text, rate_text
from planner.units import KILO, MILLI, format_quantity, short_number

if TYPE_CHECKING:
    from planner.plan.document import Interval
    from planner.plan.serving.results import (
        Alternative,
        Group,
        Latency,
        Layout,
        ParetoPoint,
        Plan,
        ServeInputs,
        ServeResult,
        Verified,
    )

__all__ = [
    "ALTERNATIVE_HEAD",
    "PARETO_HEAD",
    "VERIFIED_HEAD",
    "Rows",
    "alternative_rows",
    "breakdown_rows",
    "headline",
    "pareto_rows",
    "plan_records",
    "plan_rows",
    "sections",
    "short_layout",
    "verified_rows",
]

Rows = list[tuple[str, ...]]
"""A table: rows of cells, all of the same length."""

BREAKDOWN_HEAD: Final = ("a step spends on", "time", "share")
ALTERNATIVE_HEAD: Final = ("why", "deployment", "GPUs", "requests/s", "tok/s/GPU", "TTFT", "TPOT")
PARETO_HEAD: Final = ("tok/s/GPU", "tok/s/user", "TTFT", "mode", "replica", "batch")
VERIFIED_HEAD: Final = ("", "mean", "p50", "p90", "p99")
MOST_PARETO: Final = 12
"""Points of a frontier that people are shown."""


def headline(result: ServeResult) -> str:
    """Say the answer in one sentence."""
    inputs, plan = result.inputs, result.result.plan
    if plan is None:
        reason = result.result.reasons[0] if result.result.reasons else "nothing fits"
        return f"No plan: {reason}"
    where = inputs.cluster or inputs.accelerator
    if inputs.question == "gpus":
        most = f"{plan.gpus.high:,}" if plan.gpus.high is not None else "more than there are"
        need = f"{plan.gpus.value:,} {inputs.accelerator} ({plan.gpus.low:,} to {most})"
        return f"{inputs.model} needs {need} for {_load(inputs)} of {inputs.traffic}{_promise(inputs)}."
    if plan.users is not None:
        what = f"{_between(plan.users, _count)} users of {inputs.traffic}"
    else:
        what = f"{_between(plan.requests_per_s, rate_text)} requests/s of {inputs.traffic}"
    gpus = f"{inputs.gpus or 0:,} {inputs.accelerator if inputs.cluster is None else 'GPUs'}"
    of = f"{where} ({gpus})" if inputs.cluster else gpus
    return f"{inputs.model} on {of} serves {what}{_promise(inputs)}."


def _load(inputs: ServeInputs) -> str:
    if inputs.users is not None:
        return f"{_count(inputs.users)} users"
    if inputs.concurrency is not None:
        return f"{_count(inputs.concurrency)} concurrent requests"
    return f"{rate_text(inputs.request_rate or 0.0)} requests/s"


def _promise(inputs: ServeInputs) -> str:
    said = [
        f"{label} {_seconds(value * MILLI)} at {percentile_text(share)}"
        for label, value, share in (
            ("TTFT", inputs.ttft_ms, inputs.ttft_percentile),
            ("TPOT", inputs.tpot_ms, inputs.tpot_percentile),
            ("end-to-end", inputs.e2e_ms, inputs.e2e_percentile),
        )
        if value is not None
    ]
    return f" within {', '.join(said)}" if said else ""


def plan_rows(result: ServeResult) -> Rows:
    """Return (what, value) of the chosen plan."""
    plan, inputs = result.result.plan, result.inputs
    if plan is None:
        return []
    d, fleet, m = plan.deployment, plan.fleet, plan.memory_gb_per_gpu
    spoken = f", {d.speculation} with {d.drafts} drafts" if d.speculation else ""
    of = f" ({d.layouts[0].role})" if len(d.layouts) > 1 else ""
    precisions = f"{d.precisions.weights} weights, {d.precisions.kv} cache"
    tokens = f"{_between(plan.output_tokens_per_s, _count)} output tokens/s"
    rates = f"{_between(plan.requests_per_s, rate_text)} at the peak"
    rows: Rows = [
        ("accelerators", _gpus(plan)),
        ("deployment", f"{d.mode}, {d.engine}, {precisions}{spoken}"),
        *((f"  {layout.role}", _layout(layout)) for layout in d.layouts),
        ("requests", f"{inputs.isl:,.0f} tokens in ({_hits(plan, inputs)}), {inputs.osl:,.0f} out"),
        ("requests/s", f"{rates}, {rate_text(fleet.requests_per_s_mean)} on average"),
        ("throughput", f"{tokens}, {_between(plan.output_tokens_per_s_per_gpu, _whole)} per GPU"),
        ("TTFT", _latency(plan.ttft_ms)),
        ("TPOT", _latency(plan.tpot_ms)),
        ("end to end", _latency(plan.e2e_ms)),
        ("headroom", f"{plan.headroom:.0%} of the rate at which queues grow without end"),
        ("replica", _replica(plan)),
        (f"memory{of}", f"{m.used:.1f} of {m.capacity:.0f} GB: {m.weights:.1f} weights, {m.cache:.1f} cache"),
        ("binds", _binds(plan)),
        ("availability", plan.availability.sentence),
        ("cost", _cost(plan)),
        *cost_rows(plan.cost, plan.usd_per_gpu_hour),
        *power_rows(
            plan.power, plan.power_megawatts, plan.energy_megawatt_hours, plan.co2_tonnes, per=" a year"
        ),
    ]
    if plan.users is not None:
        rows.insert(0, ("users", f"{_between(plan.users, _count)}, active or not"))
    if plan.prefix_cache is not None:
        place = next(i for i, (name, _) in enumerate(rows) if name == "binds")
        rows.insert(place, ("prefix cache", plan.prefix_cache.sentence))
    if len(plan.groups) > 1:
        rows += [(f"  {g.accelerator}", _group(g)) for g in plan.groups]
    comparison = result.result.comparison
    if comparison is not None:
        rows.append(("pools or not", comparison.sentence))
    return rows


def _cost(plan: Plan) -> str:
    cost = plan.cost
    parts = [
        f"{between(plan.cost_usd, usd)} a year",
        f"{between(plan.usd_per_million_tokens, _usd)} per million output tokens",
    ]
    split = (cost.usd_per_million_input_tokens, cost.usd_per_million_output_tokens)
    if split[0] is not None and split[1] is not None:
        parts.append(f"or {_usd(split[0].value)} per million in and {_usd(split[1].value)} out")
    if cost.usd_per_user_month is not None:
        parts.append(f"{_usd(cost.usd_per_user_month.value)} per user and month")
    return ", ".join(parts)


def _usd(value: float) -> str:
    return f"${value:.3g}" if value < KILO - 0.5 else usd(value)


def _gpus(plan: Plan) -> str:
    f = plan.fleet
    idle = f", {f.gpus_idle:,} idle" if f.gpus_idle else ""
    return (
        f"{f.gpus_serving:,} serve, {f.gpus_spare:,} spare ({_hosts(f.hosts_failed)} away on average){idle}"
    )


def _layout(layout: Layout) -> str:
    degrees = [("tp", layout.tp), ("pp", layout.pp), ("dp", layout.dp), ("ep", layout.ep)]
    shown = " ".join(f"{name}{value}" for name, value in degrees if value > 1) or "tp1"
    batch = f"batch up to {layout.max_batch:,}, " if layout.role != "prefill" else ""
    chunk = f"chunks of {layout.chunk:,}" if layout.role != "decode" else ""
    limits = f"{batch}{chunk}".removesuffix(", ")
    return f"{layout.replicas:,} replicas of {layout.gpus} {layout.accelerator}, {shown}; {limits}"


def _hits(plan: Plan, inputs: ServeInputs) -> str:
    found = plan.prefix_cache.effective if plan.prefix_cache is not None else inputs.prefix_hit
    if abs(found - inputs.prefix_hit) < 5e-4:
        return f"{inputs.prefix_hit:.1%} cached"
    return f"{found:.1%} cached, {inputs.prefix_hit:.1%} if there were room"


def _replica(plan: Plan) -> str:
    r = plan.replica
    users = f", {_count(r.users)} users" if r.users is not None else ""
    return (
        f"{rate_text(r.requests_per_s)} requests/s, {_whole(r.output_tokens_per_s)} output tokens/s, "
        f"{r.batch:,.0f} decoding{users}"
    )


def _binds(plan: Plan) -> str:
    others = [f"{role}: {limit.replace('_', ' ')}" for role, limit in plan.binds.items()]
    more = f" ({', '.join(others)})" if len(others) > 1 else ""
    return f"{plan.bottleneck.sentence}{more}"


def _group(group: Group) -> str:
    users = f", {_count(group.users)} users" if group.users is not None else ""
    rate = f"{rate_text(group.requests_per_s)} requests/s"
    return f"{group.gpus_serving:,} serve, {group.gpus_spare:,} spare: {rate}{users}"


def _latency(latency: Latency | None) -> str:
    def ms(value: float) -> str:
        return _seconds(value * MILLI)

    if latency is None:
        return "requests wait in a queue that is worked off"

    asked = ""
    if latency.target is not None and latency.at_percentile is not None:
        asked = (
            f"; {ms(latency.at_percentile)} at {percentile_text(latency.percentile)} of {ms(latency.target)}"
        )
    spread = f"p50 {ms(latency.p50)}, p90 {ms(latency.p90)}, p99 {ms(latency.p99)}"
    return f"{ms(latency.mean)} ({ms(latency.low)} to {ms(latency.high)}); {spread}{asked}"


def breakdown_rows(plan: Plan) -> Rows:
    """(part, seconds, share of the step), the largest first; parts that take no time are left out."""
    step = sum(plan.time_breakdown_s.values())
    parts = sorted(plan.time_breakdown_s.items(), key=lambda item: -item[1])
    return [
        (name.replace("_", " "), _seconds(value), f"{value / step:.1%}") for name, value in parts if value > 0
    ]


def alternative_rows(alternatives: Iterable[Alternative]) -> Rows:
    """Rows under `ALTERNATIVE_HEAD`."""
    return [
        (
            a.why,
            " + ".join(short_layout(layout) for layout in a.layouts),
            f"{a.gpus:,}",
            rate_text(a.requests_per_s),
            _whole(a.output_tokens_per_s_per_gpu),
            _ms(a.ttft_ms),
            _ms(a.tpot_ms),
        )
        for a in alternatives
    ]


def short_layout(layout: Layout) -> str:
    """Write a kind of replica: ``prefill 12 x tp8``."""
    degrees = [("tp", layout.tp), ("pp", layout.pp), ("dp", layout.dp), ("ep", layout.ep)]
    shown = " ".join(f"{name}{value}" for name, value in degrees if value > 1) or "tp1"
    role = "" if layout.role == "aggregated" else f"{layout.role} "
    return f"{role}{layout.replicas:,} x {shown}"


def pareto_rows(points: Iterable[ParetoPoint]) -> Rows:
    """Rows under `PARETO_HEAD`, evenly chosen."""
    every = list(points)
    step = max((len(every) - 1) / max(MOST_PARETO - 1, 1), 1.0)
    chosen = sorted({min(round(i * step), len(every) - 1) for i in range(min(MOST_PARETO, len(every)))})
    return [
        (
            _whole(p.tokens_per_s_per_gpu),
            short_number(p.tokens_per_s_per_user),
            _ms(p.ttft_ms),
            p.mode,
            " ".join(
                f"{name}{value}"
                for name, value in (("tp", p.tp), ("pp", p.pp), ("dp", p.dp), ("ep", p.ep))
                if value > 1
            )
            or "tp1",
            short_number(p.batch),
        )
        for p in (every[i] for i in chosen)
    ]


def verified_rows(verified: Verified) -> Rows:
    """Rows under `VERIFIED_HEAD`: analytic and simulated, one below the other."""
    rows: Rows = []
    for name, analytic in verified.analytic.items():
        label = name.removesuffix("_ms").upper()
        for kind, one in (("analytic", analytic), ("simulated", verified.simulated[name])):
            times = (one.mean, one.p50, one.p90, one.p99)
            rows.append((f"{label} {kind}", *(_seconds(t * MILLI) for t in times)))
    return rows


def plan_records(result: ServeResult) -> list[dict[str, Any]]:
    """Return the plan and its alternatives as flat records, one each, with units in the names."""
    plan = result.result.plan
    records: list[dict[str, Any]] = []
    if plan is not None:
        records.append(
            {
                "why": "chosen",
                "mode": plan.deployment.mode,
                **_degrees(plan.deployment.layouts),
                "gpus": plan.fleet.gpus_serving,
                "gpus_spare": plan.fleet.gpus_spare,
                "requests_per_s": plan.requests_per_s.value,
                "users": plan.users.value if plan.users is not None else None,
                "output_tokens_per_s_per_gpu": plan.output_tokens_per_s_per_gpu.value,
                "ttft_ms": plan.ttft_ms.mean if plan.ttft_ms is not None else None,
                "tpot_ms": plan.tpot_ms.mean,
                "e2e_ms": plan.e2e_ms.mean if plan.e2e_ms is not None else None,
            }
        )
    for a in result.result.alternatives:
        records.append(
            {
                "why": a.why,
                "mode": a.mode,
                **_degrees(a.layouts),
                "gpus": a.gpus,
                "gpus_spare": None,
                "requests_per_s": a.requests_per_s,
                "users": a.users,
                "output_tokens_per_s_per_gpu": a.output_tokens_per_s_per_gpu,
                "ttft_ms": a.ttft_ms,
                "tpot_ms": a.tpot_ms,
                "e2e_ms": a.e2e_ms,
            }
        )
    return records


def _degrees(layouts: Iterable[Layout]) -> dict[str, Any]:
    """Layouts of one fleet in a cell each: ``prefill 12 x tp8``."""
    every = list(layouts)
    return {
        "accelerator": ";".join(dict.fromkeys(layout.accelerator for layout in every)),
        "deployment": ";".join(short_layout(layout) for layout in every),
    }


def sections(result: ServeResult, *, pareto: bool = True) -> Iterator[Section]:
    """Yield every table of the answer; without ``pareto`` all but the frontier."""
    answer, plan = result.result, result.plan
    if plan is None:
        yield no_plan(result, headline(result))
        return
    yield Section(headline(result), (), plan_rows(result))
    yield Section("", BREAKDOWN_HEAD, breakdown_rows(plan))
    if answer.alternatives:
        yield Section("", ALTERNATIVE_HEAD, alternative_rows(answer.alternatives))
    if pareto and answer.pareto:
        yield Section("Frontier", PARETO_HEAD, pareto_rows(answer.pareto))
    if answer.verified is not None:
        title = f"Verified: {answer.verified.sentence}"
        yield Section(title, VERIFIED_HEAD, verified_rows(answer.verified))


def _between(interval: Interval, show: Any) -> str:
    return f"{show(interval.value)} ({show(interval.low)} to {show(interval.high)})"


def _count(value: float) -> str:
    return format_quantity(value, "count", digits=3)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _seconds(value: float) -> str:
    return format_quantity(value, "s", digits=3)


def _ms(value: float | None) -> str:
    return "" if value is None else _seconds(value * MILLI)


def _hosts(number: float) -> str:
    """Say how many hosts are away."""
    return "well under one host" if number < 0.1 else f"{short_number(number)} hosts"
