"""Units: the only place in planner where powers of ten are written down.

Text such as ``3.35 TB/s`` is parsed once, at the edge, to a float in the base unit of its
*dimension*; arrays inside carry the base unit in their names. Prefixes are decimal (``GB`` is 1e9
bytes) unless they are binary by name (``GiB`` is 2**30 bytes); ``b`` is a bit and ``B`` a byte.

>>> parse("3.35 TB/s", "bytes_per_s")
3350000000000.0
>>> parse("400 Gb/s", "bytes_per_s")
50000000000.0
>>> format_quantity(3.35e12, "bytes_per_s")
'3.35 TB/s'
"""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal, DecimalException
from typing import Final, NamedTuple

from planner.errors import InputError, did_you_mean

__all__ = [
    "BILLION",
    "DIMENSIONS",
    "EXA",
    "GIB",
    "GIGA",
    "HOURS_PER_YEAR",
    "JOULES_PER_KWH",
    "KIB",
    "KILO",
    "MEGA",
    "MICRO",
    "MILLI",
    "MILLION",
    "PETA",
    "SECONDS_PER_DAY",
    "SECONDS_PER_HOUR",
    "SECONDS_PER_YEAR",
    "TERA",
    "TRILLION",
    "factor",
    "format_quantity",
    "parse",
    "short_number",
]

MICRO: Final = 1e-6
MILLI: Final = 1e-3
KILO: Final = 1e3
MEGA: Final = 1e6
GIGA: Final = 1e9
TERA: Final = 1e12
PETA: Final = 1e15
EXA: Final = 1e18
KIB: Final = 1024.0
GIB: Final = 1024.0**3
MILLION: Final = 1e6
BILLION: Final = 1e9
TRILLION: Final = 1e12
SECONDS_PER_HOUR: Final = 3600.0
SECONDS_PER_DAY: Final = 86400.0
SECONDS_PER_YEAR: Final = 31557600.0
"""A Julian year, 365.25 days."""
HOURS_PER_YEAR: Final = 8766.0
JOULES_PER_KWH: Final = 3.6e6

_PREFIXES: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "\u00b5": Decimal("1e-6"),  # micro sign
    "\u03bc": Decimal("1e-6"),  # Greek mu, which looks the same
    "p": Decimal("1e-12"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "K": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Z": Decimal(10**21),
    "Y": Decimal(10**24),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
}
_MULTIPLIERS: Final = {
    "k": Decimal(10**3),
    "K": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "B": Decimal(10**9),
    "bn": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "thousand": Decimal(10**3),
    "million": Decimal(10**6),
    "billion": Decimal(10**9),
    "trillion": Decimal(10**12),
}
"""Multipliers of things that are counted (tokens, dollars), where B is a billion and not a byte."""

_UP: Final = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_DATA: Final = (*_UP, "K", "Ki", "Mi", "Gi", "Ti", "Pi")
_DOWN: Final = ("m", "u", "\u00b5", "\u03bc", "n", "p")


class _Unit(NamedTuple):
    """A unit without its prefix: what it measures, its size in the base unit, its prefixes."""

    base: str
    size: Decimal
    prefixes: tuple[str, ...] = ()


def _units(base: str, sizes: dict[str, str], prefixes: tuple[str, ...] = ()) -> dict[str, _Unit]:
    return {
        name: _Unit(base, Decimal(size), prefixes) for names, size in sizes.items() for name in names.split()
    }


_COUNTED: Final = (
    "token tokens tok parameter parameters param params gpu gpus GPU GPUs accelerator accelerators "
    "chip chips request requests sequence sequences seqs sample samples user users rack racks "
    "node nodes core cores"
)
_UNITS: Final[dict[str, _Unit]] = {
    **_units("bytes", {"B byte bytes": "1"}, _DATA),
    **_units("bytes", {"b bit bits": "0.125"}, _DATA),
    **_units("bytes/s", {"Bps": "1", "bps": "0.125"}, _DATA),
    **_units("flop", {"FLOP FLOPs OP OPs": "1"}, _UP),
    **_units("flop/s", {"FLOPS OPS": "1"}, _UP),
    **_units("watts", {"W VA": "1"}, ("m", *_UP)),
    **_units("joules", {"J": "1", "Wh": "3600"}, (*_DOWN, *_UP)),
    **_units("s", {"s sec second seconds": "1"}, _DOWN),
    **_units("s", {"min minute minutes": "60", "h hr hour hours": "3600", "d day days": "86400"}),
    **_units("s", {"week weeks": "604800", "yr year years": "31557600"}),
    **_units("hz", {"Hz": "1"}, _UP),
    **_units("usd", {"USD $": "1", "cent cents ct": "0.01"}, ("k", "M", "B", "G", "T")),
    **_units("kg", {"kg kgCO2e kgCO2": "1", "g gCO2e gCO2": "0.001", "t tonne tonnes tCO2e": "1000"}),
    **_units("liters", {"l L liter liters litre litres": "1", "m3": "1000"}),
    **_units("meters", {"m": "1"}, ("k", "m", "u", "n")),
    **_units("fraction", {"%": "0.01"}),
    **_units("count", {_COUNTED: "1"}, ("k", "M", "G", "T")),
}
_BILLION_USD: Final = _Unit("usd", Decimal(10**9))


