"""Fabrics counted and priced: by hand, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.catalog.kinds import FABRIC, OPTICS, SWITCH, SYSTEM
from planner.catalog.load import Catalog
from planner.catalog.schema.fabric import Fabric
from planner.catalog.schema.parts import Optics
from planner.errors import InfeasibleError, InputError
from planner.model.fabric import built, clos, require_one_island
from planner.tables.fabric import FabricPlan, fabric_table, largest_tree, ports_per_accelerator
from planner.tables.samples import Samples

CATALOG = Catalog()


def record(name: str, **changes: object) -> Fabric:
    return CATALOG.get(FABRIC, name).model_copy(update=changes)


def plan(fabric: Fabric, optics: Optics | None = None, samples: int = 0) -> FabricPlan:
    assert fabric.switch
    assert fabric.optics
    parts = CATALOG.get(SWITCH, fabric.switch), optics or CATALOG.get(OPTICS, fabric.optics)
    made = fabric_table(fabric, *parts, Samples(samples))
    assert made
    return made


def many(*counts: float) -> Any:
    return np.array(counts, dtype=float)


class TestCounting:
    def test_one_switch_while_its_ports_last(self) -> None:
        found = clos(endpoints=many(0, 1, 64, 65), radix=64)
        assert list(found.tiers) == [0, 1, 1, 2]
        assert list(found.switches) == [0, 1, 1, 5]  # 65: three leaves of 32, two spines of 64

    def test_rails_of_few_endpoints_share_a_switch(self) -> None:
        """Eight rails of 8 ports fill one switch of 64; of 9 ports, seven rails fit, the eighth does not."""
        assert list(clos(endpoints=many(64, 72), radix=64, rails=8).switches) == [1, 2]

    def test_seven_to_one_over_pods(self) -> None:
        """64 ports, 7:1 above the second tier: a leaf has 32 ports down, a spine 56 down and 8 up.

        A pod is 32 x 56 = 1,792 endpoints; 64 pods hang on a core switch. 14,336 endpoints are eight of them:
        448 leaves, 256 spines, and 2,048 links on 32 cores.
        """
        shortage = (1.0, 7.0)
        assert list(largest_tree(64, shortage, 3)) == [64, 2_048, 64 * 32 * 56]
        found = clos(endpoints=many(14_336), radix=64, oversubscription=shortage, most_tiers=3)
        assert list(found.switches_by_tier[:, 0]) == [448, 256, 32]
        assert list(found.links_by_tier[:, 0]) == [14_336, 14_336, 2_048]

    def test_oversubscription_at_the_leaf_thins_all_tiers_above(self) -> None:
        """3:1 at the leaf: 48 down, 16 up; 4,608 endpoints have 96 leaves and 1,536 links up, 24 spines."""
        found = clos(endpoints=many(2_304, 4_608), radix=64, oversubscription=(3.0,), most_tiers=2)
        assert largest_tree(64, (3.0,), 2)[1] == 64 * 48
        assert list(found.islands) == [1, 2]
        assert list(found.switches_by_tier[:, 0]) == [48, 12]
        assert list(found.switches_by_tier[:, 1]) == [96, 24]

    def test_planes_multiply_and_rails_divide(self) -> None:
        one = clos(endpoints=many(65_536), radix=128)
        assert clos(endpoints=many(65_536), radix=128, planes=4).switches == 4 * one.switches
        rails = clos(endpoints=many(8 * 65_536), radix=128, rails=8)
        assert rails.switches == 8 * one.switches
        assert rails.tiers == one.tiers

    def test_every_tier_of_ten_million_endpoints(self) -> None:
        found = clos(endpoints=many(1e7), radix=128)
        assert found.tiers == 4
        assert found.islands == 1
        assert found.switches == 3 * 156_250 + 78_125

    def test_islands_are_equal_parts(self) -> None:
        found = clos(endpoints=many(200_000), radix=64, most_tiers=3)
        part = clos(endpoints=many(50_000), radix=64, most_tiers=3)
        assert found.islands == 4
        assert found.switches == 4 * part.switches


class TestBuilding:
    def test_a_fabric_of_512_by_hand(self) -> None:
        """24 switches; 1,024 fibres have 2,048 ends: 512 single at interfaces, the rest on 768 modules."""
        found = built(fabric=plan(record("infiniband-ndr")), accelerators=many(512))
        assert found.switches == 24
        assert found.optics == 512 + 768
        assert found.usd[0, 0] == pytest.approx(24 * 36_000 + 2_048 * 635)
        assert found.watts[0, 0] == pytest.approx(24 * 747 + 2_048 * 8)

    def test_copper_to_the_hosts_saves_a_pair_of_transceivers_each(self) -> None:
        fibre = built(fabric=plan(record("infiniband-ndr")), accelerators=many(512))
        copper = built(fabric=plan(record("infiniband-ndr", host_links="copper")), accelerators=many(512))
        assert copper.cables == 512
        assert copper.optics == 512
        saved = fibre.usd - copper.usd
        assert saved[0, 0] == pytest.approx(512 * (1_270 - 175))
        assert (fibre.watts - copper.watts)[0, 0] == pytest.approx(512 * (16 - 0.1))

    def test_nothing_joins_what_a_domain_holds(self) -> None:
        found = built(fabric=plan(record("infiniband-ndr")), accelerators=many(8, 72, 73), domain=72)
        assert list(found.tiers) == [0, 0, 2]
        assert list(found.usd[0, :2]) == [0, 0]

    def test_planes_take_one_module_at_the_interface(self) -> None:
        """800G in four planes: 64 ports, 256 links on 4 switches, 256 ends there on 32 modules of eight."""
        found = built(fabric=plan(record("roce-800-multiplane")), accelerators=many(64))
        assert found.switches == 4
        assert found.optics == 64 + 32
        assert found.usd_by_part["optics"][0, 0] == pytest.approx(512 / 8 * 2_000)

    def test_two_accelerators_on_a_port(self) -> None:
        found = built(fabric=plan(record("infiniband-edr")), accelerators=many(1_296))
        assert found.clos.endpoints == 648
        assert found.switches == 54
        assert found.largest == 23_328

    def test_ports_of_the_system_count(self) -> None:
        """Gaudi 2 has three ports of 100G each; a GB200 fills half of an 800G port with its 400G."""
        gaudi, grace = CATALOG.get(SYSTEM, "gaudi2-8"), CATALOG.get(SYSTEM, "gb200-nvl72")
        assert ports_per_accelerator(gaudi, record("roce-100")) == 3
        assert ports_per_accelerator(grace, record("spectrum-x-800-dual-plane")) == 0.5
        assert ports_per_accelerator(CATALOG.get(SYSTEM, "hgx-v100"), record("infiniband-edr")) == 0.5
        whole = built(fabric=plan(record("roce-100")), accelerators=many(256), ports_per_accelerator=3)
        assert whole.clos.endpoints == 768
        assert whole.largest == 65_536 // 3
        half = built(fabric=plan(record("spectrum-x-800")), accelerators=many(1), ports_per_accelerator=0.5)
        assert half.largest == 65_536  # as the record says, though half the ports are free

    def test_parts_add_up_over_the_samples(self) -> None:
        found = built(fabric=plan(record("infiniband-xdr"), samples=31), accelerators=many(72, 5_000, 1e6))
        assert found.usd.shape == found.watts.shape == (32, 3)
        np.testing.assert_allclose(sum(found.usd_by_part.values()), found.usd)
        np.testing.assert_allclose(sum(found.watts_by_part.values()), found.watts)

    def test_co_packaged_optics_by_their_power(self) -> None:
        """9 instead of 27 W for each 1.6T: at three tiers that is 54 W less for each accelerator."""
        fabric = record("infiniband-xdr")
        packaged = replace(plan(fabric), module_watts=np.array([[9.0]]))
        count = many(100_000)
        saved = (
            built(fabric=plan(fabric), accelerators=count).watts
            - built(fabric=packaged, accelerators=count).watts
        )
        assert saved[0, 0] / count[0] == pytest.approx(54)

    def test_parts_that_are_not_named_build_nothing(self) -> None:
        assert fabric_table(record("efa-v3"), None, None, Samples(0)) is None


class TestRefusals:
    def test_what_one_fabric_cannot_hold(self) -> None:
        """Trap 13 of the methods: rails that meet join an eighth of what eight rails apart do."""
        met = built(fabric=plan(record("infiniband-ndr")), accelerators=many(65_536, 3e6))
        with pytest.raises(
            InfeasibleError, match=r"3,000,000 GPUs .* 4 tiers of 64-port .* 2,097,152\. Build 2 islands"
        ):
            require_one_island(met.clos, what="GPUs")
        rails = record("infiniband-ndr-rail-only")
        assert largest_tree(64, (), 3)[2] == 65_536
        assert built(fabric=plan(rails), accelerators=many(524_288)).islands == 1
        assert built(fabric=plan(rails), accelerators=many(524_289)).islands == 2

    def test_tiers_that_the_switches_cannot_join(self) -> None:
        tiers = [
            tier.model_copy(update={"endpoints": 9 * tier.endpoints})
            for tier in record("infiniband-ndr").tiers
        ]
        with pytest.raises(
            InputError, match=r"tier leaf cannot join 2,304 .* 64 ports join at most 512 .*rail_only"
        ):
            plan(record("infiniband-ndr", tiers=tuple(tiers)))

    def test_parts_that_are_too_slow(self) -> None:
        with pytest.raises(
            InputError, match="ports of infiniband-ndr-64 carry 50 GB/s, but a link of it 100 GB/s"
        ):
            plan(record("spectrum-x-800", switch="infiniband-ndr-64"))
        with pytest.raises(InputError, match="modules of osfp-400 carry 50 GB/s"):
            plan(record("spectrum-x-800", optics="osfp-400"))

    def test_copper_hosts_without_a_cable(self) -> None:
        bare = CATALOG.get(OPTICS, "osfp-800").model_copy(update={"copper": None})
        with pytest.raises(InputError, match="names no cable; add copper"):
            plan(record("infiniband-ndr", host_links="copper"), bare)

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"radix": 1}, "a switch of 1 ports"),
            ({"most_tiers": 5}, "1 to 4 tiers of switches, not 5"),
            ({"most_tiers": 0}, "not 0"),
            ({"oversubscription": (0.5,)}, "1 .none. or more, as 7 for 7:1; found 0.5"),
            ({"oversubscription": (np.nan,)}, "found nan"),
            ({"rails": 0}, "1 or more rails and planes"),
            ({"planes": 0}, "1 or more rails and planes"),
            ({"endpoints": many(-1)}, "0 or more endpoints"),
            ({"endpoints": many(np.inf)}, "not infinitely many"),
        ],
    )
    def test_nonsense(self, wrong: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            clos(**{"endpoints": many(100), "radix": 64, **wrong})

    def test_negative_accelerators(self) -> None:
        with pytest.raises(InputError, match="0 or more endpoints"):
            built(fabric=plan(record("infiniband-ndr")), accelerators=many(-8), domain=8)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"rails": 1, "rail_only": True}, "say how many, as rails: 8"),
            ({"optics": None}, "name the optics, too"),
            ({"switch": None}, "name the switch, too"),
        ],
    )
    def test_records_that_contradict_themselves(self, change: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Fabric.model_validate({**dict(record("infiniband-ndr")), **change})
