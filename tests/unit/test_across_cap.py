"""Groups of a mixed cluster under one cap on power."""

from __future__ import annotations

from typing import Any

import planner


def test_groups_together_keep_a_cap_on_power() -> None:
    words: dict[str, Any] = {"cluster": "colossus-1", "top": 0, "tokens": 1e12}
    free = planner.train("llama-3.1-405b", **words).result
    capped = planner.train("llama-3.1-405b", **words, power_cap="100 MW").result
    assert free.across is not None
    assert capped.across is not None
    assert capped.plan is not None
    # The thriftiest accelerators of this site still draw as much at the meter.
    assert capped.across.gpus_used * 1.4e3 < 100e6
    assert capped.across.gpus_used < 0.6 * free.across.gpus_used
    assert capped.plan.power.peak_megawatts.value <= 100
