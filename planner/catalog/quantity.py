"""A number of the catalog with its birth certificate, and the citation it may inherit.

In YAML a quantity is either complete::

    bandwidth: {value: 3.35 TB/s, source: nvidia-h100-datasheet, at: "p. 2", kind: datasheet}

or a bare ``3.35 TB/s`` that takes its source from the nearest enclosing ``cite``::

    cite: {source: nvidia-h100-datasheet, at: "p. 2", kind: datasheet}
    bandwidth: 3.35 TB/s

A mapping without a ``source`` of its own inherits from the ``cite`` whatever it leaves out; one that
names its own ``source`` inherits nothing, since a place belongs to its source.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError, core_schema

from planner.errors import InputError, suggest
from planner.units import DIMENSIONS, format_quantity, parse

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

__all__ = [
    "FIELDS",
    "ORIGINS",
    "UNKNOWN_CITE",
    "Bytes",
    "BytesPerSecond",
    "Count",
    "CountPerDay",
    "CountPerSecond",
    "Dimension",
    "FlopPerSecond",
    "Flops",
    "Fraction",
    "Hertz",
    "Hours",
    "IsoDate",
    "Joules",
    "JoulesPerByte",
    "Kilograms",
    "KilogramsPerKwh",
    "LitersPerKwh",
    "Meters",
    "Origin",
    "Percent",
    "Quantity",
    "Ratio",
    "Seconds",
    "Usd",
    "UsdPerByte",
    "UsdPerHour",
    "UsdPerKwh",
    "UsdPerToken",
    "UsdPerWatt",
    "Watts",
    "Years",
    "enclosing_cite",
    "iso_date",
]

Origin = Literal[
    "datasheet", "measured", "derived", "list-price", "reported", "estimate", "recalled", "given"
]
"""How a number came to be.

