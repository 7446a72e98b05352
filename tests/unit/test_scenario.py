"""Scenarios: what they take, everything that is wrong with one at once, and where its paths start."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError, MissingExtraError, UnknownNameError, UsageError
from planner.plan.scenario.check import mistakes_in, ready
from planner.plan.scenario.read import read_document
from planner.workload.scenario import Scenario

SMALL = {"command": "train", "inputs": {"model": "llama-3.1-8b", "gpu": "h100-sxm", "gpus": 64, "top": 0}}


def refusal(scenario: object, **inputs: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        planner.run(scenario, **inputs)
    assert pickle.loads(pickle.dumps(caught.value)).mistakes == caught.value.mistakes  # noqa: S301
    return list(caught.value.mistakes)


def test_all_mistakes_of_a_file_are_listed_by_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "id: Bad One\nname: x\ncommand: train\ninputs:\n  modle: llama-3.1-8b\n  gpus: -4\n  days: lots\n"
        "  cluster: colossus-9\n  exhaustive: 1\nset: [accelerator.memory.bandwith=3]\nfrob: 1\n",
        encoding="utf-8",
    )
    found = [line.removeprefix(f"{tmp_path}/") for line in refusal(file)]
    assert [line.split(": ")[:2] for line in found] == [
        ["bad.yaml:1", "id"],
        ["bad.yaml:4", "inputs.model"],
        ["bad.yaml:5", "inputs.modle"],
        ["bad.yaml:6", "inputs.gpus"],
        ["bad.yaml:7", "inputs.days"],
        ["bad.yaml:9", "inputs.exhaustive"],
        ["bad.yaml:10", "set.0"],
        ["bad.yaml:11", "frob"],
    ]
    assert "did you mean 'model'?" in found[2]
    assert "'bandwidth'" in found[6]
    # a name may be in the catalog that could not be opened; once it can, the name is refused as well
    file.write_text(file.read_text(encoding="utf-8").replace("bandwith", "bandwidth"), encoding="utf-8")
    assert any("unknown cluster 'colossus-9'. Did you mean 'colossus-" in line for line in refusal(file))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"model": "lama-3.1-8b"}, "inputs.model: unknown model 'lama-3.1-8b'. Did you mean 'llama-3.1-8b'"),
        ({"gpu": "hgx-h10"}, "inputs.gpu: unknown accelerator 'hgx-h10'."),
        ({"tokens": "-1T"}, "inputs.tokens: '-1T' must be positive and at most 1e+18; for example 15.6T"),
        ({"days": 0}, "inputs.days: 0 must be positive and at most 1,000,000 days"),
        ({"price": 2.35}, "inputs.price: in what? Write '$2.35/h', in US dollars per hour"),
        ({"power_cap": "300"}, "inputs.power_cap: '300' has no unit"),
        ({"site": "mars"}, "inputs.site: unknown site 'mars'."),
        ({"gpus": "many"}, "inputs.gpus: 'many' does not start with a number"),
    ],
)
def test_values_that_cost_nothing_to_look_at_are_refused_before(
    changed: dict[str, Any], sentence: str
) -> None:
    data = {"command": "train", "inputs": SMALL["inputs"] | changed}  # type: ignore[operator]
    (mistake,) = refusal(data)
    assert mistake.startswith(f"scenario: {sentence}")
    (beside,) = refusal(SMALL, **changed)
    assert beside.startswith(f"--with {sentence.removeprefix('inputs.')}")


@pytest.mark.parametrize(
    ("command", "inputs", "wrong"),
    [
        ("serve", {"model": "llama-3.1-8b", "gpus": "2G", "ttft": "fast", "tpot": "none", "users": 0}, 3),
        ("serve", {"model": "llama-3.1-8b", "spares": -1, "percentile": "p200", "isl": "x", "osl": 5}, 3),
        ("distill", {"student": "lama", "students": 0.5, "teacher_tokens": "-3T", "mode": "all"}, 3),
        ("budget", {"deal": "cursor-1b", "gpu_hours": -3, "usd": "10B"}, 2),
        ("cluster size", {"budget": "10B", "power": "3", "h100e": "1M"}, 2),
    ],
)
def test_every_question_lists_its_mistakes_at_once(command: str, inputs: dict[str, Any], wrong: int) -> None:
    assert len(refusal({"command": command, "inputs": inputs})) == wrong


def test_what_the_question_refuses_is_placed_at_the_input_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "conflict.yaml"
    file.write_text(
        "command: train\ninputs:\n  model: llama-3.1-8b\n  gpu: h100-sxm\n  cluster: colossus-1\n",
        encoding="utf-8",
    )
    assert refusal(file)[0].startswith(f"{file}:5: inputs.cluster: --cluster and --gpu exclude each other")
    assert refusal(SMALL, cluster="colossus-1")[0].startswith("--with cluster: --cluster and --gpu")
    nowhere = {"command": "train", "inputs": {"model": "llama-3.1-8b"}}
    assert refusal(nowhere)[0].startswith("scenario: command: say on what: --cluster NAME")


def test_a_model_may_be_spelled_out_or_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text("id: model\nname: x\nfoo: 1\n", encoding="utf-8")
    file = tmp_path / "s.yaml"
    file.write_text("command: train\ninputs: {model: model.yaml, gpu: h100-sxm, gpus: 8}\n", encoding="utf-8")
    assert [Path(one.split(":")[0]).name for one in refusal(file)] == ["model.yaml", "model.yaml"]
    config = {"model_type": "llama", "hidden_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8,
              "vocab_size": 32000, "intermediate_size": 2048}  # fmt: skip
    spelled = {"command": "train", "inputs": {"model": config, "gpu": "h100-sxm", "gpus": 8, "tokens": "1B"}}
    assert planner.run(spelled).plan.gpus_used == 8
    del config["vocab_size"]
    assert refusal(spelled)[0] == "scenario: inputs.model: config.json: vocab_size: is missing; add it"


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    [
        ({}, "scenario: command: required field missing; add it"),
        ({"command": "trian"}, "scenario: command: unknown command 'trian'; did you mean 'train'?"),
        (
            {"command": "zzz"},
            "scenario: command: unknown command 'zzz'; a scenario asks one of train, ",
        ),
        ({"command": "train", "inputs": [1]}, "scenario: inputs: expected fields"),
        ({"command": "train", "note": 5}, "scenario: note: expected text, found 5; write it in quotes"),
        (17, "a scenario is a name, a path or a mapping, not int"),
    ],
)
def test_what_is_no_scenario_is_refused(scenario: object, sentence: str) -> None:
    assert refusal(scenario)[0].startswith(sentence)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'colossus-1-train'"):
        planner.run("colosus-1-train")


def test_a_mapping_a_file_and_a_record_ask_the_same(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(
        "command: train\ninputs: {model: llama-3.1-8b, gpu: h100-sxm, gpus: 64, top: 0}\n", encoding="utf-8"
    )
    record = Scenario.model_validate({"id": "a", "name": "b", **SMALL})
    direct = planner.train("llama-3.1-8b", gpu="h100-sxm", gpus=64, top=0)
    for scenario in (SMALL, file, str(file), record):
        answer = planner.run(scenario)
        assert (answer.inputs, answer.plan) == (direct.inputs, direct.plan)
    assert planner.run(SMALL, gpus=None, days=100, tokens="1T").inputs.question == "gpus"


def test_what_it_changes_in_the_catalog_lies_beneath_what_the_caller_changes() -> None:
    scenario = SMALL | {"set": ["accelerator.h100-sxm.flops.bf16=*0.5"]}
    slow, plain = planner.run(scenario), planner.run(SMALL)
    assert slow.plan.step_time_s.value > 1.5 * plain.plan.step_time_s.value
    assert slow.inputs.overrides == ("accelerator.h100-sxm.flops.bf16=*0.5",)
    again = planner.run(scenario, set="accelerator.h100-sxm.flops.bf16=*2")
    assert again.plan.step_time_s.value == pytest.approx(plain.plan.step_time_s.value, rel=1e-3)
    with pytest.raises(UsageError, match="give overlay directories as the catalog"):
        planner.run(scenario, catalog=Catalog())
    assert planner.run(SMALL, catalog=Catalog()).plan == plain.plan


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "records" / "workloads" / "scenarios").mkdir(parents=True)
    (folder / "model.yaml").write_text("id: mine\n", encoding="utf-8")
    file = folder / "s.yaml"
    file.write_text(
        "command: train\ninputs: {model: model.yaml, gpu: h100-sxm}\ncatalog: [records]\n", encoding="utf-8"
    )
    one = ready(*read_document(file, Catalog()))
    assert Path(one.inputs["model"]).resolve() == (folder / "model.yaml").resolve()
    assert one.overlays[0].resolve() == (folder / "records").resolve()
    (folder / "llama-3.1-8b").mkdir()  # what has the name of a model is no file because it lies there
    file.write_text("command: train\ninputs: {model: llama-3.1-8b}\n", encoding="utf-8")
    assert ready(*read_document(file, Catalog())).inputs["model"] == "llama-3.1-8b"
    file.write_text("command: train\ninputs: {model: llama-3.1-8b}\ncatalog: [recods]\n", encoding="utf-8")
    assert "s.yaml:3: catalog.0: " in refusal(file)[0]


def test_what_is_wrong_in_a_set_of_jobs_is_said_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "command: mix\ninputs:\n  cluster: h100-sxm:64\n  jobs:\n    jobs:\n      - name: run\n"
        "        kind: pretraining\n        model: llama-3.1-8b\n        tokns: 3T\n",
        encoding="utf-8",
    )
    assert [one.removeprefix(f"{file}:").split(": ")[0] for one in refusal(file)] == ["6", "9"]
    assert "did you mean 'tokens'" in refusal(file)[1]
    jobs = {"jobs": [{"name": "run", "kind": "pretraining", "model": "llama-3.1-8b", "tokns": "3T"}]}
    spelled = {"command": "mix", "inputs": {"cluster": "h100-sxm:64", "jobs": jobs}}
    assert all(one.startswith("scenario: jobs.0") for one in refusal(spelled))
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"a": deep}
    assert refusal({"command": "train", "inputs": deep}) == ["scenario: nested more than 32 deep; flatten it"]


def test_names_that_say_more_than_a_record(tmp_path: Path) -> None:
    inputs = {"model": "dense:1T", "cluster": "colossus-1/hgx-h100"}
    one = ready(*read_document({"command": "train", "inputs": inputs}, Catalog()))
    assert one.inputs == inputs
    assert refusal(one.record, model="dens:1T", cluster="colosus-1/hgx-h100") == [
        "--with model: unknown shape 'dens'. Did you mean 'dense'? List them: planner catalog list shape",
        "--with cluster: unknown cluster 'colosus-1'. Did you mean 'colossus-1', 'colossus-s1' or "
        "'colossus-1m'? List them: planner catalog list cluster",
    ]
    assert "does not start with a number" in refusal(one.record, model="dense:big")[0]
    times = {"command": "frontier", "inputs": {"cluster": "colossus-1m", "days": "30, 90"}}
    assert ready(*read_document(times, Catalog())).inputs["days"] == "30, 90"
    assert refusal(times, days="30,lots")[0].startswith("--with days: 'lots' does not start with a number")
    assert refusal(times, days=[30, -1])[0].startswith("--with days: -1 must be positive")


def test_the_linter_finds_what_a_shipped_scenario_could_not_ask(tmp_path: Path) -> None:
    folder = tmp_path / "workloads" / "scenarios"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        "id: mine\nname: m\ncommand: train\ninputs:\n  modle: x\n", encoding="utf-8"
    )
    catalog = Catalog((tmp_path,))
    assert [line.rpartition("mine.yaml:")[2].split(": ")[0] for line in mistakes_in(catalog, tmp_path)] == [
        "4",
        "5",
    ]
    assert mistakes_in(catalog, tmp_path / "workloads") == mistakes_in(catalog, tmp_path)


def test_a_missing_extra_is_no_mistake_of_the_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is that of the command itself, and there is no line to mend."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "scipy" else found(name, *more)
    )
    with pytest.raises(MissingExtraError, match=r"^planner mix needs the extra 'solve'.*planner\[solve\]'$"):
        planner.run("shared-h100")
