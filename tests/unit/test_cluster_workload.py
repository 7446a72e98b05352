"""H100 equivalents by a job: what one accelerator does of it, over what an H100 does."""

from __future__ import annotations

import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError
from planner.plan.cluster.workload import by_workload, check_workload


def test_an_h100_is_one_of_itself_and_others_are_ratios_of_plans() -> None:
    job = by_workload(Catalog(), "llama-3.1-8b", ["gb200", "h100-sxm", "gb200"])
    assert [one.accelerator for one in job.ratios] == ["gb200", "h100-sxm"]
    faster, unit = job.ratios
    assert unit.ratio is not None
    assert (unit.ratio.low, unit.ratio.value, unit.ratio.high) == (1.0, 1.0, 1.0)
    alone = [
        planner.train("llama-3.1-8b", gpu=gpu, gpus=job.accelerators).plan for gpu in ("gb200", "h100-sxm")
    ]
    rates = [plan.tokens_per_s_per_gpu.value for plan in alone if plan is not None]
    assert faster.ratio is not None
    assert faster.ratio.value == pytest.approx(rates[0] / rates[1])
    assert 1.5 < faster.ratio.low < faster.ratio.value < faster.ratio.high < 4.0
    assert job.what == "training llama-3.1-8b"


def test_serving_compares_output_tokens() -> None:
    job = by_workload(Catalog(), "llama-3.1-8b:chat", ["h200-sxm"])
    (one,) = job.ratios
    assert one.ratio is not None
    assert one.tokens_per_s is not None
    assert one.ratio.value == pytest.approx(one.tokens_per_s.value / job.reference_tokens_per_s.value)
    assert job.what == "serving llama-3.1-8b to chat"


def test_what_has_no_plan_counts_nothing_and_says_why() -> None:
    tiny = Catalog((), ("accelerator.rtx-4090.memory.capacity=1 GB",))
    job = by_workload(tiny, "llama-3.1-8b", ["rtx-4090"])
    (one,) = job.ratios
    assert one.ratio is None
    assert one.tokens_per_s is None
    assert one.plan.startswith("no plan")


@pytest.mark.parametrize("text", ["", ":chat", "deepseek-v3:", " : "])
def test_a_workload_names_a_model(text: str) -> None:
    with pytest.raises(InputError, match="name a model to train"):
        check_workload(text)


def test_unknown_models_and_traffic_are_answered_with_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="deepseek-v3"):
        by_workload(Catalog(), "deepsek-v3", ["gb200"])
    with pytest.raises(UnknownNameError, match="chat"):
        by_workload(Catalog(), "llama-3.1-8b:chatt", ["gb200"])


def test_a_job_that_h100s_cannot_do_is_refused() -> None:
    small = Catalog((), ("accelerator.h100-sxm.memory.capacity=1 GB",))
    with pytest.raises(InputError, match="nothing can be counted in them"):
        by_workload(small, "llama-3.1-405b", ["gb200"])
