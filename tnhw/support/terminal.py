"""Text for a terminal: control characters from files are shown, and have no effect."""

import contextlib
import os
import sys

__all__ = ["give_up_output", "printable", "say", "survive_encodings"]

_KEPT = "\n\t"


def printable(text: object) -> str:
    """`text` with control characters and invisible characters replaced by their escapes.

    A name in a file may contain escape sequences, which colour, move or overwrite text, and marks that change the
    direction of writing. Line ends and tabs are kept.
    """
    return "".join(
        character if character.isprintable() or character in _KEPT else ascii(character)[1:-1]
        for character in str(text)
    )


def say(text: object) -> None:
    """Print a message on standard error."""
    print(f"tnhw: {printable(text)}", file=sys.stderr, flush=True)


def survive_encodings() -> None:
    """Print characters that the encoding lacks as escapes, and discard output to a stream that is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  (as long as the process)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def give_up_output() -> None:
    """Discard what is not yet written to standard output, because nothing reads it any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):  # an output without a file of its own
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
