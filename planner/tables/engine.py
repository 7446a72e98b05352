"""Engine, format and speculation records to the `Engine` and `Deployment` tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import InputError
from planner.tables.operators import OPERATOR_CLASSES
from planner.tables.serving import Deployment, Engine

if TYPE_CHECKING:
    from planner.catalog.schema.accelerator import Accelerator
    from planner.catalog.schema.serving_calibration import ServingCalibration
    from planner.workload.engine import EngineProfile
    from planner.workload.formats import WeightFormat

__all__ = ["Speculated", "deployment_table", "engine_constants", "engine_table", "host_speed"]

KV_BYTES = {"fp16": 2.0, "bf16": 2.0, "fp8": 1.0}
"""Bytes of a cached element by precision."""


@dataclass(frozen=True)
class Speculated:
    """Speculative decoding of a replica; the default is none."""

    drafts: float = 0.0
    accepted: float = 1.0
    layers: float = 0.0
    """Layers that one draft runs, as a share of the model's where below 1."""


def engine_constants(calibration: ServingCalibration, family: str) -> dict[str, float]:
    """Fitted constants of an engine family with the global ones, SI.

    Raises
    ------
    InputError
        The calibration has no such family.
    """
    if family not in calibration.engines:
        known = ", ".join(sorted(calibration.engines))
        raise InputError(
            f"calibration {calibration.id!r} has no constants for engines of family {family!r}; "
            f"it has {known}. Run planner calibrate serving on evidence that covers it"
        )
    values: dict[str, float] = {}
    for section in (calibration.constants, calibration.client, calibration.engines[family]):
        for name in type(section).model_fields:
            quantity = getattr(section, name)
            if name != "cite" and quantity is not None:
                values[name] = quantity.value
    values["correction"] = calibration.correction.value if calibration.correction else 1.0
    return values


def host_speed(accelerator: Accelerator) -> float:
    """Return the speed of a core of the accelerator's usual host, 1 for hosts of 2023."""
    speed = accelerator.host.speed
    return 1.0 if speed is None else speed.value


def engine_table(
    profile: EngineProfile,
    constants: Mapping[str, float],
    *,
    arm_host: bool = False,
    host_speed: float = 1.0,
    chunk: float | None = None,
    max_batch: float | None = None,
) -> Engine:
    """One row of `Engine`.

    Parameters
    ----------
    constants
        From `engine_constants` for its family.
    arm_host
        The accelerator's host has an Arm CPU.
    host_speed
        Of a core of the host, over that of the hosts for which the constants hold.
    chunk, max_batch
        Where they differ from the profile's defaults.
    """
    p, c = profile, constants
    host = (c["arm_host"] if arm_host else 1.0) / host_speed
    values = {
        "layer_s": c["layer"],
        "expert_layer_s": c["expert_layer"],
        "element_bytes": c["element_bytes"],
        "prefill_slowdown": c["prefill_slowdown"],
        "floor_layer_s": c["floor_layer"] / host_speed,
        "host_step_s": c["host_step"] * host,
        "host_sequence_s": c["host_sequence"] * host,
        "request_s": c["request"],
        "draft_s": c["draft"],
        "imbalance": c["imbalance"],
        "balanced_imbalance": c["balanced_imbalance"],
        "attention_imbalance": c["attention_imbalance"],
        "overlap": c["overlap"],
        "nic_share": c["nic_share"],
        "weight_only": c["weight_only"],
        "handover_s": c["handover"],
        "chunk": p.chunk.value if chunk is None else chunk,
        "max_batch": p.max_batch.value if max_batch is None else max_batch,
        "memory_share": p.memory.usable.value,
        "workspace_bytes": p.memory.workspace.value,
        "reserve_output": 1.0 if p.admission == "reserve" else 0.5,
        "correction": c.get("correction", 1.0),
    }
    arrays = {k: np.array([v], dtype=np.float64) for k, v in values.items()}
    return Engine(
        **arrays,
        prefill_first=np.array([p.scheduling == "prefill-first"]),
        trims_windows=np.array([p.trims_windows]),
    )


def deployment_table(
    weights: WeightFormat,
    *,
    kv: str,
    tp: float,
    pp: float = 1.0,
    dp: float = 1.0,
    ep: float = 1.0,
    eight_bit_attention: bool = False,
    balanced: bool = False,
    two_batches: bool = False,
    speculated: Speculated | None = None,
) -> Deployment:
    """One row of `Deployment`.

    Parameters
    ----------
    weights
        As the part runs it (`WeightFormat.on`).
    kv
        Precision of the cache: ``fp16``, ``bf16`` or ``fp8``.
    eight_bit_attention
        The engine multiplies prompts' attention in 8 bit; it needs an 8-bit cache.
    balanced
        Hot experts are replicated, as engines do where experts are spread over many ranks.
    two_batches
        Expert traffic of one half batch hides behind the other.

    Raises
    ------
    InputError
        The cache has no such precision.
    """
    if kv not in KV_BYTES:
        raise InputError(f"keys and values cannot be kept in {kv!r}; give fp8, fp16 or bf16")
    s = speculated or Speculated()
    floats: dict[str, float] = {
        "tp": tp,
        "pp": pp,
        "dp": dp,
        "ep": ep,
        "attention_bytes": weights.attention.weight.value,
        "mlp_bytes": weights.mlp.weight.value,
        "expert_bytes": weights.experts.weight.value,
        "head_bytes": weights.head.weight.value,
        "kv_bytes": KV_BYTES[kv],
        "drafts": s.drafts,
        "accepted": s.accepted,
        "draft_layers": s.layers,
    }
    operators = (weights.attention.operator, weights.mlp.operator, weights.experts.operator)
    attention, mlp, experts = (np.array([OPERATOR_CLASSES.index(name)]) for name in operators)
    columns: dict[str, Any] = {k: np.array([v], dtype=np.float64) for k, v in floats.items()}
    return Deployment(
        **columns,
        attention_class=attention,
        mlp_class=mlp,
        expert_class=experts,
        eight_bit_attention=np.array([eight_bit_attention and KV_BYTES[kv] <= 1.0]),
        balanced=np.array([balanced]),
        two_batches=np.array([two_batches]),
    )
