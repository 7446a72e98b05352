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

What remains is the law of ``q``: `planner.model.queueing.step_chain`.

References
----------
.. [1] S. W. Fuhrmann, R. B. Cooper, "Stochastic decompositions in the M/G/1 queue with generalized
   vacations", Operations Research 33 (1985); O. Boxma, "Workloads and waiting times in single-server systems
   with multiple customer classes", Queueing Systems 5 (1989).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.model.queueing.step_chain import Chain, Prefill, StepLaw, solve_steps
from planner.types import FloatArray

__all__ = ["ChunkQueue", "chunk_queue"]


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


def chunk_queue(prefill: Prefill) -> ChunkQueue:
    """Solve the queue of prompts for each row."""
    law, chain = solve_steps(prefill)
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


def _finish(prefill: Prefill, chain: Chain) -> tuple[FloatArray, FloatArray, FloatArray]:
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
