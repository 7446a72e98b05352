"""The laws of one answer: loss or split, critical batch, wear of repeated data, leverage of a mixture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from planner.errors import InputError, suggest
from planner.model.scaling.allocation import optimum
from planner.model.scaling.batch import batch_band, batch_tokens
from planner.model.scaling.experts import efficiency_leverage
from planner.model.scaling.loss import FLOP_PER_PARAMETER_TOKEN
from planner.model.scaling.loss import loss as loss_of
from planner.model.scaling.repetition import effective_parameters
from planner.model.scaling.worth import leveraged, worth
from planner.tables.laws import (
    AllocationLaw,
    BatchLaw,
    LatencyLaw,
    Law,
    LeverageLaw,
    LossLaw,
    OptimaLaw,
    RepetitionLaw,
    StockLaw,
)
from planner.tables.samples import Samples
from planner.tables.scaling import DEFAULT_LAW, law_named
from planner.types import FloatArray
from planner.workload.flops import flops

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.model.cost.values import Values
    from planner.plan.defaults import Filled
    from planner.workload.record import ModelRecord
    from planner.workload.shape import Shape

__all__ = ["BAND", "BATCH_LAWS", "Laws", "body_flop"]

AnyLaw = TypeVar("AnyLaw", bound=Law)

BATCH_LAWS: Final = ("zhang-tokens", "bergsma")
"""Least and most of the critical batch."""
BAND: Final = "band"
"""The geometric mean of the two, with both as its range."""
_WEAR: Final = "muennighoff"
_STOCK: Final = "data-stock"
_LEVERAGE: Final = "ling"
_WALL: Final = "latency-wall"


@dataclass(frozen=True, kw_only=True)
class Laws:
    """Laws by name, as samples ``[S, 1]``.

    Attributes
    ----------
    law
        Of the loss, or of the split alone.
    batches
        Of the critical batch: one, or the ends of a band.
    wear
        Of repeated data.
    wall
        Shortest time of a layer.
    unique
        Tokens of different text, ``[S, 1]``.
    leverage
        Of the mixture, ``[S, 1]``; None of a dense model.
    leverage_law
        Where it comes from; None where it was given.
    samples
        Draws what has a range.
    """

    law: Law
    batches: tuple[BatchLaw, ...]
    wear: RepetitionLaw
    wall: LatencyLaw
    unique: FloatArray
    samples: Samples
    leverage: FloatArray | None = None
    leverage_law: LeverageLaw | None = None

    @classmethod
    def read(
        cls, book: Catalog, filled: Filled, *, law: str | None, batch_law: str, unique: float | None
    ) -> Laws:
        """Look the laws up.

        Raises
        ------
        UnknownNameError, InputError
            No such law, or one that says something else.
        """
        samples = Samples()
        own = law_named(book, law or DEFAULT_LAW, samples, Law)
        if not isinstance(own, LossLaw | AllocationLaw | OptimaLaw):
            law_named(book, law or DEFAULT_LAW, samples, LossLaw)
        if law is None:
            filled.assume("law", own.id, "the refit of Chinchilla's data, the only one with its covariance")
        names = BATCH_LAWS if batch_law == BAND else (batch_law,)
        batches = tuple(law_named(book, name, samples, BatchLaw) for name in names)
        wrong = [one.id for one in batches if one.variable != "tokens"]
        if wrong:
            hint = suggest(batch_law, (BAND, *BATCH_LAWS), otherwise=f"use {BAND}, {', '.join(BATCH_LAWS)}")
            raise InputError(f"--batch-law {wrong[0]} gives no batch by tokens; {hint}")
        wear = own if isinstance(own, RepetitionLaw) else law_named(book, _WEAR, samples, RepetitionLaw)
        if unique is None:
            stock = law_named(book, _STOCK, samples, StockLaw)
            filled.assume("unique_tokens", float(stock.tokens[0, 0]), f"{stock.name.lower()} ({stock.id})")
        return cls(
            law=own,
            batches=batches,
            wear=wear,
            wall=law_named(book, _WALL, samples, LatencyLaw),
            unique=np.array([[unique]]) if unique is not None else stock.tokens,
            samples=samples,
        )

    def mixed(self, book: Catalog, filled: Filled, shape: Shape, given: float | None, flop: float) -> Laws:
        """Return the laws for the models of a shape: with the leverage of a mixture at some compute."""
        if shape.experts is None:
            if given is not None:
                raise InputError(
                    f"--leverage {given:g} belongs to mixtures of experts; leave it out, or name --shape moe"
                )
            return self
        if given is not None:
            return replace(self, leverage=np.array([[given]]))
        law = law_named(book, _LEVERAGE, self.samples, LeverageLaw)
        inside, beyond = (
            float(
                efficiency_leverage(
                    law=law,
                    activation=shape.activation,
                    granularity=shape.granularity,
                    flop=flop,
                    extrapolate=far,
                ).flat[0]
            )
            for far in (False, True)
        )
        filled.assume(
            "leverage",
            round(inside, 3),
            f"{law.name.lower()} ({law.id}) at the end of its fit, 1e22 FLOP; it has been shown once, so "
            f"that its range goes from {inside**0.5:.2g} (half of it in the logarithm) to "
            f"{max(inside, beyond):.2g}, where the law would continue",
        )
        drawn = self.samples.ranged(inside, inside**0.5, max(inside, beyond), "frontier.leverage")
        return replace(self, leverage=drawn, leverage_law=law)

    @property
    def loss_law(self) -> LossLaw | None:
        """The law of the loss in active parameters; None where the law says only the split."""
        if not isinstance(self.law, LossLaw):
            return None
        return self.law if self.leverage is None else leveraged(self.law, self.leverage)

    @property
    def stated(self) -> Laws:
        """Without samples: the stated values alone."""
        return replace(
            self,
            law=_first(self.law),
            wear=_first(self.wear),
            wall=_first(self.wall),
            unique=self.unique[:1],
            leverage=None if self.leverage is None else self.leverage[:1],
            samples=Samples(0),
        )

    def critical(self, tokens: Values) -> FloatArray:
        """Critical batch by the law named, or the middle of the band."""
        stated = tuple(_first(one) for one in self.batches)
        return np.reshape(batch_band(laws=stated, tokens=tokens).middle, np.shape(tokens))

    def critical_samples(self, tokens: float) -> FloatArray:
        """Critical batch of a run, ``[S, 1]``: the ends of the band are one of 80 %."""
        ends = [float(batch_tokens(law=_first(one), value=tokens).flat[0]) for one in self.batches]
        middle = float(self.critical(tokens).flat[0])
        return self.samples.ranged(middle, min(ends), max(ends), "frontier.critical_batch")

    def worth(self, tokens: Values, batch: Values, critical: Values) -> FloatArray:
        """Fresh tokens in small batches that these are worth."""
        return worth(wear=self.wear, tokens=tokens, unique=self.unique, batch=batch, critical=critical)

    def loss(self, parameters: Values, tokens: Values, worth: Values) -> FloatArray:
        """Loss of models whose tokens are worth so many, nats; NaN where the law has none."""
        law = self.loss_law
        if law is None:
            return np.full(np.broadcast_shapes(np.shape(parameters), np.shape(worth)), np.nan)
        size = np.asarray(parameters, dtype=float)
        if isinstance(law, RepetitionLaw):
            size = effective_parameters(
                law=law, parameters=size, unique=np.minimum(self.unique, np.asarray(tokens))
            )
        return loss_of(law=law, parameters=size, tokens=worth)

    def split(self, parameters: FloatArray, worth: FloatArray, flop_per_token: FloatArray) -> FloatArray:
        """Tokens that a run has over those that the law's best split gives for its compute, ``[P]``.

        1 is the best split; NaN where a table of optima does not reach.
        """
        own = self.law if self.loss_law is None else self.loss_law
        per_token = (
            flop_per_token if own.counted == "flop-per-token" else FLOP_PER_PARAMETER_TOKEN * parameters
        )
        flop = per_token * worth
        if isinstance(own, OptimaLaw):
            inside = (flop >= own.flop[0]) & (flop <= own.flop[-1])
            found = np.full(flop.shape, np.nan)
            if not np.any(inside):
                optimum(own, flop)  # says where the table ends
            found[inside] = worth[inside] / optimum(own, flop[inside]).tokens
            return found
        return np.asarray(worth / np.ravel(optimum(_first(own), flop).tokens))

    def guess(self, flop: float) -> float:
        """Parameters of the best split of some compute, to know where to look."""
        own = _first(self.law if self.loss_law is None else self.loss_law)
        if isinstance(own, OptimaLaw):
            flop = float(np.clip(flop, own.flop[0], own.flop[-1]))
        return float(np.ravel(optimum(own, flop).parameters)[0])


def body_flop(record: ModelRecord, seq_len: int) -> float:
    """Training FLOP of a token without the output head, all pairs of attention counted: M of some laws."""
    a = record.architecture
    whole = flops(a, seq_len=seq_len, convention="full").training_per_token
    return float(whole - FLOP_PER_PARAMETER_TOKEN * a.vocab * a.hidden)


def _first(law: AnyLaw) -> AnyLaw:
    """Return a law with the stated coefficients alone."""
    columns: dict[str, Any] = {
        name: value[:1]
        for name, value in vars(law).items()
        if isinstance(value, np.ndarray) and value.ndim == 2
    }
    return replace(law, **columns)
