"""Parts of a sweep computed elsewhere: in processes that die, on a Dask cluster that loses a worker."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import time
import warnings
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import MissingExtraError, OutputError, UsageError
from planner.plan.sweep import executors
from planner.plan.sweep.check import read_grid
from planner.plan.sweep.executors import Order, in_processes, in_this_process, on_dask, order_of
from planner.plan.sweep.stamp import catalog_hash, version

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills as POSIX has them")
GRID: dict[str, Any] = {
    "command": "train",
    "inputs": {
        "model": "llama-3.1-8b", "gpu": "h100-sxm", "gpus": 4096, "cp": 1, "vpp": 1,
        "sequence_parallel": True,        "sharding": "zero1", "recompute": "selective", "micro_batch": 1,
    },
    "axes": {
        "tp": [1, 2, 4, 8], "pp": [1, 2, 4], "dp": [8, 16, 32, 64],
        "tokens": {"from": "1T", "to": "9T", "points": 4096},
    },
    "columns": ["plan.days_with_failures"],
}  # fmt: skip
SPANS = [(start, start + 16_384) for start in range(0, 8 * 16_384, 16_384)]


@pytest.fixture(scope="module")
def order() -> Order:
    sweep = read_grid(GRID, catalog=Catalog())
    return order_of(sweep, format="csv", version=version(), catalog=catalog_hash(()))


@pytest.fixture(scope="module")
def undisturbed(order: Order) -> list[Any]:
    return list(in_this_process(order, SPANS))


@pytest.mark.parametrize(("start", "workers"), [("fork", 2), ("spawn", 1)])  # to spawn one takes a second
def test_processes_that_die_are_started_again(
    order: Order,
    undisturbed: list[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    start: str,
    workers: int,
) -> None:
    monkeypatch.setattr(executors, "can_fork", lambda: start == "fork")
    found, killed = [], 0
    for part in in_processes(order, SPANS, workers=workers, folder=tmp_path):
        assert isinstance(part.content, Path)
        found.append(replace(part, content=part.content.read_bytes()))
        if len(found) == 2:
            victim = multiprocessing.active_children()[0]
            os.kill(victim.pid or 0, signal.SIGKILL)
            killed += 1
    assert killed == 1
    assert found == undisturbed


def test_processes_that_keep_dying_are_given_up_with_the_mend(
    order: Order, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Broken:
        def submit(self, *_: Any) -> Any:
            raise BrokenProcessPool

    monkeypatch.setattr(executors, "_pool", lambda workers: nullcontext(Broken()))
    with pytest.raises(
        OutputError, match=r"worker processes die.*fewer --workers or a smaller --chunk.*to go on"
    ):
        list(in_processes(order, SPANS[:2], workers=1, folder=tmp_path))


def test_an_error_in_a_process_is_raised_here_and_leaves_none_behind(order: Order, tmp_path: Path) -> None:
    before = set(multiprocessing.active_children())
    with pytest.raises(pickle.UnpicklingError):
        list(in_processes(replace(order, sweep=b"junk"), SPANS, workers=1, folder=tmp_path))
    for _ in range(50):
        if set(multiprocessing.active_children()) <= before:
            break
        time.sleep(0.1)
    assert set(multiprocessing.active_children()) <= before


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes; what Dask has to say while it ends is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from distributed import LocalCluster

        with LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as found:
            yield found


def test_a_dask_cluster_that_loses_a_worker_makes_the_same(
    order: Order, undisturbed: list[Any], cluster: Any, tmp_path: Path
) -> None:
    found = []
    for part in on_dask(order, SPANS, scheduler=cluster.scheduler_address):
        found.append(part)
        if len(found) == 3:
            os.kill(next(iter(cluster.workers.values())).process.pid, signal.SIGKILL)
    assert found == undisturbed
    there, here = (tmp_path / name for name in ("there.csv", "here.csv"))
    small = {**GRID, "axes": {**GRID["axes"], "tokens": ["1T", "2T"]}}
    planner.sweep(small, output=there, scheduler=cluster.scheduler_address)
    planner.sweep(small, output=here)
    assert there.read_bytes() == here.read_bytes()


def test_workers_with_another_planner_are_refused(order: Order, cluster: Any) -> None:
    for other, said in (
        (
            Order(order.sweep, order.format, "0.0.1", order.catalog),
            f"a worker has planner {version()}, not 0.0.1",
        ),
        (Order(order.sweep, order.format, order.version, "x"), "with another catalog"),
    ):
        with pytest.raises(OutputError, match=said):
            list(on_dask(other, SPANS[:1], scheduler=cluster.scheduler_address))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "tcp://127.0.0.1"])
def test_a_scheduler_that_does_not_answer_is_said(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "CONNECT_S", 0.3)
    small = {**GRID, "axes": {**GRID["axes"], "tokens": ["1T"]}}
    with pytest.raises(OutputError, match=f"--scheduler {address}: no Dask scheduler answers there; check"):
        planner.sweep(small, output=tmp_path / "rows.csv", scheduler=address)
    assert planner.sweep(small, output=tmp_path / "rows.csv").result.rows == 48


def test_workers_and_a_scheduler_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        planner.sweep(GRID, output=tmp_path / "rows.csv", workers=2, scheduler="tcp://127.0.0.1:1")


def test_without_dask_the_extra_is_named(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'planner\[dask\]'"):
        list(on_dask(order, SPANS[:1], scheduler="tcp://127.0.0.1:1"))
