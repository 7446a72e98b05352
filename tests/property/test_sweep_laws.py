"""Laws of sweeps: no row depends on another one, on how rows are divided, or on the engine that answers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import planner
from planner.catalog.load import Catalog
from planner.plan.sweep import training
from planner.plan.sweep.axes import Continuous, Finite
from planner.plan.sweep.check import read_grid
from planner.plan.sweep.engine import engine_of, frame_of
from planner.plan.sweep.frame import csv_bytes, to_frame
from planner.plan.sweep.question import Sweep
from planner.plan.sweep.rows import Plan, Rows

SIZES = st.integers(1, 5)
LAYOUT = {"cp": 1, "vpp": 1, "sequence_parallel": True}
DENSE: dict[str, Any] = {
    "command": "train",
    "inputs": {"model": "llama-3.1-8b", "gpu": "h100-sxm", "gpus": 2048, **LAYOUT},
    "axes": {
        "tokens": ["500B", "2T"],
        "price": ["own", "$2.35/h"],
        "tp": [1, 2, 3, 8],
        "pp": [1, 2, 4],
        "dp": [4, 16, 64, 512],
        "micro_batch": [1, 4],
        "sharding": ["none", "zero1", "zero3", "hsdp"],
        "recompute": ["none", "selective", "full"],
        "offload": [0, 0.5],
    },
    "columns": [
        "plan.gpus_used", "plan.gpus_spare", "plan.step_time_s", "plan.mfu", "plan.mfu.full", "plan.days",
        "plan.tokens_per_s_per_gpu", "plan.gpu_hours", "plan.goodput", "plan.days_with_failures",
        "plan.power_megawatts", "plan.energy_megawatt_hours", "plan.co2_tonnes", "plan.cost_usd",
        "plan.usd_per_gpu_hour", "plan.usd_per_million_tokens", "plan.memory_gb_per_gpu.weights",
        "plan.memory_gb_per_gpu.activations", "plan.memory_gb_per_gpu.device", "plan.memory_gb_per_gpu.fit",
        "plan.memory_gb_per_gpu.fit_probability", "plan.strategy.micro_batches", "plan.strategy.sharding",
        "plan.interval_class", "plan.reliability.policy",
    ],
}  # fmt: skip
MIXTURE: dict[str, Any] = {
    "command": "train",
    "inputs": {"gpus": 100_000, "tokens": "1T", "recompute": "selective", "dp": 64},
    "axes": {
        "model": ["deepseek-v3", "mixtral-8x7b"],
        "gpu": ["h200", "b200", "mi300x"],
        "seq_len": [4096, 8192],
    },
    "blocks": [
        {
            "kind": "random",
            "n": 64,
            "seed": 11,
            "axes": {
                "tp": [1, 2, 4],
                "cp": [1, 2],
                "pp": [1, 4, 8, 16],
                "vpp": [1, 2],
                "ep": [1, 8, 64],
                "etp": [1, 2],
                "micro_batch": [1, 2],
                "sharding": ["zero1", "zero2"],
                "sequence_parallel": [True, False],
                "global_batch": {"distribution": "loguniform", "low": 256, "high": 16384, "whole": True},
            },
        }
    ],
    "columns": [
        "plan.step_time_s",
        "plan.days_with_failures",
        "plan.cost_usd",
        "plan.memory_gb_per_gpu.device",
    ],
}


def asked(grid: dict[str, Any], **more: Any) -> Sweep:
    return read_grid({**grid, **more}, catalog=Catalog())


@given(sizes=st.lists(SIZES, min_size=1, max_size=4), n=SIZES, seed=st.integers(0, 2**63 - 1), data=st.data())
def test_a_row_is_a_function_of_its_number(sizes: list[int], n: int, seed: int, data: st.DataObject) -> None:
    grid = {f"a{i}": Finite(tuple(range(size))) for i, size in enumerate(sizes)}
    drawn = {"u": Continuous(lambda share: share, "", whole=False), "c": Finite(("x", "y", "z"))}
    rows = Rows(
        (
            Plan("cartesian", grid, int(np.prod(sizes))),
            Plan("latin-hypercube", drawn, n, seed),
            Plan("random", {f"r{name}": values for name, values in drawn.items()}, 3, seed),
        )
    )
    whole = rows.columns(0, rows.size)
    start = data.draw(st.integers(0, rows.size - 1))
    stop = data.draw(st.integers(start + 1, rows.size))
    part = rows.columns(start, stop)
    for name, column in whole.items():
        assert [part[name].at(i) for i in range(stop - start)] == [column.at(i) for i in range(start, stop)]
    combined = {tuple(whole[name].at(i) for name in grid) for i in range(rows.size)}
    assert len(combined) == np.prod(sizes)


@settings(max_examples=40)
@given(n=st.integers(1, 400), seed=st.integers(0, 2**40))
def test_a_latin_hypercube_has_one_row_in_every_part(n: int, seed: int) -> None:
    block = Plan("latin-hypercube", {"u": Continuous(lambda share: share, "", whole=False)}, n, seed)
    share = Rows((block,)).columns(0, n)["u"].numbers
    assert share is not None
    assert sorted(np.floor(share * n).astype(int)) == list(range(n))


@pytest.mark.parametrize("kind", ["random", "latin-hypercube"])
@pytest.mark.parametrize("size", [40_000, 1_000_003])
def test_draws_are_uniform_and_axes_independent(kind: str, size: int) -> None:
    axes = {name: Continuous(lambda share: share, "", whole=False) for name in ("u", "v")}
    columns = Rows((Plan(kind, axes, size, 5),)).columns(0, 40_000)
    u, v = (columns[name].numbers for name in ("u", "v"))
    assert u is not None
    assert v is not None
    assert np.histogram(u, 20, (0, 1))[0] == pytest.approx(np.full(20, 2000), abs=5 * 2000**0.5)
    assert np.histogram(np.diff(u) % 1, 20, (0, 1))[0] == pytest.approx(np.full(20, 2000), abs=5 * 2000**0.5)
    assert abs(np.corrcoef(u, v)[0, 1]) < 5 / 200
    for lag in (1, 200, 1000):
        assert abs(np.corrcoef(u[lag:], u[:-lag])[0, 1]) < 5 / 200
        assert abs(np.corrcoef(u[lag:], v[:-lag])[0, 1]) < 5 / 200


@settings(max_examples=2, deadline=None)
@given(chunk=st.integers(1, 5), seed=st.integers(0, 9))
def test_no_division_changes_a_byte_of_full_answers(chunk: int, seed: int, tmp_path_factory: Any) -> None:
    grid = {
        "command": "cluster size",
        "inputs": {"budget": "$10B", "price": "reserved"},
        "axes": {"accelerator": ["h100-sxm", "b200"]},
        "blocks": [{"kind": "latin-hypercube", "n": 2, "seed": seed, "axes": {
            "years": {"distribution": "uniform", "low": 1, "high": 6}}}],
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("sweep")
    files = []
    for place, size in enumerate((chunk, 3)):
        planner.sweep(grid, output=folder / f"{place}.csv", chunk=size)
        files.append((folder / f"{place}.csv").read_bytes())
    assert files[0] == files[1]
    assert files[0].count(b"\n") == 5


def test_no_division_and_no_order_changes_a_byte_of_fast_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training.Training, "block", 500)
    fewer = {"dp": [4, 64], "recompute": ["none", "full"], "tokens": ["2T"]}
    grid = {**DENSE, "axes": {**DENSE["axes"], **fewer}}
    whole = csv_bytes(frame_of(asked(grid), 0, asked(grid).rows.size))
    fresh = asked(grid)
    spans = [(start, min(start + 500, fresh.rows.size)) for start in range(0, fresh.rows.size, 500)]
    parts = {span: csv_bytes(frame_of(fresh, *span)) for span in reversed(spans)}  # what is known differs
    assert b"".join(parts[span] for span in spans) == whole
    for suffix in ("csv", "parquet"):
        for chunk in (500, 1500):
            planner.sweep(grid, output=tmp_path / f"{chunk}.{suffix}", chunk=chunk)
        assert (tmp_path / f"500.{suffix}").read_bytes() == (tmp_path / f"1500.{suffix}").read_bytes()
    text, table = pd.read_csv(tmp_path / "500.csv"), pd.read_parquet(tmp_path / "500.parquet")
    assert list(text.columns) == list(table.columns)
    assert text["plan.cost_usd"].equals(table["plan.cost_usd"])


@pytest.mark.parametrize(("grid", "some"), [(DENSE, 16), (MIXTURE, 16)], ids=["dense", "mixtures"])
def test_fast_rows_are_the_answers_of_planner_train(grid: dict[str, Any], some: int) -> None:
    sweep = asked(grid, engine="fast")
    size = min(sweep.rows.size, training.BLOCK)
    fast = to_frame(frame_of(sweep, 0, size))
    feasible = np.flatnonzero(fast["feasible"].to_numpy(dtype=bool))
    assert 0.02 < len(feasible) / size < 0.98
    draw = np.random.default_rng(2026)
    rows = {*draw.choice(size, some // 2, replace=False), *draw.choice(feasible, some, replace=False)}
    full = dataclasses.replace(sweep, engine="full")
    for row in sorted(rows):
        one, other = fast.iloc[row], to_frame(frame_of(full, int(row), int(row) + 1)).iloc[0]
        assert bool(one["feasible"]) == bool(other["feasible"]), (row, one["reason"], other["reason"])
        assert (one["reason"] is None) == (other["reason"] is None)
        for name in fast.columns.drop("reason"):
            a, b = one[name], other[name]
            if pd.isna(a) or isinstance(a, str):
                assert (pd.isna(a) and pd.isna(b)) or a == b, (row, name, a, b)
            else:
                assert a == pytest.approx(b, rel=1e-12, abs=0), (row, name)


def test_rows_on_more_accelerators_than_there_are_have_that_reason() -> None:
    grid = {**DENSE, "axes": {**DENSE["axes"], "dp": [512]}}
    frame = to_frame(frame_of(asked(grid), 0, 2000))
    short = frame["reason"] == "the layout needs more accelerators than there are"
    assert short.any()
    assert not frame["feasible"][short].any()
    assert frame["plan.cost_usd"][short].isna().all()


def test_what_the_question_refuses_is_the_reason_of_its_rows() -> None:
    grid = {**DENSE, "axes": {"kind": ["pretrain", "zzz"], **DENSE["axes"]}}
    frame = to_frame(frame_of(asked(grid), 0, asked(grid).rows.size))
    wrong = frame[frame["kind"] == "zzz"]
    assert len(wrong)
    assert wrong["reason"].str.contains("zzz").all()
    assert engine_of(asked(grid)).name == "fast"
