"""Numbers of a question, from what a person or a program writes to bounded floats and integers."""

from __future__ import annotations

import math
from typing import Final

from planner.errors import InputError, suggest
from planner.units import MILLI, SECONDS_PER_DAY, SECONDS_PER_HOUR, parse

__all__ = [
    "Number",
    "choice",
    "count",
    "days_of",
    "fraction",
    "given",
    "latency_s",
    "percentile",
    "positive",
    "rate_per_s",
    "sequences",
    "token_count",
    "usd",
    "watts",
]

Number = int | float | str
"""A number, or text with a unit or multiplier: ``15.6T``, ``90 days``."""

MOST_TOKENS: Final = 1e18
MOST_DAYS: Final = 1e6
_MANY: Final = 65536


def _parsed(name: str, value: Number, dimension: str) -> float:
    try:
        return parse(value, dimension)
    except InputError as error:
        raise InputError(f"{given(name)} {value!r}: {error}") from error


def given(name: str) -> str:
    """Spell the option as the command line does."""
    return f"--{name.replace('_', '-')}"


def count(name: str, value: Number, *, most: float, least: int = 1) -> int:
    """Read a whole number: ``1000000``, ``'1M'``, ``'16,384'``.

    Raises
    ------
    InputError
        Not a number, not whole, or outside `least` .. `most`.
    """
    number = _parsed(name, value, "count")
    if number != math.floor(number):
        raise InputError(f"{given(name)} {value!r} is not a whole number; round it")
    if not least <= number <= most:
        raise InputError(
            f"{given(name)} {value!r} is outside {least:,} to {most:,.0f}; choose one in between"
        )
    return int(number)


def token_count(name: str, value: Number) -> float:
    """Tokens: ``'15.6T'``, ``'2 trillion tokens'``, ``1e12``."""
    number = _parsed(name, value, "count")
    if not 0 < number <= MOST_TOKENS:
        raise InputError(
            f"{given(name)} {value!r} must be positive and at most {MOST_TOKENS:.0e}; for example 15.6T"
        )
    return number


def days_of(name: str, value: Number) -> float:
    """Days: a bare number, or text with a unit of time: ``'90'``, ``'12 weeks'``, ``'720 h'``."""
    try:
        number = parse(value, "count") if _bare(value) else parse(value, "s") / SECONDS_PER_DAY
    except InputError as error:
        why = str(error).partition("; write for example")[0]
        raise InputError(f"{given(name)} {value!r}: {why}; write for example 90 or '12 weeks'") from error
    if not 0 < number <= MOST_DAYS:
        raise InputError(
            f"{given(name)} {value!r} must be positive and at most {MOST_DAYS:,.0f} days; for example 90"
        )
    return number


def _bare(value: Number) -> bool:
    """Whether a number comes without a unit."""
    if not isinstance(value, str):
        return True
    letters = {letter for letter in value.strip().lower() if letter.isalpha()}
    return letters <= {"e"} or value.strip().lower().lstrip("+-") in {"nan", "inf", "infinity"}


def positive(name: str, value: Number, *, most: float, example: str) -> float:
    """Read a number above 0, whole or not: ``154k``, ``1153.5``.

    Raises
    ------
    InputError
        Not a number, zero, negative, or above `most`.
    """
    number = _parsed(name, value, "count")
    if not 0 < number <= most:
        raise InputError(
            f"{given(name)} {value!r} must be above 0 and at most {most:,.0f}; for example {example}"
        )
    return number


def latency_s(name: str, value: Number) -> float:
    """Read a latency: text with a unit of time, or a bare number of milliseconds.

    Raises
    ------
    InputError
        Not a time, zero, negative, or above a day.
    """
    try:
        number = MILLI * parse(value, "count") if _bare(value) else parse(value, "s")
    except InputError:
        raise InputError(f"{given(name)} {value!r} is not a time; write for example 2s or 500ms") from None
    if not 0 < number <= SECONDS_PER_DAY:
        raise InputError(
            f"{given(name)} {value!r} must be above 0 and at most a day; for example 2s or 500ms "
            "(a bare number is milliseconds)"
        )
    return number


_RATES: Final = {"s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": SECONDS_PER_HOUR,
                 "hour": SECONDS_PER_HOUR, "day": SECONDS_PER_DAY}  # fmt: skip


def rate_per_s(name: str, value: Number, *, most: float) -> float:
    """Read a rate of requests: ``100``, ``'20k/s'``, ``'400M requests/day'``; a bare number is per second.

    Raises
    ------
    InputError
        Not a rate, zero, negative, or above `most`.
    """
    over, slash, under = str(value).partition("/")
    seconds = _RATES.get(under.strip().lower().rstrip(".")) if slash else 1.0
    if seconds is None:
        raise InputError(f"{given(name)} {value!r}: a rate is per {', '.join(_RATES)}; for example 100/s")
    number = _parsed(name, over.strip().removesuffix("req").strip() if slash else value, "count") / seconds
    if not 0 < number <= most:
        raise InputError(
            f"{given(name)} {value!r} must be above 0 and at most {most:.0e} per second; for example 100/s"
        )
    return number


