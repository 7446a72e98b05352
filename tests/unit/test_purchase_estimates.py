"""Purchases of parts without a price of their own: from their rent, and from which other parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import planner
from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.plan.defaults import Filled
from planner.plan.operating.asked import Asked
from planner.plan.operating.estate import estate_of
from planner.plan.places import places
from planner.tables.price import Price, purchase_of, rental_on
from planner.tables.price_estimates import RENT_SPREAD

Write = Callable[[str, str], Path]
TEXT = """\
id: {id}
name: {id}
accelerators: [{part}]
{more}
cite: {{source: sheet, at: x, kind: list-price, as_of: {date}}}
"""


@pytest.fixture
def bought(root: Path, write: Write, accelerator: Callable[..., str]) -> Callable[..., Price]:
    """Write parts, prices ``(part, USD, more)`` and rents ``(part, USD per hour, more)``; price a part."""

    def _bought(
        part: str,
        prices: list[tuple[str, float, str]],
        rents: list[tuple[str, float, str]] = [],  # noqa: B006
        vendors: dict[str, str] = {},  # noqa: B006
    ) -> Price:
        for name in {part, *(row[0] for row in prices), *(row[0] for row in rents)}:
            text = accelerator(name).replace("vendor: Test", f"vendor: {vendors.get(name, 'Test')}")
            write(f"base/hardware/accelerators/{name}.yaml", text)
        for folder, field, rows in (("purchase", "per_accelerator", prices), ("rental", "gpu_hour", rents)):
            unit, top = ("USD", "includes: all") if folder == "purchase" else ("USD/h", "terms: on-demand")
            for name, usd, more in rows:
                date, _, rest = more.partition(" ")
                body = f"{field}: {usd} {unit}\n{top}\n{rest}"
                write(
                    f"base/hardware/prices/{folder}/{name}-{folder}.yaml",
                    TEXT.format(id=f"{name}-{folder}", part=name, more=body, date=date or 2026),
                )
        catalog = Catalog(root=root)
        return purchase_of(catalog, catalog.get(ACCELERATOR, part))

    return _bought


def test_a_rent_of_its_own_speaks_for_the_price(bought: Any) -> None:
    """Median of 8,000, 10,000 and 20,000 hours."""
    price = bought(
        "card",
        [("a", 8e3, ""), ("b", 20e3, ""), ("c", 60e3, "")],
        [("a", 1.0, ""), ("b", 2.0, ""), ("c", 3.0, ""), ("card", 0.5, "")],
    )
    assert price.value == pytest.approx(5_000)
    assert (price.record, price.spread, price.estimated) == ("card-rental", RENT_SPREAD, True)
    assert "x 10,000 (hours of rent, where both have a price)" in price.basis


def test_rents_near_the_date_of_the_purchase_count(bought: Any) -> None:
    """The rent of 2 USD/h in 2024, not the 1 USD/h of 2026, goes with a price of 2024."""
    then = "2026 history: [{value: 2 USD/h, as_of: 2024}]"
    rents = [(name, 1.0, then) for name in ("a", "b", "c")]
    price = bought("card", [(name, 20e3, "2024") for name in ("a", "b", "c")], [*rents, ("card", 1.0, "")])
    assert price.value == pytest.approx(10_000)


def test_two_pairs_are_too_few(bought: Any) -> None:
    price = bought("card", [("a", 8e3, ""), ("b", 20e3, "")], [("a", 1, ""), ("b", 1, ""), ("card", 1, "")])
    assert price.record in {"a-purchase", "b-purchase"}


def test_an_old_price_is_no_reference(bought: Any) -> None:
    """Of two equal parts the one priced within three years of the newest counts."""
    assert bought("card", [("a", 90e3, "2020"), ("b", 20e3, "2024"), ("c", 30e3, "2023")]).value < 31e3


def test_what_an_owner_pays_for_its_own_is_no_reference(bought: Any) -> None:
    own = ("a", 5e3, "2026 basis: internal-cost")
    assert bought("card", [own, ("b", 30e3, "")]).value == 30e3
    price = bought("a", [own])
    assert (price.value, price.internal) == (5e3, True)
    assert "what its maker pays for its own, not a market price" in price.basis
    assert price.warning is not None


def test_only_costs_of_owners(bought: Any) -> None:
    with pytest.raises(InputError, match="of a part on the market; add one for the part"):
        bought("card", [("a", 5e3, "2026 basis: internal-cost")])


def test_a_sole_provider_speaks_for_its_own_parts_only(bought: Any, root: Path) -> None:
    sole, vendors = ("tpu", 9.0, "2026 basis: sole-provider"), {"tpu": "Google", "next-tpu": "Google"}
    for part, usd in (("card", 2.0), ("next-tpu", 9.0)):
        bought(part, [("a", 20e3, "")], [sole, ("a", 2.0, "")], vendors)
        catalog = Catalog(root=root)
        rent = rental_on(catalog, catalog.get(ACCELERATOR, part), "on-demand")
        assert rent.value == pytest.approx(usd)


def test_a_cluster_says_that_its_owner_pays_other_prices() -> None:
    def notes(name: str) -> str:
        return " ".join(planner.cluster.show(name).result.notes)

    assert "tpu-v4-server is what the maker of the part pays for its own" in notes("tpu-v4:4096")
    assert "maker of the part" not in notes("hgx-h100:4096")


def test_a_plan_that_owns_says_so_and_one_that_rents_need_not() -> None:
    def notes(price: str) -> str:
        catalog, filled = Catalog(), Filled()
        asked = Asked.read(catalog, price=price)
        (place,) = places(catalog, cluster=None, gpu="tpu-v4", gpus=4096)
        estate_of(catalog, place, asked, filled)
        return " ".join(filled.notes)

    assert "tpu-v4-server is what the maker" in notes("own")
    assert "maker" not in notes("on-demand")
