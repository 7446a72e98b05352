"""The network between scale-up domains, the storage on it, and links between sites."""

from planner.model.fabric.built import Built, built
from planner.model.fabric.clos import Clos, clos, require_one_island
from planner.model.fabric.sites import MODES, Exchange, Ring, multisite, ring
from planner.model.fabric.storage import NEEDS, TOKEN_BYTES, StorageSize, storage_size

__all__ = [
    "MODES",
    "NEEDS",
    "TOKEN_BYTES",
    "Built",
    "Clos",
    "Exchange",
    "Ring",
    "StorageSize",
    "built",
    "clos",
    "multisite",
    "require_one_island",
    "ring",
    "storage_size",
]
