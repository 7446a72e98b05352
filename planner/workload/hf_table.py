"""What each Hugging Face ``model_type`` calls its dimensions, and what its code fixes without saying.

Source of every entry: the configuration and modelling files of the family in Hugging Face Transformers, or in
the model's own repository (recalled, checked by the parameter totals of published checkpoints in the tests).
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.workload.hf_families import CountOf, Family, When, family

__all__ = ["FAMILIES", "WRAPPERS"]

_BIAS = {
    "attention.qkv_bias": "attention_bias",
    "attention.out_bias": "attention_bias",
    "mlp.bias": "mlp_bias",
}
_MLA = {
    "attention.kv_heads": "num_attention_heads",
    "attention.head_dim": (),
    "attention.v_head_dim": "v_head_dim",
    "attention.q_lora": "q_lora_rank",
    "attention.kv_lora": "kv_lora_rank",
    "attention.qk_rope": "qk_rope_head_dim",
    "attention.qk_nope": "qk_nope_head_dim",
    "moe.shared_experts": ("n_shared_experts", "num_shared_experts"),
}
_INDEXER = {"indexer.heads": "index_n_heads", "indexer.dim": "index_head_dim", "indexer.top_k": "index_topk"}
_GPT = {
    "positions": "learned",
    "norms": "layer",
    "tied_embeddings": True,
    "mlp.gated": False,
    "mlp.bias": True,
    "attention.qkv_bias": True,
    "attention.out_bias": True,
}
_GDN = {
    "linear_attention.key_heads": "linear_num_key_heads",
    "linear_attention.key_dim": "linear_key_head_dim",
    "linear_attention.value_heads": "linear_num_value_heads",
    "linear_attention.value_dim": "linear_value_head_dim",
    "linear_attention.conv": "linear_conv_kernel_dim",
}

LLAMA = family(read=_BIAS)
MISTRAL = family(mixers=("all-window",))
QWEN2 = family(fixed={"attention.qkv_bias": True}, mixers=("layer_types", "max_window_layers"))
QWEN3 = family(read=_BIAS, fixed={"attention.qk_norm": "head"}, mixers=("layer_types", "max_window_layers"))
MOE = ("attention", "mlp", "moe")
DEEPSEEK_V2 = family(read=_MLA, fixed={"attention.kind": "mla"}, parts=MOE, ffns=("first_k_dense",))
DEEPSEEK_V3 = family(DEEPSEEK_V2, fixed={"moe.router_bias": True}, ffns=("mlp_layer_types", "first_k_dense"))
DEEPSEEK_V32 = family(DEEPSEEK_V3, read=_INDEXER, parts=(*MOE, "indexer"))
QWEN_MOE_FFNS = ("decoder_sparse_step",)
QWEN3_MOE = family(QWEN3, parts=MOE, ffns=QWEN_MOE_FFNS)
_SHARED = {
    "moe.shared_experts": When("shared_expert_intermediate_size", 1),
    "moe.shared_ffn": "shared_expert_intermediate_size",
    "moe.shared_gate": When("shared_expert_intermediate_size", True),
}
QWEN3_5 = family(
    QWEN3,
    read=_GDN,
    fixed={"attention.output_gate": "element", "linear_attention.kind": "gdn"},
    mixers=("layer_types", "full_attention_interval"),
    parts=("attention", "mlp", "linear_attention"),
)
QWEN3_NEXT = family(QWEN3_5, read=_SHARED, parts=(*MOE, "linear_attention"), ffns=QWEN_MOE_FFNS)
GEMMA = family(fixed={"tied_embeddings": True}, read=_BIAS)
GEMMA2 = family(GEMMA, fixed={"norms_per_block": 2}, mixers=("layer_types", "alternate"))
GEMMA3 = family(GEMMA2, fixed={"attention.qk_norm": "head"}, mixers=("layer_types", "sliding_window_pattern"))
GEMMA4 = family(
    GEMMA3,
    read={
        "attention.head_dim": ("global_head_dim", "head_dim"),
        "attention.window": (),
        "attention.kv_heads": ("num_global_key_value_heads", "num_key_value_heads"),
        "attention.shared_kv": "attention_k_eq_v",
        "window_attention.heads": "num_attention_heads",
        "window_attention.kv_heads": "num_key_value_heads",
        "window_attention.head_dim": "head_dim",
        "window_attention.window": "sliding_window",
        "moe.top_k": "top_k_experts",
        "moe.shared_experts": When("enable_moe_block", 1),
        "moe.shared_ffn": "intermediate_size",
    },
    fixed={"window_attention.qk_norm": "head"},
    parts=(*MOE, "window_attention"),
    note="Where there are experts, the dense MLP beside them is counted as a shared expert.",
)
GLM4_MOE = family(
    read={
        "attention.qkv_bias": "attention_bias",
        "attention.qk_norm": When("use_qk_norm", "head"),
        "moe.shared_experts": "n_shared_experts",
    },
    fixed={"moe.router_bias": True},
    parts=MOE,
    ffns=("first_k_dense",),
)
NEMOTRON_H = family(
    read={
        "linear_attention.value_heads": "mamba_num_heads",
        "linear_attention.value_dim": "mamba_head_dim",
        "linear_attention.state": "ssm_state_size",
        "linear_attention.groups": "n_groups",
        "linear_attention.conv": "conv_kernel",
        "linear_attention.conv_bias": "use_conv_bias",
        "moe.shared_experts": "n_shared_experts",
        "moe.shared_ffn": "moe_shared_expert_intermediate_size",
        "moe.latent": "moe_latent_size",
        "depth": ("num_hidden_layers",),
        "attention.window": (),
        "attention.qkv_bias": "attention_bias",
        "attention.out_bias": "attention_bias",
        "mlp.bias": "mlp_bias",
    },
    fixed={
        "linear_attention.kind": "mamba2",
        "mlp.gated": False,
        "moe.gated": False,
        "moe.router_bias": True,
        "positions": "none",
    },
    mixers=("blocks",),
    parts=(*MOE, "linear_attention"),
)
KIMI_LINEAR = family(
    DEEPSEEK_V3,
    read={
        "linear_attention.value_heads": "linear_attn_config.num_heads",
        "linear_attention.key_heads": "linear_attn_config.num_heads",
        "linear_attention.value_dim": "linear_attn_config.head_dim",
        "linear_attention.key_dim": "linear_attn_config.head_dim",
        "linear_attention.conv": "linear_attn_config.short_conv_kernel_size",
        "linear_attention.full_rank_gate": "linear_attn_config.use_full_rank_gate",
        "attention.output_gate": When("mla_use_output_gate", "element"),
        "moe.latent": "routed_expert_hidden_size",
    },
    fixed={"linear_attention.kind": "kda"},
    mixers=("kda_layers",),
    parts=(*MOE, "linear_attention"),
)
_V4 = {
    "q_lora": "q_lora_rank",
    "o_lora": "o_lora_rank",
    "o_groups": "o_groups",
    "window": "sliding_window",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
}
_V4_FIXED = {"sinks": True, "shared_kv": True, "cached_once": True}
DEEPSEEK_V4 = family(
    read={f"{part}.{name}": key for part in ("attention", "window_attention") for name, key in _V4.items()}
    | _INDEXER
    | {"moe.shared_experts": "n_shared_experts"},
    fixed={
        f"{part}.{name}": value
        for part in ("attention", "window_attention")
        for name, value in _V4_FIXED.items()
    }
    | {
        "attention.compression": {"ratio": 4, "overlap": True},
        "window_attention.compression": {"ratio": 128},
        "moe.router_bias": True,
    },
    mixers=("compress_ratios",),
    parts=("attention", "moe", "indexer", "window_attention"),
    note="The sparsely attending layers are the full ones here; the densely pooled ones, and those that "
    "only see their window, are the window ones. Hyper-connections are not counted.",
)
GPT2 = family(
    fixed={**_GPT, "mlp.expansion": 4}, read={"learned_positions": ("n_positions", "max_position_embeddings")}
)
OLMO2 = family(fixed={"attention.qk_norm": "full"}, read=_BIAS, mixers=("layer_types",))
COHERE = family(
    read={
        "attention.qk_norm": When("use_qk_norm", "full"),
        "attention.qkv_bias": "attention_bias",
        "attention.out_bias": "attention_bias",
    },
    fixed={"norms": "layer-no-bias", "parallel_block": True, "tied_embeddings": True},
    mixers=("layer_types", "sliding_window_pattern"),
)

FAMILIES: Mapping[str, Family] = {
    "llama": LLAMA,
    "arcee": family(LLAMA, fixed={"mlp.gated": False}),
    "granite": LLAMA,
    "seed_oss": LLAMA,
    "aquila": LLAMA,
    "exaone4": family(fixed={"attention.qk_norm": "head"}, mixers=("layer_types",)),
    "smollm3": family(LLAMA, fixed={"tied_embeddings": True}),
    "internlm2": family(read={"attention.qkv_bias": "bias", "attention.out_bias": "bias"}),
    "internlm3": family(
        read={"attention.qkv_bias": "qkv_bias", "attention.out_bias": "bias", "mlp.bias": "bias"}
    ),
    "internlm": family(
        read={
            "attention.qkv_bias": When("bias", True, default=True),
            "attention.out_bias": When("bias", True, default=True),
        }
    ),
    "baichuan": family(),
    "mistral": MISTRAL,
    "ministral": family(mixers=("layer_types", "all-window")),
    "mistral3": MISTRAL,
    "mixtral": family(MISTRAL, read={"moe.ffn": "intermediate_size"}, parts=("attention", "moe")),
    "phi3": family(mixers=("all-window",)),
    "phi": family(
        fixed={
            **_GPT,
            "positions": "rope",
            "tied_embeddings": False,
            "parallel_block": True,
            "head_bias": True,
        }
    ),
    "qwen2": QWEN2,
    "qwen2_moe": family(QWEN2, read=_SHARED, parts=MOE, ffns=QWEN_MOE_FFNS),
    "qwen3": QWEN3,
    "qwen3_vl_text": QWEN3,
    "qwen3_moe": QWEN3_MOE,
    "qwen3_vl_moe_text": QWEN3_MOE,
    "qwen3_next": QWEN3_NEXT,
    "qwen3_5_text": QWEN3_5,
    "qwen3_5_moe_text": QWEN3_NEXT,
    "gemma": GEMMA,
    "gemma2": GEMMA2,
    "gemma3_text": GEMMA3,
    "gemma4_text": GEMMA4,
    "gpt2": GPT2,
    "gpt_bigcode": family(GPT2, read={"attention.kv_heads": When("multi_query", 1, default=True)}),
    "gpt_neox": family(
        fixed={**_GPT, "positions": "rope", "tied_embeddings": False, "parallel_norms": 2},
        read={"parallel_block": When("use_parallel_residual", True, default=True)},
    ),
    "gptj": family(
        fixed={
            **_GPT,
            "positions": "rope",
            "tied_embeddings": False,
            "parallel_block": True,
            "head_bias": True,
            "attention.qkv_bias": False,
            "attention.out_bias": False,
            "mlp.expansion": 4,
        }
    ),
    "bloom": family(fixed={**_GPT, "mlp.expansion": 4, "positions": "alibi", "embedding_norm": True}),
    "opt": family(
        GPT2, fixed={"learned_positions.extra": 2}, read={"learned_positions": "max_position_embeddings"}
    ),
    "mpt": family(
        fixed={
            "mlp.gated": False,
            "norms": "layer",
            "tied_embeddings": True,
            "positions": "learned",
            "mlp.expansion": 4,
        },
        read={
            "norms": When("no_bias", "layer-no-bias"),
            "positions": When("attn_config.alibi", "alibi"),
            "attention.kv_heads": "attn_config.kv_n_heads",
            "mlp.expansion": "expansion_ratio",
            "attention.qkv_bias": When("no_bias", True, negate=True),
            "attention.out_bias": When("no_bias", True, negate=True),
            "mlp.bias": When("no_bias", True, negate=True),
            "learned_positions": "max_seq_len",
        },
    ),
    "dbrx": family(
        fixed={"norms": "layer-no-bias"},
        parts=("attention", "moe"),
        read={
            "attention.kv_heads": "attn_config.kv_n_heads",
            "moe.ffn": "ffn_config.ffn_hidden_size",
            "moe.experts": "ffn_config.moe_num_experts",
            "moe.top_k": "ffn_config.moe_top_k",
        },
    ),
    "falcon": family(
        fixed={"norms": "layer", "mlp.gated": False, "tied_embeddings": True, "mlp.expansion": 4},
        read={
            "attention.kv_heads": (
                When("new_decoder_architecture", use="num_kv_heads"),
                "n_head_kv",
                When("multi_query", 1),
            ),
            "parallel_block": When("parallel_attn", True, default=True),
            "parallel_norms": ("num_ln_in_parallel_attn", When("new_decoder_architecture", 2)),
            "positions": When("alibi", "alibi"),
            "attention.qkv_bias": "bias",
            "attention.out_bias": "bias",
            "mlp.bias": "bias",
        },
    ),
    "deepseek_v2": DEEPSEEK_V2,
    "deepseek_v3": DEEPSEEK_V3,
    "kimi_k2": DEEPSEEK_V3,
    "deepseek_v32": DEEPSEEK_V32,
    "deepseek_v4": DEEPSEEK_V4,
    "glm_moe_dsa": family(DEEPSEEK_V32, read={"indexer.layers": CountOf("indexer_types", "full")}),
    "kimi_linear": KIMI_LINEAR,
    "glm4": family(read={"attention.qkv_bias": "attention_bias"}, fixed={"norms_per_block": 2}),
    "glm": family(read={"attention.qkv_bias": "attention_bias"}),
    "glm4_moe": GLM4_MOE,
    "gpt_oss": family(
        read={
            "moe.ffn": "intermediate_size",
            "moe.top_k": ("num_experts_per_tok", "experts_per_token"),
            "attention.qkv_bias": When("attention_bias", True, default=True),
            "attention.out_bias": When("attention_bias", True, default=True),
        },
        fixed={"attention.sinks": True, "moe.bias": True, "moe.router_bias": True},
        mixers=("layer_types", "alternate"),
        parts=("attention", "moe"),
    ),
    "llama4_text": family(
        read={
            "moe.ffn": "intermediate_size",
            "mlp.ffn": "intermediate_size_mlp",
            "attention.window": "attention_chunk_size",
            "attention.qkv_bias": "attention_bias",
            "attention.out_bias": "attention_bias",
        },
        fixed={"moe.shared_experts": 1, "attention.chunked": True},
        mixers=("layer_types", "no_rope_layers"),
        ffns=("moe_layers", "interleave_moe_layer_step"),
        parts=MOE,
    ),
    "minimax_m2": family(
        read={
            "moe.ffn": "intermediate_size",
            "attention.qk_norm": When("use_qk_norm", "full"),
            "moe.router_bias": "use_routing_bias",
            "mtp": (),
        },
        parts=("attention", "moe"),
        note="The multi-token-prediction modules of the configuration are not in the published weights and "
        "not counted.",
    ),
    "nemotron": family(read=_BIAS, fixed={"norms": "layer", "mlp.gated": False}),
    "nemotron_h": NEMOTRON_H,
    "granitemoe": family(LLAMA, read={"moe.ffn": "intermediate_size"}, parts=("attention", "moe")),
    "olmo": family(LLAMA, fixed={"norms": "none"}),
    "olmo2": OLMO2,
    "olmo3": OLMO2,
    "olmoe": family(OLMO2, read={"moe.ffn": "intermediate_size"}, parts=("attention", "moe")),
    "starcoder2": family(
        fixed={"norms": "layer", "mlp.gated": False, "tied_embeddings": True},
        mixers=("all-window",),
        read={
            part: When("use_bias", True, default=True)
            for part in ("attention.qkv_bias", "attention.out_bias", "mlp.bias")
        },
    ),
    "cohere": COHERE,
    "cohere2": COHERE,
    "mimo": family(QWEN2, read={"attention.qkv_bias": "attention_bias"}),
    "mimo_v2_flash": family(
        read={
            "attention.v_head_dim": "v_head_dim",
            "window_attention.heads": "swa_num_attention_heads",
            "attention.window": (),
            "window_attention.kv_heads": "swa_num_key_value_heads",
            "window_attention.head_dim": "swa_head_dim",
            "window_attention.v_head_dim": "swa_v_head_dim",
            "window_attention.window": "sliding_window",
            "window_attention.sinks": "add_swa_attention_sink_bias",
            "attention.sinks": "add_full_attention_sink_bias",
            "moe.shared_experts": "n_shared_experts",
        },
        fixed={"moe.router_bias": True},
        mixers=("hybrid_layer_pattern",),
        ffns=("first_k_dense",),
        parts=(*MOE, "window_attention"),
    ),
}
"""model_type -> how to read it."""

WRAPPERS: Mapping[str, str] = {
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
    "llama4": "llama4_text",
    "gemma3": "gemma3_text",
    "gemma4": "gemma4_text",
}
"""Multi-modal types whose text model has a type of its own."""
