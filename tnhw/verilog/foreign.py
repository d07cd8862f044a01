"""Verilog of one's own in place of what tnhw emits: changed by hand, or a netlist of another tool.

It must have the module and the ports that the manifest of the kernel names; what is inside is its own.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import tools
from ..errors import InputError

__all__ = ["given", "ports"]

_READ = """\
read_verilog -sv {files}
proc
write_json design.json
"""
_CHECK = "read_verilog -sv {files}\nhierarchy -check -top {top}\n"


def ports(manifest: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Ports of the module that a manifest describes: dict of name to (direction, width in bits)."""
    found = {manifest["clock"]: ("input", 1), manifest["reset"]: ("input", 1)}
    if manifest["error"]:
        found[manifest["error"]] = ("output", 1)
    for stream in manifest["streams"]:
        forth, back = ("input", "output") if stream["role"] == "sink" else ("output", "input")
        found[stream["payload"]] = forth, stream["width"]
        found[stream["valid"]] = forth, 1
        found[stream["ready"]] = back, 1
        if stream["last"]:
            found[stream["last"]] = forth, 1
    return found


def given(
    paths: Iterable[str | os.PathLike[str]], manifest: dict[str, Any], *, cells: bool = False
) -> str:
    """Text of Verilog files, with a module and ports as a manifest describes them.

    Parameters
    ----------
    paths : list of path
        Files, in the order in which a simulator would take them.
    manifest : dict
        As :func:`tnhw.verilog.manifest` gives it.
    cells : bool
        Whether the modules of cells of an FPGA family may be missing.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If a file cannot be read or is no Verilog, or if the module or a port is missing or different.
    """
    texts = [_text(path) for path in paths]
    top = manifest["top"]
    with tempfile.TemporaryDirectory() as folder:
        names = {f"given{k}.v": path for k, path in enumerate(paths)}
        for name, text in zip(names, texts, strict=True):
            Path(folder, name).write_text(text)
        _yosys(_READ.format(files=" ".join(names)), folder, names)
        modules = json.loads(Path(folder, "design.json").read_text())["modules"]
        where = ", ".join(map(str, paths))
        if top not in modules:
            others = ", ".join(f"`{name}`" for name in list(modules)[:8]) or "none"
            raise InputError(
                f"{where}: there is no module `{top}`, which the kernel file names; its modules are {others}"
            )
        _check_ports(where, top, modules[top]["ports"], ports(manifest))
        if not cells:
            _yosys(_CHECK.format(files=" ".join(names), top=top), folder, names)
    return "\n".join(texts)


def _text(path):
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text in UTF-8, so it is no Verilog") from None


def _yosys(script, folder, names):
    """Run a script; what Yosys says of a temporary file it says of the one that was given."""
    done = tools.yosys(script, cwd=folder, check=False)
    if done.returncode == 0:
        return
    lines = (done.stderr + done.stdout).splitlines()
    said = next((line for line in lines if "ERROR" in line), lines[-1] if lines else "nothing")
    said = re.sub(r"given\d+\.v", lambda found: str(names[found[0]]), said.strip())
    text = f"Yosys does not read {', '.join(map(str, names.values()))} as a design: {said}"
    if "is not part of the design" in said:
        text += (
            " Give the file that has this module with another --rtl; for a netlist of FPGA cells name their family "
            "with --netlist"
        )
    if "include file" in said:
        text += " Includes are not followed: put its text into the file"
    raise InputError(text)


def _check_ports(where, top, found, wanted):
    for name, (direction, width) in wanted.items():
        what = f"{where}: module `{top}`"
        if name not in found:
            raise InputError(
                f"{what} has no port `{name}`; the kernel needs it: {direction} of {_bits(width)}"
            )
        port = found[name]
        if port["direction"] != direction:
            raise InputError(
                f"{what}: port `{name}` is an {port['direction']}, and must be an {direction}"
            )
        if len(port["bits"]) != width:
            raise InputError(
                f"{what}: port `{name}` has {_bits(len(port['bits']))}, and must have {width}"
            )
    if more := [name for name in found if name not in wanted]:
        known = ", ".join(f"`{name}`" for name in wanted)
        raise InputError(
            f"{where}: module `{top}` has a port `{more[0]}`, which the kernel does not have; its ports are {known}"
        )


def _bits(count):
    return f"{count} bit" + "s" * (count != 1)
