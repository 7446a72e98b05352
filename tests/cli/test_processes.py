"""Contracts between processes: pipes, signals, devices, environment variables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and signals as POSIX has them")


def test_stdout_is_data_and_stderr_is_talk(process: Run) -> None:
    done = process("catalog", "show", "h100-sxm", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["schema"] == "planner.catalog-show/1"
    assert done.stderr.startswith(b"Note: ")


def test_an_error_leaves_stdout_empty(process: Run) -> None:
    done = process("catalog", "show", "accelerator", "h1000", "--json")
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"Error: unknown accelerator 'h1000'. Did you mean 'h100'")


def test_stdin_by_a_dash(process: Run) -> None:
    config = {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config |= {"intermediate_size": 128, "vocab_size": 1000}
    done = process("model", "import", "-", "--id", "tiny", stdin=json.dumps(config).encode())
    assert done.returncode == 0
    assert done.stdout.startswith(b"id: tiny\n")
    shown = process("model", "show", "-", "--json", stdin=done.stdout)
    assert json.loads(shown.stdout)["result"]["hidden"] == 64


def test_closed_stdin_and_stdout(environment: Mapping[str, str]) -> None:
    def code(command: str) -> tuple[int, bytes]:
        done = subprocess.run(  # noqa: S602 (the shell closes the streams)
            command.replace("planner", f"'{sys.executable}' -m planner"),
            shell=True, env=dict(environment), stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    status, said = code("planner model import - <&-")
    assert status == 5
    assert b"standard input" in said
    status, said = code("planner catalog list >&-")
    assert status == 5
    assert b"standard output" in said
    assert b"Traceback" not in said


def test_a_reader_that_leaves_early_is_no_failure(environment: Mapping[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "planner", "model", "list", "--json"],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        said = running.stderr.read()
        assert running.wait() == 0
    assert said == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk(process: Run) -> None:
    with Path("/dev/full").open("wb") as full:
        done = process("catalog", "list", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 5
    assert done.stderr.startswith(b"Error: standard output: cannot be written: No space left on device")
    assert b"Exception ignored" not in done.stderr
    done = process("catalog", "list", "-o", "/dev/full")
    assert done.returncode == 5
    assert b"/dev/full: cannot be written" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written(process: Run, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    done = process("catalog", "list", "-o", "locked/x.json")
    assert done.returncode == 5
    assert b"Permission denied" in done.stderr


def test_a_file_holds_what_stdout_would(process: Run, tmp_path: Path) -> None:
    done = process("catalog", "list", "--json", "-o", "kinds.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"Wrote kinds.json\n")
    assert (tmp_path / "kinds.json").read_bytes() == process("catalog", "list", "--json").stdout
    assert process("catalog", "list", "-o", "/dev/stdout").stdout == process("catalog", "list").stdout


def test_an_interrupt_ends_with_130(environment: Mapping[str, str]) -> None:
    # The child says when it has begun to read, and waits for a configuration that never comes.
    script = """
import signal, sys, time, types
from planner.cli.app import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's children ignore it

def read(_):
    print("ready", flush=True)
    time.sleep(300)

sys.stdin = types.SimpleNamespace(buffer=types.SimpleNamespace(read=read))
sys.argv = ["planner", "model", "import", "-"]
main()
"""
    with subprocess.Popen(  # noqa: S603 (our own code)
        [sys.executable, "-c", script],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(signal.SIGINT)
        said = running.stderr.read()
        assert running.wait() == 130
    assert said == b"Interrupted\n"


@pytest.mark.parametrize(
    "env", [{"NO_COLOR": "1"}, {"FORCE_COLOR": "1", "GITHUB_ACTIONS": "true"}, {"TERM": "dumb"}]
)
def test_no_colour_codes_anywhere(process: Run, env: dict[str, str]) -> None:
    for arguments in (["--help"], ["catalog", "list"], ["catalog", "shwo"], ["train", "--help"]):
        done = process(*arguments, env=env)
        assert b"\x1b" not in done.stdout + done.stderr


def test_a_terminal_without_unicode_gets_what_it_can_show(process: Run) -> None:
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    people = process("catalog", "sources", env=env)
    assert people.returncode == 0
    people.stdout.decode("ascii")
    json.loads(process("catalog", "sources", "--json", env=env).stdout.decode("utf-8"))


def test_names_that_are_not_utf8_are_answered(process: Run) -> None:
    done = process("model", "show", os.fsdecode(b"llama-\xff"))
    assert done.returncode == 3
    assert b"unknown model" in done.stderr
    assert b"Traceback" not in done.stderr


def test_completion_of_names(process: Run, root: Path) -> None:
    def completed(line: str, **env: str) -> list[str]:
        words = line.split(" ")
        asked = {
            "_PLANNER_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        done = process(env=asked | env)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().split()

    assert completed("planner cat") == ["catalog"]
    assert "llama-3.1-405b" in completed("planner train llama-3.1-4")
    assert completed("planner train x --gpu h100-n") == ["h100-nvl"]
    assert completed("planner train x --cluster million") == ["million-h100"]
    assert completed("planner catalog list acc") == ["accelerator"]
    assert completed("planner catalog show cluster million") == ["million-h100"]
    assert completed("planner catalog show hgx-h100-n") == ["hgx-h100-node"]
    assert "chip-a" in completed("planner train x --gpu chip-", PLANNER_CATALOG=str(root))
    assert "chip-a" in completed(f"planner --catalog {root} catalog show accelerator chip-")
    assert "chip-a" in completed(f"planner train x --catalog {root} --gpu chip-")
    assert completed("planner catalog show nothing ") == []
