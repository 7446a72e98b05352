"""Architectures that grow with their parameters resemble the models they are taken from."""

from __future__ import annotations

from typing import Any

import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError
from planner.plan.model_input import read_model_record
from planner.workload.counts import ParameterCounts, parameters
from planner.workload.kinds import MODEL, SHAPE
from planner.workload.shape import Shape, shaped


@pytest.fixture(scope="module")
def book() -> Catalog:
    return Catalog()


def counts(book: Catalog, name: str) -> ParameterCounts:
    return parameters(book.get(MODEL, name).architecture)


@pytest.mark.parametrize("known", ["llama-3-8b", "llama-3-70b", "llama-3.1-405b"])
def test_dense_at_a_size_of_llama_3_is_built_like_it(book: Catalog, known: str) -> None:
    llama = book.get(MODEL, known).architecture
    total = counts(book, known).total
    grown = shaped(book.get(SHAPE, "dense"), parameters=total).architecture
    assert parameters(grown).total == pytest.approx(total, rel=0.01)
    assert grown.hidden == pytest.approx(llama.hidden, rel=0.15)
    assert grown.depth == pytest.approx(llama.depth, rel=0.15)
    assert grown.attention is not None
    assert grown.attention.kv_heads == 8
    assert grown.vocab == llama.vocab
    assert not grown.tied_embeddings


@pytest.mark.parametrize(
    ("shape", "known", "experts"), [("moe", "deepseek-v3", 256), ("moe-sparse", "kimi-k2", 384)]
)
def test_a_mixture_at_a_known_size_is_built_like_it(
    book: Catalog, shape: str, known: str, experts: int
) -> None:
    model = book.get(MODEL, known).architecture
    expected = counts(book, known)
    grown = shaped(book.get(SHAPE, shape), parameters=expected.active).architecture
    found = parameters(grown)
    assert found.active == pytest.approx(expected.active, rel=0.01)
    assert found.total == pytest.approx(expected.total, rel=0.15)
    assert (grown.hidden, model.hidden) == (7168, 7168)
    assert abs(grown.depth - model.depth) <= 6
    assert grown.moe is not None
    assert grown.moe.experts == experts
    assert grown.attention is not None
    assert model.attention is not None
    assert grown.attention.heads == pytest.approx(model.attention.heads, abs=8)


def test_small_models_tie_a_small_vocabulary(book: Catalog) -> None:
    small = shaped(book.get(SHAPE, "dense"), parameters=1e8).architecture
    assert small.tied_embeddings
    assert small.vocab * small.hidden < 0.4e8


def test_ids_and_names_say_the_size(book: Catalog) -> None:
    dense = shaped(book.get(SHAPE, "dense"), parameters=2.154e12)
    mixture = shaped(book.get(SHAPE, "moe"), parameters=37e9, name="mine")
    assert (dense.id, dense.name) == ("dense-2.15t", "Dense, after Llama 3, 2.15T")
    assert (mixture.id, mixture.name) == ("moe-37b", "mine")
    assert dense.cite is not None


@pytest.mark.parametrize("wrong", [0.0, -1e9, 9e7, 1.1e14, float("nan")])
def test_sizes_out_of_range_are_refused(book: Catalog, wrong: float) -> None:
    with pytest.raises(InputError, match=r"grow from 100M to 100T parameters, found .*; choose"):
        shaped(book.get(SHAPE, "dense"), parameters=wrong)


def test_a_question_takes_a_shape_with_its_size(book: Catalog) -> None:
    record, notes = read_model_record(book, "dense:405B")
    assert record.id == "dense-405b"
    assert notes == ()
    assert read_model_record(book, "kimi-k2-like:32.9B")[0].id == "moe-sparse-32.9b"
    with pytest.raises(UnknownNameError, match="dens"):
        read_model_record(book, "dens:405B")
    with pytest.raises(InputError):
        read_model_record(book, "dense:many")


def test_beyond_published_sizes_is_said(book: Catalog) -> None:
    _, notes = read_model_record(book, "dense:2T")
    assert len(notes) == 1
    assert "have 1.2B to 405B parameters: one of 2T continues its rule" in notes[0]
    assert book.get(SHAPE, "moe").beyond(37e9) is None


def test_activation_and_granularity(book: Catalog) -> None:
    assert book.get(SHAPE, "dense").activation == 1.0
    mixture = book.get(SHAPE, "moe")
    assert mixture.activation == pytest.approx(9 / 257)
    assert mixture.granularity == pytest.approx(2 * 7168 / 2048, rel=1e-3)
    assert (mixture.counted, book.get(SHAPE, "dense").counted) == ("active", "all")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"embeddings": [{"vocab": 10, "below": 5}]}, "only the last has no below"),
        ({"experts": {"routed": 4, "top_k": 8}}, "top_k is more than experts.routed"),
        ({"attention": {"kind": "mla", "width": 1, "head_dim": 128}}, "needs query_rank, kv_lora, qk_rope"),
    ],
)
def test_a_wrong_shape_is_refused(change: dict[str, Any], said: str) -> None:
    cite = {"source": "s", "at": "p", "kind": "datasheet"}
    given: dict[str, Any] = {
        "id": "x", "name": "x", "cite": cite, "aspect": 100, "ffn": 4,
        "attention": {"kind": "gqa", "width": 1, "head_dim": 128, "kv_heads": 8},
        "embeddings": [{"vocab": 100}], "built": {"low": "1B", "high": "2B"},
    }  # fmt: skip
    assert Shape.model_validate(given).counted == "all"
    with pytest.raises(ValueError, match=said):
        Shape.model_validate(given | change)


@pytest.mark.parametrize("size", ["", "nan", "5GB", "big"])
def test_a_size_that_is_none_names_the_model(book: Catalog, size: str) -> None:
    with pytest.raises(
        InputError, match=f"^model 'dense:{size}': .*; write its parameters, as in dense:70B$"
    ):
        read_model_record(book, f"dense:{size}")
