"""A copy of emitted Verilog for simulation, in which the addresses of every memory are checked.

In Verilog, a read beyond the depth of a memory gives unknown bits, and a write there is ignored; hardware would read
or write another word. The copy compares the address before each access, and two registers of the top module hold the
first fault: the number of the memory, from 1, and the address. The files that the user gets are not changed.

A read without a clock has no enable, so nothing says when its result counts: it is checked only where a register takes it
at once.
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import ToolFailed

__all__ = ["watched"]

_MODULE = re.compile(r"^module (\w+).*?^endmodule$", re.M | re.S)
_MEMORY = re.compile(r"^ *(?:\(\*.*\*\) )?reg (?:\[\d+:0\] )?(\w+) \[0:(\d+)\];$", re.M)


def watched(text: str, top: str) -> tuple[str, dict[str, Any] | None]:
    """The text with checks, and what the bench must know about them.

    Parameters
    ----------
    text : str
        Verilog from :func:`tnhw.verilog.emit`.
    top : str
        Name of the top module.

    Returns
    -------
    str
        Verilog with checks.
    dict or None
        ``fault`` and ``address``: names of the two registers in the top module; ``memories``: a list of dicts with
        ``name`` and ``depth``, which `fault` counts from 1. None if there is no memory.

    Raises
    ------
    ToolFailed
        If an access cannot be checked, because the Verilog has an unknown form.
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
        rf"^module {top} \(.*?^\);",
        lambda match: str(match[0]) + registers,
        text,
        flags=re.M | re.S,
    )
    if count != 1:
        raise ToolFailed(f"the emitted Verilog has {count} modules `{top}`; please report this")
    return text, names | {"memories": memories}


def _unused(text, name):
    """`name`, with underscores appended until it does not occur in the text."""
    while name in text:
        name += "_"
    return name


def _report(top, names, number, depth):
    """A function that gives the statement that checks an address; an unknown address is a fault."""
    fault, address = (f"{top}.{name}" for name in (names["fault"], names["address"]))

    def statement(value):
        return (
            f"if (({{{value}}} < {depth}) !== 1'b1 && {fault} == 0) begin "
            f"{fault} = {number}; {address} = {{{value}}}; end"
        )

    return statement


def _accesses(body, memory, report):
    """The text of a module with a check before each statement that reads or writes the memory."""
    lines = []
    for line in body.split("\n"):
        places = [match.end() for match in re.finditer(rf"(?<![\w.$]){memory}\[", line)]
        # None, or initial contents, or a read without a clock.
        other = rf" *(?:{memory}\[\d+\] = |assign |wire ).*;"
        if not places or re.fullmatch(other, line):
            lines.append(line)
            continue
        if "<=" not in line or not line.endswith(";"):
            raise ToolFailed(
                f"the emitted Verilog has an access that cannot be checked: {line.strip()}"
            )
        begin = _condition(line)
        checks = " ".join(report(_index(line, place)) for place in places)
        lines.append(f"{line[:begin]}begin {checks} {line[begin:]} end")
    return "\n".join(lines)


def _condition(line):
    """How many characters a statement has before what it does: spaces, and a condition without an access."""
    begin = len(line) - len(line.lstrip())
    if not line[begin:].startswith("if ("):
        return begin
    end = begin + len("if (")
    return end + len(_index(line, end, "()")) + len(") ")


def _index(line, begin, brackets="[]"):
    """The text between the bracket before `begin` and its closing bracket."""
    depth = 1
    for end in range(begin, len(line)):
        depth += {brackets[0]: 1, brackets[1]: -1}.get(line[end], 0)
        if not depth:
            return line[begin:end]
    raise ToolFailed(f"the emitted Verilog has an access that cannot be checked: {line.strip()}")
