"""Scaling-law records as coefficients: columns of samples ``[S, 1]``, those of a law drawn together."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from planner.catalog.tops import tops
from planner.errors import InputError
from planner.tables.laws import (
    AllocationLaw,
    BatchLaw,
    DistillationLaw,
    LatencyLaw,
    Law,
    LeverageLaw,
    LossLaw,
    OptimaLaw,
    RepetitionLaw,
    RewardLaw,
    SavingsLaw,
    SparsityLaw,
    StockLaw,
)
from planner.tables.samples import EIGHTY, Samples
from planner.types import FloatArray
from planner.workload.kinds import SCALING

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.quantity import Quantity
    from planner.workload.scaling import ScalingLaw

__all__ = ["DEFAULT_LAW", "law_named", "law_table"]

DEFAULT_LAW: Final = "besiroglu"


_TABLES: Final[dict[str, type[Law]]] = {
    "loss": LossLaw,
    "repetition": RepetitionLaw,
    "sparsity": SparsityLaw,
    "distillation": DistillationLaw,
    "allocation": AllocationLaw,
    "optima": OptimaLaw,
    "batch": BatchLaw,
    "leverage": LeverageLaw,
    "savings": SavingsLaw,
    "reward": RewardLaw,
    "latency": LatencyLaw,
    "stock": StockLaw,
}
Wanted = TypeVar("Wanted", bound=Law)


def law_named(catalog: Catalog, name: str, samples: Samples, wanted: type[Wanted]) -> Wanted:
    """Read a law by its name.

    Parameters
    ----------
    name
        Id or alias.
    wanted
        The kind of law that is needed, `LossLaw` for example; a law that is more than it will do.

    Raises
    ------
    UnknownNameError
        There is no law of that name.
    InputError
        The law says something else; those that would do are named.
    """
    record = catalog.get(SCALING, name)
    if not issubclass(_TABLES[record.form], wanted):
        forms = {form for form, table in _TABLES.items() if issubclass(table, wanted)}
        fit = [top.id for top in tops(catalog, SCALING, ("form",)) if top.fields.get("form") in forms]
        raise InputError(
            f"scaling law {name!r} is of the form {record.form}, and {' or '.join(sorted(forms))} is needed "
            f"here; use {', '.join(fit) or 'a record of that form'}"
        )
    table = law_table(record, samples)
    if not isinstance(table, wanted):
        raise InputError(f"scaling law {name!r} cannot be read as {wanted.__name__}; report this")
    return table


def law_table(record: ScalingLaw, samples: Samples) -> Law:
    """Draw the coefficients of a law; the first row of each column is the stated value."""
    values: dict[str, Any] = dict(_drawn(record, samples))
    if record.form == "batch":
        values["variable"] = record.variable
    elif record.form == "optima":
        rows = sorted(record.optima, key=lambda row: row.flop.value)
        for name in ("flop", "parameters", "tokens"):
            values[name] = np.array([getattr(row, name).value for row in rows])
    elif record.form == "savings":
        savings = sorted(record.savings, key=lambda row: row.sparsity.value)
        for name in ("sparsity", "flop_ratio"):
            values[name] = np.array([getattr(row, name).value for row in savings])
    return _TABLES[record.form](
        id=record.id, name=record.name, counted=record.counted, fitted=_fitted(record), **values
    )


def _fitted(record: ScalingLaw) -> dict[str, tuple[float, float]]:
    spans = {
        name: getattr(record.fitted, name) for name in type(record.fitted).model_fields if name != "cite"
    }
    return {name: (span.low.value, span.high.value) for name, span in spans.items() if span is not None}


def _drawn(record: ScalingLaw, samples: Samples) -> dict[str, FloatArray]:
    together = _drawn_together(record, samples)
    level = None if record.level is None else record.level.value
    return {
        name: together[name]
        if name in together
        else _column(quantity, level, samples, f"scaling.{record.id}.{name}")
        for name, quantity in record.coefficients.items()
    }


def _drawn_together(record: ScalingLaw, samples: Samples) -> dict[str, FloatArray]:
    """Coefficients with a spread: normal together, factors in their logarithm."""
    spread = record.spread
    if spread is None or samples.count == 0:
        return {}
    size = len(spread.coefficients)
    correlation = np.eye(size)
    for row, entries in enumerate(spread.correlations, start=1):
        correlation[row, :row] = correlation[:row, row] = entries
    try:
        root = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        raise InputError(
            f"scaling law {record.id!r}: spread.correlations cannot hold together (they are not positive "
            "definite); give them with more digits"
        ) from None
    normal = np.stack([samples.normal(f"scaling.{record.id}.{name}") for name in spread.coefficients])
    moved = (root @ normal) * np.array([deviation.value for deviation in spread.deviations])[:, None]
    drawn = {}
    for name, move in zip(spread.coefficients, moved, strict=True):
        value = record.coefficients[name].value
        varied = value + move if name.endswith("exponent") else value * np.exp(move)
        drawn[name] = np.concatenate([[value], varied])[:, None]
    return drawn


def _column(quantity: Quantity, level: float | None, samples: Samples, key: str) -> FloatArray:
    """Draw a number from its range, which is one of 80 % unless the record says how sure it is."""
    if level is None or quantity.low is None or quantity.high is None or quantity.low <= 0.0:
        return samples.of(quantity, key)
    narrower = EIGHTY / NormalDist().inv_cdf((1.0 + level) / 2.0)
    low, high = (quantity.value * (end / quantity.value) ** narrower for end in (quantity.low, quantity.high))
    return samples.ranged(quantity.value, low, high, key)
