"""The emitted Verilog as cells, registers and memories, as Yosys writes them."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ... import tools
from ...errors import ToolFailed
from .gates import KINDS
from .values import UNKNOWN, NotUnderstood, joined

__all__ = ["Cell", "Memory", "Netlist", "read"]

_SCRIPT = """\
read_verilog -sv design.v
hierarchy -check -top {top}
proc
flatten
opt_clean
memory_collect
opt_clean
write_json design.json
"""
REGISTERS = ("$dff", "$dffe")


@dataclass(frozen=True)
class Cell:
    """A cell without memory: its kind, its inputs as runs of bits, and its one output."""

    kind: str
    inputs: dict[str, list]
    output: int
    width: int
    signed: bool
    both: bool


@dataclass(frozen=True)
class Memory:
    """A memory whose read ports have no clock."""

    words: int
    width: int
    initial: list
    reads: list  # (address, number of the output)
    writes: list  # (address, data, enable)


@dataclass(frozen=True)
class Netlist:
    """A flat module. Outputs of cells, inputs and registers have numbers; a signal is a list of (number or None, low, count)
    with the integer instead of `low` where it is a constant."""

    inputs: dict[str, tuple[int, int]]
    outputs: dict[str, list]
    order: list  # Cell and (Memory number, read port), each after what it needs
    registers: list  # (number, width, next, enable or None, initial)
    memories: list
    count: int


def read(text: str, top: str, clock: str = "clk") -> Netlist:
    """The netlist of a Verilog text, all of whose registers have one clock.

    Raises
    ------
    ToolFailed
        If Yosys rejects the Verilog.
    NotUnderstood
        If there is a cell of another kind, another clock, or a loop.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "design.v").write_text(text)
        tools.yosys(_SCRIPT.format(top=top), cwd=folder)
        module = json.loads(Path(folder, "design.json").read_text())["modules"].get(top)
    if module is None:
        raise ToolFailed(f"the Verilog has no module `{top}`")
    return _Reader(module, clock).netlist()


