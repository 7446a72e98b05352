"""``planner run``: ask the question of a scenario."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from planner.catalog.load import Catalog
from planner.errors import PlannerError, UsageError
from planner.plan.job import as_catalog
from planner.plan.scenario.check import ready
from planner.plan.scenario.inputs import called
from planner.plan.scenario.read import read_document

__all__ = ["run"]


def run(scenario: object, *, catalog: Any = None, set: Iterable[str] = (), **inputs: Any) -> Any:
    """Ask the question of a scenario.

    Parameters
    ----------
    scenario
        The name of a shipped one, the path of a file in YAML, or its content as a mapping: ``command`` and
        ``inputs``.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides: on top of those of the
        scenario.
    inputs
        Inputs of the question instead of, or beside, those of the scenario: ``days=90``; None leaves one
        open.

    Returns
    -------
    object
        What the library's function of that question returns: of ``command: train`` a `TrainResult`.

    Raises
    ------
    InputError
        All mistakes of the scenario at once, each ``file:line: path: message; mend``.
    OutputError
        The file cannot be read.

    Examples
    --------
    >>> import planner
    >>> asked = {"command": "train", "inputs": {"model": "llama-3.1-8b", "gpu": "h100-sxm", "gpus": 64}}
    >>> planner.run(asked, tokens="1T").inputs.tokens
    1000000000000.0
    """
    texts = (set,) if isinstance(set, str) else tuple(set)
    book = as_catalog(catalog, ())
    document, folder = read_document(scenario, book)
    one = ready(document, folder, changed=inputs, overlays=book.roots[1:], overrides=texts, catalog=book)
    if isinstance(catalog, Catalog) and (one.overlays or one.overrides or texts):
        raise UsageError(
            "the scenario changes the catalog: give overlay directories as the catalog, not a Catalog"
        )
    given: dict[str, Any] = {"catalog": book}
    if one.overlays or one.overrides or texts:
        given = {"catalog": (*one.overlays, *_said(catalog)), "set": (*one.overrides, *texts)}
    try:
        return called(one.question, one.inputs, **given)
    except PlannerError as error:
        one.failed(error)


def _said(catalog: Any) -> tuple[Path, ...]:
    """Return overlay directories as they were given."""
    if catalog is None:
        return ()
    return (Path(catalog),) if isinstance(catalog, str | Path) else tuple(Path(str(one)) for one in catalog)
