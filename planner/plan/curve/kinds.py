"""Kinds of curves: what each shows, which function computes it, and what it asks for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from planner.errors import UsageError, suggest

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked
    from planner.plan.curve.results import CurveAnswer

__all__ = ["KINDS", "Kind", "kind_named"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of curve.

    Attributes
    ----------
    name
        As the command line has it.
    about
        One sentence for the help.
    home
        ``module:function``; the function takes an `Asked` and returns a `CurveAnswer`.
    question
        The command whose inputs ``--with`` takes (`planner.plan.scenario.questions`).
    needs
        Of ``model``, ``place`` (a cluster or an accelerator) and ``traffic`` what must be given.
    own
        Inputs of the question that the curve sets itself, so that ``--with`` does not take them.
    low, high
        Accelerators from which and up to which it is drawn, where nothing else says so.
    points
        How many, by default.
    alike
        Whether of a cluster with unlike hardware only one group is drawn.
    """

    name: str
    about: str
    home: str
    question: str
    needs: tuple[str, ...] = ("model", "place")
    own: frozenset[str] = frozenset()
    low: int = 8
    high: int = 10_000_000
    points: int = 60
    serves: bool = False
    alike: bool = False
    """Whether it asks `planner serve` where traffic is given."""

    def given(self, *, traffic: bool) -> Kind:
        """Return the kind with the question that it asks, with traffic or without."""
        return replace(self, question="serve", own=_SERVE) if traffic and self.serves else self

    @property
    def data(self) -> Callable[[Asked], CurveAnswer]:
        """The function, imported on first use."""
        module, _, name = self.home.partition(":")
        found: Callable[[Asked], CurveAnswer] = getattr(importlib.import_module(module), name)
        return found


_PLACE: Final = frozenset({"model", "cluster", "gpu", "accelerator", "gpus", "traffic", "top", "explain"})
_TRAIN: Final = _PLACE | {"days", "goal", "exhaustive", "link", "power_cap"}


def _training(name: str, about: str) -> Kind:
    home = "planner.plan.curve.training:data"
    return Kind(name=name, about=about, home=home, question="train", own=_TRAIN, alike=True)


_SERVE: Final = _PLACE | {
    "users",
    "request_rate",
    "concurrency",
    "years",
    "goal",
    "pareto",
    "verify",
    "power_cap",
}
_SIZE: Final = _PLACE | {
    "h100e", "rule", "budget", "years", "power", "power_of", "fabric", "site", "price", "finance", "failures",
    "workload",
}  # fmt: skip


def _serving(name: str, about: str, **fields: Any) -> Kind:
    home = f"planner.plan.curve.{name.replace('-', '_')}:data"
    return Kind(name=name, about=about, home=home, question="serve", own=_SERVE, **fields)


_ALL: Final = (
    _training("throughput", "Tokens per second of training against accelerators, failures included."),
    _training("mfu", "Share of the peak that training uses, against accelerators."),
    _training("goodput", "Share of the time that failures leave to training, against accelerators."),
    _training("days", "Days of a training run against accelerators, failures included."),
    _training("cost", "USD of a training run against accelerators."),
    _training("power", "Megawatts at the meter while a run trains, against accelerators."),
    _training("energy", "Megawatt-hours of a training run against accelerators."),
    _training("gpu-hours", "Accelerator-hours of a training run against accelerators."),
    Kind(
        name="frontier",
        about="Loss by size of the model for several times, the best sizes marked.",
        home="planner.plan.curve.frontier:data",
        question="frontier",
        needs=("place",),
        own=_PLACE | {"goal", "tokens_per_parameter", "loss", "serve_tokens"},
    ),
    _serving("users", "Users of a service against accelerators, within latency targets."),
    _serving("pareto", "Tokens per second of an accelerator against those of a user.", high=1024, points=0),
    Kind(
        name="fleet",
        about="H100 equivalents of clusters over time, by a rule that is named.",
        home="planner.plan.curve.fleet:data",
        question="cluster size",
        needs=("place",),
        own=_SIZE - {"rule"},
        points=0,
    ),
    Kind(
        name="memory",
        about="What fills the memory of an accelerator, by layout; of a service with --traffic.",
        home="planner.plan.curve.memory:data",
        question="train",
        own=_TRAIN - {"days"},
        high=1024,
        points=0,
        serves=True,
    ),
    Kind(
        name="breakdown",
        about="Where the time of a step goes, by layout and hardware; of a service with --traffic.",
        home="planner.plan.curve.breakdown:data",
        question="train",
        own=_TRAIN - {"days"},
        high=1024,
        points=0,
        serves=True,
    ),
    _serving("cost-per-token", "USD per million tokens against the load of a service.", high=1024),
)
KINDS: Final = {kind.name: kind for kind in _ALL}
"""By name, in the order of the help."""


def kind_named(name: str) -> Kind:
    """Return a kind by its name; raises `UsageError`."""
    found = KINDS.get(name.strip().casefold().replace("_", "-"))
    if found is None:
        mend = suggest(name, KINDS, otherwise=f"there are {', '.join(KINDS)}")
        raise UsageError(f"unknown kind of curve {name[:40]!r}; {mend}")
    return found
