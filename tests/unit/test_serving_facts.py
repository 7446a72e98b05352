"""Facts about sources: which rows they are about, what they change, and broken tables."""

from __future__ import annotations

import pytest

from planner.errors import InputError
from planner.evidence.serving_facts import Effects, effects_on, parse_facts

HEADER = "fact,family,engine,source,model,accelerator,client,notes,effect,reason,cited,at"


def table(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def mistakes(text: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        parse_facts(text, "facts.csv")
    return caught.value.mistakes


ONE = "one,lab/*,,,,,burst,*DRAINED*,doubt=tpot_ms; state=eager,because,book,p. 1"


def test_a_fact_holds_where_all_its_patterns_do() -> None:
    facts = parse_facts(table(ONE))
    about = {"family": "Lab/page", "client": "burst", "notes": "sent, then drained"}
    found = effects_on(about, facts)
    assert found.doubts == ("tpot_ms",)
    assert found.states == {"eager"}
    assert found.reasons == ("one: because [book, p. 1]",)
    for changed in ({"family": "other"}, {"client": ""}, {"notes": "drain"}):
        assert effects_on(about | changed, facts) == Effects()


def test_effects_add_up_and_the_last_word_counts() -> None:
    facts = parse_facts(
        table(
            "a,f,,,,,,,client=rate; doubt=ttft_ms; cores=2,r,k,p",
            "b,f,,,,,,,client=burst; doubt=tpot_ms; doubt=ttft_ms; model=m; concurrency=limit,r,k,p",
            "c,f,,,,,,,layout=attention-data-parallel,r,k,p",
            "d,f,,,,,,,,only an assumption,k,p",
        )
    )
    found = effects_on({"family": "f"}, facts)
    assert (found.client, found.doubts, found.cores, found.model) == ("burst", ("ttft_ms", "tpot_ms"), 2, "m")
    assert found.concurrency_is_limit
    assert found.attention_data_parallel
    assert len(found.reasons) == 4


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x,f,,,,,,,stat=eager,r,k,p", "facts.csv:2: effect: 'stat' is no effect; did you mean 'state'?"),
        (
            "x,f,,,,,,,state=eeger,r,k,p",
            "facts.csv:2: effect: state cannot be 'eeger'; did you mean 'eager'?",
        ),
        ("x,f,,,,,,,cores=many,r,k,p", "facts.csv:2: effect: cores must be a small whole number, not 'many'"),
        ("x,f,,,,,,,model=,r,k,p", "facts.csv:2: effect: model has no value; write model=VALUE"),
        ("x,,,,,,,,,r,k,p", "facts.csv:2: notes: nothing says which rows the fact is about; give a pattern"),
        (",f,,,,,,,,r,k,p", "facts.csv:2: fact: is blank; every fact needs one"),
        ("x,f,,,,,,,,,k,p", "facts.csv:2: reason: is blank; every fact needs one"),
        ("x,f,,,,,,,,r,,p", "facts.csv:2: cited: is blank; every fact needs one"),
    ],
)
def test_broken_tables(row: str, message: str) -> None:
    (found,) = mistakes(table(row))
    assert found.startswith(message)


def test_all_mistakes_come_at_once() -> None:
    assert len(mistakes(table("x,,,,,,,,odd=1,,k,p", ONE, ",f,,,,,,,,r,k,"))) == 5
