"""The emitted Verilog as formulas: the next value of each register, as Yosys writes it in SMT-LIB.

Yosys reads the Verilog, flattens it and writes every wire and the next value of every register as
bit-vector expressions of inputs and registers. Nothing here knows what the module computes.
"""

import re
import tempfile
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import z3

from ... import tools
from ...errors import ToolFailed
from .walk import support

__all__ = ["Circuit", "at_bits", "constant", "of_verilog"]

_SCRIPT = """\
read_verilog -sv design.v
hierarchy -check -top {top}
proc
setattr -set keep 1 */w:z */w:total
{outside}flatten
opt_clean
{evert}memory_collect
memory_map -rom-only
{undefined}opt_clean
rename -top top
write_smt2 -wires design.smt2
"""

_EVERT = """\
select -write {module}.txt {top}/t:{module}
expose -evert {top}/t:{module}
delete {module}
"""


@dataclass(frozen=True)
class Circuit:
    """A flat module as formulas.

    Attributes
    ----------
    inputs, registers : dict of str to z3 constant
        Variables. A register has the name of the wire by which Yosys names it; memories are arrays.
    wires : dict of str to z3 expression
        Every named wire and every output, as a function of inputs and registers.
    next : dict of str to z3 expression
        The value of each register one clock later.
    initial : dict of str to (int, or dict of int to int)
        The value of each register before the first clock; for a memory, the value of each cell.
    beyond : frozenset of str
        Those of `inputs` that stand for reads beyond the end of a ROM.
    initialised : frozenset of str
        Registers whose initial value is in the Verilog.
    cells : dict of str to str
        Module of each instance that was left out.
    """

    inputs: dict
    registers: dict
    wires: dict = field(repr=False)
    next: dict = field(repr=False)
    initial: dict = field(repr=False)
    beyond: frozenset = frozenset()
    initialised: frozenset = frozenset()
    cells: dict = field(default_factory=dict)

    def wire(self, name):
        """The expression of a wire.

        Raises
        ------
        ToolFailed
            If the Verilog has no wire of this name.
        """
        if name not in self.wires:
            raise ToolFailed(f"the Verilog has no wire `{name}`, which the proof is bound to")
        return self.wires[name]


@lru_cache(maxsize=2)
def of_verilog(text, top, *, zero=False, outside=()):
    """The `Circuit` of a module in a Verilog text, with all modules that it contains.

    A read beyond the end of a ROM gives an unknown value: an additional input for each such place, or 0 with
    `zero`, which a run needs. Instances of the modules `outside` are left out: their inputs become outputs of the
    circuit, and their outputs become inputs, each named ``instance.port``.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "design.v").write_text(text)
        undefined = "setundef -undriven -zero\n" if zero else ""
        script = _SCRIPT.format(
            top=top,
            undefined=undefined,
            outside="".join(f"setattr -mod -set keep_hierarchy 1 {m}\n" for m in outside),
            evert="".join(_EVERT.format(top=top, module=module) for module in outside),
        )
        tools.yosys(script, cwd=folder)
        cells = {}
        for module in outside:
            lines = Path(folder, f"{module}.txt").read_text().split()
            cells |= {line.partition("/")[2]: module for line in lines}
        return replace(_parse(Path(folder, "design.smt2").read_text()), cells=cells)


def _parse(text):
    """The circuit of Yosys' SMT-LIB text. Definitions lose their state argument, so that expressions are shared."""
    names, sorts, definitions, wires, widths = {}, {}, [], {}, {}
    equations, conditions, inside = [], [], None
    for line in text.splitlines():
        if found := re.match(r"; yosys-smt2-input (\S+) (\d+)", line):
            widths[found[1]] = int(found[2])
        elif found := re.match(r"\(declare-fun (\|top#[^|]*\|) \(\|top_s\|\) (.*)\) ; (.*)$", line):
            names[found[1]], sorts[found[1]] = found[3].lstrip("\\").strip(), found[2]
        elif line.startswith("(define-fun |top_t|"):
            inside = "next" if line.endswith("(and") else None
        elif line.startswith("(define-fun |top_i|"):
            inside = "initial" if line.endswith("(and") else None
        elif re.match(r"\(define-fun \|top_[auh]\|", line):
            inside = None if "(and" not in line else "other"
        elif inside == "initial" and not line.startswith("))"):
            conditions.append(_stateless(line.split(" ; ")[0]))
        elif inside and line.startswith("))"):
            inside = None
        elif inside == "next":
            found = re.match(r"  \(= (.*) \((\|top#\S+\|) next_state\)\)(?: ;|$)", line)
            if not found:
                raise ToolFailed(f"Yosys wrote an equation that the proof cannot read: {line}")
            value = f"|next {found[2][1:]}"
            definitions.append(f"(define-fun {value} () {sorts[found[2]]} {_stateless(found[1])})")
            equations.append((found[2], value))
        elif found := re.match(r"\(define-fun (\|top[#_][^|]*\|) \(\(state \|top_s\|\)\) ", line):
            body = line[found.end() :].split(" ; ")[0]
            definitions.append(f"(define-fun {found[1]} () {_stateless(body)}")
            if found[1].startswith("|top_n "):
                wires[found[1][7:-1]] = found[1]
        elif line.startswith("(define-fun"):
            raise ToolFailed(f"Yosys wrote a definition that the proof cannot read: {line}")
    targets = dict(equations)
    registers = {symbol: _plain(names[symbol]) for symbol in targets}
    beyond = set()
    for symbol in set(sorts) - set(registers):
        name = _plain(names[symbol])
        if name.startswith("$memory"):
            beyond.add(name)
            widths[name] = int((re.findall(r"BitVec (\d+)", sorts[symbol]) or [1])[0])
    head = [f"(declare-fun |{name}| () (_ BitVec {width}))" for name, width in widths.items()]
    for symbol, sort in sorts.items():
        if symbol in registers:
            head.append(f"(declare-fun |{registers[symbol]}| () {sort})")
            value = f"|{registers[symbol]}|"
        else:
            value = _piece(_plain(names[symbol]), sort, widths)
        head.append(f"(define-fun {symbol} () {sort} {value})")

    # z3 returns assertions only, so each wanted term is put into an equation with itself.
    wanted = dict.fromkeys([*wires.values(), *targets, *targets.values()])
    asked = []
    for number, symbol in enumerate(wanted):
        asked.append(f"(declare-fun wanted{number} () Bool)")
        asked.append(f"(assert (=> wanted{number} (= {symbol} {symbol})))")
    asked += [f"(assert {condition})" for condition in conditions]
    script = list(z3.parse_smt2_string("\n".join([*head, *definitions, *asked])))
    script, conditions = script[: len(wanted)], script[len(wanted) :]
    found = {symbol: claim.arg(1).arg(0) for symbol, claim in zip(wanted, script, strict=True)}
    return Circuit(
        {name: z3.BitVec(name, width) for name, width in widths.items()},
        {name: found[symbol] for symbol, name in registers.items()},
        {name: found[symbol] for name, symbol in wires.items()},
        {name: found[targets[symbol]] for symbol, name in registers.items()},
        _initial({name: found[symbol] for symbol, name in registers.items()}, conditions),
        frozenset(beyond),
        frozenset(support(*conditions)),
    )