class _Reader:
    def __init__(self, module, clock):
        self.module, self._clock = module, module["ports"].get(clock, {"bits": None})["bits"]
        self.source: dict[int, tuple[int, int]] = {}  # bit of Yosys to (number, bit)
        self.count = 0
        self.initial: dict[int, str] = {}
        for net in module["netnames"].values():
            value = net.get("attributes", {}).get("init")
            if value is not None:
                for bit, digit in zip(
                    net["bits"], reversed(value.rjust(len(net["bits"]), "x")), strict=False
                ):
                    self.initial[bit] = digit

    def _drive(self, wires):
        number = self.count
        self.count += 1
        for place, bit in enumerate(wires):
            self.source[bit] = number, place
        return number

    def _runs(self, wires):
        """A signal as runs of bits of one source, and constants."""
        runs: list[list] = []
        for bit in wires:
            if isinstance(bit, str):
                value = int(bit) if bit in "01" else UNKNOWN
                last = runs[-1] if runs and runs[-1][0] is None else None
                if last and value is UNKNOWN and last[1] is UNKNOWN:
                    last[2] += 1
                elif last and value is not UNKNOWN and last[1] is not UNKNOWN:
                    last[1] |= value << last[2]
                    last[2] += 1
                else:
                    runs.append([None, value, 1])
                continue
            if bit not in self.source:
                raise NotUnderstood("a wire has no driver")
            number, place = self.source[bit]
            if runs and runs[-1][0] == number and runs[-1][1] + runs[-1][2] == place:
                runs[-1][2] += 1
            else:
                runs.append([number, place, 1])
        return [tuple(run) for run in runs]

    def netlist(self):
        cells = {n: c for n, c in self.module["cells"].items() if c["type"] != "$scopeinfo"}
        inputs, memories, registers = {}, [], []
        for name, port in self.module["ports"].items():
            if port["direction"] == "input":
                inputs[name] = self._drive(port["bits"]), len(port["bits"])
        outs = {}
        for name, cell in cells.items():
            kind = cell["type"]
            if kind in REGISTERS:
                outs[name] = self._drive(cell["connections"]["Q"])
            elif kind == "$mem_v2":
                width = _number(cell, "WIDTH")
                data = cell["connections"]["RD_DATA"]
                outs[name] = [self._drive(data[k : k + width]) for k in range(0, len(data), width)]
            elif kind in KINDS:
                outs[name] = self._drive(cell["connections"]["Y"])
            else:
                raise NotUnderstood(f"a cell of the kind {kind}")
        combinational = {}
        for name, cell in cells.items():
            ports, kind = cell["connections"], cell["type"]
            if kind in REGISTERS:
                registers.append(self._register(outs[name], cell))
            elif kind == "$mem_v2":
                memory = self._memory(cell, outs[name])
                for place, (address, number) in enumerate(memory.reads):
                    combinational[number] = (len(memories), place), [address]
                memories.append(memory)
            else:
                own = {port: self._runs(wires) for port, wires in ports.items() if port != "Y"}
                signed = bool(_number(cell, "A_SIGNED"))
                both = signed and bool(_number(cell, "B_SIGNED")) if "B" in own else signed
                made = Cell(kind, own, outs[name], len(ports["Y"]), signed, both)
                combinational[outs[name]] = made, list(own.values())
        outputs = {
            name: self._runs(port["bits"])
            for name, port in self.module["ports"].items()
            if port["direction"] == "output"
        }
        return Netlist(inputs, outputs, _ordered(combinational), registers, memories, self.count)

    def _register(self, number, cell):
        ports = cell["connections"]
        if not _number(cell, "CLK_POLARITY"):
            raise NotUnderstood("a register at the falling edge")
        if ports["CLK"] != self._clock:
            raise NotUnderstood("a register with another clock")
        enable = None
        if cell["type"] == "$dffe":
            enable = self._runs(ports["EN"]), _number(cell, "EN_POLARITY")
        digits = [self.initial.get(bit, "x") for bit in ports["Q"]]
        initial = joined((1, UNKNOWN if digit not in "01" else int(digit)) for digit in digits)
        return number, len(ports["Q"]), self._runs(ports["D"]), enable, initial

    def _memory(self, cell, outs):
        ports, width, address = cell["connections"], _number(cell, "WIDTH"), _number(cell, "ABITS")
        if _number(cell, "RD_CLK_ENABLE") or _number(cell, "OFFSET"):
            raise NotUnderstood("a memory with clocked reads, or whose first address is not 0")
        clocked = range(_number(cell, "WR_PORTS"))
        edges = {_bit(cell, "WR_CLK_ENABLE", k) * _bit(cell, "WR_CLK_POLARITY", k) for k in clocked}
        if set(ports["WR_CLK"]) - set(self._clock or ()) or edges - {1}:
            raise NotUnderstood("a memory with another clock")
        words = _number(cell, "SIZE")
        text = cell["parameters"]["INIT"]
        initial = []
        for word in range(words):
            digits = text[len(text) - (word + 1) * width : len(text) - word * width]
            known = digits and not set(digits) - {"0", "1"}
            initial.append(((width, int(digits, 2) if known else UNKNOWN),))

        def part(port, k, size):
            return self._runs(ports[port][k * size : (k + 1) * size])

        reads = [(part("RD_ADDR", k, address), number) for k, number in enumerate(outs)]
        writes = [
            (part("WR_ADDR", k, address), part("WR_DATA", k, width), part("WR_EN", k, width))
            for k in range(_number(cell, "WR_PORTS"))
        ]
        return Memory(words, width, initial, reads, writes)


def _bit(cell, name, place):
    """A bit of a parameter."""
    return _number(cell, name) >> place & 1


def _number(cell, name):
    value = cell["parameters"].get(name, 0)
    return int(value, 2) if isinstance(value, str) else value


def _ordered(combinational):
    """Cells and reads in an order in which each comes after what it needs."""
    order, state = [], {}
    for start in combinational:
        stack = [(start, False)]
        while stack:
            number, done = stack.pop()
            if done:
                order.append(combinational[number][0])
                state[number] = 2
                continue
            if state.get(number):
                if state[number] == 1:
                    raise NotUnderstood("a loop of gates")
                continue
            state[number] = 1
            stack.append((number, True))
            for signal in combinational[number][1]:
                for source, _, _ in signal:
                    if source in combinational and state.get(source) != 2:
                        if state.get(source) == 1:
                            raise NotUnderstood("a loop of gates")
                        stack.append((source, False))
    return order
