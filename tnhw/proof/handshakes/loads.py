"""Loaded parameters: each is in its place after a whole load, and none changes while a vector is inside."""

import z3

from ..formulas.values import as_bits, equal, resized
from .core import Argument, StreamFailure

__all__ = ["Load", "Rest", "TileLoad"]


class _Loads(Argument):
    """What the arguments about loads share."""

    @property
    def loads(self):
        """The condition that parameters are written in this clock."""
        core = self.core
        valid = core.circuit.inputs[core.binding.port("p", "valid")] == 1
        return z3.And(valid, core.opens)

    @property
    def _invariant(self):
        core = self.core
        column, row = self._counters
        loaded = core.circuit.registers[core.binding.register("loader.loaded")]
        return [
            z3.ULE(column, core.reference.inputs),
            z3.ULT(z3.ZeroExt(1, row), core.reference.outputs),
            z3.Implies(loaded == 1, z3.And(column == 0, row == 0)),
        ]

    @property
    def _counters(self):
        return [
            self.core.circuit.registers[self.core.binding.register(f"loader.{name}")]
            for name in ("column", "row")
        ]


class Rest(_Loads):
    """A load and a vector are never inside at the same time."""

    def lemmas(self):
        """Prove that no parameter changes while a vector is inside, and that no vector starts without a whole set."""
        core = self.core
        run = core.any
        rests = [*core.calm[1:], z3.Not(self.loads)]  # also in a clock with `rst`
        for name in sorted(core.parameter_registers):
            claim = equal(core.next(name), core.circuit.registers[name])
            core.prove(claim, f"`{name}` changes by a load only", rests)
        given = [] if core.reference.tile else self._invariant
        core.prove(
            z3.Not(z3.And(core.accepted, self.loads)),
            "a load and a vector never begin at once",
            given,
        )
        if core.inputs_of(core.output("p", "ready")):
            raise StreamFailure("`p.ready` depends on an input at once")
        ready = as_bits(core.opens)
        accepted = run.whole(run.at(as_bits(core.accepted), 0), 0)
        for time in range(1, core.latency + 1):
            waiting = run.whole(run.at(ready, time), time)
            given = [accepted == 1, *core.position_in_range]
            if core.serial and time > core.latency - 1:
                # After so many moves only the last element of a vector has a result inside.
                index = run.whole(core.index, 0)
                given.append(index == core.reference.inputs - 1)
            core.prove(waiting == 0, f"no load {time} moves after a beat", given)
        if core.serial:
            core.prove(
                z3.Not(core.output("p", "ready")),
                "no load within a vector",
                [core.index != 0],
            )
            starts = [*core.calm, core.accepted, core.index == 0]
        else:
            starts = [*core.calm, core.accepted]
        loaded = core.circuit.registers[core.binding.loaded]
        core.prove(loaded == 1, "a vector starts with a whole set of parameters only", starts)
        core.say("parameters rest while a vector is inside; none starts without a whole set")


