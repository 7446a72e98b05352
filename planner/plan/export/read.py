"""An answer of ``planner train`` or ``planner serve``: from a result, its JSON, or a scenario."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from planner.catalog.paths import shown
from planner.catalog.strict_yaml import Document
from planner.errors import InputError, OutputError, UnknownNameError, UsageError
from planner.plan.job import as_catalog
from planner.plan.model_input import read_model_record
from planner.plan.results import TrainResult
from planner.plan.scenario.check import ready
from planner.plan.scenario.inputs import called
from planner.plan.scenario.read import read_document
from planner.plan.serving.results import ServeResult
from planner.workload.counts import parameters
from planner.workload.kinds import LAUNCHER

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.workload.launcher import Launcher
    from planner.workload.record import ModelRecord

__all__ = ["Asked", "json_answer", "read_plan"]

Result = TrainResult | ServeResult
_TYPES: Final[dict[str, type[TrainResult] | type[ServeResult]]] = {
    "planner.train/1": TrainResult,
    "planner.serve/1": ServeResult,
}
_ADDED: Final = ("explanation",)
"""What the command line adds to an answer."""
_BRIEF: Final[dict[str, dict[str, Any]]] = {"train": {"top": 0}, "serve": {"top": 0, "pareto": False}}
"""Nothing but the plan is exported."""
MOST_BYTES: Final = 64 * 2**20


@dataclass(frozen=True)
class Asked:
    """An answer, with what is needed to look its names up.

    Attributes
    ----------
    result
        The answer.
    catalog
        In which its question was asked.
    model
        As it was asked for: a name, a path, or the content of a file.
    named
        Whether it was named beside the answer.
    """

    result: Result
    catalog: Catalog
    model: object
    named: bool = False

    def record(self) -> ModelRecord:
        """Return the record of the model.

        Raises
        ------
        InputError
            The model of an answer is not in the catalog, or one was named that is another.
        """
        try:
            record = read_model_record(self.catalog, self.model)[0]
        except UnknownNameError as error:
            raise InputError(
                f"the model {str(self.model)!r} of the answer is not in the catalog; name it with --model: "
                "its record, its config.json, or a shape and its size"
            ) from error
        counted, there = parameters(record.architecture).total, self.result.inputs.parameters
        if self.named and counted != there:
            raise InputError(
                f"--model {record.id}: it has {counted:,} parameters, and the answer is of one with "
                f"{there:,}; name the model of the answer"
            )
        return record


def read_plan(
    plan: object, launcher: str, *, model: object, catalog: object, overrides: Iterable[str]
) -> Asked:
    """Return the answer that a plan stands for.

    Parameters
    ----------
    plan
        A result; its document as a mapping; the path of a ``.json`` with it; or a scenario: a name, a path, a
        mapping or a `Document`.
    launcher
        Name of the program that is to run it: a scenario of another question is refused before it is asked.
    model
        The model instead of the one that the answer names; None for that one.
    catalog, overrides
        As `planner.train` takes them.

    Raises
    ------
    InputError
        It is neither an answer of a training or serving question, nor a scenario that asks one.
    OutputError
        The file cannot be read.
    UnknownNameError
        No launcher of that name.
    UsageError
        A scenario that asks another question, or an answer to one.
    """
    texts = (overrides,) if isinstance(overrides, str) else tuple(overrides)
    book = as_catalog(catalog, texts)
    program = book.get(LAUNCHER, launcher)
    if isinstance(plan, str | Path) and Path(plan).suffix.lower() == ".json":
        plan = json_answer(_content(Path(plan)), shown(Path(plan)))
    if isinstance(plan, Mapping) and "schema" in plan:
        plan = _result(plan)
    if isinstance(plan, TrainResult | ServeResult):
        _same_question(program, "train" if isinstance(plan, TrainResult) else "serve", book)
        return Asked(plan, book, plan.inputs.model if model is None else model, model is not None)
    return _scenario(plan, program, model=model, book=book, texts=texts, own=catalog)


def _same_question(program: Launcher, question: str, book: Catalog) -> None:
    if program.command != question:
        does = {"train": "trains", "serve": "serves"}[program.command]
        others = [one.id for one in book.all(LAUNCHER) if one.command == question]
        raise UsageError(
            f"{program.name} {does}, and this is a plan of planner {question}; export it for "
            f"{' or '.join(others)}"
        )


def json_answer(content: bytes, where: str) -> dict[str, Any]:
    """Return the document of an answer; raises `planner.errors.InputError` where it is none."""
    mend = "write one with: planner train ... --json -o plan.json"
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({error}); {mend}") from error
    if not isinstance(found, dict) or "schema" not in found:
        raise InputError(f"{where}: no answer of planner, which has a schema; {mend}")
    return found


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise OutputError(f"{shown(path)}: cannot be read: {error.strerror or error}") from error
    if len(content) > MOST_BYTES:
        raise InputError(f"{shown(path)}: larger than {MOST_BYTES // 2**20} MiB; is it the right file?")
    return content


def _result(document: Mapping[str, Any]) -> Result:
    kind = _TYPES.get(str(document["schema"]))
    if kind is None:
        raise InputError(
            f"an answer of {str(document['schema'])[:60]!r} has no plan to export; give one of "
            f"{' or '.join(_TYPES)}: planner train ... --json, planner serve ... --json"
        )
    inputs = document.get("inputs")
    if not isinstance(inputs, Mapping):
        raise InputError("the answer has no inputs; write it again with --json")
    kept = {name: value for name, value in document.items() if name not in _ADDED}
    kept["inputs"] = {name: value for name, value in inputs.items() if name != "catalog"}
    try:
        return kind.model_validate(kept)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        mend = "is it of another version of planner? Ask again with --json"
        raise InputError.collect([f"the answer is not as expected; {mend}", *wrong]) from error


def _scenario(
    plan: object, program: Launcher, *, model: object, book: Catalog, texts: tuple[str, ...], own: object
) -> Asked:
    document, folder = (plan, None) if isinstance(plan, Document) else read_document(plan, book)
    one = ready(document, folder, overlays=book.roots[1:], overrides=texts, catalog=book)
    command = one.question.command
    if command not in _BRIEF:
        raise UsageError(
            f"a scenario of planner {command} has no plan to export; give one of {' or '.join(_BRIEF)}"
        )
    _same_question(program, command, book)
    if one.overlays or one.overrides:
        from planner.catalog.load import Catalog

        if isinstance(own, Catalog):
            raise UsageError("the scenario changes the catalog: give overlay directories, not a Catalog")
        book = Catalog((*one.overlays, *book.roots[1:]), (*one.overrides, *texts))
    inputs = {**one.inputs, **_BRIEF[command]}
    if model is not None:
        inputs["model"] = model
    return Asked(called(one.question, inputs, catalog=book), book, inputs["model"])
