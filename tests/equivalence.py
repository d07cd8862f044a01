"""Whether a fault changes anything that a user of the streams may see: proven by induction, or not.

Both designs run side by side. Claims about a pair of states (registers are equal, or equal while some flag
is set; a register never has some value; one flag implies another) are dropped until those that are left hold
at power-on and pass from each state to the next, for all inputs. If they also force what is seen to be
equal, the fault is equivalent. Otherwise nothing is proven, and the fault counts as one that survived.

*Seen* are `valid` of the result, its payload while valid, `ready` of a sink while something is offered, and
`error`; outside a reset. Senders keep an offered beat until it is taken.
"""

from itertools import permutations
from pathlib import Path

import z3

from tnhw import tools
from tnhw.errors import ToolFailed
from tnhw.proof import circuit

SMALL = 4  # bits of a register whose single values are claims
_SMT2 = "memory_map\nsetundef -undriven -zero\nopt_clean\nasync2sync\nrename -top top\nwrite_smt2 -wires {name}.smt2\n"


_HIDE = "rename -hide w:_*_ w:*._*_ w:$*\n"
_PREPARE = f"memory_map\nopt_clean\n{_HIDE}"


def paired(read, top, commands, folder):
    """Of some Yosys commands those numbers whose result Yosys proves equal, register by register."""
    script = [f"{read}design -save base\n{_PREPARE}rename {top} gold\ndesign -stash gold\n"]
    for number, command in enumerate(commands):
        script.append(
            f"design -load base\n{command}\n{_PREPARE}rename {top} gate\ndesign -stash gate\n"
            "design -copy-from gold -as gold gold\ndesign -copy-from gate -as gate gate\nasync2sync\n"
            "equiv_make gold gate equiv\nhierarchy -top equiv\nequiv_simple -short equiv\n"
            f"equiv_induct equiv\ntee -q -o status{number}.txt equiv_status equiv\ndesign -reset\n"
        )
    tools.yosys("".join(script), cwd=folder)
    return {
        number
        for number in range(len(commands))
        if " and 0 are unproven" in Path(folder, f"status{number}.txt").read_text()
    }


def circuits(read, commands, folder):
    """`Circuit` of a design as it is, and after each of some Yosys commands; None where one is unreadable."""
    script = [read, "design -save base\n", _SMT2.format(name="plain")]
    for number, command in enumerate(commands):
        script.append(f"design -load base\n{command}\n" + _SMT2.format(name=f"changed{number}"))
    tools.yosys("".join(script), cwd=folder)
    names = ["plain", *(f"changed{n}" for n in range(len(commands)))]
    return [_parsed(Path(folder, f"{name}.smt2").read_text()) for name in names]


def _parsed(text):
    """`Circuit`, or None for what cannot be read: it proves nothing."""
    try:
        return circuit._parse(text)
    except ToolFailed:
        return None


def equivalent(one, other, manifest, limit=20):
    """Whether two circuits are proven to show the same.

    Parameters
    ----------
    one, other : Circuit
    manifest : dict
    limit : float
        Seconds for one question to the solver.
    """
    if one is None or other is None:
        return False
    try:
        return _Pair(one, other, manifest, limit).proven()
    except TimeoutError:
        return False


