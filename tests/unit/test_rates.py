"""The estimator as rates: the same figures as the questions give, per token and per accelerator."""

import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InfeasibleError
from planner.plan.rates import Where, generation, scoring, training

MODEL = "llama-3-8b"


@pytest.fixture(scope="module")
def where() -> Where:
    return Where(book=Catalog((), ()), gpu="h100-sxm", gpus=64)


def test_a_rate_of_training_is_that_of_the_plan_with_its_failures(where: Where) -> None:
    rate = training(where, MODEL, tokens="1T")
    plan = planner.train(MODEL, gpu="h100-sxm", gpus=64, tokens="1T").plan
    assert plan is not None
    assert rate.gpus == plan.gpus_used
    assert rate.tokens_per_s.value == pytest.approx(1e12 / (plan.days_with_failures.value * 86400), rel=1e-3)
    assert rate.tokens_per_s_per_gpu.value * rate.gpus == pytest.approx(rate.tokens_per_s.value)
    assert rate.usd_per_gpu_hour == plan.usd_per_gpu_hour


def test_utilisation_is_flop_per_token_at_the_rate_over_the_dense_peak(where: Where) -> None:
    rate = scoring(where, MODEL, isl=4096)
    assert rate.utilisation == pytest.approx(
        rate.tokens_per_s_per_gpu.value * rate.flop_per_token / 989.4e12, rel=1e-3
    )
    assert rate.flop_per_token == pytest.approx(2 * 7.50466e9, rel=0.1)


def test_writing_costs_more_time_than_reading_the_same_tokens(where: Where) -> None:
    read = scoring(where, MODEL, isl=2048)
    written = generation(where, MODEL, isl=128, osl=2048)
    assert read.tokens_per_s.value > 3 * written.tokens_per_s.value
    assert read.utilisation > written.utilisation


def test_a_target_slows_generation(where: Where) -> None:
    free = generation(where, MODEL, isl=1024, osl=1024)
    held = generation(where, MODEL, isl=1024, osl=1024, tpot="8ms")
    assert held.tokens_per_s.value < free.tokens_per_s.value


def test_more_accelerators_write_more(where: Where) -> None:
    assert where.on(128).size() == 128
    small, large = (generation(where.on(n), MODEL, isl=512, osl=512) for n in (64, 128))
    assert large.tokens_per_s.value > 1.8 * small.tokens_per_s.value


@pytest.mark.parametrize("ask", [training, lambda w, m: scoring(w, m, isl=128)])
def test_what_does_not_fit_says_why_and_what_would(where: Where, ask: object) -> None:
    with pytest.raises(InfeasibleError, match=r"405b: .*; feasible with: .*accelerators"):
        ask(where.on(1), "llama-3.1-405b")  # type: ignore[operator]
