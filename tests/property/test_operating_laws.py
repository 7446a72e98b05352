"""Laws of what plans take: of an estate for any number of accelerators, and of whole answers."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from planner.catalog.load import Catalog
from planner.plan.defaults import Filled
from planner.plan.document import Interval
from planner.plan.operating.asked import Asked
from planner.plan.operating.availability import shortage
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.operating.training import central_goodput, outcomes, spare_accelerators
from planner.plan.places import places
from planner.plan.price_words import PriceChoice
from planner.plan.results import Plan
from planner.plan.serve import serve
from planner.plan.train import train
from planner.tables.samples import Samples

CATALOG = Catalog()
GPUS = ("h100-sxm", "gb200", "mi300x")
few = settings(max_examples=15)
gpus = st.sampled_from(GPUS)
counts = st.integers(1, 10_000_000)
factors = st.floats(1.05, 8.0)
owned = st.sampled_from(("own", "colocation"))
activities = st.sampled_from(("training", "prefill", "decode", "serving", "idle"))


@cache
def estate(gpu: str, overrides: tuple[str, ...] = (), samples: int = 0) -> Estate:
    book = Catalog((), overrides) if overrides else CATALOG
    place = places(book, cluster=None, gpu=gpu, gpus=None)[0]
    return estate_of(book, place, Asked.read(book), Filled(), Samples(samples))


def row(n: int) -> np.ndarray[Any, Any]:
    return np.array([float(n)])


def hour(found: Estate, n: int, price: str, activity: str = "training") -> float:
    cost = found.gpu_hour(row(n), PriceChoice.parse(price, CATALOG), activity, catalog=CATALOG)
    return float(cost.total.flat[0])


def best(found: Estate, n: int, checkpoint: str | None = None) -> float:
    asked = Asked.read(CATALOG, checkpoint=checkpoint)
    return central_goodput(found, asked, row(n), 1e12, 8.0).item()


@given(gpu=gpus, n=counts, activity=activities)
def test_the_average_is_below_the_peak_and_the_peak_below_the_rating(gpu: str, n: int, activity: str) -> None:
    power = estate(gpu).watts(row(n), activity)
    assert 0 < power.it.average.item() <= power.it.peak.item() <= power.it.nameplate.item() * (1 + 1e-12)
    assert power.mean.item() <= power.peak.item()
    assert sum(float(np.ravel(part)[0]) for part in power.it.parts.values()) == pytest.approx(
        power.it.average.item()
    )


@given(gpu=gpus, n=counts, price=owned, factor=factors)
def test_a_dearer_kilowatt_hour_never_makes_an_owned_hour_cheaper(
    gpu: str, n: int, price: str, factor: float
) -> None:
    dearer = estate(gpu, (f"site.usual.supplies.0.price=*{round(factor, 1)}",))
    assert hour(dearer, n, price) > hour(estate(gpu), n, price)
    assert hour(dearer, n, "$2/h") == hour(estate(gpu), n, "$2/h") == 2.0


@given(gpu=gpus, n=counts, factor=factors)
def test_a_larger_pue_never_lowers_power_or_the_price_of_an_hour(gpu: str, n: int, factor: float) -> None:
    f = round(factor, 1)
    worse = estate(gpu, tuple(f"site.usual.pue.{season}=*{f}" for season in ("summer", "mean", "winter")))
    usual = estate(gpu)
    assert worse.watts(row(n), "training").mean.item() > usual.watts(row(n), "training").mean.item()
    assert hour(worse, n, "own") > hour(usual, n, "own")


@given(
    gpu=gpus, n=counts, checkpoint=st.sampled_from((None, "blocking", "asynchronous", "memory", "replicas"))
)
def test_losses_and_goodput_are_all_the_time(gpu: str, n: int, checkpoint: str | None) -> None:
    for one in outcomes(estate(gpu), row(n), 1e12, 8.0, 0.0):
        kept = one.goodput.item()
        assert 0 <= kept < 1
        assert kept + sum(lost.item() for lost in one.lost.values()) == pytest.approx(1)
    assert (
        best(estate(gpu), n) >= best(estate(gpu), n, checkpoint) - 0.1
    )  # the usual one keeps 90 % or the most


@given(gpu=gpus, n=counts, factor=factors, checkpoint=st.sampled_from(("blocking", "asynchronous", "memory")))
def test_more_failures_never_raise_goodput(gpu: str, n: int, factor: float, checkpoint: str) -> None:
    worse = estate(gpu, (f"failures.rate=*{round(factor, 1)}",))
    assert best(worse, n, checkpoint) <= best(estate(gpu), n, checkpoint)
    assert spare_accelerators(worse, row(n)).item() >= spare_accelerators(estate(gpu), row(n)).item()


@given(
    gpu=gpus,
    n=counts,
    factor=factors,
    checkpoint=st.sampled_from(("blocking", "asynchronous", "memory", "replicas")),
)
def test_faster_storage_never_lowers_goodput(gpu: str, n: int, factor: float, checkpoint: str) -> None:
    f = round(factor, 1)
    faster = estate(gpu, (f"storage.write=*{f}", f"storage.read=*{f}"))
    assert best(faster, n, checkpoint) >= best(estate(gpu), n, checkpoint) * (1 - 1e-12)


@given(n=counts, more=st.integers(1, 1_000_000))
def test_more_accelerators_need_no_fewer_spares(n: int, more: int) -> None:
    one, other = (spare_accelerators(estate("h100-sxm"), row(count)).item() for count in (n, n + more))
    assert one <= other


@given(mean=st.floats(1e-6, 2000.0), spare=st.integers(0, 1500), more=st.integers(1, 50))
def test_spares_shorten_the_shortage(mean: float, spare: int, more: int) -> None:
    away = np.array([[mean]])
    few_spares, many = shortage(away, spare).item(), shortage(away, spare + more).item()
    assert 0 <= many <= few_spares + 1e-10  # what rounding leaves of sums over the spares
    assert max(mean - spare, 0.0) - 1e-6 * mean <= few_spares <= mean + 1e-10


trained = st.fixed_dictionaries(
    {
        "gpu": st.sampled_from(("h100", "gb200", "mi300x")),
        "gpus": st.sampled_from((8, 13, 64)),
        "site": st.sampled_from(("usual", "us-texas", "norway", "memphis-colossus-1")),
        "price": st.sampled_from(("own", "colocation", "reserved", "$2.35/h")),
        "tokens": st.floats(1e9, 1e13),
    }
)


@cache
def _trained(options: tuple[tuple[str, Any], ...]) -> Plan:
    plan = train("llama-3-8b", top=0, **dict(options)).plan
    assert plan is not None
    return plan


def plan_of(**options: Any) -> Plan:
    return _trained(tuple(sorted(options.items())))


def intervals(of: BaseModel) -> list[Interval]:
    found = []
    for _, value in of:
        if isinstance(value, Interval):
            found.append(value)
        elif isinstance(value, BaseModel):
            found += intervals(value)
        elif isinstance(value, tuple):
            found += [one for each in value if isinstance(each, BaseModel) for one in intervals(each)]
    return found


@few
@given(job=trained)
def test_amounts_of_a_run_agree_and_intervals_hold_their_values(job: dict[str, Any]) -> None:
    plan = plan_of(**job)
    found = intervals(plan)
    assert len(found) > 20
    assert all(0 <= one.low <= one.value <= one.high for one in found)
    assert plan.goodput.high <= 1
    hours = plan.days_with_failures.value * 24
    assert plan.energy_megawatt_hours.value == pytest.approx(plan.power_megawatts.value * hours)
    paid = plan.power_megawatts.value * 1e6 / plan.power.watts_per_gpu
    assert plan.cost_usd.value == pytest.approx(plan.usd_per_gpu_hour.value * paid * hours)
    assert plan.usd_per_million_tokens.value * job["tokens"] / 1e6 == pytest.approx(plan.cost_usd.value)
    assert plan.co2_tonnes.value == pytest.approx(
        plan.energy_megawatt_hours.value * plan.power.co2_kg_per_kwh, abs=1e-12
    )
    assert plan.days_with_failures.value > plan.days.value


@few
@given(job=trained, usd=st.floats(0.01, 100.0), factor=factors)
def test_cost_is_linear_in_the_rent(job: dict[str, Any], usd: float, factor: float) -> None:
    one, other = (plan_of(**{**job, "price": f"${price:.6f}/h"}) for price in (usd, usd * factor))
    ratio = float(f"{usd * factor:.6f}") / float(f"{usd:.6f}")
    assert other.cost_usd.value == pytest.approx(one.cost_usd.value * ratio)
    assert other.strategy == one.strategy


@few
@given(job=trained, factor=factors)
def test_more_failures_never_shorten_a_run(job: dict[str, Any], factor: float) -> None:
    usual = plan_of(**job, checkpoint="asynchronous")
    worse = plan_of(**job, checkpoint="asynchronous", set=(f"failures.rate=*{round(factor, 1)}",))
    assert worse.days_with_failures.value >= usual.days_with_failures.value
    assert worse.reliability.interruptions.value > usual.reliability.interruptions.value
    assert worse.days.value == usual.days.value


@pytest.mark.parametrize("price", ["own", "colocation", "reserved", "$2.35/h"])
@pytest.mark.parametrize(
    "load", [{"gpus": 8}, {"gpus": 64}, {"users": 20_000}], ids=["host", "fleet", "users"]
)
def test_amounts_of_a_service_agree_and_intervals_hold_their_values(price: str, load: dict[str, int]) -> None:
    result = serve("llama-3-8b", accelerator="h100", price=price, top=0, pareto=False, **load)
    plan, found = result.plan, result._trace
    assert plan is not None
    assert found is not None
    values = intervals(plan)
    assert len(values) > 20
    assert all(0 <= one.low <= one.value <= one.high for one in values)
    assert 0.99 < plan.goodput.value <= 1
    assert plan.energy_megawatt_hours.value == pytest.approx(plan.power_megawatts.value * 8766)
    job = found.case.job
    mean = found.best.rate / job.traffic.peak_over_mean(job.peak) * job.traffic.osl
    tokens = mean * 8766 * 3600
    assert plan.usd_per_million_tokens.value * tokens / 1e6 == pytest.approx(plan.cost_usd.value)
    paid = plan.power_megawatts.value * 1e6 / plan.power.watts_per_gpu
    assert plan.cost_usd.value == pytest.approx(plan.usd_per_gpu_hour.value * paid * 8766)
    if price.startswith("$"):
        assert plan.usd_per_gpu_hour.value == pytest.approx(2.35)
