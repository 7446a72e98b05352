"""The answer to a serving question, from what its searches found: plan, alternatives, frontier, notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from planner.plan.document import Interval
from planner.plan.operating.serving import operated
from planner.plan.serving import results
from planner.plan.serving.binding import binding_of, bottleneck_of, spent_of
from planner.plan.serving.fleet import failed_hosts, spare_gpus
from planner.plan.serving.interval import Reason, Spread, reasons_of, spread_of
from planner.plan.serving.latency import FleetLatency, Times, latencies, later
from planner.plan.serving.layouts import by_size, deployment_of, memory_of, mode_of
from planner.plan.serving.others import comparison_of, others_of, pareto_of
from planner.plan.serving.running import service_of
from planner.plan.serving.solve import Found, spares_of
from planner.search.serving import PREFILL, ROLES
from planner.units import MILLI, SECONDS_PER_DAY

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.operating.asked import Asked
    from planner.plan.operating.estate import Estate
    from planner.search.serving import FleetPlan, Target

__all__ = ["answered", "search_of", "spread_for"]

WHOLE: Final = 0.99
"""Share of the hits of a cache without limits below which what is lost is worth a note."""

KINDS: Final = {"aggregated": "closed", "disaggregated": "pools", "mixed": "pools"}
"""Kind of client in the evidence that a mode is nearest to."""


def answered(
    catalog: Catalog, found: Found, filled: Filled, asked: Asked, estates: Sequence[Estate], *, pareto: bool
) -> results.ServeAnswer:
    """Put the answer together.

    Parameters
    ----------
    catalog
        For what the evidence covers.
    found
        From `planner.plan.serving.solve.find`, with a plan.
    filled
        Its notes are part of the answer.
    asked, estates
        What the question says of the surroundings, and those of each part.
    pareto
        Whether to list the frontier.
    """
    best = found.best
    if best is None:
        raise ValueError("there is no plan to answer with")
    reasons = reasons_of(catalog, found.case, best)
    plan = _plan(catalog, found, best, reasons, asked, estates)
    return results.ServeAnswer(
        plan=plan,
        pareto=pareto_of(found) if pareto else (),
        alternatives=others_of(found),
        comparison=comparison_of(found),
        search=search_of(found),
        notes=tuple(_notes(found, plan, filled)),
    )


def spread_for(found: Found, fleet: FleetPlan, metric: str, reasons: tuple[Reason, ...]) -> Spread:
    """Spread of measured over predicted figures of a fleet; `metric` is throughput, tpot or ttft."""
    job = found.case.job
    kind = "offline" if job.offline else KINDS[mode_of(fleet)]
    return spread_of(found.case.calibration, metric, kind=kind, moe=job.moe, reasons=reasons)


def search_of(found: Found) -> results.Search:
    """Say what all searches took."""
    counts = found.result.counts
    return results.Search(
        points_evaluated=found.effort.points,
        points_feasible=counts.feasible,
        layouts=counts.layouts,
        searches=found.effort.searches,
        seconds=found.effort.seconds,
    )


def _plan(
    catalog: Catalog,
    found: Found,
    best: FleetPlan,
    reasons: tuple[Reason, ...],
    asked: Asked,
    estates: Sequence[Estate],
) -> results.Plan:
    case, job, traffic = found.case, found.case.job, found.case.job.traffic
    spread = {metric: spread_for(found, best, metric, reasons) for metric in ("throughput", "tpot", "ttft")}
    served = _served(found, best, spread["throughput"])
    serving = round(best.gpus)
    times = _reloaded(found, latencies(best, osl=traffic.osl))
    pools = by_size(best)
    request = found.result.request
    spent = spent_of(request, pools[0])
    bindings = {ROLES[pool.role]: binding_of(request, pool) for pool in reversed(pools)}
    tokens = _scaled(served, traffic.osl)
    service = service_of(found, best, estates, spread["throughput"])
    return results.Plan(
        deployment=deployment_of(case, best),
        ttft_ms=None if job.offline else _latency(times.ttft, spread["ttft"], job.targets["ttft"]),
        tpot_ms=_latency(times.tpot, spread["tpot"], job.targets["tpot"]),
        e2e_ms=None if job.offline else _latency(times.e2e, spread["tpot"], job.targets["e2e"]),
        output_tokens_per_s=tokens,
        output_tokens_per_s_per_gpu=_scaled(tokens, 1.0 / serving),
        input_tokens_per_s=_scaled(served, traffic.isl),
        requests_per_s=served,
        users=_users(found, served),
        gpus=_need(found, best, spread["throughput"]),
        **operated(service, asked, found.operations.reliability, catalog=catalog),
        memory_gb_per_gpu=memory_of(case, request, pools[0]),
        time_breakdown_s=spent.parts,
        resource_share={name: spent.share(name) for name in spent.resources},
        bottleneck=bottleneck_of(bindings[ROLES[pools[0].role]], spent),
        binds={role: binding.limit for role, binding in sorted(bindings.items())},
        headroom=min(float(pool.point.headroom[0]) for pool in pools),
        replica=_replica(found, best),
        fleet=_fleet(found, best),
        groups=_groups(found, best),
        prefix_cache=found.cached.result() if found.cached is not None else None,
        interval_class=spread["throughput"].name,
        interval_widened=tuple(reason.text for reason in reasons if reason.text),
    )


def _reloaded(found: Found, times: FleetLatency) -> FleetLatency:
    """Add the time in which prefixes are brought back from host memory and flash."""
    state = found.cached
    if state is None or state.resident:
        return times
    target = found.case.job.targets["ttft"]
    shares = {"mean": None, "p50": 0.5, "p90": 0.9, "p99": 0.99, "target": target.percentile}
    more = {name: state.reload_s(share) for name, share in shares.items()}
    return replace(
        times,
        ttft=later(times.ttft, more),
        e2e=later(times.e2e, dict.fromkeys(more, state.mean_reload_s)),
    )


def _scaled(interval: Interval, factor: float) -> Interval:
    return Interval(
        value=interval.value * factor, low=interval.low * factor, high=interval.high * factor
    )  # fmt: skip


def _served(found: Found, best: FleetPlan, spread: Spread) -> Interval:
    """Return requests per second at the peak: all that can be served, or the demand as far as it can."""
    most = spread.of(best.most_rate)
    if found.rate is None:
        return most
    return Interval(value=best.rate, low=min(best.rate, most.low), high=max(best.rate, most.high))


def _users(found: Found, served: Interval) -> Interval | None:
    each = found.case.job.users(1.0)
    return None if each is None else _scaled(served, each)


def _latency(times: Times, spread: Spread, target: Target) -> results.Latency:
    mean = spread.of(times.mean)
    return results.Latency(
        mean=times.mean / MILLI,
        low=mean.low / MILLI,
        high=mean.high / MILLI,
        p50=times.p50 / MILLI,
        p90=times.p90 / MILLI,
        p99=times.p99 / MILLI,
        target=target.seconds / MILLI if target.is_set else None,
        percentile=target.percentile if target.is_set else None,
        at_percentile=times.target / MILLI if target.is_set else None,
    )


def _need(found: Found, best: FleetPlan, spread: Spread) -> results.Need:
    """Accelerators with their spares; for a load, also at both ends of the throughput's interval."""
    parts = range(len(found.available))
    value = sum(found.serving(part) + found.spares(part) for part in parts)
    if found.rate is None:
        return results.Need(value=value, low=value, high=value)
    low, high = (_needed(found, best, ratio) for ratio in (spread.high, spread.low))
    return results.Need(
        value=value,
        low=int(min(low, value)),
        high=int(max(high, value)) if math.isfinite(high) else None,
    )


