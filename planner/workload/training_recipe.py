"""How a model is trained, stage by stage: ``workloads/training/ID.yaml``.

A run is not one batch size and one sequence length: batches grow as the loss falls, and long sequences come
last. What it takes beside the run itself, experiments before it and work that is thrown away, is stated as
shares of it.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from planner.catalog.quantity import Count, Hours, IsoDate, Percent
from planner.catalog.records import Items, Record, Ref, Section, Text
from planner.workload.mixers import Width, refuse

__all__ = ["Overhead", "PublishedRun", "Stage", "TrainingRecipe"]


class Stage(Section):
    """A part of the run in which neither the batch nor the length of the sequences changes."""

    name: Text
    tokens: Count
    """Trained on in this stage."""
    seq_len: Width
    """Tokens of a sequence."""
    global_batch_tokens: Count
    """Tokens of a step."""
    precision: Annotated[Text, Field(max_length=40)] | None = None
    """Of the matrix multiplications; by default that of the recipe."""


class Overhead(Record):
    """Compute beside a training run, as shares of the run's: ``workloads/overhead/ID.yaml``."""

    date: IsoDate | None = None
    experiments: Percent
    """Ablations, smaller runs, and those on the way to the recipe: before the run."""
    failed: Percent
    """Steps of the run that are thrown away: restarts after spikes of the loss, attempts that are given up.
    Interruptions by hardware are counted elsewhere, by the goodput."""


class PublishedRun(Section):
    """What its makers say that the run took."""

    gpu: Annotated[str, Ref("accelerator")]
    gpus: Count
    """At a time."""
    gpu_hours: Hours
    failures: Annotated[str, Ref("failures")] | None = None
    """Record of how often its hosts failed, where that is known."""
    software: Annotated[str, Ref("software")] | None = None
    """Stack it was trained with."""


class TrainingRecipe(Record):
    """A training run as its makers published it, or as one of another size may be done."""

    model: Annotated[str, Ref("model")] | None = None
    """What is trained; or a `shape` with so many parameters."""
    shape: Annotated[str, Ref("shape")] | None = None
    parameters: Count | None = None
    """Of the shape; active ones where it has experts."""
    law: Annotated[str, Ref("scaling-law")] | None = None
    """By which parameters and tokens were chosen."""
    precision: Annotated[Text, Field(max_length=40)] | None = None
    """Of the matrix multiplications; by default that of the model's own recipe."""
    stages: Annotated[Items[Stage], Field(min_length=1)]
    failed: Percent | None = None
    """Share of its steps that this run threw away, where its makers say so; else that of the overhead."""
    published: PublishedRun | None = None

    @property
    def tokens(self) -> float:
        """Tokens of all stages."""
        return sum(stage.tokens.value for stage in self.stages)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = []
        if (self.model is None) == (self.shape is None):
            wrong.append("a recipe is of one model or of one shape; name exactly one of the two")
        if (self.shape is None) != (self.parameters is None):
            wrong.append("shape and parameters belong together; add the other, or remove both for a model")
        if self.law is not None and self.shape is None:
            wrong.append("law says how the parameters of a shape were chosen; remove it beside a model")
        names = [stage.name for stage in self.stages]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            wrong.append(f"stages are told apart by their names; rename one of {', '.join(doubles)}")
        refuse(wrong)
        return self
