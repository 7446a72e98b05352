"""From the name under which a measurement was published to the engine's record.

Which names a record stands for is its `labels`; here is only the search.
"""

from __future__ import annotations

from planner.catalog.load import Catalog, normal_name
from planner.errors import InputError, UnknownNameError, suggest
from planner.workload.engine import EngineLabel, EngineProfile
from planner.workload.kinds import ENGINE

__all__ = ["engine_id", "usual_engine"]


def engine_id(catalog: Catalog, label: str, version: str = "") -> str:
    """Return the id of the engine that a published name and version mean.

    Parameters
    ----------
    catalog : Catalog
        Whose engines to search.
    label : str
        As published, an id or an alias; case and spacing do not matter.
    version : str
        As published: a release, a date, or nothing; without a number it counts as current.

    Raises
    ------
    InputError
        No engine has that name; the message suggests the closest.

    Examples
    --------
    >>> engine_id(Catalog(), "TensorRT-LLM", "0.15.0")
    'trtllm-cpp'
    >>> engine_id(Catalog(), "TensorRT-LLM", "1.0.0rc3")
    'trtllm'
    """
    folded = normal_name(label)
    known = [(one, profile.id) for profile in catalog.all(ENGINE) for one in profile.labels]
    fitting = [(one, found) for one, found in known if normal_name(one.engine) == folded]
    holding = [(one, found) for one, found in fitting if one.holds(version)]
    if holding:
        return min(holding, key=lambda pair: _reach(pair[0]))[1]
    try:
        return catalog.resolve(ENGINE, label)
    except UnknownNameError as error:
        names = dict.fromkeys([*(one.engine for one, _ in known), *error.candidates])
        mend = suggest(label, names, otherwise="see planner catalog list engine")
        raise InputError(f"no engine is published as {label[:80]!r}; {mend}") from None


def _reach(label: EngineLabel) -> tuple[bool, tuple[int, ...]]:
    """Order labels so that the earliest release bound comes first and an unbounded one last."""
    return label.before is None, label.release


def usual_engine(catalog: Catalog, vendor: str) -> EngineProfile:
    """Return the engine to take on a maker's parts where none is named: the newest that is usual there.

    Where none is, the newest one that runs there.

    Raises
    ------
    InputError
        No engine runs on parts of that maker.
    """
    profiles = sorted(catalog.all(ENGINE), key=lambda profile: profile.date, reverse=True)
    usual = [profile for profile in profiles if vendor in profile.usual_on]
    running = [profile for profile in profiles if profile.runs_on(vendor)]
    if not usual and not running:
        raise InputError(
            f"no engine of the catalog runs on parts of {vendor}; name the nearest with --engine, after "
            f"adding {vendor} to the vendors of its record in an overlay (--catalog DIR)"
        )
    return (usual or running)[0]
