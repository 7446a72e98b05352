"""Whether a law is used beyond the runs on which it was fitted, said in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.types import FloatArray
from planner.units import format_quantity, short_number

if TYPE_CHECKING:
    from planner.tables.laws import Law

__all__ = ["beyond", "times_beyond"]

_LITTLE: Final = 1.1
"""Factor beyond a range below which percents say more."""
_SHOWN: Final = {
    "parameters": "parameters",
    "tokens": "tokens",
    "flop": "",
    "activation": "of the experts active",
    "granularity": "granularity",
    "epochs": "epochs",
}
"""Variable of a law to what follows its number."""


def times_beyond(law: Law, variable: str, values: Values) -> FloatArray:
    """By which factor values lie outside the fitted range: 1 inside, 10 for ten times above or below.

    Parameters
    ----------
    law
        Any law.
    variable
        ``parameters``, ``tokens``, ``flop``, ``activation``, ``granularity`` or ``epochs``.
    values
        Above zero.

    Returns
    -------
    FloatArray
        1 everywhere for a law that does not say on what it was fitted.

    Raises
    ------
    InputError
        No such variable.
    """
    if variable not in _SHOWN:
        raise InputError(f"no law is fitted on {variable!r}; use one of {', '.join(_SHOWN)}")
    values = array(values)
    low, high = law.fitted.get(variable, (0.0, np.inf))
    with np.errstate(divide="ignore"):
        return np.maximum(np.maximum(values / high, low / values), 1.0)


def beyond(law: Law, **used: Values) -> tuple[str, ...]:
    """Say where a law is extrapolated, a sentence for each variable; empty inside.

    Parameters
    ----------
    law
        Any law.
    used
        Values by variable, for example ``flop=3e27``; of an array the one farthest outside is named.

    Examples
    --------
    >>> from planner.tables.laws import StockLaw
    >>> law = StockLaw(id="l", name="A law", counted="none", fitted={"tokens": (1e9, 1e12)}, tokens=None)
    >>> beyond(law, tokens=2e13)
    ('A law (l) was fitted on 1B to 1T tokens: 20T is 20 times outside, an extrapolation',)
    """
    said = []
    for variable, values in used.items():
        times = times_beyond(law, variable, values)
        farthest = float(np.max(times))
        if farthest > 1.0:
            value = float(np.ravel(array(values))[int(np.argmax(np.ravel(times)))])
            low, high = law.fitted[variable]
            said.append(
                f"{law.name} ({law.id}) was fitted on {_text(low, variable)} to {_text(high, variable)}"
                f"{' ' * bool(_SHOWN[variable])}{_SHOWN[variable]}: {_text(value, variable)} is "
                f"{_times(farthest)} outside, an extrapolation"
            )
    return tuple(said)


def _times(factor: float) -> str:
    """Write by what factor a value lies outside: a few percent, or so many times."""
    return f"{100.0 * (factor - 1.0):.2g} %" if factor < _LITTLE else f"{short_number(factor, 2)} times"


def _text(value: float, variable: str) -> str:
    if variable == "flop":
        return f"{value:.2g} FLOP".replace("e+", "e")
    return format_quantity(value, "fraction" if variable == "activation" else "count", digits=3)
