"""Weights, caches and how many sequences fit, against bytes counted out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.model.inference.memory import (
    Memory,
    cache_bytes_per_sequence,
    installed_bytes,
    memory,
    weight_bytes,
)
from planner.model.inference.replica import Replica
from planner.tables import stack
from planner.tables.serving import Load
from planner.workload.cache import cache_bytes
from planner.workload.kinds import MODEL

Build = Callable[..., Replica]
Ask = Callable[..., Load]
GIB = 2**30
LLAMA_LAYERS = 80 * (2 * 64 * 128 * 8192 + 2 * 8 * 128 * 8192 + 2 * 8192)
LLAMA_MLPS = 80 * 3 * 28672 * 8192
LLAMA_TABLE = 128256 * 8192


def weights(replica: Replica) -> float:
    return float(weight_bytes(model=replica.model, layout=replica.layout)[0])


def kept(replica: Replica, tokens: float) -> float:
    found = cache_bytes_per_sequence(
        model=replica.model, engine=replica.engine, layout=replica.layout, tokens=np.array([tokens])
    )
    return float(found[0])


def held(replica: Replica, load: Load, nominal: float = 80e9) -> Memory:
    return memory(
        memory_bytes=np.array([nominal]),
        model=replica.model,
        engine=replica.engine,
        layout=replica.layout,
        load=load,
    )


def test_a_gigabyte_of_a_part_is_two_to_the_thirty() -> None:
    assert installed_bytes(np.array([80e9]))[0] == 80 * GIB


class TestWeights:
    def test_a_dense_model(self, replica: Build) -> None:
        """All of Llama 3 70B as published, the last norm of 8,192 included."""
        assert weights(replica()) == 2 * 70_553_706_496
        assert weights(replica()) == 2 * (LLAMA_LAYERS + LLAMA_MLPS + 2 * LLAMA_TABLE + 8192)

    def test_formats(self, replica: Build) -> None:
        found = weights(replica(attention_bytes=2.0, mlp_bytes=0.5625, head_bytes=4.0))
        assert found == pytest.approx(2 * LLAMA_LAYERS + 0.5625 * LLAMA_MLPS + 8 * LLAMA_TABLE)

    @pytest.mark.parametrize(("tp", "pp", "tables"), [(8, 1, 2), (2, 4, 1)])
    def test_ranks_and_stages_divide_them(self, replica: Build, tp: float, pp: float, tables: float) -> None:
        """With stages, embedding and head lie on different ones."""
        layers = (LLAMA_LAYERS + LLAMA_MLPS) / pp
        assert weights(replica(tp=tp, pp=pp)) == pytest.approx(2 * (layers + tables * LLAMA_TABLE) / tp)

    def test_a_table_that_is_tied_is_held_once(self, replica: Build) -> None:
        r = replica("llama-3.2-1b")
        rest = float((r.model.mixer_parameters + r.model.dense_parameters)[0])
        assert weights(r) == pytest.approx(2 * (rest + 128256 * 2048))

    def test_attention_ranks_repeat_all_but_experts(self, replica: Build) -> None:
        """DeepSeek-V3: 58 layers of 256 experts; formats tell attention, shared experts and experts apart."""
        experts = 58 * 256 * 3 * 7168 * 2048
        model = replica("deepseek-v3").model
        assert model.expert_parameters[0] == experts
        layout = {"attention_bytes": 2.0, "mlp_bytes": 1.0, "expert_bytes": 0.5}
        mixers, dense = float(model.mixer_parameters[0]), float(model.dense_parameters[0])
        same = 2 * mixers + dense + 2 * 2 * 129280 * 7168
        for dp, tp in ((8.0, 1.0), (4.0, 2.0), (1.0, 8.0)):
            found = weights(replica("deepseek-v3", dp=dp, tp=tp, ep=8.0, **layout))
            assert found == pytest.approx(same / tp + 0.5 * experts / 8)

    def test_ranks_that_do_not_divide_the_experts_keep_some_twice(self, replica: Build) -> None:
        """256 experts on 144 ranks: two on each, 32 of them spare."""
        odd, even = (
            weights(replica("deepseek-v3", dp=n, ep=n, attention_bytes=0.0, mlp_bytes=0.0, head_bytes=0.0))
            for n in (144.0, 128.0)
        )
        assert odd == even == pytest.approx(2 * 58 * 2 * 3 * 7168 * 2048)


class TestCaches:
    @pytest.mark.parametrize(("tp", "heads"), [(1, 8), (4, 2), (8, 1), (16, 1)])
    def test_grouped_heads(self, replica: Build, tp: float, heads: float) -> None:
        """A head is kept whole, by several ranks where there are more ranks than heads."""
        assert kept(replica(tp=tp), 1000) == 1000 * 80 * 2 * heads * 128 * 2
        assert kept(replica(tp=tp, kv_bytes=1.0), 1000) == 1000 * 80 * 2 * heads * 128

    @pytest.mark.parametrize("tp", [1, 8])
    def test_a_latent_is_the_same_on_every_rank(self, replica: Build, tp: float) -> None:
        assert kept(replica("deepseek-v3", tp=tp), 1000) == 1000 * 61 * 576 * 2

    def test_keys_of_an_indexer_too(self, replica: Build) -> None:
        assert kept(replica("deepseek-v3.2", tp=8.0), 1000) == 1000 * 61 * (576 + 128) * 2

    def test_stages_keep_their_layers(self, replica: Build) -> None:
        assert kept(replica(pp=4.0), 1000) == 1000 * 20 * 2 * 8 * 128 * 2
        assert kept(replica("deepseek-v3.2", pp=4.0), 1000) == 1000 * 61 / 4 * (576 + 128) * 2

    @pytest.mark.parametrize(("tokens", "seen"), [(100, 100), (5000, 128)])
    def test_windows(self, replica: Build, tokens: float, seen: float) -> None:
        """gpt-oss 120B: half of 36 layers see 128 tokens; an engine may keep all of them for all."""
        trims, grows = (
            kept(replica("gpt-oss-120b", engine={"trims_windows": t}, tp=2.0), tokens) for t in (True, False)
        )
        assert trims == 18 * 2 * 4 * 64 * 2 * (tokens + seen)
        assert grows == 18 * 2 * 4 * 64 * 2 * (2 * tokens)

    def test_recurrent_states(self, replica: Build) -> None:
        """Qwen3.5 397B: 45 states of 64 x 128 x 128 in 32 bit, 15 layers of 2 heads of 256."""
        state = 45 * 64 * 128 * 128 * 4
        assert kept(replica("qwen3.5-397b-a17b"), 1000) == 1000 * 15 * 2 * 2 * 256 * 2 + state
        split = kept(replica("qwen3.5-397b-a17b", tp=8.0, pp=3.0), 1000)
        assert split == pytest.approx((1000 * 15 * 2 * 256 * 2 + state / 8) / 3)

    @pytest.mark.parametrize(
        "name", ["llama-3-70b", "deepseek-v3", "deepseek-v3.2", "gpt-oss-120b", "gemma3-27b"]
    )
    def test_one_accelerator_keeps_what_the_architecture_says(self, replica: Build, name: str) -> None:
        expected = cache_bytes(Catalog().get(MODEL, name).architecture, context=3000)
        assert kept(replica(name), 3000) == expected


class TestCapacity:
    """Llama 3 70B in 8 bit on one part: bytes of a token, and room beside weights and activations."""

    TOKEN = 80 * 2 * 8 * 128 * 2

    def replica(self, build: Build, **engine: Any) -> Replica:
        return build(engine=engine, attention_bytes=1.0, mlp_bytes=1.0)

    def room(self, *, share: float = 1.0, workspace: float = 0.0, chunk: float = 8192.0) -> float:
        stored = LLAMA_LAYERS + LLAMA_MLPS + 2 * 2 * LLAMA_TABLE
        return share * 141 * GIB - stored - workspace - 4 * 2 * 8192 * chunk

    def test_room_for_caches(self, replica: Build, request_of: Ask) -> None:
        """Four hidden vectors of 16 bit for each token of a full chunk are live."""
        engine = {"memory_share": 0.9, "workspace_bytes": 2e9, "chunk": 2048.0}
        found = held(self.replica(replica, **engine), request_of(900, 100), 141e9)
        assert found.cache_bytes[0] == pytest.approx(self.room(share=0.9, workspace=2e9, chunk=2048))
        assert found.workspace_bytes[0] == 2e9 + 4 * 2 * 8192 * 2048
        assert found.weight_bytes[0] == pytest.approx(LLAMA_LAYERS + LLAMA_MLPS + 4 * LLAMA_TABLE)

    @pytest.mark.parametrize(("share", "tokens"), [(1.0, 1000), (0.5, 950)])
    def test_admission(self, replica: Build, request_of: Ask, share: float, tokens: float) -> None:
        """An engine that reserves the output admits fewer than one that preempts; residence is the same."""
        found = held(self.replica(replica, reserve_output=share), request_of(900, 100), 141e9)
        assert found.capacity[0] == pytest.approx(self.room() / (tokens * self.TOKEN))
        assert found.resident[0] == pytest.approx(self.room() / (950 * self.TOKEN))
        assert found.sequence_bytes[0] == 950 * self.TOKEN

    def test_a_shared_prefix_is_kept_once(self, replica: Build, request_of: Ask) -> None:
        found = held(self.replica(replica), request_of(900, 100, cached=700, shared=600), 141e9)
        assert found.shared_bytes[0] == 600 * self.TOKEN
        assert found.capacity[0] == pytest.approx((self.room() - 600 * self.TOKEN) / (400 * self.TOKEN))
        assert held(self.replica(replica), request_of(900, 100, cached=700), 141e9).shared_bytes[0] == 0

    def test_the_engine_limits_sequences_of_a_rank_and_stage(self, replica: Build, request_of: Ask) -> None:
        few = {"max_batch": 16.0}
        assert held(self.replica(replica, **few), request_of(9, 1), 141e9).capacity[0] == 16
        many = replica("gpt-oss-120b", engine=few, dp=4.0, pp=2.0)
        found = held(many, request_of(9, 1), 1e12)
        assert (found.capacity[0], found.resident[0]) == (16 * 4 * 2, 16 * 4 * 2)

    def test_attention_ranks_hold_sequences_of_their_own(self, replica: Build, request_of: Ask) -> None:
        r = replica("deepseek-v3", dp=8.0, ep=8.0)
        found = held(r, request_of(900, 100), 288e9)
        live = 4 * 2 * 7168 * 8192 * 8
        room = 288 * GIB - weights(r) - live
        assert found.workspace_bytes[0] == live
        assert found.capacity[0] == pytest.approx(8 * room / (1000 * 61 * 576 * 2))

    def test_wide_groups_gather_no_more_than_eight_ranks(self, replica: Build, request_of: Ask) -> None:
        found = held(replica("deepseek-v3", dp=64.0, ep=64.0), request_of(900, 100), 288e9)
        assert found.workspace_bytes[0] == 4 * 2 * 7168 * 8192 * 8

    def test_weights_that_do_not_fit(self, replica: Build, request_of: Ask) -> None:
        found = held(replica(), request_of(900, 100))
        assert found.cache_bytes[0] < 0
        assert (found.capacity[0], found.resident[0]) == (0, 0)

    def test_a_prefix_that_does_not_fit(self, replica: Build, request_of: Ask) -> None:
        load = request_of(2e6, 100, cached=1e6, shared=1e6)
        assert held(self.replica(replica), load, 141e9).capacity[0] == 0


def test_rows_are_held_by_themselves(replica: Build, request_of: Ask) -> None:
    layouts = [{"tp": 1.0, "dp": 1.0}, {"tp": 8.0, "dp": 1.0}, {"tp": 2.0, "dp": 4.0}]
    load = request_of(900, 100, cached=500, shared=300)
    columns = {name: [row[name] for row in layouts] for name in layouts[0]}
    for model in ("deepseek-v3.2", "gpt-oss-120b", "qwen3.5-397b-a17b"):
        alone = [held(replica(model, **row), load, 192e9) for row in layouts]
        together = held(replica(model, **columns), load, 192e9)
        for name, column in vars(together).items():
            expected = [getattr(one, name)[0] for one in alone]
            np.testing.assert_allclose(np.broadcast_to(column, 3), expected, rtol=1e-12, err_msg=name)


def test_a_table_of_several_models(replica: Build, request_of: Ask) -> None:
    names = ("llama-3-70b", "deepseek-v3.2", "qwen3.5-397b-a17b", "llama-3.2-1b")
    mixed = replica(stack([replica(name).model for name in names]), tp=4.0)
    found = held(mixed, request_of(900, 100), 288e9)
    for i, name in enumerate(names):
        one = held(replica(name, tp=4.0), request_of(900, 100), 288e9)
        assert found.capacity[i] == pytest.approx(one.capacity[0])
        assert found.weight_bytes[i] == pytest.approx(one.weight_bytes[0])
