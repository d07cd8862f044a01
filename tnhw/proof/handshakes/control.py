"""The control of a module: the registers that its handshakes depend on, as a function of many states at once.

A handshake depends on counters and flags, and on no payload. So its registers are few, and all states that
they can reach can be listed (`reachable`), where no solver and no invariant is needed.
"""

from dataclasses import dataclass

import numpy as np
import z3

from ..formulas.compiled import compiled
from ..formulas.exhaustive import computable
from ..formulas.solver import Undecided
from ..formulas.values import as_bits
from ..formulas.walk import support

__all__ = ["Control", "Packing"]

MAX_DATA_BITS = 4  # of payloads, that handshakes may depend on
MAX_BITS = 60


class Control:
    """Registers and inputs that handshakes depend on, one clock at a time.

    Parameters
    ----------
    circuit : Circuit
    manifest : dict

    Attributes
    ----------
    registers : dict of str to int
        Name and width.
    initial : dict of str to int
        Values before the first clock.
    data : list of (str, int)
        Bits of payloads that a handshake depends on; a kernel of ours has none.
    ports : dict of str to str
        What the model calls a handshake signal (``i valid``, ``rst``) and the port's name.

    Raises
    ------
    Undecided
        If the handshakes depend on too much.
    """

    def __init__(self, circuit, manifest):
        self._circuit = circuit
        self.ports = {"rst": manifest["reset"]}
        given, shown = ["rst"], {}
        for stream in manifest["streams"]:
            for signal in ("valid", "ready", "last"):
                if not stream[signal]:
                    continue
                name = f"{stream['name']} {signal}"
                self.ports[name] = stream[signal]
                if (stream["role"] == "sink") == (signal != "ready"):
                    given.append(name)
                else:
                    shown[name] = z3.simplify(as_bits(circuit.wire(stream[signal])))
        if manifest["error"]:
            self.ports["error"] = manifest["error"]
            shown["error"] = z3.simplify(as_bits(circuit.wire(manifest["error"])))
        self.given = given
        self._cone(list(shown.values()))
        variables = [*self.registers, *(self.ports[name] for name in given)]
        variables += sorted({name for name, _ in self.data} - set(variables))
        later = self._of_registers(shown)
        self.shown, self.later = [*shown], [*later]
        wanted = [*shown.values(), *later.values(), *self._next.values()]
        if not all(map(computable, wanted)):
            raise Undecided("a handshake depends on numbers of more than 62 bits")
        self._run = compiled(wanted, variables)
        self._variables = variables

    def _cone(self, wanted):
        """All registers that `wanted` depend on, now or later, and bits of payloads."""
        circuit, known = self._circuit, {self.ports[name] for name in self.given}
        self.registers, self._next, data, waiting = {}, {}, set(), list(wanted)
        while waiting:
            for name, (variable, bits) in support(waiting.pop()).items():
                if name in self.registers or name in known:
                    continue
                if name not in circuit.registers:
                    data.update((name, bit) for bit in bits)
                    continue
                width = 1 if z3.is_bool(variable) else MAX_BITS + 1
                if z3.is_bv(variable):
                    width = variable.size()
                if width > MAX_BITS:
                    raise Undecided(f"a handshake depends on `{name}`, which is no counter or flag")
                self.registers[name] = width
                self._next[name] = z3.simplify(circuit.next[name])
                waiting.append(self._next[name])
        self.data = sorted(data)
        if len(self.data) > MAX_DATA_BITS:
            raise Undecided(
                f"a handshake depends on {len(self.data)} bits of data, such as `{self.data[0][0]}`"
            )
        self.initial = {name: circuit.initial[name] for name in self.registers}
        self.unknown = [name for name in self.registers if name not in circuit.initialised]

    def _of_registers(self, shown):
        """The same outputs a clock later, of those that depend on registers only."""
        pairs = [(self._circuit.registers[name], value) for name, value in self._next.items()]
        return {
            name: z3.substitute(value, *pairs)
            for name, value in shown.items()
            if set(support(value)) <= set(self.registers)
        }

    def clock(self, registers, inputs):
        """One clock of many states.

        Parameters
        ----------
        registers, inputs : dict of str to array of int
            A value for each state; inputs by the names of `given`, and ``data``: the bits of `data` as
            one number.

        Returns
        -------
        dict
            Outputs now.
        dict
            Outputs a clock later, where they depend on registers only.
        dict
            Registers a clock later.
        """
        values = dict(registers) | {self.ports[name]: inputs[name] for name in self.given}
        for k, (name, bit) in enumerate(self.data):
            values[name] = values.get(name, 0) | ((inputs["data"] >> k & 1) << bit)
        found = self._run(*(values[name] for name in self._variables))
        count = len(inputs["rst"])
        found = [np.broadcast_to(np.asarray(value, np.int64), (count,)) for value in found]
        now, later = len(self.shown), len(self.shown) + len(self.later)
        return (
            dict(zip(self.shown, found[:now], strict=True)),
            dict(zip(self.later, found[now:later], strict=True)),
            dict(zip(self.registers, found[later:], strict=True)),
        )


@dataclass(frozen=True)
class Packing:
    """Named numbers as rows of bytes, for sets of many states.

    Parameters
    ----------
    widths : dict of str to int
    """

    widths: dict

    def _places(self):
        word, low = 0, 0
        for name, width in self.widths.items():
            if low + width > 63:
                word, low = word + 1, 0
            yield name, word, low, width
            low += width

    def pack(self, values):
        """Rows of a dict of arrays."""
        places = [*self._places()]
        words = np.zeros((len(next(iter(values.values()))), 1 + places[-1][1]), np.int64)
        for name, word, low, _ in places:
            words[:, word] |= values[name] << low
        return words

    def unpack(self, rows):
        """Dict of arrays of rows; inverse of `pack`."""
        return {
            name: (rows[:, word] >> low) & ((1 << width) - 1)
            for name, word, low, width in self._places()
        }
