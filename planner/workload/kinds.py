"""The kinds of record this room brings to the catalog, all under ``workloads``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.catalog.kinds import Kind, register

if TYPE_CHECKING:
    from planner.workload.engine import EngineProfile
    from planner.workload.formats import WeightFormat
    from planner.workload.record import ModelRecord
    from planner.workload.scaling import ScalingLaw
    from planner.workload.software import SoftwareProfile
    from planner.workload.speculation import Speculation
    from planner.workload.traffic import TrafficProfile

__all__ = ["ENGINE", "FORMAT", "MODEL", "SCALING", "SOFTWARE", "SPECULATION", "TRAFFIC"]

MODEL: Final[Kind[ModelRecord]] = register(
    Kind("model", "workloads/models", "planner.workload.record:ModelRecord")
)
SOFTWARE: Final[Kind[SoftwareProfile]] = register(
    Kind("software", "workloads/software", "planner.workload.software:SoftwareProfile")
)
ENGINE: Final[Kind[EngineProfile]] = register(
    Kind("engine", "workloads/engines", "planner.workload.engine:EngineProfile")
)
FORMAT: Final[Kind[WeightFormat]] = register(
    Kind("format", "workloads/formats", "planner.workload.formats:WeightFormat")
)
SPECULATION: Final[Kind[Speculation]] = register(
    Kind("speculation", "workloads/speculation", "planner.workload.speculation:Speculation")
)
TRAFFIC: Final[Kind[TrafficProfile]] = register(
    Kind("traffic", "workloads/serving", "planner.workload.traffic:TrafficProfile")
)
SCALING: Final[Kind[ScalingLaw]] = register(
    Kind("scaling-law", "workloads/scaling", "planner.workload.scaling:ScalingLaw")
)
