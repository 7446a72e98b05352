"""Latencies of replicas in steady state under open arrivals: means and percentiles of operating points.

The parts: prompts queue for chunks of steps (`planner.model.queueing.chunks`), requests for slots
(`planner.model.queueing.slots`); both depend on how many requests decode, a fixed point of

    b = rate x V(b) / (1 - rho),

with ``x`` decode steps of a request, ``V(b)`` their seconds and ``rho`` the share of the time that
prompts take (`planner.model.queueing.operating`). Independent parts are joined to laws in
`planner.model.queueing.laws`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from planner.errors import InputError
from planner.model.queueing.decoding import DecodeLaw, gap_quantiles
from planner.model.queueing.laws import (
    NODE_WEIGHTS,
    Grid,
    first_token,
    lognormal_mixture,
    lognormal_nodes,
    plus_points,
    quantile,
)
from planner.model.queueing.operating import Demand, Serving
from planner.model.queueing.parts import Parts, further_tokens, latency_parts
from planner.types import FloatArray

__all__ = ["MEASURES", "Latency", "steady_state"]

MEASURES: Final = ("ttft", "tpot", "e2e", "itl")
"""Latencies that percentiles can be asked of."""

_BLOCK: Final = 512
"""Rows at a time: what fits in the cache of a core."""
_OUTPUTS: Final = 12
_OUTPUTS_END: Final = 50
"""Groups of outputs in the percentiles of the time per token and of the time to the last token."""
_POOLED: Final = 0.1
"""Share of waits below which what comes with other prompts is no longer taken for waiting."""


@dataclass(frozen=True, eq=False)
class Latency:
    """Steady state of R operating points; seconds, infinite where the rate exceeds the capacity.

    Attributes
    ----------
    percentiles
        Shares ``[P]`` of the arrays `..._at_s` ``[R, P]``.
    measures
        Those of `MEASURES` whose percentiles are known; the arrays of the others are nan.
    utilisation, headroom
        Rate over the largest that the replica sustains, and 1 less it.
    batch
        Mean number of decoding sequences.
    slot_mean_s
        What waiting for a slot adds to the mean time to the first token.
    ttft_*, tpot_*, e2e_*, itl_*
        Time to the first token, mean time per further token of a request, time to the last token, gap between
        tokens; ``[R]`` means and ``[R, P]`` percentiles.
    """

    percentiles: FloatArray
    measures: tuple[str, ...]
    utilisation: FloatArray
    headroom: FloatArray
    largest_rate: FloatArray
    batch: FloatArray
    slot_mean_s: FloatArray
    ttft_mean_s: FloatArray
    tpot_mean_s: FloatArray
    e2e_mean_s: FloatArray
    itl_mean_s: FloatArray
    ttft_at_s: FloatArray
    tpot_at_s: FloatArray
    e2e_at_s: FloatArray
    itl_at_s: FloatArray

    def at(self, measure: str, share: float) -> FloatArray:
        """Return a percentile of one of `MEASURES`, ``[R]``.

        Raises
        ------
        InputError
            If that percentile was not computed.
        """
        found = np.flatnonzero(np.isclose(self.percentiles, share))
        if not found.size or measure not in self.measures:
            raise InputError(f"percentile {share:g} was not computed of {measure}; ask steady_state for it")
        values: FloatArray = getattr(self, f"{measure}_at_s")[:, found[0]]
        return values


def steady_state(
    *,
    serving: Serving,
    demand: Demand,
    percentiles: tuple[float, ...] = (0.5, 0.9, 0.99),
    measures: tuple[str, ...] = MEASURES,
) -> Latency:
    """Latencies of operating points, one per row.

    Parameters
    ----------
    percentiles
        Shares above 0 and below 1; none makes the means alone, which is several times faster.
    measures
        Those of `MEASURES` of which percentiles are made.

    Raises
    ------
    InputError
        If a percentile is out of range, a measure is unknown or there is no row.
    """
    q = np.asarray(percentiles, float)
    if np.any(q <= 0.0) or np.any(q >= 1.0):
        raise InputError("percentiles must lie above 0 and below 1, for example 0.95")
    if not set(measures) <= set(MEASURES):
        raise InputError(f"steady state: measures are {', '.join(MEASURES)}, not {', '.join(measures)}")
    if not demand.rate.size:
        raise InputError("steady state: no operating point given")
    blocks = [slice(i, i + _BLOCK) for i in range(0, demand.rate.size, _BLOCK)]
    parts = [_block(serving.part(rows), demand.part(rows), q, measures) for rows in blocks]
    if len(parts) == 1:
        return parts[0]
    names = [f.name for f in fields(Latency) if f.name not in ("percentiles", "measures")]
    return Latency(q, measures, **{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def _block(serving: Serving, demand: Demand, q: FloatArray, measures: tuple[str, ...]) -> Latency:
    parts = latency_parts(serving=serving, demand=demand)
    past_first = further_tokens(demand.output)
    several = past_first > 0.0
    counted = demand.output.weights * several
    counted = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1e-300)
    per_token = parts.decoding.average_s / np.maximum(past_first, 1e-9)
    used = demand.rate / parts.largest_rate
    stuck = np.where(used >= 1.0, np.inf, 0.0)
    late = stuck[:, None] + np.zeros_like(q)
    slot = parts.slot.short * parts.slot.wait_s
    ttft = parts.first_s + slot
    at = dict.fromkeys(MEASURES, late if not q.size else np.full(late.shape, np.nan))
    if q.size:
        at |= _percentiles(serving, demand, parts, past_first, counted, q, measures)
    return Latency(
        percentiles=q,
        measures=measures,
        utilisation=used,
        headroom=1.0 - used,
        largest_rate=parts.largest_rate,
        batch=np.minimum(parts.point.rate * parts.decode_s, serving.places),
        slot_mean_s=slot + stuck,
        ttft_mean_s=ttft + stuck,
        tpot_mean_s=np.where(several.any(axis=1), (per_token * counted).sum(axis=1), np.nan),
        e2e_mean_s=ttft + parts.decode_s + stuck,
        itl_mean_s=parts.decode_s / np.maximum(parts.steps.mean, 1e-300),
        ttft_at_s=at["ttft"] + late,
        tpot_at_s=at["tpot"],
        e2e_at_s=at["e2e"] + late,
        itl_at_s=at["itl"],
    )


def _percentiles(
    serving: Serving,
    demand: Demand,
    parts: Parts,
    past_first: FloatArray,
    counted: FloatArray,
    q: FloatArray,
    measures: tuple[str, ...],
) -> dict[str, FloatArray]:
    """Percentiles of each measure that is asked for, ``[R, P]``."""
    at: dict[str, FloatArray] = {}
    if "ttft" in measures or "e2e" in measures:
        first = _first_token(demand, parts)
        at["ttft"] = quantile(first, q)
    if "e2e" in measures:
        output = _grouped(demand.output.weights, parts.decoding, past_first, _OUTPUTS_END)
        at["e2e"] = quantile(plus_points(first, *_ends(output)), q)
    if "tpot" in measures:
        at["tpot"] = _token_quantiles(_grouped(counted, parts.decoding, past_first, _OUTPUTS), q)
    if "itl" in measures:
        at["itl"] = gap_quantiles(point=parts.point, mixed=serving.mixed, q=q)
    return at


def _first_token(demand: Demand, parts: Parts) -> Grid:
    """Law of the time to the first token."""
    point = parts.point
    weights = np.broadcast_to(demand.prompt.weights, point.service_s.shape)
    queue = point.queue
    # what steps add beyond that for a lone prompt comes with others: half of it grows as waiting does, where
    # pooling leaves enough of that
    others = np.maximum(parts.rest_s - 0.5 * (parts.rest_s + queue.lone_s), 0.0)
    bound = parts.rest_s - others * np.minimum(parts.waits / _POOLED, 1.0)
    waited = np.maximum(parts.waits * queue.wait_s, 1e-300)
    return first_token(
        service_s=point.service_s, weights=weights, busy=queue.load, waits=parts.waits,
        wait_scale=parts.wait_scale + (parts.rest_s - bound) / waited,
        short=parts.slot.short, slot_s=parts.slot.wait_s, rest_s=bound,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Groups:
    """Decoding by groups of outputs and states, flat ``[R, K]``."""

    tokens: FloatArray
    weights: FloatArray
    least_s: FloatArray
    mean_s: FloatArray
    deviation_s: FloatArray


def _grouped(weights: FloatArray, law: DecodeLaw, past_first: FloatArray, groups: int) -> _Groups:
    """Gather neighbouring points of the output, which are close to each other in both tails."""
    weights = np.broadcast_to(weights, law.least_s.shape)
    points = weights.shape[1]
    starts = np.unique(np.arange(min(groups, points)) * points // min(groups, points))
    chance = np.add.reduceat(weights, starts, axis=1)

    def mean(values: FloatArray) -> FloatArray:
        total = np.add.reduceat(weights * values, starts, axis=1)
        return np.asarray(total / np.maximum(chance, 1e-300))

    tokens, least = mean(np.broadcast_to(past_first, weights.shape)), mean(law.least_s)
    both = range(law.chance.shape[1])
    return _Groups(
        tokens=np.concatenate([tokens for _ in both], axis=1),
        weights=np.concatenate([chance * law.chance[:, k : k + 1] for k in both], axis=1),
        least_s=np.concatenate([least for _ in both], axis=1),
        mean_s=np.concatenate([mean(law.mean_s[:, :, k]) for k in both], axis=1),
        deviation_s=np.concatenate([mean(law.deviation_s[:, :, k]) for k in both], axis=1),
    )


def _ends(groups: _Groups) -> tuple[FloatArray, FloatArray]:
    """Points of the decoding time and their chances."""
    nodes = lognormal_nodes(floor=groups.least_s, mean=groups.mean_s, deviation=groups.deviation_s)
    weights = groups.weights[:, :, None] * NODE_WEIGHTS
    return nodes.reshape(nodes.shape[0], -1), weights.reshape(nodes.shape[0], -1)


def _token_quantiles(groups: _Groups, q: FloatArray) -> FloatArray:
    """Quantiles of the mean time per token of a request; nan where no output has a second token."""
    counted = (groups.weights > 0.0) & (groups.tokens > 0.0)
    tokens = np.where(counted, groups.tokens, 1.0)
    least = np.where(counted, groups.least_s / tokens, np.inf).min(axis=1)
    known = np.isfinite(least)
    floor = np.where(known, 0.999 * least, 1.0)
    mean = np.where(counted, groups.mean_s / tokens, 2.0 * floor[:, None])
    values = lognormal_mixture(
        floor=floor, mean=mean, deviation=np.where(counted, groups.deviation_s / tokens, 0.0),
        weights=np.where(known[:, None], np.where(counted, groups.weights, 0.0), 1.0), q=q,
    )  # fmt: skip
    return np.where(known[:, None], values, np.nan)
