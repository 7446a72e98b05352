"""Import of a trace: what it measures, how it reads the columns, and what it says it cannot know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, OutputError
from planner.workload.kinds import TRAFFIC
from planner.workload.lengths import fit
from planner.workload.traffic_import import ImportedTraffic, import_trace

Write = Callable[[str, str], Path]
Read = Callable[..., ImportedTraffic]
DAY = 86_400.0


@pytest.fixture
def imported(write: Write) -> Read:
    """Import a trace from its text."""

    def _imported(text: str, **options: str) -> ImportedTraffic:
        return import_trace(write("my trace.csv", text), **options)

    return _imported


def table(header: str, *columns: object) -> str:
    rows = zip(*(np.asarray(column).tolist() for column in columns), strict=True)
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


def steady(count: int, gap: float = 1.0) -> str:
    return table("time,input,output", np.arange(count) * gap, np.full(count, 100), np.full(count, 10))


def test_a_made_up_service_is_found_again(imported: Read) -> None:
    """Three days of a daily rhythm: lengths, peak, burstiness, hits and rate per user come back."""
    random = np.random.default_rng(11)
    per_hour = 400 * (1 + 0.5 * np.sin(2 * np.pi * (np.arange(72) % 24) / 24))
    at = np.sort(
        np.concatenate(
            [h * 3600 + random.uniform(0, 3600, random.poisson(n)) for h, n in enumerate(per_hour)]
        )
    )
    entered = np.ceil(fit(1500.0, cv=1.2).sample(random, len(at))).astype(int)
    left = np.ceil(fit(250.0, cv=0.7).sample(random, len(at))).astype(int)
    found = imported(
        table(
            "Timestamp,Input Tokens,Output Tokens,Cached_Tokens", np.round(at, 3), entered, left, entered // 4
        )
    )
    profile = found.record
    assert profile.isl == pytest.approx(1500, rel=0.03)
    assert profile.input_spread.cv == pytest.approx(1.2, rel=0.05)
    assert profile.output_spread.cv == pytest.approx(0.7, rel=0.05)
    assert profile.hit == pytest.approx(0.25, abs=0.01)
    assert profile.arrival_cv == pytest.approx(1.0, abs=0.02), "the rhythm of the day is no burstiness"
    assert profile.peak_over_mean("hour") == pytest.approx(1.5, rel=0.1)
    assert found.statistics.minute is not None
    assert found.statistics.minute.over_mean == pytest.approx(found.statistics.minute.by_chance, rel=0.35)
    assert profile.unstated == ("demand", "latency.ttft", "latency.tpot")


def test_bursts_show_in_the_gaps(imported: Read) -> None:
    random = np.random.default_rng(3)
    gaps = random.gamma(0.25, 4.0, 6000)  # cv 2
    text = table("time,input,output", np.cumsum(gaps), np.full(6000, 10), np.full(6000, 10))
    assert imported(text).record.arrival_cv == pytest.approx(2.0, rel=0.06)


def test_the_busiest_minute_is_compared_with_its_own_hour(imported: Read) -> None:
    """A quiet hour with one request a minute, then a busy one with ten a minute and one minute of thirty."""
    quiet = np.arange(60) * 60.0
    busy = [3600 + minute * 60 + np.arange(30 if minute == 20 else 10) * 1.5 for minute in range(61)]
    at = np.concatenate([quiet, *busy])
    found = imported(table("time,input,output", at, np.full(len(at), 5), np.full(len(at), 5))).statistics
    assert found.minute is not None
    assert found.minute.over_mean == pytest.approx(30 / (620 / 60))
    assert found.hour is None, "two hours are no day"


def test_the_busiest_hour_is_compared_with_whole_days(imported: Read) -> None:
    """Every hour ten requests, one hour of the day thirty; half a day more at the end does not count."""
    at = np.concatenate([h * 3600 + np.arange(30 if h % 24 == 9 else 10) * 100.0 for h in range(61)])
    text = table("time_s,input,output", at, np.full(len(at), 5), np.full(len(at), 5))
    found = imported(text).statistics
    assert found.hour is not None
    assert found.hour.over_mean == pytest.approx(30 / (260 / 24))


def test_sessions_their_pauses_and_their_growth(imported: Read) -> None:
    text = (
        "ts,conversation_id,context_tokens,generated_tokens\n"
        "0,a,100,10\n5,b,50,10\n10,a,180,10\n15,,70,10\n40,a,240,10\n41,b,90,10\n"
    )
    found = imported(text)
    assert found.statistics.sessions == 3, "a blank is a session of its own"
    assert found.record.steps_per_session == 2
    assert found.statistics.think is not None
    assert found.statistics.think.mean == pytest.approx((10 + 30 + 36) / 3)
    assert found.statistics.growth == pytest.approx((80 + 60 + 40) / 3)
    assert any("include the time of the answer" in note for note in found.notes)


def test_users_and_their_active_hours(imported: Read) -> None:
    """Of two users one asks in all four hours, twice each, the other three times in one of them."""
    at = [0, 100, 3600, 3700, 7200, 7300, 7310, 7320, 7330, 10800, 14399]
    who = ["a"] * 6 + ["b"] * 3 + ["a"] * 2
    found = imported(table("time (s),input,output,user", at, [9] * 11, [9] * 11, who)).statistics
    assert found.users is not None
    assert found.users.users == 2
    assert found.users.requests_per_active_hour == pytest.approx(11 / 5)
    assert found.users.active == pytest.approx(5 / 8)


@pytest.mark.parametrize(
    ("times", "options", "unit", "span"),
    [
        (["2026-04-21 12:00:00.5", "2026-04-21 12:00:02"], {}, "iso", 1.5),
        (["2026-04-21T12:00:00Z", "2026-04-21T14:00:01+02:00"], {}, "iso", 1.0),
        ([1_700_000_000.25, 1_700_000_001.5], {}, "s", 1.25),
        ([1_700_000_000_250, 1_700_000_001_500], {}, "ms", 1.25),
        ([1_700_000_000_250_000, 1_700_000_001_500_000], {}, "us", 1.25),
        ([0, 1250], {}, "ms", 1.25),
        ([0, 30], {}, "s", 30.0),
        ([0.0, 1250.5], {}, "s", 1250.5),
        ([0, 1250], {"time_unit": "s"}, "s", 1250.0),
    ],
)
def test_times_and_their_units(
    imported: Read, times: list[object], options: dict[str, str], unit: str, span: float
) -> None:
    found = imported(table("timestamp,input,output", times, [5, 5], [5, 5]), **options)
    assert found.statistics.span_s == pytest.approx(span)
    words = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}
    said = [note for note in found.notes if note.startswith("times")]
    assert said == [] if unit == "iso" else words[unit] in said[0]


def test_the_header_may_say_the_unit(imported: Read) -> None:
    found = imported(table("Arrival Time (ms),input_len,output_len", [0, 30], [5, 5], [5, 5]))
    assert found.statistics.span_s == pytest.approx(0.03)


@pytest.mark.parametrize(
    "header",
    [
        "TIMESTAMP,ContextTokens,GeneratedTokens",
        "Timestamp,Request tokens,Response tokens",
        "arrival_time,num_prefill_tokens,num_decode_tokens",
        "created_at,prompt_tokens,completion_tokens",
        "timestamp,input_length,output_length",
        "\ufeffts,isl,osl",
    ],
)
def test_columns_go_by_the_names_that_traces_use(imported: Read, header: str) -> None:
    found = imported(table(header, [0.5, 1.5], [30, 50], [3, 5]))
    assert (found.record.isl, found.record.osl) == (40.0, 4.0)


def test_other_columns_and_separators_do_no_harm(imported: Read) -> None:
    text = 'ts;model;prompt_tokens;text;completion_tokens\n1;m;10;"a;b";2\n2;m;20;"two\nlines";4\n'
    found = imported(text)
    assert (found.record.isl, found.record.osl) == (15.0, 3.0)


def test_the_yaml_reads_back_as_the_record(imported: Read, write: Write, tmp_path: Path) -> None:
    found = imported(steady(700), record_id="mine", name="Mine")
    write("own/workloads/serving/mine.yaml", found.yaml)
    assert Catalog((tmp_path / "own",)).get(TRAFFIC, "mine") == found.record
    assert (imported(steady(2)).record.id, imported(steady(2)).record.name) == ("my-trace", "my trace")


def test_a_queue_has_no_rate(imported: Read) -> None:
    found = imported(table("time,input,output", [7, 7, 7], [1, 2, 3], [4, 5, 6]))
    assert found.record.arrival == "offline"
    assert any("taken for a queue" in note for note in found.notes)


def test_a_short_trace_says_what_it_cannot_tell(imported: Read) -> None:
    found = imported(steady(50))
    assert found.record.peak is None
    assert set(found.record.input.quantiles) == {"p10", "p25", "p50", "p75", "p90"}, (
        "p99 rests on half a request"
    )
    notes = "\n".join(found.notes)
    for part in ("fewer than 100 requests", "say nothing of peaks", "how many users", "cached", "latency"):
        assert part in notes


def test_ticks_of_a_clock_are_no_bursts(imported: Read) -> None:
    at = np.repeat(np.arange(300) * 3.0, 10)
    found = imported(table("time,input,output", at, np.full(3000, 9), np.full(3000, 9)))
    assert found.record.burstiness is None
    assert any("ticks" in note for note in found.notes)


def test_a_lognormal_that_does_not_fit_is_noted(imported: Read) -> None:
    entered = np.where(np.arange(2000) % 2 == 0, 10, 1000)
    found = imported(table("time,input,output", np.arange(2000), entered, np.full(2000, 9)))
    assert any(note.startswith("input tokens at p99: the lognormal") for note in found.notes)


def test_failed_requests_are_counted_and_said(imported: Read) -> None:
    found = imported(table("time,input,output", [0, 1, 2, 3], [9, 9, 9, 9], [0, 8, 8, 8]))
    assert found.record.osl == 6.0
    assert any("1 without output tokens" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", [":1: empty; a trace has a header"]),
        ("\n1,2,3\n", [":1: empty"]),
        ("time,input,output\n", [":1: no requests below the header"]),
        ("time,input,output\n1,2,3\n", [":2: one request only; a trace needs two"]),
        (
            "a,b\n1,2\n",
            [
                ":1: no column for the time; call one of them timestamp",
                "for input tokens",
                "(there are a, b)",
            ],
        ),
        ("time,input,input,output\n1,2,3,4\n2,3,4,5\n", [":1: input: stands twice; remove one"]),
        (
            "time,input,output\n1,x,5\n2,-4,nan\n3,,6\n4,1e30,7\n",
            [
                ":2: input: 'x' is no number of tokens; write digits",
                ":3: input: '-4' is negative; write 0 or more",
                ":3: output: 'nan' is no number of tokens",
                ":4: input: a blank is no number of tokens",
                ":5: input: '1e30' is more than a request can have",
            ],
        ),
        ("time,input,output\n1,2,3\nsoon,3,4\n", [":3: time: 'soon' is no time; write a number as above"]),
        ("time,input,output\nsoon,2,3\nlate,3,4\n", [":2: time: 'soon' is no time; write 2026-04-21T12:30"]),
        ("time,input,output\n1,2,3\ninf,3,4\n", [":3: time: 'inf' is no time"]),
        ("time,input,output\n1,2,3\n1e300,3,4\n", [":3: time: '1e300' is a century from the first; check"]),
        (
            "time,input,output\n9,2,3\n4.5,3,4\n8,3,4\n7,3,4\n",
            [":3: time: is 4.5 s earlier than the row above, as are 1 more rows; sort the file by its times"],
        ),
        (
            "time,input,output,cached_tokens\n1,2,3,0\n2,3,4,9\n",
            [":3: cached_tokens: '9' is more than input"],
        ),
        ("time,input,output\n1,2,3\n2,3,4,5\n", [":3: after the last: '5' is one field too many"]),
        ("time,input,output\n1,2,3\n2,3\n", [":3: output: a blank is no number"]),
        ('time,input,output\n1,2,3\n2,"3,4\n', ["broken CSV", "check quotes and commas"]),
        ("time,input,output\n1,0,3\n2,0,4\n", ["no request has input tokens; is it the right column?"]),
        ("time\0,input,output\n1,2,3\n", [":1: holds a NUL byte"]),
        ('time,text,input,output\n1,"a\nb",2,3\n\n2,c,x,4\n', [":5: input: 'x' is no number"]),
    ],
)
def test_a_broken_trace_is_told_all_its_mistakes(imported: Read, text: str, messages: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        imported(text)
    for message in messages:
        assert message in str(caught.value)


def test_mistakes_beyond_those_listed_are_counted(imported: Read) -> None:
    with pytest.raises(InputError, match="and 450 more mistakes"):
        imported(table("time,input,output", range(500), ["x"] * 500, [1] * 500))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot read .*No such file"):
        import_trace(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"time,input,output\n1,2,3\n2,3,\xff\xfe\n")
    with pytest.raises(InputError, match="not UTF-8"):
        import_trace(tmp_path / "binary.csv")
