from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from planner.catalog.quantity import Bytes, Count, Dimension, Fraction, Quantity, Usd, Watts, iso_date
from planner.catalog.records import Items, Section

FULL = {"value": "80 GB", "source": "sheet", "at": "p. 1", "kind": "datasheet"}
CITE = {"source": "above", "at": "p. 9", "kind": "measured"}


class Inner(Section):
    size: Bytes


class Outer(Section):
    size: Bytes | None = None
    share: Fraction | None = None
    cost: Usd | None = None
    power: Watts | None = None
    count: Count | None = None
    inner: Inner | None = None
    several: Items[Inner] = ()


def read(**fields: Any) -> Outer:
    return Outer.model_validate(fields)


def complaints(**fields: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        read(**fields)
    return {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()}


def test_a_full_mapping_says_everything_itself() -> None:
    size = read(size=FULL | {"range": ["70 GB", "90 GB"], "as_of": "2026-04", "note": "marketed"}).size
    assert size == Quantity(
        value=80e9,
        dimension="bytes",
        text="80 GB",
        source="sheet",
        at="p. 1",
        kind="datasheet",
        low=70e9,
        high=90e9,
        as_of="2026-04",
        note="marketed",
    )


def test_a_bare_number_takes_the_cite_above() -> None:
    size = read(cite=CITE, size="80 GB").size
    assert size is not None
    assert (size.value, size.source, size.at, size.kind) == (80e9, "above", "p. 9", "measured")


def test_the_nearest_cite_wins_and_ends_with_its_section() -> None:
    nearer = {"source": "near", "at": "p. 2", "kind": "derived"}
    record = read(
        cite=CITE,
        inner={"cite": nearer, "size": "1 GB"},
        several=[{"cite": nearer, "size": "2 GB"}, {"size": "3 GB"}],
        size="4 GB",
    )
    assert record.inner is not None
    assert record.size is not None
    sources = [record.inner.size.source, *(item.size.source for item in record.several), record.size.source]
    assert sources == ["near", "near", "above", "above"]


def test_a_cite_does_not_leak_into_the_next_record() -> None:
    read(cite=CITE, size="80 GB")
    assert "no source, at, kind" in complaints(size="80 GB")["size"]


def test_a_failed_record_does_not_leak_its_cite() -> None:
    complaints(cite=CITE, size="80 GW")
    assert "no source, at, kind" in complaints(size="80 GB")["size"]


def test_a_mapping_without_source_inherits_what_it_leaves_out() -> None:
    size = read(cite=CITE, size={"value": "80 GB", "at": "p. 3"}).size
    assert size is not None
    assert (size.source, size.at, size.kind) == ("above", "p. 3", "measured")


def test_a_mapping_with_its_own_source_inherits_nothing() -> None:
    found = complaints(cite=CITE, size={"value": "80 GB", "source": "other"})
    assert found == {"size": "no at, kind; add them here"}


@pytest.mark.parametrize(
    ("changes", "place", "complaint"),
    [
        ({"value": "80 GW"}, "size.value", "measures watts, not bytes"),
        ({"value": "80"}, "size.value", "has no unit"),
        ({"value": True}, "size.value", "expected a quantity, found a bool"),
        ({"value": None}, "size.value", "expected a quantity, found nothing"),
        ({"value": ["80 GB"]}, "size.value", "expected a quantity, found a list"),
        ({"value": "-1 GB"}, "size.value", "must be more than zero"),
        ({"value": "0 GB"}, "size.value", "must be more than zero"),
        ({"kind": "datashet"}, "size.kind", "did you mean 'datasheet'?"),
        ({"kind": 3}, "size.kind", "not a kind of origin"),
        ({"kind": "estimate"}, "size", "an estimate needs its range"),
        ({"kind": "list-price"}, "size", "a price needs its date"),
        ({"range": ["90 GB", "100 GB"]}, "size.range", "lies outside its range"),
        ({"range": ["90 GB", "70 GB"]}, "size.range", "lies outside its range"),
        ({"range": "70 GB"}, "size.range", "a list of two quantities"),
        ({"range": ["70 GB"]}, "size.range", "a list of two quantities"),
        ({"range": ["70 GB", "90 W"]}, "size.range.1", "measures watts"),
        ({"as_of": "April 2026"}, "size.as_of", "not a date"),
        ({"as_of": "2026-02-30"}, "size.as_of", "no such day"),
        ({"source": 3}, "size.source", "must be text"),
        ({"at": " "}, "size.at", "must be text"),
        ({"note": None}, "size.note", "must be text"),
        ({"valeu": "1"}, "size.valeu", "did you mean 'value'?"),
    ],
)
def test_each_mistake_has_its_place(changes: dict[str, Any], place: str, complaint: str) -> None:
    found = complaints(size=FULL | changes)
    assert list(found) == [place]
    assert complaint in found[place]


def test_all_mistakes_of_a_quantity_come_at_once() -> None:
    found = complaints(size={"value": "x", "kind": "y", "source": "s", "at": "a", "as_of": "z"})
    assert set(found) == {"size.value", "size.kind", "size.as_of"}


@pytest.mark.parametrize("given", [None, ["80 GB"], True, "x", {}])
def test_what_is_no_quantity_is_refused_where_one_is_required(given: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Inner.model_validate({"cite": CITE, "size": given})
    assert {error["loc"][0] for error in caught.value.errors()} == {"size"}


def test_an_estimate_with_a_range_is_a_quantity() -> None:
    size = read(size=FULL | {"kind": "estimate", "range": ["70 GB", "90 GB"]}).size
    assert size is not None
    assert size.bounds == (70e9, 90e9)


def test_without_a_range_the_bounds_are_the_value() -> None:
    size = read(size=FULL).size
    assert size is not None
    assert size.bounds == (80e9, 80e9)


def test_every_price_needs_a_date_unless_the_user_gave_it() -> None:
    price = {"value": "$3", "source": "s", "at": "a", "kind": "measured"}
    assert "a price needs its date" in complaints(cost=price)["cost"]
    assert read(cost=price | {"as_of": 2026}).cost is not None
    assert read(cost=price | {"kind": "given"}).cost is not None


def test_a_report_needs_a_date() -> None:
    assert "a report needs its date" in complaints(size=FULL | {"kind": "reported"})["size"]


def test_a_dated_cite_dates_what_it_holds() -> None:
    cost = read(cite=CITE | {"as_of": "2026-04-21"}, cost="$3").cost
    assert cost is not None
    assert cost.as_of == "2026-04-21"


def test_fractions_stay_below_one() -> None:
    assert "at most 100 %" in complaints(cite=CITE, share="120 %")["share"]


def test_zero_is_allowed_where_it_means_something() -> None:
    power = read(cite=CITE, power="0 W").power
    assert power is not None
    assert power.value == 0


def test_counts_need_no_unit() -> None:
    count = read(cite=CITE, count=132).count
    assert count is not None
    assert (count.value, count.text) == (132.0, "132")


def test_a_malformed_cite_is_one_mistake_not_many() -> None:
    assert set(complaints(cite={"source": "s"}, size="80 GB", power="1 W")) == {"cite.at", "cite.kind"}
    assert set(complaints(cite="s", size="80 GB", power="1 W")) == {"cite"}
    assert set(complaints(cite=CITE | {"kind": "datashet"}, size="80 GB", power="1 W")) == {"cite.kind"}
    assert set(complaints(cite=CITE | {"kind": []}, size="80 GB", power="1 W")) == {"cite.kind"}


def test_a_quantity_passes_through_unchanged_and_of_its_own_dimension_only() -> None:
    size = read(size=FULL).size
    assert read(size=size).size is size
    assert "power" in complaints(power=size)


def test_a_quantity_dumps_without_what_it_lacks_and_pickles() -> None:
    record = read(size=FULL)
    dumped = record.model_dump(mode="json")["size"]
    assert dumped == {
        "value": 80e9,
        "dimension": "bytes",
        "text": "80 GB",
        "source": "sheet",
        "at": "p. 1",
        "kind": "datasheet",
    }
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301  own bytes


def test_a_quantity_reads_as_people_write_it() -> None:
    assert str(read(size=FULL).size) == "80 GB"


def test_the_json_schema_allows_both_forms() -> None:
    schema = Inner.model_json_schema()["properties"]["size"]
    assert schema["anyOf"][0]["type"] == ["string", "number"]
    assert set(schema["anyOf"][1]["properties"]) >= {"value", "source", "at", "kind"}
    assert schema["x-dimension"] == "bytes"


@pytest.mark.parametrize(
    ("given", "text"),
    [(2026, "2026"), ("2026", "2026"), ("2026-04", "2026-04"), ("2024-02-29", "2024-02-29")],
)
def test_dates_may_be_a_year_a_month_or_a_day(given: object, text: str) -> None:
    assert iso_date(given) == text


@pytest.mark.parametrize(
    "given", [True, 26, None, "2026-4", "2026-13", "2025-02-29", "0000", 2026.0, "2026-04-21T00"]
)
def test_what_is_no_date_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"2026-04-21"):
        iso_date(given)


def test_prices_are_recognised_by_their_dimension() -> None:
    assert Dimension("usd_per_kwh").is_price
    assert not Dimension("kg_per_kwh").is_price
