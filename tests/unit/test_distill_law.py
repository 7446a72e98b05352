"""What ``planner distill`` says by the law: losses, crossovers, teachers that pay, text without a law."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import pytest

from planner.catalog.load import Catalog
from planner.model.scaling.distilling import crossover_tokens, student_loss, supervised_loss
from planner.plan.defaults import Filled
from planner.plan.distill.answer import distill
from planner.plan.distill.question import resolve
from planner.plan.distill.results import DistillResult, LawView, WayPlan
from planner.plan.distill.verdict import Judge, judge_of, law_view
from planner.tables.laws import DistillationLaw
from planner.tables.samples import Samples
from planner.tables.scaling import law_named

CATALOG = Catalog()
STUDENT = "qwen3-0.6b"
SMALL = {"teacher": "qwen3-8b", "gpu": "h100-sxm", "gpus": 64, "tokens": "20B", "catalog": CATALOG}


@cache
def logits() -> DistillResult:
    """Both ways with logits, and text beside them."""
    return distill(STUDENT, **SMALL, mode="all")


def plan_of(mode: str) -> WayPlan:
    return next(plan for plan in logits().result.plans if plan.mode == mode)


def judged(**changed: Any) -> Judge:
    """Return the law for this student and teacher, without hardware."""
    left_open = dict.fromkeys(
        ("recipe", "api", "days", "epochs", "isl", "osl", "accept_rate", "top_k", "ground_truth", "seq_len",
         "students", "teacher_loss", "teacher_tokens")
    )  # fmt: skip
    asked = {
        "student": STUDENT,
        "teacher": "qwen3-8b",
        "mode": "offline",
        "tokens": "20B",
        "law": "busbridge",
    }
    filled = Filled()
    judge = judge_of(resolve(CATALOG, filled, **left_open | asked | changed), filled)
    assert judge is not None
    return judge


def viewed(judge: Judge, tokens: float) -> LawView:
    """Return what it says, by 6N and 2N."""
    asked = {"student_flop": 6 * judge.size, "teacher_flop": 2 * judge.teacher_size, "same_cost_tokens": None}
    return law_view(judge, tokens, **asked)


def test_losses_are_those_of_the_law() -> None:
    law = logits().result.law
    assert law is not None
    table = law_named(CATALOG, "busbridge", Samples(0), DistillationLaw)
    asked = {"law": table, "parameters": law.student_parameters}
    taught = student_loss(tokens=20e9, teacher_loss=law.teacher_loss_nats, **asked)
    assert law.with_teacher_nats.value == pytest.approx(taught.item())
    plain = supervised_loss(tokens=20e9, **asked)
    assert law.without_teacher_nats.value == pytest.approx(plain.item())
    assert law.difference_nats == pytest.approx(plain.item() - taught.item())
    crossing = crossover_tokens(teacher_loss=law.teacher_loss_nats, **asked).item()
    assert law.crossover_tokens == (pytest.approx(crossing) if math.isfinite(crossing) else None)
    assert supervised_loss(tokens=law.equal_tokens, **asked) == pytest.approx(taught.item())


def test_a_truncated_distribution_loses_what_was_measured() -> None:
    """DI-topk: 0.01 nats at most with 30 % of the loss on the text, 0.11 without."""
    online, offline = (plan_of(mode).loss_nats for mode in ("online", "offline"))
    assert online is not None
    assert offline is not None
    assert offline.value == pytest.approx(online.value + 0.01)
    assert judged(ground_truth=0).truncation().value == 0.11
    assert judged(top_k="all").truncation().high == 0.0


def test_text_has_no_law() -> None:
    assert plan_of("sequence").loss_nats is None
    assert any("No published law" in note for note in logits().result.notes)
    only = distill(STUDENT, **SMALL, mode="sequence")
    assert only.result.law is None
    assert "no published law says" in only.result.sentence


def test_above_the_crossover_plain_training_is_said_to_be_better() -> None:
    view = viewed(judged(teacher_loss=2.1), 30e12)
    assert view.difference_nats < 0.0
    assert "does not beat training it without a teacher" in view.sentence
    assert any("is 59 times outside, an extrapolation" in said for said in view.beyond)


def test_a_difference_below_the_error_of_the_law_is_said() -> None:
    view = viewed(judged(), 150e9)
    assert view.within_error == (abs(view.difference_nats) < 0.01 * view.without_teacher_nats.value)
    assert view.within_error
    assert "less than the law's own error" in view.sentence


def test_a_teacher_trained_for_it_is_shared() -> None:
    one, many = (viewed(judged(students=n, teacher_tokens="1T"), 20e9) for n in (1, 50))
    assert one.with_training_tokens is not None
    assert many.with_training_tokens is not None
    teacher = (one.with_training_tokens - one.same_compute_tokens) / 50
    assert many.with_training_tokens - many.same_compute_tokens == pytest.approx(teacher)
    assert viewed(judged(), 20e9).with_training_nats is None


def test_logits_kept_for_many_pay_sooner_than_those_read_anew() -> None:
    view = viewed(judged(teacher_tokens="1T"), 20e9)
    assert view.equal_tokens is not None
    assert view.students_to_share is not None
    saved = 6 * view.student_parameters * (view.equal_tokens - 20e9)
    passes = 2 * judged().teacher_size * 20e9
    assert view.students_to_share == math.ceil(passes / saved)
    assert view.students_to_repay_stored == math.ceil((passes + 6 * judged().teacher_size * 1e12) / saved)
    assert view.students_to_repay is None or view.students_to_repay >= view.students_to_repay_stored


def test_its_training_is_planned_and_shared() -> None:
    result = distill(STUDENT, **SMALL | {"mode": "online"}, students=50, teacher_tokens="1T").result
    trained = result.teacher_training
    assert trained is not None
    assert trained.usd_per_student * 50 == pytest.approx(trained.cost_usd)
    assert trained.flop == pytest.approx(6 * 8e9 * 1e12, rel=0.1)
