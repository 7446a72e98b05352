"""Step times of replicas as queueing and simulation take them: a table over sequences and prompt tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from planner.model.inference.batching import GATHERED, prompt_work
from planner.model.inference.replica import Work
from planner.model.inference.step import step
from planner.model.step_times import StepTimes
from planner.search.serving.curves import BLOCK
from planner.search.serving.points import AGGREGATED, DECODE, PREFILL
from planner.search.serving.replicas import Replicas
from planner.types import FloatArray, IntArray

__all__ = ["batch_grid", "step_times", "token_grid"]

RATIO: Final = 1.6
"""Ratio of neighbouring points of the table."""
FEWEST_TOKENS: Final = 16.0


def batch_grid(groups: Sequence[Replicas]) -> FloatArray:
    """Sequences up to the most that any replica holds; prefill replicas need hardly any."""
    return _grid(1.0, max(2.0 if g.role == PREFILL else float(np.max(g.fit.capacity)) for g in groups))


def token_grid(groups: Sequence[Replicas]) -> FloatArray:
    """Prompt tokens up to the largest step of any replica; decode replicas need hardly any."""
    most = [FEWEST_TOKENS if g.role == DECODE else float(np.max(g.chunk * g.layout.streams)) for g in groups]
    return _grid(FEWEST_TOKENS, max(most))


def step_times(
    found: Replicas, *, batch: FloatArray | None = None, tokens: FloatArray | None = None
) -> StepTimes:
    """Tabulate the steps of every replica on one grid, by default up to the largest batch and chunk."""
    most = found.chunk * found.layout.streams
    batch = batch_grid([found]) if batch is None else batch
    tokens = token_grid([found]) if tokens is None else tokens
    seconds = _table(found, batch, tokens)
    load, rows = found.load, np.arange(len(found))
    typical = np.maximum(0.5 * found.most_batch, 1.0)
    context, past = _slopes(found, typical, most)
    return StepTimes(
        batch=batch,
        tokens=tokens,
        seconds=seconds,
        context_s=context,
        context=np.broadcast_to(load.context, rows.shape),
        pair_s=past,
        past=np.broadcast_to(load.cached + 0.5 * load.new + load.longer, rows.shape),
    )


def _grid(least: float, most: float) -> FloatArray:
    """Zero, and at least two powers: the same ones whatever rows a table has."""
    powers = max(int(np.ceil(np.log(most / least) / np.log(RATIO))), 1) + 1
    return np.concatenate([[0.0], least * RATIO ** np.arange(powers)])


def _table(found: Replicas, batch: FloatArray, tokens: FloatArray) -> FloatArray:
    """Seconds ``[R, B, Q]``; a mixing engine runs prompts beside decoding where riding along is slower."""
    shape = (len(found), len(batch), len(tokens))
    row = np.repeat(np.arange(shape[0]), shape[1] * shape[2])
    b, q = (grid.ravel() for grid in np.meshgrid(batch, tokens, indexing="ij"))
    seconds = _seconds(found, row, np.tile(b, shape[0]), np.tile(q, shape[0])).reshape(shape)
    seconds[:, 0, 0] = seconds[:, 1, 0]
    alone = seconds[:, :1, :]
    if found.role == AGGREGATED and np.any(found.layout.streams > 1):
        seconds = _gathered(found, batch, tokens, seconds)
    table: FloatArray = np.minimum(seconds, seconds[:, :, :1] + alone)
    return table


def _gathered(found: Replicas, batch: FloatArray, tokens: FloatArray, seconds: FloatArray) -> FloatArray:
    """Let prompts gather for attention ranks (`planner.model.inference.batching`).

    Engines do not hold up all ranks for one prompt. What a prompt adds to steps is then its share of what a
    step adds in which as many are computed side by side as gather. Steps of prompts alone take the place of
    decode steps at about half the largest batch.
    """
    beside = np.where(batch > 0, batch, np.maximum(0.5 * found.most_batch, 1.0)[:, None])
    together = np.clip(GATHERED * beside, found.layout.pp[:, None], found.layout.streams[:, None])
    enough = np.minimum(np.maximum(found.load.new, 1.0), found.chunk)[:, None] * together
    shape = enough.shape
    row = np.repeat(np.arange(shape[0]), shape[1])
    whole = _seconds(found, row, np.tile(batch, shape[0]), enough.ravel()).reshape(shape)[:, :, None]
    share = tokens / enough[:, :, None]
    decode = np.where(batch[:, None] > 0, seconds[:, :, :1], 0.0)
    gathers = (share < 1.0) & (together > 1.0)[:, :, None] & (tokens > 0)
    return np.where(gathers, decode + (whole - decode) * share, seconds)


def _seconds(found: Replicas, row: IntArray, batch: FloatArray, tokens: FloatArray) -> FloatArray:
    blocks = [slice(start, start + BLOCK) for start in range(0, len(row), BLOCK)]
    return np.concatenate([_block_s(found.take(row[b]), batch[b], tokens[b]) for b in blocks])


def _block_s(found: Replicas, batch: FloatArray, tokens: FloatArray) -> FloatArray:
    work = prompt_work(replica=found.replica, load=found.load, prompt=tokens, batch=batch)
    total: FloatArray = step(replica=found.replica, work=work).total_s
    return total


def _slopes(found: Replicas, batch: FloatArray, tokens: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Seconds per further token of context of all sequences, and per further pair of a prompt."""
    replica, load, none = found.replica, found.load, np.zeros(1)
    decode = prompt_work(replica=replica, load=load, prompt=none, batch=batch)
    prompt = prompt_work(replica=replica, load=load, prompt=tokens)
    by_context = _rise(found, decode, context=True) / (batch * 0.1 * load.context)
    by_past = _rise(found, prompt, context=False) / (tokens * (0.1 * prompt.past + prompt.new))
    return by_context, by_past


def _rise(found: Replicas, work: Work, *, context: bool) -> FloatArray:
    """Seconds that a tenth more context, or a chunk more of past tokens, adds to a step."""
    grown = Work(
        decode=work.decode,
        context=work.context * (1.1 if context else 1.0),
        prompt=work.prompt,
        new=work.new,
        past=work.past * 1.1 + work.new if not context else work.past,
    )
    risen = step(replica=found.replica, work=grown).total_s - step(replica=found.replica, work=work).total_s
    rise: FloatArray = np.maximum(np.broadcast_to(risen, (len(found),)), 0.0)
    return rise
