"""Compile a board's netlist and serve its serial line: ``python board_run.py JOB.json``."""

import json
import sys
from pathlib import Path

from cocotb_tools.runner import get_runner

# The simulator's Python looks for the bench where this one does; PYTHONSAFEPATH leaves a script's folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))


def main(job):
    folder = Path(job["folder"])
    runner = get_runner("icarus")
    runner.build(
        sources=job["sources"],
        hdl_toplevel=job["top"],
        build_dir=folder / "compiled",
        timescale=("1ns", "1ps"),
        defines=job["defines"],
        build_args=["-g2012"],
        always=True,
    )
    runner.test(
        test_module="board_line",
        hdl_toplevel=job["top"],
        build_dir=folder / "compiled",
        test_dir=folder,
        results_xml=str(folder / "results.xml"),
        extra_env={"TNHW_JOB": json.dumps(job["line"])},
        seed=1,
    )


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