def _needed(found: Found, best: FleetPlan, ratio: float) -> float:
    """Accelerators if replicas serve `ratio` times what is predicted; inf where there are not as many."""
    spare = best.most_rate / best.rate
    serving = [0] * len(found.available)
    for pool in best.pools:
        replicas = math.ceil(pool.replicas / spare / ratio * (1.0 - 1e-9))
        serving[pool.part] += max(replicas, 1) * round(float(pool.point.gpus[0]))
    total = 0
    for part, gpus in enumerate(serving):
        if gpus > found.available[part]:
            return math.inf
        if gpus:
            total += gpus + spare_gpus(spares_of(found.case, found.operations, part), gpus)
    return total


def _replica(found: Found, best: FleetPlan) -> results.Replica:
    """Figures of a replica of the largest pool that decodes."""
    pool = next(pool for pool in by_size(best) if pool.role != PREFILL)
    point, job = pool.point, found.case.job
    rate = float(point.rate[0])
    return results.Replica(
        requests_per_s=rate,
        output_tokens_per_s=rate * job.traffic.osl,
        batch=float(point.batch[0]),
        concurrency=float(point.concurrency[0]),
        load=float(point.load[0]),
        users=job.users(rate),
    )


def _fleet(found: Found, best: FleetPlan) -> results.Fleet:
    job = found.case.job
    parts = range(len(found.available))
    serving, spare = round(best.gpus), sum(found.spares(part) for part in parts)
    factor = 1.0 if job.offline else job.traffic.peak_over_mean(job.peak)
    mean = best.rate / factor
    limit = sum(found.available)
    failed = sum(
        failed_hosts(spares_of(found.case, found.operations, part), found.serving(part)) for part in parts
    )
    return results.Fleet(
        replicas=sum(pool.replicas for pool in best.pools),
        hosts_failed=failed,
        gpus_serving=serving,
        gpus_spare=spare,
        gpus_idle=round(limit) - serving - spare if _limited(found) else None,
        requests_per_s_peak=best.most_rate,
        requests_per_s_mean=mean,
        output_tokens_per_day=mean * job.traffic.osl * SECONDS_PER_DAY,
        rounding_loss=best.rounding_loss,
    )


