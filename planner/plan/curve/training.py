"""Curves of training against accelerators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan.curve.results import Axis, CurveAnswer, Point, Series
from planner.plan.document import Interval

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked

__all__ = ["data"]


def data(asked: Asked) -> CurveAnswer:
    """Compute a curve of training."""
    from planner.plan.train import train

    series = []
    for model in asked.models:
        for spot in asked.spots:
            points = []
            for n in asked.accelerators(spot):
                plan = train(
                    model, cluster=spot.cluster, gpu=spot.gpu, gpus=int(n), top=0, catalog=asked.book
                ).plan
                if plan is not None:
                    y = plan.tokens_per_s.scaled(plan.goodput.value)
                    points.append(Point(x=float(n), y=Interval(value=y.value, low=y.low, high=y.high)))
            series.append(Series(name=f"{model}, {spot.label}", points=tuple(points)))
    return CurveAnswer(
        title="Throughput of training",
        x=Axis(key="gpus", title="Accelerators", log=True),
        y=Axis(key="tokens_per_s", title="Throughput", unit="tokens/s", log=True),
        series=tuple(series),
    )
