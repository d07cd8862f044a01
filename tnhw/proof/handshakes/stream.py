"""Stream: no vector is lost, duplicated, reordered or touched by another, whoever stalls.

Time is split in *moves* (the result is taken, or there is none) and *stalls* (a result waits). Each
lemma is about one clock, or about the few moves from a beat to its result, from an arbitrary state:
so it holds at every time. `docs/proof.md` puts them together.
"""

import z3

from ..formulas.circuit import as_bits, support
from ..formulas.solver import Refuted
from ..formulas.unroll import Unrolled, origin
from ..lemmas.binding import _bool

__all__ = ["StreamFailure", "prove_stream"]


class StreamFailure(Exception):
    """A lemma about the stream does not hold.

    Attributes
    ----------
    values : dict of str to int
        Inputs and registers (``name`` or ``name@time``) for which it does not.
    """

    def __init__(self, text, values=None):
        super().__init__(text)
        self.values = values or {}


def prove_stream(binding, solver):
    """All lemmas of a core with plain streams; returns the list of what they say.

    Raises
    ------
    StreamFailure, Undecided
    """
    lemmas = _Lemmas(binding, solver)
    try:
        lemmas.ports()
        lemmas.stalls()
        lemmas.reset()
        lemmas.order()
        if binding.reference.serial:
            lemmas.positions()
            lemmas.accumulators()
        if binding.reference.storage == "memory":
            lemmas.parameters_rest()
            (lemmas.load_of_a_tile if binding.reference.tile else lemmas.load)()
    except Refuted as refuted:
        raise StreamFailure(f"not true: {refuted.what}", refuted.values) from None
    return lemmas.shown


