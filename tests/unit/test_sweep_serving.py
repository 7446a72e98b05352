"""Operating points of replicas: the same as the search of a service has them, row by row."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.plan.serving import solve
from planner.plan.sweep.check import read_grid
from planner.plan.sweep.engine import engine_of, frame_of
from planner.plan.sweep.frame import csv_bytes, to_frame
from planner.plan.sweep.question import Sweep
from planner.search.serving import ServingRequest
from planner.search.serving.curves import direct
from planner.search.serving.points import AGGREGATED
from planner.search.serving.replicas import replicas
from planner.search.serving.space import Layouts

DENSE: dict[str, Any] = {
    "command": "serve",
    "inputs": {"model": "llama-3.1-70b", "traffic": "chat"},
    "axes": {"accelerator": ["h100-sxm", "mi300x"], "weights": ["bf16", "fp8"], "tp": [1, 3, 4, 8]},
    "blocks": [
        {
            "kind": "latin-hypercube",
            "n": 40,
            "seed": 5,
            "axes": {
                "isl": {"distribution": "loguniform", "low": 64, "high": 40_000, "whole": True},
                "osl": {"distribution": "loguniform", "low": 8, "high": 4000, "whole": True},
                "batch": {"distribution": "loguniform", "low": 1, "high": 400},
                "chunk": [1024, 4096],
                "prefix_hit": [0, 0.4],
            },
        }
    ],
}
MIXTURE: dict[str, Any] = {
    "command": "serve",
    "inputs": {"model": "deepseek-v3", "accelerator": "h200", "isl": 2000, "prefix_hit": 0, "chunk": 4096},
    "axes": {
        "tp": [1, 8], "dp": [1, 8, 16], "ep": [1, 8, 16, 256], "osl": [200, 1000], "batch": [1, 7, 64, 512],
    },
}  # fmt: skip


def asked(grid: dict[str, Any], **more: Any) -> Sweep:
    return read_grid({**grid, **more}, catalog=Catalog())


def request_of(monkeypatch: pytest.MonkeyPatch, **inputs: Any) -> ServingRequest:
    """Return what a question puts to the search."""
    found: list[ServingRequest] = []

    class StopError(Exception):
        pass

    def keep(request: ServingRequest) -> Any:
        found.append(request)
        raise StopError

    with monkeypatch.context() as patch:
        patch.setattr(solve, "search", keep)
        with pytest.raises(StopError):
            planner.serve(**inputs, gpus=4096, mode="aggregated", ttft="none", tpot="none", e2e="none", top=0)
    return found[0]


@pytest.mark.parametrize(("grid", "some"), [(DENSE, 14), (MIXTURE, 14)], ids=["dense", "mixture"])
def test_rows_are_the_operating_points_of_the_search(
    monkeypatch: pytest.MonkeyPatch, grid: dict[str, Any], some: int
) -> None:
    sweep = asked(grid)
    assert engine_of(sweep).name == "fast"
    frame = to_frame(frame_of(sweep, 0, sweep.rows.size))
    assert 0.05 < frame["feasible"].mean() < 0.95
    axes = sweep.rows.columns(0, sweep.rows.size)
    draw = np.random.default_rng(3)
    feasible = np.flatnonzero(frame["feasible"].to_numpy(dtype=bool))
    for row in draw.choice(feasible, some, replace=False):
        values = sweep.inputs | {name: column.at(int(row)) for name, column in axes.items()}
        batch = float(values.pop("batch"))
        degrees = {name: float(values.pop(name, 1)) for name in ("tp", "pp", "dp", "ep")}
        request = request_of(monkeypatch, **values)
        table = Layouts(*(np.array([degrees[name]]) for name in ("tp", "pp", "dp", "ep")))
        found, _ = replicas(request, 0, table, role=AGGREGATED)
        point = direct(found, np.array([[batch, batch]]))
        one, layout = frame.iloc[row], found.layout
        rate, osl = float(point.rate[0, 0]), float(request.load.osl[0])
        gpus = float(layout.gpus[0])
        expected = {
            "requests_per_s": rate,
            "output_tokens_per_s_per_gpu": rate * osl / gpus,
            "tpot_ms": 1e3 * float(point.step_s[0, 0] / layout.accepted[0]),
            "step_ms": 1e3 * float(point.step_s[0, 0]),
            "decode_step_ms": 1e3 * float(point.decode_s[0, 0]),
            "prefill_ms": 1e3 * float(point.prefill_s[0, 0]),
            "concurrency": float(point.concurrency[0, 0]),
            "capacity": float(found.fit.capacity[0]),
            "gpus": gpus,
        }
        for name, value in expected.items():
            assert one[f"replica.{name}"] == pytest.approx(value, rel=1e-12), (row, name)
        assert one["replica.memory_gb_per_gpu.weights"] + one["replica.memory_gb_per_gpu.workspace"] == (
            pytest.approx(float(found.fit.held_bytes[0]) / 1e9, rel=1e-12)
        )


def test_memory_and_intervals_are_those_of_planner_serve() -> None:
    inputs = {"model": "llama-3.1-70b", "accelerator": "h100-sxm", "isl": 1000, "osl": 200, "chunk": 2048}
    plan = planner.serve(
        **inputs, gpus=8, tp=8, pp=1, mode="aggregated", ttft="none", tpot="none", top=0
    ).plan
    assert plan is not None
    point = plan.replica
    grid = {"command": "serve", "inputs": {**inputs, "tp": 8}, "axes": {"batch": [point.batch, 500]}}
    one = to_frame(frame_of(asked(grid), 0, 2)).iloc[0]
    for name in ("weights", "workspace"):
        assert one[f"replica.memory_gb_per_gpu.{name}"] == pytest.approx(
            getattr(plan.memory_gb_per_gpu, name), rel=1e-12
        )
    for end in ("low", "high"):
        assert one[f"replica.output_tokens_per_s.{end}"] / one[
            "replica.output_tokens_per_s"
        ] == pytest.approx(getattr(plan.output_tokens_per_s, end) / plan.output_tokens_per_s.value, rel=1e-12)
        tpot = plan.tpot_ms
        assert one[f"replica.tpot_ms.{end}"] / one["replica.tpot_ms"] == pytest.approx(
            getattr(tpot, end) / tpot.mean, rel=1e-12
        )
    # Arrivals at random make a replica do a little less than steady replacement at the same batch.
    assert one["replica.output_tokens_per_s"] == pytest.approx(plan.output_tokens_per_s.value, rel=0.1)


def test_every_row_without_figures_says_why() -> None:
    frame = to_frame(frame_of(asked(DENSE), 0, asked(DENSE).rows.size))
    reasons = set(frame["reason"].dropna())
    assert {
        "tp must divide the heads and widths, pp the engine be able to, and experts fold over tp * dp",
        "the caches of so many sequences do not fit",
        "the weights do not fit into the memory of an accelerator",
    } <= reasons
    assert (frame["feasible"] == frame["reason"].isna()).all()
    assert frame["replica.step_ms"].isna().equals(~frame["feasible"].astype(bool))


def test_no_division_changes_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = asked(MIXTURE)
    whole = csv_bytes(frame_of(sweep, 0, sweep.rows.size))
    monkeypatch.setattr(type(engine_of(sweep)), "block", 37)
    other = dataclasses.replace(sweep)
    spans = [(start, min(start + 37, other.rows.size)) for start in range(0, other.rows.size, 37)]
    parts = {span: csv_bytes(frame_of(other, *span)) for span in reversed(spans)}
    assert b"".join(parts[span] for span in spans) == whole


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"inputs": {**MIXTURE["inputs"], "users": 5}},
            "users is of a whole service, and batch",
        ),
        ({"axes": {"batch": [4]}}, "the deployment is not given: add tp"),
        ({"axes": {"tp": [1], "batch": [0.5]}}, "batch 0.5 is less than one; raise it"),
        ({"axes": {"tp": [1], "batch": ["many"]}}, "batch"),
        ({"columns": ["replica.tpot"]}, "have no figure 'replica.tpot'; did you mean 'replica.tpot_ms'"),
        ({"columns": ["plan.users"]}, "operating points (batch) have no figure 'plan.users'"),
    ],
)
def test_what_hinders_it_is_said(more: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        engine_of(asked(MIXTURE, **more))
    assert said in str(caught.value)


def test_a_batch_is_known_to_sweeps_of_serving_alone() -> None:
    with pytest.raises(InputError, match="unknown axis"):
        asked(
            {"command": "train", "inputs": {"model": "llama-3.1-8b", "gpu": "h200"}, "axes": {"batch": [1]}}
        )
    without = asked({**MIXTURE, "axes": {"tp": [1], "users": [10]}})
    assert engine_of(without).name == "full"
