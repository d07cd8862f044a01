"""Framing: the AXI4-Stream ports give the core whole vectors and pass on its results, each exactly once.

Every lemma is about one clock from an arbitrary state: the next value of each register of the wrapper, and what the
core sees. Beats of a vector move along a chain of registers, or are counted; beats of a load are counted.
`docs/proof.md` combines the lemmas. `stream` proves the behaviour of the core itself.
"""

from math import ceil

import z3

from ..formulas.circuit import of_verilog
from ..formulas.solver import Refuted
from ..formulas.values import as_bits, as_bool, resized
from ..lemmas.adders import adders_in
from .core import StreamFailure

__all__ = ["prove_framing"]


def prove_framing(text, manifest, reference, solver):
    """Prove all lemmas about the ports around a core; returns what was proven: list of str.

    Raises
    ------
    StreamFailure
        If a lemma is false.
    Undecided
        If the solver does not decide one.
    """
    frame = _Frame(text, manifest, reference, solver)
    try:
        frame.reset()
        if reference.serial:
            frame.elements()
        else:
            frame.vectors()
        frame.results()
        if reference.storage == "memory":
            frame.loads()
        frame.errors()
    except Refuted as refuted:
        raise StreamFailure(f"not true: {refuted.what}", refuted.values) from None
    return frame.shown


