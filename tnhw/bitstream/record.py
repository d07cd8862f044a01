"""The results of a build, which `report.json` in its folder holds."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..boards.harness.selftest import VERDICT
from ..boards.protocol import OVERHEAD, Sizes
from ..errors import InputError, TimingNotMet
from ..support.results import Result, Table
from .files import REPORT, hashes

__all__ = ["BuildRecord", "find_record"]


BITS_A_BYTE = 10  # on the serial line: with a start and a stop bit
_PASSING = ("out_dir", "seconds", "cached", "interval", "images")  # not in `report.json`


@dataclass(frozen=True, repr=False)
class BuildRecord(Result):
    """The results of a build. `report.json` holds the same, except for what says otherwise.

    Parameters
    ----------
    name, board, family
        Names of the design, the board and its device family.
    bitstream, netlist
        File names in the output folder.
    clock, frequency
        Frequency of the board's clock, and the one at which the design runs, in Hz.
    pll
        Name of the loop that makes the one from the other; empty where they are the same.
    pins
        Names of the ports of the netlist, by line: clock, rx, tx, led, high.
    baud, divisor, sizes
        The serial line: bits a second, clock cycles for each bit, and the fields of `Sizes`.
    design
        Options from which `tnhw.catalogue.load_design` makes the design again; for a network, how it is
        folded.
    self_test
        Number of vectors that a self-test stores; 0 for a design behind a serial line.
    dsp, versions, digest
        How it was built: whether products may use DSP blocks, versions of the tools, and the key in the cache.
    seed, fmax, utilisation
        From place and route: the seed that was used, the highest clock frequency in Hz, and
        ``{resource: {"used": n, "available": n}}``.
    cells
        Cells of the netlist by kind: LUT, carry, FF, RAM, DSP, LUTRAM.
    retries
        What was tried again because a tool died: a list of dicts with ``failure`` and ``change``; see
        `tnhw.tools.ladder`.
    files
        SHA-256 of each file in the output folder, except for logs and `report.json`.
    out_dir, seconds, cached
        The output folder, how long the build took, and whether it came from the cache; not in `report.json`.
    interval
        Cycles from vector to vector, or 0 if that is not known; from group to group, if `images` vectors are computed side
        by side. Neither is in `report.json`.
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
    pll: str = ""
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
    images: int = field(default=1, compare=False)

    @property
    def timing_met(self) -> bool:
        """Whether the routed design reaches the frequency at which it runs."""
        return self.fmax >= self.frequency

    def check_timing(self) -> None:
        """Raise `TimingNotMet`, which names both frequencies, if the routed design is too slow."""
        if not self.timing_met:
            raise TimingNotMet(
                f"{self.name} reaches {self.fmax / 1e6:.2f} MHz on {self.board}, but must run at "
                f"{self.frequency / 1e6:.2f} MHz; try another seed, narrower formats or fewer inputs, "
                "or allow the failure"
            )

    def to_json(self) -> str:
        """Text of `report.json`."""
        return json.dumps(self._kept, indent=2, sort_keys=True) + "\n"

    @property
    def _kept(self):
        facts = asdict(self)
        return {key: value for key, value in facts.items() if key not in _PASSING}

    @property
    def summary(self) -> str:
        """One line: where the bitstream is, and how fast the design can run."""
        where = f"{self.name} on {self.board}: {self.out_dir / self.bitstream}"
        return f"{where}, {self.fmax / 1e6:.1f} MHz of {self.frequency / 1e6:g} MHz"

    def to_dict(self) -> dict[str, Any]:
        """What `report.json` holds, with ``folder`` and ``seconds``, for JSON."""
        return self._kept | {"folder": str(self.out_dir), "seconds": self.seconds}

    def tables(self) -> list[Table]:
        """One table: where the bitstream is, what the design takes of the device, and how fast it can run."""
        lines = [
            ("bitstream", self.out_dir / self.bitstream),
            ("clock", f"{self.frequency / 1e6:g} MHz" + (f", made by {self.pll} from {self.clock / 1e6:g} MHz"
                                                         if self.pll else ", the board's")),
            ("Fmax", f"{self.fmax / 1e6:.1f} MHz, {self.fmax / self.frequency:.2f} x the clock (routed, "
                     f"seed {self.seed})"),
        ]  # fmt: skip
        lines += [
            (name, f"{use['used']} of {use['available']}") for name, use in self.utilisation.items()
        ]
        lines += list(self.design.items())
        if self.self_test:
            lines.append(("self-test", f"{self.self_test} vectors. {VERDICT}"))
        lines += self._rates()
        lines += [("tried again", retry["change"]) for retry in self.retries]
        lines.append(
            ("time", f"{self.seconds:.1f} s" + (", from the cache" if self.cached else ""))
        )
        return [Table(f"{self.name} on {self.board}", lines)]

    def _rates(self) -> list[tuple[str, str]]:
        """Vectors a second: at the design's clock, at Fmax, and through the serial line."""
        if not self.interval:
            return []
        cycles = f"{self.interval} cycle{'s' if self.interval > 1 else ''}"
        cycles += f" for {self.images} vectors" if self.images > 1 else " a vector"
        rate, core = (hertz * self.images / self.interval for hertz in (self.frequency, self.fmax))
        lines = [
            (
                "rate",
                f"{rate:,.0f} vectors a second: the clock, {cycles}",
            ),
            ("core rate", f"{core:,.0f} vectors a second: Fmax, {cycles}"),
        ]
        if self.baud:
            size = Sizes(**self.sizes)
            both = size.vector_bytes + size.answer_bytes + 2 * OVERHEAD
            rate = self.baud / (BITS_A_BYTE * both)
            lines.append(("link rate", f"{rate:,.0f} vectors a second: {self.baud} baud, {both} bytes a vector and its "
                                       "answer"))  # fmt: skip
        return lines


def find_record(folder: str | os.PathLike[str]) -> BuildRecord:
    """Read the record of the build in a folder, and check the files against it.

    Raises
    ------
    InputError
        If the folder holds no build, or one of its files is missing or was changed.
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
