"""The command tree of ``planner`` and its global options."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from planner.__about__ import __version__
from planner.cli.command import Catalogs, Debug, Overrides
from planner.cli.failures import report
from planner.cli.session import Session
from planner.cli.values import as_given

__all__ = ["COMMANDS", "app"]

Tree = dict[str, Any]
"""Command name to the module of `planner.cli.commands` that holds it, or to a group: (help, Tree)."""

COMMANDS: Final[Tree] = {
    "train": "train",
    "serve": "serve",
    "cluster": (
        "Clusters as a whole: H100 equivalents, power, failures, cost.",
        {
            "show": "cluster_show",
            "list": "cluster_list",
            "compare": "cluster_compare",
            "size": "cluster_size",
        },
    ),
    "distill": "distill",
    "post-train": "post_train",
    "frontier": "frontier",
    "staged": "staged",
    "budget": "budget",
    "mix": "mix",
    "capacity": "capacity",
    "run": "run",
    "sensitivity": "sensitivity",
    "compare": "compare",
    "export": "export",
    "curve": "curve",
    "report": "report",
    "sweep": "sweep",
    "validate": (
        "Predict measured runs and report the errors.",
        {"training": "validate_training", "serving": "validate_serving"},
    ),
    "calibrate": (
        "Fit the constants of the estimator.",
        {
            "training": "calibrate_training",
            "serving": "calibrate_serving",
            "kernels": "calibrate_kernels",
        },
    ),
    "catalog": (
        "Look at the catalog, and check your own records.",
        {
            "list": "catalog_list",
            "show": "catalog_show",
            "lint": "catalog_lint",
            "sources": "catalog_sources",
        },
    ),
    "model": (
        "Look at models, and bring in your own.",
        {"list": "model_list", "show": "model_show", "import": "model_import"},
    ),
    "traffic": (
        "Look at traffic profiles, and bring in your own.",
        {"list": "traffic_list", "show": "traffic_show", "import": "traffic_import"},
    ),
    "schema": "schema",
}

_PLAIN: Final[dict[str, Any]] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
}
_SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Commands(MutableMapping[str, Any]):
    """The commands of a group, each imported when it is looked up."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = _build(name, self._tree[name])
        return self._built[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._built[name] = command
        self._tree = {**self._tree, name: ""}

    def __delitem__(self, name: str) -> None:
        self._tree = {known: entry for known, entry in self._tree.items() if known != name}

    def __iter__(self) -> Iterator[str]:
        return iter(self._tree)

    def __len__(self) -> int:
        return len(self._tree)


class _Command(TyperCommand):
    """A command that takes text and flags as given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; all parameters are there by now, ``--help`` included."""
        as_given(self.get_params(ctx))
        return super().parse_args(ctx, args)


class _Group(TyperGroup):
    """The same for a group."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options before the command."""
        as_given(self.get_params(ctx))
        return super().parse_args(ctx, args)


class _Root(_Group):
    """The top of the tree: everything that goes wrong below ends here, in a sentence and an exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands(COMMANDS)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; its errors become a message on stderr and the documented exit code."""
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as error:
            debug = isinstance(ctx.obj, Session) and ctx.obj.debug
            code = report(error, debug=debug)
            if code is None:  # typer's own: usage errors, --help, exits
                raise
            raise typer.Exit(code) from error


def _build(name: str, entry: Any) -> Any:
    if isinstance(entry, str):
        module = importlib.import_module(f"planner.cli.commands.{entry}")
        single = typer.Typer(add_completion=False, **_PLAIN)
        single.command(name, cls=_Command)(module.run)
        return typer.main.get_command(single)
    text, tree = entry
    group = typer.Typer(cls=_Group, add_completion=False, help=text, no_args_is_help=True, **_PLAIN)
    group.callback()(_no_options)
    built = typer.main.get_group(group)
    built.name = name
    built.commands = _Commands(tree)
    return built


def _no_options() -> None:
    """Take nothing: groups have no options of their own."""


app = typer.Typer(
    name="planner",
    cls=_Root,
    no_args_is_help=True,
    context_settings=_SETTINGS,
    epilog="Exit codes: 0 done, 1 internal error, 2 usage, 3 bad input, 4 nothing feasible, 5 cannot read or "
    "write, 130 interrupted.",
    **_PLAIN,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"planner {__version__}")
        raise typer.Exit


@app.callback()
def _planner(
    context: typer.Context,
    catalog: Catalogs = None,
    set_: Overrides = None,
    debug: Debug = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True, show_default=False
        ),
    ] = False,
) -> None:
    """Plan GPU clusters: what a cluster can train or serve, how fast, and how sure that is."""
    context.obj = Session(tuple(map(Path, catalog or ())), tuple(set_ or ()), debug)
