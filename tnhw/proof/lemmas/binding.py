"""Where the numbers of a kernel are in the emitted module: ports by the manifest, registers by name."""

from functools import cached_property

import z3

from ...errors import ToolFailed
from ..formulas.circuit import of_verilog
from ..formulas.unroll import Unrolled, origin
from ..formulas.values import as_bits, as_bool
from ..formulas.walk import support
from .adders import adders_in

__all__ = ["Binding"]


class Binding:
    """One vector in an emitted module that does not stall, and where its elements, parameters and result are.

    For an AXI4-Stream kernel the module is the core inside; `framing` proves what is around it.

    Parameters
    ----------
    text : str
        Emitted Verilog.
    manifest : dict
    reference : Reference
    adders : bool
        Whether full and half adders are part of the circuit, as formulas.

    Attributes
    ----------
    circuit : Circuit
    heap : bool
        Whether the kernel adds single bits (arithmetic `heap`) instead of numbers.
    outside : tuple of str
        Modules of adders that are left out of the circuit.
    run : Unrolled
        The circuit from a vector's first beat at time 0 on; the beats follow each other without a gap.
    last : int
        Time of the vector's last beat.
    end : int
        Time at which the result is offered.
    """

    def __init__(self, text, manifest, reference, *, adders=False):
        self.reference, self.text = reference, text
        self.heap = manifest["kernel"].get("arithmetic") == "heap"
        self.outside = () if adders else adders_in(text)
        self._owners = {}
        axi = manifest["kernel"]["interface"] == "axi-stream"
        top = manifest["top"] + ("__core" if axi else "")
        self.circuit = circuit = of_verilog(text, top, outside=self.outside)
        self.last = reference.inputs - 1 if reference.serial else 0
        start = {}
        if reference.serial:
            start[self.register("index")] = 0
        inputs = {"rst": 0, self.port("o", "ready"): 1, "abort": 0, "restart": 0}
        inputs[self.port("i", "valid")] = lambda time: 1 if time <= self.last else None
        if reference.storage == "memory":
            start[self.loaded] = 1
            inputs[self.port("p", "valid")] = 0
        self.inputs = {name: value for name, value in inputs.items() if name in circuit.inputs}
        self.run = Unrolled(circuit, start, self.inputs)
        self.end = self.last + self._latency(manifest)

    def _latency(self, manifest):
        """Moves from the last beat until the output must be valid."""
        valid = self.output("valid")
        for time in range(self.last + 1, self.last + 64):
            now = self.run.whole(self.run.at(valid, time), time)
            if z3.is_true(z3.simplify(as_bool(now))):
                return time - self.last
        raise ToolFailed("no result of an accepted vector becomes valid in the emitted Verilog")

    def port(self, stream, signal):
        """Name of the port for a signal of a stream."""
        return f"{stream}_{signal}"

    def output(self, signal):
        """Expression of a signal of the result stream."""
        return self.circuit.wire(self.port("o", signal))

    def register(self, wire):
        """Name of the register behind a wire."""
        expression = self.circuit.wire(wire)
        expression = z3.simplify(expression)
        while not z3.is_const(expression):  # a one-bit register may be written as a Boolean
            if expression.num_args() == 0 or expression.arg(0).num_args() > 1:
                raise ToolFailed(f"`{wire}` is not a register in the Verilog")
            expression = expression.arg(0)
        return expression.decl().name()

    @property
    def loaded(self):
        """Name of the register that says that parameters are complete."""
        return self.register("loaded" if self.reference.tile else "loader.loaded")

    @cached_property
    def payload(self):
        """For each bit of the vector's payload, (name of the input, bit number).

        In the core of an AXI4-Stream kernel they may be bits of a wider port.
        """
        return self.payload_of("i")

    def payload_of(self, stream):
        """For each bit of a stream's payload, (name of the input, bit number)."""
        expression, bits = as_bits(self.circuit.wire(self.port(stream, "payload"))), []
        for k in range(expression.size()):
            read = support(z3.simplify(z3.Extract(k, k, expression)))
            name, (_, numbers) = next(iter(read.items()), ("", (None, ())))
            if len(read) != 1 or len(numbers) != 1 or name not in self.circuit.inputs:
                raise ToolFailed(f"the payload of stream `{stream}` is not an input of the Verilog")
            bits.append((name, *numbers))
        return bits

    @cached_property
    def _places(self):
        return {place: k for k, place in enumerate(self.payload)}

    def element(self, output):
        """Expression of one element of the result."""
        bits = self.reference.output.bits
        payload = as_bits(self.output("payload"))
        return z3.Extract((output + 1) * bits - 1, output * bits, payload)

    # What variables mean

    def x(self, input):
        """Input x_i as an expression of the unrolled circuit."""
        bits = self.reference.x.bits
        if self.reference.serial:
            return self._input(input, 0, bits)
        return self._input(0, input * bits, bits)

    def word(self, output, input):
        """Parameter word of a synapse as an expression of the unrolled circuit, for storage `ports` and `memory`."""
        reference = self.reference
        bits = reference.word_bits
        if reference.storage == "ports":
            if reference.serial:
                return self._input(input, reference.x.bits + output * bits, bits)
            low = reference.inputs * (reference.x.bits + output * bits) + input * bits
            return self._input(0, low, bits)
        if reference.serial:
            name = next(n for n, r in self.circuit.registers.items() if z3.is_array(r))
            cell = z3.BitVec(
                f"{name}[{input}]@0", self.circuit.registers[name].sort().range().size()
            )
            return z3.Extract((output + 1) * bits - 1, output * bits, cell)
        return self._held(f"word_{output}_{input}")

    def bias(self, output):
        """The bias of an output as an expression of the unrolled circuit, or None if there is none at run time."""
        reference = self.reference
        if reference.storage == "memory":
            return self._held(f"{self.bias_wire}_{output}")
        if reference.storage == "constant" or not (reference.bias or reference.folded):
            return None
        bits = reference.sum.bits if reference.folded else reference.bias.bits
        low = reference.x.bits + reference.outputs * reference.word_bits
        if not reference.serial:
            low = reference.inputs * low
        return self._input(0, low + output * bits, bits)

    @property
    def bias_wire(self):
        """Name of the wires that hold loaded biases, without the number of the output."""
        return "start" if self.reference.serial or self.reference.tile else "bias"

    def _held(self, wire):
        """A wire that is made of registers, as it is at time 0."""
        expression = z3.simplify(as_bits(self.circuit.wire(wire)))
        pairs = [
            (variable, z3.BitVec(f"{name}@0", variable.size()))
            for name, (variable, _) in support(expression).items()
        ]
        return z3.substitute(expression, *pairs)

    def _input(self, time, low, count):
        expression = as_bits(self.circuit.wire(self.port("i", "payload")))
        expression = z3.simplify(z3.Extract(low + count - 1, low, expression))
        pairs = [
            (variable, z3.BitVec(f"{name}@{time}", variable.size()))
            for name, (variable, _) in support(expression).items()
        ]
        return z3.substitute(expression, *pairs)

    def owner(self, name, bit, output):
        """Which synapse of an output a bit of an unrolled variable belongs to.

        Returns the index of the synapse's input, or ``"bias"``, or None for anything else.
        """
        reference = self.reference
        signal, time = origin(name)
        n, bits = reference.inputs, reference.word_bits
        if (signal, bit) in self._places:
            bit = self._places[signal, bit]
            if reference.serial and time <= self.last:
                if bit < reference.x.bits:
                    return time
                bit -= reference.x.bits
                if bit < reference.outputs * bits:
                    return time if bit // bits == output else None
                return "bias" if time == 0 else None
            if reference.serial or time:
                return None
            if bit < n * reference.x.bits:
                return bit // reference.x.bits
            bit -= n * reference.x.bits
            if bit < reference.outputs * n * bits:
                return bit // bits % n if bit // (bits * n) == output else None
            return "bias"
        if reference.storage == "memory" and time == 0:
            return self._stored(output).get((name, bit))
        return None

    def _stored(self, output):
        """For one output, the input or ``"bias"`` that each bit of a parameter register belongs to."""
        if output not in self._owners:
            owners = self._owners[output] = {}
            values = [("bias", self.bias(output))]
            values += [(i, self.word(output, i)) for i in range(self.reference.inputs)]
            for kind, value in values:
                for name, (_, bits) in support(value).items():
                    owners.update({(name, bit): kind for bit in bits})
        return self._owners[output]
