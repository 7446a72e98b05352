"""Where the numbers of an answer come from: every input with its source, every time term with its formula."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from planner.catalog.fields import quantities
from planner.errors import UsageError
from planner.plan.document import Base, Document
from planner.plan.evaluate import BREAKDOWN, Trace, time_breakdown
from planner.plan.formulas import FORMULAS
from planner.tables import GEMM_CLASSES
from planner.units import DIMENSIONS, format_quantity

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.plan.results import TrainResult
    from planner.workload.record import ModelRecord

__all__ = [
    "Explanation",
    "Number",
    "Term",
    "Traced",
    "computed",
    "explain",
    "explain_trace",
    "model_numbers",
    "quoted",
]

_CONSTANT_MODULES: Final = (
    "operators", "collectives", "context", "passes", "blocks", "experts", "mixers", "layer", "activations",
    "memory", "pipeline", "data_parallel", "training", "adapters", "learning",
)  # fmt: skip
_PART_FIELDS: Final = ("memory.", "scale_up.", "host.", "compute_units")


class Number(Base):
    """One number that entered the answer."""

    name: str
    value: float
    unit: str
    """Of `value`; empty for a pure number."""
    text: str
    """For people."""
    record: str
    """The record it is in, as ``kind/id``; or the module that computes it."""
    source: str
    """Key in ``sources.yaml``; ``planner`` for what the code computes or fixes."""
    at: str
    """Place in the source."""
    kind: str
    low: float | None = None
    high: float | None = None
    note: str | None = None


class Term(Base):
    """One part of the step time."""

    name: str
    seconds: float
    share: float
    meaning: str
    formula: str
    """In words."""
    uses: tuple[str, ...]
    """Names of the numbers that enter."""


class Traced(Document):
    """A chosen plan, term by term."""

    plan: str
    step_time_s: float
    terms: tuple[Term, ...]
    numbers: tuple[Number, ...]

    def to_frame(self) -> Any:
        """Return the numbers as a pandas ``DataFrame``."""
        from planner.plan.frames import frame_of

        return frame_of(number.model_dump() for number in self.numbers)

    def number(self, name: str) -> Number | None:
        """Return the number of that name."""
        return next((number for number in self.numbers if number.name == name), None)


class Explanation(Traced):
    """The chosen layout of a training job, term by term."""

    schema_name: Annotated[Literal["planner.explain/1"], Field(alias="schema")] = "planner.explain/1"


def explain(result: TrainResult) -> Explanation:
    """Trace the chosen plan of a result.

    Raises
    ------
    UsageError
        There is no plan, or the result was read back from JSON and no longer knows how it came about.
    """
    trace: Trace | None = result._trace
    if trace is None:
        raise UsageError(
            "there is nothing to explain: the result has no plan, or was not computed in this process"
        )
    return explain_trace(trace)


def explain_trace(trace: Trace) -> Explanation:
    """Trace one layout; see `explain`."""
    seconds = time_breakdown(trace.costs)
    step = trace.costs.step_s
    numbers = {number.name: number for number in _numbers(trace)}
    terms = [
        Term(
            name=name,
            seconds=value,
            share=value / step,
            meaning=BREAKDOWN[name],
            formula=FORMULAS[name].words,
            uses=tuple(used for used in FORMULAS[name].uses if used in numbers),
        )
        for name, value in seconds.items()
        if value != 0.0
    ]
    return Explanation(plan=trace.plan, step_time_s=step, terms=tuple(terms), numbers=tuple(numbers.values()))


def _numbers(trace: Trace) -> Iterator[Number]:
    yield from _layout(trace)
    yield from _rates(trace)
    yield from _hardware(trace)
    yield from _calibration(trace)
    yield from _records(trace)
    yield from model_numbers(trace.model)
    yield from _constants()


def quoted(name: str, quantity: Quantity, record: str) -> Number:
    """Return a number of a record, with its source."""
    example = DIMENSIONS[quantity.dimension]
    return Number(
        name=name,
        value=quantity.value,
        unit="" if example.bare else quantity.dimension,
        text=quantity.text,
        record=record,
        source=quantity.source,
        at=quantity.at,
        kind=quantity.kind,
        low=quantity.low,
        high=quantity.high,
        note=quantity.note,
    )


def computed(name: str, value: float, unit: str, at: str, *, text: str | None = None) -> Number:
    """Return a number that the code makes; `at` says how."""
    shown = text if text is not None else format_quantity(value, unit or "count")
    return Number(
        name=name,
        value=value,
        unit=unit,
        text=shown,
        record="planner",
        source="planner",
        at=at,
        kind="derived",
    )


def _layout(trace: Trace) -> Iterator[Number]:
    """Yield the layout and what follows from it."""
    costs = trace.costs
    st = costs.strategy
    for name in ("tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch", "global_batch", "seq_len"):
        yield computed(f"layout.{name}", float(getattr(st, name)[0]), "", "chosen by the search, or pinned")
    yield computed("layout.recompute_layers", float(st.recompute_layers[0]), "", "share of the layers")
    yield computed("layout.offload", float(st.offload[0]), "", "share of the activations")
    yield computed("layout.gpus", costs.gpus, "", "tp x cp x pp x dp")
    tokens = float(st.micro_batch[0] * st.seq_len[0] / st.cp[0])
    yield computed("layout.tokens", tokens, "", "micro-batch x sequence length / cp, per accelerator")
    count = float(costs.step.micro_batches[0])
    yield computed("layout.micro_batches", count, "", "global batch / (dp x micro-batch), rounded up")
    per_stage = float(costs.model.layers[0] / st.pp[0])
    yield computed("layout.layers_per_stage", per_stage, "", "layers / pp, on average")


def _rates(trace: Trace) -> Iterator[Number]:
    """Rates that several numbers make together."""
    from planner.model.context import prepare

    costs = trace.costs
    context = prepare(
        hardware=costs.hardware, model=costs.model, software=costs.software, strategy=costs.strategy
    )
    made = "dense peak x asymptote of the kernel x sustained share x (power / reference power)^0.4"
    yield computed("rate.matrix", float(context.rate_linear[0]), "flop_per_s", made)
    yield computed("rate.matrix16", float(context.rate16[0]), "flop_per_s", f"{made}, 16 bit")
    hw, m, sw = costs.hardware, costs.model, costs.software
    head = hw.attention_asymptote / (1.0 + hw.attention_head_half / np.maximum(m.qk_dim, 1.0))
    sustained_peak = context.rate16 / hw.gemm_asymptote[:, 0]
    attention = float((np.where(m.mla, hw.mla_asymptote, head) * sw.attention_rate * sustained_peak)[0])
    yield computed(
        "rate.attention",
        attention,
        "flop_per_s",
        "16-bit peak x asymptote / (1 + half size / head size) x rate of the stack's kernel x "
        "sustained share",
    )
    nic = float((sw.nic_share * hw.nic_achievable * hw.nic_bytes_per_s)[0])
    yield computed(
        "rate.nic", nic, "bytes_per_s", "NIC share x achievable share of the fabric x NIC bandwidth"
    )
    yield computed(
        "hardware.nic", float(hw.nic_bytes_per_s[0]), "bytes_per_s", "ports of the system / accelerators"
    )
    yield computed("hardware.domain", float(hw.domain[0]), "", "accelerators in one scale-up domain")
    yield computed("hardware.node", float(hw.node[0]), "", "accelerators in one host")


def _hardware(trace: Trace) -> Iterator[Number]:
    site = trace.site
    name = GEMM_CLASSES[int(trace.costs.strategy.gemm_class[0])]
    part = site.accelerator
    flops = (
        "flops.bf16",
        "flops.fp16",
        *{"bf16": (), "nvfp4": ("flops.fp4",)}.get(name, ("flops.fp8", "flops.int8")),
    )
    for path, quantity in quantities(part):
        if (
            path in flops
            or path.startswith(_PART_FIELDS)
            or (path.startswith("power.tdp") and part.reference_tdp)
        ):
            yield quoted(f"accelerator.{path}", quantity, f"accelerator/{part.id}")
    for path, quantity in quantities(site.kernels):
        if not path.startswith("gemm.") or path in ("gemm.bf16", f"gemm.{name}"):
            yield quoted(f"kernels.{path}", quantity, f"kernels/{site.kernels.id}")
    if site.system is not None:
        for path, quantity in quantities(site.system.nics):
            yield quoted(f"system.nics.{path}", quantity, f"system/{site.system.id}")
    if site.fabric is not None:
        for path, quantity in quantities(site.fabric):
            if path == "achievable" or path == "link" or path.startswith("tiers."):
                yield quoted(f"fabric.{path}", quantity, f"fabric/{site.fabric.id}")


def _calibration(trace: Trace) -> Iterator[Number]:
    """Fitted constants: those of the software class where it has its own."""
    calibration, family = trace.calibration, trace.software.family
    found = dict(quantities(calibration.constants))
    own = calibration.classes.get(family)
    found |= dict(quantities(own)) if own is not None else {}
    record = f"calibration/{calibration.id}"
    for name, quantity in found.items():
        yield quoted(f"calibration.{name}", quantity, record)


def _records(trace: Trace) -> Iterator[Number]:
    for path, quantity in quantities(trace.software):
        yield quoted(f"software.{path}", quantity, f"software/{trace.software.id}")
    if trace.tuning is not None:
        for path, quantity in quantities(trace.tuning):
            yield quoted(f"fine_tuning.{path}", quantity, f"fine-tuning/{trace.tuning.id}")
    for part in ("published", "recipe"):
        section = getattr(trace.model, part)
        if section is not None:
            for path, quantity in quantities(section):
                yield quoted(f"model.{part}.{path}", quantity, f"model/{trace.model.id}")


def model_numbers(record: ModelRecord) -> Iterator[Number]:
    """Yield plain numbers of an architecture, cited by its record."""
    from planner.workload.counts import parameters

    cite = record.cite
    a = record.architecture
    values: dict[str, float] = {"hidden": a.hidden, "vocab": a.vocab, "layers": a.depth, "mtp": a.mtp}
    for section in ("attention", "window_attention", "linear_attention", "mlp", "moe"):
        part = getattr(a, section)
        if part is not None:
            fields = {k: v for k, v in part if isinstance(v, int) and not isinstance(v, bool)}
            values |= {f"{section}.{k}": v for k, v in fields.items()}
    for name, value in values.items():
        yield Number(
            name=f"model.{name}",
            value=float(value),
            unit="",
            text=f"{value:,}",
            record=f"model/{record.id}",
            source=cite.source if cite else "?",
            at=cite.at if cite else "?",
            kind=cite.kind if cite else "given",
        )
    counts = parameters(a)
    yield computed("model.total_parameters", float(counts.total), "", "counted from the architecture")
    yield computed(
        "model.active_parameters", float(counts.active), "", "counted from the architecture, per token"
    )


def _constants() -> Iterator[Number]:
    """Yield fixed constants of the physics, whose derivation stands where they are defined."""
    import importlib

    for name in _CONSTANT_MODULES:
        module = importlib.import_module(f"planner.model.{name}")
        for constant, value in vars(module).items():
            if not constant.isupper() or not isinstance(value, float | int | np.ndarray):
                continue
            values = np.ravel(np.asarray(value, dtype=float))
            shown = ", ".join(f"{v:g}" for v in values)
            where = f"planner.model.{name}.{constant}"
            first = computed(f"constant.{constant}", float(values[0]), "", where, text=shown)
            yield (
                first.model_copy(update={"note": "for " + ", ".join(GEMM_CLASSES)})
                if len(values) > 1
                else first
            )
