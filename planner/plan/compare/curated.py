"""Headline figures of the questions that are neither a plan nor a fact sheet: a short list of each, as data.

Paths are those of `planner.plan.sensitivity.figures`, as ``planner sensitivity --figure`` takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from planner.plan.compare.shown import Better

__all__ = ["CURATED", "Part", "Row"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure of a part of an answer.

    Attributes
    ----------
    figure, unit
        For people.
    better
        Whether less or more of it is better.
    path
        Below the part.
    estimated
        Whether an error of the estimator, or of a law, is in it: what two answers share of such errors was
        measured for plans alone. Else its interval is of numbers that are drawn by their names.
    ends
        Paths of both ends of its interval, where they are numbers of their own.
    follows
        Path below the part of a figure that it falls with, as hours fall with their price, where the answer
        keeps no samples of its own.
    """

    figure: str
    unit: str
    better: Better
    path: str
    estimated: bool = True
    ends: tuple[str, ...] = ()
    follows: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """An answer, or every item of a list in it.

    Attributes
    ----------
    rows
        Figures of it.
    of
        Path of the list; empty for the answer as a whole.
    title
        Names an item, as a format of its fields (``it``) and of the question (``asked``); items of one name
        stand side by side.
    same
        Path below the part of the prediction that carries its errors: where two sides have the same of it,
        value and ends, they share all of them.
    """

    rows: tuple[Row, ...]
    of: str = ""
    title: str = ""
    same: str = ""


_HOUR: Final = Row(
    figure="hour of an accelerator", unit="USD", better="less", path="usd_per_gpu_hour", estimated=False
)
_CAPITAL: Final = Row(figure="capital", unit="USD", better="less", path="capital.usd", estimated=False)
_NAMEPLATE: Final = Row(
    figure="nameplate power at the meter", unit="MW", better="less",
    path="power.nameplate_facility_megawatts", estimated=False,
)  # fmt: skip
_USERS: Final = Row(figure="users", unit="", better="more", path="users")
_USER_MONTH: Final = Row(
    figure="cost of a user in a month", unit="USD", better="less", path="usd_per_user_month"
)


def _counted(below: str) -> Row:
    return Row(
        figure="H100 equivalents by dense bf16", unit="", better="more",
        path=f"{below}h100_equivalents.by_bf16", estimated=False,
    )  # fmt: skip


