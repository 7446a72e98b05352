"""Operating points of replicas, one per row: what the search sweeps, filters and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np

from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["AGGREGATED", "DECODE", "PREFILL", "ROLES", "Columns", "Latency", "Points"]

ROLES: Final = ("aggregated", "prefill", "decode")
"""What a replica does; `Points.role` is an index into this table."""
AGGREGATED, PREFILL, DECODE = range(3)


class Columns:
    """Row operations of a table whose fields are arrays ``[P]`` or such tables themselves."""

    def __len__(self) -> int:
        return len(next(iter(self._columns().values())))

    def _columns(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]

    def take(self, index: IntArray | BoolArray | slice) -> Self:
        """Rows at `index`."""
        values = {
            k: v.take(index) if isinstance(v, Columns) else v[index] for k, v in self._columns().items()
        }
        return type(self)(**values)

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """All rows of several tables, at least one."""
        columns = [t._columns() for t in tables]
        values = {
            k: type(v).joined([c[k] for c in columns])
            if isinstance(v, Columns)
            else np.concatenate([c[k] for c in columns])
            for k, v in columns[0].items()
        }
        return cls(**values)


@dataclass(frozen=True, eq=False)
class Latency(Columns):
    """One latency in steady state, seconds; nan where a role has none."""

    mean: FloatArray
    p50: FloatArray
    p90: FloatArray
    p99: FloatArray
    target: FloatArray  # at the percentile of the request's target; the mean without one


@dataclass(frozen=True, eq=False)
class Points(Columns):
    """One replica at one operating point per row."""

    role: IntArray  # index into ROLES
    part: IntArray  # index into the parts of the request
    option: IntArray  # index into its options
    tp: FloatArray
    pp: FloatArray
    dp: FloatArray
    ep: FloatArray
    gpus: FloatArray  # accelerators of the replica
    chunk: FloatArray  # prompt tokens of a step and attention rank, at most
    batch: FloatArray  # sequences that decode, on average; prompts of one pass of a prefill replica
    rate: FloatArray  # requests per second
    load: FloatArray  # rate over the largest one at which no queue grows without end
    concurrency: FloatArray  # requests in the replica, on average
    ttft: Latency
    tpot: Latency
    e2e: Latency
    memory_bytes: FloatArray  # of one accelerator: weights, workspace, caches at this batch
    capacity: FloatArray  # sequences that fit
    reason: IntArray  # index into `planner.search.serving.reasons.REASONS`; 0 is feasible

    @property
    def feasible(self) -> BoolArray:
        """Rows that meet all targets."""
        feasible: BoolArray = self.reason == 0
        return feasible

    @property
    def headroom(self) -> FloatArray:
        """Share by which the rate may grow before a queue does."""
        return 1.0 - self.load

    @property
    def rate_per_gpu(self) -> FloatArray:
        """Requests per second and accelerator; of a pool, without the other pool."""
        return self.rate / self.gpus
