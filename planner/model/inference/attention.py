"""Time of attention cores at inference: one query per sequence over its cache, or the tokens of a prompt.

The laws and their conventions are those of `planner.model.inference.kernels`.

References
----------
.. [1] ai-dynamo/aiconfigurator (Apache-2.0): measured kernel tables of serving frameworks.
.. [2] T. Dao et al., "Flash-Decoding" (2023): the cache of one sequence is read in splits, then reduced.
.. [3] DeepSeek-AI, arXiv:2405.04434: latent attention in its absorbed form reads one shared key per token.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.model.inference.limbs import TILE, norm, of_pair
from planner.model.operators import causal_pairs
from planner.tables.operators import Operators
from planner.types import BoolArray, FloatArray

__all__ = ["context_attention_s", "context_mla_s", "decode_attention_s", "decode_mla_s"]


def decode_attention_s(
    *,
    operators: Operators,
    batch: FloatArray,
    heads: FloatArray,
    kv_heads: FloatArray,
    head_dim: FloatArray,
    context: FloatArray,
    kv_bytes: FloatArray,
) -> FloatArray:
    """Seconds of one layer's attention core for one query per sequence, reading a cold cache.

    Parameters
    ----------
    batch
        Sequences on this accelerator.
    heads, kv_heads
        On this accelerator; several queries per sequence, as drafts are verified, count as more heads.
    context
        Keys read per sequence: the context, or the window where that is shorter.
    kv_bytes
        Bytes per cached element; 1 or less runs the 8-bit kernel, which multiplies in 16 bit.
    """
    eight = np.asarray(kv_bytes) <= 1.0
    law = _decode_law(operators, "decode", eight)
    group = heads / kv_heads
    cached = batch * kv_heads * context * head_dim
    return _decode_s(
        operators,
        law,
        context=context,
        moved=2.0 * cached * kv_bytes + 4.0 * batch * heads * head_dim,
        flop=4.0 * cached * np.maximum(group, 16.0),
        peak=operators.peak_flop_per_s[:, 0],
        blocks=batch * kv_heads * np.ceil(group / 64.0),
    )


def decode_mla_s(
    *,
    operators: Operators,
    batch: FloatArray,
    heads: FloatArray,
    context: FloatArray,
    kv_bytes: FloatArray,
    kv_lora: FloatArray | float = 512.0,
    rope: FloatArray | float = 64.0,
) -> FloatArray:
    """Seconds of one layer's latent attention core for one query per sequence, in absorbed form [3].

    All heads share one cached vector of ``kv_lora + rope`` per token. With 8-bit caches it also multiplies in
    8 bit, where the part can; else the 16-bit kernel reads them.
    """
    peak8 = operators.peak_flop_per_s[:, 1]
    eight = (np.asarray(kv_bytes) <= 1.0) & (peak8 > 0)
    law = _decode_law(operators, "latent_decode", eight)
    vector = kv_lora + rope
    return _decode_s(
        operators,
        law,
        context=context,
        moved=batch * context * vector * kv_bytes + 2.0 * batch * heads * (vector + kv_lora),
        flop=2.0 * batch * np.maximum(heads, 16.0) * context * (vector + kv_lora),
        peak=np.where(eight, peak8, operators.peak_flop_per_s[:, 0]),
        blocks=batch * np.ceil(heads / 64.0),
    )


class _DecodeLaw(NamedTuple):
    overhead: FloatArray
    doubling: FloatArray
    compute: FloatArray
    memory: FloatArray
    exponent: FloatArray
    block: FloatArray


def _decode_law(operators: Operators, family: str, eight: BoolArray) -> _DecodeLaw:
    return _DecodeLaw(*(of_pair(getattr(operators, f"{family}_{f}"), eight) for f in _DecodeLaw._fields))


def _decode_s(
    operators: Operators,
    law: _DecodeLaw,
    *,
    context: FloatArray,
    moved: FloatArray,
    flop: FloatArray,
    peak: FloatArray,
    blocks: FloatArray,
) -> FloatArray:
    memory = moved / (law.memory * operators.memory_bytes_per_s)
    compute = flop / (law.compute * peak)
    start = law.block * blocks / operators.compute_units
    splits = law.doubling * np.log2(1.0 + context / 256.0)
    time = law.overhead + splits + norm(law.exponent, memory, compute, start)
    return np.where((blocks > 0) & (context > 0), time, 0.0)


def context_attention_s(
    *,
    operators: Operators,
    batch: FloatArray,
    heads: FloatArray,
    kv_heads: FloatArray,
    head_dim: FloatArray,
    new: FloatArray,
    past: FloatArray,
    window: FloatArray,
    kv_bytes: FloatArray,
    eight_bit: BoolArray,
) -> FloatArray:
    """Seconds of one layer's causal attention core over new tokens.

    Parameters
    ----------
    batch
        Sequences on this accelerator.
    new, past
        Query tokens per sequence, and cached tokens before them, which are read again.
    window
        Keys that a query sees at most; inf for full attention.
    eight_bit
        Run the 8-bit kernel.
    """
    law = _context_law(operators, "context", np.asarray(eight_bit))
    peak = of_pair(_attention_peaks(operators), np.asarray(eight_bit))
    pairs = _pairs(new=new, past=past, window=window)
    cached = 2.0 * kv_heads * head_dim
    return _context_s(
        operators,
        law,
        flop=4.0 * batch * heads * (head_dim + law.softmax * operators.density) * pairs,
        moved=batch
        * (
            new * (4.0 * heads * head_dim + cached * (2.0 + kv_bytes))
            + np.minimum(past, window) * cached * kv_bytes
        ),
        peak=peak,
        longest=np.minimum(past + new, window),
        head_dim=head_dim,
        blocks=batch * kv_heads * np.ceil(new * (heads / kv_heads) / TILE),
    )


def context_mla_s(
    *,
    operators: Operators,
    batch: FloatArray,
    heads: FloatArray,
    new: FloatArray,
    past: FloatArray,
    qk_dim: FloatArray,
    v_dim: FloatArray,
    kv_bytes: FloatArray,
    window: FloatArray | float = np.inf,
    latent: FloatArray | float = 576.0,
) -> FloatArray:
    """Seconds of one layer's causal latent attention core over new tokens, expanded to full heads.

    Parameters
    ----------
    qk_dim, v_dim
        Head sizes of query/key and of value.
    kv_bytes
        Bytes per cached element; 1 or less also multiplies in 8 bit, where the part can.
    window
        Keys that a query sees at most, as where an indexer selects them.
    latent
        Cached elements per token.
    """
    eight = (np.asarray(kv_bytes) <= 1.0) & (operators.peak_flop_per_s[:, 1] > 0)
    law = _context_law(operators, "latent_context", eight)
    width = qk_dim + v_dim
    seen = np.minimum(past, window)
    return _context_s(
        operators,
        law,
        flop=2.0 * batch * heads * width * _pairs(new=new, past=past, window=window),
        moved=batch * ((2.0 * new + seen) * (2.0 * heads * width) + (new + seen) * latent * kv_bytes),
        peak=of_pair(_attention_peaks(operators), eight),
        longest=np.minimum(past + new, window),
        head_dim=width / 2.0,
        blocks=batch * heads * np.ceil(new / TILE),
    )


def _pairs(*, new: FloatArray, past: FloatArray, window: FloatArray | float) -> FloatArray:
    """Query-key pairs per head: ``new (past + new/2 + 32)`` where no window cuts them."""
    reach = np.asarray(window, dtype=float)
    return causal_pairs(seq_len=past + new, window=reach) - causal_pairs(seq_len=past, window=reach)


class _ContextLaw(NamedTuple):
    overhead: FloatArray
    compute: FloatArray
    memory: FloatArray
    exponent: FloatArray
    tile: FloatArray
    block: FloatArray
    softmax: FloatArray


def _context_law(operators: Operators, family: str, eight: BoolArray) -> _ContextLaw:
    return _ContextLaw(*(of_pair(getattr(operators, f"{family}_{f}"), eight) for f in _ContextLaw._fields))


def _attention_peaks(operators: Operators) -> FloatArray:
    peaks = operators.peak_flop_per_s[:, :2]
    return np.where(peaks > 0, peaks, np.nan)


def _context_s(
    operators: Operators,
    law: _ContextLaw,
    *,
    flop: FloatArray,
    moved: FloatArray,
    peak: FloatArray,
    longest: FloatArray,
    head_dim: FloatArray,
    blocks: FloatArray,
) -> FloatArray:
    """Limbs of work, traffic, and the last tile of queries, which sees most keys, on one compute unit.

    That tile and the softmax do not speed up or slow down with the matrix units of a cut-down die, so that
    both are scaled by the rate per unit.
    """
    units = operators.compute_units
    compute = flop / (law.compute * peak)
    memory = moved / (law.memory * operators.memory_bytes_per_s)
    last = law.tile * operators.density * 4.0 * TILE * (longest + TILE) * head_dim * units / peak
    time = law.overhead + law.block * blocks / units + norm(law.exponent, compute, memory, last)
    return np.where(blocks > 0, time, 0.0)
