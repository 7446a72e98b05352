"""What the `Model` table says of caches, indexers, gates and recurrent states of shipped architectures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.tables import Model
from planner.workload.cache import cache_elements
from planner.workload.kinds import MODEL

CATALOG = Catalog()
NO_INDEXER = {"index_top_k": np.inf, "index_heads": 0, "index_dim": 0, "index_layers": 0, "kv_index": 0}
NO_STATE = {
    "n_linear": 0,
    "linear_projection": 0,
    "linear_inner": 0,
    "linear_scan_flop": 0,
    "state_elements": 0,
}
EXPECTED: dict[str, dict[str, float]] = {
    "llama-3-70b": {
        **NO_INDEXER, **NO_STATE, "kv_full": 80 * 2 * 8 * 128, "kv_window": 0, "gate_columns": 0,
    },
    "deepseek-v3": {
        **NO_INDEXER, **NO_STATE, "kv_full": 61 * (512 + 64), "kv_window": 0, "gate_columns": 0, "n_full": 61,
    },
    "deepseek-v3.2": {
        **NO_STATE, "index_top_k": 2048, "index_heads": 64, "index_dim": 128, "index_layers": 61,
        "kv_full": 61 * (512 + 64), "kv_index": 61 * 128, "kv_window": 0, "gate_columns": 0,
    },
    "glm-5.2": {"index_layers": 21, "kv_index": 21 * 128, "index_heads": 32, "index_top_k": 2048},
    "gpt-oss-120b": {
        **NO_INDEXER, **NO_STATE, "kv_full": 18 * 2 * 8 * 64, "kv_window": 18 * 2 * 8 * 64, "window": 128,
        "gate_columns": 0,
    },
    "qwen3.5-397b-a17b": {
        **NO_INDEXER, "kv_full": 15 * 2 * 2 * 256, "kv_window": 0, "gate_columns": 256, "n_linear": 45,
        "linear_projection": 2 * 16 * 128 + 2 * 64 * 128 + 2 * 64, "linear_inner": 64 * 128,
        "linear_scan_flop": 7 * 64 * 128 * 128, "state_elements": 64 * 128 * 128,
    },
    "mimo-v2-flash": {"kv_full": 9 * 4 * (192 + 128), "kv_window": 39 * 8 * (192 + 128), "window": 128},
    "nemotron-h-56b": {"state_elements": 256 * 64 * 256, "linear_scan_flop": 7 * 256 * 64 * 256},
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_fields_of_serving(shipped: Callable[[str], Model], name: str) -> None:
    model = shipped(name)
    assert {k: float(getattr(model, k)[0]) for k in EXPECTED[name]} == EXPECTED[name]


def test_keys_of_several_tokens_may_be_pooled(shipped: Callable[[str], Model]) -> None:
    """DeepSeek-V4 Flash: 21 layers keep a key per 4 tokens, 22 one per 128, all of them a window of 128."""
    model = shipped("deepseek-v4-flash")
    assert model.index_layers[0] == 21
    assert model.kv_index[0] == 21 * 128
    assert model.kv_index[0] + model.kv_full[0] == 21 * (512 + 128) / 4 + 22 * 512 / 128
    assert model.kv_window[0] == (21 + 22) * 512


@pytest.mark.parametrize("name", CATALOG.ids(MODEL))
def test_caches_of_every_model(shipped: Callable[[str], Model], name: str) -> None:
    """What grows and what a window caps are all that a sequence keeps beside its states."""
    model, terms = shipped(name), cache_elements(CATALOG.get(MODEL, name).architecture).terms
    growing = sum(t.elements / t.ratio for t in terms if t.cap is None)
    assert model.kv_full[0] + model.kv_index[0] == pytest.approx(growing)
    assert model.kv_window[0] == sum(t.elements for t in terms if t.cap is not None)
    assert np.isfinite(model.index_top_k[0]) == (model.index_layers[0] > 0) == (model.kv_index[0] > 0)
    assert min(model.kv_full[0], model.kv_window[0], model.gate_columns[0]) >= 0
