"""Weight formats: which kernel runs each group of matrices, and how wide a stored weight is.

``workloads/formats/ID.yaml``. A format says what is published: DeepSeek's NVFP4 checkpoint keeps attention in
16 bit, gpt-oss quantises its experts alone. A part that lacks the arithmetic of a format keeps the small
weights and computes in 16 bit.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, Literal

from planner.catalog.quantity import Bytes
from planner.catalog.records import Record, Section

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.accelerator import Flops
    from planner.workload.record import ModelRecord

__all__ = ["GROUPS", "Matrices", "Operator", "Peak", "WeightFormat", "needed_peak", "peaks", "weight_format"]

Operator = Literal["bf16", "fp8", "fp8-static", "fp8-block", "nvfp4", "mxfp4"]
"""Classes of linear-layer kernels: 16 bit; fp8 with scales found at run time, known in advance, or one per
block of 128; NVFP4; and mxfp4 weights against mxfp8 activations."""

Peak = Literal["bf16", "fp8", "fp4"]
"""Arithmetic a part may have."""

GROUPS: Final = ("attention", "mlp", "experts", "head")
"""The groups of matrices that a format tells apart."""

_NEEDS: Final[dict[Operator, Peak]] = {
    "bf16": "bf16", "fp8": "fp8", "fp8-static": "fp8", "fp8-block": "fp8", "nvfp4": "fp4", "mxfp4": "fp4",
}  # fmt: skip
_ORDER: Final[tuple[Peak, ...]] = ("bf16", "fp8", "fp4")


class Matrices(Section):
    """One group of matrices."""

    operator: Operator
    """Class of the kernels where the part has the arithmetic."""
    weight: Bytes
    """Per weight, block scales included."""


class WeightFormat(Record):
    """How the weights of a served model are stored and multiplied."""

    attention: Matrices
    """Projections of attention, linear attention included."""
    mlp: Matrices
    """Dense feed-forward blocks and shared experts."""
    experts: Matrices
    """Routed experts."""
    head: Matrices
    """Embedding and output head."""

    @property
    def native(self) -> Peak:
        """The narrowest arithmetic it uses; a part without it computes those matrices in 16 bit."""
        return max((needed_peak(getattr(self, group).operator) for group in GROUPS), key=_ORDER.index)

    def on(self, available: Collection[str]) -> WeightFormat:
        """Return the format as a part runs it: weight-only where it lacks the arithmetic.

        Parameters
        ----------
        available : collection of Peak
            What the part has; see `peaks`.
        """
        weight_only = {
            group: matrices.model_copy(update={"operator": "bf16"})
            for group in GROUPS
            for matrices in [getattr(self, group)]
            if needed_peak(matrices.operator) not in available
        }
        return self.model_copy(update=weight_only)


def needed_peak(operator: Operator) -> Peak:
    """Return the arithmetic a class of kernels needs."""
    return _NEEDS[operator]


def peaks(flops: Flops) -> frozenset[Peak]:
    """Return the arithmetic a part has; 16 bit always."""
    found: dict[Peak, object] = {"bf16": True, "fp8": flops.fp8, "fp4": flops.fp4}
    return frozenset(name for name, rate in found.items() if rate is not None)


def weight_format(catalog: Catalog, model: ModelRecord, precision: str | None = None) -> WeightFormat:
    """Return the format that a precision means for a model.

    ``fp8`` is one scale per tensor for a Llama and one per block for a DeepSeek, whose record says so.

    Parameters
    ----------
    precision : str, optional
        Id or alias of a format; by default that of the published checkpoint, or else 16 bit.

    Raises
    ------
    UnknownNameError
        No format has that name.
    """
    from planner.workload.kinds import FORMAT

    if precision is None:
        return catalog.get(FORMAT, model.checkpoint or "bf16")
    asked = catalog.resolve(FORMAT, precision)
    return catalog.get(FORMAT, model.formats.get(asked, asked))
