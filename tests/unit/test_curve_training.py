"""Curves of training: the figures of planner train at every point, batches, marks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import planner
from planner.errors import InputError, UsageError
from planner.plan.curve.asked import accelerators_between, layout_of, span_of
from planner.plan.curve.binding import marks_of
from planner.plan.curve.curve import curve
from planner.plan.curve.figures import FIGURES, Figures
from planner.plan.curve.kinds import KINDS, kind_named
from planner.plan.curve.results import CurveResult
from planner.plan.document import Bottleneck, Interval
from planner.plan.job import as_catalog

KEYS = {
    "throughput": "tokens_per_s", "mfu": "mfu_percent", "goodput": "goodput_percent", "days": "days",
    "cost": "cost_usd", "power": "power_megawatts", "energy": "energy_megawatt_hours",
    "gpu-hours": "gpu_hours",
}  # fmt: skip
BOOK = as_catalog(None, ())


@pytest.fixture(scope="module")
def strong() -> CurveResult:
    return curve(
        "throughput",
        model="llama-3.1-8b",
        gpu="h100",
        gpus="64..4096",
        points=4,
        scaling="strong",
        catalog=BOOK,
    )


@pytest.fixture(scope="module")
def weak() -> CurveResult:
    return curve(
        "days", model="llama-3.1-8b", gpu="h100", gpus="8..8192", points=6, scaling="weak", catalog=BOOK
    )


def test_every_point_is_what_planner_train_answers(strong: CurveResult) -> None:
    (series,) = strong.result.series
    assert [point.x for point in series.points] == [64, 256, 1024, 4096]
    for point in (series.points[0], series.points[-1]):
        plan = planner.train("llama-3.1-8b", gpu="h100", gpus=int(point.x), top=0, catalog=BOOK).plan
        assert plan is not None
        rate = plan.tokens_per_s.scaled(plan.goodput.value)
        assert point.y.model_dump() == pytest.approx(rate.model_dump(), rel=1e-12)
        want = {
            "gpus_used": plan.gpus_used,
            "step_time_s": plan.step_time_s.value,
            "mfu_percent": 100.0 * plan.mfu.value,
            "goodput_percent": 100.0 * plan.goodput.value,
            "days": plan.days_with_failures.value,
            "cost_usd": plan.cost_usd.value,
            "power_megawatts": plan.power_megawatts.value,
            "energy_megawatt_hours": plan.energy_megawatt_hours.value,
        }
        assert {name: point.facts[name] for name in want} == pytest.approx(want, rel=1e-12)
        assert point.facts["binds"] == plan.bottleneck.resource


def test_intervals_are_those_of_planner_train(weak: CurveResult) -> None:
    (series,) = weak.result.series
    point = series.points[-1]
    batch = point.facts["global_batch_seqs"]
    plan = planner.train(
        "llama-3.1-8b", gpu="h100", gpus=int(point.x), global_batch=batch, top=0, catalog=BOOK
    ).plan
    assert plan is not None
    assert point.y.model_dump() == pytest.approx(plan.days_with_failures.model_dump(), rel=1e-12)


def test_the_batch_grows_with_the_accelerators_of_weak_scaling(
    weak: CurveResult, strong: CurveResult
) -> None:
    (series,) = weak.result.series
    batches = [(point.x, point.facts["global_batch_seqs"]) for point in series.points]
    assert batches == [
        (8, 1),
        (32, 2),
        (128, 8),
        (512, 32),
        (2048, 128),
        (8192, 512),
    ]  # one sequence at least
    assert len({point.facts["global_batch_seqs"] for point in strong.result.series[0].points}) == 1
    assert "grows" not in " ".join(strong.result.caption)


def test_a_pinned_layout_is_kept() -> None:
    found = curve(
        "mfu", model="llama-3.1-8b", gpu="h100", gpus="64..256", points=2, layout="tp=4 pp=2", catalog=BOOK
    )
    layouts = [str(point.facts["layout"]) for series in found.result.series for point in series.points]
    assert len(layouts) == 4
    assert all(text.startswith("tp4 pp2") or ("tp4" in text and "pp2" in text) for text in layouts)
    assert any("tp=4 pp=2" in sentence for sentence in found.result.caption)
    assert [series.style for series in found.result.series] == ["line", "dashed"]
    assert len({series.group for series in found.result.series}) == 1


def test_what_does_not_fit_is_a_gap_and_said() -> None:
    found = curve(
        "throughput",
        model="llama-3.1-70b",
        gpu="h100",
        gpus="8..256",
        points=3,
        scaling="strong",
        catalog=BOOK,
    )
    (series,) = found.result.series
    assert series.points[0].x > 8
    assert any("nothing fits on fewer than" in note for note in found.result.notes)
    nowhere = curve("throughput", model="llama-3.1-405b", gpu="h100", gpus="8..16", points=2, catalog=BOOK)
    assert not nowhere.result.series
    assert nowhere.result.reasons
    assert nowhere.rows() == []


def test_a_cluster_has_its_own_range_and_beyond_it_that_is_said() -> None:
    own = curve(
        "goodput", model="llama-3.1-8b", cluster="hgx-h100-node", points=2, scaling="strong", catalog=BOOK
    )
    assert (own.inputs.low, own.inputs.high) == (8, 8)
    beyond = curve(
        "goodput", model="llama-3.1-8b", cluster="meta-24k-roce", gpus="64..65536", points=2,
        scaling="strong", catalog=BOOK,
    )  # fmt: skip
    assert beyond.result.series[0].points[-1].x == 65536
    assert any("more of the same" in note for note in beyond.result.notes)


def test_rows_are_flat_and_a_frame_holds_them(strong: CurveResult) -> None:
    rows = strong.rows()
    assert list(rows[0])[:5] == ["series", "gpus", "tokens_per_s", "tokens_per_s_low", "tokens_per_s_high"]
    assert len(strong.to_frame()) == len(rows) == 4


@pytest.mark.parametrize("kind", KEYS)
def test_each_kind_shows_its_figure(kind: str) -> None:
    found = curve(
        kind, model="llama-3.1-8b", gpu="h100", gpus="64..128", points=2, scaling="strong",
        layout="tp=1 pp=1 cp=1", catalog=BOOK,
    )  # fmt: skip
    assert found.result.y.key == KEYS[kind]
    assert set(found.rows()[0]) >= set(FIGURES)


def _point(
    gpus: int, *, rate: float, goodput: float = 99.0, network: float = 0.0, binds: str = "compute"
) -> Figures:
    exact: Mapping[str, float] = {"tokens_per_s": rate, "goodput_percent": goodput}
    return Figures(
        gpus=gpus, used=gpus, batch=1, step_s=1.0,
        binds=Bottleneck(resource=binds, share=0.5, sentence="So."),
        values={name: Interval(value=v, low=v, high=v) for name, v in exact.items()},
        network=network, fit=1.0, layout="",
    )  # fmt: skip


class _Line:
    scaling = "strong"

    class shared:  # noqa: N801
        class case:  # noqa: N801
            class site:  # noqa: N801
                fabric = None

                class table:  # noqa: N801
                    tier_endpoints = np.array([[np.inf]])


def _marks(points: list[Figures]) -> dict[str, float]:
    line: Any = _Line()
    return {mark.label: mark.x for mark in marks_of(line, points, "tokens_per_s")}


def test_marks_stand_where_something_begins_to_bind() -> None:
    batch = "batch size limits data parallelism"
    points = [
        _point(8, rate=1, binds=batch),  # luck: it does not last
        *(_point(8 * 2**n, rate=2**n) for n in range(1, 6)),
        _point(512, rate=40, network=0.2),
        _point(1024, rate=60, network=0.2, binds=batch),
        _point(2048, rate=70, network=0.2, goodput=80.0, binds=batch),
        _point(4096, rate=50, network=0.2, goodput=50.0, binds=batch),
    ]
    assert _marks(points) == {
        "fabric binds": 512, "batch binds": 1024, "failures bind": 2048, "fewer are faster beyond": 2048,
    }  # fmt: skip
    assert _marks(points[1:6]) == {}
    assert _marks(points[6:8]) == {"batch binds": 1024}  # where the fabric begins to bind is not in view


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("8..10M", (8, 10_000_000)),
        ("8..8", (8, 8)),
        ("16..", (16, None)),
        ("..1k", (None, 1000)),
        ("512", (None, 512)),
        (None, (None, None)),
    ],
)
def test_ranges(text: str | None, ends: tuple[int | None, int | None]) -> None:
    assert span_of(text) == ends


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("10M..8", "smaller number first"),
        ("..", "name an end"),
        ("8..inf", "--gpus 'inf'"),
        ("0..10", "outside 1"),
        ("8..20M", "outside 1 to 10,000,000"),
        ("8..many", "does not start with a number"),
    ],
)
def test_ranges_that_are_none(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        span_of(text)


def test_numbers_of_accelerators_are_whole_domains_and_even() -> None:
    found = accelerators_between(8, 10_000_000, 100, domain=72, node=4)
    assert (found[0], found[-1]) == (8, 10_000_000)
    assert np.all(np.diff(found) > 0)
    inner = found[(found >= 72) & (found < 10_000_000)]
    assert np.all(inner % 72 == 0)
    units = inner // 72
    odd = units // np.gcd(units, 2 ** np.floor(np.log2(units)).astype(int))
    assert np.max(odd) < 32
    assert list(accelerators_between(5, 5, 7, domain=8, node=8)) == [5]


def test_layouts_are_read_as_text_or_fields() -> None:
    assert layout_of("tp=8 pp=16, sharding=zero1") == {"tp": 8, "pp": 16, "sharding": "zero1"}
    assert layout_of({"tp": "8"}) == layout_of("tp=8")
    assert layout_of("best") == layout_of(None) == {}
    with pytest.raises(UsageError, match="did you mean 'micro_batch'"):
        layout_of("micro_batsh=1")
    with pytest.raises(UsageError, match="NAME=VALUE"):
        layout_of("tp8")


def test_kinds_by_name() -> None:
    assert kind_named("GPU_hours") is KINDS["gpu-hours"]
    with pytest.raises(UsageError, match="did you mean 'throughput'"):
        kind_named("throughptu")
    assert all(kind.about.endswith(".") and len(kind.about) < 84 for kind in KINDS.values())
    assert all(callable(kind.data) for kind in KINDS.values())


def test_of_unlike_hardware_one_group_is_drawn_up_to_its_size() -> None:
    layout = "tp=1 cp=2 pp=1"
    given = {"model": "llama-3.1-8b", "layout": layout, "points": 2, "scaling": "strong", "catalog": BOOK}
    whole = curve("throughput", cluster="colossus-1", gpus=None, **given)
    most = max(whole.result.series[0].points, key=lambda point: point.x)
    assert (most.x, whole.inputs.high) == (150_000, 150_000)
    assert "beyond that" not in " ".join(whole.result.notes)
    why = next(one.why for one in whole.assumptions if one.field == "group")
    assert "most compute in all" in why
