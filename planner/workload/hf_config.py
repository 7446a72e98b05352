"""Import of a Hugging Face ``config.json``: from what a model's makers publish to a `ModelRecord`.

The configuration is hostile until shown otherwise: it is read with bounds (`planner.workload.hf_json`), every
field that is used is checked, and all its mistakes are reported at once, each with the name of the field and
the mend. Which field means what is data (`planner.workload.hf_table`); what the import could not see is said
in the notes of the result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from planner.errors import InputError, did_you_mean
from planner.workload import hf_layers
from planner.workload.architecture import Architecture
from planner.workload.counts import parameters
from planner.workload.hf_json import parse_object
from planner.workload.hf_reader import FieldReader, sentences
from planner.workload.hf_serving import served
from planner.workload.hf_table import FAMILIES, WRAPPERS
from planner.workload.record import ModelRecord

__all__ = ["Imported", "import_config", "slug", "supported"]

CITE: Final = {"source": "hugging-face-config", "at": "config.json", "kind": "datasheet"}
_NESTED: Final = ("text_config", "llm_config", "language_config", "language_model_config")
_SUSPICIOUS: Final = re.compile(
    r"size|dim|rank|heads|layers|experts|ratio|interval|pattern|freq|groups|width|block|shared|mult|gate"
)
"""Names that look as if they could change a count."""
_HARMLESS: Final = frozenset({
    "attention_chunk_size", "attention_output_gate", "block_size", "chunk_size", "chunk_size_feed_forward",
    "compress_ratios", "cross_attention_hidden_size", "decoder_sparse_step", "encoder_no_repeat_ngram_size",
    "ep_size", "expand", "first_k_dense_replace", "full_attention_interval", "head_dim",
    "hybrid_layer_pattern", "hybrid_override_pattern", "index_share_for_mtp_iteration", "index_topk_freq",
    "initial_context_length", "interleave_moe_layer_step", "layer_types", "layers_block_type",
    "mamba_hidden_act", "mamba_ssm_dtype", "max_position_embeddings", "max_seq_len", "max_window_layers",
    "mlp_layer_types", "mlp_only_layers", "moe_layer_freq", "moe_layers", "moe_shared_expert_overlap",
    "mtp_hybrid_override_pattern", "mtp_layers_block_type", "multiple_of", "n_ctx", "n_group",
    "no_repeat_ngram_size", "no_rope_layers", "num_beam_groups", "num_expert_group", "num_logits_to_keep",
    "output_gate_type", "pruned_heads", "qk_head_dim", "query_pre_attn_scalar", "rotary_dim",
    "sliding_window_pattern", "sliding_window_size", "time_step_rank", "token_type_vocab_size",
    "topk_group", "type_vocab_size", "use_bidirectional_attention", "use_full_rank_gate",
    "vocab_size_per_layer_input",
})  # fmt: skip
"""Names that look so and do not, or that are read by `planner.workload.hf_layers`."""
_HARMLESS_ENDS: Final = ("_token_id", "_config", "_dropout", "_loss_coef")
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "moe": ("experts", "top_k", "ffn"),
    "indexer": ("heads", "dim", "top_k"),
    "linear_attention": ("value_heads", "value_dim"),
}
_OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    section: tuple(names.split())
    for section, names in {
        "": "tied_embeddings positions norms norms_per_block embedding_norm head_bias parallel_block "
        "parallel_norms mtp",
        "attention": "kind v_head_dim q_lora kv_lora qk_rope qk_nope o_lora o_groups chunked qk_norm "
        "qkv_bias out_bias output_gate sinks shared_kv cached_once compression",
        "mlp": "gated bias",
        "moe": "gated bias shared_experts shared_ffn shared_gate router_bias latent",
        "linear_attention": "kind key_heads key_dim state groups conv conv_bias full_rank_gate",
        "indexer": "layers",
    }.items()
}


class Imported(NamedTuple):
    """A record and what a reader should know about how it was read."""

    record: ModelRecord
    notes: tuple[str, ...]


def supported() -> tuple[str, ...]:
    """Return the model types that can be imported."""
    return tuple(sorted({*FAMILIES, *WRAPPERS}))


def slug(text: str) -> str:
    """Make an id of any text: lower case, anything else to dashes; empty where nothing usable is left."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:80].strip("-._")


