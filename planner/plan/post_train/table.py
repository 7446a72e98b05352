"""An answer on post-training as rows for people: short, with units; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.plan.operating.table import between, usd
from planner.plan.sections import Section, no_plan
from planner.units import GIGA, KILO, MEGA, SECONDS_PER_DAY, format_quantity

if TYPE_CHECKING:
    from planner.plan.document import Interval
    from planner.plan.post_train.results import Plan, PostTrainInputs, PostTrainResult

__all__ = [
    "FEWER_HEAD",
    "PUBLISHED_HEAD",
    "REWARD_HEAD",
    "SPLIT_HEAD",
    "STEP_HEAD",
    "fewer_rows",
    "headline",
    "plan_records",
    "plan_rows",
    "published_rows",
    "reward_rows",
    "sections",
    "split_rows",
    "step_rows",
]

Rows = list[tuple[str, ...]]
STEP_HEAD: Final = ("a step", "time", "share")
REWARD_HEAD: Final = ("accelerator-hours", "reward")
SPLIT_HEAD: Final = ("generation", "training", "step", "binds")
FEWER_HEAD: Final = ("accelerators", "of them generate", "step", "time", "accelerator-hours")
PUBLISHED_HEAD: Final = ("published", "figure", "here", "difference")
_ITSELF: Final = ("steps", "days", "gpu_hours", "cost_usd", "step_time_s", "sampled_tokens")


def headline(result: PostTrainResult) -> str:
    """Say the answer in one sentence."""
    inputs, plan = result.inputs, result.result.plan
    if plan is None:
        return f"No plan: {result.result.reasons[0]}"
    ahead = "" if inputs.staleness is None else f", at most {inputs.staleness:g} steps stale"
    return (
        f"{inputs.model}, recipe {inputs.recipe}, {inputs.mode}{ahead}: {_steps(plan.steps.value)} in "
        f"{_varying(plan.days, _days)} on {plan.gpus_used:,} {inputs.gpu}, {usd(plan.cost_usd.value)}."
    )


def plan_rows(result: PostTrainResult) -> Rows:
    """Return (what, value) of the plan."""
    plan, inputs = result.result.plan, result.inputs
    if plan is None:
        return []
    return [
        *_run_rows(plan, inputs),
        *_split_rows(plan, inputs),
        *_rollout_rows(plan, inputs),
        ("binds", plan.bottleneck.sentence),
        *([] if plan.alternative is None else [("otherwise", plan.alternative.sentence)]),
        *([] if plan.reward is None else [("reward", plan.reward.sentence)]),
    ]


def _run_rows(plan: Plan, inputs: PostTrainInputs) -> Rows:
    return [
        ("steps", _varying(plan.steps, _count)),
        ("time", _varying(plan.days, _days)),
        ("a step", between(plan.step_time_s, _seconds)),
        ("accelerator-hours", _varying(plan.gpu_hours, _count)),
        ("cost", f"{between(plan.cost_usd, usd)}, price {inputs.price}, hosts of environments included"),
        (
            "power",
            f"{format_quantity(plan.power_megawatts * MEGA, 'watts', digits=3)} on average, "
            f"{between(plan.energy_megawatt_hours, _energy)}",
        ),
        (
            "tokens",
            f"{_varying(plan.sampled_tokens, _count)} sampled, {_varying(plan.trained_tokens, _count)} "
            f"trained on, {plan.flop:.3g} FLOP",
        ),
    ]


def _split_rows(plan: Plan, inputs: PostTrainInputs) -> Rows:
    engines, trainers = plan.engines, plan.trainers
    layout = _degrees(tp=engines.tp, pp=engines.pp, dp=engines.dp, ep=engines.ep)
    strategy = trainers.strategy
    split = _degrees(tp=strategy.tp, cp=strategy.cp, pp=strategy.pp, ep=strategy.ep, dp=strategy.dp)
    where = "by turns" if inputs.mode == "sync" else "of them"
    idle = f"; {plan.gpus_idle:,} of no use" if plan.gpus_idle else ""
    return [
        (
            "generation",
            f"{engines.gpus:,} {engines.gpu} {where}: {engines.replicas:,} replicas of "
            f"{engines.replica_gpus} ({layout}, {engines.engine}, {engines.weights}){idle}",
        ),
        (
            "",
            f"{between(engines.tokens_per_s, _count)} tokens/s sampled, "
            f"{engines.tokens_per_s_per_gpu:,.0f} per GPU of {engines.full_tokens_per_s_per_gpu:,.0f} when "
            f"full, {engines.utilisation:.1%} of the peak",
        ),
        ("", engines.binds),
        (
            "training",
            f"{trainers.gpus:,} GPUs ({split}, {strategy.precision}), {trainers.global_batch_seqs:,} "
            f"sequences of {trainers.seq_len:,} an update",
        ),
        (
            "",
            f"{between(trainers.tokens_per_s, _count)} tokens/s, MFU {trainers.mfu:.1%}, "
            f"{trainers.utilisation:.1%} over the step",
        ),
        ("shares", plan.shares.sentence),
    ]


def _rollout_rows(plan: Plan, inputs: PostTrainInputs) -> Rows:
    rollouts, sync = plan.rollouts, plan.weight_sync
    long = "the longest" if inputs.late is None else f"all but {inputs.late:.1%} at most"
    stale = f", {rollouts.staleness_steps:.2g} steps stale on average" if inputs.mode == "async" else ""
    often = "step" if sync.every_steps == 1.0 else f"{sync.every_steps:g} steps"
    beside = f", {rollouts.started:,.0f} with evaluation and those thrown away"
    return [
        (
            "rollouts",
            f"{rollouts.trained_on:,.0f} a step ({inputs.prompts:,.0f} prompts x {inputs.group:,.0f})"
            f"{beside}",
        ),
        (
            "lengths",
            f"{inputs.mean_tokens:,.0f} tokens sampled on average, {inputs.p99_tokens:,.0f} in one of a "
            f"hundred, {inputs.max_tokens:,.0f} at most",
        ),
        (
            "in flight",
            f"{rollouts.in_flight:,.0f}; {between(rollouts.mean_s, _seconds)} each, {long} "
            f"{between(rollouts.long_s, _seconds)}{stale}",
        ),
        ("environments", plan.environments.sentence),
        (
            "weights",
            f"{format_quantity(sync.gigabytes * GIGA, 'bytes', digits=3)} to each replica over {sync.over} "
            f"every {often}, {between(sync.seconds, _seconds)}",
        ),
    ]


def step_rows(plan: Plan) -> Rows:
    """Rows under `STEP_HEAD`."""
    seconds = plan.step_time_s.value
    return [
        (name, _seconds(value), f"{value / seconds:.0%}") for name, value in plan.step_breakdown_s.items()
    ]


def split_rows(plan: Plan) -> Rows:
    """Rows under `SPLIT_HEAD`, the chosen one marked."""
    return [
        (
            f"{point.generation_gpus:,}" + (" *" if point.generation_gpus == plan.engines.gpus else ""),
            f"{point.training_gpus:,}",
            _seconds(point.step_time_s),
            point.binds,
        )
        for point in plan.splits
    ]


def fewer_rows(plan: Plan) -> Rows:
    """Rows under `FEWER_HEAD`, the plan first."""
    whole = (plan.gpus_used, plan.engines.gpus, plan.step_time_s.value, plan.days.value, plan.gpu_hours.value)
    less = [(one.gpus, one.generation_gpus, one.step_time_s, one.days, one.gpu_hours) for one in plan.fewer]
    return [
        (f"{gpus:,}", f"{made:,}", _seconds(step), _days(days), _count(hours))
        for gpus, made, step, days, hours in (whole, *less)
    ]


def reward_rows(plan: Plan) -> Rows:
    """Rows under `REWARD_HEAD`; none without a curve."""
    curve = () if plan.reward is None else plan.reward.curve
    return [(_count(hours), f"{reward:.3f}") for hours, reward in curve]


def published_rows(plan: Plan) -> Rows:
    """Rows under `PUBLISHED_HEAD`."""

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:,.0f}" if value >= 10 * KILO else f"{value:.4g}"

    return [
        (
            one.says,
            number(one.published),
            number(one.here),
            "" if one.difference is None else f"{one.difference:+.0%}",
        )
        for one in plan.published
    ]


def plan_records(result: PostTrainResult) -> list[dict[str, Any]]:
    """Return the plan as one flat record."""
    plan, inputs = result.result.plan, result.inputs
    if plan is None:
        return []
    record: dict[str, Any] = {
        "model": inputs.model,
        "recipe": inputs.recipe,
        "mode": inputs.mode,
        "gpu": inputs.gpu,
        "gpus_used": plan.gpus_used,
        "generation_gpus": plan.engines.gpus,
        "training_gpus": plan.trainers.gpus,
    }
    for name in _ITSELF:
        value: Interval = getattr(plan, name)
        record |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
    return [
        record
        | {
            "environments": plan.environments.concurrent.value,
            "generation_flop_share": plan.shares.flop["generation"],
            "binds": plan.bottleneck.resource,
        }
    ]


def sections(result: PostTrainResult) -> Iterator[Section]:
    """Yield every table of the answer."""
    plan = result.plan
    if plan is None:
        yield no_plan(result, headline(result))
        return
    yield Section(headline(result), (), plan_rows(result))
    yield Section("", STEP_HEAD, step_rows(plan))
    more = (
        (SPLIT_HEAD, split_rows(plan)),
        (FEWER_HEAD, fewer_rows(plan)),
        (REWARD_HEAD, reward_rows(plan)),
        (PUBLISHED_HEAD, published_rows(plan)),
    )
    yield from (Section("", head, rows) for head, rows in more if rows)


def _degrees(**degrees: int) -> str:
    return " ".join(f"{name}{value}" for name, value in degrees.items() if value > 1) or "one GPU each"


def _varying(interval: Interval, show: Any) -> str:
    """Write an interval; a number without a spread stands alone."""
    middle, low, high = show(interval.value), show(interval.low), show(interval.high)
    return str(middle) if low == high == middle else f"{middle} ({low} to {high})"


def _count(value: float) -> str:
    return f"{value:,.0f}" if value < MEGA else format_quantity(value, "count", digits=3)


def _steps(value: float) -> str:
    return "1 step" if round(value) == 1 else f"{_count(value)} steps"


def _seconds(value: float) -> str:
    return format_quantity(value, "s", digits=3)


def _days(value: float) -> str:
    return f"{value:.3g} days" if value >= 1.0 else format_quantity(value * SECONDS_PER_DAY, "s", digits=3)


def _energy(megawatt_hours: float) -> str:
    if megawatt_hours >= KILO:
        return f"{megawatt_hours / KILO:.3g} GWh"
    return f"{megawatt_hours:.3g} MWh"
