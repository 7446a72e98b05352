"""``planner serve MODEL``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.command import command
from planner.cli.model_argument import Model, check_overrides, read_model
from planner.cli.output import Answer
from planner.cli.plans import answer, assumed, explained, option, tables_of
from planner.cli.session import Session
from planner.cli.surroundings import (
    ClusterOption,
    FinanceOption,
    PowerCapOption,
    PriceOption,
    ReloadOption,
    SiteOption,
)

if TYPE_CHECKING:
    from planner.plan.serving.explain import Explanation
    from planner.plan.serving.results import Search, ServeResult

__all__ = ["run"]


@command
def run(
    session: Session,
    model: Model,
    cluster: ClusterOption = None,
    accelerator: Annotated[
        str | None,
        option("--accelerator", "--gpu", metavar="NAME", text="On this accelerator.", kind="accelerator"),
    ] = None,
    gpus: Annotated[str | None, option("--gpus", text="So many of them; default: one system.")] = None,
    users: Annotated[
        str | None, option("--users", text="Solve for the GPUs that so many users need, as in 5M.")
    ] = None,
    request_rate: Annotated[
        str | None,
        option("--request-rate", text="Solve for the GPUs of so many requests/s at the peak."),
    ] = None,
    concurrency: Annotated[
        str | None, option("--concurrency", text="Solve for the GPUs of so many requests at once.")
    ] = None,
    traffic: Annotated[
        str | None,
        option("--traffic", "-t", metavar="NAME", text="What users ask; default: chat.", kind="traffic"),
    ] = None,
    isl: Annotated[str | None, option("--isl", text="Mean input tokens.")] = None,
    osl: Annotated[str | None, option("--osl", text="Mean output tokens.")] = None,
    prefix_hit: Annotated[
        str | None,
        option("--prefix-hit", metavar="SHARE", text="Share of the input that a prefix cache finds."),
    ] = None,
    ttft: Annotated[
        str | None,
        option("--ttft", metavar="TIME", text="Time to the first token promised, as in 2s; or none."),
    ] = None,
    tpot: Annotated[
        str | None, option("--tpot", metavar="TIME", text="Time per output token promised, as in 50ms.")
    ] = None,
    e2e: Annotated[str | None, option("--e2e", metavar="TIME", text="Time to the last token.")] = None,
    percentile: Annotated[
        str | None,
        option("--percentile", metavar="P", text="Of requests within the targets: p99, mean."),
    ] = None,
    peak: Annotated[
        str, typer.Option("--peak", metavar="NAME", help="Size for the busiest hour, minute, or the mean.")
    ] = "hour",
    years: Annotated[
        str, typer.Option("--years", metavar="Y", help="After so many years of the traffic's growth.")
    ] = "0",
    engine: Annotated[
        str | None,
        option("--engine", metavar="NAME", text="Serving engine; default: the usual one.", kind="engine"),
    ] = None,
    weights: Annotated[
        str | None,
        option("--weights", metavar="NAME", text="Format of the weights: bf16, fp8 ...", kind="format"),
    ] = None,
    kv: Annotated[
        str | None, option("--kv", metavar="NAME", text="Precision of keys and values: fp8, bf16.")
    ] = None,
    speculation: Annotated[
        str | None,
        option("--speculation", metavar="NAME", text="Speculative decoding: mtp ...", kind="speculation"),
    ] = None,
    drafts: Annotated[str | None, option("--drafts", text="Draft tokens per step.")] = None,
    mode: Annotated[
        str | None,
        option("--mode", metavar="NAME", text="aggregated or disaggregated; default: the better."),
    ] = None,
    tp: Annotated[str | None, option("--tp", text="Pin the tensor-parallel degree.")] = None,
    pp: Annotated[str | None, option("--pp", text="Pin the pipeline stages.")] = None,
    dp: Annotated[str | None, option("--dp", text="Pin the attention data-parallel ranks.")] = None,
    ep: Annotated[str | None, option("--ep", text="Pin the expert-parallel degree.")] = None,
    chunk: Annotated[str | None, option("--chunk", text="Pin the prompt tokens of a step.")] = None,
    max_batch: Annotated[
        str | None, option("--max-batch", text="Sequences that a replica decodes together, at most.")
    ] = None,
    spares: Annotated[
        str | None, option("--spares", text="Spare hosts; default: for failures and upgrades.")
    ] = None,
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    power_cap: PowerCapOption = None,
    checkpoint: ReloadOption = None,
    goal: Annotated[
        str | None, option("--goal", metavar="NAME", text="throughput, latency or gpus (the fewest).")
    ] = None,
    pareto: Annotated[
        bool,
        typer.Option("--pareto", help="Show tokens per GPU against tokens per user.", show_default=False),
    ] = False,
    top: Annotated[str, typer.Option("--top", metavar="K", help="Alternatives to show.")] = "5",
    verify: Annotated[
        bool, typer.Option("--verify", help="Also simulate a replica request by request.", show_default=False)
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Trace the numbers to their sources.", show_default=False)
    ] = False,
) -> Answer:
    """Plan a service: users, latency, GPUs of a load, power, cost.

    With --users, --request-rate or --concurrency the fewest GPUs are solved for, else what the hardware
    serves. Exit code 4 where nothing is feasible: the answer then says which target fails, and by how much.
    """
    from planner.plan.serve import serve

    notes: tuple[str, ...] = ()
    asked: Any = model
    if model == "-":
        asked, notes = read_model(session, model)
    result = serve(
        asked,
        cluster=cluster,
        accelerator=accelerator,
        gpus=gpus,
        users=users,
        request_rate=request_rate,
        concurrency=concurrency,
        traffic=traffic,
        isl=isl,
        osl=osl,
        prefix_hit=prefix_hit,
        ttft=ttft,
        tpot=tpot,
        e2e=e2e,
        percentile=percentile,
        peak=peak,
        years=years,
        engine=engine,
        weights=weights,
        kv=kv,
        speculation=speculation,
        drafts=drafts,
        mode=mode,
        tp=tp,
        pp=pp,
        dp=dp,
        ep=ep,
        chunk=chunk,
        max_batch=max_batch,
        spares=spares,
        site=site,
        price=price,
        finance=finance,
        power_cap=power_cap,
        checkpoint=checkpoint,
        goal=goal,
        top=top,
        verify=verify,
        catalog=session.catalog(),
    )
    check_overrides(session)
    explanation = result.explain() if explain and result.plan is not None else None
    return _answer(session, result, explanation, notes, pareto)


def _answer(
    session: Session,
    result: ServeResult,
    explanation: Explanation | None,
    notes: tuple[str, ...],
    pareto: bool,
) -> Answer:
    from planner.plan.serving.explain import explain_rows
    from planner.plan.serving.table import plan_records, sections

    return answer(
        session,
        result,
        records=plan_records(result),
        tables=[
            *tables_of(sections(result, pareto=pareto)),
            *assumed(result),
            *explained(explanation, explain_rows),
        ],
        searched=_searched(result.result.search),
        explanation=explanation,
        notes=notes,
    )


def _searched(search: Search) -> str:
    return (
        f"{search.points_evaluated:,} operating points of {search.layouts:,} replicas evaluated in "
        f"{search.seconds:.2f} s; {search.points_feasible:,} meet the targets"
    )
