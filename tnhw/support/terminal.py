"""Text on its way to a terminal: what came from a file is shown, and never obeyed."""

import contextlib
import os
import sys

__all__ = ["give_up_output", "printable", "say", "survive_encodings"]

_KEPT = "\n\t"


def printable(text: object) -> str:
    """`text` with every character that a terminal might act on, or that shows nothing, as its escape.

    A name in a file may hold escape sequences, which colour, move and overwrite, and marks that turn the direction
    of writing. Lines stay lines.
    """
    return "".join(
        character if character.isprintable() or character in _KEPT else ascii(character)[1:-1]
        for character in str(text)
    )


def say(text: object) -> None:
    """A line about what goes on, on standard error."""
    print(f"tnhw: {printable(text)}", file=sys.stderr, flush=True)


def survive_encodings() -> None:
    """Show what the locale's encoding lacks as its escape, and let a closed stream be one that nobody reads."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  (as long as the process)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def give_up_output() -> None:
    """Let what is still to be written to standard output go nowhere, as it cannot go where it should."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):  # an output without a file of its own
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
