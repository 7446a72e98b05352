"""What an imported configuration says about serving: context and quantisation."""

from __future__ import annotations

from typing import Any

import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.catalog.strict_yaml import parse_yaml
from planner.errors import InputError
from planner.workload.hf_config import import_config
from planner.workload.kinds import FORMAT, MODEL
from planner.workload.record import ModelRecord, to_yaml

CATALOG = Catalog()
LLAMA: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": False,
}  # fmt: skip


def imported(**changes: Any) -> ModelRecord:
    return import_config(LLAMA | changes).record


def group(kind: str, bits: int, *, inputs: Any = None, **weights: Any) -> dict[str, Any]:
    return {"group_0": {"weights": {"type": kind, "num_bits": bits, **weights}, "input_activations": inputs}}


def compressed(groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"quant_method": "compressed-tensors", "config_groups": groups, **more}


SPARED = ["lm_head", "re:.*self_attn.*"]
# quantization_config as published -> (checkpoint, what requested formats mean)
QUANTISED: list[tuple[dict[str, Any], str, dict[str, str]]] = [
    ({"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic"},
     "fp8-block", {"fp8": "fp8-block"}),
    ({"quant_method": "fp8", "activation_scheme": "static"}, "fp8", {}),
    ({"quant_method": "fp8", "activation_scheme": "dynamic"}, "fp8-dynamic", {"fp8": "fp8-dynamic"}),
    ({"quant_method": "mxfp4", "modules_to_not_convert": SPARED}, "mxfp4", {"nvfp4": "mxfp4"}),
    ({"quant_method": "awq", "bits": 4, "group_size": 128}, "int4", {}),
    ({"quant_method": "awq", "w_bit": 4}, "int4", {}),
    ({"quant_method": "gptq", "bits": 4, "group_size": 32}, "int4", {}),
    ({"quant_method": "gptq", "bits": 8}, "int8", {}),
    ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "int4", {}),
    ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8", {}),
    ({"quant_method": "modelopt", "quant_algo": "FP8", "ignore": ["lm_head"]}, "fp8", {}),
    ({"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head"]}, "nvfp4", {}),
    ({"quant_method": "modelopt", "quant_algo": "NVFP4", "exclude_modules": SPARED},
     "nvfp4-moe", {"nvfp4": "nvfp4-moe"}),
    (compressed(group("int", 4, strategy="group"), ignore=SPARED), "int4-moe", {"int4": "int4-moe"}),
    (compressed(group("int", 4), ignore=["lm_head"]), "int4", {}),
    (compressed(group("int", 8)), "int8", {}),
    (compressed(group("float", 4), format="mxfp4-pack-quantized"), "mxfp4", {"nvfp4": "mxfp4"}),
    (compressed(group("float", 4), format="nvfp4-pack-quantized"), "nvfp4", {}),
    (compressed(group("float", 8, inputs={"dynamic": True})), "fp8-dynamic", {"fp8": "fp8-dynamic"}),
    (compressed(group("float", 8, inputs={"dynamic": False})), "fp8", {}),
    (compressed(group("float", 8, strategy="block")), "fp8-block", {"fp8": "fp8-block"}),
]  # fmt: skip


@pytest.mark.parametrize(("quantised", "checkpoint", "formats"), QUANTISED)
def test_a_quantised_checkpoint_is_recognised(
    quantised: dict[str, Any], checkpoint: str, formats: dict[str, str]
) -> None:
    record = imported(quantization_config=quantised)
    assert (record.checkpoint, record.formats) == (checkpoint, formats)
    assert {checkpoint, *formats, *formats.values()} <= set(CATALOG.ids(FORMAT))


def test_experts_of_four_bits_beside_blocks_of_eight() -> None:
    block = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    record = imported(quantization_config=block, expert_dtype="fp4")
    assert record.checkpoint == "fp8-block-mxfp4"


