"""Clients of benchmarks: what each would have measured, against the steady state it starts from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.evidence.serving_clients import (
    Client,
    Measured,
    burst,
    closed,
    fixed_batch,
    offline,
    pools,
    rated,
    single_pool,
)
from planner.model.inference.batching import Steady, closed_loop, steady
from planner.model.inference.disaggregated import closed_pools, decode_pool, prefill_pool, transfer_s
from planner.model.inference.memory import Memory
from planner.model.inference.replica import Replica
from planner.tables.serving import Load

Build = Callable[..., Replica]
Ask = Callable[..., Load]
HOST = {"host_step_s": 1e-3, "prefill_slowdown": 1.1, "request_s": 0.02}


def client(**values: Any) -> Client:
    plain = {
        "concurrency": 16.0, "replicas": 1.0, "requests": np.nan, "rate": np.nan, "fixed_lengths": False,
        "wave": 0.0, "cohort": 0.0, "stall_share": 0.0, "drain": 0.0,
    } | values  # fmt: skip
    return Client(**{name: np.array([value]) for name, value in plain.items()})


def fits(capacity: float = 1e6, resident: float | None = None) -> Memory:
    held = {"capacity": capacity, "resident": capacity if resident is None else resident}
    return Memory(**{name: np.array([held.get(name, 0.0)]) for name in Memory.__dataclass_fields__})


def numbers(found: Measured | Steady) -> dict[str, float]:
    return {k: float(np.ravel(v)[0]) for k, v in vars(found).items() if isinstance(v, np.ndarray)}


def loop(replica: Replica, load: Load, concurrency: float, capacity: float = 1e6) -> dict[str, float]:
    return numbers(
        closed_loop(
            replica=replica, load=load, concurrency=np.array([concurrency]), capacity=np.array([capacity])
        )
    )


class TestClosed:
    def test_without_a_wave_it_is_the_steady_state(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(1000, 501)
        point = loop(r, load, 16)
        found = numbers(closed(replica=r, load=load, client=client(replicas=3.0), fits=fits()))
        assert found["tpot_s"] == pytest.approx(point["step_s"])
        assert found["output_tokens_per_s"] == pytest.approx(3 * 501 * point["rate"])
        assert found["batch"] == point["batch"]
        busy = point["rate"] * (point["mixed_s"] - point["decode_s"])
        queued = 16 - point["concurrency"]
        wait = max(busy * point["prefill_s"] / 2 / (1 - busy), queued / point["rate"])
        assert found["ttft_s"] == pytest.approx(point["prefill_s"] + point["step_s"] / 2 + 0.02 + wait)

    def test_all_clients_start_at_once(self, replica: Build, request_of: Ask) -> None:
        """The first prompts of 16 clients wait like the root of their number; decoding stalls less for it."""
        r, load = replica(tp=4.0, engine=HOST), request_of(1000, 501)
        calm, wave = (
            numbers(closed(replica=r, load=load, client=client(wave=w, stall_share=0.5), fits=fits()))
            for w in (0.0, 0.6)
        )
        point = loop(r, load, 16)
        assert wave["ttft_s"] - calm["ttft_s"] == pytest.approx(0.6 * 3 * point["prefill_s"])
        stall = point["step_s"] - point["decode_s"]
        together = 7.5 * (point["mixed_s"] - point["decode_s"])
        moved = min(1.8 * point["prefill_s"] / together, 1.0) * 0.5
        assert wave["tpot_s"] == pytest.approx(point["decode_s"] + stall * (1 - moved))

    def test_cohorts_of_equal_requests_stay_in_step_where_prompts_come_first(
        self, replica: Build, request_of: Ask
    ) -> None:
        r, load = replica(tp=4.0, engine=HOST | {"prefill_first": True}), request_of(1000, 501)
        same = {"fixed_lengths": True, "wave": 9.0}
        calm, cohort = (
            numbers(closed(replica=r, load=load, client=client(cohort=c, **same), fits=fits()))
            for c in (0.0, 0.4)
        )
        point = loop(r, load, 16)
        together = 7.5 * (point["mixed_s"] - point["decode_s"])
        assert cohort["ttft_s"] - calm["ttft_s"] == pytest.approx(0.4 * together)
        mixing = replica(tp=4.0, engine=HOST)
        spread = closed(replica=mixing, load=load, client=client(cohort=5.0, fixed_lengths=True), fits=fits())
        plain = closed(replica=mixing, load=load, client=client(), fits=fits())
        assert numbers(spread) == numbers(plain), "an engine that mixes spreads them"

    def test_clients_beyond_memory_wait(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(1000, 501)
        all_in, few = (
            numbers(closed(replica=r, load=load, client=client(concurrency=n), fits=fits(16)))
            for n in (16.0, 40.0)
        )
        assert few["ttft_s"] - all_in["ttft_s"] == pytest.approx(24 * 501 / few["output_tokens_per_s"])
        assert (few["tpot_s"], few["batch"]) == (all_in["tpot_s"], all_in["batch"])

    def test_speculation(self, replica: Build, request_of: Ask) -> None:
        r = replica(tp=4.0, drafts=3.0, accepted=2.5, draft_layers=1.0)
        found = numbers(closed(replica=r, load=request_of(1000, 501), client=client(), fits=fits()))
        assert found["tpot_s"] == pytest.approx(loop(r, request_of(1000, 501), 16)["step_s"] / 2.5)


class TestOffline:
    @pytest.mark.parametrize(("limit", "inside"), [(np.inf, 200), (64.0, 64), (500.0, 200)])
    def test_as_many_run_as_may(self, replica: Build, request_of: Ask, limit: float, inside: float) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(500, 501)
        asked = client(concurrency=limit, replicas=2.0)
        found = numbers(offline(replica=r, load=load, client=asked, fits=fits(200)))
        point = loop(r, load, inside, 200)
        assert found["output_tokens_per_s"] == pytest.approx(2 * 501 * point["rate"])
        assert found["tpot_s"] == pytest.approx(point["step_s"])
        assert np.isnan(found["ttft_s"])

    def test_a_queue_that_ends_drains(self, replica: Build, request_of: Ask) -> None:
        """Of 100 requests no more than 100 run, and the last of them leave places empty."""
        r, load = replica(tp=4.0, engine=HOST), request_of(500, 501)
        asked = client(concurrency=np.inf, requests=100.0)
        found = numbers(offline(replica=r, load=load, client=asked, fits=fits(200)))
        point = loop(r, load, 100, 200)
        span = 100 / point["rate"] + 0.15 * 500 * point["decode_s"]
        assert found["output_tokens_per_s"] == pytest.approx(100 * 501 / span)
        assert found["tpot_s"] == pytest.approx(point["step_s"])


class TestFixedBatch:
    def test_all_prompts_then_all_answers(self, replica: Build, request_of: Ask) -> None:
        """16 prompts of 1,000 tokens are two chunks of 8,000."""
        r, load = replica(tp=4.0, engine=HOST | {"chunk": 8000.0}), request_of(1000, 501)
        found = numbers(fixed_batch(replica=r, load=load, client=client(replicas=2.0)))
        prompts = 2 * numbers_of_prefill(r, load)["pass_s"]
        token = decode_pool(replica=r, load=load, batch=np.array([16.0])).step_s[0]
        assert found["ttft_s"] == pytest.approx(prompts + 0.02)
        assert found["tpot_s"] == pytest.approx(token)
        assert found["output_tokens_per_s"] == pytest.approx(2 * 16 * 501 / (prompts + 500 * token))
        assert found["batch"] == 16

    def test_speculation(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0, drafts=3.0, accepted=2.5, draft_layers=1.0), request_of(500, 501)
        found = numbers(fixed_batch(replica=r, load=load, client=client()))
        token = decode_pool(replica=r, load=load, batch=np.array([16.0])).tpot_s[0]
        assert found["tpot_s"] == pytest.approx(token)
        assert found["output_tokens_per_s"] == pytest.approx(16 * 501 / (found["ttft_s"] + 500 * token))

    def test_an_answer_of_one_token_is_its_prompt(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0), request_of(1000, 1)
        found = numbers(fixed_batch(replica=r, load=load, client=client(concurrency=1.0)))
        assert found["output_tokens_per_s"] == pytest.approx(1 / found["ttft_s"])


def numbers_of_prefill(replica: Replica, load: Load) -> dict[str, float]:
    found = vars(prefill_pool(replica=replica, load=load))
    return {k: float(np.ravel(v)[0]) for k, v in found.items() if isinstance(v, np.ndarray)}


class TestBurst:
    def test_the_server_drains(self, replica: Build, request_of: Ask) -> None:
        """640 requests, 64 at a time; the last answers are long and decode in a batch of a tenth."""
        r, load = replica(tp=4.0, engine=HOST), request_of(500, 501)
        point = loop(r, load, 64, 64)
        tail = decode_pool(replica=r, load=load, batch=np.array([0.1 * point["batch"]])).step_s[0]
        prompt = (point["mixed_s"] - point["decode_s"]) * 500 / point["chunk"]
        for fixed, share in ((False, 5.0), (True, 0.15)):
            asked = client(requests=640.0, drain=5.0, fixed_lengths=fixed)
            found = numbers(burst(replica=r, load=load, client=asked, fits=fits(1e6, 64)))
            span = 640 / point["rate"] + share * 500 * tail
            assert found["output_tokens_per_s"] == pytest.approx(640 * 501 / span)
            waited = 0.5 * (640 - 64) / point["rate"] + 0.5 * 64 * prompt
            assert found["ttft_s"] == pytest.approx(point["prefill_s"] + waited + 0.02)

    def test_few_requests_all_run(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(500, 501)
        found = numbers(burst(replica=r, load=load, client=client(requests=20.0), fits=fits(1e6, 64)))
        assert found["batch"] == pytest.approx(loop(r, load, 20)["batch"], rel=1e-3)


class TestRated:
    def test_the_batch_whose_rate_is_offered(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(500, 501)
        full = numbers(steady(replica=r, load=load, batch=np.array([64.0])))
        asked = client(rate=0.5 * full["rate"], replicas=2.0)
        found = numbers(rated(replica=r, load=load, client=asked, fits=fits(1e6, 64)))
        point = numbers(steady(replica=r, load=load, batch=np.array([found["batch"]])))
        assert point["rate"] == pytest.approx(0.5 * full["rate"], rel=1e-4)
        assert found["output_tokens_per_s"] == pytest.approx(full["rate"] * 501, rel=1e-4)
        assert found["tpot_s"] == pytest.approx(point["step_s"], rel=1e-4)
        assert found["ttft_s"] == pytest.approx(point["prefill_s"] + point["step_s"] / 2 + 0.02, rel=1e-4)

    def test_a_server_that_cannot_keep_up_works_through_a_burst(
        self, replica: Build, request_of: Ask
    ) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(500, 501)
        asked = client(rate=1e3, requests=640.0, drain=5.0)
        given: dict[str, Any] = {"replica": r, "load": load, "client": asked, "fits": fits(1e6, 64)}
        found, drained = numbers(rated(**given)), numbers(burst(**given))
        assert {k: v for k, v in found.items() if k != "batch"} == {
            k: v for k, v in drained.items() if k != "batch"
        }
        endless = numbers(rated(**given | {"client": client(rate=1e3)}))
        full = steady(replica=r, load=load, batch=np.array([64.0])).rate[0]
        assert endless["output_tokens_per_s"] == pytest.approx(full * 501, rel=1e-4)


class TestPools:
    @pytest.mark.parametrize(("wave", "capacity"), [(0.0, 1e6), (0.6, 1e6), (0.0, 8.0)])
    def test_both(self, replica: Build, request_of: Ask, wave: float, capacity: float) -> None:
        first, second = replica(tp=2.0, engine=HOST | {"handover_s": 0.03}), replica(tp=4.0, engine=HOST)
        load = request_of(1000, 501)
        found = numbers(
            pools(
                prefill_replica=first,
                prefill_workers=np.array([2.0]),
                decode_replica=second,
                decode_workers=np.array([3.0]),
                load=load,
                client=client(concurrency=72.0, wave=wave),
                fits=fits(capacity),
            )
        )
        prompt = numbers_of_prefill(first, load)
        handed = transfer_s(replica=first, load=load)
        pool, rate = closed_pools(
            prefill=prefill_pool(replica=first, load=load),
            prefill_workers=np.array([2.0]),
            decode_replica=second,
            decode_workers=np.array([3.0]),
            load=load,
            concurrency=np.array([72.0]),
            capacity=np.array([capacity]),
            handed_s=handed,
        )
        assert found["tpot_s"] == pool.tpot_s[0]
        assert found["output_tokens_per_s"] == pytest.approx(501 * rate[0])
        busy = rate[0] / (2 * prompt["rate"])
        wait = prompt["prompt_s"] * (busy / 2 / (1 - busy) + wave * (np.sqrt(36) - 1))
        held = 3 * pool.batch[0] + rate[0] * (prompt["prompt_s"] + handed[0])
        wait = max(wait, (72 - held) / rate[0])
        assert found["ttft_s"] == pytest.approx(prompt["prompt_s"] + handed[0] + 0.02 + wait)

    def test_one_alone(self, replica: Build, request_of: Ask) -> None:
        """A prefill pool counts input tokens, those that were cached too; a decode pool output tokens."""
        r, load = replica(tp=4.0, engine=HOST), request_of(1000, 501, cached=400)
        asked = client(concurrency=48.0, replicas=3.0)
        first, second = (
            numbers(single_pool(replica=r, load=load, client=asked, prefill=np.array([p])))
            for p in (True, False)
        )
        assert first["output_tokens_per_s"] == pytest.approx(3 * 1000 * numbers_of_prefill(r, load)["rate"])
        token = decode_pool(replica=r, load=load, batch=np.array([48.0])).step_s[0]
        assert second["output_tokens_per_s"] == pytest.approx(3 * 48 / token)
        assert second["tpot_s"] == pytest.approx(token)
        handed = transfer_s(replica=r, load=load)[0]
        assert first["ttft_s"] == pytest.approx(numbers_of_prefill(r, load)["prompt_s"] + handed + 0.02)
