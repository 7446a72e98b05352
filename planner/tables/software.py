"""Software profiles with the fitted constants of their class to the `Software` table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.tables.arrays import Software

if TYPE_CHECKING:
    from planner.catalog.schema.calibration import TrainingCalibration
    from planner.workload.software import SoftwareProfile

__all__ = ["constants_of", "software_table"]

_FLASH = {"unfused": 0.0, "flash-1": 1.0, "flash-2": 2.0, "tuned": 3.0}


def constants_of(calibration: TrainingCalibration, family: str) -> dict[str, float]:
    """Fitted constants of a software class: the global ones with its overrides."""
    values: dict[str, float] = {}
    for source in (calibration.constants, calibration.classes.get(family)):
        if source is not None:
            for name in type(source).model_fields:
                quantity = getattr(source, name)
                if name != "cite" and quantity is not None:
                    values[name] = quantity.value
    if calibration.correction is not None:
        values["correction"] = calibration.correction.value
    return values


def software_table(profile: SoftwareProfile, constants: dict[str, float], *, released: int) -> Software:
    """One row of `Software`.

    Parameters
    ----------
    profile
        The facts of a stack.
    constants
        From `constants_of` for its class.
    released
        Year of the accelerator: attention kernels written for older parts run portably on newer ones.
    """
    p, c = profile, constants
    portable = c["portable_attention"] if released > p.attention.tuned_for else 1.0
    first = c["first_attention"] if p.attention.kernel == "flash-1" else 1.0
    moe = p.experts
    values = {
        "flash": _FLASH[p.attention.kernel],
        "attention_rate": portable * first,
        "sustained": c["sustained"],
        "elementwise": c["elementwise"],
        "passes": p.passes.value,
        "attention_backward": c["attention_backward"],
        "tensor_exposed": c["tensor_exposed"] if p.overlap.tensor else 1.0,
        "data_window": c["overlap_window"] if p.overlap.data else 0.0,
        "slowdown": c["overlap_slowdown"],
        "nic_share": c["nic_share"],
        "quantise": c["quantise"],
        "moe_fixed_s": c["moe_fixed"],
        "expert_fixed_s": c["expert_fixed"],
        "expert_padding": c["expert_padding"],
        "alltoall_share": c["alltoall_share"],
        "deduplicated": 1.0 if moe.dispatch == "deduplicated" else 0.0,
        "expert_exposed": p.overlap.expert_exposed.value,
        "permute_bytes": moe.permute.value * c["permute"],
        "reduces_once": float(p.reduces_once),
        "gradient_bytes": p.states.gradient.value,
        "state_bytes": p.states.optimizer.value,
        "loss_bytes": p.loss.live.value,
        "loss_traffic": p.loss.traffic.value,
        "loss_sharded": float(p.loss.sharded),
        "kernels_per_block": p.launches.block.value,
        "kernels_per_moe": p.launches.moe.value,
        "launch_s": p.launches.each.value,
        "launch_blocking": float(p.launches.blocking),
        "bubble_share": c["bubble_share"],
        "flexible_stages": float(p.flexible_stages),
        "step_fixed_s": c["step_fixed"],
        "correction": c.get("correction", 1.0),
        "growth": c["growth"],
        "dropout": float(p.dropout),
        "kept_share": p.states.kept.value,
        "selects_operators": float(p.selective == "operators"),
        "reserve_share": p.states.reserve.value,
        "context_bytes": p.states.context.value,
        "bucket_bytes": p.states.buckets.value,
        "norm_bytes": p.states.norm.value,
    }
    return Software(**{k: np.array([v], dtype=np.float64) for k, v in values.items()})
