"""The shape of a decoder-only language model: what counts, time and memory are computed from.

An `Architecture` is plain integers: widths, heads, experts and how many layers of each kind. It holds no measurement and
no unit. Everything a published model needs is a field here, never a class per family: grouped-query and multi-head
latent attention, windows and chunks, sparse indexers, linear attention and Mamba-2, mixtures of experts with shared or
latent experts, parallel blocks, and multi-token-prediction modules.

A cross-field mistake is answered with what is wrong and how to mend it; all mistakes of one section at once.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.catalog.records import Items, Section

Mixer = Literal["full", "window", "linear", "none"]
"""What mixes tokens in a layer: attention over everything, over a window, linear attention, or nothing."""

Ffn = Literal["dense", "moe", "none"]
"""What follows the mixer: a dense MLP, a mixture of experts, or nothing."""

Width = Annotated[int, Field(ge=1, le=2**31)]
"""A dimension: at least 1; the bound only keeps a typing mistake from becoming a number nobody can read."""

Number = Annotated[int, Field(ge=0, le=2**31)]
"""A count that may be zero."""

Depth = Annotated[int, Field(ge=1, le=10_000)]
"""Layers: bounded, because `Architecture.order` lists them one by one."""


def refuse(mistakes: list[str]) -> None:
    """Raise one ValueError that names all `mistakes` of a section, if there are any."""
    if mistakes:
        raise ValueError("; ".join(mistakes))


class Indexer(Section):
    """A sparse-attention indexer: a small scorer that picks the keys the attention then reads (DeepSeek-V3.2)."""

    heads: Width
    """Heads of the scorer."""
    dim: Width
    """Width of one scorer head; one key of this width is cached per token and layer."""
    top_k: Width
    """Keys the attention reads per query."""
    layers: Width | None = None
    """Layers that own a scorer; the others reuse the choice of an earlier layer. Default: every layer of this attention."""


class Compression(Section):
    """Keys pooled along the sequence before they are attended to, beside a local window (DeepSeek-V4)."""

    ratio: Width
    """Tokens per pooled key."""
    overlap: bool = False
    """Neighbouring pools overlap, which doubles the pooling projections."""


class Attention(Section):
    """Softmax attention of the `full` (or `window`) layers."""

    kind: Literal["gqa", "mla"] = "gqa"
    """gqa covers multi-head (kv_heads = heads) and multi-query (kv_heads = 1); mla is multi-head latent attention."""
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
            wrong.append(f"heads ({self.heads}) is not a multiple of kv_heads ({self.kv_heads}); "
                         "give the number of key-value heads of one layer")
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
        needed = {"kv_lora": self.kv_lora, "qk_rope": self.qk_rope, "qk_nope": self.qk_nope, "v_head_dim": self.v_head_dim}
        missing = [name for name, value in needed.items() if value is None]
        wrong = [f"kind mla needs {', '.join(missing)}; add them or use kind: gqa"] if missing else []
        if self.kv_heads != self.heads:
            wrong.append(f"kind mla has one key-value head per query head; set kv_heads to {self.heads}")
        if not missing and self.head_dim not in (None, (self.qk_nope or 0) + (self.qk_rope or 0)):
            wrong.append(f"head_dim ({self.head_dim}) is not qk_nope + qk_rope; leave head_dim out for kind mla")
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
    """A mixer whose memory does not grow with the sequence: Mamba-2, gated delta-net (gdn), Kimi delta attention (kda)."""

    kind: Literal["mamba2", "gdn", "kda"]
    """mamba2: heads of value_dim with a state of `state` per channel; gdn, kda: a key_dim x value_dim matrix per head."""
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
            wrong.append(f"value_heads ({self.value_heads}) is not a multiple of key_heads ({self.key_heads}); check both")
        if self.groups and self.value_heads % self.groups:
            wrong.append(f"value_heads ({self.value_heads}) is not a multiple of groups ({self.groups}); check both")
        refuse(wrong)
        return self


class Mlp(Section):
    """A dense feed-forward block."""

    ffn: Width
    """Inner width."""
    gated: bool = True
    """Gated (SwiGLU, GeGLU: three matrices) or not (GELU, ReLU: two)."""
    bias: bool = False
    """Biases on its matrices."""


class Moe(Section):
    """A mixture of experts."""

    experts: Width
    """Routed experts of one layer."""
    top_k: Width
    """Experts a token visits."""
    ffn: Width
    """Inner width of one routed expert."""
    gated: bool = True
    """Gated experts (three matrices) or not (two)."""
    bias: bool = False
    """Biases on the expert matrices."""
    shared_experts: Number = 0
    """Experts that every token visits, a parallel dense MLP included."""
    shared_ffn: Width | None = None
    """Inner width of one shared expert; default that of a routed expert."""
    shared_gate: bool = False
    """The shared expert is scaled by a learned gate of the hidden state."""
    router_bias: bool = False
    """One bias per expert in the router (a learned one or a load-balancing one)."""
    latent: Width | None = None
    """Width the routed experts read and write, where tokens are first projected down to it."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong: list[str] = []
        if self.top_k > self.experts:
            wrong.append(f"top_k ({self.top_k}) is more than experts ({self.experts}); a token cannot visit more than all")
        if self.shared_experts == 0 and (self.shared_ffn is not None or self.shared_gate):
            wrong.append("shared_ffn or shared_gate is given without shared_experts; set shared_experts or remove them")
        refuse(wrong)
        return self

    @property
    def shared_width(self) -> int:
        """Inner width of all shared experts together."""
        return self.shared_experts * (self.shared_ffn if self.shared_ffn is not None else self.ffn)


