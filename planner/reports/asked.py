"""From a scenario or the name of a cluster to a question, its answer, and how to ask it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.kinds import CLUSTER
from planner.catalog.paths import environment_overlays, overlay
from planner.catalog.strict_yaml import Document
from planner.errors import InputError, PlannerError, suggest
from planner.plan.job import as_catalog
from planner.plan.scenario.check import ready
from planner.plan.scenario.inputs import called
from planner.plan.scenario.read import read_document
from planner.plan.scenario.save import text_of
from planner.plan.scenario.values import is_path
from planner.workload.kinds import SCENARIO

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.scenario.read import Ready

__all__ = ["Asked", "asked"]

SAVED: Final = "question.yaml"
"""What the scenario on the page is called where there is no file of it."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question of a report.

    Attributes
    ----------
    ready
        The question with its inputs.
    book
        The catalog with the overlays and overrides of the scenario and of the call.
    named
        How the command line names it: a scenario, a path, a cluster; `SAVED` where it is none of these.
    cluster
        Whether it is a cluster.
    overlays, overrides, changed
        That the call adds to the scenario.
    figures
        Names of those that are wanted; None for all.
    """

    ready: Ready
    book: Catalog
    named: str
    cluster: bool
    overlays: tuple[Path, ...]
    overrides: tuple[str, ...]
    changed: Mapping[str, Any]
    figures: tuple[str, ...] | None = None

    def wants(self, figure: str) -> bool:
        """Whether a figure is to be made."""
        return self.figures is None or figure in self.figures

    def answer(self) -> Any:
        """Ask; raises as the question does, with places in the file."""
        try:
            return called(self.ready.question, self.ready.inputs, catalog=self.book)
        except PlannerError as error:
            self.ready.failed(error)

    @property
    def title(self) -> str:
        """The name of the scenario; of a question without one, the command with what it is first about."""
        given = self.ready.document.data.get("name")
        if given:
            return str(given)
        values = self.ready.inputs.values()
        texts = [", ".join(map(str, one)) if isinstance(one, list | tuple) else one for one in values]
        first = next((text for text in texts if isinstance(text, str)), "")
        return f"planner {self.ready.question.command} {first}".strip()

    @property
    def all_overrides(self) -> tuple[str, ...]:
        """Changes of the scenario and of the call, in order."""
        return (*self.ready.overrides, *self.overrides)

    def scenario(self) -> str:
        """Write the question as asked, with what was changed, as a scenario."""
        return text_of(
            self.ready.question,
            self.ready.inputs,
            file=SAVED if self.named == SAVED else f"{Path(self.named).stem.replace(':', '-')}.yaml",
            name=self.title,
            note=self.ready.record.note,
            overlays=(*environment_overlays(), *self.ready.overlays, *self.overlays),
            overrides=self.all_overrides,
        )

    def command(self, *words: str) -> str:
        """Write a command about this question: ``planner run NAME`` with everything that the call changed.

        The scenario on the page already holds the changes.
        """
        if self.named == SAVED:
            return shlex.join(["planner", *words, SAVED])
        asks = self.cluster and words == ("run",)
        words = (self.ready.question.command,) if asks else words
        more = [
            part
            for name, value in self.changed.items()
            if value is not None or not asks
            for part in (_option(name, value) if asks else ("--with", _changed(name, value)))
        ]
        more += [part for path in self.overlays for part in ("--catalog", str(path))]
        more += [part for text in self.overrides for part in ("--set", text)]
        return shlex.join(["planner", *words, self.named, *more])


def asked(
    what: object,
    *,
    catalog: Any = None,
    set: Iterable[str] = (),
    changed: Mapping[str, Any] | None = None,
    figures: tuple[str, ...] | None = None,
) -> Asked:
    """Find what a report is about and check it.

    Parameters
    ----------
    what
        A scenario (a name, a path, a mapping, what was read of standard input), or a cluster: a name,
        ``gb200:100000``.
    catalog, set
        As of `planner.run`.
    changed
        Inputs instead of, or beside, those of the scenario.
    figures
        Names of those that are wanted; None for all.

    Raises
    ------
    InputError
        Neither a scenario nor a cluster; all mistakes of a scenario at once.
    OutputError
        The file cannot be read.
    """
    texts = (set,) if isinstance(set, str) else tuple(set)
    plain = as_catalog(catalog, ())
    document, folder, named, cluster = _document(what, plain)
    overlays = plain.roots[1:]
    there = {overlay(path) for path in environment_overlays()}
    one = ready(document, folder, changed=changed, overlays=overlays, overrides=texts, catalog=plain)
    book = plain
    if one.overlays or one.overrides or texts:
        from planner.catalog.load import Catalog

        book = Catalog((*one.overlays, *overlays), (*one.overrides, *texts))
    return Asked(
        ready=one,
        book=book,
        named=named,
        cluster=cluster,
        overlays=tuple(path for path in overlays if path not in there),
        overrides=texts,
        changed=dict(changed or {}),
        figures=figures,
    )


def _document(what: object, book: Catalog) -> tuple[Document, Path | None, str, bool]:
    if isinstance(what, Document):
        return what, None, SAVED, False
    if not isinstance(what, str | Path):
        return *read_document(what, book), SAVED, False
    name = str(what)
    if isinstance(what, Path) or name.endswith((".yaml", ".yml")) or (is_path(name) and Path(name).exists()):
        return *read_document(what, book), name, False
    if book.find(SCENARIO, name) is not None:
        return *read_document(name, book), name, False
    first = name.partition("/")[0]
    if ":" in name or book.find(CLUSTER, first) is not None:
        return *read_document({"command": "capacity", "inputs": {"cluster": name}}, book), name, True
    known = (*book.ids(SCENARIO), *book.ids(CLUSTER))
    listed = "list them: planner catalog list scenario, planner cluster list"
    raise InputError(
        f"no scenario and no cluster is called {name[:80]!r}; {suggest(name, known, otherwise=listed)}"
    )


def _option(name: str, value: Any) -> tuple[str, ...]:
    """Write an input as an option of its question's own command."""
    several = isinstance(value, list | tuple)
    return (f"--{name.replace('_', '-')}", ",".join(map(str, value)) if several else str(value))


def _changed(name: str, value: Any) -> str:
    several = isinstance(value, list | tuple)
    text = f"[{', '.join(map(str, value))}]" if several else "" if value is None else str(value)
    return f"{name}={text}"
