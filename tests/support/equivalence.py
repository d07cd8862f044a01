"""Whether a fault changes anything that a user of the streams may see: proven, refuted, or neither.

The good and the faulty design run side by side in one circuit, whose only output says that a difference is
seen. ABC, which comes with Yosys, reduces the circuit (`scorr`: nodes that are equal in all states that can
be reached) and decides about the rest (`dprove`, and what that leaves open `pdr`).

*Seen* are `valid` of a result, its payload while valid, `ready` of a sink while something is offered outside
a reset, and `error`. Senders keep an offered beat until it is taken, and load no bias that a kernel of these
formats cannot have.
"""

from dataclasses import dataclass
from pathlib import Path

from tnhw import tools
from tnhw.errors import ToolFailed

__all__ = ["Biases", "verdicts"]

LIMIT = 30  # seconds for each fault and engine
ENGINES = ("dprove", "pdr")
_PREPARE = (
    "memory_map\nopt_clean\nsetundef -undriven -zero\nrename {top} {name}\ndesign -stash {name}\n"
)
_PAIR = """\
design -reset
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
read_verilog -sv pair.v
hierarchy -top pair
proc
flatten
async2sync
setundef -undriven -init -zero
opt -full
techmap
opt -full
dffunmap
simplemap
opt_clean
aigmap
write_aiger -zinit pair{number}.aig
"""
_DECIDE = """\
read_aiger pair{number}.aig
strash
scorr
{engine} -T {limit}
write_status status{number}.txt
"""
_VERDICTS = {"snl_UNSAT": "equivalent", "snl_SAT": "different"}
# ABC runs inside a pass of Yosys, which wants its own design back.
_ABC = """\
design -reset
read_verilog -sv any.v
prep
techmap
abc -script decide.abc
"""
_ANY = "module any(input a, b, output y); assign y = a & b; endmodule\n"


@dataclass(frozen=True)
class Biases:
    """Where a load has a folded bias, and which are allowed.

    Parameters
    ----------
    every : int
        A bias is in each beat of this number, from the first; 1: in all.
    lows : list of int
        Lowest bits of the biases in a beat.
    bits : int
    least, most : int
        The others are those between them, modulo 2^bits.
    """

    every: int
    lows: list
    bits: int
    least: int
    most: int

    def verilog(self, manifest):
        """Text that counts beats, and the condition for this cycle."""
        stream = next(s for s in manifest["streams"] if s["carries"] == "parameters")
        taken = f"{stream['valid']} & {stream['ready']}_a"
        count, modulus = "beats_of_a_row", 1 << self.bits
        text = (
            f"reg [15:0] {count} = 0;\nalways @(posedge {manifest['clock']})\n"
            f"  if ({manifest['reset']}) {count} <= 0;\n"
            f"  else if ({taken}) {count} <= {count} == {self.every - 1} ? 0 : {count} + 1;\n"
        )
        inside = []
        for number, low in enumerate(self.lows):
            value = f"{stream['payload']}[{low + self.bits - 1}:{low}]"
            above = f"above{number}"
            text += f"wire [{self.bits - 1}:0] {above} = {value} - {self.bits}'d{self.least % modulus};\n"
            inside.append(f"{above} <= {min(self.most - self.least, modulus - 1)}")
        here = f"{stream['valid']} & {count} == {self.every - 1}"
        return text, f"(~({here}) | ({' & '.join(inside)}))"


def verdicts(read, top, commands, manifest, folder, biases=None, limit=LIMIT):
    """Whether a design shows the same after each of some Yosys commands.

    Parameters
    ----------
    read : str
        Yosys script that reads the good design from `folder`.
    top : str
    commands : list of str
        Each puts a fault in.
    manifest : dict
    folder : path
    biases : Biases, optional
        What is loaded as a bias.
    limit : int
        Seconds for each.

    Returns
    -------
    list of str
        ``equivalent``: for all inputs, from power-on; ``different``: there is a counter-example;
        ``undecided``.
    """
    folder = Path(folder)
    (folder / "pair.v").write_text(_pair(manifest, biases))
    (folder / "any.v").write_text(_ANY)
    said = dict.fromkeys(commands, "undecided")
    for engine in ENGINES:
        rest = [command for command, word in said.items() if word == "undecided"]
        said |= zip(rest, _by(engine, read, top, rest, folder, limit), strict=True)
    return [said[command] for command in commands]


