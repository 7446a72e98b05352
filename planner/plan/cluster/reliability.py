"""Failures of one job on a whole cluster: how often, what each policy leaves, and spares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from planner.model.reliability.spares import spares, unavailable
from planner.plan.cluster.parts import Failures, PolicyAtScale
from planner.plan.operating.money import interval_of
from planner.plan.operating.training import outcomes
from planner.tables.reliability import FailureRates
from planner.types import FloatArray
from planner.units import SECONDS_PER_HOUR, TERA, format_quantity
from planner.workload.counts import parameters
from planner.workload.kinds import MODEL, SOFTWARE

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.model.reliability.goodput import Goodput
    from planner.plan.cluster.held import Held
    from planner.plan.defaults import Filled
    from planner.plan.operating.estate import Estate

__all__ = ["failures_of"]

WEIGHT_BYTES: Final = 2.0
"""Of a parameter in a checkpoint, beside the states of the optimizer."""
GRADIENT_BYTES: Final = 4.0
FILLED: Final = 0.5
"""Share of the memory that states may fill where one replica is as small as it can be."""
NEWEST: Final = "newest"
USUAL_MODELS: Final = ("usual-job", "usual-job-of-a-rack", "usual-job-of-a-server")
"""Aliases of the models whose job the failures interrupt where none is named: the largest first."""
COLLAPSED: Final = 0.5


class Job(NamedTuple):
    """States of a model, in bytes."""

    model: str
    saved: float
    """In a checkpoint."""
    held: float
    """In memory, with gradients."""


def job_of(catalog: Catalog, own: Held, model: str | None, filled: Filled) -> Job:
    """Return the job of a model: the one named, or the largest usual one that fits, or the smallest."""
    optimizer = catalog.get(SOFTWARE, NEWEST).states.optimizer.value
    usual: Job | None = None
    for name in USUAL_MODELS if model is None else (model,):
        record = catalog.get(MODEL, name)
        count = parameters(record.architecture).total
        saved = count * (WEIGHT_BYTES + optimizer)
        job = Job(record.id, saved, saved + count * GRADIENT_BYTES)
        usual = usual or job
        if _fits(own, job):
            break
    if model is None:
        why = "whose job the failures interrupt; --model names another"
        if usual is not None and job is not usual:
            why += (
                f". The {_bytes(usual.held)} of states of {usual.model} do not fit into half of the "
                f"{_bytes(_memory(own))} here"
            )
        filled.assume("model", job.model, why)
    return job


def _memory(own: Held) -> float:
    return float((own.peaks.memory_bytes[0] * own.counts).sum())


def _fits(own: Held, job: Job) -> bool:
    return job.held <= FILLED * _memory(own)


def _bytes(value: float) -> str:
    return format_quantity(value, "bytes", digits=3)


def failures_of(catalog: Catalog, own: Held, model: str | None, filled: Filled) -> Failures:
    """Return the section on failures.

    The job needs all accelerators of all groups at once. Hosts of unlike groups fail at their own rates;
    spares of one do not stand in for another.
    """
    job = job_of(catalog, own, model, filled)
    state = job.saved
    estate = replace(own.largest, rates=_mixed(own))
    replica = _replica(estate, job.held, own.total)
    filled.assume(
        "replica_accelerators",
        replica,
        f"the fewest whole hosts whose memory the states of {job.model} fill by half, to a power of two",
    )
    found = outcomes(estate, np.array([own.total]), state, float(replica), 0.0)
    policies = sorted(
        (
            PolicyAtScale(
                policy=policy.id,
                goodput=interval_of(np.where(one.valid, one.goodput, 0.0)),
                checkpoint_interval_s=float(np.asarray(one.interval_s).flat[0]),
            )
            for policy, one in zip(estate.policies, found, strict=True)
        ),
        key=lambda one: -one.goodput.value,
    )
    hosts = [np.ceil(n / group.rates.host) for group, n in zip(own.estates, own.counts, strict=True)]
    return Failures(
        records=tuple(dict.fromkeys(group.failures.id for group in own.estates)),
        model=job.model,
        fits=_fits(own, job),
        checkpoint_terabytes=state / TERA,
        replica_accelerators=replica,
        hosts=int(sum(hosts)),
        interruptions_per_day=interval_of(found[0].interruptions_per_day),
        mean_hours_between_interruptions=interval_of(found[0].mttf_s / SECONDS_PER_HOUR),
        policies=tuple(policies),
        best_policy=policies[0].policy,
        spare_hosts=sum(_spares(group, n) for group, n in zip(own.estates, hosts, strict=True)),
        spares_suffice=own.estates[0].availability,
        sentence=_unfit(own, job) + _said(policies, found[0]),
    )


def _mixed(own: Held) -> FailureRates:
    """Rates of hosts of the largest group with which a job on all groups fails as often as it does."""
    own_rates = own.largest.rates
    each = [group.rates for group in own.estates]
    if len(each) == 1:
        return own_rates
    hosts = [n / rates.host for rates, n in zip(each, own.counts, strict=True)]
    rate = sum((one.rate_per_s * h for one, h in zip(each, hosts, strict=True)), np.zeros((1, 1)))
    repair = sum(
        (one.rate_per_s * one.repair_s * h for one, h in zip(each, hosts, strict=True)), np.zeros((1, 1))
    )
    corrupt = sum(
        (one.corruption_per_s * n for one, n in zip(each, own.counts, strict=True)), np.zeros((1, 1))
    )
    return replace(
        own_rates,
        rate_per_s=rate * own_rates.host / own.total,
        repair_s=repair / np.maximum(rate, np.finfo(float).tiny),
        corruption_per_s=corrupt / own.total,
    )


def _replica(estate: Estate, state_bytes: float, total: float) -> int:
    """Accelerators of the smallest replica: whole hosts, a power of two of them."""
    host = estate.place.node or round(estate.rates.host)
    needed = state_bytes / (FILLED * estate.place.accelerator.memory.capacity.value) / host
    wanted: int = host * 2 ** int(np.ceil(np.log2(max(needed, 1.0))))
    return min(wanted, int(total))


def _spares(group: Estate, hosts: float) -> int:
    away = unavailable(rate_per_s=group.rates.rate_per_s[:1], repair_s=group.rates.repair_s[:1])
    needed = spares(hosts=np.array([hosts]), unavailable=away, confidence=group.availability)
    return int(np.asarray(needed).flat[0])


def _unfit(own: Held, job: Job) -> str:
    if _fits(own, job):
        return ""
    much = "more than" if job.held > _memory(own) else "more than half of"
    return (
        f"No job for this hardware: the states of {job.model} take {_bytes(job.held)}, {much} the "
        f"{_bytes(_memory(own))} of memory. "
    )


def _said(policies: list[PolicyAtScale], any_policy: Goodput) -> str:
    best, worst = policies[0], policies[-1]
    every = _time(any_policy.mttf_s)
    text = (
        f"An interruption every {every}; with {best.policy} {best.goodput.value:.1%} of the time is progress"
    )
    if worst.goodput.value < COLLAPSED:
        text += f", with {worst.policy} it collapses to {worst.goodput.value:.1%}"
    elif len(policies) > 1:
        text += f", with {worst.policy} {worst.goodput.value:.1%}"
    return text + "."


def _time(seconds: FloatArray) -> str:
    return format_quantity(float(np.asarray(seconds).flat[0]), "s", digits=3)
