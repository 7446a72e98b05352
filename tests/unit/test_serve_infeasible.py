"""Serving that cannot be: which target fails, by how much, and what would do."""

from __future__ import annotations

from typing import Any

import pytest

from planner.plan.serve import serve
from planner.plan.serving.results import ServeResult


def refused(**words: Any) -> ServeResult:
    result = serve("llama-3-70b", accelerator="h100", prefix_hit=0.5, **words)
    assert result.plan is None
    assert result.result.reasons
    return result


def nearest(result: ServeResult, field: str) -> Any:
    return next(one.value for one in result.result.nearest if one.field == field)


@pytest.mark.parametrize(("target", "words"), [("tpot", {"tpot": "1ms"}), ("ttft", {"ttft": "10ms"})])
def test_an_impossible_target_is_named_with_its_distance(target: str, words: dict[str, str]) -> None:
    result = refused(users="1M", **words)
    assert any("times what is asked" in reason for reason in result.result.reasons)
    allowed = nearest(result, target)
    assert (
        serve("llama-3-70b", accelerator="h100", users="1M", prefix_hit=0.5, **{target: allowed * 1.02}).plan
        is not None
    )


def test_weights_that_do_not_fit_say_how_many_accelerators_would_do() -> None:
    result = refused(gpus=1)
    assert "weights do not fit" in result.result.reasons[0]
    count = nearest(result, "gpus")
    assert serve("llama-3-70b", accelerator="h100", gpus=count, prefix_hit=0.5).plan is not None


def test_a_rate_beyond_a_cluster_says_what_it_serves() -> None:
    result = serve("llama-3-70b", cluster="hgx-h100-node", request_rate=1000, prefix_hit=0.5)
    assert result.plan is None
    assert "8 accelerators serve" in result.result.reasons[0]
    rate = nearest(result, "request_rate")
    served = serve("llama-3-70b", cluster="hgx-h100-node", request_rate=rate * 0.98, prefix_hit=0.5)
    assert served.plan is not None
    assert nearest(result, "gpus") > 8


def test_an_engine_of_another_maker_is_answered_with_the_usual_one() -> None:
    result = serve("llama-3-70b", accelerator="mi300x", engine="trtllm")
    assert "does not run on parts of AMD" in result.result.reasons[0]
    assert nearest(result, "engine") == "vllm-rocm"


def test_speculation_without_modules_is_answered_by_serving_without() -> None:
    result = refused(speculation="mtp")
    assert "no multi-token-prediction modules" in result.result.reasons[0]
    assert nearest(result, "speculation") is None


def test_pins_that_no_replica_obeys_are_named() -> None:
    result = refused(tp=3)
    assert any("--tp 3" in one.sentence for one in result.result.nearest)
