"""``planner serve MODEL``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.model_argument import Model, check_overrides, read_model
from planner.cli.output import Answer, Column, Table
from planner.cli.session import Session

if TYPE_CHECKING:
    from planner.plan.serving.explain import Explanation
    from planner.plan.serving.results import Search, ServeResult

__all__ = ["run"]

_INFEASIBLE: Final = 4


def _option(*names: str, text: str, metavar: str = "N", kind: str | None = None) -> Any:
    """Return an option that may be left open; the library reads the numbers, with their units."""
    return typer.Option(
        *names,
        metavar=metavar,
        help=text,
        show_default=False,
        autocompletion=None if kind is None else names_of(kind),
    )


@command
def run(
    session: Session,
    model: Model,
    cluster: Annotated[
        str | None, _option("--cluster", "-c", metavar="NAME", text="On this cluster.", kind="cluster")
    ] = None,
    accelerator: Annotated[
        str | None,
        _option("--accelerator", "--gpu", metavar="NAME", text="On this accelerator.", kind="accelerator"),
    ] = None,
    gpus: Annotated[str | None, _option("--gpus", text="So many of them; default: one system.")] = None,
    users: Annotated[
        str | None, _option("--users", text="Solve for the GPUs that so many users need, as in 5M.")
    ] = None,
    request_rate: Annotated[
        str | None, _option("--request-rate", text="Solve for the GPUs of so many requests/s at the peak.")
    ] = None,
    concurrency: Annotated[
        str | None, _option("--concurrency", text="Solve for the GPUs of so many requests at once.")
    ] = None,
    traffic: Annotated[
        str | None,
        _option("--traffic", "-t", metavar="NAME", text="What users ask; default: chat.", kind="traffic"),
    ] = None,
    isl: Annotated[str | None, _option("--isl", text="Mean input tokens.")] = None,
    osl: Annotated[str | None, _option("--osl", text="Mean output tokens.")] = None,
    prefix_hit: Annotated[
        str | None,
        _option("--prefix-hit", metavar="SHARE", text="Share of the input that a prefix cache finds."),
    ] = None,
    ttft: Annotated[
        str | None,
        _option("--ttft", metavar="TIME", text="Time to the first token promised, as in 2s; or none."),
    ] = None,
    tpot: Annotated[
        str | None, _option("--tpot", metavar="TIME", text="Time per output token promised, as in 50ms.")
    ] = None,
    e2e: Annotated[str | None, _option("--e2e", metavar="TIME", text="Time to the last token.")] = None,
    percentile: Annotated[
        str | None, _option("--percentile", metavar="P", text="Of requests within the targets: p99, mean.")
    ] = None,
    peak: Annotated[
        str, typer.Option("--peak", metavar="NAME", help="Size for the busiest hour, minute, or the mean.")
    ] = "hour",
    years: Annotated[
        str, typer.Option("--years", metavar="Y", help="After so many years of the traffic's growth.")
    ] = "0",
    engine: Annotated[
        str | None,
        _option("--engine", metavar="NAME", text="Serving engine; default: the usual one.", kind="engine"),
    ] = None,
    weights: Annotated[
        str | None,
        _option("--weights", metavar="NAME", text="Format of the weights: bf16, fp8 ...", kind="format"),
    ] = None,
    kv: Annotated[
        str | None, _option("--kv", metavar="NAME", text="Precision of keys and values: fp8, bf16.")
    ] = None,
    speculation: Annotated[
        str | None,
        _option("--speculation", metavar="NAME", text="Speculative decoding: mtp ...", kind="speculation"),
    ] = None,
    drafts: Annotated[str | None, _option("--drafts", text="Draft tokens per step.")] = None,
    mode: Annotated[
        str | None,
        _option("--mode", metavar="NAME", text="aggregated or disaggregated; default: the better."),
    ] = None,
    tp: Annotated[str | None, _option("--tp", text="Pin the tensor-parallel degree.")] = None,
    pp: Annotated[str | None, _option("--pp", text="Pin the pipeline stages.")] = None,
    dp: Annotated[str | None, _option("--dp", text="Pin the attention data-parallel ranks.")] = None,
    ep: Annotated[str | None, _option("--ep", text="Pin the expert-parallel degree.")] = None,
    chunk: Annotated[str | None, _option("--chunk", text="Pin the prompt tokens of a step.")] = None,
    max_batch: Annotated[
        str | None, _option("--max-batch", text="Sequences that a replica decodes together, at most.")
    ] = None,
    spares: Annotated[
        str | None, _option("--spares", text="Spare hosts; default: for failures and upgrades.")
    ] = None,
    goal: Annotated[
        str | None, _option("--goal", metavar="NAME", text="throughput, latency or gpus (the fewest).")
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
    """Plan a service: users, latency, throughput, GPUs of a load.

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
    from planner.plan.serving.table import plan_records

    document = result.to_dict()
    said = session.inputs()
    document["inputs"] |= {"catalog": said.get("catalog", []), "overrides": said.get("set", [])}
    if explanation is not None:
        document["explanation"] = explanation.to_dict()
    records = plan_records(result)
    keys = dict.fromkeys(key for record in records for key in record)
    return Answer(
        document=document,
        tables=[*_tables(result, pareto), *(() if explanation is None else _explained(explanation))],
        records=Table([Column(key, key) for key in keys], records),
        text=_searched(result.result.search),
        notes=(*notes, *result.result.notes),
        exit_code=0 if result.plan is not None else _INFEASIBLE,
    )


