"""Which replicas are legal, and which are tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.errors import InputError, UsageError
from planner.search.serving import REASONS, ServingRequest
from planner.search.serving.replicas import replicas
from planner.search.serving.space import Layouts, layouts

Ask = Callable[..., ServingRequest]


def degrees(table: Layouts) -> set[tuple[float, ...]]:
    return set(zip(*(c.tolist() for c in (table.tp, table.pp, table.dp, table.ep)), strict=True))


@pytest.mark.parametrize("model", ["deepseek-v3", "gpt-oss-120b", "qwen3-235b-a22b"])
def test_all_that_is_tried_obeys_the_rules(serving: Ask, model: str) -> None:
    request = serving(model, {"gb200": 512}, weights=None)
    table, _ = layouts(request, request.options[0])
    heads, kv = request.model.heads[0], request.model.kv_heads[0]
    experts, width = request.model.experts[0], request.model.expert_ffn[0]
    assert len(degrees(table)) == len(table) > 30
    assert np.all(heads % table.tp == 0)
    assert request.model.mla[0] or np.all((kv % table.tp == 0) | (table.tp % kv == 0))
    assert np.all(experts % table.ep == 0)
    assert np.all(table.tp * table.dp % table.ep == 0)
    assert np.all(width % (table.tp * table.dp / table.ep) == 0)
    assert np.all(table.gpus <= 512)
    assert np.max(table.dp) > 72  # wider than a scale-up domain


def test_dense_replicas_have_neither_attention_ranks_nor_experts(serving: Ask) -> None:
    request = serving()
    table, rejected = layouts(request, request.options[0])
    assert degrees(table) == {(tp, pp, 1, 1) for tp in (1, 2, 4, 8, 16) for pp in (1, 2, 4, 8)} - {
        (16, 8, 1, 1)
    }
    assert rejected == {"size": 1}  # 16 x 8 of 64


@pytest.mark.parametrize(
    ("pins", "broken"),
    [
        ({"tp": 3}, "heads"),
        ({"tp": 32, "pp": 1}, ""),
        ({"pp": 81}, "pipeline"),
        ({"dp": 2}, "attention-data"),
        ({"ep": 2}, "experts"),
        ({"tp": 16, "pp": 8}, "size"),
    ],
)
def test_a_pinned_value_obeys_them_too(serving: Ask, pins: dict[str, Any], broken: str) -> None:
    request = serving(pins=pins)
    table, rejected = layouts(request, request.options[0])
    assert (set(rejected), len(table) == 0) == (({broken}, True) if broken else (set(), False))
    assert set(rejected) <= set(REASONS)


def test_pins_are_the_only_values(serving: Ask) -> None:
    request = serving("deepseek-v3", {"h200-sxm": 512}, pins={"dp": (8, 16), "tp": 1, "ep": 8})
    table, _ = layouts(request, request.options[0])
    assert degrees(table) == {(1, 1, 8, 8), (1, 1, 16, 8)}


def test_an_engine_that_cannot_does_not(serving: Ask) -> None:
    request = serving("deepseek-v3", {"h200-sxm": 512})
    poor = replace(request.options[0], can=type(request.options[0].can)(pipeline=False))
    table, _ = layouts(request, poor)
    assert set(table.pp) == set(table.dp) == set(table.ep) == {1.0}


def test_weights_and_one_request_must_fit(serving: Ask) -> None:
    request = serving("llama3.1-405b", {"h100-sxm": 64}, weights="bf16")
    table, _ = layouts(request, request.options[0])
    found, left = replicas(request, 0, table)
    assert left.counts["weights"] > 0
    assert 0 < left.lacking_bytes < 80e9
    # 405.9e9 parameters of two bytes on 80 GiB each, 92 % of them usable
    assert np.all(found.layout.gpus * 0.92 * 80 * 2**30 > 405.9e9 * 2)
    assert np.all(found.fit.capacity >= 1)
    assert np.array_equal(found.fit.capacity, np.floor(found.fit.capacity))


def test_the_longest_request_must_fit(serving: Ask) -> None:
    short = serving("llama3.1-70b", {"h100-sxm": 8}, pins={"tp": 2, "pp": 1})
    long = replace(short, longest=1e6)
    table, _ = layouts(short, short.options[0])
    assert len(replicas(short, 0, table)[0]) == 2
    found, left = replicas(long, 0, table)
    assert (len(found), left.counts) == (0, {"cache": 2})
    # 80 layers x 8 heads x 128 x 2 x 1e6 tokens in 16 bit over two accelerators: 164 GB; some 35 GB are free
    assert 100e9 < left.lacking_bytes < 164e9


def test_most_sequences_may_be_pinned(serving: Ask) -> None:
    request = serving(pins={"tp": 4, "pp": 2, "max_batch": 24})
    table, _ = layouts(request, request.options[0])
    assert set(replicas(request, 0, table)[0].fit.capacity) == {24.0}


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"goal": "speed"}, UsageError, "unknown goal 'speed'"),
        ({"modes": ("mixed",)}, UsageError, "unknown mode"),
        ({"pins": {"vpp": 2}}, UsageError, "unknown field to pin"),
        ({"pins": {"tp": 0}, "rate": -1.0, "most_load": 2.0}, InputError, "(?s)rate.*most_load.*tp"),
        ({"pins": {"tp": ()}}, InputError, "no value is left"),
        ({"rate": float("nan")}, InputError, "rate"),
        ({"routed": 0}, InputError, "routed"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(
    serving: Ask, values: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        serving(**values)
