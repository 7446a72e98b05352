"""``planner serve``: what a cluster can serve, to how many users, at what latency; or what a load needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.kinds import OPERATIONS
from planner.plan.bibliography import sources_of
from planner.plan.defaults import Filled
from planner.plan.job import as_catalog
from planner.plan.numbers import Number
from planner.plan.operating.asked import Asked
from planner.plan.operating.caps import PowerCapError, within_caps
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.places import Place, places
from planner.plan.serving import results
from planner.plan.serving.answer import answered, search_of
from planner.plan.serving.infeasible import infeasible
from planner.plan.serving.job import ServeJob, resolve
from planner.plan.serving.request import case_on
from planner.plan.serving.solve import Found, find
from planner.units import MEGA, MILLI

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["serve"]

CUSTOMS: Final = "usual"
"""Id of the record that says how fleets are run."""


def serve(
    model: object,
    *,
    cluster: str | None = None,
    accelerator: str | None = None,
    gpus: Number | None = None,
    users: Number | None = None,
    request_rate: Number | None = None,
    concurrency: Number | None = None,
    traffic: object = None,
    isl: Number | None = None,
    osl: Number | None = None,
    prefix_hit: Number | None = None,
    ttft: Number | None = None,
    tpot: Number | None = None,
    e2e: Number | None = None,
    percentile: Number | None = None,
    peak: str = "hour",
    years: Number = 0,
    engine: str | None = None,
    weights: str | None = None,
    kv: str | None = None,
    speculation: str | None = None,
    drafts: Number | None = None,
    mode: str | None = None,
    tp: Number | None = None,
    pp: Number | None = None,
    dp: Number | None = None,
    ep: Number | None = None,
    chunk: Number | None = None,
    max_batch: Number | None = None,
    spares: Number | None = None,
    site: str | None = None,
    price: Number | None = None,
    finance: str | None = None,
    power_cap: Number | None = None,
    checkpoint: str | None = None,
    goal: str | None = None,
    pareto: bool = True,
    top: Number = 5,
    verify: bool = False,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> results.ServeResult:
    """Plan a service: what hardware serves within latency targets, or the fewest accelerators for a load.

    With `users`, `request_rate` or `concurrency` the fewest accelerators are solved for, else the capacity of
    the hardware.

    Parameters
    ----------
    model
        Name or alias; path of a Hugging Face ``config.json`` or of a record in YAML; a mapping or
        `ModelRecord`.
    cluster, accelerator
        One of the two: a cluster, all groups of which serve, or an accelerator (or system) by name, in its
        usual system.
    gpus
        Accelerators available. With a cluster, at most its size; of an accelerator, one system by default.
    users, request_rate, concurrency
        At most one: users of the traffic profile, active or not; requests per second at the peak, as in
        ``'20k/s'``; requests in the system at once.
    traffic
        Name of a profile or a `TrafficProfile`; chat by default.
    isl, osl, prefix_hit
        Mean input and output tokens, and the share of the input found in a prefix cache, instead of the
        profile's.
    ttft, tpot, e2e, percentile
        Latency targets, as in ``'2s'`` (a bare number is milliseconds, ``none`` is no target), and the share
        of the requests within them, as in ``'p99'`` or ``'mean'``; by default those of the profile.
    peak, years
        Size for the busiest ``hour``, the busiest ``minute`` in it or the ``mean``, after so many years of
        the profile's growth.
    engine, weights, kv
        Serving engine, format of the weights, precision of keys and values; by default the usual engine on
        the hardware, the published checkpoint, and what the engine keeps.
    speculation, drafts
        A way of speculative decoding, and draft tokens per step.
    mode
        ``aggregated`` or ``disaggregated``; by default the better.
    tp, pp, dp, ep, chunk, max_batch
        Fields of a replica; those given are not searched.
    spares
        Spare hosts; by default enough for failures, a failure domain and upgrades.
    site, price, finance
        Where it runs; ``own``, ``colocation``, terms of rent, or dollars as in ``'$2.35/h'``; how what is
        owned is paid for.
    power_cap
        Of the facility, as in ``'300MW'``: fewer accelerators run.
    checkpoint
        Where a replica whose host failed finds its weights: ``blocking`` or ``asynchronous`` in storage,
        ``memory`` or ``replicas`` with others.
    goal
        ``throughput``, ``latency`` or ``gpus``.
    pareto
        List the frontier of tokens per accelerator against tokens per user.
    top
        Alternatives to list.
    verify
        Also simulate one replica request by request, beside the analytic percentiles.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    ServeResult
        With ``plan`` None, reasons and the nearest changes where nothing is feasible.

    Raises
    ------
    UsageError
        Conflicting options.
    InputError
        A value or a name that is wrong.
    """
    book = as_catalog(catalog, set)
    filled = Filled()
    with book.tracking() as used:
        job = resolve(
            book,
            filled,
            model=model,
            gpus=gpus,
            load={"users": users, "request_rate": request_rate, "concurrency": concurrency},
            traffic=traffic,
            isl=isl,
            osl=osl,
            prefix_hit=prefix_hit,
            targets={"ttft": ttft, "tpot": tpot, "e2e": e2e},
            percentile=percentile,
            peak=peak,
            years=years,
            engine=engine,
            weights=weights,
            kv=kv,
            speculation=speculation,
            drafts=drafts,
            mode=mode,
            pins={"tp": tp, "pp": pp, "dp": dp, "ep": ep, "chunk": chunk, "max_batch": max_batch},
            goal=goal,
            top=top,
            spares=spares,
        )
        asked = Asked.read(
            book, site=site, price=price, finance=finance, power_cap=power_cap, checkpoint=checkpoint
        )
        where = _where(book, job, filled, cluster=cluster, accelerator=accelerator)
        too_low: PowerCapError | None = None
        try:
            where = within_caps(book, where, asked, filled)
        except PowerCapError as error:
            too_low, where = error, (where[0].limited(where[0].node or 1),)
        case = case_on(book, job, where, filled)
        operations = book.get(OPERATIONS, CUSTOMS)
        found = find(case, operations)
        estates = [
            estate_of(book, place, asked, filled if not at else Filled()) for at, place in enumerate(where)
        ]
        if too_low is not None:
            answer = results.ServeAnswer(
                plan=None, search=search_of(found), reasons=(str(too_low),), nearest=(too_low.nearest,)
            )
        elif found.best is None:
            answer = infeasible(book, found, filled)
        else:
            answer = answered(book, found, filled, asked, estates, pareto=pareto)
    if verify and answer.plan is not None:
        from planner.plan.serving.verify import verified

        answer = answer.model_copy(update={"verified": verified(found, answer.plan)})
    overrides = (set,) if isinstance(set, str) else tuple(set)
    result = results.ServeResult(
        inputs=_inputs(found, where, estates[0], asked, overrides),
        assumptions=tuple(filled.assumptions),
        result=answer,
        sources=sources_of(book, used, job.record),
    )
    result._trace = found if answer.plan is not None else None
    return result


def _where(
    catalog: Catalog, job: ServeJob, filled: Filled, *, cluster: str | None, accelerator: str | None
) -> tuple[Place, ...]:
    """Find the hardware; one system of an accelerator whose capacity is asked without a number."""
    found = places(catalog, cluster=cluster, gpu=accelerator, gpus=job.gpus, option="accelerator")
    first = found[0]
    if first.why:
        filled.assume("system", first.system.id if first.system else None, first.why)
    if cluster is None and job.question == "capacity" and job.gpus is None:
        one = round(first.system.accelerators.value) if first.system is not None else 1
        size = min(one, first.domain or 1)
        filled.assume("gpus", size, "one system: say how many there are with --gpus, or how much to serve")
        return (first.limited(size),)
    return found


def _inputs(
    found: Found, where: tuple[Place, ...], estate: Estate, asked: Asked, overrides: tuple[str, ...]
) -> results.ServeInputs:
    job, traffic = found.case.job, found.case.job.traffic
    largest = max(where, key=lambda place: place.available)
    demand = job.demand
    limited = job.question == "capacity" or job.gpus is not None or largest.cluster is not None

    def load(measure: str) -> float | None:
        return demand.value if demand is not None and demand.measure == measure else None

    def target(name: str) -> float | None:
        one = job.targets[name]
        return one.seconds / MILLI if one.is_set else None

    return results.ServeInputs(
        question=job.question,
        model=job.record.id,
        parameters=job.counts.total,
        active_parameters=job.counts.active,
        cluster=largest.cluster,
        accelerator=largest.accelerator.id,
        system=largest.system.id if largest.system else None,
        fabric=largest.fabric.id if largest.fabric else None,
        gpus=round(sum(found.available)) if limited else None,
        users=load("users"),
        request_rate=found.rate,
        concurrency=load("concurrency"),
        traffic=traffic.id,
        isl=traffic.isl,
        osl=traffic.osl,
        prefix_hit=traffic.hit,
        ttft_ms=target("ttft"),
        ttft_percentile=job.targets["ttft"].percentile,
        tpot_ms=target("tpot"),
        tpot_percentile=job.targets["tpot"].percentile,
        e2e_ms=target("e2e"),
        e2e_percentile=job.targets["e2e"].percentile,
        peak=job.peak,
        years=job.years,
        site=estate.site.id,
        price=asked.price.text,
        finance=estate.finance.id,
        power_cap_megawatts=None if asked.power_cap_watts is None else asked.power_cap_watts / MEGA,
        goal=job.goal,
        modes=job.modes,
        top=job.top,
        pinned=dict(job.pins),
        spares=job.spares,
        overrides=overrides,
    )
