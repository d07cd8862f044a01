"""Several cores in one design and in one FuseSoC workspace: linted, elaborated and simulated together."""

import re
import sys
from pathlib import Path

import pytest
from ip_kernels import ICARUS, VERILATOR, run
from places import DESIGNS, ROOT

from tnhw import catalogue, tools
from tnhw.cli import main
from tnhw.errors import InputError
from tnhw.export import ip
from tnhw.gates.summing import primitives
from tnhw.kernel import Kernel
from tnhw.kernel.names import check_design_name
from tnhw.simulation.traffic import make
from tnhw.verilog import generate

PLAYER = DESIGNS / "player.v"
TILES = ["tile_mac8", "tile_threshold8"]  # seconds each
SHIPPED = sorted(path.stem for path in (ROOT / "kernels").glob("*.toml"))
NETWORKS = ["digits_tn", "digits_mac"]
PACKAGES = ["threshold_axi", "other_axi"]
VECTORS = 2


def heaps():
    keys = {"rule": "mac", "architecture": "tile", "outputs": 2, "input": "s4", "parameter": "s4"}
    keys |= {"storage": "memory", "arithmetic": "heap"}
    return [Kernel(**keys, name=f"heap{n}", inputs=n) for n in (4, 5)]


def core(name):
    """A kernel or a network by its name."""
    if name == "other_axi":
        return catalogue.load("threshold_axi").with_keys(
            name=name, architecture="serial", inputs=5, beat=2
        )
    return catalogue.load_design(name)


def write(designs, folder):
    """Everything that is emitted for the designs, each in a folder of its own: list of manifests."""
    manifests = []
    for made in designs:
        place = folder / made.name
        manifests.append(generate(made, place / "rtl"))
        if made.name in PACKAGES:
            ip.package(made, place / "ip")
        segment = make(made, manifests[-1], vectors=1).record["segments"][0]
        streams = {stream["name"]: stream for stream in manifests[-1]["streams"]}
        for name, stream in streams.items():
            beats = segment[name][: VECTORS * stream["beats"]]
            (place / f"{name}.hex").write_text("\n".join(beats) + "\n")
    return manifests


def instance(manifest, place):
    """Verilog of a core and its player."""
    name = manifest["name"]
    streams = {stream["name"]: stream for stream in manifest["streams"]}
    values = {"NAME": f'"{name}"', "FOLDER": f'"{place}"', "BI": streams["i"]["beats"]}
    wires, ports, ends = [], ["clk", "rst"], []
    for letter, stream in streams.items():
        values[f"W{letter.upper()}"] = stream["width"]
        values[f"N{letter.upper()}"] = (
            VECTORS * stream["beats"] if letter != "p" else stream["beats"]
        )
        for key, wire in (
            ("payload", ""),
            ("valid", "_valid"),
            ("ready", "_ready"),
            ("last", "_last"),
        ):
            if stream[key]:
                width = f"[{stream['width'] - 1}:0] " if key == "payload" else ""
                wires.append(f"wire {width}{name}_{letter}{wire};")
                ports.append((stream[key], f"{name}_{letter}{wire}"))
                if (letter, key) != ("o", "last"):
                    ends.append((f"{letter}{wire}", f"{name}_{letter}{wire}"))
    if manifest["error"]:
        wires.append(f"wire {name}_error;")
        ports.append((manifest["error"], f"{name}_error"))
    ends.append(("error", f"{name}_error" if manifest["error"] else "1'b0"))

    def bound(pairs):
        pairs = [(pair, pair) if isinstance(pair, str) else pair for pair in pairs]
        return ", ".join(f".{port}({wire})" for port, wire in pairs)

    parameters = ", ".join(f".{key}({value})" for key, value in values.items())
    return "\n".join([
        *wires, f"wire {name}_done;", f"{name} {name}_core ({bound(ports)});",
        f"player #({parameters}) {name}_player ({bound(['clk', 'rst', ('done', f'{name}_done'), *ends])});",
    ])  # fmt: skip


def whole(manifests, folder):
    """A design with all of them, which says PASS when each gave its results."""
    done = " & ".join(f"{manifest['name']}_done" for manifest in manifests)
    parts = "\n".join(instance(manifest, folder / manifest["name"]) for manifest in manifests)
    return f"""\
module whole;
  reg clk = 0, rst = 1;
  always #5 clk = ~clk;
  initial begin #42 rst = 0; #200000 $display("FAIL: not all results came"); $finish; end
{parts}
  always @(posedge clk) if ({done}) begin $display("PASS"); $finish; end
endmodule
"""


def simulated(manifests, folder):
    """What Icarus says of all of them in one design."""
    (folder / "whole.v").write_text(whole(manifests, folder))
    sources = [folder / m["name"] / "rtl" / f"{m['name']}.v" for m in manifests]
    wrappers = [path for path in folder.glob("*/ip/rtl/*_a*.v") if "_ax" in path.stem]
    command = ["iverilog", "-g2012", "-s", "whole", "-o", "whole.vvp", "whole.v", PLAYER]
    status, said = run(
        [*command, *sources, *(p for p in wrappers if "_axi." not in p.name)], folder
    )
    return said if status else run(["vvp", "-n", "whole.vvp"], folder)[1]


