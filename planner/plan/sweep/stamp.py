"""What a sweep depends on, as hashes: the grid, the catalog, the version of planner."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from planner.__about__ import __version__
from planner.catalog.paths import ROOMS, data_root, environment_overlays
from planner.plan.sweep.question import Sweep

__all__ = ["catalog_hash", "grid_hash", "version"]


def version() -> str:
    """Return the version of planner."""
    return __version__


def grid_hash(sweep: Sweep) -> str:
    """Return a hash of everything that the grid says of its rows and columns."""
    said: dict[str, Any] = {
        "command": sweep.command,
        "inputs": sweep.inputs,
        "set": sweep.overrides,
        "blocks": [block.model_dump(mode="json", by_alias=True) for block in sweep.blocks],
        "columns": sweep.columns,
    }
    text = json.dumps(said, sort_keys=True, default=str)
    # The order of axes is the order of rows, which sorting hides.
    order = json.dumps(sweep.rows.names)
    return hashlib.sha256(f"{text}\n{order}".encode()).hexdigest()[:32]


def catalog_hash(overlays: Iterable[Path]) -> str:
    """Return a hash of the content of the catalog with its overlays, wherever they lie."""
    return _hashed((data_root(), *environment_overlays(), *overlays))


@lru_cache(maxsize=4)
def _hashed(roots: tuple[Path, ...]) -> str:
    found = hashlib.sha256()
    for root in roots:
        for room in ROOMS:
            for path in sorted((root / room).rglob("*.yaml")):
                found.update(str(path.relative_to(root)).encode() + b"\0")
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:32]
