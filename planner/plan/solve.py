"""Putting a job on hardware: the search, and the fewest accelerators that finish in time.

The step time that the search finds does not grow with the accelerators available, so the fewest are found
between a number that is too small and one that is enough. Each probe is a whole search; what it finds is
then shrunk,
replica by replica, to the fewest accelerators that still finish in time, which leaves few probes to make.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.site import MOST_GPUS
from planner.search import Plans, Request, SearchResult, evaluate, search
from planner.tables import Strategy, stack
from planner.units import SECONDS_PER_DAY, format_quantity

if TYPE_CHECKING:
    from planner.plan.job import Case
    from planner.types import BoolArray, FloatArray

__all__ = ["FITS", "SIGMA", "Effort", "Found", "fewest", "find", "lateness", "request_of", "step_budget_s"]

FITS: Final = (0.9, 0.5, 0.1)
"""Least probability of fitting into memory, tried in turn: a plan that is likely to fit comes before a
faster one that may not, and nothing is called infeasible that may fit at all."""
SIGMA: Final = 0.12
"""Spread of log(measured / predicted) peak memory where the calibration record has none."""
TOLERANCE: Final = 1e-3
"""Relative accuracy of the fewest accelerators; exact below the inverse of it."""
FIRST_UTILISATION: Final = 0.4
"""Share of the peak from which the first guess of the accelerators is made."""
MOST_PROBES: Final = 40


@dataclass
class Effort:
    """What all searches for one answer took."""

    prune: bool = True
    """Leave out layouts that another one is proved to beat."""
    searches: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search said of a case with some accelerators available."""

    case: Case
    result: SearchResult | None
    """None where the part cannot train in the precision at all."""
    fit: float = FITS[0]
    """Least probability of fitting that was asked for."""
    fewest: int | None = None
    """The fewest accelerators, where that was the question."""
    failed: str = ""
    """Why the fewest do not exist."""

    @property
    def plans(self) -> Plans | None:
        """The best plans, best first."""
        return self.result.plans if self.result is not None else None

    @property
    def step_s(self) -> float:
        """Step time of the best plan; infinite where nothing is feasible."""
        return float(self.plans.step.step_s[0]) if self.plans is not None else np.inf

    @property
    def tables(self) -> tuple[Plans, ...]:
        """All plans that the search kept for their place, best first and by pipeline size."""
        if self.result is None:
            return ()
        return tuple(plans for plans in (self.result.plans, self.result.by_pp) if plans is not None)


def request_of(case: Case, gpus: int, *, fit: float = FITS[0]) -> Request:
    """Put the question in the terms of the search."""
    job = case.job
    memory = job.calibration.memory
    return Request(
        accelerators=gpus,
        seq_len=job.seq_len,
        global_batch=job.global_batch,
        gemm_class=case.gemm_class,
        goal=job.goal,
        pins=dict(job.pins),
        zero_bubble=1.0 if job.zero_bubble else 0.0,
        fit=fit,
        likely=max(fit, FITS[0]),
        sigma=memory.sigma.value if memory is not None else SIGMA,
        top=job.top + 1,
        in_flight=job.in_flight,
    )


def find(case: Case, gpus: int, effort: Effort, *, alternatives: bool = True) -> Found:
    """Search with `gpus` accelerators available: layouts that likely fit, else those that may.

    The plan on the fewest accelerators, an alternative that takes searches of its own, is looked for where
    the question lists any.
    """
    found = Found(case=case, result=None)
    for fit in FITS:
        result = search(
            hardware=case.site.table,
            model=case.job.model,
            software=case.software,
            request=request_of(case, gpus, fit=fit),
            alternatives=alternatives and case.job.top > 0,
            reasons=fit == FITS[-1],
            prune=effort.prune,
        )
        effort.searches += 1
        effort.seconds += result.seconds
        found = Found(case=case, result=result, fit=fit)
        if result.plans is not None:
            break
    return found


def step_budget_s(case: Case, accelerators: FloatArray | float) -> FloatArray:
    """Step time with which so many accelerators are done in the days, failures included.

    The job must have both tokens and days.
    """
    job = case.job
    steps = (job.tokens or 0.0) / job.batch_tokens
    share = case.goodput(np.asarray(accelerators, dtype=float))
    return np.asarray((job.days or 0.0) * SECONDS_PER_DAY / steps * share)


def fewest(case: Case, effort: Effort) -> Found:
    """Find the fewest accelerators, of those of the site, that train the tokens in the days.

    Returns
    -------
    Found
        The search on the fewest; `failed` says that not even all of them are enough, and then the search is
        that on all of them. Accurate to one in a thousand, and exact below a thousand.
    """
    most = min(case.site.available, MOST_GPUS)
    low, high, best = 0, most + 1, None
    probe = min(max(_first_guess(case), 1), most)
    last: Found | None = None
    for _ in range(MOST_PROBES):
        found = find(case, probe, effort, alternatives=False)
        ratio = lateness(found)
        if ratio <= 1.0:
            high, best = _shrunk(found), found
        else:
            low = probe
            if probe == most:
                last = found
                break
        if high - low <= max(1, int(TOLERANCE * high)):
            break
        probe = _next_probe(low, high, most, ratio)
    if best is None or last is not None:
        whole = last if last is not None else find(case, most, effort, alternatives=False)
        return replace(whole, failed=_why(case, whole, most))
    return replace(find(case, high, effort), fewest=high)


