"""Laws of curves of training, and of the search for the best layout alone."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import UsageError
from planner.plan.curve.curve import curve
from planner.plan.curve.results import CurveResult
from planner.plan.job import Case, as_catalog
from planner.plan.solve import request_of
from planner.plan.sweep.training_case import read_case
from planner.search import best, evaluate, search
from planner.search.costs import Known
from planner.tables import Strategy

MODELS = ("llama-3.1-8b", "mixtral-8x7b")
BOOK = as_catalog(None, ())


@cache
def _case(model: str) -> Case:
    shared = read_case(BOOK, {"model": model, "gpu": "h100"})
    assert not isinstance(shared, str)
    return shared.case


@cache
def _known(model: str) -> Known:
    return {}


_found: dict[str, list[Strategy]] = {model: [] for model in MODELS}


@settings(max_examples=12, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    gpus=st.integers(1, 40_000),
    batch=st.integers(1, 4096),
    fit=st.sampled_from((0.9, 0.1)),
)
def test_the_best_layout_alone_is_that_of_the_whole_search(
    model: str, gpus: int, batch: int, fit: float
) -> None:
    case = _case(model)
    case = replace(case, job=replace(case.job, global_batch=batch))
    asked = {
        "hardware": case.site.table,
        "model": case.job.model,
        "software": case.software,
        "request": request_of(case, gpus, fit=fit),
    }
    near = _found[model][-3:]
    alone = best(**asked, known=_known(model), near=near)  # type: ignore[arg-type]
    whole = search(**asked, alternatives=False, reasons=False).plans  # type: ignore[arg-type]
    assert (alone is None) == (whole is None)
    if alone is None or whole is None:
        return
    _found[model].append(alone)
    for name, column in vars(whole.strategy).items():
        np.testing.assert_array_equal(np.ravel(getattr(alone, name))[0], np.ravel(column)[0], err_msg=name)
    again = evaluate(**asked, strategy=alone)  # type: ignore[arg-type]
    assert again.step.step_s[0] == pytest.approx(whole.step.step_s[0], rel=1e-12)


def test_only_the_fastest_is_found_alone() -> None:
    case = _case(MODELS[0])
    request = request_of(replace(case, job=replace(case.job, goal="cheapest")), 8)
    with pytest.raises(UsageError, match="the goal must be 'fastest'"):
        best(hardware=case.site.table, model=case.job.model, software=case.software, request=request)


def _curve(*overrides: str) -> CurveResult:
    return curve(
        "throughput", model="llama-3.1-8b", gpu="h100", gpus="64..4096", points=3, set=overrides,
        catalog=None if overrides else BOOK,
    )  # fmt: skip


@cache
def _plain() -> CurveResult:
    return _curve()


def _rates(result: CurveResult) -> list[float]:
    return [point.y.value for series in result.result.series for point in series.points]


@pytest.mark.parametrize(
    "override",
    ["accelerator.h100-sxm.memory.bandwidth=*1.5", "accelerator.h100-sxm.scale_up.bandwidth=*2"],
)
def test_more_bandwidth_never_lowers_a_curve(override: str) -> None:
    for slower, faster in zip(_rates(_plain()), _rates(_curve(override)), strict=True):
        assert faster >= slower * (1.0 - 1e-9)


def test_more_accelerators_never_lengthen_a_step_of_one_batch() -> None:
    steps = [float(point.facts["step_time_s"] or 0.0) for point in _plain().result.series[1].points]
    assert steps == sorted(steps, reverse=True)


def test_both_ways_of_scaling_meet_where_the_batch_is_the_same() -> None:
    weak, strong = (
        series.points[-1] for series in _plain().result.series
    )  # the base is the end of the range
    assert weak == strong


def test_what_costs_more_is_dearer_at_every_point() -> None:
    asked = {
        "model": "llama-3.1-8b",
        "gpu": "h100",
        "gpus": "64..1024",
        "points": 2,
        "layout": "tp=1 pp=1 cp=1",
    }
    dear, cheap = (curve("cost", price=price, catalog=BOOK, **asked) for price in ("$4/h", "$2/h"))
    assert _rates(dear) == pytest.approx([2.0 * rate for rate in _rates(cheap)])
