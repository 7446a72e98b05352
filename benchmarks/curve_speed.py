"""How fast curves are from a cold start: ``python benchmarks/curve_speed.py [REPEATS]``.

Each is a process of its own that computes a hundred points a line and writes a picture; wall-clock time and
the processor time of it and its workers, the least of the repeats.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from capacity_speed import timed

TRAINED, MIXTURE = ("llama-3.1-405b", "--gpu", "h100-sxm"), ("deepseek-v3", "--gpu", "gb200")
COMMANDS = (
    ("throughput", *TRAINED),
    ("days", *MIXTURE, "--scaling", "strong"),
    ("days", *MIXTURE),
    ("cost", *TRAINED, "--layout", "tp=8 pp=16 cp=1 micro_batch=1"),
    ("power", *MIXTURE, "--layout", "tp=1 pp=16 ep=64 cp=1 micro_batch=1"),
    ("users", "deepseek-v3", "--gpu", "h100-sxm", "--traffic", "chat"),
    ("users", "kimi-k2.5", "--cluster", "colossus-1m", "--traffic", "coding-agent"),
    ("cost-per-token", *MIXTURE, "--traffic", "chat"),
)


def main() -> None:
    """Print a table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    print(f"{'':86} {'clock s':>8} {'processors s':>13}    on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        for words in COMMANDS:
            arguments = ("curve", *words, "--points", "100", "-o", str(Path(folder) / "curve.png"))
            runs = [timed(arguments) for _ in range(repeats)]
            wall, processors = (min(run[at] for run in runs) for at in (0, 1))
            print(f"planner curve {' '.join(words):72} {wall:8.2f} {processors:13.2f}")


if __name__ == "__main__":
    main()
