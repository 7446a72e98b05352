"""What a side of a comparison may say, and what is said of one that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError, UsageError
from planner.plan.compare.grammar import read_side
from planner.plan.compare.names import common_kind, kinds_of


@pytest.fixture(scope="module")
def book() -> Catalog:
    return Catalog()


def test_words_of_a_side() -> None:
    found = read_side("gb200 tp8 PP16 mb2 zero3 gpus=1024 precision=fp8 set:accelerator.gb200.power.tdp=*0.9")
    assert (found.name, found.said) == ("gb200", None)
    assert found.layout == {"tp": 8, "pp": 16, "micro_batch": 2, "sharding": "zero3"}
    assert found.inputs == {"gpus": 1024, "precision": "fp8"}
    assert found.overrides == ("accelerator.gb200.power.tdp=*0.9",)


def test_an_input_left_open_and_a_kind_put_before_a_name() -> None:
    assert read_side("tokens= seq-len=8k").inputs == {"tokens": None, "seq_len": "8k"}
    found = read_side("cluster:colossus-1m")
    assert (found.name, found.said) == ("colossus-1m", "cluster")
    assert read_side("gb200:1024").name == "gb200:1024"
    assert read_side("gpu:gb200").said == "accelerator"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("gb200 h100-sxm", "a side has one name"),
        ("tp8 tp16", "gives tp twice"),
        ("gpus=1 gpus=2", "gives gpus twice"),
        ("=5", "write NAME=VALUE"),
        ("x" * 500, "400 are the most"),
    ],
)
def test_a_side_that_cannot_be_read(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_side(text)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("colossus-1m", ("scenario", "cluster")),
        ("million-h100", ("cluster",)),
        ("colossus-1/hgx-h100", ("cluster",)),
        ("gb200:72", ("cluster",)),
        ("gb200-nvl72", ("accelerator",)),
        ("llama-3.1-8b", ("model",)),
        ("dense:2T", ("model",)),
        ("million-h100-llama", ("scenario",)),
        ("scenario:colossus-1m", ("scenario",)),
    ],
)
def test_what_a_name_is(book: Catalog, text: str, kinds: tuple[str, ...]) -> None:
    assert kinds_of(book, read_side(text)) == kinds


def test_a_name_that_is_nothing_gets_what_was_meant(book: Catalog) -> None:
    with pytest.raises(InputError, match=r"did you mean 'h100-sxm'"):
        kinds_of(book, read_side("h100-sxmm"))
    with pytest.raises(InputError, match=r"unknown cluster 'colossus-9'"):
        kinds_of(book, read_side("cluster:colossus-9"))


def test_the_kind_that_all_sides_are(book: Catalog) -> None:
    def kind(*texts: str) -> str:
        return common_kind(book, [read_side(text) for text in texts])

    # A scenario whose question is not compared gives way to the cluster of its name.
    assert kind("colossus-1m", "colossus-2") == "cluster"
    assert kind("colossus-1", "gb200:1000") == "cluster"
    assert kind("million-h100-llama", "colossus-2-train") == "scenario"
    assert kind("h100-sxm", "gb200-nvl72") == "accelerator"


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("million-h100", "llama-3.1-8b"), "are of different kinds"),
        (("llama-3.1-8b", "llama-3.1-70b"), "add --gpu and --gpus"),
        (("tp8", "tp4"), "add --of SCENARIO"),
        (("million-h100",), "needs two sides"),
        (("million-h100-llama", "colossus-1m-serve"), "compare scenarios that ask the same"),
    ],
)
def test_sides_that_are_not_compared(names: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        planner.compare(*names)


def test_a_name_that_is_two_things_beside_a_question(tmp_path: Path) -> None:
    folder = tmp_path / "hardware" / "clusters"
    folder.mkdir(parents=True)
    (folder / "gb200.yaml").write_text(
        "id: gb200\nname: A cluster by the name of a part\n"
        "groups: [{system: hgx-h100, fabric: infiniband-ndr, accelerators: 64}]\n"
        "cite: {source: planner-assumption, at: a test, kind: estimate}\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match=r"write cluster:gb200 or gpu:gb200"):
        planner.compare("gb200", "h100-sxm", model="llama-3.1-8b", gpus=8, catalog=tmp_path)


def test_inputs_that_the_question_does_not_have() -> None:
    with pytest.raises(InputError, match=r"gpuz=9: gpuz: unknown input; did you mean 'gpu'") as caught:
        planner.compare("gpuz=9", "daze=3", of="llama-70b-qlora")
    assert len(caught.value.mistakes) == 2
    with pytest.raises(InputError, match=r"--users: training runs have none; add --serve"):
        planner.compare("h100-sxm", "gb200", model="llama-3.1-8b", users="1M")
    with pytest.raises(UsageError, match=r"vary it with --of colossus-2-train"):
        planner.compare("colossus-2-train", "gpus=8", of="million-h100-llama")
    with pytest.raises(InputError, match=r"gpus=8: gpus: unknown input; the inputs here are name, site"):
        planner.compare("gpus=8", "gpus=16", of="colossus-2-show")
