"""Compile Verilog and run the bench on it: ``python run.py JOB.json``.

A job says ``folder`` (with `manifest.json` and `traffic.json`, receives `results.jsonl`),
``sources``, ``top``, ``simulator``, ``defines``, ``includes``, ``build_args``, ``waves``,
``first_failure`` (stop there) and ``only`` (name of a test, or null for all).
The exit status is 0 when the tests ran to their end, whatever they found.
"""

import json
import sys
from pathlib import Path

# The simulator's Python looks for the bench where this one does; PYTHONSAFEPATH leaves a script's folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner


def main(job):
    folder = Path(job["folder"])
    runner = get_runner(job["simulator"])
    runner.build(
        sources=job["sources"],
        hdl_toplevel=job["top"],
        build_dir=folder / "compiled",
        timescale=("1ns", "1ps"),
        defines=job["defines"],
        includes=job["includes"],
        build_args=job["build_args"],
        waves=job["waves"],
        always=True,
    )
    results = runner.test(
        test_module="bench",
        hdl_toplevel=job["top"],
        build_dir=folder / "compiled",
        test_dir=folder,
        results_xml=str(folder / "results.xml"),
        extra_env={
            "TNHW_BENCH": str(folder),
            "COCOTB_MAX_FAILURES": "1" if job["first_failure"] else "0",
        },
        test_filter=job["only"],
        seed=1,
        waves=job["waves"],
    )
    tests, failed = get_results(results)
    (folder / "summary.json").write_text(json.dumps({"tests": tests, "failed": failed}))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
