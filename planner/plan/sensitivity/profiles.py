"""What is known of each question: how an answer is made cheap, and which part of it is its layout.

A search decides two things: the layout, and what the figures of that layout are. Most inputs move the figures
and hardly the choice, so that an answer is asked for again with the layout of the first one pinned, which
costs a fraction of a search. What is not pinned is searched again each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from planner.plan.pins import LAYOUT
from planner.plan.scenario.inputs import parameters_of
from planner.plan.scenario.questions import Question

__all__ = ["Profile", "keeps_layout", "profile_of"]

Pins = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How a question is asked many times.

    Attributes
    ----------
    coarse
        Inputs that leave out what no figure needs; those that the user gave stay.
    layout
        From the document of an answer to the inputs that pin its layout; empty where there are none.
    light
        From the path of the figure to inputs that leave out what is not part of it.
    asks
        Most answers that a tornado asks for: fewer where each of them takes longer.
    """

    coarse: Pins
    layout: Callable[[Mapping[str, Any]], Pins]
    asks: int
    light: Callable[[str], Pins] = lambda path: {}

    @property
    def lays_out(self) -> bool:
        """Whether answers have a layout that can be pinned."""
        return self.layout is not _open

    def added(self, question: Question, inputs: Mapping[str, Any], figure: str = "") -> dict[str, Any]:
        """Return the inputs that make an answer cheap, of those that the question takes and were not given.

        Once the figure is known, what it needs no part in is left out as well.
        """
        known = parameters_of(question)
        wanted = {**self.coarse, **(self.light(figure) if figure else {})}
        return {name: value for name, value in wanted.items() if name in known and name not in inputs}


def _trained(document: Mapping[str, Any]) -> Pins:
    plan = document["result"]["plan"]
    if plan is None:
        return {}
    pins = {name: plan["strategy"][name] for name in LAYOUT}
    if document["inputs"]["question"] == "gpus":
        del pins["dp"]
    return pins


def _served(document: Mapping[str, Any]) -> Pins:
    """Pin the mode, and the replica where all are alike: batch and chunk follow from the latency targets."""
    plan = document["result"]["plan"]
    if plan is None:
        return {}
    deployment = plan["deployment"]
    alike = {tuple(one[name] for name in ("tp", "pp", "dp", "ep")) for one in deployment["layouts"]}
    replica = dict(zip(("tp", "pp", "dp", "ep"), next(iter(alike)), strict=True)) if len(alike) == 1 else {}
    return {"mode": deployment["mode"], **replica}


def _open(document: Mapping[str, Any]) -> Pins:
    return {}


def _brief(path: str) -> Pins:
    """Leave out runs, largest model and users of a budget, where the figure is none of theirs."""
    return {} if path.partition(".")[0] in ("runs", "largest", "services") else {"brief": True}


def _section(path: str) -> Pins:
    """Keep the section of a dossier that the figure stands in."""
    first = path.partition(".")[0].replace("_", "-")
    return {"sections": [first]} if first in _SECTIONS else {}


_SECTIONS: Final = ("site", "training", "frontier", "serving", "distillation", "post-training")
_COARSE: Final = {"top": 0, "pareto": False, "workers": 1}
_PROFILES: Final[Mapping[str, Profile]] = {
    "train": Profile(coarse=_COARSE, layout=_trained, asks=600),
    "serve": Profile(coarse=_COARSE, layout=_served, asks=80),
    "cluster show": Profile(coarse={}, layout=_open, asks=600),
    "cluster size": Profile(coarse={}, layout=_open, asks=600),
    "cluster compare": Profile(coarse={}, layout=_open, asks=300),
    "staged": Profile(coarse={}, layout=_open, asks=60),
    "distill": Profile(coarse={}, layout=_open, asks=60),
    "post-train": Profile(coarse={}, layout=_open, asks=30),
    "budget": Profile(coarse={}, layout=_open, asks=60, light=_brief),
    "capacity": Profile(coarse=_COARSE, layout=_open, asks=40, light=_section),
}
_OTHER: Final = Profile(coarse=_COARSE, layout=_open, asks=40)

_KEEPING: Final = frozenset({
    "tokens", "days", "site", "price", "finance", "failures", "checkpoint", "availability", "epochs", "link",
    "users", "request_rate", "concurrency", "spares",
})  # fmt: skip
"""Inputs of a question that hardly change which layout is best."""


def profile_of(question: Question) -> Profile:
    """Return how a question is asked many times."""
    return _PROFILES.get(question.command, _OTHER)


def keeps_layout(name: str) -> bool:
    """Whether an input of the question leaves the layout; numbers of the catalog are taken to do so."""
    return name in _KEEPING