class _Dimension(NamedTuple):
    """What a dimension is measured in.

    ``over`` and ``under`` are bases of `_UNITS`; ``scale`` is the base unit of the dimension in the
    product of those bases (a kWh is 3.6e6 J). ``bare`` allows a number without a unit.
    """

    over: str
    under: str = ""
    scale: Decimal = Decimal(1)
    example: str = ""
    bare: bool = False
    shown: tuple[tuple[str, Decimal], ...] = ()

    @property
    def counted(self) -> bool:
        return self.over in {"count", "usd"}


_HOUR: Final = Decimal(3600)
_DAY: Final = Decimal(86400)
_KWH: Final = Decimal(3600000)


def _ladder(unit: str, prefixes: str, sizes: str = "") -> tuple[tuple[str, Decimal], ...]:
    """Units to show a value in, the smallest first; ``.`` stands for no prefix."""
    steps = [(unit if p == "." else p + unit, Decimal(1) if p == "." else _PREFIXES[p]) for p in prefixes]
    steps += [(name, Decimal(size)) for name, size in (pair.split("=") for pair in sizes.split())]
    return tuple(steps)


_COUNT_LADDER: Final = (("", Decimal(1)), *((m, _MULTIPLIERS[m]) for m in ("k", "M", "B", "T")))
_USD_LADDER: Final = (("USD", Decimal(1)), *((f"{m} USD", _MULTIPLIERS[m]) for m in ("k", "M", "B")))

DIMENSIONS: Final[dict[str, _Dimension]] = {
    "bytes": _Dimension("bytes", example="80 GB", shown=_ladder("B", ".kMGTPE")),
    "bytes_per_s": _Dimension("bytes", "s", example="3.35 TB/s", shown=_ladder("B/s", ".kMGTPE")),
    "flop": _Dimension("flop", example="3.8e25 FLOP", shown=_ladder("FLOP", ".kMGTPEZY")),
    "flop_per_s": _Dimension("flop", "s", example="989.4 TFLOP/s", shown=_ladder("FLOP/s", ".kMGTPEZ")),
    "watts": _Dimension("watts", example="700 W", shown=_ladder("W", "m.kMGT")),
    "joules": _Dimension(
        "joules", example="1.2 MWh", shown=_ladder("J", "pnum.k", "kWh=3600000 MWh=3600000000")
    ),
    "s": _Dimension(
        "s", example="2 us", shown=_ladder("s", "num.", "min=60 h=3600 days=86400 years=31557600")
    ),
    "hours": _Dimension("s", scale=_HOUR, example="50677 h", shown=(("h", Decimal(1)),)),
    "years": _Dimension("s", scale=Decimal(31557600), example="4 years", shown=(("years", Decimal(1)),)),
    "hz": _Dimension("hz", example="1.83 GHz", shown=_ladder("Hz", ".kMGT")),
    "usd": _Dimension("usd", example="30 k USD", shown=_USD_LADDER),
    "usd_per_hour": _Dimension(
        "usd", "s", Decimal(1) / _HOUR, example="2.50 USD/h", shown=(("USD/h", Decimal(1)),)
    ),
    "usd_per_kwh": _Dimension(
        "usd", "joules", Decimal(1) / _KWH, example="0.07 USD/kWh", shown=(("USD/kWh", Decimal(1)),)
    ),
    "usd_per_watt": _Dimension("usd", "watts", example="11.7 M USD/MW", shown=(("USD/W", Decimal(1)),)),
    "usd_per_byte": _Dimension("usd", "bytes", example="0.02 USD/GB", shown=(("USD/GB", Decimal("1e-9")),)),
    "usd_per_token": _Dimension(
        "usd", "count", example="0.50 USD/Mtoken", shown=(("USD/Mtoken", Decimal("1e-6")),)
    ),
    "kg": _Dimension("kg", example="150 kg", shown=(("kg", Decimal(1)), ("t", Decimal(1000)))),
    "kg_per_kwh": _Dimension(
        "kg", "joules", Decimal(1) / _KWH, example="0.35 kg/kWh", shown=(("kg/kWh", Decimal(1)),)
    ),
    "liters_per_kwh": _Dimension(
        "liters", "joules", Decimal(1) / _KWH, example="1.8 L/kWh", shown=(("L/kWh", Decimal(1)),)
    ),
    "joules_per_byte": _Dimension("joules", "bytes", example="5 pJ/bit", shown=_ladder("J/B", "pnum.")),
    "count_per_s": _Dimension("count", "s", example="1200 tokens/s", shown=(("tokens/s", Decimal(1)),)),
    "count_per_day": _Dimension(
        "count", "s", Decimal(1) / _DAY, example="0.0038 /day", shown=(("/day", Decimal(1)),)
    ),
    "meters": _Dimension("meters", example="30 m", shown=_ladder("m", ".k")),
    "fraction": _Dimension("fraction", example="90 %", bare=True, shown=(("%", Decimal("0.01")),)),
    "ratio": _Dimension("ratio", example="7:1", bare=True, shown=(("", Decimal(1)),)),
    "count": _Dimension("count", example="15.6T", bare=True, shown=_COUNT_LADDER),
}
"""Every dimension that `parse` knows, by the name that a field of the catalog gives it."""

