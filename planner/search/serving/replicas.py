"""Legal replicas of one option as tables that the physics takes, those that do not fit left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from planner.model.inference.batching import decode_bound
from planner.model.inference.memory import cache_bytes_per_sequence, memory
from planner.model.inference.replica import Replica, prepare
from planner.search.serving.points import AGGREGATED, DECODE, Columns, Points
from planner.search.serving.request import Option, ServingRequest
from planner.search.serving.space import Layouts
from planner.tables.serving import Deployment, Engine, Load
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["Fit", "Left", "Replicas", "of_points", "replicas"]

LEAST_BATCH: Final = 1e-3
ROUNDING: Final = 1.0 + 1e-12


@dataclass(frozen=True, eq=False)
class Fit(Columns):
    """Memory of replicas, one per row; bytes are those of one accelerator."""

    capacity: FloatArray  # whole sequences that the replica admits
    held_bytes: FloatArray  # weights, workspace and common prefix
    sequence_bytes: FloatArray  # of a sequence of mean length, on the accelerators that hold it
    variation: FloatArray  # variance of what sequences hold over their mean squared; 0 where slots limit them

    def used_bytes(self, batch: FloatArray, ranks: FloatArray) -> FloatArray:
        """Bytes in use with `batch` sequences spread over attention ranks."""
        return self.held_bytes + self.sequence_bytes * batch / ranks


@dataclass(frozen=True, eq=False)
class Replicas:
    """Replicas of one option that hold the weights and a request, one per row."""

    option: int
    role: int
    load: Load
    fit: Fit
    replica: Replica

    def __len__(self) -> int:
        return len(self.fit)

    @property
    def layout(self) -> Deployment:
        """Degrees and precisions."""
        return self.replica.layout

    @property
    def chunk(self) -> FloatArray:
        """Prompt tokens of a step and attention rank."""
        return self.replica.engine.chunk

    def take(self, index: IntArray | BoolArray) -> Replicas:
        """Rows at `index`."""
        r = self.replica
        chosen = prepare(
            operators=r.operators, model=r.model, engine=r.engine.take(index), layout=r.layout.take(index)
        )
        return replace(self, fit=self.fit.take(index), replica=chosen)

    @property
    def most_batch(self) -> FloatArray:
        """Sequences that may decode: as many as fit, and as many as chunks bring prompts for."""
        if self.role == DECODE:
            return self.fit.capacity
        bound = decode_bound(replica=self.replica, load=self.load)
        return np.maximum(np.minimum(self.fit.capacity, bound), LEAST_BATCH)


@dataclass(frozen=True)
class Left:
    """Replicas that cannot run: how many for each reason, and bytes per accelerator that the best lacks."""

    counts: Counter[str] = field(default_factory=Counter)
    lacking_bytes: float = np.inf

    def plus(self, other: Left) -> Left:
        """Sum."""
        return Left(self.counts + other.counts, min(self.lacking_bytes, other.lacking_bytes))


def replicas(
    request: ServingRequest, index: int, table: Layouts, *, role: int = AGGREGATED
) -> tuple[Replicas, Left]:
    """Return the replicas of option `index` that hold weights and a request, with every chunk.

    Decode replicas compute no prompts, so that they come with one chunk.
    """
    chunks = _chunks(request, request.options[index])
    if role == DECODE:
        chunks = chunks[-1:]
    rows = np.repeat(np.arange(len(table)), len(chunks))
    return _that_fit(request, index, table.take(rows), np.tile(chunks, len(table)), role)


def of_points(request: ServingRequest, points: Points) -> Replicas:
    """Return the replicas behind points, which are of one option and role."""
    table = Layouts(points.tp, points.pp, points.dp, points.ep)
    return _that_fit(request, int(points.option[0]), table, points.chunk, int(points.role[0]))[0]


def _that_fit(
    request: ServingRequest, index: int, table: Layouts, chunk: FloatArray, role: int
) -> tuple[Replicas, Left]:
    option = request.options[index]
    part = request.parts[option.part]
    engine = option.engine.with_values(chunk=chunk)
    if pinned := request.pinned("max_batch"):
        engine = engine.with_values(max_batch=pinned[-1] / (table.dp * table.pp))
    wide = table.tp * table.dp > part.operators.domain
    layout = option.layout.with_values(
        tp=table.tp,
        pp=table.pp,
        dp=table.dp,
        ep=table.ep,
        two_batches=option.can.two_batches & (wide | (role != AGGREGATED)),
    )
    fit, lacking, reasons = _fit(request, part.memory_bytes, engine, layout)
    fits = np.flatnonzero(reasons == "")
    found = Replicas(
        option=index,
        role=role,
        load=request.load,
        fit=fit.take(fits),
        replica=prepare(
            operators=part.operators, model=request.model, engine=engine.take(fits), layout=layout.take(fits)
        ),
    )
    left = Left(Counter(r for r in reasons.tolist() if r), float(np.min(lacking, initial=np.inf)))
    able = _has_formats(found)
    if not np.all(able):
        missing = int(np.count_nonzero(~able))
        return found.take(np.flatnonzero(able)), left.plus(Left(Counter(format=missing)))
    return found, left


def _chunks(request: ServingRequest, option: Option) -> FloatArray:
    """Chunks to try: the pinned ones, those of the option, or its engine's own."""
    chunks = request.pinned("chunk") or option.chunks or tuple(option.engine.chunk.tolist())
    return np.array(sorted(set(chunks)), dtype=float)


