"""Every class of bad input: its exit code, a sentence with a mend on stderr, nothing on stdout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.cli.commands import catalog_list
from planner.cli.failures import report
from planner.errors import InfeasibleError, MissingExtraError

Run = Callable[..., Any]

USAGE = [
    (["frobnicate"], "No such command"),
    (["trian"], "Did you mean 'train'"),
    (["catalog", "shwo"], "Did you mean 'show'"),
    (["catalog", "list", "--jsn"], "No such option"),
    (["catalog", "show"], "Missing argument"),
    (["catalog", "show", "accelerator"], "which accelerator?"),
    (["catalog", "list", "--json", "--csv"], "choose one of them"),
    (["catalog", "list", "--format", "githob"], "did you mean 'github'"),
    (["catalog", "lint", "--csv", "--format", "latex"], "choose one of them"),
    (["model", "show", "llama-3.1-405b", "--seq-len", "many"], "--seq-len"),
    (["--set", "nonsense", "catalog", "list"], "expected KIND[.ID].FIELD=VALUE"),
    (["catalog", "list", "accelerator", "--set"], "requires an argument"),
]
INPUT = [
    (["catalog", "list", "acelerator"], "Did you mean 'accelerator'"),
    (["catalog", "show", "accelerator", "h1000-sxm"], "Did you mean"),
    (["catalog", "show", "h100-sxn"], "Did you mean"),
    (["catalog", "show", "accelerator", "x" * 5000], "unknown accelerator"),
    (["catalog", "show", "../../etc/passwd"], "no record is called"),
    (["catalog", "sources", "arxiv-2407.2178"], "Did you mean"),
    (["model", "show", "llama-3.1-405"], "Did you mean"),
    (["model", "show", "llama-3.1-405b", "--seq-len", "0"], "give 1 to"),
    (["model", "show", "llama-3.1-405b", "--seq-len", "-5"], "give 1 to"),
    (["model", "show", "llama-3.1-405b", "--kv-precision", "bf61"], "Did you mean 'bf16'"),
    (["schema", "acelerator"], "Did you mean 'accelerator'"),
    (["--catalog", "no/such/dir", "catalog", "list"], "no such catalog directory"),
    (["-s", "accelerator.memory.bandwith=4 TB/s", "catalog", "list"], "Did you mean 'bandwidth'"),
    (["-s", "accelrator.memory.bandwidth=4 TB/s", "catalog", "list"], "Did you mean 'accelerator'"),
    (["-s", "accelerator.memory.bandwidth=4 GB", "catalog", "show", "accelerator", "h100"], "measures"),
    (["-s", "accelerator.memory.bandwidth=nan", "catalog", "show", "accelerator", "h100"], "not a finite"),
    (
        ["-s", "accelerator.memory.bandwidth=-1 TB/s", "catalog", "show", "accelerator", "h100"],
        "more than zero",
    ),
    (["model", "import", "-", "--id", "Not An Id"], "for example not-an-id"),
]
UNREADABLE = [
    (["model", "import", "no/such/config.json"], "cannot be read"),
    (["model", "show", "no/such/config.json"], "cannot be read"),
    (["model", "import", "."], "cannot be read"),
    (["catalog", "list", "-o", "no/such/dir/x.json"], "there is no directory"),
    (["catalog", "list", "-o", "."], "cannot be written"),
    (["catalog", "list", "-o", ""], "cannot be written"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [(a, code, m) for code, cases in ((2, USAGE), (3, INPUT), (5, UNREADABLE)) for a, m in cases],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_bad_input(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, stdin="{}")
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert "Error: " in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert len(result.stderr) < 6000


HOSTILE = {
    "nothing": b"",
    "blank": b" \n",
    "not json": b"{'a': 1}",
    "truncated": b'{"model_type": "llama", "hidden_size": ',
    "a list": b"[1, 2]",
    "deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep list": b'{"model_type": ' + b"[" * 200_000,
    "huge number": b'{"model_type": "llama", "hidden_size": ' + b"9" * 5000 + b"}",
    "exponent": b'{"model_type": "llama", "hidden_size": 1e999}',
    "not a number": b'{"model_type": "llama", "hidden_size": NaN}',
    "negative": json.dumps({"model_type": "llama", "hidden_size": -1}).encode(),
    "fraction": json.dumps({"model_type": "llama", "hidden_size": 0.5}).encode(),
    "wrong types": json.dumps({"model_type": ["llama"], "hidden_size": {}}).encode(),
    "unknown type": json.dumps({"model_type": "lama"}).encode(),
    "key twice": b'{"model_type": "llama", "model_type": "llama"}',
    "utf-16": '{"model_type": "llama"}'.encode("utf-16"),
    "not utf-8": b'{"model_type": "\xff"}',
    "null byte": b'{"model_type": "llama\x00"}',
    "surrogate": b'{"model_type": "\\ud800"}',
    "escape": b'{"model_type": "\\u001b[31mred"}',
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("command", ["import", "show"])
def test_hostile_configurations(run: Run, name: str, command: str) -> None:
    result = run("model", command, "-", stdin=HOSTILE[name])
    assert result.exit_code == 3, result.stdout
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr) < 6000


@pytest.mark.parametrize(
    "text",
    [
        b"a: [1, 2\n",
        b"a: &x 1\nb: *x\n",
        b"a: 1\na: 2\n",
        b"\xff\xfe",
        b"id: x\n" + b"- [" * 5000,
        b"a: .nan\n",
    ],
)
def test_hostile_records(run: Run, text: bytes) -> None:
    result = run("model", "show", "-", stdin=text)
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: standard input:")


def test_all_mistakes_of_a_record_come_at_once(run: Run, root: Path) -> None:
    path = root / "hardware/accelerators/chip-a.yaml"
    path.write_text(path.read_text().replace("3.35 TB/s", "fast").replace("700 W", "700 GB"))
    result = run("--catalog", str(root), "catalog", "show", "chip-a")
    assert result.exit_code == 3
    assert result.stderr.count("chip-a.yaml:") == 2


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InfeasibleError("nothing fits; use 16 GPUs"), 4, "Error: nothing fits; use 16 GPUs"),
        (MissingExtraError("solve", "planner mix"), 2, "pip install 'planner[solve]'"),
        (MemoryError(), 1, "out of memory"),
        (RecursionError(), 3, "nested too deeply"),
        (PermissionError(13, "Permission denied", "/secret"), 5, "/secret: Permission denied"),
        (ZeroDivisionError("division by zero"), 1, "internal error: ZeroDivisionError"),
        (KeyboardInterrupt(), 130, "Interrupted"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_goes_wrong_inside(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    monkeypatch.setattr(catalog_list, "_kinds", failing(error))
    result = run("catalog", "list")
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["--debug", "catalog", "list"], ["catalog", "list", "--debug"]])
def test_debug_shows_the_traceback(run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setattr(catalog_list, "_kinds", failing(ZeroDivisionError("division by zero")))
    result = run(*arguments)
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.rstrip().endswith("report what it prints.")


def test_typers_own_errors_are_left_to_it() -> None:
    import typer

    assert report(typer.BadParameter("no"), debug=False) is None
    assert report(typer.Exit(3), debug=False) is None


def test_infeasible_is_an_answer_and_no_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from planner.cli.output import Answer

    def nothing(_: object) -> Answer:
        return Answer(document={"result": {"plan": None}}, text="No plan", exit_code=4)

    monkeypatch.setattr(catalog_list, "_kinds", nothing)
    result = run("catalog", "list", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (4, {"result": {"plan": None}})
    assert run("catalog", "list").stdout == "No plan\n"