def _limited(found: Found) -> bool:
    """Whether the question says how many accelerators there are."""
    job = found.case.job
    return job.question == "capacity" or job.gpus is not None or found.case.places[0].cluster is not None


def _groups(found: Found, best: FleetPlan) -> tuple[results.Group, ...]:
    """Return what each kind of hardware contributes; requests through pools count where they decode."""
    job = found.case.job
    groups = []
    for part, place in enumerate(found.case.places):
        rate = sum(p.rate for p in best.pools if p.part == part and p.role != PREFILL)
        serving, spare = found.serving(part), found.spares(part)
        limit = round(found.available[part]) if _limited(found) else None
        groups.append(
            results.Group(
                accelerator=place.accelerator.id,
                system=place.system.id if place.system is not None else None,
                available=limit,
                gpus_serving=serving,
                gpus_spare=spare,
                gpus_idle=None if limit is None else limit - serving - spare,
                requests_per_s=rate,
                users=job.users(rate),
                output_tokens_per_s=rate * job.traffic.osl,
            )
        )
    return tuple(groups)


def _notes(found: Found, plan: results.Plan, filled: Filled) -> Iterator[str]:
    yield from filled.notes
    if found.cached is not None and found.cached.effective < WHOLE * found.cached.asked:
        yield found.cached.sentence
    if found.short:
        yield f"There is no room for {found.short:,} spare accelerators: a failure of a host is felt."
    if plan.fleet.gpus_spare == 0 and found.case.job.spares is None:
        yield "All accelerators are in one failure domain: without spares, its failure stops the service."
    calibration = found.case.calibration
    if not calibration.intervals:
        yield "The calibration record holds no intervals: those shown are pooled ones of a prototype."
    if plan.interval_widened:
        yield f"The intervals are widened: {'; '.join(plan.interval_widened)}."
    if calibration.correction is not None:
        factor = calibration.correction.value
        yield f"Step times are multiplied by {factor:g}, the correction of your calibration."
