"""The kind of record this room brings to the catalog: models, in ``workloads/models``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.catalog.kinds import Kind, register

if TYPE_CHECKING:
    from planner.workload.record import ModelRecord
    from planner.workload.software import SoftwareProfile

__all__ = ["MODEL", "SOFTWARE"]

MODEL: Final[Kind[ModelRecord]] = register(
    Kind("model", "workloads/models", "planner.workload.record:ModelRecord")
)
SOFTWARE: Final[Kind[SoftwareProfile]] = register(
    Kind("software", "workloads/software", "planner.workload.software:SoftwareProfile")
)
