"""Speculative decoding: ``workloads/speculation/ID.yaml``.

Drafts cost a little and are verified together; how many tokens a step yields is a property of the drafter
and of the text, so every figure is a published table or an estimate with its range.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Self

from pydantic import model_validator

from planner.catalog.quantity import Fraction, Quantity, Ratio
from planner.catalog.records import Items, Record, Section
from planner.errors import InputError
from planner.workload.mixers import Width, refuse

__all__ = ["Draft", "Method", "Speculation", "TokensPerStep"]

Method = Literal["mtp", "eagle", "draft-model", "ngram"]
"""Modules of the model itself, a trained head on its features, a smaller model, or a look-up in the text."""


class TokensPerStep(NamedTuple):
    """Mean tokens that one step of the target yields, the one it would yield anyway included."""

    value: float
    low: float
    high: float


class Draft(Section):
    """What one draft token costs."""

    cost: Literal["module", "model", "none"]
    """One layer of the target and its output head, a share of the target's step, or nothing."""
    share: Fraction | None = None
    """Time of a draft over that of a step of the target, for cost `model`."""

    @model_validator(mode="after")
    def _share_belongs_to_a_model(self) -> Self:
        if (self.cost == "model") != (self.share is not None):
            refuse(["share belongs to cost: model, and only to it; add it or remove it"])
        return self


class Speculation(Record):
    """One way to draft tokens."""

    method: Method
    drafts: Width
    """Draft tokens per step, by default."""
    most_drafts: Width
    """Draft tokens per step a search may try."""
    accepted: Items[Ratio] = ()
    """Mean tokens per step at 0, 1, 2 ... drafts, as published."""
    acceptance: Fraction | None = None
    """Chance that a draft is accepted when those before it were, where there is no table."""
    draft: Draft

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong: list[str] = []
        if bool(self.accepted) == (self.acceptance is not None):
            wrong.append("give either accepted (a published table) or acceptance (a rate), not both")
        if self.accepted and len(self.accepted) != self.most_drafts + 1:
            wrong.append(
                f"accepted has {len(self.accepted)} entries; it needs one for each of 0 to "
                f"most_drafts ({self.most_drafts}) drafts"
            )
        for drafts, tokens in enumerate(self.accepted):
            if not 1 <= tokens.value <= drafts + 1:
                wrong.append(f"accepted.{drafts} must lie within 1 and {drafts + 1} tokens per step")
        if self.drafts > self.most_drafts:
            wrong.append(f"drafts ({self.drafts}) is more than most_drafts ({self.most_drafts}); lower it")
        refuse(wrong)
        return self

    def tokens_per_step(self, drafts: int) -> TokensPerStep:
        """Return the mean tokens per step with this many drafts, from 0 to `most_drafts`.

        A rate a gives 1 + a + a^2 + ... up to a^drafts (Leviathan et al., arXiv:2211.17192, equation 1).

        Raises
        ------
        InputError
            A number of drafts out of range.
        """
        if not 0 <= drafts <= self.most_drafts:
            raise InputError(
                f"{drafts} draft tokens with {self.name}; give 0 to {self.most_drafts}, its range"
            )
        if self.acceptance is not None:
            low, high = self.acceptance.bounds
            return TokensPerStep(*(_geometric(a, drafts) for a in (self.acceptance.value, low, high)))
        return _from_table(self.accepted[drafts])


def _geometric(acceptance: float, drafts: int) -> float:
    return sum(acceptance**position for position in range(drafts + 1))


def _from_table(tokens: Quantity) -> TokensPerStep:
    return TokensPerStep(tokens.value, *tokens.bounds)
