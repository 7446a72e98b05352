"""Laws of exported layouts: no layer is lost, whatever the stages."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from planner.plan.export.hosts import spread
from planner.plan.export.shape import pattern
from planner.plan.export.training import chunk_layers, layout_text


def unfolded(text: str) -> str:
    """Write the repetitions of a layout out."""
    return re.sub(r"\(([^()]*)\)\*(\d+)", lambda match: match[1] * int(match[2]), text)


@given(pp=st.integers(1, 32), vpp=st.integers(1, 8), more=st.integers(0, 200), mtp=st.integers(0, 2))
def test_chunks_hold_all_layers_and_the_text_says_them(pp: int, vpp: int, more: int, mtp: int) -> None:
    layers = pp * vpp + more
    chunks = chunk_layers(layers=layers, pp=pp, vpp=1 if pp == 1 else vpp)
    assert sum(chunks) == layers
    text = unfolded(layout_text(chunks, mtp=mtp))
    assert text.startswith("E")
    assert text.endswith("m" * mtp + "L")
    assert [stage.count("t") for stage in text.split("|")] == chunks


@given(pp=st.integers(2, 16), vpp=st.integers(1, 6), each=st.integers(1, 6))
def test_layers_that_divide_evenly_are_alike(pp: int, vpp: int, each: int) -> None:
    chunks = chunk_layers(layers=pp * vpp * each, pp=pp, vpp=vpp)
    assert all(one == other for one, other in pairwise(chunks))


@given(marks=st.lists(st.booleans(), min_size=1, max_size=100))
def test_a_pattern_evaluates_to_the_layers(marks: list[bool]) -> None:
    text = pattern(marks)
    assert re.fullmatch(r"[][0-9,+*()]+", text)
    assert eval(text) == [int(mark) for mark in marks]  # noqa: S307 (digits and brackets only)


@given(gpus=st.integers(1, 5000), host=st.integers(1, 72))
def test_hosts_hold_all_accelerators_evenly(gpus: int, host: int) -> None:
    nodes, each = spread(gpus, host)
    assert nodes * each == gpus
    assert each <= host
