"""A training question as resolved: what its answer says that was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan import results
from planner.plan.tuning import PRETRAIN
from planner.units import MEGA

if TYPE_CHECKING:
    from planner.plan.operating.asked import Asked
    from planner.plan.operating.estate import Estate
    from planner.plan.solve import Found

__all__ = ["inputs_of"]


def inputs_of(found: Found, estate: Estate, asked: Asked, overrides: tuple[str, ...]) -> results.TrainInputs:
    """Return the question that a search answered, with all that was filled in."""
    case, job = found.case, found.case.job
    site = case.site
    return results.TrainInputs(
        question=job.question,
        model=job.record.id,
        parameters=job.counts.total,
        active_parameters=job.counts.active,
        cluster=site.cluster,
        gpu=site.accelerator.id,
        system=site.system.id if site.system else None,
        fabric=site.fabric.id if site.fabric else None,
        gpus=None if job.question == "gpus" else site.available,
        tokens=job.tokens,
        days=job.days,
        seq_len=job.seq_len,
        global_batch_seqs=job.global_batch,
        global_batch_tokens=round(job.batch_tokens),
        precision=case.precision,
        software=job.software.id,
        goal=job.goal,
        top=job.top,
        site=estate.site.id,
        price=asked.price.text,
        finance=estate.finance.id,
        failures=estate.failures.id,
        power_cap_megawatts=None if asked.power_cap_watts is None else asked.power_cap_watts / MEGA,
        pinned=dict(job.pins),
        overrides=overrides,
        kind=PRETRAIN if job.tuning is None else job.tuning.record.id,
        epochs=job.epochs,
        packing=job.packing,
        rank=None if job.tuning is None else job.tuning.rank,
        targets=() if job.tuning is None else job.tuning.targets,
        learning_parameters=job.learning,
    )
