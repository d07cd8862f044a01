"""Faults in the text of emitted Verilog, as a hand might make them, and what `tnhw prove` says of each.

Each fault is one edit of one line: another operator, a constant off by one, a wrong bit, an inversion too few or
too many, another signal of the same width, an operand left out, branches swapped, an enable or a condition
that is always true, an inverted condition, a wrong value after a reset or at the start. None of it uses Yosys'
`mutate`, which :mod:`mutation` has for the bench.
"""

import random
import re
import time
from collections import Counter
from dataclasses import dataclass

import equivalence
import gate_model
import mutation
import numpy as np

from tnhw import proof
from tnhw.errors import CheckFailed, ToolFailed
from tnhw.kernel import Kernel
from tnhw.simulation import traffic
from tnhw.simulation.simulating import run_bench
from tnhw.verilog import emitting

__all__ = ["KERNELS", "Mutant", "counts", "good", "judged", "kernel", "mutants", "of"]

_SMALL = {"rule": "threshold", "inputs": 8, "outputs": 2, "input": "u8", "parameter": "u8", "bias": "s12",
          "output": "u8", "shift": 4}  # fmt: skip
#: What is broken: name to the keys of a kernel.
KERNELS = {
    "memory_axi": _SMALL | {"architecture": "parallel", "storage": "memory",
                            "interface": "axi-stream", "beat": 4},
    "serial": _SMALL | {"architecture": "serial", "storage": "ports"},
    "tile": _SMALL | {"architecture": "tile", "storage": "memory", "arithmetic": "heap",
                      "inputs": 4, "input": "u4", "parameter": "u4", "bias": "s8", "output": "u4", "shift": 2},
    "constant": _SMALL | {"architecture": "parallel", "storage": "constant"},
}  # fmt: skip


def kernel(name):
    """One of `KERNELS`."""
    keys = KERNELS[name] | {"name": f"own_{name}"}
    if keys["storage"] != "constant":
        return Kernel(**keys)
    loaded = Kernel(**keys | {"storage": "memory"})
    return Kernel(**keys, arrays=loaded.random_parameters(np.random.default_rng(7)))


@dataclass(frozen=True)
class Mutant:
    """One fault: its kind, the line of the module text, what was there and what is, and the whole text."""

    kind: str
    line: int
    before: str
    after: str
    text: str

    @property
    def name(self):
        return (
            f"{self.kind}, line {self.line}: `{self.before.strip()}` becomes `{self.after.strip()}`"
        )


_NAME = r"[A-Za-z_]\w*"
_CONSTANT = r"\d+'[hdb][0-9a-f]+"
_BRANCH = r"\([^()?]*\)|[^()?]+"
_OPERATORS = {"+": "-", "-": "+", "&": "|", "|": "&", "^": "|"}
_COMPARISONS = {"==": "!=", "!=": "==", "<": ">", ">": "<", ">=": "<", "<=": ">="}


def _right(line):
    """Where the right-hand side of an assignment, a port's connection or a condition begins; None if there is none."""
    for pattern in (
        r"\s+(?:assign|wire) .*? = ",
        r"\s+[\w.\[\]:]+ <?= ",
        r"\s+\.\w+\(",
        r"\s+(?:end else )?if \(",
    ):
        if found := re.match(pattern, line):
            return found.end()
    return None


