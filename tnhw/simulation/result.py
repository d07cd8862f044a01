"""What a simulation found: a record, and a sentence for the first failure."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..support import results
from ..synapse import Format

__all__ = ["Result", "mismatch", "received", "sentence"]

MAX_SHOWN = 16


@dataclass(frozen=True, repr=False)
class Result(results.Result):
    """The result of a simulation.

    Parameters
    ----------
    name, simulator, netlist
        Name of the hardware, simulator, and FPGA family of the netlist, or None if Verilog was simulated.
    passed
        Whether every test passed.
    vectors, cycles
        Vectors and clock cycles of all tests together.
    seconds
        Time for compilation and simulation.
    tests
        For each test a dict with ``test``, ``passed``, ``cycles``, ``vectors``, ``seconds`` and ``failure``.
    mismatch
        The first failure, or None: a dict with ``kind``, ``text``, ``test``, ``cycle``, and for a wrong result
        ``vector``, ``output``, ``expected``, ``got``, and ``input``, the vector that was sent.
    waves, log
        Path of the waves, or None, and path of the log.
    y
        Results for the vectors that the caller gave, int64 [n, outputs], or None if there were none.
    retries
        What was tried again because a tool died: a list of dicts; see `tnhw.tools.ladder`.
    rtl
        Files of the caller's own Verilog, or None if what tnhw emits was simulated.
    """

    name: str
    simulator: str
    netlist: str | None
    passed: bool
    vectors: int
    cycles: int
    seconds: float
    tests: list = field(repr=False)
    mismatch: dict | None
    waves: Path | None
    log: Path
    y: np.ndarray | None = field(repr=False, compare=False)
    retries: list = field(default_factory=list)
    rtl: list | None = None

    @property
    def summary(self) -> str:
        """One line: what ran in which simulator, and how many tests passed."""
        passed = f"{sum(test['passed'] for test in self.tests)} of {len(self.tests)} tests passed"
        return f"{self.name}, {self.netlist or 'RTL'} in {self.simulator}: {passed}, {self.vectors} vectors"

    def to_dict(self) -> dict[str, Any]:
        """What ``results.json`` holds."""
        record = asdict(self)
        for key in ("waves", "log"):
            record[key] = record[key] and str(record[key])
        record["y"] = None if self.y is None else self.y.tolist()
        return record

    def tables(self) -> list[Any]:
        """One table: what ran, and how it ended."""
        lines = [
            (
                "result",
                "equal to the golden model" if self.passed else (self.mismatch or {})["text"],
            ),
            ("tests", f"{sum(test['passed'] for test in self.tests)} passed"),
            ("vectors", self.vectors),
            ("cycles", self.cycles),
            ("time", f"{self.seconds:.1f} s, {self.simulator}"),
            ("log", self.log),
        ]
        lines += [("waves", self.waves)] if self.waves else []
        return [results.Table(f"{self.name}: {self.netlist or 'RTL'}", lines)]


def mismatch(test, sent):
    """The failure of a test as a dict, with the vector that was sent."""
    record = {"test": test["test"], **test["failure"]}
    vector = record.get("vector")
    if vector is not None:
        record["input"] = sent.x[vector].tolist()
    return record


def sentence(result):
    record = result.mismatch
    where = f"{result.name} ({result.netlist} netlist)" if result.netlist else result.name
    text = f"{where}: {record['text']}"
    if "input" in record:
        values = record["input"]
        shown = ", ".join(map(str, values[:MAX_SHOWN])) + (", ..." if values[MAX_SHOWN:] else "")
        text += f" Its input is [{shown}]."
    count = sum(not test["passed"] for test in result.tests)
    return (
        f"{text} Seen by test {record['test']} in cycle {record['cycle']}; {count} of "
        f"{len(result.tests)} tests failed, see {result.log.with_name('results.json')}"
        f"{f' and the waves {result.waves}' if result.waves else ''}."
    )


def received(folder, manifest, sent):
    """Results for the vectors that the caller gave, from the beats that came out; None if there are none."""
    path = folder / "received.json"
    if sent.user.start == sent.user.stop or not path.exists():
        return None
    stream = next(s for s in manifest["streams"] if s["carries"] == "output")
    number, bits = Format.parse(stream["element"]), stream["element_bits"]
    beats = [int(beat, 16) for beat in json.loads(path.read_text())]
    values = [
        number.decode(beat >> shift)
        for beat in beats[: sent.user.stop * stream["beats"]]
        for shift in range(0, stream["width"], bits)
    ]
    rows = np.array(values, np.int64).reshape(sent.user.stop, -1)
    return rows[sent.user, : stream["elements"]]
