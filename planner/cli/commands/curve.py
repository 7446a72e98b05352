"""``planner curve KIND [MODEL]``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.output import Answer, Column, Table
from planner.cli.pictures import Picture
from planner.cli.plans import assumed, document_of, option, tables_of
from planner.cli.session import Session
from planner.cli.surroundings import FailuresOption, FinanceOption, PriceOption, SiteOption
from planner.errors import UsageError
from planner.plan.curve.kinds import KINDS

if TYPE_CHECKING:
    from planner.plan.curve.results import CurveResult

__all__ = ["run"]

_INFEASIBLE = 4


def _kinds(incomplete: str) -> list[str]:
    return [name for name in KINDS if name.startswith(incomplete)]


def _several(name: str, *short: str, text: str, kind: str) -> Any:
    return typer.Option(
        name,
        *short,
        metavar="NAME",
        help=f"{text}; repeatable.",
        show_default=False,
        autocompletion=names_of(kind),
    )


def _with_kinds(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add the kinds to the help of a command."""
    kinds = "\n".join(f"{kind.name:<16}{kind.about}" for kind in KINDS.values())
    function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n\b\n{kinds}"
    return function


@command
@_with_kinds
def run(
    session: Session,
    picture: Picture,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="What is shown, see below.", autocompletion=_kinds, show_default=False
        ),
    ],
    model_: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL", help="A model.", autocompletion=names_of("model"), show_default=False
        ),
    ] = None,
    model: Annotated[list[str] | None, _several("--model", "-m", text="A model", kind="model")] = None,
    cluster: Annotated[
        list[str] | None, _several("--cluster", "-c", text="Hardware of a cluster", kind="cluster")
    ] = None,
    gpu: Annotated[list[str] | None, _several("--gpu", text="An accelerator", kind="accelerator")] = None,
    traffic: Annotated[
        list[str] | None, _several("--traffic", text="Kind of requests, in serving", kind="traffic")
    ] = None,
    gpus: Annotated[
        str | None,
        option("--gpus", metavar="RANGE", text="Accelerators, as in 8..10M (default), or up to so many."),
    ] = None,
    points: Annotated[str | None, option("--points", text="Points of a line, at most; default: 60.")] = None,
    scaling: Annotated[
        str,
        typer.Option("--scaling", metavar="NAME", help="weak (batch grows), strong (batch stays), both."),
    ] = "both",
    base: Annotated[
        str | None,
        option("--base", text="Accelerators on which weak scaling has the recipe's batch; default: 16,384."),
    ] = None,
    layout: Annotated[
        str | None,
        option("--layout", metavar="FIELDS", text="Pinned, as in 'tp=8 pp=16'; default: the best of all."),
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            "-w",
            metavar="NAME=VALUE",
            help="Another input of the question behind the points, as in seq_len=32k; repeatable.",
            show_default=False,
        ),
    ] = None,
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    failures: FailuresOption = None,
) -> Answer:
    """Draw an answer over a range: -o FILE.svg, .png or .pdf.

    Several models, clusters, accelerators or kinds of requests are laid over one another. Without a picture
    some of the points are printed; --csv and --json have all of them, also beside a picture.
    """
    from planner.plan.curve.curve import curve
    from planner.plan.scenario.read import changes

    more = changes(with_ or ())
    around = {"site": site, "price": price, "finance": finance, "failures": failures}
    for name in more:
        if around.get(name) is not None:
            raise UsageError(f"--with {name} and --{name} say the same; keep one")
    result = curve(
        kind,
        model=[*([model_] if model_ is not None else []), *(model or ())],
        cluster=cluster,
        gpu=gpu,
        traffic=traffic,
        gpus=gpus,
        points=points,
        scaling=scaling,
        base=base,
        layout=layout,
        catalog=session.catalog(),
        **{**around, **more},
    )
    return _answer(session, picture, result)


def _answer(session: Session, picture: Picture, result: CurveResult) -> Answer:
    from planner.plan.curve.table import sentences

    answer = result.result
    rows = result.rows()
    keys = dict.fromkeys(key for row in rows for key in row)
    there = bool(rows)
    return Answer(
        document=document_of(session, result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        records=Table([Column(key, key) for key in keys], rows),
        text="\n".join(sentences(result)),
        notes=answer.notes,
        exit_code=0 if there else _INFEASIBLE,
        picture=picture.of("curve", result) if there else None,
    )
