"""The network between scale-up domains, the storage on it, and links between sites."""

from planner.model.fabric.built import Built, built
from planner.model.fabric.clos import Clos, clos, require_one_island
from planner.model.fabric.storage import NEEDS, TOKEN_BYTES, StorageSize, storage_size

__all__ = [
    "NEEDS",
    "TOKEN_BYTES",
    "Built",
    "Clos",
    "StorageSize",
    "built",
    "clos",
    "require_one_island",
    "storage_size",
]
