"""Memories of a module as arrays, and their ports under a clock; those without one are operators."""

from collections.abc import Iterator

from .expressions import constant
from .rtlil import Bits, Cell, Memory, part, width
from .values import Values

__all__ = ["declaration", "marks", "under_clock"]


def marks(attributes: dict[str, str]) -> str:
    """Attributes as they stand before what has them."""
    return "".join(f"(* {key} = {value} *) " for key, value in attributes.items())


def declaration(values: Values, memory: Memory) -> list[str]:
    """The array of a memory, and what it begins with."""
    name = values.others[memory.name]
    lines = [
        f"  {marks(memory.attributes)}reg [{memory.width - 1}:0] {name} [0:{memory.size - 1}];"
    ]
    for cell in _cells(values, "$meminit_v2", memory):
        rows = [part(cell.ports["DATA"], k * memory.width, memory.width)[0].value
                for k in range(memory.size)]  # fmt: skip
        lines.append("  initial begin")
        lines += [f"    {name}[{k}] = {constant(row, memory.width)};" for k, row in enumerate(rows)]
        lines.append("  end")
    return lines


def under_clock(values: Values, memory: Memory) -> list[str]:
    """The blocks in which a memory is written, and read where that takes a clock: one for each clock."""
    blocks: dict[Bits, list[str]] = {}
    writers = list(_cells(values, "$memwr_v2", memory))
    for cell in writers:
        lines = blocks.setdefault(cell.ports["CLK"], [])
        word = values.word(cell, cell.ports["ADDR"])
        for enable, start, count in _runs(cell.ports["EN"]):
            data = values.value(part(cell.ports["DATA"], start, count)).text
            where = "" if count == memory.width else f"[{start + count - 1}:{start}]"
            lines += _guarded(values, enable, [f"{word}{where} <= {data};"])
    for cell in _cells(values, "$memrd_v2", memory):
        blocks.setdefault(cell.ports["CLK"], []).extend(_read(values, cell, writers))
    found: list[str] = []
    for clock, lines in blocks.items():
        head = f"  always @(posedge {values.value(clock).text})"
        if len(lines) == 1:
            found += [head, f"    {lines[0]}"]
        elif lines:
            found += [f"{head} begin", *(f"    {line}" for line in lines), "  end"]
    return found


def _read(values: Values, cell: Cell, writers: list[Cell]) -> list[str]:
    """A read under a clock; of a port that it is transparent for it takes what that writes at the same time."""
    (result,) = cell.ports["DATA"]
    address = cell.ports["ADDR"]
    lines = [f"{values.reference(result)} <= {values.word(cell, address)};"]
    for writer in writers:
        if not int(cell.parameters["TRANSPARENCY_MASK"]) >> int(writer.parameters["PORTID"]) & 1:
            continue
        written = values.value(writer.ports["ADDR"]).operand if address else ""
        same = f"({written} == {values.value(address).operand})" if address else ""
        for enable, start, count in _runs(writer.ports["EN"]):
            data = values.value(part(writer.ports["DATA"], start, count)).text
            target = values.reference(result._replace(start=result.start + start, width=count))
            lines += _guarded(values, enable, [f"{target} <= {data};"], same)
    return _guarded(values, cell.ports["EN"], lines)


def _cells(values: Values, kind: str, memory: Memory) -> Iterator[Cell]:
    for cell in values.module.cells:
        if cell.kind == kind and str(cell.parameters["MEMID"]).removeprefix("\\") == memory.name:
            yield cell


def _guarded(values: Values, enable: Bits, lines: list[str], same: str = "") -> list[str]:
    """Statements under an enable of one bit, and under the condition that two addresses are the same."""
    (bit,) = enable
    if bit.wire is None and not bit.value:
        return []
    given = [values.value(enable)] if bit.wire is not None else []
    texts = [text.text if not same else text.operand for text in given] + ([same] if same else [])
    if not texts:
        return lines
    head = f"if ({' & '.join(texts)})"
    if len(lines) == 1:
        return [f"{head} {lines[0]}"]
    return [f"{head} begin", *(f"  {line}" for line in lines), "end"]


def _runs(bits: Bits) -> Iterator[tuple[Bits, int, int]]:
    """Runs of one and the same bit: (bit, start, length)."""
    start, size = 0, width(bits)
    for k in range(1, size + 1):
        if k == size or part(bits, k, 1) != part(bits, start, 1):
            bit = part(bits, start, 1)
            if bit[0].wire is not None or bit[0].value:
                yield bit, start, k - start
            start = k
