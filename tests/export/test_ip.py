"""IP packages: their files, plain tools, FuseSoC, their own tests, and foreign AXI ends."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ip_kernels import (
    COCOTB,
    ICARUS,
    KERNELS,
    VERILATOR,
    bench,
    foreign,
    fusesoc,
    run,
)
from places import SUPPORT

from tnhw import tools
from tnhw.cli import main
from tnhw.errors import InputError
from tnhw.export import ip
from tnhw.export.ip.registers import register_map
from tnhw.support.environment import search_path
from tnhw.support.templating import LICENSE


@pytest.fixture
def package(packages, tmp_path):
    """A copy of one package, to be spoilt."""
    return lambda name: Path(shutil.copytree(packages / name, tmp_path / name))


def spoil(path, old, new, count=1):
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new, count))


def spoil_core(folder):
    """A core that takes a threshold for larger than it is."""
    path = next((folder / "rtl").glob(f"{folder.name}.v"))
    text, count = re.subn(r"^(  wire .*) > (.*);", r"\1 < \2;", path.read_text(), flags=re.M)
    assert count
    path.write_text(text)


# ---- Files ----


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", KERNELS)
def test_files(name, packages):
    loaded = KERNELS[name].storage == "memory"
    expected = {
        "README.md", "manifest.json", "package_ip.tcl", "block_design.tcl", f"{name}.core", f"{name}.vh",
        f"{name}.qip", f"{name}.sdc", f"python/{name}_litex.py", f"python/{name}_amaranth.py",
        f"rtl/{name}.v", f"rtl/{name}_axis.v", f"tb/{name}_tb.v", "tb/script.hex",
        "tb/y.hex", "test/run.py", "test/streams.py", "test/test_stream.py", "test/vectors.json",
        "test/script.json",
    }  # fmt: skip
    if loaded:
        expected |= {
            f"rtl/{name}_axil.v", "test/test_registers.py", "sw/registers.json",
            "sw/registers.md", f"sw/{name}.py", f"sw/{name}_regs.h",
        }  # fmt: skip
    if loaded:
        packers = {f"sw/{name}_pack.h", f"sw/{name}_pack.py"}
        expected |= {"sw/net_load.h"} if name == "net" else packers
    assert set(names(packages / name)) == expected


def test_every_file_says_whose_it_is_and_none_where_it_was_made(packages):
    for path in (path for path in packages.rglob("*") if path.is_file()):
        text = path.read_text()
        if path.suffix == ".json":
            assert json.loads(text)["license"] == LICENSE, path
        else:
            assert f"SPDX-License-Identifier: {LICENSE}" in "".join(text.splitlines()[:2]), path
        assert (
            str(packages) not in text and "/tmp" not in text and str(Path.home()) + "/" not in text
        )
        assert not re.search(r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b", text), path


def test_same_bytes_from_another_process(packages, tmp_path):
    program = (
        "import sys; import ip_kernels as t; from tnhw.export import ip\n"
        "ip.package(t.KERNELS['loaded'], sys.argv[1])"
    )
    roots = os.pathsep.join([str(SUPPORT), str(Path(ip.__file__).parents[3])])
    command = [sys.executable, "-W", "ignore", "-c", program, tmp_path / "again"]
    status, said = run(command, tmp_path, PYTHONHASHSEED="77", PYTHONPATH=roots)
    assert status == 0, said
    for name in names(packages / "loaded"):
        assert (tmp_path / "again" / name).read_bytes() == (packages / "loaded" / name).read_bytes()


def test_attributes_and_names(packages):
    text = (packages / "loaded" / "rtl" / "loaded_axis.v").read_text()
    for bus in ("s_axis", "s_axis_param", "m_axis"):
        for end in ("TDATA", "TVALID", "TREADY", "TLAST"):
            attribute = f'(* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 {bus} {end}" *)'
            line = text.split(attribute)[1].splitlines()[1]
            assert re.fullmatch(rf" *(in|out)put +wire (\[\d+:0\] )?{bus}_{end.lower()},", line)
    assert '"ASSOCIATED_BUSIF s_axis:s_axis_param:m_axis, ASSOCIATED_RESET aresetn"' in text
    assert '"POLARITY ACTIVE_LOW"' in text
    lite = (packages / "loaded" / "rtl" / "loaded_axil.v").read_text()
    assert len(re.findall(r'"xilinx.com:interface:aximm:1.0 s_axil [A-Z]+"', lite)) == 19
    template = (packages / "loaded" / "loaded.vh").read_text()
    for name, source in (("loaded_axis", text), ("loaded_axil", lite)):
        block = template.split(f"{name} {name}_i (")[1].split(");")[0]
        header = source.split(f"module {name} #(")[1].split(") (", 1)[1].split(");")[0]
        ports = re.findall(r"^ *(?:in|out)put .*?(\w+),?$", header, flags=re.M)
        assert re.findall(r"\.(\w+)\(", block) and set(re.findall(r"\.(\w+)\(", block)) == set(
            ports
        )


# ---- Refused ----


def test_package_wrong(tmp_path, capsys):
    plain = KERNELS["fixed"].with_keys(interface="stream")
    with pytest.raises(InputError, match="use --interface axi-stream"):
        ip.package(plain, tmp_path)
    more = ["--interface", "axi-stream", "--beat", "2", "-o", str(tmp_path)]
    assert main(["generate", "digits_tn", *more]) == 2
    assert "a network's beat is a word of its first layer" in capsys.readouterr().err
    assert main(["generate", "threshold16", "--interface", "axi-stream", "-o", str(tmp_path)]) == 2
    assert "threshold16" in capsys.readouterr().err


def test_command(tmp_path, capsys):
    words = ["generate", "digits_layer_ternary", "--interface", "axi-stream", "--beat", "8"]
    assert main([*words, "-o", str(tmp_path)]) == 0
    assert "IP package" in capsys.readouterr().out
    folder = tmp_path / "digits_layer_ternary" / "ip"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["streams"][0]["beats"] == 8 and (folder / "rtl").is_dir()


# ---- One register map ----


def test_register_map_in_every_form(packages):
    folder = packages / "wide" / "sw"
    record = json.loads((folder / "registers.json").read_text())["registers"]
    made = register_map(KERNELS["wide"], record[2]["reset"])
    assert [register.name for register in made] == [register["name"] for register in record]
    driver: dict = {}
    exec((folder / "wide.py").read_text(), driver)
    page, header = (folder / "registers.md").read_text(), (folder / "wide_regs.h").read_text()
    verilog = (packages / "wide" / "rtl" / "wide_axil.v").read_text()
    offsets = [register["offset"] for register in record]
    assert len(set(offsets)) == len(offsets) and all(offset % 4 == 0 for offset in offsets)
    for register in record:
        name, offset = register["name"], register["offset"]
        assert driver[name] == offset and f"| 0x{offset:02x} | `{name}` |" in page
        assert f"#define WIDE_{name} 0x{offset:02X}u\n" in header
        assert re.search(rf"localparam \[5:0\] {name} = 6'h{offset:02x};", verilog)
        for field in register["fields"]:
            mask = (2 << field["high"]) - (1 << field["low"])
            assert driver[f"{name}_{field['name']}"] == mask
            assert f"#define WIDE_{name}_{field['name']}_MASK 0x{mask:08X}u" in header
    assert driver["WRITES_PER_WORD"] == 2


def test_driver(packages):
    driver: dict = {}
    exec((packages / "loaded" / "sw" / "loaded.py").read_text(), driver)
    registers = dict(driver["VALUES"]) | {driver["VERSION"]: 1 << 24, driver["STATUS"]: 1}
    writes = []
    core = driver["Driver"](registers.get, lambda offset, value: writes.append((offset, value)))
    core.check()
    words = list(range(registers[driver["LOAD_WORDS"]]))
    core.load(words)
    assert writes == [(driver["PARAM"], word) for word in words]
    with pytest.raises(ValueError, match="a load has 18 words, not 17"):
        core.load(words[1:])
    registers[driver["INPUTS"]] += 1
    with pytest.raises(RuntimeError, match="register 0x24 is 0x00000006, not 0x00000005"):
        core.check()


@pytest.mark.needs("g++")
def test_header_compiles(packages, tmp_path):
    (tmp_path / "x.cpp").write_text(
        '#include "loaded_regs.h"\n'
        "static_assert(LOADED_PARAM == 0x14 && LOADED_STATUS_FRAME_ERROR_MASK == 8);\n"
    )
    command = ["-std=c++17", "-Wall", "-Werror", "-c", "x.cpp", f"-I{packages / 'loaded' / 'sw'}"]
    tools.run("g++", command, cwd=tmp_path)


def test_vivado_script(packages):
    """The Tcl is whole, and names files that are there; Vivado's commands are stand-ins."""
    tkinter = pytest.importorskip("tkinter")
    for name in KERNELS:
        tcl, called = tkinter.Tcl(), []
        root = packages / name
        for command in ("create_project", "add_files", "set_property", "current_fileset",
                        "update_compile_order", "close_project", "ipx::package_project",
                        "ipx::current_core", "ipx::associate_bus_interfaces", "ipx::update_checksums",
                        "ipx::create_xgui_files", "ipx::check_integrity", "ipx::save_core"):  # fmt: skip
            tcl.eval("namespace eval ipx {}")
            tcl.createcommand(
                command, lambda *a, c=command, called=called: called.append((c, a)) or "core"
            )
        tcl.eval(f"source {{{root / 'package_ip.tcl'}}}")
        calls = dict(called)
        files = tcl.splitlist(calls["add_files"][-1])
        assert [Path(file).name for file in files] == [
            f"{name}.v", *(f"{name}{end}.v" for end in ("_axis", "_axil")[: 1 + (name != "fixed")])
        ]  # fmt: skip
        assert all(Path(file).is_file() for file in files)
        buses = [args[1] for command, args in called if "associate" in command]
        assert {"s_axis", "m_axis"} <= set(buses) and ("s_axil" in buses) == (name != "fixed")


