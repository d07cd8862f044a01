"""Memories of a module as arrays, and their ports under a clock; those without one are operators."""

from collections.abc import Iterator

from .expressions import constant
from .rtlil import Bits, Cell, Memory, part, width
from .values import Values

__all__ = ["declaration", "under_clock"]


def declaration(values: Values, memory: Memory) -> list[str]:
    """The array of a memory, and what it begins with."""
    name = values.others[memory.name]
    marks = "".join(f"(* {key} = {value} *) " for key, value in memory.attributes.items())
    lines = [f"  {marks}reg [{memory.width - 1}:0] {name} [0:{memory.size - 1}];"]
    for cell in _cells(values, "$meminit_v2", memory):
        rows = [part(cell.ports["DATA"], k * memory.width, memory.width)[0].value
                for k in range(memory.size)]  # fmt: skip
        lines.append("  initial begin")
        lines += [f"    {name}[{k}] = {constant(row, memory.width)};" for k, row in enumerate(rows)]
        lines.append("  end")
    return lines


def under_clock(values: Values, memory: Memory) -> list[str]:
    """The block in which a memory is written, and read where that takes a clock."""
    lines: list[str] = []
    clock = "clk"
    for cell in _cells(values, "$memwr_v2", memory):
        clock = values.value(cell.ports["CLK"]).text
        word = values.word(cell, cell.ports["ADDR"])
        for enable, start, count in _runs(cell.ports["EN"]):
            data = values.value(part(cell.ports["DATA"], start, count)).text
            where = "" if count == memory.width else f"[{start + count - 1}:{start}]"
            lines.append(_guarded(values, enable, f"{word}{where} <= {data};"))
    for cell in _cells(values, "$memrd_v2", memory):
        clock = values.value(cell.ports["CLK"]).text
        (result,) = cell.ports["DATA"]
        load = f"{values.reference(result)} <= {values.word(cell, cell.ports['ADDR'])};"
        lines.append(_guarded(values, cell.ports["EN"], load))
    if not lines:
        return []
    if len(lines) == 1:
        return [f"  always @(posedge {clock})", f"    {lines[0].strip()}"]
    return [f"  always @(posedge {clock}) begin", *lines, "  end"]


def _cells(values: Values, kind: str, memory: Memory) -> Iterator[Cell]:
    for cell in values.module.cells:
        if cell.kind == kind and str(cell.parameters["MEMID"]).removeprefix("\\") == memory.name:
            yield cell


def _guarded(values: Values, enable: Bits, text: str) -> str:
    if enable[0].wire is None:
        return f"    {text}"
    return f"    if ({values.value(enable).text}) {text}"


def _runs(bits: Bits) -> Iterator[tuple[Bits, int, int]]:
    """Runs of one and the same bit: (bit, start, length)."""
    start, size = 0, width(bits)
    for k in range(1, size + 1):
        if k == size or part(bits, k, 1) != part(bits, start, 1):
            bit = part(bits, start, 1)
            if bit[0].wire is not None or bit[0].value:
                yield bit, start, k - start
            start = k
