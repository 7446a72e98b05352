"""``planner distill [STUDENT]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table
from planner.cli.plans import assumed, document_of, option, tables_of
from planner.cli.session import Session
from planner.cli.surroundings import (
    ClusterOption,
    FailuresOption,
    FinanceOption,
    GpuOption,
    GpusOption,
    PriceOption,
    SiteOption,
)

if TYPE_CHECKING:
    from planner.plan.distill.results import DistillResult

__all__ = ["run"]

_INFEASIBLE = 4


@command
def run(
    session: Session,
    student: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDENT",
            help="The model that learns; default: that of the recipe.",
            autocompletion=names_of("model"),
            show_default=False,
        ),
    ] = None,
    teacher: Annotated[
        str | None,
        option(
            "--teacher",
            "-t",
            metavar="NAME",
            text="The model that teaches, or an api-price where its weights are not at hand.",
            kind="model",
        ),
    ] = None,
    mode: Annotated[
        str | None,
        option("--mode", "-m", metavar="NAME", text="offline, online, sequence, on-policy, api, or all."),
    ] = None,
    recipe: Annotated[
        str | None,
        option("--recipe", metavar="NAME", text="For what is left open.", kind="distillation"),
    ] = None,
    api: Annotated[
        str | None,
        option(
            "--api",
            metavar="NAME",
            text="Where its text is bought, or '$3/$15' per million tokens in and out.",
            kind="api-price",
        ),
    ] = None,
    tokens: Annotated[
        str | None, option("--tokens", text="On which the student is trained, as in 100B.")
    ] = None,
    days: Annotated[str | None, option("--days", text="A deadline; without tokens, solve for them.")] = None,
    cluster: ClusterOption = None,
    gpu: GpuOption = None,
    gpus: GpusOption = None,
    teacher_loss: Annotated[
        str | None, option("--teacher-loss", metavar="NATS", text="Of the teacher; default: by the law.")
    ] = None,
    teacher_tokens: Annotated[
        str | None, option("--teacher-tokens", text="On which the teacher was trained.")
    ] = None,
    students: Annotated[
        str | None, option("--students", text="That share the training of the teacher; default: it exists.")
    ] = None,
    epochs: Annotated[str | None, option("--epochs", text="How often the student sees each token.")] = None,
    isl: Annotated[str | None, option("--isl", text="Tokens of a prompt, where somebody writes.")] = None,
    osl: Annotated[str | None, option("--osl", text="Tokens written after it.")] = None,
    accept_rate: Annotated[
        str | None,
        option("--accept-rate", metavar="SHARE", text="Of what a teacher writes, this much is kept."),
    ] = None,
    top_k: Annotated[
        str | None, option("--top-k", metavar="K", text="Logits stored of each token, or all.")
    ] = None,
    ground_truth: Annotated[
        str | None, option("--ground-truth", metavar="SHARE", text="Of the loss, on the text itself.")
    ] = None,
    seq_len: Annotated[str | None, option("--seq-len", text="Tokens of a training sequence.")] = None,
    global_batch: Annotated[
        str | None, option("--global-batch", text="Sequences of a step, or tokens as in '4M tokens'.")
    ] = None,
    precision: Annotated[
        str | None, option("--precision", metavar="NAME", text="Of the training: bf16, fp8 ...")
    ] = None,
    law: Annotated[
        str, typer.Option("--law", metavar="NAME", help="Scaling law of distillation.")
    ] = "busbridge",
    goal: Annotated[
        str | None,
        option("--goal", metavar="NAME", text="efficient (default) or fastest, at any cost."),
    ] = None,
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    failures: FailuresOption = None,
) -> Answer:
    """Plan a distillation: what it reaches and costs, when it pays.

    The ways: logits of an own teacher (offline: stored; online), its text (sequence), text of the student
    that the teacher scores (on-policy), and text that is bought (api). Exit code 4 where none is feasible in
    time.
    """
    from planner.plan.distill.answer import distill

    result = distill(
        student,
        teacher=teacher,
        mode=mode,
        recipe=recipe,
        api=api,
        tokens=tokens,
        days=days,
        cluster=cluster,
        gpu=gpu,
        gpus=gpus,
        teacher_loss=teacher_loss,
        teacher_tokens=teacher_tokens,
        students=students,
        epochs=epochs,
        isl=isl,
        osl=osl,
        accept_rate=accept_rate,
        top_k=top_k,
        ground_truth=ground_truth,
        seq_len=seq_len,
        global_batch=global_batch,
        precision=precision,
        law=law,
        goal=goal,
        site=site,
        price=price,
        finance=finance,
        failures=failures,
        catalog=session.catalog(),
    )
    return _answer(session, result)


def _answer(session: Session, result: DistillResult) -> Answer:
    from planner.plan.distill.table import plan_records

    records = plan_records(result)
    keys = dict.fromkeys(key for record in records for key in record)
    return Answer(
        document=document_of(session, result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        records=Table([Column(key, key) for key in keys], records),
        notes=result.result.notes,
        exit_code=0 if result.plan is not None else _INFEASIBLE,
    )