# ---- Plain tools ----


def lint(folder):
    """What Verilator says with -Wall of the largest top."""
    name = folder.name
    tops = [f"{name}_axil" if KERNELS[name].storage == "memory" else f"{name}_axis", f"{name}_axis"]
    files = [f"rtl/{path.name}" for path in sorted((folder / "rtl").glob("*.v"))]
    said = ""
    for top in dict.fromkeys(tops):
        command = ["verilator", "--lint-only", "-Wall", "--top-module", top, *files]
        if top != tops[0]:
            command = [word for word in command if "_axil.v" not in word]
        said += run(command, folder, **tools.verilator_environment())[1]
    return "".join(line for line in said.splitlines() if not line.startswith("- "))


@VERILATOR
@pytest.mark.parametrize("name", KERNELS)
def test_lint_is_clean(name, packages):
    assert lint(packages / name) == ""


@VERILATOR
def test_lint_finds_faults(package):
    folder = package("loaded")
    spoil(folder / "rtl" / "loaded_axil.v", "param <= w[13:0]", "param <= w[14:0]")
    assert "WIDTHTRUNC" in lint(folder)


@ICARUS
@pytest.mark.parametrize("name", KERNELS)
def test_verilog_bench(name, package):
    status, said = bench(package(name))
    assert status == 0 and "PASS" in said, said


