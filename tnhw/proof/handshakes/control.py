"""The control of a module: the registers that its handshakes depend on, computed for many states at once.

Handshakes depend on counters and flags, and not on payloads. Therefore their registers are few, and all states that
these can reach can be listed (`System.explore`), which takes no solver and no invariant.
"""

import numpy as np
import z3

from ..formulas.compiled import compiled
from ..formulas.exhaustive import computable
from ..formulas.solver import Undecided
from ..formulas.values import as_bits
from ..formulas.walk import support

__all__ = ["Control"]

MAX_DATA_BITS = 4  # most bits of payloads that handshakes may depend on
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
        Name and width of each register.
    initial : dict of str to int
        Their values before the first clock.
    unknown : list of str
        Registers without an initial value in the Verilog.
    data : list of (str, int)
        Bits of payloads that handshakes depend on: (port, bit). Kernels of tnhw have none.
    ports : dict of str to str
        The port for each handshake signal, by its name here: ``i valid``, ``o ready``, ``rst``.
    given, shown, later : list of str
        Handshake signals that are inputs; that are outputs; and outputs that depend on registers only.

    Raises
    ------
    Undecided
        If the handshakes depend on too many bits, or on wide registers.
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
        """Collect all registers and bits of payloads that the expressions `wanted` depend on, now or later."""
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
                    raise Undecided(
                        f"a handshake depends on `{name}`, which is neither a counter nor a flag"
                    )
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
        """Those outputs that depend on registers only, as they are a clock later."""
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
            A value for each state. Inputs have the names of `given`, and ``data`` if there are bits of `data`:
            these bits as one number.

        Returns
        -------
        dict of str to array
            Outputs now.
        dict of str to array
            Outputs a clock later, those that depend on registers only.
        dict of str to array
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