def lateness(found: Found) -> float:
    """Time that the best plan takes over the days allowed; infinite where nothing is feasible."""
    if found.plans is None:
        return np.inf
    budget = step_budget_s(found.case, found.plans.accelerators[:1])
    return float(found.step_s / budget[0]) if budget[0] > 0 else np.inf


def _first_guess(case: Case) -> int:
    """Accelerators at a usual utilisation."""
    from planner.workload.flops import flops

    job = case.job
    work = flops(job.record.architecture, seq_len=job.seq_len).training_per_token * job.batch_tokens
    peak = float(case.site.table.peak_flop_per_s[0, case.gemm_class])
    budget = float(step_budget_s(case, 1.0))
    return int(min(work / (FIRST_UTILISATION * peak * budget), MOST_GPUS)) if peak > 0 else 1


def _next_probe(low: int, high: int, most: int, ratio: float) -> int:
    """Where to look next: just below what is enough, where the last step time points, or the middle."""
    if high > most:
        longer = ratio if np.isfinite(ratio) else 2.0
        return min(max(int(low * max(longer, 1.01)) + 1, low + 1), most)
    if ratio <= 1.0 and low < high - 1:
        return max(high - max(1, int(TOLERANCE * high)), low + 1)
    return (low + high) // 2


def _shrunk(found: Found) -> int:
    """Fewest accelerators on which one of the layouts just found, with fewer replicas, is still in time."""
    trials = replica_trials(found)
    plans = evaluated(found, trials)
    budget = step_budget_s(found.case, plans.accelerators)
    good = (plans.step.step_s <= budget) & (plans.fit_probability >= found.fit)
    ranks = plans.accelerators[good]
    used = float(found.plans.accelerators[0]) if found.plans is not None else np.inf
    return int(min(np.min(ranks, initial=np.inf), used))


def evaluated(found: Found, strategy: Strategy) -> Plans:
    """Evaluate some layouts on the hardware of a search."""
    case = found.case
    return evaluate(
        hardware=case.site.table,
        model=case.job.model,
        software=case.software,
        strategy=strategy,
        request=request_of(case, MOST_GPUS),
    )


def replica_trials(found: Found, *, more: float = 1.0) -> Strategy:
    """Vary the replicas of the layouts of a search: numbers that change the micro-batches of a step.

    `more` bounds the replicas tried, relative to those of the layout. Where `dp` is pinned nothing is tried.
    """
    layouts = stack([spread_rows(plans.strategy, len(plans)) for plans in found.tables])
    if "dp" in found.case.job.pins:
        return layouts
    batches = layouts.global_batch / layouts.micro_batch
    most = np.minimum(np.ceil(layouts.dp * more), batches)
    counts = np.ceil(batches / most)[:, None] + _ladder()[None, :]
    replicas = np.ceil(batches[:, None] / counts)
    replicas = np.concatenate([layouts.dp[:, None], np.clip(replicas, 1.0, most[:, None])], axis=1)
    step = replica_step(layouts)
    replicas = np.ceil(replicas / step[:, None]) * step[:, None]
    index = np.repeat(np.arange(len(layouts)), replicas.shape[1])
    tried = layouts.take(index).with_values(dp=replicas.ravel())
    return tried.take(np.flatnonzero(legal(tried) & (tried.dp <= batches[index])))


def replica_step(layouts: Strategy) -> FloatArray:
    """Least number of replicas over which the experts of each layout fold."""
    experts = layouts.ep * layouts.etp
    return experts / np.gcd(experts.astype(np.int64), (layouts.tp * layouts.cp).astype(np.int64))


def legal(tried: Strategy) -> BoolArray:
    """Which layouts that were legal stay so with the replicas and the batch that they now have."""
    count = np.ceil(tried.global_batch / (tried.dp * tried.micro_batch) - 1e-9)
    grouped = (tried.vpp <= 1) & (tried.zero_bubble == 0)
    same = tried.dp * tried.cp
    shards = (tried.sharding == 0) | (same > 1)
    whole = (tried.sharding != 4) | ((same % tried.shard_group == 0) & (tried.shard_group < same))
    folded = same * tried.tp % (tried.ep * tried.etp) == 0
    return np.asarray((grouped | (count >= tried.pp)) & shards & whole & folded)


def _ladder() -> FloatArray:
    """Additions to the number of micro-batches: every small one, then ever larger steps."""
    return np.unique(np.concatenate([np.arange(64), np.round(64 * 1.05 ** np.arange(1, 120))])).astype(float)


def spread_rows(strategy: Strategy, rows: int) -> Strategy:
    """All columns of full length, so that tables stack."""
    columns = {f.name: getattr(strategy, f.name) for f in fields(strategy)}
    full = {k: np.broadcast_to(v, (rows, *v.shape[1:])) for k, v in columns.items()}
    return Strategy(**full)


def _why(case: Case, whole: Found, most: int) -> str:
    if whole.plans is None:
        return f"nothing fits on up to {most:,} {case.site.accelerator.name}"
    job = case.job
    takes, allowed = (
        format_quantity(days * SECONDS_PER_DAY, "s", digits=3)
        for days in (lateness(whole) * (job.days or 0.0), job.days or 0.0)
    )
    return (
        f"{most:,} {case.site.accelerator.name} take {takes} with failures, more than the {allowed} allowed"
    )
