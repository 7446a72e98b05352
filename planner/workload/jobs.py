"""Jobs that share a cluster: ``workloads/jobs/ID.yaml``, or a file of the user's own.

What a user wants is not a fact of the world: the numbers here are given, and need no source.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from planner.catalog.records import Items, Record, Ref, Strict, Text
from planner.errors import InputError
from planner.units import DIMENSIONS, SECONDS_PER_DAY, parse

__all__ = ["Batch", "Job", "JobSet", "PostTraining", "Power", "Pretraining", "Reserve", "Service", "Window"]

MOST_JOBS: Final = 40
_HOURS: Final = 24.0


def _read(dimension: str, example: str, *, zero: bool = False) -> BeforeValidator:
    """Return a reader of numbers with their unit, above 0 (or 0 itself where `zero`)."""

    def read(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError(f"expected a number, as in {example}")  # noqa: TRY004 (pydantic's protocol)
        try:
            number = parse(value, dimension)
        except InputError as error:
            raise ValueError(str(error)) from error
        if number < 0.0 or (number == 0.0 and not zero):
            raise ValueError(f"{value!r} must be {'0 or more' if zero else 'above 0'}; for example {example}")
        return number

    return BeforeValidator(read, json_schema_input_type=float | str)


def _days(value: object) -> object:
    """Read days: a bare number, or text with a unit of time."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("expected days, as in 30 or '6 weeks'")  # noqa: TRY004
    try:
        number = parse(value, "count") if not isinstance(value, str) else parse(value, "s") / SECONDS_PER_DAY
    except InputError as error:
        raise ValueError(f"{value!r} is no time; write for example 30 or '6 weeks'") from error
    if number < 0.0:
        raise ValueError(f"{value!r} lies before the start; write for example 30 or '6 weeks'")
    return number


def _share(value: object) -> object:
    number = parse(value, "fraction") if isinstance(value, (int, float, str)) else -1.0
    if isinstance(value, bool) or not 0.0 <= number <= 1.0:
        raise ValueError(f"{value!r} is no share; write for example 10 % or 0.1")
    return number


def _hours(value: object) -> object:
    """Read ``16-21``: from and to, hours of the day; a window may pass midnight."""
    parts = str(value).replace("\u2013", "-").split("-")
    try:
        start, end = (float(part.strip().removesuffix(":00")) for part in parts)
    except ValueError:
        raise ValueError(f"{value!r} are no hours; write for example 16-21") from None
    if not (0.0 <= start <= _HOURS and 0.0 <= end <= _HOURS) or start == end:
        raise ValueError(f"{value!r}: hours lie between 0 and 24 and differ; write for example 16-21")
    return (start, end)


_EXAMPLES: Final = {name: DIMENSIONS[name].example for name in ("watts", "usd_per_kwh")}
Days = Annotated[float, BeforeValidator(_days, json_schema_input_type=float | str)]
Share = Annotated[float, BeforeValidator(_share, json_schema_input_type=float | str)]
Hours = Annotated[
    tuple[float, float], BeforeValidator(_hours, json_schema_input_type=str), Field(strict=False)
]
Tokens = Annotated[float, _read("count", "15.6T")]
Number = Annotated[float, _read("count", "2048")]
Usd = Annotated[float, _read("usd", "'$50M'", zero=True)]
Watts = Annotated[float, _read("watts", f"'{_EXAMPLES['watts']}'")]
UsdPerKwh = Annotated[float, _read("usd_per_kwh", f"'{_EXAMPLES['usd_per_kwh']}'", zero=True)]
PerSecond = Annotated[float, _read("count_per_s", "'2000 requests/s'")]
Weight = Annotated[float, _read("ratio", "2")]


class Window(Strict):
    """Hours of the day in which power is scarcer or dearer than usual."""

    hours: Hours
    """As in ``16-21``; may pass midnight."""
    cap: Watts | None = None
    """At the meter, at most."""
    price: UsdPerKwh | None = None
    """Of electricity."""


class Power(Strict):
    """Power of the site over the day."""

    cap: Watts | None = None
    """At the meter, at most, in all hours."""
    idle: Literal["off", "on"] = "off"
    """What becomes of accelerators that nobody uses."""
    windows: Items[Window] = ()


