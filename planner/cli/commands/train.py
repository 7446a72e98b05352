"""``planner train MODEL``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.command import command
from planner.cli.model_argument import Model, check_overrides, read_model
from planner.cli.output import Answer
from planner.cli.plans import answer, assumed, explained, option, tables_of
from planner.cli.session import Session
from planner.cli.surroundings import (
    AvailabilityOption,
    CheckpointOption,
    ClusterOption,
    FailuresOption,
    FinanceOption,
    GpuOption,
    GpusOption,
    LinkOption,
    PowerCapOption,
    PriceOption,
    SiteOption,
    SoftwareOption,
)

if TYPE_CHECKING:
    from planner.plan.explain import Explanation
    from planner.plan.results import Search, TrainResult

__all__ = ["run"]


@command
def run(
    session: Session,
    model: Model,
    cluster: ClusterOption = None,
    gpu: GpuOption = None,
    gpus: GpusOption = None,
    tokens: Annotated[str | None, option("--tokens", text="Tokens to train on, as in 15.6T.")] = None,
    days: Annotated[
        str | None, option("--days", text="Solve for the tokens, or for the GPUs, of so many days.")
    ] = None,
    seq_len: Annotated[str | None, option("--seq-len", text="Tokens of a sequence.")] = None,
    global_batch: Annotated[
        str | None, option("--global-batch", text="Sequences of a step, or tokens as in '16M tokens'.")
    ] = None,
    precision: Annotated[
        str | None, option("--precision", metavar="NAME", text="bf16, fp8, mxfp8, nvfp4 ...")
    ] = None,
    software: SoftwareOption = None,
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            metavar="NAME",
            help="pretrain, or fine-tuning: sft, lora, qlora, dpo ...",
        ),
    ] = "pretrain",
    epochs: Annotated[
        str | None, option("--epochs", text="Times that the tokens are seen; in pre-training once.")
    ] = None,
    packing: Annotated[
        str | None,
        option("--packing", metavar="SHARE", text="Positions that hold tokens; in pre-training all."),
    ] = None,
    rank: Annotated[str | None, option("--rank", text="Rank of the adapters of lora and its kin.")] = None,
    targets: Annotated[
        str | None, option("--targets", metavar="NAMES", text="Matrices with adapters, as in q,k,v,o.")
    ] = None,
    goal: Annotated[
        str, typer.Option("--goal", metavar="NAME", help="fastest, cheapest or fewest GPUs.")
    ] = "fastest",
    top: Annotated[str, typer.Option("--top", metavar="K", help="Alternatives to show.")] = "5",
    exhaustive: Annotated[
        bool,
        typer.Option("--exhaustive", help="Also time layouts proved to be slower; the plan is the same."),
    ] = False,
    tp: Annotated[str | None, option("--tp", text="Pin the tensor-parallel degree.")] = None,
    cp: Annotated[str | None, option("--cp", text="Pin the context-parallel degree.")] = None,
    pp: Annotated[str | None, option("--pp", text="Pin the pipeline stages.")] = None,
    vpp: Annotated[str | None, option("--vpp", text="Pin the virtual chunks of a stage.")] = None,
    ep: Annotated[str | None, option("--ep", text="Pin the expert-parallel degree.")] = None,
    etp: Annotated[str | None, option("--etp", text="Pin the expert-tensor-parallel degree.")] = None,
    dp: Annotated[str | None, option("--dp", text="Pin the data-parallel degree.")] = None,
    micro_batch: Annotated[
        str | None, option("--micro-batch", text="Pin the sequences of a micro-batch.")
    ] = None,
    sharding: Annotated[
        str | None,
        option("--sharding", metavar="NAME", text="Pin to none, zero1, zero2, zero3 or hsdp."),
    ] = None,
    recompute: Annotated[
        str | None, option("--recompute", metavar="NAME", text="Pin to none, selective or full.")
    ] = None,
    recompute_layers: Annotated[
        str | None,
        option("--recompute-layers", metavar="SHARE", text="Pin the share of layers recomputed in full."),
    ] = None,
    sequence_parallel: Annotated[
        bool | None,
        typer.Option(
            "--sequence-parallel/--no-sequence-parallel", help="Pin sequence parallelism.", show_default=False
        ),
    ] = None,
    zero_bubble: Annotated[
        bool | None,
        typer.Option(
            "--zero-bubble/--no-zero-bubble",
            help="Split the backward pass to fill the pipeline bubble.",
            show_default=False,
        ),
    ] = None,
    in_flight: Annotated[
        str | None, option("--in-flight", text="Micro-batches that the first stage keeps.")
    ] = None,
    offload: Annotated[
        str | None,
        option("--offload", metavar="SHARE", text="Pin the share of activations kept in host memory."),
    ] = None,
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    power_cap: PowerCapOption = None,
    failures: FailuresOption = None,
    availability: AvailabilityOption = None,
    checkpoint: CheckpointOption = None,
    link: LinkOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Trace the numbers to their sources.", show_default=False)
    ] = False,
) -> Answer:
    """Plan a training job: layout, days, memory, power, cost.

    Of GPUs, tokens and days, give two and the third is solved for; tokens default to the model's published
    recipe. Exit code 4 where nothing is feasible: the answer then says why, and what would be.
    """
    from planner.plan.train import train

    notes: tuple[str, ...] = ()
    asked: Any = model
    if model == "-":
        asked, notes = read_model(session, model)
    result = train(
        asked,
        cluster=cluster,
        gpu=gpu,
        gpus=gpus,
        tokens=tokens,
        days=days,
        seq_len=seq_len,
        global_batch=global_batch,
        precision=precision,
        software=software,
        kind=kind,
        epochs=epochs,
        packing=packing,
        rank=rank,
        targets=targets,
        goal=goal,
        exhaustive=exhaustive,
        top=top,
        tp=tp,
        cp=cp,
        pp=pp,
        vpp=vpp,
        ep=ep,
        etp=etp,
        dp=dp,
        micro_batch=micro_batch,
        sharding=sharding,
        recompute=recompute,
        recompute_layers=recompute_layers,
        sequence_parallel=sequence_parallel,
        zero_bubble=zero_bubble,
        in_flight=in_flight,
        offload=offload,
        site=site,
        price=price,
        finance=finance,
        power_cap=power_cap,
        failures=failures,
        availability=availability,
        checkpoint=checkpoint,
        link=link,
        catalog=session.catalog(),
    )
    check_overrides(session)
    explanation = result.explain() if explain and result.plan is not None else None
    return _answer(session, result, explanation, notes)


def _answer(
    session: Session, result: TrainResult, explanation: Explanation | None, notes: tuple[str, ...]
) -> Answer:
    from planner.plan.table import explain_rows, plan_records

    return answer(
        session,
        result,
        records=plan_records(result),
        tables=[*tables_of(result.sections()), *assumed(result), *explained(explanation, explain_rows)],
        searched=_searched(result.result.search),
        explanation=explanation,
        notes=notes,
    )


def _searched(search: Search) -> str:
    return (
        f"{search.strategies_evaluated:,} layouts evaluated and {search.strategies_pruned:,} pruned in "
        f"{search.seconds:.2f} s; {search.strategies_feasible:,} fit in memory"
    )