_NUMBER: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)(?:\.\d*)?|\.\d+)(?P<exponent>[eE][+-]?\d+)?",
    re.ASCII,
)
_NOT_FINITE: Final = re.compile(r"[+-]?\.?(nan|inf|infinity)\b", re.IGNORECASE)
_LONGEST: Final = 120
_CONTEXT: Final = Context(prec=40)


def parse(text: str | float, dimension: str) -> float:
    """Read a number with its unit.

    Parameters
    ----------
    text : str or float
        For example ``3.35 TB/s``, ``$2.50/h``, ``15.6T``, ``7:1``. A bare number is accepted only
        where the dimension has no unit (``count``, ``fraction``, ``ratio``).
    dimension : str
        A key of `DIMENSIONS`.

    Returns
    -------
    float
        The value in the base unit of the dimension (bytes, seconds, watts, USD, ...), correctly rounded.

    Raises
    ------
    InputError
        No number, an unknown or missing unit, the wrong dimension, NaN or infinity. The message holds
        the mend.
    """
    wanted = _dimension(dimension)
    if not isinstance(text, str):
        text = _written(text, wanted)
    shown = text if len(text) <= _LONGEST else text[:40] + "..."
    if len(text) > _LONGEST:
        raise InputError(f"{shown!r} is too long for a quantity; write for example '{wanted.example}'")
    if _NOT_FINITE.match(text.strip()):
        raise InputError(f"{shown!r} is not a finite number; write for example '{wanted.example}'")
    digits, unit = _split(text, wanted)
    try:
        number = Decimal(digits)
        value = float(_CONTEXT.multiply(number, _scale(unit, dimension)) if unit else number)
    except (DecimalException, OverflowError):
        value = math.inf
    if not unit and not wanted.bare:
        raise InputError(f"{shown!r} has no unit; write for example '{wanted.example}'")
    if not math.isfinite(value):
        raise InputError(f"{shown!r} is not a finite number; write for example '{wanted.example}'")
    return value


def factor(unit: str, dimension: str) -> float:
    """Return the size of a unit in the base unit of its dimension: ``factor("GB", "bytes")`` is 1e9."""
    return float(_scale(unit, dimension))


def format_quantity(value: float, dimension: str, *, digits: int = 4) -> str:
    """Write a value for people, in the largest unit that leaves at least one whole unit.

    Parameters
    ----------
    value : float
        In the base unit of the dimension.
    dimension : str
        A key of `DIMENSIONS`.
    digits : int
        Significant digits.

    Returns
    -------
    str
        Text that `parse` reads back to the same value within the rounding, for finite values.
    """
    ladder = _dimension(dimension).shown
    value = float(value)
    # Nothing is 0 W, not 0 mW.
    name, size = next((step for step in ladder if step[1] == 1), ladder[0]) if value == 0.0 else ladder[0]
    for step_name, step_size in ladder[1:]:
        # Half a unit in the last place: 999.99996 B is written "1 kB", not "1000 B".
        if abs(value) >= float(step_size) * (1 - 0.5 * 10.0**-digits):
            name, size = step_name, step_size
    scaled = value / float(size)
    number = _plain(scaled, digits)
    attached = dimension == "count" and name
    return number + name if attached or not name else f"{number} {name}"


