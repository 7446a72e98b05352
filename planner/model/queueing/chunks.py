"""The queue of prompts in front of a replica that takes them up to a chunk of tokens a step.

A step with ``q`` prompt tokens lasts ``t(q)``, at most ``C`` tokens fit, and what arrives during a step
waits for the next. Against a server that always works at the rate of full steps, ``tau = t(C)/C`` seconds
per token, a step that is not full wastes ``t(q) - q tau``. Taking that waste as the vacations of an M/G/1
queue, the work found by an arrival splits [1]_ into that of M/G/1 with service ``S = I tau`` and that
found during a vacation. Followed through to the step in which a prompt of ``I`` tokens ends, the mean
time to the first token is exactly

    E[TTFT] = W + G + E[S] + H,
    W = rate E[S^2] / (2 (1 - r)),    r = rate E[S]
    G = E[t^2 - (q tau)^2] / (2 E[t - q tau])    over steps that are not full
    H = E[t(q_last) - own_last tau]    over the last step of a prompt, own_last of its tokens its own

What remains is the law of ``q``: a Markov chain from step to step. Its states are steps without prompts,
cells of the tokens that wait when a step begins, and one state for all full steps.

References
----------
.. [1] S. W. Fuhrmann, R. B. Cooper, "Stochastic decompositions in the M/G/1 queue with generalized
   vacations", Operations Research 33 (1985); O. Boxma, "Workloads and waiting times in single-server systems
   with multiple customer classes", Queueing Systems 5 (1989).
.. [2] H. H. Panjer, "Recursive evaluation of a family of compound distributions", ASTIN Bulletin 12 (1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.model.queueing.lattice import spread_out
from planner.model.queueing.lengths import Lengths
from planner.types import FloatArray

__all__ = ["ChunkQueue", "Prefill", "StepLaw", "chunk_queue", "step_law"]

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
class ChunkQueue:
    """A queue of prompts in steady state; seconds, ``[R]``."""

    law: StepLaw
    service_s: FloatArray  # E[S]
    service_cv2: FloatArray  # squared cv of S
    wait_s: FloatArray  # W
    residual_s: FloatArray  # G
    finish_s: FloatArray  # H
    lone_s: FloatArray  # G + H of a prompt that finds the replica free
    later_share: FloatArray  # tokens of later prompts in the last step, over the mean prompt

    @property
    def load(self) -> FloatArray:
        """Load of prompts in full steps, below 1."""
        return self.law.load


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
class _Chain:
    """The Markov chain from step to step."""

    fraction: FloatArray  # chance of a prompt of 0, 1, ... units, [R, M]
    longer: FloatArray  # of a longer one
    last: FloatArray  # law of the tokens in the last step of a lone prompt that fills a step, [R, M + 1]
    phase: FloatArray  # the same of one among others, [R, M + 1]
    follows: FloatArray  # chance of 0, 1, ... units after each cell that is not full, [R, M + 1, M]
    during: FloatArray  # the same after a full step, [R, M]
    unfilled: FloatArray  # law of the steps that are not full, [R, M + 1]
    odds: FloatArray  # full steps per step that is not full


def step_law(prefill: Prefill) -> StepLaw:
    """Solve for how full the steps are."""
    return _solved(prefill)[0]


def chunk_queue(prefill: Prefill) -> ChunkQueue:
    """Solve the queue of prompts for each row."""
    law, chain = _solved(prefill)
    weights = prefill.prompt.weights
    mean = (prefill.service_s * weights).sum(axis=1)
    square = (prefill.service_s**2 * weights).sum(axis=1)
    served = prefill.cell_tokens * prefill.token_s[:, None]
    waste = np.maximum(prefill.cell_s - served, 1e-15) * chain.unfilled
    residual = (waste * (prefill.cell_s + served)).sum(axis=1) / (2.0 * waste.sum(axis=1))
    finish, lone, later = _finish(prefill, chain)
    return ChunkQueue(
        law=law,
        service_s=mean,
        service_cv2=np.maximum(square / np.maximum(mean, 1e-300) ** 2 - 1.0, 0.0),
        wait_s=0.5 * law.load * square / np.maximum(mean, 1e-300) / (1.0 - law.load),
        residual_s=residual,
        finish_s=finish,
        lone_s=0.5 * prefill.idle_s + lone,
        later_share=later / np.maximum(prefill.prompt.mean, 1e-300),
    )


def _solved(prefill: Prefill) -> tuple[StepLaw, _Chain]:
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
    return law, _Chain(fraction, units[:, -1], last, phase, follows, during, unfilled, odds)


def _compound(events: FloatArray, fraction: FloatArray) -> FloatArray:
    """Chance of 0, 1, ... units in a Poisson number of prompts [2]_; ``[R, K]`` events give ``[R, K, M]``."""
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


def _finish(prefill: Prefill, chain: _Chain) -> tuple[FloatArray, FloatArray, FloatArray]:
    """H, the same for a lone prompt, and the tokens of later prompts in the last step.

    A prompt that comes during a step that is not full, with ``a`` tokens arriving in that step in all, has
    half of them ahead. If those and its own fit in a chunk, the next step is its last. Else, and for prompts
    that come during a full step, its last tokens fill a part of a step that later ones join: its own
    remainder if nothing came beside it, a uniform part otherwise.
    """
    cells, step_s, fraction = prefill.cells, prefill.step_s, chain.fraction
    unit = prefill.chunk / cells
    unit_s = unit * prefill.token_s
    late, joining = _late(prefill, chain.during)
    late_full, joined_full = (late * chain.phase).sum(axis=1), (joining * chain.phase).sum(axis=1)
    late_alone, joined_alone = (late * chain.last).sum(axis=1), (joining * chain.last).sum(axis=1)
    came, own = np.arange(cells)[:, None], np.arange(cells)[None, :]
    next_step = 0.5 * came + own < cells
    filled = np.minimum(came + own, cells)
    end = step_s[:, filled] - (0.5 * came + own) * unit_s[:, None, None]
    end = np.where(next_step, end, late_full[:, None, None])
    joins = np.where(next_step, filled - 0.5 * came - own, joined_full[:, None, None])
    time = chain.unfilled * prefill.cell_s
    full = chain.odds * step_s[:, -1]
    span = time.sum(axis=1) + full
    start, full = time / span[:, None], full / span
    arrivals = (start[:, None, :] @ chain.follows)[:, 0]  # chance of `came` units, fewer than a chunk
    alone = arrivals[:, 0] * chain.longer
    among = full + start.sum(axis=1) - arrivals.sum(axis=1) * (1.0 - chain.longer) - alone
    weight = arrivals[:, :, None] * fraction[:, None, :]
    finish = (weight * end).sum(axis=(1, 2)) + among * late_full + alone * late_alone
    joined = (weight * joins).sum(axis=(1, 2)) + among * joined_full + alone * joined_alone
    lone = (fraction * end[:, 0]).sum(axis=1) + chain.longer * late_alone
    return finish, lone, joined * unit


def _late(prefill: Prefill, during: FloatArray) -> tuple[FloatArray, FloatArray]:
    """H of a prompt with 0 to M units in its last step, joined by what came in the step before, in units."""
    cells = prefill.cells
    beyond = np.maximum(1.0 - during.sum(axis=1), 0.0)[:, None]
    own, later = np.arange(cells + 1)[:, None], np.arange(cells)[None, :]
    joined = np.minimum(own + later, cells)
    after = (prefill.step_s[:, joined] * during[:, None, :]).sum(axis=2) + prefill.step_s[:, -1:] * beyond
    unit_s = (prefill.chunk / cells * prefill.token_s)[:, None]
    joining = ((joined - own) * during[:, None, :]).sum(axis=2) + (cells - own[:, 0]) * beyond
    return after - own[:, 0] * unit_s, joining
