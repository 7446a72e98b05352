"""Tasks on several processes: order, errors, and one process where there can be no other."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from planner.plan.capacity import pool
from planner.plan.capacity.pool import can_fork, run_all, usable_cores


def double(number: int) -> int:
    return 2 * number


def process_of(_: int) -> int:
    return os.getpid()


def fails(number: int) -> int:
    raise ValueError(f"task {number}")


def dies_elsewhere(path: str) -> int:
    """Kill the process it runs in, unless that is the one of the test."""
    if os.getpid() != int(Path(path).read_text()):
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_answers_come_in_the_order_of_the_tasks(workers: int) -> None:
    assert run_all(double, range(7), workers=workers) == [0, 2, 4, 6, 8, 10, 12]
    assert run_all(double, [], workers=workers) == []


@pytest.mark.skipif(not can_fork(), reason="this process cannot be forked")
def test_tasks_leave_this_process_where_it_can_be_forked() -> None:
    assert os.getpid() not in run_all(process_of, range(4), workers=2)


def test_one_worker_is_this_process() -> None:
    assert set(run_all(process_of, range(3), workers=1)) == {os.getpid()}


def test_nothing_is_forked_while_other_threads_run() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert not can_fork()
        assert set(run_all(process_of, range(3), workers=2)) == {os.getpid()}
    finally:
        stop.set()
        thread.join()


def test_where_there_is_no_fork_the_tasks_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool.sys, "platform", "win32")
    assert set(run_all(process_of, range(3), workers=2)) == {os.getpid()}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_task_is_raised(workers: int) -> None:
    with pytest.raises(ValueError, match="task 0"):
        run_all(fails, range(2), workers=workers)


@pytest.mark.skipif(not can_fork(), reason="this process cannot be forked")
def test_what_a_killed_worker_had_is_done_here(tmp_path: Path) -> None:
    (tmp_path / "here").write_text(str(os.getpid()))
    assert set(run_all(dies_elsewhere, [str(tmp_path / "here")] * 2, workers=2)) == {os.getpid()}


def test_there_is_at_least_one_core() -> None:
    assert usable_cores() >= 1