def _tables(result: ServeResult, pareto: bool) -> list[Table]:
    from planner.plan.serving import table

    plan = result.plan
    if plan is None:
        why = [("reason", reason) for reason in result.result.reasons[1:]]
        mends = [("feasible with", nearest.sentence) for nearest in result.result.nearest]
        return [_table(("", ""), [*why, *mends], title=table.headline(result), headed=False)]
    tables = [
        _table(("", ""), table.plan_rows(result), title=table.headline(result), headed=False),
        _table(("a step spends on", "time", "share"), table.breakdown_rows(plan)),
    ]
    if result.result.alternatives:
        tables.append(_table(table.ALTERNATIVE_HEAD, table.alternative_rows(result.result.alternatives)))
    if pareto and result.result.pareto:
        tables.append(_table(table.PARETO_HEAD, table.pareto_rows(result.result.pareto), title="Frontier"))
    verified = result.result.verified
    if verified is not None:
        rows = table.verified_rows(verified)
        tables.append(_table(table.VERIFIED_HEAD, rows, title=f"Verified: {verified.sentence}"))
    assumed = [(a.field.replace("_", " "), _shown(a.value), a.why) for a in result.assumptions]
    if assumed:
        tables.append(_table(("assumed", "value", "why"), assumed))
    return tables


def _searched(search: Search) -> str:
    return (
        f"{search.points_evaluated:,} operating points of {search.layouts:,} replicas evaluated in "
        f"{search.seconds:.2f} s; {search.points_feasible:,} meet the targets"
    )


def _explained(explanation: Explanation) -> list[Table]:
    from planner.plan.serving.explain import explain_rows

    terms, numbers = explain_rows(explanation)
    return [
        _table(("term", "time", "share", "how"), terms, title="Where the time goes"),
        _table(("number", "value", "kind", "source", "place"), numbers, title="Where the numbers come from"),
    ]


def _table(
    titles: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, title: str = "", headed: bool = True
) -> Table:
    """Return rows of text that the library wrote for people as a table."""
    columns = [Column(str(place), name, str) for place, name in enumerate(titles)]
    return Table(columns, [{str(i): cell for i, cell in enumerate(row)} for row in rows], title, headed)


def _shown(value: object) -> str:
    from planner.cli.people import plain
    from planner.units import format_quantity

    if isinstance(value, float) and value >= 100_000:
        return format_quantity(value, "count")
    return plain(value)
