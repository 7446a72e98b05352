"""How fast sweeps are: rows per second of one core, memory over the number of rows, and two processes.

``python benchmarks/sweep_speed.py [--rows 1e5,1e6,1e7]``. Rows per second are of processor time, so
that what else the machine does changes them little; each rate is the median of five. ``--files`` sweeps into
files alone: ``--files --rows 1e8`` so many rows, first in one process and then in two.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

DENSE: dict[str, Any] = {
    "model": "llama-3.1-70b", "gpu": "h100-sxm", "gpus": 16384, "cp": 1, "sequence_parallel": True,
}  # fmt: skip
LAYOUTS: dict[str, Any] = {
    "sharding": ["zero1", "zero3"],
    "recompute": ["none", "selective", "full"],
    "pp": [1, 2, 4, 8, 10, 20],
    "vpp": [1, 2, 4],
    "dp": [8, 16, 24, 32, 48, 64, 96, 128],
    "micro_batch": [1, 2, 4],
    "tp": [1, 2, 4, 8],
}
MIXTURE: dict[str, Any] = {
    "model": "deepseek-v3", "gpu": "h100-sxm", "gpus": 16384, "cp": 1, "etp": 1, "sequence_parallel": False,
}  # fmt: skip
LENGTHS = {"from": 64, "to": 4096, "points": 64, "scale": "log"}
BATCHES = {"from": 1, "to": 64, "points": 100, "scale": "log"}
FEW = ["plan.step_time_s", "plan.mfu", "plan.memory_gb_per_gpu.device"]


def grid(inputs: dict[str, Any], axes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a grid of training."""
    return {"command": "train", "inputs": inputs, "axes": axes, "engine": "fast", **more}


def serving(inputs: dict[str, Any], axes: dict[str, Any]) -> dict[str, Any]:
    """Return a grid of operating points."""
    return {"command": "serve", "inputs": inputs, "axes": axes, "engine": "fast"}


def tokens(points: int) -> dict[str, Any]:
    """Return an axis of so many runs."""
    return {"tokens": {"from": "1T", "to": "30T", "points": points, "scale": "log"}}


GRIDS: dict[str, dict[str, Any]] = {
    "dense: layouts x tokens, usual columns": grid(DENSE, {**LAYOUTS, **tokens(200)}),
    "dense: layouts x tokens, step time, MFU, memory": grid(DENSE, {**LAYOUTS, **tokens(200)}, columns=FEW),
    "dense: every row another layout, usual columns": grid(
        DENSE, {"global_batch": {"from": 512, "to": 4096, "points": 449}, **LAYOUTS}
    ),
    "mixture: layouts x tokens, usual columns": grid(
        MIXTURE, {**LAYOUTS, "tp": [1, 2], "pp": [8, 16], "ep": [8, 16, 64], **tokens(200)}
    ),
    "serving, dense: every row another operating point": serving(
        {"model": "llama-3.1-70b", "accelerator": "h100-sxm", "prefix_hit": 0},
        {"tp": [2, 4, 8], "isl": LENGTHS, "osl": LENGTHS, "batch": BATCHES},
    ),
    "serving, mixture: every row another operating point": serving(
        {"model": "deepseek-v3", "accelerator": "h200", "tp": 1, "dp": 16, "ep": 16, "prefix_hit": 0},
        {"isl": LENGTHS, "osl": LENGTHS, "batch": BATCHES},
    ),
    "dense: a Latin hypercube of layouts, batches and tokens": grid(
        DENSE,
        {},
        blocks=[
            {
                "kind": "latin-hypercube",
                "n": 10_000_000,
                "axes": {
                    **LAYOUTS,
                    "global_batch": {"distribution": "loguniform", "low": 512, "high": 4096, "whole": True},
                    "tokens": {"distribution": "loguniform", "low": "1T", "high": "30T"},
                },
            }
        ],
    ),
}


def rates() -> None:
    """Print rows per second of one core, in process and with their file."""
    from planner.catalog.load import Catalog
    from planner.plan.sweep.check import read_grid
    from planner.plan.sweep.engine import engine_of, frame_of
    from planner.plan.sweep.frame import arrow_batch, csv_bytes

    for name, one in GRIDS.items():
        sweep = read_grid(one, catalog=Catalog())
        engine = engine_of(sweep)
        many = 8 * engine.block
        starts = itertools.count(0, many)
        frame_of(sweep, 0, engine.block)
        found: dict[str, list[float]] = {"in process": [], "as CSV": [], "as Arrow": []}
        for _ in range(5):
            start = next(starts) % max(sweep.rows.size - many, 1) // engine.block * engine.block
            begun = time.process_time()
            frames = [
                frame_of(sweep, at, at + engine.block) for at in range(start, start + many, engine.block)
            ]
            found["in process"].append(many / (time.process_time() - begun))
            for form, write in (("as CSV", csv_bytes), ("as Arrow", arrow_batch)):
                begun = time.process_time()
                write(frames[0])
                found[form].append(engine.block / (time.process_time() - begun))
        medians = {form: statistics.median(values) for form, values in found.items()}
        said = ", ".join(f"{form} {value:,.0f}" for form, value in medians.items())
        columns = sum(len(figure.columns) for figure in sweep.figures)
        print(f"{name} ({columns} columns of figures): {said}", flush=True)


def whole(rows: int, workers: int, suffix: str) -> None:
    """Sweep so many rows into a file in a process of its own; print time and the most memory it took."""
    import planner

    size = 1
    for values in LAYOUTS.values():
        size *= len(values)
    one = grid(DENSE, {**LAYOUTS, **tokens(max(rows // size, 2))}, columns=FEW)
    with tempfile.TemporaryDirectory() as folder:
        found = planner.sweep(one, output=Path(folder) / f"rows.{suffix}", workers=workers).result
    said = []
    for name, who in (("this process", resource.RUSAGE_SELF), ("its workers", resource.RUSAGE_CHILDREN)):
        used = resource.getrusage(who)
        if used.ru_maxrss:
            seconds = used.ru_utime + used.ru_stime
            said.append(
                f"{name} {seconds:.1f} s of a processor and {used.ru_maxrss / 2**10:,.0f} MiB at most"
            )
    print(
        f"{found.rows:,} rows into {suffix} with {workers} workers: {found.seconds:.1f} s, "
        f"{found.rows_per_s:,.0f} rows/s, {found.file_bytes / 2**20:,.0f} MiB; {', '.join(said)}",
        flush=True,
    )


def main() -> None:
    """Run everything, or one measurement in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1e5,1e6,1e7")
    parser.add_argument("--suffix", default="parquet")
    parser.add_argument("--one", nargs=3, metavar=("ROWS", "WORKERS", "SUFFIX"))
    parser.add_argument("--rates", action="store_true", help="only the rates of one core")
    parser.add_argument("--files", action="store_true", help="only whole sweeps with their files")
    asked = parser.parse_args()
    if asked.one:
        whole(int(asked.one[0]), int(asked.one[1]), asked.one[2])
        return
    if not asked.files:
        rates()
    if asked.rates:
        return
    sizes = [int(float(text)) for text in asked.rows.split(",")]
    for rows, workers in [*((rows, 1) for rows in sizes), (sizes[-1], 2)]:
        command = [sys.executable, __file__, "--one", str(rows), str(workers), asked.suffix]
        subprocess.run(command, check=True)  # noqa: S603 (ourselves)


if __name__ == "__main__":
    main()
