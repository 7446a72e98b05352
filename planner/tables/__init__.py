"""Catalog records as frozen structures of numpy arrays: the only form in which the physics sees them."""

from planner.tables.arrays import (
    GEMM_CLASSES,
    PRECISION_CLASS,
    RECOMPUTES,
    SHARDINGS,
    Hardware,
    Model,
    Rows,
    Software,
    Strategy,
    stack,
)

__all__ = [
    "GEMM_CLASSES",
    "PRECISION_CLASS",
    "RECOMPUTES",
    "SHARDINGS",
    "Hardware",
    "Model",
    "Rows",
    "Software",
    "Strategy",
    "stack",
]
