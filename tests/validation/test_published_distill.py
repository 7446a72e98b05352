"""Published figures of distillation by ``planner distill`` itself; the functions are in
``test_published_distillation.py``. Identifiers are those of the table in docs/distill.md.
"""

from __future__ import annotations

from functools import cache

import pytest

from planner.catalog.load import Catalog
from planner.plan.distill.answer import distill
from planner.plan.distill.results import DistillResult

CATALOG = Catalog()
HERE = {"gpu": "h100-sxm", "gpus": 1024, "catalog": CATALOG}


@cache
def eight_from_seventy() -> DistillResult:
    return distill(
        "llama-3.1-8b", teacher="llama-3.1-70b", tokens="1T", mode="offline", teacher_loss=2.0, **HERE
    )


def test_compute() -> None:
    """DI-flops, arXiv:2502.08606 Eq. 9: 8B from 70B on 1T tokens, 1.88e23 FLOP, 3.917 times the student's.

    Theirs is F = 2N of 8e9 and 70e9; ours are exact counts with attention.
    """
    plan = eight_from_seventy().plan
    assert plan is not None
    assert plan.flop == pytest.approx(1.88e23, rel=0.08)
    assert plan.flop_over_student == pytest.approx(3.917, rel=0.01)


def test_some_logits() -> None:
    """DI-logit-store: 256 logits of 2 bytes and 4 of place, 1.536 PB for 1T tokens; ours with the text."""
    plan = eight_from_seventy().plan
    assert plan is not None
    assert plan.stored is not None
    assert plan.stored.petabytes.value - 1e12 * 4 / 1e15 == pytest.approx(1.536, rel=1e-6)


def test_all_logits() -> None:
    """DI-store-full, appendix G.4: 32,168 logits in fp32 are 129 KB a token; of Llama 2's 32,000, 128 KB."""
    result = distill("tinyllama-1.1b", teacher="llama-2-7b", tokens="2T", mode="offline", top_k="all", **HERE)
    assert result.plan is not None
    assert result.plan.stored is not None
    assert result.plan.stored.bytes_per_token == pytest.approx(129e3, rel=0.02)
    assert result.plan.stored.petabytes.value == pytest.approx(260.0, rel=0.02)


def test_bill_of_a_black_box() -> None:
    """DI-api: 1e11 output tokens at 15 USD per million are 1.5 million."""
    result = distill(
        "llama-3.1-8b", api="$3/$15", tokens=125e9, isl=500, osl=2000, accept_rate=1, epochs=1, **HERE
    )
    assert result.plan is not None
    assert result.plan.bought is not None
    assert result.plan.bought.output_usd.value == pytest.approx(1.5e6, rel=1e-9)
    assert result.plan.bought.input_usd.value == pytest.approx(25e9 * 3e-6, rel=1e-9)


def test_on_policy_against_reinforcement_learning() -> None:
    """DI-qwen3 and DI-tml: 1,800 against 17,920 GPU-hours (9.96 times), and 9 to 30 times, beside ours.

    Tokens and lengths are not published: the hours here are those of the recipe's assumptions, and the
    interval of these holds the published figure.
    """
    result = distill(recipe="qwen3-8b-on-policy", gpu="h100-sxm", gpus=64, catalog=CATALOG)
    ours, instead, saving = result.result.published
    assert ours.value is not None
    assert instead.value is not None
    assert saving.value is not None
    assert instead.value.value / ours.value.value == pytest.approx(9.96, abs=0.005)
    assert (saving.value.low, saving.value.high) == (9.0, 30.0)
    assert ours.here is not None
    assert ours.here.low < 1800 < ours.here.high


def test_data_of_deepseek_r1() -> None:
    """RL-r1-hours, doi:10.1038/s41586-025-09422-z: 5K H800-hours for data of fine-tuning, 800K samples."""
    result = distill(recipe="r1-distill", gpu="h800-sxm", gpus=512, catalog=CATALOG)
    samples, hours = result.result.published
    assert samples.here is not None
    assert samples.here.value == pytest.approx(800e3, rel=0.01)
    assert hours.here is not None
    assert 500 < hours.here.value < 5000, "writing alone is a part of making the data, and not a small one"


def test_the_news_on_grok() -> None:
    """Section 0: testimony of 2026-04-30, 'partly'; no number of it is known, and the answer says so."""
    result = distill(recipe="grok-partly-distilled", gpu="h100-sxm", gpus=20000, catalog=CATALOG)
    (said,) = result.result.published
    assert said.value is None
    assert "partly" in said.says
    assert (said.kind, said.as_of) == ("reported", "2026-04-30")
    sizes = [
        one for one in result.assumptions if one.field in ("tokens", "isl", "osl", "accept_rate", "epochs")
    ]
    assert len(sizes) == 5
    assert all("estimate" in one.why for one in sizes)
    assert any("Every number here is an assumption" in note for note in result.result.notes)
    assert result.plan is not None
    assert result.plan.cost_usd.high > 20 * result.plan.cost_usd.value
