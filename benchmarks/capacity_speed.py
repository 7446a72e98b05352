"""How fast a dossier is from a cold start: ``python benchmarks/capacity_speed.py [REPEATS]``.

Each command is a process of its own; its wall-clock time and the processor time of it and its workers are
given, the least of the repeats. On a machine with other work the first is too high and the second is near:
on idle cores a dossier takes about the start plus its share of the rest.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

COMMANDS = (
    ("--help",),
    ("capacity", "colossus-1m"),
    ("capacity", "gb200:10000000"),
    ("capacity", "colossus-1"),
    ("capacity", "colossus-1m", "--workers", "1"),
)


def timed(arguments: tuple[str, ...]) -> tuple[float, float]:
    """Return the seconds of a process on the clock, and of all processors."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "planner", *arguments]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)  # noqa: S603
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"{'':40} {'clock s':>8} {'processors s':>13}    on {os.cpu_count()} cores")
    for arguments in COMMANDS:
        timed(arguments)  # bytecode is written and files are read once
        runs = [timed(arguments) for _ in range(repeats)]
        wall, processors = (min(run[at] for run in runs) for at in (0, 1))
        print(f"planner {' '.join(arguments):32} {wall:8.2f} {processors:13.2f}")


if __name__ == "__main__":
    main()
