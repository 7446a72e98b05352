"""Import of a Hugging Face ``config.json``: from what a model's makers publish to a `ModelRecord`.

The configuration is hostile until shown otherwise: it is read with bounds (`planner.workload.hf_json`), every field that
is used is checked, and all its mistakes are reported at once, each with the name of the field and the mend. Which field
means what is data (`planner.workload.hf_families`); what the import could not see is said in the notes of the result.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from planner.errors import InputError, did_you_mean
from planner.workload import hf_layers
from planner.workload.architecture import Architecture
from planner.workload.counts import parameters
from planner.workload.hf_families import COMMON, FAMILIES, WRAPPERS, CountOf, Family, Source, When
from planner.workload.hf_json import parse_object
from planner.workload.record import ModelRecord

__all__ = ["Imported", "import_config", "slug", "supported"]

MAX_WIDTH = 2**31
CITE = {"source": "hugging-face-config", "at": "config.json", "kind": "datasheet"}
_NESTED = ("text_config", "llm_config", "language_config", "language_model_config")
_SUSPICIOUS = re.compile(r"size|dim|rank|heads|layers|experts|ratio|interval|pattern|freq|groups|width|block|shared|mult|gate")
_HARMLESS = frozenset({
    "model_type", "max_position_embeddings", "n_group", "topk_group", "n_groups", "chunk_size", "chunk_size_feed_forward",
    "max_window_layers", "num_logits_to_keep", "time_step_rank", "expand", "sliding_window_size", "qk_head_dim", "ep_size",
    "pruned_heads", "rotary_dim", "initial_context_length", "original_max_position_embeddings", "attention_chunk_size",
    "layer_types", "mlp_only_layers", "decoder_sparse_step", "first_k_dense_replace", "moe_layer_freq", "vocab_size_per_layer_input",
    "full_attention_interval", "interleave_moe_layer_step", "moe_layers", "no_rope_layers", "sliding_window_pattern",
    "hybrid_layer_pattern", "hybrid_override_pattern", "layers_block_type", "mtp_layers_block_type", "mlp_layer_types",
    "mtp_hybrid_override_pattern", "num_expert_group", "num_beam_groups", "no_repeat_ngram_size", "index_topk_freq",
    "encoder_no_repeat_ngram_size", "model_max_length", "n_ctx", "max_seq_len", "seq_length", "num_hidden_layers", "n_layer",
    "moe_shared_expert_overlap", "index_share_for_mtp_iteration", "problem_type", "intermediate_size", "cross_attention_hidden_size",
    "swa_rope_theta", "output_gate_type", "query_pre_attn_scalar", "multiple_of", "rope_scaling_factor",
    "use_bidirectional_attention", "attention_output_gate", "block_size", "mamba_ssm_dtype", "aux_loss_alpha", "mamba_hidden_act",
    "head_dim", "token_type_vocab_size", "type_vocab_size", "num_key_value_heads", "moe_intermediate_size", "use_full_rank_gate",
})  # fmt: skip
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "attention": ("heads", "kv_heads", "head_dim"), "window_attention": ("heads", "kv_heads", "head_dim", "window"),
    "mlp": ("ffn",), "moe": ("experts", "top_k", "ffn"), "indexer": ("heads", "dim", "top_k"),
    "linear_attention": ("value_heads", "value_dim"),
}
_BOOLEANS = frozenset({
    "tied_embeddings", "parallel_block", "head_bias", "embedding_norm", "qkv_bias", "out_bias", "bias", "gated", "sinks",
    "shared_kv", "chunked", "router_bias", "shared_gate", "conv_bias", "full_rank_gate",
})  # fmt: skip
_TEXTS = frozenset({"norms", "positions", "kind", "qk_norm", "output_gate"})
_OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "attention": ("kind", "v_head_dim", "q_lora", "kv_lora", "qk_rope", "qk_nope", "chunked", "qk_norm", "qkv_bias",
                  "out_bias", "output_gate", "sinks", "shared_kv"),
    "window_attention": ("v_head_dim", "qk_norm", "sinks", "qkv_bias", "out_bias"),
    "mlp": ("gated", "bias"),
    "moe": ("gated", "bias", "shared_experts", "shared_ffn", "shared_gate", "router_bias", "latent"),
    "linear_attention": ("kind", "key_heads", "key_dim", "state", "groups", "conv", "conv_bias", "full_rank_gate"),
    "indexer": ("layers",),
}
_TOP = ("tied_embeddings", "positions", "norms", "norms_per_block", "embedding_norm", "head_bias", "parallel_block",
        "parallel_norms", "mtp")


class Imported(NamedTuple):
    """A record and what a reader should know about how it was read."""

    record: ModelRecord
    notes: tuple[str, ...]


def supported() -> tuple[str, ...]:
    """The model types that can be imported."""
    return tuple(sorted({*FAMILIES, *WRAPPERS}))


def slug(text: str) -> str:
    """An id from any text: lower case, blanks and slashes to dashes; empty where nothing usable is left."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:80].strip("-._")


