"""What is kept of a teacher's words, and what is bought of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planner.catalog.kinds import FINANCE, STORAGE
from planner.model.cost.capital import capital_recovery
from planner.model.cost.tokens import token_revenue_usd
from planner.model.fabric.storage import TOKEN_BYTES
from planner.model.scaling.distilling import logit_bytes
from planner.plan.distill.results import Bought, Stored
from planner.plan.operating.money import first, interval_of
from planner.tables.fabric import storage_table
from planner.tables.price import finance_table
from planner.tables.samples import Samples
from planner.units import GIGA, HOURS_PER_YEAR, KILO, MILLION, PETA

if TYPE_CHECKING:
    from planner.plan.distill.question import Question
    from planner.plan.distill.speeds import Speeds
    from planner.plan.rates import Rate
    from planner.types import FloatArray
    from planner.workload.distillation import Way

__all__ = ["Bill", "Kept", "bought", "stored"]

USUAL = "usual"
"""Id of the records of storage and finance that hold where nothing is named."""


class Kept(NamedTuple):
    """The section on storage, and its cost as samples ``[S, 1]``."""

    section: Stored
    usd: FloatArray


class Bill(NamedTuple):
    """The section on bought tokens, and their cost as samples ``[S, 1]``."""

    section: Bought
    usd: FloatArray


def stored(
    way: Way,
    question: Question,
    speeds: Speeds,
    rate: Rate,
    *,
    tokens: FloatArray,
    hours: FloatArray,
    speed: float,
) -> Kept | None:
    """Size what is stored between teacher and student; None where nothing is.

    Storage is owned at the price of its record, and the run pays the capital charge and the electricity of
    its hours: logits that are kept longer, for the next student, cost more.

    Parameters
    ----------
    rate
        A plan on this hardware, for the price of electricity at the site.
    hours
        Of the run.
    speed
        Tokens per second that the student is trained on.
    """
    if way in ("online", "on-policy"):
        return None
    per_token = np.full((1, 1), TOKEN_BYTES)
    what = "text, as tokens"
    if way == "offline":
        every = question.top_k is None
        kept = question.student.architecture.vocab if question.top_k is None else question.top_k
        per_token = per_token + logit_bytes(
            tokens=1.0, kept=kept, value_bytes=question.kept_bytes, index_bytes=question.index_bytes
        )
        what = f"{'all ' if every else ''}{kept:,} logits of each token, and the text"
    amount = tokens / question.epochs * per_token
    book, where = speeds.where.book, speeds.where
    samples = Samples()
    storage = storage_table(book.get(STORAGE, USUAL), samples)
    finance = finance_table(book.get(FINANCE, where.finance or USUAL), samples)
    capital = amount * storage.usd_per_byte
    yearly = capital_recovery(rate=finance.rate_per_year, years=finance.it_life_years)
    power = rate.result.plan.power  # type: ignore[union-attr]
    electricity = amount * storage.watts_per_byte * power.pue * hours / KILO * power.usd_per_kwh
    usd = capital * yearly * hours / HOURS_PER_YEAR + electricity
    section = Stored(
        what=what,
        bytes_per_token=first(per_token),
        petabytes=interval_of(amount / PETA),
        write_gigabytes_per_s=speed * first(per_token / question.epochs) / GIGA,
        read_gigabytes_per_s=speed * first(per_token) / GIGA,
        capital_usd=interval_of(capital),
        cost_usd=interval_of(usd),
        share_of_usual=first(amount / (storage.capacity_bytes * speeds.size)),
    )
    return Kept(section=section, usd=usd)


def bought(question: Question, *, tokens: FloatArray) -> Bill | None:
    """Tokens of a service that others run, and what they cost at its list price.

    What is thrown away is paid for; each epoch after the first is free.
    """
    price = question.teacher.price
    if price is None:
        return None
    asked = tokens / question.epochs / question.accept_rate
    out, into = asked * question.written_share, asked * (1.0 - question.written_share)
    out_usd = token_revenue_usd(tokens=out, usd_per_million=price.output_usd * MILLION)
    in_usd = token_revenue_usd(tokens=into, usd_per_million=price.input_usd * MILLION)
    usd = out_usd + in_usd
    section = Bought(
        api=price.label,
        as_of=price.as_of,
        output_tokens=interval_of(out),
        input_tokens=interval_of(into),
        output_usd=interval_of(out_usd),
        input_usd=interval_of(in_usd),
        usd=interval_of(usd),
        usd_as_batch=None if price.batch is None else first(usd) * price.batch,
    )
    return Bill(section=section, usd=usd)
