"""A cap on power: what runs draws no more than it, and what is too low says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InfeasibleError, InputError
from planner.plan.defaults import Filled
from planner.plan.operating.asked import Asked
from planner.plan.operating.caps import within_cap, within_caps
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.places import places
from planner.plan.serve import serve
from planner.plan.train import train
from planner.tables.samples import Samples

CATALOG = Catalog()


def estate(gpus: int, gpu: str = "h100-sxm") -> Estate:
    place = places(CATALOG, cluster=None, gpu=gpu, gpus=gpus)[0]
    return estate_of(CATALOG, place, Asked.read(CATALOG), Filled(), Samples(0))


def peak_watts(found: Estate, accelerators: int, spare: int = 0) -> float:
    n = np.array([float(accelerators)])
    return float(found.watts(n, "training").peak.item()) * (accelerators + spare)


@pytest.mark.parametrize("gpu", ["h100-sxm", "gb200"])
@pytest.mark.parametrize("hosts", [1, 2, 3, 5, 17, 250])
def test_as_many_hosts_run_as_draw_the_cap(gpu: str, hosts: int) -> None:
    found = estate(100_000, gpu)
    unit = found.place.node or 1
    exactly = peak_watts(found, hosts * unit)
    assert within_cap(found, exactly * (1 + 1e-9), Filled()) == hosts * unit
    if hosts > 1:
        less = within_cap(found, exactly * (1 - 1e-6), Filled())
        assert less < hosts * unit
        assert peak_watts(found, less) < exactly


def test_a_cap_that_all_keep_changes_nothing() -> None:
    filled = Filled()
    assert within_cap(estate(64), 1e6, filled) == 64
    assert not filled.assumptions


@pytest.mark.parametrize("gpus", [1, 4, 12])
def test_parts_of_hosts_run_under_a_cap_that_they_keep(gpus: int) -> None:
    assert within_cap(estate(gpus), 1e6, Filled()) == gpus


def test_what_is_off_is_said() -> None:
    filled = Filled()
    most = within_cap(estate(64), 40e3, filled)
    (one,) = filled.assumptions
    assert (one.field, one.value) == ("gpus", most)
    assert "40 kW" in one.why
    assert "the others are off" in one.why


def test_spares_run_under_the_cap_as_well() -> None:
    found, cap = estate(100_000), 2e6

    def two_hosts(accelerators: Any) -> Any:
        return np.full_like(accelerators, 16.0)

    most = within_cap(found, cap, Filled(), spare=two_hosts)
    assert peak_watts(found, most, spare=16) <= cap < peak_watts(found, most + 8, spare=16)


@pytest.mark.parametrize(
    ("watts", "words"),
    [
        (1.0, "8 accelerators draw when idle, .*; raise the cap$"),
        (5e3, "one host of 8 .* draws at work, 11.6 kW"),
    ],
)
def test_a_cap_below_one_host_says_what_it_draws(watts: float, words: str) -> None:
    with pytest.raises(InfeasibleError, match=words):
        within_cap(estate(64), watts, Filled())


class TestQuestions:
    @pytest.mark.parametrize("cap_kw", [12, 24, 25, 47, 60, 90, 99])
    def test_a_training_plan_keeps_the_cap(self, cap_kw: int) -> None:
        result = train("llama-3-8b", gpu="h100", gpus=64, tokens="1T", top=0, power_cap=f"{cap_kw} kW")
        assert result.plan is not None
        assert result.plan.power.peak_megawatts.value <= cap_kw / 1000
        assert result.inputs.power_cap_megawatts == pytest.approx(cap_kw / 1000)

    @pytest.mark.parametrize("cap_kw", [24, 47, 90])
    def test_a_service_keeps_the_cap_with_its_spares(self, cap_kw: int) -> None:
        result = serve(
            "llama-3-8b", accelerator="h100", gpus=64, top=0, pareto=False, power_cap=f"{cap_kw} kW"
        )
        assert result.plan is not None
        assert result.plan.power.peak_megawatts.value <= cap_kw / 1000

    def test_a_deadline_under_a_cap_may_be_out_of_reach(self) -> None:
        asked = {"gpu": "h100", "tokens": "1T", "days": 30, "top": 0}
        free = train("llama-3-8b", **asked)
        assert free.plan is not None
        capped = train("llama-3-8b", **asked, power_cap=f"{free.plan.power.peak_megawatts.value / 2} MW")
        assert capped.plan is None
        assert "more than the 30 days allowed" in capped.result.reasons[0]

    def test_parts_of_a_service_keep_their_shares(self) -> None:
        parts = places(CATALOG, cluster="colossus-1", gpu=None, gpus=None)
        asked = Asked.read(CATALOG, power_cap="30 MW")
        limited = within_caps(CATALOG, parts, asked, Filled())
        shares = [few.available / many.available for few, many in zip(limited, parts, strict=True)]
        assert shares == pytest.approx([shares[0]] * len(shares), rel=0.05)
        assert within_caps(CATALOG, parts, Asked.read(CATALOG), Filled()) == tuple(parts)

    @pytest.mark.parametrize(
        ("cap", "words"),
        [("300", "no unit"), ("3 MWh", "not watts"), ("-1 MW", "above 0; for example 300MW")],
    )
    def test_a_cap_is_a_power(self, cap: str, words: str) -> None:
        with pytest.raises(InputError, match=words):
            Asked.read(CATALOG, power_cap=cap)
