"""``planner sensitivity``: what moves an answer, by how much, and how far it may move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.strict_yaml import Document
from planner.errors import InfeasibleError, PlannerError, UsageError
from planner.plan import numbers
from planner.plan.bibliography import sources_of
from planner.plan.document import Assumption
from planner.plan.job import as_catalog
from planner.plan.scenario.check import ready
from planner.plan.scenario.inputs import called, parameters_of
from planner.plan.scenario.read import Ready, read_document
from planner.plan.sensitivity import results
from planner.plan.sensitivity.asking import Asker
from planner.plan.sensitivity.claims import Claim, read_claim
from planner.plan.sensitivity.figures import Figure, figure_named, headline
from planner.plan.sensitivity.levers import Lever
from planner.plan.sensitivity.profiles import profile_of
from planner.plan.sensitivity.ranges import Answered, estimator_of, physical, stated
from planner.plan.sensitivity.slopes import elasticities_of
from planner.plan.sensitivity.statements import statement_of
from planner.plan.sensitivity.tornado import Screened, bars_of, screened, tells
from planner.plan.sensitivity.varied import varied
from planner.plan.sensitivity.words import notes_of, sentence_of

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.numbers import Number

__all__ = ["sensitivity"]

MOST_ASKS: Final = 100_000
MOST_WORKERS: Final = 1024
MOST_BARS: Final = 1000


def sensitivity(
    scenario: object,
    *,
    figure: str | None = None,
    vary: Iterable[str] = (),
    all: bool = False,
    holds: str | None = None,
    top: Number = 15,
    asks: Number | None = None,
    search: bool = False,
    workers: Number | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
    **inputs: Any,
) -> results.SensitivityResult:
    """Say what moves an answer: a tornado over inputs and their ranges, elasticities, thresholds.

    Parameters
    ----------
    scenario, inputs
        The question, as `planner.run` takes it.
    figure
        That is looked at: a path below ``result`` of the answer (``plan.days``), or its end (``mfu``), or
        ``days``, ``usd``, ``gpus`` ...; by default what the question asks for, or what `holds` speaks of.
    vary
        ``NAME=LOW..HIGH`` or ``NAME=A,B,C``: inputs of the question (``gpus=8192..32768``), numbers of the
        catalog (``accelerator.memory.bandwidth=*0.8..*1.2``), or names of the table of elasticities
        (``scale-out=*0.5..*2``); alone, these are all that the tornado shows.
    all
        Everything with a stated range as well; that is so where nothing is varied by hand.
    holds
        A statement such as ``'days<=90'``: how far each input may move until it no longer holds.
    top
        Bars that people see; programs get all of them.
    asks
        Most answers that the tornado asks for.
    search
        Search all layouts for every answer, rather than keep that of the base.
    workers
        Processes that share the work; by default one for each core. The answer does not depend on it.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides: on top of those of the
        scenario.

    Returns
    -------
    SensitivityResult
        An end without an answer says why.

    Raises
    ------
    InfeasibleError
        The question as asked has no answer.
    InputError
        A name or a value that is wrong; all mistakes of a scenario at once.
    UsageError
        Something that is not written as it must be.
    """
    texts = (set,) if isinstance(set, str) else tuple(set)
    plain = as_catalog(catalog, ())
    document, folder = (scenario, None) if isinstance(scenario, Document) else read_document(scenario, plain)
    one = ready(document, folder, changed=inputs, overlays=plain.roots[1:], overrides=texts, catalog=plain)
    book = plain
    if one.overlays or one.overrides or texts:
        book = as_catalog((*one.overlays, *plain.roots[1:]), (*one.overrides, *texts))
    wanted = _Wanted(
        figure=figure,
        vary=(vary,) if isinstance(vary, str) else tuple(vary),
        all=all,
        holds=holds,
        top=numbers.count("top", top, most=MOST_BARS),
        asks=profile_of(one.question).asks if asks is None else numbers.count("asks", asks, most=MOST_ASKS),
        search=search,
        workers=None if workers is None else numbers.count("workers", workers, most=MOST_WORKERS),
        overrides=texts,
    )
    return _looked_at(one, book, wanted)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What is wanted of the question; see `sensitivity`."""

    figure: str | None
    vary: tuple[str, ...]
    all: bool
    holds: str | None
    top: int
    asks: int
    search: bool
    workers: int | None
    overrides: tuple[str, ...]


