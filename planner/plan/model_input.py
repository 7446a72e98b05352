"""A model by name, by file, or as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.load import read_model
from planner.catalog.paths import shown
from planner.errors import InputError, OutputError
from planner.units import parse
from planner.workload.kinds import MODEL, SHAPE

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.workload.record import ModelRecord

__all__ = ["read_model_record"]

MOST_BYTES: Final = 4_000_000
_SUFFIXES: Final = {".json": "config", ".yaml": "record", ".yml": "record"}


def read_model_record(catalog: Catalog, model: object) -> tuple[ModelRecord, tuple[str, ...]]:
    """Return the record of a model, and what a reader must know of how it was read.

    Parameters
    ----------
    catalog
        Where names are looked up.
    model
        A name or alias; a shape and its parameters, ``dense:2T``; the path of a Hugging Face ``config.json``,
        of a directory that holds one, or of a record in YAML; the content of a ``config.json`` as a mapping;
        or a `ModelRecord`.

    Raises
    ------
    UnknownNameError
        No model, or no shape, of that name.
    InputError
        The file is not a usable model; all mistakes at once.
    OutputError
        The file cannot be read.
    """
    from planner.workload.record import ModelRecord

    if isinstance(model, ModelRecord):
        return model, ()
    if isinstance(model, Mapping):
        return _imported(model, "config.json")
    if isinstance(model, str) and not _is_path(model):
        family, colon, size = model.partition(":")
        if colon:
            return _grown(catalog, family, size)
        return catalog.get(MODEL, model), ()
    if not isinstance(model, str | Path):
        raise InputError(f"a model is a name, a path, a mapping or a record, not {type(model).__name__}")
    path = Path(model)
    if path.is_dir():
        path = path / "config.json"
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise InputError(
            f"{shown(path)}: expected a config.json or a record in .yaml; rename it, or name a model "
            "of the catalog"
        )
    if kind == "record":
        return read_model(path, ModelRecord), ()
    return _imported(_content(path), shown(path))


def _grown(catalog: Catalog, family: str, size: str) -> tuple[ModelRecord, tuple[str, ...]]:
    """Grow a model of a shape, and say so where no published one is as large."""
    from planner.workload.shape import shaped

    shape = catalog.get(SHAPE, family.strip())
    try:
        parameters = parse(size, "count")
    except InputError as error:
        why = str(error).partition("; write for example")[0]
        raise InputError(
            f"model '{family}:{size}': {why}; write its parameters, as in {family.strip()}:70B"
        ) from error
    said = shape.beyond(parameters)
    return shaped(shape, parameters=parameters), () if said is None else (said,)


def _is_path(text: str) -> bool:
    if Path(text).suffix.lower() in _SUFFIXES:
        return True
    return ("/" in text or "\\" in text) and Path(text).exists()


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise OutputError(f"{shown(path)}: cannot be read: {error.strerror or error}") from error


def _imported(given: bytes | Mapping[str, Any], where: str) -> tuple[ModelRecord, tuple[str, ...]]:
    from planner.workload.hf_config import import_config

    imported = import_config(given, where=where)
    return imported.record, imported.notes
