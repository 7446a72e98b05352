from __future__ import annotations

import pytest

from planner.catalog.kinds import ACCELERATOR, CLUSTER, FABRIC, SYSTEM, Kind, kind_named, kinds, register
from planner.catalog.records import Record
from planner.errors import InputError


@pytest.mark.parametrize("kind", [ACCELERATOR, SYSTEM, FABRIC, CLUSTER])
def test_a_kind_knows_its_schema(kind: Kind[Record]) -> None:
    assert issubclass(kind.schema, Record)
    assert kind.schema.__name__.lower() == kind.name
    assert kind in kinds()
    assert kind_named(kind.name) is kind


def test_an_unknown_kind_is_answered_with_the_closest() -> None:
    with pytest.raises(
        InputError, match=r"unknown kind 'sistem'\. Did you mean 'system' or 'site'\? The kinds are "
    ):
        kind_named("sistem")


def test_registering_twice_changes_nothing() -> None:
    before = kinds()
    assert register(ACCELERATOR) is ACCELERATOR
    assert kinds() == before


@pytest.mark.parametrize(
    ("name", "folder"), [("accelerator", "hardware/new"), ("new", "hardware/accelerators")]
)
def test_two_kinds_never_share_a_name_or_folder(name: str, folder: str) -> None:
    with pytest.raises(ValueError, match="clashes"):
        register(Kind(name, folder, "planner.catalog.records:Record"))
