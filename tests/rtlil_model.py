"""RTLIL as Amaranth emits it, the text that becomes Verilog, as a Python generator: a cycle a step.

Shares nothing with Amaranth's own simulator: the text is parsed, the hierarchy flattened, and cells and
processes ordered by what they read. Undefined bits are 0. What Amaranth does not emit for kernels is refused.
"""

import re

from rtlil_cells import operator
from rtlil_text import TOKEN, number, parse

__all__ = ["compiled"]


class _Flat:
    """All cells of a hierarchy, as lines of Python on one variable a wire."""

    def __init__(self, modules, top):
        self.modules, self.count = modules, 0
        self.nodes = {}  # variable: (lines, variables that they read)
        self.parts = {}  # variable: [(low bit, text, variables)]
        self.state = {}  # register: (initial value, next value, variables)
        self.memories, self.writes = {}, []
        self.ports = {
            name: (self.variable(), width, port)
            for name, (width, _, port) in modules[top].wires.items()
            if port
        }
        self.place(modules[top], {name: port[0] for name, port in self.ports.items()})

    def variable(self):
        self.count += 1
        return f"w{self.count}"

    # ---- Signals: lists of (variable or None, low bit or value, width, width of the wire) ----

    def pieces(self, text, module, names):
        """A signal of a module, lowest bits first."""
        found = []
        for token in TOKEN.findall(text):
            if token in "{}":
                continue
            if token[0].isdigit():
                width, _, bits = token.partition("'")
                found.append((None, number(bits), int(width), 0))
                continue
            name, _, at = token.partition(" ")
            whole = module.wires[name][0]
            if at:
                high, _, low = at[1:-1].partition(":")
                low = int(low or high)
                found.append((names[name], low, int(high) - low + 1, whole))
            else:
                found.append((names[name], 0, whole, whole))
        return found[::-1]

    @staticmethod
    def text(pieces):
        """Its value."""
        terms, constant, at = [], 0, 0
        for name, low, width, whole in pieces:
            if name is None:
                constant |= low << at
            else:
                term = f"({name} >> {low})" if low else name
                if low + width < whole:
                    term = f"({term} & {(1 << width) - 1})"
                terms.append(f"({term} << {at})" if at else term)
            at += width
        if constant or not terms:
            terms.append(str(constant))
        return terms[0] if len(terms) == 1 else f"({' | '.join(terms)})"

    @staticmethod
    def read(pieces):
        """Variables in it."""
        return [name for name, *_ in pieces if name is not None]

    def drive(self, pieces, text, reads):
        """Wires take a value."""
        if len(pieces) == 1 and pieces[0][2] == pieces[0][3]:
            self.define(pieces[0][0], [f"{pieces[0][0]} = {text}"], reads)
            return
        value, at = self.variable(), 0
        self.define(value, [f"{value} = {text}"], reads)
        for name, low, width, _ in pieces:
            part = f"({value} >> {at} & {(1 << width) - 1})"
            self.parts.setdefault(name, []).append((low, part, [value]))
            at += width

    def define(self, name, lines, reads):
        """A variable takes its value in some lines."""
        assert name not in self.nodes and name not in self.state, f"{name} is driven twice"
        self.nodes[name] = lines, reads

    # ---- Modules ----

    def place(self, module, given):
        """All of a module; `given` are variables of its ports."""
        names = {name: given.get(name) or self.variable() for name in module.wires}
        memories = {}
        for name, (_, words) in module.memories.items():
            memories[name] = f"m{len(self.memories)}"
            self.memories[memories[name]] = [0] * words
        for kind, parameters, connections in module.cells:
            pieces = {pin: self.pieces(t, module, names) for pin, t in connections.items()}
            if kind in self.modules:
                self.instance(self.modules[kind], pieces)
            elif kind in ("$dff", r"\tnhw_hold"):
                self.flop(pieces, parameters, connections, module)
            elif kind in (r"\tnhw_fa", r"\tnhw_ha"):
                self.adder(pieces)
            elif kind.startswith("$mem"):
                memory = memories[parameters[r"\MEMID"].strip('"').replace("\\\\", "\\")]
                self.memory(kind, parameters, pieces, memory)
            else:
                widths = {pin: sum(piece[2] for piece in p) for pin, p in pieces.items()}
                inputs = {pin: p for pin, p in pieces.items() if pin != r"\Y"}
                at = {
                    pin[1:]: (self.text(p), widths[pin], parameters.get(f"{pin}_SIGNED") == "1")
                    for pin, p in inputs.items()
                }
                reads = [name for p in inputs.values() for name in self.read(p)]
                self.drive(pieces[r"\Y"], operator(kind, at, widths[r"\Y"]), reads)
        for left, right in module.connects:
            right = self.pieces(right, module, names)
            self.drive(self.pieces(left, module, names), self.text(right), self.read(right))
        for block in module.processes:
            self.process(block, module, names)

    def instance(self, module, pieces):
        """A module inside another: a port that is a whole wire is that wire."""
        given = {}
        for pin, p in pieces.items():
            width, _, port = module.wires[pin]
            if len(p) == 1 and p[0][0] and p[0][2] == p[0][3]:
                given[pin] = p[0][0]
                continue
            given[pin] = self.variable()
            if port == "input":
                self.define(given[pin], [f"{given[pin]} = {self.text(p)}"], self.read(p))
            else:
                self.drive(p, given[pin], [given[pin]])
        self.place(module, given)

    def flop(self, pieces, parameters, connections, module):
        """A register, perhaps with an enable."""
        pins = {pin[1:].upper(): (self.text(p), self.read(p)) for pin, p in pieces.items()}
        q = pieces.get(r"\Q") or pieces[r"\q"]
        (name, low, width, whole), *more = q
        initial = number(parameters.get(r"\INIT", "'").split("'")[1])
        if r"\Q" in connections:
            initial = module.wires[connections[r"\Q"].partition(" ")[0]][1]
        if more or width < whole:
            name = self.variable()
            self.drive(q, name, [name])
        value, reads = pins["D"]
        if "EN" in pins:
            value, reads = f"{value} if {pins['EN'][0]} else {name}", reads + pins["EN"][1]
        assert name not in self.nodes and name not in self.state, f"{name} is driven twice"
        self.state[name] = initial, value, reads

    def adder(self, pieces):
        """A full or a half adder."""
        added = [piece for pin in "abc" for piece in pieces.get(f"\\{pin}", [])]
        total = " + ".join(self.text([piece]) for piece in added)
        self.drive(pieces[r"\s"], f"{total} & 1", self.read(added))
        self.drive(pieces[r"\co"], f"({total}) >> 1", self.read(added))

    def memory(self, kind, parameters, pieces, memory):
        """Contents, a read port or a write port of a memory."""
        at = {pin[1:]: (self.text(p), self.read(p)) for pin, p in pieces.items()}
        width, words = int(parameters[r"\WIDTH"]), self.memories[memory]
        if kind == "$meminit_v2":
            value = int(at["DATA"][0])
            words[:] = [value >> (k * width) & ((1 << width) - 1) for k in range(len(words))]
        elif kind == "$memwr_v2":
            self.writes.append((memory, width, at["ADDR"], at["DATA"], at["EN"]))
        elif kind == "$memrd_v2":
            assert "1" not in parameters[r"\TRANSPARENCY_MASK"].split("'")[1], "transparent"
            value = f"{memory}[{at['ADDR'][0]}] if {at['ADDR'][0]} < {len(words)} else 0"
            (data, _, _, _), *more = pieces[r"\DATA"]
            assert not more
            if parameters[r"\CLK_ENABLE"] == "1":
                value = f"({value}) if {at['EN'][0]} else {data}"
                self.state[data] = 0, value, at["ADDR"][1] + at["EN"][1]
            else:
                self.define(data, [f"{data} = {value}"], at["ADDR"][1])
        else:
            raise NotImplementedError(kind)

    def process(self, block, module, names):
        """Assignments and switches; in a block all assignments come first."""
        lines, targets, reads, whole = [], {}, [], set()

        def walk(block, indent):
            before = len(lines)
            for left, right in block[0]:
                (name, low, width, full), *more = self.pieces(left, module, names)
                assert not more
                right = self.pieces(right, module, names)
                reads.extend(self.read(right))
                text = self.text(right)
                if width == full:
                    if not indent:
                        whole.add(name)
                else:
                    keep = ((1 << full) - 1) ^ (((1 << width) - 1) << low)
                    text = f"{name} & {keep} | {text} << {low}"
                targets[name] = True
                lines.append(f"{'  ' * indent}{name} = {text}")
            for signal, cases in block[1]:
                signal = self.pieces(signal, module, names)
                reads.extend(self.read(signal))
                chosen = self.variable()
                lines.append(f"{'  ' * indent}{chosen} = {self.text(signal)}")
                word = "if"
                for patterns, inner in cases:
                    tests = [
                        f"{chosen} & {number(re.sub('[01]', '1', p))} == {number(p)}"
                        for p in patterns
                    ]
                    lines.append(f"{'  ' * indent}{word} {' or '.join(tests) or 'True'}:")
                    walk(inner, indent + 1)
                    word = "elif"
            if len(lines) == before:
                lines.append("  " * indent + "pass")

        walk(block, 0)
        first, *others = targets
        lines[:0] = [f"{name} = 0" for name in targets if name not in whole]
        self.define(first, lines, [name for name in reads if name not in targets])
        for name in others:
            self.define(name, [], [first])

    # ---- Order ----

    def ordered(self, wanted):
        """Lines for the variables that are wanted, each after what it reads."""
        for name, parts in self.parts.items():
            text = " | ".join(f"{part} << {low}" if low else part for low, part, _ in parts)
            self.define(name, [f"{name} = {text}"], [read for *_, reads in parts for read in reads])
        inputs = {name for name, _, port in self.ports.values() if port == "input"}
        done, busy, lines = inputs | set(self.state), set(), []
        stack = [(name, False) for name in reversed(wanted)]
        while stack:
            name, ready = stack.pop()
            if ready:
                lines += self.nodes[name][0]
                done.add(name)
            elif name not in done:
                assert name not in busy, "a loop of gates"
                busy.add(name)
                stack.append((name, True))
                reads = self.nodes.get(name, ((), ()))[1]
                if name not in self.nodes:
                    self.nodes[name] = [f"{name} = 0"], ()  # nothing drives it
                stack.extend((read, False) for read in reads if read not in done)
        return lines