@pytest.mark.parametrize(
    "quantised",
    [
        {"quant_method": "quip"},
        {"quant_method": "gptq", "bits": 3},
        {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"},
        {"quant_method": "compressed-tensors", "config_groups": []},
        compressed({**group("int", 4), "group_1": {"weights": {"type": "float", "num_bits": 8}}}),
        compressed(group("int", 8, inputs={"dynamic": True})),
        {},
        "fp8",
        [1, 2],
        {"quant_method": {"deep": []}, "bits": "4"},
    ],
)
def test_what_is_not_read_is_said(quantised: Any) -> None:
    found = import_config(LLAMA | {"quantization_config": quantised})
    assert (found.record.checkpoint, found.record.formats) == (None, {})
    assert any("quantization_config is of a kind that is not read" in note for note in found.notes)


def test_a_plain_checkpoint_has_no_format_and_no_note() -> None:
    found = import_config(LLAMA)
    assert (found.record.checkpoint, found.record.formats, found.record.context) == (None, {}, None)
    assert found.notes == ()


def rope(kind: str, factor: Any, original: Any = None) -> dict[str, Any]:
    scaled = {"rope_type": kind, "factor": factor}
    return scaled if original is None else scaled | {"original_max_position_embeddings": original}


@pytest.mark.parametrize(
    ("longest", "scaling", "context"),
    [
        (8192, None, 8192),
        (131072, rope("llama3", 8.0, 8192), 131072),
        (163840, rope("yarn", 40, 4096), 163840),
        (32768, rope("yarn", 4.0, 32768), 131072),
        (40960, rope("yarn", 4.0, 32768), 131072),
        (4096, rope("linear", 4.0), 16384),
        (4096, rope("dynamic", 2.0), 8192),
        (4096, {"type": "yarn", "factor": 2}, 8192),
        (131072, rope("longrope", 32.0, 4096), 131072),
        (4096, rope("yarn", float("inf")), 4096),
        (4096, rope("yarn", 1e30), 4096),
        (4096, rope("yarn", "4"), 4096),
        (4096, rope("yarn", True), 4096),
        (4096, rope("yarn", 4, -1), 4096),
        (4096, ["yarn"], 4096),
        (4096, rope(["yarn"], 4), 4096),
    ],
)
def test_context_counts_rotary_scaling(longest: int, scaling: Any, context: int) -> None:
    record = imported(max_position_embeddings=longest, rope_scaling=scaling)
    assert record.context is not None
    assert record.context.value == context
    assert bool(record.context.note) == (context != longest or longest == 163840)


def test_a_broken_context_is_one_of_the_mistakes() -> None:
    with pytest.raises(InputError) as caught:
        import_config(LLAMA | {"max_position_embeddings": -1, "vocab_size": "many"}, where="c.json")
    assert set(caught.value.mistakes) == {
        "c.json: max_position_embeddings: must lie within 1 and 2147483648, found -1",
        "c.json: vocab_size: must be a whole number, found text",
    }


def test_context_and_formats_survive_being_written() -> None:
    for record in (
        imported(
            max_position_embeddings=163840,
            rope_scaling=rope("yarn", 40, 4096),
            quantization_config={"quant_method": "fp8", "weight_block_size": [128, 128]},
        ),
        *(CATALOG.get(MODEL, name) for name in ("deepseek-v3", "qwen3-235b-a22b", "kimi-k2.5")),
    ):
        assert record.context is not None
        assert record.formats
        read = ModelRecord.model_validate(parse_yaml(to_yaml(record).encode(), "record").data)
        assert read == record


# Read in the published configurations.
@pytest.mark.parametrize(
    ("model", "context"),
    [("llama-3.1-405b", 131072), ("deepseek-r1", 163840), ("qwen3-32b", 40960), ("mixtral-8x7b", 32768),
     ("gpt-oss-120b", 131072), ("kimi-k2.5", 262144), ("llama-2-70b", 4096), ("gpt2", 1024)],
)  # fmt: skip
def test_contexts_as_published(model: str, context: int) -> None:
    found = CATALOG.get(MODEL, model).context
    assert found is not None
    assert found.value == context


def test_superchips_have_arm_hosts() -> None:
    arm = {a.id for a in CATALOG.all(ACCELERATOR) if a.host.cpu == "arm"}
    assert arm == {"gh200", "gh200-144gb", "gb200", "gb300", "vr200", "vr300"}
