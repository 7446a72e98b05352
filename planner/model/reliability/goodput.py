"""Goodput: the share of time in which a job makes progress at full speed, and where the rest goes.

A policy meets failures on two levels. Copies in memory or other replicas mend most of them; the few that
leave no copy anywhere (``whole_share``) send the job back to storage, as every failure does where storage is
all there is. Each level has its own best interval; the levels, the traffic of copies in the background,
stragglers and silent corruption each take their share of what the others leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from planner.model.reliability.costs import CheckpointCosts, checkpoint_costs
from planner.model.reliability.rates import corruption_loss, job_rate_per_s, mttf_s, straggler_loss
from planner.model.reliability.replicas import replicas_goodput
from planner.model.reliability.restarts import TimeShares, daly_interval_s, restart_shares
from planner.tables.reliability import FailureRates, Policy, StorageRates
from planner.types import BoolArray, FloatArray, IntArray
from planner.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

__all__ = ["LOSSES", "Goodput", "best_policy", "goodput"]

LOSSES: Final = ("checkpoints", "rework", "restarts", "corruption", "stragglers")
"""What time is lost to."""

SHORTEST_INTERVAL_S: Final = 1e-3


class Goodput(NamedTuple):
    """Arrays that broadcast over samples ``[S, 1]`` and jobs ``[R]``."""

    goodput: FloatArray
    """Share of time that is progress at full speed."""
    lost: dict[str, FloatArray]
    """By `LOSSES`; adds up to ``1 - goodput``."""
    valid: BoolArray
    """False with replicas where so many groups are away at a time that the model does not hold."""
    interval_s: FloatArray
    """Best time of work between checkpoints; of those in memory where the policy keeps any."""
    storage_interval_s: FloatArray
    """Best time of work between checkpoints in storage; a year where none is needed."""
    write_s: FloatArray
    """Training waits at every checkpoint."""
    restart_s: FloatArray
    """From a failure until the job, or with replicas the group, works again."""
    mttf_s: FloatArray
    interruptions_per_day: FloatArray


def goodput(
    *,
    policy: Policy,
    failures: FailureRates,
    storage: StorageRates,
    accelerators: FloatArray,
    state_bytes: FloatArray | float,
    replica_accelerators: FloatArray | None = None,
    replicas: FloatArray | float = 1.0,
    step_s: FloatArray | float = 0.0,
) -> Goodput:
    """Share of time that a policy leaves to jobs, at its best intervals.

    Parameters
    ----------
    policy, failures, storage
        Tables, whose arrays are samples ``[S, 1]``.
    accelerators
        Of each job, ``[R]``; all of them are needed, but with replicas the group that failed.
    state_bytes
        One copy of weights and optimizer.
    replica_accelerators, replicas
        Accelerators of one group that trains on its own with others, and how many groups there are. With one
        group `replicas` has no peer to fetch from, and restarts from storage.
    step_s
        Time of a training step: no interval is shorter.

    Returns
    -------
    Goodput
        Finite for every number of accelerators; it goes to 0 where failures leave no time to work.
    """
    n = np.asarray(accelerators, float)
    rate = job_rate_per_s(accelerators=n, host=failures.host, rate_per_s=failures.rate_per_s)
    costs = checkpoint_costs(
        policy=policy,
        state_bytes=np.asarray(state_bytes, float),
        accelerators=n,
        storage=storage,
        replica_accelerators=replica_accelerators,
    )
    whole = policy.whole_share
    if policy.kind == "replicas":
        whole = np.where(np.asarray(replicas) < 2, 1.0, whole)
    stored_s = _interval_s(costs.write_s, rate * whole, np.maximum(costs.stored_s, step_s))
    shares = restart_shares(
        interval_s=stored_s,
        write_s=costs.write_s,
        restart_s=costs.reload_s,
        rate_per_s=rate * whole,
        delay_s=costs.stored_s,
    )
    left, lost = _take(np.ones_like(rate), dict.fromkeys(LOSSES, np.zeros_like(rate)), shares)
    interval_s, valid, busy = stored_s, np.ones_like(rate, dtype=bool), costs.stored_s / stored_s
    if policy.kind == "memory":
        interval_s = _interval_s(costs.write_s, rate * (1.0 - whole), np.maximum(costs.background_s, step_s))
        shares = restart_shares(
            interval_s=interval_s,
            write_s=costs.write_s,
            restart_s=costs.restart_s,
            rate_per_s=rate * (1.0 - whole),
            delay_s=costs.background_s,
        )
        left, lost = _take(left, lost, shares)
        busy = costs.background_s / interval_s
    if policy.kind == "replicas":
        groups = replicas_goodput(
            rate_per_s=rate * (1.0 - whole),
            replicas=np.asarray(replicas, float),
            stall_s=policy.stall_s,
            repair_s=costs.restart_s,
        )
        none = np.zeros_like(groups.away)
        away = TimeShares(groups.progress, none, groups.stalled, groups.away)
        left, lost = _take(left, lost, away)
        valid, busy = valid & groups.valid, np.ones_like(rate)
    for name, share in _slower(policy, failures, n, busy).items():
        lost[name] = lost[name] + left * share
        left = left * (1.0 - share)
    return _result(left, lost, valid, interval_s, stored_s, costs, rate)


def _interval_s(write_s: FloatArray, rate_per_s: FloatArray, least_s: FloatArray) -> FloatArray:
    """Best interval, no shorter than what runs within it."""
    best = daly_interval_s(write_s=write_s, rate_per_s=rate_per_s)
    return np.clip(best, np.maximum(least_s, SHORTEST_INTERVAL_S), SECONDS_PER_YEAR)


def _take(
    left: FloatArray, lost: dict[str, FloatArray], shares: TimeShares
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Spend what is left as the shares say."""
    spent = {
        name: lost[name] + left * getattr(shares, name) for name in ("checkpoints", "rework", "restarts")
    }
    return left * shares.progress, {**lost, **spent}


def _slower(
    policy: Policy, failures: FailureRates, accelerators: FloatArray, busy: FloatArray
) -> dict[str, FloatArray]:
    """Shares of what is left: steps beside copies in the background, stragglers, spoiled work."""
    return {
        "checkpoints": policy.slowdown * np.minimum(busy, 1.0),
        "stragglers": straggler_loss(
            accelerators=accelerators,
            loss=failures.straggler_loss,
            reference=failures.straggler_accelerators,
            per_doubling=failures.straggler_per_doubling,
        ),
        "corruption": corruption_loss(
            accelerators=accelerators,
            rate_per_s=failures.corruption_per_s,
            detection_s=failures.detection_s,
        ),
    }


def _result(
    left: FloatArray,
    lost: dict[str, FloatArray],
    valid: BoolArray,
    interval_s: FloatArray,
    stored_s: FloatArray,
    costs: CheckpointCosts,
    rate: FloatArray,
) -> Goodput:
    return Goodput(
        goodput=left,
        lost=lost,
        valid=valid,
        interval_s=interval_s,
        storage_interval_s=stored_s,
        write_s=costs.write_s,
        restart_s=costs.restart_s,
        mttf_s=mttf_s(rate_per_s=rate),
        interruptions_per_day=rate * SECONDS_PER_DAY,
    )


def best_policy(outcomes: Sequence[Goodput]) -> IntArray:
    """Index of the outcome with the largest goodput, for every sample and job; only among those that hold.

    Of equals the first is taken: put the simplest policy first.
    """
    ranked = np.broadcast_arrays(*[np.where(one.valid, one.goodput, -1.0) for one in outcomes])
    best: IntArray = np.argmax(np.stack(ranked), axis=0)
    return best
