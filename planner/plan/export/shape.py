"""Facts of a model, for programs that build it from its shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.plan.export.said import Facts
    from planner.workload.architecture import Architecture

__all__ = ["pattern", "shape_facts"]


def shape_facts(a: Architecture) -> Facts:
    """Return `planner.workload.launcher.MODEL_FACTS` of an architecture; None where nothing is to be said."""
    return {
        "layers": a.depth,
        "hidden": a.hidden,
        "vocab": a.vocab,
        "tied": a.tied_embeddings,
        "positions": a.positions,
        "norms": a.norms,
        "ffn": None if a.mlp is None else a.mlp.ffn,
        "gated": next((block.gated for block in (a.mlp, a.moe) if block is not None), False),
        "biases": _biases(a),
        "mtp": a.mtp or None,
        "beyond": ", ".join(_beyond(a)) or None,
        **_attention(a),
        **_mixture(a),
    }


def pattern(marks: Iterable[bool]) -> str:
    """Return a list of ones and zeros as Python has it, runs shortened: ``[0]*3+[1]*58``."""
    runs = [(mark, len([*run])) for mark, run in groupby(marks)]
    if len(runs) > 8:
        return "[" + ",".join(str(int(mark)) for mark, length in runs for _ in range(length)) + "]"
    return "(" + "+".join(f"[{int(mark)}]*{length}" for mark, length in runs) + ")"


def _attention(a: Architecture) -> Facts:
    attention = a.attention or a.window_attention
    if attention is None:
        return dict.fromkeys((*_HEADS, *_LATENT, "window", "window_layers"))
    mla = attention.kind == "mla"
    windowed = [mixer == "window" for mixer, _ in a.order()]
    window = a.window_size if any(windowed) else None
    latent: Facts = {name: getattr(attention, name) for name in _LATENT[1:]} if mla else {}
    return {
        "heads": attention.heads,
        "kv_heads": None if mla or attention.kv_heads == attention.heads else attention.kv_heads,
        "head_dim": None if mla else attention.qk_dim,
        "qk_norm": attention.qk_norm,
        "mla": True if mla else None,
        **(dict.fromkeys(_LATENT[1:]) | latent),
        "v_head_dim": attention.value_dim if mla or attention.value_dim != attention.qk_dim else None,
        "window": None if window is None else window - 1,
        "window_layers": pattern(windowed) if any(windowed) and not all(windowed) else None,
    }


_HEADS = ("heads", "kv_heads", "head_dim", "qk_norm", "v_head_dim")
_LATENT = ("mla", "q_lora", "kv_lora", "qk_nope", "qk_rope")
_MOE = (
    "experts", "top_k", "expert_ffn", "shared_ffn", "shared_gate", "router_bias", "moe_layers", "latent",
)  # fmt: skip


def _mixture(a: Architecture) -> Facts:
    moe = a.moe
    if moe is None:
        return dict.fromkeys(_MOE)
    sparse = [ffn == "moe" for _, ffn in a.order()]
    return {
        "experts": moe.experts,
        "top_k": moe.top_k,
        "expert_ffn": moe.ffn,
        "shared_ffn": moe.shared_width or None,
        "shared_gate": moe.shared_gate or None,
        "router_bias": moe.router_bias or None,
        "moe_layers": None if all(sparse) else pattern(sparse),
        "latent": moe.latent,
    }


def _biases(a: Architecture) -> str:
    attention = a.attention or a.window_attention
    blocks = [block.bias for block in (a.mlp, a.moe) if block is not None]
    others = [*([attention.out_bias] if attention is not None else []), *blocks]
    qkv = attention is not None and attention.qkv_bias
    if not any(others):
        return "qkv" if qkv else "none"
    return "all" if qkv and all(others) else "some"


def _beyond(a: Architecture) -> Iterator[str]:
    """Yield what no other fact describes."""
    for said, there in (
        ("norms after the blocks", a.norms_per_block > 1),
        ("a norm after the embedding", a.embedding_norm),
        ("no norm before the head", not a.final_norm),
        ("a bias of the head", a.head_bias),
        ("parallel blocks", a.parallel_block),
        ("windowed attention of its own shape", a.window_attention is not None and a.attention is not None),
        ("linear attention", a.linear_attention is not None),
        ("layers without a mixer", a.count(mixer="none") > 0),
        ("layers without a feed-forward block", a.count(ffn="none") > 0),
    ):
        if there:
            yield said
    for attention in (a.attention, a.window_attention):
        if attention is not None:
            for name in ("chunked", "output_gate", "sinks", "shared_kv", "compression", "indexer", "o_lora"):
                if getattr(attention, name):
                    yield f"attention.{name}"