class _Lemmas:
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
        return _bool(self.circuit.wire(self.binding.port(stream, signal)))

    def prove(self, claim, what, given=()):
        self.solver.prove(claim, what, "stream", given=given)

    def say(self, text):
        self.shown.append(text)

    def inputs_of(self, expression):
        return [name for name in support(z3.simplify(expression)) if name in self.circuit.inputs]

    def next(self, name):
        return self.circuit.next[name]

    # ---- Lemmas ----

    def ports(self):
        for signal in ("valid", "payload"):
            wire = self.circuit.wire(self.binding.port("o", signal))
            if read := self.inputs_of(wire):
                raise StreamFailure(f"`o.{signal}` depends on the input `{read[0]}` at once")
        if self.binding.port("i", "valid") in self.inputs_of(self.output("i", "ready")):
            raise StreamFailure("`i.ready` depends on `i.valid` at once")
        self.say(
            "valid and payload of the result are functions of registers: valid waits for no ready"
        )

    def stalls(self):
        """In a stall nothing moves, and in a move with no result `o.ready` does not matter."""
        ready = self.circuit.inputs[self.binding.port("o", "ready")]
        stall = [*self.calm, self.offered, z3.Not(self.taken)]
        for name, register in self.circuit.registers.items():
            if name in self._loader:
                continue
            given = list(stall)
            if "abort" in self.circuit.inputs and register.eq(self.index):
                given.append(self.circuit.inputs["abort"] == 0)  # see `positions`
            self.prove(_equal(self.next(name), register), f"`{name}` rests in a stall", given)
        free = [*self.calm, z3.Not(self.offered)]
        for name in self.circuit.registers:
            both = [z3.substitute(self.next(name), (ready, z3.BitVecVal(bit, 1))) for bit in (0, 1)]
            self.prove(_equal(*both), f"`{name}` moves where no result waits", free)
        self.prove(z3.Not(self.accepted), "no vector is accepted in a stall", stall)
        self.say("in a stall every register rests: an offered result stays until it is taken")

    def reset(self):
        """Within the moves after a reset in which nothing is accepted, no result appears."""
        after = {}
        for name in self.circuit.registers:
            reset = (self.circuit.inputs["rst"], z3.BitVecVal(1, 1))
            value = z3.simplify(z3.substitute(self.next(name), reset))
            if z3.is_bv_value(value):
                after[name] = value.as_long()
        quiet = self.any._inputs | {self.binding.port("i", "valid"): 0}
        run = Unrolled(self.circuit, after, quiet)
        for time in range(self.latency + 1):
            valid = run.whole(run.at(as_bits(self.offered), time), time)
            self.prove(valid == 0, "no result after a reset")
        self.say("after a reset no result appears before a vector is accepted")

    def order(self):
        """A result is offered exactly `latency` moves after the last beat of a vector."""
        run, latency = self.any, self.latency
        accepted = self.accepted
        if self.serial:
            accepted = z3.And(accepted, self.index == self.reference.inputs - 1)
        accepted = run.whole(run.at(as_bits(accepted), 0), 0)
        offered = run.whole(run.at(as_bits(self.offered), latency), latency)
        self.prove(offered == accepted, f"a result is there exactly {latency} moves after a vector")
        self.say(
            f"a result is offered exactly {latency} moves after the last beat of a vector was "
            "accepted, from any state: none is lost, duplicated or reordered, and the answer comes "
            f"within {latency} clocks if nobody stalls"
        )
        self._waits()

    def _waits(self):
        """Nobody waits for ever: a vector is taken at once, a load when the kernel is empty."""
        moves = [*self.calm, z3.Or(self.taken, z3.Not(self.offered))]
        if "abort" in self.circuit.inputs:
            moves.append(self.circuit.inputs["abort"] == 0)
        if self.reference.storage == "memory":
            loaded = self.circuit.registers[self.binding.loaded]
            no_load = self.circuit.inputs[self.binding.port("p", "valid")] == 0
            self.prove(
                self.output("i", "ready"),
                "a vector may start at once",
                [*moves, loaded == 1, no_load],
            )
            idle = self.any._inputs | {self.binding.port("i", "valid"): 0}
            if self.reference.tile:  # opens for a load that is offered, the others beforehand
                idle[self.binding.port("p", "valid")] = 1
            start = {self.binding.register("index"): 0} if self.serial else {}
            run = Unrolled(self.circuit, start, idle)
            time = self.latency + 1
            may = as_bits(self.opens)
            # A tile that has just taken a load opens for the next one a move later.
            begins = [run.whole(run.at(may, t), t) for t in (time, time + self.reference.tile)]
            claim = z3.Or(*(begin == 1 for begin in begins))
            self.prove(claim, f"a load may begin {time} moves after the last vector")
        else:
            self.prove(self.output("i", "ready"), "a vector may start at once", moves)

    @property
    def index(self):
        return self.circuit.registers[self.binding.register("index")]

    @property
    def position_in_range(self):
        """`index` is below `inputs` at all times: `positions` proves it."""
        count = self.reference.inputs
        if not self.serial or count >= 1 << self.index.size():
            return []
        return [z3.ULT(self.any.whole(self.index, 0), count)]

    def positions(self):
        """The position in the vector counts accepted elements and nothing else."""
        name, count = self.binding.register("index"), self.reference.inputs
        index, width = self.index, self.index.size()
        following = z3.If(index == count - 1, z3.BitVecVal(0, width), index + 1)
        wanted = z3.If(self.accepted, following, index)
        calm = list(self.calm)
        if "abort" in self.circuit.inputs:
            abort = self.circuit.inputs["abort"] == 1
            wanted = z3.If(abort, z3.BitVecVal(0, width), wanted)
            self.prove(z3.Not(self.accepted), "an abort accepts nothing", [*self.calm, abort])
        self.prove(self.next(name) == wanted, "`index` counts accepted elements", calm)
        self.prove(self.next(name) == 0, "`index` is 0 after a reset", [self.reset_input])
        if count < 1 << width:
            self.prove(z3.ULT(self.next(name), count), "`index` stays below `inputs`",
                       [*calm, z3.ULT(index, count)])  # fmt: skip
        self.say(
            "the position in a vector counts accepted elements, whatever the gaps between them"
        )

    def accumulators(self):
        """An accumulator changes at the terms of its vector only, each from one accepted element."""
        circuit, run, steps = self.circuit, self.any, self.operand_moves
        accepted, index = (
            run.whole(run.at(as_bits(self.accepted), 0), 0) == 1,
            run.whole(self.index, 0),
        )
        flags = {
            "term_0": (accepted, "a term is valid"),
            "term_1": (index == 0, "a term is the first"),
            "term_2": (index == self.reference.inputs - 1, "a term is the last"),
        }
        tokens = set()
        for wire, (flag, what) in flags.items():
            if wire in circuit.wires:  # a bit heap has its own `first` among the operands
                token = self.binding.register(wire)
                self.prove((run.register(token, steps) == 1) == flag, f"{what} as its element was")
                tokens.add(token)
        for output in range(self.reference.outputs):
            name, clocked = self._accumulator(output)
            changes = run.register(clocked, steps) == 1
            self.prove(z3.Implies(changes, accepted), f"`{clocked}` is set by an element")
            self._from_its_element(clocked, run.register(clocked, steps), accepted)
            total, following = circuit.registers[name], run.definition(name, 1)
            gap = circuit.registers[clocked] == 0
            self.prove(following == total, f"`{name}` rests at a gap", [gap])
            sources = set(support(following)) - {name, clocked, *tokens}
            for source in sorted(sources - self._parameter_registers):  # those rest meanwhile
                self._from_its_element(source, run.register(source, steps), changes)
        self.say(
            "an accumulator changes only at a term of an accepted element, which depends on that "
            "element, its position and the parameters alone: gaps do not matter"
        )

    @property
    def operand_moves(self):
        """Moves from an element to the registers that its accumulator reads."""
        return 1 if self.reference.storage == "ports" else 2

    def _accumulator(self, output):
        """Names of the register, and of the one that lets it change."""
        if f"total_{output}" in self.circuit.wires:
            return self.binding.register(f"total_{output}"), self.binding.register("term_0")
        return f"element_{output}.accumulator.q", self.binding.register(f"element_{output}.pending")

    def _from_its_element(self, name, value, where):
        """A register depends on its element, position and parameters, and nothing beyond a ROM's end."""
        own = {self.index.decl().name(), *(n for n, _ in self.binding.payload)}
        others = [
            variable
            for source, (variable, _) in support(value).items()
            for signal, time in [origin(source)]
            if time or not (signal in own or self._holds_parameters(signal))
        ]
        if not others:
            return
        again = [(v, z3.Const(f"{v.decl().name()} otherwise", v.sort())) for v in others]
        what = f"`{name}` depends on its element alone, not on `{others[0]}`"
        given = [where, z3.substitute(where, *again), *self.position_in_range]
        self.prove(value == z3.substitute(value, *again), what, given)

    # ---- Parameters that are loaded ----

    def _holds_parameters(self, signal):
        return signal in self._parameter_registers

    @property
    def _loader(self):
        """Names of registers that a load moves while vectors wait."""
        if self.reference.storage != "memory":
            return set()
        if self.reference.tile:
            ready = self.binding.register(self.binding.port("p", "ready"))
            return {ready, self.binding.loaded}
        return {name for name in self.circuit.registers if name.startswith("loader.")}

    @property
    def opens(self):
        """Whether a load begins if one is offered, or for a tile begins now: it is taken a move later."""
        if self.reference.tile:
            return _bool(self.circuit.wire("open_"))
        return self.output("p", "ready")

    @property
    def _parameter_registers(self):
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

    @property
    def loads(self):
        """Whether parameters are written."""
        valid = self.circuit.inputs[self.binding.port("p", "valid")] == 1
        return z3.And(valid, self.opens)

    def parameters_rest(self):
        """No parameter changes while a vector is inside, and none starts without a whole set."""
        run = self.any
        rests = [*self.calm[1:], z3.Not(self.loads)]  # in a clock of `rst` as well
        for name in sorted(self._parameter_registers):
            claim = _equal(self.next(name), self.circuit.registers[name])
            self.prove(claim, f"`{name}` changes by a load only", rests)
        given = [] if self.reference.tile else self._invariant
        self.prove(
            z3.Not(z3.And(self.accepted, self.loads)),
            "a load and a vector never begin at once",
            given,
        )
        if self.inputs_of(self.output("p", "ready")):
            raise StreamFailure("`p.ready` depends on an input at once")
        ready = as_bits(self.opens)
        accepted = run.whole(run.at(as_bits(self.accepted), 0), 0)
        for time in range(1, self.latency + 1):
            waiting = run.whole(run.at(ready, time), time)
            given = [accepted == 1, *self.position_in_range]
            if self.serial and time > self.latency - 1:
                # Only a vector's last element has a result then.
                index = run.whole(self.index, 0)
                given.append(index == self.reference.inputs - 1)
            self.prove(waiting == 0, f"no load {time} moves after a beat", given)
        if self.serial:
            self.prove(
                z3.Not(self.output("p", "ready")), "no load within a vector", [self.index != 0]
            )
            starts = [*self.calm, self.accepted, self.index == 0]
        else:
            starts = [*self.calm, self.accepted]
        loaded = self.circuit.registers[self.binding.loaded]
        self.prove(loaded == 1, "a vector starts with a whole set of parameters only", starts)
        self.say("parameters rest while a vector is inside; none starts without a whole set")

    @property
    def _invariant(self):
        column, row = self._counters
        loaded = self.circuit.registers[self.binding.register("loader.loaded")]
        return [
            z3.ULE(column, self.reference.inputs),
            z3.ULT(z3.ZeroExt(1, row), self.reference.outputs),
            z3.Implies(loaded == 1, z3.And(column == 0, row == 0)),
        ]

    @property
    def _counters(self):
        return [
            self.circuit.registers[self.binding.register(f"loader.{name}")]
            for name in ("column", "row")
        ]

    def load(self):
        """A whole load puts every word and bias where the function proof takes them from."""
        reference, binding = self.reference, self.binding
        column, row = self._counters
        loaded = self.circuit.registers[binding.register("loader.loaded")]
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
            given = [*self.calm, *self._invariant]
            if register.eq(loaded):  # which `rst` leaves, and a beat in its clock counts
                given = given[1:]
            self.prove(self.next(name) == expected, f"`{name}` counts the beats of a load", given)
            pairs.append((register, self.next(name)))
        for claim in after:
            kept = z3.substitute(claim, *pairs)
            self.prove(kept, "counters of a load stay in range", [*self.calm, *self._invariant])
        voids = [self.reset_input]
        if "restart" in self.circuit.inputs:
            voids.append(z3.And(z3.Not(self.reset_input), self.circuit.inputs["restart"] == 1))
        for void in voids:
            for name in names[:2]:
                self.prove(self.next(name) == 0, f"`{name}` begins anew", [void])
        payload = self.circuit.wire(binding.port("p", "payload"))
        given = [*self.calm[1:], *self._invariant, self.loads]
        biases = [binding.register(f"{binding.bias_wire}_{j}") for j in range(reference.outputs)]
        self._chain(biases, payload, at_bias, given)
        if self.serial:
            self._rows(payload, column, row, z3.Not(at_bias), given)
        else:
            words = [
                binding.register(f"word_{j}_{i}")
                for j in range(reference.outputs)
                for i in range(reference.inputs)
            ]
            self._chain(words, payload, z3.Not(at_bias), given)
        self.say(
            "after a whole load each word and each bias is in its place, and no vector starts with less, even "
            "where `rst` meets a beat"
        )

    def load_of_a_tile(self):
        """All parameters come in one beat, which is taken a move after they are written.

        The sender keeps the beat until it is taken, so what is written is what is taken.
        """
        reference, binding, circuit = self.reference, self.binding, self.circuit
        ready = binding.register(binding.port("p", "ready"))
        taken, loaded = circuit.registers[ready], circuit.registers[binding.loaded]
        opens = as_bits(self.opens)
        self.prove(self.next(ready) == opens, "a load is taken a move after it begins", self.calm)
        self.prove(self.next(ready) == 0, "no load is taken after a reset", [self.reset_input])
        self.prove(z3.Not(z3.And(self.opens, taken == 1)), "no load begins while one is taken")
        wanted = z3.If(
            self.opens, z3.BitVecVal(0, 1), z3.If(taken == 1, z3.BitVecVal(1, 1), loaded)
        )
        claim = self.next(binding.loaded) == wanted
        what = "parameters are whole from a load that is taken to the next, whatever is reset"
        self.prove(claim, what, self.calm[1:])
        payload, low = circuit.wire(binding.port("p", "payload")), 0
        nexts = [(circuit.registers[name], self.next(name)) for name in self._parameter_registers]
        for j in range(reference.outputs):
            row = [(f"word_{j}_{i}", reference.word_bits) for i in range(reference.inputs)]
            for wire, bits in [*row, (f"{binding.bias_wire}_{j}", reference.sum.bits)]:
                value = circuit.wire(wire)
                sent = z3.Extract(low + bits - 1, low, payload)
                claim = z3.substitute(value, *nexts) == z3.If(self.opens, sent, value)
                self.prove(claim, f"`{wire}` takes its place in a load")
                low += bits
        self.say("a load is written at once, before it is taken, each word and bias in its place")

    def _chain(self, names, payload, when, given):
        """A chain that every write shifts by one: after as many writes each is in its place."""
        registers = [self.circuit.registers[name] for name in names]
        bits = registers[0].size()
        for k, name in enumerate(names):
            following = registers[k + 1] if k + 1 < len(names) else z3.Extract(bits - 1, 0, payload)
            wanted = z3.If(when, following, registers[k])
            self.prove(self.next(name) == wanted, f"`{name}` takes its place in a load", given)

    def _rows(self, payload, column, row, when, given):
        """Beat [row, column] of a load writes word `row` of the memory's cell `column`."""
        name = next(n for n, r in self.circuit.registers.items() if z3.is_array(r))
        memory = self.circuit.registers[name]
        bits, width = self.reference.word_bits, memory.sort().range().size()
        address = memory.sort().domain().size()
        where = _fit(column, address)
        cell = z3.Select(memory, where)
        mask = z3.BitVecVal((1 << bits) - 1, width)
        shift = _fit(row, max(width, row.size())) * bits
        if shift.size() > width:
            shift = z3.Extract(width - 1, 0, shift)
        word = _fit(z3.Extract(bits - 1, 0, payload), width)
        written = (cell & ~(mask << shift)) | (word << shift)
        wanted = z3.If(when, z3.Store(memory, where, written), memory)
        claim = _equal(self.next(name), wanted)
        self.prove(claim, f"`{name}` takes the words of a load", given)


def _equal(a, b):
    if not z3.is_array(a):
        return a == b
    address = z3.BitVec("any address", a.sort().domain().size())
    return z3.Select(a, address) == z3.Select(b, address)


def _fit(value, width):
    if value.size() > width:
        return z3.Extract(width - 1, 0, value)
    return z3.ZeroExt(width - value.size(), value)
