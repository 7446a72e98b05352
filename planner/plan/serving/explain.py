"""Where the numbers of a serving answer come from: every input with its source, every time term in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from planner.catalog.fields import quantities
from planner.errors import UsageError
from planner.plan.explain import Number, Term, Traced, computed, model_numbers, quoted
from planner.plan.serving.binding import spent_of
from planner.plan.serving.layouts import by_size, layouts_of
from planner.plan.serving.table import Rows, short_layout
from planner.search.serving import ROLES
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.serving.request import Stack
    from planner.plan.serving.results import ServeResult
    from planner.plan.serving.solve import Found
    from planner.search.serving import PoolPlan

__all__ = ["TERMS", "Explanation", "explain", "explain_rows"]

_PRODUCT: Final = (
    "overhead + (compute^p + memory^p + serial^p)^(1/p), with compute = 2 m n k / rate, memory = bytes / "
    "bandwidth and serial = the k-loop of one tile"
)
TERMS: Final = {
    "linear": (
        "projections and dense feed-forward blocks",
        f"each product of the step's tokens with a weight matrix at its true shape: {_PRODUCT}",
        ("rate.matrix", "rate.memory", "layout.tp"),
    ),
    "attention": (
        "attention cores, and recurrent states",
        "decoding reads the keys and values of every sequence; prompts attend to what is before them: "
        "tokens x (past + tokens / 2 + 32) pairs over the rate of the kernel",
        ("part.memory.bandwidth", "load.new", "load.context"),
    ),
    "expert": (
        "routed and shared experts",
        "grouped products over the distinct experts that the tokens reach, on the rank with the most rows: "
        f"{_PRODUCT}; and fixed kernels of routing",
        ("rate.experts", "calibration.imbalance", "calibration.engine.expert_layer", "layout.ep"),
    ),
    "elementwise": (
        "norms, rotations, residuals",
        "fixed kernels of each layer, and bytes per hidden element over the streaming rate",
        ("calibration.engine.layer", "calibration.element_bytes", "part.memory.bandwidth"),
    ),
    "communication": (
        "all-reduces of tensor parallelism, exchange with experts",
        "latency + volume (n - 1) / n / bandwidth, over links inside a domain and NICs beyond it; less what "
        "the other half batch hides",
        ("part.scale_up.bandwidth", "rate.nic", "calibration.nic_share", "calibration.overlap"),
    ),
    "pipeline": (
        "activations between stages",
        "latency + bytes / bandwidth for each boundary",
        ("layout.pp",),
    ),
    "head": (
        "logits and sampling",
        "the output product in 16 bit, and 12 bytes per logit over 70 % of the memory bandwidth",
        ("part.memory.bandwidth", "layout.tp"),
    ),
    "host": (
        "the host between steps",
        "fitted seconds of each step and of each sequence in it that the accelerator waits for",
        ("calibration.engine.host_step", "calibration.engine.host_sequence", "calibration.arm_host",
         "part.host.speed"),
    ),
    "draft": (
        "speculated tokens",
        "draft layers, a head and a fixed time for each draft",
        ("calibration.draft", "layout.drafts"),
    ),
}  # fmt: skip
"""Part of a step: what it is, how it is computed, and the numbers that enter."""

_PART_FIELDS: Final = ("flops.", "memory.", "scale_up.", "scale_out.", "compute_units", "host.")


class Explanation(Traced):
    """The largest pool of the chosen plan, term by term."""

    schema_name: Annotated[Literal["planner.explain-serve/1"], Field(alias="schema")] = (
        "planner.explain-serve/1"
    )
    role: str


def explain(result: ServeResult) -> Explanation:
    """Trace the chosen plan of a result.

    Raises
    ------
    UsageError
        There is no plan, or the result was read back from JSON and no longer knows how it came about.
    """
    found: Found | None = result._trace
    if found is None or found.best is None:
        raise UsageError(
            "there is nothing to explain: the result has no plan, or was not computed in this process"
        )
    pool = by_size(found.best)[0]
    spent = spent_of(found.result.request, pool)
    numbers = {number.name: number for number in _numbers(found, pool)}
    terms = [
        Term(
            name=name,
            seconds=seconds,
            share=spent.parts[name] / spent.step_s,
            meaning=TERMS[name][0],
            formula=TERMS[name][1],
            uses=tuple(used for used in TERMS[name][2] if used in numbers),
        )
        for name, seconds in spent.parts.items()
        if seconds > 0
    ]
    return Explanation(
        plan=" + ".join(short_layout(layout) for layout in layouts_of(found.case, found.best)),
        role=ROLES[pool.role],
        step_time_s=spent.step_s,
        terms=tuple(terms),
        numbers=tuple(numbers.values()),
    )


def _numbers(found: Found, pool: PoolPlan) -> Iterator[Number]:
    stack = found.case.stacks[int(pool.point.option[0])]
    yield from _layout(found, pool)
    yield from _hardware(found, pool, stack)
    yield from _fitted(found, stack)
    yield from _traffic(found)
    yield from _fleet(found)
    yield from model_numbers(found.case.job.record)


def _layout(found: Found, pool: PoolPlan) -> Iterator[Number]:
    """Yield the replica, its operating point and the mean request."""
    point, load = pool.point, found.result.request.load
    for name in ("tp", "pp", "dp", "ep", "gpus", "chunk"):
        yield computed(
            f"layout.{name}", float(getattr(point, name)[0]), "", "chosen by the search, or pinned"
        )
    for name in ("batch", "rate", "load", "concurrency", "capacity"):
        yield computed(f"point.{name}", float(getattr(point, name)[0]), "", "operating point of a replica")
    drafts = float(found.case.options[int(point.option[0])].layout.drafts[0])
    yield computed("layout.drafts", drafts, "", "draft tokens of a step")
    yield computed("load.new", float(load.new[0]), "", "input tokens that no cache holds")
    yield computed("load.context", float(load.context[0]), "", "input + output / 2")


def _hardware(found: Found, pool: PoolPlan, stack: Stack) -> Iterator[Number]:
    place = stack.place
    part = place.accelerator
    for path, quantity in quantities(part):
        if path.startswith(_PART_FIELDS):
            yield quoted(f"part.{path}", quantity, f"accelerator/{part.id}")
    for path, quantity in quantities(stack.operators):
        if not path.startswith("collectives"):
            yield quoted(f"operators.{path}", quantity, f"operators/{stack.operators.id}")
    if place.system is not None:
        for path, quantity in quantities(place.system):
            if path.startswith(("nics.", "memory")):
                yield quoted(f"system.{path}", quantity, f"system/{place.system.id}")
    yield from _rates(found, pool)


def _rates(found: Found, pool: PoolPlan) -> Iterator[Number]:
    """Yield what kernels of the layout's precisions reach at best."""
    ops = found.case.parts[pool.part].operators
    layout = found.case.options[int(pool.point.option[0])].layout
    mlp, experts = int(layout.mlp_class[0]), int(layout.expert_class[0])
    matrix = float(ops.peak_flop_per_s[0, mlp] * ops.gemm_compute[0, mlp])
    grouped = float(ops.peak_flop_per_s[0, experts] * ops.grouped_compute[0, experts])
    memory = float(ops.memory_bytes_per_s[0] * ops.gemm_memory[0, mlp])
    made = "datasheet rate x asymptote of the kernel"
    yield computed("rate.matrix", matrix, "flop_per_s", f"{made}, dense layers")
    yield computed("rate.experts", grouped, "flop_per_s", f"{made}, grouped products")
    yield computed("rate.memory", memory, "bytes_per_s", "datasheet bandwidth x share of the kernel")
    nic = float(ops.nic_bytes_per_s[0])
    yield computed(
        "rate.nic", nic, "bytes_per_s", "ports of the system, no faster than the fabric's, over parts"
    )


