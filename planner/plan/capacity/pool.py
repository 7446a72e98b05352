"""Independent tasks on several processes, and on one where processes cannot be had; the answers are the same.

Workers are forked, so that each starts with what this process has imported and read. Where that is not
possible or not safe (no fork on the system, other threads running, or a worker that may have no children) the
tasks run here, one after the other.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final, TypeVar

__all__ = ["can_fork", "run_all", "usable_cores"]

T = TypeVar("T")
R = TypeVar("R")
_MOST: Final = 16
"""Workers; there are not many more tasks."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def can_fork() -> bool:
    """Whether this process may be forked: on Linux, with no other thread, and not itself a pool's worker."""
    here = multiprocessing.current_process()
    return sys.platform == "linux" and threading.active_count() == 1 and not here.daemon


def run_all(work: Callable[[T], R], tasks: Sequence[T], *, workers: int | None = None) -> list[R]:
    """Return what `work` answers to each task, in their order.

    Parameters
    ----------
    work
        A function of a module; what else it needs it finds in globals, which workers inherit.
    tasks
        The longest first, so that no worker is left with one at the end.
    workers
        Processes; by default one for each core that may be used, and 1 is this process.
    """
    count = min(usable_cores() if workers is None else workers, len(tasks), _MOST)
    if count <= 1 or not can_fork():
        return [work(task) for task in tasks]
    try:
        with warnings.catch_warnings():
            # Threads of numerical libraries, which do not outlive a fork, are taken for ours from 3.12 on.
            warnings.simplefilter("ignore", DeprecationWarning)
            with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("fork")) as pool:
                return [future.result() for future in [pool.submit(work, task) for task in tasks]]
    except (BrokenProcessPool, OSError):
        # A worker was killed, or none could be started: what it had may be had here.
        return [work(task) for task in tasks]