def compiled(text, top):
    """A design as a generator function.

    Parameters
    ----------
    text : str
        RTLIL whose module `top` has a clock ``clk``.

    Returns
    -------
    inputs, outputs : dict
        Port names in order, each with its width.
    function
        Makes a generator with all registers as before the first clock. After its first ``next``, each
        ``send`` of a tuple of inputs gives the tuple of outputs in that cycle, and the clock ticks.
    """
    flat = _Flat(parse(text), f"\\{top}")
    ports = {name[1:]: port for name, port in flat.ports.items() if name != r"\clk"}
    ins = {name: port for name, port in ports.items() if port[2] == "input"}
    outs = {name: port for name, port in ports.items() if port[2] == "output"}
    wanted = [name for name, _, _ in outs.values()]
    wanted += [read for *_, reads in flat.state.values() for read in reads]
    for _, _, *fields in flat.writes:
        wanted += [read for _, reads in fields for read in reads]
    body = flat.ordered(wanted)
    stored = []
    for k, (memory, width, address, data, enable) in enumerate(flat.writes):
        body.append(f"e{k}, a{k}, d{k} = {enable[0]}, {address[0]}, {data[0]}")
        stored.append(f"if e{k} and a{k} < {len(flat.memories[memory])}:")
        mask = (1 << width) - 1
        stored.append(f"  {memory}[a{k}] = {memory}[a{k}] & ({mask} ^ e{k}) | d{k} & e{k}")
    if flat.state:
        values = ", ".join(value for _, value, _ in flat.state.values())
        stored.insert(0, f"{', '.join(flat.state)}, = {values},")
    given = ", ".join(name for name, _, _ in ins.values())
    lines = [f"{name} = {initial}" for name, (initial, *_) in flat.state.items()]
    lines += [f"{name} = {words}" for name, words in flat.memories.items()]
    lines += ["out = None", "while True:", f"  {given}, = yield out"]
    lines += [f"  {line}" for line in body]
    lines += [f"  out = {', '.join(name for name, _, _ in outs.values())},"]
    lines += [f"  {line}" for line in stored]
    space = {}
    source = "def run():\n" + "\n".join(f"  {line}" for line in lines)
    exec(compile(source, "<rtlil>", "exec"), space)  # noqa: S102
    widths = [{name: width for name, (_, width, _) in side.items()} for side in (ins, outs)]
    return *widths, space["run"]
