"""What mixes tokens in a layer: softmax attention in its variants, and linear attention.

A cross-field mistake is answered with what is wrong and how to mend it; all mistakes of one section at once.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.catalog.records import Section

__all__ = ["Attention", "Compression", "Indexer", "LinearAttention", "Number", "Width", "refuse"]

Width = Annotated[int, Field(ge=1, le=2**31)]
"""A dimension: at least 1; the bound only keeps a typing mistake from becoming a number nobody can read."""

Number = Annotated[int, Field(ge=0, le=2**31)]
"""A count that may be zero."""


def refuse(mistakes: list[str]) -> None:
    """Raise one ValueError that names all `mistakes` of a section, if there are any."""
    if mistakes:
        raise ValueError("; ".join(mistakes))


class Indexer(Section):
    """A sparse-attention indexer: a scorer that picks the keys attention reads (DeepSeek-V3.2)."""

    heads: Width
    """Heads of the scorer."""
    dim: Width
    """Width of one scorer head; one key of this width is cached per token and layer."""
    top_k: Width
    """Keys the attention reads per query."""
    layers: Width | None = None
    """Layers that own a scorer; the others reuse the choice of an earlier layer. Default: every layer of this
    attention."""


class Compression(Section):
    """Keys pooled along the sequence before they are attended to, beside a local window (DeepSeek-V4)."""

    ratio: Width
    """Tokens per pooled key."""
    overlap: bool = False
    """Neighbouring pools overlap, which doubles the pooling projections."""


class Attention(Section):
    """Softmax attention of the `full` (or `window`) layers."""

    kind: Literal["gqa", "mla"] = "gqa"
    """gqa covers multi-head (kv_heads = heads) and multi-query (kv_heads = 1); mla is multi-head latent
    attention."""
    heads: Width
    """Query heads."""
    kv_heads: Width
    """Key and value heads; equal to heads for mla."""
    head_dim: Width | None = None
    """Width of a query and key head; for mla it is qk_nope + qk_rope and may be left out."""
    v_head_dim: Width | None = None
    """Width of a value head; default head_dim, required for mla."""
    q_lora: Width | None = None
    """Rank of the query down-projection; left out where queries are projected directly."""
    o_lora: Width | None = None
    """Rank of the output down-projection of each group in o_groups."""
    o_groups: Width | None = None
    """Groups of heads that share an output down-projection."""
    kv_lora: Width | None = None
    """mla: rank of the shared key-value latent, which is what is cached."""
    qk_rope: Width | None = None
    """mla: width of the rotary part of a key, shared by all heads and cached."""
    qk_nope: Width | None = None
    """mla: width of the non-rotary part of a query or key head."""
    window: Width | None = None
    """Tokens a `window` layer sees."""
    chunked: bool = False
    """The window is a fixed chunk of the sequence (Llama 4), not a sliding one."""
    qk_norm: Literal["head", "full"] | None = None
    """Learned norm of queries and keys: one weight per head width (head) or per projected width (full)."""
    qkv_bias: bool = False
    """Biases on the query, key and value projections."""
    out_bias: bool = False
    """Bias on the output projection."""
    output_gate: Literal["element", "head"] | None = None
    """A gate on the attention output, projected from the hidden state: per element or per head."""
    sinks: bool = False
    """A learned attention sink per head."""
    shared_kv: bool = False
    """Values are the keys: there is no value projection (both are still cached unless cached_once)."""
    cached_once: bool = False
    """Keys and values are one cached vector."""
    compression: Compression | None = None
    """Attention reads pooled keys beyond its local window."""
    indexer: Indexer | None = None
    """Sparse attention: the scorer that chooses keys."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong: list[str] = []
        if self.heads % self.kv_heads:
            wrong.append(
                f"heads ({self.heads}) is not a multiple of kv_heads ({self.kv_heads}); "
                "give the number of key-value heads of one layer"
            )
        if (self.o_lora is None) != (self.o_groups is None):
            wrong.append("o_lora and o_groups belong together; give both or neither")
        if self.o_groups is not None and self.heads % self.o_groups:
            wrong.append(f"heads ({self.heads}) is not a multiple of o_groups ({self.o_groups}); check both")
        if self.cached_once and not self.shared_kv:
            wrong.append("cached_once needs shared_kv; set it or remove cached_once")
        if self.chunked and self.window is None:
            wrong.append("chunked is set without window; give the chunk length in tokens as window")
        wrong += self._mla_mistakes() if self.kind == "mla" else self._gqa_mistakes()
        refuse(wrong)
        return self

    def _mla_mistakes(self) -> list[str]:
        needed = {
            "kv_lora": self.kv_lora,
            "qk_rope": self.qk_rope,
            "qk_nope": self.qk_nope,
            "v_head_dim": self.v_head_dim,
        }
        missing = [name for name, value in needed.items() if value is None]
        wrong = [f"kind mla needs {', '.join(missing)}; add them or use kind: gqa"] if missing else []
        if self.kv_heads != self.heads:
            wrong.append(f"kind mla has one key-value head per query head; set kv_heads to {self.heads}")
        if not missing and self.head_dim not in (None, (self.qk_nope or 0) + (self.qk_rope or 0)):
            wrong.append(
                f"head_dim ({self.head_dim}) is not qk_nope + qk_rope; leave head_dim out for kind mla"
            )
        if self.shared_kv:
            wrong.append("shared_kv does not apply to kind mla; remove it")
        return wrong

    def _gqa_mistakes(self) -> list[str]:
        given = {"kv_lora": self.kv_lora, "qk_rope": self.qk_rope, "qk_nope": self.qk_nope}
        extra = [name for name, value in given.items() if value is not None]
        wrong = [f"{', '.join(extra)} belong to kind: mla; set the kind or remove them"] if extra else []
        if self.head_dim is None:
            wrong.append("head_dim is missing; usually hidden / heads")
        return wrong

    @property
    def qk_dim(self) -> int:
        """Width of one query head as it meets a key."""
        if self.kind == "mla":
            return (self.qk_nope or 0) + (self.qk_rope or 0)
        return self.head_dim or 0

    @property
    def value_dim(self) -> int:
        """Width of one value head."""
        return self.v_head_dim if self.v_head_dim is not None else (self.head_dim or 0)


