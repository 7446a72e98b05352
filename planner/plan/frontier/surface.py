"""How fast models of a shape train on one kind of hardware, by size and batch: a few searches, interpolated.

Rates do not depend on how long a run takes, so that one surface serves every horizon. A node is a search of
`planner.search` among layouts whose stages are alike: pipeline and interleaving divide the layers, tensor
parallelism and micro-batches are powers of two, recomputation is none, selective or full. On clusters of a
thousand to a million accelerators it takes a quarter of the time of the whole search and finds a rate within
1 % of it, at worst 4 % (`benchmarks/frontier.py`). The nodes are smoothed into a `Surface`; the run that it
chooses is searched for again and evaluated in full.
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
    from collections.abc import Sequence

    from planner.catalog.load import Catalog
    from planner.plan.job import Case, Job
    from planner.plan.operating.asked import Asked
    from planner.plan.site import Site
    from planner.search import Plans
    from planner.types import FloatArray
    from planner.workload.record import ModelRecord
    from planner.workload.shape import Shape

__all__ = [
    "FIELDS",
    "Node",
    "Setting",
    "Surface",
    "figures",
    "layout_of",
    "node_at",
    "round_batch",
    "why_not",
]

FIELDS: Final = ("rate", "goodput", "gpus")
"""What is interpolated: tokens/s at the step time, share of the time that failures leave, accelerators at
work."""
_POWERS: Final = (1, 2, 4, 8, 16, 32, 64)
_MICRO: Final = (1, 2, 4)
_ANY_SIZE: Final = 1e10
_RECOMPUTE: Final = ("none", "selective", "full")
_SHARDINGS: Final = ("none", "zero1", "zero3")
_MANY: Final = 4096
"""Accelerators from which optimizer states are sharded without asking."""
_STIFF: Final = 0.03
"""What a curvature must explain before it is believed: without it, few nodes could hide one between them."""
_ENOUGH: Final = 3
"""Sizes from which the surface is of second degree."""


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
    known, records
        Searches that were made, and the models.
    """

    book: Catalog
    asked: Asked
    shape: Shape
    site: Site
    job: Job
    effort: Effort = field(default_factory=Effort)
    known: dict[tuple[str, int, int], Found] = field(default_factory=dict)
    records: dict[float, ModelRecord] = field(default_factory=dict)

    @cached_property
    def estate(self) -> Estate:
        """What surrounds the hardware, by the stated values."""
        return estate_of(self.book, self.site, self.asked, Filled(), Samples(0))

    @cached_property
    def usd_per_gpu_s(self) -> float:
        """Of an accelerator at work, with its share of the spares, where all of them work."""
        every = np.array([float(self.site.available)])
        case = self.case(self.record(_ANY_SIZE), 1)
        return float(case.hourly(every)[0]) / SECONDS_PER_HOUR

    def record(self, parameters: float) -> ModelRecord:
        """Grow the model of some size."""
        if parameters not in self.records:
            self.records[parameters] = shaped(self.shape, parameters=parameters)
        return self.records[parameters]

    def case(self, record: ModelRecord, sequences: int) -> Case:
        """Put a model with some batch on the hardware, among layouts whose stages are alike."""
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
        job = replace(
            self.job,
            record=record,
            counts=counts_of(record.architecture),
            model=table,
            global_batch=sequences,
            pins={},
        )
        case = case_on(job, self.site, Filled())
        case = operating(self.book, case, self.asked, Filled(), self.estate)
        return replace(case, job=replace(job, pins=pins))

    def search(self, record: ModelRecord, sequences: int) -> Found:
        """Find the best layouts of a model with some batch.

        With many accelerators optimizer states are sharded; others are tried only where that does not fit.
        """
        key = (record.id, record.architecture.hidden, sequences)
        if key not in self.known:
            case = self.case(record, sequences)
            free = replace(case, job=replace(case.job, pins={**case.job.pins, "sharding": _SHARDINGS}))
            many = replace(case, job=replace(case.job, pins={**case.job.pins, "sharding": _SHARDINGS[1:2]}))
            found = Found(case=case, result=None)
            if case.impossible is None:
                at_most = case.site.available
                found = find(many if at_most >= _MANY else free, at_most, self.effort, alternatives=False)
                if found.plans is None and at_most >= _MANY:
                    found = find(free, at_most, self.effort, alternatives=False)
            self.known[key] = found
        return self.known[key]


