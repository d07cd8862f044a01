"""Elements of a vector in a serial core: their positions, and that each changes the accumulators exactly once."""

import z3

from ..formulas.unroll import origin
from ..formulas.values import as_bits
from ..formulas.walk import support
from .core import Argument

__all__ = ["Elements"]


class Elements(Argument):
    """A vector that arrives as one element in each beat, with gaps between them or without."""

    def lemmas(self):
        """Prove all lemmas."""
        self.positions()
        self.accumulators()

    def positions(self):
        """Prove that the position in the vector counts accepted elements and nothing else."""
        core = self.core
        name, count = core.binding.register("index"), core.reference.inputs
        index, width = core.index, core.index.size()
        following = z3.If(index == count - 1, z3.BitVecVal(0, width), index + 1)
        wanted = z3.If(core.accepted, following, index)
        calm = list(core.calm)
        if "abort" in core.circuit.inputs:
            abort = core.circuit.inputs["abort"] == 1
            wanted = z3.If(abort, z3.BitVecVal(0, width), wanted)
            core.prove(z3.Not(core.accepted), "an abort accepts nothing", [*core.calm, abort])
        core.prove(core.next(name) == wanted, "`index` counts accepted elements", calm)
        core.prove(core.next(name) == 0, "`index` is 0 after a reset", [core.reset_input])
        if count < 1 << width:
            core.prove(z3.ULT(core.next(name), count), "`index` stays below `inputs`",
                       [*calm, z3.ULT(index, count)])  # fmt: skip
        core.say(
            "the position in a vector counts accepted elements, whatever the gaps between them"
        )

    def accumulators(self):
        """Prove that an accumulator changes only at terms of its vector, each of one accepted element."""
        core = self.core
        circuit, run, steps = core.circuit, core.any, self.operand_moves
        accepted, index = (
            run.whole(run.at(as_bits(core.accepted), 0), 0) == 1,
            run.whole(core.index, 0),
        )
        flags = {
            "term_0": (accepted, "a term is valid"),
            "term_1": (index == 0, "a term is the first"),
            "term_2": (index == core.reference.inputs - 1, "a term is the last"),
        }
        tokens = set()
        for wire, (flag, what) in flags.items():
            if wire in circuit.wires:  # a bit heap has `first` among its operands instead
                token = core.binding.register(wire)
                core.prove((run.register(token, steps) == 1) == flag, f"{what} as its element was")
                tokens.add(token)
        for output in range(core.reference.outputs):
            name, clocked = self._accumulator(output)
            changes = run.register(clocked, steps) == 1
            core.prove(z3.Implies(changes, accepted), f"`{clocked}` is set by an element")
            self._from_its_element(clocked, run.register(clocked, steps), accepted)
            total, following = circuit.registers[name], run.definition(name, 1)
            gap = circuit.registers[clocked] == 0
            core.prove(following == total, f"`{name}` rests at a gap", [gap])
            sources = set(support(following)) - {name, clocked, *tokens}
            for source in sorted(sources - core.parameter_registers):  # parameters do not change
                self._from_its_element(source, run.register(source, steps), changes)
        core.say(
            "an accumulator changes only at a term of an accepted element, which depends on that "
            "element, its position and the parameters alone: gaps do not matter"
        )

    @property
    def operand_moves(self):
        """Moves from the acceptance of an element to the registers that its accumulator reads."""
        return 1 if self.core.reference.storage == "ports" else 2

    def _accumulator(self, output):
        """Names of the accumulator's register, and of the register that enables it."""
        core = self.core
        if f"total_{output}" in core.circuit.wires:
            return core.binding.register(f"total_{output}"), core.binding.register("term_0")
        return f"element_{output}.accumulator.q", core.binding.register(f"element_{output}.pending")

    def _from_its_element(self, name, value, where):
        """Prove that a register depends on its element, position and parameters only, where `where` holds.

        In particular it does not depend on the unknown values beyond the end of a ROM.
        """
        core = self.core
        own = {core.index.decl().name(), *(n for n, _ in core.binding.payload)}
        others = [
            variable
            for source, (variable, _) in support(value).items()
            for signal, time in [origin(source)]
            if time or not (signal in own or signal in core.parameter_registers)
        ]
        if not others:
            return
        again = [(v, z3.Const(f"{v.decl().name()} otherwise", v.sort())) for v in others]
        what = f"`{name}` depends on its element alone, not on `{others[0]}`"
        given = [where, z3.substitute(where, *again), *core.position_in_range]
        core.prove(value == z3.substitute(value, *again), what, given)
