"""A grid read and checked, with all its mistakes at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from planner.catalog.load import Catalog, validated
from planner.catalog.mistakes import explain
from planner.catalog.strict_yaml import Document, Location, read_yaml
from planner.errors import InputError, PlannerError, UsageError
from planner.plan.scenario.check import ready
from planner.plan.scenario.inputs import parameters_of
from planner.plan.scenario.questions import Question, question_named
from planner.plan.scenario.read import Ready, placed, read_document
from planner.plan.scenario.values import is_path
from planner.plan.sweep.axes import Values, read_axis
from planner.plan.sweep.check_axis import mistake_of, some_of
from planner.plan.sweep.grid import Block, Grid
from planner.plan.sweep.question import BATCH, BATCHED, Sweep, figures_given, inputs_known, plan_of
from planner.plan.sweep.rows import Plan

__all__ = ["MOST_ROWS", "read_grid"]

MOST_ROWS: Final = 10**12
_WITH: Final = "--with "


def read_grid(
    grid: object, *, catalog: Catalog, overrides: Iterable[str] = (), engine: str | None = None
) -> Sweep:
    """Read a grid and check it.

    Parameters
    ----------
    grid
        The path of a file in YAML, or its content as a mapping.
    catalog
        With the overlays on top of the grid's; names are looked up in it where the grid changes nothing.
    overrides
        On top of those of the grid.
    engine
        In place of the grid's.

    Raises
    ------
    InputError
        All mistakes at once, each ``file:line: path: message; mend``.
    OutputError
        The file cannot be read.
    """
    if isinstance(grid, Mapping):
        document, folder = read_document(grid, catalog)
    elif isinstance(grid, str | Path):
        document, folder = read_yaml(Path(grid)), Path(grid).parent
    else:
        raise InputError(f"a grid is the path of a file or a mapping, not {type(grid).__name__}")
    check = _Check(document)
    record = check.record()
    if record is None:
        check.done()
        raise InputError("invalid grid")
    return check.sweep(record, folder, catalog, tuple(overrides), engine)


class _Check:
    """Collects what is wrong with a grid."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.wrong: list[tuple[int, str]] = []

    def mistake(self, location: Location, message: str, *, missing: bool = False) -> None:
        """Note a mistake with its place."""
        line = self.document.lines.get(self.document.known(location), 1)
        self.wrong.append((line, placed(self.document, location, message, missing=missing)))

    def done(self) -> None:
        """Raise what was found."""
        if self.wrong:
            ordered = sorted(self.wrong, key=lambda pair: pair[0])
            raise InputError.collect(dict.fromkeys(sentence for _, sentence in ordered))

    def record(self) -> Grid | None:
        """Validate the file; what is left of it without the fields that are wrong, or None."""
        try:
            return validated(self.document, Grid)
        except InputError as error:
            cause = error.__cause__
        if not isinstance(cause, ValidationError):  # pragma: no cover
            return None
        for sentence in explain(cause, self.document, Grid):
            self.wrong.append((_line(self.document, sentence), sentence))
        fields = {details["loc"][0] for details in cause.errors()}
        kept = {name: value for name, value in self.document.data.items() if name not in fields}
        try:
            return Grid.model_validate(kept)
        except ValidationError:  # pragma: no cover
            return None

    def sweep(
        self,
        record: Grid,
        folder: Path | None,
        catalog: Catalog,
        overrides: tuple[str, ...],
        engine: str | None,
    ) -> Sweep:
        """Check everything, and return what is asked of every row."""
        places = list(self._blocks(record))
        question, base = self._question(record, folder, catalog)
        if question is None:
            self.done()
            raise InputError(f"{self.document.file}: there is no question; add command: train")
        plans = self._plans(places)
        one = self._base(record, question, base, folder, catalog, overrides, plans)
        for location, _, plan in plans:
            for name, values in plan.axes.items():
                overlays = (*(() if one is None else one.overlays), *catalog.roots[1:])
                why = mistake_of(name, values, question, catalog, overlays=overlays, names=not record.catalog)
                if why:
                    self.mistake((*location, name), why)
        given = {*record.inputs, *(name for _, _, plan in plans for name in plan.axes)}
        _, wrong = figures_given(question, given, record.columns)
        for place, why in wrong.items():
            self.mistake(("columns", place), why)
        self._size(plans)
        self.done()
        if one is None:  # pragma: no cover
            raise InputError("invalid grid")
        axes = {name for _, _, plan in plans for name in plan.axes}
        alone = {BATCH: record.inputs[BATCH]} if BATCH in record.inputs else {}
        return Sweep(
            file=self.document.file,
            command=question.command,
            inputs={name: value for name, value in {**one.inputs, **alone}.items() if name not in axes},
            overlays=(*one.overlays, *catalog.roots[1:]),
            overrides=(*one.overrides, *(record.set if base is not None else ()), *overrides),
            blocks=tuple(block for _, block, _ in plans),
            columns=record.columns,
            engine=engine or record.engine,
        )

    def _blocks(self, record: Grid) -> Iterator[tuple[Location, Block]]:
        if record.axes:
            yield ("axes",), Block(axes=record.axes)
        for place, block in enumerate(record.blocks):
            if not block.axes:
                self.mistake(("blocks", place), "a block without axes has no rows; add axes or leave it out")
            else:
                yield ("blocks", place, "axes"), block
        given = ("axes", "blocks")
        if not any(self.document.data.get(name) for name in given):
            self.mistake((), "the grid is empty; add axes, as in axes: {gpus: [1024, 2048, 4096]}")

    def _plans(self, places: list[tuple[Location, Block]]) -> list[tuple[Location, Block, Plan]]:
        plans, seen = [], set[str]()
        for location, block in places:
            alone = {}
            for name, axis in block.axes.items():
                if name in seen:
                    self.mistake((*location, name), f"{name} is an axis of another block, too; keep one")
                seen.add(name)
                try:
                    read_axis(axis)
                    alone[name] = axis
                except InputError as error:
                    self.mistake((*location, name), str(error))
            try:
                if alone:
                    plans.append((location, block, plan_of(block.model_copy(update={"axes": alone}))))
            except InputError as error:
                self.mistake(location[:-1] or location, str(error))
        return plans

    def _size(self, plans: list[tuple[Location, Block, Plan]]) -> None:
        size = 1
        for _, _, plan in plans:
            size *= plan.size
        if size > MOST_ROWS:
            self.mistake((), f"{size:,} rows are more than {MOST_ROWS:,}; take fewer points")

    def _question(
        self, record: Grid, folder: Path | None, catalog: Catalog
    ) -> tuple[Question | None, tuple[Document, Path | None] | None]:
        """Find the question, and where its scenario stands in a file of its own."""
        if record.scenario is not None and record.command is not None:
            self.mistake(("command",), "scenario and command exclude each other; keep one")
            return None, None
        if record.scenario is not None:
            named: object = record.scenario
            if is_path(record.scenario) and folder is not None:
                named = folder / record.scenario
            try:
                document, place = read_document(named, catalog)
            except PlannerError as error:
                self.mistake(("scenario",), str(error))
                return None, None
            question, _ = question_named(str(document.data.get("command", "")))
            if question is None:
                self.mistake(("scenario",), f"{record.scenario} asks no question that can be swept")
            return question, (document, place)
        if record.command is None:
            if not any(sentence for _, sentence in self.wrong if " command" in sentence):
                self.mistake(
                    ("command",),
                    "required field missing; add it, as in command: train, or scenario: NAME",
                    missing=True,
                )
            return None, None
        question, mend = question_named(record.command)
        if question is None:
            self.mistake(("command",), mend)
        return question, None

    def _base(
        self,
        record: Grid,
        question: Question,
        base: tuple[Document, Path | None] | None,
        folder: Path | None,
        catalog: Catalog,
        overrides: tuple[str, ...],
        plans: list[tuple[Location, Block, Plan]],
    ) -> Ready | None:
        """Check the question with the first value of every axis."""
        known = parameters_of(question)  # a batch is no input of the question itself
        axes = {name: values for _, _, plan in plans for name, values in plan.axes.items()}
        firsts = {name: some_of(values)[0] for name, values in axes.items() if name in known}
        both = [name for name in record.inputs if name in axes]
        for name in both:
            self.mistake(("inputs", name), f"{name} is an axis, too; leave it out here")
        batch = BATCH if question.command == BATCHED else None
        if batch in record.inputs:
            why = inputs_known(question)[BATCH].mistake(record.inputs[BATCH])
            if why:
                self.mistake(("inputs", BATCH), why)
        if base is None:
            whole = self.document
            fields = ("command", "inputs", "catalog", "set")
            data = {name: whole.data[name] for name in fields if name in whole.data}
            data["inputs"] = {n: v for n, v in record.inputs.items() if n not in axes and n != batch}
            document, place = replace(whole, data=data), folder
            changed, more = firsts, overrides
        else:
            document, place = base
            changed = {n: v for n, v in (record.inputs | firsts).items() if n != batch}
            more = (*record.set, *overrides)
        try:
            one = ready(
                document,
                place,
                changed=changed,
                overlays=catalog.roots[1:],
                overrides=more,
                catalog=catalog,
            )
        except UsageError as error:
            self.mistake(("set",), str(error))
            return None
        except InputError as error:
            for sentence in error.mistakes:
                self._of_base(sentence, document, axes)
            return None
        return one

    def _of_base(self, sentence: str, document: Document, axes: Mapping[str, Values]) -> None:
        """Note a mistake of the question; values of axes are looked at one by one elsewhere."""
        if not sentence.startswith(_WITH):
            line = sentence.removeprefix(f"{document.file}:").partition(":")[0]
            own = document.file == self.document.file and line.isdecimal()
            self.wrong.append((int(line) if own else 1, sentence))
            return
        name, _, why = sentence.removeprefix(_WITH).partition(": ")
        if name not in axes:
            self.mistake(("inputs", name), why)


def _line(document: Document, sentence: str) -> int:
    """Return the line that a sentence names."""
    number = sentence.removeprefix(f"{document.file}:").partition(":")[0]
    return int(number) if number.isdecimal() else 1
