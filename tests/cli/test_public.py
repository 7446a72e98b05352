"""The library's front door: complete, sorted, and what the annotations say it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import planner


def test_all_is_sorted_and_complete() -> None:
    assert list(planner.__all__) == sorted(planner.__all__)
    assert set(planner.__all__) == {*planner._HOMES, *planner._NAMESPACES, "__version__"}
    assert set(planner.__all__) <= set(dir(planner))


@pytest.mark.parametrize("name", planner.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(planner, name)
    assert name == "__version__" or value.__doc__


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(str(planner.__file__)).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == planner._HOMES | dict.fromkeys(planner._NAMESPACES, "planner")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        planner.trian  # noqa: B018