def percentile(name: str, value: Number) -> float | None:
    """Read a percentile as a share: ``p99``, ``99``, ``'99 %'``, ``0.99``; None for ``mean``.

    Raises
    ------
    InputError
        Not a percentile between 0 and 100.
    """
    text = str(value).strip().lower()
    if text == "mean":
        return None
    if text.startswith("p"):
        share = _parsed(name, text[1:], "count") / 100.0
    else:
        share = _parsed(name, value, "fraction")
        share = share / 100.0 if share > 1.0 else share
    if not 0 < share < 1:
        raise InputError(f"{given(name)} {value!r} must lie between p0 and p100; for example p99, or mean")
    return share


def sequences(name: str, value: Number, *, seq_len: int) -> tuple[int, str]:
    """Sequences of a global batch, and what was rounded to get there.

    A bare number counts sequences; text may say ``tokens``. Tokens that are no whole number of sequences are
    rounded to one that divides well (`even`).

    Raises
    ------
    InputError
        Not a number, below one sequence, or large text without ``tokens`` or ``sequences``.
    """
    text = value.strip().lower() if isinstance(value, str) else ""
    number = _parsed(name, value, "count")
    if text.endswith(("token", "tokens", "tok")):
        exact = number / seq_len
        if exact < 1:
            raise InputError(f"{given(name)} {value!r} is less than one sequence of {seq_len:,} tokens")
        rounded = even(exact)
        why = (
            ""
            if rounded == exact
            else f"{value} is {exact:,.1f} sequences, rounded to {rounded:,} so that it divides well"
        )
        return _bounded_batch(name, value, rounded), why
    if number >= _MANY and text and text[-1].isalpha() and not text.endswith(("s", "sequence", "seq")):
        raise InputError(f"{given(name)} {value!r}: of what? Write '{value} tokens' or '{value} sequences'")
    return _bounded_batch(name, value, count(name, value, most=MOST_TOKENS)), ""


def _bounded_batch(name: str, value: Number, seqs: int) -> int:
    if seqs > MOST_TOKENS:
        raise InputError(f"{given(name)} {value!r} is too large")
    return seqs


def even(exact: float, *, within: float = 1.0 / 32.0) -> int:
    """Find a number of sequences near `exact` that many data-parallel degrees divide.

    Whole numbers stay; others go to the multiple of the largest power of two that lies `within` that share
    of them.
    """
    if exact == math.floor(exact):
        return int(exact)
    grain: int = 2 ** math.ceil(math.log2(max(exact, 1.0)) + 1)
    while grain > 1 and abs(round(exact / grain) * grain - exact) > within * exact:
        grain //= 2
    return max(int(round(exact / grain) * grain), 1)


def fraction(name: str, value: Number) -> float:
    """Read a share between 0 and 1: ``0.5`` or ``'50 %'``."""
    number = _parsed(name, value, "fraction")
    if not 0 <= number <= 1:
        raise InputError(f"{given(name)} {value!r} must be between 0 and 1")
    return number


def choice(name: str, value: str, options: tuple[str, ...]) -> str:
    """One of `options`, ignoring case.

    Raises
    ------
    InputError
        None of them; the message suggests what was meant.
    """
    found = str(value).strip().lower()
    if found in options:
        return found
    hint = suggest(found, options, otherwise=f"one of {', '.join(options)}")
    raise InputError(f"{given(name)} {value!r} is unknown; {hint}")


def usd(name: str, value: Number) -> float:
    """Read an amount of money with its currency: ``'10B USD'``, ``'$2.5M'``.

    Raises
    ------
    InputError
        No amount, no currency, zero or negative.
    """
    try:
        number = parse(value, "usd")
    except InputError:
        raise InputError(
            f"{given(name)} {value!r} is no amount in US dollars; write for example '10B USD' or '$2.5M'"
        ) from None
    if number <= 0:
        raise InputError(f"{given(name)} {value!r} must be above 0; for example '10B USD'")
    return number


def watts(name: str, value: Number) -> float:
    """Read a power with its unit: ``'300MW'``, ``'1.2 GW'``.

    Raises
    ------
    InputError
        Not a power, no unit, zero or negative.
    """
    number = _parsed(name, value, "watts")
    if number <= 0:
        raise InputError(f"{given(name)} {value!r} must be above 0; for example 300MW")
    return number
