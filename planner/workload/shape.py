"""How an architecture grows with its parameters: ``workloads/shapes/ID.yaml``, and models grown from it.

A shape holds the ratios of a published family: width over depth, heads and feed-forward over width, experts.
`shaped` makes the model of it that has some number of parameters: all of a dense model, the active ones of a
mixture, which is what scaling laws count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from planner.catalog.quantity import Count, Ratio
from planner.catalog.records import Items, Record, Section
from planner.errors import InputError
from planner.units import format_quantity
from planner.workload.architecture import Architecture, LayerGroup, Layers, Mlp, Moe
from planner.workload.counts import parameters as counts_of
from planner.workload.mixers import Attention, Number, Width, refuse
from planner.workload.record import ModelRecord

__all__ = ["LARGEST", "SMALLEST", "Shape", "shaped"]

SMALLEST: Final = 1e8
LARGEST: Final = 1e14
"""Parameters that a shape is grown to."""
_USUAL: Final = 8192.0
_ROUNDS: Final = 5
"""Parameters go with the third power of the width, but for the embedding: so often it is corrected."""
_WIDE: Final = 8192
"""From here on widths come in finer steps, relative to themselves."""
_AROUND: Final = 1.35
"""Factor about the exact width within which round ones are tried."""
_CLOSE: Final = 0.01
_PENALTY: Final = 1e4
"""Counts that are off by more than that share are taken only where nothing is closer."""
_FFN: Final = 1024
"""Inner width at which parameters are counted."""


class ShapeAttention(Section):
    """Attention, by its ratios to the width of the model."""

    kind: Literal["gqa", "mla"]
    width: Ratio
    """All query heads together over the width of the model."""
    head_dim: Width
    """Of a query and value head; for mla without the rotary part."""
    kv_heads: Width | None = None
    """Most of them, of gqa."""
    query_rank: Ratio | None = None
    """Rank of the queries over the width of the model, of mla."""
    kv_lora: Width | None = None
    qk_rope: Width | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        needed = ("kv_heads",) if self.kind == "gqa" else ("query_rank", "kv_lora", "qk_rope")
        missing = [name for name in needed if getattr(self, name) is None]
        refuse([f"kind {self.kind} needs {', '.join(missing)}; add them"] if missing else [])
        return self


class ShapeExperts(Section):
    """Experts of every layer after the first dense ones."""

    routed: Width
    top_k: Width
    shared: Number = 0
    dense_layers: Number = 0
    """First layers without experts, as wide as the experts that a token visits; fewer in flat models."""
    router_bias: bool = False


class Embeddings(Section):
    """Embedding and head of models below some size."""

    below: Count | None = None
    """Parameters (active ones of a mixture); None for all that are larger."""
    vocab: Width
    tied: bool = False


class BuiltSpan(Section):
    """Smallest and largest published model of the family."""

    low: Count
    high: Count
    note: str | None = None


class Shape(Record):
    """A family of models by its ratios."""

    aspect: Ratio
    """Width of the model over its layers."""
    attention: ShapeAttention
    ffn: Ratio
    """Inner width of the feed-forward block, or of one expert, over the width of the model."""
    experts: ShapeExperts | None = None
    embeddings: Annotated[Items[Embeddings], Field(min_length=1)]
    """By size, the last without a limit."""
    built: BuiltSpan

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        limits = [step.below.value if step.below else math.inf for step in self.embeddings]
        wrong = []
        if limits[-1] != math.inf or limits != sorted(set(limits)):
            wrong.append("embeddings go from small to large, and only the last has no below; order them")
        if self.experts is not None and self.experts.top_k > self.experts.routed:
            wrong.append("experts.top_k is more than experts.routed; lower it")
        refuse(wrong)
        return self

    @property
    def counted(self) -> Literal["all", "active"]:
        """Which parameters `shaped` is asked for."""
        return "all" if self.experts is None else "active"

    @property
    def activation(self) -> float:
        """Share of the experts that a token visits, shared ones included; 1 of a dense model."""
        e = self.experts
        return 1.0 if e is None else (e.top_k + e.shared) / (e.routed + e.shared)

    @property
    def granularity(self) -> float:
        """2 x width of the model over the width of an expert."""
        return 2.0 / self.ffn.value

    def beyond(self, parameters: float) -> str | None:
        """Say so where no model of the family that is published has so many parameters."""
        low, high = self.built.low.value, self.built.high.value
        if low <= parameters <= high:
            return None
        kind = "" if self.counted == "all" else " active"
        asked, least, most = (format_quantity(n, "count", digits=3) for n in (parameters, low, high))
        return (
            f"published models of the shape {self.id!r} have {least} to {most}{kind} parameters: one of "
            f"{asked} continues its rule, and nobody has shown that it trains as well"
        )


def shaped(shape: Shape, *, parameters: float, name: str | None = None) -> ModelRecord:
    """Grow a model of a shape.

    Parameters
    ----------
    shape
        The family.
    parameters
        All of a dense model, active ones of a mixture (embedding and head included), 1e8 to 1e14; the model
        has them within 3 %, mostly within 0.5 %.
    name
        For people; the shape and the size by default.

    Returns
    -------
    ModelRecord
        Without recipe or published sizes. Its id is that of the shape with the size: ``dense-405b``.

    Raises
    ------
    InputError
        Parameters out of range.

    Notes
    -----
    Widths are round, so that heads and columns divide among accelerators; depth follows the width; the inner
    width of the feed-forward block makes up the rest. Of the widths around the exact one that is taken which
    keeps both ratios best.
    """
    if not SMALLEST <= parameters <= LARGEST:
        low, high = (format_quantity(end, "count") for end in (SMALLEST, LARGEST))
        raise InputError(
            f"shapes grow from {low} to {high} parameters, found {parameters:.3g}; choose between"
        )
    step = next(s for s in shape.embeddings if s.below is None or parameters < s.below.value)
    best = min(_candidates(shape, step, parameters), key=lambda one: one.strain)
    size = format_quantity(parameters, "count", digits=3)
    return ModelRecord(
        id=f"{shape.id}-{size.lower()}",
        name=name or f"{shape.name}, {size}{'' if shape.counted == 'all' else ' active'}",
        cite=shape.cite,
        architecture=_built(shape, step, best.hidden, best.layers, best.ffn),
    )


class _Sizes(NamedTuple):
    """A candidate; `strain` is how far its two ratios are from those of the shape."""

    hidden: int
    layers: int
    ffn: int
    strain: float


class _Line(NamedTuple):
    """Parameters at one width: ``fixed + layers (layer + column x ffn)``."""

    fixed: float
    layer: float
    column: float

    def at(self, layers: float, ffn: float) -> float:
        """Count the parameters."""
        return self.fixed + layers * (self.layer + self.column * ffn)

    def ffn(self, layers: float, parameters: float) -> float:
        """Return the inner width that makes up the parameters."""
        return ((parameters - self.fixed) / layers - self.layer) / self.column


def _candidates(shape: Shape, step: Embeddings, parameters: float) -> Iterator[_Sizes]:
    aspect, ratio = shape.aspect.value, shape.ffn.value
    exact = _exact_width(shape, step, parameters)
    for hidden in _round_widths(exact / _AROUND, exact * _AROUND):
        line = _line(shape, step, hidden)
        grain, grid = _layer_grain(hidden / aspect), _ffn_grain(hidden, mixture=shape.experts is not None)
        near = max(round(hidden / aspect / grain), 1)
        for layers in {max(near + more, 1) * grain for more in (-1, 0, 1)}:
            ffn = max(round(line.ffn(layers, parameters) / grid), 1) * grid
            off = abs(math.log(line.at(layers, ffn) / parameters))
            strain = math.log(layers * aspect / hidden) ** 2 + math.log(ffn / (ratio * hidden)) ** 2
            yield _Sizes(hidden, layers, ffn, strain + _PENALTY * max(off - _CLOSE, 0.0))


def _exact_width(shape: Shape, step: Embeddings, parameters: float) -> float:
    """Width at which the ratios give the parameters, before anything is rounded but to 64."""
    width = _USUAL
    for _ in range(_ROUNDS):
        whole = max(round(width / 64), 1) * 64
        count = _line(shape, step, whole).at(width / shape.aspect.value, shape.ffn.value * width)
        width *= (parameters / count) ** (1.0 / 3.0)
    return width


def _line(shape: Shape, step: Embeddings, hidden: int) -> _Line:
    """Count three flat models: the counts are linear in layers and in the inner width."""
    few, more, wide = (
        _counted(shape, _built(shape, step, hidden, layers, ffn))
        for layers, ffn in ((2, _FFN), (3, _FFN), (2, 2 * _FFN))
    )
    column = (wide - few) / (2.0 * _FFN)
    layer = more - few - column * _FFN
    return _Line(few - 2.0 * (more - few), layer, column)


def _round_widths(low: float, high: float) -> Iterator[int]:
    """Widths of a model: multiples of a power of two, so that heads divide among accelerators."""
    width = 128
    while width <= high:
        if width >= low:
            yield width
        width += 1 << min(max(int(math.log2(width)) - (2 if width < _WIDE else 3), 7), 11)


def _layer_grain(layers: float) -> int:
    """Layers come in multiples of this, so that pipelines divide them."""
    return 1 << min(max(int(math.log2(max(layers, 1.0))) - 4, 0), 4)


def _ffn_grain(hidden: int, *, mixture: bool) -> int:
    wide = 1 << min(max(int(math.log2(hidden)) - 4, 5), 9)
    return max(wide // 4, 32) if mixture else wide


def _counted(shape: Shape, architecture: Architecture) -> int:
    counts = counts_of(architecture)
    return counts.total if shape.counted == "all" else counts.active


def _built(shape: Shape, step: Embeddings, hidden: int, layers: int, ffn: int) -> Architecture:
    e = shape.experts
    mlp, moe = Mlp(ffn=ffn), None
    stack = Layers(body=(LayerGroup(count=layers),))
    if e is not None:
        first = min(e.dense_layers, max(layers // 16, 1), layers - 1)
        prefix = (LayerGroup(count=first),) if first > 0 else ()
        stack = Layers(prefix=prefix, body=(LayerGroup(count=layers - first, ffn="moe"),))
        mlp = Mlp(ffn=ffn * (e.top_k + e.shared))
        moe = Moe(
            experts=e.routed, top_k=e.top_k, ffn=ffn, shared_experts=e.shared, router_bias=e.router_bias
        )
    return Architecture(
        hidden=hidden,
        vocab=step.vocab,
        tied_embeddings=step.tied,
        attention=_attention(shape.attention, hidden),
        mlp=mlp if e is None or stack.prefix else None,
        moe=moe,
        layers=stack,
    )


def _attention(a: ShapeAttention, hidden: int) -> Attention:
    heads = a.width.value * hidden / a.head_dim
    if a.kind == "gqa":
        whole = max(round(heads), 1)
        return Attention(heads=whole, kv_heads=math.gcd(whole, a.kv_heads or 1), head_dim=a.head_dim)
    grain = 16 if heads >= 48 else 4
    whole = max(round(heads / grain), 1) * grain
    rank = max(round((a.query_rank.value if a.query_rank else 1.0) * hidden / 128), 1) * 128
    return Attention(
        kind="mla",
        heads=whole,
        kv_heads=whole,
        q_lora=rank,
        kv_lora=a.kv_lora,
        qk_rope=a.qk_rope,
        qk_nope=a.head_dim,
        v_head_dim=a.head_dim,
    )
