"""``planner train``: what a cluster can train, how fast, and with which layout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from planner.catalog.kinds import LINK
from planner.plan import results
from planner.plan.answer import answered
from planner.plan.assemble import costs_of
from planner.plan.bibliography import sources_of
from planner.plan.defaults import Filled
from planner.plan.job import Case, Job, as_catalog, case_on, resolve
from planner.plan.numbers import Number
from planner.plan.operating.asked import Asked
from planner.plan.operating.caps import PowerCapError
from planner.plan.operating.case import operating
from planner.plan.operating.estate import estate_of
from planner.plan.operating.training import Run, operated
from planner.plan.resolved import inputs_of
from planner.plan.site import Site, sites
from planner.plan.solve import Effort, Found, fewest, find
from planner.plan.tuning import PRETRAIN

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.link import Link

__all__ = ["train"]


def train(
    model: object,
    *,
    cluster: str | None = None,
    gpu: str | None = None,
    gpus: Number | None = None,
    tokens: Number | None = None,
    days: Number | None = None,
    seq_len: Number | None = None,
    global_batch: Number | None = None,
    precision: str | None = None,
    software: str | None = None,
    kind: str = PRETRAIN,
    epochs: Number | None = None,
    packing: Number | None = None,
    rank: Number | None = None,
    targets: str | Iterable[str] | None = None,
    tp: Number | None = None,
    cp: Number | None = None,
    pp: Number | None = None,
    vpp: Number | None = None,
    ep: Number | None = None,
    etp: Number | None = None,
    dp: Number | None = None,
    micro_batch: Number | None = None,
    sharding: str | None = None,
    recompute: str | None = None,
    recompute_layers: Number | None = None,
    sequence_parallel: bool | None = None,
    zero_bubble: bool | None = None,
    in_flight: Number | None = None,
    offload: Number | None = None,
    site: str | None = None,
    price: Number | None = None,
    finance: str | None = None,
    power_cap: Number | None = None,
    failures: str | None = None,
    availability: Number | None = None,
    checkpoint: str | None = None,
    link: str | None = None,
    goal: str = "fastest",
    top: Number = 5,
    exhaustive: bool = False,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> results.TrainResult:
    """Plan a training job.

    Of GPUs, tokens and days, two are given (tokens default to the model's recipe, in fine-tuning to usual
    data) and the third is solved for.

    Parameters
    ----------
    model
        Name or alias; path of a Hugging Face ``config.json`` or of a record in YAML; a mapping or
        `ModelRecord`.
    cluster, gpu
        One of the two: a cluster, of which the best group of like hardware is used, or an accelerator (or
        system) by name, in its usual system.
    gpus
        Accelerators available: a plan uses up to that many. With a cluster, at most its size.
    tokens, days
        For example ``'15.6T'`` and ``90`` or ``'12 weeks'``. Tokens are those of the data, each once.
    seq_len, global_batch
        Tokens of a sequence; sequences of a step, or text such as ``'16M tokens'``.
    precision, software
        A key of `planner.tables.PRECISION_CLASS`; a profile, the newest by default and for unknown names.
    kind
        ``pretrain``, or a record of fine-tuning: ``sft``, ``lora``, ``qlora``, ``dpo`` ...
    epochs, packing
        Times that the tokens are seen; share of the positions of a sequence that hold any. Both are 1 in
        pre-training, and as usual for the kind in fine-tuning.
    rank, targets
        Of the adapters of a kind that has them; and the matrices with adapters, as in ``'q,k,v,o'``.
    tp, cp, pp, vpp, ep, etp, dp, micro_batch, sharding, recompute, recompute_layers, sequence_parallel,
    offload
        Layout fields; those given are not searched.
    zero_bubble, in_flight
        Whether the schedule splits the backward pass; micro-batches that the first stage keeps.
    site, price, finance
        Where it runs; ``own``, ``colocation``, terms of rent, or dollars as in ``'$2.35/h'``; how what is
        owned is paid for.
    power_cap
        Of the facility, as in ``'300MW'``: fewer accelerators run.
    failures, availability, checkpoint
        How often hosts fail; the share of the time in which one is replaced at once, which says how many
        stand by, 99 % by default; and what else is done: ``blocking``, ``asynchronous``, ``memory`` or
        ``replicas``.
    link
        Connection between sites over which the plan is divided: what each way to exchange gradients keeps.
    goal
        ``fastest``, ``cheapest`` (GPU-hours) or ``fewest`` (accelerators on which it fits).
    top
        Alternatives to list.
    exhaustive
        Compute the step time of every legal layout that fits, also of those proved to be slower; the plan is
        the same.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    TrainResult
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
    layout = {
        "tp": tp, "cp": cp, "pp": pp, "vpp": vpp, "ep": ep, "etp": etp, "dp": dp, "micro_batch": micro_batch,
        "sharding": sharding, "recompute": recompute, "recompute_layers": recompute_layers,
        "sequence_parallel": sequence_parallel, "offload": offload,
    }  # fmt: skip
    with book.tracking() as used:
        job = resolve(
            book,
            filled,
            model=model,
            cluster=cluster,
            gpu=gpu,
            gpus=gpus,
            tokens=tokens,
            days=days,
            seq_len=seq_len,
            global_batch=global_batch,
            precision=precision,
            software=software,
            goal=goal,
            top=top,
            in_flight=in_flight,
            zero_bubble=zero_bubble,
            layout=layout,
            kind=kind,
            epochs=epochs,
            packing=packing,
            rank=rank,
            targets=targets,
        )
        asked = Asked.read(
            book,
            site=site,
            price=price,
            finance=finance,
            power_cap=power_cap,
            failures=failures,
            availability=availability,
            checkpoint=checkpoint,
        )
        places = sites(book, cluster=cluster, gpu=gpu, gpus=job.gpus)
        joined = None if link is None else book.get(LINK, link)
        overrides = (set,) if isinstance(set, str) else tuple(set)
        return _answer(book, used, job, places, filled, asked, joined, overrides, exhaustive)


