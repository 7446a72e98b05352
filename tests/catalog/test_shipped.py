"""The data that planner ships is sound."""

from __future__ import annotations

import pytest

import planner.workload.kinds  # noqa: F401  registers the kinds of workloads
from planner.catalog.kinds import Kind, kinds
from planner.catalog.lint import lint
from planner.catalog.load import Catalog
from planner.catalog.records import Record


def test_the_linter_finds_nothing() -> None:
    assert lint(Catalog()) == []


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_every_record_is_found_by_each_of_its_names(kind: Kind[Record]) -> None:
    catalog = Catalog()
    records = catalog.all(kind)
    assert records
    for record in records:
        for name in (record.id, record.name, *record.aliases):
            assert catalog.resolve(kind, name) == record.id
