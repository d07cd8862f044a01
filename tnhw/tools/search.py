"""Find a tool of the catalogue and judge whether it will do."""

import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import InputError, ToolFailed
from ..support import environment
from .catalog import TOOLS, Tool
from .last_words import last_lines
from .process import execute

__all__ = [
    "ToolStatus",
    "is_native",
    "judge",
    "look",
    "module_folder",
    "package_version",
    "program",
    "script_folders",
]

CHOICES = ("pip", "native")


@dataclass(frozen=True)
class ToolStatus:
    """What `doctor` found out about one tool.

    Parameters
    ----------
    tool, needed_for
        Name and purpose.
    found
        Version found, ``"unknown"`` where the tool does not tell it, ``None`` if it is missing.
    required
        Oldest version that will do, or ``None`` if any will.
    status
        ``"ok"``, ``"missing"``, ``"too old"`` or ``"broken"``.
    mend
        The command that installs or updates it, empty if the status is ``"ok"``.
    detail
        A sentence for a person, empty if the status is ``"ok"``.
    """

    tool: str
    needed_for: str
    found: str | None
    required: str | None
    status: str
    mend: str = ""
    detail: str = ""


def script_folders() -> list[Path]:
    """Folders where pip puts executables for the running interpreter, best first."""
    user = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    folders = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts")), Path(user)]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def module_folder(module: str) -> Path | None:
    """Folder of an installed Python package, or file of a module, without importing it."""
    from importlib.util import find_spec

    spec = find_spec(module)
    if spec is None:
        return None
    place = next(iter(spec.submodule_search_locations or ()), spec.origin)
    return None if place is None else Path(place)


def package_version(package: str) -> str | None:
    """Version of an installed Python distribution."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _candidates(tool: Tool) -> Iterable[tuple[Path, bool]]:
    """Places where a tool is, best first, and whether its package's metadata speaks for it."""
    if tool.name == "libpython":
        if module_folder("find_libpython"):
            from find_libpython import find_libpython

            if path := find_libpython():
                yield Path(path), True
        return
    if tool.module:
        folder = module_folder(tool.module)
        if folder and tool.inside is None:
            yield folder, True
        elif folder and tool.inside and (folder / tool.inside).exists():
            yield folder / tool.inside, True
    own = os.pathsep.join(map(str, script_folders()))
    for name in tool.executables or (tool.name,):
        if tool.package and (found := shutil.which(name, path=own)):
            yield Path(found), True
        if found := shutil.which(name):
            yield Path(found), False


def is_native(name: str) -> bool:
    """Whether a native program runs instead of a tool that pip installs, as ``TNHW_TOOLS`` says.

    Raises
    ------
    InputError
        If the variable has another value than one of `CHOICES`.
    """
    wanted = environment.text("TNHW_TOOLS") or "pip"
    if wanted not in CHOICES:
        raise InputError(f"TNHW_TOOLS must be {' or '.join(CHOICES)}, not {wanted!r}")
    return wanted == "native" and TOOLS[name].native is not None


def program(name: str) -> str:
    """Name of the program that runs for a tool."""
    return (TOOLS[name].native if is_native(name) else None) or name


def look(name: str) -> tuple[ToolStatus, Path | None]:
    """What `judge` says of the tool, or of the native program that runs instead."""
    tool = TOOLS[name]
    return judge(_as_native(tool) if is_native(name) else tool)


def _as_native(tool: Tool) -> Tool:
    mend = f"put the folder with `{tool.native}` into `PATH` (OSS CAD Suite has them all), or do without native tools"
    return Tool(tool.native or tool.name, f"{tool.purpose}, native", mend, tool.minimum)


@cache
def judge(tool: Tool) -> tuple[ToolStatus, Path | None]:
    """First candidate that will do, or the reason why the first one will not."""
    name, rejected = tool.name, None
    for path, packaged in _candidates(tool):
        version = package_version(tool.package) if packaged and tool.package else None
        if name == "libpython":
            version = sysconfig.get_config_var("VERSION")
        if version is None or tool.probe:
            asked, problem = _ask_version(tool, path)
            version = version or asked
            if problem:
                rejected = rejected or _status(tool, None, "broken", f"does not start ({problem})")
                continue
        if tool.minimum and _numbers(version) and _numbers(version) < _numbers(tool.minimum):
            rejected = rejected or _status(tool, version, "too old", f"is version {version}")
            continue
        ok = ToolStatus(name, tool.purpose, version or "unknown", tool.minimum, "ok")
        return ok, path
    return rejected or _status(tool, None, "missing", "was not found"), None


def _status(tool: Tool, version: str | None, status: str, fault: str) -> ToolStatus:
    needed = f", version {tool.minimum} or later" if tool.minimum else ""
    detail = f"`{tool.name}` {fault}: {tool.purpose} needs it{needed}. {_how(tool.mend)}."
    return ToolStatus(tool.name, tool.purpose, version, tool.minimum, status, tool.mend, detail)


def _how(mend: str) -> str:
    """A sentence without its end; what has no code in it is a command."""
    return mend[0].upper() + mend[1:] if "`" in mend else f"Mend it with `{mend}`"


def _ask_version(tool: Tool, path: Path) -> tuple[str | None, str | None]:
    """Version that an executable prints, and the reason if it does not start."""
    try:
        done = execute(tool.name, [str(path), *tool.version_arguments], timeout=120)
    except (ToolFailed, OSError) as error:
        return None, str(error)
    output = done.stdout + done.stderr
    match = re.search(tool.version_pattern, output)
    if done.returncode in (126, 127) or (tool.probe and match is None):
        reason = (last_lines(output, 1) or [f"exit status {done.returncode}"])[0]
        return None, reason.removeprefix(f"{path}: ")
    return (match[1] if match else None), None


def _numbers(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version or ""))
