"""What a question about distillation answers: frozen result types, whose JSON other programs rely on.

Names carry their unit; a quantity with an 80 % interval is ``{"value": x, "low": a, "high": b}``. Nothing
here is ever NaN or infinite: what does not exist is null.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from planner.plan.distill.parts import (
    Bought,
    LawView,
    LeftOut,
    Plain,
    Published,
    Role,
    Stored,
    TeacherTraining,
    Way,
    WayPlan,
)
from planner.plan.document import Assumption, Base, Document, Nearest, SourceUsed

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "Bought",
    "DistillAnswer",
    "DistillInputs",
    "DistillResult",
    "LawView",
    "LeftOut",
    "Plain",
    "Published",
    "Role",
    "Stored",
    "TeacherTraining",
    "WayPlan",
]


class DistillInputs(Base):
    """The question as resolved."""

    question: Literal["days", "tokens"]
    """What was solved for."""
    student: str
    """Id of the model's record."""
    student_parameters: int
    student_active_parameters: int
    teacher: str | None
    """Id of the model's record; null where its weights are not at hand."""
    teacher_parameters: int | None
    teacher_active_parameters: int | None
    api: str | None
    """Id of the price record of whoever serves the teacher, or the two prices as given."""
    recipe: str
    mode: str
    modes: tuple[Way, ...]
    """That were planned or looked at."""
    tokens: float | None
    """On which the student is trained, prompts and all epochs included; null where they were asked for."""
    days: float | None
    """Allowed; null where they were asked for."""
    epochs: float
    seq_len: int
    isl: float
    """Tokens of a prompt, where somebody writes."""
    osl: float
    """Tokens written after it."""
    accept_rate: float
    """Share of what a teacher writes that is kept."""
    top_k: int | None
    """Logits kept of a token; null for all of them."""
    ground_truth: float
    """Share of the loss on the text itself."""
    teacher_loss_nats: float | None
    teacher_tokens: float | None
    students: int | None
    """That share a teacher which is trained for them; null where it exists."""
    law: str
    goal: Literal["efficient", "fastest"]
    """Whether the student's training stops taking accelerators where each does half of its best."""
    cluster: str | None
    gpu: str
    gpus: int
    site: str
    price: str
    finance: str
    failures: str
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class DistillAnswer(Base):
    """The answer."""

    sentence: str
    """When distillation beats training without a teacher, and what it costs."""
    law: LawView | None
    plain: Plain | None
    plans: tuple[WayPlan, ...]
    """The cheapest first."""
    left_out: tuple[LeftOut, ...] = ()
    teacher_training: TeacherTraining | None = None
    published: tuple[Published, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why no way is feasible, or none is in time."""
    nearest: tuple[Nearest, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know to use the figures."""


class DistillResult(Document):
    """Answer to ``planner distill``."""

    schema_name: Annotated[Literal["planner.distill/1"], Field(alias="schema")] = "planner.distill/1"
    inputs: DistillInputs
    assumptions: tuple[Assumption, ...]
    result: DistillAnswer
    sources: dict[str, SourceUsed]

    @property
    def plan(self) -> WayPlan | None:
        """The cheapest way in time; None where there is none."""
        return None if self.result.reasons else next(iter(self.result.plans), None)

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.distill.table import sections

        return sections(self)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: one for each way."""
        from planner.plan.distill.table import plan_records

        return plan_records(self)
