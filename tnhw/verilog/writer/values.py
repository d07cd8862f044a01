"""Expressions for the values of one module, and how often each of its wires is read."""

from collections import Counter

from .expressions import Text, constant, extended, operator
from .operators import READ, computes
from .processes import SAME
from .rtlil import Bits, Cell, Module, Part, reads

__all__ = ["Values"]


class Values:
    """Writes values of a module.

    Parameters
    ----------
    module
    names
        The names of its wires in Verilog.
    others
        Those of its instances and memories.

    Attributes
    ----------
    inlined
        Expressions of wires that are written where they are read.
    bits_read
        Of each wire the bits that are read, as a mask.
    uses, whole
        How often each wire is read, and how often as a whole.
    """

    def __init__(self, module: Module, names: dict[str, str], others: dict[str, str]) -> None:
        self.module = module
        self.names = names
        self.others = others
        self.inlined: dict[str, Text] = {}
        self.bits_read: dict[str, int] = {}
        self.uses: Counter[str] = Counter()
        self.whole: Counter[str] = Counter()
        self._count()

    def _count(self) -> None:
        for cell in self.module.cells:
            for pin, bits in cell.ports.items():
                if computes(cell):
                    if pin != "Y":
                        self._note(extended(cell, pin) if cell.kind != SAME else bits)
                elif pin not in cell.outputs:
                    self._note(bits)
        for clock, block in self.module.registers:
            self._note(clock)
            for bits in reads(block):
                self._note(bits)

    def _note(self, bits: Bits) -> None:
        last = None
        for one in bits:
            if one.wire is not None:
                mask = ((1 << one.width) - 1) << one.start
                self.bits_read[one.wire] = self.bits_read.get(one.wire, 0) | mask
                if not (one == last and one.width == 1):
                    self.uses[one.wire] += 1
                    self.whole[one.wire] += one.width == self.module.wires[one.wire].width
            last = one

    def value(self, bits: Bits) -> Text:
        """An expression for a value."""
        pieces: list[tuple[Text, int]] = []
        last = None
        for one in bits:
            if one == last and one.width == 1:
                pieces[-1] = (pieces[-1][0], pieces[-1][1] + 1)
            else:
                pieces.append((self._part(one), 1))
            last = one
        if len(pieces) == 1 and pieces[0][1] == 1:
            return pieces[0][0]
        texts = [
            f"{{{count}{{{text.text}}}}}" if count > 1 else text.text
            for text, count in reversed(pieces)
        ]
        return Text(texts[0] if len(texts) == 1 else "{" + ", ".join(texts) + "}", True)

    def _part(self, one: Part) -> Text:
        if one.wire is None:
            return Text(constant(one.value, one.width), True)
        if one.wire in self.inlined:
            return self.inlined[one.wire]
        return Text(self.reference(one), True)

    def reference(self, one: Part) -> str:
        wire = self.module.wires[one.wire or ""]
        name = self.names[wire.name]
        if one.width == wire.width:
            return name
        if one.width == 1:
            return f"{name}[{one.start}]"
        return f"{name}[{one.start + one.width - 1}:{one.start}]"

    def expression(self, cell: Cell) -> Text:
        if cell.kind == SAME:
            return self.value(cell.ports["A"])
        if cell.kind == READ:
            return Text(self.word(cell, cell.ports["A"]), True)
        return operator(cell, {p: self.value(extended(cell, p)) for p in cell.ports if p != "Y"})

    def word(self, cell: Cell, address: Bits) -> str:
        """The word at an address of the memory that a cell is a port of."""
        memory = self.others[str(cell.parameters["MEMID"]).removeprefix("\\")]
        return f"{memory}[{self.value(address).text if address else 0}]"
