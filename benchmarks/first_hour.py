"""How long the first steps take: a wheel in a fresh environment, with no compiled tool anywhere.

    python benchmarks/first_hour.py [--limit SECONDS] [--json]

Builds the wheel, installs it with pip, then init, generate, simulate and build for an iCEBreaker, as a
newcomer would. Needs Icarus Verilog, and what pip can reach. Exit status 1 if a step fails, or if the four
steps take longer than the limit.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from tnhw.support.environment import for_child

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = "ice40,sim"
STEPS = {
    "init": ["init", "my_kernel"],
    "generate": ["generate", "my_kernel.toml"],
    "simulate": ["simulate", "my_kernel.toml"],
    "build": ["build", "my_kernel.toml", "--board", "icebreaker"],
}


def measure(folder):
    """Seconds of each step in an empty folder: name to seconds, in order."""
    folder = Path(folder)
    seconds = {}

    def step(name, command, cwd=folder, **variables):
        keep = {
            k: v
            for k, v in for_child().items()
            if not k.startswith(("TNHW_", "PYTHON", "VIRTUAL_ENV"))
        }
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=cwd,
            env=keep | variables,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        seconds[name] = round(time.monotonic() - began, 1)
        print(f"{name:10} {seconds[name]:6.1f} s", file=sys.stderr, flush=True)
        if done.returncode:
            sys.exit(
                f"{name} failed with exit status {done.returncode}:\n{done.stdout}{done.stderr}"
            )

    step(
        "wheel",
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")],
        ROOT,
    )
    (wheel,) = (folder / "dist").glob("tnhw-*.whl")
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / "bin"
    pip = [str(scripts / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    step("install", [*pip, f"{wheel}[{EXTRAS}]"])
    work = folder / "work"
    work.mkdir()
    fresh = {"YOWASP_CACHE_DIR": str(folder / "yowasp"), "TNHW_CACHE_DIR": str(folder / "cache")}
    for name, words in STEPS.items():
        step(name, [str(scripts / "tnhw"), *words], work, **fresh)
    for made in ("rtl/my_kernel.v", "sim/results.json", "icebreaker/my_kernel.bin"):
        if not (work / "build" / "my_kernel" / made).exists():
            sys.exit(f"{made} is missing")
    return seconds


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--limit", type=float, default=180, help="seconds for the four steps")
    parser.add_argument("--json", action="store_true", help="result as JSON on stdout")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        seconds = measure(folder)
    total = round(sum(seconds[name] for name in STEPS), 1)
    report = {
        "seconds": seconds,
        "steps": total,
        "with_install": round(total + seconds["install"], 1),
    }
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        print(f"four steps, cold: {total:.1f} s; with the install: {report['with_install']:.1f} s")
    return int(total > options.limit)


if __name__ == "__main__":
    sys.exit(main())
