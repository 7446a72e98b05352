"""What of a model learns in fine-tuning, in the terms of the `Model` table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.tables.arrays import ADAPTED, Model
from planner.workload.fine_tuning import FULL_BYTES, TARGETS

if TYPE_CHECKING:
    from collections.abc import Collection

    from planner.workload.adapters import AdapterCounts
    from planner.workload.fine_tuning import FineTuning

__all__ = ["tuned"]


def tuned(
    model: Model,
    *,
    tuning: FineTuning,
    rank: int | None = None,
    targets: Collection[str] = (),
    adapters: AdapterCounts | None = None,
) -> Model:
    """Return the table of a model with what of it learns in a kind of fine-tuning.

    Modules that predict several tokens are left out: they serve pre-training and drafting.

    Parameters
    ----------
    model
        From `planner.tables.model_table`; one row.
    tuning
        The record.
    rank, targets, adapters
        Of the adapters, the matrices that have them, and their parameters; left out without.
    """
    reference = tuning.reference
    changed = model.with_values(
        mtp=0.0,
        frozen=0.0 if tuning.weights.learn else 1.0,
        weight_bytes=tuning.weights.held.value,
        widening=1.0 if tuning.weights.widening is None else tuning.weights.widening.value,
        reference_passes=reference.passes.value if reference else 0.0,
        example=tuning.data.example.value,
        reference_bytes=FULL_BYTES if reference and reference.held else 0.0,
    )
    if adapters is None:
        return changed
    return changed.with_values(
        adapter_rank=float(rank or 0),
        adapts=np.array([[float(name in targets) for name in ADAPTED]]),
        adapter_whole=float(adapters.whole),
        adapter_split=float(adapters.split),
        adapter_experts=float(adapters.experts),
    )


if ADAPTED != TARGETS:  # pragma: no cover
    raise TypeError("the columns of Model.adapts are the targets of the records, in their order")