@dataclass(frozen=True, kw_only=True)
class Node:
    """Models of one size with several batches.

    Attributes
    ----------
    parameters
        As the shape counts them.
    record
        The model.
    batches
        Tokens, ascending, ``[B]``; those with which it can be trained.
    values
        Of `FIELDS`, ``[F, B]``.
    why
        Why it cannot be trained at all; empty where it can.
    """

    parameters: float
    record: ModelRecord
    batches: FloatArray
    values: FloatArray
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Smooth figures over size and batch, from nodes in the order of their size that can be trained.

    Luck with divisors makes one search a few percent better than its neighbour's. What is chosen should not
    hang on that: the logarithm of parameters times rate is a polynomial of second degree in the logarithms of
    size and batch, the other figures are of first degree, by least squares over all nodes.
    """

    nodes: tuple[Node, ...]
    seq_len: int

    @property
    def sizes(self) -> FloatArray:
        """Parameters of the nodes, ``[N]``."""
        return np.array([node.parameters for node in self.nodes])

    @cached_property
    def _points(self) -> FloatArray:
        """Logarithms of size and batch of all searches, ``[2, S]``."""
        pairs = [(node.parameters, batch) for node in self.nodes for batch in node.batches]
        return np.asarray(np.log(np.array(pairs).T))

    @cached_property
    def _fit(self) -> tuple[FloatArray, ...]:
        """Coefficients of each of `FIELDS`."""
        values = np.log(np.concatenate([node.values for node in self.nodes], axis=1))
        values[0] += self._points[0]
        terms = self._terms(*self._points)
        straight = np.linalg.lstsq(terms[:, :3], values[1:].T, rcond=None)[0]
        curved = terms.shape[1] - 3
        held = np.concatenate([np.zeros((curved, 3)), _STIFF * np.eye(curved)], axis=1)
        known = np.concatenate([values[0], np.zeros(curved)])
        rate = np.linalg.lstsq(np.concatenate([terms, held]), known, rcond=None)[0]
        return (rate, *straight.T)

    def _terms(self, size: FloatArray, batch: FloatArray) -> FloatArray:
        """Columns of the polynomial; of first degree where the nodes are too few for more."""
        x, y = size - self._points[0].mean(), batch - self._points[1].mean()
        columns = [np.ones_like(x), x, y]
        if len(self.nodes) >= _ENOUGH:
            columns += [x * x, x * y, y * y]
        return np.stack(columns, axis=-1)

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the searches about the surface, of the rate, relative."""
        sizes, batches = np.exp(self._points)
        own = [float(self.at(sizes[i : i + 1], batches[i : i + 1])[0, 0, 0]) for i in range(len(sizes))]
        found = np.concatenate([node.values[0] for node in self.nodes])
        return float(np.sqrt(np.mean(np.log(found / np.array(own)) ** 2)))

    def at(self, parameters: FloatArray, batches: FloatArray) -> FloatArray:
        """Return `FIELDS` at sizes ``[P]`` and batches ``[B]``: ``[F, P, B]``.

        Smaller batches than were searched for take as long a step as the smallest of those, larger ones give
        no higher rate; beyond the sizes the rate goes with one over the size, which only intervals rely on.
        """
        known, wanted = np.log(self.sizes), np.log(parameters)
        size = np.clip(wanted, known[0], known[-1])
        ends = [np.interp(size, known, np.log([node.batches[i] for node in self.nodes])) for i in (0, -1)]
        asked = np.log(batches)[None, :]
        batch = np.clip(asked, ends[0][:, None], ends[1][:, None])
        terms = self._terms(np.broadcast_to(size[:, None], batch.shape), batch)
        found = np.stack([terms[..., : len(fit)] @ fit for fit in self._fit])
        found[0] += np.minimum(asked - ends[0][:, None], 0.0) - wanted[:, None]
        found[1] = np.minimum(found[1], 0.0)
        return np.asarray(np.exp(found))

    def per_model(self, parameters: FloatArray, values: Sequence[float]) -> FloatArray:
        """Interpolate a figure of the models, given for each node, ``[P]``."""
        known = np.log(np.asarray(values, dtype=float))
        return np.asarray(np.exp(np.interp(np.log(parameters), np.log(self.sizes), known)))


def node_at(setting: Setting, parameters: float, batches: Sequence[float]) -> Node:
    """Search for a size with each of some batches (tokens)."""
    record = setting.record(parameters)
    kept, rows, why = [], [], ""
    for batch in batches:
        found = setting.search(record, round_batch(batch, setting.job.seq_len))
        if found.plans is None:
            why = why_not(found)
            continue
        kept.append(float(found.case.job.batch_tokens))
        rows.append(figures(found))
    order = np.argsort(kept)
    return Node(
        parameters=parameters,
        record=record,
        batches=np.array(kept)[order],
        values=np.array(rows).T[:, order] if rows else np.empty((len(FIELDS), 0)),
        why="" if rows else why,
    )


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