def _edits(line, widths, after_reset):
    """All (kind, new line) of one line."""
    at = _right(line)
    if initial := re.match(rf"\s+{_NAME} = ({_CONSTANT});", line):
        yield "initial value", _constant(line, *initial.span(1))
        return
    if at is None:
        return
    for found in re.finditer(r"(?<= )([+\-&|^])(?= )", line[at:]):
        yield "operator", _put(line, at, found, _OPERATORS[found[1]])
    guarded = re.match(r"\s+if \(.*\) [\w.\[\]:]+ (?=<= )", line)  # what follows assigns
    for found in re.finditer(r"(?<= )(==|!=|<|>|>=|<=)(?= )", line[at:]):
        if guarded is None or at + found.start() != guarded.end():
            yield "comparison", _put(line, at, found, _COMPARISONS[found[1]])
    for found in re.finditer(_CONSTANT, line[at:]):
        kind = "reset value" if after_reset else "constant"
        yield kind, _constant(line, at + found.start(), at + found.end())
    for found in re.finditer(rf"({_NAME})\[(\d+)\]", line[at:]):
        if widths.get(found[1], 1) > 1:
            yield (
                "bit",
                _put(line, at, found, f"{found[1]}[{(int(found[2]) + 1) % widths[found[1]]}]"),
            )
    for found in re.finditer(rf"({_NAME})\[(\d+):(\d+)\]", line[at:]):
        high, low = int(found[2]), int(found[3])
        if widths.get(found[1], 0) > high + 1:
            yield "bit", _put(line, at, found, f"{found[1]}[{high + 1}:{low + 1}]")
        elif low and found[1] in widths:
            yield "bit", _put(line, at, found, f"{found[1]}[{high - 1}:{low - 1}]")
    for found in re.finditer("~", line[at:]):
        yield "inversion dropped", _put(line, at, found, "")
    if found := re.fullmatch(rf"(\s*(?:assign|wire) .* = )({_NAME}(?:\[[\d:]+\])?);", line):
        yield "inversion added", f"{found[1]}~{found[2]};"
    for found in re.finditer(rf"(?<![\w.'\[]){_NAME}(?![\w'(\[])", line[at:]):
        same = [n for n, w in widths.items() if w == widths.get(found[0]) and n not in line]
        if same and found[0] not in ("begin", "end", "else", "if"):
            yield "signal", (line, at, found, same)
    for found in re.finditer(rf"({_NAME}) ([&|]) ({_NAME})", line[at:]):
        for kept in (found[1], found[3]):
            yield "operand dropped", _put(line, at, found, kept)
    for found in re.finditer(rf"\? ({_BRANCH}) : ({_BRANCH})(?=[;)])", line):
        yield "branches swapped", _put(line, 0, found, f"? {found[2]} : {found[1]}")
    if found := re.fullmatch(r"(\s+(?:end else )?if )\((.*)\)( begin)?", line):
        yield "always true", f"{found[1]}(1'b1){found[3] or ''}"
        yield "condition inverted", f"{found[1]}(!({found[2]})){found[3] or ''}"
    elif found := re.fullmatch(r"(\s+if )\((.*)\)( \S+ <= .*)", line):
        yield "always true", f"{found[1]}(1'b1){found[3]}"


def _put(line, at, found, text):
    return line[: at + found.start()] + text + line[at + found.end() :]


def _constant(line, start, end):
    """A constant plus one, modulo its width."""
    width, base, digits = re.match(r"(\d+)'([hdb])(\w+)", line[start:end]).groups()
    value = (int(digits, {"h": 16, "d": 10, "b": 2}[base]) + 1) % (1 << int(width))
    return f"{line[:start]}{width}'h{value:x}{line[end:]}"


