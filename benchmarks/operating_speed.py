"""What failures, power and cost add to the time of a search, and the time of sizing a fabric.

``OMP_NUM_THREADS=1 python benchmarks/operating_speed.py``; best of several, one core. Records are read
before: reading them is part of start-up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from planner.catalog.load import Catalog
from planner.model.fabric import built
from planner.plan.assemble import costs_of, run_of, spread_at
from planner.plan.defaults import Filled
from planner.plan.job import LAYOUT, case_on, resolve
from planner.plan.operating.asked import Asked
from planner.plan.operating.case import operating
from planner.plan.operating.estate import estate_of
from planner.plan.operating.training import operated
from planner.plan.site import sites
from planner.plan.solve import Effort, find

CASES = (
    ("llama-3.1-405b", "llama3-16k"),
    ("llama-3.1-405b", "million-h100"),
    ("llama-3.1-405b", "colossus-1m"),
    ("deepseek-v3", "deepseek-2048-h800"),
    ("deepseek-v3", "colossus-1m"),
)


def best(run: Callable[[], object], times: int = 7) -> float:
    """Shortest of some runs, seconds."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    return min(took)


def measure(model: str, cluster: str) -> None:
    """Print a row."""
    book = Catalog()
    asked = Asked.read(book)
    open_ = dict.fromkeys(
        ("gpu", "gpus", "tokens", "days", "seq_len", "global_batch", "precision", "software")
    )
    free = {"in_flight": None, "zero_bubble": None, "layout": dict.fromkeys(LAYOUT)}
    job = resolve(book, Filled(), model=model, cluster=cluster, goal="fastest", top=5, **open_, **free)
    plain = case_on(job, sites(book, cluster=cluster, gpu=None, gpus=None)[0], Filled())

    case = operating(book, plain, asked, Filled())
    found = find(case, case.site.available, Effort())
    costs = costs_of(case, found.plans)
    run = run_of(case, costs, tokens=job.tokens, spread=spread_at(case, costs))
    used = found.plans.accelerators

    def rest() -> None:
        case = operating(book, plain, asked, Filled())
        case.goodput(used), case.hourly(used)
        operated(estate_of(book, case.site, asked, Filled()), asked, run, catalog=book, filled=Filled())

    search = best(lambda: find(case, case.site.available, Effort()))
    extra = best(rest)
    print(f"{model:16} {cluster:20} {search * 1e3:8.1f} {extra * 1e3:8.1f} {extra / search:6.1%}")


def main() -> None:
    """Print the table."""
    print(f"{'model':16} {'cluster':20} {'search':>8} {'rest':>8} {'share':>6}   ms")
    for model, cluster in CASES:
        measure(model, cluster)
    book = Catalog()
    site = sites(book, cluster="million-h100", gpu=None, gpus=None)[0]
    estate = estate_of(book, site, Asked.read(book), Filled())
    ten = np.array([1e7])

    def sized() -> object:
        return built(fabric=estate.network_plan, accelerators=ten, ports_per_accelerator=estate.ports)

    print(f"\nfabric of 10,000,000 accelerators: {best(sized) * 1e3:.2f} ms, 256 samples")


if __name__ == "__main__":
    main()
