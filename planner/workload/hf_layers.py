"""How a configuration lays out its layers: each way that families use, as a function of its fields.

A reader gets the configuration and the depth and answers with a list (one mixer or one ffn per layer), or
None where its fields are absent, so that the next way is tried. A field that is present but wrong raises
`LayoutError` with a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Config: TypeAlias = Mapping[str, Any]
Reader: TypeAlias = Callable[[Config, int], "list[str] | None"]

MAX_DEPTH = 10_000


class LayoutError(ValueError):
    """A field that says how layers are laid out is wrong."""


_LAYER_TYPES = {
    "full_attention": "full",
    "sliding_attention": "window",
    "chunked_attention": "window",
    "linear_attention": "linear",
    "attention": "full",
}
_BLOCKS = {
    "M": ("linear", "none"),
    "mamba": ("linear", "none"),
    "*": ("full", "none"),
    "attention": ("full", "none"),
    "E": ("none", "moe"),
    "moe": ("none", "moe"),
    "-": ("none", "dense"),
    "mlp": ("none", "dense"),
}
_MLP_TYPES = {"dense": "dense", "sparse": "moe", "moe": "moe"}


def _list(config: Config, name: str, depth: int) -> list[Any] | None:
    """Return the list `name` with one item per layer, or None where it is absent."""
    value = config.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != depth:
        found = f"{len(value)} items" if isinstance(value, list) else type(value).__name__
        raise LayoutError(f"{name} must be a list with one item per layer ({depth}), found {found}")
    return value


def _number(config: Config, name: str, default: int | None = None) -> int | None:
    value = config.get(name, default)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise LayoutError(f"{name} must be a whole number of layers, found {str(value)[:40]!r}")
    return value


def _named(name: str, values: list[Any], meaning: Mapping[Any, str]) -> list[str]:
    unknown = sorted({str(v)[:40] for v in values if not isinstance(v, str | int) or v not in meaning})
    if unknown:
        raise LayoutError(
            f"{name} has {', '.join(map(repr, unknown[:5]))}, which planner does not know; "
            f"it knows {', '.join(map(str, meaning))}"
        )
    return [meaning[v] for v in values]


def _layer_types(config: Config, depth: int) -> list[str] | None:
    values = _list(config, "layer_types", depth)
    return None if values is None else _named("layer_types", values, _LAYER_TYPES)


def _hybrid_layer_pattern(config: Config, depth: int) -> list[str] | None:
    values = _list(config, "hybrid_layer_pattern", depth)
    return None if values is None else _named("hybrid_layer_pattern", values, {0: "full", 1: "window"})


def _every(config: Config, depth: int, *, name: str, default: int, often: str) -> list[str]:
    period = _number(config, name, default) or 0
    if period < 1:
        raise LayoutError(f"{name} must be at least 1")
    return ["full" if (i + 1) % period == 0 else often for i in range(depth)]


def _windowed(config: Config) -> bool:
    return bool(config.get("sliding_window")) and config.get("use_sliding_window", True) is not False


def _max_window_layers(config: Config, depth: int) -> list[str] | None:
    if not (config.get("use_sliding_window") and _windowed(config)):
        return None
    first = _number(config, "max_window_layers", depth) or 0
    return ["window" if i >= first else "full" for i in range(depth)]


def _all_window(config: Config, depth: int) -> list[str] | None:
    return ["window"] * depth if _windowed(config) else None


def _alternate(config: Config, depth: int) -> list[str] | None:
    return ["full" if i % 2 else "window" for i in range(depth)] if _windowed(config) else None


def _sliding_window_pattern(config: Config, depth: int) -> list[str] | None:
    if not _windowed(config):
        return None
    return _every(config, depth, name="sliding_window_pattern", default=6, often="window")


def _full_attention_interval(config: Config, depth: int) -> list[str] | None:
    return _every(config, depth, name="full_attention_interval", default=4, often="linear")


def _no_rope_layers(config: Config, depth: int) -> list[str] | None:
    if config.get("attention_chunk_size") is None:
        return None
    if config.get("no_rope_layers"):
        values = _list(config, "no_rope_layers", depth) or []
        return _named("no_rope_layers", values, {0: "full", 1: "window"})
    return _every(config, depth, name="no_rope_layer_interval", default=4, often="window")


def _kda_layers(config: Config, depth: int) -> list[str] | None:
    nested = config.get("linear_attn_config")
    if nested is None:
        return None
    kda = nested.get("kda_layers") if isinstance(nested, Mapping) else None
    if not isinstance(kda, list) or any(isinstance(i, bool) or not isinstance(i, int) for i in kda):
        raise LayoutError("linear_attn_config.kda_layers must be a list of layer numbers")
    if kda and not 1 <= min(kda) <= max(kda) <= depth:
        raise LayoutError(f"linear_attn_config.kda_layers must lie within 1 and {depth}")
    linear = set(kda)
    return ["linear" if i + 1 in linear else "full" for i in range(depth)]


def _compress_ratios(config: Config, depth: int) -> list[str] | None:
    values = config.get("compress_ratios")
    if not isinstance(values, list) or len(values) < depth:
        raise LayoutError(f"compress_ratios must be a list with at least one item per layer ({depth})")
    return _named("compress_ratios", values[:depth], {0: "window", 4: "full", 128: "window"})


def blocks(config: Config) -> list[tuple[str, str]]:
    """Return (mixer, ffn) of hybrids that list mixers and ffns as layers of their own."""
    names = ("hybrid_override_pattern", "layers_block_type")
    name = next((n for n in names if config.get(n) is not None), None)
    if name is None:
        raise LayoutError(f"{names[0]} is missing; add it (also read: {names[1]})")
    items = config[name]
    if not isinstance(items, str | list) or not 0 < len(items) <= MAX_DEPTH:
        raise LayoutError(f"{name} must be a pattern such as 'M-M*' or a list of block names")
    unknown = sorted({str(i)[:40] for i in items if not isinstance(i, str) or i not in _BLOCKS})
    if unknown:
        raise LayoutError(
            f"{name} has {', '.join(map(repr, unknown[:5]))}, which planner does not know; "
            f"it knows {', '.join(_BLOCKS)}"
        )
    return [_BLOCKS[i] for i in items]


def _first_k_dense(config: Config, depth: int) -> list[str] | None:
    if isinstance(config.get("moe_layer_freq"), list):
        return _named("moe_layer_freq", _list(config, "moe_layer_freq", depth) or [], {0: "dense", 1: "moe"})
    first, step = _number(config, "first_k_dense_replace", 0) or 0, _number(config, "moe_layer_freq", 1) or 1
    return ["moe" if i >= first and i % step == 0 else "dense" for i in range(depth)]


def _mlp_layer_types(config: Config, depth: int) -> list[str] | None:
    values = _list(config, "mlp_layer_types", depth)
    return None if values is None else _named("mlp_layer_types", values, _MLP_TYPES)


def _decoder_sparse_step(config: Config, depth: int) -> list[str] | None:
    step = _number(config, "decoder_sparse_step", 1) or 1
    dense = config.get("mlp_only_layers") or []
    if not isinstance(dense, list):
        raise LayoutError("mlp_only_layers must be a list of layer numbers")
    return ["dense" if i in dense or (i + 1) % step else "moe" for i in range(depth)]


def _interleave_moe(config: Config, depth: int) -> list[str] | None:
    step = _number(config, "interleave_moe_layer_step", 1) or 1
    return ["moe" if (i + 1) % step == 0 else "dense" for i in range(depth)]


def _moe_layers(config: Config, depth: int) -> list[str] | None:
    listed = config.get("moe_layers")
    if not listed:
        return None
    if not isinstance(listed, list):
        raise LayoutError("moe_layers must be a list of layer numbers")
    return ["moe" if i in listed else "dense" for i in range(depth)]


MIXERS: Mapping[str, Reader] = {
    "layer_types": _layer_types,
    "hybrid_layer_pattern": _hybrid_layer_pattern,
    "max_window_layers": _max_window_layers,
    "all-window": _all_window,
    "alternate": _alternate,
    "sliding_window_pattern": _sliding_window_pattern,
    "full_attention_interval": _full_attention_interval,
    "no_rope_layers": _no_rope_layers,
    "kda_layers": _kda_layers,
    "compress_ratios": _compress_ratios,
}
FFNS: Mapping[str, Reader] = {
    "first_k_dense": _first_k_dense,
    "mlp_layer_types": _mlp_layer_types,
    "decoder_sparse_step": _decoder_sparse_step,
    "interleave_moe_layer_step": _interleave_moe,
    "moe_layers": _moe_layers,
}


def first_of(
    readers: tuple[str, ...], known: Mapping[str, Reader], config: Config, depth: int
) -> list[str] | None:
    """Return the answer of the first reader whose fields are present."""
    for name in readers:
        found = known[name](config, depth)
        if found is not None:
            return found
    return None


def stack(order: list[tuple[str, str]]) -> dict[str, Any]:
    """Build the `layers` section: a dense run at the start as prefix, the rest counted by kind."""
    lead = 0
    if order[-1] != order[0]:
        while lead < len(order) and order[lead] == order[0]:
            lead += 1
        if order[0] in order[lead:] or order[0][1] != "dense":
            lead = 0
    rest = Counter(order[lead:])
    body = [{"count": n, "mixer": mixer, "ffn": ffn} for (mixer, ffn), n in rest.items()]
    prefix = [{"count": lead, "mixer": order[0][0], "ffn": order[0][1]}] if lead else []
    return {"prefix": prefix, "body": body} if prefix else {"body": body}
