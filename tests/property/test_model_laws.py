"""Laws of counts, of writing records and of reading what others wrote, over random models."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.strict_yaml import parse_yaml
from planner.errors import InputError
from planner.workload.architecture import Architecture
from planner.workload.cache import cache_bytes, kv_bytes_per_token
from planner.workload.counts import parameters
from planner.workload.flops import double_pairs, flops
from planner.workload.hf_config import import_config, supported
from planner.workload.hf_table import FAMILIES
from planner.workload.models_csv import COLUMNS, parse_models
from planner.workload.record import ModelRecord, to_yaml

width = st.integers(1, 300)
flag = st.booleans()


@st.composite
def gqa(draw: st.DrawFn, *, window: int | None) -> dict[str, Any]:
    kv = draw(st.integers(1, 8))
    return {
        "heads": kv * draw(st.integers(1, 4)), "kv_heads": kv, "head_dim": draw(width), "window": window,
        "qk_norm": draw(st.sampled_from([None, "head", "full"])), "qkv_bias": draw(flag),
        "out_bias": draw(flag),
        "output_gate": draw(st.sampled_from([None, "element", "head"])), "sinks": draw(flag),
        "shared_kv": draw(flag),
        "chunked": window is not None and draw(flag),
    }  # fmt: skip


@st.composite
def mla(draw: st.DrawFn) -> dict[str, Any]:
    heads = draw(st.integers(1, 16))
    indexer = st.fixed_dictionaries({"heads": width, "dim": width, "top_k": width})
    return {
        "kind": "mla", "heads": heads, "kv_heads": heads, "q_lora": draw(st.none() | width),
        "kv_lora": draw(width),
        "qk_rope": draw(width), "qk_nope": draw(width), "v_head_dim": draw(width),
        "indexer": draw(st.none() | indexer),
    }  # fmt: skip


@st.composite
def linear(draw: st.DrawFn) -> dict[str, Any]:
    kind, few = draw(st.sampled_from(["mamba2", "gdn", "kda"])), draw(st.integers(1, 6))
    values: dict[str, Any] = {
        "kind": kind,
        "value_heads": few * draw(st.integers(1, 4)),
        "value_dim": draw(width),
    }
    own = (
        {"state": draw(width), "groups": few}
        if kind == "mamba2"
        else {"key_heads": few, "key_dim": draw(width)}
    )
    return values | own | {"conv": draw(st.integers(0, 5)), "conv_bias": draw(flag)}


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    mixers = draw(st.lists(st.sampled_from(["full", "window", "linear", "none"]), min_size=1, max_size=4))
    ffns = [draw(st.sampled_from(["dense", "moe"] + ([] if m == "none" else ["none"]))) for m in mixers]
    window = draw(width) if "window" in mixers else None
    mtp = draw(st.integers(0, 2))
    attends = mtp or {"full", "window"} & set(mixers)
    attention = draw(gqa(window=window) if window else gqa(window=None) | mla()) if attends else None
    experts = draw(st.integers(1, 20))
    moe = {
        "experts": experts, "top_k": draw(st.integers(1, experts)), "ffn": draw(width), "gated": draw(flag),
        "bias": draw(flag), "shared_experts": draw(st.integers(0, 2)), "router_bias": draw(flag),
        "latent": draw(st.none() | width),
    }  # fmt: skip
    kinds = zip(mixers, ffns, strict=True)
    body = [{"count": draw(st.integers(1, 5)), "mixer": mixer, "ffn": ffn} for mixer, ffn in kinds]
    positions = draw(st.sampled_from(["rope", "learned", "alibi", "none"]))
    values: dict[str, Any] = {
        "hidden": draw(width), "vocab": draw(width), "tied_embeddings": draw(flag), "positions": positions,
        "learned_positions": draw(width) if positions == "learned" else 0,
        "norms": draw(st.sampled_from(["rms", "layer", "layer-no-bias", "none"])),
        "norms_per_block": draw(st.integers(1, 2)),
        "parallel_block": draw(flag), "head_bias": draw(flag), "mtp": mtp, "attention": attention,
        "linear_attention": draw(linear()) if "linear" in mixers else None,
        "mlp": {"ffn": draw(width), "gated": draw(flag), "bias": draw(flag)} if "dense" in ffns else None,
        "moe": moe if "moe" in ffns else None,
        "layers": {"body": body},
    }  # fmt: skip
    return Architecture.model_validate(values)


@given(architectures())
def test_parts_add_up_and_nothing_is_negative(a: Architecture) -> None:
    counted = parameters(a)
    assert all(getattr(counted, field.name) >= 0 for field in fields(counted))
    assert 0 < counted.active <= counted.total
    assert counted.non_embedding <= counted.total


@given(architectures(), st.integers(1, 500))
def test_causal_never_exceeds_full_and_sequences_cost_at_least_their_tokens(a: Architecture, s: int) -> None:
    full, causal = flops(a, seq_len=s, convention="full"), flops(a, seq_len=s, convention="causal")
    assert causal.attention <= full.attention <= 2 * causal.attention
    assert causal.forward - causal.attention == full.forward - full.attention
    assert causal.training == 3 * causal.forward
    twice = flops(a, seq_len=2 * s)
    assert twice.forward >= 2 * causal.forward
    assert twice.logits == 2 * causal.logits


@given(st.integers(1, 300), st.integers(1, 300))
def test_windows_count_the_pairs_that_a_loop_counts(s: int, w: int) -> None:
    """s^2 / 2 stands for s (s + 1) / 2, so a causal count is the looped one less half the diagonal."""
    looped = sum(min(i + 1, w) for i in range(s))
    assert double_pairs(seq_len=s, window=w, chunked=False, convention="causal") == 2 * looped - min(w, s)
    in_chunk = sum(i % w + 1 for i in range(s))
    assert double_pairs(seq_len=s, window=w, chunked=True, convention="causal") == 2 * in_chunk - s


@given(architectures(), st.integers(0, 1000), st.integers(0, 1000))
def test_the_cache_grows_with_the_context(a: Architecture, x: int, y: int) -> None:
    small, large = sorted((x, y))
    assert cache_bytes(a, context=small) <= cache_bytes(a, context=large)
    grown = cache_bytes(a, context=large) - cache_bytes(a, context=0)
    assert grown <= large * kv_bytes_per_token(a)


@given(architectures())
def test_doubling_every_layer_doubles_what_is_in_layers(a: Architecture) -> None:
    body = [{**group.model_dump(exclude={"cite"}), "count": 2 * group.count} for group in a.layers.body]
    doubled = Architecture.model_validate(a.model_dump(exclude_defaults=True) | {"layers": {"body": body}})
    once, twice = parameters(a), parameters(doubled)
    for part in ("attention", "window_attention", "linear_attention", "mlp", "experts", "router", "inactive"):
        assert getattr(twice, part) == 2 * getattr(once, part)
    assert len(doubled.order()) == 2 * len(a.order()) == doubled.depth


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40
).filter(str.strip)


@given(architectures(), texts, st.lists(texts, max_size=3), st.none() | texts, st.integers(1, 10**15))
def test_a_written_record_reads_back_the_same(
    a: Architecture, name: str, aliases: list[str], note: str | None, tokens: int
) -> None:
    cite = {"source": "x", "at": name, "kind": "recalled"}
    record = ModelRecord.model_validate(
        {"id": "some-model", "name": name, "aliases": aliases, "note": note, "cite": cite, "architecture": a,
         "published": {"total": tokens, "active": {"value": "3B", "source": "y", "at": "p. 1",
         "kind": "estimate",
                                                   "range": ["2B", "4B"], "as_of": "2026-01", "note": name}},
         "recipe": {"tokens": "15.6T", "seq_len": 8192, "precision": "bf16"}}
    )  # fmt: skip
    text = to_yaml(record)
    again = ModelRecord.model_validate(parse_yaml(text.encode(), "some-model.yaml").data)
    assert again == record
    assert to_yaml(again) == text


junk = st.recursive(
    st.none() | flag | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
READ = {source for family in FAMILIES.values() for names in family.read.values() for source in names}
LAYOUTS = """
compress_ratios hidden_size hybrid_override_pattern intermediate_size kda_layers layer_types layers_block_type
linear_attn_config mlp_only_layers moe_layer_freq moe_layers num_attention_heads num_experts num_hidden_layers
sliding_window text_config tie_word_embeddings vocab_size
"""
NAMES = sorted({source for source in READ if isinstance(source, str)} | set(LAYOUTS.split()))
plausible = {
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "vocab_size": 100,
    "intermediate_size": 128,
}


@given(st.sampled_from(supported()), st.dictionaries(st.sampled_from(NAMES), junk, max_size=12), flag)
def test_no_configuration_breaks_the_import(
    model_type: str, given_fields: dict[str, Any], whole: bool
) -> None:
    config = (plausible if whole else {}) | given_fields | {"model_type": model_type}
    try:
        result = import_config(json.dumps(config))
    except InputError as error:
        assert error.mistakes
    else:
        assert (
            ModelRecord.model_validate(parse_yaml(to_yaml(result.record).encode(), "m.yaml").data)
            == result.record
        )
        assert parameters(result.record.architecture).total > 0


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_breaks_the_import(text: str | bytes) -> None:
    with pytest.raises(InputError):
        import_config(text)


cells = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
    | st.integers(-5, 10**11).map(str)
    | st.just("8")
)


@given(st.lists(st.lists(cells, max_size=len(COLUMNS) + 1), max_size=5), flag)
def test_no_table_breaks_the_reader(rows: list[list[str]], headed: bool) -> None:
    lines = [",".join(COLUMNS)] * headed + [",".join(row) for row in rows]
    try:
        found = parse_models("\n".join(lines).encode(), where="m.csv")
    except InputError as error:
        assert error.mistakes
    else:
        assert all(skipped.reason for skipped in found.skipped)