def import_config(
    given: str | bytes | Mapping[str, Any], *, record_id: str | None = None, name: str | None = None, where: str = "config.json"
) -> Imported:
    """Read a ``config.json``.

    Parameters
    ----------
    given : str, bytes or mapping
        Its content.
    record_id, name : str, optional
        Id and name of the record; by default from the configuration's own name, or its type and size.
    where : str
        What to call it in messages.

    Raises
    ------
    InputError
        It is not a usable configuration; the message has one line for each mistake.
    """
    config = dict(given) if isinstance(given, Mapping) else parse_object(given, where=where)
    reader = _Reader(*_text_model(config, where=where), where=where)
    architecture = reader.architecture()
    total = parameters(architecture).total
    default = str(config.get("_name_or_path") or "").rsplit("/", 1)[-1] or f"{reader.model_type}-{total / 1e9:.3g}b"
    notes = tuple(reader.notes)
    document: dict[str, Any] = {
        "id": record_id or slug(default) or slug(reader.model_type), "name": name or record_id or default[:80],
        "cite": CITE, "note": " ".join(notes) or None, "architecture": architecture,
    }
    try:
        return Imported(ModelRecord.model_validate(document), notes)
    except ValidationError as error:
        raise InputError.collect(_sentences(error, where=where)) from None


def _text_model(config: Mapping[str, Any], *, where: str) -> tuple[Mapping[str, Any], str, list[str]]:
    """The part that describes the language model, its model type, and notes."""
    notes: list[str] = []
    inner: Mapping[str, Any] = config
    nested = next((key for key in _NESTED if isinstance(config.get(key), Mapping)), None)
    if nested is not None:
        inner = {**{k: v for k, v in config.items() if k in ("tie_word_embeddings", "model_type")}, **config[nested]}
        notes.append(f"Read from {nested} of a multi-modal configuration; its other encoders are not counted.")
    named = inner.get("model_type", config.get("model_type"))
    if not isinstance(named, str):
        raise InputError(f"{where}: model_type is missing or not text; give the config.json of a model. "
                         f"Supported: {', '.join(supported())}")
    model_type = WRAPPERS.get(named, named)
    if model_type not in FAMILIES:
        raise InputError(f"{where}: model_type {named[:60]!r} is not supported.{did_you_mean(named, supported())} Supported: "
                         f"{', '.join(supported())}. Otherwise write its architecture as a record under workloads/models")
    return inner, model_type, notes


def _sentences(error: ValidationError, *, where: str) -> list[str]:
    """pydantic's findings as the house writes them."""
    found = []
    for one in error.errors(include_url=False):
        path = ".".join(str(part) for part in one["loc"]) or "architecture"
        message = one["msg"].removeprefix("Value error, ")
        found.append(f"{where}: {path}: {message}; check the configuration")
    return found


