"""Steps over splits of the accelerators between generation and training, and the best of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.post_training.steps import LIMITS, best_split
from planner.plan.post_train.step import Network, Step, step_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.plan.post_train.asked import Run
    from planner.plan.post_train.engines import Engine
    from planner.plan.post_train.trainers import Fleet
    from planner.types import FloatArray

__all__ = ["Choice", "Point", "choose", "fewer"]

_SPLITS: Final = 400
"""Numbers of replicas that are looked at; all of them where there are fewer."""
_EQUAL: Final = 1.01
"""Steps this near are equal: the split that uses fewer accelerators is taken."""
_FEWER: Final = (0.5, 0.25, 0.125)
"""Parts of the accelerators used, on which the run is shown too."""
_ROUNDS: Final = 3
"""Times that the rate of training is asked at the best split and the splits are weighed again."""


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
    fewer: tuple[Choice, ...] = ()
    """As `fewer` finds them, where they are asked for."""

    @property
    def generation_gpus(self) -> int:
        """Accelerators that generate."""
        return self.replicas * self.engine.gpus


def choose(
    run: Run,
    engines: Sequence[Engine],
    fleet: Fleet,
    network: Network,
    *,
    mode: str,
    total: int,
    elsewhere: int | None = None,
    roughly: bool = False,
) -> Choice | None:
    """Return the split with the shortest step; None where nothing fits.

    Parameters
    ----------
    total
        Accelerators there are.
    elsewhere
        Accelerators on other hardware that generate; all of `total` then train.
    roughly
        Be content with interpolated rates of training, and with the split alone.
    """
    if mode == "sync":
        return _colocated(run, engines, fleet, network, total)
    fleet.survey(total, roughly=roughly)
    best: Choice | None = None
    for _ in range(1 if roughly else _ROUNDS):
        best = _weighed(run, engines, fleet, network, total, elsewhere)
        if best is None or roughly or best.trainers in fleet.known:
            break
        if fleet.at(best.trainers) is None:
            if not fleet.brief:
                break
            fleet.brief = False
            return choose(run, engines, fleet, network, mode=mode, total=total, elsewhere=elsewhere)
    if best is None or roughly:
        return best
    return _trimmed(run, best, fleet, network, elsewhere)


def fewer(run: Run, found: Choice, fleet: Fleet, network: Network) -> tuple[Choice, ...]:
    """Return the best splits of parts of the accelerators used, by interpolated rates of training."""
    used = found.generation_gpus + found.trainers
    parts = (_weighed(run, (found.engine,), fleet, network, round(share * used), None) for share in _FEWER)
    return tuple(part for part in parts if part is not None)


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