@ICARUS
def test_verilog_bench_finds_faults(package):
    folder = package("loaded")
    text = (folder / "tb" / "y.hex").read_text()
    last = text.splitlines()[-1]
    spoil(folder / "tb" / "y.hex", last, f"{int(last, 16) ^ 1:x}")
    status, said = bench(folder)
    assert status != 0 and "FAIL: a result is wrong" in said
    (folder / "tb" / "y.hex").write_text(text)
    spoil_core(folder)
    status, said = bench(folder)
    assert status != 0 and "FAIL" in said


# ---- FuseSoC ----


@VERILATOR
@ICARUS
@pytest.mark.parametrize("name", ["loaded", "fixed"])
def test_fusesoc(name, package, tmp_path):
    folder = package(name)
    (tmp_path / "run").mkdir()
    status, said = fusesoc(folder, "lint", tmp_path / "run")
    assert status == 0, said
    status, said = fusesoc(folder, "sim", tmp_path / "run")
    assert status == 0 and "PASS" in said, said
    if name == "fixed":
        return
    # Both can fail.
    spoil_core(folder)
    spoil(folder / "rtl" / f"{name}.v", "lint_off UNUSEDSIGNAL", "lint_on UNUSEDSIGNAL")
    assert fusesoc(folder, "lint", tmp_path / "run")[0] != 0
    assert fusesoc(folder, "sim", tmp_path / "run")[0] != 0


# ---- The emitted tests, with cocotb alone ----


# cocotb, and what pip installs with it.
WITH_COCOTB = {"cocotb", "py", "cocotb_tools", "pygpi", "find_libpython", "pytest", "_pytest", "pluggy",
               "iniconfig", "packaging", "pygments"}  # fmt: skip


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Interpreter of a venv that has cocotb and what it needs, and nothing of tnhw."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    (site,) = folder.glob("lib/python*/site-packages")
    import cocotb

    for path in Path(cocotb.__file__).parents[1].iterdir():
        if path.name.split("-")[0].split(".")[0] in WITH_COCOTB:
            (site / path.name).symlink_to(path)
    python = folder / "bin" / "python"
    for module in ("tnhw", "amaranth", "numpy"):
        assert subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode
    return python


def own_tests(python, folder):
    clean = {"PYTHONPATH": "", "PATH": search_path(first=(python.parent,))}
    return run([python, "run.py"], folder / "test", **clean)


@pytest.mark.slow
@COCOTB
@pytest.mark.parametrize("name", KERNELS)
def test_own_tests_in_a_bare_venv(name, package, bare):
    status, said = own_tests(bare, package(name))
    assert status == 0, said
    assert "test_stream: 4 of 4 passed" in said
    assert ("test_registers: 5 of 5 passed" in said) == (name != "fixed")


