"""Moves and stalls: a result stays until it is taken, and appears a fixed number of moves after its vector."""

import z3

from ..formulas.unroll import Unrolled
from ..formulas.values import as_bits, equal
from .core import Argument, StreamFailure

__all__ = ["Moves"]


class Moves(Argument):
    """From a vector to its result, whoever stalls."""

    def lemmas(self):
        """Prove all lemmas."""
        self.ports()
        self.stalls()
        self.reset()
        self.order()
        self.waits()

    def ports(self):
        """Check that no output depends on an input of the same clock in a way that could lock up the handshake.

        `valid` and payload of the result depend on no input, and `i.ready` does not depend on `i.valid`.
        """
        core = self.core
        for signal in ("valid", "payload"):
            wire = core.circuit.wire(core.binding.port("o", signal))
            if read := core.inputs_of(wire):
                raise StreamFailure(f"`o.{signal}` depends on the input `{read[0]}` at once")
        if core.binding.port("i", "valid") in core.inputs_of(core.output("i", "ready")):
            raise StreamFailure("`i.ready` depends on `i.valid` at once")
        core.say(
            "valid and payload of the result are functions of registers: valid waits for no ready"
        )

    def stalls(self):
        """Prove that no register changes in a stall, and that `o.ready` does not matter without a result."""
        core = self.core
        ready = core.circuit.inputs[core.binding.port("o", "ready")]
        stall = [*core.calm, core.offered, z3.Not(core.taken)]
        for name, register in core.circuit.registers.items():
            if name in core.loader:
                continue
            given = list(stall)
            if "abort" in core.circuit.inputs and register.eq(core.index):
                given.append(core.circuit.inputs["abort"] == 0)  # see `Elements`
            core.prove(equal(core.next(name), register), f"`{name}` rests in a stall", given)
        free = [*core.calm, z3.Not(core.offered)]
        for name in core.circuit.registers:
            both = [z3.substitute(core.next(name), (ready, z3.BitVecVal(bit, 1))) for bit in (0, 1)]
            core.prove(equal(*both), f"`{name}` moves where no result waits", free)
        core.prove(z3.Not(core.accepted), "no vector is accepted in a stall", stall)
        core.say("in a stall every register rests: an offered result stays until it is taken")

    def reset(self):
        """Prove that no result appears after a reset as long as no vector is accepted."""
        core = self.core
        after = {}
        for name in core.circuit.registers:
            reset = (core.circuit.inputs["rst"], z3.BitVecVal(1, 1))
            value = z3.simplify(z3.substitute(core.next(name), reset))
            if z3.is_bv_value(value):
                after[name] = value.as_long()
        quiet = core.any.inputs | {core.binding.port("i", "valid"): 0}
        run = Unrolled(core.circuit, after, quiet)
        for time in range(core.latency + 1):
            valid = run.whole(run.at(as_bits(core.offered), time), time)
            core.prove(valid == 0, "no result after a reset")
        core.say("after a reset no result appears before a vector is accepted")

    def order(self):
        """Prove that a result is offered exactly `latency` moves after the last beat of a vector."""
        core = self.core
        run, latency = core.any, core.latency
        accepted = core.accepted
        if core.serial:
            accepted = z3.And(accepted, core.index == core.reference.inputs - 1)
        accepted = run.whole(run.at(as_bits(accepted), 0), 0)
        offered = run.whole(run.at(as_bits(core.offered), latency), latency)
        core.prove(offered == accepted, f"a result is there exactly {latency} moves after a vector")
        core.say(
            f"a result is offered exactly {latency} moves after the last beat of a vector was "
            "accepted, from any state: none is lost, duplicated or reordered, and the answer comes "
            f"within {latency} clocks if nobody stalls"
        )

    def waits(self):
        """Prove that a vector is taken at once, and a load as soon as no vector is inside."""
        core = self.core
        moves = [*core.calm, z3.Or(core.taken, z3.Not(core.offered))]
        if "abort" in core.circuit.inputs:
            moves.append(core.circuit.inputs["abort"] == 0)
        if core.reference.storage == "memory":
            loaded = core.circuit.registers[core.binding.loaded]
            no_load = core.circuit.inputs[core.binding.port("p", "valid")] == 0
            core.prove(
                core.output("i", "ready"),
                "a vector may start at once",
                [*moves, loaded == 1, no_load],
            )
            idle = core.any.inputs | {core.binding.port("i", "valid"): 0}
            if core.reference.tile:  # a tile is ready for a load only once one is offered
                idle[core.binding.port("p", "valid")] = 1
            start = {core.binding.register("index"): 0} if core.serial else {}
            run = Unrolled(core.circuit, start, idle)
            time = core.latency + 1
            may = as_bits(core.opens)
            # A tile that has just taken a load opens for the next one a move later.
            begins = [run.whole(run.at(may, t), t) for t in (time, time + core.reference.tile)]
            claim = z3.Or(*(begin == 1 for begin in begins))
            core.prove(claim, f"a load may begin {time} moves after the last vector")
        else:
            core.prove(core.output("i", "ready"), "a vector may start at once", moves)
