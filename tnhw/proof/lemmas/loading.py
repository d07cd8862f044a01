"""Which beat of a load becomes which parameter, found by running loads through the module's registers."""

from ..formulas.compiled import compiled
from ..formulas.walk import support
from .function import Failure

__all__ = ["Load"]

MOST_CLOCKS = 4  # most clocks in which an idle kernel must take a beat


class Load:
    """The parameters that a load leaves in the registers of a core.

    Parameters
    ----------
    binding : Binding
    beats : int
        Beats of a load.

    Raises
    ------
    Failure
        If an idle core does not take a beat.
    """

    def __init__(self, binding, beats):
        self._run = _Run(binding)
        self._beats = None
        if beats == 1:
            return
        # To learn where each beat goes, each sends its own number, a few bits in each of several loads.
        digit = min(binding.reference.word_bits, binding.reference.sum.bits)
        self._beats, low = dict.fromkeys(self._run.places, 0), 0
        while beats - 1 >> low:
            values = self._run.load([number >> low & ((1 << digit) - 1) for number in range(beats)])
            for place, value in values.items():
                self._beats[place] |= (value & ((1 << digit) - 1)) << low
            low += digit

    def initial(self):
        """Parameters before the first load, in the form of `values`."""
        return self._run.held({})

    def values(self, payloads):
        """Parameters after a load of these beats: dict of (output, input) and (output, "bias") to int."""
        if self._beats is None:
            return self._run.load(payloads)
        return {
            place: payloads[beat] & ((1 << self._run.bits[place]) - 1)
            for place, beat in self._beats.items()
        }


class _Run:
    """Runs loads into an idle core, clock by clock."""

    def __init__(self, binding):
        self._binding, circuit = binding, binding.circuit
        reference = binding.reference
        self.places = {
            (output, input): binding.word(output, input)
            for output in range(reference.outputs)
            for input in range(reference.inputs)
        }
        for output in range(reference.outputs):
            self.places[output, "bias"] = binding.bias(output)
        self.bits = {place: value.size() for place, value in self.places.items()}
        ready = circuit.wire(binding.port("p", "ready"))
        cells = {name for value in self.places.values() for name in support(value)}
        waiting = [name.rsplit("@")[0].split("[")[0] for name in cells] + [*support(ready)]
        self._names = []
        while waiting:
            name = waiting.pop()
            if name in circuit.registers and name not in self._names:
                self._names.append(name)
                waiting += support(circuit.next[name])
        inputs = [name for name in circuit.inputs if name not in self._names]
        nexts = [circuit.next[name] for name in self._names]
        self._step = compiled([ready, *nexts], [*self._names, *inputs])
        self._values = compiled([*self.places.values()], sorted(cells))
        self._cells, self._inputs = sorted(cells), inputs
        self._payload = binding.payload_of("p")

    def load(self, payloads):
        """Parameters after a load of these beats: dict of place to int."""
        binding = self._binding
        state = [binding.circuit.initial[name] for name in self._names]
        inputs = dict.fromkeys(self._inputs, 0)
        inputs |= {binding.port("p", "valid"): 1, binding.port("o", "ready"): 1}
        for number, payload in enumerate(payloads):
            sent = dict.fromkeys(self._inputs, 0)
            for k, (name, bit) in enumerate(self._payload):
                sent[name] |= (payload >> k & 1) << bit
            inputs |= {name: sent[name] for name, _ in self._payload}
            for _ in range(MOST_CLOCKS):
                ready, *state = self._step(*state, *(inputs[name] for name in self._inputs))
                if ready:
                    break
            else:
                raise Failure(f"beat {number} of a load is not taken by an idle kernel", 0)
        return self.held(dict(zip(self._names, state, strict=True)))

    def held(self, registers):
        """Parameters when registers have these values, and others their initial ones: dict of place to int."""
        value = _cell(self._binding.circuit.initial | registers)
        return dict(zip(self.places, self._values(*map(value, self._cells)), strict=True))


def _cell(held):
    """A function that gives the value of a variable ``register@0`` or ``memory[address]@0``."""

    def value(name):
        name = name.rsplit("@")[0]
        if name in held:
            return held[name]
        memory, _, address = name.rstrip("]").rpartition("[")
        return held[memory].get(int(address), 0)

    return value
