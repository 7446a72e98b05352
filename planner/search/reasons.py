"""Why nothing is feasible, and the nearest changes that would make it so.

Tests go from the simplest cause to the last: the part lacks the precision; a pinned value is never legal
for the model; the pinned fields need more accelerators, or more sequences, than there are; they exclude
each other; nothing that is legal fits into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from planner.model.memory import device_bytes
from planner.search import legality
from planner.search.least import fewest_accelerators, least_memory, legal_within, smallest
from planner.search.request import MOST_ACCELERATORS, MOST_SEQUENCES, Request
from planner.search.result import Change, Reason
from planner.search.sweep import Field, field_of
from planner.tables import GEMM_CLASSES, RECOMPUTES, Hardware, Model, Software
from planner.types import FloatArray
from planner.units import format_quantity

__all__ = ["REASONS", "explain", "unsupported"]

REASONS: Final = ("precision", "value", "accelerators", "batch", "pins", "memory")
"""Codes of `Reason` are indices into this table."""

RULES: Final = {
    "tp": "tp must divide the heads and widths, and the key/value heads or be a multiple of them",
    "cp": "2 cp must divide the sequence length",
    "pp": "pp is at most the layers, and all stages but the first and the last hold equally many",
    "vpp": "vpp > 1 needs pp > 1 and pp * vpp at most the number of layers",
    "ep": "ep must divide the routed experts (1 where there are none)",
    "etp": "etp must divide the width of an expert (1 where there are no experts)",
    "micro_batch": "micro_batch is at most the global batch",
    "sequence_parallel": "sequence parallelism needs tp to divide the tokens of a context rank",
}
"""What a pinned value must obey on its own; reasons and sources: `planner.search.legality`."""

OFFLOADS: Final = (0.0, 0.5, 1.0)


def explain(
    *, field: Field | None, hardware: Hardware, model: Model, software: Software, request: Request
) -> tuple[Reason, tuple[Change, ...]]:
    """Find the reason and the nearest changes for a request that has no feasible plan."""
    found = unsupported(hardware=hardware, request=request)
    if found is not None:
        return found

    def at(changed: Request) -> Field | None:
        return field_of(hardware=hardware, model=model, software=software, request=changed)

    def legal(changed: Request) -> bool:
        tried = at(changed)
        return tried is not None and legal_within(tried, changed.accelerators)

    if field is None or not legal_within(field, request.accelerators):
        return _illegal(hardware=hardware, model=model, request=request, legal=legal)
    return _memory(field, request=request, at=at)


def unsupported(*, hardware: Hardware, request: Request) -> tuple[Reason, tuple[Change, ...]] | None:
    """Return the reason where the part has no rate for the precision, else None."""
    peaks = hardware.peak_flop_per_s[0]
    if peaks[request.gemm_class] > 0:
        return None
    name = GEMM_CLASSES[request.gemm_class]
    able = [i for i, peak in enumerate(peaks) if peak > 0]
    text = f"the accelerator has no matrix rate for {name}"
    changes = (Change("gemm_class", float(i), f"train in {GEMM_CLASSES[i]}") for i in able)
    return _reason("precision", text), tuple(changes)


def _reason(name: str, text: str, lacking_bytes: float = 0.0) -> Reason:
    return Reason(code=REASONS.index(name), name=name, text=text, lacking_bytes=lacking_bytes)


def _illegal(
    *, hardware: Hardware, model: Model, request: Request, legal: Callable[[Request], bool]
) -> tuple[Reason, tuple[Change, ...]]:
    """Explain why no layout is legal: a value, the accelerators, the batch, or the pins together."""
    wide = request.changed(accelerators=MOST_ACCELERATORS, global_batch=MOST_SEQUENCES, pins={})
    alone = [k for k in RULES if k in request.pins and not legal(wide.changed(pins={k: request.words()[k]}))]
    if alone:
        text = "; ".join(f"{k}={_shown(request, k)}: {RULES[k]}" for k in alone)
        changes = [
            c for k in alone for c in _other_values(k, hardware=hardware, model=model, request=request)
        ]
        return _reason("value", text), tuple(changes)

    def within(accelerators: int) -> bool:
        return legal(request.changed(accelerators=accelerators))

    more = min(request.accelerators + 1, MOST_ACCELERATORS)
    enough = smallest(within, start=more, most=MOST_ACCELERATORS)
    if enough is not None:
        text = f"the pinned fields need {enough:,} accelerators; {request.accelerators:,} are available"
        change = Change("accelerators", float(enough), f"use {enough:,} accelerators")
        return _reason("accelerators", text), (change, *_releases(request, legal))

    def with_sequences(batch: int) -> bool:
        return legal(request.changed(global_batch=batch))

    batch = smallest(with_sequences, start=request.global_batch + 1, most=MOST_SEQUENCES)
    if batch is not None:
        text = f"a step of {request.global_batch:,} sequences leaves ranks without work"
        change = Change("global_batch", float(batch), f"use a global batch of {batch:,} sequences")
        return _reason("batch", text), (change, *_releases(request, legal))
    shown = ", ".join(f"{k}={_shown(request, k)}" for k in request.pins)
    return _reason("pins", f"no layout is legal with {shown}"), tuple(_releases(request, legal))


def _releases(request: Request, legal: Callable[[Request], bool]) -> Iterator[Change]:
    """Pins each of which stands in the way alone."""
    for name in request.pins:
        if legal(request.without(name)):
            yield Change(name, None, f"do not pin {name}={_shown(request, name)}")


def _other_values(name: str, *, hardware: Hardware, model: Model, request: Request) -> Iterator[Change]:
    """Yield the closest legal values of a field, one below and one above the pinned one."""
    free = request.without(name).changed(accelerators=MOST_ACCELERATORS)
    axes: dict[str, Callable[[], FloatArray]] = {
        "tp": lambda: legality.tensor_sizes(hardware=hardware, model=model, request=free),
        "cp": lambda: legality.context_sizes(request=free),
        "pp": lambda: legality.pipeline_sizes(model=model, request=free),
        "ep": lambda: legality.expert_sizes(model=model, request=free),
        "micro_batch": lambda: legality.micro_batch_sizes(request=free),
    }
    if name not in axes:
        yield Change(name, None, f"do not pin {name}")
        return
    values, pinned = np.sort(axes[name]()), (request.pinned(name) or (1.0,))[0]
    for close in (values[values < pinned][-1:], values[values > pinned][:1]):
        for value in close:
            yield Change(name, float(value), f"set {name} to {value:g}")


def _memory(
    field: Field, *, request: Request, at: Callable[[Request], Field | None]
) -> tuple[Reason, tuple[Change, ...]]:
    """Something is legal, but nothing fits."""
    least = least_memory(field, accelerators=request.accelerators)
    if least is None:  # legal, but without a finite cost
        return _reason("precision", "the model has no cost on this accelerator"), ()
    software = field.costs.software
    needed, limit = (
        float(device_bytes(np.array([b]), software)[0]) for b in (least.allocated_bytes, field.limit)
    )
    lacking = needed - limit
    text = (
        f"the layout that needs the least memory takes {format_quantity(needed, 'bytes')} per accelerator, "
        f"{format_quantity(lacking, 'bytes')} more than it may"
    )
    changes = [*_more_accelerators(request, at), *_other_choices(request, at)]
    capacity = float(field.costs.hardware.memory_bytes[0]) * needed / limit
    changes.append(
        Change("memory_bytes", capacity, f"accelerators with {format_quantity(capacity, 'bytes')}")
    )
    return _reason("memory", text, lacking), tuple(changes)


def _fits(field: Field | None, request: Request) -> bool:
    if field is None:
        return False
    least = least_memory(field, accelerators=request.accelerators, enough=field.limit)
    return least is not None and least.allocated_bytes <= field.limit


def _more_accelerators(request: Request, at: Callable[[Request], Field | None]) -> Iterator[Change]:
    """Yield the fewest accelerators on which something would fit."""
    wide = at(request.changed(accelerators=MOST_ACCELERATORS))
    if wide is not None and request.accelerators < MOST_ACCELERATORS:
        fewest = fewest_accelerators(wide, start=request.accelerators + 1)
        if fewest is not None:
            yield Change("accelerators", float(fewest), f"use {fewest:,} accelerators")


def _other_choices(request: Request, at: Callable[[Request], Field | None]) -> Iterator[Change]:
    """Pins whose release, recompute levels or offload with which something would fit."""
    for name in request.pins:
        free = request.without(name)
        if not _fits(at(free), free):
            continue
        yield Change(name, None, f"do not pin {name}={_shown(request, name)}")
        if name == "recompute":
            for index, kind in enumerate(RECOMPUTES):
                tried = free.changed(pins={**free.words(), "recompute": kind})
                if _fits(at(tried), tried):
                    yield Change(name, float(index), f"set recompute to {kind}")
                    break
    if "offload" not in request.pins:
        for share in OFFLOADS:
            tried = request.changed(offloads=(*request.offloads, share))
            if share > max(request.offloads) and _fits(at(tried), tried):
                yield Change("offloads", share, f"move {share:.0%} of the activations to host memory")
                break


def _shown(request: Request, name: str) -> Any:
    """Write a pin as it was given."""
    values = request.words()[name]
    shown = [f"{v:g}" if isinstance(v, float) else str(v) for v in values]
    return shown[0] if len(shown) == 1 else "|".join(shown)
