"""``planner``: the entry point of the installed command."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from planner.cli.failures import report

__all__ = ["main"]


def main() -> None:
    """Run ``planner`` with the arguments of this process, and end it with the documented exit code.

    typer is imported in here, so that an interrupt at any time ends in a word and not in a traceback.
    """
    # A command is over in a second: collecting seldom, and not once more at the end, saves a tenth of it.
    gc.set_threshold(100_000, 20, 100)
    atexit.register(gc.freeze)
    # planner multiplies no large matrices: a pool of threads for it takes longer to start than it could save.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # pydantic would search every installed package for plugins, which takes as long as reading our records.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    try:
        import typer

        from planner.cli.tree import app

        typer.main.get_command(app).main(prog_name="planner")
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(report(error, debug="--debug" in sys.argv) or 0)
