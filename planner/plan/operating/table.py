"""What running a plan takes, as rows for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from planner.units import KILO, MEGA, format_quantity, short_number

if TYPE_CHECKING:
    from planner.plan.document import Interval
    from planner.plan.operating.results import Cost, Policy, Power, Reliability, Storage

__all__ = ["POLICY_HEAD", "between", "cost_rows", "policy_rows", "power_rows", "storage_rows", "usd"]

Rows = list[tuple[str, ...]]

POLICY_HEAD: Final = ("after failures", "goodput", "checkpoint every", "waits", "restart")


def between(interval: Interval, show: Callable[[float], str]) -> str:
    """Write a value with its interval."""
    return f"{show(interval.value)} ({show(interval.low)} to {show(interval.high)})"


def usd(value: float) -> str:
    """Write dollars, short."""
    return format_quantity(value, "usd", digits=3)


def policy_rows(reliability: Reliability) -> Rows:
    """Rows under `POLICY_HEAD`, that of the plan marked."""
    return [_policy(one, reliability) for one in reliability.policies]


def _policy(one: Policy, reliability: Reliability) -> tuple[str, ...]:
    marks = [
        word
        for word, name in (("planned", reliability.policy), ("best", reliability.best_policy))
        if name == one.policy
    ]
    interval = one.checkpoint_interval_s
    return (
        one.policy + (f" ({', '.join(marks)})" if marks else ""),
        between(one.goodput, lambda share: f"{share:.1%}"),
        "-" if interval is None else _seconds(interval),
        _seconds(one.checkpoint_write_s),
        _seconds(one.restart_s),
    )


def power_rows(power: Power, megawatts: Interval, energy: Interval, co2: Interval, per: str) -> Rows:
    """Return (what, value) of power, energy and carbon; `per` says of which time, as in " a year"."""
    missing = power.short_megawatts * MEGA
    short = f", {_watts(missing)} more than the site has" if missing else ""
    most, made = power.peak_megawatts.value * MEGA, power.embodied_co2_tonnes.value
    return [
        (
            "power",
            f"{between(megawatts, lambda mw: _watts(mw * MEGA))} on average at {power.site}, "
            f"{power.watts_per_gpu:,.0f} W per GPU; {_watts(most)} at most{short}",
        ),
        (
            "energy",
            f"{between(energy, _energy)}{per} at {power.usd_per_kwh:.3f} USD/kWh; "
            f"{short_number(power.water_megalitres.value)} million litres of water",
        ),
        (
            "carbon",
            f"{between(co2, _tonnes)}{per} of CO2e by location, and {_tonnes(made)} embodied in what is used",
        ),
    ]


def cost_rows(cost: Cost, hourly: Interval) -> Rows:
    """Return (what, value) of the price of an hour."""
    parts = ", ".join(f"{name} {value:.2f}" for name, value in cost.gpu_hour_parts_usd.items())
    rows: Rows = [("GPU-hour", f"{between(hourly, lambda x: f'${x:.2f}')}, {cost.price}: {parts}")]
    rented, share = cost.rented_usd_per_gpu_hour, cost.break_even_utilisation
    if rented is not None:
        rent = f"renting at ${rented.value:.2f}/h"
        if share is None or share > 1.0:
            said = f"{rent} is cheaper, however many of the hours are used"
        else:
            said = f"owning is cheaper above {share:.0%} of the hours than {rent}"
        rows.append(("own or rent", said))
    return rows


def storage_rows(storage: Storage) -> Rows:
    """Return (what, value) of the storage of a training run."""
    return [
        (
            "storage",
            f"checkpoints of {short_number(storage.checkpoint_terabytes)} TB, "
            f"{short_number(storage.kept_terabytes)} TB kept, "
            f"{short_number(storage.data_terabytes)} TB of tokens; "
            f"writes {short_number(storage.write_gigabytes_per_s)} of "
            f"{short_number(storage.available_write_gigabytes_per_s)} GB/s",
        )
    ]


def _watts(watts: float) -> str:
    return format_quantity(watts, "watts", digits=3)


def _energy(megawatt_hours: float) -> str:
    if megawatt_hours >= KILO:
        return f"{short_number(megawatt_hours / KILO)} GWh"
    return f"{short_number(megawatt_hours)} MWh"


def _tonnes(tonnes: float) -> str:
    return f"{short_number(tonnes / KILO)} kt" if tonnes >= KILO else f"{short_number(tonnes)} t"


def _seconds(seconds: float) -> str:
    return format_quantity(seconds, "s", digits=3)
