"""A replica ready to be timed, and the work of one step.

A step is one pass of every sequence through the model. Its work per accelerator follows from how the replica
is laid out: attention ranks hold sequences of their own, pipeline stages see a share of the batch each, and
the slowest rank, which has at least one whole sequence or prompt chunk, sets the pace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from planner.model.inference.kernels import GemmRates, GroupedRates, gemm_rates, grouped_rates
from planner.model.operators import any_true
from planner.tables.arrays import Model
from planner.tables.operators import Operators
from planner.tables.serving import Deployment, Engine
from planner.types import FloatArray, IntArray

__all__ = ["Ranks", "Replica", "Work", "prepare", "ranks"]


SIXTEEN_BIT_BYTES = 2.0


@dataclass(frozen=True, eq=False)
class Replica:
    """Hardware, model, engine and layout of each row with the kernel rates they imply; shape ``[R]``."""

    operators: Operators
    model: Model
    engine: Engine
    layout: Deployment
    attention: GemmRates
    mlp: GemmRates
    head: GemmRates
    absorbed: GemmRates  # 16-bit products of latent attention
    experts: GroupedRates


@dataclass(frozen=True, eq=False)
class Work:
    """One step of a replica; shape ``[R]``."""

    decode: FloatArray  # sequences that decode
    context: FloatArray  # keys each of them reads
    prompt: FloatArray  # prompt tokens of the whole replica
    new: FloatArray  # of these, tokens of one prompt
    past: FloatArray  # tokens of that prompt that are already cached


@dataclass(frozen=True, eq=False)
class Ranks:
    """Work of the slowest rank, and of the group that shares experts; shape ``[R]``."""

    sequences: FloatArray  # decoding, on one attention rank
    decode_tokens: FloatArray  # of these with their drafts
    prompt_tokens: FloatArray
    prompts: FloatArray
    tokens: FloatArray  # all tokens of one attention rank
    group_tokens: FloatArray  # of all attention ranks of the stage
    last: FloatArray  # tokens that need logits


def prepare(*, operators: Operators, model: Model, engine: Engine, layout: Deployment) -> Replica:
    """Select kernel rates by the layout's precisions; formats that the part lacks give nan."""
    return Replica(
        operators=operators,
        model=model,
        engine=engine,
        layout=layout,
        attention=_widened(
            gemm_rates(
                operators=operators,
                operator_class=layout.attention_class,
                weight_bytes=layout.attention_bytes,
            ),
            layout.attention_class,
            layout.attention_bytes,
            engine,
        ),
        mlp=_widened(
            gemm_rates(operators=operators, operator_class=layout.mlp_class, weight_bytes=layout.mlp_bytes),
            layout.mlp_class,
            layout.mlp_bytes,
            engine,
        ),
        head=gemm_rates(
            operators=operators,
            operator_class=np.zeros_like(layout.mlp_class),
            weight_bytes=layout.head_bytes,
        ),
        absorbed=gemm_rates(operators=operators, operator_class=np.zeros_like(layout.mlp_class)),
        experts=_widened(
            grouped_rates(
                operators=operators, operator_class=layout.expert_class, weight_bytes=layout.expert_bytes
            ),
            layout.expert_class,
            layout.expert_bytes,
            engine,
        ),
    )


Rates = TypeVar("Rates", GemmRates, GroupedRates)


def _widened(rates: Rates, operator_class: IntArray, weight_bytes: FloatArray, engine: Engine) -> Rates:
    """Slow the products of weights that are stored small and multiplied in 16 bit."""
    widened = (operator_class == 0) & (weight_bytes < SIXTEEN_BIT_BYTES)
    if not any_true(widened):
        return rates
    return rates._replace(compute=np.where(widened, rates.compute / engine.weight_only, rates.compute))


PROMPTS_WITH_LOGITS = 64.0
"""Prompts that finish in one step, at most."""


def ranks(*, layout: Deployment, work: Work) -> Ranks:
    """Return the work of the slowest rank.

    With fewer sequences than ranks one of them still has a whole sequence; likewise a prompt stays on one
    attention rank, and a chunk of it passes through every pipeline stage.
    """
    spread = layout.dp * layout.pp
    verified = 1.0 + layout.drafts
    sequences = np.maximum(work.decode / spread, np.minimum(work.decode, 1.0))
    new = np.maximum(work.new, 1.0)
    prompt = np.maximum(work.prompt / spread, np.minimum(work.prompt, new))
    prompts = prompt / new
    decode = sequences * verified
    together = (
        np.maximum(work.decode / layout.pp, np.minimum(work.decode, 1.0)) * verified
        + np.maximum(work.prompt / layout.pp, np.minimum(work.prompt, new))
    )  # fmt: skip
    return Ranks(
        sequences=sequences,
        decode_tokens=decode,
        prompt_tokens=prompt,
        prompts=prompts,
        tokens=decode + prompt,
        group_tokens=together,
        last=decode + np.minimum(prompts, PROMPTS_WITH_LOGITS),
    )
