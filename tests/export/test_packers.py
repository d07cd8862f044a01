"""The packers of an IP package, in C and in Python, make the loads that tnhw makes."""

import runpy
import shutil
import subprocess

import numpy as np
import pytest

from tnhw.export import ip
from tnhw.export.ip import packers
from tnhw.kernel import Kernel
from tnhw.synapse import RULES

SETS = 1000
CC = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler `cc`")
PROGRAM = """
#include <stdio.h>
#include "{name}_pack.h"
int main(void)
{{
    static {name}_parameters p;
    static uint32_t writes[{upper}_PACK_WRITES];
    while (fread(&p, sizeof p, 1, stdin) == 1) {{
        int32_t status = {name}_pack(&p, writes);
        fwrite(&status, sizeof status, 1, stdout);
        fwrite(writes, sizeof writes, 1, stdout);
    }}
    return 0;
}}
"""


def kernel(rule, architecture, **more):
    keys = {"name": "little", "rule": rule, "architecture": architecture, "storage": "memory", "inputs": 5,
            "outputs": 3, "input": "s5", "bias": "s9", "output": "u6", "shift": 2, "interface": "axi-stream"}  # fmt: skip
    if RULES[rule].only_input:
        keys["input"] = str(RULES[rule].only_input)
    if RULES[rule].has_parameter:
        keys["parameter"] = "u2" if rule == "shift" else "s5"
    return Kernel(**keys | more)


KERNELS = {
    f"{rule}-{architecture}": kernel(rule, architecture)
    for rule in sorted(RULES)
    for architecture in ("parallel", "serial")
} | {
    "gain": kernel("threshold", "parallel", gain=True, input="u5", parameter="u5"),
    "up": kernel("mac", "serial", shift=-2, output="s12"),
    "heap": kernel("threshold", "serial", arithmetic="heap", bias="s6"),
    "both signs": kernel("threshold", "parallel", excitatory=3),
    "no bias": kernel("ternary", "parallel", bias=None, shift=0, output=None),
    "wide": kernel("mac", "parallel", input="s16", parameter="s16", bias="s33"),
}


def sets(made, count=SETS):
    """Random parameters, the first and second at the ends of their ranges."""
    rng = np.random.default_rng(2)
    found = [made.random_parameters(rng) for _ in range(count)]
    ranges = made.synapse.ranges | (
        {"bias": (made.bias_format.min, made.bias_format.max)} if made.bias is not None else {}
    )
    for p, end in zip(found, (0, 1), strict=False):
        for name, both in ranges.items():
            p[name][...] = both[end]
    return found


@pytest.fixture(params=KERNELS)
def packed(request, tmp_path):
    made = KERNELS[request.param]
    ip.package(made, tmp_path)
    return made, tmp_path / "sw"


def as_writes(made, words):
    parts = -(-made.width_p // 32)
    return [word >> 32 * k & 0xFFFFFFFF for word in words for k in range(parts)]


@CC
def test_c(packed):
    made, folder = packed
    (folder / "main.c").write_text(PROGRAM.format(name=made.name, upper=made.name.upper()))
    words = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-fsanitize=undefined",
             "-fno-sanitize-recover", "main.c", "-o", "main"]  # fmt: skip
    subprocess.run(words, cwd=folder, check=True)
    loads = sets(made)
    shape = made.outputs, made.inputs
    fields = [(name, "<i4", shape) for name in made.synapse.ranges]
    layout = np.dtype([*fields, ("bias", "<i8", shape[:1])], align=True)
    given = np.zeros(len(loads), layout)
    for row, p in zip(given, loads, strict=True):
        for name in layout.names:
            row[name] = p.get(name, 0)
    said = subprocess.run(
        [folder / "main"], input=given.tobytes(), stdout=subprocess.PIPE, check=True
    ).stdout
    expected = [as_writes(made, made.pack_parameters(p)) for p in loads]
    rows = np.frombuffer(said, "<u4").reshape(len(loads), -1)
    assert (rows[:, 0] == 0).all()
    assert rows[:, 1:].tolist() == expected


def test_python(packed):
    made, folder = packed
    program = runpy.run_path(str(folder / f"{made.name}_pack.py"))
    for p in sets(made, 100):
        arrays = {name: p[name].tolist() for name in made.synapse.ranges}
        bias = np.broadcast_to(p.get("bias", 0), made.outputs).tolist()
        assert program["pack"](**arrays, bias=bias) == made.pack_parameters(p)


def test_out_of_range(tmp_path):
    made = KERNELS["mac-parallel"]
    ip.package(made, tmp_path)
    program = runpy.run_path(str(tmp_path / "sw" / "little_pack.py"))
    weight = [[16] * made.inputs] * made.outputs
    with pytest.raises(ValueError, match="weight is 16: -16 to 15 are allowed"):
        program["pack"](weight=weight, bias=[0] * made.outputs)


def test_arithmetic_that_cannot_be_followed(tmp_path, monkeypatch):
    """Then the package has no packers."""
    made = KERNELS["mac-parallel"]
    monkeypatch.setattr(
        RULES["mac"], "encode", lambda self, arrays: {"weight": np.sort(arrays["weight"])}
    )
    assert packers.packing(made) is None
    ip.package(made, tmp_path)
    assert not list((tmp_path / "sw").glob("*_pack*"))
