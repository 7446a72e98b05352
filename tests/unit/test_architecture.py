from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from planner.workload.architecture import Architecture
from planner.workload.counts import parameters
from planner.workload.flops import flops

SMALL: dict[str, Any] = {
    "hidden": 64,
    "vocab": 100,
    "attention": {"heads": 4, "kv_heads": 2, "head_dim": 16},
    "mlp": {"ffn": 128},
    "layers": {"body": [{"count": 3}]},
}
MLA = {"kind": "mla", "heads": 4, "kv_heads": 4, "kv_lora": 32, "qk_rope": 8, "qk_nope": 16, "v_head_dim": 16}
MOE = {"experts": 8, "top_k": 2, "ffn": 32}
MAMBA = {"kind": "mamba2", "value_heads": 8, "value_dim": 16, "state": 32, "groups": 2}


def small(**changes: Any) -> Architecture:
    return Architecture.model_validate({k: v for k, v in (SMALL | changes).items() if v is not None})


def complaint(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        small(**changes)
    return str(caught.value)


def test_a_small_model_is_counted_by_hand() -> None:
    counted = parameters(small())
    attention = 64 * 64 + 2 * 64 * 32 + 64 * 64
    assert counted.embedding == counted.head == 6400
    assert counted.attention == 3 * attention
    assert counted.mlp == 3 * 3 * 64 * 128
    assert counted.norms == 7 * 64
    assert counted.total == counted.active == 12800 + 3 * (attention + 3 * 64 * 128) + 7 * 64
    assert counted.non_embedding == counted.total - 12800


def test_experts_that_are_not_visited_are_inactive() -> None:
    shared = {"shared_experts": 1, "shared_ffn": 48, "shared_gate": True, "router_bias": True}
    counted = parameters(small(mlp=None, moe=MOE | shared, layers={"body": [{"count": 3, "ffn": "moe"}]}))
    assert counted.experts == 3 * 8 * 3 * 64 * 32
    assert counted.shared_experts == 3 * (3 * 64 * 48 + 64)
    assert counted.router == 3 * 8 * 64
    assert counted.biases == 3 * 8
    assert counted.total - counted.active == 3 * 6 * 3 * 64 * 32


def test_latent_attention_by_hand() -> None:
    counted = parameters(small(attention=MLA | {"q_lora": 24}))
    q, kv, out = 24 * (64 + 4 * 24), 64 * (32 + 8) + 32 * 4 * (16 + 16), 4 * 16 * 64
    assert counted.attention == 3 * (q + kv + out)
    assert counted.norms == 7 * 64 + 3 * (24 + 32)


def test_mamba_by_hand() -> None:
    layers = {"body": [{"count": 2, "mixer": "linear"}, {"count": 1}]}
    counted = parameters(small(linear_attention=MAMBA | {"conv_bias": True}, layers=layers))
    inner, channels = 128, 128 + 2 * 2 * 32
    projections = 64 * (2 * inner + 2 * 2 * 32 + 8) + inner * 64
    assert counted.linear_attention == 2 * (projections + channels * 5 + 3 * 8)
    assert counted.norms == 7 * 64 + 2 * inner


def test_a_prediction_module_is_outside_the_total() -> None:
    plain, with_module = parameters(small()), parameters(small(mtp=1))
    assert with_module.total == plain.total
    layer = 64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 128
    assert with_module.mtp == 2 * 64 * 64 + 3 * 64 + 2 * 64 + layer
    assert flops(small(mtp=1), seq_len=10).mtp == 0
    assert flops(small(mtp=1), seq_len=10, include_mtp=True).mtp > 0


def test_layers_interleave_evenly() -> None:
    layers = {"prefix": [{"count": 1}], "body": [{"count": 6, "mixer": "linear"}, {"count": 2}]}
    order = small(linear_attention=MAMBA, layers=layers).order()
    assert [mixer for mixer, _ in order] == ["full", *["linear"] * 3, "full", *["linear"] * 3, "full"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"attention": {"heads": 4, "kv_heads": 3, "head_dim": 16}},
            "heads (4) is not a multiple of kv_heads (3)",
        ),
        ({"attention": {"heads": 4, "kv_heads": 2}}, "head_dim is missing"),
        (
            {"attention": {"heads": 4, "kv_heads": 2, "head_dim": 16, "chunked": True}},
            "chunked is set without window",
        ),
        (
            {"attention": {"heads": 4, "kv_heads": 2, "head_dim": 16, "kv_lora": 8}},
            "kv_lora belong to kind: mla",
        ),
        ({"attention": MLA | {"kv_lora": None}}, "kind mla needs kv_lora"),
        ({"attention": MLA | {"kv_heads": 1}}, "set kv_heads to 4"),
        ({"attention": MLA | {"head_dim": 16}}, "head_dim (16) is not qk_nope + qk_rope"),
        (
            {"attention": {"heads": 4, "kv_heads": 2, "head_dim": 16, "o_lora": 8}},
            "o_lora and o_groups belong together",
        ),
        (
            {"attention": {"heads": 4, "kv_heads": 2, "head_dim": 16, "cached_once": True}},
            "cached_once needs shared_kv",
        ),
        (
            {"attention": {"heads": 4, "kv_heads": 2, "head_dim": 16, "window": 8}},
            "a window is given but no layer",
        ),
        ({"attention": None}, "attention is missing"),
        ({"mlp": None}, "mlp is missing"),
        ({"moe": MOE}, "moe is given but no layer uses it"),
        ({"moe": MOE | {"top_k": 9}, "mlp": None}, "top_k (9) is more than experts (8)"),
        ({"moe": MOE | {"shared_gate": True}}, "without shared_experts"),
        (
            {"linear_attention": {"kind": "gdn", "value_heads": 4, "value_dim": 8}},
            "kind gdn needs key_heads, key_dim",
        ),
        ({"linear_attention": MAMBA | {"key_dim": 4}}, "key_dim do not belong to kind mamba2"),
        ({"linear_attention": MAMBA | {"groups": 3}}, "not a multiple of groups (3)"),
        ({"layers": {"body": [{"count": 1, "mixer": "none", "ffn": "none"}]}}, "needs a mixer or an ffn"),
        ({"layers": {"body": [{"count": 2, "mixer": "window"}]}}, "attention.window is missing"),
        ({"layers": {"body": []}}, "at least 1"),
        ({"layers": {"body": [{"count": 20_000}]}}, "10000"),
        ({"positions": "learned"}, "learned_positions is 0"),
        ({"learned_positions": 8}, "set positions: learned"),
        ({"hidden": 0}, "greater than or equal to 1"),
        ({"hidden": "64"}, "valid integer"),
        ({"hiden": 64}, "Extra inputs"),
    ],
)
def test_what_does_not_fit_is_named_with_its_mend(changes: dict[str, Any], said: str) -> None:
    assert said in complaint(**changes)


def test_all_mistakes_of_a_section_come_at_once() -> None:
    said = complaint(attention={"heads": 5, "kv_heads": 2, "chunked": True, "kv_lora": 4})
    for part in ("multiple of kv_heads", "chunked", "belong to kind: mla", "head_dim is missing"):
        assert part in said


def test_a_sequence_needs_a_token() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        flops(small(), seq_len=0)
