"""Completion of catalog names in the shell: from the names of files, so that it answers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import typer

from planner.cli.names import all_kinds

__all__ = ["folder_names", "kind_or_name", "kinds_named", "names_of"]

Completion = Callable[[typer.Context, list[str], str], list[str]]


def names_of(*kinds: str) -> Completion:
    """Return a completion of the ids of one kind or several, overlays included."""

    def complete(ctx: typer.Context, args: list[str], incomplete: str) -> list[str]:
        return _starting(incomplete, {name for kind in kinds for name in folder_names(ctx, kind)})

    return complete


def kinds_named(incomplete: str) -> list[str]:
    """Complete a kind of record."""
    return _starting(incomplete, (kind.name for kind in all_kinds()))


def kind_or_name(ctx: typer.Context, args: list[str], incomplete: str) -> list[str]:
    """Complete ``catalog show KIND NAME`` and ``catalog show NAME``."""
    first = ctx.params.get("kind_or_name")
    if first and first != incomplete:
        return _starting(incomplete, folder_names(ctx, str(first)))
    every = {name for kind in all_kinds() for name in folder_names(ctx, kind.name)}
    return kinds_named(incomplete) + _starting(incomplete, every)


def folder_names(ctx: typer.Context, kind: str) -> set[str]:
    """Return the stems of the files of a kind; empty where it is unknown or nothing can be read."""
    folders = [known.folder for known in all_kinds() if known.name == kind]
    return {
        path.stem for root in _roots(ctx) for folder in folders for path in (root / folder).glob("*.yaml")
    }


def _roots(ctx: typer.Context) -> Iterator[Path]:
    from planner.catalog.paths import data_root, environment_overlays
    from planner.errors import InputError

    with suppress(InputError):
        yield data_root()
    yield from environment_overlays()
    for context in (ctx.find_root(), ctx):
        yield from map(Path, context.params.get("catalog") or ())


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
