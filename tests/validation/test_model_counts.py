"""Counts against numbers that the makers of models published, and against arithmetic done another way."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from planner.catalog.load import Catalog
from planner.workload import MODEL
from planner.workload.architecture import Architecture
from planner.workload.cache import cache_bytes, kv_bytes_per_token, state_bytes_per_sequence
from planner.workload.counts import parameters
from planner.workload.flops import flops
from planner.workload.record import ModelRecord

ROOT = Path(__file__).parents[2]


@functools.cache
def catalog() -> Catalog:
    return Catalog(root=ROOT)


@functools.cache
def models() -> tuple[ModelRecord, ...]:
    return catalog().all(MODEL)


def architecture(name: str) -> Architecture:
    return catalog().get(MODEL, name).architecture


# Parameters of the published checkpoint as Hugging Face prints them from its safetensors headers.
EXACT = {
    "llama-3-8b": 8_030_261_248,
    "llama-3-70b": 70_553_706_496,
    "llama-3.1-405b": 405_853_388_800,
    "llama-3.2-1b": 1_235_814_400,
    "llama-3.2-3b": 3_212_749_824,
    "llama-2-7b": 6_738_415_616,
    "llama-2-13b": 13_015_864_320,
    "llama-2-70b": 68_976_648_192,
    "codellama-34b": 33_743_970_304,
    "tinyllama-1.1b": 1_100_048_384,
    "mistral-7b": 7_241_732_096,
    "mistral-nemo-12b": 12_247_782_400,
    "mistral-small-24b": 23_572_403_200,
    "mistral-large-123b": 122_610_069_504,
    "ministral-8b": 8_019_808_256,
    "codestral-22b": 22_247_282_688,
    "mixtral-8x7b": 46_702_792_704,
    "mixtral-8x22b": 140_620_634_112,
    "qwen2.5-0.5b": 494_032_768,
    "qwen2.5-1.5b": 1_543_714_304,
    "qwen2.5-3b": 3_085_938_688,
    "qwen2.5-7b": 7_615_616_512,
    "qwen2.5-14b": 14_770_033_664,
    "qwen2.5-32b": 32_763_876_352,
    "qwen2.5-72b": 72_706_203_648,
    "qwen3-8b": 8_190_735_360,
    "qwen3-14b": 14_768_307_200,
    "qwen3-32b": 32_762_123_264,
    "qwen3-30b-a3b": 30_532_122_624,
    "qwen3-235b-a22b": 235_093_634_560,
    "qwen1.5-moe-a2.7b": 14_315_784_192,
    "gpt-oss-20b": 20_914_757_184,
    "gpt-oss-120b": 116_829_156_672,
    "gemma-2b": 2_506_172_416,
    "gemma-7b": 8_537_680_896,
    "gemma2-2b": 2_614_341_888,
    "gemma2-9b": 9_241_705_984,
    "gemma2-27b": 27_227_128_320,
    "gemma3-1b": 999_885_952,
    "phi-2": 2_779_683_840,
    "phi-3-mini": 3_821_079_552,
    "phi-3-medium": 13_960_238_080,
    "phi-4": 14_659_507_200,
    "deepseek-moe-16b": 16_375_728_128,
    "deepseek-v2-lite": 15_706_484_224,
    "glm-4-9b": 9_399_951_360,
    "olmo2-1b": 1_484_916_736,
    "olmo2-13b": 13_716_198_400,
    "olmo2-32b": 32_234_279_936,
    "olmoe-1b-7b": 6_919_161_856,
    "bloom-560m": 559_214_592,
    "bloom-7b1": 7_069_016_064,
    "bloom-176b": 176_247_271_424,
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "opt-1.3b": 1_315_758_080,
    "opt-6.7b": 6_658_473_984,
    "opt-13b": 12_853_473_280,
    "opt-30b": 29_974_540_288,
    "pythia-6.9b": 6_857_302_016,
    "pythia-12b": 11_846_072_320,
    "gpt-neox-20b": 20_554_567_680,
    "falcon-7b": 6_921_720_704,
    "starcoder2-3b": 3_030_371_328,
    "starcoder2-7b": 7_173_923_840,
    "starcoder2-15b": 15_957_889_024,
    "internlm2-7b": 7_737_708_544,
    "internlm2-20b": 19_861_149_696,
    "command-r-35b": 34_980_831_232,
    "command-r-plus-104b": 103_810_674_688,
    "granite-3-8b": 8_170_848_256,
    "dbrx-132b": 131_596_523_520,
    "yi-34b": 34_388_917_248,
    "smollm2-1.7b": 1_711_376_384,
    "smollm3-3b": 3_075_098_624,
    "seed-oss-36b": 36_151_104_512,
}


@pytest.mark.parametrize("name", EXACT)
def test_total_is_that_of_the_published_checkpoint(name: str) -> None:
    assert parameters(architecture(name)).total == EXACT[name]


# Rounded totals and active parameters of papers and model cards, with the tolerance their rounding leaves.
ROUNDED = {
    # DeepSeek-V3 technical report, abstract: 671B total, 37B active
    "deepseek-v3": (671e9, 37e9, 0.001, 0.02),
    # DeepSeek-V2 report, abstract: 236B, 21B
    "deepseek-v2": (236e9, 21e9, 0.003, 0.02),
    # Kimi K2 report, Table 2: 1.04T, 32.6B
    "kimi-k2": (1.04e12, 32.6e9, 0.015, 0.01),
    # Mixtral announcement: 46.7B, 12.9B
    "mixtral-8x7b": (46.7e9, 12.9e9, 0.001, 0.003),
    # Qwen3 report, Table 2: 235B, 22B; 30.5B, 3.3B on the model card
    "qwen3-235b-a22b": (235e9, 22e9, 0.001, 0.01),
    "qwen3-30b-a3b": (30.5e9, 3.3e9, 0.002, 0.02),
    # Qwen2 report, Table 1: 57B, 14B
    "qwen2-57b-a14b": (57e9, 14e9, 0.01, 0.02),
    # Qwen3-Coder model card: 480B, 35B
    "qwen3-coder-480b-a35b": (480e9, 35e9, 0.001, 0.015),
    # Llama 4 announcement: 400B, 17B
    "llama4-maverick": (400e9, 17e9, 0.003, 0.02),
    # Qwen3.5 model cards
    "qwen3.5-397b-a17b": (397e9, 17e9, 0.005, 0.025),
    "qwen3.5-122b-a10b": (122e9, 10e9, 0.005, 0.03),
    # GLM-5 model card: 744B, 40B
    "glm-5": (744e9, 40e9, 0.001, 0.05),
    # NVIDIA Nemotron 3: 31.6B, 3.6B with embeddings (3.2B without); 120B, 12B; 550B, 55B
    "nemotron3-nano": (31.6e9, 3.6e9, 0.001, 0.01),
    "nemotron3-super": (120e9, 12e9, 0.01, 0.07),
    "nemotron3-ultra": (550e9, 55e9, 0.002, 0.03),
    # Snowflake Arctic announcement: 480B, 17B
    "arctic-480b": (480e9, 17e9, 0.005, 0.02),
    # Moonlight model card: 15.96B; "3B" active
    "moonlight-16b-a3b": (15.96e9, 3e9, 0.001, 0.04),
    # DeepSeek-V4-Flash model card: 284B, 13B
    "deepseek-v4-flash": (284e9, 13e9, 0.002, 0.06),
    # PaLM paper, Table 1; Megatron 2021, Table 1; Korthikanti 2022, Table 3
    "palm-540b": (540.35e9, 540.35e9, 0.0001, 0.0001),
    "palm-62b": (62.50e9, 62.50e9, 0.0005, 0.0005),
    "megatron-2021-145b": (145.6e9, 145.6e9, 0.0005, 0.0005),
    "megatron-1t": (1008e9, 1008e9, 0.0005, 0.0005),
    "mt-nlg-530b": (529.6e9, 529.6e9, 0.0001, 0.0001),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_total_and_active_are_those_of_the_paper(name: str) -> None:
    total, active, total_tolerance, active_tolerance = ROUNDED[name]
    counted = parameters(architecture(name))
    assert counted.total == pytest.approx(total, rel=total_tolerance)
    assert counted.active == pytest.approx(active, rel=active_tolerance)


def test_gpt_oss_active_is_published_without_the_embedding() -> None:
    counted = parameters(architecture("gpt-oss-120b"))
    assert counted.active - counted.embedding == pytest.approx(5.13e9, rel=0.001)  # model card, Table 1


def test_every_published_total_is_met() -> None:
    """3 % covers names such as 26B or 4B that round; whole numbers must be met exactly."""
    off = []
    for record in models():
        if record.published is not None:
            counted, said = parameters(record.architecture).total, record.published.total
            exact = said.text.isdecimal()
            if counted != said.value if exact else abs(counted / said.value - 1) > 0.03:
                off.append((record.id, counted, said.text))
    assert off == []


@pytest.mark.parametrize("name", ["gpt3-175b", "megatron-2021-1t", "mt-nlg-530b"])
def test_flops_are_those_of_the_megatron_formula(name: str) -> None:
    """Narayanan et al. 2021, section 5.1: 96 B s l h^2 (1 + s/6h + V/16lh) with recomputation."""
    a, s = architecture(name), 2048
    layers, h, v = a.depth, a.hidden, a.vocab
    # without recomputation: 72 s l h^2 (1 + s / 6h) + 6 s h V
    expected = 72 * s * layers * h * h + 12 * s * s * layers * h + 6 * s * h * v
    assert flops(a, seq_len=s, convention="full").training == expected


@pytest.mark.parametrize(
    ("name", "seq_len", "excess"),
    [
        ("gpt3-175b", 2048, 0.014),
        ("llama-3.1-405b", 8192, 0.040),
        ("llama-3-70b", 8192, 0.07),
        ("llama-3-8b", 8192, 0.125),
        ("llama-3-8b", 4096, 0.067),
        ("qwen3-30b-a3b", 4096, 0.21),
    ],
)
def test_the_two_conventions_differ_by_the_attention_of_half_the_pairs(
    name: str, seq_len: int, excess: float
) -> None:
    a = architecture(name)
    full, causal = (flops(a, seq_len=seq_len, convention=c).training for c in ("full", "causal"))
    assert full / causal - 1 == pytest.approx(excess, rel=0.05)


def test_six_flops_per_parameter_and_token() -> None:
    """A dense model trains at 6 FLOPs per parameter that multiplies, attention scores aside."""
    for name in ("llama-3-8b", "llama-3.1-405b", "qwen3-32b", "deepseek-v3", "mixtral-8x7b"):
        a = architecture(name)
        counted, parts = flops(a, seq_len=4096), parameters(a)
        multiplied = parts.active - parts.embedding - parts.norms - parts.biases
        assert (counted.training - 3 * counted.attention) / counted.seq_len == 6 * multiplied


def test_training_compute_of_llama_405b() -> None:
    """Llama 3 paper, section 1: 3.8e25 FLOPs for 15.6T tokens."""
    a = architecture("llama-3.1-405b")
    assert flops(a, seq_len=8192).training_per_token * 15.6e12 == pytest.approx(3.8e25, rel=0.05)


def test_flops_per_sequence_of_nemotron_340b() -> None:
    """DGX Cloud benchmarking README, v25.05: 8.62e15 FLOPs per sequence of 4096, attention not halved."""
    counted = flops(architecture("nemotron4-340b"), seq_len=4096, convention="full")
    assert counted.training == pytest.approx(8.62e15, rel=0.001)


def test_flops_per_token_of_gpt_oss() -> None:
    """Megatron-Bridge performance summary since 26.06: 32.6 GFLOP per token at 4096, attention halved."""
    counted = flops(architecture("gpt-oss-120b"), seq_len=4096, convention="causal")
    assert counted.training_per_token == pytest.approx(32.6e9, rel=0.01)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama-2-7b", 2 * 32 * 32 * 128 * 2),  # 512 KiB, the figure of the PagedAttention literature for 7B
        ("llama-3-8b", 131_072),
        ("llama-3-70b", 327_680),  # 320 KiB
        ("llama-3.1-405b", 516_096),  # DeepSeek-V3 insights, arXiv:2505.09343 Table 1: 516.096 KB
        ("deepseek-v3", 70_272),  # the same table: 70.272 KB
        ("qwen2.5-72b", 327_680),  # the same table: 327.680 KB
        ("kimi-k2", 61 * 576 * 2),
        ("falcon-7b", 2 * 32 * 64 * 2),
        ("palm-540b", 2 * 118 * 256 * 2),
    ],
)
def test_cache_bytes_per_token_at_two_bytes(name: str, expected: int) -> None:
    assert kv_bytes_per_token(architecture(name)) == expected


def test_windows_cap_the_cache() -> None:
    a = architecture("gpt-oss-120b")
    per_layer = 2 * 8 * 64 * 2
    assert cache_bytes(a, context=100) == 36 * per_layer * 100
    assert cache_bytes(a, context=10_000) == 18 * per_layer * (10_000 + 128)


def test_linear_state_does_not_grow() -> None:
    a = architecture("qwen3-next-80b-a3b")
    state, inputs = 36 * 32 * 128 * 128 * 4, 36 * 3 * (2 * 16 * 128 + 32 * 128) * 2
    assert state_bytes_per_sequence(a) == state + inputs
    grown = cache_bytes(a, context=9000) - cache_bytes(a, context=1000)
    assert grown == 8000 * 12 * 2 * 2 * 256 * 2


def test_an_eight_bit_cache_is_half() -> None:
    a = architecture("llama-3-70b")
    assert 2 * kv_bytes_per_token(a, kv_bytes=1) == kv_bytes_per_token(a)
    assert kv_bytes_per_token(a, kv_bytes=0.5625) == 327_680 * 0.5625 / 2


def test_the_catalog_holds_the_models() -> None:
    assert len(models()) >= 240
    for name in ("llama-405b", "deepseek-r1", "Llama 3.3 70B", "gpt-3", "kimi-k2-thinking"):
        assert catalog().get(MODEL, name)