def _fit(
    request: ServingRequest, memory_bytes: float, engine: Engine, layout: Deployment
) -> tuple[Fit, FloatArray, np.ndarray]:
    """Memory of each row, bytes it lacks (inf where it fits), and the reason why it does not fit.

    Sequences with long outputs stay longer, so that those inside hold more than the mean one.
    """
    model, load = request.model, request.load
    staying = load.with_values(osl=load.osl * (1.0 + load.osl_variation))
    held = memory(
        memory_bytes=np.array([memory_bytes]), model=model, engine=engine, layout=layout, load=staying
    )
    capacity = np.floor(held.capacity / layout.dp * ROUNDING) * layout.dp
    own = (request.longest or float(load.isl[0] + load.osl[0])) - float(load.shared[0])
    longest = cache_bytes_per_sequence(
        model=model, engine=engine, layout=layout, tokens=np.array([max(own, 1.0)])
    )
    lacking = longest + held.shared_bytes - held.cache_bytes
    reasons = np.where(
        held.cache_bytes <= 0, "weights", np.where((lacking > 0) | (capacity < 1), "cache", "")
    )
    scarce = held.capacity < engine.max_batch * layout.dp * layout.pp * (1.0 - 1e-9)
    fit = Fit(
        capacity=capacity,
        held_bytes=held.weight_bytes + held.workspace_bytes + held.shared_bytes,
        sequence_bytes=np.broadcast_to(held.sequence_bytes, capacity.shape),
        variation=np.where(scarce, _variation(load, request.variation.input, engine.reserve_output), 0.0),
    )
    return fit, np.where(reasons == "", np.inf, np.maximum(lacking, 0.0)), reasons


def _variation(load: Load, input_variation: float, reserve: FloatArray) -> FloatArray:
    """Variance over squared mean of the tokens of sequences inside, lognormal and met by their stay."""
    spread = 1.0 + load.osl_variation
    own, output = load.isl - load.shared, reserve * load.osl
    mean = own + output * spread
    square = own**2 * (1.0 + input_variation**2) + 2.0 * own * output * spread + output**2 * spread**3
    variation: FloatArray = np.maximum(square / mean**2 - 1.0, 0.0)
    return variation


def _has_formats(found: Replicas) -> BoolArray:
    """Rows whose part multiplies in the formats of the layout."""
    r = found.replica
    needed = [r.attention.compute, r.mlp.compute]
    if float(r.model.n_moe[0]) > 0:
        needed.append(r.experts.compute)
    able = np.ones(len(found), dtype=bool)
    for rate in needed:
        able &= np.isfinite(rate)
    return able
