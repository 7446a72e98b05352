"""What `planner mix` answers: frozen result types, whose JSON other programs rely on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from planner.plan.document import Assumption, Base, Bottleneck, Document, Interval, Nearest, SourceUsed

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "Group",
    "Job",
    "Measured",
    "MixAnswer",
    "MixInputs",
    "MixResult",
    "Period",
    "Solver",
    "Totals",
    "Worth",
]


class MixInputs(Base):
    """The question as resolved."""

    cluster: str
    jobs: str
    """Id of the set of jobs; of a file of the user's own, from its name."""
    objective: Literal["value", "cost", "finish"]
    days: float
    periods: int
    """Of a day."""
    rates: Literal["middle", "low"]
    """Where in their 80 % intervals the rates were taken."""
    whole: bool
    """Whether only whole systems are given out."""
    power_cap_megawatts: float | None
    """The lowest of the day, at the meter."""
    idle: Literal["off", "on"]
    site: str
    price: str
    finance: str
    failures: str | None
    overrides: tuple[str, ...] = ()
    """`--set` of this call."""


class Job(Base):
    """What a job gets and does."""

    name: str
    kind: str
    model: str | None
    gpus: float
    """On average while it runs."""
    gpus_by_group: dict[str, float]
    """On average over the plan."""
    gpu_hours: float
    energy_megawatt_hours: float
    """Of its accelerators at work, above those switched off."""
    cost_usd: float
    """Electricity of that energy, and rent that ends with the use."""
    worth_usd: float
    """By the worth that its file names."""
    unit: Literal["tokens", "requests", "share"]
    wanted: float | None
    """Units of work; null of a reserve."""
    done: float | None
    done_share: float
    """Of what is wanted, over the plan."""
    least_share: float | None
    """Of a service: in its worst hour."""
    start_day: float | None
    deadline_day: float | None
    ends_day: Interval | None
    """By which day all of it is done; null where it is not."""
    kept_at_low: bool | None
    """Whether the deadline holds at the low end of the interval of the rate."""


class Group(Base):
    """Like accelerators, and who uses them."""

    name: str
    accelerator: str
    accelerators: int
    system_accelerators: int
    used: float
    """On average."""
    reserved: float
    idle: float
    busiest_share: float
    """Of what is not reserved, in the busiest period."""
    idle_watts: float
    """Of an accelerator that nobody uses, as the plan has it: switched off or waiting."""
    busy_watts: float
    """In training, at the meter."""


class Period(Base):
    """One period of the typical day of a phase."""

    phase: int
    from_day: float
    to_day: float
    from_hour: float
    to_hour: float
    gpus: dict[str, dict[str, float]]
    """By job and group."""
    served: dict[str, float]
    """Share of the demand that is met, by service."""
    idle: dict[str, float]
    """Accelerators that nobody uses, by group."""
    power_megawatts: float
    """On average, at the meter."""
    usd_per_kwh: float


class Worth(Base):
    """What a little more of something scarce is worth."""

    what: str
    """``gpu``, ``megawatt`` or ``deadline``."""
    name: str
    """Of the group or the job; the site for power."""
    amount: float
    """In USD of the objective; in days of finishing where that is the objective."""
    unit: Literal["USD", "days"]
    sentence: str


class Measured(Base):
    """A rate that the estimator gave."""

    job: str
    group: str
    unit: Literal["tokens", "requests"]
    gpus: tuple[int, ...]
    units_per_s: tuple[float, ...]
    low: float
    """80 % interval, relative."""
    high: float
    watts_per_gpu: float
    curve_loss: float
    """Largest share by which a planned size lies below the concave curve."""
    used_gpus: float | None = None
    """Accelerators in the plan, where they were planned again."""
    used_error: float | None = None
    """Share by which the curve is above the estimator there; negative where it is below."""
    binds: str
    why_not: str | None
    """Why the job cannot run there."""


class Solver(Base):
    """How the optimum was found."""

    status: Literal["optimal", "within the gap", "infeasible"]
    gap: float | None
    """Relative, between the plan and the best that is possible; 0 is a proof."""
    columns: int
    rows: int
    whole_columns: int
    phases: int
    seconds: float
    """Of the first program, which gives the plan."""
    programs: int
    seconds_of_all: float
    """With those that price deadlines and ends of intervals."""
    searches_seconds: float
    """Of the estimator."""


class Totals(Base):
    """Of all jobs over the plan."""

    objective: float | None
    """USD of worth less cost, USD of cost, or the weighted sum of the days on which jobs end."""
    objective_at_low: float | None
    """With all rates at the low ends of their intervals at once; null where the deadlines then fail."""
    objective_at_high: float | None
    worth_usd: float
    cost_usd: float
    """Electricity and rent that end with the use; capital of what is owned is spent either way."""
    electricity_usd: float
    """Of everything, what is switched off or reserved included."""
    energy_megawatt_hours: float
    peak_megawatts: float
    """As a cap counts it: everything switched on at its peak in the warmest season."""
    used_share: float
    """Of all accelerators, on average, the reserve left out."""


class MixAnswer(Base):
    """The answer."""

    plan: Literal["feasible"] | None
    """Null where nothing satisfies the jobs."""
    sentence: str
    bottleneck: Bottleneck | None
    totals: Totals | None
    jobs: tuple[Job, ...] = ()
    groups: tuple[Group, ...] = ()
    worths: tuple[Worth, ...] = ()
    periods: tuple[Period, ...] = ()
    measured: tuple[Measured, ...] = ()
    solver: Solver
    reasons: tuple[str, ...] = ()
    """Why there is no plan."""
    nearest: tuple[Nearest, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know to use the figures."""


class MixResult(Document):
    """Answer to ``planner mix``."""

    schema_name: Annotated[Literal["planner.mix/1"], Field(alias="schema")] = "planner.mix/1"
    inputs: MixInputs
    assumptions: tuple[Assumption, ...]
    result: MixAnswer
    sources: dict[str, SourceUsed]

    @property
    def plan(self) -> str | None:
        """``feasible``, or None."""
        return self.result.plan

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.mix.table import sections

        return sections(self)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: accelerators by period, job and group."""
        from planner.plan.mix.table import records_of

        return records_of(self)
