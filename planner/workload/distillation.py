"""Recipes of distillation: ``workloads/distillation/ID.yaml``.

A recipe says how a teacher teaches a student: by which way, on how much, and what is kept of the teacher's
words. The record ``usual`` has what every other one leaves out.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.catalog.quantity import Bytes, Count, Fraction, Ratio
from planner.catalog.records import Items, Record, Ref, Section, Text
from planner.workload.mixers import Width, refuse

__all__ = ["WAYS", "DistillationRecipe", "Figure", "Way"]

Way = Literal["offline", "online", "sequence", "on-policy", "api"]
"""How the teacher's words reach the student."""
WAYS: dict[str, str] = {
    "offline": "logits of an own teacher, stored before training",
    "online": "logits of an own teacher, made while the student trains",
    "sequence": "text that an own teacher writes",
    "on-policy": "text that the student writes, scored by an own teacher",
    "api": "text bought from whoever serves the teacher",
}
"""Way to what it is, for people."""


class Figure(Section):
    """Something that was published of a run of this recipe, to set beside what comes out here."""

    says: Text
    value: Ratio | None = None
    """None where only words were said; the cite then stands beside them."""
    unit: Text | None = None
    of: (
        Literal["teacher-gpu-hours", "gpu-hours", "alternative-gpu-hours", "saving", "samples", "nats"] | None
    ) = None
    """What it is a figure of, where the answer has one to compare."""
    gpu: Annotated[str, Ref("accelerator")] | None = None
    """On which it was measured."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = []
        if self.value is None and self.cite is None:
            wrong.append("words without a value need their cite: {source, at, kind}; add it")
        if (self.value is None) != (self.unit is None):
            wrong.append("a value has a unit, and words have none; add it or remove it")
        if self.of is not None and self.value is None:
            wrong.append("of says what the value is a figure of; add the value, or remove of")
        refuse(wrong)
        return self


class DistillationRecipe(Record):
    """How a teacher teaches a student."""

    status: Literal["published", "reported", "usual"]
    """``reported``: known from the news, so that nearly every number is an assumption of this project."""
    mode: Way | None = None
    student: Annotated[str, Ref("model")] | None = None
    teacher: Annotated[str, Ref("model")] | None = None
    api: Annotated[str, Ref("api-price")] | None = None
    tokens: Count | None = None
    """On which the student is trained, prompts and all epochs included."""
    epochs: Ratio | None = None
    """How often each of them is seen."""
    isl: Count | None = None
    """Tokens of a prompt, where the teacher or the student writes."""
    osl: Count | None = None
    """Tokens written after it."""
    accept_rate: Fraction | None = None
    """Share of what is written that is kept for training."""
    top_k: Count | None = None
    """Logits kept per token where they are stored."""
    ground_truth: Fraction | None = None
    """Share of the loss on the text itself instead of the teacher's distribution."""
    logit_bytes: Bytes | None = None
    """Of a logit that is kept."""
    index_bytes: Bytes | None = None
    """Of its place in the vocabulary."""
    full_logit_bytes: Bytes | None = None
    """Of a logit where all of them are kept, which needs no places."""
    seq_len: Width | None = None
    figures: Annotated[Items[Figure], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = []
        if self.accept_rate is not None and self.accept_rate.value == 0.0:
            wrong.append("accept_rate 0 keeps nothing, so no data comes of it; write the share that is kept")
        if self.mode == "api" and self.api is None:
            wrong.append("mode: api needs api: the id of a record in workloads/api_prices")
        if self.epochs is not None and self.epochs.value < 1.0:
            wrong.append("epochs below 1 leave data unseen; lower tokens instead")
        refuse(wrong)
        return self
