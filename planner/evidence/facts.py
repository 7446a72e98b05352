"""What a single row states of its software stack, in place of what the profile of the stack says."""

from __future__ import annotations

import dataclasses

from planner.catalog.quantity import Quantity
from planner.workload.software import SoftwareProfile

__all__ = ["stated_facts", "with_facts"]

OVERLAPPED_EXPERTS = 0.35
"""Exposed share of expert dispatch where a row says that it overlaps (DualPipe, 1F1B all-to-all)."""


def stated_facts(flags: dict[str, str]) -> frozenset[str]:
    """Facts that the flags of a row state beside the name of its stack."""
    facts = set()
    if flags.keys() & {"tp-comm-overlap", "async-tp"}:
        facts.add("tensor overlap")
    if "vanilla-tp" in flags:
        facts.add("no tensor overlap")
    if flags.get("ep_overlap") == "on":
        facts.add("expert overlap")
    if "torch.compile" in flags and flags["torch.compile"] != "false":
        facts.add("compiled")
    return frozenset(facts)


def with_facts(profile: SoftwareProfile, facts: frozenset[str]) -> SoftwareProfile:
    """Return the profile of a stack with what one row states in its place."""
    overlap = profile.overlap
    if facts & {"tensor overlap", "no tensor overlap"}:
        overlap = overlap.model_copy(update={"tensor": "tensor overlap" in facts})
    if "expert overlap" in facts:
        exposed = _given(overlap.expert_exposed, OVERLAPPED_EXPERTS)
        overlap = overlap.model_copy(update={"expert_exposed": exposed})
    update: dict[str, object] = {"overlap": overlap}
    if "compiled" in facts:
        update["passes"] = _given(profile.passes, 1.0)
    return profile.model_copy(update=update)


def _given(quantity: Quantity, value: float) -> Quantity:
    return dataclasses.replace(quantity, value=value, low=None, high=None, kind="given")