class _Job(Strict):
    """What all jobs have."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    note: str | None = None
    groups: Items[Text] = ()
    """Systems or accelerators on which it may run; all of the cluster without it."""
    least: Share = 0.0
    """Share of the accelerators on which it may run that it must have at any time."""
    most: Share = 1.0

    @model_validator(mode="after")
    def _in_order(self) -> _Job:
        if self.least > self.most:
            raise ValueError(f"least {self.least:.0%} is more than most {self.most:.0%}; lower one of them")
        return self


class _Ending(_Job):
    """A job that is done at some time."""

    start: Days = 0.0
    """Day from which it may run."""
    deadline: Days | None = None
    """Day by which it is done; the last day without it."""
    must: bool | None = None
    """Whether it has to be done; by default, where no worth is named."""
    elastic: bool | None = None
    """Whether its accelerators may differ between the hours of a day."""
    weight: Weight = 1.0
    """Of its day of finishing, where that is the objective."""
    run_usd: Usd = 0.0
    """Worth of all of it done."""
    mtoken_usd: Usd = 0.0
    """Worth of a million tokens."""

    @model_validator(mode="after")
    def _starts_before(self) -> _Ending:
        if self.deadline is not None and self.deadline <= self.start:
            raise ValueError(
                f"the deadline, day {self.deadline:g}, is not after the start, day {self.start:g}; "
                "move one of them"
            )
        return self


class Pretraining(_Ending):
    """A training run; it keeps its accelerators all day and stays inside one group."""

    kind: Literal["pretraining"]
    model: Annotated[Text, Ref("model")]
    tokens: Tokens
    seq_len: Number | None = None
    global_batch: Text | Number | None = None
    """Sequences, or text as in ``16M tokens``."""
    precision: Text | None = None
    software: Text | None = None


class PostTraining(_Ending):
    """Reinforcement learning as `planner post-train` plans it; it stays inside one group."""

    kind: Literal["post-training"]
    model: Annotated[Text, Ref("model")]
    tokens: Tokens
    """Sampled in rollouts that are trained on."""
    recipe: Annotated[Text, Ref("post-training")] = "usual"
    """Says what is left open here."""
    mode: Literal["sync", "async"] | None = None
    staleness: Number | None = None
    prompts: Number | None = None
    """Of a step."""
    group: Number | None = None
    """Rollouts of a prompt."""
    prompt_tokens: Number | None = None
    mean_tokens: Number | None = None
    """Sampled in a rollout, on average."""
    p99_tokens: Number | None = None
    max_tokens: Number | None = None
    turns: Number | None = None
    """Calls of the model in a rollout."""
    environment_tokens: Number | None = None
    tool_time: Text | None = None
    """Of a rollout, as in ``30s``."""
    epochs: Number | None = None
    environments: Number | None = None
    """Sandboxes there are."""
    precision: Text | None = None


class Batch(_Ending):
    """Answers that may wait: batch inference, synthetic data, logits of a teacher."""

    kind: Literal["batch"]
    model: Annotated[Text, Ref("model")]
    tokens: Tokens
    """To write; to read with ``mode: read``."""
    mode: Literal["write", "read"] = "write"
    isl: Number = 2048.0
    osl: Number = 1024.0
    prefix_hit: Share = 0.0


class Service(_Job):
    """A service with users, whose demand follows the day."""

    kind: Literal["service"]
    model: Annotated[Text, Ref("model")]
    traffic: Annotated[Text, Ref("traffic")] = "chat"
    users: Number | None = None
    request_rate: PerSecond | None = None
    """Of the mean hour, instead of users."""
    diurnal: Annotated[Text, Ref("diurnal")] = "usual"
    """How demand follows the day."""
    ttft: Text | None = None
    tpot: Text | None = None
    must: bool | None = None
    """Whether `share_least` of the demand has to be met; by default, where no worth is named."""
    share_least: Share = 1.0
    elastic: bool = True
    """Whether accelerators are given back in quiet hours."""
    request_usd: Usd = 0.0
    """Worth of a request."""
    mtoken_usd: Usd = 0.0
    """Worth of a million output tokens."""

    @model_validator(mode="after")
    def _one_demand(self) -> Service:
        if (self.users is None) == (self.request_rate is None):
            raise ValueError("a service needs users or request_rate, one of the two; for example users: 2M")
        return self


class Reserve(_Job):
    """A share of the cluster kept for research: nobody else gets it."""

    kind: Literal["reserve"]
    share: Share
    """Of each group on which it lies."""
    hours: Hours | None = None
    """All day without it."""


Job = Annotated[Pretraining | PostTraining | Batch | Service | Reserve, Field(discriminator="kind")]


class JobSet(Record):
    """Jobs that share a cluster."""

    days: Days | None = None
    """Of the plan; by default the last deadline, or 30."""
    power: Power = Power()
    jobs: Annotated[Items[Job], Field(min_length=1, max_length=MOST_JOBS)]

    @model_validator(mode="after")
    def _names_differ(self) -> JobSet:
        names = [job.name for job in self.jobs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two jobs are called {twice[0]!r}; names must differ")
        return self
