"""How fast a question is from a cold start: ``python benchmarks/startup.py [REPEATS]``.

A process that answers ``planner train ... --json`` is set against one that only imports numpy and pydantic,
on which it stands. The two take turns, and the least of the repeats counts, so that a busy machine is unfair
to neither. What the search itself took, as the answer says, is given apart.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

LIMIT = 3.0
"""The answer without its search is to take at most so many times the imports."""
BASE = (sys.executable, "-c", "import numpy, pydantic")
HELP = (sys.executable, "-m", "planner", "--help")
QUESTIONS = (
    ("llama-3.1-405b", "--cluster", "million-h100"),
    ("llama-3.1-405b", "--cluster", "llama3-16k"),
    ("deepseek-v3", "--cluster", "deepseek-2048-h800"),
    ("llama-3-8b", "--gpu", "h100-sxm", "--gpus", "8"),
)


def timed(command: tuple[str, ...]) -> tuple[float, str]:
    """Return the seconds of a process and what it printed."""
    started = time.perf_counter()
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (our own commands)
    return time.perf_counter() - started, run.stdout


def main() -> None:
    """Print a table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    timed(BASE)  # bytecode is written and files are read once
    print(f"{'':49} {'least s':>9} {'search s':>9} {'without it / imports':>21}")
    for label, arguments in (("planner --help", None), *((f"train {' '.join(q)}", q) for q in QUESTIONS)):
        command = (
            HELP if arguments is None else (sys.executable, "-m", "planner", "train", *arguments, "--json")
        )
        timed(command)
        base, own, search = [], [], []
        for _ in range(repeats):
            base.append(timed(BASE)[0])
            seconds, text = timed(command)
            own.append(seconds)
            search.append(json.loads(text)["result"]["search"]["seconds_of_all"] if arguments else 0.0)
        floor = min(base)
        ratio = (min(own) - min(search)) / floor
        print(
            f"{label:49} {min(own):9.3f} {min(search):9.3f} {ratio:14.2f} "
            f"{'' if ratio <= LIMIT else 'over'} of {floor:.3f}"
        )


if __name__ == "__main__":
    main()