def mutants(text, count, seed=1):
    """`count` different faults of a Verilog text, of each kind about as many: list of Mutant."""
    rng, lines = random.Random(seed), text.split("\n")
    places, widths, words, before = {}, {}, Counter(), ""
    for number, line in enumerate(lines):
        if line.startswith("module "):
            body = "\n".join(lines[number:]).split("\nendmodule")[0]
            found = re.findall(rf"(?:wire|reg) +(?:\[(\d+):0\] )?({_NAME})(?: =|[,;\n])", body)
            words = Counter(re.findall(_NAME, body))
            widths = {name: int(high or 0) + 1 for high, name in found if name != "clk"}
        target = re.match(rf"\s*assign ({_NAME})", line)
        if target and words[target[1]] < 3:  # declared and assigned, and read by nobody
            continue
        for kind, edit in _edits(line, widths, "if (rst)" in before):
            places.setdefault(kind, []).append((number, line, edit))
        before = line
    for some in places.values():
        rng.shuffle(some)
    chosen, seen = [], {text}
    while len(chosen) < count and any(places.values()):
        for kind in sorted(places):
            if len(chosen) == count or not places[kind]:
                continue
            number, line, edit = places[kind].pop()
            if isinstance(edit, tuple):
                *rest, same = edit
                edit = _put(*rest, rng.choice(same))
            changed = "\n".join([*lines[:number], edit, *lines[number + 1 :]])
            if changed not in seen:
                seen.add(changed)
                chosen.append(Mutant(kind, number + 1, line, edit, changed))
    return chosen


def judged(made, mutant, folder):
    """What the proof says of a fault, and where it does not find it, whether it is one.

    Returns
    -------
    dict
        ``fault``, ``verdict``, ``seconds``, ``text``; ``vector``, whether a vector or a run shows it; ``real``:
        ``yes`` (a run goes wrong, or ABC has a counter-example), ``no`` (ABC proves it equivalent), or ``unknown``.
    """
    text, manifest = emitting.emitted(made)
    begin, example = time.monotonic(), None
    try:
        said = proof.prove_text(made, mutant.text, manifest, folder / "proof")
        verdict, words = said.verdict, ""
    except (CheckFailed, ToolFailed) as error:
        verdict, words = "undecided", str(error)
        if hasattr(error, "result"):
            verdict, example = error.result.verdict, error.result.counter_example
    seconds = round(time.monotonic() - begin, 1)
    real = "yes" if verdict == "disproved" else _real(made, manifest, text, mutant, folder)
    return {"fault": mutant.name, "verdict": verdict, "seconds": seconds, "vector": example is not None,
            "real": real, "text": words.split("; see ")[0]}  # fmt: skip


def _real(made, manifest, text, mutant, folder):
    """Whether a fault that was not disproved can be seen: by the bench with more vectors, else by ABC."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mutant.v").write_text(mutant.text)
    sent = traffic.make(made, manifest, vectors=400, seed=5)
    try:
        run_bench([folder / "mutant.v"], manifest, sent, folder / "sim")
    except CheckFailed:
        return "yes"
    except ToolFailed:
        return "unknown"
    (folder / "design.v").write_text(text)
    read = gate_model.READ.format(top=made.name)
    faulty = "design -reset\n" + read.replace("design.v", "mutant.v")
    (word,) = equivalence.verdicts(
        read, made.name, [faulty], manifest, folder, mutation.biases(made)
    )
    return {"equivalent": "no", "different": "yes"}.get(word, "unknown")


def of(made, count, seed=1):
    """Faults of a kernel's emitted Verilog."""
    return mutants(emitting.emit(made.create(), made.name), count, seed)


def counts(records):
    """How many edits there are, and what was said of those that are faults.

    Of the others ABC proves that they change nothing, or does not know in its time and no run shows anything; those
    that were proven all the same are for a person to look at.
    """
    real = [r for r in records if r["real"] == "yes"]
    words = [r["verdict"] for r in real]
    seconds = sorted(r["seconds"] for r in real) or [0]
    return {
        "edits": len(records),
        "equivalent": sum(r["real"] == "no" for r in records),
        "unknown": sum(r["real"] == "unknown" for r in records),
        "faults": len(real),
        "disproved": sum(r["verdict"] == "disproved" and r["vector"] for r in real),
        "undecided": words.count("undecided"),
        "proven": words.count("proven"),
        "median": seconds[len(seconds) // 2],
        "slowest": seconds[-1],
    }


def good(records):
    """Whether no fault was proven, and nine in ten were disproved with a run that goes wrong."""
    own = counts(records)
    return not own["proven"] and own["disproved"] >= 0.9 * own["faults"]
