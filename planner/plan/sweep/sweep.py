"""``planner sweep``: a question asked of every row of a grid, into a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from planner.catalog.load import Catalog
from planner.errors import MissingExtraError, UsageError
from planner.plan import numbers
from planner.plan.defaults import Filled
from planner.plan.job import as_catalog
from planner.plan.sweep import results
from planner.plan.sweep.check import read_grid
from planner.plan.sweep.engine import engine_of, fields_of, frame_of, hindrances
from planner.plan.sweep.executors import Part, in_processes, in_this_process, on_dask, order_of
from planner.plan.sweep.frame import arrow_schema, csv_header
from planner.plan.sweep.full import Full
from planner.plan.sweep.grid import ENGINES
from planner.plan.sweep.question import Sweep
from planner.plan.sweep.spool import Spool, unwritable
from planner.plan.sweep.stamp import catalog_hash, grid_hash, version

if TYPE_CHECKING:
    import pandas as pd

    from planner.plan.numbers import Number

__all__ = ["Progress", "frames", "sweep"]

Progress = Callable[[int, int, int], None]
"""Told of rows that are done, rows in all, and rows that an earlier run had done."""
CHUNKS: Final = {"fast": 131_072, "full": 32}
"""Rows that are computed and written together, by engine."""
MOST_CHUNK: Final = 10_000_000
MOST_WORKERS: Final = 1024
GROUP: Final = 131_072
"""Rows of a row group of a Parquet file."""
_ENDINGS: Final[dict[str, Literal["csv", "parquet"]]] = {".csv": "csv", ".parquet": "parquet"}


def sweep(
    grid: object,
    *,
    output: str | Path | None = None,
    workers: Number = 1,
    scheduler: str | None = None,
    chunk: Number | None = None,
    engine: str | None = None,
    restart: bool = False,
    progress: Progress | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> results.SweepResult:
    """Ask a question of every row of a grid, and write the figures into a file.

    Parameters
    ----------
    grid
        The path of a file in YAML, or its content as a mapping: see docs/sweep.md.
    output
        A file ending in ``.csv`` or ``.parquet``; by default the name of the grid with ``.csv``. What was
        done of the same sweep before, in ``OUTPUT.sweep/``, is not done again.
    workers
        Processes of this machine.
    scheduler
        Address of a Dask scheduler, as in ``tcp://10.0.0.1:8786``.
    chunk
        Rows that are computed and written together; the file does not depend on it.
    engine
        ``auto``, ``fast`` or ``full``, in place of the grid's.
    restart
        Begin anew, whatever was done before.
    progress
        Called now and then with rows done, rows in all, and rows that an earlier run had done.
    catalog, set
        Overlay directories; ``KIND[.ID].PATH=VALUE`` overrides: on top of those of the grid.

    Returns
    -------
    SweepResult
        A summary; the rows are in the file.

    Raises
    ------
    InputError
        All mistakes of the grid at once; or what was done before is of another grid.
    UsageError
        Options that exclude each other.
    OutputError
        Something cannot be written, or no scheduler answers. What is done stays and the sweep can go on.
    """
    started = time.perf_counter()
    if scheduler is not None and numbers.count("workers", workers, most=MOST_WORKERS) != 1:
        raise UsageError("--workers and --scheduler exclude each other: a Dask cluster has its own workers")
    asked = _asked(grid, engine, catalog, set)
    target, kind = _target(grid, output)
    many = numbers.count("workers", workers, most=MOST_WORKERS)
    filled = Filled()
    chosen = engine_of(asked)
    if asked.engine == "auto":
        why = "all inputs that it needs are given" if chosen.name == "fast" else hindrances(asked)
        filled.assume("engine", chosen.name, why)
    if isinstance(chosen, Full):
        chosen.check()
    size = _chunk(chunk, chosen.name, chosen.block, filled)
    fields = fields_of(asked)
    records = catalog_hash(asked.overlays)
    manifest = {
        "grid": grid_hash(asked),
        "catalog": records,
        "version": version(),
        "engine": chosen.name,
        "format": kind,
        "rows": asked.rows.size,
    }
    order = order_of(asked, format=kind, version=version(), catalog=records)
    header = csv_header(fields) if kind == "csv" else b""
    with Spool(target, manifest, header=header, restart=restart) as spool:
        total = asked.rows.size
        spans = _spans(spool.done, total, size)
        parts: Iterator[Part]
        if scheduler is not None:
            parts = on_dask(order, spans, scheduler=scheduler)
        elif many > 1:
            parts = in_processes(order, spans, workers=many, folder=spool.folder)
        else:
            parts = in_this_process(order, spans)
        if progress is not None:
            progress(spool.done, total, spool.resumed)
        try:
            for part in parts:
                spool.append(part.stop - part.start, part.content, part.infeasible)
                if progress is not None:
                    progress(spool.done, total, spool.resumed)
        except OSError as error:
            raise spool.failed(error) from error
        infeasible, resumed = spool.infeasible, spool.resumed
        spool.finish(_parquet(spool, fields) if kind == "parquet" else None)
    seconds = time.perf_counter() - started
    return results.SweepResult(
        inputs=results.SweepInputs(
            grid=asked.file,
            command=asked.command,
            axes=asked.rows.names,
            rows=total,
            output=str(target),
            format=kind,
            chunk=size,
            workers=many,
            scheduler=scheduler,
            overrides=asked.overrides,
        ),
        assumptions=tuple(filled.assumptions),
        result=results.SweepAnswer(
            file=str(target),
            rows=total,
            infeasible=infeasible,
            columns=tuple(one.name for one in fields),
            engine=chosen.name,  # type: ignore[arg-type]
            resumed_rows=resumed,
            seconds=seconds,
            rows_per_s=(total - resumed) / seconds,
            file_bytes=target.stat().st_size,
        ),
    )


def frames(
    grid: object,
    *,
    chunk: Number | None = None,
    engine: str | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a grid as pandas frames, some at a time, without a file; parameters as of `sweep`."""
    from planner.plan.sweep.frame import to_frame

    asked = _asked(grid, engine, catalog, set)
    chosen = engine_of(asked)
    for start, stop in _spans(0, asked.rows.size, _chunk(chunk, chosen.name, chosen.block, Filled())):
        yield to_frame(frame_of(asked, start, stop))


