"""What every result is made of: frozen, closed, finite records, and the document that programs read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = ["Assumption", "Base", "Bottleneck", "Document", "Interval", "Nearest", "SourceUsed"]


class Base(BaseModel):
    """Frozen, closed and finite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True, populate_by_name=True
    )


class Document(Base):
    """A result that other programs read."""

    _ASKED: ClassVar[tuple[str, ...]] = ()
    """Fields of ``result`` that are left out of the document unless they were asked for."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as the JSON has it."""
        data = self.model_dump(mode="json", by_alias=True)
        for name in self._ASKED:
            if data["result"][name] is None:
                del data["result"][name]
        return data

    def to_json(self, *, indent: int | None = 2) -> str:
        """JSON text."""
        import json

        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints; the title of the first is the answer."""
        return ()

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows with units in the names, as in ``--csv``."""
        return []

    def to_frame(self) -> Any:
        """Return `records` as a pandas ``DataFrame``; see `planner.plan.frames`."""
        from planner.plan.frames import frame_of

        return frame_of(self.records())

    def _repr_html_(self) -> str:
        from planner.plan.sections import to_html

        return to_html(self.sections())


class Interval(Base):
    """A prediction and the interval that holds the measurement in 80 % of cases."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> Interval:
        """Return it times a positive factor."""
        return Interval(value=self.value * factor, low=self.low * factor, high=self.high * factor)


class Assumption(Base):
    """A value that the question left open, and why it was filled in so."""

    field: str
    value: str | int | float | bool | None
    why: str


class Bottleneck(Base):
    """What binds."""

    resource: str
    share: float
    """Of the step time."""
    sentence: str


class Nearest(Base):
    """The nearest change that makes an infeasible request feasible."""

    field: str
    value: str | int | float | bool | None
    sentence: str


class SourceUsed(Base):
    """A source that the records of the answer cite."""

    title: str
    publisher: str | None = None
    url: str | None = None
    date: str | None = None
    accessed: str | None = None