class _Reader:
    """Reads one configuration and collects its mistakes, so that all of them are reported at once."""

    def __init__(self, config: Mapping[str, Any], model_type: str, notes: list[str], *, where: str) -> None:
        self.config = config
        self.model_type = model_type
        self.family: Family = FAMILIES[model_type]
        self.notes = notes
        self.where = where
        self.mistakes: list[str] = []
        self.seen: set[str] = set()

    def architecture(self) -> Architecture:
        """The architecture, or an InputError that names every mistake."""
        order = self._order()
        values = self._sections(order)
        if self.mistakes:
            raise InputError.collect(dict.fromkeys(self.mistakes))
        if self.family.note and ("moe" not in self.family.parts or "moe" in values):
            self.notes.append(self.family.note)
        self._note_unread()
        try:
            return Architecture.model_validate(values)
        except ValidationError as error:
            raise InputError.collect(_sentences(error, where=self.where)) from None

    def _mistake(self, field: str, message: str) -> None:
        self.mistakes.append(f"{self.where}: {field}: {message}")

    # -- single fields

    def _sources(self, target: str) -> tuple[Source, ...]:
        named = self.family.read.get(target)
        return named if named is not None else COMMON.get(target, ())

    def _look(self, name: str) -> Any:
        """The value under a dotted name, or None."""
        self.seen.add(name.split(".", 1)[0])
        value: Any = self.config
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def _raw(self, target: str) -> tuple[Any, str]:
        """(value, field it came from) of a target; the value the family fixes where the configuration says nothing."""
        for source in self._sources(target):
            if isinstance(source, CountOf):
                listed = self._look(source.name)
                if isinstance(listed, list):
                    return listed.count(source.item), source.name
                continue
            name, value = (source, self._look(source)) if isinstance(source, str) else self._when(source)
            if value is not None:
                return value, name
        return self.family.fixed.get(target), target

    def _when(self, source: When) -> tuple[str, Any]:
        flag = self._look(source.name)
        true = source.default if flag is None else bool(flag)
        if true == source.negate:
            return source.name, None
        return (source.use, self._look(source.use)) if source.use else (source.name, source.then)

    def _integer(self, target: str, *, least: int = 1) -> int | None:
        """A whole number, or None where absent; a mistake is recorded and None returned."""
        value, name = self._raw(target)
        if value is None:
            return None
        if isinstance(value, float) and math.isfinite(value) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            kinds = {list: "a list (one width per layer is not supported)", dict: "an object", str: "text", float: "a fraction"}
            self._mistake(name, f"must be a whole number, found {kinds.get(type(value), repr(value)[:40])}")
            return None
        if not least <= value <= MAX_WIDTH:
            self._mistake(name, f"must lie within {least} and {MAX_WIDTH}, found {str(value)[:40]}")
            return None
        return value

    def _needed(self, target: str) -> int:
        """A whole number that must be there; 1 stands in for a mistake that has been recorded."""
        before = len(self.mistakes)
        value = self._integer(target)
        if value is None and len(self.mistakes) == before:
            names = [s if isinstance(s, str) else s.name for s in self._sources(target)] or [target]
            self._mistake(names[0], "is missing; add it" + (f" (also read: {', '.join(names[1:])})" if names[1:] else ""))
        return value or 1

    def _boolean(self, target: str) -> bool | None:
        value, name = self._raw(target)
        if value is None or isinstance(value, bool):
            return value
        self._mistake(name, f"must be true or false, found {str(value)[:40]!r}")
        return None

    # -- layers

    def _order(self) -> list[tuple[str, str]]:
        """(mixer, ffn) of every layer; a single layer stands in for a mistake."""
        try:
            if "blocks" in self.family.mixers:
                found = hf_layers.blocks(self.config)
                if found is None:
                    raise hf_layers.Mistake("hybrid_override_pattern is missing; add it (also read: layers_block_type)")
                return found
            depth = self._needed("depth")
            if depth > hf_layers.MAX_DEPTH:
                raise hf_layers.Mistake(f"more than {hf_layers.MAX_DEPTH} layers; check the layer count")
            mixers = hf_layers.first_of(self.family.mixers, hf_layers.MIXERS, self.config, depth) or ["full"] * depth
            ffns = ["dense"] * depth
            if self._is_moe():
                ffns = hf_layers.first_of(self.family.ffns, hf_layers.FFNS, self.config, depth) or ["moe"] * depth
            return list(zip(mixers, ffns, strict=True))
        except hf_layers.Mistake as mistake:
            self.mistakes.append(f"{self.where}: {mistake}")
            return [("full", "dense")]

    def _is_moe(self) -> bool:
        """A family that may have experts has them unless the configuration says null."""
        if "moe" not in self.family.parts:
            return False
        names = [s for s in self._sources("moe.experts") if isinstance(s, str)]
        return self._raw("moe.experts")[0] is not None or not any(name in self.config for name in names)

    # -- sections

    def _sections(self, order: list[tuple[str, str]]) -> dict[str, Any]:
        hidden = self._needed("hidden")
        values: dict[str, Any] = {"hidden": hidden, "vocab": self._needed("vocab")}
        values |= self._fields("", _TOP)
        mixers, ffns = {m for m, _ in order}, {f for _, f in order}
        if values.get("positions") == "learned":
            extra = self.family.fixed.get("learned_positions.extra", 0)
            values["learned_positions"] = self._needed("learned_positions") + extra
        if mixers & {"full", "window"}:
            values["attention"] = self._attention("attention", hidden)
            if "window" in mixers and "window_attention" in self.family.parts:
                values["window_attention"] = self._attention("window_attention", hidden)
            elif "window" in mixers:
                values["attention"]["window"] = self._needed("attention.window")
        if "linear" in mixers:
            values["linear_attention"] = self._part("linear_attention")
        if "dense" in ffns:
            values["mlp"] = self._mlp(hidden)
        if "moe" in ffns:
            values["moe"] = self._moe()
        return values | {"layers": hf_layers.stack(order)}

    def _fields(self, section: str, names: tuple[str, ...]) -> dict[str, Any]:
        """Optional fields of a section that are present."""
        found: dict[str, Any] = {}
        for name in names:
            target = f"{section}.{name}" if section else name
            if name in _BOOLEANS:
                found[name] = self._boolean(target)
            elif name in _TEXTS:
                found[name] = self._raw(target)[0]
            else:
                found[name] = self._integer(target, least=0) or None
        return {name: value for name, value in found.items() if value is not None}

    def _part(self, section: str) -> dict[str, Any]:
        values: dict[str, Any] = {name: self._needed(f"{section}.{name}") for name in _REQUIRED[section]}
        return values | self._fields(section, _OPTIONAL[section])

    def _attention(self, section: str, hidden: int) -> dict[str, Any]:
        heads = self._needed(f"{section}.heads")
        values: dict[str, Any] = {"heads": heads, "kv_heads": self._integer(f"{section}.kv_heads") or heads}
        values |= self._fields(section, _OPTIONAL[section])
        if values.get("kind") != "mla":
            head_dim = self._integer(f"{section}.head_dim")
            if head_dim is None and hidden % heads and hidden > 1:
                self._mistake("head_dim", f"is missing and hidden_size ({hidden}) is not a multiple of the heads ({heads}); add it")
            values["head_dim"] = head_dim or max(hidden // heads, 1)
        if section == "window_attention":
            values["window"] = self._needed(f"{section}.window")
        if section == "attention" and "indexer" in self.family.parts:
            values["indexer"] = self._part("indexer")
        return values

    def _mlp(self, hidden: int) -> dict[str, Any]:
        ratio = self._raw("mlp.expansion")[0]
        ffn = self._integer("mlp.ffn")
        if ffn is None and isinstance(ratio, int | float) and not isinstance(ratio, bool) and 0 < ratio < hidden:
            ffn = int(ratio * hidden)
        return {"ffn": ffn or self._needed("mlp.ffn"), **self._fields("mlp", _OPTIONAL["mlp"])}

    def _moe(self) -> dict[str, Any]:
        values = self._part("moe")
        if not values.get("shared_experts"):
            for name in ("shared_experts", "shared_ffn", "shared_gate"):
                values.pop(name, None)
        return values

    def _note_unread(self) -> None:
        """Say which fields were not read although their name suggests that they change the counts."""
        for sources in (*COMMON.values(), *self.family.read.values()):
            self.seen |= {s.split(".", 1)[0] if isinstance(s, str) else s.name for s in sources}
        unread = sorted(
            key for key, value in self.config.items()
            if key not in self.seen and key not in _HARMLESS and key not in _NESTED and _SUSPICIOUS.search(key)
            and not key.endswith(("_token_id", "_config", "_dropout", "_loss_coef")) and value not in (None, False, 0, 1, "", [], {})
            and not (isinstance(value, str) and len(value) > 40)
        )
        if unread:
            listed = ", ".join(key[:40] for key in unread[:12])
            self.notes.append(f"Not read, and may change the counts: {listed}.")
