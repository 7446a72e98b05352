"""Rates of jobs on groups of hardware, from the estimator, as concave curves against accelerators.

A run is planned at a few sizes, since its rate is not proportional to accelerators: its batch is fixed and
must be divided among them. Everything that consists of replicas (services, batches) is planned once for the
whole group and is proportional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InfeasibleError, InputError
from planner.model.sharing import concave_hull
from planner.plan import rates
from planner.plan.serve import serve
from planner.units import MEGA, SECONDS_PER_DAY
from planner.workload.jobs import Batch, PostTraining, Pretraining, Service

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.mix.hardware import Group
    from planner.plan.rates import Rate
    from planner.types import FloatArray

__all__ = ["Curve", "curve_of", "training_rate"]

SIZES: Final = (1.0, 0.35, 0.1)
"""Shares of a group at which a training run is planned."""
UNSATURATED: Final = 0.95
"""Of the group: a curve that ends before uses no more accelerators."""
BEYOND: Final = 1.05
"""Of the group: the last segment goes on, so that one more accelerator has a worth."""
ENDLESS: Final = 100.0
"""Of the group, where the rate is proportional to accelerators."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """How fast a job runs on a group.

    Attributes
    ----------
    width, slope : array
        Accelerators of each segment, and units per second of each of them, ``[S]``; units are tokens, or
        requests of a service.
    watts : float
        Of an accelerator at work, at the meter.
    usd_per_hour : float
        Rent of an accelerator; 0 where it is owned.
    low, high : float
        80 % interval of the rate, relative.
    points : tuple of (accelerators, units per second)
        That were planned.
    loss : float
        Largest share by which a point lies below the curve.
    binds : str
        Sentence: what keeps the job from being faster.
    why_not : str
        Reason where the job cannot run on the group; no segments then.
    """

    width: FloatArray
    slope: FloatArray
    watts: float = 0.0
    usd_per_hour: float = 0.0
    low: float = 1.0
    high: float = 1.0
    points: tuple[tuple[int, float], ...] = ()
    loss: float = 0.0
    binds: str = ""
    why_not: str = ""

    def at(self, accelerators: float) -> float:
        """Units per second on so many accelerators."""
        sizes = np.concatenate([[0.0], np.cumsum(self.width)])
        return float(
            np.interp(accelerators, sizes, np.concatenate([[0.0], np.cumsum(self.width * self.slope)]))
        )


def curve_of(catalog: Catalog, job: Any, group: Group) -> Curve:
    """Plan a job on a group.

    Returns
    -------
    Curve
        Without segments where the job cannot run there.

    Raises
    ------
    InputError
        The estimator refuses a value of the job; the message names it.
    """
    try:
        if isinstance(job, Pretraining):
            return _pretraining(job, group)
        if isinstance(job, PostTraining):
            return _post_training(job, group)
        if isinstance(job, Batch):
            return _batch(job, group)
        return _service(catalog, job, group)
    except InfeasibleError as error:
        return Curve(width=np.zeros(0), slope=np.zeros(0), why_not=str(error))
    except InputError as error:
        raise InputError(f"job {job.name!r}: {error}") from error


def training_rate(job: Pretraining, group: Group, gpus: int) -> Rate:
    """Plan a training run on so many accelerators of a group."""
    options = {
        name: value
        for name, value in (
            ("seq_len", job.seq_len),
            ("global_batch", job.global_batch),
            ("precision", job.precision),
            ("software", job.software),
        )
        if value is not None
    }
    return rates.training(group.where.on(gpus), job.model, tokens=job.tokens, **options)


def _pretraining(job: Pretraining, group: Group) -> Curve:
    found: list[Rate] = []
    error: InfeasibleError | None = None
    for share in SIZES:
        gpus = max(int(group.number * share) // group.system, 1) * group.system
        if any(rate.gpus == gpus for rate in found):
            continue
        try:
            found.append(training_rate(job, group, min(gpus, group.number)))
        except InfeasibleError as reason:
            error = error or reason
    if not found:
        raise error or InfeasibleError(f"{job.name} does not fit on {group.name}")
    return _curve(found, group)


def _curve(found: Sequence[Rate], group: Group) -> Curve:
    sizes = np.array([float(rate.gpus) for rate in found])
    speeds = np.array([rate.tokens_per_s.value for rate in found])
    hull = concave_hull(accelerators=sizes, rate=speeds)
    best = found[int(np.argmax(speeds))]
    return Curve(
        width=_stretched(hull.width, group),
        slope=hull.slope,
        watts=best.watts_per_gpu,
        usd_per_hour=best.usd_per_gpu_hour.value if group.rented else 0.0,
        low=best.tokens_per_s.low / best.tokens_per_s.value,
        high=best.tokens_per_s.high / best.tokens_per_s.value,
        points=tuple(sorted((rate.gpus, rate.tokens_per_s.value) for rate in found)),
        loss=hull.loss,
        binds=best.binds,
    )


def _stretched(width: FloatArray, group: Group) -> FloatArray:
    """Let a curve that is not saturated go on a little: what a plan leaves over of the group are spares."""
    if width.sum() <= UNSATURATED * group.number:
        return width
    return np.append(width[:-1], width[-1] + BEYOND * group.number - width.sum())


def _linear(
    group: Group, rate: float, low: float, high: float, watts: float, usd: float, binds: str
) -> Curve:
    """Rate per accelerator, the same at every size."""
    return Curve(
        width=np.array([ENDLESS * group.number]),
        slope=np.array([rate]),
        watts=watts,
        usd_per_hour=usd if group.rented else 0.0,
        low=low,
        high=high,
        points=((group.number, rate * group.number),),
        binds=binds,
    )


def _replicated(group: Group, rate: Rate) -> Curve:
    each = rate.tokens_per_s_per_gpu
    return _linear(
        group,
        each.value,
        each.low / each.value,
        each.high / each.value,
        rate.watts_per_gpu,
        rate.usd_per_gpu_hour.value,
        rate.binds,
    )


def _batch(job: Batch, group: Group) -> Curve:
    if job.mode == "read":
        return _replicated(group, rates.scoring(group.where, job.model, isl=job.isl))
    return _replicated(
        group,
        rates.generation(group.where, job.model, isl=job.isl, osl=job.osl, prefix_hit=job.prefix_hit),
    )


_RUN: Final = (
    "recipe", "mode", "staleness", "prompts", "group", "prompt_tokens", "mean_tokens", "p99_tokens",
    "max_tokens", "turns", "environment_tokens", "tool_time", "epochs", "environments", "precision", "tokens",
)  # fmt: skip
"""Fields of a job of post-training that `planner.post_train` takes under the same name."""


def _post_training(job: PostTraining, group: Group) -> Curve:
    """Plan a run of reinforcement learning on the group; its answer also has smaller parts of it."""
    from planner.plan.post_train.question import post_train

    where = group.where
    options = {name: getattr(job, name) for name in _RUN if getattr(job, name) is not None}
    answer = post_train(
        job.model,
        cluster=where.cluster,
        gpu=where.gpu,
        failures=where.failures,
        catalog=where.book,
        **where.options(),
        **options,
    )
    plan = answer.plan
    if plan is None:
        mends = "".join(f"; {near.sentence}" for near in answer.result.nearest)
        raise InfeasibleError("; ".join(answer.result.reasons) + mends)
    points = [(plan.gpus_used, plan.days.value), *((fewer.gpus, fewer.days) for fewer in plan.fewer)]
    sizes, days = (np.array(part, dtype=float) for part in zip(*points, strict=True))
    speeds = job.tokens / (days * SECONDS_PER_DAY)
    hull = concave_hull(accelerators=sizes, rate=speeds)
    return Curve(
        width=_stretched(hull.width, group),
        slope=hull.slope,
        watts=plan.power_megawatts * MEGA / plan.gpus_used,
        usd_per_hour=plan.cost_usd.value / plan.gpu_hours.value if group.rented else 0.0,
        low=plan.days.value / plan.days.high,
        high=plan.days.value / plan.days.low,
        points=tuple(sorted((int(size), float(speed)) for size, speed in zip(sizes, speeds, strict=True))),
        loss=hull.loss,
        binds=plan.bottleneck.sentence,
    )


def _service(catalog: Catalog, job: Service, group: Group) -> Curve:
    """Plan requests per second at the busiest moment within the targets, per accelerator with its spares."""
    given = (("ttft", job.ttft), ("tpot", job.tpot))
    targets: dict[str, Any] = {name: value for name, value in given if value is not None}
    where = group.where
    answer = serve(
        job.model,
        cluster=where.cluster,
        accelerator=where.gpu,
        traffic=job.traffic,
        peak="mean",
        pareto=False,
        top=0,
        catalog=catalog,
        **where.options(),
        **targets,
    )
    plan = answer.plan
    if plan is None:
        raise InfeasibleError("; ".join(answer.result.reasons) or "nothing meets the targets")
    rate, number = plan.requests_per_s, plan.gpus.value
    return _linear(
        group,
        rate.value * plan.goodput.value / number,
        rate.low / rate.value,
        rate.high / rate.value,
        plan.power.watts_per_gpu,
        plan.usd_per_gpu_hour.value,
        plan.bottleneck.sentence,
    )
