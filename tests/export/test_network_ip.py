"""The digits network as an IP package: foreign AXI ends, FuseSoC, a SoC of LiteX, and the load that firmware sends."""

import re
import shutil

import pytest
from ip_kernels import COCOTB, ICARUS, KERNELS, VERILATOR, foreign, fusesoc, in_litex, run

from tnhw.catalogue import load_design
from tnhw.export import ip
from tnhw.simulation import simulate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The design, and the folder of its package."""
    folder = tmp_path_factory.mktemp("package") / "digits_tn"
    design = load_design("digits_tn", interface="axi-stream", loadable=True)
    ip.package(design, folder)
    return design, folder


@COCOTB
@pytest.mark.nightly
@pytest.mark.parametrize("top", ["digits_tn_axis", "digits_tn_axil"])
def test_foreign_ends(top, package, tmp_path):
    """Loads and images with pauses on every port."""
    design, folder = package
    assert foreign(folder, top, tmp_path / "run", design.width_p) == (3, 0)


@ICARUS
@VERILATOR
@pytest.mark.nightly
@pytest.mark.parametrize("target", ["lint", "sim"])
def test_fusesoc(target, package, tmp_path):
    _, folder = package
    status, said = fusesoc(folder, target, tmp_path)
    assert status == 0 and (target == "lint" or "PASS" in said), said


@COCOTB
@VERILATOR
@pytest.mark.nightly
def test_litex(package, tmp_path):
    design, folder = package
    assert in_litex(folder, tmp_path, design.width_p, registers=True, limit=600) == (3, 0)


@COCOTB
@pytest.mark.parametrize("loadable", [False, True], ids=["constant", "loadable"])
def test_bench(loadable, tmp_path):
    """The bench of `sim/`, with wrong packets of images and of loads among the right ones."""
    design = load_design("digits_tn", interface="axi-stream", loadable=loadable, lanes=24)
    assert simulate(design, tmp_path, vectors=4).passed


def test_header_has_the_load(tmp_path):
    """Compiled, and printed by a C program."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler `cc`")
    design = KERNELS["net"]
    ip.package(design, tmp_path / "net")
    (tmp_path / "x.c").write_text(
        '#include <stdio.h>\n#include "net_load.h"\nint main(void)\n{\n'
        "    for (int k = 0; k < NET_LOAD_WRITES; k++)\n"
        '        printf("%lu\\n", (unsigned long)net_load[k]);\n    return 0;\n}\n'
    )
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    command = ["cc", *strict, "x.c", "-o", "x", f"-I{tmp_path}/net/sw"]
    assert run(command, tmp_path) == (0, "")
    status, said = run(["./x"], tmp_path)
    assert status == 0 and design.width_p <= 32
    assert [int(word) for word in re.findall(r"\d+", said)] == design.pack_parameters()
