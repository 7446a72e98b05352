"""How full the steps of a replica are: a Markov chain from step to step.

What arrives during a step waits for the next, which takes up to a chunk of tokens. The states are steps
without prompts, cells of the tokens that wait when a step begins, and one state for all full steps. Arrivals
are compound Poisson, by Panjer's recursion [1]_; time not spent on full steps is known exactly, which gives
their number.

References
----------
.. [1] H. H. Panjer, "Recursive evaluation of a family of compound distributions", ASTIN Bulletin 12 (1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.model.queueing.lattice import spread_out
from planner.model.queueing.lengths import Lengths
from planner.types import FloatArray

__all__ = ["Chain", "Prefill", "StepLaw", "solve_steps"]

_FULL: Final = 1.0 - 1e-6
"""Largest load that is put into a formula."""
_ALIKE: Final = 0.05
_RUN: Final = 16
"""Squared cv below which lengths may stay in step with chunks, and for how many prompts that is followed."""


@dataclass(frozen=True, eq=False)
class StepLaw:
    """How full steps are in steady state, ``[R]``; cells are idle steps, M of tokens, full ones."""

    load: FloatArray  # r, below 1
    cell_s: FloatArray  # time of a step by cell, [R, M + 2]
    cell_share: FloatArray  # share of steps by cell, [R, M + 2]
    step_s: FloatArray  # mean step
    idle_share: FloatArray  # of the time, in steps without prompt tokens


@dataclass(frozen=True, eq=False)
class Prefill:
    """Prompts that come and the steps that take them, one row each.

    Attributes
    ----------
    rate
        Prompts per second, Poisson, ``[R]``.
    prompt
        Their tokens.
    service_s
        Seconds that each point of `prompt` takes in full steps, ``[R, J]``.
    chunk
        Tokens of a full step, ``[R]``.
    idle_s
        A step without prompt tokens, ``[R]``.
    step_s
        Steps of ``chunk k / M`` tokens, ``[R, M + 1]``; the first is the limit of few tokens.
    """

    rate: FloatArray
    prompt: Lengths
    service_s: FloatArray
    chunk: FloatArray
    idle_s: FloatArray
    step_s: FloatArray

    @property
    def cells(self) -> int:
        """Cells M of a chunk."""
        return int(self.step_s.shape[1]) - 1

    @property
    def token_s(self) -> FloatArray:
        """Seconds per token of full steps, tau."""
        seconds: FloatArray = self.step_s[:, -1] / self.chunk
        return seconds

    @property
    def cell_s(self) -> FloatArray:
        """Time of steps that are not full, by cell, ``[R, M + 1]``."""
        return np.concatenate([self.idle_s[:, None], self.step_s[:, :-1]], axis=1)

    @property
    def cell_tokens(self) -> FloatArray:
        """Tokens of steps that are not full, by cell, ``[R, M + 1]``."""
        units = np.maximum(np.arange(self.cells + 1) - 1.0, 0.0)
        tokens: FloatArray = units * (self.chunk / self.cells)[:, None]
        return tokens


@dataclass(frozen=True, eq=False)
class Chain:
    """The Markov chain from step to step."""

    fraction: FloatArray  # chance of a prompt of 0, 1, ... units, [R, M]
    longer: FloatArray  # of a longer one
    last: FloatArray  # law of the tokens in the last step of a lone prompt that fills a step, [R, M + 1]
    phase: FloatArray  # the same of one among others, [R, M + 1]
    follows: FloatArray  # chance of 0, 1, ... units after each cell that is not full, [R, M + 1, M]
    during: FloatArray  # the same after a full step, [R, M]
    unfilled: FloatArray  # law of the steps that are not full, [R, M + 1]
    odds: FloatArray  # full steps per step that is not full


def solve_steps(prefill: Prefill) -> tuple[StepLaw, Chain]:
    """Solve for how full the steps are."""
    cells, prompt = prefill.cells, prefill.prompt
    mean = (prefill.service_s * prompt.weights).sum(axis=1)
    load = np.minimum(prefill.rate * mean, _FULL)
    rate = load / np.maximum(mean, 1e-300)
    unit = prefill.chunk / cells
    units = spread_out(points=prompt.points, weights=prompt.weights, unit=unit, cells=cells + 1)
    fraction, cell_s, full_s = units[:, :-1], prefill.cell_s, prefill.step_s[:, -1]
    follows = _compound(rate[:, None] * cell_s, fraction)
    during = _compound((rate * full_s)[:, None], fraction)[:, 0]
    last = _last_tokens(prompt, prefill.chunk, cells)
    phase = _phase(prompt, prefill.chunk, cells, load)
    unfilled = _left_full(follows, np.exp(-rate[:, None] * cell_s), _ends(during, last, phase, load))
    wasted = np.maximum(cell_s - prefill.cell_tokens * prefill.token_s[:, None], 1e-15)
    partly = (unfilled * cell_s).sum(axis=1)
    # wasted time is a share 1 - load of all time: that gives the full steps per step that is not full
    odds = np.maximum(((unfilled * wasted).sum(axis=1) / (1.0 - load) - partly) / full_s, 0.0)
    span = partly + odds * full_s
    law = StepLaw(
        load=load,
        cell_s=np.concatenate([cell_s, full_s[:, None]], axis=1),
        cell_share=np.concatenate([unfilled, odds[:, None]], axis=1) / (1.0 + odds)[:, None],
        step_s=span / (1.0 + odds),
        idle_share=unfilled[:, 0] * cell_s[:, 0] / span,
    )
    return law, Chain(fraction, units[:, -1], last, phase, follows, during, unfilled, odds)


def _compound(events: FloatArray, fraction: FloatArray) -> FloatArray:
    """Chance of 0, 1, ... units in a Poisson number of prompts [1]_; ``[R, K]`` events give ``[R, K, M]``."""
    cells = fraction.shape[1]
    sized = fraction * np.arange(cells)
    chance = np.empty((*events.shape, cells))
    chance[..., 0] = np.exp(-events * (1.0 - fraction[:, :1]))
    for n in range(1, cells):
        chance[..., n] = events / n * np.matmul(chance[..., n - 1 :: -1], sized[:, 1 : n + 1, None])[..., 0]
    return chance


def _last_tokens(prompt: Lengths, chunk: FloatArray, cells: int) -> FloatArray:
    """Law of the tokens in the last step of a lone prompt that fills a step, ``[R, M + 1]`` units, not 0."""
    position = prompt.points * (cells / chunk)[:, None]
    last = position - np.maximum(np.ceil(position / cells) - 1.0, 0.0) * cells
    weight = np.where(position > cells - 1.0, prompt.weights, 0.0)
    mass = spread_out(points=last, weights=weight, unit=np.ones_like(chunk), cells=cells + 1)
    total = mass.sum(axis=1, keepdims=True)
    law: FloatArray = np.where(total > 0.0, mass / np.maximum(total, 1e-300), 1.0 / (cells + 1))
    return law


def _phase(prompt: Lengths, chunk: FloatArray, cells: int, load: FloatArray) -> FloatArray:
    """Law of the tokens in the last step of a prompt behind others, ``[R, M + 1]`` units, not 0.

    Uniform, unless lengths are so alike that prompts stay in step with the chunks: the k-th of a run ends
    where k of their length do. How many came before is geometric with the load; randomness of length blurs
    the place.
    """
    even = np.full(cells + 1, 1.0 / cells)
    even[[0, -1]] *= 0.5
    law = np.broadcast_to(even, (chunk.size, cells + 1))
    alike = np.flatnonzero(np.broadcast_to(prompt.cv2 < _ALIKE, chunk.shape))
    if not alike.size:
        return law
    law = law.copy()
    size = np.broadcast_to(prompt.mean, chunk.shape)[alike] / chunk[alike]
    blur = 2.0 * (np.pi * size) ** 2 * np.broadcast_to(prompt.cv2, chunk.shape)[alike]
    count = np.arange(2, _RUN + 2)
    ahead = load[alike, None] ** (count - 2.0) * (1.0 - load[alike, None])
    ends = count * size[:, None]
    places = (ends - np.maximum(np.ceil(ends - 1e-9) - 1.0, 0.0)) * cells
    kept = ahead * np.exp(-count * blur[:, None])
    sharp = spread_out(points=places, weights=kept, unit=np.ones(alike.size), cells=cells + 1)
    law[alike] = sharp + (1.0 - kept.sum(axis=1))[:, None] * even
    return law


def _ends(during: FloatArray, last: FloatArray, phase: FloatArray, load: FloatArray) -> FloatArray:
    """Units in the first step after full ones: what is left of their prompts, and what came meanwhile.

    A lone prompt, with the chance of an idle replica, leaves its own remainder; else it is that of several.
    """
    cells = during.shape[1]
    left = load[:, None] * phase + (1.0 - load[:, None]) * last
    left[:, 0] += left[:, cells]
    ends = np.empty_like(during)
    for n in range(cells):
        ends[:, n] = (left[:, : n + 1] * during[:, n::-1]).sum(axis=1)
    law: FloatArray = ends / ends.sum(axis=1, keepdims=True)
    return law


def _left_full(follows: FloatArray, none: FloatArray, ends: FloatArray) -> FloatArray:
    """Stationary law of the steps that are not full, ``[R, 1 + M]``; the first are those without prompts.

    Parameters
    ----------
    follows, none
        Chance of 0, 1, ... units and that of no prompt at all in the next step, by state.
    ends
        Chance of 0, 1, ... units after full steps.
    """
    states = follows.shape[1]
    fills = np.maximum(1.0 - follows.sum(axis=2), 0.0)
    turns = np.empty((*follows.shape[:2], states))
    turns[..., 0] = none
    turns[..., 1:] = follows + fills[..., None] * ends[:, None, :]
    turns[..., 1] -= none
    matrix = np.eye(states) - np.swapaxes(turns, 1, 2)
    matrix[:, -1] = 1.0
    goal = np.zeros((follows.shape[0], states, 1))
    goal[:, -1] = 1.0
    law = np.maximum(np.linalg.solve(matrix, goal)[..., 0], 0.0)
    stationary: FloatArray = law / law.sum(axis=1, keepdims=True)
    return stationary
