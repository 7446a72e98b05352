"""The shape of a decoder-only language model: what counts, time and memory are computed from.

An `Architecture` is plain integers: widths, heads, experts and how many layers of each kind. It holds no
measurement and no unit. Everything a published model needs is a field here, never a class per family:
grouped-query and multi-head latent attention, windows and chunks, sparse indexers, linear attention and
Mamba-2, mixtures of experts with shared or latent experts, parallel blocks, and multi-token-prediction
modules.

A cross-field mistake is answered with what is wrong and how to mend it; all mistakes of one section at once.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.catalog.records import Items, Section
from planner.workload.mixers import Attention, LinearAttention, Number, Width, refuse

__all__ = [
    "Architecture",
    "Depth",
    "Ffn",
    "LayerGroup",
    "Layers",
    "Mixer",
    "Mlp",
    "Moe",
]

Mixer = Literal["full", "window", "linear", "none"]
"""What mixes tokens in a layer: attention over everything, over a window, linear attention, or nothing."""

Ffn = Literal["dense", "moe", "none"]
"""What follows the mixer: a dense MLP, a mixture of experts, or nothing."""

Depth = Annotated[int, Field(ge=1, le=10_000)]
"""Layers: bounded, because `Architecture.order` lists them one by one."""


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
            wrong.append(f"top_k ({self.top_k}) is more than experts ({self.experts}); lower it")
        if self.shared_experts == 0 and (self.shared_ffn is not None or self.shared_gate):
            wrong.append(
                "shared_ffn or shared_gate is given without shared_experts; set shared_experts or remove them"
            )
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
    """Norm layers: RMS (weight), layer norm (weight and bias), layer norm without bias, or without
    parameters."""
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
    """Multi-token-prediction modules: each a projection 2 hidden -> hidden, two norms and one full-attention
    layer."""

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
        local = (
            self.windowed is not None
            and self.windowed.window is not None
            and self.windowed.compression is None
        )
        if local and not self.count(mixer="window"):
            wrong.append("a window is given but no layer has mixer window; remove it or add such layers")
        refuse(wrong)
        return self

    def _sections(self) -> list[tuple[str, bool, str]]:
        """(section, given?, what uses it) for every optional section."""
        attends = (
            self.count(mixer="full")
            or (self.count(mixer="window") and self.window_attention is None)
            or self.mtp
        )
        return [
            ("attention", self.attention is not None, "mixer full" if attends else ""),
            (
                "window_attention",
                self.window_attention is not None,
                "mixer window" if self.window_attention is not None and self.count(mixer="window") else "",
            ),
            (
                "linear_attention",
                self.linear_attention is not None,
                "mixer linear" if self.count(mixer="linear") else "",
            ),
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
        """Return the layers from first to last as (mixer, ffn): the prefix, then the body spread evenly."""
        first = [(g.mixer, g.ffn) for g in self.layers.prefix for _ in range(g.count)]
        spread = sorted(
            ((j + 1) / g.count, i) for i, g in enumerate(self.layers.body) for j in range(g.count)
        )
        body = self.layers.body
        return tuple(first + [(body[i].mixer, body[i].ffn) for _, i in spread])
