"""Records of launchers: none may forget a fact, and what they write is safe for a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.workload.kinds import LAUNCHER

SHIPPED = Catalog().roots[0] / LAUNCHER.folder


def overlay(tmp_path: Path, name: str, **changed: Any) -> Path:
    """Write a launcher of our own: a shipped one with fields changed; None leaves one out."""
    record = yaml.safe_load((SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"))
    settings = record["settings"] | changed.pop("settings", {})
    record |= {"id": "mine", "aliases": []} | changed
    record["settings"] = {fact: one for fact, one in settings.items() if one is not None}
    folder = tmp_path / LAUNCHER.folder
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(yaml.safe_dump(record, sort_keys=False), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"settings": {"tp": None}}, "nothing is said of tp; add each to settings or to unsaid"),
        ({"settings": {"warp": {"flag": "--warp"}}}, "no fact of serve is called warp; there are"),
        ({"unsaid": {"tp": "it cannot"}}, "tp: in settings and in unsaid; keep one"),
        ({"shape": True}, "a service reads the model from its checkpoint"),
        ({"settings": {"tp": {"flag": "--tp", "arguments": {}}}}, "give one of flag, arguments and values"),
        ({"settings": {"tp": {"arguments": {}, "but": {"1": {}}}}}, "but goes with flag"),
        (
            {"settings": {"kv": {"values": {"fp16": {}}, "nearest": {"fp8": "fp4"}}}},
            "nearest leads to fp4, which values lacks",
        ),
    ],
)  # fmt: skip
def test_a_record_that_forgets_a_fact_is_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    root = overlay(tmp_path, "vllm", **changed)
    with pytest.raises(InputError, match=message):
        Catalog((root,)).get(LAUNCHER, "mine")


def test_a_launcher_of_ones_own_is_used(tmp_path: Path) -> None:
    root = overlay(
        tmp_path,
        "vllm",
        program=["my-engine", "$MODEL"],
        settings={"tp": {"flag": "--ways", "but": {"1": {}}}},
    )
    asked = {"model": "llama-3.1-8b", "accelerator": "h100-sxm", "gpus": 8, "traffic": "chat"}
    scenario = {"command": "serve", "inputs": asked | {"tp": 2, "mode": "aggregated"}}
    result = planner.export("mine", scenario, catalog=root)
    assert result.result.commands[0].words[:4] == ("my-engine", "$MODEL", "--ways", "2")
    assert (
        "--ways" not in planner.export("mine", scenario | {"inputs": asked | {"tp": 1}}, catalog=root).script
    )


def test_names_of_an_answer_cannot_run_in_a_shell() -> None:
    answer = planner.serve(
        "llama-3.1-8b", accelerator="h100-sxm", gpus=8, traffic="chat", top=0, pareto=False
    )
    document = answer.to_dict()
    document["inputs"]["model"] = "$(touch x)\n`id`; ls"
    result = planner.export("tensorrt-llm", document)
    file = result.result.commands[0].file
    assert file is not None
    assert file.name.startswith("-touch-x-id-ls-")
    code = [line for line in result.script.splitlines() if not line.startswith("#")]
    assert not [line for line in code if "$(" in line or "`" in line]