class LayerGroup(Section):
    """`count` layers of one kind."""

    count: Depth
    """How many."""
    mixer: Mixer = "full"
    """What mixes tokens."""
    ffn: Ffn = "dense"
    """What follows."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.mixer == "none" and self.ffn == "none":
            refuse(["a layer needs a mixer or an ffn; both are none"])
        return self


class Layers(Section):
    """The stack: `prefix` layers in order, then the `body` groups interleaved evenly."""

    prefix: Items[LayerGroup] = ()
    """First layers, in order."""
    body: Annotated[Items[LayerGroup], Field(min_length=1)]
    """The remaining layers: the groups are spread evenly over the depth, the first-listed first."""


class Architecture(Section):
    """A decoder-only language model."""

    hidden: Width
    """Width of the residual stream."""
    vocab: Width
    """Rows of the embedding table, padding included."""
    tied_embeddings: bool = False
    """The output head is the embedding table."""
    positions: Literal["rope", "learned", "alibi", "none"] = "rope"
    """How positions enter."""
    learned_positions: Number = 0
    """Rows of a learned position table."""
    norms: Literal["rms", "layer", "layer-no-bias", "none"] = "rms"
    """Norm layers: RMS (weight), layer norm (weight and bias), layer norm without bias, or without parameters."""
    norms_per_block: Number = 1
    """Norms around each mixer and each ffn: 1 (before) or 2 (before and after)."""
    embedding_norm: bool = False
    """A norm directly after the embedding."""
    final_norm: bool = True
    """A norm before the output head."""
    head_bias: bool = False
    """A bias on the output head."""
    parallel_block: bool = False
    """Mixer and ffn read the same input and are added together."""
    parallel_norms: Number = 1
    """Norms of a parallel layer: 1 shared, or 2."""
    attention: Attention | None = None
    """Attention of the `full` layers, and of the `window` layers unless window_attention is given."""
    window_attention: Attention | None = None
    """Attention of the `window` layers where it differs in more than the window."""
    linear_attention: LinearAttention | None = None
    """The mixer of the `linear` layers."""
    mlp: Mlp | None = None
    """The dense feed-forward block."""
    moe: Moe | None = None
    """The mixture of experts."""
    layers: Layers
    """How many layers of which kind."""
    mtp: Number = 0
    """Multi-token-prediction modules: each a projection 2 hidden -> hidden, two norms and one full-attention layer."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong: list[str] = []
        for name, present, used in self._sections():
            if used and not present:
                wrong.append(f"layers use {used} but {name} is missing; add it")
            if present and not used:
                wrong.append(f"{name} is given but no layer uses it; remove it or add such layers")
        if self.count(mixer="window") and self.window_size is None:
            wrong.append("layers use mixer window but attention.window is missing; give the window in tokens")
        if self.positions == "learned" and self.learned_positions == 0:
            wrong.append("positions is learned but learned_positions is 0; give the rows of the table")
        if self.learned_positions and self.positions != "learned":
            wrong.append("learned_positions is given; set positions: learned")
        local = self.windowed is not None and self.windowed.window is not None and self.windowed.compression is None
        if local and not self.count(mixer="window"):
            wrong.append("a window is given but no layer has mixer window; remove it or add such layers")
        refuse(wrong)
        return self

    def _sections(self) -> list[tuple[str, bool, str]]:
        """(section, given?, what uses it) for every optional section."""
        attends = self.count(mixer="full") or (self.count(mixer="window") and self.window_attention is None) or self.mtp
        return [
            ("attention", self.attention is not None, "mixer full" if attends else ""),
            ("window_attention", self.window_attention is not None,
             "mixer window" if self.window_attention is not None and self.count(mixer="window") else ""),
            ("linear_attention", self.linear_attention is not None, "mixer linear" if self.count(mixer="linear") else ""),
            ("mlp", self.mlp is not None, "ffn dense" if self.count(ffn="dense") else ""),
            ("moe", self.moe is not None, "ffn moe" if self.count(ffn="moe") else ""),
        ]

    def count(self, *, mixer: Mixer | None = None, ffn: Ffn | None = None) -> int:
        """Layers with this mixer and this ffn; None matches any."""
        groups = self.layers.prefix + self.layers.body
        return sum(g.count for g in groups if mixer in (None, g.mixer) and ffn in (None, g.ffn))

    @property
    def depth(self) -> int:
        """All layers; in hybrids that list mixers and ffns as layers of their own, each counts once."""
        return self.count()

    @property
    def windowed(self) -> Attention | None:
        """The attention of the `window` layers."""
        return self.window_attention if self.window_attention is not None else self.attention

    @property
    def window_size(self) -> int | None:
        """Tokens the `window` layers see."""
        return self.windowed.window if self.windowed is not None else None

    def order(self) -> tuple[tuple[Mixer, Ffn], ...]:
        """The layers from first to last as (mixer, ffn): the prefix, then the body spread evenly."""
        first = [(g.mixer, g.ffn) for g in self.layers.prefix for _ in range(g.count)]
        spread = sorted(
            ((j + 1) / g.count, i) for i, g in enumerate(self.layers.body) for j in range(g.count)
        )
        body = self.layers.body
        return tuple(first + [(body[i].mixer, body[i].ffn) for _, i in spread])
