"""Rules of legality and the values that are tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.search import Request, legality
from planner.search.space import build_space, groups, replicas

Tables = Callable[..., tuple[Any, Any, Any]]


@pytest.mark.parametrize(("n", "expected"), [(1, [1]), (7, [1, 7]), (36, [1, 2, 3, 4, 6, 9, 12, 18, 36])])
def test_divisors(n: int, expected: list[int]) -> None:
    assert legality.divisors(n).tolist() == expected


def test_tensor_sizes_divide_heads_widths_and_key_value_heads(tables: Tables) -> None:
    hardware, model, _ = tables("llama3.1-405b")  # 128 heads, 8 key/value heads, width 53248
    sizes = legality.tensor_sizes(hardware=hardware, model=model, request=Request(4096, 8192, 512))
    assert sizes.tolist() == [1, 2, 4, 8, 16, 32, 64]
    few = legality.tensor_sizes(hardware=hardware, model=model, request=Request(6, 8192, 512))
    assert few.tolist() == [1, 2, 4]
    odd = legality.tensor_sizes(
        hardware=hardware, model=model, request=Request(64, 8192, 512, pins={"tp": (3, 8)})
    )
    assert odd.tolist() == [8]


def test_key_value_heads_are_whole_or_replicated(tables: Tables) -> None:
    hardware, model, _ = tables("llama3.1-405b")
    model = model.with_values(kv_heads=12.0, heads=96.0)
    sizes = legality.tensor_sizes(hardware=hardware, model=model, request=Request(4096, 8192, 512))
    assert sizes.tolist() == [1, 2, 4]  # 3, 6, 12, 24, 48 do not divide 53248; 8, 16 and 32 break up heads


def test_context_sizes_cut_two_equal_chunks_for_each_rank() -> None:
    assert legality.context_sizes(request=Request(4096, 8192, 512)).tolist() == [1, 2, 4, 8, 16, 32]
    assert legality.context_sizes(request=Request(4096, 6144, 512)).tolist() == [1, 2, 3, 4, 6, 8, 12, 16, 24]
    assert legality.context_sizes(request=Request(4096, 4097, 512)).tolist() == [1]
    assert legality.context_sizes(request=Request(4096, 100, 512)).tolist() == [1]
    pinned = legality.context_sizes(request=Request(4096, 8192, 512, pins={"cp": (3, 4, 64)}))
    assert pinned.tolist() == [4, 64]


def test_micro_batches_are_powers_of_two_and_small_divisors() -> None:
    assert legality.micro_batch_sizes(request=Request(64, 8192, 60)).tolist() == [1, 2, 3, 4, 5, 6, 8, 16]
    assert legality.micro_batch_sizes(request=Request(64, 1 << 20, 60)).tolist() == [1]
    assert legality.micro_batch_sizes(request=Request(64, 8192, 1)).tolist() == [1]


def test_layers_add_up_over_the_stages(tables: Tables) -> None:
    _, model, _ = tables("llama3.1-405b")  # 126 layers
    sizes = legality.pipeline_sizes(model=model, request=Request(4096, 8192, 512))
    assert {1, 2, 16, 32, 63, 64, 126} <= set(sizes.tolist())
    assert not {100, 127} & set(sizes.tolist())
    index, vpp = legality.interleavings(model=model, request=Request(4096, 8192, 512), pp=sizes)
    assert np.all(vpp[sizes[index] == 1] == 1)
    assert np.all(sizes[index] * vpp <= 126)


def test_recompute_levels_go_from_light_to_heavy() -> None:
    kinds, shares = legality.recompute_levels(request=Request(64, 8192, 64))
    assert kinds.tolist() == [0, 1, 2, 2, 2, 2]
    assert shares.tolist() == [0, 0, 0.25, 0.5, 0.75, 1]
    kinds, shares = legality.recompute_levels(request=Request(64, 8192, 64, pins={"recompute": "full"}))
    assert (kinds.tolist(), shares.tolist()) == ([2], [1])
    pins = {"recompute": ("none", "full"), "recompute_layers": 0.3}
    kinds, shares = legality.recompute_levels(request=Request(64, 8192, 64, pins=pins))
    assert (kinds.tolist(), shares.tolist()) == ([0, 2], [0, 0.3])


def test_hybrid_groups_are_powers_of_two_inside_a_domain(tables: Tables) -> None:
    hardware, _, _ = tables("llama3.1-405b", "gb200")  # 72 accelerators in a domain
    assert legality.hybrid_group(hardware=hardware, tp=np.array([1, 2, 8, 72, 144.0])).tolist() == [
        64,
        32,
        8,
        1,
        1,
    ]


def test_dense_models_have_no_experts_and_experts_want_sequence_parallelism(tables: Tables) -> None:
    hardware, model, _ = tables("llama3.1-405b")
    space = build_space(hardware=hardware, model=model, request=Request(512, 8192, 512))
    assert np.all(space.tuples.ep == 1)
    assert np.all(space.tuples.etp == 1)
    assert set(space.tuples.sequence_parallel[space.tuples.tp > 1]) == {True, False}
    hardware, model, _ = tables("deepseek-v3")
    space = build_space(hardware=hardware, model=model, request=Request(512, 4096, 512))
    assert np.all(space.tuples.sequence_parallel == (space.tuples.tp > 1))
    assert np.all((space.tuples.etp == 1) | (space.tuples.etp == space.tuples.tp))
    off = Request(512, 4096, 512, pins={"sequence_parallel": False})
    space = build_space(hardware=hardware, model=model, request=off)
    assert not np.any(space.tuples.sequence_parallel)
    assert np.any(space.tuples.tp > 1)


def test_replicas_are_the_useful_ones(tables: Tables) -> None:
    hardware, model, _ = tables("llama3.1-405b")
    pins = {"tp": 8, "cp": 1, "pp": 4, "micro_batch": 1, "sequence_parallel": True}
    space = build_space(hardware=hardware, model=model, request=Request(1000, 8192, 512, pins=pins))
    dp, legal = replicas(space, np.zeros(1, dtype=int), np.zeros(1, dtype=int), np.array([31.0]))
    # 31 fit; 17 rounds need 31; 16 divides the batch; 20 rounds of 4 for interleaving need 26.
    assert dp[legal].tolist() == [31, 16, 26]


def test_replicas_fold_experts(tables: Tables) -> None:
    hardware, model, _ = tables("deepseek-v3")
    pins = {"tp": 2, "cp": 1, "pp": 1, "ep": 16, "etp": 1, "micro_batch": 1}
    space = build_space(hardware=hardware, model=model, request=Request(1003, 4096, 512, pins=pins))
    assert space.replica_step.tolist() == [8.0]
    for g in groups(space):
        assert np.all(g.dp % 8 == 0)
        assert np.all(g.ranks <= 1003)