class _Pair:
    def __init__(self, one, other, manifest, limit):
        self.limit, self.inputs = limit, one.inputs
        mine = {n: z3.Const(f"{n}'", r.sort()) for n, r in other.registers.items()}
        renamed = [(other.registers[n], mine[n]) for n in mine]

        def own(expression):
            return z3.substitute(expression, *renamed)

        registers = [one.registers, mine]
        self.next = {r.decl().name(): one.next[n] for n, r in one.registers.items()}
        self.next |= {mine[n].decl().name(): own(other.next[n]) for n in mine}
        self.variables = {r.decl().name(): r for both in registers for r in both.values()}
        self.start = {r.decl().name(): one.initial[n] for n, r in one.registers.items()}
        for name, register in mine.items():
            same = one.initial if name in one.initial else other.initial
            self.start[register.decl().name()] = same[name]

        def seen(made, rename, name):
            wire = made.wires.get(name, made.inputs.get(name))
            return rename(wire) if wire is not None else None

        running = one.inputs[manifest["reset"]] == 0 if manifest["reset"] in one.inputs else True
        self.given = []
        different = []
        for stream in manifest["streams"]:
            names = [stream[key] for key in ("payload", "last") if stream[key]]
            valid, ready = stream["valid"], stream["ready"]
            if stream["role"] == "sink":
                a, b = (seen(m, r, ready) for m, r in ((one, _same), (other, own)))
                offered = _flag(one.inputs[valid])
                different.append(z3.And(running, offered, _flag(a) != _flag(b)))
                self._hold(stream, z3.And(running, offered, z3.Not(_flag(a))), names)
                continue
            a, b = (_flag(seen(m, r, valid)) for m, r in ((one, _same), (other, own)))
            different.append(a != b)
            for name in names:
                x, y = (seen(m, r, name) for m, r in ((one, _same), (other, own)))
                different.append(z3.And(a, x != y))
        if manifest["error"]:
            a, b = (seen(m, r, manifest["error"]) for m, r in ((one, _same), (other, own)))
            different.append(a != b)
        self.different = z3.Or(*different)
        self.pairs = [(r, mine[n]) for n, r in one.registers.items() if n in mine]

    def _hold(self, stream, waiting, names):
        """A beat that waits is offered again: what was offered is remembered as a register."""
        held = z3.BitVec(f"held {stream['name']}", 1)
        self._register(held, z3.If(waiting, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)))
        kept = [_flag(self.inputs[stream["valid"]])]
        for name in names:
            if name in self.inputs:
                before = z3.Const(f"held {name}", self.inputs[name].sort())
                self._register(before, self.inputs[name])
                kept.append(before == self.inputs[name])
        self.given.append(z3.Implies(held == 1, z3.And(*kept)))

    def _register(self, variable, following):
        name = variable.decl().name()
        self.variables[name], self.next[name], self.start[name] = variable, following, 0

    def _claims(self, more):
        """Registers are equal; with `more` also under each flag, and what may be said of small registers."""
        claims = [a == b for a, b in self.pairs]
        if not more:
            return claims
        flags = [v for v in self.variables.values() if z3.is_bv(v) and v.size() == 1]
        for same in list(claims):
            claims += [z3.Implies(flag == bit, same) for flag in flags for bit in (0, 1)]
        for variable in self.variables.values():
            if z3.is_bv(variable) and variable.size() <= SMALL:
                claims += [variable != value for value in range(1 << variable.size())]
        for a, b in permutations(flags, 2):
            claims += [z3.Implies(a == bit, b == other) for bit in (0, 1) for other in (0, 1)]
        return claims

    def proven(self):
        return self._holds(self._claims(False)) or self._holds(self._claims(True))

    def _holds(self, claims):
        start = [(v, _value(v, self.start[n])) for n, v in self.variables.items()]
        following = [(v, self.next[n]) for n, v in self.variables.items()]
        claims = [c for c in claims if z3.is_true(z3.simplify(z3.substitute(c, *start)))]
        after = [z3.substitute(c, *following) for c in claims]
        while claims:
            model = self._model([*self.given, *claims, z3.Not(z3.And(*after))])
            if model is None:
                break
            kept = [k for k, c in enumerate(after) if not z3.is_false(model.eval(c, True))]
            if len(kept) == len(after):
                raise TimeoutError
            claims, after = [claims[k] for k in kept], [after[k] for k in kept]
        return self._model([*self.given, *claims, self.different]) is None

    def _model(self, formulas):
        solver = z3.SolverFor("QF_ABV")
        solver.set("timeout", int(1000 * self.limit))
        solver.add(*formulas)
        answer = solver.check()
        if answer == z3.unknown:
            raise TimeoutError
        return solver.model() if answer == z3.sat else None


def _same(expression):
    return expression


def _flag(wire):
    return wire if z3.is_bool(wire) else wire == 1


def _value(variable, value):
    if not z3.is_array(variable):
        return circuit.constant(variable, value)
    domain, cells = variable.sort().domain(), variable.sort().range()
    array = z3.K(domain, z3.BitVecVal(0, cells.size()))
    for address, cell in value.items():
        array = z3.Store(array, address, z3.BitVecVal(cell, cells.size()))
    return array
