"""The table of goodput in docs/method_reliability.md is what the records give."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from planner.catalog.kinds import FAILURES, STORAGE
from planner.catalog.load import Catalog
from planner.model.reliability.goodput import goodput
from planner.tables.reliability import failures_table, policies, storage_rates
from planner.tables.samples import Samples

PAGE = Path(__file__).resolve().parents[2] / "docs" / "method_reliability.md"
ROW = re.compile(r"^\| ([\d,]+) \| ([\d.]+) \|" + r" ([\d.]+) \|" * 4 + "$", re.MULTILINE)


def test_the_table_of_scales_is_what_the_records_give() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    n = np.array([float(row[0].replace(",", "")) for row in rows])
    assert n.tolist() == [8192, 16384, 131072, 1e6, 1e7]
    catalog, draws = Catalog(), Samples(0)
    failures = failures_table(catalog.get(FAILURES, "usual"), draws)
    storage = storage_rates(
        catalog.get(STORAGE, "meta-tectonic"), draws, host_bytes_per_s=64e9, nic_bytes_per_s=50e9
    )
    group = np.minimum(n / 8, 8192)
    for column, policy in enumerate(policies(catalog, draws), start=2):
        found = goodput(
            policy=policy,
            failures=failures,
            storage=storage,
            accelerators=n,
            state_bytes=16 * 405e9,
            replica_accelerators=group,
            replicas=n / group,
        )
        printed = [float(row[column]) for row in rows]
        assert found.goodput[0] == pytest.approx(printed, abs=6e-4), policy.id
        assert found.mttf_s[0] / 60 == pytest.approx([float(row[1]) for row in rows], rel=2e-3)
