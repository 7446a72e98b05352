"""Steps over splits of the accelerators between generation and training, and the best of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.post_training.rollouts import Drained, Flowing, drained, flowing
from planner.model.post_training.steps import (
    LIMITS,
    asynchronous,
    best_split,
    forward_share,
    synchronous,
)
from planner.model.post_training.weights import publish_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.plan.post_train.asked import Run
    from planner.plan.post_train.engines import Engine
    from planner.plan.post_train.trainers import Fleet
    from planner.tables.post_training import RecipeTable
    from planner.types import FloatArray, IntArray

__all__ = ["Choice", "Network", "Point", "Step", "choose", "step_of"]

_SPLITS: Final = 400
"""Numbers of replicas that are looked at; all of them where there are fewer."""
_EQUAL: Final = 1.001
"""Steps this near are equal: the split that uses fewer accelerators is taken."""
_ROUNDS: Final = 3
"""Times that the rate of training is asked at the best split and the splits are weighed again."""


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
    """Of the longest in sync mode; in async mode 99 of 100 take no longer."""
    at_once: FloatArray
    roomy: FloatArray
    """Rollouts that memory holds, all replicas."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A split and its step."""

    generation_gpus: int
    training_gpus: int
    seconds: float
    limit: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The best split; in sync mode both sides are the same accelerators."""

    engine: Engine
    replicas: int
    trainers: int
    seconds: float
    points: tuple[Point, ...] = ()

    @property
    def generation_gpus(self) -> int:
        """Accelerators that generate."""
        return self.replicas * self.engine.gpus


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
    flow = flowing(check_s=table.check_s * speed, staleness=table.staleness, **common)  # type: ignore[arg-type]
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


def choose(
    run: Run,
    engines: Sequence[Engine],
    fleet: Fleet,
    network: Network,
    *,
    mode: str,
    total: int,
    elsewhere: int | None = None,
) -> Choice | None:
    """Return the split with the shortest step; None where nothing fits.

    Parameters
    ----------
    total
        Accelerators there are.
    elsewhere
        Accelerators on other hardware that generate; all of `total` then train.
    """
    if mode == "sync":
        return _colocated(run, engines, fleet, network, total)
    fleet.survey(total)
    best: Choice | None = None
    for _ in range(_ROUNDS):
        best = _weighed(run, engines, fleet, network, total, elsewhere)
        if best is None or best.trainers in fleet.known or fleet.at(best.trainers) is None:
            break
    return None if best is None else _trimmed(run, best, fleet, network, elsewhere)


def _colocated(
    run: Run, engines: Sequence[Engine], fleet: Fleet, network: Network, total: int
) -> Choice | None:
    trainers = fleet.whole(total)
    rate = fleet.at(trainers)
    if rate is None:
        return None
    best: Choice | None = None
    for engine in engines:
        copies = min(total // engine.gpus, int(np.ceil(run.stated.started[0, 0])))
        if copies < 1:
            continue
        step = step_of(
            run,
            run.stated,
            run.lengths[:1],
            engine,
            network,
            mode="sync",
            replicas=np.array([[float(copies)]]),
            trainers=np.array([[float(rate.gpus)]]),
            trained_per_s=np.array([[rate.tokens_per_s.value]]),
        )
        seconds = float(step.seconds[0, 0])
        if best is None or seconds < best.seconds:
            best = Choice(engine=engine, replicas=copies, trainers=trainers, seconds=seconds)
    return best


def _weighed(
    run: Run,
    engines: Sequence[Engine],
    fleet: Fleet,
    network: Network,
    total: int,
    elsewhere: int | None,
) -> Choice | None:
    """Weigh every split with every layout, by the rates of training that are known."""
    best: Choice | None = None
    for engine in engines:
        copies, trainers = _splits(engine, fleet, total, elsewhere)
        if copies.size == 0:
            continue
        step = _at(run, engine, fleet, network, copies, trainers)
        seconds = np.broadcast_to(step.seconds, (1, copies.size))[0]
        place = best_split(seconds)
        if place < 0 or (best is not None and seconds[place] >= best.seconds):
            continue
        best = Choice(
            engine=engine,
            replicas=int(copies[place]),
            trainers=int(trainers[place]),
            seconds=float(seconds[place]),
            points=_points(engine, copies, trainers, seconds, step, place),
        )
    return best


def _splits(engine: Engine, fleet: Fleet, total: int, elsewhere: int | None) -> tuple[FloatArray, FloatArray]:
    if elsewhere is not None:
        copies = np.array([float(elsewhere // engine.gpus)])
        return (copies[copies >= 1.0], np.array([float(fleet.whole(total))])[copies >= 1.0])
    most = (total - fleet.unit) // engine.gpus
    if most < 1:
        return np.array([]), np.array([])
    few = np.arange(1, most + 1, dtype=float)
    ends = np.concatenate([np.geomspace(1, most, _SPLITS // 2), np.linspace(1, most, _SPLITS // 2)])
    copies = few if most <= _SPLITS else np.unique(np.round(ends))
    trainers = np.floor((total - copies * engine.gpus) / fleet.unit) * fleet.unit
    return copies[trainers > 0.0], trainers[trainers > 0.0]


def _at(
    run: Run, engine: Engine, fleet: Fleet, network: Network, copies: FloatArray, trainers: FloatArray
) -> Step:
    return step_of(
        run,
        run.stated,
        run.lengths[:1],
        engine,
        network,
        mode="async",
        replicas=copies[None, :],
        trainers=trainers[None, :],
        trained_per_s=fleet.tokens_per_s(trainers)[None, :],
    )


def _points(
    engine: Engine,
    copies: FloatArray,
    trainers: FloatArray,
    seconds: FloatArray,
    step: Step,
    place: int,
) -> tuple[Point, ...]:
    """Return a few splits around the best, from little to much generation."""
    finite = np.flatnonzero(np.isfinite(seconds))
    wanted = {int(finite[round(share * (finite.size - 1))]) for share in (0.0, 0.25, 0.5, 0.75, 1.0)}
    limits = np.broadcast_to(step.limit, (1, copies.size))[0]
    return tuple(
        Point(
            generation_gpus=round(float(copies[at])) * engine.gpus,
            training_gpus=round(float(trainers[at])),
            seconds=float(seconds[at]),
            limit=LIMITS[int(limits[at])],
        )
        for at in sorted(wanted | {place})
    )


def _trimmed(run: Run, best: Choice, fleet: Fleet, network: Network, elsewhere: int | None) -> Choice:
    """Leave out accelerators that do not shorten the step: they are of no use to this run."""
    engine = best.engine
    fewer = np.unique(np.round(np.geomspace(1, best.replicas, 200)))
    same = np.full_like(fewer, float(best.trainers))
    seconds = np.broadcast_to(_at(run, engine, fleet, network, fewer, same).seconds, (1, fewer.size))[0]
    copies = (
        int(fewer[np.flatnonzero(seconds <= _EQUAL * best.seconds)[0]])
        if elsewhere is None
        else best.replicas
    )
    hosts = np.unique(np.round(np.geomspace(1, best.trainers / fleet.unit, 400)))
    sizes = hosts * fleet.unit
    needed = np.broadcast_to(
        _at(run, engine, fleet, network, np.full_like(sizes, float(copies)), sizes).seconds, (1, sizes.size)
    )[0]
    smaller = sizes[np.flatnonzero(needed <= _EQUAL * best.seconds)]
    trainers = int(smaller[0]) if smaller.size else best.trainers
    if trainers < 0.97 * best.trainers and fleet.at(trainers) is not None:
        again = _at(run, engine, fleet, network, np.array([float(copies)]), np.array([float(trainers)]))
        if float(again.seconds[0, 0]) <= _EQUAL * best.seconds:
            return replace(best, replicas=copies, trainers=trainers, seconds=float(again.seconds[0, 0]))
    final = _at(run, engine, fleet, network, np.array([float(copies)]), np.array([float(best.trainers)]))
    return replace(best, replicas=copies, seconds=float(final.seconds[0, 0]))
