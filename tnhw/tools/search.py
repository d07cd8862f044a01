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

from ..errors import ToolFailed
from .catalog import TOOLS, Tool
from .last_words import last_lines
from .process import execute

__all__ = ["ToolStatus", "look", "module_folder", "package_version", "script_folders"]


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


@cache
def look(name: str) -> tuple[ToolStatus, Path | None]:
    """First candidate that will do, or the reason why the first one will not."""
    tool = TOOLS[name]
    rejected = None
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
    detail = f"`{tool.name}` {fault}: {tool.purpose} needs it{needed}. Mend it with `{tool.mend}`."
    return ToolStatus(tool.name, tool.purpose, version, tool.minimum, status, tool.mend, detail)


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
