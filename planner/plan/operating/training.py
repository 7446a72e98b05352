"""What running a training job takes: failures and goodput, power, energy, carbon, storage, cost.

The accelerators of the job and the spares that stand by are paid for and powered for the whole time, failures
included; energy is that of training throughout, which work that is lost draws as well. The fabric is that of
the accelerators at work, of which spares have their share: they do not make a full fabric a tier higher.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.model.fabric.storage import TOKEN_BYTES, StorageSize, storage_size
from planner.model.power import carbon_kg, energy_kwh
from planner.model.reliability.goodput import Goodput, goodput
from planner.model.reliability.spares import spares, unavailable
from planner.plan.operating import results
from planner.plan.operating.draw import PartPower, power_section
from planner.plan.operating.money import cost_of, first, interval_of
from planner.types import FloatArray, IntArray
from planner.units import (
    GIGA,
    KILO,
    MEGA,
    MILLION,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    TERA,
    format_quantity,
)

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.operating.asked import Asked
    from planner.plan.operating.estate import Estate

__all__ = [
    "ENOUGH",
    "LEAST",
    "Run",
    "central_goodput",
    "chosen_policy",
    "followed",
    "operated",
    "outcomes",
    "spare_accelerators",
]

ENOUGH: Final = 0.9
"""Goodput with which nobody looks for a better policy."""
USUAL_POLICIES: Final = ("asynchronous", "memory", "replicas", "blocking")
"""Kinds of policy in the order in which they are taken: what stacks do today first."""
LEAST: Final = 1e-9
"""Goodput that stands for none, so that times stay finite."""
LARGEST_GROUP: Final = 8192
FEWEST_GROUPS: Final = 8
"""Groups of fault-tolerant data parallelism: at least so many of at most so many accelerators, where the
model fits into one."""
LOAD_WITHIN_S: Final = 300.0
"""Time in which storage should bring a checkpoint back."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A training run as its step time has it.

    Attributes
    ----------
    accelerators : int
        At work.
    model_accelerators : int
        That hold one copy of the model.
    state_bytes : float
        Of one checkpoint.
    step_s : float
    seconds : float
        Of the run without failures.
    tokens : float
    low, high : float
        80 % interval of measured over predicted step time.
    """

    accelerators: int
    model_accelerators: int
    state_bytes: float
    step_s: float
    seconds: float
    tokens: float
    low: float
    high: float


def outcomes(
    estate: Estate,
    accelerators: FloatArray,
    state_bytes: float,
    model_accelerators: FloatArray | float,
    step_s: FloatArray | float,
) -> tuple[Goodput, ...]:
    """Goodput of every policy for jobs on so many accelerators, in the order of the policies."""
    n = np.asarray(accelerators, dtype=float)
    most = np.minimum(np.maximum(n / FEWEST_GROUPS, model_accelerators), LARGEST_GROUP)
    group = np.minimum(np.maximum(most, model_accelerators), n)
    return tuple(
        goodput(
            policy=policy,
            failures=estate.rates,
            storage=estate.storage_rates,
            accelerators=n,
            state_bytes=state_bytes,
            replica_accelerators=group,
            replicas=n / group,
            step_s=step_s,
        )
        for policy in estate.policies
    )


def chosen_policy(estate: Estate, asked: Asked, found: Sequence[Goodput]) -> tuple[int, int]:
    """Index of the policy that one job follows, and of the best; see `followed`."""
    values = np.stack([_where_valid(one).reshape(-1)[:1] for one in found])
    return int(followed(estate, asked, values)[0]), int(np.argmax(values[:, 0]))


def followed(estate: Estate, asked: Asked, values: FloatArray) -> IntArray:
    """Index of the policy of each job, ``[R]``: as asked, the first usual one that keeps enough, or the best.

    Parameters
    ----------
    values
        Goodput by policy, in the order of the estate's, and job, ``[P, R]``.
    """
    if asked.checkpoint is not None:
        at = next(at for at, policy in enumerate(estate.policies) if policy.id == asked.checkpoint)
        return np.full(values.shape[1], at)
    kinds = [policy.kind for policy in estate.policies]
    usual = sorted(range(len(kinds)), key=lambda at: USUAL_POLICIES.index(kinds[at]))
    enough = values[usual] >= ENOUGH
    first_enough = np.asarray(usual)[np.argmax(enough, axis=0)]
    return np.asarray(np.where(np.any(enough, axis=0), first_enough, np.argmax(values, axis=0)))


def central_goodput(
    estate: Estate, asked: Asked, accelerators: FloatArray, state_bytes: float, model_accelerators: float
) -> FloatArray:
    """Goodput of the policy that a job on so many accelerators would follow, ``[R]``, without samples."""
    found = outcomes(estate, accelerators, state_bytes, model_accelerators, 0.0)
    shape = (1, np.size(accelerators))
    values = np.stack([np.broadcast_to(_where_valid(one), shape)[0] for one in found])
    return np.asarray(np.take_along_axis(values, followed(estate, asked, values)[None, :], axis=0)[0])


def _where_valid(one: Goodput) -> FloatArray:
    """Goodput by the stated values, 0 where the model of the policy does not hold for them, ``[1, R]``."""
    return np.where(np.asarray(one.valid)[:1], np.asarray(one.goodput)[:1], 0.0)


def spare_accelerators(estate: Estate, accelerators: FloatArray) -> FloatArray:
    """Accelerators that stand by for jobs on so many, ``[R]``, in whole hosts."""
    hosts = np.ceil(np.asarray(accelerators, dtype=float) / estate.rates.host)
    away = unavailable(rate_per_s=estate.rates.rate_per_s[:1], repair_s=estate.rates.repair_s[:1])
    needed = spares(hosts=hosts, unavailable=away, confidence=estate.availability)
    return np.asarray(needed, dtype=float).reshape(np.shape(accelerators)) * estate.rates.host


def operated(estate: Estate, asked: Asked, run: Run, *, catalog: Catalog, filled: Filled) -> dict[str, Any]:
    """Return the fields of a plan that say what running it takes.

    Parameters
    ----------
    estate, asked
        What surrounds the hardware, and what the question says of it.
    run
        The job.
    catalog
        For rents.
    filled
        Receives the policy that was chosen.
    """
    n = np.array([float(run.accelerators)])
    found = outcomes(estate, n, run.state_bytes, run.model_accelerators, run.step_s)
    at, best = chosen_policy(estate, asked, found)
    if asked.checkpoint is None:
        filled.assume(
            "checkpoint",
            estate.policies[at].id,
            f"the usual policy that keeps {ENOUGH:.0%} of the time, or the best where none does",
        )
    own = found[at]
    slower = estate.samples.ranged(1.0, min(run.low, 1.0), max(run.high, 1.0), "step_time")
    seconds = run.seconds * slower / np.maximum(own.goodput, LEAST)
    spare = spare_accelerators(estate, n)
    spare_hosts = round(first(spare) / estate.rates.host)
    paid = n + spare
    power = estate.watts(n, "training")
    hours = seconds * paid / SECONDS_PER_HOUR
    price = estate.gpu_hour(n, asked.price, "training", catalog=catalog)
    cost = price.total * hours
    kwh = energy_kwh(watts=power.mean * paid, seconds=seconds)
    carried = estate.supplied(power.mean * paid)
    return {
        "goodput": interval_of(own.goodput),
        "days_with_failures": interval_of(seconds / SECONDS_PER_DAY),
        "power_megawatts": interval_of(power.mean * paid / MEGA),
        "energy_megawatt_hours": interval_of(kwh / KILO),
        "co2_tonnes": interval_of(carbon_kg(kwh=kwh, kg_per_kwh=carried.kg_per_kwh) / KILO),
        "cost_usd": interval_of(cost),
        "usd_per_gpu_hour": interval_of(price.total),
        "usd_per_million_tokens": interval_of(cost / run.tokens * MILLION),
        "reliability": _reliability(estate, run, found, at, best, seconds, spare_hosts),
        "power": power_section([PartPower(estate, power, paid)], seconds),
        "cost": cost_of(estate, asked, price, n, paid, kwh, catalog),
        "storage": _storage(estate, run, own, n),
    }


def _reliability(
    estate: Estate,
    run: Run,
    found: Sequence[Goodput],
    at: int,
    best: int,
    seconds: FloatArray,
    spare_hosts: int,
) -> results.Reliability:
    own = found[at]
    entries = tuple(
        results.Policy(
            policy=policy.id,
            goodput=interval_of(one.goodput),
            checkpoint_interval_s=first(one.interval_s),
            checkpoint_write_s=first(one.write_s),
            restart_s=first(one.restart_s),
        )
        for policy, one in zip(estate.policies, found, strict=True)
    )
    interruptions = own.interruptions_per_day * seconds / SECONDS_PER_DAY
    return results.Reliability(
        failures=estate.failures.id,
        rate_per_host_day=interval_of(estate.rates.rate_per_s * SECONDS_PER_DAY),
        hosts=int(np.ceil(run.accelerators / estate.rates.host)),
        mean_hours_between_failures=interval_of(own.mttf_s / SECONDS_PER_HOUR),
        interruptions=interval_of(interruptions),
        policy=entries[at].policy,
        best_policy=entries[best].policy,
        policies=entries,
        checkpoint_interval_s=entries[at].checkpoint_interval_s,
        checkpoint_terabytes=run.state_bytes / TERA,
        lost={name: first(share) for name, share in own.lost.items()},
        spare_hosts=spare_hosts,
        spares_suffice=estate.availability,
        sentence=_said(entries, at, best, first(own.mttf_s)),
    )


def _said(entries: Sequence[results.Policy], at: int, best: int, mttf_s: float) -> str:
    own, other = entries[at], entries[best]
    every = format_quantity(mttf_s, "s", digits=3)
    text = f"a failure every {every}; {own.policy} checkpoints keep {own.goodput.value:.1%} of the time"
    if other.policy != own.policy and other.goodput.value - own.goodput.value > 0.01:
        text += f", {other.policy} would keep {other.goodput.value:.1%}"
    worst = min(entries, key=lambda entry: entry.goodput.value)
    if worst.goodput.value < 0.5 and worst.policy != own.policy:
        text += f"; {worst.policy} would collapse to {worst.goodput.value:.1%}"
    return text


def _storage(estate: Estate, run: Run, own: Goodput, n: FloatArray) -> results.Storage:
    within = np.maximum(own.storage_interval_s[:1], 1.0)
    size: StorageSize = storage_size(
        storage=estate.storage,
        accelerators=n,
        checkpoint_bytes=np.array([run.state_bytes]),
        write_within_s=within,
        load_within_s=np.array([LOAD_WITHIN_S]),
        tokens=np.array([run.tokens]),
        tokens_per_s=np.array([run.tokens / run.seconds]),
        token_bytes=np.array([TOKEN_BYTES]),
        cache_bytes=np.zeros(1),
        cache_bytes_per_s=np.zeros(1),
    )
    return results.Storage(
        checkpoint_terabytes=run.state_bytes / TERA,
        kept_terabytes=first(size.capacity_by_tier["checkpoints"]) / TERA,
        data_terabytes=first(size.capacity_by_tier["data"]) / TERA,
        write_gigabytes_per_s=first(size.needed_write_bytes_per_s) / GIGA,
        read_gigabytes_per_s=first(size.needed_read_bytes_per_s) / GIGA,
        available_write_gigabytes_per_s=first(size.write_bytes_per_s) / GIGA,
    )
