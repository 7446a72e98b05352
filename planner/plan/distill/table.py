"""An answer about distillation as rows for people and as flat records; the command line renders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.plan.cluster.words import between, usd, watts
from planner.plan.distill.words import duration
from planner.plan.sections import Section
from planner.units import PETA, format_quantity, short_number

if TYPE_CHECKING:
    from planner.plan.distill.results import DistillResult, LawView, WayPlan
    from planner.plan.document import Interval

__all__ = [
    "ROLE_HEAD",
    "WAY_HEAD",
    "law_rows",
    "more_rows",
    "plan_records",
    "role_rows",
    "sections",
    "way_rows",
]

Rows = list[tuple[str, ...]]

WAY_HEAD: Final = (
    "way", "tokens", "loss, nats", "GPUs", "days", "GPU-hours", "cost", "over plain", "power", "FLOP",
)  # fmt: skip
ROLE_HEAD: Final = (
    "way",
    "who",
    "model",
    "GPUs",
    "share",
    "busy",
    "tokens/s",
    "utilisation",
    "FLOP share",
    "cost",
)


def way_rows(result: DistillResult) -> Rows:
    """Rows under `WAY_HEAD`: training without a teacher first, then the ways."""
    rows: Rows = []
    plain, law = result.result.plain, result.result.law
    if plain is not None:
        loss = "" if law is None else f"{law.without_teacher_nats.value:.3f}"
        tokens = result.result.plans[0].tokens.value if result.result.plans else None
        rows.append(
            (
                "no teacher", "" if tokens is None else _count(tokens), loss, f"{plain.gpus_used:,}",
                between(plain.days, _short), _count(plain.gpu_hours.value), between(plain.cost_usd, usd), "1",
                "", _flop(plain.flop),
            )
        )  # fmt: skip
    rows += [
        (
            plan.mode
            + (" in turn" if plan.placing == "in turn" else "")
            + (" (late)" if plan.in_time is False else ""),
            _count(plan.tokens.value),
            "" if plan.loss_nats is None else f"{plan.loss_nats.value:.3f}",
            f"{plan.gpus_used:,}",
            between(plan.days, _short),
            _count(plan.gpu_hours.value),
            between(plan.cost_usd, usd),
            _short(plan.over_plain),
            watts(plan.power_megawatts),
            _flop(plan.flop),
        )
        for plan in result.result.plans
    ]
    return rows


def role_rows(result: DistillResult) -> Rows:
    """Rows under `ROLE_HEAD`: who has how many accelerators."""
    return [
        (
            plan.mode,
            role.role.replace("-", " "),
            role.model,
            f"{role.gpus:,}",
            f"{role.gpu_share:.0%}",
            f"{role.busy:.0%}",
            _count(role.tokens_per_s.value),
            f"{role.utilisation:.1%}",
            f"{role.flop_share:.0%}",
            usd(role.cost_usd.value),
        )
        for plan in result.result.plans
        for role in plan.roles
    ]


def law_rows(law: LawView) -> Rows:
    """Return what the law says, a name and a value each."""
    rows: Rows = [
        ("teacher's loss", f"{law.teacher_loss_nats:.3f} nats; {law.teacher_loss_of}"),
        ("student with it", f"{_nats(law.with_teacher_nats)} on {_count(law.tokens)} tokens"),
        ("student without", f"{_nats(law.without_teacher_nats)} on as many"),
        (
            "without, same loss",
            "at no number of tokens" if law.equal_tokens is None else _on(law.equal_tokens),
        ),
        ("without, same compute", f"{law.same_compute_nats:.3f} nats on {_count(law.same_compute_tokens)}"),
    ]
    if law.same_cost_tokens is not None and law.same_cost_nats is not None:
        rows.append(
            ("without, same cost", f"{law.same_cost_nats:.3f} nats on {_count(law.same_cost_tokens)}")
        )
    if law.with_training_tokens is not None and law.with_training_nats is not None:
        text = f"{law.with_training_nats:.3f} nats on {_count(law.with_training_tokens)}"
        rows.append(("the same, teacher's training shared", text))
    crossover = {None: "any number of tokens", 0.0: "no number of tokens"}.get(law.crossover_tokens)
    rows.append(("the teacher helps up to", crossover or _count(law.crossover_tokens or 0.0) + " tokens"))
    rows += [
        ("its logits, kept, pay", _from(law.students_to_share)),
        ("training it pays, logits kept", _from(law.students_to_repay_stored)),
        ("training it pays, read anew", _from(law.students_to_repay)),
    ]
    return rows


def more_rows(result: DistillResult) -> Rows:
    """Return what binds, is stored, bought and left out, and what was published."""
    answer = result.result
    rows: Rows = [(f"{plan.mode} binds", plan.binds) for plan in answer.plans]
    rows += [row for plan in answer.plans for row in _kept_rows(plan)]
    rows += [(f"{one.mode} left out", one.reason) for one in answer.left_out]
    trained = answer.teacher_training
    if trained is not None:
        rows.append(
            (
                "training the teacher",
                f"{duration(trained.days)}, {usd(trained.cost_usd)}; {usd(trained.usd_per_student)} for each "
                f"of {trained.students:,} students",
            )
        )
    for one in answer.published:
        value = "" if one.value is None else f": {between(one.value, short_number)} {one.unit}"
        here = "" if one.here is None else f"; here {between(one.here, short_number)}"
        date = "" if one.as_of is None else f", {one.as_of}"
        rows.append((one.kind, f"{one.says}{value}{here} ({one.source}{date})"))
    return rows


def _kept_rows(plan: WayPlan) -> Rows:
    rows: Rows = []
    if plan.stored is not None and plan.mode == "offline":
        kept = plan.stored
        amount = format_quantity(kept.petabytes.value * PETA, "bytes", digits=3)
        rows.append(
            (
                f"{plan.mode} stores",
                f"{kept.what}: {amount}, {short_number(kept.write_gigabytes_per_s)} GB/s written; "
                f"{usd(kept.capital_usd.value)} to buy, {kept.share_of_usual:.0%} of the storage usual here",
            )
        )
    if plan.bought is not None:
        bill = plan.bought
        batch = "" if bill.usd_as_batch is None else f"; {usd(bill.usd_as_batch)} where answers may wait"
        date = "" if bill.as_of is None else f" of {bill.as_of}"
        rows.append(
            (
                f"{plan.mode} buys",
                f"{_count(bill.output_tokens.value)} tokens out for {usd(bill.output_usd.value)} and "
                f"{_count(bill.input_tokens.value)} in for {usd(bill.input_usd.value)} at the price{date} of "
                f"{bill.api}{batch}",
            )
        )
    if plan.days_in_turn is not None:
        text = f"{duration(plan.days_in_turn)}, each on all that it has use for"
        rows.append((f"{plan.mode}, teacher first", text))
    return rows


def plan_records(result: DistillResult) -> list[dict[str, Any]]:
    """Return one flat record for each way, units in the names."""
    return [
        {
            "mode": plan.mode,
            "student": result.inputs.student,
            "teacher": result.inputs.teacher or result.inputs.api,
            "gpus_used": plan.gpus_used,
            "gpus_idle": plan.gpus_idle,
            "in_time": plan.in_time,
            **{
                name: getattr(plan, name).model_dump()
                for name in ("tokens", "days", "gpu_hours", "cost_usd", "accelerator_usd")
            },
            "loss_nats": None if plan.loss_nats is None else plan.loss_nats.model_dump(),
            "over_plain": plan.over_plain,
            "flop": plan.flop,
            "flop_over_student": plan.flop_over_student,
            "power_megawatts": plan.power_megawatts,
            "energy_megawatt_hours": plan.energy_megawatt_hours,
            "stored_petabytes": None if plan.stored is None else plan.stored.petabytes.value,
            "bought_usd": None if plan.bought is None else plan.bought.usd.value,
            **{f"gpus_{role.role.replace('-', '_')}": role.gpus for role in plan.roles},
        }
        for plan in result.result.plans
    ]


def sections(result: DistillResult) -> Iterator[Section]:
    """Yield every table of the answer."""
    answer = result.result
    if answer.plans:
        yield Section(answer.sentence, WAY_HEAD, way_rows(result))
        if answer.nearest:
            yield Section("", (), [("in time with", nearest.sentence) for nearest in answer.nearest])
        yield Section("", ROLE_HEAD, role_rows(result))
    else:
        yield Section(answer.sentence, (), [("reason", reason) for reason in answer.reasons])
    if answer.law is not None:
        yield Section(f"By the law {answer.law.law}, of logits", (), law_rows(answer.law))
    more = more_rows(result)
    if more:
        yield Section("", (), more)


def _count(value: float) -> str:
    return format_quantity(value, "count", digits=3)


def _from(students: int | None) -> str:
    return "never" if students is None else f"from {students:,} student{'s' * (students != 1)} on"


def _on(tokens: float) -> str:
    return f"on {_count(tokens)} tokens"


def _nats(loss: Interval) -> str:
    return between(loss, lambda value: f"{value:.3f}") + " nats"


def _short(value: float) -> str:
    return short_number(value, 3)


def _flop(value: float) -> str:
    return f"{value:.2e}".replace("e+", "e")
