"""How a family of Hugging Face configurations is described: as data, with a few ways to read a field.

A family is data. `read` maps a field of the architecture (``attention.heads``) to the names a configuration
may use for it, the first present winning; ``a.b`` looks inside an object; a `When` turns a flag or a value
into a fixed answer. Fields not listed in a family's own `read` fall back to `COMMON`. `fixed` holds what the
family's code decides (norms, biases). `mixers` and `ffns` name, in order of preference, the ways in which the
family lays out its layers (see `planner.workload.hf_layers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True)
class When:
    """`then` (or the field `use`) where the configuration's `name` is true, or is false with `negate`."""

    name: str
    then: Any = True
    use: str | None = None
    negate: bool = False
    default: bool = False
    """What a missing `name` counts as."""


@dataclass(frozen=True)
class CountOf:
    """How often `item` stands in the list `name`."""

    name: str
    item: str


Source: TypeAlias = "str | When | CountOf"
"""Where a field of the architecture comes from."""


@dataclass(frozen=True)
class Family:
    """How to read one family of configurations."""

    read: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    mixers: tuple[str, ...] = ()
    ffns: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("attention", "mlp")
    """Sections that may occur, beyond what the layers need."""
    note: str | None = None


def family(
    *bases: Family,
    read: Mapping[str, Any] | None = None,
    fixed: Mapping[str, Any] | None = None,
    mixers: tuple[str, ...] | None = None,
    ffns: tuple[str, ...] | None = None,
    parts: tuple[str, ...] | None = None,
    note: str | None = None,
) -> Family:
    """Make a family that starts from others and overrides them."""
    base = bases[-1] if bases else Family()
    names: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for one in bases:
        names |= one.read
        values |= one.fixed
    names |= {k: ((v,) if isinstance(v, str | When | CountOf) else v) for k, v in (read or {}).items()}
    values |= fixed or {}
    return Family(
        read=names,
        fixed=values,
        mixers=base.mixers if mixers is None else mixers,
        ffns=base.ffns if ffns is None else ffns,
        parts=base.parts if parts is None else parts,
        note=note or base.note,
    )


COMMON: Mapping[str, tuple[Source, ...]] = {
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "depth": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "vocab": ("vocab_size",),
    "context": ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "seq_length"),
    "tied_embeddings": ("tie_word_embeddings",),
    "mtp": ("num_nextn_predict_layers", "mtp_num_hidden_layers"),
    "attention.heads": ("num_attention_heads", "n_head", "n_heads"),
    "attention.kv_heads": ("num_key_value_heads", "num_kv_heads"),
    "attention.head_dim": ("head_dim", "attention_head_dim"),
    "attention.window": ("sliding_window",),
    "mlp.ffn": ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"),
    "moe.experts": ("num_experts", "num_local_experts", "n_routed_experts"),
    "moe.top_k": ("num_experts_per_tok", "num_experts_per_token", "moe_topk"),
    "moe.ffn": ("moe_intermediate_size",),
}
"""Names that many families share."""
