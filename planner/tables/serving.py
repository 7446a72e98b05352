"""Frozen tables of serving: what an engine does, how a replica is laid out, what a request asks of it.

One row is one configuration, as in `planner.tables.arrays`; nothing in here knows an engine or a model by
name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from planner.tables.arrays import Rows
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["Deployment", "Engine", "Load"]


@dataclass(frozen=True, eq=False)
class Engine(Rows):
    """A serving engine on one kind of host: published facts with the fitted constants of its family."""

    layer_s: FloatArray  # small kernels of a layer that tokens do not lengthen
    expert_layer_s: FloatArray  # the same of an MoE layer: routing, permutation, finalising
    element_bytes: FloatArray  # element-wise traffic per hidden element and layer
    prefill_slowdown: FloatArray  # kernels of a step with prompts over those of isolated kernels
    floor_layer_s: FloatArray  # launch-bound floor of a layer; 0 where steps are captured in graphs
    host_step_s: FloatArray  # host time of a step that the accelerator waits for
    host_sequence_s: FloatArray  # the same per sequence of the step
    request_s: FloatArray  # before and after the engine: tokenising, transport, scheduling
    draft_s: FloatArray  # fixed time of one draft
    imbalance: FloatArray  # rows of the hottest expert rank over the mean
    balanced_imbalance: FloatArray  # the same where hot experts are replicated
    attention_imbalance: FloatArray  # the slowest attention-parallel rank over the mean
    overlap: FloatArray  # share of expert traffic hidden where two micro-batches run
    nic_share: FloatArray  # share of the NIC that transfers reach
    prefill_first: BoolArray  # prompts stop decoding (else they ride in its steps)
    chunk: FloatArray  # prompt tokens of a step per attention rank
    max_batch: FloatArray  # sequences per attention rank
    memory_share: FloatArray  # share of device memory that the engine may use
    workspace_bytes: FloatArray
    trims_windows: BoolArray  # caches of windowed layers stop at the window
    reserve_output: FloatArray  # share of the output for which memory is kept on admission
    weight_only: FloatArray  # matrix rate where small weights are widened, over that of 16-bit weights
    handover_s: FloatArray  # from one pool to the other, the transfer of the cache apart
    correction: FloatArray  # a user's own factor on step times


@dataclass(frozen=True, eq=False)
class Deployment(Rows):
    """One replica per row: its parallel degrees and its precisions."""

    tp: FloatArray
    pp: FloatArray
    dp: FloatArray  # attention data-parallel ranks inside the replica
    ep: FloatArray  # expert-parallel ranks, at most tp x dp
    attention_class: IntArray  # index into OPERATOR_CLASSES
    mlp_class: IntArray
    expert_class: IntArray
    attention_bytes: FloatArray  # bytes per weight
    mlp_bytes: FloatArray
    expert_bytes: FloatArray
    head_bytes: FloatArray  # output head and embedding
    kv_bytes: FloatArray  # bytes per cached element
    eight_bit_attention: BoolArray  # prompts attend in 8 bit
    drafts: FloatArray  # speculated tokens of a step and sequence
    accepted: FloatArray  # tokens that a step yields per sequence, the verified one included
    draft_layers: FloatArray  # layers that one draft runs
    balanced: BoolArray  # hot experts have replicas
    two_batches: BoolArray  # expert traffic of one half batch hides behind the other

    @property
    def stage(self) -> FloatArray:
        """Accelerators of one pipeline stage."""
        return self.tp * self.dp

    @property
    def streams(self) -> FloatArray:
        """Places at which chunks of prompts are computed side by side; one prompt stays in one of them.

        Attention ranks times the micro-batches that fill the stages of a pipeline.
        """
        return self.dp * self.pp

    @property
    def gpus(self) -> FloatArray:
        """Accelerators of the replica."""
        return self.tp * self.dp * self.pp


@dataclass(frozen=True, eq=False)
class Load(Rows):
    """Mean request per row."""

    isl: FloatArray  # prompt tokens
    osl: FloatArray  # output tokens
    cached: FloatArray  # prompt tokens found in a prefix cache
    shared: FloatArray  # of these, tokens that all sequences share: they are kept once
    new_variation: FloatArray = field(default_factory=lambda: np.zeros(1))  # variance of new tokens / mean^2
    osl_variation: FloatArray = field(default_factory=lambda: np.zeros(1))  # the same of output tokens

    @property
    def new(self) -> FloatArray:
        """Prompt tokens to compute."""
        return self.isl - self.cached

    @property
    def longer(self) -> FloatArray:
        """Tokens before a prompt token beyond those of a mean prompt: most tokens are in long ones."""
        return 0.5 * self.new * self.new_variation

    @property
    def context(self) -> FloatArray:
        """Mean context of a decoding sequence; at any time, most of them belong to long answers."""
        return self.isl + 0.5 * self.osl * (1.0 + self.osl_variation)
