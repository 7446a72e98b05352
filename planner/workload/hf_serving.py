"""What a Hugging Face configuration says about serving: the longest sequence, and how weights are stored.

The keys are those of Transformers, compressed-tensors and NVIDIA's Model Optimizer (recalled, checked against
published configurations). A way of quantising that is not known here is no mistake: the note says so, and the
weights count as 16 bit until told otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from planner.workload.hf_reader import MAX_WIDTH, FieldReader

__all__ = ["Served", "served"]

_SCALED: Final = ("linear", "dynamic", "yarn")
"""Kinds of rotary scaling whose factor multiplies the length that was trained."""
_REQUESTED: Final[Mapping[str, Mapping[str, str]]] = {
    "fp8-block": {"fp8": "fp8-block"},
    "fp8-dynamic": {"fp8": "fp8-dynamic"},
    "fp8-block-mxfp4": {"fp8": "fp8-block", "mxfp4": "fp8-block-mxfp4"},
    "mxfp4": {"nvfp4": "mxfp4"},
    "nvfp4-moe": {"nvfp4": "nvfp4-moe"},
    "int4-moe": {"int4": "int4-moe"},
}
"""Format of a checkpoint to what its general names mean for the model."""


class Served(NamedTuple):
    """Fields of the record, and what a reader should know about them."""

    fields: dict[str, Any]
    notes: list[str]


def served(reader: FieldReader, config: Mapping[str, Any]) -> Served:
    """Read context, checkpoint and formats.

    Parameters
    ----------
    reader : FieldReader
        Of the part that describes the language model; collects mistakes.
    config : mapping
        The whole configuration, which may hold ``quantization_config`` outside that part.
    """
    fields: dict[str, Any] = {}
    notes: list[str] = []
    context = reader.integer("context")
    if context is not None:
        length, note = _scaled(context, reader.config)
        fields["context"] = {"value": length} | ({"note": note} if note else {})
    for key in ("quantization_config", "compression_config"):
        given = config.get(key, reader.look(key))
        if given is None:
            continue
        found = _format(given, str(reader.look("expert_dtype"))) if isinstance(given, Mapping) else None
        if found is None:
            notes.append(
                f"{key} is of a kind that is not read; weights count as 16 bit. Name the format in "
                "checkpoint (see planner catalog list format)."
            )
        elif found != "bf16":
            fields |= {"checkpoint": found, "formats": dict(_REQUESTED.get(found, {}))}
        break
    return Served(fields, notes)


def _scaled(context: int, config: Mapping[str, Any]) -> tuple[int, str]:
    """Return the length with rotary scaling, and a note where there is any.

    Makers disagree on whether ``max_position_embeddings`` includes the factor, so the longer reading holds.
    """
    rope = config.get("rope_scaling") or config.get("rope_parameters")
    if not isinstance(rope, Mapping):
        return context, ""
    kind, factor = rope.get("rope_type", rope.get("type")), rope.get("factor")
    if kind not in _SCALED or isinstance(factor, bool) or not isinstance(factor, int | float):
        return context, ""
    trained = rope.get("original_max_position_embeddings", context)
    if not isinstance(trained, int) or isinstance(trained, bool) or not 1 <= trained <= MAX_WIDTH:
        return context, ""
    if not math.isfinite(factor) or not 1 < factor <= MAX_WIDTH / trained:
        return context, ""
    return max(context, int(trained * factor)), f"{trained:,} tokens scaled {factor:g} times ({kind})"


def _format(quantized: Mapping[str, Any], expert_dtype: str) -> str | None:
    """Return the id of the format, or None where it is not known."""
    method = str(quantized.get("quant_method", "")).lower()
    if method == "fp8" and "quant_algo" not in quantized:
        return _fp8(quantized, expert_dtype)
    if method == "mxfp4":
        return "mxfp4"
    if method in ("awq", "gptq", "auto-round", "autoround"):
        return {4: "int4", 8: "int8"}.get(_bits(quantized))
    if method == "bitsandbytes":
        return "int4" if quantized.get("load_in_4bit") is True else "int8"
    if method == "modelopt" or "quant_algo" in quantized:
        algorithm = str(quantized.get("quant_algo", "")).upper()
        return _by_algorithm(algorithm, moe_only=_spares_attention(quantized))
    if method == "compressed-tensors":
        return _compressed(quantized)
    return None


def _fp8(quantized: Mapping[str, Any], expert_dtype: str) -> str:
    if quantized.get("weight_block_size") is not None:
        return "fp8-block-mxfp4" if expert_dtype == "fp4" else "fp8-block"
    return "fp8" if quantized.get("activation_scheme") == "static" else "fp8-dynamic"


def _bits(quantized: Mapping[str, Any]) -> int:
    found = quantized.get("bits", quantized.get("w_bit"))
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def _by_algorithm(algorithm: str, *, moe_only: bool) -> str | None:
    known = {"FP8": "fp8", "FP8_PB_WO": "fp8-block", "W4A16_AWQ": "int4", "W8A16": "int8"}
    if algorithm == "NVFP4":
        return "nvfp4-moe" if moe_only else "nvfp4"
    return known.get(algorithm)


def _compressed(quantized: Mapping[str, Any]) -> str | None:
    """Return the format of compressed-tensors where all its groups agree."""
    moe_only, packed = _spares_attention(quantized), str(quantized.get("format", ""))
    found = {_group(group, packed=packed, moe_only=moe_only) for group in _groups(quantized)}
    return found.pop() if len(found) == 1 else None


def _group(group: Mapping[str, Any], *, packed: str, moe_only: bool) -> str | None:
    weights, inputs = group.get("weights"), group.get("input_activations")
    if not isinstance(weights, Mapping):
        return None
    packed = str(group.get("format") or packed)
    kind, bits = weights.get("type"), weights.get("num_bits")
    if kind == "int" and bits in (4, 8) and inputs is None:
        return "int8" if bits == 8 else "int4-moe" if moe_only else "int4"
    if kind == "float" and bits == 4:
        return "mxfp4" if packed.startswith("mxfp4") else "nvfp4-moe" if moe_only else "nvfp4"
    if kind == "float" and bits == 8:
        if weights.get("strategy") == "block":
            return "fp8-block"
        return "fp8-dynamic" if isinstance(inputs, Mapping) and inputs.get("dynamic") is True else "fp8"
    return None


def _groups(quantized: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    groups = quantized.get("config_groups")
    if isinstance(groups, Mapping):
        yield from (group for group in groups.values() if isinstance(group, Mapping))


def _spares_attention(quantized: Mapping[str, Any]) -> bool:
    """Whether the projections into attention are left unquantised."""
    ignored = quantized.get("ignore", quantized.get("exclude_modules"))
    names = [name for name in ignored if isinstance(name, str)] if isinstance(ignored, list) else []
    return any("attn" in name for name in names)
