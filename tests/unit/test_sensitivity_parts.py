"""Parts of a sensitivity without a single search: thresholds, levers, screening."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, UsageError
from planner.plan.scenario.questions import QUESTIONS
from planner.plan.sensitivity.asking import Ask, Outcome, together
from planner.plan.sensitivity.levers import Lever, path_of
from planner.plan.sensitivity.profiles import profile_of
from planner.plan.sensitivity.ranges import Answered, estimator_of
from planner.plan.sensitivity.thresholds import walked
from planner.plan.sensitivity.tornado import screened
from planner.plan.sensitivity.varied import varied

USED = (("accelerator", "h100-sxm"), ("site", "usual"), ("embodied", "usual"))


@pytest.fixture(scope="module")
def book() -> Catalog:
    return Catalog()


def test_a_walk_stops_where_values_are_not_taken_and_looks_close_to_it() -> None:
    walk = walked(lambda x: None if x < 1.0 else 5.0 - x, 1.15, at_base=3.85)
    assert walk.crossing is not None
    assert walk.crossing.holds == pytest.approx(5.0, rel=0.005)
    assert 1.0 <= walk.least < 1.01
    assert walk.most == pytest.approx(16 * 1.15)
    assert walk.changes == 1


def test_a_walk_says_when_a_statement_changes_more_than_once() -> None:
    walk = walked(lambda x: 1.0 if x < 2.0 or x > 8.0 else -1.0, 1.0, at_base=1.0)
    assert walk.changes == 2
    assert walk.crossing is not None
    assert walk.crossing.holds == pytest.approx(2.0, rel=0.005)


def test_whole_numbers_are_found_exactly() -> None:
    walk = walked(lambda x: 37.0 - x, 20.0, at_base=17.0, whole=True)
    assert walk.crossing is not None
    assert (walk.crossing.holds, walk.crossing.fails) == (37.0, 38.0)


def of_train(text: str, book: Catalog, **resolved: Any) -> Lever:
    peak = Lever(
        name="peak",
        label="peak",
        where="record",
        base=1e15,
        base_text="1 PFLOP/s",
        dimension="flop_per_s",
        paths=("accelerator.h100-sxm.flops.bf16", "a.b"),
    )
    return varied(
        text,
        question=QUESTIONS["train"],
        inputs={"model": "llama-3.1-8b", "tokens": "1T"},
        resolved={"gpus": 1024, "tokens": 1e12, "days": 20.0, "precision": "bf16"} | resolved,
        known={"peak": peak},
        used=USED,
        book=book,
    )


def test_inputs_numbers_of_the_catalog_and_groups_of_them_can_be_varied(book: Catalog) -> None:
    gpus = of_train("gpus=512..2k", book)
    assert [one.ask.inputs for one in gpus.settings] == [(("gpus", 512),), (("gpus", "2k"),)]
    assert (gpus.ranged, gpus.whole, gpus.keeps) == (True, True, False)
    assert [one.value for one in of_train("gpus=*0.5..*2", book).settings] == [512.0, 2048.0]
    assert [one.value for one in of_train("days=2 weeks..30", book).settings] == [14.0, 30.0]
    open_ = of_train("seq_len=4k..8k", book)
    assert (open_.base, open_.ranged, [one.value for one in open_.settings]) == (None, True, [4000.0, 8000.0])
    words = of_train("precision=bf16,fp8", book)
    assert (words.ranged, [one.text for one in words.settings]) == (False, ["bf16", "fp8"])
    bandwidth = of_train("accelerator.memory.bandwidth=*0.8..4 TB/s", book)
    assert bandwidth.base == 3.35e12
    assert bandwidth.settings[0].ask.overrides == ("accelerator.memory.bandwidth=*0.8",)
    assert bandwidth.settings[1].ask.overrides == ("accelerator.memory.bandwidth=4 TB/s",)
    peak = of_train("peak=*0.5..2 PFLOP/s", book).settings
    assert peak[1].ask.overrides == ("accelerator.h100-sxm.flops.bf16=*2.0", "a.b=*2.0")


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("gpus", UsageError, "expected NAME=LOW..HIGH or NAME=A,B,C; write for example --vary gpus="),
        ("gpus=", UsageError, "expected NAME=LOW..HIGH"),
        ("gpsu=1..2", InputError, "--vary gpsu: unknown; did you mean 'gpu' or 'gpus'?"),
        ("qqq=1..2", InputError, "it may be inputs of train, KIND.ID.FIELD of the catalog, peak"),
        ("gpus=5..2", InputError, "the lower end comes first; write 2..5"),
        ("gpus=5..", InputError, "a range has two ends"),
        ("gpus=5,,7", InputError, "a value is missing between commas"),
        ("precision=a..b", InputError, "for words write them with commas"),
        ("precision=*0.5..*2", InputError, "there is nothing to scale, since it is no number"),
        ("tokens=*x..*2", InputError, "'*x' is not a factor; write for example '*0.8'"),
        ("sequence_parallel=maybe,true", InputError, "expected true or false"),
        ("accelerator.memory.bandwith=*0.8..*1.2", InputError, "Did you mean 'bandwidth'?"),
        ("accelerator.b300.memory.bandwidth=*0.8..*1.2", InputError, "it used h100-sxm"),
        ("fabric.achievable=*0.8..*1.2", InputError, "it used none of kind fabric"),
        ("accelerator.memory.bandwidth=1 W..2 W", InputError, "measures watts"),
    ],
)
def test_what_cannot_be_varied_gets_a_sentence(
    book: Catalog, text: str, kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind, match=r".") as caught:
        of_train(text, book)
    assert sentence in str(caught.value)


def test_a_record_whose_id_is_a_field_of_its_kind_is_named_by_its_kind() -> None:
    assert path_of("embodied", "usual", "network") == "embodied.network"
    assert path_of("site", "usual", "pue.mean") == "site.usual.pue.mean"


def test_changes_together_keep_what_all_of_them_keep() -> None:
    asks = [Ask((("gpus", 5),), (), False), Ask((), ("a.b=1",)), Ask((), ("c.d=*2",))]
    assert together(asks) == Ask((("gpus", 5),), ("a.b=1", "c.d=*2"), False)
    assert together([]).keeps


def lever(name: str, low: float = 0.5, high: float = 2.0) -> Lever:
    one = Lever(name=name, label=name, where="record", base=1.0, base_text="1", paths=(name,))
    return one.with_range(low, high, "test")


class Counting:
    """Stands in for an asker: the figure moves with some of the paths, and asks are counted."""

    def __init__(self, moving: Iterable[str]) -> None:
        self.moving, self.asked = set(moving), 0

    def all(self, asks: Iterable[Ask]) -> list[Outcome]:
        found = []
        for one in asks:
            self.asked += 1
            moved = [text for text in one.overrides if text.partition("=")[0] in self.moving]
            found.append(Outcome(100.0 + len(moved)))
        return found


def records(many: int, each: int = 4) -> Sequence[Sequence[Lever]]:
    return [[lever(f"k.r{record}.f{field}") for field in range(each)] for record in range(many)]


def test_records_that_move_nothing_are_found_together() -> None:
    asker: Any = Counting({"k.r3.f1", "k.r20.f0"})
    found = screened(asker, 100.0, records(32), 1000)
    assert {one.name.rpartition(".")[0] for one in found.kept} == {"k.r3", "k.r20"}
    assert (len(found.kept), found.without_effect, found.left_out) == (8, 120, ())
    assert asker.asked < 2 * 32


def test_with_few_answers_the_widest_ranges_come_first_and_the_rest_is_named() -> None:
    wide = [[lever(f"k.r{at}.f", 1.0 / (at + 2), at + 2.0)] for at in range(20)]
    asker: Any = Counting({one[0].name for one in wide})
    found = screened(asker, 100.0, wide, 20)
    assert 2 * len(found.kept) + asker.asked <= 20
    assert found.kept[0].name == "k.r19.f"
    assert len(found.kept) + len(found.left_out) + found.without_effect == 20
    assert screened(asker, 100.0, [], 20).kept == ()


def test_a_lever_that_the_record_lacks_is_written_and_not_scaled() -> None:
    one = Lever(name="e", label="e", where="estimator", base=1.0, base_text="1", paths=("c.t.correction",),
                written=(1.1,))  # fmt: skip
    assert one.at(2.0).ask.overrides == ("c.t.correction=2.2",)
    zero = Lever(name="z", label="z", where="record", base=0.0, base_text="0 %", dimension="fraction",
                 paths=("k.r.f",))  # fmt: skip
    assert zero.at(0.02).ask.overrides == ("k.r.f=2 %",)


def test_answers_are_made_cheap_by_what_the_figure_does_not_need() -> None:
    budget, train = QUESTIONS["budget"], QUESTIONS["train"]
    assert profile_of(budget).added(budget, {"usd": "1B"}, "gpu_hours") == {"brief": True}
    assert profile_of(budget).added(budget, {"usd": "1B"}, "largest.loss") == {}
    assert profile_of(train).added(train, {"top": 3}, "plan.days") == {}
    assert profile_of(train).added(train, {}) == {"top": 0}
    capacity = QUESTIONS["capacity"]
    added = profile_of(capacity).added(capacity, {}, "post_training.0.steps")
    assert added == {"workers": 1, "sections": ["post-training"]}


def test_the_layout_of_an_answer_is_pinned() -> None:
    strategy = dict.fromkeys(("tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch"), 1)
    strategy |= dict.fromkeys(
        ("sharding", "recompute", "recompute_layers", "sequence_parallel", "offload"), 0
    )
    document: dict[str, Any] = {"inputs": {"question": "days"}, "result": {"plan": {"strategy": strategy}}}
    layout = profile_of(QUESTIONS["train"]).layout
    assert layout(document) == strategy
    document["inputs"]["question"] = "gpus"
    assert set(strategy) - set(layout(document)) == {"dp"}
    replica = {"tp": 4, "pp": 1, "dp": 2, "ep": 8}
    served: dict[str, Any] = {"mode": "aggregated", "layouts": [replica]}
    document = {"inputs": {}, "result": {"plan": {"deployment": served}}}
    layout = profile_of(QUESTIONS["serve"]).layout
    assert layout(document) == {"mode": "aggregated", **replica}
    served["layouts"] = [replica, {**replica, "tp": 8}]
    assert layout(document) == {"mode": "aggregated"}
    assert layout({"result": {"plan": None}}) == {}
    assert not profile_of(QUESTIONS["mix"]).lays_out


@pytest.mark.parametrize(
    ("plan", "used", "ends", "basis"),
    [
        (
            {"interval_class": "x", "step_time_s": {"value": 2.0, "low": 1.0, "high": 3.0}},
            ("calibration", "training"),
            (0.5, 1.5),
            "class x",
        ),
        (
            {"interval_class": "y", "output_tokens_per_s": {"value": 2.0, "low": 1.0, "high": 4.0}},
            ("serving-calibration", "serving"),
            (0.5, 2.0),
            "class y",
        ),
        ("feasible", ("calibration", "training"), None, "all classes together"),
        (None, ("serving-calibration", "serving"), None, "all classes together"),
    ],
)
def test_the_estimator_is_as_wide_as_the_answer_or_all_classes_say(
    book: Catalog, plan: Any, used: tuple[str, str], ends: tuple[float, float] | None, basis: str
) -> None:
    document = {"inputs": {}, "result": {"plan": plan}}
    one = estimator_of(Answered(document=document, used=(used,), book=book))
    assert one is not None
    assert one.basis == basis
    low, high = one.stated
    assert (low, high) == ends if ends else low < 1.0 < high
    assert one.settings[0].ask.overrides == (f"{'.'.join(used)}.correction={low!r}",)


def test_without_an_estimator_there_is_no_bar_of_it(book: Catalog) -> None:
    assert estimator_of(Answered(document={"inputs": {}, "result": {}}, used=USED, book=book)) is None
