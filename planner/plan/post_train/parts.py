"""Sections of a plan: who takes what, environments, weights, reward, and what was published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InputError
from planner.model.post_training.lengths import longest, quantile
from planner.model.scaling.reward import compute_for_reward, reward
from planner.plan import numbers
from planner.plan.post_train.results import (
    Compared,
    Environments,
    Reward,
    Rollouts,
    Shares,
    WeightSync,
)
from planner.plan.post_train.spread import Outcome, interval
from planner.tables.laws import RewardLaw
from planner.tables.samples import Samples
from planner.tables.scaling import law_named
from planner.units import GIGA, short_number

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.plan.post_train.asked import Run
    from planner.plan.post_train.split import Choice
    from planner.plan.post_train.step import Network
    from planner.plan.rates import Rate

__all__ = [
    "AskedReward",
    "environments",
    "flop_of_step",
    "published",
    "rewarded",
    "rollouts",
    "shares",
    "weights",
]

_FORWARD: Final = 1.0 / 3.0
"""Of the FLOPs of a training step, those of its forward pass."""
_CURVE: Final = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Times the middle, at which the curve is shown."""
_SAME: Final = 0.001


class AskedReward:
    """What the question says of the reward: a law by name, and the start and the middle of a run."""

    def __init__(self, law: str | None, start: Number | None, middle: Number | None) -> None:
        self.law = law
        self.start = None if start is None else numbers.fraction("reward_start", start)
        self.middle = (
            None if middle is None else numbers.positive("reward_middle", middle, most=1e15, example="20k")
        )
        if (self.start is None) != (self.middle is None):
            raise InputError(
                "--reward-start and --reward-middle belong together: the reward before the run, and the "
                "accelerator-hours at half of the gain, both of a run of one's own; give both or neither"
            )


def rollouts(run: Run, out: Outcome, *, mode: str) -> Rollouts:
    """Return the rollouts of a step."""
    stated, lengths = run.stated, run.lengths[0, 0]
    count = float(stated.rollouts[0, 0])
    late = run.stated_value("late")
    in_time = quantile(lengths, 1.0 - late) if mode == "async" else longest(lengths, stated.started[0, 0])
    return Rollouts(
        trained_on=count,
        started=float(stated.started[0, 0]),
        sampled_tokens=count * run.stated_value("sampled"),
        trained_tokens=float((stated.rollouts * stated.sequence * stated.epochs)[0, 0]),
        in_flight=float(np.ravel(out.step.at_once)[0]),
        mean_s=interval(out.step.mean_s),
        long_s=interval(out.step.long_s),
        long_tokens=float(in_time),
        staleness_steps=0.0
        if mode == "sync"
        else float(np.ravel(out.step.mean_s)[0] / np.ravel(out.step.seconds)[0]),
    )


def environments(run: Run, out: Outcome) -> Environments:
    """Return the sandboxes of the run."""
    boxes, table = out.boxes, run.table
    hosts, each = float(np.ravel(boxes.hosts)[0]), float(table.host_cores[0, 0])
    now, starts = interval(boxes.concurrent), interval(boxes.starts_per_s)
    if now.value == 0.0:
        sentence = "Rewards come from rules: no environments are needed."
    else:
        sentence = (
            f"{short_number(now.value)} environments at a time, {starts.value:.3g} started per second, on "
            f"{hosts:,.0f} hosts of {each:.0f} cores."
        )
    return Environments(
        concurrent=now,
        starts_per_s=starts,
        hosts=hosts,
        cores=hosts * each,
        usd_per_hour=interval(boxes.hosts * table.host_cores * table.usd_per_core_hour),
        sentence=sentence,
    )


def weights(run: Run, out: Outcome, network: Network) -> WeightSync:
    """Return what an update of the engines takes."""
    table = run.table
    return WeightSync(
        gigabytes=network.weights_bytes * float(table.share[0, 0]) / GIGA,
        seconds=interval(out.step.publish_s * table.every),
        every_steps=float(table.every[0, 0]),
        over=network.over,
    )


def flop_of_step(run: Run, rate: Rate) -> dict[str, float]:
    """Return the FLOPs of a step by what they are for; attention by the length a token is in on average."""
    stated = run.stated
    forward = rate.flop_per_token * _FORWARD
    tokens = float((stated.rollouts * stated.sequence)[0, 0])
    generated = float((stated.started * stated.sequence)[0, 0])
    return {
        "generation": generated * forward,
        "log-probabilities": tokens * float(stated.passes[0, 0]) * forward,
        "training": tokens * float(stated.epochs[0, 0]) * rate.flop_per_token,
    }


