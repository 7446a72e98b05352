"""How fast the frontier is, and what its searches among alike stages miss: ``python benchmarks/frontier.py``.

Processor time of one core of a warm call, best of three, with ``OMP_NUM_THREADS=1``; and the rate (failures
included) that its search finds over that of the whole search of `planner.train`, at sizes and batches that
fall between its nodes.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from planner.catalog.load import Catalog
from planner.plan.defaults import Filled
from planner.plan.frontier.frontier import frontier
from planner.plan.frontier.question import setting_of
from planner.plan.frontier.setting import figures
from planner.plan.solve import find

CALLS = (
    ("four times", {"cluster": "colossus-1m", "days": [30, 90, 180, 365]}),
    ("one time", {"cluster": "colossus-1m", "days": 90}),
    ("a mixture, four times", {"cluster": "colossus-1m", "days": [30, 90, 180, 365], "shape": "moe"}),
    ("10M H100, four times", {"gpu": "h100", "gpus": 10_000_000, "days": [30, 90, 180, 365]}),
    ("1,024 H100", {"gpu": "h100", "gpus": 1024, "days": 30}),
)
PLACES = (
    ("dense", {"cluster": "colossus-1m", "gpu": None, "gpus": None}, (6e11, 2.3e12, 7e12)),
    ("moe", {"cluster": "colossus-1m", "gpu": None, "gpus": None}, (2.3e11, 9e11, 2e12)),
    ("moe-sparse", {"cluster": "colossus-1m", "gpu": None, "gpus": None}, (5e11,)),
    ("dense", {"cluster": None, "gpu": "h100", "gpus": 16384}, (7e10, 2.5e11)),
    ("dense", {"cluster": None, "gpu": "h100", "gpus": 512}, (3e10,)),
    ("dense", {"cluster": None, "gpu": "h100", "gpus": 8}, (3e9, 8e9)),
    ("moe", {"cluster": None, "gpu": "h200", "gpus": 64}, (3e9,)),
)
BATCHES = (2048, 6144, 12288)
FEW = (64, 256, 1024)


def speed() -> None:
    """Print a row for each call."""
    book = Catalog()
    for name, options in CALLS:
        took, searches = [], 0
        for _ in range(3):
            start = time.process_time()
            searches = frontier(**options, catalog=book).result.surface.searches
            took.append(time.process_time() - start)
        print(f"{name:24} {min(took):6.2f} s {searches:4d} searches")


def missed() -> None:
    """Print what the search of the frontier finds over the whole search."""
    book, ratios, times = Catalog(), [], []
    for shape, place, sizes in PLACES:
        setting = setting_of(
            book, Filled(), **place, shape=shape, seq_len=None, precision=None, software=None, surroundings={}
        )
        for size in sizes:
            record = setting.record(size)
            for sequences in BATCHES if setting.site.available > 1024 else FEW:
                start = time.process_time()
                ours = setting.search(size, sequences)
                middle = time.process_time()
                case = setting.case(size, sequences)
                free = replace(case, job=replace(case.job, pins={}))
                whole = find(free, free.site.available, setting.effort, alternatives=False)
                times.append((middle - start, time.process_time() - middle))
                if ours.plans is None or whole.plans is None:
                    continue
                rates = [figures(found)[0] * figures(found)[1] for found in (ours, whole)]
                ratios.append(rates[0] / rates[1])
                if ratios[-1] < 0.97:
                    print(f"  {record.id} on {setting.site.available:,}, {sequences}: {ratios[-1]:.3f}")
    shares = np.array(ratios)
    quick, slow = np.sum(times, axis=0)
    print(
        f"{len(shares)} searches: {quick:.2f} s against {slow:.2f} s; rate over that of the whole search: "
        f"median {np.median(shares):.3f}, least {shares.min():.3f}, most {shares.max():.3f}"
    )


if __name__ == "__main__":
    speed()
    missed()
