"""The table of docs/method_fabric.md says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from planner.catalog.kinds import FABRIC, OPTICS, SWITCH
from planner.catalog.load import Catalog
from planner.model.fabric import built
from planner.tables.fabric import fabric_table
from planner.tables.samples import Samples, interval

PAGE = (Path(__file__).parents[2] / "docs" / "method_fabric.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([a-z0-9-]+) \| ([\d,]+) \| (\d) \| (.+) \|$", PAGE, flags=re.MULTILINE)
CATALOG = Catalog()


def test_the_table_is_there() -> None:
    assert len(ROWS) == 8


@pytest.mark.parametrize(("name", "count", "tiers", "rest"), ROWS)
def test_row(name: str, count: str, tiers: str, rest: str) -> None:
    fabric, accelerators = CATALOG.get(FABRIC, name), float(count.replace(",", ""))
    assert fabric.switch
    assert fabric.optics
    plan = fabric_table(
        fabric, CATALOG.get(SWITCH, fabric.switch), CATALOG.get(OPTICS, fabric.optics), Samples()
    )
    assert plan
    found = built(fabric=plan, accelerators=np.array([accelerators]))
    assert f"{found.tiers[0]:.0f}" == tiers
    shares = [[end[0] / accelerators for end in interval(total)] for total in (found.usd, found.watts)]
    said = [f"{value:,.0f} ({low:,.0f} to {high:,.0f})" for value, low, high in shares]
    assert rest == " | ".join([f"{found.switches[0]:,.0f}", f"{found.optics[0]:,.0f}", *said])
