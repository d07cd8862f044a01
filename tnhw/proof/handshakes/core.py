"""What all arguments about the streams of a core share: its signals, and how a lemma is proven and recorded."""

import z3

from ..formulas.unroll import Unrolled
from ..formulas.values import as_bool
from ..formulas.walk import support

__all__ = ["Argument", "Core", "StreamFailure"]


class StreamFailure(Exception):
    """A lemma about a stream does not hold.

    Attributes
    ----------
    values : dict of str to int
        Values of inputs and registers (``name`` or ``name@time``) for which it is false.
    """

    def __init__(self, text, values=None):
        super().__init__(text)
        self.values = values or {}


class Core:
    """A core with plain streams, in one clock and over the moves of its pipeline.

    Parameters
    ----------
    binding : Binding
    solver : Solver

    Attributes
    ----------
    shown : list of str
        What has been proven so far, in sentences.
    reset_input, taken, offered, accepted : z3.BoolRef
        In this clock: there is a reset; `o` is ready; a result is offered; a beat of `i` is accepted.
    calm : list of z3.BoolRef
        Conditions: there is no reset, and no restart of a load.
    any : Unrolled
        The circuit from an arbitrary state, while results are taken.
    latency : int
        Moves from the last beat of a vector to its result.
    """

    def __init__(self, binding, solver):
        self.binding, self.solver = binding, solver
        self.circuit, self.reference = binding.circuit, binding.reference
        self.shown = []
        inputs = self.circuit.inputs
        self.reset_input = inputs["rst"] == 1
        self.taken = inputs[binding.port("o", "ready")] == 1
        self.offered = self.output("o", "valid")
        self.accepted = z3.And(inputs[binding.port("i", "valid")] == 1, self.output("i", "ready"))
        self.calm = [z3.Not(self.reset_input)]
        if "restart" in inputs:
            self.calm.append(inputs["restart"] == 0)
        self.serial = self.reference.serial
        quiet = {"rst": 0, binding.port("o", "ready"): 1}
        quiet |= {name: 0 for name in ("restart", "abort") if name in inputs}
        self.any = Unrolled(self.circuit, {}, quiet)
        self.latency = binding.end - binding.last

    def output(self, stream, signal):
        """`valid` or `ready` of a stream as an expression of the circuit: a Boolean."""
        return as_bool(self.circuit.wire(self.binding.port(stream, signal)))

    def prove(self, claim, what, given=()):
        """Prove a claim for all states in which `given` holds; `what` is the claim in words."""
        self.solver.prove(claim, what, "stream", given=given)

    def say(self, text):
        """Add a sentence to `shown`."""
        self.shown.append(text)

    def inputs_of(self, expression):
        """Names of the inputs that an expression depends on in the same clock."""
        return [name for name in support(z3.simplify(expression)) if name in self.circuit.inputs]

    def next(self, name):
        """The value of a register one clock later."""
        return self.circuit.next[name]

    @property
    def index(self):
        """The register that holds the position in a vector of a serial core."""
        return self.circuit.registers[self.binding.register("index")]

    @property
    def position_in_range(self):
        """The condition that `index` is below `inputs`, which `Elements` proves; empty if it is always true."""
        count = self.reference.inputs
        if not self.serial or count >= 1 << self.index.size():
            return []
        return [z3.ULT(self.any.whole(self.index, 0), count)]

    @property
    def loader(self):
        """Names of the registers that a load changes while vectors wait."""
        if self.reference.storage != "memory":
            return set()
        if self.reference.tile:
            ready = self.binding.register(self.binding.port("p", "ready"))
            return {ready, self.binding.loaded}
        return {name for name in self.circuit.registers if name.startswith("loader.")}

    @property
    def opens(self):
        """Whether a load that is offered begins. A tile begins now and takes the load a move later."""
        if self.reference.tile:
            return as_bool(self.circuit.wire("open_"))
        return self.output("p", "ready")

    @property
    def parameter_registers(self):
        """Names of the registers that hold parameters."""
        reference, binding = self.reference, self.binding
        if reference.storage != "memory":
            return {n for n, r in self.circuit.registers.items() if z3.is_array(r)}
        if reference.tile:
            words = [
                f"word_{j}_{i}" for j in range(reference.outputs) for i in range(reference.inputs)
            ]
            words += [f"{binding.bias_wire}_{j}" for j in range(reference.outputs)]
            return {name for wire in words for name in support(self.circuit.wire(wire))}
        names = {binding.register(f"{binding.bias_wire}_{j}") for j in range(reference.outputs)}
        if self.serial:
            return names | {n for n, r in self.circuit.registers.items() if z3.is_array(r)}
        return names | {
            binding.register(f"word_{j}_{i}")
            for j in range(reference.outputs)
            for i in range(reference.inputs)
        }


class Argument:
    """Lemmas that together show one thing of a core."""

    def __init__(self, core):
        self.core = core
