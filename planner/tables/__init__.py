"""Catalog records as frozen structures of numpy arrays: the only form in which the physics sees them."""

from planner.tables.arrays import (
    ADAPTED,
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
from planner.tables.hardware import hardware_table
from planner.tables.model import approximations, model_table
from planner.tables.software import constants_of, software_table

__all__ = [
    "ADAPTED",
    "GEMM_CLASSES",
    "PRECISION_CLASS",
    "RECOMPUTES",
    "SHARDINGS",
    "Hardware",
    "Model",
    "Rows",
    "Software",
    "Strategy",
    "approximations",
    "constants_of",
    "hardware_table",
    "model_table",
    "software_table",
    "stack",
]