def _by(engine, read, top, commands, folder, limit):
    """What one engine says of each; ABC may end in the middle of one, and then says nothing of it."""
    if not commands:
        return []
    try:
        return _decided(engine, read, top, commands, folder, limit)
    except ToolFailed:
        if len(commands) == 1:
            return ["undecided"]
    return [word for one in commands for word in _by(engine, read, top, [one], folder, limit)]


def _decided(engine, read, top, commands, folder, limit):
    script = [f"{read}design -save base\n", _PREPARE.format(top=top, name="gold")]
    decide = ["backup\n"]
    for number, command in enumerate(commands):
        script.append(f"design -load base\n{command}\n" + _PREPARE.format(top=top, name="gate"))
        script.append(_PAIR.format(number=number))
        decide.append(_DECIDE.format(number=number, limit=limit, engine=engine))
    (folder / "decide.abc").write_text("".join([*decide, "restore\n"]))
    tools.yosys("".join([*script, _ABC]), cwd=folder)
    # ABC says nothing on stdout inside Yosys: it writes a file.
    said = [(folder / f"status{n}.txt").read_text().split()[0] for n in range(len(commands))]
    return [_VERDICTS.get(word, "undecided") for word in said]


def _pair(manifest, biases):
    """Verilog of both designs, and of what is seen."""
    reset = manifest["reset"]
    inputs, outputs = {manifest["clock"]: 1, reset: 1}, {}
    state, different, legal = [], [], ["1'b1"]
    for stream in manifest["streams"]:
        valid, ready = stream["valid"], stream["ready"]
        carried = {stream["payload"]: stream["width"]}
        if stream["last"]:
            carried[stream["last"]] = 1
        if stream["role"] == "sink":
            inputs |= carried | {valid: 1}
            outputs[ready] = 1
            different.append(f"{valid} & ~{reset} & ({ready}_a ^ {ready}_b)")
            names = [valid, *carried]
            now = f"{{{', '.join(names)}}}"
            held, before = f"{valid}_held", f"{valid}_before"
            state.append(
                f"reg {held} = 0; reg [{sum(carried.values())}:0] {before} = 0;\n"
                f"always @(posedge {manifest['clock']}) begin\n"
                f"  {held} <= {valid} & ~{reset} & ~{ready}_a; {before} <= {now};\nend\n"
            )
            legal.append(f"(~{held} | {now} == {before})")
            continue
        inputs[ready] = 1
        outputs |= carried | {valid: 1}
        different.append(f"({valid}_a ^ {valid}_b)")
        different += [f"({valid}_a & {name}_a != {name}_b)" for name in carried]
    if manifest["error"]:
        outputs[manifest["error"]] = 1
        different.append(f"({manifest['error']}_a ^ {manifest['error']}_b)")

    if biases is not None:
        more, allowed = biases.verilog(manifest)
        state.append(more)
        legal.append(allowed)

    ports = ", ".join(f"input [{width - 1}:0] {name}" for name, width in inputs.items())
    lines = [f"module pair({ports}, output seen);\n"]
    for design, mark in (("gold", "a"), ("gate", "b")):
        lines += [f"wire [{w - 1}:0] {name}_{mark};\n" for name, w in outputs.items()]
        wired = [f".{name}({name})" for name in inputs]
        wired += [f".{name}({name}_{mark})" for name in outputs]
        lines.append(f"{design} {design}({', '.join(wired)});\n")
    lines += state
    lines.append(
        f"reg obeyed = 1;\nwire obeys = obeyed & {' & '.join(legal)};\n"
        f"always @(posedge {manifest['clock']}) obeyed <= obeys;\n"
        f"assign seen = obeys & ({' | '.join(different)});\nendmodule\n"
    )
    return "".join(lines)
