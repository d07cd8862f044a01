"""Modules of RTLIL as the text of Verilog-2001 that a person would have written."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...gates.summing.primitives import OUTPUTS
from .expressions import constant
from .memories import declaration, marks, under_clock
from .naming import identifier, identifiers
from .operators import READ, anonymous, in_order
from .ports import connected, join_inputs
from .processes import lower
from .reader import read
from .registers import group
from .rtlil import Bits, Block, Cell, Module, Wire, driven
from .sharing import share
from .supported import check
from .values import Values

__all__ = ["Written", "modules", "verilog"]

_LINE = 110
_INLINE = 64  # characters of an expression that is written where its only user is


@dataclass(frozen=True)
class Written:
    """A module as it was written.

    Parameters
    ----------
    name
        In RTLIL.
    kind
        Name in Verilog; that of another module where both are equal.
    text
        From ``module`` to ``endmodule``.
    names
        Names of its wires in RTLIL, and those in Verilog.
    """

    name: str
    kind: str
    text: str
    names: dict[str, str]


def verilog(rtlil: str, ports: Sequence[str] = ()) -> str:
    """Verilog of the modules of a design, the top module first; see `modules`."""
    top, *others = {module.kind: module.text for module in reversed(modules(rtlil, ports))}.values()
    return "\n".join([top, *others])


def modules(rtlil: str, ports: Sequence[str] = ()) -> list[Written]:
    """All modules of a design, those that others instantiate before them; of equal ones each names the first.

    Parameters
    ----------
    rtlil
        What `amaranth.back.rtlil` writes.
    ports
        Ports of the top module, which is the first one of the text, in the order in which they are written.
    """
    given = {module.name: module for module in read(rtlil)}
    order = {name: number for number, name in enumerate(["clk", "rst", *ports])}
    inner = {name: order[name] for name in ("clk", "rst")}
    for module in given.values():
        check(module)
    top = next(iter(given))
    foreign = {c.kind for module in given.values() for c in module.cells if c.kind not in given}
    written: dict[str, Written] = {}
    first: dict[str, str] = {}  # of equal modules, by their text without a name
    joined: dict[str, dict[str, Bits]] = {}
    outputs = {
        name: frozenset(wire.name for wire in module.wires.values() if wire.port == "output")
        for name, module in given.items()
    } | OUTPUTS
    for module in _children_first(given):
        for cell in module.cells:
            cell.outputs = outputs.get(cell.kind, cell.outputs)
            if cell.kind in written:
                known = written[cell.kind].names
                pins = connected(cell.ports, joined[cell.kind])
                cell.ports = {name: bits for name, bits in pins.items() if name in known and bits}
        lower(module)
        joined[module.name] = join_inputs(module) if module.name != top else {}
        better = share(module, inner=module.name != top)
        group(module)
        writer = _Writer(
            module, *identifiers(module, better), written, order if module.name == top else inner
        )
        body = writer.body()
        kind = first.setdefault(body, _fresh(module.name, foreign.union(first.values())))
        written[module.name] = Written(
            module.name, kind, f"module {kind} {body}", dict(writer.names)
        )
    return list(written.values())


def _fresh(name: str, taken: Iterable[str]) -> str:
    """The name of a module in Verilog: the path to its first instance."""
    wanted = "__".join(identifier(part) for part in name.split("."))
    choice, number = wanted, 1
    while choice in taken:
        number += 1
        choice = f"{wanted}_{number}"
    return choice


def _children_first(modules: dict[str, Module]) -> list[Module]:
    found: dict[str, Module] = {}

    def visit(module: Module) -> None:
        for cell in module.cells:
            if cell.kind in modules and cell.kind not in found:
                visit(modules[cell.kind])
        found.setdefault(module.name, module)

    for module in modules.values():
        visit(module)
    return list(found.values())


class _Writer(Values):
    """Writes one module."""

    def __init__(
        self,
        module: Module,
        names: dict[str, str],
        instances: dict[str, str],
        modules: dict[str, Written],
        order: dict[str, int],
    ) -> None:
        super().__init__(module, names, instances)
        self._modules = modules
        self._order = order

    # ---- Text ----

    def body(self) -> str:
        """The module without its name: ports and all that follows."""
        module = self.module
        registers = {name for _, block in module.registers for name in driven(block)}
        registers |= {c.ports["DATA"][0].wire or "" for c in module.cells if c.kind == "$memrd_v2"}
        wires, computed = self._wires()
        lines = []
        declared = [w for w in module.wires.values() if not w.port and w.name in registers]
        lines += self._checked(
            [(wire, f"  {self._declaration('reg', wire)};") for wire in declared]
        )
        for memory in module.memories:
            lines += declaration(self, memory)
        instances = [cell for cell in module.cells if not cell.kind.startswith("$")]
        given = {
            wire
            for cell in instances
            for pin in cell.outputs & cell.ports.keys()
            for wire in _wires_of(cell.ports[pin])
        }
        lines += self._checked(
            [
                (wire, f"  {self._declaration('wire', wire)};")
                for wire in module.wires.values()
                if wire.name in given and not wire.port
                and wire.name not in registers and wire.name not in computed
            ]
        )  # fmt: skip
        sections = [lines, wires]
        sections += [self._instance(cell) for cell in instances]
        sections += [self._block(clock, block) for clock, block in module.registers]
        sections += [under_clock(self, memory) for memory in module.memories]
        sections.append(self._initial(registers))
        text = "\n\n".join("\n".join(section) for section in sections if section)
        own = self._ports()
        ends = [*[","] * (len(own) - 1), ""][: len(own)]
        room = max((len(_size(wire)) for wire in own), default=0)
        declared_ports = [
            (w, f"  {self._port(w, registers, room)}{end}")
            for w, end in zip(own, ends, strict=True)
        ]
        ports = "\n".join(self._checked(declared_ports))
        return f"(\n{ports}\n);\n\n{text}\n\nendmodule\n"

    def _checked(self, lines: list[tuple[Wire, str]]) -> list[str]:
        """Declarations; those of which not all bits are read say so to Verilator."""
        unread = [
            number
            for number, (wire, _) in enumerate(lines)
            if wire.port != "output" and self.bits_read.get(wire.name, 0) != (1 << wire.width) - 1
        ]
        found = [line for _, line in lines]
        if unread:
            found.insert(unread[-1] + 1, "  // verilator lint_on UNUSEDSIGNAL")
            found.insert(unread[0], "  // verilator lint_off UNUSEDSIGNAL")
        return found

    def _ports(self) -> list[Wire]:
        ports = [wire for wire in self.module.wires.values() if wire.port]
        last = len(self._order)
        return sorted(
            ports, key=lambda wire: self._order.get(wire.name, last + (wire.port == "output"))
        )

    def _port(self, wire: Wire, registers: set[str], room: int) -> str:
        kind = "reg " if wire.name in registers else "wire"
        direction = f"{wire.port} " if wire.port == "input" else wire.port or ""
        return f"{direction} {kind} {_size(wire):>{room}}{self.names[wire.name]}"

    def _declaration(self, kind: str, wire: Wire) -> str:
        return f"{kind} {_size(wire)}{self.names[wire.name]}"

    def _initial(self, registers: set[str]) -> list[str]:
        """Values that registers begin with, as FPGAs load them; beside the declaration Verilator warns of them."""
        lines = [
            f"    {self.names[wire.name]} = {constant(wire.init, wire.width)};"
            for wire in self.module.wires.values()
            if wire.name in registers and wire.init is not None
        ]
        return ["  initial begin", *lines, "  end"] if lines else []

    def _wires(self) -> tuple[list[str], set[str]]:
        """Declarations of the results of operators, each after those that it reads, and their names."""
        early = self._early()
        lines = [
            (wire, f"  {self._declaration('wire', wire)};")
            for wire in self.module.wires.values()
            if wire.name in early and not wire.port
        ]
        computed = set()
        pins = {  # Yosys 0.70 takes no $unsigned(...) there
            wire
            for cell in self.module.cells
            if not cell.kind.startswith("$")
            for bits in cell.ports.values()
            for wire in _wires_of(bits)
        }
        for cell in in_order(self.module):
            (result,) = cell.ports["Y"]
            wire = self.module.wires[result.wire or ""]
            text = self.expression(cell)
            uses = self.uses[wire.name]
            alone = anonymous(wire.name) and uses == self.whole[wire.name] and cell.kind != READ
            alone = alone and wire.name not in early
            alone = alone and not (text.text.startswith("$unsigned") and wire.name in pins)
            short = uses == 1 and len(text.text) <= _INLINE
            if alone and not wire.port and (short or (cell.kind == "$not" and len(text.text) < 24)):
                self.inlined[wire.name] = text
                continue
            computed.add(wire.name)
            if wire.port or wire.name in early:
                lines.append((wire, f"  assign {self.names[wire.name]} = {text.text};"))
            else:
                lines.append((wire, f"  {self._declaration('wire', wire)} = {text.text};"))
        return self._checked(lines), computed

    def _early(self) -> set[str]:
        """Results that an operator reads before they are there: where bits of one signal depend on others of it."""
        order = in_order(self.module)
        place = {cell.ports["Y"][0].wire: number for number, cell in enumerate(order)}
        return {
            one.wire or ""
            for number, cell in enumerate(order)
            for pin, bits in cell.ports.items()
            if pin != "Y"
            for one in bits
            if place.get(one.wire, -1) >= number
        }

    def _instance(self, cell: Cell) -> list[str]:
        module = self._modules.get(cell.kind)
        kind, names = (module.kind, module.names) if module else (cell.kind, {})
        values = ", ".join(f".{name}({_parameter(cell, name)})" for name in cell.parameters)
        ports = [
            f".{names.get(name, name)}({self.value(bits).text})"
            for name, bits in cell.ports.items()
            if bits
        ]
        head = f"  {marks(cell.attributes)}{kind} {f'#({values}) ' if values else ''}{self.others[cell.name]} ("
        line = f"{head}{', '.join(ports)});"
        if len(line) <= _LINE:
            return [line]
        return [head, *(f"    {port}," for port in ports[:-1]), f"    {ports[-1]}", "  );"]

    def _block(self, clock: Bits, block: Block) -> list[str]:
        lines = [f"    {line}" for line in self._statements(block)]
        return [f"  always @(posedge {self.value(clock).text}) begin", *lines, "  end"]

    def _statements(self, block: Block) -> list[str]:
        lines: list[str] = []
        for statement in block:
            if isinstance(statement, tuple):
                (one,), value = statement
                lines.append(f"{self.reference(one)} <= {self.value(value).text};")
                continue
            head = ""
            for condition, inner in statement:
                when = "" if condition is None else f"if ({self.value(condition).text}) "
                lines.append(f"{head}{when}begin")
                lines += [f"  {line}" for line in self._statements(inner)]
                head = "end else "
            lines.append("end")
        return lines


def _parameter(cell: Cell, name: str) -> str:
    value, size = cell.parameters[name], cell.sizes.get(name)
    return cell.written.get(name) or (constant(int(value), size) if size else str(value))


def _size(wire: Wire) -> str:
    return f"[{wire.width - 1}:0] " if wire.width > 1 else ""


def _wires_of(bits: Bits) -> Iterator[str]:
    return (one.wire for one in bits if one.wire is not None)