def shares(run: Run, out: Outcome, choice: Choice, rate: Rate, *, mode: str) -> Shares:
    """Return the shares of FLOPs and of time: they differ, since decoding uses little of a peak."""
    flop = flop_of_step(run, rate)
    total = sum(flop.values())
    step = out.step
    seconds = float(np.ravel(step.seconds)[0])

    def stated(values: object) -> float:
        return float(np.ravel(np.asarray(values))[0])

    if mode == "sync":
        parts = {
            "generation": stated(step.generation_s) - stated(step.tail_s),
            "waiting for the longest": stated(step.tail_s),
            "checks": stated(step.check_s),
            "training": stated(step.training_s),
            "weights and change of roles": stated(step.publish_s) + stated(step.swap_s),
        }
        time = {name: part / seconds for name, part in parts.items()}
        generating = time["generation"] + time["waiting for the longest"]
    else:
        made, used = choice.generation_gpus, rate.gpus
        busy = min(stated(step.generation_s) / seconds, 1.0), min(stated(step.training_s) / seconds, 1.0)
        every = float(made + used)
        time = {
            "generation": made / every * busy[0],
            "generators waiting": made / every * (1.0 - busy[0]),
            "training": used / every * busy[1],
            "trainers waiting": used / every * (1.0 - busy[1]),
        }
        generating = made / every
    part = {name: value / total for name, value in flop.items()}
    return Shares(
        flop=part,
        gpu_time=time,
        sentence=f"Generation is {part['generation']:.0%} of the FLOPs and {generating:.0%} of the "
        "accelerator time.",
    )


def rewarded(catalog: Catalog, run: Run, out: Outcome, asked: AskedReward, filled: Filled) -> Reward | None:
    """Return the reward by the law of the recipe; without start and middle only what the law says."""
    name = asked.law or run.recipe.reward
    if name is None:
        return None
    law = law_named(catalog, name, Samples(0), RewardLaw)
    exponent = float(law.exponent.ravel()[0])
    known = bool(np.isfinite(exponent))
    top = float(law.asymptote.ravel()[0])
    if asked.law is None:
        filled.assume(
            "reward_law", law.id, f"the law nearest to recipe {run.recipe.id}; --reward-law names another"
        )
    common = {"law": law.id, "asymptote": top, "exponent": exponent if known else None}
    if asked.start is None or asked.middle is None or not known:
        missing = (
            "has no exponent: its curve cannot be drawn"
            if not known
            else "needs two numbers of a run of one's own, --reward-start and --reward-middle, which no "
            "other run tells"
        )
        return Reward(
            **common,  # type: ignore[arg-type]
            start=asked.start,
            middle_gpu_hours=asked.middle,
            reward=None,
            sentence=f"The law {law.id} levels off at {top:.3g} on its own problems and {missing}.",
        )
    if asked.start >= top:
        raise InputError(
            f"--reward-start {asked.start:g} is not below {top:g}, where the law {law.id} levels off; give a "
            "lower start or another --reward-law"
        )
    reached = interval(
        np.asarray(
            reward(law=law, compute=np.maximum(out.gpu_hours, 1e-9), middle=asked.middle, start=asked.start)
        )
    )
    nine = asked.start + 0.9 * (top - asked.start)
    hours = float(
        np.ravel(compute_for_reward(law=law, reward=nine, middle=asked.middle, start=asked.start))[0]
    )
    points = np.array(_CURVE) * asked.middle
    values = np.ravel(reward(law=law, compute=points, middle=asked.middle, start=asked.start))
    spent = float(np.ravel(out.gpu_hours)[0])
    filled.notes.append(
        f"Reward by the law {law.id}: accelerator-hours are those of the run that gave start and middle; "
        f"{catalog_note(catalog, law.id)}"
    )
    return Reward(
        **common,  # type: ignore[arg-type]
        start=asked.start,
        middle_gpu_hours=asked.middle,
        reward=reached,
        curve=tuple((float(x), float(y)) for x, y in zip(points, values, strict=True)),
        sentence=f"Reward {reached.value:.3f} after {short_number(spent)} accelerator-hours, from "
        f"{asked.start:g} at the start; nine tenths of the gain take {short_number(hours)}, and it levels "
        f"off at {top:.3g}.",
    )


def catalog_note(catalog: Catalog, law: str) -> str:
    """Return what the record of a law says of its range."""
    from planner.workload.kinds import SCALING

    return catalog.get(SCALING, law).note or "its record states no range."


def published(run: Run, out: Outcome, *, same_place: bool) -> tuple[Compared, ...]:
    """Return published figures beside those that come out here, where the run is that of the recipe."""
    said, recipe = run.recipe.published, run.recipe
    ours = (
        recipe.steps is not None and run.fixed == "steps" and abs(run.amount / recipe.steps.value - 1) < _SAME
    )
    alike = (
        same_place and ours and run.mode == recipe.mode and recipe.model == run.record.id and not run.changed
    )
    found: list[Compared] = []
    pairs = (
        ("accelerator-hours", said.gpu_hours, out.gpu_hours),
        ("hours", said.hours, out.days * 24.0),
    )
    for words, quantity, here in pairs:
        if quantity is None:
            continue
        value = float(np.ravel(here)[0]) if alike else None
        found.append(
            Compared(
                says=f"{words} of the published run ({quantity.kind})",
                published=quantity.value,
                here=value,
                difference=None if value is None else value / quantity.value - 1.0,
            )
        )
    if said.cost is not None:
        found.append(Compared(says="cost of the published run, USD", published=said.cost.value))
    if said.time_share is not None:
        low, high = said.time_share.bounds
        found.append(
            Compared(
                says="reinforcement learning, of the accelerator time of all training "
                f"({said.time_share.kind}, {low:.0%} to {high:.0%})",
                published=said.time_share.value,
            )
        )
    return (*found, *(Compared(says=claim) for claim in said.claims))
