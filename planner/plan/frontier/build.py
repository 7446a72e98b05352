"""The surface of a question: where to look, the searches there, and more where the answer is at an end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.scaling.loss import FLOP_PER_PARAMETER_TOKEN
from planner.plan.frontier.laws import Laws, body_flop
from planner.plan.frontier.surface import Node, Surface, node_at
from planner.workload.shape import LARGEST, SMALLEST

if TYPE_CHECKING:
    from planner.plan.frontier.setting import Setting
    from planner.types import FloatArray

__all__ = ["Explored", "guess_flop"]

_UTILISATION: Final = 0.3
"""Of the dense peak, failures included, from which the first guess is made."""
_AROUND: Final = 2.0
"""How far below and above the guess sizes are looked at, at least."""
_BETWEEN: Final = 2.0
"""Between nodes, which are the same for every question: an answer for one time is that among several."""
_PER_ACCELERATOR: Final = (100.0, 400.0)
"""Tokens of the smallest and of the largest batch of a node."""
_LOW: Final = (0.01, 0.2)
_HIGH: Final = (0.5, 2.0)
"""Bounds of the smallest and of the largest batch over the critical one."""
_WIDE: Final = 8.0
"""Largest batch over the smallest from which there is one more between them."""
_AT_AN_END: Final = 1.01
_MOST_NODES: Final = 12
_FLOP: Final = np.geomspace(1e14, 1e34, 81)
"""Compute at which the law's best sizes are tabulated, to find that of a size."""


@dataclass
class Explored:
    """The nodes about the best sizes of one time, and the surface over those that can be trained.

    Attributes
    ----------
    setting, laws, peak_flop_per_s
        Of the question.
    nodes
        What was searched for, also for other times.
    steps
        The nodes of this time: the first and the last, as powers of the distance between nodes.
    """

    setting: Setting
    laws: Laws
    peak_flop_per_s: float
    nodes: dict[int, Node]
    steps: tuple[int, int]
    _surface: Surface | None = None

    @classmethod
    def start(
        cls,
        setting: Setting,
        laws: Laws,
        *,
        peak: float,
        seconds: float,
        smaller: float,
        nodes: dict[int, Node],
    ) -> Explored:
        """Search around the size that the law would choose; `smaller` widens the range downwards."""
        guess = laws.guess(guess_flop(peak, seconds))
        low, high = guess / _AROUND / smaller, guess * _AROUND
        ends = [math.log(np.clip(size, SMALLEST, LARGEST), _BETWEEN) for size in (low, high)]
        explored = cls(setting, laws, peak, nodes, (math.floor(ends[0]), math.ceil(ends[1])))
        for step in range(explored.steps[0], explored.steps[1] + 1):
            explored.search(step)
        return explored

    def search(self, step: int) -> None:
        """Add a node, unless it was searched for."""
        if step not in self.nodes:
            size = float(np.clip(_BETWEEN**step, SMALLEST, LARGEST))
            self.nodes[step] = node_at(self.setting, size, self._batches(size))

    def _batches(self, size: float) -> list[float]:
        """Batches about what the accelerators can use and the critical one of the run that suits the size."""
        best = np.array([self.laws.guess(float(flop)) for flop in _FLOP])
        rising = np.maximum.accumulate(best)
        flop = float(np.exp(np.interp(np.log(size), np.log(rising), np.log(_FLOP))))
        tokens = max(flop / (FLOP_PER_PARAMETER_TOKEN * size), size)
        critical = float(np.ravel(self.laws.critical(tokens))[0])
        accelerators = self.setting.site.available
        low, high = (
            float(np.clip(accelerators * each, critical * ends[0], critical * ends[1]))
            for each, ends in zip(_PER_ACCELERATOR, (_LOW, _HIGH), strict=True)
        )
        return [float(one) for one in np.geomspace(low, high, 4 if high / low > _WIDE else 3)]

    @property
    def own(self) -> tuple[Node, ...]:
        """Nodes of this time, in the order of their size."""
        return tuple(self.nodes[step] for step in range(self.steps[0], self.steps[1] + 1))

    @property
    def surface(self) -> Surface | None:
        """Over what can be trained; None where nothing can."""
        fit = tuple(node for node in self.own if not node.why)
        if not fit:
            return None
        if self._surface is None or len(self._surface.nodes) != len(fit):
            self._surface = Surface(nodes=fit, seq_len=self.setting.job.seq_len)
        return self._surface

    @property
    def dropped(self) -> dict[float, str]:
        """Sizes that cannot be trained, and why."""
        return {node.parameters: node.why for node in self.own if node.why}

    def extend(self, chosen: float) -> bool:
        """Search beyond an end of the sizes at which the choice lies; False where there is nothing beyond."""
        surface, (first, last) = self.surface, self.steps
        if surface is None or last - first + 1 >= _MOST_NODES:
            return False
        low, high = surface.sizes[0], surface.sizes[-1]
        if chosen <= low * _AT_AN_END and low == self.own[0].parameters and low > SMALLEST:
            self.steps = (first - 1, last)
            self.search(first - 1)
        elif chosen >= high / _AT_AN_END and high == self.own[-1].parameters and high < LARGEST:
            self.steps = (first, last + 1)
            self.search(last + 1)
        else:
            return False
        return True

    def counted(self, parameters: FloatArray) -> FloatArray:
        """Training FLOP of a token as laws in compute per token count it, ``[P]``."""
        surface = self.surface
        if surface is None or self.laws.law.counted != "flop-per-token":
            return FLOP_PER_PARAMETER_TOKEN * parameters
        length = self.setting.job.seq_len
        return surface.per_model(parameters, [body_flop(node.record, length) for node in surface.nodes])


def guess_flop(peak_flop_per_s: float, seconds: float) -> float:
    """Compute of a run at a usual utilisation."""
    return peak_flop_per_s * _UTILISATION * seconds
