"""Prices of models behind an interface, per token: ``workloads/api_prices/ID.yaml``.

A list price is that of its date: such prices fall several times a year. Discounts of contracts, fees for
reserved capacity and taxes are not in it.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import model_validator

from planner.catalog.quantity import Fraction, UsdPerToken
from planner.catalog.records import Record, Ref, Text
from planner.workload.mixers import refuse

__all__ = ["ApiPrice"]


class ApiPrice(Record):
    """What tokens of one model cost from whoever serves it."""

    owner: Text
    """Who sells them."""
    model: Annotated[str, Ref("model")] | None = None
    """Where the architecture is public, so that the same tokens can also be made on own hardware."""
    input: UsdPerToken
    """Tokens of a prompt that no cache holds."""
    cached: UsdPerToken | None = None
    """Tokens of a prompt that are found in a cache; as `input` where none is given."""
    output: UsdPerToken
    """Hidden reasoning counts as output with those who sell it."""
    batch: Fraction | None = None
    """Of the list price, for requests that may wait for a day."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = []
        if self.cached is not None and self.cached.value > self.input.value:
            wrong.append("cached costs more than input; swap them, or leave cached out")
        if self.batch is not None and self.batch.value == 0.0:
            wrong.append("batch is the share of the list price that is paid, and nothing is free; write 50 %")
        refuse(wrong)
        return self
