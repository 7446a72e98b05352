"""Recipes of reinforcement learning after pre-training: ``workloads/post_training/ID.yaml``.

A recipe says what a step is made of (prompts, rollouts of each, their lengths, the environment they act in)
and how rollouts are used (epochs, passes, updates). The record ``usual`` stands for what nobody named.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.catalog.quantity import Count, Dimension, Fraction, Hours, Quantity, Ratio, Seconds, Usd
from planner.catalog.records import Items, Record, Ref, Section, Text
from planner.workload.lengths import Spread
from planner.workload.mixers import refuse
from planner.workload.traffic_parts import Lengths

__all__ = [
    "Checked",
    "Environment",
    "Generation",
    "Groups",
    "Learning",
    "PostTraining",
    "Published",
    "Publishing",
    "Sampled",
]

Some = Annotated[Quantity, Dimension("count")]
"""A number of things, more than zero."""
CoreHour = Annotated[Quantity, Dimension("usd_per_hour", zero=True)]


class Groups(Section):
    """What is sampled in a step."""

    prompts: Some
    """Of a step, those whose rollouts are thrown away not counted."""
    size: Some
    """Rollouts of each prompt."""
    updates: Some
    """Steps of the optimizer that the rollouts of one step are divided into."""

    @model_validator(mode="after")
    def _whole_batches(self) -> Self:
        if self.updates.value > self.prompts.value * self.size.value:
            refuse(["updates are more than the rollouts of a step; lower them"])
        return self


class Sampled(Lengths):
    """Tokens that the model samples in a rollout, over all its turns."""

    most: Some
    """At which a rollout is cut off."""

    @model_validator(mode="after")
    def _below_the_most(self) -> Self:
        if self.mean.value >= self.most.value:
            refuse(["mean is as long as most, where a rollout is cut off; raise most or lower the mean"])
        return self

    @property
    def before_cut(self) -> Spread:
        """The lognormal whose sigma the lengths have before the cut."""
        return self.spread


class Environment(Section):
    """Where a rollout acts: tools, a sandbox, a judge that runs its code."""

    turns: Ratio
    """Times that the model is asked in a rollout; 1 without tools."""
    tokens: Count
    """That the environment adds to a rollout, all turns together."""
    wait: Seconds
    """For tools, in all of a rollout of mean length."""
    check: Seconds
    """From the last token to the reward."""
    kept: Fraction
    """Share of the keys and values of a waiting rollout that stay in device memory."""
    per_rollout: Count
    """Sandboxes that a rollout holds; 0 where rules alone give the reward."""
    cores: Some
    """Of one sandbox."""
    host_cores: Some
    """Of one host, without what it keeps for itself."""
    core_hour: CoreHour
    """Price of a core for an hour, memory included."""


class Learning(Section):
    """How rollouts are used."""

    epochs: Ratio
    """Times that each is trained on."""
    passes: Count
    """Forward passes for log-probabilities: old policy, reference, teacher."""
    precision: Text | None = None
    """Of the matrix multiplications of training; by default what the hardware has."""


class Generation(Section):
    """How rollouts are generated."""

    discarded: Fraction
    """Share of the rollouts that is never trained on: groups without a contrast, failed environments."""
    evaluation: Fraction
    """Rollouts of evaluation, beside those of training."""
    late: Fraction | None = None
    """Of mode async: share of the rollouts, the longest, that may come too late and are then thrown away."""
    engine: Annotated[str, Ref("engine")] | None = None
    """Serving engine; by default the usual one on the hardware."""
    speculation: Annotated[str, Ref("speculation")] | None = None
    """By default none."""
    weights: Annotated[str, Ref("format")] | None = None
    """By default that of the published checkpoint."""


class Publishing(Section):
    """How new weights reach the engines."""

    share: Fraction
    """Of the bytes of the weights that is sent."""
    every: Some
    """Steps between two updates."""
    efficiency: Fraction
    """Share of the bandwidth of the ports that is reached."""
    overhead: Seconds
    """To gather, convert and load them."""
    swap: Seconds
    """To change between training and generation on the same accelerators, both ways."""


class Checked(Section):
    """Accelerators of a published run."""

    accelerator: Annotated[str, Ref("accelerator")]
    count: Some


class Published(Section):
    """What the makers said of the run, to hold beside what comes out here."""

    gpu_hours: Hours | None = None
    """Of accelerators."""
    hours: Hours | None = None
    cost: Usd | None = None
    time_share: Fraction | None = None
    """Reinforcement learning, of the accelerator time of all training."""
    claims: Items[Text] = ()
    """In words."""


class PostTraining(Record):
    """One recipe."""

    model: Annotated[str, Ref("model")] | None = None
    """On which it was run."""
    hardware: Checked | None = None
    mode: Literal["sync", "async"]
    """Whether generation and training take turns on the same accelerators, or run side by side."""
    staleness: Some | None = None
    """Steps after which a rollout may no longer be trained on."""
    groups: Groups
    steps: Some | None = None
    """Of generation; each is divided into updates of the optimizer."""
    prompt: Some
    """Tokens of a prompt."""
    sampled: Sampled
    environment: Environment
    learning: Learning
    generation: Generation
    publishing: Publishing
    reward: Annotated[str, Ref("scaling-law")] | None = None
    """Law of reward by compute whose recipe is nearest."""
    published: Published = Field(default_factory=Published)

    @model_validator(mode="after")
    def _staleness_belongs_to_async(self) -> Self:
        wrong = []
        if (self.mode == "async") != (self.staleness is not None):
            wrong.append("staleness belongs to mode: async, and only to it; add it or remove it")
        if self.staleness is not None and self.staleness.value < 1.0:
            wrong.append("staleness below 1 step is mode: sync; write 1 or more, or change the mode")
        if self.environment.turns.value < 1.0:
            wrong.append("environment.turns below 1; without tools a rollout has 1 turn")
        refuse(wrong)
        return self
