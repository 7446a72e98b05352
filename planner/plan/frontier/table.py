"""The frontier as rows for people and as flat records; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.plan.frontier.words import count, days_text, nats, usd
from planner.plan.operating.table import between
from planner.plan.sections import Section, no_plan
from planner.plan.table import layout
from planner.units import MEGA, format_quantity

if TYPE_CHECKING:
    from planner.plan.frontier.results import FrontierResult, Point, Size

__all__ = ["HEAD", "SIZE_HEAD", "Rows", "point_records", "point_rows", "rows_of", "sections", "size_rows"]

Rows = list[tuple[str, ...]]
"""A table: rows of cells, all of the same length."""

HEAD: Final = (
    "days", "model", "parameters", "tokens", "per parameter", "batch", "loss", "MFU", "goodput", "cost", "MW",
)  # fmt: skip
SIZE_HEAD: Final = (
    "size", "tokens", "per parameter", "batch", "loss", "more", "utilisation", "cost", "days to the loss",
)  # fmt: skip


def rows_of(result: FrontierResult) -> Rows:
    """Rows under `HEAD`, one for each time."""
    return [_row(point) for point in result.points]


def _row(p: Point) -> tuple[str, ...]:
    return (
        f"{p.days:g}",
        p.model,
        between(p.parameters, count) if p.parameters.low < p.parameters.high else count(p.parameters.value),
        count(p.tokens.value),
        f"{p.tokens_per_parameter:.3g}",
        count(p.batch_tokens),
        "-" if p.loss is None else between(p.loss, nats),
        f"{p.run.mfu:.1%}",
        f"{p.run.goodput.value:.1%}",
        usd(p.run.cost_usd.value),
        f"{p.run.power_megawatts.value:,.4g}",
    )


def point_rows(p: Point) -> Rows:
    """Return (what, value) of a point."""
    s = p.run.strategy
    total = "" if p.total_parameters == round(p.parameters.value) else " active"
    rows: Rows = [
        (
            "model",
            f"{count(p.parameters.value)}{total} parameters"
            f"{f' of {count(p.total_parameters)}' if total else ''}, {p.layers} layers of {p.hidden:,}; "
            f"planner train {p.model}",
        ),
        (
            "tokens",
            f"{between(p.tokens, count)}, {p.epochs:.2g} times the unique ones; worth "
            f"{count(p.tokens_worth)} fresh ones in small batches",
        ),
        (
            "batch",
            f"{count(p.batch_tokens)} tokens; critical {between(p.critical_batch_tokens, count)}",
        ),
        ("compute", f"{p.flop:.3g} FLOP by 6 N D, {p.model_flop:.3g} with attention and head"),
        (
            "run",
            f"{p.run.gpus_used:,} accelerators, {layout(s)}, {s.precision}, recompute {s.recompute}, MFU "
            f"{p.run.mfu:.1%}",
        ),
        (
            "time",
            f"{between(p.run.days, days_text)} with failures; goodput "
            f"{between(p.run.goodput, lambda x: f'{x:.1%}')}; latency alone {days_text(p.latency_wall_days)}",
        ),
        ("cost", f"{between(p.run.cost_usd, usd)}; {between(p.run.usd_per_gpu_hour, _dollars)} per GPU-hour"),
        ("power", between(p.run.power_megawatts, lambda mw: format_quantity(mw * MEGA, "watts", digits=3))),
        ("binds", p.binds.sentence),
        *(("limit", limit.sentence) for limit in p.limits if limit.sentence != p.binds.sentence),
    ]
    rows += _laws(p)
    if p.serving is not None:
        rows.append(("serving", p.serving.sentence))
    return rows


def _laws(p: Point) -> Rows:
    rows: Rows = [
        (
            f"by {view.law}",
            f"{count(view.parameters)} on {count(view.tokens)} tokens, batch {count(view.batch_tokens)}"
            + ("" if view.loss is None else f": {nats(view.loss)}"),
        )
        for view in p.by_batch_law
    ]
    if p.leverage is not None:
        own = p.leverage
        text = f"{own.value:.3g} ({own.low:.3g} to {own.high:.3g}) at {own.activation:.1%} of the experts"
        if own.loss_without is not None and own.loss_low is not None and own.loss_high is not None:
            text += (
                f": loss {nats(own.loss_low)} to {nats(own.loss_high)}, without it {nats(own.loss_without)}"
            )
        rows.append(("leverage", text))
    return rows


def size_rows(p: Point) -> Rows:
    """Rows under `SIZE_HEAD`: other sizes in the same time, and how long they take to the same loss."""
    return [_size(one) for one in p.sizes]


def _size(one: Size) -> tuple[str, ...]:
    return (
        one.model,
        count(one.tokens),
        f"{one.tokens_per_parameter:.3g}",
        count(one.batch_tokens),
        "-" if one.loss is None else nats(one.loss),
        "-" if one.loss_more is None else f"{one.loss_more:+.4f}",
        f"{one.utilisation:.1%}",
        usd(one.cost_usd)
        if one.total_usd is None
        else f"{usd(one.cost_usd)} + {usd(one.serving_usd or 0.0)}",
        "never" if one.days is None else days_text(one.days),
    )


def point_records(result: FrontierResult) -> list[dict[str, Any]]:
    """Return flat records, one for each time, with units in the names."""
    return [
        {
            "days": p.days,
            "model": p.model,
            **_flat("parameters", p.parameters),
            "total_parameters": p.total_parameters,
            **_flat("tokens", p.tokens),
            "tokens_per_parameter": p.tokens_per_parameter,
            "tokens_worth": p.tokens_worth,
            "batch_tokens": p.batch_tokens,
            **_flat("critical_batch_tokens", p.critical_batch_tokens),
            **({"loss": None} if p.loss is None else _flat("loss", p.loss)),
            "flop": p.flop,
            "train_days": p.train_days,
            "gpus_used": p.run.gpus_used,
            "mfu": p.run.mfu,
            "goodput": p.run.goodput.value,
            "cost_usd": p.run.cost_usd.value,
            "usd_per_gpu_hour": p.run.usd_per_gpu_hour.value,
            "power_megawatts": p.run.power_megawatts.value,
            "serving_usd": None if p.serving is None else p.serving.serving_usd.value,
            "binds": p.binds.resource,
        }
        for p in result.points
    ]


def sections(result: FrontierResult) -> Iterator[Section]:
    """Yield every table of the answer."""
    if not result.points:
        yield no_plan(result, result.result.sentence)
        return
    several = len(result.points) > 1
    yield Section(_title(result) if several else result.points[0].sentence, HEAD, rows_of(result))
    for point in result.points:
        yield Section(f"{point.days:g} days" if several else "", (), point_rows(point))
        yield Section("", SIZE_HEAD, size_rows(point))
    if result.result.reasons:
        yield no_plan(result, f"No model for every time: {result.result.reasons[0]}")


def _title(result: FrontierResult) -> str:
    inputs = result.inputs
    where = inputs.cluster or inputs.gpu
    return f"The best models of {inputs.gpus:,} {inputs.gpu} of {where}, by {inputs.law}"


def _flat(name: str, interval: Any) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _dollars(value: float) -> str:
    return f"${value:.2f}"
