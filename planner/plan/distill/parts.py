"""Parts of an answer about distillation, as results carry them."""

from __future__ import annotations

from typing import Literal

from planner.plan.document import Base, Interval

__all__ = [
    "Bought",
    "LawView",
    "LeftOut",
    "Plain",
    "Published",
    "Role",
    "Stored",
    "TeacherTraining",
    "Way",
    "WayPlan",
]

Way = Literal["offline", "online", "sequence", "on-policy", "api"]


class Role(Base):
    """What some of the accelerators do."""

    role: Literal["student-trains", "teacher-reads", "teacher-writes", "student-writes"]
    model: str
    gpus: int
    gpu_share: float
    """Of the accelerator-hours of the way."""
    tokens: Interval
    """Trained on, read or written."""
    tokens_per_s: Interval
    """That these accelerators can do, failures included."""
    busy: float
    """Share of the time in which they work; in the rest they wait for the others."""
    flop: float
    """Of the model, attention counted causally; prompts included where it writes."""
    flop_share: float
    utilisation: float
    """Model FLOPs over the dense peak while busy."""
    gpu_hours: Interval
    cost_usd: Interval
    power_megawatts: float
    """Average, at the meter."""
    binds: str


class Stored(Base):
    """What is kept of the teacher's words until the student has read them."""

    what: str
    bytes_per_token: float
    petabytes: Interval
    write_gigabytes_per_s: float
    read_gigabytes_per_s: float
    capital_usd: Interval
    """To buy storage for it."""
    cost_usd: Interval
    """Of that capital for the days of the run, and electricity."""
    share_of_usual: float
    """Of the storage that is usual beside as many accelerators as there are."""


class Bought(Base):
    """Tokens from whoever serves the teacher."""

    api: str
    as_of: str | None
    output_tokens: Interval
    input_tokens: Interval
    output_usd: Interval
    input_usd: Interval
    usd: Interval
    usd_as_batch: float | None
    """Where requests may wait; null where no such price is known."""


class WayPlan(Base):
    """One way to teach, placed on the hardware."""

    mode: Way
    what: str
    sentence: str
    placing: Literal["together", "in turn"]
    """Whether teacher and student work side by side, or the teacher first where they do not both fit."""
    tokens: Interval
    """On which the student is trained."""
    unique_tokens: float
    roles: tuple[Role, ...]
    gpus_used: int
    gpus_idle: int
    """Of no use to it."""
    days: Interval
    days_in_turn: float | None
    """With the teacher first and then the student, each on everything; null where both work at once."""
    in_time: bool | None
    """Null where no time was given."""
    flop: float
    flop_over_student: float
    """All of it over that of training the student."""
    gpu_hours: Interval
    cost_usd: Interval
    """Accelerators, storage for the time, and what is bought."""
    accelerator_usd: Interval
    over_plain: float
    """Cost over that of training the student on as many tokens without a teacher."""
    power_megawatts: float
    energy_megawatt_hours: float
    stored: Stored | None
    bought: Bought | None
    loss_nats: Interval | None
    """By the law; null where it describes no such way."""
    binds: str


class LeftOut(Base):
    """A way that cannot be gone."""

    mode: Way
    reason: str


class Plain(Base):
    """The student without a teacher, on as many tokens and all the hardware."""

    gpus_used: int
    days: Interval
    gpu_hours: Interval
    cost_usd: Interval
    flop: float
    utilisation: float


class TeacherTraining(Base):
    """Training the teacher first, on all the hardware."""

    tokens: float
    days: float
    gpu_hours: float
    cost_usd: float
    flop: float
    students: int
    gpu_hours_per_student: float
    usd_per_student: float


class LawView(Base):
    """What the scaling law of distillation says; of logits alone, written text has no such law."""

    law: str
    student_parameters: float
    """As the law counts them: active, without embeddings."""
    tokens: float
    teacher_loss_nats: float
    teacher_loss_of: str
    with_teacher_nats: Interval
    without_teacher_nats: Interval
    """On as many tokens."""
    difference_nats: float
    """Above zero where the teacher helps."""
    within_error: bool
    """Whether that is less than the law's own error."""
    crossover_tokens: float | None
    """Above which plain training is better; null where it never is, 0 where it always is."""
    equal_tokens: float | None
    """Of plain training to the loss with the teacher; null where no number does."""
    same_compute_tokens: float
    """Of plain training for the compute of student and teacher's passes."""
    same_compute_nats: float
    same_cost_tokens: float | None
    """Of plain training for the cost of the cheapest way with logits; null where there is none."""
    same_cost_nats: float | None
    with_training_tokens: float | None
    """Of plain training for that compute and a share of the teacher's training; null where it exists."""
    with_training_nats: float | None
    students_to_repay: int | None
    """From how many students on a teacher trained for them pays in compute, if it reads for each of them
    anew; null where never."""
    students_to_repay_stored: int | None
    """The same where it reads once and its logits are kept for all."""
    students_to_share: int | None
    """From how many students on the logits of a teacher that exists, read once and kept, pay in compute; 1
    where they do for a single one, null where never."""
    teacher_too_good: bool
    """Whether a slightly worse one would teach better."""
    truncation_nats: Interval
    """Lost by keeping the largest logits alone, in the offline way."""
    beyond: tuple[str, ...]
    """Where it is an extrapolation."""
    sentence: str


class Published(Base):
    """A published figure of the recipe beside what comes out here."""

    says: str
    value: Interval | None
    unit: str | None
    here: Interval | None
    source: str
    kind: str
    as_of: str | None