``reported`` is what an owner or the press said of a site, and ages; ``recalled`` is from memory of the
named document and was not checked again; ``given`` is what the user set on the command line.
"""
ORIGINS: Final[tuple[str, ...]] = get_args(Origin)
FIELDS: Final = ("value", "range", "source", "at", "kind", "as_of", "note")
"""What a quantity may say of itself in YAML."""
UNKNOWN_CITE: Final[Mapping[str, object]] = {
    "source": "?",
    "at": "?",
    "kind": "recalled",
    "as_of": "1970",
}
"""Stands in for a malformed ``cite``, so that its one mistake is not repeated at every number."""

_enclosing: ContextVar[Mapping[str, object]] = ContextVar("enclosing_cite")


@contextmanager
def enclosing_cite(cite: Mapping[str, object]) -> Iterator[None]:
    """Let quantities read inside the block inherit from ``cite``."""
    token = _enclosing.set(cite)
    try:
        yield
    finally:
        _enclosing.reset(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with its unit, source and, where it is uncertain, its range.

    Attributes
    ----------
    value : float
        In the base unit of `dimension` (bytes, bytes/s, FLOP/s, watts, seconds, USD, ...).
    dimension : str
        A key of `planner.units.DIMENSIONS`.
    text : str
        The number as it was written.
    source : str
        Key in ``sources.yaml``.
    at : str
        Place in the source: page, table, section.
    kind : str
        One of `Origin`.
    low, high : float or None
        Range in the unit of `value`; required for an estimate.
    as_of : str or None
        ISO date (year, year-month or full) for what ages; required for prices.
    note : str or None
        Anything a reader must know to use the number.
    """

    value: float
    dimension: str
    text: str
    source: str
    at: str
    kind: Origin
    low: float | None = None
    high: float | None = None
    as_of: str | None = None
    note: str | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """The range, or the value twice where none is known."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low, high

    def __str__(self) -> str:
        return format_quantity(self.value, self.dimension)


@dataclass(frozen=True)
class Dimension:
    """Marks a `Quantity` field with what it measures, and reads it.

    Attributes
    ----------
    name : str
        A key of `planner.units.DIMENSIONS`.
    zero : bool
        Whether zero is allowed; negative numbers never are.
    most : float or None
        Largest value allowed, in the base unit.
    """

    name: str
    zero: bool = False
    most: float | None = None

    @property
    def example(self) -> str:
        """A quantity of this dimension as one writes it."""
        return DIMENSIONS[self.name].example

    @property
    def is_price(self) -> bool:
        """Whether the number moves with the market and needs a date."""
        return self.name.startswith("usd")

    def read(self, given: object) -> Quantity:
        """Turn what YAML holds into a `Quantity`.

        Raises
        ------
        pydantic.ValidationError
            With every mistake of the quantity, each at its own place.
        """
        if isinstance(given, Quantity) and given.dimension == self.name:
            complaint = self.complaint(given.value)
            if complaint is not None:
                raise PydanticCustomError("quantity", "{message}", {"message": f"{given.text!r} {complaint}"})
            return given
        return _Reader(self, given).quantity()

    def complaint(self, value: float) -> str | None:
        """Say what is wrong with a value, as the end of a sentence; None where it is allowed."""
        if not math.isfinite(value):
            return "is not a finite number"
        if value < 0 or (value == 0 and not self.zero):
            return "must be zero or more" if self.zero else "must be more than zero"
        if self.most is not None and value > self.most:
            most = format_quantity(self.most, self.name)
            return f"must be at most {most}; write for example {self.example}"
        return None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(_as_dict)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        number = {"type": ["string", "number"], "examples": [self.example]}
        return {"anyOf": [number, _mapping_schema(number)], "x-dimension": self.name}


def _as_dict(quantity: Quantity) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(quantity)]
    return {name: getattr(quantity, name) for name in names if getattr(quantity, name) is not None}


def _mapping_schema(number: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["value"],
        "properties": {
            "value": number,
            "range": {"type": "array", "items": number, "minItems": 2, "maxItems": 2},
            "source": text,
            "at": text,
            "kind": {"enum": list(ORIGINS)},
            "as_of": {"type": ["string", "integer"]},
            "note": text,
        },
    }


class _Reader:
    """Reads one quantity and collects its mistakes, so that all of them are reported at once."""

    def __init__(self, dimension: Dimension, given: object) -> None:
        self.dimension = dimension
        self.given = given
        self.whole = isinstance(given, Mapping)
        self.fields: Mapping[Any, Any] = given if isinstance(given, Mapping) else {"value": given}
        self.mistakes: list[InitErrorDetails] = []

    def quantity(self) -> Quantity:
        self._check_fields()
        value = self._value()
        low, high = self._range(value)
        cited = self._citation()
        self._check_kind(cited, ranged=low is not None)
        if self.mistakes:
            raise ValidationError.from_exception_data("quantity", self.mistakes)
        return Quantity(
            value=value,
            dimension=self.dimension.name,
            text=str(self.fields["value"]),
            low=low,
            high=high,
            note=self.fields.get("note"),
            **cited,
        )

    def _mistake(self, message: str, *at: str | int) -> None:
        error = PydanticCustomError("quantity", "{message}", {"message": message})
        self.mistakes.append(InitErrorDetails(type=error, loc=at if self.whole else (), input=self.given))

    def _check_fields(self) -> None:
        for key in self.fields:
            if key not in FIELDS:
                mend = suggest(str(key), FIELDS, otherwise="it has " + ", ".join(FIELDS))
                self._mistake(f"unknown field of a quantity; {mend}", str(key))
        if "value" not in self.fields:
            self._mistake(f"no value; add for example value: {self.dimension.example}")
        for key in ("source", "at", "note"):
            text = self.fields.get(key, "-")
            if not (isinstance(text, str) and text.strip()):
                self._mistake("must be text; write it in quotes", key)

    def _value(self) -> float:
        return self._number(self.fields["value"], "value") if "value" in self.fields else math.nan

    def _number(self, given: object, *at: str | int) -> float:
        if isinstance(given, bool) or not isinstance(given, (str, int, float)):
            found = "nothing" if given is None else f"a {type(given).__name__}"
            self._mistake(
                f"expected a quantity, found {found}; write for example {self.dimension.example!r}", *at
            )
            return math.nan
        try:
            value = parse(given, self.dimension.name)
        except InputError as error:
            self._mistake(str(error), *at)
            return math.nan
        complaint = self.dimension.complaint(value)
        if complaint is not None:
            self._mistake(f"{given!r} {complaint}", *at)
        return value

    def _range(self, value: float) -> tuple[float | None, float | None]:
        ends = self.fields.get("range")
        if ends is None:
            return None, None
        if not isinstance(ends, (list, tuple)) or len(ends) != 2:
            self._mistake(
                "a range is a list of two quantities, the lower first: range: [1 TB/s, 2 TB/s]", "range"
            )
            return math.nan, math.nan
        low, high = (self._number(end, "range", index) for index, end in enumerate(ends))
        if low > value or value > high:
            self._mistake(f"the value {self.fields.get('value')!r} lies outside its range", "range")
        return low, high

    def _citation(self) -> dict[str, Any]:
        """Return source, at, kind and as_of: its own, or what the enclosing ``cite`` lends."""
        lent = {} if "source" in self.fields else _enclosing.get({})
        cited = {key: self.fields.get(key, lent.get(key)) for key in ("source", "at", "kind", "as_of")}
        missing = [key for key in ("source", "at", "kind") if cited[key] is None]
        if missing:
            where = "here" if "source" in self.fields else "here, or a cite: {source, at, kind} above"
            self._mistake(f"no {', '.join(missing)}; add {'it' if len(missing) == 1 else 'them'} {where}")
        return cited

    def _check_kind(self, cited: dict[str, Any], *, ranged: bool) -> None:
        kind, as_of = cited["kind"], cited["as_of"]
        if kind is not None and kind not in ORIGINS:
            mend = suggest(str(kind), ORIGINS, otherwise="use one of " + ", ".join(ORIGINS))
            self._mistake(f"{kind!r} is not a kind of origin; {mend}", "kind")
        if kind == "estimate" and not ranged:
            self._mistake("an estimate needs its range; add range: [low, high]")
        if as_of is None:
            if kind != "given" and (kind == "list-price" or self.dimension.is_price):
                self._mistake("a price needs its date; add for example as_of: 2026-04-21")
            elif kind == "reported":
                self._mistake("a report needs its date; add for example as_of: 2026-04-21")
            return
        try:
            cited["as_of"] = iso_date(as_of)
        except ValueError as error:
            self._mistake(str(error), "as_of")


_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


def iso_date(given: object) -> str:
    """Check an ISO date of a year, a month or a day; returns it as text, raises ``ValueError``."""
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    match = _DATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise PydanticCustomError("date", "not a date; write 2026, 2026-04 or 2026-04-21")
    year, month, day = (int(part or 1) for part in match.groups())
    try:
        datetime.date(year, month, day)
    except ValueError:
        raise PydanticCustomError("date", "no such day; write 2026, 2026-04 or 2026-04-21") from None
    return match[0]


IsoDate = Annotated[str, BeforeValidator(iso_date)]

Bytes = Annotated[Quantity, Dimension("bytes")]
BytesPerSecond = Annotated[Quantity, Dimension("bytes_per_s")]
Flops = Annotated[Quantity, Dimension("flop")]
FlopPerSecond = Annotated[Quantity, Dimension("flop_per_s")]
Watts = Annotated[Quantity, Dimension("watts", zero=True)]
Joules = Annotated[Quantity, Dimension("joules", zero=True)]
JoulesPerByte = Annotated[Quantity, Dimension("joules_per_byte", zero=True)]
Seconds = Annotated[Quantity, Dimension("s", zero=True)]
Hours = Annotated[Quantity, Dimension("hours", zero=True)]
Years = Annotated[Quantity, Dimension("years")]
Hertz = Annotated[Quantity, Dimension("hz")]
Fraction = Annotated[Quantity, Dimension("fraction", zero=True, most=1.0)]
Percent = Annotated[Quantity, Dimension("fraction", zero=True)]
Ratio = Annotated[Quantity, Dimension("ratio")]
Count = Annotated[Quantity, Dimension("count", zero=True)]
CountPerSecond = Annotated[Quantity, Dimension("count_per_s", zero=True)]
CountPerDay = Annotated[Quantity, Dimension("count_per_day", zero=True)]
Meters = Annotated[Quantity, Dimension("meters", zero=True)]
Kilograms = Annotated[Quantity, Dimension("kg", zero=True)]
KilogramsPerKwh = Annotated[Quantity, Dimension("kg_per_kwh", zero=True)]
LitersPerKwh = Annotated[Quantity, Dimension("liters_per_kwh", zero=True)]
Usd = Annotated[Quantity, Dimension("usd", zero=True)]
UsdPerHour = Annotated[Quantity, Dimension("usd_per_hour", zero=True)]
UsdPerKwh = Annotated[Quantity, Dimension("usd_per_kwh", zero=True)]
UsdPerWatt = Annotated[Quantity, Dimension("usd_per_watt", zero=True)]
UsdPerByte = Annotated[Quantity, Dimension("usd_per_byte", zero=True)]
UsdPerToken = Annotated[Quantity, Dimension("usd_per_token", zero=True)]
