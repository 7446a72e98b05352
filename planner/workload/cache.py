"""Bytes a sequence keeps between tokens when it is served: keys and values, latents, indexer keys, state.

Precisions are bytes per element and may be fractions of a byte (4-bit caches), so results are exact integers
whenever the product is one and are rounded up otherwise. Layers that share keys across heads (MLA) are
counted once, not per rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from planner.workload import counts
from planner.workload.architecture import Architecture
from planner.workload.mixers import Attention


@dataclass(frozen=True, kw_only=True)
class CacheTerm:
    """`elements` for every `ratio` tokens of context, counting at most `cap` tokens."""

    elements: int
    ratio: int = 1
    cap: int | None = None

    def at(self, context: int) -> int:
        """Elements kept at a context of so many tokens."""
        seen = context if self.cap is None else min(context, self.cap)
        return self.elements * (seen // self.ratio)


@dataclass(frozen=True, kw_only=True)
class CacheElements:
    """What one sequence keeps, in elements, all layers together."""

    terms: tuple[CacheTerm, ...]
    """Keys and values (latents, indexer keys): what grows with the context."""
    state: int
    """Recurrent state."""
    convolution: int
    """Convolution inputs: kernel - 1 per channel."""


def cached_per_layer(attention: Attention) -> int:
    """Elements one attention layer caches per (pooled) token, its indexer key excluded."""
    if attention.kind == "mla":
        return (attention.kv_lora or 0) + (attention.qk_rope or 0)
    return attention.kv_heads * (attention.qk_dim + (0 if attention.cached_once else attention.value_dim))


def _terms(attention: Attention, *, layers: int, indexers: int, window: int | None) -> list[CacheTerm]:
    """Return the growing cache of `layers` layers, of which `indexers` keep an indexer key."""
    each = layers * cached_per_layer(attention)
    keys = indexers * attention.indexer.dim if attention.indexer is not None else 0
    if attention.compression is None:
        found = [CacheTerm(elements=each, cap=window), CacheTerm(elements=keys)]
    else:
        ratio = attention.compression.ratio
        found = [CacheTerm(elements=each + keys, ratio=ratio)]
        if attention.window is not None:
            found.append(CacheTerm(elements=each, cap=attention.window))
    return [term for term in found if term.elements]


def cache_elements(architecture: Architecture) -> CacheElements:
    """Return what one sequence keeps, in elements."""
    a = architecture
    terms: list[CacheTerm] = []
    if a.attention is not None:
        terms += _terms(
            a.attention, layers=a.count(mixer="full"), indexers=counts.indexer_layers(a), window=None
        )
    if a.windowed is not None:
        terms += _terms(a.windowed, layers=a.count(mixer="window"), indexers=0, window=a.window_size)
    state = convolution = 0
    if a.linear_attention is not None:
        x, layers = a.linear_attention, a.count(mixer="linear")
        state = layers * counts.state_elements(x)
        convolution = layers * max(x.conv - 1, 0) * counts.convolution_channels(x)
    return CacheElements(terms=tuple(terms), state=state, convolution=convolution)


def kv_bytes_per_token(architecture: Architecture, *, kv_bytes: float = 2) -> int:
    """Bytes one more token of context adds while every window is still filling (linear state excluded).

    Pooled keys add their share of a token; the result is rounded up to a byte.
    """
    terms = cache_elements(architecture).terms
    return ceil(sum((Fraction(t.elements, t.ratio) for t in terms), Fraction(0)) * Fraction(kv_bytes))


def cache_bytes(
    architecture: Architecture,
    *,
    context: int,
    kv_bytes: float = 2,
    state_bytes: float = 4,
    convolution_bytes: float = 2,
) -> int:
    """Bytes one sequence of `context` tokens keeps: windows capped, linear state constant.

    `kv_bytes`, `state_bytes`, `convolution_bytes` are bytes per element; the recurrent state is usually kept
    in fp32.
    """
    if context < 0:
        raise ValueError(f"context must not be negative, not {context}")
    kv = sum(term.at(context) for term in cache_elements(architecture).terms) * Fraction(kv_bytes)
    return ceil(kv) + state_bytes_per_sequence(
        architecture, state_bytes=state_bytes, convolution_bytes=convolution_bytes
    )


def state_bytes_per_sequence(
    architecture: Architecture, *, state_bytes: float = 4, convolution_bytes: float = 2
) -> int:
    """Bytes of recurrent state and convolution inputs of one sequence; 0 without linear layers."""
    e = cache_elements(architecture)
    return ceil(e.state * Fraction(state_bytes) + e.convolution * Fraction(convolution_bytes))
