from __future__ import annotations

import json
from typing import Any

import pytest

from planner.errors import InputError
from planner.workload.counts import parameters
from planner.workload.hf_config import import_config, slug, supported

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "tie_word_embeddings": False,
}
GPT: dict[str, Any] = {"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
MLA = {
    "num_attention_heads": 16, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
    "v_head_dim": 128,
}  # fmt: skip

# (configuration, the parameters of the published checkpoint). The fields are those that the families publish.
PUBLISHED: dict[str, tuple[dict[str, Any], int]] = {
    "llama": (LLAMA, 8_030_261_248),
    "mistral": (LLAMA | {"model_type": "mistral", "vocab_size": 32000, "sliding_window": 4096},
    7_241_732_096),
    "mixtral": (
        LLAMA
        | {"model_type": "mixtral", "vocab_size": 32000, "num_local_experts": 8, "num_experts_per_tok": 2,
            "sliding_window": None},
        46_702_792_704,
    ),
    "qwen2": (
        {"model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28,
         "num_key_value_heads": 4, "intermediate_size": 18944, "vocab_size": 152064,
         "tie_word_embeddings": False,
         "use_sliding_window": False, "sliding_window": 131072, "max_window_layers": 28},
        7_615_616_512,
    ),
    "qwen2_moe": (
        {"model_type": "qwen2_moe", "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 16,
         "num_key_value_heads": 16, "intermediate_size": 5632, "moe_intermediate_size": 1408,
         "shared_expert_intermediate_size": 5632, "num_experts": 60, "num_experts_per_tok": 4,
         "decoder_sparse_step": 1, "vocab_size": 151936, "tie_word_embeddings": False},
        14_315_784_192,
    ),
    "qwen3_moe": (
        {"model_type": "qwen3_moe", "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32,
         "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 6144, "moe_intermediate_size": 768,
         "num_experts": 128, "num_experts_per_tok": 8, "decoder_sparse_step": 1, "mlp_only_layers": [],
         "vocab_size": 151936, "tie_word_embeddings": False, "attention_bias": False},
        30_532_122_624,
    ),
    "gemma2": (
        {"model_type": "gemma2", "hidden_size": 3584, "num_hidden_layers": 42, "num_attention_heads": 16,
         "num_key_value_heads": 8, "head_dim": 256, "intermediate_size": 14336, "vocab_size": 256000,
         "sliding_window": 4096},
        9_241_705_984,
    ),
    "gemma3_text": (
        {"model_type": "gemma3_text", "hidden_size": 1152, "num_hidden_layers": 26, "num_attention_heads": 4,
         "num_key_value_heads": 1, "head_dim": 256, "intermediate_size": 6912, "vocab_size": 262144,
         "sliding_window": 512, "sliding_window_pattern": 6},
        999_885_952,
    ),
    "gpt2": (GPT | {"model_type": "gpt2", "n_positions": 1024, "n_inner": None}, 124_439_808),
    "gpt_neox": (
        {"model_type": "gpt_neox", "hidden_size": 6144, "num_hidden_layers": 44, "num_attention_heads": 64,
         "intermediate_size": 24576, "vocab_size": 50432, "tie_word_embeddings": False,
         "use_parallel_residual": True},
        20_554_567_680,
    ),
    "gptj": (
        {"model_type": "gptj", "n_embd": 4096, "n_layer": 28, "n_head": 16, "vocab_size": 50400,
            "n_inner": None,
         "tie_word_embeddings": False},
        6_050_882_784,
    ),
    "bloom": (
        {"model_type": "bloom", "n_embed": None, "hidden_size": 14336, "n_layer": 70,
            "num_attention_heads": 112,
         "vocab_size": 250880},
        176_247_271_424,
    ),
    "opt": (
        {"model_type": "opt", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
            "ffn_dim": 16384,
         "vocab_size": 50272, "max_position_embeddings": 2048, "word_embed_proj_dim": 4096},
        6_658_473_984,
    ),
    "mpt": (
        {"model_type": "mpt", "d_model": 4096, "n_layers": 32, "n_heads": 32, "expansion_ratio": 4,
            "vocab_size": 50432,
         "no_bias": True, "attn_config": {"alibi": True}, "max_seq_len": 2048},
        6_649_286_656,
    ),
    "falcon": (
        {"model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32, "num_attention_heads": 71,
         "num_kv_heads": 71, "multi_query": True, "new_decoder_architecture": False, "parallel_attn": True,
         "bias": False,
         "alibi": False, "vocab_size": 65024},
        6_921_720_704,
    ),
    "phi": (
        {"model_type": "phi", "hidden_size": 2560, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 32, "intermediate_size": 10240, "vocab_size": 51200,
         "tie_word_embeddings": False},
        2_779_683_840,
    ),
    "phi3": (
        {"model_type": "phi3", "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40,
         "num_key_value_heads": 10, "intermediate_size": 17920, "vocab_size": 100352,
         "tie_word_embeddings": False,
         "sliding_window": None},
        14_659_507_200,
    ),
    "deepseek_v2": (
        {"model_type": "deepseek_v2", "hidden_size": 2048, "num_hidden_layers": 27,
            "intermediate_size": 10944,
         "moe_intermediate_size": 1408, "n_routed_experts": 64, "n_shared_experts": 2,
         "num_experts_per_tok": 6,
         "first_k_dense_replace": 1, "moe_layer_freq": 1, "q_lora_rank": None, "vocab_size": 102400,
         "tie_word_embeddings": False} | MLA,
        15_706_484_224,
    ),
    "gpt_oss": (
        {"model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 24, "num_attention_heads": 64,
         "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 2880, "num_local_experts": 32,
         "num_experts_per_tok": 4, "vocab_size": 201088, "sliding_window": 128, "attention_bias": True,
         "tie_word_embeddings": False},
        20_914_757_184,
    ),
    "olmo2": (
        {"model_type": "olmo2", "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40,
         "intermediate_size": 13824, "vocab_size": 100352, "tie_word_embeddings": False},
        13_716_198_400,
    ),
    "olmoe": (
        {"model_type": "olmoe", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 16,
         "intermediate_size": 1024, "num_experts": 64, "num_experts_per_tok": 8, "vocab_size": 50304,
         "tie_word_embeddings": False},
        6_919_161_856,
    ),
    "starcoder2": (
        {"model_type": "starcoder2", "hidden_size": 4608, "num_hidden_layers": 32, "num_attention_heads": 36,
         "num_key_value_heads": 4, "intermediate_size": 18432, "vocab_size": 49152, "sliding_window": 4096,
         "use_bias": True},
        7_173_923_840,
    ),
    "internlm2": (
        {"model_type": "internlm2", "hidden_size": 6144, "num_hidden_layers": 48, "num_attention_heads": 48,
         "num_key_value_heads": 8, "intermediate_size": 16384, "vocab_size": 92544, "bias": False,
         "tie_word_embeddings": False},
        19_861_149_696,
    ),
    "cohere": (
        {"model_type": "cohere", "hidden_size": 12288, "num_hidden_layers": 64, "num_attention_heads": 96,
         "num_key_value_heads": 8, "intermediate_size": 33792, "vocab_size": 256000, "use_qk_norm": True},
        103_810_674_688,
    ),
    "granite": (
        {"model_type": "granite", "hidden_size": 4096, "num_hidden_layers": 40, "num_attention_heads": 32,
         "num_key_value_heads": 8, "intermediate_size": 12800, "vocab_size": 49155,
         "tie_word_embeddings": True},
        8_170_848_256,
    ),
    "dbrx": (
        {"model_type": "dbrx", "d_model": 6144, "n_layers": 40, "n_heads": 48, "vocab_size": 100352,
         "attn_config": {"kv_n_heads": 8},
         "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4},
         "tie_word_embeddings": False},
        131_596_523_520,
    ),
    "smollm3": (
        {"model_type": "smollm3", "hidden_size": 2048, "num_hidden_layers": 36, "num_attention_heads": 16,
         "num_key_value_heads": 4, "intermediate_size": 11008, "vocab_size": 128256},
        3_075_098_624,
    ),
}  # fmt: skip


def imported(config: dict[str, Any], **options: Any) -> Any:
    return import_config(json.dumps(config), **options).record.architecture


@pytest.mark.parametrize("family", PUBLISHED)
def test_a_family_is_read_to_its_published_size(family: str) -> None:
    config, total = PUBLISHED[family]
    result = import_config(json.dumps(config))
    assert parameters(result.record.architecture).total == total
    assert result.notes == ()


def hybrid(**changes: Any) -> dict[str, Any]:
    return {
        "model_type": "qwen3_next", "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 16,
        "num_key_value_heads": 2, "head_dim": 256, "intermediate_size": 5120, "moe_intermediate_size": 512,
        "shared_expert_intermediate_size": 512, "num_experts": 512, "num_experts_per_tok": 10,
        "decoder_sparse_step": 1,
        "full_attention_interval": 4, "linear_num_key_heads": 16, "linear_key_head_dim": 128,
        "linear_num_value_heads": 32, "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4,
        "vocab_size": 151936,
        "tie_word_embeddings": False,
    } | changes  # fmt: skip


def test_hybrids_name_their_linear_layers() -> None:
    a = imported(hybrid())
    assert (a.count(mixer="linear"), a.count(mixer="full")) == (36, 12)
    assert a.linear_attention is not None
    assert a.linear_attention.kind == "gdn"
    assert a.attention.output_gate == "element"
    assert parameters(a).total == pytest.approx(80e9, rel=0.005)


def test_a_pattern_of_blocks_is_read() -> None:
    a = imported(
        {"model_type": "nemotron_h", "hidden_size": 2688, "hybrid_override_pattern": "ME*EM",
            "num_attention_heads": 32,
         "num_key_value_heads": 2, "head_dim": 128, "mamba_num_heads": 64, "mamba_head_dim": 64,
         "ssm_state_size": 128,
         "n_groups": 8, "conv_kernel": 4, "use_conv_bias": True, "n_routed_experts": 128,
         "num_experts_per_tok": 6,
         "moe_intermediate_size": 1856, "moe_shared_expert_intermediate_size": 3712, "n_shared_experts": 1,
         "vocab_size": 131072, "tie_word_embeddings": False, "time_step_limit": [0.0, float("inf")]}
    )  # fmt: skip
    assert [a.count(mixer=m) for m in ("linear", "full", "none")] == [2, 1, 2]
    assert a.count(ffn="moe") == 2
    assert not a.moe.gated


def test_layers_of_two_kinds_of_attention() -> None:
    a = imported(
        {"model_type": "gemma4", "text_config": {
            "model_type": "gemma4_text", "hidden_size": 5376, "num_hidden_layers": 6,
            "num_attention_heads": 32,
            "num_key_value_heads": 16, "num_global_key_value_heads": 4, "head_dim": 256,
            "global_head_dim": 512,
            "attention_k_eq_v": True, "intermediate_size": 21504, "sliding_window": 1024, "num_experts": None,
            "layer_types": ["sliding_attention"] * 5 + ["full_attention"], "vocab_size": 262144}}
    )  # fmt: skip
    assert (a.attention.head_dim, a.attention.kv_heads, a.attention.shared_kv) == (512, 4, True)
    assert (a.window_attention.head_dim, a.window_attention.kv_heads, a.window_size) == (256, 16, 1024)
    assert a.moe is None


def test_chunks_and_alternating_experts() -> None:
    a = imported(
        {"model_type": "llama4_text", "hidden_size": 5120, "num_hidden_layers": 48, "num_attention_heads": 40,
         "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 8192, "intermediate_size_mlp": 16384,
         "num_local_experts": 128, "num_experts_per_tok": 1, "interleave_moe_layer_step": 2,
         "attention_chunk_size": 8192, "vocab_size": 202048}
    )  # fmt: skip
    assert (a.count(mixer="window"), a.count(ffn="moe")) == (36, 24)
    assert a.attention.chunked
    assert parameters(a).total == pytest.approx(400.7e9, rel=0.001)


def test_a_multi_modal_configuration_is_read_from_its_text_part() -> None:
    result = import_config(
        json.dumps({"model_type": "llava", "vision_config": {"hidden_size": 1}, "text_config": LLAMA})
    )
    assert parameters(result.record.architecture).total == 8_030_261_248
    assert "text_config" in result.notes[0]
    assert "not counted" in (result.record.note or "")


def test_fields_that_may_change_counts_are_named() -> None:
    notes = import_config(
        json.dumps(LLAMA | {"altup_num_inputs": 4, "num_kv_shared_layers": 8, "rope_theta": 5e5})
    ).notes
    assert notes == ("Not read, and may change the counts: num_kv_shared_layers.",)


def test_names_and_ids() -> None:
    record = import_config(json.dumps(LLAMA | {"_name_or_path": "someone/My Model v1.5"})).record
    assert (record.id, record.name) == ("my-model-v1.5", "My Model v1.5")
    assert import_config(json.dumps(LLAMA)).record.id == "llama-8.03b"
    assert import_config(LLAMA, record_id="mine", name="Mine").record.name == "Mine"
    assert slug("/// Ünter--") == "nter"


def test_an_unknown_type_lists_what_is_supported() -> None:
    with pytest.raises(InputError) as caught:
        import_config('{"model_type": "lama"}')
    said = str(caught.value)
    assert "'lama' is not supported. Did you mean 'llama'" in said
    assert all(name in said for name in supported())
    assert "record" in said


def test_all_mistakes_come_at_once() -> None:
    broken = LLAMA | {
        "hidden_size": "4096",
        "num_attention_heads": None,
        "vocab_size": -1,
        "intermediate_size": [1, 2],
    }
    del broken["num_hidden_layers"]
    with pytest.raises(InputError) as caught:
        import_config(json.dumps(broken), where="here.json")
    said = str(caught.value)
    for part in (
        "here.json: hidden_size: must be a whole number, found text",
        "here.json: num_attention_heads: is missing; add it",
        "here.json: vocab_size: must lie within 1",
        "here.json: intermediate_size: must be a whole number, found a list",
        "here.json: num_hidden_layers: is missing",
    ):
        assert part in said
    assert len(caught.value.mistakes) == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[1]", "a list, not an object"),
        ("null", "null, not an object"),
        ("3", "a number, not an object"),
        ('{"a": 1, "a": 2}', "twice"),
        ("{" * 5, "not JSON"),
        ('{"a": ' + "[" * 200_000 + "]" * 200_000 + "}", "nested too deeply"),
        ('{"a": ' + "[" * 80 + "]" * 80 + "}", "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "5000 digits"),
        ('{"a": "' + "x" * 4_000_001 + '"}', "too large"),
        (b"\xff\xfe{}", "not UTF-8"),
        ("{}", "model_type: is missing"),
        ('{"model_type": ["llama"]}', "model_type: is missing or not text"),
        ('{"model_type": "' + "l" * 3_000_000 + '"}', "not supported"),
        ('{"model_type": "llama", "hidden_size": NaN}', "hidden_size: must be a whole number, found nan"),
        ('{"model_type": "llama", "hidden_size": 1e999}', "hidden_size: must be a whole number, found inf"),
        ('{"model_type": "llama", "hidden_size": 4000000000}', "hidden_size: must lie within"),
        ('{"model_type": "llama", "hidden_size": true}', "hidden_size: must be a whole number, found True"),
        ('{"model_type": "llama", "num_hidden_layers": 2000000000}', "more than 10000 layers"),
    ],
)
def test_hostile_json_is_answered(text: str | bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        import_config(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 5000


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layer_types": "all"}, "layer_types must be a list"),
        ({"layer_types": ["full_attention"] * 3}, "one item per layer (48), found 3 items"),
        ({"layer_types": ["mystery"] * 48}, "'mystery', which planner does not know"),
        ({"layer_types": [{}] * 48}, "which planner does not know"),
        ({"full_attention_interval": 0}, "full_attention_interval must be at least 1"),
        ({"full_attention_interval": "4"}, "full_attention_interval must be a whole number"),
        ({"mlp_only_layers": 3}, "mlp_only_layers must be a list"),
        ({"num_key_value_heads": 3}, "heads (16) is not a multiple of kv_heads (3)"),
        ({"num_experts_per_tok": 1000}, "top_k (1000) is more than experts (512)"),
        ({"tie_word_embeddings": "no"}, "tie_word_embeddings: must be true or false"),
    ],
)
def test_a_wrong_layout_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        import_config(json.dumps(hybrid(**changes)))
    assert said in str(caught.value)
