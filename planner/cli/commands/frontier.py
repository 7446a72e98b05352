"""``planner frontier``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import assumed, document_of, option, tables_of
from planner.cli.session import Session
from planner.cli.surroundings import (
    CheckpointOption,
    FailuresOption,
    FinanceOption,
    PowerCapOption,
    PriceOption,
    SiteOption,
    SoftwareOption,
)

if TYPE_CHECKING:
    from planner.plan.frontier.results import FrontierResult

__all__ = ["run"]

_INFEASIBLE = 4


@command
def run(
    session: Session,
    cluster: Annotated[
        str | None,
        typer.Argument(
            metavar="CLUSTER",
            help="The hardware, by name.",
            autocompletion=names_of("cluster"),
            show_default=False,
        ),
    ] = None,
    days: Annotated[
        str | None,
        option("--days", metavar="D", text="Time, or times: 90, '12 weeks', 30,90,180,365; default: 90."),
    ] = None,
    gpu: Annotated[
        str | None,
        option("--gpu", metavar="NAME", text="Instead of a cluster: an accelerator.", kind="accelerator"),
    ] = None,
    gpus: Annotated[str | None, option("--gpus", text="How many, at most.")] = None,
    goal: Annotated[
        str, typer.Option("--goal", metavar="GOAL", help="loss, size (largest), cost (training and serving).")
    ] = "loss",
    law: Annotated[
        str | None,
        option("--law", metavar="NAME", text="Scaling law; default: besiroglu.", kind="scaling-law"),
    ] = None,
    shape: Annotated[
        str | None, option("--shape", metavar="NAME", text="dense (default), moe, moe-sparse.", kind="shape")
    ] = None,
    batch_law: Annotated[
        str,
        typer.Option("--batch-law", metavar="NAME", help="Critical batch: band, zhang-tokens, bergsma."),
    ] = "band",
    unique_tokens: Annotated[
        str | None,
        option("--unique-tokens", text="Different tokens that there are; default: 300T of public text."),
    ] = None,
    leverage: Annotated[
        str | None,
        option("--leverage", metavar="X", text="Compute that a mixture saves; default: by its experts."),
    ] = None,
    tokens_per_parameter: Annotated[
        str | None,
        option("--tokens-per-parameter", text="Least for --goal size; default: the law's best split."),
    ] = None,
    loss: Annotated[
        str | None,
        option(
            "--loss", metavar="NATS", text="To be reached by --goal cost; default: that of half the time."
        ),
    ] = None,
    serve_tokens: Annotated[
        str | None, option("--serve-tokens", text="Written in the model's life, for --goal cost.")
    ] = None,
    traffic: Annotated[
        str | None,
        option("--traffic", metavar="NAME", text="Kind of requests served; default: chat.", kind="traffic"),
    ] = None,
    seq_len: Annotated[str | None, option("--seq-len", text="Tokens of a sequence; default: 8192.")] = None,
    precision: Annotated[
        str | None, option("--precision", metavar="NAME", text="bf16 (default), fp8, mxfp8, nvfp4 ...")
    ] = None,
    software: SoftwareOption = None,
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    power_cap: PowerCapOption = None,
    failures: FailuresOption = None,
    checkpoint: CheckpointOption = None,
) -> Answer:
    """Find the best model that CLUSTER can train in the time.

    By a scaling law and the estimator of planner train: layout, failures and cost of the run are real. Exit
    code 4 where no model can be trained, or none in time.
    """
    from planner.plan.frontier.frontier import frontier

    result = frontier(
        cluster,
        days=days,
        gpu=gpu,
        gpus=gpus,
        goal=goal,
        law=law,
        shape=shape,
        batch_law=batch_law,
        unique_tokens=unique_tokens,
        leverage=leverage,
        tokens_per_parameter=tokens_per_parameter,
        loss=loss,
        serve_tokens=serve_tokens,
        traffic=traffic,
        seq_len=seq_len,
        precision=precision,
        software=software,
        site=site,
        price=price,
        finance=finance,
        power_cap=power_cap,
        failures=failures,
        checkpoint=checkpoint,
        catalog=session.catalog(),
    )
    return _answer(session, result)


def _answer(session: Session, result: FrontierResult) -> Answer:
    from planner.plan.frontier.table import point_records

    facts, records = result.result.surface, point_records(result)
    keys = dict.fromkeys(key for record in records for key in record)
    return Answer(
        document=document_of(session, result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        records=Table([Column(key, key) for key in keys], records),
        text=f"{facts.searches} searches for {len(facts.sizes)} sizes in {facts.seconds:.2f} s.",
        notes=result.result.notes,
        exit_code=0 if len(result.points) == len(result.inputs.days) else _INFEASIBLE,
    )
