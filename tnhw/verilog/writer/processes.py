"""Processes of RTLIL as blocks under a clock, or as multiplexers where they feed no register; parts at variable places as shifts.

A register is a cell ``$dff`` whose input is the result of a process, which begins with the register itself and
overwrites it where a condition holds.
"""

from collections import Counter
from collections.abc import Mapping

from ...errors import ToolFailed
from .operators import READ
from .rtlil import Bits, Block, Body, Cell, Module, Part, Process, Switch, Wire, join, part, width

__all__ = ["SAME", "lower"]

#: The kind of a cell that passes its port A on to Y.
SAME = "$same"


def lower(module: Module) -> None:
    """Replace the processes and the registers of a module by `Module.registers` and cells."""
    maker = _Maker(module)
    _read_without_clock(module)
    for cell in [cell for cell in module.cells if cell.kind == "$shift"]:
        _read_from_whole(maker, cell)
    drivers = {_target(process): process for process in module.processes}
    read = _reads(module)
    registers, module.cells = (
        [cell for cell in module.cells if cell.kind == "$dff"],
        [cell for cell in module.cells if cell.kind != "$dff"],
    )
    for cell in registers:
        q, d = cell.ports["Q"], cell.ports["D"]
        wire = module.wires[d[0].wire] if len(d) == 1 and d[0].wire is not None else None
        own = wire and wire.width == width(d) and not wire.port and read[wire.name] == 1
        driver = drivers.pop(wire.name, None) if wire and own else None
        body: Body = [(q, d)] if driver is None else _driving(driver.body, q)
        if body[0] == (q, q):
            body = body[1:]
        block = maker.block(body)
        block = [*_kept(q, block), *block]
        if _overwrites(block):
            block = [(q, maker.value(block, module.wires[q[0].wire or ""], q))]
        module.registers.append((cell.ports["CLK"], block))
    for name, process in drivers.items():
        wire = module.wires[name or ""]
        value = maker.value(maker.block(process.body), wire, (Part(None, 0, wire.width),))
        module.cells.append(Cell(SAME, "", ports={"A": value, "Y": (Part(name, 0, wire.width),)}))
    module.processes = []


def _read_without_clock(module: Module) -> None:
    """Read ports without a clock as operators, so that what is computed of a word comes after it."""
    for cell in module.cells:
        if cell.kind == "$memrd_v2" and not cell.parameters["CLK_ENABLE"]:
            cell.kind, cell.outputs = READ, frozenset({"Y"})
            cell.parameters = {"MEMID": cell.parameters["MEMID"]}
            cell.ports = {"A": cell.ports["ADDR"], "Y": cell.ports["DATA"]}


def _read_from_whole(maker: "_Maker", cell: Cell) -> None:
    """A ``$shift``, which Amaranth writes for a part at a variable place, as a ``$shr`` of which that part is read."""
    if cell.parameters["B_SIGNED"]:
        raise ToolFailed("tnhw writes no shift by a signed number")
    size = width(cell.ports["Y"])
    whole = maker.cell(
        "$shr", max(width(cell.ports["A"]), size), cell.parameters,
        A=cell.ports["A"], B=cell.ports["B"],
    )  # fmt: skip
    cell.kind, cell.ports = SAME, {"A": part(whole, 0, size), "Y": cell.ports["Y"]}


def _reads(module: Module) -> Counter[str]:
    """How often each wire is read, as a whole or in part."""
    found: Counter[str] = Counter()

    def note(bits: Bits) -> None:
        found.update(one.wire for one in bits if one.wire is not None)

    def visit(body: Body) -> None:
        for statement in body:
            if isinstance(statement, Switch):
                note(statement.test)
                for _, inner in statement.cases:
                    visit(inner)
            else:
                note(statement[1])

    for cell in module.cells:
        for bits in cell.ports.values():
            note(bits)
    for process in module.processes:
        visit(process.body)
    for _, value in module.connections:
        note(value)
    return found


def _target(process: Process) -> str | None:
    """The wire that a process drives; its first statement drives all of it."""
    first = process.body[0]
    assert not isinstance(first, Switch)
    return first[0][0].wire


def _driving(body: Body, q: Bits) -> Body:
    """The statements of a process as ones that drive the register `q`."""
    found: Body = []
    for statement in body:
        if isinstance(statement, Switch):
            cases = [(patterns, _driving(inner, q)) for patterns, inner in statement.cases]
            found.append(Switch(statement.test, cases))
        else:
            (one,), value = statement
            found.append((part(q, one.start, one.width), value))
    return found


