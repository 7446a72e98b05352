"""H100 equivalents by workload: what an accelerator does of a named job, over what an H100 does of it.

``MODEL`` names the training of a model by its published recipe, ``MODEL:TRAFFIC`` serving it to a traffic
profile within the targets of the profile. Both parts get the same number of accelerators and the best plan
that is found on each; the ratio is that of the throughputs per accelerator at work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.errors import InputError
from planner.plan.cluster.equivalents import reference_part
from planner.plan.cluster.parts import Workload, WorkloadRatio
from planner.plan.document import Interval
from planner.plan.independent import over
from planner.plan.serve import serve
from planner.plan.train import train

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["by_workload", "check_workload"]

SCALES: Final = (1024, 8192)
"""Accelerators that each part gets: the first at which the H100 has a plan."""


@dataclass(frozen=True)
class _Did:
    """Throughput per accelerator at work, tokens per second, and the plan in words; None is no plan."""

    rate: Interval | None
    how: str


def check_workload(text: str) -> tuple[str, str | None]:
    """Split ``MODEL`` or ``MODEL:TRAFFIC``; raises `InputError`."""
    model, colon, traffic = text.partition(":")
    if not model.strip() or (colon and not traffic.strip()):
        raise InputError(
            f"--workload {text!r}: name a model to train, as in llama-3.1-405b, or a model and its traffic "
            "to serve, as in deepseek-v3:chat"
        )
    return model.strip(), traffic.strip() or None


def by_workload(catalog: Catalog, text: str, accelerators: Sequence[str]) -> Workload:
    """Return the ratios of accelerators, in their order.

    Parameters
    ----------
    text
        ``MODEL`` or ``MODEL:TRAFFIC``.
    accelerators
        Ids.

    Raises
    ------
    InputError
        Unknown names; or a job that H100s cannot do, so that nothing can be counted in them.
    """
    model, traffic = check_workload(text)
    unit = reference_part(catalog).id
    for scale in SCALES:
        base = _did(catalog, model, traffic, unit, scale)
        if base.rate is not None:
            break
    else:
        raise InputError(
            f"--workload {text}: {SCALES[-1]:,} {unit} have no plan for it ({base.how}), so nothing can be "
            "counted in them; name a smaller model or laxer traffic"
        )
    did = {unit: base}
    for part in accelerators:
        if part not in did:
            did[part] = _did(catalog, model, traffic, part, scale)
    what = f"training {model}" if traffic is None else f"serving {model} to {traffic}"
    return Workload(
        workload=text,
        what=what,
        accelerators=scale,
        reference=unit,
        reference_tokens_per_s=base.rate,
        ratios=tuple(
            WorkloadRatio(
                accelerator=part,
                tokens_per_s=did[part].rate,
                ratio=_over(did[part].rate, base.rate, same=part == unit),
                plan=did[part].how,
            )
            for part in dict.fromkeys(accelerators)
        ),
    )


def _did(catalog: Catalog, model: str, traffic: str | None, part: str, scale: int) -> _Did:
    if traffic is None:
        trained = train(model, gpu=part, gpus=scale, top=0, catalog=catalog)
        plan = trained.plan
        if plan is None:
            return _Did(None, _reason(trained.result.reasons))
        s = plan.strategy
        how = f"{plan.gpus_used:,} of {scale:,}, {s.precision}, tp{s.tp} cp{s.cp} pp{s.pp} ep{s.ep} dp{s.dp}"
        return _Did(plan.tokens_per_s_per_gpu, how)
    served = serve(model, accelerator=part, gpus=scale, traffic=traffic, pareto=False, top=0, catalog=catalog)
    done = served.plan
    if done is None:
        return _Did(None, _reason(served.result.reasons))
    d = done.deployment
    how = f"{done.fleet.gpus_serving:,} of {scale:,}, {d.mode}, {d.engine}, {d.precisions.weights} weights"
    return _Did(done.output_tokens_per_s_per_gpu, how)


def _reason(reasons: Sequence[str]) -> str:
    return f"no plan: {reasons[0]}" if reasons else "no plan"


def _over(rate: Interval | None, base: Interval, *, same: bool) -> Interval | None:
    """Return the ratio of two rates whose errors are taken as independent."""
    if rate is None or rate.value <= 0:
        return None
    if same:
        return Interval(value=1.0, low=1.0, high=1.0)
    return over(rate, base)
