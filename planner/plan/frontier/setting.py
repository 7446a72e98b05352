"""What all runs of a frontier question share, and the search for the layout of one of them.

The search is that of `planner.train` among layouts whose stages are alike: pipeline and interleaving divide
the layers, tensor parallelism and micro-batches are powers of two, recomputation is none, selective or full.
It takes a fraction of the time of the whole search and hardly misses anything: see `benchmarks/frontier.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InfeasibleError
from planner.plan.defaults import Filled
from planner.plan.job import case_on
from planner.plan.operating.case import operating
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.solve import Effort, Found, find
from planner.search.legality import divisors
from planner.tables import RECOMPUTES, SHARDINGS, model_table
from planner.tables.samples import Samples
from planner.units import SECONDS_PER_HOUR
from planner.workload.counts import parameters as counts_of
from planner.workload.shape import shaped

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.job import Case, Job
    from planner.plan.operating.asked import Asked
    from planner.plan.site import Site
    from planner.search import Plans
    from planner.workload.record import ModelRecord
    from planner.workload.shape import Shape

__all__ = ["Setting", "figures", "layout_of", "round_batch", "why_not"]

_POWERS: Final = (1, 2, 4, 8, 16, 32, 64)
_MICRO: Final = (1, 2, 4, 8, 16)
_ANY_SIZE: Final = 1e10
_RECOMPUTE: Final = ("none", "selective", "full")
_SHARDINGS: Final = ("none", "zero1", "zero3")
_MANY: Final = 4096
"""Accelerators from which fewer shardings and micro-batches are tried."""
_FEWER: Final = 12
"""Numbers of accelerators that are looked at, each 0.7 times the one before, to see what failures leave."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all runs of a question share.

    Attributes
    ----------
    book, asked
        Records; what surrounds the hardware.
    shape
        Of the models.
    site
        The hardware.
    job
        A training job whose model and batch are replaced.
    effort
        Counts the searches.
    known, records, cases, limits
        Searches that were made, and what they share, by the size of the model.
    """

    book: Catalog
    asked: Asked
    shape: Shape
    site: Site
    job: Job
    effort: Effort = field(default_factory=Effort)
    known: dict[tuple[float, int], Found] = field(default_factory=dict)
    records: dict[float, ModelRecord] = field(default_factory=dict)
    cases: dict[float, Case] = field(default_factory=dict)
    limits: dict[float, int] = field(default_factory=dict)

    @cached_property
    def estate(self) -> Estate:
        """What surrounds the hardware, by the stated values."""
        return estate_of(self.book, self.site, self.asked, Filled(), Samples(0))

    @cached_property
    def usd_per_gpu_s(self) -> float:
        """Of an accelerator at work, with its share of the spares, where all of them work."""
        every = np.array([float(self.site.available)])
        case = self.case(_ANY_SIZE, 1)
        return float(case.hourly(every)[0]) / SECONDS_PER_HOUR

    def record(self, parameters: float) -> ModelRecord:
        """Grow the model of some size."""
        if parameters not in self.records:
            self.records[parameters] = shaped(self.shape, parameters=parameters)
        return self.records[parameters]

    def case(self, parameters: float, sequences: int) -> Case:
        """Put a model with some batch on the hardware, among layouts whose stages are alike."""
        if parameters not in self.cases:
            self.cases[parameters] = self._case(self.record(parameters))
        case = self.cases[parameters]
        return replace(case, job=replace(case.job, global_batch=sequences))

    def _case(self, record: ModelRecord) -> Case:
        table = model_table(record.architecture)
        layers = divisors(int(table.layers[0]))
        pins: dict[str, Any] = {
            "tp": _POWERS,
            "micro_batch": _MICRO,
            "recompute": _RECOMPUTE,
            "recompute_layers": (1.0,),
            "pp": tuple(layers.tolist()),
            "vpp": tuple(layers[layers <= max(int(table.layers[0]) // 2, 1)].tolist()),
        }
        counts = counts_of(record.architecture)
        job = replace(self.job, record=record, counts=counts, model=table, pins={})
        case = case_on(job, self.site, Filled())
        case = operating(self.book, case, self.asked, Filled(), self.estate)
        return replace(case, job=replace(job, pins=pins))

    def search(self, parameters: float, sequences: int) -> Found:
        """Find the best layouts of a model with some batch.

        With many accelerators optimizer states are sharded and micro-batches are of one or two sequences; the
        rest is tried only where that does not fit. No more accelerators are used than failures make
        worthwhile.
        """
        key = (parameters, sequences)
        if key not in self.known:
            case = self.case(parameters, sequences)
            self.known[key] = self._within(case, self._worthwhile(parameters, case))
        return self.known[key]

    def _worthwhile(self, parameters: float, case: Case) -> int:
        """Accelerators beyond which failures take more than more of them add."""
        if parameters not in self.limits:
            tried = np.floor(case.site.available / 2.0 ** (np.arange(_FEWER) / 2.0))
            tried = tried[tried >= 1.0]
            self.limits[parameters] = int(tried[np.argmax(tried * case.goodput(tried))])
        return self.limits[parameters]

    def _within(self, case: Case, gpus: int) -> Found:
        found = Found(case=case, result=None)
        few = {"sharding": _SHARDINGS[1:2], "micro_batch": _MICRO[:2]}
        free = {"sharding": _SHARDINGS}
        for more in (few, free) if gpus >= _MANY else (free,):
            if case.impossible is None and found.plans is None:
                own = replace(case, job=replace(case.job, pins={**case.job.pins, **more}))
                found = find(own, gpus, self.effort, alternatives=False)
        return found


def figures(found: Found) -> tuple[float, ...]:
    """`FIELDS` of the best plan: the one that trains most in the time, failures included."""
    plans, best = _best(found)
    case = found.case
    gpus = plans.accelerators[best : best + 1]
    rate = case.job.batch_tokens / float(plans.step.step_s[best])
    return rate, float(case.goodput(gpus)[0]), float(gpus[0])


def why_not(found: Found) -> str:
    """Say why a search found nothing."""
    if found.case.impossible is not None:
        return found.case.impossible
    return found.result.reason.text if found.result and found.result.reason else "nothing fits"


def layout_of(found: Found) -> dict[str, Any]:
    """Return the best layout of a search as options of `planner.train`."""
    plans, best = _best(found)
    s = plans.strategy.take(np.array([best]))
    names = ("tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch")
    recompute = RECOMPUTES[int(s.recompute[0])]
    return {
        **{name: int(getattr(s, name)[0]) for name in names},
        "sharding": SHARDINGS[int(s.sharding[0])],
        "recompute": recompute,
        "sequence_parallel": bool(s.sequence_parallel[0]),
        **({"recompute_layers": float(s.recompute_layers[0])} if recompute == "full" else {}),
    }


def _best(found: Found) -> tuple[Plans, int]:
    """Return the plans of a search and the place of the best; raises `InfeasibleError` without any."""
    if found.plans is None:
        raise InfeasibleError(why_not(found))
    goodput = found.case.goodput(found.plans.accelerators)
    return found.plans, int(np.argmax(goodput / found.plans.step.step_s))


def round_batch(tokens: float, seq_len: int) -> int:
    """Sequences of a batch near `tokens` that many data-parallel degrees divide: 1, 1.25, 1.5, 1.75 x 2^n."""
    exact = max(tokens / seq_len, 1.0)
    power = 2.0 ** np.floor(np.log2(exact))
    return max(round(round(float(exact / power) * 4.0) / 4.0 * float(power)), 1)
