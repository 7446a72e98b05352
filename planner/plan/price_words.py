"""What ``--price`` says: own, colocation, terms of rent, a record, or dollars per hour; rents at a date.

>>> choice = PriceChoice.parse("reserved@2026-03")
>>> choice.mode, choice.terms, choice.date
('rent', 'reserved', '2026-03')
>>> PriceChoice.parse("$2.35/h").usd_per_hour
2.35
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self

from planner.catalog.kinds import RENTAL
from planner.catalog.quantity import Quantity, iso_date
from planner.errors import InputError, UsageError, suggest
from planner.tables.price import TERMS, Price, Terms, rental_named, rental_on
from planner.units import parse

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.accelerator import Accelerator

__all__ = ["OWN", "WORDS", "PriceChoice", "rent_of"]

OWN: Final = "own"
COLOCATION: Final = "colocation"
WORDS: Final = (OWN, COLOCATION, "on-demand", "reserved", "spot")
_MOST: Final = 1e6
"""Dollars per accelerator-hour above which it must be a mistake."""


@dataclass(frozen=True)
class PriceChoice:
    """How an hour of an accelerator is paid for.

    Attributes
    ----------
    text : str
        As it was written.
    mode : 'own', 'colocation' or 'rent'
        Owned in a hall of one's own, owned in a rented hall, or rented.
    terms, record, usd_per_hour
        Of a rent exactly one: terms of the market, id of a price record, or dollars.
    date : str or None
        ISO date of the rent; None for the latest.
    """

    text: str
    mode: Literal["own", "colocation", "rent"]
    terms: Terms | None = None
    record: str | None = None
    usd_per_hour: float | None = None
    date: str | None = None

    @classmethod
    def parse(cls, text: str, catalog: Catalog | None = None) -> Self:
        """Read ``--price``.

        Parameters
        ----------
        text
            ``own``, ``colocation``, ``on-demand``, ``reserved``, ``spot``, the id of a price record or
            ``$2.35/h``; rents by name may end in ``@DATE``.
        catalog
            Where ids of records are looked up; without it none is known.

        Raises
        ------
        InputError
            Neither; the message says what can be written.
        UsageError
            A date where nothing is rented by name.
        """
        word, at, given = (part.strip() for part in text.strip().partition("@"))
        date = _date(text, given) if at else None
        name = word.casefold()
        if name in (OWN, COLOCATION):
            if date is not None:
                raise UsageError(f"--price {text}: a date goes with rents only, for example reserved@2026-03")
            return cls(text, "own" if name == OWN else "colocation")
        for terms in TERMS:
            if name == terms:
                return cls(text, "rent", terms=terms, date=date)
        if word[:1].isdigit() or word.startswith(("$", "-", "+", ".")):
            if date is not None:
                raise UsageError(f"--price {text}: a price in dollars has no date; leave out @{given}")
            return cls(text, "rent", usd_per_hour=_dollars(text, word))
        if catalog is not None and catalog.find(RENTAL, name) is not None:
            return cls(text, "rent", record=name, date=date)
        known = WORDS if catalog is None else (*WORDS, *catalog.ids(RENTAL))
        hint = suggest(name, known, otherwise=f"write {', '.join(WORDS)}, a price record or '$2.35/h'")
        raise InputError(f"--price {text!r} is unknown; {hint}")


def _date(text: str, given: str) -> str:
    try:
        return iso_date(given)
    except ValueError as error:
        raise InputError(f"--price {text}: {given!r} is {error}") from error


def _dollars(text: str, word: str) -> float:
    """Read dollars per hour; a number alone has no currency."""
    if not any(letter.isalpha() or letter == "$" for letter in word):
        raise InputError(f"--price {text}: in what? Write '${word.lstrip('+-')}/h', in US dollars per hour")
    if "/" not in word:
        raise InputError(f"--price {text}: per what? Write {word + '/h'!r}, the price of an accelerator-hour")
    try:
        usd = parse(word, "usd_per_hour")
    except InputError as error:
        raise InputError(f"--price {text}: {error}; prices are in US dollars") from error
    if not 0 <= usd <= _MOST:
        raise InputError(f"--price {text} must lie between 0 and {_MOST:,.0f} USD/h; for example '$2.35/h'")
    return usd


def rent_of(choice: PriceChoice, catalog: Catalog, accelerator: Accelerator) -> Price:
    """Price of an accelerator-hour that is rented as chosen.

    Raises
    ------
    UsageError
        Nothing is rented.
    InputError
        A record that does not hold for the part, or no price at the date.
    """
    if choice.mode != "rent":
        raise UsageError(f"--price {choice.text} rents nothing; write for example on-demand or '$2.35/h'")
    if choice.usd_per_hour is not None:
        return _given(choice.text, choice.usd_per_hour)
    if choice.record is not None:
        record = catalog.get(RENTAL, choice.record)
        if accelerator.id not in record.accelerators:
            terms = record.terms if record.terms in TERMS else "reserved"
            raise InputError(
                f"--price {choice.text}: {record.id} is a price of {', '.join(record.accelerators)}, not of "
                f"{accelerator.id}; name terms, for example {terms}, or a price such as '$2.50/h'"
            )
        return rental_named(catalog, record.id, choice.date)
    return rental_on(catalog, accelerator, choice.terms or "on-demand", choice.date)


def _given(text: str, usd: float) -> Price:
    quantity = Quantity(
        value=usd, dimension="usd_per_hour", text=text, source="--price", at="command line", kind="given"
    )
    return Price("", quantity, f"${usd:,.2f}/h, as given")