def _asked(grid: object, engine: str | None, catalog: Any, set: Iterable[str]) -> Sweep:
    if engine is not None:
        numbers.choice("engine", engine, ENGINES)
    if isinstance(catalog, Catalog):
        raise UsageError("give overlay directories and set=..., not a Catalog: every worker opens its own")
    texts = (set,) if isinstance(set, str) else tuple(set)
    return read_grid(grid, catalog=as_catalog(catalog, ()), overrides=texts, engine=engine)


def _target(grid: object, output: str | Path | None) -> tuple[Path, Literal["csv", "parquet"]]:
    """Return the file to write, and in which format."""
    if output is None:
        if not isinstance(grid, str | Path):
            raise UsageError("say where to write the rows: -o rows.csv, or output='rows.parquet'")
        output = Path(Path(grid).stem + ".csv")
    target = Path(output)
    kind = _ENDINGS.get(target.suffix.lower())
    if kind is None:
        raise UsageError(f"{target}: the rows go to a file that ends in {' or '.join(_ENDINGS)}; name one")
    if kind == "parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("parquet", f"writing {target.name}") from error
    return target, kind


def _chunk(chunk: Number | None, engine: str, block: int, filled: Filled) -> int:
    """Return rows of a part: whole blocks of the engine."""
    if chunk is None:
        return CHUNKS[engine]
    wanted = numbers.count("chunk", chunk, most=MOST_CHUNK)
    size = -(-wanted // block) * block
    if size != wanted:
        filled.assume("chunk", size, f"whole blocks of {block:,} rows, which the engine evaluates together")
    return size


def _spans(done: int, total: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(done, total, size):
        yield start, min(start + size, total)


def _parquet(spool: Spool, fields: tuple[Any, ...]) -> Path:
    """Write the rows that are done as a Parquet file of row groups of one size; returns it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = arrow_schema(fields)
    made = spool.folder / "assembled"
    texts = [one.name for one in fields if one.kind == "text"]
    try:
        with pq.ParquetWriter(made, schema, compression="lz4", use_dictionary=texts) as writer:
            held: list[Any] = []
            rows = 0
            for part in spool.parts():
                table = pa.ipc.open_stream(part).read_all()
                held.append(table)
                rows += table.num_rows
                while rows >= GROUP:
                    whole = pa.concat_tables(held)
                    writer.write_table(whole.slice(0, GROUP), row_group_size=GROUP)
                    held, rows = [whole.slice(GROUP)], rows - GROUP
            if rows:
                writer.write_table(pa.concat_tables(held).combine_chunks(), row_group_size=GROUP)
    except OSError as error:
        raise unwritable(
            spool.output, error, after="; the rows are kept: run the same sweep again"
        ) from error
    return made