def _looked_at(one: Ready, book: Catalog, wanted: _Wanted) -> results.SensitivityResult:
    """Look at the question of a scenario that was checked."""
    profile = profile_of(one.question)
    inputs = {**one.inputs, **profile.added(one.question, one.inputs)}
    answered = _answered(one, inputs, book)
    claim = None if wanted.holds is None else read_claim(wanted.holds, answered.document["result"])
    figure = _figure(one, answered, wanted.figure, claim)
    asker = Asker(
        question=one.question,
        inputs={**inputs, **profile.added(one.question, inputs, figure.path)},
        book=book,
        figure=figure,
        lays_out=profile.lays_out,
        pins={} if wanted.search else profile.layout(answered.document),
        workers=wanted.workers,
    )
    return results.SensitivityResult(
        inputs=results.SensitivityInputs(
            command=one.question.command,
            scenario=one.record.id,
            question=dict(one.inputs),
            figure=figure.path,
            vary=wanted.vary,
            all=wanted.all,
            holds=wanted.holds,
            search=wanted.search,
            asks=wanted.asks,
            top=wanted.top,
            overrides=wanted.overrides,
        ),
        assumptions=tuple(Assumption(**item) for item in answered.document.get("assumptions", ())),
        result=_answer(asker, one, answered, claim, wanted),
        sources=sources_of(book, answered.used),
    )


def _answer(
    asker: Asker, one: Ready, answered: Answered, claim: Claim | None, wanted: _Wanted
) -> results.SensitivityAnswer:
    """Ask for the bars, the slopes and the thresholds."""
    reading = asker.figure.of(answered.document["result"])
    if reading is None:
        raise InfeasibleError(f"the answer has no {asker.figure.path}")
    base = reading.value
    known = physical(answered, one.inputs, parameters_of(one.question))
    own = [_varied(text, one, answered, known) for text in wanted.vary]
    ranges = _screened(asker, base, answered, own, wanted)
    spread = estimator_of(answered)
    levers = [*own, *ranges.kept, *(() if spread is None else (spread,))]
    bars = bars_of(asker, base, levers)
    slopes = elasticities_of(asker, base, list(known.values())[: max(wanted.asks // 2, 1)])
    statement = None if claim is None else statement_of(asker, claim, base, bars, levers, known)
    names = {lever.name for lever in own}
    telling = tuple(bar for bar in bars if bar.name in names or tells(bar))
    answers, searched = asker.effort
    answer = results.SensitivityAnswer(
        sentence="",
        figure=results.FigureUsed(
            path=asker.figure.path, label=asker.figure.label, value=base, low=reading.low, high=reading.high
        ),
        bars=telling,
        elasticities=slopes,
        statement=statement,
        effort=results.Effort(
            answers=answers + 1,
            searched=searched + asker.lays_out,
            quantities=len(ranges.kept) + ranges.without_effect + len(ranges.left_out),
            without_effect=ranges.without_effect + len(bars) - len(telling),
            not_looked_at=tuple(lever.name for lever in ranges.left_out),
        ),
    )
    notes = tuple(notes_of(answer, pinned=bool(asker.pins), given=_open_ended(one, answered)))
    return answer.model_copy(update={"sentence": sentence_of(answer), "notes": notes})


def _answered(one: Ready, inputs: Mapping[str, Any], book: Catalog) -> Answered:
    """Ask the question as it is; raises `InfeasibleError` with the reasons where there is no answer."""
    try:
        with book.tracking() as used:
            document = called(one.question, inputs, catalog=book).to_dict()
    except PlannerError as error:
        one.failed(error)
    result = document["result"]
    if result.get("plan", result) is None and result.get("reasons"):
        mends = "".join(f"; feasible with: {near['sentence']}" for near in result.get("nearest", ())[:3])
        raise InfeasibleError(f"there is no answer to look at: {'; '.join(result['reasons'])}{mends}")
    return Answered(document=document, used=tuple(used), book=book)


def _open_ended(one: Ready, answered: Answered) -> list[str]:
    """Return inputs of the question to which the answer gave a number without a range."""
    takes = parameters_of(one.question)
    return [
        item["field"]
        for item in answered.document.get("assumptions", ())
        if item["field"] in takes and isinstance(item["value"], int | float) and item["value"] is not True
    ]


def _figure(one: Ready, answered: Answered, name: str | None, claim: Claim | None) -> Figure:
    result = answered.document["result"]
    if claim is None:
        return (
            headline(one.question.command, answered.document) if name is None else figure_named(name, result)
        )
    if name is not None and figure_named(name, result) != claim.figure:
        raise UsageError(
            f"--figure {name} and --holds speak of different figures ({claim.figure.path}): leave --figure "
            "out, or ask twice"
        )
    return claim.figure


def _varied(text: str, one: Ready, answered: Answered, known: Mapping[str, Lever]) -> Lever:
    return varied(
        text,
        question=one.question,
        inputs=one.inputs,
        resolved=answered.taken(one.inputs),
        known=known,
        used=answered.used,
        book=answered.book,
    )


def _screened(
    asker: Asker, base: float, answered: Answered, own: Sequence[Lever], wanted: _Wanted
) -> Screened:
    """Return the stated ranges that move the figure; none where inputs are varied by hand, and not all."""
    if wanted.vary and not wanted.all:
        return Screened((), 0, ())
    names = {lever.name for lever in own}
    records = [[lever for lever in record if lever.name not in names] for record in stated(answered)]
    room = wanted.asks - 2 * (len(own) + 1)
    return screened(asker, base, [record for record in records if record], max(room, 0))
