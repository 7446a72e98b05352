"""The JSON of ``planner traffic list``, ``show`` and ``import``, as types."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from planner.cli.documents import Document
from planner.workload.traffic_summary import TrafficSummary

__all__ = ["TrafficImport", "TrafficList", "TrafficShow"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ListedTraffic(_Closed):
    """A traffic profile in brief."""

    id: str
    name: str
    arrival: Literal["open", "offline"]
    input_tokens: float
    """Mean of a request."""
    output_tokens: float
    """Mean of an answer."""
    prefix_hit: float
    ttft_s: float | None
    tpot_s: float | None
    users_known: bool
    """Whether it says how much users ask."""
    aliases: list[str]


class Profiles(_Closed):
    """The traffic profiles of the catalog."""

    traffic: list[ListedTraffic]


class MeasuredTrace(_Closed):
    """What was in the trace."""

    requests: int
    span_s: float
    requests_per_s: float | None
    sessions: int | None
    users: int | None


class Imported(_Closed):
    """A record made of a trace; ``planner schema traffic`` describes it."""

    record: dict[str, Any]
    trace: MeasuredTrace


class TrafficList(Document[Literal["planner.traffic-list/1"], Profiles]):
    """``planner traffic list``."""


class TrafficShow(Document[Literal["planner.traffic-show/1"], TrafficSummary]):
    """``planner traffic show``."""


class TrafficImport(Document[Literal["planner.traffic-import/1"], Imported]):
    """``planner traffic import``."""
