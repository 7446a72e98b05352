"""A traffic profile with numbers that the user gave instead of the record's."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError

from planner.errors import InputError
from planner.workload.traffic import Slo, TrafficProfile

__all__ = ["SOURCE", "with_given"]

SOURCE: Final = "options"
"""Source key of what the user gave."""
_PERCENTILE: Final = 0.99
"""Of a target that is given without one."""


def with_given(
    profile: TrafficProfile,
    *,
    isl: float | None = None,
    osl: float | None = None,
    hit: float | None = None,
    ttft_s: float | None = None,
    tpot_s: float | None = None,
    percentile: float | None = None,
) -> TrafficProfile:
    """Return the profile with what the user gave; all that is left open stays as it was.

    Parameters
    ----------
    profile : TrafficProfile
        Where the rest comes from.
    isl, osl : float, optional
        Mean tokens of request and answer. The coefficient of variation stays; quantiles, which belong to the
        old mean, give way to the one they led to.
    hit : float, optional
        Share of the input tokens found in a prefix cache.
    ttft_s, tpot_s : float, optional
        Latency targets. They turn an offline profile into one of open arrivals.
    percentile : float, optional
        Share of the requests within the targets, for all of them; a new target is at p99 without it.

    Raises
    ------
    InputError
        A number out of range, or a percentile without a target; the message names the field.
    """
    changes: dict[str, Any] = {}
    for name, tokens in (("input", isl), ("output", osl)):
        if tokens is not None:
            changes[name] = {"mean": _given(tokens), "cv": _given(getattr(profile, name).spread.cv)}
    if hit is not None:
        changes["prefix"] = {"hit": _given(hit), "cache": "served"}
    if (ttft_s, tpot_s, percentile) != (None, None, None):
        changes |= {"latency": _latency(profile.slo, ttft_s, tpot_s, percentile), "arrival": "open"}
        if not changes["latency"]:
            raise InputError("a percentile needs a latency target; give a TTFT or a TPOT with it")
    if not changes:
        return profile
    kept = {name: getattr(profile, name) for name in type(profile).model_fields if name not in changes}
    try:
        return TrafficProfile.model_validate(kept | changes)
    except ValidationError as error:
        raise InputError.collect(
            f"{'.'.join(map(str, details['loc']))}: {details['msg'].removeprefix('Value error, ')}"
            for details in error.errors(include_url=False)
        ) from None


def _given(number: float, unit: str = "") -> dict[str, Any]:
    return {"value": f"{number!r} {unit}".strip(), "source": SOURCE, "at": "command line", "kind": "given"}


def _latency(
    slo: Slo, ttft_s: float | None, tpot_s: float | None, percentile: float | None
) -> dict[str, Any]:
    """Write targets as a record would, the given ones in place of the stated."""
    targets: dict[str, Any] = {}
    for name, stated in slo._asdict().items():
        seconds = {"ttft": ttft_s, "tpot": tpot_s}.get(name)
        if seconds is None and stated is None:
            continue
        share = percentile if percentile is not None else stated.percentile if stated else _PERCENTILE
        limit = seconds if seconds is not None else stated.seconds
        targets[name] = {"limit": _given(limit, "s"), "percentile": _given(share)}
    return targets