def _initial(registers, conditions):
    solver = z3.Solver()
    solver.add(*conditions)
    if solver.check() != z3.sat:
        raise ToolFailed("the Verilog's initial values contradict each other")
    model, values = solver.model(), {}
    for name, register in registers.items():
        if z3.is_array(register):
            cells = range(1 << register.sort().domain().size())
            values[name] = {
                k: model.eval(register[k], model_completion=True).as_long() for k in cells
            }
        else:
            value = model.eval(register, model_completion=True)
            values[name] = value.as_long() if z3.is_bv(value) else int(z3.is_true(value))
    return values


def _plain(comment):
    return re.sub(r"^\{ ?|\\| ?\}$", "", comment)


def _piece(name, sort, widths):
    """The SMT-LIB expression of a name that Yosys gives to an input, or to parts of inputs that are used together."""
    parts = [(name, "", "")] if name in widths else []
    parts = parts or re.findall(r"(\S+)(?: \[(\d+)(?::(\d+))?\])?", name)
    values = []
    for base, high, low in parts:
        if base not in widths:
            raise ToolFailed(f"`{name}` is neither an input nor a register of the Verilog")
        value = f"|{base}|"
        values.append(f"((_ extract {high} {low or high}) {value})" if high else value)
    value = values[0] if len(values) == 1 else f"(concat {' '.join(values)})"
    return f"(= {value} #b1)" if sort == "Bool" else value


def _stateless(body):
    return re.sub(r"\((\|top[^|]*\|) state\)", r"\1", body)


def constant(variable, value):
    """The integer `value` as a z3 value of the same sort as `variable`."""
    if z3.is_bool(variable):
        return z3.BoolVal(bool(value))
    return z3.BitVecVal(value, variable.size())


def at_bits(expression, bits, value):
    """`expression` with `bits`, a variable or an extraction of one, replaced by a value."""
    if not z3.is_app_of(bits, z3.Z3_OP_EXTRACT):
        return z3.simplify(z3.substitute(expression, (bits, value)))
    high, low = bits.params()
    variable = bits.arg(0)
    parts = []
    if high + 1 < variable.size():
        parts.append(z3.Extract(variable.size() - 1, high + 1, variable))
    parts.append(value)
    if low:
        parts.append(z3.Extract(low - 1, 0, variable))
    whole = z3.Concat(*parts) if len(parts) > 1 else parts[0]
    return z3.simplify(z3.substitute(expression, (variable, whole)))
