"""Emitted Verilog, with many faults of which one at a time is switched on, as a compiled model.

Yosys' `mutate` puts the faults in, each behind a comparison of one more input with its number, and maps
everything to single gates; these become one C function. So hundreds of faulty designs take one compilation.
"""

import ctypes
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tnhw import tools

SELECT = "mutant"  # the input that switches a fault on; 0: none
BITS = 16

READ = """\
read_verilog -sv design.v
hierarchy -check -top {top}
proc
flatten
setundef -one
opt_clean
memory_collect
"""
_LIST = f"mutate -list {{count}} -seed {{seed}} -ctrl {SELECT} {BITS} 1 -o list.ys\n"
_GATES = """\
script list.ys
memory_map
opt
simplemap
techmap
opt
async2sync
dffunmap
simplemap
opt_clean
write_json gates.json
"""
RECIPE = READ + _LIST + _GATES

_GATE = {
    "$_BUF_": "{A}", "$_NOT_": "!{A}", "$_AND_": "{A} & {B}", "$_OR_": "{A} | {B}", "$_XOR_": "{A} ^ {B}",
    "$_NAND_": "!({A} & {B})", "$_NOR_": "!({A} | {B})", "$_XNOR_": "!({A} ^ {B})",
    "$_ANDNOT_": "{A} & !{B}", "$_ORNOT_": "{A} | !{B}", "$_MUX_": "{S} ? {B} : {A}",
}  # fmt: skip

_C = """\
static unsigned char v[%(nets)d];
static const int init[][2] = {%(init)s};
void eval(void) {
%(gates)s
}
void tick(void) {
%(read)s
%(write)s
}
void start(void) {
  for (int k = 0; k < %(nets)d; k++) v[k] = k == 1;
  for (int k = 0; k < (int)(sizeof init / sizeof *init); k++) v[init[k][0]] = init[k][1];
}
void put(const int *bits, int count, const char *text) {
  for (int k = 0; k < count; k++) v[bits[k]] = text[k] & 1;
}
void get(const int *bits, int count, char *text) {
  for (int k = 0; k < count; k++) text[k] = '0' + v[bits[k]];
}
"""


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes
    ----------
    number : int
        Value of the input `SELECT` that switches it on.
    command : str
        The Yosys command that puts it in for good.
    """

    number: int
    command: str

    @property
    def text(self):
        """What it is, in short: mode, cell, port and bit."""
        found = dict(re.findall(r"-(mode|cell|port|portbit) (\S+)", self.command))
        return f"{found['mode']} {found['cell']}.{found['port']}[{found['portbit']}]"


def faults(text, top, folder, count, seed=1):
    """List `count` faults of a Verilog text in `folder`, which receives it as ``design.v``: list of Mutant."""
    folder = Path(folder)
    (folder / "design.v").write_text(text)
    tools.yosys(READ.format(top=top) + _LIST.format(count=count, seed=seed), cwd=folder)
    # A clock that stands still is no fault of a bench that has one clock: the model has none. Nor has a
    # memory that is read at once an enable or a reset, though Yosys writes them, and ends itself where a reset is not 0.
    lines = (folder / "list.ys").read_text().splitlines()
    lines = [
        line for line in lines if not re.search(r" -port ((RD_|WR_)?CLK|RD_EN|RD_[AS]RST) ", line)
    ]
    (folder / "list.ys").write_text("\n".join(lines) + "\n")
    mutants = []
    for line in lines:
        command = re.sub(rf" -ctrl {SELECT} {BITS} (\d+)", "", line)
        number = int(re.search(rf"-ctrl {SELECT} {BITS} (\d+)", line)[1])
        mutants.append(Mutant(number, command))
    return mutants


def make(text, top, folder, count, seed=1):
    """Compile Verilog with `count` faults in it; files go to `folder`.

    Returns
    -------
    list of Mutant
    """
    folder = Path(folder)
    mutants = faults(text, top, folder, count, seed)
    tools.yosys(READ.format(top=top) + _GATES, cwd=folder)
    ports, source = _translate(json.loads((folder / "gates.json").read_text())["modules"][top])
    (folder / "model.c").write_text(source)
    (folder / "ports.json").write_text(json.dumps(ports))
    command = ["gcc", "-O1", "-shared", "-fPIC", "-o", "model.so", "model.c"]
    subprocess.run(command, cwd=folder, check=True)
    return mutants


def _translate(module):
    """Ports (name to net numbers, most significant first), and C."""
    nets = {"0": 0, "1": 1, "x": 0, "z": 0}

    def net(bit):
        return nets.setdefault(bit, len(nets) - 2 if isinstance(bit, int) else 0)

    ports = {
        name: [net(bit) for bit in reversed(port["bits"])] for name, port in module["ports"].items()
    }
    drivers, flops, users = {}, [], {}
    for cell in module["cells"].values():
        if cell["type"] == "$scopeinfo":
            continue
        at = {pin: net(bits[0]) for pin, bits in cell["connections"].items()}
        if cell["type"] in ("$_DFF_P_", "$_FF_"):
            flops.append((at["Q"], at["D"]))
            continue
        gate = _GATE[cell["type"]].format(**{pin: f"v[{k}]" for pin, k in at.items()})
        inputs = [k for pin, k in at.items() if pin != "Y"]
        drivers[at["Y"]] = (inputs, f"  v[{at['Y']}] = {gate};")
        for k in inputs:
            users.setdefault(k, []).append(at["Y"])
    waiting = {out: sum(k in drivers for k in inputs) for out, (inputs, _) in drivers.items()}
    ready, lines = [out for out, count in waiting.items() if not count], []
    while ready:
        out = ready.pop()
        lines.append(drivers[out][1])
        for user in users.get(out, ()):
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    assert len(lines) == len(drivers), "a fault closes a loop of gates"
    initial = {}
    for wire in module["netnames"].values():
        text = wire["attributes"].get("init")
        for bit, value in zip(wire["bits"], reversed(text or ""), strict=False):
            if value in "01":
                initial[net(bit)] = int(value)
    source = _C % {
        "nets": len(nets) - 2,
        "init": ", ".join(f"{{{k}, {value}}}" for k, value in initial.items()) or "{0, 0}",
        "gates": "\n".join(lines),
        "read": "\n".join(f"  unsigned char d{k} = v[{d}];" for k, (_, d) in enumerate(flops)),
        "write": "\n".join(f"  v[{q}] = d{k};" for k, (q, _) in enumerate(flops)),
    }
    return ports, source


class Model:
    """A compiled design: ports by name, strings of bits, most significant first."""

    def __init__(self, folder):
        folder = Path(folder)
        self._c = ctypes.CDLL(str(folder / "model.so"))
        self.ports = {
            name: (ctypes.c_int * len(bits))(*bits)
            for name, bits in json.loads((folder / "ports.json").read_text()).items()
        }
        self.tick, self.eval = self._c.tick, self._c.eval

    def start(self, mutant):
        """All registers as before the first clock, and one fault switched on (0: none)."""
        self._c.start()
        if SELECT in self.ports:
            self.put(SELECT, format(mutant, f"0{BITS}b"))

    def put(self, port, text):
        bits = self.ports[port]
        self._c.put(bits, len(bits), text.encode())

    def get(self, port):
        bits = self.ports[port]
        buffer = ctypes.create_string_buffer(len(bits))
        self._c.get(bits, len(bits), buffer)
        return buffer.raw.decode()