def import_config(
    given: str | bytes | Mapping[str, Any],
    *,
    record_id: str | None = None,
    name: str | None = None,
    where: str = "config.json",
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
        It is not a usable configuration; one line for each mistake.
    """
    config = dict(given) if isinstance(given, Mapping) else parse_object(given, where=where)
    inner, model_type, notes = _text_model(config, where=where)
    reader = _ConfigReader(inner, FAMILIES[model_type], where=where)
    serving = served(reader, config)
    architecture = reader.architecture()
    notes += serving.notes + reader.notes()
    named = str(config.get("_name_or_path") or "").rsplit("/", 1)[-1]
    title = named or f"{model_type}-{parameters(architecture).total / 1e9:.3g}b"
    document = {
        "id": record_id or slug(title) or slug(model_type),
        "name": name or record_id or title[:80],
        "cite": CITE,
        "note": " ".join(notes) or None,
        **serving.fields,
        "architecture": architecture,
    }
    try:
        return Imported(ModelRecord.model_validate(document), tuple(notes))
    except ValidationError as error:
        raise InputError.collect(sentences(error, where=where)) from None


def _text_model(config: Mapping[str, Any], *, where: str) -> tuple[Mapping[str, Any], str, list[str]]:
    """Return the part that describes the language model, its model type, and notes."""
    notes: list[str] = []
    inner: Mapping[str, Any] = config
    nested = next((key for key in _NESTED if isinstance(config.get(key), Mapping)), None)
    if nested is not None:
        outer = {key: config[key] for key in ("tie_word_embeddings", "model_type") if key in config}
        inner = {**outer, **config[nested]}
        notes.append(
            f"Read from {nested} of a multi-modal configuration; its other encoders are not counted."
        )
    named = inner.get("model_type")
    listed = f"Supported: {', '.join(supported())}"
    if not isinstance(named, str):
        raise InputError(
            f"{where}: model_type: is missing or not text; give the config.json of a model. {listed}"
        )
    model_type = WRAPPERS.get(named, named)
    if model_type not in FAMILIES:
        raise InputError(
            f"{where}: model_type: {named[:60]!r} is not supported.{did_you_mean(named, supported())} "
            f"{listed}. Otherwise describe it in a record of its own, as workloads/models/*.yaml do"
        )
    return inner, model_type, notes


class _ConfigReader(FieldReader):
    """Reads the sections of an architecture."""

    def architecture(self) -> Architecture:
        """Return the architecture, or raise an InputError that names every mistake."""
        order = self._order()
        values = self._sections(order)
        if self.mistakes:
            raise InputError.collect(dict.fromkeys(self.mistakes))
        try:
            return Architecture.model_validate(values)
        except ValidationError as error:
            raise InputError.collect(sentences(error, where=self.where)) from None

    def notes(self) -> list[str]:
        """Say what is particular about the family, and which fields were left unread."""
        found = [self.family.note] if self.family.note else []
        hidden = self.raw("hidden")[0]
        ignored = _HARMLESS | self.read_names() | set(_NESTED) | {"model_type"}
        unread = sorted(
            key
            for key, value in self.config.items()
            if key not in ignored and value != hidden and _tells(value)
            if _SUSPICIOUS.search(key) and not key.endswith(_HARMLESS_ENDS)
        )
        if unread:
            found.append(
                f"Not read, and may change the counts: {', '.join(key[:40] for key in unread[:12])}."
            )
        return found

    def _order(self) -> list[tuple[str, str]]:
        """Return (mixer, ffn) of every layer; a single layer stands in for a recorded mistake."""
        try:
            if "blocks" in self.family.mixers:
                return hf_layers.blocks(self.config)
            return self._uniform_order()
        except hf_layers.LayoutError as error:
            self.mistakes.append(f"{self.where}: {error}")
            return [("full", "dense")]

    def _uniform_order(self) -> list[tuple[str, str]]:
        depth = self.needed("depth")
        if depth > hf_layers.MAX_DEPTH:
            raise hf_layers.LayoutError(f"more than {hf_layers.MAX_DEPTH} layers; check the layer count")
        mixers = hf_layers.first_of(self.family.mixers, hf_layers.MIXERS, self.config, depth)
        ffns = None
        if self._is_moe():
            ffns = hf_layers.first_of(self.family.ffns, hf_layers.FFNS, self.config, depth) or ["moe"] * depth
        return list(zip(mixers or ["full"] * depth, ffns or ["dense"] * depth, strict=True))

    def _is_moe(self) -> bool:
        """Whether there are experts: a family that may have them has, unless told null."""
        if "moe" not in self.family.parts:
            return False
        names = [source for source in self.sources("moe.experts") if isinstance(source, str)]
        return self.raw("moe.experts")[0] is not None or not any(name in self.config for name in names)

    def _sections(self, order: list[tuple[str, str]]) -> dict[str, Any]:
        hidden = self.needed("hidden")
        values: dict[str, Any] = {"hidden": hidden, "vocab": self.needed("vocab")}
        values |= self.fields("", _OPTIONAL[""])
        mixers, ffns = {mixer for mixer, _ in order}, {ffn for _, ffn in order}
        if values.get("positions") == "learned":
            extra = self.family.fixed.get("learned_positions.extra", 0)
            values["learned_positions"] = self.needed("learned_positions") + extra
        if mixers & {"full", "window"}:
            values["attention"] = self._attention("attention", hidden)
            if "window" in mixers and "window_attention" in self.family.parts:
                values["window_attention"] = self._attention("window_attention", hidden)
            elif "window" in mixers:
                values["attention"]["window"] = self.needed("attention.window")
        if "linear" in mixers:
            values["linear_attention"] = self._part("linear_attention")
        if "dense" in ffns:
            values["mlp"] = self._mlp(hidden)
        if "moe" in ffns:
            values["moe"] = self._moe()
        return values | {"layers": hf_layers.stack(order)}

    def _part(self, section: str) -> dict[str, Any]:
        values: dict[str, Any] = {name: self.needed(f"{section}.{name}") for name in _REQUIRED[section]}
        return values | self.fields(section, _OPTIONAL[section])

    def _attention(self, section: str, hidden: int) -> dict[str, Any]:
        heads = self.needed(f"{section}.heads")
        values: dict[str, Any] = {"heads": heads, "kv_heads": self.integer(f"{section}.kv_heads") or heads}
        values |= self.fields(section, _OPTIONAL["attention"])
        if values.get("kind") != "mla":
            values["head_dim"] = self.integer(f"{section}.head_dim") or self._head_dim(hidden, heads)
        if section == "window_attention" or "compression" in values:
            values["window"] = self.needed(f"{section}.window")
        if section == "attention" and "indexer" in self.family.parts:
            values["indexer"] = self._part("indexer")
        return values

    def _head_dim(self, hidden: int, heads: int) -> int:
        if hidden % heads and hidden > 1:
            self.mistake(
                "head_dim",
                f"is missing and hidden_size ({hidden}) is no multiple of the heads ({heads}); add it",
            )
        return max(hidden // heads, 1)

    def _mlp(self, hidden: int) -> dict[str, Any]:
        before, ffn = len(self.mistakes), self.integer("mlp.ffn")
        if ffn is None and len(self.mistakes) == before:
            ratio = self.raw("mlp.expansion")[0]
            plausible = isinstance(ratio, int | float) and not isinstance(ratio, bool) and 0 < ratio < hidden
            ffn = int(ratio * hidden) if plausible else self.needed("mlp.ffn")
        return {"ffn": ffn or 1, **self.fields("mlp", _OPTIONAL["mlp"])}

    def _moe(self) -> dict[str, Any]:
        values = self._part("moe")
        if not values.get("shared_experts"):
            values = {name: value for name, value in values.items() if not name.startswith("shared_")}
        return values


def _tells(value: object) -> bool:
    """Whether a value could change a count: neither empty, nor off, nor long text."""
    return value not in (None, False, 0, 1, "", [], {}) and not (isinstance(value, str) and len(value) > 40)