def short_number(value: float, digits: int = 3) -> str:
    """Write a number of any size for people: so many digits, and all of those before the point.

    Examples
    --------
    >>> short_number(5824.3), short_number(999.7), short_number(0.58249)
    ('5,824', '1,000', '0.582')
    """
    if abs(value) >= 10.0**digits - 0.5:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def _plain(value: float, digits: int) -> str:
    """Significant digits without an exponent while that stays short."""
    text = f"{value:.{digits}g}"
    if "e" in text and abs(value) < 10.0**12 and abs(value) >= 10.0**digits:
        return f"{value:.0f}"
    return text


def _dimension(name: str) -> _Dimension:
    found = DIMENSIONS.get(name)
    if found is None:
        raise InputError(f"unknown dimension {name!r}.{did_you_mean(name, DIMENSIONS)}")
    return found


def _written(number: float, wanted: _Dimension) -> str:
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise InputError(f"{number!r} is not a quantity; write for example '{wanted.example}'")
    if isinstance(number, int) and number.bit_length() > 256:
        raise InputError(f"an integer of {number.bit_length()} bits is too large for a quantity")
    return repr(number)


def _split(text: str, wanted: _Dimension) -> tuple[str, str]:
    """Split ``$1.25B/h`` into its number and ``B$/h``; ``7:1`` into 7 and no unit."""
    stripped = text.strip()
    dollar = stripped.startswith("$")
    match = _NUMBER.match(stripped[1:].lstrip() if dollar else stripped)
    if match is None:
        raise InputError(f"{text!r} does not start with a number; write for example '{wanted.example}'")
    unit = match.string[match.end() :].strip()
    if wanted.over == "ratio" and unit == ":1":
        unit = ""
    digits = match[0].replace(",", "").replace("_", "")
    if dollar:
        head, slash, tail = unit.partition("/")
        unit = f"{head.strip()}$".strip() + slash + tail
    return digits, unit


def _scale(unit: str, dimension: str) -> Decimal:
    """Return the size of ``unit`` in the base unit of ``dimension``, or raise with the mend."""
    wanted = _dimension(dimension)
    over_text, slash, under_text = unit.partition("/")
    counted = _Unit("count", Decimal(1)) if slash and wanted.over == "count" else None
    over = _unit(over_text.strip(), counted=wanted.counted, default=wanted.over) if over_text else counted
    under = _denominator(under_text.strip()) if slash else None
    if over is None or (slash and under is None):
        raise InputError(f"unknown unit {unit!r}; write for example '{wanted.example}'")
    bases = (over.base, under.base) if under else (*over.base.split("/"), "")[:2]
    if tuple(bases) != (wanted.over, wanted.under):
        raise InputError(
            f"{unit!r} measures {_spell(*bases)}, not {_spell(wanted.over, wanted.under)}; "
            f"write for example '{wanted.example}'"
        )
    size = over.size / (under.size if under else 1)
    return _CONTEXT.divide(size, wanted.scale)


def _spell(over: str, under: str = "") -> str:
    return f"{over} per {under}" if under else over


def _denominator(text: str) -> _Unit | None:
    """Read what a rate is per: ``s``, ``kWh``, ``GPU-hour``, ``1M tokens``."""
    for per_gpu in ("GPU-", "GPU/", "GPU"):
        if text.startswith(per_gpu):
            hours = _UNITS.get(text[len(per_gpu) :].strip())
            return hours if hours is not None and hours.base == "s" else None
    text = text.removeprefix("1").lstrip() if text[:2] in {"1M", "1k", "1 "} else text
    return _unit(text, counted="token" in text or "tok" in text, default="")


def _unit(text: str, *, counted: bool, default: str) -> _Unit | None:
    """Find a unit with its prefix; ``counted`` reads B as a billion and allows ``million USD``."""
    if counted:
        found = _counted_unit(text, default)
        if found is not None:
            return found
    exact = _UNITS.get(text)
    if exact is not None:
        return exact
    for width in (1, 2):
        size = _PREFIXES.get(text[:width])
        unit = _UNITS.get(text[width:])
        if size is not None and unit is not None and text[:width] in unit.prefixes:
            return unit._replace(size=unit.size * size)
    return None


def _counted_unit(text: str, default: str) -> _Unit | None:
    """Read ``T``, ``T tokens``, ``billion USD``, ``kUSD``, ``B$``."""
    if text in _MULTIPLIERS and default == "count":
        return _Unit(default, _MULTIPLIERS[text])
    for name, size in _MULTIPLIERS.items():
        rest = text.removeprefix(name)
        unit = _UNITS.get(rest.strip())
        if rest != text and unit is not None and unit.base in {"count", "usd"}:
            return unit._replace(size=unit.size * size)
    return None
