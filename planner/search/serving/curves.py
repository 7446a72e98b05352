"""What a replica does at every batch, from a few evaluations of the physics.

The rate of a replica follows from the sequences that decode in it (`planner.model.inference.batching`), so
that operating points lie on a curve over the batch. The physics is evaluated at `NODES` batches, kinks of the
curves among them; in between everything is a power of the batch, a straight line in logarithms. All
intervals are divided alike, so that interpolation is one product with a constant matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.model.inference.batching import GATHERED, decode_steps, prompt_work, steady
from planner.model.inference.disaggregated import decode_pool
from planner.model.inference.step import step
from planner.search.serving.points import DECODE, Columns
from planner.search.serving.replicas import Replicas
from planner.types import FloatArray, IntArray

__all__ = ["NODES", "PARTS", "Curves", "batches", "curves", "direct", "refined"]

EVEN: Final = 22
NODES: Final = EVEN + 6
"""Evaluated batches of a curve: evenly spaced ones, and the kinks."""

PARTS: Final = 3
"""Pieces into which each interval between them is divided."""

BLOCK: Final = 4096
"""Rows per call of the physics, so that its arrays stay in the cache."""

LOWEST: Final = 0.1
"""Least batch, relative to the largest where that is below ten."""


@dataclass(frozen=True, eq=False)
class Curves(Columns):
    """Operating points of replicas, ``[R, B]``; seconds and requests per second."""

    batch: FloatArray  # sequences that decode
    rate: FloatArray
    step_s: FloatArray  # mean
    decode_s: FloatArray  # a step without prompts
    mixed_s: FloatArray  # a step with prompts
    full_s: FloatArray  # a step with as many prompt tokens as chunks allow
    mixed_share: FloatArray  # share of steps that carry prompts
    prefill_s: FloatArray  # a prompt that need not wait, from its first step to its last
    concurrency: FloatArray


def batches(found: Replicas) -> FloatArray:
    """Batches at which the physics is evaluated, ``[R, NODES]``, ascending: evenly spaced, and all kinks."""
    most = found.most_batch
    least = np.minimum(1.0, LOWEST * most)
    share = np.linspace(0.0, 1.0, EVEN)
    even = least[:, None] * (most / least)[:, None] ** share
    bends = np.stack([_single(found), *_kinks(found)], axis=1)
    return np.sort(np.concatenate([even, np.clip(bends, least[:, None], most[:, None])], axis=1), axis=1)


def _single(found: Replicas) -> FloatArray:
    """Batch below which steps are those of one sequence, and a replica is idle in between."""
    return np.minimum(1.0, found.most_batch)


def _kinks(found: Replicas) -> list[FloatArray]:
    """Batches at which the work of the slowest rank begins to grow (`planner.model.inference.replica.ranks`).

    Every rank has a sequence; prompts begin to gather, and do for all ranks; every step owes a prompt or a
    chunk of it for every stage, and for all ranks of all stages.
    """
    layout = found.layout
    spread = layout.dp * layout.pp
    if found.role == DECODE:
        return [spread, layout.pp, layout.dp, spread, spread]
    one = np.ones(len(found)) / GATHERED
    new = np.maximum(found.load.new, 1.0)
    owed = decode_steps(load=found.load, replica=found.replica) * np.minimum(new, found.chunk) / new
    return [spread, one * layout.pp, one * spread, owed * layout.pp, owed * spread]


def curves(found: Replicas) -> Curves:
    """Operating points at ``(NODES - 1) PARTS + 1`` batches of each replica."""
    nodes = direct(found, batches(found))
    weights = _weights()
    columns = {
        name: np.exp(np.log(np.maximum(values, 1e-300)) @ weights) for name, values in vars(nodes).items()
    }
    return Curves(**columns)


def refined(batch: FloatArray) -> FloatArray:
    """Batches of curves between `batch` ``[R, NODES]``."""
    fine: FloatArray = np.exp(np.log(batch) @ _weights())
    return fine


def _weights() -> FloatArray:
    """Interpolation between nodes as a matrix ``[NODES, B]``."""
    at = np.arange((NODES - 1) * PARTS + 1) / PARTS
    weights: FloatArray = np.maximum(1.0 - np.abs(at - np.arange(NODES)[:, None]), 0.0)
    return weights


def direct(found: Replicas, batch: FloatArray) -> Curves:
    """Operating points at given batches ``[R, B]``, ascending, without interpolation.

    Below one sequence a replica is idle for part of the time: steps are as with one, and come less often.
    ``full_s`` is a straight line through its values at the first and the last batch.
    """
    shape = batch.shape
    row = np.repeat(np.arange(shape[0]), shape[1])
    timed = np.maximum(batch, _single(found)[:, None])
    columns = _in_blocks(_decoding if found.role == DECODE else _aggregated, found, row, timed.ravel())
    values = {name: column.reshape(shape) for name, column in columns.items()}
    for name in ("rate", "mixed_share", "concurrency"):
        values[name] = values[name] * (batch / timed)
    if found.role != DECODE:
        values["full_s"] = _full_steps(found, timed)
    return Curves(batch=batch, **values)


def _in_blocks(
    evaluate: Callable[[Replicas, FloatArray], dict[str, FloatArray]],
    found: Replicas,
    row: IntArray,
    batch: FloatArray,
) -> dict[str, FloatArray]:
    starts = range(0, len(row), BLOCK)
    parts = [evaluate(found.take(row[s : s + BLOCK]), batch[s : s + BLOCK]) for s in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _aggregated(found: Replicas, batch: FloatArray) -> dict[str, FloatArray]:
    point = steady(replica=found.replica, load=found.load, batch=batch)
    names = ("rate", "step_s", "decode_s", "mixed_s", "mixed_share", "prefill_s", "concurrency")
    return {name: np.broadcast_to(getattr(point, name), batch.shape) for name in names}


def _decoding(found: Replicas, batch: FloatArray) -> dict[str, FloatArray]:
    point = decode_pool(replica=found.replica, load=found.load, batch=batch)
    none = np.zeros(len(batch))
    times = dict.fromkeys(("step_s", "decode_s", "mixed_s", "full_s"), point.step_s)
    return {"rate": point.rate, **times, "mixed_share": none, "prefill_s": none, "concurrency": batch}


def _full_steps(found: Replicas, batch: FloatArray) -> FloatArray:
    """Time steps with as many prompt tokens as chunks allow, beside decoding or after it."""
    ends = batch[:, [0, -1]]
    row = np.repeat(np.arange(len(batch)), 2)
    low, high = _in_blocks(_full, found, row, ends.ravel())["full_s"].reshape(-1, 2).T
    share = (batch - ends[:, :1]) / np.maximum(ends[:, 1:] - ends[:, :1], 1e-12)
    return low[:, None] + (high - low)[:, None] * share


def _full(found: Replicas, batch: FloatArray) -> dict[str, FloatArray]:
    replica, load = found.replica, found.load
    most = found.chunk * found.layout.streams

    def timed(prompt: FloatArray, decoding: FloatArray) -> FloatArray:
        work = prompt_work(replica=replica, load=load, prompt=prompt, batch=decoding)
        return step(replica=replica, work=work).total_s

    none = np.zeros(1)
    apart = timed(none, batch) + timed(most, none)
    first = replica.engine.prefill_first
    return {"full_s": np.where(first, apart, np.minimum(timed(most, batch), apart))}
