"""Kinds of records: which folder they live in and which schema they follow.

A room that brings a kind of its own defines a `Kind` at import and registers it; nothing else needs to
know. The schema is named by text, so that reading an accelerator does not import the others.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from planner.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from planner.catalog.records import Record
    from planner.catalog.schema.accelerator import Accelerator
    from planner.catalog.schema.calibration import TrainingCalibration
    from planner.catalog.schema.cluster import Cluster
    from planner.catalog.schema.embodied import Embodied
    from planner.catalog.schema.fabric import Fabric
    from planner.catalog.schema.failures import Checkpoint, Failures
    from planner.catalog.schema.kernels import KernelRates
    from planner.catalog.schema.link import Link
    from planner.catalog.schema.operations import Operations
    from planner.catalog.schema.operators import OperatorRates
    from planner.catalog.schema.parts import Optics, Switch
    from planner.catalog.schema.power import PowerUse
    from planner.catalog.schema.price import Finance, Purchase, Rental
    from planner.catalog.schema.serving_calibration import ServingCalibration
    from planner.catalog.schema.site import Site
    from planner.catalog.schema.storage import Storage
    from planner.catalog.schema.system import System

__all__ = [
    "ACCELERATOR",
    "CALIBRATION",
    "CHECKPOINT",
    "CLUSTER",
    "EMBODIED",
    "FABRIC",
    "FAILURES",
    "FINANCE",
    "KERNELS",
    "LINK",
    "OPERATORS",
    "OPTICS",
    "POWER",
    "PURCHASE",
    "RENTAL",
    "SERVING_CALIBRATION",
    "SITE",
    "STORAGE",
    "SWITCH",
    "SYSTEM",
    "Kind",
    "kind_named",
    "kinds",
    "register",
]

R_co = TypeVar("R_co", bound="Record", covariant=True)


@dataclass(frozen=True)
class Kind(Generic[R_co]):
    """A kind of record.

    Attributes
    ----------
    name : str
        As the command line calls it, for example ``accelerator``.
    folder : str
        Below the data root or an overlay, for example ``hardware/accelerators``.
    schema_path : str
        ``module:Class`` of its `planner.catalog.records.Record`, imported on first use.
    """

    name: str
    folder: str
    schema_path: str

    @property
    def schema(self) -> type[R_co]:
        """The pydantic class of the records."""
        module, _, name = self.schema_path.partition(":")
        return cast("type[R_co]", getattr(importlib.import_module(module), name))


_registered: Final[dict[str, Kind[Record]]] = {}

K = TypeVar("K", bound="Record")


def register(kind: Kind[K]) -> Kind[K]:
    """Make a kind known to overrides, ``catalog list`` and the linter; returns it.

    Raises
    ------
    ValueError
        Another kind has that name or folder.
    """
    for known in _registered.values():
        if known != kind and (known.name == kind.name or known.folder == kind.folder):
            raise ValueError(f"{kind} clashes with {known}")
    _registered[kind.name] = kind
    return kind


def kinds() -> tuple[Kind[Record], ...]:
    """All registered kinds, in the order of registration."""
    return tuple(_registered.values())


def kind_named(name: str) -> Kind[Record]:
    """Find a kind by its name.

    Raises
    ------
    InputError
        There is none; the message lists those there are.
    """
    found = _registered.get(name)
    if found is None:
        hint = did_you_mean(name, _registered)
        raise InputError(f"unknown kind {name!r}.{hint} The kinds are {', '.join(sorted(_registered))}")
    return found


_SCHEMA: Final = "planner.catalog.schema"
ACCELERATOR: Final[Kind[Accelerator]] = register(
    Kind("accelerator", "hardware/accelerators", f"{_SCHEMA}.accelerator:Accelerator")
)
SYSTEM: Final[Kind[System]] = register(Kind("system", "hardware/systems", f"{_SCHEMA}.system:System"))
FABRIC: Final[Kind[Fabric]] = register(Kind("fabric", "hardware/fabrics", f"{_SCHEMA}.fabric:Fabric"))
KERNELS: Final[Kind[KernelRates]] = register(
    Kind("kernels", "hardware/calibration/kernels", f"{_SCHEMA}.kernels:KernelRates")
)
OPERATORS: Final[Kind[OperatorRates]] = register(
    Kind("operators", "hardware/calibration/operators", f"{_SCHEMA}.operators:OperatorRates")
)
CALIBRATION: Final[Kind[TrainingCalibration]] = register(
    Kind("calibration", "hardware/calibration/training", f"{_SCHEMA}.calibration:TrainingCalibration")
)
SERVING_CALIBRATION: Final[Kind[ServingCalibration]] = register(
    Kind(
        "serving-calibration",
        "hardware/calibration/serving",
        f"{_SCHEMA}.serving_calibration:ServingCalibration",
    )
)
CLUSTER: Final[Kind[Cluster]] = register(Kind("cluster", "hardware/clusters", f"{_SCHEMA}.cluster:Cluster"))
OPERATIONS: Final[Kind[Operations]] = register(
    Kind("operations", "hardware/operations", f"{_SCHEMA}.operations:Operations")
)
SITE: Final[Kind[Site]] = register(Kind("site", "hardware/sites", f"{_SCHEMA}.site:Site"))
POWER: Final[Kind[PowerUse]] = register(Kind("power", "hardware/power", f"{_SCHEMA}.power:PowerUse"))
RENTAL: Final[Kind[Rental]] = register(Kind("price", "hardware/prices/rental", f"{_SCHEMA}.price:Rental"))
PURCHASE: Final[Kind[Purchase]] = register(
    Kind("purchase", "hardware/prices/purchase", f"{_SCHEMA}.price:Purchase")
)
FINANCE: Final[Kind[Finance]] = register(
    Kind("finance", "hardware/prices/finance", f"{_SCHEMA}.price:Finance")
)
SWITCH: Final[Kind[Switch]] = register(Kind("switch", "hardware/switches", f"{_SCHEMA}.parts:Switch"))
OPTICS: Final[Kind[Optics]] = register(Kind("optics", "hardware/optics", f"{_SCHEMA}.parts:Optics"))
FAILURES: Final[Kind[Failures]] = register(
    Kind("failures", "hardware/failures", f"{_SCHEMA}.failures:Failures")
)
CHECKPOINT: Final[Kind[Checkpoint]] = register(
    Kind("checkpoint", "hardware/checkpoints", f"{_SCHEMA}.failures:Checkpoint")
)
STORAGE: Final[Kind[Storage]] = register(Kind("storage", "hardware/storage", f"{_SCHEMA}.storage:Storage"))
EMBODIED: Final[Kind[Embodied]] = register(
    Kind("embodied", "hardware/embodied", f"{_SCHEMA}.embodied:Embodied")
)
LINK: Final[Kind[Link]] = register(Kind("link", "hardware/links", f"{_SCHEMA}.link:Link"))
