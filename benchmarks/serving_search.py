"""How fast the serving search is, and how exact: ``OMP_NUM_THREADS=1 python benchmarks/serving_search.py``.

Processor time of one core, each after one run to warm up:

* operating points a second of a sweep: times of steps, latencies with their percentiles, targets; and by how
  much the rate and the time per token differ from those evaluated directly at the same points;
* how long a whole search takes, from eight accelerators to a million, and for a cluster of unlike parts.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from planner.catalog.kinds import ACCELERATOR, SERVING_CALIBRATION
from planner.catalog.load import Catalog
from planner.search.serving import (
    AGGREGATED,
    DECODE,
    Can,
    Option,
    ServingPart,
    ServingRequest,
    Target,
    Variation,
    search,
)
from planner.search.serving.curves import Curves, direct
from planner.search.serving.roles import sweep
from planner.tables import model_table
from planner.tables.engine import deployment_table, engine_constants, engine_table
from planner.tables.operators import operators_of, operators_table
from planner.tables.serving import Load
from planner.workload.formats import peaks, weight_format
from planner.workload.kinds import ENGINE, MODEL

REPEATS = 3
CASES = (
    ("llama3.1-70b", "h100-sxm", "vllm", 4000.0, 500.0),
    ("deepseek-v3", "h200-sxm", "sglang", 4000.0, 500.0),
    ("deepseek-v3", "gb200", "trtllm", 1000.0, 8000.0),
    ("gpt-oss-120b", "b200", "vllm", 1000.0, 1000.0),
)
SIZES = (8, 1_000, 1_000_000)
CLUSTER = {"h100-sxm": 150_000, "h200-sxm": 50_000, "gb200": 30_000}


@dataclass(frozen=True)
class Asked:
    """A model on some parts, in the terms of a request."""

    model: str
    engine: str
    parts: dict[str, float]
    isl: float
    osl: float

    def request(self, catalog: Catalog) -> ServingRequest:
        """Return the question: two seconds to the first token at p99, 50 ms per token on average."""
        record = catalog.get(MODEL, self.model)
        parts = [catalog.get(ACCELERATOR, name) for name in self.parts]
        profile = catalog.get(ENGINE, self.engine)
        constants = engine_constants(catalog.get(SERVING_CALIBRATION, "serving"), profile.family)
        table = model_table(record.architecture)
        options = []
        for i, part in enumerate(parts):
            weights = weight_format(catalog, record).on(peaks(part.flops))
            kv = profile.kv_precision(
                weights=weights.id,
                attention="mla" if table.mla[0] else "gqa",
                available=peaks(part.flops),
            )
            f = profile.features
            options.append(
                Option(
                    part=i,
                    engine=engine_table(profile, constants, arm_host=part.host.cpu == "arm"),
                    layout=deployment_table(weights, kv=kv, tp=1),
                    can=Can(
                        pipeline=f.pipeline_parallel,
                        attention_data=f.attention_data_parallel,
                        experts=f.expert_parallel,
                        disaggregation=f.disaggregation,
                        two_batches=profile.overlaps_two_batches,
                    ),
                    chunks=tuple(chunk.value for chunk in profile.chunk_options),
                )
            )
        return ServingRequest(
            model=table,
            load=Load(*(np.array([x]) for x in (self.isl, self.osl, 0.0, 0.0, 0.25, 0.25))),
            parts=tuple(
                ServingPart(
                    part.id, operators_table(part, operators_of(catalog, part)), part.memory.capacity.value, n
                )
                for part, n in zip(parts, self.parts.values(), strict=True)
            ),
            options=tuple(options),
            variation=Variation(0.5, 0.5, 1.0),
            ttft=Target(2.0, 0.99),
            tpot=Target(0.05),
        )


def swept(request: ServingRequest, role: int) -> tuple[int, float, Curves, Curves]:
    """Return points, the least seconds of a few sweeps, and curves tabulated and evaluated directly."""
    best = math.inf
    for _ in range(REPEATS + 1):
        started = time.process_time()
        one, _ = sweep(request, 0, role)
        best = min(best, time.process_time() - started)
    if one is None:
        raise SystemExit("no replica holds the model")
    return one.missed.size, best, one.curves, direct(one.found, one.curves.batch)


def searched(request: ServingRequest) -> tuple[float, str]:
    """Return the least seconds of a few searches, and the answer."""
    best = math.inf
    for _ in range(REPEATS):
        started = time.process_time()
        result = search(request)
        best = min(best, time.process_time() - started)
    if result.best is None:
        return best, "nothing is feasible"
    return best, f"{result.best.rate:,.1f} requests/s, {' and '.join(result.best.modes)}"


def main() -> None:
    """Print both tables."""
    catalog = Catalog()
    print(
        f"{'model':13} {'part':9} {'role':11} {'points':>7} {'points/s':>10}  "
        "error of rate: mean, p99, within 1 %"
    )
    for model, part, engine, isl, osl in CASES:
        request = Asked(model, engine, {part: math.inf}, isl, osl).request(catalog)
        for role, name in ((AGGREGATED, "aggregated"), (DECODE, "decode")):
            points, seconds, tabulated, exact = swept(request, role)
            error = np.abs(tabulated.rate / exact.rate - 1.0)
            print(
                f"{model:13} {part:9} {name:11} {points:7,} {points / seconds:10,.0f}  {np.mean(error):.3%}, "
                f"{np.quantile(error, 0.99):.2%}, {np.mean(error <= 0.01):.2%}"
            )
    print()
    for model, part, engine, isl, osl in CASES[:2]:
        for size in SIZES:
            seconds, answer = searched(Asked(model, engine, {part: size}, isl, osl).request(catalog))
            print(f"{model:13} on {size:9,} {part:9} {seconds:6.2f} s  {answer}")
    seconds, answer = searched(Asked("deepseek-v3", "sglang", dict(CLUSTER), 4000.0, 500.0).request(catalog))
    places = " and ".join(f"{n:,} {part}" for part, n in CLUSTER.items())
    print(f"deepseek-v3   on {places}: {seconds:.2f} s  {answer}")


if __name__ == "__main__":
    main()
