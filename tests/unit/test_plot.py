"""Figures: what is drawn where, no words on words, the same bytes each time, nothing left behind."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import planner.plot
from planner.errors import InfeasibleError, OutputError, UsageError
from planner.plan.compare.results import CompareAnswer, CompareInputs, CompareResult, Side, Step, Waterfall
from planner.plan.curve.results import Axis, CurveAnswer, CurveInputs, CurveResult, Mark, Point, Series
from planner.plan.document import Interval
from planner.plan.sensitivity.results import (
    Bar,
    Effort,
    End,
    FigureUsed,
    SensitivityAnswer,
    SensitivityInputs,
    SensitivityResult,
)
from planner.plot.axes import extent, short
from planner.plot.files import rendered
from planner.plot.labels import overlapping, spread, written
from planner.plot.style import COLOURS, MARKERS

GPUS = np.geomspace(8, 1e7, 40)


def _series(name: str, power: float, *, style: str = "line", group: str = "", marks: int = 0) -> Series:
    y = 1e3 * GPUS**power
    return Series(
        name=name,
        style=style,  # type: ignore[arg-type]
        group=group,
        points=tuple(
            Point(x=float(a), y=Interval(value=float(b), low=0.8 * b, high=1.3 * b))
            for a, b in zip(GPUS, y, strict=True)
        ),
        marks=tuple(
            Mark(x=float(GPUS[20 + i]), y=float(y[20 + i]), label=f"number {i} binds", sentence="So.")
            for i in range(marks)
        ),
    )


def _result(*series: Series, caption: str = "Assumed: nothing. ", log: bool = True) -> CurveResult:
    answer = CurveAnswer(
        title="Throughput of a model with a long name on several kinds of accelerators against accelerators",
        caption=(caption * 12,),
        x=Axis(key="gpus", title="Accelerators", log=True),
        y=Axis(key="tokens_per_s", title="Throughput", unit="tokens/s", log=log),
        series=series,
    )
    return CurveResult(inputs=CurveInputs(kind="throughput"), assumptions=(), result=answer, sources={})


FULL = _result(
    _series("weak scaling", 1.0, group="a", marks=3),
    _series("strong scaling", 0.9, style="dashed", group="a", marks=4),
    *(_series(f"model number {i}", 0.9 - 0.01 * i, group=f"b{i}", marks=2) for i in range(5)),
)


def _within(axes: Any) -> None:
    whole = axes.figure.bbox
    for text, box in written(axes):
        assert min(box.x0 - whole.x0, whole.x1 - box.x1, box.y0 - whole.y0, whole.y1 - box.y1) >= -1, text


@pytest.mark.parametrize("size", [(8.0, 5.0), (5.0, 4.0), (4.0, 3.0), (12.0, 7.0)])
def test_no_words_lie_on_words_and_all_within_the_figure(size: tuple[float, float]) -> None:
    axes = planner.plot.curve(FULL, size=size)
    assert overlapping(axes) == []
    _within(axes)


def test_data_bands_and_scales_of_axes() -> None:
    axes = planner.plot.curve(FULL)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_ylabel() == "Throughput (tokens/s)"
    lines = [line for line in axes.lines if len(line.get_xdata()) == len(GPUS)]
    assert len(lines) == len(FULL.result.series)
    np.testing.assert_allclose(lines[0].get_ydata(), 1e3 * GPUS)
    assert [line.get_color() for line in lines[:3]] == [COLOURS[0], COLOURS[0], COLOURS[1]]
    assert [line.get_marker() for line in lines[:3]] == [MARKERS[0], MARKERS[0], MARKERS[1]]
    assert lines[0].get_linestyle() != lines[1].get_linestyle()
    band = axes.collections[0].get_paths()[0].vertices
    assert np.max(band[:, 1]) == pytest.approx(1.3 * 1e3 * GPUS[-1])
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert {"10", "1k", "100k", "10M"} <= set(ticks)


def test_a_figure_that_is_too_low_for_its_words_becomes_higher() -> None:
    low = planner.plot.curve(FULL, size=(4.0, 3.0))
    width, height = low.figure.get_size_inches()
    assert (width, height > 3.0) == (4.0, True)
    assert low.get_window_extent().height >= 1.69 * low.figure.dpi
    high = planner.plot.curve(FULL, size=(8.0, 6.0))
    assert tuple(high.figure.get_size_inches()) == (8.0, 6.0)


def test_lines_of_one_colour_have_markers_of_their_own_and_one_point_its_interval() -> None:
    nine = planner.plot.curve(_result(*(_series(f"model {i}", 1.0 - 0.01 * i) for i in range(9))))
    lines = [line for line in nine.lines if len(line.get_xdata()) == len(GPUS)]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 9
    whole = _series("a", 1.0)
    one = planner.plot.curve(_result(whole.model_copy(update={"points": whole.points[:1]})))
    (ends,) = one.collections[0].get_segments()
    np.testing.assert_allclose(ends[:, 1], [0.8e3 * 8, 1.3e3 * 8])


def test_a_legend_of_many_lines_covers_none() -> None:
    many = [_series(f"a model with a long name, number {i}", 1.0 - 0.01 * i) for i in range(12)]
    axes = planner.plot.curve(_result(*many), size=(4.0, 3.0))
    assert axes.get_legend().get_window_extent().y1 < axes.get_window_extent().y0
    assert overlapping(axes) == []


def test_axes_of_yours_are_drawn_on_and_returned() -> None:
    figure = Figure(figsize=(6, 4))
    own = figure.add_subplot()
    assert planner.plot.curve(_result(_series("a", 1.0), _series("b", 0.5)), own) is own
    assert own.get_title()
    assert [text.get_text() for text in own.get_legend().get_texts()] == ["a", "b"]
    assert own.figure is figure


def test_settings_of_the_user_are_left_alone() -> None:
    with matplotlib.rc_context({"font.size": 31.0, "axes.grid": True}):
        before = dict(matplotlib.rcParams)
        axes = planner.plot.curve(_result(_series("a", 1.0)))
        assert dict(matplotlib.rcParams) == before
        assert max(label.get_fontsize() for label in axes.get_xticklabels()) < 12


@pytest.mark.parametrize(("format", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_same_figure_gives_the_same_bytes(format: str, start: bytes) -> None:
    one, two = (rendered(planner.plot.curve(FULL), format) for _ in range(2))
    assert one.startswith(start)
    assert one == two
    assert b"<dc:date>" not in one
    assert b"CreationDate" not in one


def test_a_figure_is_saved_by_its_ending(tmp_path: Any) -> None:
    axes = planner.plot.lines(_result(_series("a", 1.0)))
    planner.plot.save(axes, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_bytes() == rendered(axes, "svg")
    with pytest.raises(UsageError, match="did you mean 'svg'"):
        planner.plot.save(axes, tmp_path / "a.svgg")
    with pytest.raises(OutputError, match="cannot be written"):
        planner.plot.save(axes, tmp_path / "none" / "a.svg")


def test_nothing_to_draw_says_why_and_sizes_are_bounded() -> None:
    empty = _result()
    empty = empty.model_copy(
        update={"result": empty.result.model_copy(update={"reasons": ("it is too large",)})}
    )
    with pytest.raises(InfeasibleError, match="nothing to draw: it is too large"):
        planner.plot.curve(empty)
    with pytest.raises(UsageError, match="each side must be from 2 to 60"):
        planner.plot.curve(FULL, size=(1.0, 5.0))
    with pytest.raises(AttributeError, match="no attribute 'pie'"):
        planner.plot.pie  # noqa: B018


def test_functions_stay_functions_when_their_modules_are_imported() -> None:
    import planner.plot.curves
    import planner.plot.series

    assert all(callable(getattr(planner.plot, name)) for name in planner.plot.__all__)
    assert set(planner.plot.__all__) <= set(dir(planner.plot))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8, "8"),
        (64, "64"),
        (1000, "1k"),
        (2.5e6, "2.5M"),
        (0, "0"),
        (-5e3, "\N{MINUS SIGN}5k"),
        (2e-5, "2e-5"),
    ],
)
def test_numbers_at_ticks(value: float, text: str) -> None:
    assert short(value) == text


def test_labels_are_moved_no_further_than_they_must() -> None:
    wanted, heights = np.array([10.0, 50.0, 52.0, 54.0]), np.full(4, 8.0)
    placed = spread(wanted, heights, 0.0, 100.0)
    assert placed is not None
    assert list(placed) == [10.0, 44.0, 52.0, 60.0]
    assert spread(wanted, np.full(4, 30.0), 0.0, 100.0) is None
    low = spread(np.array([0.0, 0.0]), np.array([10.0, 10.0]), 0.0, 100.0)
    assert list(low if low is not None else ()) == [5.0, 15.0]


def _side(name: str) -> Side:
    return Side(name=name, kind="accelerator", inputs={}, headline="", plan="", feasible=True)


def test_a_waterfall_steps_from_one_side_to_the_other() -> None:
    factors = {"peak FLOP/s": 0.4, "utilisation": 1.1, "host": 1.0005, "fixed": 0.9995}
    ratio = float(np.prod(list(factors.values())))
    steps = tuple(
        Step(name=name, group=name, factor=f, log_share=float(np.log(f)), detail="")
        for name, f in factors.items()
    )
    fall = Waterfall(
        figure="days",
        unit="days",
        side=1,
        first=100.0,
        value=100.0 * ratio,
        ratio=ratio,
        steps=steps,
        sentence="So.",
    )
    inputs = CompareInputs(names=("h100", "b200"), question="train", of=None, base={})
    answer = CompareAnswer(sides=(_side("h100"), _side("b200")), figures=(), waterfalls=(fall,))
    result = CompareResult(inputs=inputs, assumptions=(), result=answer, sources={})
    axes = planner.plot.waterfall(result)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["h100", "peak FLOP/s", "utilisation", "2 more", "b200"]
    bars = [patch for patch in axes.patches if patch.get_width() != 0]
    assert bars[1].get_x() == pytest.approx(100.0)
    assert bars[1].get_width() == pytest.approx(-60.0)
    assert bars[-1].get_x() + bars[-1].get_width() == pytest.approx(100.0 * ratio)
    assert overlapping(axes) == []
    _within(axes)
    nothing = result.model_copy(update={"result": answer.model_copy(update={"waterfalls": ()})})
    with pytest.raises(InfeasibleError, match="explains no difference"):
        planner.plot.waterfall(nothing)


def _bar(name: str, low: float | None, high: float | None) -> Bar:
    ends = [
        End(value=None, text=text, figure=figure, change=None)
        for text, figure in (("less", low), ("more", high))
    ]
    there = [x for x in (low, high, 10.0) if x is not None]
    return Bar(
        name=name, label=f"{name} of something with a rather long name", where="record", dimension=None,
        base=1.0, base_text="1", low=ends[0], high=ends[1], effect=max(there) - min(there), share=None,
        basis="",
    )  # fmt: skip


def test_a_tornado_has_the_widest_first_and_leaves_out_what_does_not_move_it() -> None:
    bars = (_bar("a", 5.0, 20.0), _bar("b", 12.0, 14.0), _bar("c", None, 9.0), _bar("d", 10.0, 10.01))
    answer = SensitivityAnswer(
        sentence="", figure=FigureUsed(path="days", label="days", value=10.0, low=None, high=None), bars=bars,
        elasticities=(), effort=Effort.model_construct(),
    )  # fmt: skip
    inputs = SensitivityInputs(
        command="train", scenario="x", question={}, figure="days", vary=(), all=True, holds=None,
        search=False, asks=1, top=1,
    )  # fmt: skip
    result = SensitivityResult(inputs=inputs, assumptions=(), result=answer, sources={})
    axes = planner.plot.tornado(result)
    assert len(axes.get_yticklabels()) == 3
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    assert spans == [(10, 5), (10, 20), (10, 12), (10, 14), (10, 9)]
    heights = [patch.get_height() for patch in axes.patches]
    assert heights[2:4] == pytest.approx([heights[0] / 2.0] * 2)  # both to the right: one above the other
    assert overlapping(axes) == []
    _within(axes)
    assert extent(axes.texts[0]).width > 0
