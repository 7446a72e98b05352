"""Scaling laws as tables: frozen structures of coefficients, columns of samples ``[S, 1]``."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from planner.types import FloatArray

__all__ = [
    "AllocationLaw",
    "BatchLaw",
    "DistillationLaw",
    "LatencyLaw",
    "Law",
    "LeverageLaw",
    "LossLaw",
    "OptimaLaw",
    "RepetitionLaw",
    "RewardLaw",
    "SavingsLaw",
    "SparsityLaw",
    "StockLaw",
    "Terms",
]


def _unknown() -> FloatArray:
    return np.array([[np.nan]])


@dataclass(frozen=True, eq=False, kw_only=True)
class Law:
    """What every law has.

    Attributes
    ----------
    id, name : str
        Of the record.
    counted : str
        Which parameters its N means; see `planner.workload.scaling.ScalingLaw.counted`.
    fitted : dict
        Smallest and largest value of each variable on which it was fitted.
    """

    id: str
    name: str
    counted: str
    fitted: dict[str, tuple[float, float]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Terms(Law):
    """Floor and one term each for parameters and tokens; each law says how they join."""

    floor: FloatArray
    parameter_factor: FloatArray
    parameter_exponent: FloatArray
    token_factor: FloatArray
    token_exponent: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class LossLaw(Terms):
    """``L = floor + parameter_factor / N^parameter_exponent + token_factor / D^token_exponent``, nats."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RepetitionLaw(LossLaw):
    """A loss that counts repeated tokens, and parameters in excess of the data, for less."""

    token_repeats: FloatArray
    parameter_repeats: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class SparsityLaw(Terms):
    """A loss of total parameters and of the share of experts that rest."""

    sparse_factor: FloatArray
    sparse_exponent: FloatArray
    joint_factor: FloatArray
    joint_sparse: FloatArray
    joint_parameters: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class DistillationLaw(Terms):
    """Loss of a student by its size, its tokens and its teacher's loss; inherited terms: without one."""

    outer_exponent: FloatArray
    student_parameter_factor: FloatArray
    student_parameter_exponent: FloatArray
    student_token_factor: FloatArray
    student_token_exponent: FloatArray
    student_outer_exponent: FloatArray
    teacher_exponent: FloatArray
    capacity_slope: FloatArray
    capacity_sharpness: FloatArray
    capacity_ratio: FloatArray
    top_k_loss: FloatArray = field(default_factory=_unknown)
    mixed_top_k_loss: FloatArray = field(default_factory=_unknown)
    reverse_kl_loss: FloatArray = field(default_factory=_unknown)
    relative_error: FloatArray = field(default_factory=_unknown)


@dataclass(frozen=True, eq=False, kw_only=True)
class AllocationLaw(Law):
    """Compute-optimal tokens, and training FLOP per token, as powers of compute."""

    token_factor: FloatArray
    token_exponent: FloatArray
    flop_factor: FloatArray = field(default_factory=_unknown)
    flop_exponent: FloatArray = field(default_factory=_unknown)
    printed_exponent: FloatArray = field(default_factory=_unknown)


@dataclass(frozen=True, eq=False, kw_only=True)
class OptimaLaw(Law):
    """A table of compute-optimal models, in order of compute; shapes ``[T]``."""

    flop: FloatArray
    parameters: FloatArray
    tokens: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class BatchLaw(Law):
    """``factor (x / unit)^exponent`` sequences of so many tokens; of a loss ``factor / x^(1 / exponent)``."""

    variable: str
    factor: FloatArray
    exponent: FloatArray
    unit: FloatArray
    sequence: FloatArray
    learning_rate_factor: FloatArray = field(default_factory=_unknown)
    learning_rate_exponent: FloatArray = field(default_factory=_unknown)


@dataclass(frozen=True, eq=False, kw_only=True)
class LeverageLaw(Law):
    """Compute of a dense model over that of a mixture of experts of equal loss."""

    exponent: FloatArray
    flop_exponent: FloatArray
    granularity_square: FloatArray
    granularity_linear: FloatArray
    start: FloatArray
    most: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class SavingsLaw(Law):
    """Compute by sparsity at equal loss, in order of sparsity; shapes ``[T]``."""

    sparsity: FloatArray
    flop_ratio: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class RewardLaw(Law):
    """Reward of reinforcement learning as a sigmoid of the logarithm of compute."""

    asymptote: FloatArray
    exponent: FloatArray = field(default_factory=_unknown)


@dataclass(frozen=True, eq=False, kw_only=True)
class LatencyLaw(Law):
    """Shortest time of a layer: collectives and kernel launches."""

    collectives: FloatArray
    launch_s: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class StockLaw(Law):
    """How many tokens there are."""

    tokens: FloatArray
