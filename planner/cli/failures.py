"""What becomes of an error: a sentence on stderr and an exit code, and a traceback only for ``--debug``.

====  ==========================================================
0     done; a reader that closed the pipe early is no failure
1     internal error, or out of memory
2     wrong usage
3     bad input or catalog
4     the input is valid, but no plan is feasible
5     cannot read or write
130   interrupted
====  ==========================================================
"""

from __future__ import annotations

from typing import Final

from planner.cli.streams import abandon_stdout, talk
from planner.errors import PlannerError

__all__ = ["INTERRUPTED", "report"]

INTERRUPTED: Final = 130
_REPORT: Final = "This is a bug; run again with --debug and report what it prints."


def report(error: BaseException, *, debug: bool) -> int | None:
    """Say what went wrong, and return the exit code; None for an error that typer answers itself."""
    if not isinstance(error, PlannerError) and _is_typers(error):
        return None
    if isinstance(error, BrokenPipeError):
        abandon_stdout()
        return 0
    sentence, code = _sentence(error)
    if debug and not isinstance(error, KeyboardInterrupt):
        import traceback

        talk("".join(traceback.format_exception(error)).rstrip())
    talk(sentence)
    return code


def _is_typers(error: BaseException) -> bool:
    """Whether it is one of typer's exceptions; the package that defines them varies with its version."""
    return type(error).__module__.split(".")[0] in {"typer", "click"}


def _sentence(error: BaseException) -> tuple[str, int]:
    if isinstance(error, PlannerError):
        return f"Error: {error}", error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted", INTERRUPTED
    if isinstance(error, MemoryError):
        return "Error: out of memory; ask for fewer alternatives or a smaller cluster", 1
    if isinstance(error, RecursionError):
        return "Error: the input is nested too deeply", 3
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"Error: {place}{error.strerror or error}", 5
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"Error: internal error: {what}\n{_REPORT}", 1
