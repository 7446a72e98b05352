"""What the global options said, for the one command of this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["Session"]


@dataclass
class Session:
    """Catalog layers, overrides and the wish for a traceback.

    Attributes
    ----------
    overlays : tuple of Path
        ``--catalog DIR``, in the order given.
    overrides : tuple of str
        ``--set PATH=VALUE``, in the order given.
    debug : bool
        Show the traceback of an error.
    """

    overlays: tuple[Path, ...] = ()
    overrides: tuple[str, ...] = ()
    debug: bool = False
    _catalog: Catalog | None = None

    def catalog(self) -> Catalog:
        """Open the catalog, with overlays and overrides; raises `planner.errors.InputError`."""
        if self._catalog is None:
            import planner.workload.kinds  # noqa: F401  (registers its kinds)
            from planner.catalog.load import Catalog

            self._catalog = Catalog(self.overlays, self.overrides)
        return self._catalog

    def plain_catalog(self) -> Catalog:
        """Open the catalog without the overrides, which may be of records that only a scenario brings."""
        from planner.catalog.load import Catalog

        return Catalog(self.overlays) if self.overrides else self.catalog()

    def beneath(self, overlays: tuple[Path, ...], overrides: tuple[str, ...]) -> None:
        """Lay overlays and overrides of a scenario beneath those of the command line."""
        self.overlays = (*overlays, *self.overlays)
        self.overrides = (*overrides, *self.overrides)
        if overlays or overrides:
            self._catalog = None

    def adopt(self, catalog: Catalog) -> None:
        """Take a catalog that was opened with these overlays and overrides."""
        self._catalog = catalog

    def unused(self) -> list[str]:
        """Return the overrides that changed no record of those that were read."""
        if not self.overrides or self._catalog is None:
            return []
        from planner.catalog.kinds import kind_named
        from planner.catalog.overrides import Override

        catalog = self._catalog
        used = [(kind_named(kind), record_id) for kind, record_id in catalog.used]
        parsed = [
            Override.parse(text, lambda kind, name: catalog.find(kind, name) is not None)
            for text in self.overrides
        ]
        return [o.text for o in parsed if not any(o.concerns(kind, name) for kind, name in used)]

    def inputs(self) -> dict[str, list[str]]:
        """Return what JSON says of the catalog used, where anything was added to it."""
        from planner.catalog.paths import environment_overlays

        layers = (*environment_overlays(), *self.overlays)
        said = {"catalog": [str(path) for path in layers], "set": list(self.overrides)}
        return {name: values for name, values in said.items() if values}
