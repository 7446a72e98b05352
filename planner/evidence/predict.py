"""Step time and memory of evidence rows, by the same code that answers questions."""

from __future__ import annotations

import numpy as np

from planner.catalog.schema.calibration import TrainingCalibration
from planner.evidence.cases import Cases
from planner.evidence.fill import CAPACITY_SHARE
from planner.model.evaluate import TrainingCosts, training_costs
from planner.tables import Software, constants_of, software_table, stack
from planner.types import FloatArray, IntArray

__all__ = ["Constants", "chosen", "constants_by_class", "predict", "step_time_s"]

FAMILIES = ("unfused", "torch", "xla", "tuned")

Constants = dict[str, dict[str, float]]
"""Software class to constant to value."""


def constants_by_class(calibration: TrainingCalibration) -> Constants:
    """Constants of every software class of a calibration."""
    return {family: constants_of(calibration, family) for family in FAMILIES}


def software_of(cases: Cases, constants: Constants) -> Software:
    """Software rows of the candidates under a set of constants."""
    tables = [software_table(p, constants[p.family], released=year) for p, year in cases.profiles]
    return stack(tables).take(cases.profile)


def predict(cases: Cases, constants: Constants) -> TrainingCosts:
    """All costs of all candidates."""
    software = software_of(cases, constants)
    return training_costs(
        hardware=cases.hardware, model=cases.model, software=software, strategy=cases.strategy
    )


def step_time_s(cases: Cases, constants: Constants) -> FloatArray:
    """Step time alone."""
    return predict(cases, constants).step.step_s


def chosen(cases: Cases, prediction: TrainingCosts) -> IntArray:
    """Index of the candidate taken for each run: the fastest that fits, else the closest to fitting."""
    use = prediction.memory.allocated_bytes / cases.hardware.memory_bytes
    fits = use <= CAPACITY_SHARE
    order = np.lexsort((np.where(fits, prediction.step.step_s, use), ~fits, cases.run))
    _, first = np.unique(cases.run[order], return_index=True)
    return np.asarray(order[first], dtype=np.int64)
