"""Bytes that a sequence keeps between tokens when it is served: keys and values, latents, indexer keys, linear state.

Precisions are bytes per element and may be fractions of a byte (4-bit caches), so results are exact integers whenever
the product is one and are rounded up otherwise. Layers that share keys across heads (MLA) are counted once, not per rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from planner.workload import counts
from planner.workload.architecture import Architecture, Attention


@dataclass(frozen=True, kw_only=True)
class CacheElements:
    """Cached elements, all layers together."""

    per_token: int
    """Per token of context, layers that see everything (indexer keys included)."""
    per_window_token: int
    """Per token of context within the window, windowed layers."""
    window: int | None
    """Tokens the windowed layers keep."""
    state: int
    """Recurrent state per sequence."""
    convolution: int
    """Convolution inputs kept per sequence: kernel - 1 per channel."""


def cached_per_layer(attention: Attention) -> int:
    """Elements one attention layer caches per token, its indexer key excluded."""
    if attention.kind == "mla":
        return (attention.kv_lora or 0) + (attention.qk_rope or 0)
    return attention.kv_heads * (attention.qk_dim + attention.value_dim)


def cache_elements(architecture: Architecture) -> CacheElements:
    """What one sequence keeps, in elements."""
    a = architecture
    full = a.count(mixer="full") * cached_per_layer(a.attention) if a.attention is not None else 0
    if a.attention is not None and a.attention.indexer is not None:
        full += counts.indexer_layers(a) * a.attention.indexer.dim
    window = a.count(mixer="window") * cached_per_layer(a.windowed) if a.windowed is not None else 0
    state = convolution = 0
    if a.linear_attention is not None:
        x, layers = a.linear_attention, a.count(mixer="linear")
        state = layers * counts.state_elements(x)
        convolution = layers * max(x.conv - 1, 0) * counts.convolution_channels(x)
    return CacheElements(
        per_token=full, per_window_token=window, window=a.window_size, state=state, convolution=convolution
    )


def kv_bytes_per_token(architecture: Architecture, *, kv_bytes: float = 2) -> int:
    """Bytes one more token of context adds while every window is still filling (linear state excluded)."""
    e = cache_elements(architecture)
    return ceil((e.per_token + e.per_window_token) * Fraction(kv_bytes))


def cache_bytes(
    architecture: Architecture, *, context: int, kv_bytes: float = 2, state_bytes: float = 4, convolution_bytes: float = 2
) -> int:
    """Bytes one sequence of `context` tokens keeps: windows capped, linear state constant.

    `kv_bytes`, `state_bytes`, `convolution_bytes` are bytes per element; the recurrent state is usually kept in fp32.
    """
    if context < 0:
        raise ValueError(f"context must not be negative, not {context}")
    e = cache_elements(architecture)
    seen = context if e.window is None else min(context, e.window)
    kv = (e.per_token * context + e.per_window_token * seen) * Fraction(kv_bytes)
    return ceil(kv) + state_bytes_per_sequence(architecture, state_bytes=state_bytes, convolution_bytes=convolution_bytes)


def state_bytes_per_sequence(architecture: Architecture, *, state_bytes: float = 4, convolution_bytes: float = 2) -> int:
    """Bytes of recurrent state and convolution inputs one sequence keeps whatever its length; 0 without linear layers."""
    e = cache_elements(architecture)
    return ceil(e.state * Fraction(state_bytes) + e.convolution * Fraction(convolution_bytes))
