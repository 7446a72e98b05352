"""Kinds of fine-tuning: ``workloads/fine_tuning/ID.yaml``.

A record says what of a model learns, in which form the rest is held, which frozen copy is asked beside it,
and what data it usually takes. The pre-training of a model is no record: there all weights learn from text
that fills every sequence.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from planner.catalog.quantity import Bytes, Count, Dimension, Fraction, Quantity, Ratio
from planner.catalog.records import Items, Record, Section
from planner.workload.mixers import Width, refuse

__all__ = ["METHODS", "TARGETS", "Adapters", "Data", "FineTuning", "Method", "Reference", "Target", "Weights"]

Method = Literal["sft", "lora", "preference"]
"""All weights on examples, adapters on examples, or pairs of answers of which one is preferred."""
METHODS: Final[tuple[Method, ...]] = ("sft", "lora", "preference")
Target = Literal["q", "k", "v", "o", "gate", "up", "down", "experts", "linear"]
"""Matrices with adapters: of attention; of dense blocks and shared experts; of routed experts; of mixers
without softmax. Under latent attention ``q`` and ``k`` (or ``v``) each stand for both of their products."""
TARGETS: Final[tuple[Target, ...]] = ("q", "k", "v", "o", "gate", "up", "down", "experts", "linear")
FULL_BYTES: Final = 2.0
"""Of a weight in 16 bit."""


class Weights(Section):
    """The model that is fine-tuned."""

    learn: bool
    """Whether its own weights change; adapters learn where they do not."""
    held: Bytes
    """Of a weight of its layers, while it trains; embedding and output head stay in 16 bit."""
    widening: Fraction | None = None
    """Share of the memory bandwidth at which narrow weights are widened to 16 bit, in every pass."""


class Adapters(Section):
    """Low-rank matrices that learn beside frozen ones (LoRA)."""

    rank: Width
    targets: Annotated[Items[Target], Field(min_length=1)]
    """Matrices that have them."""


class Reference(Section):
    """A frozen copy that the loss compares with."""

    passes: Ratio
    """Forward passes of it for each token trained on; fewer than one where they serve several epochs."""
    held: bool
    """Whether its weights lie beside those that learn; false where it is the model without its adapters, or
    where it was asked beforehand."""


class Data(Section):
    """Data as it is usual; a question may say otherwise."""

    tokens: Count
    """Of the examples, once; of pairs both answers, each with its prompt."""
    epochs: Ratio
    """Times that each is seen."""
    seq_len: Width
    """Tokens of a sequence, padding included."""
    global_batch: Width
    """Sequences of a step; a pair is two."""
    example: Annotated[Quantity, Dimension("count")]
    """Tokens of an example, on average: those that share a sequence do not see each other, as if all were as
    long. An example as long as its sequence fills it alone."""
    packing: Fraction
    """Share of the positions that hold tokens: the others are padding."""
    loss: Fraction
    """Share of the tokens whose loss counts: those of answers. It saves no work."""


class FineTuning(Record):
    """One way to fine-tune."""

    method: Method
    weights: Weights
    adapters: Adapters | None = None
    reference: Reference | None = None
    data: Data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong: list[str] = []
        if self.weights.learn == (self.adapters is not None):
            wrong.append(
                "either the weights learn or adapters do: set weights.learn to false and give adapters, "
                "or set it to true and remove them"
            )
        if self.weights.learn and self.weights.held.value != FULL_BYTES:
            wrong.append(
                "weights.held of weights that learn is 2 B; the copies that a stack keeps for them are in "
                "its software record"
            )
        narrow = self.weights.held.value < FULL_BYTES
        if narrow != (self.weights.widening is not None):
            wrong.append("weights.widening belongs to weights held in less than 2 B, and only to them")
        if self.method == "lora" and self.adapters is None:
            wrong.append("method: lora needs adapters; add them, or call it sft")
        if self.method == "sft" and self.adapters is not None:
            wrong.append("method: sft has no adapters; remove them, or call it lora")
        if self.reference is not None and self.method != "preference":
            wrong.append("reference belongs to method: preference; remove it")
        refuse(wrong)
        return self
