"""Figures of answers that plan one thing: training, a service, stages, distillation, post-training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from planner.plan.curve.results import Axis, Series
from planner.plan.document import Interval
from planner.reports.figures.curves import asked_curves
from planner.reports.figures.make import Figure, amounts, lines, pairs, parts, stacks
from planner.units import EXA, KILO, MILLI

if TYPE_CHECKING:
    from planner.plan.distill.results import DistillResult
    from planner.plan.post_train.results import PostTrainResult
    from planner.plan.results import TrainResult
    from planner.plan.serving.results import ServeResult
    from planner.plan.staged.results import StagedResult
    from planner.reports.asked import Asked

__all__ = ["distill", "post_train", "serve", "staged", "train"]

_DAYS = Axis(key="days", title="Time", unit="days")
_USD = Axis(key="cost_usd", title="Cost", unit="USD")
_SHARE = Axis(key="share", title="Share", unit="%")
_HOUR = Axis(key="usd_per_gpu_hour", title="Price of an accelerator-hour", unit="USD")
_HELD = ("weights", "gradients", "optimizer", "activations", "logits", "buffers")


def train(asked: Asked, result: TrainResult) -> Iterator[Figure]:
    """Yield the figures of a training plan: curves around it, then the plan itself."""
    plan = result.plan
    if plan is None:
        return
    kinds = ("throughput", "mfu") if result.inputs.question == "tokens" else ("days", "cost")
    yield from asked_curves(asked, kinds, model=result.inputs.model, size=plan.gpus_used)
    yield _step("breakdown", "Where a step's time goes", plan.step_time_s, plan.time_breakdown_s)
    memory = plan.memory_gb_per_gpu
    held = {name: getattr(memory, name) for name in _HELD}
    held["context and fragmentation"] = memory.device - sum(held.values())
    bar = parts("fullest accelerator", held, limit=memory.capacity)
    there = f"The line is the memory there is, {memory.capacity:.0f} GB."
    yield stacks("memory", "Memory of the fullest accelerator", _memory(), [bar], caption=(there,))
    yield _policies("goodput", "Share of the time left after failures, by policy", plan.reliability.policies)
    hour = parts(plan.cost.price, plan.cost.gpu_hour_parts_usd, total=plan.usd_per_gpu_hour)
    yield stacks("price", "What an accelerator-hour is made of", _HOUR, [hour], caption=(plan.cost.basis,))


def serve(asked: Asked, result: ServeResult) -> Iterator[Figure]:
    """Yield the figures of a service."""
    plan, answer = result.plan, result.result
    if plan is None:
        return
    if answer.pareto:
        modes = dict.fromkeys(point.mode for point in answer.pareto)
        yield lines(
            "pareto",
            "Throughput of an accelerator against the speed that a user sees",
            Axis(key="tokens_per_s_per_user", title="Speed of one user", unit="output tokens/s", log=True),
            Axis(key="tokens_per_s_per_gpu", title="Of an accelerator", unit="output tokens/s", log=True),
            [
                Series(
                    name=mode,
                    points=pairs(
                        sorted(
                            (point.tokens_per_s_per_user, point.tokens_per_s_per_gpu)
                            for point in answer.pareto
                            if point.mode == mode
                        )
                    ),
                )
                for mode in modes
            ],
            caption=("Replicas that no other beats in both; the targets choose one of them.",),
        )
    yield from asked_curves(asked, ("users", "cost-per-token"), model=result.inputs.model)
    whole = sum(plan.time_breakdown_s.values())
    step = Interval(value=whole, low=whole, high=whole)
    first, *others = plan.deployment.layouts
    of = f" of the {first.role} replicas" if others else ""
    yield _step("breakdown", f"Where the time of a mean step{of} goes", step, plan.time_breakdown_s)
    hour = parts(plan.cost.price, plan.cost.gpu_hour_parts_usd, total=plan.usd_per_gpu_hour)
    yield stacks("price", "What an accelerator-hour is made of", _HOUR, [hour], caption=(plan.cost.basis,))


def staged(_asked: Asked, result: StagedResult) -> Iterator[Figure]:
    """Yield the figures of a run in stages."""
    plan = result.plan
    if plan is None:
        return
    yield amounts("days", "Days of each stage", _DAYS, [(stage.name, stage.days) for stage in plan.stages])
    yield amounts("stage-cost", "Cost of each stage", _USD, [(one.name, one.cost_usd) for one in plan.stages])
    shares = {"MFU": [(one.name, one.mfu * 100.0) for one in plan.stages]}
    yield amounts("mfu", "Model FLOPs utilisation of each stage", _SHARE, shares["MFU"])
    more = [("the run", plan.cost_usd), ("with experiments and failed runs", plan.all_in.cost_usd)]
    yield amounts("cost", "Cost of the run, and of everything around it", _USD, more)


def distill(_asked: Asked, result: DistillResult) -> Iterator[Figure]:
    """Yield the figures of the ways to teach a student."""
    answer = result.result
    if not answer.plans:
        return
    ways = [(str(plan.mode), plan) for plan in answer.plans]
    plain = answer.plain
    cost = [*((name, plan.cost_usd) for name, plan in ways)]
    days = [*((name, plan.days) for name, plan in ways)]
    if plain is not None:
        cost.append(("without a teacher", plain.cost_usd))
        days.append(("without a teacher", plain.days))
    yield amounts("cost", "Cost by the way to teach", _USD, cost)
    yield amounts("days", "Time by the way to teach", _DAYS, days)
    zetta = EXA * KILO
    flop = Axis(key="zettaflop", title="Operations", unit="10²¹ FLOP")
    bars = [parts(name, {role.role: role.flop / zetta for role in plan.roles}) for name, plan in ways]
    yield stacks("flop", "Operations by who does them", flop, bars)


def post_train(_asked: Asked, result: PostTrainResult) -> Iterator[Figure]:
    """Yield the figures of a run of reinforcement learning."""
    plan = result.plan
    if plan is None:
        return
    seconds = Axis(key="step_time_s", title="Time of a step", unit="s")
    yield stacks("breakdown", "Where a step's time goes", seconds, [parts("a step", plan.step_breakdown_s)])
    shares = [
        parts(name, {part: 100.0 * share for part, share in values.items()})
        for name, values in (("operations", plan.shares.flop), ("accelerator time", plan.shares.gpu_time))
    ]
    yield stacks("shares", "Who takes what", _SHARE, shares, caption=(plan.shares.sentence,))
    gpus = Axis(key="generation_gpus", title="Accelerators that generate")
    splits = sorted((float(one.generation_gpus), one.step_time_s) for one in plan.splits)
    yield lines(
        "splits",
        "Time of a step by how the accelerators are divided",
        gpus,
        seconds.model_copy(update={"log": True}),
        [Series(name="", points=pairs(splits))],
    )
    if plan.reward is not None and plan.reward.curve:
        hours = Axis(key="gpu_hours", title="Accelerator-hours", log=True)
        reward = Axis(key="reward", title="Reward")
        curve = [Series(name="", points=pairs(plan.reward.curve))]
        yield lines("reward", "Reward against compute", hours, reward, curve, caption=(plan.reward.sentence,))


def _step(name: str, title: str, step: Interval, spent: dict[str, float]) -> Figure:
    scale = 1.0 / MILLI if step.value < 1.0 else 1.0
    axis = Axis(key="step_time", title="Time of a step", unit="s" if scale == 1.0 else "ms")
    shown = {part: seconds * scale for part, seconds in spent.items()}
    return stacks(name, title, axis, [parts("one step", shown, total=step.scaled(scale))])


def _memory() -> Axis:
    return Axis(key="memory_gb", title="Memory", unit="GB")


def _policies(name: str, title: str, policies: Any) -> Figure:
    return amounts(name, title, _SHARE, [(one.policy, one.goodput.scaled(100.0)) for one in policies])
