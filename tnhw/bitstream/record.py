"""What a build gave, as it is kept in `report.json` of its folder."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..boards.harness.selftest import VERDICT
from ..errors import InputError
from ..support.results import Result, Table
from .files import REPORT, hashes

__all__ = ["BuildRecord", "find_record"]


_PASSING = ("out_dir", "seconds", "cached", "interval")  # facts that `report.json` does not hold


@dataclass(frozen=True, repr=False)
class BuildRecord(Result):
    """What a build gave; `report.json` holds the same.

    Parameters
    ----------
    name, board, family
        What was built for what.
    bitstream, netlist
        File names in the output folder.
    clock, frequency
        Clock of the board and frequency asked for, in Hz.
    pins
        Port names of the netlist: clock, rx, tx, led.
    baud, divisor, sizes
        Of the serial line, and what it carries.
    design
        Of a network: how it is folded.
    self_test
        Vectors that are stored to test it; 0 for a design behind a serial line.
    dsp, versions, digest
        How it was built; `digest` is its identity.
    seed, fmax, utilisation
        Of place and route: seed that was used, highest clock in Hz,
        ``{resource: {"used": n, "available": n}}``.
    cells
        Cells of the netlist by kind: LUT, carry, FF, RAM, DSP, LUTRAM.
    retries
        What was tried again because a tool died, a list of ``failure`` and ``change``; see `tnhw.tools.ladder`.
    files
        SHA-256 of the other files, but for logs.
    out_dir, seconds, cached
        Where it is, how long it took, and whether it came from the cache; not in `report.json`.
    interval
        Cycles from vector to vector, or 0 where it is not known; not in `report.json`.
    """

    name: str
    board: str
    family: str
    bitstream: str
    netlist: str
    clock: int
    frequency: int
    pins: dict
    baud: int
    divisor: int
    sizes: dict
    dsp: bool = False
    versions: dict = field(default_factory=dict)
    design: dict = field(default_factory=dict)
    self_test: int = 0
    digest: str = ""
    seed: int = 0
    fmax: float = 0.0
    utilisation: dict = field(default_factory=dict)
    cells: dict = field(default_factory=dict)
    retries: list = field(default_factory=list)
    files: dict = field(default_factory=dict)
    out_dir: Path = field(default=Path(), compare=False)
    seconds: float = field(default=0.0, compare=False)
    cached: bool = field(default=False, compare=False)
    interval: int = field(default=0, compare=False)

    @property
    def timing_met(self) -> bool:
        """Whether the routed design is fast enough."""
        return self.fmax >= self.frequency

    def to_json(self) -> str:
        """Text of `report.json`."""
        return json.dumps(self._kept, indent=2, sort_keys=True) + "\n"

    @property
    def _kept(self):
        facts = asdict(self)
        return {key: value for key, value in facts.items() if key not in _PASSING}

    @property
    def summary(self) -> str:
        """Where the bitstream is, and how fast it runs."""
        where = f"{self.name} on {self.board}: {self.out_dir / self.bitstream}"
        return f"{where}, {self.fmax / 1e6:.1f} MHz of {self.frequency / 1e6:g} MHz"

    def to_dict(self) -> dict[str, Any]:
        """What `report.json` holds, with ``folder`` and ``seconds``, for JSON."""
        return self._kept | {"folder": str(self.out_dir), "seconds": self.seconds}

    def tables(self) -> list[Table]:
        """Where the bitstream is, what it takes of the device, and how fast it runs."""
        lines = [
            ("bitstream", self.out_dir / self.bitstream),
            ("clock", f"{self.clock / 1e6:g} MHz"),
            ("Fmax", f"{self.fmax / 1e6:.1f} MHz, {self.fmax / self.frequency:.2f} x the target (routed, "
                     f"seed {self.seed})"),
        ]  # fmt: skip
        lines += [
            (name, f"{use['used']} of {use['available']}") for name, use in self.utilisation.items()
        ]
        lines += list(self.design.items())
        if self.self_test:
            lines.append(("self-test", f"{self.self_test} vectors. {VERDICT}"))
        if self.interval:
            lines.append(("rate", f"{self.fmax / self.interval:,.0f} vectors a second, core rate: Fmax / "
                                  f"{self.interval} cycles"))  # fmt: skip
        lines += [("tried again", retry["change"]) for retry in self.retries]
        lines.append(
            ("time", f"{self.seconds:.1f} s" + (", from the cache" if self.cached else ""))
        )
        return [Table(f"{self.name} on {self.board}", lines)]


def find_record(folder: str | os.PathLike[str]) -> BuildRecord:
    """The record of the build that a folder holds.

    Raises
    ------
    InputError
        If it holds none, or one of its files is not what was built.
    """
    path = Path(folder) / REPORT
    try:
        record = BuildRecord(**json.loads(path.read_text()), out_dir=Path(folder))
        now, built = hashes(folder), dict(record.files)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{folder}: holds no build ({error}); make one with `tnhw build`"
        ) from None
    if {record.bitstream, record.netlist} - {*built}:
        raise InputError(f"{path}: has no hash of the bitstream; make it again with `tnhw build`")
    for name, value in built.items():
        if now.get(name) != value:
            state = "was changed after the build" if name in now else "is missing"
            raise InputError(f"{Path(folder) / name}: {state}; make it again with `tnhw build`")
    return record
