"""The replicas of a serving measurement, from its parallel degrees, its notes and facts about its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from planner.evidence.serving_facts import Effects
from planner.evidence.serving_row import Workers
from planner.evidence.serving_text import Notes, PoolNote

__all__ = ["Degrees", "Layout", "corrected", "layout"]

MOST_FILLED = 8
"""Largest tensor-parallel degree that is assumed where none is given: one server."""


@dataclass(frozen=True)
class Degrees:
    """Degrees of a worker as columns give them; None is unknown."""

    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    ep: int | None = None
    workers: int | None = None

    @property
    def given(self) -> bool:
        """Whether any of them is."""
        return any((self.tp, self.pp, self.dp, self.ep, self.workers))


class Layout(NamedTuple):
    """The workers of a row, and what was assumed about them."""

    workers: Workers | None
    prefill: Workers | None
    decode: Workers | None
    assumptions: tuple[str, ...]


def layout(
    *,
    pool: str | None,
    disaggregated: bool,
    gpus: int | None,
    prefill_gpus: int | None,
    decode_gpus: int | None,
    own: Degrees,
    prefill: Degrees,
    notes: Notes,
) -> Layout:
    """Return the workers of a row.

    Parameters
    ----------
    pool
        ``prefill`` or ``decode`` where one pool was measured alone.
    gpus, prefill_gpus, decode_gpus
        Accelerators of the deployment and of its pools.
    own, prefill
        Degrees of `Layout.workers`, corrected, and what columns say of the prefill workers.
    """
    assumptions: list[str] = []
    if pool is not None:
        mine = prefill_gpus if pool == "prefill" else decode_gpus
        worker = _worker(own, mine or gpus, notes.max_batch, assumptions)
        other = _worker(own, decode_gpus, None, []) if pool == "prefill" and decode_gpus else None
        return Layout(
            worker,
            worker if pool == "prefill" else None,
            worker if pool == "decode" else other,
            tuple(assumptions),
        )
    if not disaggregated:
        return Layout(_worker(own, gpus, notes.max_batch, assumptions), None, None, tuple(assumptions))
    if decode_gpus is None and gpus is not None and prefill_gpus is not None:
        decode_gpus = gpus - prefill_gpus
    batch = notes.decode.max_batch if notes.decode else None
    decode = _worker(own, decode_gpus, batch, assumptions)
    first = _prefill(prefill, own, prefill_gpus, notes, assumptions)
    return Layout(decode, first, decode, tuple(assumptions))


def corrected(degrees: Degrees, notes: Notes, effects: Effects) -> Degrees:
    """Return the degrees that columns give as those of the machine, in accelerators."""
    tp = degrees.tp or notes.worker_tp
    if effects.cores > 1:
        tp = tp and max(tp // effects.cores, 1)
        ep = degrees.ep and max(degrees.ep // effects.cores, 1)
        return Degrees(tp, degrees.pp, degrees.dp, ep, degrees.workers)
    if effects.attention_data_parallel and tp and not degrees.dp:
        return Degrees(1, degrees.pp, tp, degrees.ep or tp, degrees.workers)
    return Degrees(tp, degrees.pp, degrees.dp, degrees.ep, degrees.workers)


def _worker(degrees: Degrees, gpus: int | None, batch: int | None, assumptions: list[str]) -> Workers | None:
    """Return replicas that fill the accelerators; None where they cannot."""
    if not gpus or gpus < 0:
        return None
    pp, dp = degrees.pp or 1, degrees.dp or 1
    tp = degrees.tp
    if tp is None:
        tp = max(gpus // (pp * dp * (degrees.workers or 1)), 1)
        if tp > MOST_FILLED:
            return None
        assumptions.append(f"tensor-parallel degree not stated: {tp}, so that one replica fills {gpus}")
    each = tp * pp * dp
    count = degrees.workers or gpus // each
    if count * each != gpus:
        return None
    return Workers(count, tp, pp, dp, degrees.ep or 1, batch)


def _prefill(
    columns: Degrees, own: Degrees, gpus: int | None, notes: Notes, assumptions: list[str]
) -> Workers | None:
    """Return the prefill workers: from columns, from the notes, or else laid out like the decode workers."""
    stated = notes.prefill
    batch = stated.max_batch if stated else None
    if columns.given:
        return _worker(columns, gpus or _product(columns), batch, assumptions)
    if stated is not None:
        return _fitting(stated, gpus)
    if notes.pools is None and notes.worker_tp is None:
        assumptions.append("prefill workers not described: laid out like the decode workers")
    return _worker(own, gpus, batch, assumptions)


def _product(degrees: Degrees) -> int | None:
    if degrees.tp is None:
        return None
    return (degrees.workers or 1) * degrees.tp * (degrees.pp or 1) * (degrees.dp or 1)


def _fitting(stated: PoolNote, gpus: int | None) -> Workers | None:
    found = Workers(*stated)
    return found if gpus in (None, found.gpus) else None
