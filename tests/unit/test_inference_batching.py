"""Continuous batching: one operating point against its balance written out, and closed loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.model.inference.batching import (
    Steady,
    closed_loop,
    decode_bound,
    decode_steps,
    prompt_work,
    steady,
)
from planner.model.inference.replica import Replica, Work
from planner.model.inference.step import step
from planner.tables.serving import Load

Build = Callable[..., Replica]
Ask = Callable[..., Load]
HOST = {"host_step_s": 1e-3, "prefill_slowdown": 1.1}


def seconds(replica: Replica, **values: float) -> float:
    plain = {"decode": 0.0, "context": 1000.0, "prompt": 0.0, "new": 1.0, "past": 0.0} | values
    work = Work(**{name: np.array([value]) for name, value in plain.items()})
    return float(step(replica=replica, work=work).total_s[0])


def at(replica: Replica, load: Load, batch: float) -> dict[str, float]:
    found = steady(replica=replica, load=load, batch=np.array([batch]))
    return numbers(found)


def numbers(found: Steady) -> dict[str, float]:
    columns = {name: value for name, value in vars(found).items() if isinstance(value, np.ndarray)}
    return {name: float(column[0]) for name, column in columns.items()}


class TestLoads:
    def test_steps_of_an_answer(self, replica: Build, request_of: Ask) -> None:
        """The first token comes with the prompt; a step may yield several."""
        load = request_of(1000, [1, 2, 101])
        assert decode_steps(load=load, replica=replica()).tolist() == [1, 1, 100]
        assert decode_steps(load=load, replica=replica(drafts=2.0, accepted=2.5)).tolist() == [0.4, 0.4, 40]

    def test_a_long_prompt_comes_in_chunks(self, replica: Build, request_of: Ask) -> None:
        """20,000 of 30,000 tokens are new: before a chunk are 10,000 cached and half of the other 12,000."""
        r = replica(engine={"chunk": 8000.0})
        work = prompt_work(replica=r, load=request_of(30000, 200, cached=10000), prompt=np.array([8000.0]))
        assert (work.new[0], work.past[0], work.prompt[0]) == (8000, 16000, 8000)
        assert (work.decode[0], work.context[0]) == (0, 30100)

    def test_a_short_prompt_is_whole(self, replica: Build, request_of: Ask) -> None:
        batch = np.array([7.0])
        work = prompt_work(
            replica=replica(), load=request_of(3000, 200, cached=1000), prompt=np.array([4000.0]), batch=batch
        )
        assert (work.new[0], work.past[0], work.decode[0]) == (2000, 1000, 7)

    def test_a_cached_prompt_still_computes_a_token(self, replica: Build, request_of: Ask) -> None:
        work = prompt_work(replica=replica(), load=request_of(500, 9, cached=500), prompt=np.array([1.0]))
        assert (work.new[0], work.past[0]) == (1, 500)

    def test_most_tokens_are_in_long_prompts_and_long_answers(self, replica: Build, request_of: Ask) -> None:
        """Lengths spread like an exponential double what an average token has before it."""
        load = request_of(1000, 400, new_variation=1.0, osl_variation=1.0)
        work = prompt_work(replica=replica(), load=load, prompt=np.array([1000.0]))
        assert work.past[0] == 500
        assert work.context[0] == 1000 + 400


class TestMixing:
    """Prompts ride in decode steps; Llama 3 70B on 4 ranks."""

    def test_a_chunk_in_some_steps(self, replica: Build, request_of: Ask) -> None:
        """32 sequences of 201 tokens owe 32 x 1,000/200 = 160 prompt tokens a step: one prompt in 6.25."""
        r = replica(tp=4.0, engine=HOST)
        found = at(r, request_of(1500, 201, cached=500), 32)
        decode = seconds(r, decode=32, context=1600.5)
        alone = seconds(r, prompt=1000, new=1000, past=500)
        both = seconds(r, decode=32, context=1600.5, prompt=1000, new=1000, past=500)
        mean = 0.84 * decode + 0.16 * both
        assert both < decode + alone
        expected = {
            "batch": 32, "decode_s": decode, "prompt_s": alone, "mixed_s": both, "chunk": 1000,
            "mixed_share": 0.16, "step_s": mean, "steps": 200, "tpot_s": mean, "prefill_s": both,
            "rate": 32 / (200 * mean), "concurrency": 32 + 32 / (200 * mean) * (both + decode / 2),
        }  # fmt: skip
        assert found == pytest.approx(expected)

    def test_prompts_beyond_a_chunk_take_several_steps(self, replica: Build, request_of: Ask) -> None:
        r = replica(tp=4.0, engine=HOST | {"chunk": 2000.0})
        found = at(r, request_of(9000, 1001), 20)
        assert (found["chunk"], found["mixed_share"]) == pytest.approx((2000, 20 * 9000 / 1000 / 2000))
        both = seconds(r, decode=20, context=9500.5, prompt=2000, new=2000, past=3500)
        assert found["mixed_s"] == pytest.approx(both)
        assert found["prefill_s"] == pytest.approx(4.5 * both)

    def test_every_step_carries_what_is_owed(self, replica: Build, request_of: Ask) -> None:
        """64 x 1,000/10 = 6,400 tokens a step, more than one prompt, less than the chunk."""
        r = replica(tp=4.0)
        found = at(r, request_of(1000, 11), 64)
        assert (found["chunk"], found["mixed_share"]) == pytest.approx((6400, 1))
        mixed = seconds(r, decode=64, context=1005.5, prompt=6400, new=1000)
        assert found["step_s"] == pytest.approx(mixed)
        assert found["rate"] == pytest.approx(6.4 / mixed)
        assert found["prefill_s"] == pytest.approx(mixed)

    def test_prompts_may_bound_the_rate(self, replica: Build, request_of: Ask) -> None:
        """200 x 1,000/10 tokens are owed, 8,192 fit: sequences beyond 81.92 only wait."""
        r, load = replica(tp=4.0), request_of(1000, 11)
        assert decode_bound(replica=r, load=load)[0] == pytest.approx(81.92)
        found = at(r, load, 200)
        assert (found["chunk"], found["mixed_share"]) == (8192, 1)
        assert found["rate"] == pytest.approx(8.192 / found["step_s"])
        assert found["rate"] < 200 / (10 * found["step_s"])

    def test_prompts_run_beside_where_that_is_faster(self, replica: Build, request_of: Ask) -> None:
        """A step with prompts may run all its kernels slower than two steps together."""
        r = replica(tp=4.0, engine={"prefill_slowdown": 10.0})
        found = at(r, request_of(1000, 201), 512)
        assert found["mixed_s"] == pytest.approx(found["decode_s"] + found["prompt_s"])
        assert found["mixed_s"] < seconds(r, decode=512, context=1100.5, prompt=found["chunk"], new=1000)

    def test_a_prompt_that_is_all_cached_still_computes_a_token(
        self, replica: Build, request_of: Ask
    ) -> None:
        """32 sequences of 11 tokens owe 3.2 such prompts a step."""
        r = replica(tp=4.0)
        found = at(r, request_of(1000, 11, cached=1000), 32)
        mixed = seconds(r, decode=32, context=1005.5, prompt=3.2, new=1, past=1000)
        assert (found["chunk"], found["mixed_share"]) == pytest.approx((3.2, 1))
        assert found["step_s"] == pytest.approx(mixed)
        assert found["rate"] == pytest.approx(3.2 / mixed)

    def test_speculation_shortens_answers(self, replica: Build, request_of: Ask) -> None:
        r = replica(tp=4.0, drafts=3.0, accepted=2.5, draft_layers=1.0)
        found = at(r, request_of(1000, 201), 32)
        assert found["steps"] == 80
        assert found["tpot_s"] == pytest.approx(found["step_s"] / 2.5)
        assert found["rate"] == pytest.approx(32 / (80 * found["step_s"]))
        assert decode_bound(replica=r, load=request_of(1000, 201))[0] == pytest.approx(8.192 * 80)


class TestPromptsFirst:
    def test_they_stop_decoding(self, replica: Build, request_of: Ask) -> None:
        r = replica(tp=4.0, engine=HOST | {"prefill_first": True})
        found = at(r, request_of(1000, 201), 32)
        decode, alone = seconds(r, decode=32, context=1100.5), seconds(r, prompt=1000, new=1000)
        assert found["mixed_s"] == pytest.approx(decode + alone)
        assert found["step_s"] == pytest.approx(decode + 0.16 * alone)
        assert found["prefill_s"] == pytest.approx(alone)
        mixing = at(replica(tp=4.0, engine=HOST), request_of(1000, 201), 32)
        assert mixing["step_s"] < found["step_s"]


class TestAttentionRanks:
    """DeepSeek-V3 on 8 attention ranks: prompts gather so that ranks compute them side by side."""

    @pytest.mark.parametrize(("batch", "together"), [(2, 1), (12, 3), (64, 8)])
    def test_prompts_gather(self, replica: Build, request_of: Ask, batch: float, together: float) -> None:
        found = at(replica("deepseek-v3", dp=8.0, ep=8.0), request_of(1000, 1001), batch)
        assert found["chunk"] == pytest.approx(1000 * together)
        assert found["mixed_share"] == pytest.approx(batch / (1000 * together))
        assert found["prefill_s"] == pytest.approx(found["mixed_s"])

    def test_no_more_than_chunks_hold(self, replica: Build, request_of: Ask) -> None:
        r = replica("deepseek-v3", dp=8.0, ep=8.0, engine={"chunk": 2048.0})
        found = at(r, request_of(5000, 1001), 400)
        assert found["chunk"] == 8 * 2048
        assert found["prefill_s"] == pytest.approx(found["mixed_s"] * 5000 / 2048)
        assert decode_bound(replica=r, load=request_of(5000, 1001))[0] == pytest.approx(8 * 2048 / 5)


class TestClosedLoop:
    def at(self, replica: Replica, load: Load, concurrency: Any, capacity: float = 1e9) -> Steady:
        many = np.atleast_1d(np.asarray(concurrency, dtype=float))
        return closed_loop(replica=replica, load=load, concurrency=many, capacity=np.array([capacity]))

    @pytest.mark.parametrize("engine", [HOST, HOST | {"prefill_first": True}])
    def test_as_many_are_inside_as_there_are_clients(
        self, replica: Build, request_of: Ask, engine: dict[str, Any]
    ) -> None:
        asked = np.array([1.0, 2.0, 8.0, 64.0, 300.0])
        found = self.at(replica(tp=4.0, engine=engine), request_of(2000, 501), asked)
        np.testing.assert_allclose(found.concurrency, asked, rtol=2e-3)
        residence = found.steps * found.step_s + found.prefill_s + 0.5 * found.decode_s
        np.testing.assert_allclose(found.rate * residence, asked, rtol=2e-3)

    def test_no_more_than_fit(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(2000, 501)
        found, full = self.at(r, load, 300, 40.0), self.at(r, load, 40)
        assert numbers(found) == pytest.approx(numbers(full))
        assert self.at(r, load, 300, 0.0).rate[0] == self.at(r, load, 1).rate[0], "at least one is tried"

    def test_prompts_bound_the_batch(self, replica: Build, request_of: Ask) -> None:
        r, load = replica(tp=4.0, engine=HOST), request_of(1000, 11)
        found = self.at(r, load, 1000)
        assert found.batch[0] == pytest.approx(decode_bound(replica=r, load=load)[0])
        assert found.concurrency[0] < 1000, "the others queue"

    def test_one_client(self, replica: Build, request_of: Ask) -> None:
        """It waits for its prompt, then decodes alone."""
        r = replica(tp=4.0, engine=HOST)
        found = self.at(r, request_of(2000, 501), 1)
        whole = 500 * found.step_s + found.prefill_s + found.decode_s / 2
        assert found.rate[0] == pytest.approx(1 / whole[0], rel=1e-3)


def test_points_of_a_table_are_those_of_its_rows(replica: Build, request_of: Ask) -> None:
    r, load = replica("deepseek-v3", dp=8.0, ep=8.0, engine=HOST), request_of(3000, 301, cached=1000)
    batches = np.array([0.5, 3.0, 40.0, 900.0])
    found = steady(replica=r, load=load, batch=batches)
    for i, batch in enumerate(batches):
        alone = at(r, load, batch)
        together = {name: np.broadcast_to(getattr(found, name), 4)[i] for name in alone}
        assert together == pytest.approx(alone, rel=1e-12)