CURATED: Final[Mapping[str, tuple[Part, ...]]] = {
    "cluster size": (
        Part(
            rows=(
                Row(
                    figure="accelerators", unit="", better=None, path="accelerators", estimated=False,
                    follows="spent_usd",
                ),
                Row(figure="systems", unit="", better=None, path="systems", estimated=False),
                Row(figure="spent", unit="USD", better="less", path="spent_usd", estimated=False),
            )
        ),
        Part(
            of="sheet",
            rows=(
                _counted(""),
                _CAPITAL,
                _NAMEPLATE,
                Row(
                    figure="energy of a year", unit="MWh", better="less",
                    path="year.energy_megawatt_hours", estimated=False,
                ),
            ),
        ),
        Part(of="sheet.cost.prices", title="{it.price}", rows=(_HOUR,)),
    ),
    "budget": (
        Part(
            rows=(
                Row(figure="money", unit="USD", better=None, path="usd", estimated=False),
                _HOUR,
                Row(
                    figure="accelerator-hours", unit="h", better="more", path="gpu_hours",
                    estimated=False, follows="usd_per_gpu_hour",
                ),
                Row(
                    figure="H100-equivalent hours", unit="h", better="more", path="h100_equivalent_hours",
                    estimated=False, follows="usd_per_gpu_hour",
                ),
                Row(
                    figure="accelerators for the time", unit="", better="more", path="accelerators",
                    estimated=False, follows="usd_per_gpu_hour",
                ),
                Row(
                    figure="energy", unit="MWh", better="less", path="energy.megawatt_hours",
                    estimated=False,
                ),
            ),
        ),
        Part(
            of="largest",
            same="usd",
            rows=(
                Row(figure="largest model trained, parameters", unit="", better=None, path="parameters"),
                Row(figure="its tokens", unit="", better=None, path="tokens"),
                Row(figure="its loss", unit="nats", better="less", path="loss"),
            ),
        ),
        Part(
            of="runs",
            title="{it.model}",
            same="gpu_hours",
            rows=(Row(figure="runs that it pays", unit="", better="more", path="runs"),),
        ),
        Part(
            of="services",
            title="{it.model}, {it.traffic}",
            same="usd_per_user_month",
            rows=(_USERS, _USER_MONTH),
        ),
    ),
    "staged": (
        Part(
            same="plan.days",
            rows=(
                Row(figure="time with failures", unit="days", better="less", path="plan.days"),
                Row(figure="GPU-hours", unit="h", better="less", path="plan.gpu_hours"),
                Row(figure="cost", unit="USD", better="less", path="plan.cost_usd"),
                Row(figure="energy", unit="MWh", better="less", path="plan.energy_megawatt_hours"),
                Row(figure="CO2", unit="t", better="less", path="plan.co2_tonnes"),
                Row(figure="MFU", unit="share", better="more", path="plan.mfu"),
                Row(figure="goodput", unit="share", better="more", path="plan.goodput"),
                Row(
                    figure="cost with experiments and failed runs", unit="USD", better="less",
                    path="plan.all_in.cost_usd",
                ),
            ),
        ),
    ),
    "post-train": (
        Part(
            same="plan.step_time_s",
            rows=(
                Row(figure="steps", unit="", better="more", path="plan.steps"),
                Row(figure="time", unit="days", better="less", path="plan.days"),
                Row(figure="time of a step", unit="s", better="less", path="plan.step_time_s"),
                Row(figure="accelerators at work", unit="", better=None, path="plan.gpus_used"),
                Row(figure="GPU-hours", unit="h", better="less", path="plan.gpu_hours"),
                Row(figure="cost", unit="USD", better="less", path="plan.cost_usd"),
                Row(figure="energy", unit="MWh", better="less", path="plan.energy_megawatt_hours"),
                Row(figure="tokens trained on", unit="", better="more", path="plan.trained_tokens"),
            ),
        ),
    ),
    "distill": (
        Part(
            same="plain.days",
            rows=(
                Row(figure="no teacher: time", unit="days", better="less", path="plain.days"),
                Row(figure="no teacher: cost", unit="USD", better="less", path="plain.cost_usd"),
            ),
        ),
        Part(
            of="plans",
            title="{it.mode}",
            same="days",
            rows=(
                Row(figure="tokens", unit="", better=None, path="tokens"),
                Row(figure="time", unit="days", better="less", path="days"),
                Row(figure="GPU-hours", unit="h", better="less", path="gpu_hours"),
                Row(figure="cost", unit="USD", better="less", path="cost_usd"),
                Row(figure="cost over no teacher", unit="", better="less", path="over_plain"),
                Row(figure="loss", unit="nats", better="less", path="loss_nats"),
            ),
        ),
    ),
    "frontier": (
        Part(
            of="points",
            title="in {it.days:g} days",
            same="run.step_time_s",
            rows=(
                Row(figure="parameters", unit="", better=None, path="parameters"),
                Row(figure="tokens", unit="", better=None, path="tokens"),
                Row(figure="loss", unit="nats", better="less", path="loss"),
                Row(figure="MFU", unit="share", better="more", path="run.mfu"),
                Row(figure="goodput", unit="share", better="more", path="run.goodput"),
                Row(figure="cost", unit="USD", better="less", path="run.cost_usd"),
                Row(figure="facility power", unit="MW", better="less", path="run.power_megawatts"),
            ),
        ),
    ),
    "mix": (
        Part(
            title="{asked.objective}",
            rows=(
                Row(
                    figure="objective", unit="", better=None, path="totals.objective",
                    ends=("totals.objective_at_low", "totals.objective_at_high"),
                ),
            ),
        ),
        Part(
            rows=(
                Row(figure="worth", unit="USD", better="more", path="totals.worth_usd"),
                Row(figure="cost", unit="USD", better="less", path="totals.cost_usd"),
                Row(figure="energy", unit="MWh", better="less", path="totals.energy_megawatt_hours"),
                Row(figure="power at the peak", unit="MW", better="less", path="totals.peak_megawatts"),
                Row(figure="accelerators at work", unit="share", better="more", path="totals.used_share"),
            )
        ),
        Part(
            of="jobs",
            title="{it.name}",
            same="ends_day",
            rows=(
                Row(figure="accelerators on average", unit="", better=None, path="gpus"),
                Row(figure="done of what is wanted", unit="share", better="more", path="done_share"),
                Row(figure="ends on day", unit="", better="less", path="ends_day"),
            ),
        ),
    ),
    "capacity": (
        Part(of="site", rows=(_counted(""), _CAPITAL, _NAMEPLATE)),
        Part(
            of="training",
            title="{it.recipe}",
            same="plan.days",
            rows=(
                Row(figure="time with failures", unit="days", better="less", path="plan.days"),
                Row(figure="cost", unit="USD", better="less", path="plan.cost_usd"),
            ),
        ),
        Part(
            of="serving",
            title="{it.model}, {it.traffic}",
            same="output_tokens_per_s",
            rows=(
                _USERS,
                Row(
                    figure="cost of a million output tokens", unit="USD", better="less",
                    path="usd_per_million_output_tokens",
                ),
            ),
        ),
        Part(
            of="frontier",
            title="{it.shape} in {it.days:g} days",
            rows=(
                Row(figure="parameters", unit="", better=None, path="parameters"),
                Row(figure="loss", unit="nats", better="less", path="loss"),
            ),
        ),
        Part(
            of="distillation",
            title="{it.recipe}, {it.mode}",
            same="days",
            rows=(
                Row(figure="time", unit="days", better="less", path="days"),
                Row(figure="cost", unit="USD", better="less", path="cost_usd"),
            ),
        ),
        Part(
            of="post_training",
            title="{it.recipe}",
            same="days",
            rows=(
                Row(figure="steps", unit="", better="more", path="steps"),
                Row(figure="time", unit="days", better="less", path="days"),
                Row(figure="cost", unit="USD", better="less", path="cost_usd"),
            ),
        ),
    ),
}  # fmt: skip
"""By the name of the command."""
