"""How far something long has come, on stderr: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final

__all__ = ["Progress"]

_REDRAWN_S: Final = 0.2
_SAID_S: Final = 30.0
_WIDTH: Final = 24


class Progress:
    """Says how many rows are done.

    Parameters
    ----------
    quiet
        Say nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._stream = None if quiet else sys.stderr
        self._bar = self._stream is not None and self._stream.isatty()
        self._started = self._said = time.monotonic()
        self._drawn = False

    def __call__(self, done: int, total: int, before: int) -> None:
        """Take in rows done, rows in all, and those that were done before this run."""
        now = time.monotonic()
        if self._stream is None or now - self._said < (_REDRAWN_S if self._bar else _SAID_S):
            return
        self._said = now
        seconds = max(now - self._started, 1e-9)
        rate = (done - before) / seconds
        left = (total - done) / rate if rate else 0.0
        text = f"{done:,} of {total:,} rows, {rate:,.0f} a second, {_clock(left)} left"
        if self._bar:
            full = int(_WIDTH * done / max(total, 1))
            self._write(f"\r[{'#' * full}{' ' * (_WIDTH - full)}] {text}\x1b[K")
            self._drawn = True
        else:
            self._write(f"{text}\n")

    def close(self) -> None:
        """Leave the line of the bar."""
        if self._drawn:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # nobody listens
            self._stream = None


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