class LinearAttention(Section):
    """A mixer of constant memory: Mamba-2, gated delta-net (gdn), Kimi delta attention (kda)."""

    kind: Literal["mamba2", "gdn", "kda"]
    """mamba2: heads of value_dim with a state of `state` per channel; gdn, kda: a key_dim x value_dim matrix
    per head."""
    value_heads: Width
    """Heads of the state (mamba2: SSM heads)."""
    value_dim: Width
    """Width of a value head (mamba2: SSM head width)."""
    key_heads: Width | None = None
    """gdn, kda: query and key heads."""
    key_dim: Width | None = None
    """gdn, kda: width of a key head."""
    state: Width | None = None
    """mamba2: state size per channel."""
    groups: Width | None = None
    """mamba2: groups that share B and C."""
    conv: Number = 4
    """Kernel of the short causal convolution; 0 for none."""
    conv_bias: bool = False
    """The convolution has a bias."""
    full_rank_gate: bool = False
    """kda: the output gate is one hidden-to-value projection, not a low-rank pair."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        mamba = {"state": self.state, "groups": self.groups}
        delta = {"key_heads": self.key_heads, "key_dim": self.key_dim}
        needed, foreign = (mamba, delta) if self.kind == "mamba2" else (delta, mamba)
        missing = [name for name, value in needed.items() if value is None]
        extra = [name for name, value in foreign.items() if value is not None]
        wrong = [f"kind {self.kind} needs {', '.join(missing)}; add them"] if missing else []
        if extra:
            wrong.append(f"{', '.join(extra)} do not belong to kind {self.kind}; remove them")
        if self.key_heads and self.value_heads % self.key_heads:
            wrong.append(
                f"value_heads ({self.value_heads}) is not a multiple of key_heads ({self.key_heads}); check"
            )
        if self.groups and self.value_heads % self.groups:
            wrong.append(
                f"value_heads ({self.value_heads}) is not a multiple of groups ({self.groups}); check both"
            )
        refuse(wrong)
        return self
