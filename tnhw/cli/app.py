"""Command line: parse, call, print."""

import errno
import json
import sys
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from .. import __version__
from ..errors import LibertyWarning, TnhwError
from ..support import interrupts, terminal
from ..tools import logs
from .commands.boards import build, run, upload
from .commands.comparing import compare
from .commands.converting import convert
from .commands.designs import generate, graph, prove, simulate
from .commands.exporting import export
from .commands.folding import folds
from .commands.importing import import_
from .commands.options import Json, ToolsOption, show
from .commands.searching import search
from .commands.starting import init, list_
from .commands.sweeping import sweep
from .commands.training import add_commands

__all__ = ["app", "main"]

app = typer.Typer(
    name="tnhw",
    help="Neural networks without multipliers, in hardware.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED = 130
BROKEN_PIPE = 141  # what a shell reports for a program that ended because of a broken pipe
STOPPED = "interrupted; results of earlier commands were not changed"


def _version(wanted: bool):
    if wanted:
        print(f"tnhw {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
):
    pass


app.command("list")(list_)
for _command in (
    init, generate, graph, simulate, prove, folds, build, compare, sweep, upload, run, export,
):  # fmt: skip
    app.command()(_command)
app.command("import")(import_)
app.command()(convert)
app.command()(search)


@app.command()
def doctor(tools: ToolsOption = None, as_json: Json = False):
    """Print every tool with its version, and how to install those that are missing."""
    from dataclasses import asdict

    from ..tools import doctor as look

    statuses = look()
    rows = [("tool", "found", "needed", "used for", "how to install")]
    rows += [
        (s.tool, s.found or s.status, s.required or "any", s.needed_for,
         "" if s.status == "ok" else s.mend)
        for s in statuses
    ]  # fmt: skip
    show([asdict(status) for status in statuses], as_json, rows)


add_commands(app)


@contextmanager
def _plain_warnings():
    """Print warnings about a user's own file as messages of tnhw, not as warnings of Python."""
    before = warnings.formatwarning

    def plain(message, category, *where, **more):
        if issubclass(category, LibertyWarning):
            return f"tnhw: {terminal.printable(message)}\n"
        return before(message, category, *where, **more)

    warnings.formatwarning = plain
    try:
        yield
    finally:
        warnings.formatwarning = before


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status, which `docs/usage.md` lists."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    terminal.survive_encodings()
    # Amaranth warns of components that are not emitted; tnhw makes some only to read their latency or gates.
    warnings.filterwarnings("ignore", message=".* created but never used")
    try:
        with interrupts.handled(), _plain_warnings():
            try:
                status = app(arguments, prog_name="tnhw", standalone_mode=False) or 0
                sys.stdout.flush()
            finally:
                logs.keep_in(None)
        if status != INTERRUPTED:  # typer gives this status for an interrupt
            return status
        text, shown = STOPPED, False
    except TnhwError as error:
        status, text = error.exit_status, str(error)
        shown = error.shown
    except typer.Exit as stop:
        return stop.exit_code
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # the parser turns it into an exit
            terminal.give_up_output()
            return BROKEN_PIPE
        raise
    except BrokenPipeError:  # the reader of the output has closed it
        terminal.give_up_output()
        return BROKEN_PIPE
    except OSError as error:  # for example a folder was removed, is full, or may not be written
        status, text, shown = 2, _remedy(error), False
    except (KeyboardInterrupt, typer.Abort):
        status, text, shown = INTERRUPTED, STOPPED, False
    except Exception as error:
        if not hasattr(error, "format_message"):  # a usage error of the parser has one
            raise
        status, text, shown = 2, error.format_message(), False
    try:
        if "--json" in arguments and not shown:
            print(json.dumps({"error": text, "exit_status": status}))
        sys.stdout.flush()
    except OSError:
        terminal.give_up_output()
    terminal.say(text)
    return status


def _remedy(error):
    """The error of the operating system, the file that it is about, and what to do."""
    where = f"{error.filename}: " if error.filename else ""
    said = f"{where}{error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{said}; free some space, or choose other folders: with -o for results, with TMPDIR for temporary files"
    if "temporary directory" in said:
        return f"{said}; set TMPDIR to a folder that can be written"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{said}; choose another folder with -o, or change its permissions"
    return said


if __name__ == "__main__":
    sys.exit(main())
