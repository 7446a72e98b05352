"""``planner frontier``: the best model that a cluster can train in the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from planner.errors import UsageError, suggest
from planner.plan import numbers
from planner.plan.bibliography import sources_of
from planner.plan.defaults import Filled
from planner.plan.document import Assumption
from planner.plan.frontier import results
from planner.plan.frontier.asking import Question
from planner.plan.frontier.build import guess_flop
from planner.plan.frontier.laws import BAND, Laws
from planner.plan.frontier.question import (
    GOALS,
    USUAL_PRECISION,
    Served,
    days_asked,
    dense_peak,
    setting_of,
    unique_of,
)
from planner.plan.job import as_catalog
from planner.plan.operating.estate import estate_of
from planner.units import MEGA, SECONDS_PER_DAY

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.numbers import Number

__all__ = ["frontier", "question_of"]

_FROM_RUN: Final = ("precision", "site", "price", "finance", "failures", "checkpoint", "system", "power")
"""Assumptions of a run that are those of the answer."""
_OF_ONE_RUN: Final = ("tokens", "global_batch", "goal")
"""Assumptions of resolving one job, which the answer replaces."""


def frontier(
    cluster: str | None = None,
    *,
    days: Number | Sequence[Number] | None = None,
    gpu: str | None = None,
    gpus: Number | None = None,
    goal: str = "loss",
    law: str | None = None,
    shape: str | None = None,
    batch_law: str = BAND,
    unique_tokens: Number | None = None,
    leverage: Number | None = None,
    tokens_per_parameter: Number | None = None,
    loss: Number | None = None,
    serve_tokens: Number | None = None,
    traffic: str | None = None,
    seq_len: Number | None = None,
    precision: str | None = None,
    software: str | None = None,
    site: str | None = None,
    price: Number | None = None,
    finance: str | None = None,
    power_cap: Number | None = None,
    failures: str | None = None,
    checkpoint: str | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> results.FrontierResult:
    """Find the best model that some hardware can train in the time.

    Parameters
    ----------
    cluster, gpu, gpus
        A cluster (``CLUSTER/SYSTEM`` for one of its groups), or so many accelerators by name.
    days
        One time or several, as in ``90``, ``'12 weeks'``, ``[30, 90, 180, 365]`` or ``'30,90'``; 90 days by
        default. One surface of rates serves all of them.
    goal
        ``loss``, the lowest expected loss; ``size``, the largest model that is trained long enough; ``cost``,
        the least dollars for training to a loss and for serving.
    law
        A scaling law by name: ``besiroglu`` by default. Laws without a loss choose only the split.
    shape
        How the architecture grows: ``dense``, ``moe``, ``moe-sparse``.
    batch_law
        ``band``, or a law of the critical batch by tokens: ``zhang-tokens``, ``bergsma``.
    unique_tokens
        Different tokens that there are; the stock of public text by default.
    leverage
        Compute of a dense model over that of the mixture at equal loss.
    tokens_per_parameter
        Least for the goal ``size``; by default those of the law's best split.
    loss
        To be reached by the goal ``cost``, nats; by default that of the best model in half of the time.
    serve_tokens, traffic
        Written in the model's life, and of which kind the requests are, for the goal ``cost``.
    seq_len, precision, software, site, price, finance, power_cap, failures, checkpoint
        As of `planner.train`.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    FrontierResult
        ``points``, one for each time; reasons and the nearest changes where one has none.

    Raises
    ------
    UsageError
        Conflicting options.
    InputError
        A value or a name that is wrong.
    """
    book, filled = as_catalog(catalog, set), Filled()
    with book.tracking() as used:
        question = question_of(
            book,
            filled,
            cluster=cluster,
            days=days,
            gpu=gpu,
            gpus=gpus,
            goal=goal,
            law=law,
            shape=shape,
            batch_law=batch_law,
            unique_tokens=unique_tokens,
            leverage=leverage,
            tokens_per_parameter=tokens_per_parameter,
            loss=loss,
            serve_tokens=serve_tokens,
            traffic=traffic,
            seq_len=seq_len,
            precision=precision,
            software=software,
            site=site,
            price=price,
            finance=finance,
            power_cap=power_cap,
            failures=failures,
            checkpoint=checkpoint,
        )
        answer = question.answered()
        return results.FrontierResult(
            inputs=_inputs(question, batch_law, (set,) if isinstance(set, str) else tuple(set)),
            assumptions=_assumptions(question),
            result=answer,
            sources=sources_of(book, used),
        )


def question_of(
    book: Catalog,
    filled: Filled,
    *,
    cluster: str | None = None,
    days: Number | Sequence[Number] | None = None,
    gpu: str | None = None,
    gpus: Number | None = None,
    goal: str = "loss",
    law: str | None = None,
    shape: str | None = None,
    batch_law: str = BAND,
    unique_tokens: Number | None = None,
    leverage: Number | None = None,
    tokens_per_parameter: Number | None = None,
    loss: Number | None = None,
    serve_tokens: Number | None = None,
    traffic: str | None = None,
    seq_len: Number | None = None,
    precision: str | None = None,
    software: str | None = None,
    **surroundings: Any,
) -> Question:
    """Resolve a question against the catalog; parameters and errors are those of `frontier`."""
    if goal not in GOALS:
        raise UsageError(
            f"unknown goal {goal!r}; {suggest(goal, GOALS, otherwise='one of ' + ', '.join(GOALS))}"
        )
    _belongs("tokens_per_parameter", tokens_per_parameter, goal, "size")
    _belongs("loss", loss, goal, "cost")
    times = days_asked(days, filled)
    served = Served.read(book, filled, goal, serve_tokens, traffic)
    setting = setting_of(
        book,
        filled,
        cluster=cluster,
        gpu=gpu,
        gpus=gpus,
        shape=shape,
        seq_len=seq_len,
        precision=precision,
        software=software,
        surroundings=surroundings,
    )
    leveraged = _positive("leverage", leverage, 1e3, "4")
    peak = dense_peak(setting, precision)
    laws = Laws.read(book, filled, law=law, batch_law=batch_law, unique=unique_of(unique_tokens)).mixed(
        book, filled, setting.shape, leveraged, guess_flop(peak, max(times) * SECONDS_PER_DAY)
    )
    return Question(
        setting=setting,
        laws=laws,
        times=times,
        goal=goal,
        peak=peak,
        served=served,
        tokens_per_parameter=_positive("tokens_per_parameter", tokens_per_parameter, 1e6, "20"),
        loss=_positive("loss", loss, 20.0, "1.9"),
        filled=filled,
    )


def _belongs(name: str, value: object, goal: str, needed: str) -> None:
    """Refuse an option of another goal; raises `UsageError`."""
    if value is not None and goal != needed:
        option = numbers.given(name)
        raise UsageError(
            f"{option} belongs to --goal {needed}, not to {goal}; add --goal {needed}, or leave it out"
        )


def _positive(name: str, value: Number | None, most: float, example: str) -> float | None:
    return None if value is None else numbers.positive(name, value, most=most, example=example)


def _inputs(question: Question, batch_law: str, overrides: tuple[str, ...]) -> results.FrontierInputs:
    setting, laws, served = question.setting, question.laws, question.served
    place, asked = setting.site, setting.asked
    estate = estate_of(setting.book, place, asked, Filled())
    run = question.runs[0].inputs if question.runs else None
    return results.FrontierInputs(
        cluster=place.cluster,
        gpu=place.accelerator.id,
        system=place.system.id if place.system else None,
        fabric=place.fabric.id if place.fabric else None,
        gpus=place.available,
        days=question.times,
        goal=question.goal,  # type: ignore[arg-type]
        law=laws.law.id,
        shape=setting.shape.id,
        counted=setting.shape.counted,
        seq_len=setting.job.seq_len,
        batch_law=batch_law if len(laws.batches) > 1 else laws.batches[0].id,
        unique_tokens=float(laws.unique[0, 0]),
        leverage=None if laws.leverage is None else float(laws.leverage[0, 0]),
        tokens_per_parameter=question.tokens_per_parameter,
        loss=question.loss,
        serve_tokens=None if served is None else served.tokens,
        isl=None if served is None else served.isl,
        osl=None if served is None else served.osl,
        precision=run.precision if run is not None else setting.job.precision or USUAL_PRECISION,
        software=setting.job.software.id,
        site=estate.site.id,
        price=asked.price.text,
        finance=estate.finance.id,
        failures=estate.failures.id,
        power_cap_megawatts=None if asked.power_cap_watts is None else asked.power_cap_watts / MEGA,
        overrides=overrides,
    )


def _assumptions(question: Question) -> tuple[Assumption, ...]:
    """Collect what was filled in, each once: of the question, and of its runs what is the same for all."""
    ours = [one for one in question.filled.assumptions if one.field not in _OF_ONE_RUN]
    runs = [one for run in question.runs[:1] for one in run.assumptions if one.field in _FROM_RUN]
    return tuple({one.field: one for one in [*runs, *ours]}.values())
