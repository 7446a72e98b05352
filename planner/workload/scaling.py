"""Scaling laws as cited numbers: ``workloads/scaling/ID.yaml``.

A record is one published law: its form, its coefficients, how sure they are, and the range of runs on which
they were fitted. The formulas are in `planner.model.scaling`; a record never mixes numbers of two laws.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from planner.catalog.quantity import Count, Flops, Fraction, Ratio
from planner.catalog.records import Items, Record, Section, Text
from planner.workload.mixers import refuse

__all__ = [
    "FORMS",
    "CountSpan",
    "Fitted",
    "FlopSpan",
    "Form",
    "FormFields",
    "Optimum",
    "Saving",
    "ScalingLaw",
    "Spread",
]

Form = Literal[
    "loss",
    "repetition",
    "allocation",
    "optima",
    "batch",
    "leverage",
    "sparsity",
    "savings",
    "distillation",
    "reward",
    "latency",
    "stock",
]
"""Which formula the coefficients belong to; `FORMS` has their names."""

Variable = Literal["parameters", "tokens", "loss", "flop"]
"""What a batch law depends on."""


class FormFields(NamedTuple):
    """Names of the coefficients of a form."""

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()


_LOSS: Final = ("floor", "parameter_factor", "parameter_exponent", "token_factor", "token_exponent")
FORMS: Final[dict[str, FormFields]] = {
    "loss": FormFields(_LOSS),
    "repetition": FormFields((*_LOSS, "token_repeats", "parameter_repeats")),
    "allocation": FormFields(
        ("token_factor", "token_exponent"), ("flop_factor", "flop_exponent", "printed_exponent")
    ),
    "optima": FormFields(()),
    "batch": FormFields(
        ("factor", "exponent", "unit", "sequence"), ("learning_rate_factor", "learning_rate_exponent")
    ),
    "leverage": FormFields(
        ("exponent", "flop_exponent", "granularity_square", "granularity_linear", "start", "most")
    ),
    "sparsity": FormFields(
        (*_LOSS, "sparse_factor", "sparse_exponent", "joint_factor", "joint_sparse", "joint_parameters")
    ),
    "savings": FormFields(()),
    "distillation": FormFields(
        (
            *_LOSS,
            "outer_exponent",
            "student_parameter_factor",
            "student_parameter_exponent",
            "student_token_factor",
            "student_token_exponent",
            "student_outer_exponent",
            "teacher_exponent",
            "capacity_slope",
            "capacity_sharpness",
            "capacity_ratio",
        ),
        ("top_k_loss", "mixed_top_k_loss", "reverse_kl_loss", "relative_error"),
    ),
    "reward": FormFields(("asymptote",), ("exponent",)),
    "latency": FormFields(("collectives", "launch_s")),
    "stock": FormFields(("tokens",)),
}
"""Form to its coefficients; the formulas are in docs/method_scaling.md."""


class CountSpan(Section):
    """From the smallest to the largest that was measured."""

    low: Count
    high: Count


class FlopSpan(Section):
    """From the smallest to the largest training compute that was measured."""

    low: Flops
    high: Flops


class Fitted(Section):
    """Runs on which the law was fitted: beyond them it is an extrapolation, and answers say so."""

    parameters: CountSpan | None = None
    tokens: CountSpan | None = None
    flop: FlopSpan | None = None
    activation: CountSpan | None = None
    """Active experts over all experts."""
    granularity: CountSpan | None = None
    epochs: CountSpan | None = None


class Spread(Section):
    """How the fitted coefficients vary together.

    A factor (or a floor) varies in its logarithm, an exponent in itself.
    """

    coefficients: Items[Text]
    deviations: Items[Ratio]
    """Standard deviation of each: of the logarithm of a factor, of an exponent itself."""
    correlations: Items[Items[Annotated[float, Field(ge=-1.0, le=1.0)]]]
    """Of each with those before it: the lower triangle without its diagonal, so one row less."""


class Optimum(Section):
    """A row of a published table of compute-optimal models."""

    parameters: Count
    flop: Flops
    tokens: Count


class Saving(Section):
    """Compute that a sparser model saves at equal loss."""

    sparsity: Ratio
    """All experts over active ones."""
    flop_ratio: Ratio
    """Compute of this sparsity over that of the sparsest in the list."""


class ScalingLaw(Record):
    """One published law."""

    form: Form
    counted: Literal["all", "non-embedding", "active", "total", "flop-per-token", "none"]
    """Which parameters its N means; `flop-per-token` where it counts training compute per token instead."""
    variable: Variable | None = None
    """Of a batch law: what the batch depends on."""
    coefficients: dict[str, Ratio] = Field(default_factory=dict)
    """By name; a range is the interval that the source prints."""
    level: Fraction | None = None
    """Probability that the printed intervals hold."""
    spread: Spread | None = None
    fitted: Fitted = Fitted()
    optima: Items[Optimum] = ()
    savings: Items[Saving] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = [*self._coefficient_mistakes(), *self._spread_mistakes()]
        if (self.form == "batch") != (self.variable is not None):
            wrong.append("variable belongs to form: batch, and only to it; add it or remove it")
        for form, rows in (("optima", self.optima), ("savings", self.savings)):
            if (self.form == form) != (len(rows) > 1):
                wrong.append(f"{form} (two rows or more) belong to form: {form}, and only to it")
        refuse(wrong)
        return self

    def _coefficient_mistakes(self) -> list[str]:
        needed, optional = FORMS[self.form]
        missing = [name for name in needed if name not in self.coefficients]
        unknown = [name for name in self.coefficients if name not in (*needed, *optional)]
        wrong = [f"form {self.form} needs coefficients.{name}; add it" for name in missing]
        known = ", ".join((*needed, *optional)) or "none"
        return wrong + [
            f"form {self.form} has no coefficient {name!r}; it has {known}; rename it or remove it"
            for name in unknown
        ]

    def _spread_mistakes(self) -> list[str]:
        if self.spread is None:
            return []
        names, wrong = self.spread.coefficients, []
        if any(name not in self.coefficients for name in names) or len(set(names)) != len(names):
            wrong.append("spread.coefficients must name coefficients of this record, each once")
        if len(self.spread.deviations) != len(names):
            wrong.append(f"spread.deviations needs {len(names)} entries, one for each coefficient")
        if [len(row) for row in self.spread.correlations] != list(range(1, len(names))):
            wrong.append("spread.correlations needs rows of 1, 2, 3 ... entries, one row less than names")
        return wrong