class _Frame:
    def __init__(self, text, manifest, reference, solver):
        self.reference, self.solver = reference, solver
        self.circuit = of_verilog(text, manifest["top"], outside=adders_in(text))
        self.shown = []
        streams = {stream["name"]: stream for stream in manifest["streams"]}
        kernel = manifest["kernel"]
        beat = kernel["beat"] or max(reference.inputs, reference.outputs)
        self.beat, self.beat_out = min(beat, reference.inputs), min(beat, reference.outputs)
        self.beats = ceil(reference.inputs / self.beat)
        self.beats_out = ceil(reference.outputs / self.beat_out)
        if (self.beats, self.beats_out) != (streams["i"]["beats"], streams["o"]["beats"]):
            raise StreamFailure("the manifest's beats do not fit its elements")
        self.calm = [self.circuit.inputs["rst"] == 0]
        self.dropping = self.bit("dropping")  # the rest of a packet that is too long
        self.shake = z3.And(self.bit("s_axis_tvalid"), self.bit("s_axis_tready"))
        self.take = z3.And(self.shake, z3.Not(self.dropping))
        self.position = self.wire("position")
        self.at_end = self.position == self.beats - 1
        self.in_vector = self.position != 0
        self.range = [
            z3.ULT(resized(self.position, 1 + self.position.size()), self.beats),
            z3.Implies(self.dropping, self.position == 0),
        ]
        self.last = self.bit("s_axis_tlast")
        self.wrong = z3.And(self.take, self.last != self.at_end)
        self.held = z3.BoolVal(False)

    def wire(self, name):
        return as_bits(self.circuit.wire(name))

    def bit(self, name):
        return as_bool(self.circuit.wires.get(name, self.circuit.inputs.get(name)))

    def next(self, name):
        """The next value of the register behind a wire."""
        expression = z3.simplify(self.circuit.wire(name))
        while not z3.is_const(expression):
            if expression.num_args() == 0 or expression.arg(0).num_args() > 1:
                raise StreamFailure(f"`{name}` is not a register in the Verilog")
            expression = expression.arg(0)
        found = expression.decl().name()
        if found not in self.circuit.next:
            raise StreamFailure(f"`{name}` is not a register in the Verilog")
        return self.circuit.next[found]

    def prove(self, claim, what, given=()):
        self.solver.prove(claim, what, "framing", given=[*self.range, *given])

    def becomes(self, name, value, given=()):
        following = self.next(name)
        self.prove(
            following == as_bits(value), f"`{name}` becomes what it must", [*self.calm, *given]
        )

    def core(self, signal):
        return self.bit(f"core.{signal}")

    def _values(self, payload, count):
        """The elements of a beat, in which each takes whole bytes: list of patterns of the input format."""
        bits = self.reference.x.bits
        step = 8 * ceil(bits / 8)
        return [z3.Extract(k * step + bits - 1, k * step, payload) for k in range(count)]

    # ---- Lemmas ----

    def reset(self):
        names = ["position", "dropping"]
        more = ("full", "left", "results_left", "load_position", "load_dropping")
        names += [name for name in more if name in self._registers()]
        for name in names:
            self.prove(as_bits(self.next(name)) == 0, f"`{name}` is 0 after a reset",
                       [self.circuit.inputs["rst"] == 1])  # fmt: skip
        after = z3.If(z3.Or(self.at_end, self.wrong), 0, self.position + 1)
        self.becomes("position", z3.If(self.take, after, self.position))
        drops = z3.Or(self.wrong, z3.And(self.dropping, self.shake))
        self.becomes("dropping", z3.If(drops, z3.Not(self.last), self.dropping))
        self.prove(z3.Implies(self.dropping, self.bit("s_axis_tready")), "what is dropped is taken")
        position, dropping = self.next("position"), self.next("dropping")
        within = z3.substitute(self.range[0], (self.position, position))
        self.prove(within, "`position` stays in a vector", self.calm)
        within = z3.Implies(as_bool(dropping), position == 0)
        self.prove(within, "no part of a vector is here while one is dropped", self.calm)

    def _registers(self):
        return set(self.circuit.wires)

    def vectors(self):
        """For a parallel core: prove that a vector is collected and then given to the core as a whole."""
        data = self.circuit.inputs["s_axis_tdata"]
        beat = z3.Concat(*reversed(self._values(data, self.beat))) if self.beat > 1 else (
            self._values(data, 1)[0]
        )  # fmt: skip
        payload = self.wire("core.i_payload")
        handed = z3.And(self.core("i_valid"), self.core("i_ready"))
        if self.beats == 1:
            self.prove(payload == beat, "the core sees the elements of the beat")
            self.prove(
                handed == z3.And(self.take, self.last),
                "the core takes what is taken, if `tlast` is set",
            )
            self.shown.append("a beat with tlast is one vector of the core")
            return
        gathered, full = self.wire("gathered"), self.bit("full")
        self.held = full
        width = self.beat * self.reference.x.bits
        moved = z3.Concat(beat, z3.Extract(gathered.size() - 1, width, gathered))
        self.becomes("gathered", z3.If(self.take, moved, gathered))
        done = z3.And(self.take, self.at_end, z3.Not(self.wrong))
        self.becomes("full", z3.Or(done, z3.And(full, z3.Not(self.core("i_ready")))))
        self.prove(self.core("i_valid") == full, "the core is offered whole vectors only")
        low = z3.Extract(payload.size() - 1, 0, gathered)
        self.prove(payload == low, "the core sees the gathered elements, the first beat lowest")
        self.prove(
            z3.Implies(z3.And(self.take, full), self.core("i_ready")),
            "no beat overwrites a vector that the core has not taken",
        )
        self.shown.append(
            f"{self.beats} beats with tlast on the last are one vector of the core, in their places; "
            "others are discarded, and what is too long up to its tlast"
        )

    def elements(self):
        """For a serial core: prove that it gets the elements of a beat one by one."""
        data = self.circuit.inputs["s_axis_tdata"]
        values = self._values(data, self.beat)
        bits = self.reference.x.bits
        payload = self.wire("core.i_payload")
        ready, abort = self.core("i_ready"), self.bit("core.abort")
        self.prove(
            self.next_abort() == as_bits(self.wrong), "a wrong tlast aborts the vector", self.calm
        )
        good = z3.And(self.take, z3.Not(self.wrong))
        handed = z3.And(self.core("i_valid"), ready)
        if self.beat == 1:
            self.prove(payload == values[0], "the core sees the element of the beat")
            self.prove(handed == good, "the core takes what is taken, unless tlast is wrong")
            self.prove(z3.Implies(abort, z3.Not(self.take)), "no beat is taken in an abort")
        else:
            rest = self.reference.inputs - (self.beats - 1) * self.beat
            held, left = self.wire("held"), self.wire("left")
            self.held = left != 0
            given = [z3.ULE(left, self.beat)] if self.beat < (1 << left.size()) - 1 else []
            size = z3.If(
                self.at_end, z3.BitVecVal(rest, left.size()), z3.BitVecVal(self.beat, left.size())
            )
            fewer = z3.If(z3.And(left != 0, ready), left - 1, left)
            self.becomes("left", z3.If(good, size, fewer), given)
            loaded = z3.Concat(*reversed(values))
            shifted = z3.If(z3.And(left != 0, ready), z3.LShR(held, bits), held)
            self.becomes("held", z3.If(good, loaded, shifted))
            self.prove(self.core("i_valid") == (left != 0), "the core is offered what is held")
            self.prove(
                payload == z3.Extract(bits - 1, 0, held), "the core sees the lowest element held"
            )
            self.prove(
                z3.Implies(self.take, z3.Or(left == 0, z3.And(left == 1, ready))),
                "no beat overwrites elements that the core has not taken",
            )
            self.prove(z3.Implies(self.wrong, self.next("left") == 0), "nothing is held after a wrong tlast",
                       self.calm)  # fmt: skip
        self.prove(
            z3.Implies(abort, z3.Not(handed)), "the core takes nothing in an abort", self.calm
        )
        self.shown.append(
            f"{self.beats} beats with tlast on the last are the elements of one vector, in order; a wrong "
            "tlast aborts it"
        )

    def next_abort(self):
        return self.next("core.abort")

    def results(self):
        reference = self.reference
        bits = reference.output.bits
        step = 8 * ceil(bits / 8)
        payload = self.wire("core.o_payload")
        extend = z3.SignExt if reference.output.signed else z3.ZeroExt
        elements = []
        for j in range(self.beats_out * self.beat_out):
            if j < reference.outputs:
                value = z3.Extract((j + 1) * bits - 1, j * bits, payload)
                elements.append(extend(step - bits, value) if step > bits else value)
            else:
                elements.append(z3.BitVecVal(0, step))
        whole = z3.Concat(*reversed(elements)) if len(elements) > 1 else elements[0]
        data, valid = self.wire("m_axis_tdata"), self.bit("m_axis_tvalid")
        ready, last = self.bit("m_axis_tready"), self.bit("m_axis_tlast")
        offered, taken = self.core("o_valid"), self.core("o_ready")
        if self.beats_out == 1:
            self.prove(data == whole, "the beat has the results of the core, extended to bytes")
            self.prove(valid == offered, "a beat is offered as the core offers")
            self.prove(taken == ready, "the core's result is taken with the beat")
            self.prove(last == z3.BoolVal(True), "every beat is a last one")
            self.shown.append("a result of the core is one beat")
            return
        results, left = self.wire("results"), self.wire("results_left")
        full = z3.BitVecVal(self.beats_out, left.size())
        within = [z3.ULE(left, full)]
        load, sent = z3.And(offered, taken), z3.And(valid, ready)
        free = z3.Or(left == 0, z3.And(left == 1, ready))
        self.prove(valid == (left != 0), "a beat is offered while some are left")
        self.prove(last == (left == 1), "tlast is on the last beat")
        self.prove(
            data == z3.Extract(data.size() - 1, 0, results), "the beat has the lowest elements"
        )
        self.prove(taken == free, "the core's result is taken when the last beat leaves")
        self.becomes(
            "results", z3.If(load, whole, z3.If(sent, z3.LShR(results, data.size()), results))
        )
        self.becomes("results_left", z3.If(load, full, z3.If(sent, left - 1, left)), within)
        self.prove(z3.ULE(self.next("results_left"), full), "beats left stay in range",
                   [*self.calm, *within])  # fmt: skip
        self.shown.append(f"a result of the core is {self.beats_out} beats with tlast on the last")

    def loads(self):
        """Prove that a load is framed as a vector is, and that no load is taken within a vector."""
        reference = self.reference
        count = reference.outputs * (reference.inputs + 1)
        position, restart = self.wire("load_position"), self.bit("core.restart")
        valid = as_bool(self.circuit.inputs["s_axis_param_tvalid"])
        ready, last = (
            self.bit("s_axis_param_tready"),
            as_bool(self.circuit.inputs["s_axis_param_tlast"]),
        )
        at_end = position == count - 1
        dropping = self.bit("load_dropping")
        within = [z3.ULT(position, count), z3.Implies(dropping, position == 0)]
        shake = z3.And(valid, ready)
        take = z3.And(shake, z3.Not(dropping))
        wrong = z3.And(take, last != at_end)
        self.load_wrong = wrong
        after = z3.If(z3.Or(at_end, wrong), z3.BitVecVal(0, position.size()), position + 1)
        self.becomes("load_position", z3.If(take, after, position), within)
        drops = z3.Or(wrong, z3.And(dropping, shake))
        self.becomes("load_dropping", z3.If(drops, z3.Not(last), dropping), within)
        self.prove(z3.Implies(dropping, ready), "what is dropped of a load is taken")
        following = self.next("load_position")
        dropped = as_bool(self.next("load_dropping"))
        kept = z3.And(z3.ULT(following, count), z3.Implies(dropped, following == 0))
        self.prove(kept, "`load_position` stays in a load", [*self.calm, *within])
        self.prove(
            self.next("core.restart") == as_bits(wrong), "a wrong tlast voids the load", self.calm
        )
        handed = z3.And(self.core("p_valid"), self.core("p_ready"))
        self.prove(
            handed == z3.And(take, z3.Not(wrong)),
            "the core takes what is taken, unless tlast is wrong",
        )
        payload = self.wire("core.p_payload")
        data = self.circuit.inputs["s_axis_param_tdata"]
        self.prove(
            payload == resized(data, payload.size()), "the core sees the low bits of the beat"
        )
        self.prove(z3.Implies(restart, z3.Not(take)), "nothing is loaded in a restart")
        busy = z3.Or(self.in_vector, self.held)
        self.prove(z3.Implies(busy, z3.Not(take)), "no load while part of a vector is here")
        # The counters of the core and of the wrapper agree.
        column, row = self.wire("core.loader.column"), self.wire("core.loader.row")
        width = position.size() + row.size() + column.size()
        agree = z3.If(
            restart,
            position == 0,
            resized(position, width)
            == resized(row, width) * (reference.inputs + 1) + resized(column, width),
        )
        ranges = [z3.ULE(column, reference.inputs), z3.ULT(z3.ZeroExt(1, row), reference.outputs)]
        pairs = [(self.circuit.registers[n], self.circuit.next[n]) for n in self.circuit.next
                 if not z3.is_array(self.circuit.registers[n])]  # fmt: skip
        self.prove(z3.substitute(agree, *pairs), "both count the same beats of a load",
                   [*self.calm, agree, *ranges, *within])  # fmt: skip
        self.shown.append(f"{count} beats with tlast on the last are one load; others make it void")

    def errors(self):
        error = self.wrong
        if self.reference.storage == "memory":
            error = z3.Or(error, self.load_wrong)
        self.prove(self.next("error") == as_bits(error), "`error` tells a wrong tlast", self.calm)
        self.shown.append("error is set for one clock after a wrong tlast, and only then")
