"""Reading and writing: stdin by ``-``, stdout that may close early, and files written whole or not at all."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from planner.errors import InputError, OutputError

__all__ = ["check_writable", "read_input", "talk", "to_file", "to_stdout"]

MOST_BYTES: Final = 64 * 2**20
"""Nothing that is read by ``-`` or named on the command line is larger."""
_MENDS: Final = {
    errno.ENOENT: "check the path",
    errno.EACCES: "check its permissions",
    errno.EISDIR: "it is a directory; name a file",
    errno.ENOTDIR: "a part of the path is no directory",
    errno.ENOSPC: "the disk is full; free some space or choose another place",
    errno.EROFS: "choose a place that can be written",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def talk(message: str) -> None:
    """Say something to the user on stderr; nothing happens where nobody listens."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            print(message, file=sys.stderr, flush=True)


def read_input(name: str) -> bytes:
    """Read a file, or stdin for ``-``.

    Raises
    ------
    OutputError
        It cannot be read.
    InputError
        It is larger than anything planner reads.
    """
    try:
        if name != "-":
            with Path(name).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        elif sys.stdin is None:
            raise OutputError("standard input is closed; name a file instead of -")
        else:
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
    except OSError as error:
        raise OutputError(f"{_called(name)}: cannot be read: {_because(error)}") from error
    except ValueError as error:  # a null byte in the path
        raise OutputError(f"{_called(name)}: cannot be read: {error}") from error
    if len(content) > MOST_BYTES:
        raise InputError(f"{_called(name)}: larger than {MOST_BYTES // 2**20} MiB; is it the right file?")
    return content


def to_stdout(text: str, *, machine: bool = False) -> None:
    """Write text to stdout and see it through; a reader who left early has what it wanted.

    Machines get UTF-8 whatever the locale is; people get what their terminal can show.

    Raises
    ------
    OutputError
        The device is full, or stdout is closed.
    """
    stream = sys.stdout
    if stream is None:
        raise OutputError("standard output is closed; use -o FILE")
    try:
        encoding = "utf-8" if machine else stream.encoding or "utf-8"
        stream.flush()
        stream.buffer.write(text.encode(encoding, "replace"))
        stream.flush()
    except BrokenPipeError:
        abandon_stdout()
    except OSError as error:
        abandon_stdout()
        raise OutputError(f"standard output: cannot be written: {_because(error)}") from error


def abandon_stdout() -> None:
    """Let the interpreter flush what is left to nowhere, so that it does not complain at its end."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def check_writable(name: str) -> None:
    """Refuse a file that cannot be written before anything is computed for it; it is not touched.

    Raises
    ------
    OutputError
        A directory, in a directory that is not there, or without the permission.
    """
    try:
        if not _direct(name):
            _check(Path(os.path.realpath(name)))
    except (OSError, ValueError) as error:
        raise _unwritable(name, error) from error


def to_file(name: str, text: str | bytes) -> None:
    """Write a file as a whole: it holds all of the text (or the bytes of a picture), or what it held before.

    A device or a pipe (``/dev/stdout``) is written to directly.

    Raises
    ------
    OutputError
        It cannot be written; the message says why.
    """
    content = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    try:
        if _direct(name):
            Path(name).write_bytes(content)
        else:
            _replace(Path(os.path.realpath(name)), content)
    except (OSError, ValueError) as error:
        raise _unwritable(name, error) from error
    talk(f"Wrote {name}")


def _direct(name: str) -> bool:
    """Whether it is a device or a pipe."""
    path = Path(name)
    return bool(name) and path.exists() and not path.is_file() and not path.is_dir()


def _unwritable(name: str, error: OSError | ValueError) -> OutputError:
    because = _because(error) if isinstance(error, OSError) else str(error)
    return OutputError(f"{name}: cannot be written: {because}")


def _check(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"there is no directory {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _replace(path: Path, content: bytes) -> None:
    _check(path)
    import tempfile

    handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode(path))
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _mode(path: Path) -> int:
    """Return the permissions of the file there is, or those that a new file gets."""
    if path.exists():
        return path.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _called(name: str) -> str:
    return "standard input" if name == "-" else name


def _because(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    mend = _MENDS.get(error.errno or 0)
    return f"{reason}; {mend}" if mend else reason