class Load(_Loads):
    """A load of many beats: for each output a row of words, then its bias."""

    def lemmas(self):
        """Prove that a whole load puts every word and bias where the proof of the function reads them."""
        core = self.core
        reference, binding = core.reference, core.binding
        column, row = self._counters
        loaded = core.circuit.registers[binding.register("loader.loaded")]
        names = [binding.register(f"loader.{name}") for name in ("column", "row", "loaded")]
        at_bias = column == reference.inputs
        at_end = z3.And(at_bias, row == reference.outputs - 1)
        zero = [z3.BitVecVal(0, register.size()) for register in (column, row)]
        wanted = [
            z3.If(at_bias, zero[0], column + 1),
            z3.If(at_bias, z3.If(at_end, zero[1], row + 1), row),
            z3.If(at_end, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)),
        ]
        after = self._invariant
        pairs = []
        for name, register, value in zip(names, (column, row, loaded), wanted, strict=True):
            expected = z3.If(self.loads, value, register)
            given = [*core.calm, *self._invariant]
            if register.eq(loaded):  # `rst` does not reset it, and a beat in the same clock counts
                given = given[1:]
            core.prove(core.next(name) == expected, f"`{name}` counts the beats of a load", given)
            pairs.append((register, core.next(name)))
        for claim in after:
            kept = z3.substitute(claim, *pairs)
            core.prove(kept, "counters of a load stay in range", [*core.calm, *self._invariant])
        voids = [core.reset_input]
        if "restart" in core.circuit.inputs:
            voids.append(z3.And(z3.Not(core.reset_input), core.circuit.inputs["restart"] == 1))
        for void in voids:
            for name in names[:2]:
                core.prove(core.next(name) == 0, f"`{name}` begins again at 0", [void])
        payload = core.circuit.wire(binding.port("p", "payload"))
        given = [*core.calm[1:], *self._invariant, self.loads]
        biases = [binding.register(f"{binding.bias_wire}_{j}") for j in range(reference.outputs)]
        self._chain(biases, payload, at_bias, given)
        if core.serial:
            self._rows(payload, column, row, z3.Not(at_bias), given)
        else:
            words = [
                binding.register(f"word_{j}_{i}")
                for j in range(reference.outputs)
                for i in range(reference.inputs)
            ]
            self._chain(words, payload, z3.Not(at_bias), given)
        core.say(
            "after a whole load each word and each bias is in its place, and no vector starts with less, even "
            "where `rst` meets a beat"
        )

    def _chain(self, names, payload, when, given):
        """Prove that every write shifts a chain by one, so that after a whole load each value is in its place."""
        core = self.core
        registers = [core.circuit.registers[name] for name in names]
        bits = registers[0].size()
        for k, name in enumerate(names):
            following = registers[k + 1] if k + 1 < len(names) else z3.Extract(bits - 1, 0, payload)
            wanted = z3.If(when, following, registers[k])
            core.prove(core.next(name) == wanted, f"`{name}` takes its place in a load", given)

    def _rows(self, payload, column, row, when, given):
        """Prove that beat [row, column] of a load writes word `row` of the memory's cell `column`."""
        core = self.core
        name = next(n for n, r in core.circuit.registers.items() if z3.is_array(r))
        memory = core.circuit.registers[name]
        bits, width = core.reference.word_bits, memory.sort().range().size()
        address = memory.sort().domain().size()
        where = resized(column, address)
        cell = z3.Select(memory, where)
        mask = z3.BitVecVal((1 << bits) - 1, width)
        shift = resized(row, max(width, row.size())) * bits
        if shift.size() > width:
            shift = z3.Extract(width - 1, 0, shift)
        word = resized(z3.Extract(bits - 1, 0, payload), width)
        written = (cell & ~(mask << shift)) | (word << shift)
        wanted = z3.If(when, z3.Store(memory, where, written), memory)
        claim = equal(core.next(name), wanted)
        core.prove(claim, f"`{name}` takes the words of a load", given)


class TileLoad(Argument):
    """A load of a tile, which is one beat."""

    def lemmas(self):
        """Prove that one beat brings all parameters, and is taken a move after they are written.

        The sender keeps the beat until it is taken, so what was written is what is taken. Only a reset withdraws it: then
        what was written is no whole set.
        """
        core = self.core
        reference, binding, circuit = core.reference, core.binding, core.circuit
        ready = binding.register(binding.port("p", "ready"))
        taken, loaded = circuit.registers[ready], circuit.registers[binding.loaded]
        opens = as_bits(core.opens)
        core.prove(core.next(ready) == opens, "a load is taken a move after it begins", core.calm)
        core.prove(core.next(ready) == 0, "no load is taken after a reset", [core.reset_input])
        core.prove(z3.Not(z3.And(core.opens, taken == 1)), "no load begins while one is taken")
        offered = circuit.inputs[binding.port("p", "valid")] == 1
        whole = z3.If(z3.And(taken == 1, offered), z3.BitVecVal(1, 1), loaded)
        wanted = z3.If(core.opens, z3.BitVecVal(0, 1), whole)
        claim = core.next(binding.loaded) == wanted
        what = "parameters are whole from a load that is taken to the next, whatever is reset"
        core.prove(claim, what, core.calm[1:])
        payload, low = circuit.wire(binding.port("p", "payload")), 0
        nexts = [(circuit.registers[name], core.next(name)) for name in core.parameter_registers]
        for j in range(reference.outputs):
            row = [(f"word_{j}_{i}", reference.word_bits) for i in range(reference.inputs)]
            for wire, bits in [*row, (f"{binding.bias_wire}_{j}", reference.sum.bits)]:
                value = as_bits(circuit.wire(wire))
                sent = z3.Extract(low + bits - 1, low, payload)
                claim = z3.substitute(value, *nexts) == z3.If(core.opens, sent, value)
                core.prove(claim, f"`{wire}` takes its place in a load")
                low += bits
        core.say("a load is written at once, before it is taken, each word and bias in its place")