def workspace(manifests, folder):
    """A FuseSoC core that depends on all cores, two of them packages, linted with -Wall."""
    tops = {m["name"]: m["name"] in PACKAGES for m in manifests}
    depend = [f'"::{name}"' if packed else f'":rtl:{name}"' for name, packed in tops.items()]
    text = [f"module soc (input clk, input rst, output [{len(tops) - 1}:0] ready);"]
    for number, manifest in enumerate(manifests):
        streams = {stream["name"]: stream for stream in manifest["streams"]}
        pins = [".clk(clk)", ".rst(rst)", f".{streams['i']['ready']}(ready[{number}])"]
        for name, stream in streams.items():
            idle = {
                "payload": f"{stream['width']}'d0",
                "valid": "1'b0",
                "last": "1'b0",
                "ready": "",
            }
            if name == "o":
                idle = {"payload": "", "valid": "", "last": "", "ready": "1'b1"}
            pins += [f".{stream[key]}({value})" for key, value in idle.items()
                     if stream[key] and (name, key) != ("i", "ready")]  # fmt: skip
        pins += [f".{manifest['error']}()"] if manifest["error"] else []
        text.append(f"  {manifest['name']} core{number} ({', '.join(pins)});")
    (folder / "soc.v").write_text("\n".join([*text, "endmodule", ""]))
    (folder / "soc.core").write_text(f"""\
CAPI=2:
name: ::soc:1.0
filesets:
  rtl:
    files: [soc.v]
    file_type: verilogSource
    depend: [{", ".join(depend)}]
targets:
  default: &default
    filesets: [rtl]
    toplevel: soc
  lint:
    <<: *default
    default_tool: verilator
    tools:
      verilator:
        mode: lint-only
        verilator_options: [-Wall, -Wno-PINCONNECTEMPTY]
""")
    environment = {f"XDG_{kind}_HOME": str(folder) for kind in ("CONFIG", "DATA", "CACHE")}
    environment |= tools.verilator_environment()
    program = Path(sys.executable).with_name("fusesoc")
    listed = run([program, "--cores-root", folder, "core", "list"], folder, **environment)[1]
    status, said = run(
        [program, "--cores-root", folder, "run", "--target=lint", "soc"], folder, **environment
    )
    return listed, status, said


def check(designs, folder):
    manifests = write(designs, folder)
    said = simulated(manifests, folder)
    assert said.strip().endswith("PASS"), said
    listed, status, said = workspace(manifests, folder)
    assert status == 0, said
    for manifest in manifests:
        name = manifest["name"]
        assert len(re.findall(rf"(?m)^\S*:{name}:", listed)) == 1 + (name in PACKAGES), listed


@ICARUS
@VERILATOR
@pytest.mark.parametrize("names", [
    ["digits_tn", *PACKAGES],
    pytest.param([*SHIPPED, *NETWORKS, "other_axi"], marks=pytest.mark.nightly),
], ids=["some", "all"])  # fmt: skip
def test_cores_in_one_design(names, tmp_path):
    pytest.importorskip("fusesoc")
    check([*map(core, names), *heaps()], tmp_path)


@ICARUS
def test_collisions_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr("tnhw.verilog.emitting.own_modules", lambda text, _: text + "".join(
        "\n" + module for name, module in primitives.MODULES.items() if name in text))  # fmt: skip
    said = simulated(write(heaps(), tmp_path), tmp_path)
    assert "tnhw_fa" in said and "PASS" not in said


# ---- Names ----


@pytest.mark.parametrize(("name", "reason"), [
    ("rst", "it is a port"), ("clk", "it is a port"), ("error", "it is a port"),
    ("m_axis_tdata", "it is a port"), ("s_axil_wstrb", "it is a port"), ("i_payload", "it is a port"),
    ("ALU", "primitive"), ("SB_LUT4", "primitive"), ("RAMB18E1", "primitive"), ("CCU2C", "primitive"),
    ("Wire", "keyword of Verilog"), ("signal", "keyword of VHDL"), ("PROCESS", "keyword of VHDL"),
    ("lambda", "keyword of Python"), ("None", "keyword of Python"),
    ("k__core", "two underscores"), ("k_", "two underscores"), ("tnhw_fa", "modules that tnhw adds"),
    ("k_axis", "modules of IP packages"), ("k_tb", "modules of IP packages"), ("aux", "Windows"),
])  # fmt: skip
def test_name_that_is_taken(name, reason):
    with pytest.raises(
        InputError, match=f"`name` must not be `{name}`: .*{reason}.*would do"
    ) as said:
        check_design_name(name)
    check_design_name(re.search(r"`(\w+)` would do", str(said.value))[1])


def test_name_that_is_taken_is_refused_first(tmp_path, capsys):
    file = tmp_path / "k.toml"
    file.write_text('name = "rst"\nrule = "threshold"\ninputs = 3\noutputs = 2\ninput = "s4"\n'
                    'parameter = "s4"\nstorage = "memory"\n')  # fmt: skip
    assert main(["generate", str(file), "-o", str(tmp_path / "out")]) == 2
    assert "it is a port of an emitted module" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@ICARUS
@pytest.mark.parametrize("name", ["core", "count", "json"])
def test_name_of_what_is_inside(name, tmp_path):
    """Instances, signals and Python modules of a package may be called like its kernel."""
    made = core("other_axi").with_keys(name=name)
    ip.package(made, tmp_path)
    sources = sorted((tmp_path / "rtl").glob("*.v"))
    status, said = run(["iverilog", "-g2012", "-o", "k.vvp", *sources], tmp_path)
    assert status == 0, said
