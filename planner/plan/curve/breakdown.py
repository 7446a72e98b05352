"""``planner curve breakdown``: where the time of a step goes, by layout, model and hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.plan.curve.layouts import Pool, Trained, collected, pools, trained
from planner.plan.curve.results import Axis, CurveAnswer, Part, Stack
from planner.plan.curve.words import jobs_text, listed, requests_text
from planner.plan.document import Interval
from planner.plan.serving.binding import spent_of
from planner.units import MILLI

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked

__all__ = ["data"]

_TRAINING: Final = {
    "matrix products": ("matrix_products", "embedding_and_head"),
    "attention": ("attention",),
    "element-wise": ("elementwise", "quantisation"),
    "recompute": ("recompute",),
    "tensor parallel": ("tensor_parallel",),
    "context parallel": ("context_parallel",),
    "expert parallel": ("expert_parallel", "expert_fixed"),
    "pipeline bubble": ("pipeline_bubble", "stage_imbalance"),
    "pipeline sends": ("pipeline_transfer",),
    "data parallel": ("data_parallel",),
    "optimizer": ("optimizer",),
    "rest": ("host", "activation_offload", "growth_with_scale", "fixed"),
}
"""Parts of a bar: those of `planner.plan.evaluate.BREAKDOWN` that each stands for."""
_SERVING: Final = {
    "linear": "matrix products",
    "expert": "experts",
    "attention": "attention",
    "elementwise": "element-wise",
    "communication": "communication",
    "pipeline": "pipeline sends",
    "head": "head, sampling",
    "host": "host",
    "draft": "drafts",
}
_LEAST: Final = 0.25
"""Of the best plan's accelerators: bars of fewer would be so long that nobody could read the others."""
_X: Final = Axis(key="layout", title="Layout")


def data(asked: Asked) -> CurveAnswer:
    """Compute the seconds of a step by what they are spent on: of training, of a service with traffic."""
    reasons: list[str] = []
    where = jobs_text(asked)
    if asked.traffic:
        found = list(pools(asked, reasons))
        answer = CurveAnswer(
            title=f"Time of a mean step of a service: {where}",
            caption=(*requests_text(asked, found[0].result if found else None), _OF_SERVICE),
            x=_X,
            y=Axis(key="step_ms", title="Time of a step", unit="ms", floor=0.0),
        )
        return collected(answer, [_served(one) for one in found], reasons)
    plans = list(trained(asked, reasons, least=_LEAST))
    answer = CurveAnswer(
        title=f"Time of a training step: {where}",
        caption=(_batches(plans), _OF_TRAINING) if plans else (),
        x=_X,
        y=Axis(key="step_s", title="Time of a step", unit="s", floor=0.0),
    )
    return collected(answer, [_trained(one) for one in plans], reasons)


_OF_TRAINING: Final = (
    "Communication is what nothing hides; the rest is the host, jitter that grows with the accelerators, and "
    "fixed work of a step. Whiskers hold the measured step in 80 % of cases."
)
_OF_SERVICE: Final = (
    "A step of one replica at its operating point: decoding with the prompts that share it, or of pools a "
    "pass of prompts and a step of decoding."
)


def _batches(plans: list[Trained]) -> str:
    """Say the batches: bars of unlike batches are not of the same work."""
    said = {
        f"{one.result.inputs.model} {one.result.inputs.global_batch_tokens / 1e6:,.1f}M tokens"
        for one in plans
    }
    gpus = sorted({one.plan.gpus_used for one in plans})
    used = f"{gpus[0]:,}" if len(gpus) == 1 else f"{gpus[0]:,} to {gpus[-1]:,}"
    return f"Batches: {listed(sorted(said))}; {used} accelerators at work."


def _trained(one: Trained) -> Stack:
    spent = one.plan.time_breakdown_s
    parts = [
        Part(name=name, value=sum(spent[part] for part in members)) for name, members in _TRAINING.items()
    ]
    return Stack(
        name=one.name,
        parts=tuple(parts),
        total=one.plan.step_time_s,
        facts={
            "gpus": one.plan.gpus_used,
            "mfu": one.plan.mfu.value,
            "tokens_per_s_per_gpu": one.plan.tokens_per_s_per_gpu.value,
            "binds": one.plan.bottleneck.resource,
        },
    )


def _served(one: Pool) -> Stack:
    found = one.result._trace
    spent = spent_of(found.result.request, one.pool).parts
    parts = [Part(name=_SERVING.get(name, name), value=seconds / MILLI) for name, seconds in spent.items()]
    total = sum(part.value for part in parts)
    return Stack(
        name=one.name,
        parts=tuple(parts),
        total=Interval(value=total, low=total, high=total),
        facts={"gpus": one.layout.gpus, "batch": float(one.pool.point.batch[0])},
    )