class _Maker:
    """Makes cells of a module, with wires of their own."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._number = 0

    def block(self, body: Body) -> Block:
        """Statements with choices by one bit each; a reset at the end, which overwrites all, comes first."""
        block: Block = []
        for statement in body:
            if not isinstance(statement, Switch):
                block.append(statement)
                continue
            branches = self._branches(statement)
            if not branches:
                continue
            if branches[0][0] is None:
                block += branches[0][1]
            elif (
                len(branches) == 1
                and block
                and _targets(block) <= _targets(branches[0][1], always=True)
            ):
                inner = block[0]
                rest = inner if len(block) == 1 and isinstance(inner, list) else [(None, block)]
                block = [[*branches, *rest]]
            else:
                block.append(branches)
        return block

    def _branches(self, switch: Switch) -> list[tuple[Bits | None, Block]]:
        """The cases of a switch that can come true, without those at the end that do nothing."""
        found: list[tuple[Bits | None, Block]] = []
        for patterns, inner in switch.cases:
            condition = self._condition(switch.test, patterns)
            if condition is not None and condition[0].wire is None:
                if not condition[0].value:
                    continue
                condition = None
            found.append((condition, self.block(inner)))
            if condition is None:
                break
        while found and not found[-1][1]:
            found.pop()
        return found

    def _condition(self, tested: Bits, patterns: list[str]) -> Bits | None:
        """One bit that says whether a value fits one of the patterns; None where there are none."""
        found: Bits | None = None
        for pattern in patterns:
            places = [k for k, digit in enumerate(pattern[::-1]) if digit != "-"]
            read = join([one for k in places for one in part(tested, k, 1)])
            wanted = pattern.replace("-", "")
            if not read:
                return None
            if width(read) == 1:
                one = read if wanted == "1" else self.cell("$not", 1, A=read)
            else:
                constant = (Part(None, 0, len(wanted), int(wanted, 2)),)
                one = self.cell("$eq", 1, A=read, B=constant)
            found = one if found is None else self.cell("$or", 1, A=found, B=one)
        return found

    def value(self, block: Block, wire: Wire, before: Bits) -> Bits:
        """What a wire has after a block that begins with a value."""
        value = before
        for statement in block:
            if isinstance(statement, tuple):
                (one,), given = statement
                end = one.start + one.width
                rest = part(value, end, wire.width - end)
                value = join([*part(value, 0, one.start), *given, *rest])
                continue
            chosen = value
            for condition, inner in reversed(statement):
                taken = self.value(inner, wire, value)
                if condition is None:
                    chosen = taken
                elif taken != chosen:
                    chosen = self._multiplexer(condition, taken, chosen)
            value = chosen
        return value

    def _multiplexer(self, select: Bits, yes: Bits, no: Bits) -> Bits:
        """One multiplexer for the bits in which two values differ, between those in which they agree."""
        size = width(yes)
        differ = [k for k in range(size) if part(yes, k, 1) != part(no, k, 1)]
        low, count = differ[0], differ[-1] - differ[0] + 1
        made = self.cell("$mux", count, A=part(no, low, count), B=part(yes, low, count), S=select)
        above = part(yes, low + count, size - low - count)
        return join([*part(yes, 0, low), *made, *above])

    def cell(
        self,
        kind: str,
        bits: int,
        parameters: Mapping[str, int | str] | None = None,
        **ports: Bits,
    ) -> Bits:
        """The result of a new cell."""
        self._number += 1
        wire = Wire(f"$made{self._number}", bits)
        self._module.wires[wire.name] = wire
        result = (Part(wire.name, 0, bits),)
        given = dict(parameters or {})
        self._module.cells.append(Cell(kind, wire.name, given, {**ports, "Y": result}))
        return result


def _kept(q: Bits, block: Block) -> Block:
    """Assignments of the bits of a register that nothing drives: without one, Yosys takes them as undefined."""
    driven = _targets(block)
    ones = [part(q, k, 1) for k in range(width(q)) if (q[0].wire, q[0].start + k) not in driven]
    kept = join([one for bits in ones for one in bits])
    return [((one,), (one,)) for one in kept]


def _overwrites(block: Block) -> bool:
    """Whether an assignment follows a choice that drives some of the same bits.

    Inside of another choice Yosys 0.70 reads that wrongly: what was chosen stays.
    """
    chosen: set[tuple[str | None, int]] = set()
    for statement in block:
        if isinstance(statement, list):
            if any(_overwrites(inner) for _, inner in statement):
                return True
            chosen |= _targets([statement])
        elif chosen & _targets([statement]):
            return True
    return False


def _targets(block: Block, *, always: bool = False) -> set[tuple[str | None, int]]:
    """Bits that a block drives; with `always`, whatever its conditions are."""
    found = set()
    for statement in block:
        if isinstance(statement, list):
            inner = [_targets(one, always=always) for _, one in statement]
            if not always:
                found |= set().union(*inner)
            elif statement[-1][0] is None:
                found |= set.intersection(*inner)
        else:
            (one,), _ = statement
            found |= {(one.wire, one.start + k) for k in range(one.width)}
    return found
