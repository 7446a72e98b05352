"""Where the data lies: in the wheel, in a checkout, and in overlays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from planner.errors import InputError

__all__ = ["OVERLAY_VARIABLE", "ROOMS", "data_root", "environment_overlays", "overlay", "shown"]

OVERLAY_VARIABLE: Final = "PLANNER_CATALOG"
"""Environment variable: overlay directories, separated as in ``PATH``; later ones win."""
ROOMS: Final = ("hardware", "workloads")
"""The folders that hold the data."""


def data_root() -> Path:
    """Return the directory that holds ``hardware/`` and ``workloads/``.

    In an installed wheel that is ``planner/_data``; in an editable install or a checkout it is the root
    of the repository.

    Raises
    ------
    InputError
        Neither is there.
    """
    package = Path(__file__).resolve().parent.parent
    for candidate in (package / "_data", package.parent):
        if (candidate / "hardware").is_dir():
            return candidate
    raise InputError(f"no hardware/ directory beside {package}: reinstall planner, or pass --catalog DIR")


def environment_overlays() -> tuple[Path, ...]:
    """Return the overlays that ``PLANNER_CATALOG`` names, in its order."""
    return tuple(
        Path(part) for part in os.environ.get(OVERLAY_VARIABLE, "").split(os.pathsep) if part.strip()
    )


def overlay(directory: Path) -> Path:
    """Check that a directory can be an overlay; returns it.

    Raises
    ------
    InputError
        It is no directory, or holds neither ``hardware/`` nor ``workloads/``.
    """
    if not directory.is_dir():
        raise InputError(f"{directory}: no such catalog directory; check --catalog and {OVERLAY_VARIABLE}")
    if not any((directory / room).is_dir() for room in ROOMS):
        raise InputError(
            f"{directory}: no hardware/ or workloads/ in it; a catalog directory is laid out like the "
            "catalog itself, for example hardware/accelerators/my-chip.yaml"
        )
    return directory


def shown(path: Path) -> str:
    """Write a path as the user would: relative where it lies below the working directory."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
