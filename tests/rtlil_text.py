"""RTLIL as Amaranth emits it, read into modules."""

import re
from dataclasses import dataclass, field

__all__ = ["TOKEN", "Module", "number", "parse"]

TOKEN = re.compile(r"[{}]|\d+'[01xz-]*|[\\$][^\s{}]+(?: \[\d+(?::\d+)?\])?")


@dataclass
class Module:
    """A module's parts as text.

    Attributes
    ----------
    wires : dict
        Name to width, initial value, and port: ``input``, ``output`` or nothing.
    cells : list
        Type, parameters, connections.
    processes : list
        Blocks: assignments, and switches of (signal, [(patterns, block)]).
    connects : list
        Left, right.
    memories : dict
        Name to width and words.
    """

    wires: dict = field(default_factory=dict)
    cells: list = field(default_factory=list)
    processes: list = field(default_factory=list)
    connects: list = field(default_factory=list)
    memories: dict = field(default_factory=dict)


def number(text):
    """Integer of a string of bits; undefined ones are 0."""
    return int(re.sub("[^01]", "0", text) or "0", 2)


def parse(text):
    """Modules by name."""
    modules, module, initial, open_ = {}, None, 0, []
    for line in text.split("\n"):
        key, _, rest = line.strip().partition(" ")
        if key in ("connect", "assign"):
            left = TOKEN.match(rest)[0]
            right = rest[len(left) + 1 :]
            if not open_:
                module.connects.append((left, right))
            elif key == "connect":
                open_[-1][1][2][left] = right
            else:
                open_[-1][1][0].append((left, right))
        elif key == "parameter":
            name, _, right = rest.partition(" ")
            open_[-1][1][1][name] = right
        elif key == "wire":
            *options, name = rest.split()
            port = next((word for word in options if word in ("input", "output")), "")
            module.wires[name] = int(options[1]), initial, port
            initial = 0
        elif key == "attribute":
            if rest.startswith(r"\init"):
                initial = number(rest.split("'")[1])
        elif key == "cell":
            module.cells.append((rest.split()[0], {}, {}))
            open_.append((key, module.cells[-1]))
        elif key == "process":
            module.processes.append(([], []))
            open_.append((key, module.processes[-1]))
        elif key == "switch":
            cases = []
            open_[-1][1][1].append((rest, cases))
            open_.append((key, cases))
        elif key == "case":
            if open_[-1][0] == "case":
                open_.pop()
            block = [], []
            open_[-1][1].append((re.findall(r"'([01-]*)", rest), block))
            open_.append((key, block))
        elif key == "memory":
            _, width, _, words, name = rest.split()
            module.memories[name] = int(width), int(words)
        elif key == "module":
            module = modules[rest] = Module()
        elif key == "end":
            if open_ and open_.pop()[0] == "case":
                open_.pop()  # the last case of a switch ends with it
        elif key:
            raise NotImplementedError(line)
    return modules
