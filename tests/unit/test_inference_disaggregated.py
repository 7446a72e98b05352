"""Pools of prefill and decode workers, the hand-over between them, and closed loops over both."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from planner.model.inference.batching import decode_bound, steady
from planner.model.inference.disaggregated import (
    DecodePool,
    PrefillPool,
    closed_pools,
    decode_pool,
    matched,
    prefill_pool,
    transfer_s,
)
from planner.model.inference.replica import Replica, Work
from planner.model.inference.step import StepTime, step
from planner.tables.serving import Load

Build = Callable[..., Replica]
Ask = Callable[..., Load]
HOST = {"host_step_s": 1e-3, "prefill_slowdown": 1.1}


def seconds(replica: Replica, **values: float) -> float:
    plain = {"decode": 0.0, "context": 1000.0, "prompt": 0.0, "new": 1.0, "past": 0.0} | values
    work = Work(**{name: np.array([value]) for name, value in plain.items()})
    return float(step(replica=replica, work=work).total_s[0])


def numbers(found: PrefillPool | DecodePool) -> dict[str, float]:
    return {k: float(np.ravel(v)[0]) for k, v in vars(found).items() if not isinstance(v, StepTime)}


class TestPrefill:
    def test_as_many_prompts_as_fit_in_a_pass(self, replica: Build, request_of: Ask) -> None:
        """8,192 tokens hold 5 prompts of 1,500 that are not cached."""
        r = replica(tp=4.0, engine=HOST)
        found = numbers(prefill_pool(replica=r, load=request_of(2000, 300, cached=500)))
        together = seconds(r, prompt=7500, new=1500, past=500)
        expected = {
            "prompts": 5, "pass_s": together, "rate": 5 / together,
            "prompt_s": seconds(r, prompt=1500, new=1500, past=500),
        }  # fmt: skip
        assert found == pytest.approx(expected)

    def test_a_long_prompt_takes_several_passes(self, replica: Build, request_of: Ask) -> None:
        r = replica(tp=4.0, engine=HOST | {"chunk": 2000.0})
        found = numbers(prefill_pool(replica=r, load=request_of(9000, 300)))
        one = seconds(r, prompt=2000, new=2000, past=3500)
        expected = {"prompts": 1, "pass_s": one, "prompt_s": 4.5 * one, "rate": 1 / (4.5 * one)}
        assert found == pytest.approx(expected)

    def test_a_prompt_that_is_all_cached_still_computes_a_token(
        self, replica: Build, request_of: Ask
    ) -> None:
        r = replica(tp=4.0, engine=HOST)
        found = numbers(prefill_pool(replica=r, load=request_of(2000, 300, cached=2000)))
        assert found["prompts"] == 8192
        assert found["prompt_s"] == pytest.approx(seconds(r, prompt=1, new=1, past=2000))

    def test_attention_ranks_have_chunks_of_their_own(self, replica: Build, request_of: Ask) -> None:
        r = replica("deepseek-v3", dp=8.0, ep=8.0, engine=HOST)
        found = numbers(prefill_pool(replica=r, load=request_of(4096, 300)))
        together = seconds(r, prompt=8 * 8192, new=4096)
        assert (found["prompts"], found["pass_s"]) == pytest.approx((16, together))
        assert found["prompt_s"] == pytest.approx(seconds(r, prompt=4096, new=4096))
        assert found["rate"] == pytest.approx(16 / together)


class TestDecode:
    def test_no_prompt_interferes(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(2000, 301)
        found = numbers(decode_pool(replica=r, load=load, batch=np.array([48.0])))
        one = seconds(r, decode=48, context=2150.5)
        assert found == pytest.approx({"batch": 48, "step_s": one, "tpot_s": one, "rate": 48 / (300 * one)})
        assert one < steady(replica=r, load=load, batch=np.array([48.0])).tpot_s[0]

    def test_speculation(self, replica: Build, request_of: Ask) -> None:
        r = replica(tp=4.0, drafts=3.0, accepted=2.5, draft_layers=1.0)
        found = numbers(decode_pool(replica=r, load=request_of(2000, 301), batch=np.array([48.0])))
        assert found["tpot_s"] == pytest.approx(found["step_s"] / 2.5)
        assert found["rate"] == pytest.approx(48 / (120 * found["step_s"]))


class TestHandOver:
    def test_half_the_cache_is_left_when_the_prompt_is_done(
        self, replica: Build, request_of: Ask, by_hand: SimpleNamespace
    ) -> None:
        """Llama 3 70B: each of 4 ranks sends its 2 heads of 2,000 tokens in 80 layers."""
        r = replica(tp=4.0, engine={"nic_share": 0.8, "handover_s": 0.04})
        sent = 2000 * 80 * 2 * 2 * 128 * 2
        found = transfer_s(replica=r, load=request_of(2000, 300, cached=500))
        assert found[0] == pytest.approx(0.04 + 0.5 * sent / (0.8 * by_hand.nic))

    def test_windows_and_latents_are_small(self, replica: Build, request_of: Ask) -> None:
        load = request_of(2000, 300)
        seconds = {m: transfer_s(replica=replica(m), load=load)[0] for m in ("gpt-oss-120b", "deepseek-v3")}
        assert seconds["gpt-oss-120b"] == pytest.approx(0.5 * 18 * 2 * 8 * 64 * 2 * 2128 / 1e10)
        assert seconds["deepseek-v3"] == pytest.approx(0.5 * 61 * 576 * 2 * 2000 / 1e10)


class TestMatched:
    def test_rates_are_equal(self, replica: Build, request_of: Ask) -> None:
        load = request_of(2000, 301)
        first = prefill_pool(replica=replica(tp=4.0), load=load)
        second = decode_pool(replica=replica(tp=8.0), load=load, batch=np.array([256.0]))
        ratio = matched(prefill=first, decode=second, prefill_load=0.8)
        assert ratio[0] * 0.8 * first.rate[0] == pytest.approx(second.rate[0])


class TestClosed:
    def loop(
        self, replica: Replica, load: Load, concurrency: Any, *, workers: tuple[float, float] = (2.0, 3.0),
        capacity: float = 1e9,
    ) -> tuple[DecodePool, Any]:  # fmt: skip
        return closed_pools(
            prefill=prefill_pool(replica=replica, load=load),
            prefill_workers=np.array([workers[0]]),
            decode_replica=replica,
            decode_workers=np.array([workers[1]]),
            load=load,
            concurrency=np.atleast_1d(np.asarray(concurrency, dtype=float)),
            capacity=np.array([capacity]),
            handed_s=np.array([0.05]),
        )

    def test_everyone_is_in_one_of_the_pools(self, replica: Build, request_of: Ask) -> None:
        r, load, asked = replica(tp=4.0, engine=HOST), request_of(2000, 501), np.array([3.0, 30.0, 120.0])
        pool, rate = self.loop(r, load, asked)
        first = prefill_pool(replica=r, load=load)
        inside = rate * (first.prompt_s + 0.05 + 500 * pool.step_s)
        np.testing.assert_allclose(inside, asked, rtol=2e-3)
        np.testing.assert_allclose(3 * pool.batch / (500 * pool.step_s), rate, rtol=2e-3)

    def test_prefill_workers_bound_the_rate(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(8000, 501)
        pool, rate = self.loop(r, load, 60, workers=(1.0, 1.0))
        assert rate[0] == pytest.approx(0.95 * prefill_pool(replica=r, load=load).rate[0])
        assert pool.rate[0] == pytest.approx(rate[0], rel=5e-3), "the others wait for their prompts"
        inside = pool.batch + rate * (prefill_pool(replica=r, load=load).prompt_s + 0.05)
        assert inside[0] < 50

    def test_memory_bounds_the_batch(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(2000, 501)
        pool, rate = self.loop(r, load, 500, workers=(20.0, 3.0), capacity=16.0)
        assert pool.batch[0] == pytest.approx(16, rel=1e-3)
        assert rate[0] == pytest.approx(3 * 16 / (500 * seconds(r, decode=16, context=2250.5)), rel=1e-3)

    def test_with_a_worker_each_pools_share_what_one_replica_mixes(
        self, replica: Build, request_of: Ask
    ) -> None:
        """Decoding alone is never slower than decoding beside prompts."""
        r, load = replica(tp=4.0, engine=HOST), request_of(2000, 501)
        pool, _ = self.loop(r, load, 32, workers=(1.0, 1.0))
        both = steady(replica=r, load=load, batch=pool.batch)
        assert pool.tpot_s[0] < both.tpot_s[0]
        assert pool.batch[0] < decode_bound(replica=r, load=load)[0]
