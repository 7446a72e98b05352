"""Serving engines as dated facts: ``workloads/engines/ID.yaml``.

A profile states how an engine schedules, admits and caches, as its makers published it. Fitted times are not
here: they belong to the `family`, a class that several engines share.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from planner.catalog.quantity import Bytes, Count, Fraction, IsoDate
from planner.catalog.records import Items, Record, Ref, Section, Text
from planner.workload.mixers import refuse
from planner.workload.speculation import Method

__all__ = ["EngineFamily", "EngineLabel", "EngineMemory", "EngineProfile", "Features", "KvRule", "numbers_of"]

EngineFamily = Literal["trtllm", "vllm", "sglang", "trtcpp", "eager", "graph"]
"""Classes with fitted constants: TensorRT-LLM on PyTorch, vLLM, SGLang, TensorRT-LLM's C++ runtime, eager
execution of 2023 and 2024, one compiled graph."""

KvPrecision = Literal["fp16", "fp8"]


class EngineMemory(Section):
    """How an engine divides the memory of a part."""

    usable: Fraction
    """Share of the physical memory it may fill with weights, cache and workspace."""
    workspace: Bytes
    """Activations, graphs and communicators, per part."""


class KvRule(Section):
    """One row of the policy that picks the precision of keys and values."""

    weights: Items[Annotated[str, Ref("format")]] = ()
    """Weight formats it is for; any, where empty."""
    attention: Literal["any", "gqa", "mla"] = "any"
    """Kind of attention it is for."""
    native: Literal["fp8", "fp4"] | None = None
    """Arithmetic the part must have."""
    kv: KvPrecision
    """What keys and values are stored in."""

    def fits(self, *, weights: str, attention: str, available: Collection[str]) -> bool:
        """Whether the rule is for this format, kind of attention and part."""
        return (
            (not self.weights or weights in self.weights)
            and self.attention in ("any", attention)
            and (self.native is None or self.native in available)
        )


class Features(Section):
    """What an engine can do."""

    disaggregation: bool = False
    """Prefill and decode in pools of their own."""
    attention_data_parallel: bool = False
    """Attention replicated over data-parallel ranks that share the experts."""
    expert_parallel: bool = False
    """Whole experts on different parts."""
    pipeline_parallel: bool = False
    """Layers on different parts."""
    prefix_caching: bool = False
    """Keeps the cache of a shared prefix."""
    speculation: Items[Method] = ()
    """Ways of speculative decoding."""


class EngineLabel(Section):
    """A name under which measurements of the engine are published."""

    engine: Text
    """As published, ignoring case."""
    before: Annotated[Text, Field(pattern=r"^\d+(\.\d+)*$")] | None = None
    """Only releases before this one."""

    @property
    def release(self) -> tuple[int, ...]:
        """`before` as numbers; empty where it holds for all releases."""
        return numbers_of(self.before or "")

    def holds(self, version: str) -> bool:
        """Whether it covers a version as published; one without a number counts as current."""
        found = numbers_of(version)
        return self.before is None or (bool(found) and found < self.release)


class EngineProfile(Record):
    """One serving engine at one date."""

    date: IsoDate
    family: EngineFamily
    """The class whose fitted constants apply."""
    labels: Items[EngineLabel] = ()
    """Names in published measurements."""
    vendors: Items[Text] = ()
    """Makers of the parts it runs on; any, where empty."""
    usual_on: Items[Text] = ()
    """Makers on whose parts it is taken where no engine is named."""
    scheduling: Literal["mixed", "prefill-first", "static"]
    """Prefill joins decode steps in chunks, interrupts them, or is done once for a fixed batch."""
    chunk: Count
    """Prefill tokens a step carries per attention rank, by default."""
    chunk_options: Annotated[Items[Count], Field(min_length=1)]
    """Chunks a search may try."""
    max_batch: Count
    """Sequences that decode together, per attention rank."""
    server_batch: Count | None = None
    """The same of a server started with its defaults, where it is less."""
    memory: EngineMemory
    admission: Literal["reserve", "preempt"]
    """A request waits until its whole output fits, or is admitted and preempted when memory runs out."""
    trims_windows: bool = True
    """Caches of windowed layers keep the window only; otherwise they grow like those of all layers."""
    kv_policy: Items[KvRule] = ()
    """Precision of keys and values where none is asked for; the first rule that fits holds, else 16 bit."""
    eight_bit_attention: bool = False
    """Prefill attention multiplies in 8 bit where keys and values are 8 bit."""
    overlaps_two_batches: bool = False
    """Hides expert exchange behind a second micro-batch, in prefill and wide expert parallelism."""
    static_scales: bool = True
    """Uses activation scales known in advance; otherwise per-tensor fp8 finds them at run time."""
    features: Features

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.chunk.value not in {option.value for option in self.chunk_options}:
            refuse([f"chunk ({self.chunk.text}) is none of chunk_options; add it there"])
        strangers = [vendor for vendor in self.usual_on if not self.runs_on(vendor)]
        if strangers:
            refuse([f"usual_on names {', '.join(strangers)}, which vendors does not; add it there"])
        return self

    def runs_on(self, vendor: str) -> bool:
        """Whether it runs on the parts of a maker."""
        return not self.vendors or vendor in self.vendors

    def kv_precision(self, *, weights: str, attention: str, available: Collection[str]) -> KvPrecision:
        """Return the precision of keys and values where none is asked for.

        Parameters
        ----------
        weights : str
            Id of the weight format.
        attention : str
            ``gqa`` or ``mla``.
        available : collection of str
            Arithmetic the part has; see `planner.workload.formats.peaks`.
        """
        fitting = (
            rule.kv
            for rule in self.kv_policy
            if rule.fits(weights=weights, attention=attention, available=available)
        )
        return next(fitting, "fp16")


_RELEASE: Final = re.compile(r"v?(\d{1,6}(?:\.\d{1,6})*)", re.ASCII)


def numbers_of(version: str) -> tuple[int, ...]:
    """Return the numbers a version starts with: (0, 6, 3) of '0.6.3.post2'; empty where there are none."""
    found = _RELEASE.match(version.strip())
    return tuple(map(int, found[1].split("."))) if found else ()
