"""How fast a question is from a cold start: ``python benchmarks/startup.py [REPEATS]``.

A process that answers a question (``planner train ... --json``, ``planner serve ... --json``) is set against
one that only imports numpy and pydantic, on which it stands. The two take turns, and the least of the repeats
counts, so that a busy machine is unfair to neither. What the search itself took, as the answer says, is given
apart.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time

LIMIT = 3.0
"""The answer without its search is to take at most so many times the imports."""
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""Users have bytecode, from the installer or from the first run."""
BASE = (sys.executable, "-c", "import numpy, pydantic")
HELP = (sys.executable, "-m", "planner", "--help")
PLANNER = (sys.executable, "-m", "planner")
QUESTIONS = (
    ("train", "llama-3.1-405b", "--cluster", "million-h100"),
    ("train", "llama-3.1-405b", "--cluster", "llama3-16k"),
    ("train", "deepseek-v3", "--cluster", "deepseek-2048-h800"),
    ("train", "llama-3-8b", "--gpu", "h100-sxm", "--gpus", "8"),
    ("serve", "deepseek-v3", "--cluster", "colossus-1m", "--traffic", "coding-agent"),
    ("serve", "llama-3-8b", "--gpu", "h100-sxm", "--gpus", "8"),
)


def timed(command: tuple[str, ...]) -> tuple[float, str]:
    """Return the seconds of a process and what it printed."""
    started = time.perf_counter()
    run = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)  # noqa: S603
    return time.perf_counter() - started, run.stdout


def main() -> None:
    """Print a table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    asked = {" ".join(q): (*PLANNER, *q, "--json") for q in QUESTIONS}
    commands = {"import numpy, pydantic": BASE, "planner --help": HELP, **asked}
    for command in commands.values():
        timed(command)  # bytecode is written and files are read once
    own: dict[str, float] = dict.fromkeys(commands, math.inf)
    search = dict.fromkeys(asked, math.inf)
    for _ in range(repeats):
        for name, command in commands.items():
            seconds, text = timed(command)
            own[name] = min(own[name], seconds)
            if name in asked:
                found = json.loads(text)["result"]["search"]
                took = found.get("seconds_of_all", found["seconds"])
                search[name] = min(search[name], took)
    floor = own["import numpy, pydantic"]
    print(f"{'':66} {'least s':>9} {'search s':>9} {'without it / imports':>21}")
    for name, seconds in own.items():
        took = search.get(name, 0.0)
        ratio = (seconds - took) / floor
        shown = f"{took:9.3f}" if name in asked else " " * 9
        print(f"{name:66} {seconds:9.3f} {shown} {ratio:21.2f}{' over' if ratio > LIMIT else ''}")


if __name__ == "__main__":
    main()
