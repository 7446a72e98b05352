"""The work directory of a sweep: what is done survives whatever ends the program.

Beside the output stands ``OUTPUT.sweep/`` with three files:

================  ====================================================================================
``manifest.json`` what is being swept: a hash of the grid, of the catalog and of the program's version
``rows``          the rows that are done, in order, one part after the other
``journal``       a line for each part: rows, bytes and infeasible rows so far, and a checksum of the line
================  ====================================================================================

A part is written and flushed to the disk before its line is. Whatever stands in ``rows`` behind the last
whole line was never finished, and is cut off when the sweep goes on. The finished file takes the place of
the output in one step.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from planner.errors import InputError, OutputError, PlannerError

__all__ = ["Spool", "unwritable"]

_MENDS: Final = {
    errno.ENOSPC: "the disk is full; free some space or choose another place",
    errno.EFBIG: "the file is larger than it may be here; choose another place",
    errno.EDQUOT: "the quota is used up; free some space or choose another place",
    errno.EACCES: "check its permissions",
    errno.EROFS: "choose a place that can be written",
    errno.ENOENT: "check the path",
    errno.EISDIR: "name a file",
    errno.ENOTDIR: "a part of the path is no directory",
}
_COPIED: Final = 1 << 20


def unwritable(place: object, error: OSError, *, after: str = "") -> OutputError:
    """Return what to raise where something cannot be written; `after` goes behind the mend."""
    reason = error.strerror or str(error)
    mend = _MENDS.get(error.errno or 0)
    return OutputError(f"{place}: cannot be written: {reason}{f'; {mend}' if mend else ''}{after}")


class Spool:
    """What is done of a sweep.

    Attributes
    ----------
    done
        Rows, from the first on.
    bytes
        That they take in ``rows``.
    infeasible
        Rows among them that have a reason in place of figures.
    resumed
        Rows that an earlier run had done; none with `restart`, which begins anew.
    """

    def __init__(
        self, output: Path, manifest: dict[str, Any], *, header: bytes, restart: bool = False
    ) -> None:
        self.output = output
        self.folder = output.with_name(f"{output.name}.sweep")
        self._manifest = manifest
        self._header = header
        self._restart = restart
        self._rows: BinaryIO | None = None
        self._journal: BinaryIO | None = None
        self.done = self.bytes = self.infeasible = self.resumed = 0

    def __enter__(self) -> Self:
        """Make the directory, or go on where an earlier run ended.

        Raises
        ------
        InputError
            An earlier run was of another grid, catalog or version.
        OutputError
            Nothing can be written there.
        """
        try:
            self._begin()
        except OSError as error:
            self.__exit__()
            raise unwritable(self.output, error) from error
        except PlannerError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files; what is done stays."""
        for file in (self._rows, self._journal):
            if file is not None:
                with suppress(OSError):
                    file.close()

    def _begin(self) -> None:
        if self.output.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not self.output.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, f"there is no directory {self.output.parent}")
        if self.output.exists() and not os.access(self.output, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        self.folder.mkdir(exist_ok=True)
        self._journal = (self.folder / "journal").open("a+b", buffering=0)
        _lock(self._journal, self.output)  # what stands there is touched by its owner alone
        for part in self.folder.glob("part-*"):
            part.unlink()  # of processes that were killed
        there = None if self._restart or not self._started() else self._read_manifest()
        if there is None:
            (self.folder / "rows").unlink(missing_ok=True)
            self._journal.truncate(0)
            self._write_manifest()
        elif there != self._manifest:
            self._refuse(there)
        self._open()

    def _started(self) -> bool:
        """Whether any part is done."""
        return (self.folder / "journal").stat().st_size > 0

    def _read_manifest(self) -> dict[str, Any] | None:
        try:
            found = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _write_manifest(self) -> None:
        path = self.folder / "manifest.json"
        new = self.folder / "manifest.new"
        with new.open("w", encoding="utf-8") as file:
            json.dump(self._manifest, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)

    def _refuse(self, there: dict[str, Any]) -> None:
        names = sorted({*there, *self._manifest})
        changed = [name for name in names if there.get(name) != self._manifest.get(name)]
        raise InputError(
            f"{self.folder} holds part of another sweep: its {', '.join(changed)} "
            f"{'differs' if len(changed) == 1 else 'differ'}; undo the change to go on with it, or delete "
            f"the directory (--restart) to begin anew"
        )

    def _open(self) -> None:
        if self._journal is None:
            raise ValueError("the spool is not open")
        rows = self.folder / "rows"
        rows.touch()
        self._journal.seek(0)
        lines, kept = _whole_lines(self._journal.read(), rows.stat().st_size)
        self.done, self.bytes, self.infeasible = lines[-1] if lines else (0, 0, 0)
        self.resumed = self.done
        self._rows = rows.open("r+b", buffering=0)
        self._journal.truncate(kept)  # it is written at its end, wherever that is
        if not lines:
            self._rows.truncate(0)
            _written(self._rows, self._header)
            self.bytes = len(self._header)
        self._rows.truncate(self.bytes)
        self._rows.seek(self.bytes)

    def append(self, rows: int, content: bytes | Path, infeasible: int = 0) -> None:
        """Add the next part, or that of a file, which is then deleted.

        Raises
        ------
        OutputError
            It cannot be written: what was done before stays.
        """
        if self._rows is None or self._journal is None:
            raise ValueError("the spool is not open")
        try:
            size = _moved(self._rows, content) if isinstance(content, Path) else len(content)
            if not isinstance(content, Path):
                _written(self._rows, content)
            os.fsync(self._rows.fileno())
            after = self.done + rows, self.bytes + size, self.infeasible + infeasible
            plain = " ".join(map(str, after))
            _written(self._journal, f"{plain} {zlib.crc32(plain.encode()):08x}\n".encode())
            os.fsync(self._journal.fileno())
        except OSError as error:
            raise self.failed(error) from error
        self.done, self.bytes, self.infeasible = after

    def failed(self, error: OSError) -> OutputError:
        """Return what to raise where a part cannot be written: what was done before stays."""
        kept = f"; {self.done:,} rows are kept in {self.folder}: run the same sweep again to go on"
        return unwritable(self.output, error, after=kept)

    def parts(self) -> Iterator[bytes]:
        """Return the parts that are done, in order, without the header."""
        journal = (self.folder / "journal").read_bytes()
        with (self.folder / "rows").open("rb") as file:
            file.seek(len(self._header))
            before = len(self._header)
            for _, after, _ in _whole_lines(journal, self.bytes)[0]:
                yield file.read(after - before)
                before = after

    def finish(self, assembled: Path | None = None) -> None:
        """Put the finished file, by default ``rows`` itself, in the place of the output.

        Raises
        ------
        OutputError
            It cannot be put there.
        """
        self.__exit__()
        made = assembled or self.folder / "rows"
        try:
            made.chmod(_mode(self.output))
            made.replace(os.path.realpath(self.output))
            shutil.rmtree(self.folder)
        except OSError as error:
            raise unwritable(self.output, error, after=f"; the rows are in {self.folder}") from error


def _whole_lines(journal: bytes, size: int) -> tuple[list[tuple[int, int, int]], int]:
    """Return what the lines say that are whole and within the rows there are, and the length of these."""
    found: list[tuple[int, int, int]] = []
    kept = 0
    for line in journal.splitlines(keepends=True):
        plain, _, check = line.rstrip(b"\n").rpartition(b" ")
        if not line.endswith(b"\n") or f"{zlib.crc32(plain):08x}".encode() != check:
            break
        done, after, infeasible = map(int, plain.split())
        if after > size:
            break
        found.append((done, after, infeasible))
        kept += len(line)
    return found, kept


def _lock(file: BinaryIO, output: Path) -> None:
    """Keep others from writing the same sweep; nothing happens where the system has no such locks."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(
            f"{output}: another sweep is writing it; wait for it, or choose another file"
        ) from error


def _written(file: BinaryIO, content: bytes) -> None:
    """Write all of it: a write without a buffer may take a part only."""
    view = memoryview(content)
    while view:
        view = view[file.write(view[:_COPIED]) or 0 :]


def _moved(file: BinaryIO, part: Path) -> int:
    """Write what a file holds, within the kernel where that can be, and delete it; returns its bytes."""
    size = part.stat().st_size
    with part.open("rb") as source:
        left = size
        while left and hasattr(os, "sendfile"):
            sent = os.sendfile(file.fileno(), source.fileno(), None, left)
            if not sent:
                break
            left -= sent
        if left:
            source.seek(size - left)
            _written(file, source.read())
    part.unlink()
    return size


def _mode(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
