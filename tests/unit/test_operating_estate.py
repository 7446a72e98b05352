"""What surrounds hardware, against arithmetic by hand on the stated values of the records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError
from planner.plan.defaults import Filled
from planner.plan.operating.asked import Asked
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.places import places
from planner.plan.price_words import PriceChoice
from planner.tables.samples import Samples

CATALOG = Catalog()
EIGHT = np.array([8.0])
HOST_W, GPU_W, SERVER_W = 575.0, 700.0, 1275.0
"""Of an HGX H100 of 10.2 kW, per accelerator: (10,200 - 8 x 700) / 8."""
STORAGE_W = 0.05 * SERVER_W
WORKING_W = 0.90 * GPU_W + 0.59 * HOST_W + 0.85 * STORAGE_W
IDLE_W = 0.10 * GPU_W + 0.35 * HOST_W + 0.85 * STORAGE_W
PEAK_W = 0.8235 * SERVER_W + STORAGE_W
PUE, SUMMER = 1.25, 1.30
HOURS = 8766.0


def estate(
    gpu: str = "h100-sxm", *, overrides: tuple[str, ...] = (), cluster: str | None = None, **asked: Any
) -> Estate:
    book = Catalog((), overrides) if overrides else CATALOG
    place = places(book, cluster=cluster, gpu=None if cluster else gpu, gpus=None)[0]
    return estate_of(book, place, Asked.read(book, **asked), Filled(), Samples(0))


def value(array: Any) -> float:
    return float(np.asarray(array).item())


def recovery(rate: float, years: float) -> float:
    return rate / (1.0 - (1.0 + rate) ** -years)


def hour(price: str, activity: str = "training", **options: Any) -> dict[str, float]:
    found = estate(**options)
    cost = found.gpu_hour(EIGHT, PriceChoice.parse(price, CATALOG), activity, catalog=CATALOG)
    assert value(cost.total) == pytest.approx(sum(value(part) for part in cost))
    return {name: value(part) for name, part in cost.parts().items()}


class TestPower:
    """Eight H100 of one server, which need no fabric, at the usual site."""

    @pytest.mark.parametrize(("activity", "watts"), [("training", WORKING_W), ("idle", IDLE_W)])
    def test_mean_at_the_meter(self, activity: str, watts: float) -> None:
        assert value(estate().watts(EIGHT, activity).mean) == pytest.approx(watts * PUE)

    def test_the_connection_carries_the_peak_of_the_warmest_season(self) -> None:
        found = estate().watts(EIGHT, "training")
        assert value(found.peak) == pytest.approx(PEAK_W * SUMMER)
        assert value(found.nameplate) == pytest.approx((SERVER_W + STORAGE_W) * SUMMER)

    def test_shares_of_time_lie_between_idle_and_work(self) -> None:
        half = {"prefill": np.array([0.2]), "decode": np.array([0.5])}
        gpu = 0.1 * GPU_W + 0.2 * (0.85 - 0.1) * GPU_W + 0.5 * (0.35 - 0.1) * GPU_W
        host = HOST_W * (0.35 + 0.7 * (0.59 - 0.35))
        expected = (gpu + host + 0.85 * STORAGE_W) * PUE
        assert value(estate().watts(EIGHT, half).mean) == pytest.approx(expected)

    def test_the_fabric_is_shared_by_all(self) -> None:
        found, n = estate(), np.array([1024.0])
        network = found.network(n)
        assert network is not None
        each = value(network.watts) / 1024
        assert each > 0
        storage = 0.05 * (SERVER_W + each)
        expected = (0.90 * GPU_W + 0.59 * HOST_W + 0.85 * (each + storage)) * PUE
        assert value(found.watts(n, "training").mean) == pytest.approx(expected)

    def test_one_domain_needs_no_fabric(self) -> None:
        network = estate().network(EIGHT)
        assert network is not None
        assert value(network.switches) == 0
        assert value(network.usd) == 0


class TestCapital:
    def test_servers_storage_and_building(self) -> None:
        bought = estate().capital(EIGHT)
        assert value(bought.servers_usd) == pytest.approx(31905)
        assert value(bought.network_usd) == 0
        assert value(bought.storage_usd) == pytest.approx(3190.5)
        assert value(bought.building_usd) == pytest.approx(9.4 * (SERVER_W + STORAGE_W) * SUMMER)

    def test_the_network_is_that_which_is_counted(self) -> None:
        found, n = estate(), np.array([1024.0])
        network = found.network(n)
        assert network is not None
        assert value(found.capital(n).network_usd) == pytest.approx(value(network.usd) / 1024)

    def test_a_fabric_without_parts_is_a_share_of_the_servers(self) -> None:
        place = places(CATALOG, cluster=None, gpu="tpu-v5p", gpus=None)[0]
        found = estate_of(CATALOG, place, Asked.read(CATALOG), Filled(), Samples(0))
        assert found.network(EIGHT) is None
        bought = found.capital(EIGHT)
        assert value(bought.network_usd) == pytest.approx(value(bought.servers_usd) * 0.125 / 0.875)


class TestHour:
    def test_owned_by_part(self) -> None:
        parts = hour("own")
        usable = HOURS * 0.98
        left = 0.10 * 1.11**-5
        assert parts["servers"] == pytest.approx(31905 * recovery(0.11, 5) * (1 - left) / usable)
        assert parts["storage"] == pytest.approx(3190.5 * recovery(0.11, 5) / usable)
        building = 9.4 * (SERVER_W + STORAGE_W) * SUMMER
        assert parts["building"] == pytest.approx(building * recovery(0.11, 14) / usable)
        assert parts["operations"] == pytest.approx(0.04 * 31905 / usable)
        assert parts["electricity"] == pytest.approx(WORKING_W * PUE / 1000 * 0.0826)
        assert set(parts) == {"servers", "storage", "building", "operations", "electricity"}

    def test_colocation_rents_its_peak_instead_of_a_building(self) -> None:
        own, rented = hour("own"), hour("colocation")
        assert "building" not in rented
        assert rented["colocation"] == pytest.approx(12 * 130 * PEAK_W / 1000 / (HOURS * 0.98))
        same = ("servers", "storage", "operations", "electricity")
        assert [own[name] for name in same] == pytest.approx([rented[name] for name in same])

    @pytest.mark.parametrize(
        ("price", "usd"),
        [("$2.35/h", 2.35), ("reserved", 2.65), ("reserved@2026-03", 2.35), ("h100-reserved@2025-10", 1.70)],
    )
    def test_rent_is_all_there_is(self, price: str, usd: float) -> None:
        assert hour(price) == {"rent": pytest.approx(usd)}

    def test_electricity_follows_what_is_done(self) -> None:
        assert hour("own", "idle")["electricity"] == pytest.approx(IDLE_W * PUE / 1000 * 0.0826)

    def test_a_price_of_electricity_that_is_given_holds(self) -> None:
        cost = estate().gpu_hour(
            EIGHT, PriceChoice.parse("own"), "training", catalog=CATALOG, usd_per_kwh=np.array([[1.0]])
        )
        assert value(cost.electricity) == pytest.approx(WORKING_W * PUE / 1000)

    def test_a_rent_of_another_part_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"a price of .*h200.* not of h100-sxm; name terms"):
            hour("h200-on-demand")


class TestLookUp:
    def test_the_site_is_that_of_the_cluster(self) -> None:
        filled = Filled()
        place = places(CATALOG, cluster="colossus-1", gpu=None, gpus=None)[0]
        found = estate_of(CATALOG, place, Asked.read(CATALOG), filled, Samples(0))
        assert found.site.id == "memphis-colossus-1"
        (one,) = [a for a in filled.assumptions if a.field == "site"]
        assert "where colossus-1 stands" in one.why

    def test_a_site_that_is_named_comes_first(self) -> None:
        filled = Filled()
        place = places(CATALOG, cluster="colossus-1", gpu=None, gpus=None)[0]
        found = estate_of(CATALOG, place, Asked.read(CATALOG, site="us-texas"), filled, Samples(0))
        assert found.site.id == "us-texas"
        assert not filled.assumptions

    def test_nowhere_is_the_usual_site_and_says_so(self) -> None:
        filled = Filled()
        place = places(CATALOG, cluster=None, gpu="h100", gpus=None)[0]
        assert estate_of(CATALOG, place, Asked.read(CATALOG), filled).site.id == "usual"
        assert [a.field for a in filled.assumptions] == ["site"]

    def test_records_that_are_named_are_used(self) -> None:
        found = estate(finance="epoch-1gw", failures="meta-research")
        assert (found.finance.id, found.failures.id) == ("epoch-1gw", "meta-research")

    @pytest.mark.parametrize("field", ["site", "finance", "failures"])
    def test_unknown_records_say_where_to_look(self, field: str) -> None:
        with pytest.raises(UnknownNameError, match=f"planner catalog list {field}"):
            estate(**{field: "nowhere-at-all"})

    def test_a_fabric_that_its_parts_do_not_build_is_priced_as_a_share(self) -> None:
        book = Catalog((), ("fabric.infiniband-ndr.rails=3",))
        place = places(book, cluster=None, gpu="h100", gpus=None)[0]
        filled = Filled()
        found = estate_of(book, place, Asked.read(book), filled, Samples(0))
        assert found.network_plan is None
        assert "priced as a share of the servers" in filled.notes[0]
        with pytest.raises(InputError, match="rail"):
            estate_of(book, place, Asked.read(book), Filled(), Samples(0), strict=True)