def _fitted(found: Found, stack: Stack) -> Iterator[Number]:
    """Yield fitted constants, those of the engine's family, and the facts of its profile."""
    calibration, engine = found.case.calibration, stack.engine
    record = f"serving-calibration/{calibration.id}"
    for path, quantity in quantities(calibration.constants):
        yield quoted(f"calibration.{path}", quantity, record)
    for path, quantity in quantities(calibration.engines[engine.family]):
        yield quoted(f"calibration.engine.{path}", quantity, record)
    for path, quantity in quantities(engine):
        yield quoted(f"engine.{path}", quantity, f"engine/{engine.id}")
    for path, quantity in quantities(stack.weights):
        yield quoted(f"weights.{path}", quantity, f"format/{stack.weights.id}")
    if stack.speculation is not None:
        yield computed("speculation.accepted", stack.accepted, "", f"speculation/{stack.speculation.id}")


def _traffic(found: Found) -> Iterator[Number]:
    traffic = found.case.job.traffic
    for path, quantity in quantities(traffic):
        yield quoted(f"traffic.{path}", quantity, f"traffic/{traffic.id}")


def _fleet(found: Found) -> Iterator[Number]:
    operations = found.operations
    for path, quantity in quantities(operations):
        yield quoted(f"operations.{path}", quantity, f"operations/{operations.id}")


def explain_rows(explanation: Explanation) -> tuple[Rows, Rows]:
    """Return time terms as (term, seconds, share, how) and numbers as (name, value, kind, source, place)."""
    texts = {n.name: n.text for n in explanation.numbers}
    terms: Rows = [
        (
            t.name,
            format_quantity(t.seconds, "s", digits=3),
            f"{t.share:.1%}",
            f"{t.formula} [{', '.join(f'{name} = {texts[name]}' for name in t.uses)}]",
        )
        for t in explanation.terms
    ]
    numbers: Rows = [(n.name, n.text, n.kind, n.source, f"{n.at} [{n.record}]") for n in explanation.numbers]
    return terms, numbers
