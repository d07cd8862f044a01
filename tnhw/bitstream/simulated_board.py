"""Simulation of a board: its netlist in Icarus Verilog, and the code of the host at its serial line."""

import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from .. import tools
from ..errors import ToolFailed
from ..netlist.cell_models import cell_models
from ..support import data_files
from ..tools import logs
from ..tools.watch import started
from .toolchain import TOP

__all__ = ["NetlistLink", "simulate_top"]

SETTLE = 30e-6  # seconds from power-on until iCE40's reset is over, with a margin
START_LIMIT = 300  # seconds for the compilation of the netlist


class NetlistLink:
    """A `Link` to a simulation; its time-outs and its clock are in simulated time.

    Parameters
    ----------
    stream
        Text stream to and from the bench, which carries lines of JSON.
    baud
        Bits a second of simulated time.
    """

    latency = 50e-6  # seconds; every kernel that fits a board computes a vector in less

    def __init__(self, stream, baud):
        self.baud = baud
        self._stream = stream

    def read(self, count, timeout):
        self._send({"read": count, "timeout": timeout})
        answer = self._stream.readline()
        if not answer:
            raise ToolFailed("the simulation of the board ended while the host waited for bytes")
        return bytes.fromhex(answer)

    def write(self, data):
        self._send({"write": data.hex()})

    def clock(self):
        self._send({"clock": True})
        answer = self._stream.readline()
        if not answer:
            raise ToolFailed("the simulation of the board ended before the host was done")
        return float(answer)

    def _send(self, request):
        try:
            self._stream.write(json.dumps(request) + "\n")
            self._stream.flush()
        except OSError:
            raise ToolFailed("the simulation of the board ended before the host was done") from None


def simulate_top(record, host):
    """Simulate the netlist of a build, with `host` at the pins of its serial line.

    Parameters
    ----------
    record : BuildRecord
        A build with a serial line; its netlist is the one that was placed and routed.
    host : callable
        Code that could also talk to a real board; called with a `Link`.

    Returns
    -------
    object
        What `host` returned.

    Raises
    ------
    ToolFailed
        If the netlist cannot be compiled or the simulation ends early.
    """
    for tool in ("cocotb", "libpython", "iverilog", "vvp"):
        tools.find(tool)
    # A socket's path must be short, hence the system's folder.
    with tempfile.TemporaryDirectory(prefix="tnhw") as name:
        folder = Path(name)
        sources, defines = cell_models(record.family, folder)
        netlist = (record.out_dir / record.netlist).resolve()
        line = {
            "clock": record.clock,
            "divisor": record.divisor * record.clock / record.frequency,  # in cycles of that clock
            "pins": record.pins,
            "settle": SETTLE,
            "socket": str(folder / "line"),
        }
        job = {
            "folder": name,
            "sources": [str(netlist), *map(str, sources)],
            "defines": defines,
            "top": TOP,
            "line": line,
        }
        (folder / "job.json").write_text(json.dumps(job))
        with socket.socket(socket.AF_UNIX) as listener, (folder / "log").open("w") as log:
            listener.bind(line["socket"])
            listener.listen(1)
            bench = data_files.folder("sim") / "board_run.py"
            command = [sys.executable, str(bench), str(folder / "job.json")]
            options = {"cwd": folder, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            with started(command, **options) as process:
                try:
                    with _accept(listener, process) as connection:
                        with connection.makefile("rw") as stream:
                            result = host(NetlistLink(stream, record.frequency / record.divisor))
                    process.wait(60)
                except ToolFailed as error:
                    raise _logged(error, folder / "log") from None
    return result


def _accept(listener, process):
    """Wait until the netlist is compiled and the bench connects."""
    listener.settimeout(0.2)
    for _ in range(5 * START_LIMIT):
        try:
            return listener.accept()[0]
        except TimeoutError:
            if process.poll() is not None:
                break
    raise ToolFailed("the board's netlist cannot be simulated")


def _logged(error, log):
    """The error with the last lines of the simulation's log and the path at which the log is kept."""
    said = log.read_text(errors="replace")
    lines = "".join(f"\n  {line}" for line in said.strip().splitlines()[-5:])
    return type(error)(f"{error}:{lines}\nIts log is {logs.keep('board-simulation', said)}")
