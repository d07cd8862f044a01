"""Kernel files and parameters that are wrong: one clear sentence each, status 2, nothing written."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from kernel_files import CONSTANT, bomb, header_bomb, pickled, toml

import tnhw
from tnhw import load
from tnhw.errors import InputError
from tnhw.kernel import Kernel
from tnhw.kernel.parameters import read
from tnhw.support.environment import for_child

AXI = {"storage": '"memory"', "interface": '"axi-stream"'}

# What is changed in a good file, and what the message says: the key, what was given, what is allowed.
KEYS = {
    "unknown key": ({"colour": '"red"'}, "unknown key `colour`: known are .*`architecture`"),
    "misspelt key": ({"paramter": '"u4"'}, "unknown key `paramter`: did you mean `parameter`"),
    "key in capitals": ({"Inputs": "3"}, "unknown key `Inputs`: did you mean `inputs`"),
    "key of the constructor": ({"arrays": "3"}, "unknown key `arrays`"),
    "missing name": ({"name": None}, "the key `name` is missing"),
    "missing inputs": ({"inputs": None}, "the key `inputs` is missing"),
    "missing input": ({"input": None}, "the key `input` is missing"),
    "inputs zero": ({"inputs": "0"}, "`inputs` must be greater than or equal to 1, not 0"),
    "inputs negative": ({"inputs": "-3"}, "`inputs` must be greater than or equal to 1, not -3"),
    "inputs huge": ({"inputs": "1000000"}, "`inputs` must be less than or equal to 65536, not 1000000"),
    "outputs zero": ({"outputs": "0"}, "`outputs` must be greater than or equal to 1, not 0"),
    "outputs huge": ({"outputs": "99999"}, "`outputs` must be less than or equal to 1024, not 99999"),
    "too many synapses": ({"inputs": "4096", "outputs": "1024"},
                          "= 4194304 is more than architecture `parallel` takes .16384.; use `serial`"),
    "inputs float": ({"inputs": "3.0"}, "`inputs` must be a valid integer, not 3.0"),
    "inputs text": ({"inputs": '"3"'}, "`inputs` must be a valid integer, not '3'"),
    "inputs boolean": ({"inputs": "true"}, "`inputs` must be a valid integer, not True"),
    "inputs list": ({"inputs": "[3]"}, r"`inputs` must be a valid integer, not \[3\]"),
    "name number": ({"name": "3"}, "`name` must be a valid string, not 3"),
    "gain text": ({"gain": '"yes"'}, "`gain` must be a valid boolean, not 'yes'"),
    "rule unknown": ({"rule": '"treshold"'}, "`rule` must be .*, not 'treshold'; did you mean `threshold`"),
    "architecture unknown": ({"architecture": '"systolic"'},
                             "`architecture` must be .*, not 'systolic'; .*`parallel`"),
    "storage unknown": ({"storage": '"rom"'}, "`storage` must be 'ports', 'memory' or 'constant', not 'rom'"),
    "interface unknown": ({"interface": '"axi"'}, "`interface` must be 'stream' or 'axi-stream', not 'axi'"),
    "form unknown": ({"form": '"min"'}, "`form` must be 'auto', 'subtract', 'max', .*, not 'min'"),
    "format unknown": ({"input": '"f16"'}, "`input`: a format is written `u` or `s`.*not 'f16'"),
    "format number": ({"input": "8"}, "`input`: a format is written `u` or `s`.*not 8"),
    "format too wide": ({"input": '"u65"'}, "must be 1 to 64 bits, not 65"),
    "output format": ({"output": '"u0"'}, "`output`: a format is written .*, not 'u0'"),
    "bias format": ({"bias": '"12"'}, "a format is written .*, not '12'"),
    "bias words": ({"bias": '"s12 folded"'}, "`bias` must be a format such as \"s12\", not 's12 folded'"),
    "bias empty": ({"bias": '""'}, "`bias` must be a format such as \"s12\", not ''"),
    "bias number": ({"bias": "3"}, "`bias` must be a valid string, not 3"),
    "parameter missing": ({"parameter": None}, "rule `threshold` needs a `parameter` format"),
    "parameter unwanted": ({"rule": '"ternary"'}, "rule `ternary` has no magnitude: leave `parameter` out"),
    "exponent too wide": ({"rule": '"shift"'}, "the exponent: u1, u2 or u3, not u4"),
    "gain unwanted": ({"rule": '"mac"', "gain": "true"}, "rule `mac` has no gain: leave `gain` out"),
    "form unwanted": ({"rule": '"addernet"', "form": '"max"'},
                      "rule `addernet` has no forms: leave `form` out"),
    "form of another rule": ({"rule": '"mac"', "form": '"max"'},
                             'rule `mac` has "product" or "booth" or "booth_and_or" or "digits" or "rows" or "sign_magnitude" or "split" as `form`, not \'max\''),
    "shift alone": ({"shift": "3"}, "`shift` needs `output`"),
    "shift huge": ({"output": '"u4"', "shift": "40"}, "`shift` must be less than or equal to 32, not 40"),
    "folded memory": ({"bias": '"folded"', "storage": '"memory"'}, '"folded"` is for storage `ports`'),
    "static ports": ({"sign": '"static"'}, '`sign = "static"` needs storage `constant`, or `excitatory`'),
    "prefix without heap": ({"adder": '"prefix"'}, '`adder = "prefix"` is for arithmetic `heap`'),
    "sharing of nothing": ({"sharing": '"none"'}, "`sharing` is for architecture `tile`, arithmetic `heap`"),
    "excitatory too many": ({"excitatory": "4"}, "`excitatory` must be at most 3, all inputs, not 4"),
    "excitatory negative": ({"excitatory": "-1"}, "`excitatory` must be greater than or equal to 0, not -1"),
    "excitatory runtime": ({"excitatory": "1", "sign": '"runtime"'}, "`excitatory` fixes the signs"),
    "excitatory serial": ({"excitatory": "1", "architecture": '"serial"'}, "leave it out for `serial`"),
    "ports AXI": ({"interface": '"axi-stream"'}, "storage `ports` has plain streams only"),
    "beat alone": ({"beat": "2"}, '`beat` is for `interface = "axi-stream"`'),
    "beat zero": (AXI | {"beat": "0"}, "`beat` must be greater than or equal to 1, not 0"),
    "beat huge": (AXI | {"beat": "4"}, "`beat` must be at most 3, all elements, not 4"),
    "constant alone": ({"storage": '"constant"'}, "storage `constant` needs `parameters`"),
    "interval": ({"rule": '"mac"', "input": '"s32"', "parameter": '"s32"'},
                 "the result needs 65 bits, more than the 63 of the golden model"),
    "interval shifted": ({"rule": '"mac"', "input": '"s16"', "parameter": '"s16"', "output": '"s8"',
                          "shift": "-32"}, "the result needs .* bits, more than the 63"),
    "name keyword": ({"name": '"module"'}, "`name` must not be the Verilog keyword `module`"),
    "name SystemVerilog": ({"name": '"logic"'}, "`name` must not be the Verilog keyword `logic`"),
    "name path": ({"name": '"../k"'}, "`name` must be letters, digits and underscores.*not '../k'"),
    "name absolute": ({"name": '"/etc/k"'}, "`name` must be letters, digits and underscores"),
    "name space": ({"name": '"a b"'}, "`name` must be letters, digits and underscores.*not 'a b'"),
    "name newline": ({"name": r'"k\n"'}, "`name` must be letters, digits and underscores"),
    "name accent": ({"name": '"café"'}, "`name` must be letters, digits and underscores.*not 'café'"),
    "name empty": ({"name": '""'}, "`name` must be letters, digits and underscores.*not ''"),
    "name digit": ({"name": '"3k"'}, "a letter first, not '3k'"),
    "name long": ({"name": f'"{"k" * 65}"'}, "`name` must have at most 64 characters, not 65"),
    "no parameters": (CONSTANT, "p.npz: cannot be read .No such file or directory."),
}  # fmt: skip


def refused(path, text):
    before = sorted(path.parent.iterdir())
    with pytest.raises(InputError, match=text) as caught:
        load(path)
    message = str(caught.value)
    assert caught.value.exit_status == 2
    assert "\n" not in message and "pydantic" not in message and len(message) < 500
    assert str(path.parent) in message, "the message does not say where"
    assert sorted(path.parent.iterdir()) == before
    return message


@pytest.mark.parametrize("what", KEYS)
def test_keys(what, tmp_path):
    changes, text = KEYS[what]
    path = tmp_path / "kernel.toml"
    path.write_text(toml(**changes), encoding="utf-8")
    refused(path, text)


def test_good(tmp_path):
    (tmp_path / "kernel.toml").write_text(toml())
    assert load(tmp_path / "kernel.toml").inputs == 3


# ---- Files ----

FILES = {
    "not TOML": (b"name = ", "not valid TOML: Invalid value"),
    "twice": (b'name = "k"\nname = "l"\n', "not valid TOML"),
    "binary": (b"\xff\x00\x01\x02", "not a text file in UTF-8"),
    "UTF-16": (b"\xff\xfe\x00\x01", "a text file in UTF-16; save it as UTF-8"),
    "empty": (b"", "the key `name` is missing"),
    "huge": (b"# " + b"x" * (1 << 20), "larger than 1 MiB"),
    "deep": (b"x = " + b"[" * 100_000, "nested too deeply|not valid TOML"),
}


@pytest.mark.parametrize("what", FILES)
def test_files(what, tmp_path):
    path = tmp_path / "kernel.toml"
    content, text = FILES[what]
    path.write_bytes(content)
    refused(path, text)


def test_missing_file(tmp_path):
    refused(tmp_path / "none.toml", "none.toml: cannot be read .No such file or directory.")


def test_folder_instead_of_file(tmp_path):
    (tmp_path / "k.toml").mkdir()
    refused(tmp_path / "k.toml", "k.toml: not a file")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "threshold61",
            "no such file, and no kernel or network of that name; did you mean `threshold16`",
        ),
        ("nothing_like_it", "no such file, and no kernel or network of that name"),
        ("x.yaml", "not a kernel TOML, nor the npz file of a network"),
    ],
)
def test_unknown_name(name, text):
    with pytest.raises(InputError, match=f"^{name}: {text}"):
        load(name)


# ---- Parameters ----

SIGN = np.ones((2, 3), int)
ARRAYS = {
    "shape": ({"theta": np.zeros((3, 2), int), "sign": SIGN},
              r"`theta` must have the shape \(2, 3\) = \[outputs, inputs\], not \(3, 2\)"),
    "flat": ({"theta": np.zeros(6, int), "sign": SIGN}, r"`theta` must have the shape .*, not \(6,\)"),
    "stacked": ({"theta": np.zeros((4, 2, 3), int), "sign": SIGN}, r"must have the shape .*not \(4, 2, 3\)"),
    "bias shape": ({"theta": SIGN, "sign": SIGN, "bias": np.zeros(3, int)},
                   r"`bias` must have the shape \(2,\) = \[outputs\], not \(3,\)"),
    "float": ({"theta": np.zeros((2, 3)), "sign": SIGN}, "`theta` must be integers, not float64; round where it is made"),
    "NaN": ({"theta": np.full((2, 3), np.nan), "sign": SIGN}, "`theta` must be integers, not float64"),
    "boolean": ({"theta": SIGN, "sign": SIGN > 0}, "`sign` must be integers, not bool"),
    "text": ({"theta": SIGN.astype(str), "sign": SIGN}, "`theta` must be integers, not <U"),
    "too high": ({"theta": SIGN * 16, "sign": SIGN}, r"`theta` must lie in 0 \.\. 15, but holds 16"),
    "too low": ({"theta": -SIGN, "sign": SIGN}, r"`theta` must lie in 0 \.\. 15, but holds -1"),
    "beyond int64": ({"theta": np.full((2, 3), 2**64 - 1, np.uint64), "sign": SIGN},
                     r"`theta` must lie in 0 \.\. 15, but holds 18446744073709551615"),
    "sign": ({"theta": SIGN, "sign": SIGN * 2}, r"`sign` must lie in -1 \.\. 1, but holds 2"),
    "missing": ({"theta": SIGN}, "the array `sign` is missing"),
    "unexpected": ({"theta": SIGN, "sign": SIGN, "wieght": SIGN}, "unexpected array `wieght`"),
    "gain unwanted": ({"theta": SIGN, "sign": SIGN, "gain": SIGN}, "unexpected array `gain`"),
    "none": ({}, "the array `theta` is missing"),
}  # fmt: skip


@pytest.mark.parametrize("what", ARRAYS)
@pytest.mark.parametrize("storage", ["constant", "memory"])
def test_arrays(what, storage, tmp_path):
    arrays, text = ARRAYS[what]
    np.savez(tmp_path / "p.npz", **arrays)
    path = tmp_path / "kernel.toml"
    path.write_text(toml(storage=f'"{storage}"', parameters='"p.npz"', bias='"s8"'))
    refused(path, text)


def plain_npy():
    buffer = io.BytesIO()
    np.save(buffer, SIGN)
    return buffer.getvalue()


def zipped(name, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


ARCHIVES = {
    "no npz": (b"theta = 3", "p.npz: not an npz file of integer arrays"),
    "empty": (b"", "p.npz: not an npz file of integer arrays"),
    "npy": (plain_npy(), "p.npz: not an npz file of integer arrays"),
    "pickled": (pickled(), "p.npz: holds pickled objects, which are never loaded"),
    "zip bomb": (bomb(), "p.npz: 4095 MiB of arrays; at most 256"),
    "header bomb": (header_bomb(), "p.npz: (not an npz file|.*at most)"),
    "broken member": (zipped("theta.npy", b"\x93NUMPY\x01\x00\xff\xff{"), "p.npz: not an npz file"),
    "text member": (zipped("theta.txt", b"hello"), "p.npz: |`theta"),
    "cut off": (zipped("theta.npy", plain_npy())[:-30], "p.npz: not an npz file"),
    "damaged": (zipped("theta.npy", plain_npy()).replace(b"\x01" * 1 + b"\x00" * 7, b"\x02" + b"\x00" * 7),
                "p.npz: not an npz file"),
}  # fmt: skip


@pytest.mark.parametrize("what", ARCHIVES)
def test_archives(what, tmp_path):
    content, text = ARCHIVES[what]
    (tmp_path / "p.npz").write_bytes(content)
    path = tmp_path / "kernel.toml"
    path.write_text(toml(**CONSTANT))
    refused(path, text)


def test_parameters_are_relative_to_the_toml(tmp_path, monkeypatch):
    np.savez(tmp_path / "p.npz", theta=SIGN, sign=SIGN)
    (tmp_path / "kernel.toml").write_text(toml(**CONSTANT))
    monkeypatch.chdir("/")
    assert load(tmp_path / "kernel.toml").parameters == "p.npz"
    assert set(read(tmp_path / "p.npz")) == {"theta", "sign"}


def test_bias_without_a_format():
    arrays = {"theta": SIGN, "sign": SIGN, "bias": [1, 2]}
    with pytest.raises(
        InputError, match='parameters have a bias: give `bias` a format such as "s12"'
    ):
        Kernel(name="k", rule="threshold", inputs=3, outputs=2, input="u4", parameter="u4",
               storage="memory", arrays=arrays)  # fmt: skip


def test_constant_interval():
    with pytest.raises(InputError, match="more than the 63 of the golden model"):
        Kernel(name="k", rule="mac", inputs=4, input="s32", parameter="s32", storage="constant",
               arrays={"weight": np.full((1, 4), -(2**31))})  # fmt: skip


# ---- Through the command line ----


@pytest.mark.parametrize("what", ["misspelt key", "inputs zero", "name path", "no parameters"])
def test_command_line(what, tmp_path):
    changes, text = KEYS[what]
    path = tmp_path / "kernel.toml"
    path.write_text(toml(**changes))
    done = subprocess.run(
        [sys.executable, "-m", "tnhw", "generate", str(path), "-o", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env=for_child({"PYTHONPATH": str(Path(tnhw.__file__).parents[1])}),
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and done.stdout == ""
    assert changes.keys() <= {"storage", "parameters"} or list(changes)[0] in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["kernel.toml"]
