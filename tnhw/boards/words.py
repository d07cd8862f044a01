"""What the text of a board file may look like.

The words of a board file are copied into Tcl scripts, constraint files and command lines that other programs
read. Each type here allows only the characters that its words need, so that no word can be taken for
anything else there.
"""

import os
import re
import shlex
from typing import Annotated, Any

from pydantic import AfterValidator, Field

__all__ = [
    "BITSTREAM",
    "ByHand",
    "Name",
    "Part",
    "Pin",
    "Program",
    "Title",
    "Value",
    "hand_command",
]

BITSTREAM = "{bitstream}"

#: The options of openFPGALoader that a board may use: how to reach it. None of them names a file.
PROGRAMMER_OPTIONS = {
    "-b", "--board", "-c", "--cable", "-d", "--device", "-f", "--write-flash", "-m", "--write-sram",
    "-o", "--offset", "-r", "--reset", "-v", "--verbose", "--altsetting", "--busdev-num", "--cable-index",
    "--dfu", "--external-flash", "--freq", "--fpga-part", "--ftdi-channel", "--ftdi-serial",
    "--index-chain", "--invert-read-edge", "--pid", "--pins", "--spi", "--target-flash",
    "--unprotect-flash", "--verify", "--vid",
}  # fmt: skip


def _text(pattern: str, what: str) -> Any:
    """A type of text that matches `pattern`; `what` completes the message "must be ..."."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {what}, not {value[:80]!r}")
        return value

    return Annotated[
        str, AfterValidator(check), Field(json_schema_extra={"pattern": f"^{pattern}$"})
    ]


Name = _text(
    r"[A-Za-z_][A-Za-z0-9_]{0,63}",
    "at most 64 letters, digits and `_`, a digit not first",
)
Part = _text(
    r"[A-Za-z0-9][A-Za-z0-9_./-]{0,63}",
    "at most 64 letters, digits, `_`, `.`, `/` and `-`, a letter or digit first",
)
Pin = _text(
    r"[A-Za-z0-9_]{1,32}(:[A-Za-z0-9_]{1,32})?",
    "a pin's name of letters, digits and `_`, or `connector_number:pin`",
)


def _title(value: str) -> str:
    if not value.isprintable() or not 1 <= len(value) <= 120:
        raise ValueError(
            f"must be one line of 1 to 120 characters without control characters, not {value[:80]!r}"
        )
    return value


Title = Annotated[str, AfterValidator(_title)]


def _value(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(
        r"[A-Za-z0-9_.+:/,-]+( [A-Za-z0-9_.+:/,-]+)*|", value
    ):
        raise ValueError(
            "must be letters, digits, single spaces and the signs `_ . + - : / ,`, "
            f"not {value[:80]!r}"
        )
    return value


Value = Annotated[str | int | float | bool, AfterValidator(_value)]


def _program(words: list[str]) -> list[str]:
    for word in words:
        if word.startswith("-") and word not in PROGRAMMER_OPTIONS:
            raise ValueError(
                f"{word[:80]!r} is not among the options of openFPGALoader that name a board or a cable: "
                + ", ".join(sorted(PROGRAMMER_OPTIONS))
            )
        if not re.fullmatch(r"[A-Za-z0-9-][A-Za-z0-9_.:-]{0,63}", word):
            raise ValueError(f"must be options and plain words, not {word[:80]!r}")
    return words


Program = Annotated[list[str], AfterValidator(_program)]


def _by_hand(text: str) -> str:
    """Check the command `by_hand`: plain words, with `{bitstream}` where the file goes."""
    try:
        words = shlex.split(text) if text.isprintable() else []
    except ValueError:
        words = []
    plain = [
        re.fullmatch(r"[A-Za-z0-9_@%+=:,./-]+", word.replace(BITSTREAM, "bitstream"))
        for word in words
    ]
    if not words or not all(plain) or words[0].startswith("-"):
        raise ValueError(
            "must be one command of plain words, with `{bitstream}` where the file goes and nothing else that a "
            f"shell would act on, not {text[:80]!r}"
        )
    return text


ByHand = Annotated[str, AfterValidator(_by_hand)]


def hand_command(text: str, bitstream: str | os.PathLike[str]) -> str:
    """The command `by_hand` of a board with the path of a bitstream filled in, quoted for a shell."""
    words = [word.replace(BITSTREAM, str(bitstream)) for word in shlex.split(text)]
    return shlex.join(words)
