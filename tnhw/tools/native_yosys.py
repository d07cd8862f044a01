"""Runs a script in the native Yosys of the wheel `pyosys`, as a process of its own.

The wheel has Yosys as a library, which ends the process on an error and has no ``-q`` and ``-l``. This file is run as
a script, by path, and imports nothing of tnhw: ``native_yosys.py LOG``, with the commands on standard input.
"""

import os
import sys
from pathlib import Path

__all__ = ["command", "main"]


def command(log: str) -> list[str]:
    """The command line that runs what is on its standard input, and writes a log."""
    # -P: neither this folder nor the current one is searched for modules.
    return [sys.executable, "-P", str(Path(__file__).resolve()), log]


def main(log: str) -> None:
    """Run the commands in a child; what it says of errors goes to standard error, as ``yosys -q`` does it."""
    script = Path(f".yosys-{os.getpid()}.ys")
    script.write_text(sys.stdin.read(), encoding="utf-8")
    try:
        child = os.fork()
        if child == 0:
            _yosys(script, log)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        script.unlink(missing_ok=True)
    if status and Path(log).is_file():
        lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
        sys.stderr.writelines(f"{line}\n" for line in lines if "ERROR" in line)
    if status < 0:
        os.kill(os.getpid(), -status)
    sys.exit(status)


def _yosys(script: Path, log: str) -> None:
    """Does not return: Yosys itself ends the process on an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    from pyosys import libyosys

    libyosys.run_pass(f"tee -q -o {log} script {script}", libyosys.Design())
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
