"""``planner curve memory``: what fills the memory of an accelerator, by layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.memory import fit_limit_bytes
from planner.plan.curve.layouts import Pool, Trained, collected, pools, trained
from planner.plan.curve.results import Axis, CurveAnswer, Part, Stack
from planner.plan.curve.words import jobs_text, requests_text
from planner.plan.document import Interval
from planner.plan.serving.layouts import memory_of
from planner.plan.solve import SIGMA

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked

__all__ = ["data"]

_PARTS: Final = ("weights", "gradients", "optimizer", "activations", "logits", "buffers")
_TENTHS: Final = (0.9, 0.1)
_Y: Final = Axis(key="memory_gb", title="Memory of an accelerator", unit="GB", floor=0.0)
_X: Final = Axis(key="layout", title="Layout")


def data(asked: Asked) -> CurveAnswer:
    """Compute the memory of an accelerator by what it holds: of training; of a service with traffic."""
    reasons: list[str] = []
    where = jobs_text(asked)
    if asked.traffic:
        found = list(pools(asked, reasons))
        answer = CurveAnswer(
            title=f"Memory of a service: {where}",
            caption=(*requests_text(asked, found[0].result if found else None), _OF_SERVICE),
            x=_X,
            y=_Y,
        )
        return collected(answer, [_served(one) for one in found], reasons)
    plans = list(trained(asked, reasons))
    caption = () if not plans else (*dict.fromkeys(_batch(one) for one in plans), _OF_TRAINING)
    answer = CurveAnswer(title=f"Memory in training: {where}", caption=caption, x=_X, y=_Y)
    return collected(answer, _unlike(plans), reasons)


def _unlike(plans: list[Trained]) -> list[Stack]:
    """Return a bar for each plan; of those with the same parts the first."""
    stacks: dict[tuple[Part, ...], Stack] = {}
    for one in plans:
        stack = _trained(one)
        stacks.setdefault(stack.parts, stack)
    return [*stacks.values()]


_OF_TRAINING: Final = (
    "The fullest accelerator at its peak, as its driver counts; the rest is the context of the device and "
    "what the allocator cannot use. The line across a bar is the memory there is; whiskers hold the "
    "measured peak in 80 % of cases."
)
_OF_SERVICE: Final = (
    "One accelerator of each kind of replica at its operating point. The line across a bar is what the "
    "engine may fill."
)


def _batch(one: Trained) -> str:
    inputs = one.result.inputs
    return (
        f"{inputs.model}: sequences of {inputs.seq_len:,} tokens, {inputs.global_batch_seqs:,} in a step; "
        f"{inputs.precision}, {inputs.software}; at most {inputs.gpus or one.plan.gpus_used:,} accelerators."
    )


def _trained(one: Trained) -> Stack:
    held = one.plan.memory_gb_per_gpu
    parts = [Part(name=name, value=getattr(held, name)) for name in _PARTS]
    context = max(held.device - sum(part.value for part in parts), 0.0)
    calibrated = one.result._trace.calibration.memory
    sigma = calibrated.sigma.value if calibrated is not None else SIGMA
    ends = [
        float(fit_limit_bytes(capacity_bytes=np.array(held.device), sigma=sigma, probability=share))
        for share in _TENTHS
    ]
    return Stack(
        name=one.name,
        parts=(*parts, Part(name="rest", value=context)),
        total=Interval(value=held.device, low=ends[0], high=ends[1]),
        limit=held.capacity,
        facts={
            "fit_probability": held.fit_probability,
            "gpus": one.plan.gpus_used,
            "step_time_s": one.plan.step_time_s.value,
        },
    )


def _served(one: Pool) -> Stack:
    found = one.result._trace
    held = memory_of(found.case, found.result.request, one.pool)
    names = {"weights": "weights", "cache": "keys and values", "workspace": "workspace"}
    return Stack(
        name=one.name,
        parts=tuple(Part(name=said, value=getattr(held, name)) for name, said in names.items()),
        total=Interval(value=held.used, low=held.used, high=held.used),
        limit=held.usable,
        facts={
            "gpus": one.layout.gpus,
            "batch": float(one.pool.point.batch[0]),
            "capacity_gb": held.capacity,
        },
    )
