"""Architectures as the physics sees them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.tables import Model, approximations, model_table
from planner.workload.counts import parameters
from planner.workload.kinds import MODEL

CATALOG = Catalog()
SOME = (
    "llama-3.1-405b", "gpt3-175b", "deepseek-v3", "gpt-oss-120b", "nemotron-h-56b", "qwen3-next-80b-a3b",
    "gemma3-27b", "llama4-maverick", "nemotron3-super", "kimi-linear-48b-a3b",
)  # fmt: skip


def table(name: str) -> Model:
    return model_table(CATALOG.get(MODEL, name).architecture)


def test_a_dense_model() -> None:
    m = table("llama-3.1-405b")
    expected = {
        "hidden": 16384, "layers": 126, "vocab": 128256, "heads": 128, "kv_heads": 8, "qk_dim": 128,
        "v_dim": 128, "ffn": 53248, "gated": 1, "n_full": 126, "n_window": 0, "n_linear": 0,
        "n_dense": 126, "n_moe": 0, "experts": 0, "mtp": 0, "dense_prefix": 0,
    }  # fmt: skip
    assert {name: getattr(m, name)[0] for name in expected} == expected
    assert not m.tied[0]
    assert not m.mla[0]
    assert np.isinf(m.window[0])
    assert m.expert_hidden[0] == m.hidden[0]


def test_a_mixture_with_latent_attention() -> None:
    m = table("deepseek-v3")
    expected = {
        "layers": 61, "heads": 128, "qk_dim": 192, "v_dim": 128, "q_lora": 1536, "kv_lora": 512,
        "rope_dim": 64, "nope_dim": 128, "n_dense": 3, "n_moe": 58, "dense_prefix": 3, "experts": 256,
        "top_k": 8, "expert_ffn": 2048, "shared_ffn": 2048, "mtp": 1,
    }  # fmt: skip
    assert {name: getattr(m, name)[0] for name in expected} == expected
    assert m.mla[0]


def test_windows_and_biases_and_hybrids() -> None:
    oss = table("gpt-oss-120b")
    assert (oss.window[0], oss.n_window[0], oss.n_full[0], oss.expert_bias[0]) == (128, 18, 18, 1)
    hybrid = table("nemotron-h-56b")
    assert hybrid.n_full[0] + hybrid.n_linear[0] < hybrid.layers[0], "some layers only feed forward"
    assert hybrid.linear_inner[0] > 0
    # Mamba-2: gate and input of 256 heads of 64, two matrices of 8 groups of 256 states, a step size a head.
    assert hybrid.linear_inner[0] == 256 * 64
    assert hybrid.linear_projection[0] == 2 * 256 * 64 + 2 * 8 * 256 + 256
    assert hybrid.linear_scan_flop[0] == 7 * 256 * 64 * 256
    assert table("nemotron3-super").expert_hidden[0] < table("nemotron3-super").hidden[0]


@pytest.mark.parametrize("name", SOME)
def test_parameters_are_those_counted(name: str) -> None:
    m, count = table(name), parameters(CATALOG.get(MODEL, name).architecture)
    head = 0.0 if m.tied[0] else float(m.embedding_parameters[0]) - count.positions
    parts = m.embedding_parameters + m.mixer_parameters + m.dense_parameters + m.expert_parameters
    assert float(parts[0]) + head == pytest.approx(count.total, rel=1e-4)


@pytest.mark.parametrize("name", CATALOG.ids(MODEL))
def test_every_model_makes_a_row_of_sound_numbers(name: str) -> None:
    m = table(name)
    assert len(m) == 1
    for f in fields(m):
        value = getattr(m, f.name)[0]
        assert np.all(value >= 0), f.name
        assert np.all(np.isfinite(value)) or f.name in ("window", "index_top_k", "example")
    assert m.n_full[0] + m.n_window[0] + m.n_linear[0] <= m.layers[0]
    assert 0 < m.n_dense[0] + m.n_moe[0] <= m.layers[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("deepseek-v3.2", "indexer"),
        ("llama4-scout", "chunks"),
        ("qwen3.5-397b-a17b", "output"),
        ("llama-3.1-405b", None),
        ("deepseek-v3", None),
    ],
)
def test_what_the_table_leaves_out_is_said(name: str, said: str | None) -> None:
    found = approximations(CATALOG.get(MODEL, name).architecture)
    assert (said is None) == (found == ())
    assert said is None or any(said in reason for reason in found)
