"""A plan with its replicas divided among several sites: what the links between them cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from planner.model.data_parallel import stage_parameters, traffic_s
from planner.model.fabric import MODES, Exchange, multisite
from planner.model.pipeline import micro_batches, runnable, split_layers
from planner.model.sharding import dense_ranks
from planner.model.training import recompute_s
from planner.plan.across.results import Multisite, SiteMode
from planner.plan.assemble import spread_at
from planner.plan.document import Interval
from planner.tables.fabric import link_table
from planner.tables.samples import Samples, interval
from planner.units import GIGA, KILO, SECONDS_PER_DAY, TERA, format_quantity

if TYPE_CHECKING:
    from planner.catalog.schema.link import Link
    from planner.plan.evaluate import Costs
    from planner.plan.solve import Found
    from planner.types import FloatArray

__all__ = ["EXACT", "multisite_of"]

BITS_PER_BYTE: Final = 8.0
EXACT: Final = tuple(mode for mode in MODES if mode != "local")
"""Modes that compute the same as a single site."""


class Inside(NamedTuple):
    """What a site does of a step, ``[1]``."""

    backward_s: FloatArray
    exchange_s: FloatArray  # reduce-scatter of gradients and all-gather of weights
    bytes_per_s: FloatArray  # at which all its accelerators together reach the link


def multisite_of(found: Found, costs: Costs, link: Link, samples: Samples | None = None) -> Multisite:
    """Divide the replicas of a plan among the sites that a link joins.

    Parameters
    ----------
    found
        The search that gave the plan.
    costs
        Of the plan, from `planner.plan.assemble.costs_of`.
    link
        The record.
    samples
        For the intervals of the link's numbers.

    Returns
    -------
    Multisite
        Without modes where the plan has fewer replicas than there are sites, or spreads its experts over
        more accelerators than a site would have.
    """
    strategy = costs.strategy
    replicas = float(strategy.dp[0])
    each = math.ceil(replicas / link.sites)
    gradient = float(costs.software.gradient_bytes[0]) * found.case.job.learning
    why = _indivisible(costs, link, each)
    modes: tuple[SiteMode, ...] = ()
    if not why:
        inside = _inside(costs, link, float(each))
        exchanges = multisite(
            link=link_table(link, samples or Samples()),
            gradient_bytes=np.array([gradient]),
            step_s=costs.step.step_s,
            backward_s=inside.backward_s,
            inside_s=inside.exchange_s,
            site_bytes_per_s=inside.bytes_per_s,
        )
        modes = tuple(_mode(found, costs, name, exchanges[name]) for name in MODES)
    best = max(
        (one for one in modes if one.mode in EXACT), key=lambda one: one.efficiency.value, default=None
    )
    return Multisite(
        link=link.id,
        sites=link.sites,
        replicas_per_site=each,
        gpus_per_site=round(each * costs.gpus / replicas),
        kilometres=link.length.value / KILO,
        terabits_per_s=link.bandwidth.value * BITS_PER_BYTE / TERA,
        gradient_gigabytes=gradient / GIGA,
        inner_steps=link.inner_steps,
        modes=modes,
        best_mode=best.mode if best else None,
        sentence=why or _sentence(link, modes, best),
    )


def _indivisible(costs: Costs, link: Link, each: int) -> str:
    """Why replicas cannot be divided among sites, with the mend; empty where they can."""
    st = costs.strategy
    replicas = int(st.dp[0])
    if replicas < link.sites:
        return (
            f"The plan has {replicas:,} replicas, fewer than the {link.sites} sites of {link.id}, and a "
            "replica does not span sites: pin a layout with more (--dp), or name a link between fewer sites."
        )
    experts = float((st.ep * st.etp)[0])
    ranks = float((st.tp * st.cp)[0]) * (replicas // link.sites)
    if experts > ranks:
        return (
            f"The plan spreads experts over {experts:,.0f} accelerators and each of {link.sites} sites has "
            f"{ranks:,.0f} at a pipeline stage: tokens would cross between sites in every layer; pin a "
            "smaller --ep."
        )
    return ""


def _inside(costs: Costs, link: Link, replicas: float) -> Inside:
    """Return the times of a site that holds `replicas` of the plan's."""
    hw, sw, step = costs.hardware, costs.software, costs.step
    st = runnable(costs.strategy, micro_batches(costs.strategy))
    back = costs.layer.backward_s + recompute_s(strategy=st, layer=costs.layer)
    stage = split_layers(layers=costs.model.layers, pp=st.pp, vpp=st.vpp)
    site = st.with_values(dp=replicas)
    dense, expert = stage_parameters(model=costs.model, strategy=site, stage_layers=stage.most)
    reduce, gather = traffic_s(
        hardware=hw, software=sw, strategy=site, dense=dense, expert=expert, ranks=dense_ranks(site)
    )
    ports = costs.gpus / link.sites * sw.nic_share * hw.nic_achievable * hw.nic_bytes_per_s
    return Inside(step.busy_s * back / (back + costs.layer.forward_s), reduce + gather, ports)


def _mode(found: Found, costs: Costs, name: str, exchange: Exchange) -> SiteMode:
    efficiency = _interval(exchange.efficiency)
    job = found.case.job
    days = None
    if job.tokens is not None:
        alone = job.tokens / job.batch_tokens * costs.step_s / SECONDS_PER_DAY
        spread = spread_at(found.case, costs).of_time(alone)
        days = Interval(
            value=spread.value / efficiency.value,
            low=spread.low / efficiency.high,
            high=spread.high / efficiency.low,
        )
    bits = BITS_PER_BYTE / GIGA
    return SiteMode(
        mode=name,
        efficiency=efficiency,
        step_time_s=_interval(exchange.step_s),
        exposed_s=_interval(exchange.exposed_s),
        exchange_s=_interval(exchange.exchange_s),
        link_gigabits_per_s=_interval(exchange.link_bytes_per_s * bits),
        days=days,
    )


def _interval(samples: FloatArray) -> Interval:
    value, low, high = (float(one[0]) for one in interval(np.broadcast_to(samples, (len(samples), 1))))
    return Interval(value=value, low=low, high=high)


def _sentence(link: Link, modes: tuple[SiteMode, ...], best: SiteMode | None) -> str:
    if best is None:
        return ""
    apart = next(one for one in modes if one.mode not in EXACT)
    where = f"Over {link.sites} sites joined by {link.id}"
    kept = (
        f"{where}, {best.mode} training keeps {best.efficiency.value:.1%} ({best.efficiency.low:.1%} to "
        f"{best.efficiency.high:.1%}) of the speed in one site"
    )
    if apart.efficiency.value > best.efficiency.value:
        return (
            f"{kept}; training apart for {link.inner_steps} steps at a time keeps "
            f"{apart.efficiency.value:.1%}, tokens lost to it included."
        )
    longer = format_quantity(best.exposed_s.value, "s", digits=3)
    return (
        f"{kept}: the exchange adds {longer} to a step, and training apart would cost more tokens than that."
    )
