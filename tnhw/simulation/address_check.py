"""A copy of emitted Verilog for simulation, in which every memory watches its addresses.

Verilog answers an address beyond a memory's depth with unknown bits, and drops a write there; in hardware another
word is read or written. Before each access the copy compares the address, and two registers of the top module keep
the first fault: the number of the memory, from 1, and the address. What a person receives is not changed.
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import ToolFailed

__all__ = ["watched"]

_MODULE = re.compile(r"^module (\w+).*?^endmodule$", re.M | re.S)
_MEMORY = re.compile(r"^ *reg (?:signed )?(?:\[\d+:\d+\] )?(\w+) \[(\d+):0\];$", re.M)


def watched(text: str, top: str) -> tuple[str, dict[str, Any] | None]:
    """The text with checks, and what the bench must know of them.

    Parameters
    ----------
    text : str
        Verilog of :func:`tnhw.verilog.emit`.
    top : str

    Returns
    -------
    str
    dict or None
        ``fault`` and ``address``, names of registers of the top module; ``memories``, a list of ``name`` and
        ``depth``, of which `fault` gives a number from 1. None where there is no memory.

    Raises
    ------
    ToolFailed
        If an access cannot be checked: the form of the Verilog is unknown.
    """
    names = {"fault": _unused(text, "address_fault"), "address": _unused(text, "faulty_address")}
    memories = []

    def module(match):
        body = match[0]
        for memory, highest in _MEMORY.findall(body):
            memories.append({"name": f"{match[1]}.{memory}", "depth": int(highest) + 1})
            report = _report(top, names, len(memories), int(highest) + 1)
            body = _accesses(body, memory, report)
        return body

    text = _MODULE.sub(module, text)
    if not memories:
        return text, None
    registers = "".join(f"\n  reg [31:0] {name} = 0;" for name in names.values())
    text, count = re.subn(
        rf"^module {top}\(.*?\);", lambda match: str(match[0]) + registers, text, flags=re.M
    )
    if count != 1:
        raise ToolFailed(f"the emitted Verilog has {count} modules `{top}`; please report this")
    return text, names | {"memories": memories}


def _unused(text, name):
    """A name that does not occur in the text."""
    while name in text:
        name += "_"
    return name


def _report(top, names, number, depth):
    """Statement that notes a fault at an address; an unknown address is one."""
    fault, address = (f"{top}.{name}" for name in (names["fault"], names["address"]))

    def statement(value):
        return (
            f"if (({{{value}}} < {depth}) !== 1'b1 && {fault} == 0) begin "
            f"{fault} = {number}; {address} = {{{value}}}; end"
        )

    return statement


def _accesses(body, memory, report):
    """The module's text with a check in front of each statement that reads or writes the memory."""
    lines = []
    for line in body.split("\n"):
        places = [match.end() for match in re.finditer(rf"(?<![\w.$]){memory}\[", line)]
        if not places or re.fullmatch(
            rf" *{memory}\[\d+\] = .*;", line
        ):  # none, or initial contents
            lines.append(line)
            continue
        if "<=" not in line or not line.endswith(";"):
            raise ToolFailed(
                f"the emitted Verilog has an access that cannot be checked: {line.strip()}"
            )
        indent = line[: len(line) - len(line.lstrip())]
        checks = " ".join(report(_index(line, place)) for place in places)
        lines.append(f"{indent}begin {checks} {line.strip()} end")
    return "\n".join(lines)


def _index(line, begin):
    """What stands between the bracket before `begin` and the one that closes it."""
    depth = 1
    for end in range(begin, len(line)):
        depth += {"[": 1, "]": -1}.get(line[end], 0)
        if not depth:
            return line[begin:end]
    raise ToolFailed(f"the emitted Verilog has an access that cannot be checked: {line.strip()}")
