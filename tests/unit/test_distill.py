"""``planner distill``: what is refused and how to mend it, and that plans, bills and deadlines add up."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, PlannerError, UsageError
from planner.plan.distill.answer import distill
from planner.plan.distill.results import DistillResult, WayPlan

CATALOG = Catalog()
SMALL = {"teacher": "qwen3-8b", "gpu": "h100-sxm", "gpus": 64, "tokens": "20B", "catalog": CATALOG}
STUDENT = "qwen3-0.6b"


@cache
def ways() -> DistillResult:
    """All ways of one small question."""
    return distill(STUDENT, **SMALL, api="$3/$15", mode="all", isl=500, osl=1500, accept_rate=0.5, epochs=2)


def plan_of(mode: str, result: DistillResult | None = None) -> WayPlan:
    return next(plan for plan in (result or ways()).result.plans if plan.mode == mode)


REFUSED: list[tuple[Any, dict[str, Any], type[PlannerError], str]] = [
    (None, {}, UsageError, "who is to learn"),
    (STUDENT, {"teacher": None}, UsageError, r"who teaches\? Add --teacher MODEL, or --api NAME"),
    (STUDENT, {"tokens": "-1B"}, InputError, "--tokens '-1B' must be positive"),
    (STUDENT, {"tokens": 0}, InputError, "--tokens 0 must be positive"),
    (STUDENT, {"days": 0}, InputError, "--days 0 must be positive"),
    (STUDENT, {"teacher": "qwen3-9b"}, InputError, "neither a model nor an api-price .* Did you mean"),
    (STUDENT, {"teacher": "openai-gpt5"}, InputError, "Did you mean 'openai-gpt-5'"),
    ("qwen3-32b", {}, InputError, "larger than its teacher qwen3-8b .*; swap them: planner distill qwen3-8b"),
    (STUDENT, {"mode": "ofline"}, InputError, "--mode 'ofline' is unknown; did you mean 'offline'"),
    (STUDENT, {"mode": "api"}, UsageError, "bought from whom"),
    (STUDENT, {"teacher": "openai-o3", "mode": "online"}, UsageError, "needs the weights of the teacher"),
    (STUDENT, {"api": "$3 and $15"}, InputError, "is no pair of prices; write dollars"),
    (STUDENT, {"api": "$3/$0"}, InputError, "output that costs nothing is no price"),
    (STUDENT, {"accept_rate": 0}, InputError, "keeps nothing"),
    (STUDENT, {"accept_rate": 1.5}, InputError, "must be between 0 and 1"),
    (STUDENT, {"epochs": 0.5}, InputError, "leaves data unseen"),
    (STUDENT, {"top_k": "1M"}, InputError, "more than the vocabulary of 151,936"),
    (STUDENT, {"teacher_loss": -2}, InputError, "--teacher-loss -2 must be above 0"),
    (STUDENT, {"students": 0}, InputError, "--students 0 is outside 1 to"),
    (STUDENT, {"law": "besiroglu"}, InputError, "distillation is needed here; use busbridge"),
    (STUDENT, {"goal": "cheap"}, InputError, "--goal 'cheap' is unknown"),
    (STUDENT, {"recipe": "gema-3"}, InputError, "unknown distillation 'gema-3'. Did you mean 'gemma-3'"),
    (STUDENT, {"gpus": None}, UsageError, "how many of h100-sxm"),
    (STUDENT, {"gpu": None, "gpus": None}, UsageError, "say on what"),
]


@pytest.mark.parametrize(("student", "changed", "error", "message"), REFUSED)
def test_refused_with_its_mend(
    student: Any, changed: dict[str, Any], error: type[PlannerError], message: str
) -> None:
    with pytest.raises(error, match=message):
        distill(student, **SMALL | changed)


def test_a_student_of_more_parameters_but_less_work_is_told() -> None:
    result = distill("qwen3-30b-a3b", **SMALL | {"mode": "api", "api": "$1/$2"})
    assert any("but fewer at work in a token" in note for note in result.result.notes)


class TestPlans:
    def test_every_way_is_there_the_cheapest_first(self) -> None:
        plans = ways().result.plans
        assert {plan.mode for plan in plans} == {"offline", "online", "sequence", "on-policy", "api"}
        assert [plan.cost_usd.value for plan in plans] == sorted(plan.cost_usd.value for plan in plans)
        assert ways().plan == plans[0]

    @pytest.mark.parametrize("mode", ["offline", "online", "sequence", "on-policy", "api"])
    def test_accelerators_and_time_add_up(self, mode: str) -> None:
        plan = plan_of(mode)
        assert plan.gpus_used == sum(role.gpus for role in plan.roles) <= 64
        assert plan.gpus_used + plan.gpus_idle == 64
        assert sum(role.gpu_share for role in plan.roles) == pytest.approx(1.0)
        assert sum(role.flop_share for role in plan.roles) == pytest.approx(1.0)
        assert plan.gpu_hours.value == pytest.approx(plan.gpus_used * plan.days.value * 24.0)
        for role in plan.roles:
            busy = role.tokens.value / role.tokens_per_s.value / 86400.0
            assert busy <= plan.days.value * (1 + 1e-9)
            assert role.busy == pytest.approx(busy / plan.days.value)
        if not plan.binds.startswith("The pace of its own writing"):
            assert max(role.busy for role in plan.roles) == pytest.approx(1.0), "somebody sets the pace"
        assert plan.days.low <= plan.days.value <= plan.days.high

    def test_teacher_and_student_finish_together(self) -> None:
        """The split leaves nobody idle for long: matched rates, but for steps of layouts."""
        short = distill(STUDENT, **SMALL | {"mode": "on-policy", "isl": 500, "osl": 20}).plan
        assert short is not None
        for plan in (short, *(plan_of(mode) for mode in ("offline", "online", "sequence"))):
            assert plan.gpus_idle <= 3, plan.mode
            assert min(role.busy for role in plan.roles) > 0.85, plan.mode

    def test_who_reads_and_writes_how_much(self) -> None:
        """20B tokens in two epochs, three quarters of them written, half of what is written kept."""
        tokens = {
            (plan.mode, role.role): role.tokens.value for plan in ways().result.plans for role in plan.roles
        }
        assert tokens == {
            **{
                (mode, "student-trains"): 20e9
                for mode in ("offline", "online", "sequence", "on-policy", "api")
            },
            ("offline", "teacher-reads"): pytest.approx(10e9),
            ("online", "teacher-reads"): pytest.approx(20e9),
            ("sequence", "teacher-writes"): pytest.approx(10e9 * 0.75 / 0.5),
            ("on-policy", "student-writes"): pytest.approx(15e9),
            ("on-policy", "teacher-reads"): pytest.approx(20e9),
        }

    def test_what_the_student_writes_sets_the_pace_of_its_steps(self) -> None:
        """A batch is not trained on before it is written, whatever the number of accelerators."""
        asked = SMALL | {"mode": "on-policy", "tokens": "1B", "isl": 500, "osl": 8000}
        small, large = (distill(STUDENT, **asked | {"gpus": gpus}).plan for gpus in (512, 4096))
        assert small is not None
        assert large is not None
        assert large.days.value == pytest.approx(small.days.value, rel=0.02)
        assert large.gpus_used < 512
        assert large.binds.startswith("The pace of its own writing")

    def test_costs_add_up(self) -> None:
        for plan in ways().result.plans:
            extra = sum(part for part in (
                0.0 if plan.stored is None else plan.stored.cost_usd.value,
                0.0 if plan.bought is None else plan.bought.usd.value,
            ))  # fmt: skip
            assert plan.cost_usd.value == pytest.approx(plan.accelerator_usd.value + extra)
            roles = sum(role.cost_usd.value for role in plan.roles)
            assert plan.accelerator_usd.value == pytest.approx(roles)

    def test_the_bill_of_an_interface(self) -> None:
        bill = plan_of("api").bought
        assert bill is not None
        assert bill.output_tokens.value == pytest.approx(15e9)
        assert bill.input_tokens.value == pytest.approx(5e9)
        assert bill.usd.value == pytest.approx(15e9 * 15e-6 + 5e9 * 3e-6)
        assert bill.usd_as_batch is None

    def test_too_many_logits_for_the_storage_bind(self) -> None:
        plan = distill(STUDENT, **SMALL | {"mode": "offline"}, top_k="all").plan
        assert plan is not None
        assert plan.binds.startswith("Storage: all 151,936 logits of each token")

    def test_training_alone_is_the_same_in_every_way(self) -> None:
        plain = ways().result.plain
        assert plain is not None
        assert plan_of("api").accelerator_usd.value == pytest.approx(plain.cost_usd.value, rel=1e-9)
        assert plan_of("api").over_plain > 1.0
        for plan in ways().result.plans:
            assert plan.roles[0].flop == pytest.approx(plain.flop)

    def test_teaching_costs_more_than_no_teacher(self) -> None:
        assert all(plan.over_plain > 1.0 for plan in ways().result.plans)


class TestTime:
    def test_a_deadline_that_cannot_be_met_says_by_how_much_and_what_would(self) -> None:
        asked = SMALL | {"mode": "online"}
        late = distill(STUDENT, **asked, days=0.01)
        assert late.plan is None
        (reason,) = late.result.reasons
        assert re.search(r"takes [\d.]+ h, [\d.]+ h more than the 14.4 min that there are", reason)
        mends = {near.field: near.value for near in late.result.nearest}
        assert set(mends) >= {"tokens", "days"}
        in_time = distill(STUDENT, **asked | {"tokens": float(mends["tokens"] or 0.0)}, days=0.01)
        assert in_time.plan is not None

    def test_days_alone_solve_for_the_tokens(self) -> None:
        solved = distill(STUDENT, **SMALL | {"tokens": None, "mode": "online"}, days=2)
        assert solved.inputs.question == "tokens"
        assert solved.plan is not None
        assert solved.plan.days.value == pytest.approx(2.0)
        assert solved.plan.tokens.value > 100e9

    def test_a_small_student_does_not_waste_a_large_cluster(self) -> None:
        asked = SMALL | {"gpus": 16384, "mode": "online"}
        sparing, fast = (distill(STUDENT, **asked, goal=goal) for goal in ("efficient", "fastest"))
        assert sparing.plan is not None
        assert fast.plan is not None
        assert sparing.plan.gpus_used < fast.plan.gpus_used / 2
        assert sparing.plan.cost_usd.value < fast.plan.cost_usd.value / 2
        assert sparing.plan.days.value > fast.plan.days.value
        assert "batch" in sparing.plan.binds


def test_every_answer_says_what_it_assumed_and_read() -> None:
    result = ways()
    fields = {one.field for one in result.assumptions}
    assert {
        "teacher_loss",
        "teacher_tokens",
        "top_k",
        "seq_len",
        "global_batch",
        "software",
        "site",
    } <= fields
    assert {"teacher_engine", "student_weights"} <= fields
    assert {"arxiv-2502.08606", "planner-assumption"} <= set(result.sources)
    assert all(plan.binds for plan in result.result.plans)
    assert result.inputs.site == "usual"


def test_a_teacher_of_shorter_context_reads_in_pieces() -> None:
    """1,024 tokens with the one that it would write, were it asked to."""
    asked = {"teacher": "gpt2-xl", "gpu": "v100-sxm2-32gb", "gpus": 16, "tokens": "10B", "catalog": CATALOG}
    result = distill("gpt2", **asked, mode="online")
    assert result.plan is not None
    assert any("reads the student's sequences in pieces" in note for note in result.result.notes)
    written = distill("gpt2", **asked, mode="on-policy")
    assert written.plan is not None
    assert written.inputs.isl + written.inputs.osl <= 1023


def test_where_both_do_not_fit_the_teacher_goes_first() -> None:
    """Four accelerators hold a 70B or the training of an 8B, and not both."""
    asked = {"teacher": "llama-3.1-70b", "gpu": "h100-sxm", "gpus": 4, "tokens": "10B", "catalog": CATALOG}
    result = distill("llama-3.1-8b", **asked, mode="offline")
    assert result.plan is not None
    assert result.plan.placing == "in turn"
    assert result.plan.gpus_used == 4
    assert "takes the first" in result.plan.sentence
    assert sum(role.busy for role in result.plan.roles) == pytest.approx(1.0)
    assert sum(role.gpu_hours.value for role in result.plan.roles) == pytest.approx(
        result.plan.gpu_hours.value
    )
    assert result.plan.days.value == pytest.approx(result.plan.days_in_turn)
    online = distill("llama-3.1-8b", **asked, mode="online")
    assert online.plan is None
    assert "do not hold the training of llama-3-8b and llama-3-70b beside it" in online.result.reasons[0]


def test_nothing_fits() -> None:
    result = distill(
        "llama-3.1-8b", teacher="llama-3.1-405b", gpu="l40s", gpus=8, mode="online", catalog=CATALOG
    )
    assert result.plan is None
    assert result.result.reasons
    assert result.result.sentence.startswith("Nothing can be distilled here: ")


def test_a_cluster_of_unlike_groups_uses_the_one_with_most_compute() -> None:
    result = distill(recipe="grok-partly-distilled", cluster="colossus-1", catalog=CATALOG)
    assert result.inputs.cluster == "colossus-1/hgx-h100"
    assert any(one.field == "cluster" for one in result.assumptions)
