"""How fast the search is: ``OMP_NUM_THREADS=1 python benchmarks/search_speed.py``.

Two questions, each asked once to warm up and then timed (best of three), on one core:

* how long a whole search takes for two published jobs, from a thousand accelerators to ten million;
* how many layouts a second are evaluated when nothing is pruned, memory included.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import Any

from planner.catalog import kinds
from planner.catalog.load import Catalog
from planner.search import Request, SearchResult, search
from planner.tables import constants_of, hardware_table, model_table, software_table
from planner.workload.kinds import MODEL, SOFTWARE

ACCELERATORS = ("h100-sxm", "gb200")
SIZES = (1_000, 16_384, 1_000_000, 10_000_000)
REPEATS = 3


@dataclass(frozen=True)
class Job:
    """A model with its batch, in the terms of a request."""

    model: str
    software: str
    seq_len: int
    global_batch: int
    gemm_class: int
    some: dict[str, Any]
    """Pins that leave a space small enough to evaluate whole."""


JOBS = (
    Job("llama3.1-405b", "megatron-core", 8192, 2048, 0, {"tp": (4, 8), "micro_batch": (1, 2)}),
    Job("deepseek-v3", "megatron-bridge", 4096, 15360, 1, {"tp": (1, 2), "micro_batch": (1, 2)}),
)


def tables(catalog: Catalog, job: Job, accelerator: str) -> dict[str, Any]:
    """Hardware, model and software of one row each."""
    part = catalog.get(kinds.ACCELERATOR, accelerator)
    stack = catalog.get(SOFTWARE, job.software)
    constants = constants_of(catalog.get(kinds.CALIBRATION, "training"), stack.family)
    return {
        "hardware": hardware_table(part, catalog.get(kinds.KERNELS, part.kernels or part.id)),
        "model": model_table(catalog.get(MODEL, job.model).architecture),
        "software": software_table(stack, constants, released=part.released),
    }


def timed(**arguments: Any) -> tuple[SearchResult, float]:
    """Return the answer and the least seconds of a few searches."""
    result, best = search(**arguments), float("inf")
    for _ in range(REPEATS):
        started = time.perf_counter()
        result = search(**arguments)
        best = min(best, time.perf_counter() - started)
    return result, best


def main() -> None:
    """Print both tables."""
    catalog = Catalog()
    print(f"{'model':14} {'part':9} {'accelerators':>12} {'legal':>12} {'evaluated':>10} {'s':>6}  step s")
    for job in JOBS:
        for accelerator in ACCELERATORS:
            given = tables(catalog, job, accelerator)
            for size in SIZES:
                request = Request(size, job.seq_len, job.global_batch, job.gemm_class)
                result, seconds = timed(**given, request=request)
                step = float(result.plans.step.step_s[0]) if result.plans else float("nan")
                counts = result.counts
                print(
                    f"{job.model:14} {accelerator:9} {size:12,} {counts.legal:12,} {counts.evaluated:10,} "
                    f"{seconds:6.2f}  {step:.4g}"
                )
    print()
    for job in JOBS:
        given = tables(catalog, job, ACCELERATORS[0])
        request = Request(16_384, job.seq_len, job.global_batch, job.gemm_class, pins=job.some)
        result, seconds = timed(**given, request=request, prune=False, alternatives=False)
        counts = result.counts
        print(
            f"{job.model:14} nothing pruned: {counts.legal / seconds:,.0f} layouts/s through memory, "
            f"{counts.evaluated / seconds:,.0f} evaluated/s"
        )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
