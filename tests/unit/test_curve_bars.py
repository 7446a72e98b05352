"""Curves of memory and of the time of a step: the parts of plans as bars, and their pictures."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import planner
import planner.plot
from planner.errors import InputError, UsageError
from planner.plan.curve.curve import curve
from planner.plan.curve.layouts import collected
from planner.plan.curve.results import Axis, CurveAnswer, CurveInputs, CurveResult, Part, Stack
from planner.plan.document import Interval
from planner.plan.job import as_catalog
from planner.plot.labels import overlapping, written
from planner.units import MILLI

BOOK = as_catalog(None, ())
JOB: dict[str, Any] = {"model": "llama-3.1-8b", "gpu": "h100-sxm", "gpus": 64}


def asked(kind: str, **inputs: Any) -> CurveResult:
    return curve(kind, catalog=BOOK, **{**JOB, **inputs})


@pytest.fixture(scope="module")
def memory() -> CurveResult:
    return asked("memory")


@pytest.fixture(scope="module")
def times() -> CurveResult:
    return asked("breakdown", model=["llama-3.1-8b", "mixtral-8x7b"], gpu=["h100-sxm", "gb200"])


@pytest.fixture(scope="module")
def service() -> tuple[CurveResult, CurveResult]:
    return asked("memory", traffic="chat"), asked("breakdown", traffic="chat")


def parts(stack: Stack) -> dict[str, float]:
    return {part.name: part.value for part in stack.parts}


def test_memory_is_that_of_planner_train_and_of_its_alternatives(memory: CurveResult) -> None:
    answer = planner.train(**JOB, catalog=BOOK)
    assert answer.plan is not None
    held = answer.plan.memory_gb_per_gpu
    best, *others = memory.result.stacks
    assert best.name.startswith("best: ")
    assert best.total.value == pytest.approx(held.device)
    assert best.limit == held.capacity
    assert best.total.low < held.device < best.total.high < held.capacity
    assert sum(parts(best).values()) == pytest.approx(held.device)
    assert parts(best)["weights"] == pytest.approx(held.weights)
    want = {one.memory_gb_per_gpu for one in answer.result.alternatives}
    assert others
    assert all(any(one.total.value == pytest.approx(w) for w in want) for one in others)
    assert len({one.parts for one in memory.result.stacks}) == len(memory.result.stacks)


def test_times_add_up_to_the_step_of_planner_train(times: CurveResult) -> None:
    names = [stack.name.partition(": ")[0] for stack in times.result.stacks]
    assert names == ["llama-3.1-8b, h100-sxm", "llama-3.1-8b, gb200", "mixtral-8x7b, h100-sxm",
                     "mixtral-8x7b, gb200"]  # fmt: skip
    plan = planner.train("mixtral-8x7b", gpu="gb200", gpus=64, top=0, catalog=BOOK).plan
    assert plan is not None
    last = times.result.stacks[-1]
    assert last.total == plan.step_time_s
    for stack in times.result.stacks:
        assert sum(parts(stack).values()) == pytest.approx(stack.total.value)
    spent = plan.time_breakdown_s
    assert parts(last)["attention"] == pytest.approx(spent["attention"])
    assert (
        "expert parallel" not in parts(times.result.stacks[0])
        or not parts(times.result.stacks[0])["expert parallel"]
    )


def test_a_pinned_layout_stands_beside_the_best() -> None:
    stacks = asked("breakdown", layout="tp=4 recompute=full").result.stacks
    best, pinned = stacks[0], stacks[1]
    assert pinned.name.startswith("pinned: tp4 ")
    assert pinned.name.endswith("recompute full")
    assert pinned.total.value > best.total.value
    assert parts(pinned)["recompute"] > parts(best).get("recompute", 0.0)


def test_of_a_service_the_bars_are_its_replicas(service: tuple[CurveResult, CurveResult]) -> None:
    held, spent = service
    plan = planner.serve(
        "llama-3.1-8b", accelerator="h100-sxm", gpus=64, traffic="chat", top=3, pareto=False, catalog=BOOK
    ).plan
    assert plan is not None
    first = held.result.stacks[0]
    memory = plan.memory_gb_per_gpu
    assert first.total.value == pytest.approx(memory.used)
    assert first.limit == pytest.approx(memory.usable)
    assert parts(first)["keys and values"] == pytest.approx(memory.cache)
    step = spent.result.stacks[0]
    assert step.total.value == pytest.approx(sum(plan.time_breakdown_s.values()) / MILLI)
    assert spent.result.y.unit == "ms"


def test_inputs_are_those_of_serving_with_traffic_and_of_training_without() -> None:
    assert asked("memory", traffic="chat", ttft="5s", gpus=8).result.stacks
    with pytest.raises(InputError, match="ttft"):
        asked("memory", ttft="5s")
    with pytest.raises(InputError, match="seq_len"):
        asked("memory", traffic="chat", seq_len=4096)
    with pytest.raises(UsageError, match="--with tp=8"):
        asked("memory", traffic="chat", layout="tp=8")


def test_what_cannot_be_trained_is_a_reason() -> None:
    answer = asked("memory", model="deepseek-v3", gpus=8).result
    assert answer.stacks == ()
    assert answer.reasons


def _stack(name: str, **values: float) -> Stack:
    total = sum(values.values())
    return Stack(
        name=name,
        parts=tuple(Part(name=k, value=v) for k, v in values.items()),
        total=Interval(value=total, low=0.8 * total, high=1.2 * total),
    )


def test_small_parts_are_told_together() -> None:
    axis = Axis(key="s", title="Seconds")
    stacks = [_stack("a", work=10.0, dust=0.01, rest=1.0), _stack("b", work=5.0, dust=0.02)]
    one, two = collected(CurveAnswer(title="", x=axis, y=axis), stacks, []).stacks
    assert parts(one) == {"work": 10.0, "rest": pytest.approx(1.01)}
    assert parts(two) == {"work": 5.0, "rest": pytest.approx(0.02)}


@pytest.mark.parametrize("which", ["memory", "times", "service"])
def test_no_words_lie_on_words(which: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(which)
    for result in found if isinstance(found, tuple) else (found,):
        axes = planner.plot.curve(result)
        axes.figure.draw_without_rendering()  # type: ignore[union-attr]  # a legend has its places then
        assert overlapping(axes) == []
        whole = axes.figure.bbox
        for text, box in written(axes):
            assert min(box.x0, whole.x1 - box.x1, box.y0, whole.y1 - box.y1) >= -1, text


def test_parts_differ_by_colour_or_hatch_and_limits_and_intervals_are_drawn(memory: CurveResult) -> None:
    axes = planner.plot.curve(memory)
    names = list(dict.fromkeys(part.name for stack in memory.result.stacks for part in stack.parts))
    looks = {(to_hex(bars[0].get_facecolor()), bars[0].get_hatch()) for bars in axes.containers[: len(names)]}
    assert len(looks) == len(names)
    assert axes.get_xlabel() == "Memory of an accelerator (GB)"
    limits = [line for line in axes.lines if list(line.get_xdata()) == [80.0, 80.0]]
    assert len(limits) == len(memory.result.stacks)
    assert axes.get_yticklabels()[0].get_text().startswith("best: ")


def test_bars_are_drawn_on_axes_of_yours() -> None:
    figure = Figure(figsize=(6, 4))
    own = figure.add_subplot()
    axis = Axis(key="s", title="Seconds", unit="s", floor=0.0)
    answer = CurveAnswer(title="Times", x=axis, y=axis, stacks=(_stack("a", work=2.0, rest=1.0),))
    result = CurveResult(inputs=CurveInputs(kind="breakdown"), assumptions=(), result=answer, sources={})
    assert planner.plot.bars(result, own) is own
    assert own.get_title() == "Times"
    widths = [patch.get_width() for patch in own.patches]
    assert widths == [2.0, 1.0]
    assert {row["part"]: row["s"] for row in result.rows()} == {"work": 2.0, "rest": 1.0}


def test_times_of_steps_are_those_of_like_numbers_of_accelerators() -> None:
    given = {"model": "llama-3.1-8b", "gpu": "h100", "gpus": 64}
    steps, held = curve("breakdown", **given).result, curve("memory", **given).result
    assert any("fewest" in stack.name for stack in held.stacks)
    assert min(stack.facts["gpus"] for stack in steps.stacks) >= 16
    assert "llama-3-8b: sequences of 8,192 tokens" in held.caption[0]
