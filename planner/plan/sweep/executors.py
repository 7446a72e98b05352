"""Where parts of a sweep are computed: in this process, in others of this machine, or on a Dask cluster.

All three do the same with a part and hand the parts back in order, with a bounded number of them under way.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import MissingExtraError, OutputError
from planner.plan.capacity.pool import can_fork
from planner.plan.sweep.engine import frame_of
from planner.plan.sweep.frame import arrow_batch, csv_bytes

if TYPE_CHECKING:
    from planner.plan.sweep.question import Sweep

__all__ = ["Order", "Part", "computed", "in_processes", "in_this_process", "on_dask", "order_of"]

Span = tuple[int, int]
MOST_RESTARTS: Final = 3
"""Times in a row that a pool of processes is started again without a part being done in between."""
AHEAD: Final = 2
"""Parts under way for every worker."""
CONNECT_S: Final = 5.0
LOOKED_S: Final = 0.5
"""Seconds between two looks of a process at whether the one that started it is there."""


@dataclass(frozen=True)
class Part:
    """What became of some rows."""

    start: int
    stop: int
    infeasible: int
    content: bytes | Path
    """What is written of them, or the file that holds it."""


@dataclass(frozen=True)
class Order:
    """What is wanted of every part, small enough to be sent along with each.

    Attributes
    ----------
    sweep
        Pickled.
    format
        ``csv`` or ``parquet``.
    version, catalog
        As `planner.plan.sweep.stamp` has them here; a computer elsewhere must have the same.
    """

    sweep: bytes
    format: str
    version: str
    catalog: str


def order_of(sweep: Sweep, *, format: str, version: str, catalog: str) -> Order:
    """Return what is wanted of every part of a sweep."""
    content = pickle.dumps(sweep)
    _KNOWN.clear()
    _KNOWN[content] = sweep  # with all that is known of it, which processes that are forked inherit
    return Order(content, format, version, catalog)


_KNOWN: dict[bytes, Sweep] = {}
"""The sweep of this process: as it was read here, or as it was sent."""


def _sweep(content: bytes) -> Sweep:
    found = _KNOWN.get(content)
    if found is None:
        _KNOWN.clear()
        found = _KNOWN[content] = pickle.loads(content)  # noqa: S301  (our own: who sends parts sends it)
    return found


def computed(order: Order, span: Span) -> Part:
    """Compute the rows from the first of a span on and below the second."""
    frame = frame_of(_sweep(order.sweep), *span)
    feasible = frame.values[[one.name for one in frame.fields].index("feasible")]
    content = csv_bytes(frame) if order.format == "csv" else _arrow_bytes(frame)
    return Part(*span, int(len(frame) - np.sum(np.asarray(feasible))), content)


def _arrow_bytes(frame: Any) -> bytes:
    import pyarrow as pa

    batch = arrow_batch(frame)
    sink = pa.BufferOutputStream()
    small = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, batch.schema, options=small) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def in_this_process(order: Order, spans: Iterable[Span]) -> Iterator[Part]:
    """Compute parts one after the other."""
    for span in spans:
        yield computed(order, span)


def computed_into(folder: Path, order: Order, span: Span) -> Part:
    """Compute rows into a file of their own, which is quicker to hand over than what is in it."""
    part = computed(order, span)
    file = folder / f"part-{span[0]}"
    with file.open("wb", buffering=0) as stream:
        stream.write(part.content)  # type: ignore[arg-type]
    return replace(part, content=file)


def in_processes(order: Order, spans: Iterable[Span], *, workers: int, folder: Path) -> Iterator[Part]:
    """Compute parts in so many processes of this machine.

    Parameters
    ----------
    folder
        Where processes leave their parts, as files ``part-...``.

    Raises
    ------
    OutputError
        Processes keep dying.
    OSError
        A part cannot be written.
    """
    waiting = deque[Span]()
    later = iter(spans)
    restarts = 0
    done = False
    while not done:
        with _pool(workers) as pool:

            def submit(order: Order, span: Span, pool: ProcessPoolExecutor = pool) -> Future[Part]:
                with warnings.catch_warnings():
                    # Threads of numerical libraries, which do not outlive a fork, are taken for ours.
                    warnings.simplefilter("ignore", DeprecationWarning)
                    return pool.submit(computed_into, folder, order, span)

            try:
                for part in _in_order(submit, order, waiting, later, most=AHEAD * workers):
                    restarts = 0
                    yield part
                done = True
            except BrokenProcessPool as error:
                restarts += 1
                if restarts > MOST_RESTARTS:
                    raise OutputError(
                        "worker processes die, perhaps for want of memory; take fewer --workers or a smaller "
                        "--chunk, and run the same sweep again to go on"
                    ) from error


def _in_order(
    submit: Callable[[Order, Span], Future[Part]],
    order: Order,
    waiting: deque[Span],
    later: Iterator[Span],
    *,
    most: int,
) -> Iterator[Part]:
    """Submit spans, those that wait first, and yield their parts in order; what is not done stays waiting."""
    under_way = deque[Future[Part]]()
    for span in waiting:
        under_way.append(submit(order, span))
    while True:
        while len(under_way) < most:
            span_ = next(later, None)
            if span_ is None:
                break
            waiting.append(span_)
            under_way.append(submit(order, span_))
        if not under_way:
            return
        part = under_way[0].result()
        under_way.popleft()
        waiting.popleft()
        yield part


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes, and end them whatever happens."""
    context = multiprocessing.get_context("fork" if can_fork() else "spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(os.getpid(),))
    try:
        yield pool
    except BaseException:
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with suppress(OSError, ValueError):
                process.terminate()
        raise
    pool.shutdown()


def _begin(parent: int) -> None:
    """Leave Ctrl-C to the process that started this one, and end when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOKED_S)
    os._exit(1)


def on_dask(order: Order, spans: Iterable[Span], *, scheduler: str) -> Iterator[Part]:
    """Compute parts on the workers of a Dask cluster.

    Raises
    ------
    OutputError
        The scheduler is out of reach, or goes away.
    MissingExtraError
        Dask is not installed.
    """
    with _client(scheduler) as client:
        workers = max(sum(client.nthreads().values()), 1)

        def submit(order: Order, span: Span) -> Any:
            return client.submit(computed_there, order, span, pure=False)

        from distributed import CancelledError, KilledWorker

        try:
            yield from _in_order(submit, order, deque(), iter(spans), most=AHEAD * workers)
        except (CancelledError, KilledWorker, OSError) as error:
            raise OutputError(
                f"--scheduler {scheduler}: its workers die or it went away ({type(error).__name__}); what "
                "was done is kept: see to the cluster and run the same sweep again to go on"
            ) from error


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError("dask", "--scheduler") from error
    import logging

    for name in ("distributed.comm", "distributed.client", "distributed.core"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise OutputError(
            f"--scheduler {scheduler}: no Dask scheduler answers there; check the address, as in "
            "tcp://10.0.0.1:8786, and that it runs"
        ) from error
    try:
        yield client
    finally:
        with suppress(OSError, TimeoutError):
            client.close(timeout=CONNECT_S)  # type: ignore[no-untyped-call]


def computed_there(order: Order, span: Span) -> Part:
    """Compute rows on a computer elsewhere, which must have the same planner and the same catalog.

    Raises
    ------
    OutputError
        It has not.
    """
    from planner.plan.sweep.stamp import catalog_hash, version

    found = f"planner {version()}"
    if version() == order.version:
        if catalog_hash(_sweep(order.sweep).overlays) == order.catalog:
            return computed(order, span)
        found += " with another catalog"
    raise OutputError(f"a worker has {found}, not {order.version} as here; install the same on all workers")
