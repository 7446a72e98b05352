"""The chosen split with everything that is uncertain: the run as samples, the stated value first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.model.post_training.sandboxes import Sandboxes, sandboxes
from planner.plan.document import Interval
from planner.plan.post_train.step import Step, step_of
from planner.tables.samples import Samples
from planner.tables.samples import interval as ends
from planner.units import MEGA, SECONDS_PER_DAY, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from planner.plan.post_train.asked import Run
    from planner.plan.post_train.split import Choice
    from planner.plan.post_train.step import Network
    from planner.plan.rates import Rate
    from planner.types import FloatArray

__all__ = ["Outcome", "interval", "outcome"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A run on the chosen split, columns of samples ``[S, 1]``."""

    step: Step
    steps: FloatArray
    days: FloatArray
    gpu_hours: FloatArray
    cost_usd: FloatArray
    energy_mwh: FloatArray
    power_mw: float
    boxes: Sandboxes
    gpus_used: int


def interval(samples: FloatArray) -> Interval:
    """Return the stated value and the 80 % interval of a column of samples."""
    value, low, high = (float(np.ravel(end)[0]) for end in ends(samples))
    return Interval(value=value, low=low, high=high)


def outcome(run: Run, choice: Choice, rate: Rate, network: Network, *, mode: str) -> Outcome:
    """Run the chosen split with the errors of both estimates and the ranges of the recipe.

    Parameters
    ----------
    rate
        Of training on the split's trainers.
    """
    samples, table = Samples(), run.table
    speed = _error(samples, choice.engine.rate.tokens_per_s, "generation")
    trained = rate.tokens_per_s.value * _error(samples, rate.tokens_per_s, "training")
    step = step_of(
        run,
        table,
        run.lengths,
        choice.engine,
        network,
        mode=mode,
        replicas=np.array([[float(choice.replicas)]]),
        trainers=np.array([[float(rate.gpus)]]),
        trained_per_s=trained,
        speed=speed,
    )
    used = max(choice.generation_gpus, rate.gpus) if mode == "sync" else choice.generation_gpus + rate.gpus
    steps = _steps(run, step.seconds, used)
    hours = steps * step.seconds / SECONDS_PER_HOUR
    boxes = sandboxes(
        at_once=step.at_once,
        rollouts=table.started,
        step_s=step.seconds,
        per_rollout=table.per_rollout,
        cores=table.cores,
        host_cores=table.host_cores,
    )
    making, learning = _weights(step, choice, rate, mode)
    engine = choice.engine.rate
    price = making * _error(samples, engine.usd_per_gpu_hour, "price") * engine.usd_per_gpu_hour.value
    price = price + learning * _error(samples, rate.usd_per_gpu_hour, "price") * rate.usd_per_gpu_hour.value
    hosts = boxes.hosts * table.host_cores * table.usd_per_core_hour
    watts = making * engine.watts_per_gpu + learning * rate.watts_per_gpu
    return Outcome(
        step=step,
        steps=steps,
        days=hours * SECONDS_PER_HOUR / SECONDS_PER_DAY,
        gpu_hours=hours * used,
        cost_usd=hours * (price + hosts),
        energy_mwh=hours * watts / MEGA,
        power_mw=float(np.ravel(watts)[0]) / MEGA,
        boxes=boxes,
        gpus_used=used,
    )


def _steps(run: Run, seconds: FloatArray, used: int) -> FloatArray:
    """Count the steps of the run, whole ones where time is fixed."""
    sampled = run.table.rollouts * run.table.sampled
    if run.fixed == "steps":
        return np.full_like(seconds, run.amount)
    if run.fixed == "tokens":
        return np.asarray(np.ceil(run.amount / sampled) + np.zeros_like(seconds))
    time_s = run.amount * SECONDS_PER_DAY if run.fixed == "days" else run.amount * SECONDS_PER_HOUR / used
    return np.asarray(np.floor(time_s / seconds))


def _weights(
    step: Step, choice: Choice, rate: Rate, mode: str
) -> tuple[FloatArray | float, FloatArray | float]:
    """Accelerators that generate and that train; in sync mode by the time that each takes."""
    if mode == "async":
        return float(choice.generation_gpus), float(rate.gpus)
    making = (step.generation_s + step.check_s) / step.seconds
    used = float(max(choice.generation_gpus, rate.gpus))
    return used * making, used * (1.0 - making)


def _error(samples: Samples, around: Interval, name: str) -> FloatArray:
    """Draw the error of an estimate: the measured over the predicted."""
    if around.value <= 0.0:
        return np.array([[1.0]])
    low, high = around.low / around.value, around.high / around.value
    return samples.ranged(1.0, low, high, f"post-train.{name}")