def _answer(
    book: Catalog,
    used: Any,
    job: Job,
    places: tuple[Site, ...],
    filled: Filled,
    asked: Asked,
    joined: Link | None,
    overrides: tuple[str, ...],
    exhaustive: bool,
) -> results.TrainResult:
    """Search every place, choose the best, and put the answer together."""
    effort = Effort(prune=not exhaustive)
    tried: list[tuple[Found, Filled]] = []
    for site in places:
        own = Filled()
        case = case_on(job, site, own)
        try:
            case = operating(book, case, asked, own)
        except PowerCapError as error:
            case = replace(case, impossible=str(error), mend=error.nearest)
        tried.append((_solved(case, own, effort), own))
    found, own = min(tried, key=lambda pair: _rank(pair[0]))
    others = tuple(other for other, _ in tried if other is not found)
    filled.assumptions += own.assumptions
    filled.notes += own.notes
    site = found.case.site
    if site.why:
        filled.assume("system", site.system.id if site.system else None, site.why)
    across = None
    if others:
        from planner.plan.across.together import together

        across = together([one for one, _ in tried], filled, effort, cap_watts=asked.power_cap_watts)
        more = "" if across is None else "; training across them is the answer's section 'across'"
        why = f"the best of {len(tried)} groups of unlike hardware, each planned alone{more}"
        filled.assume("group", site.label, why)
    estate = estate_of(book, site, asked, Filled())

    def operated_by(run: Run) -> dict[str, Any]:
        return operated(estate, asked, run, catalog=book, filled=filled)

    answer, trace = answered(found, others, filled, effort, operated_by)
    multisite = None
    if joined is not None and found.plans is not None and not found.failed:
        from planner.plan.across.sites import multisite_of

        multisite = multisite_of(found, costs_of(found.case, found.plans), joined)
    answer = answer.model_copy(update={"across": across, "multisite": multisite})
    if answer.plan is None and job.tuning is not None:
        from planner.plan.lighter import lighter

        answer = answer.model_copy(update={"nearest": (*answer.nearest, *lighter(book, found, effort))})
    result = results.TrainResult(
        inputs=inputs_of(found, estate, asked, overrides),
        assumptions=tuple(filled.assumptions),
        result=answer,
        sources=sources_of(book, used, job.record),
    )
    result._trace = trace
    return result


def _solved(case: Case, filled: Filled, effort: Effort) -> Found:
    """Search a case, or solve for its accelerators."""
    job = case.job
    if case.impossible is not None:
        return Found(case=case, result=None)
    if job.question != "gpus":
        return find(case, case.site.available, effort)
    if job.goal != "fastest":
        filled.assume(
            "goal", "fastest", f"the fewest accelerators in time need the fastest layouts, not the {job.goal}"
        )
    return fewest(replace(case, job=replace(job, goal="fastest")), effort)


def _rank(found: Found) -> tuple[bool, float]:
    """Order of places: those with an answer first, then by accelerators needed or by the goal."""
    if found.plans is None or found.failed:
        return True, found.step_s
    return False, float(found.fewest if found.fewest is not None else found.plans.score[0])
