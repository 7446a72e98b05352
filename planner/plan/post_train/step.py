"""One step on a split of the accelerators, for samples and for splits alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.model.post_training.rollouts import Drained, Flowing, drained, flowing
from planner.model.post_training.steps import asynchronous, forward_share, synchronous
from planner.model.post_training.weights import publish_s

if TYPE_CHECKING:
    from planner.plan.post_train.asked import Run
    from planner.plan.post_train.engines import Engine
    from planner.tables.post_training import RecipeTable
    from planner.types import FloatArray, IntArray

__all__ = ["Network", "Step", "step_of"]


@dataclass(frozen=True, kw_only=True)
class Network:
    """What new weights cross, in bytes and bytes per second."""

    weights_bytes: float
    port_bytes_per_s: float
    link_bytes_per_s: float = float("inf")
    over: str = "the fabric"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step and its parts, arrays of one shape."""

    seconds: FloatArray
    generation_s: FloatArray
    """To generate the rollouts of a step; in sync mode to the last of them."""
    tail_s: FloatArray
    """Of it, in sync mode, waiting for the longest."""
    training_s: FloatArray
    """With the passes for log-probabilities."""
    check_s: FloatArray
    publish_s: FloatArray
    swap_s: FloatArray
    limit: IntArray
    """Index into `LIMITS`; of a synchronous step 0 throughout."""
    mean_s: FloatArray
    """Of a rollout of mean length, from its start to its reward."""
    long_s: FloatArray
    """Of the longest in sync mode; in async mode of the longest that is in time."""
    at_once: FloatArray
    roomy: FloatArray
    """Rollouts that memory holds, all replicas."""


def step_of(
    run: Run,
    table: RecipeTable,
    lengths: FloatArray,
    engine: Engine,
    network: Network,
    *,
    mode: str,
    replicas: FloatArray,
    trainers: FloatArray,
    trained_per_s: FloatArray,
    speed: FloatArray | float = 1.0,
) -> Step:
    """Time a step, for samples ``[S, 1]`` or splits ``[1, R]`` alike.

    Parameters
    ----------
    table, lengths
        Columns of samples of the recipe, and what is sampled ``[S, 1, Q]``.
    replicas, trainers
        Copies of the engine, accelerators that train.
    trained_per_s
        Tokens per second of training; 0 where the job does not fit.
    speed
        Of generation, over the estimate: its error.
    """
    if mode == "sync":
        table = table.in_turns()
    # Faster engines are the same as slower clocks: waits lengthen in the time of the engine.
    held = engine.curve.most * run.stated.sequence / table.sequence
    most = np.inf if run.environments is None else run.environments / np.maximum(table.per_rollout, 1e-9)
    common = {
        "lengths": lengths,
        "rollouts": table.started,
        "replicas": replicas,
        "curve": engine.curve,
        "wait_s": table.wait_per_token_s * speed,
        "kept": table.kept,
        "slots": held,
        "most": most,
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        tokens = table.rollouts * table.sequence * forward_share(passes=table.passes, epochs=table.epochs)
        training = np.where(trained_per_s > 0.0, tokens / trained_per_s, np.inf)
    published = (
        publish_s(
            weights_bytes=network.weights_bytes,
            share=table.share,
            replica_gpus=float(engine.gpus),
            trainers=np.maximum(trainers, 1.0),
            port_bytes_per_s=network.port_bytes_per_s,
            efficiency=table.efficiency,
            overhead_s=table.overhead_s,
            link_bytes_per_s=network.link_bytes_per_s,
        )
        / table.every
    )
    if mode == "sync":
        return _in_turns(table, drained(**common), training, published, engine, speed, replicas, held)  # type: ignore[arg-type]
    flow = flowing(check_s=table.check_s * speed, staleness=table.staleness, late=table.late, **common)  # type: ignore[arg-type]
    return _side_by_side(table, flow, training, published, speed)


def _in_turns(
    table: RecipeTable,
    batch: Drained,
    training: FloatArray,
    published: FloatArray,
    engine: Engine,
    speed: FloatArray | float,
    replicas: FloatArray,
    held: FloatArray,
) -> Step:
    generation = batch.seconds / speed
    seconds = synchronous(
        generation_s=generation,
        check_s=table.check_s,
        training_s=training,
        publish_s=published,
        swap_s=table.swap_s,
    )
    shape = np.broadcast_shapes(seconds.shape, batch.at_once.shape)
    return Step(
        seconds=seconds,
        generation_s=generation,
        tail_s=batch.tail_s / speed,
        training_s=training,
        check_s=table.check_s,
        publish_s=published,
        swap_s=table.swap_s,
        limit=np.zeros(shape, dtype=np.int64),
        mean_s=batch.mean_s / speed + table.check_s,
        long_s=generation + table.check_s,
        at_once=batch.at_once,
        roomy=held * replicas,
    )


def _side_by_side(
    table: RecipeTable,
    flow: Flowing,
    training: FloatArray,
    published: FloatArray,
    speed: FloatArray | float,
) -> Step:
    generation = table.started / flow.rollouts_per_s / speed
    step = asynchronous(
        generation_s=generation,
        training_s=training,
        long_s=flow.long_s / speed,
        staleness=table.staleness,
        publish_s=published,
        pause_s=published,
    )
    return Step(
        seconds=step.seconds,
        generation_s=generation,
        tail_s=np.zeros_like(generation),
        training_s=training,
        check_s=table.check_s,
        publish_s=published,
        swap_s=np.zeros_like(published),
        limit=step.limit,
        mean_s=flow.mean_s / speed,
        long_s=flow.long_s / speed,
        at_once=flow.at_once,
        roomy=flow.roomy,
    )
