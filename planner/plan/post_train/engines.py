"""Layouts that generate, each with its curve: seconds of a step by the sequences in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.catalog.quantity import Quantity
from planner.errors import InfeasibleError
from planner.model.post_training.decoding import Curve
from planner.model.post_training.lengths import expected, visited
from planner.plan.rates import Rate, Where, generation
from planner.workload.formats import weight_format
from planner.workload.traffic import TrafficProfile
from planner.workload.traffic_parts import Lengths

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.post_train.asked import Run
    from planner.plan.serving.results import ParetoPoint, ServeResult

__all__ = ["Engine", "Request", "engines", "request_of", "weights_bytes"]

_LAYOUTS: Final = 3
"""Layouts that are looked at in full, beside that of the highest throughput."""
_PROMPTS_CV: Final = 0.6
"""Spread of prompts, and of what a turn reads: contexts between their start and their end."""
_TURNS_CV: Final = 1.0
"""Spread of what one turn of many samples."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A turn of a rollout as an engine sees it."""

    isl: float
    """Tokens of the context when the turn begins."""
    osl: float
    """Sampled in the turn."""
    prefix_hit: float
    """Share of the context that is in the cache: all but what is new."""
    osl_cv: float


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Like replicas of one layout.

    Attributes
    ----------
    rate
        Of the layout with its memory full: the estimator's answer.
    curve
        Of one replica.
    """

    tp: int
    pp: int
    dp: int
    ep: int
    gpus: int
    rate: Rate
    curve: Curve

    @property
    def served(self) -> ServeResult:
        """The estimator's answer."""
        from planner.plan.serving.results import ServeResult

        if not isinstance(self.rate.result, ServeResult):  # pragma: no cover
            raise TypeError("generation is a question of serving")
        return self.rate.result


def request_of(run: Run) -> Request:
    """Return a turn in the middle of a rollout: the prompt of a group is read once, then only what is new.

    A rollout of many turns asks with its context so far. Long rollouts have more turns, so that the context
    of a turn is half of the length that a token is in on average.
    """
    turns, group = run.stated_value("turns"), run.stated_value("size")
    prompt, added = run.stated_value("prompt"), run.stated_value("added")
    lengths = run.lengths[0, 0]
    sampled = float(expected(lengths))
    later = (turns - 1.0) / turns
    isl = prompt + later * (run.visited_tokens - prompt) / 2.0 + (added if turns == 1.0 else 0.0)
    new = (prompt / group + added) / turns
    spread = float(np.sqrt(max(float(visited(lengths)) / sampled - 1.0, 0.0)))
    osl = sampled / turns
    if run.record.context is not None:
        isl = min(isl, 0.9 * run.record.context.value)
        osl = min(osl, 0.98 * (run.record.context.value - isl))
    return Request(
        isl=isl,
        osl=osl,
        prefix_hit=float(np.clip(1.0 - new / isl, 0.0, 1.0)),
        osl_cv=spread if turns == 1.0 else _TURNS_CV,
    )


def engines(where: Where, run: Run, request: Request, options: dict[str, Any]) -> tuple[Engine, ...]:
    """Return layouts worth looking at, the one of the highest throughput first.

    One search draws the frontier of throughput against speed; the layouts on it near the numbers of rollouts
    that a step has per accelerator are drawn in full.

    Raises
    ------
    InfeasibleError
        No layout holds the model.
    """
    profile = _profile(request)

    def asked(**pins: int) -> Rate:
        return generation(
            where,
            run.record,
            isl=request.isl,
            osl=request.osl,
            prefix_hit=request.prefix_hit,
            traffic=profile,
            mode="aggregated",
            spares=0,
            pareto=True,
            **options,
            **pins,
        )

    first = asked()
    points = first.result.result.pareto  # type: ignore[union-attr]
    found: list[Engine] = []
    for tp, pp, dp, ep in _layouts(points, run, where.size()):
        try:
            rate = asked(tp=tp, pp=pp, dp=dp, ep=ep)
        except InfeasibleError:
            continue
        engine = _engine(rate)
        if engine is not None:
            found.append(engine)
    if not found:
        raise InfeasibleError(f"cannot generate with {run.record.id}: no layout of an engine holds it")
    return tuple(found)


def _layouts(points: tuple[ParetoPoint, ...], run: Run, gpus: int) -> list[tuple[int, int, int, int]]:
    """Distinct layouts: of the highest throughput, then those best at fewer and fewer rollouts each."""
    ahead = run.stated_value("staleness") if run.mode == "async" else 1.0
    most = ahead * float(run.stated.started[0, 0]) / gpus
    chosen: dict[tuple[int, int, int, int], None] = {}
    for wanted in (np.inf, most, most / 4.0, most / 16.0, 2.0 * most, most / 2.0):
        held = [point for point in points if _each(point) <= wanted] or [min(points, key=_each)]
        best = max(held, key=lambda point: point.tokens_per_s_per_gpu)
        chosen.setdefault((best.tp, best.pp, best.dp, best.ep))
    return list(chosen)[: _LAYOUTS + 1]


def _each(point: ParetoPoint) -> float:
    """Sequences per accelerator."""
    return point.tokens_per_s_per_gpu / point.tokens_per_s_per_user


def _engine(rate: Rate) -> Engine | None:
    result = rate.result
    layout = result.plan.deployment.layouts[0]  # type: ignore[union-attr]
    points = result.result.pareto  # type: ignore[union-attr]
    pairs = sorted(
        (_each(point) * layout.gpus, 1.0 / point.tokens_per_s_per_user)
        for point in points
        if (point.tp, point.pp, point.dp, point.ep) == (layout.tp, layout.pp, layout.dp, layout.ep)
    )
    if not pairs:
        return None
    batches, seconds = (np.array(column) for column in zip(*pairs, strict=True))
    kept = np.concatenate([[True], np.diff(batches) > 1e-9 * batches[1:]])
    return Engine(
        tp=layout.tp,
        pp=layout.pp,
        dp=layout.dp,
        ep=layout.ep,
        gpus=layout.gpus,
        rate=rate,
        curve=Curve(batches[kept], np.maximum.accumulate(seconds[kept]) / rate.goodput),
    )


def _profile(request: Request) -> TrafficProfile:
    """Rollouts as traffic: a queue that is worked off."""

    def of(value: float, dimension: str = "count") -> Quantity:
        return Quantity(
            value=value, dimension=dimension, text=f"{value:g}", source="-", at="the recipe", kind="derived"
        )

    return TrafficProfile(
        id="rollouts",
        name="Rollouts",
        arrival="offline",
        input=Lengths(mean=of(request.isl), cv=of(_PROMPTS_CV, "ratio")),
        output=Lengths(mean=of(request.osl), cv=of(request.osl_cv, "ratio")),
    )


def weights_bytes(catalog: Catalog, run: Run, weights: str) -> float:
    """Bytes of one copy of the weights as they are served."""
    form, counts = weight_format(catalog, run.record, weights), run.counts
    experts = counts.experts
    dense = counts.mlp + counts.shared_experts
    head = counts.embedding + counts.head + counts.positions
    rest = counts.total - experts - dense - head
    parts = ((experts, form.experts), (dense, form.mlp), (head, form.head), (rest, form.attention))
    return float(sum(count * matrices.weight.value for count, matrices in parts))
