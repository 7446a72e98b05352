"""One point of the frontier: the run of one time, with everything that is said about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.scaling.batch import latency_wall_s, layer_s
from planner.model.scaling.loss import FLOP_PER_PARAMETER_TOKEN
from planner.model.scaling.ranges import beyond
from planner.plan.document import Bottleneck, Interval
from planner.plan.frontier import results
from planner.plan.frontier.cost import seconds_to
from planner.plan.frontier.curve import Asked, curve_of, fine_sizes, index_of
from planner.plan.frontier.outcome import evaluated, expected, limits_of, sure_size
from planner.plan.frontier.words import point_sentence, worse_than_guessing
from planner.units import SECONDS_PER_DAY, TERA, format_quantity
from planner.workload.counts import parameters as counts_of

if TYPE_CHECKING:
    from planner.plan.frontier.build import Explored
    from planner.plan.frontier.curve import Curve
    from planner.plan.frontier.laws import Laws
    from planner.plan.frontier.outcome import Chosen
    from planner.plan.results import Plan, TrainResult
    from planner.workload.shape import Shape

__all__ = ["model_name", "point_of"]

_FACTORS: Final = (0.25, 0.5, 0.5**0.5, 1.0, 2.0**0.5, 2.0, 4.0)
"""Sizes about the best that are listed."""


def point_of(
    explored: Explored, laws: Laws, asked: Asked, chosen: Chosen, *, seconds: float, base: Curve
) -> tuple[results.Point, TrainResult, float]:
    """Evaluate the run that was chosen and say what there is to say of it.

    Parameters
    ----------
    seconds
        Of the run.
    base
        The curve of that time over all sizes.

    Returns
    -------
    (Point, TrainResult, float)
        The point without its serving, the whole answer of `planner.train`, and its tokens over those of the
        surface.
    """
    setting = explored.setting
    days = seconds / SECONDS_PER_DAY
    result = evaluated(setting, chosen, days)
    plan = result.plan
    tokens = result.result.tokens
    if plan is None or tokens is None:
        raise RuntimeError("a layout that a search found is not feasible on its own; report this")
    record = chosen.found.case.job.record
    counts = counts_of(record.architecture)
    size = float(counts.total if setting.shape.counted == "all" else counts.active)
    critical = laws.critical_samples(tokens.value)
    loss = expected(laws, parameters=size, tokens=tokens, batch=chosen.batch, critical=critical)
    worth = float(laws.stated.worth(tokens.value, chosen.batch, critical[:1]).flat[0])
    limits = () if asked.goal == "cost" else limits_of(explored, laws, seconds=seconds, base=base)
    table = chosen.found.case.job.model
    wall = latency_wall_s(
        tokens=tokens.value,
        batch=chosen.batch,
        layers=float(table.layers[0]),
        layer_s=layer_s(
            law=laws.stated.wall, collective_s=float(np.max(setting.site.table.tier_latency_s[0]))
        ),
    )
    flop = FLOP_PER_PARAMETER_TOKEN * size * tokens.value
    ahead = float(
        laws.stated.split(np.array([size]), np.array([worth]), explored.counted(np.array([size])))[0]
    )
    point = results.Point(
        days=asked.days,
        model=model_name(setting.shape, chosen.parameters),
        name=record.name,
        parameters=_size_interval(explored, laws, asked, seconds, size, tokens, critical),
        total_parameters=counts.total,
        layers=int(table.layers[0]),
        hidden=int(table.hidden[0]),
        tokens=tokens,
        tokens_per_parameter=tokens.value / size,
        epochs=tokens.value / float(laws.unique[0, 0]),
        batch_tokens=chosen.batch,
        critical_batch_tokens=_critical(laws, tokens.value),
        tokens_worth=worth,
        loss=loss,
        ahead=None if np.isnan(ahead) else ahead,
        flop=flop,
        model_flop=plan.mfu.model_tflop_per_token * TERA * tokens.value,
        train_days=days,
        latency_wall_days=float(np.ravel(wall)[0]) / SECONDS_PER_DAY,
        run=_run(plan),
        leverage=_leverage(laws, setting.shape, size, tokens.value, worth),
        by_batch_law=_by_batch_law(explored, laws, asked, seconds),
        limits=limits,
        binds=_binds(explored, limits, chosen.parameters),
        sizes=_sizes(explored, laws, asked, chosen, seconds, base),
        serving=None,
        extrapolated=(
            *_extrapolated(laws, setting.shape, size, tokens.value, flop),
            *worse_than_guessing(loss, record.architecture.vocab),
        ),
        sentence="",
    )
    surface = float(np.exp(np.interp(np.log(size), np.log(base.parameters), np.log(base.tokens))))
    point = point.model_copy(update={"sentence": point_sentence(point, asked.goal, laws)})
    return point, result, tokens.value / surface


def model_name(shape: Shape, parameters: float) -> str:
    """Return a size of a shape as `planner.train` takes it."""
    return f"{shape.id}:{format_quantity(parameters, 'count', digits=3)}"


def _size_interval(
    explored: Explored,
    laws: Laws,
    asked: Asked,
    seconds: float,
    size: float,
    tokens: Interval,
    critical: object,
) -> Interval:
    if asked.goal != "loss":
        return Interval(value=size, low=size, high=size)
    return sure_size(
        explored, laws, seconds=seconds, parameters=size, tokens=tokens, critical=np.asarray(critical)
    )


def _critical(laws: Laws, tokens: float) -> Interval:
    each = [float(replace(laws, batches=(one,)).critical(tokens).flat[0]) for one in laws.batches]
    return Interval(value=float(laws.critical(tokens).flat[0]), low=min(each), high=max(each))


def _run(plan: Plan) -> results.Run:
    share = plan.goodput.value
    return results.Run(
        gpus_used=plan.gpus_used,
        gpus_spare=plan.gpus_spare,
        strategy=plan.strategy,
        step_time_s=plan.step_time_s,
        tokens_per_s=plan.tokens_per_s,
        goodput=plan.goodput,
        mfu=plan.mfu.value,
        days=plan.days_with_failures,
        gpu_hours=plan.gpu_hours.scaled(1.0 / share),
        cost_usd=plan.cost_usd,
        usd_per_gpu_hour=plan.usd_per_gpu_hour,
        power_megawatts=plan.power_megawatts,
        energy_megawatt_hours=plan.energy_megawatt_hours,
        co2_tonnes=plan.co2_tonnes,
        hours_between_failures=plan.reliability.mean_hours_between_failures.value,
        fit_probability=plan.memory_gb_per_gpu.fit_probability,
        bottleneck=plan.bottleneck,
    )


def _leverage(laws: Laws, shape: Shape, size: float, tokens: float, worth: float) -> results.Leverage | None:
    if laws.leverage is None:
        return None
    ends = (float(laws.leverage[0, 0]), *np.quantile(laws.leverage, (0.1, 0.9)))

    def loss(leverage: float) -> float | None:
        own = replace(laws.stated, leverage=np.array([[leverage]]))
        return None if own.loss_law is None else float(np.ravel(own.loss(size, tokens, worth))[0])

    low, high = min(ends[1], ends[0]), max(ends[2], ends[0])
    return results.Leverage(
        value=ends[0],
        low=float(low),
        high=float(high),
        activation=shape.activation,
        granularity=shape.granularity,
        loss_without=loss(1.0),
        loss_low=loss(float(high)),
        loss_high=loss(float(low)),
    )


def _by_batch_law(
    explored: Explored, laws: Laws, asked: Asked, seconds: float
) -> tuple[results.BatchLawView, ...]:
    surface = explored.surface
    if surface is None or len(laws.batches) == 1 or asked.goal == "cost":
        return ()
    sizes, views = fine_sizes(surface), []
    for one in laws.batches:
        own = replace(laws, batches=(one,))
        curve = curve_of(
            surface, own, seconds=seconds, parameters=sizes, flop_per_token=explored.counted(sizes)
        )
        at = index_of(asked, curve)
        views.append(
            results.BatchLawView(
                law=one.id,
                critical_batch_tokens=float(curve.critical[at]),
                batch_tokens=float(curve.batches[at]),
                parameters=float(curve.parameters[at]),
                tokens=float(curve.tokens[at]),
                tokens_worth=float(curve.worth[at]),
                loss=_or_none(curve.loss[at]),
            )
        )
    return tuple(views)


def _sizes(
    explored: Explored, laws: Laws, asked: Asked, chosen: Chosen, seconds: float, base: Curve
) -> tuple[results.Size, ...]:
    surface, setting = explored.surface, explored.setting
    if surface is None:
        return ()
    low, high = surface.sizes[0], surface.sizes[-1]
    sizes = np.array([s for f in _FACTORS if low * 0.999 <= (s := chosen.parameters * f) <= high * 1.001])
    curve = curve_of(surface, laws, seconds=seconds, parameters=sizes, flop_per_token=explored.counted(sizes))
    middle = int(np.argmin(np.abs(np.log(sizes / chosen.parameters))))
    own = float(curve.loss[middle])
    rate = curve.tokens / seconds
    days = (
        np.full(len(sizes), seconds)
        if np.isnan(own)
        else seconds_to(laws, loss=own, parameters=sizes, rate=rate, batches=curve.batches)
    )
    peak = explored.peak_flop_per_s / setting.site.available
    return tuple(
        results.Size(
            parameters=float(sizes[i]),
            model=model_name(setting.shape, float(sizes[i])),
            batch_tokens=float(curve.batches[i]),
            tokens=float(curve.tokens[i]),
            tokens_per_parameter=float(curve.tokens[i] / sizes[i]),
            loss=_or_none(curve.loss[i]),
            loss_more=_or_none(curve.loss[i] - own),
            utilisation=float(FLOP_PER_PARAMETER_TOKEN * sizes[i] * rate[i] / (peak * curve.gpus[i])),
            gpus_used=round(float(curve.gpus[i])),
            cost_usd=float(curve.gpus[i] * seconds) * setting.usd_per_gpu_s,
            days=float(days[i]) / SECONDS_PER_DAY if np.isfinite(days[i]) else None,
        )
        for i in range(len(sizes))
    )


def _binds(explored: Explored, limits: tuple[results.Limit, ...], parameters: float) -> Bottleneck:
    """Say what would help most."""
    surface = explored.surface
    top = 0.0 if surface is None else float(surface.sizes[-1])
    larger = [why for size, why in explored.dropped.items() if size > top]
    if larger and parameters >= 0.9 * top:
        return Bottleneck(
            resource="memory", share=1.0, sentence=f"memory: larger models do not fit ({larger[0]})"
        )
    if not limits:
        return Bottleneck(resource="loss", share=1.0, sentence="the loss that is asked for")
    gains = [limit.loss if limit.loss is not None else limit.tokens - 1.0 for limit in limits]
    total = sum(gains)
    best = int(np.argmax(gains))
    return Bottleneck(
        resource=limits[best].resource,
        share=gains[best] / total if total > 0 else 0.0,
        sentence=limits[best].sentence,
    )


def _extrapolated(laws: Laws, shape: Shape, size: float, tokens: float, flop: float) -> tuple[str, ...]:
    """Where laws are used beyond the runs of their fit."""
    said = list(beyond(laws.law, **_known(laws.law.fitted, parameters=size, tokens=tokens, flop=flop)))
    for one in laws.batches:
        said += beyond(one, **_known(one.fitted, tokens=tokens))
    if laws.leverage_law is not None:
        law = laws.leverage_law
        said += beyond(
            law,
            **_known(law.fitted, flop=flop, activation=shape.activation, granularity=shape.granularity),
        )
    larger = shape.beyond(size)
    return (*said, *(() if larger is None else (larger,)))


def _known(fitted: dict[str, tuple[float, float]], **values: float) -> dict[str, float]:
    return {name: value for name, value in values.items() if name in fitted}


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
