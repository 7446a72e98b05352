"""Blocks about what running a plan takes: one plan at several prices and at several sites."""

from __future__ import annotations

from typing import Any

import planner
from planner.plan.operating.table import usd
from planner.plan.results import Plan
from planner.units import KILO, SECONDS_PER_HOUR, format_quantity

__all__ = ["BLOCKS"]

MODEL, CLUSTER = "llama-3.1-405b", "llama3-16k"


def _plan(**asked: Any) -> Plan:
    plan = planner.train(MODEL, cluster=CLUSTER, top=0, **asked).plan
    if plan is None:
        raise SystemExit(f"no plan with {asked}")
    return plan


def prices(arguments: str, _old: str) -> str:
    """``WORD WORD ...``: the plan paid for in several ways."""
    lines = [
        "| `--price` | USD per GPU-hour | the run | USD per million tokens | from |",
        "|---|---:|---:|---:|---|",
    ]
    for word in arguments.split():
        plan = _plan(price=word)
        hour, run, tokens = plan.usd_per_gpu_hour, plan.cost_usd, plan.usd_per_million_tokens
        lines.append(
            f"| `{word}` | {hour.value:.2f} ({hour.low:.2f} to {hour.high:.2f}) "
            f"| {usd(run.value)} ({usd(run.low)} to {usd(run.high)}) "
            f"| {tokens.value:.2f} | {plan.cost.basis} |"
        )
    return "\n".join(lines)


def sites(arguments: str, _old: str) -> str:
    """``ID ID ...``: the plan at several sites."""
    lines = [
        "| `--site` | PUE | power | at most | energy | USD/kWh | kg/kWh | carbon | electricity | the run |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in arguments.split():
        plan = _plan(site=name)
        power, carbon = plan.power, plan.co2_tonnes
        cells = (
            f"{power.pue:.2f}",
            f"{plan.power_megawatts.value:.1f} MW",
            f"{power.peak_megawatts.value:.1f} MW",
            f"{plan.energy_megawatt_hours.value / KILO:.1f} GWh",
            f"{power.usd_per_kwh:.4f}",
            f"{power.co2_kg_per_kwh:.3f}",
            f"{_kilotonnes(carbon.value)} ({_kilotonnes(carbon.low)} to {_kilotonnes(carbon.high)}) kt",
            usd(plan.cost.electricity_usd.value),
            usd(plan.cost_usd.value),
        )
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _kilotonnes(tonnes: float) -> str:
    return f"{tonnes / KILO:.2g}"


def scales(arguments: str, _old: str) -> str:
    """``CLUSTER CLUSTER ...``: goodput of every policy on several clusters, and what is taken."""
    lines, head = [], ""
    for name in arguments.split():
        plan = planner.train(MODEL, cluster=name, top=0).plan
        if plan is None:
            raise SystemExit(f"no plan on {name}")
        said = plan.reliability
        head = " | ".join(one.policy for one in said.policies)
        shares = {one.policy: f"{one.goodput.value:.1%}" for one in said.policies}
        shares[said.policy] = f"**{shares[said.policy]}**"
        cells = " | ".join(shares.values())
        every = format_quantity(said.mean_hours_between_failures.value * SECONDS_PER_HOUR, "s", digits=3)
        chosen = plan.goodput
        lines.append(
            f"| `{name}` | {plan.gpus_used:,} | {every} | {cells} | {chosen.low:.1%} to {chosen.high:.1%} |"
        )
    rule = "|---|---:|---:|" + "---:|" * (head.count("|") + 1) + "---|"
    return "\n".join(
        [f"| cluster | at work | a failure every | {head} | interval of the plan |", rule, *lines]
    )


BLOCKS = {"prices": prices, "sites": sites, "scales": scales}
