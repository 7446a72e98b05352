"""``planner sweep`` as users start it, and as the world ends it: kills, Ctrl-C, full disks."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import planner
from planner.cli.progress import Progress

Run = Callable[..., Any]
SMALL = """command: train
inputs: {model: llama-3.1-8b, gpu: h100-sxm, cp: 1, vpp: 1, sequence_parallel: true, sharding: zero1,
         recompute: selective, micro_batch: 1, dp: 8}
axes:
  gpus: [64, 256]
  tp: [1, 3, 8]
  pp: [1, 4]
columns: [plan.days, plan.gpus_used]
"""
MORE = "global_batch: {from: 512, to: 1024, points: 33}\n  tokens: {from: 1T, to: 9T, points: 2000}"
LONG = SMALL.replace("tp:", f"{MORE}\n  tp:").replace("plan.days,", "plan.mfu,")
"""Many parts of figures that are quickly written: numbers that rows share."""
KILLS = 10
FRESH = 3
"""Kills of a sweep that an interpreter of its own was started for, which takes a second."""
posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits as POSIX has them")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.yaml").write_text(SMALL)
    (tmp_path / "long.yaml").write_text(LONG)
    return tmp_path


def test_the_rows_go_to_a_file_and_the_summary_to_stdout(run: Run, here: Path) -> None:
    result = run("sweep", "grid.yaml", "--engine", "full", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "12 of train over gpus, tp, pp" in result.stdout
    full = pd.read_csv(here / "grid.csv")
    assert list(full.columns) == [
        "row", "gpus", "tp", "pp", "feasible", "plan.days", "plan.days.low", "plan.days.high",
        "plan.gpus_used", "reason",
    ]  # fmt: skip
    assert full["reason"][full["tp"] == 3].str.contains("tp must divide the heads").all()
    assert list(full["feasible"]) == list(full["reason"].isna())
    found = json.loads(run("sweep", "grid.yaml", "-o", "fast.parquet", "--json").stdout)
    fast = pd.read_parquet(here / "fast.parquet")
    assert (found["schema"], found["result"]["rows"], found["result"]["engine"]) == (
        "planner.sweep/1",
        12,
        "fast",
    )
    assert found["result"]["infeasible"] == (~fast["feasible"]).sum()
    assert found["assumptions"] == [
        {"field": "engine", "value": "fast", "why": "all inputs that it needs are given"}
    ]
    assert full["plan.days"].to_numpy() == pytest.approx(fast["plan.days"].to_numpy(), rel=1e-12, nan_ok=True)


def test_a_grid_from_stdin_and_overrides(run: Run, here: Path) -> None:
    result = run(
        "sweep", "-", "-o", "a.csv", "--csv", "--set", "accelerator.memory.capacity=*0.3", stdin=SMALL
    )
    assert result.exit_code == 0
    assert result.stdout.startswith("file,rows,infeasible,engine,")
    assert run("sweep", "-", stdin=SMALL).exit_code == 2
    run("sweep", "grid.yaml", "-o", "b.csv")
    fewer, more = (pd.read_csv(here / name)["feasible"].sum() for name in ("a.csv", "b.csv"))
    assert fewer < more


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["none.yaml"], 5, "none.yaml"),
        (["grid.yaml", "-o", "rows.txt"], 2, "ends in .csv or .parquet; name one"),
        (["grid.yaml", "-o", "no/rows.csv"], 5, "there is no directory no"),
        (["grid.yaml", "--workers", "none"], 3, "--workers 'none'"),
        (["grid.yaml", "--chunk", "0"], 3, "--chunk '0' is outside 1 to 10,000,000"),
        (["grid.yaml", "--engine", "slow"], 3, "--engine 'slow' is unknown; one of auto, fast, full"),
        (["grid.yaml", "--scheduler", "tcp://127.0.0.1:1", "--workers", "2"], 2, "exclude each other"),
    ],
)
def test_what_is_wrong_is_a_sentence(
    run: Run, here: Path, arguments: list[str], code: int, said: str
) -> None:
    result = run("sweep", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr
    assert not list(here.glob("*.csv"))


def test_the_fast_engine_says_what_hinders_it(run: Run, here: Path) -> None:
    (here / "open.yaml").write_text(SMALL.replace("cp: 1, vpp: 1, ", "days: 30, power_cap: 1MW, "))
    result = run("sweep", "open.yaml", "--engine", "fast")
    assert result.exit_code == 3
    assert "the layout is not given completely: cp, vpp left open" in result.stderr
    assert "power_cap: a power cap changes how many accelerators there are" in result.stderr
    (here / "other.yaml").write_text("command: budget\nengine: fast\naxes: {usd: [1B, 2B]}\n")
    assert "it knows train" in run("sweep", "other.yaml").stderr


def test_a_changed_grid_does_not_go_on_with_another_one(run: Run, here: Path) -> None:
    folder = here / "grid.csv.sweep"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"grid": "another"}')
    (folder / "journal").write_text("1 9 0 00000000\n")
    result = run("sweep", "grid.yaml")
    assert result.exit_code == 3
    assert (
        "grid.csv.sweep holds part of another sweep: its catalog, engine, format, grid, rows" in result.stderr
    )
    assert run("sweep", "grid.yaml", "--restart").exit_code == 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "long.yaml").write_text(LONG)
    planner.sweep(folder / "long.yaml", output=folder / "long.csv")
    return (folder / "long.csv").read_bytes()


def started(
    environment: Mapping[str, str], here: Path, *more: str, **options: Any
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "planner", "sweep", "long.yaml", "--chunk", "1", "-q", *more]
    streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=here, env=dict(environment), **streams, **options)  # noqa: S603


class Forked:
    """A sweep in a process that has everything loaded."""

    def __init__(self) -> None:
        options = {"output": "long.csv", "chunk": 1}
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=planner.sweep, args=("long.yaml",), kwargs=options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of numerical libraries
            self.process.start()

    def poll(self) -> int | None:
        return self.process.exitcode

    def kill(self) -> None:
        self.process.kill()

    def communicate(self) -> None:
        self.process.join()


def journal(here: Path) -> int:
    try:
        return (here / "long.csv.sweep" / "journal").stat().st_size
    except FileNotFoundError:
        return 0


def beyond(process: subprocess.Popen[bytes] | Forked, here: Path, size: int) -> None:
    """Wait until a sweep has done more than it had."""
    until = time.monotonic() + 60
    while journal(here) <= size and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)


@posix
def test_killed_ten_times_at_random_and_resumed_it_is_the_same(
    environment: Mapping[str, str], run: Run, here: Path, whole: bytes
) -> None:
    draw = random.Random(7)  # noqa: S311
    kills = 0
    while kills < KILLS or not journal(here):
        process = started(environment, here) if kills < FRESH else Forked()
        before = journal(here)
        if draw.random() < 0.7:
            beyond(process, here, before)
        time.sleep(draw.uniform(0.0, 0.04))
        kills += process.poll() is None
        process.kill()
        process.communicate()
        (here / "long.csv").unlink(missing_ok=True)  # where a slow machine let it end: begun anew
    done = json.loads(run("sweep", "long.yaml", "--json", "--quiet").stdout)["result"]
    assert 0 < done["resumed_rows"] < done["rows"] == 792_000
    assert (here / "long.csv").read_bytes() == whole
    assert not (here / "long.csv.sweep").exists()


@posix
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes as Linux shows them")
def test_workers_end_with_the_process_that_started_them(environment: Mapping[str, str], here: Path) -> None:
    process = started(environment, here, "--workers", "2")
    beyond(process, here, 0)
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.communicate()
    assert len(listed) >= 2
    until = time.monotonic() + 20
    while any(alive(int(child)) for child in listed) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(alive(int(child)) for child in listed)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def hears_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background job's children ignore it


@posix
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_what_is_done(
    environment: Mapping[str, str], here: Path, whole: bytes, workers: str
) -> None:
    for _ in range(5):  # a slow machine may let it end before the signal
        process = started(environment, here, "--workers", workers, preexec_fn=hears_ctrl_c)
        beyond(process, here, 0)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        if process.returncode:
            break
    assert process.returncode == 130
    assert said.decode().splitlines()[-2:] == [
        "What is done is kept: run the same sweep again to go on", "Interrupted",
    ]  # fmt: skip
    assert journal(here) > 0
    assert whole.startswith((here / "long.csv.sweep" / "rows").read_bytes()[: len(whole) // 50])


@posix
def test_a_full_disk_is_a_sentence_and_the_sweep_goes_on(
    environment: Mapping[str, str], run: Run, here: Path, whole: bytes
) -> None:
    import resource

    limit = len(whole) // 4

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = started(environment, here, preexec_fn=limited)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 5
    assert b"long.csv: cannot be written: File too large" in said
    assert b"rows are kept in long.csv.sweep: run the same sweep again to go on" in said
    assert run("sweep", "long.yaml", "-q").exit_code == 0
    assert (here / "long.csv").read_bytes() == whole


class Stream:
    """Stands for stderr."""

    def __init__(self, *, terminal: bool) -> None:
        self.terminal, self.text = terminal, ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_a_bar_on_a_terminal_and_a_line_now_and_then_elsewhere(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    clock = iter([0.0, 0.1, 40.0, 40.1, 80.0])
    stream = Stream(terminal=terminal)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    progress = Progress()
    for done in (100, 500, 510, 900):
        progress(done, 1000, 100)
    progress.close()
    lines = ["500 of 1,000 rows, 10 a second, 0:50 left", "900 of 1,000 rows, 10 a second, 0:10 left"]
    if terminal:
        assert [text.partition("] ")[2] for text in stream.text.split("\x1b[K")[:2]] == lines
        assert stream.text.startswith(f"\r[{'#' * 12}{' ' * 12}] ")
        assert stream.text.endswith("\r\x1b[K")
    else:
        assert stream.text.splitlines() == lines


def test_a_quiet_sweep_and_one_that_nobody_watches_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    Progress(quiet=True)(1, 2, 0)
    monkeypatch.setattr("sys.stderr", None)
    Progress()(1, 2, 0)
