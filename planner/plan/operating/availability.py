"""What failures leave of a service: each takes down one replica, and spare hosts take over."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.reliability.costs import checkpoint_costs
from planner.plan.document import Interval
from planner.plan.operating import results
from planner.plan.operating.money import first, interval_of
from planner.plan.operating.service import Part, Service
from planner.types import FloatArray
from planner.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from planner.catalog.schema.operations import Reliability
    from planner.plan.operating.asked import Asked

__all__ = ["MANY", "RELOADS", "availability_of", "shortage"]

RELOADS: Final = "asynchronous"
"""Policy by which a replica comes back where none is named: its weights are read from storage."""
MANY: Final = 400.0
"""Hosts away above which their number is close to a normal one."""

_NONE = np.zeros((1, 1))


def availability_of(
    service: Service, asked: Asked, reliability: Reliability
) -> tuple[results.ServingAvailability, Interval]:
    """Hosts that are away, and the share of the planned capacity that is there on average."""
    samples = service.parts[0].estate.samples
    mtbf = samples.of(reliability.node_mtbf, "operations.node_mtbf")
    repair = samples.of(reliability.node_repair, "operations.node_repair")
    hosts = sum(math.ceil(part.serving / part.host) for part in service.parts)
    lost, away, stopped = _NONE, _NONE, _NONE
    for part in service.parts:
        mean = math.ceil(part.serving / part.host) * repair / mtbf
        away = away + mean
        lost = lost + shortage(mean, part.spare // part.host)
        stopped = stopped + _stopped(part, asked) / (mtbf * SECONDS_PER_HOUR)
    serving = sum(part.serving for part in service.parts)
    up = interval_of(np.maximum(1.0 - lost / hosts - stopped / serving, 0.0))
    spare = sum(part.spare // part.host for part in service.parts)
    daily = hosts * (SECONDS_PER_DAY / SECONDS_PER_HOUR) / mtbf
    sentence = (
        f"{first(daily):,.3g} of {hosts:,} hosts fail a day and {first(away):,.3g} are away on average; with "
        f"{spare:,} spare hosts, and replicas that wait until one takes over, {up.value:.2%} of the capacity "
        "is there"
    )
    return (
        results.ServingAvailability(
            policy=asked.checkpoint or RELOADS,
            host_failures_per_day=interval_of(daily),
            hosts=hosts,
            spare_hosts=spare,
            hosts_away=first(away),
            stopped=first(stopped) / serving,
            sentence=sentence,
        ),
        up,
    )


def _stopped(part: Part, asked: Asked) -> FloatArray:
    """Accelerator-seconds that stand still for every failure of one host per host, ``[S, 1]``.

    A replica stops as a whole until a spare host has taken over and has its weights.
    """
    policy = next(one for one in part.estate.policies if one.id == (asked.checkpoint or RELOADS))
    total = _NONE
    for replicas in part.replicas:
        each = np.array([float(replicas.each)])
        costs = checkpoint_costs(
            policy=policy,
            state_bytes=replicas.weight_bytes * each,
            accelerators=each,
            storage=part.estate.storage_rates,
        )
        hosts = math.ceil(replicas.each / part.host)
        total = total + replicas.serving * hosts * costs.restart_s
    return total


def shortage(away: FloatArray, spare: int) -> FloatArray:
    """Hosts that are missing on average: ``E[max(X - spare, 0)]``, X Poisson with mean `away` ``[S, 1]``.

    By its normal limit above `MANY`.
    """
    mean = np.asarray(away, dtype=float)
    root = np.sqrt(np.maximum(mean, 1e-300))
    z = (spare - mean) / root
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    beyond = 0.5 * np.vectorize(math.erfc)(z / math.sqrt(2.0))
    normal = root * density - (spare - mean) * beyond
    if spare > 2.0 * MANY:
        return np.asarray(np.maximum(normal, 0.0))
    # E[(X - s)+] = m - s + sum over k < s of (s - k) P(k)
    k = np.arange(spare)
    steps = np.log(np.maximum(mean, 1e-300)) - np.log(np.maximum(k, 1))
    log = -mean + np.cumsum(np.where(k == 0, 0.0, steps), axis=1) if spare else np.zeros((len(mean), 0))
    exact = mean - spare + np.sum((spare - k) * np.exp(log), axis=1, keepdims=True)
    return np.asarray(np.maximum(np.where(mean > MANY, normal, exact), 0.0))
