"""How fast models of a shape train on one kind of hardware, by size and batch: a few searches, made smooth.

Rates do not depend on how long a run takes, so that the searches of one time serve the others. The run that
is chosen is searched for again and evaluated in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.frontier.setting import figures, round_batch, why_not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.plan.frontier.setting import Setting
    from planner.types import FloatArray
    from planner.workload.record import ModelRecord

__all__ = ["FIELDS", "Node", "Surface", "node_at"]

FIELDS: Final = ("rate", "goodput", "gpus")
"""What is interpolated: tokens/s at the step time, share of the time that failures leave, accelerators at
work."""
_STIFF: Final = 0.03
"""What a curvature must explain before it is believed: without it, few nodes could hide one between them."""
_ENOUGH: Final = 3
"""Sizes from which the surface is of second degree."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """Models of one size with several batches.

    Attributes
    ----------
    parameters
        As the shape counts them.
    record
        The model.
    batches
        Tokens, ascending, ``[B]``; those with which it can be trained.
    values
        Of `FIELDS`, ``[F, B]``.
    why
        Why it cannot be trained at all; empty where it can.
    """

    parameters: float
    record: ModelRecord
    batches: FloatArray
    values: FloatArray
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Smooth figures over size and batch, from nodes in the order of their size that can be trained.

    Luck with divisors makes one search a few percent better than its neighbour's. What is chosen should not
    hang on that: the logarithm of parameters times rate is a polynomial of second degree in the logarithms of
    size and batch, the other figures are of first degree, by least squares over all nodes.
    """

    nodes: tuple[Node, ...]
    seq_len: int

    @property
    def sizes(self) -> FloatArray:
        """Parameters of the nodes, ``[N]``."""
        return np.array([node.parameters for node in self.nodes])

    @cached_property
    def _points(self) -> FloatArray:
        """Logarithms of size and batch of all searches, ``[2, S]``."""
        pairs = [(node.parameters, batch) for node in self.nodes for batch in node.batches]
        return np.asarray(np.log(np.array(pairs).T))

    @cached_property
    def _fit(self) -> tuple[FloatArray, ...]:
        """Coefficients of each of `FIELDS`."""
        values = np.log(np.concatenate([node.values for node in self.nodes], axis=1))
        values[0] += self._points[0]
        terms = self._terms(*self._points)
        straight = np.linalg.lstsq(terms[:, :3], values[1:].T, rcond=None)[0]
        curved = terms.shape[1] - 3
        held = np.concatenate([np.zeros((curved, 3)), _STIFF * np.eye(curved)], axis=1)
        known = np.concatenate([values[0], np.zeros(curved)])
        rate = np.linalg.lstsq(np.concatenate([terms, held]), known, rcond=None)[0]
        return (rate, *straight.T)

    def _terms(self, size: FloatArray, batch: FloatArray) -> FloatArray:
        """Columns of the polynomial; of first degree where the nodes are too few for more."""
        x, y = size - self._points[0].mean(), batch - self._points[1].mean()
        columns = [np.ones_like(x), x, y]
        if len(self.nodes) >= _ENOUGH:
            columns += [x * x, x * y, y * y]
        return np.stack(columns, axis=-1)

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the searches about the surface, of the rate, relative."""
        sizes, batches = np.exp(self._points)
        own = [float(self.at(sizes[i : i + 1], batches[i : i + 1])[0, 0, 0]) for i in range(len(sizes))]
        found = np.concatenate([node.values[0] for node in self.nodes])
        return float(np.sqrt(np.mean(np.log(found / np.array(own)) ** 2)))

    def at(self, parameters: FloatArray, batches: FloatArray) -> FloatArray:
        """Return `FIELDS` at sizes ``[P]`` and batches ``[B]``: ``[F, P, B]``.

        Smaller batches than were searched for take as long a step as the smallest of those, larger ones give
        no higher rate; beyond the sizes the rate goes with one over the size, which only intervals rely on.
        """
        known, wanted = np.log(self.sizes), np.log(parameters)
        size = np.clip(wanted, known[0], known[-1])
        ends = [np.interp(size, known, np.log([node.batches[i] for node in self.nodes])) for i in (0, -1)]
        asked = np.log(batches)[None, :]
        batch = np.clip(asked, ends[0][:, None], ends[1][:, None])
        terms = self._terms(np.broadcast_to(size[:, None], batch.shape), batch)
        found = np.stack([terms[..., : len(fit)] @ fit for fit in self._fit])
        found[0] += np.minimum(asked - ends[0][:, None], 0.0) - wanted[:, None]
        found[1] = np.minimum(found[1], 0.0)
        return np.asarray(np.exp(found))

    def per_model(self, parameters: FloatArray, values: Sequence[float]) -> FloatArray:
        """Interpolate a figure of the models, given for each node, ``[P]``."""
        known = np.log(np.asarray(values, dtype=float))
        return np.asarray(np.exp(np.interp(np.log(parameters), np.log(self.sizes), known)))


def node_at(setting: Setting, parameters: float, batches: Sequence[float]) -> Node:
    """Search for a size with each of some batches (tokens)."""
    record = setting.record(parameters)
    kept, rows, why = [], [], ""
    for batch in batches:
        found = setting.search(parameters, round_batch(batch, setting.job.seq_len))
        if found.plans is None:
            why = why_not(found)
            continue
        kept.append(float(found.case.job.batch_tokens))
        rows.append(figures(found))
    order = np.argsort(kept)
    return Node(
        parameters=parameters,
        record=record,
        batches=np.array(kept)[order],
        values=np.array(rows).T[:, order] if rows else np.empty((len(FIELDS), 0)),
        why="" if rows else why,
    )