FAULTS = {
    "stream": ("rtl/{}.v", None, None),
    "a load that never completes": ("rtl/{}_axil.v", "count == LAST_WORD) ^ aborting", "aborting)"),
    "abort": ("rtl/{}_axil.v", "still_aborting | ((taken", "1'b0 & ((taken"),
    "abort of the last word": (
        "rtl/{}_axil.v",
        "aborting & ~(taken & param_tlast)",
        "aborting & ~taken",
    ),
    "enable": ("rtl/{}_axil.v", "core_ready & enable", "core_ready"),
    "strobes": ("rtl/{}_axil.v", "(strobe == 4'hf) & ", ""),
    "count": ("rtl/{}_axil.v", "vectors + 32'd1", "vectors + 32'd2"),
    "clear": ("rtl/{}_axil.v", "default: if (w[3]) frame_error", "default: if (w[2]) frame_error"),
}


@pytest.mark.slow
@COCOTB
@pytest.mark.parametrize("fault", [
    pytest.param(fault, marks=() if fault in ("stream", "abort of the last word") else pytest.mark.nightly)
    for fault in FAULTS
])  # fmt: skip
def test_own_tests_find_faults(fault, package, bare):
    folder = package("loaded")
    path, old, new = FAULTS[fault]
    if old:
        spoil(folder / path.format("loaded"), old, new)
    else:
        spoil_core(folder)
    spoil(folder / "test" / "streams.py", "LIMIT = 200_000", "LIMIT = 2_000")
    status, said = own_tests(bare, folder)
    assert status == 1, said


# ---- Foreign ends ----


@pytest.mark.slow
@COCOTB
@pytest.mark.parametrize(
    "top", ["loaded_axis", "loaded_axil", "wide_axil", "fixed_axis", "net_axis", "net_axil"]
)
def test_foreign_ends(top, packages, tmp_path):
    name = top.split("_")[0]
    assert foreign(packages / name, top, tmp_path / "run", KERNELS[name].width_p) == (3, 0)


SLICED = {"REGISTER_SLICE": 1}


@pytest.mark.slow
@COCOTB
@pytest.mark.parametrize("top", ["loaded_axis", "loaded_axil", "fixed_axis", "net_axis"])
def test_register_slices(top, packages, tmp_path):
    name = top.split("_")[0]
    found = foreign(packages / name, top, tmp_path, KERNELS[name].width_p, parameters=SLICED)
    assert found == (3, 0)


@pytest.mark.slow
@COCOTB
@pytest.mark.parametrize(
    "fault", [("~spare_valid)", "1'b1)"), ("spare_valid ? spare :", "1'b0 ? spare :")]
)
def test_fault_of_a_register_slice(fault, package, tmp_path):
    folder = package("loaded")
    spoil(folder / "rtl" / "loaded_axis.v", *fault, count=-1)
    found = foreign(folder, "loaded_axis", tmp_path, KERNELS["loaded"].width_p, parameters=SLICED)
    assert found[1] > 0


@pytest.mark.needs("pyosys")
@pytest.mark.parametrize("top", ["loaded_axis", "loaded_axil", "fixed_axis", "net_axis"])
def test_register_slices_cut_every_ready(top, packages, tmp_path):
    """What a `ready` depends on in the same cycle: with slices not on that of results, and without loads on no input."""
    name = top.split("_")[0]
    for path in (packages / name / "rtl").glob("*.v"):
        shutil.copy(path, tmp_path)
    inputs = {}
    for value in (0, 1):
        script = f"read_verilog -sv *.v\nchparam -set REGISTER_SLICE {value} {top}\nhierarchy -top {top}\nproc\nflatten\n"
        script += "memory_map\nopt -full\nsplitnets -ports\nselect -write cone.txt o:*axis*_tready %ci*:-$dff,$sdff,$dffe,$sdffe,$adff i:* %i\n"
        tools.yosys(script, cwd=tmp_path)
        inputs[value] = {line.split("/")[1] for line in (tmp_path / "cone.txt").read_text().split()}
    # A network has registers of its own on the way.
    assert ("m_axis_tready" in inputs[0]) == (name != "net")
    assert inputs[1] <= {bit for bit in inputs[1] if "_param_" in bit}


@pytest.mark.slow
@COCOTB
def test_foreign_ends_find_a_fault(package, tmp_path):
    folder = package("loaded")
    spoil_core(folder)
    tests, failed = foreign(folder, "loaded_axil", tmp_path / "run", KERNELS["loaded"].width_p)
    assert tests == failed == 3
