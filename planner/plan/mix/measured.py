"""Rates of jobs on groups of hardware, from the estimator, as concave curves against accelerators.

A training run is planned at a few sizes, since its rate is not proportional to accelerators: its batch is
fixed and must be divided among them. Everything that consists of replicas (services, batches, rollouts) is
planned once for the whole group and is proportional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InfeasibleError, InputError
from planner.model.sharing import concave_hull
from planner.plan import rates
from planner.plan.serve import serve
from planner.workload.jobs import Batch, PostTraining, Pretraining, Service

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.mix.hardware import Group
    from planner.plan.rates import Rate
    from planner.types import FloatArray

__all__ = ["Curve", "curve_of", "training_rate"]

SIZES: Final = (1.0, 0.35, 0.1)
"""Shares of a group at which a training run is planned."""
TRAINED_ON: Final = 0.125
"""Share of a group on which the training part of post-training is planned."""
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
    width = hull.width.copy()
    if width.sum() > 0.95 * group.number:  # not saturated: what the plan leaves over are spares
        width[-1] += BEYOND * group.number - width.sum()
    best = found[int(np.argmax(speeds))]
    return Curve(
        width=width,
        slope=hull.slope,
        watts=best.watts_per_gpu,
        usd_per_hour=best.usd_per_gpu_hour.value if group.rented else 0.0,
        low=best.tokens_per_s.low / best.tokens_per_s.value,
        high=best.tokens_per_s.high / best.tokens_per_s.value,
        points=tuple(sorted((rate.gpus, rate.tokens_per_s.value) for rate in found)),
        loss=hull.loss,
        binds=best.binds,
    )


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


def _post_training(job: PostTraining, group: Group) -> Curve:
    """Accelerator-seconds of a rollout's token: written, read in forward passes, trained on.

    With the accelerators divided so that none waits for another, the rate per accelerator is one over their
    sum; `waiting` is lost on top.
    """
    writes = rates.generation(group.where, job.model, isl=job.isl, osl=job.osl, prefix_hit=job.prefix_hit)
    length = round(job.isl + job.osl)
    trains = rates.training(group.where.on(group.part(TRAINED_ON)), job.model, seq_len=length)
    reads = rates.scoring(group.where, job.model, isl=float(length)) if job.passes else None
    per_token = length / job.osl
    seconds = np.array(
        [
            1.0 / writes.tokens_per_s_per_gpu.value,
            job.epochs * per_token / trains.tokens_per_s_per_gpu.value,
            0.0 if reads is None else job.passes * per_token / reads.tokens_per_s_per_gpu.value,
        ]
    )
    watts = np.array(
        [writes.watts_per_gpu, trains.watts_per_gpu, 0.0 if reads is None else reads.watts_per_gpu]
    )
    total = float(seconds.sum())
    slowest = [writes, trains, writes if reads is None else reads][int(np.argmax(seconds))]
    each = writes.tokens_per_s_per_gpu
    share = seconds[0] / total
    curve = _linear(
        group,
        (1.0 - job.waiting) / total,
        1.0 - (1.0 - each.low / each.value) * max(share, 0.5),
        1.0 + (each.high / each.value - 1.0) * max(share, 0.5),
        float(watts @ seconds / total),
        writes.usd_per_gpu_hour.value,
        f"{share:.0%} of the time writes rollouts; {slowest.binds}",
    )
    return replace(curve, width=np.array([BEYOND * group.number]))  # a run of one group has no more


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
