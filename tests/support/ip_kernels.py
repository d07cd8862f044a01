"""Kernels, and a network, whose IP packages are tested, and commands that run on them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from folded_networks import plain
from places import SUPPORT

from tnhw import tools
from tnhw.kernel import Kernel
from tnhw.support.environment import for_child

ICARUS = pytest.mark.needs("iverilog", "vvp")

COCOTB = pytest.mark.needs("cocotb", "libpython", "iverilog", "vvp")
VERILATOR = pytest.mark.needs("verilator", "g++", "make", "perl")


def kernel(name, **keys):
    keys = {"name": name, "rule": "threshold", "inputs": 5, "outputs": 3, "input": "u8", "parameter": "u8",
            "storage": "memory", "bias": "s12", "interface": "axi-stream"} | keys  # fmt: skip
    arrays = None
    if keys["storage"] == "constant":
        loadable = Kernel(**(keys | {"storage": "memory"}))
        arrays = loadable.random_parameters(np.random.default_rng(0))
    return Kernel(**keys, arrays=arrays)


KERNELS = {
    made.name: made
    for made in (
        kernel("loaded", beat=2, gain=True, output="u8", shift=4),
        kernel("wide", rule="mac", architecture="serial", inputs=3, input="s16", parameter="s16",
               bias="s36", beat=1),
        kernel("fixed", storage="constant", output="s6", shift=2),
        plain(loadable=True).design(interface="axi-stream"),
    )
}  # fmt: skip


def run(command, cwd, limit=120, **environment):
    """Exit status and output of a command, which may take `limit` seconds."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=for_child(environment),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit,
    )  # fmt: skip
    return done.returncode, done.stdout


def foreign(folder, top, tmp_path, width_p, **more):
    """`ip_bench` on a top of a package.

    Parameters
    ----------
    folder : Path
        Of the package.
    top : str
        Module that is simulated: one of the package, or one in the file ``sources``.
    tmp_path : Path
        Folder in which the simulation runs.
    width_p : int
        Bits of a word of parameters.
    **more
        ``sources``: further Verilog; ``registers``: whether the top has them; ``base``: their address; ``simulator``:
        ``icarus`` or ``verilator``; ``parameters``: of the top, by name; ``limit``: of the time in seconds.

    Returns
    -------
    int, int
        Number of tests and of failures.
    """
    pytest.importorskip("cocotbext.axi")
    sources = [str(path) for path in sorted((folder / "rtl").glob("*.v"))]
    sources += [str(path) for path in more.pop("sources", ())]
    simulator, limit = more.pop("simulator", "icarus"), more.pop("limit", 120)
    parameters = more.pop("parameters", {})
    arguments = {"icarus": ["-g2012"], "verilator": ["-Wno-fatal", "-Wno-lint", "-Wno-style"]}[
        simulator
    ]
    program = f"""
import os, sys
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
runner = get_runner({simulator!r})
runner.build(sources={sources!r}, hdl_toplevel={top!r}, timescale=("1ns", "1ps"), build_dir="build",
             build_args={arguments!r}, parameters={parameters!r}, always=True)
results = runner.test(hdl_toplevel={top!r}, test_module="ip_bench", build_dir="build", test_dir=".")
print("results", *get_results(results))
"""
    job = {"package": str(folder), "top": top, "width_p": width_p, **more}
    environment = {"TNHW_JOB": json.dumps(job), "PYTHONPATH": str(SUPPORT), "COCOTB_LOG_LEVEL": "WARNING"}  # fmt: skip
    environment |= tools.verilator_environment() if simulator == "verilator" else {}
    tmp_path.mkdir(exist_ok=True)
    _, said = run([sys.executable, "-c", program], tmp_path, limit, **environment)
    if found := re.search(r"Failed (\d+) of (\d+) tests", said):
        return int(found[2]), int(found[1])
    found = re.search(r"^results (\d+) (\d+)$", said, flags=re.M)
    assert found, said
    return int(found[1]), int(found[2])


def in_litex(folder, tmp_path, width_p, registers, limit=120):
    """`foreign` on a SoC of LiteX with a package's core."""
    pytest.importorskip("litex")
    soc = tmp_path / "soc.v"
    status, said = run([sys.executable, SUPPORT / "litex_soc.py", folder, soc], tmp_path)
    assert status == 0, said
    return foreign(folder, "soc", tmp_path / "run", width_p, sources=[soc], registers=registers,
                   base=0x3000_0000, simulator="verilator", limit=limit)  # fmt: skip


def bench(folder):
    """The Verilog test bench in Icarus: exit status and what it printed."""
    name = folder.name
    sources = [f"{name}_tb.v", f"../rtl/{name}.v", f"../rtl/{name}_axis.v"]
    status, said = run(["iverilog", "-g2012", "-o", "tb.vvp", *sources], folder / "tb")
    assert status == 0, said
    return run(["vvp", "-n", "tb.vvp"], folder / "tb")


def fusesoc(folder, target, cwd):
    """A target of a package's core file: exit status and what it printed."""
    pytest.importorskip("fusesoc")
    program = Path(sys.executable).with_name("fusesoc")
    environment = {f"XDG_{kind}_HOME": str(cwd) for kind in ("CONFIG", "DATA", "CACHE")}
    environment |= tools.verilator_environment()
    command = [program, "--cores-root", folder, "run", f"--target={target}", folder.name]
    return run(command, cwd, **environment)
