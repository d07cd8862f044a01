"""Liberty files: cells with area, functions, timing and power tables.

A cell is parsed only when it is asked for, so a library of ten megabytes opens in a second. Whatever tnhw does not
need (noise, test cells and so on) is skipped or stays in a generic :class:`Group`.
"""

import gzip
import hashlib
import os
import re
import warnings
import zlib
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, LibertyWarning
from .liberty_syntax import Group, clean, end_of_group, parse, scale

__all__ = ["Arc", "Cell", "Group", "Library", "Pin", "Table"]

# What conversions raise if a number, an axis or a table in a file is wrong.
_BROKEN = (ValueError, KeyError, IndexError, TypeError, AttributeError)
# Attribute, its default, base unit, and prefix of the unit that is used here.
_UNITS = (
    ("time_unit", "1ns", "s", "n"),
    ("voltage_unit", "1V", "v", ""),
    ("leakage_power_unit", "1nW", "w", ""),
)


def _numbers(texts):
    return np.array([float(n) for text in texts for n in re.split(r"[\s,\\]+", text) if n])


@dataclass(frozen=True)
class Table:
    """A look-up table over input slew (ns) and output load (pF); either axis may be None."""

    slews: np.ndarray | None
    loads: np.ndarray | None
    values: np.ndarray  # [slew, load]

    @cached_property
    def _lists(self):
        """Axes and rows as lists of Python numbers, as NumPy is slow for single values."""
        axes = [None if a is None else a.tolist() for a in (self.slews, self.loads)]
        return *axes, self.values.tolist()

    def at(self, slew, load):
        """Value at a slew in ns and a load in pF: interpolated, and extrapolated beyond the ends of the axes."""
        slews, loads, rows = self._lists
        i, part = _place(slews, slew)
        k, share = _place(loads, load)
        left, right = (
            rows[i][at] if part is None else rows[i][at] * (1 - part) + rows[i + 1][at] * part
            for at in (k, k if share is None else k + 1)
        )
        return left if share is None else left * (1 - share) + right * share


def _place(axis, x):
    """The section of an axis that x is in: its index, and x's share of it, which is None for one value or no axis."""
    if axis is None or len(axis) == 1:
        return 0, None
    k = min(max(bisect_left(axis, x) - 1, 0), len(axis) - 2)
    return k, (x - axis[k]) / (axis[k + 1] - axis[k])


@dataclass(frozen=True)
class Arc:
    """A timing arc, a constraint or an internal power of a pin.

    Parameters
    ----------
    related : str or None
        The pin at which it begins.
    kind, sense, when : str or None
        ``timing_type``, ``timing_sense`` and condition.
    rise, fall : Table or None
        For a rising and a falling edge of the pin: delay or constraint in ns, or energy of the change in pJ.
    rise_slew, fall_slew : Table or None
        Transition time of the output in ns.
    """

    related: str | None
    kind: str | None
    sense: str | None
    when: str | None
    rise: Table | None
    fall: Table | None
    rise_slew: Table | None = None
    fall_slew: Table | None = None


@dataclass(frozen=True)
class Pin:
    """A pin of a cell; `capacitance` is in pF."""

    name: str
    direction: str
    capacitance: float
    function: str | None
    arcs: tuple
    powers: tuple
    constraints: tuple
    clock: bool
    role: str | None  # `clock` or `enable` of a clock gate


@dataclass(frozen=True)
class Cell:
    """A cell; `area` is in the library's unit (um2), `leakage` in W."""

    name: str
    area: float
    leakage: float
    pins: dict
    sequential: dict | None  # `kind` ("ff", "latch") and the attributes of that group
    gate: str | None  # kind of clock gate, if the cell is one
    dont_use: bool

    @property
    def inputs(self):
        return [pin.name for pin in self.pins.values() if pin.direction == "input"]

    @property
    def outputs(self):
        return [pin.name for pin in self.pins.values() if pin.direction == "output"]


class Library:
    """A library of standard cells, read from a Liberty file.

    Parameters
    ----------
    path : path
        ``.lib`` or ``.lib.gz``.

    Attributes
    ----------
    name : str
    text : str
        The text of the file without comments.
    digest : str
        SHA-256 of the text of the file.
    names : list of str
        Names of all cells.
    time_unit, cap_unit, voltage_unit, leakage_unit, energy_unit : float
        Units of the file in ns, pF, V, W and pJ. The unit of internal energy follows from others: capacitance
        times voltage squared.
    voltage : float
        Nominal voltage in V.

    Raises
    ------
    InputError
        If the file cannot be read, is not a Liberty file or has no cells.

    Warns
    -----
    LibertyWarning
        Once if the file lacks semicolons, and once for each unit that it does not name.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            if self.path.exists() and not self.path.is_file():
                raise InputError(f"{path}: not a file")
            data = self.path.read_bytes()
            data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            text = data.decode("utf-8", "replace")
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
        except (EOFError, zlib.error):
            raise InputError(f"{path}: ends early; is it complete?") from None
        self.digest = hashlib.sha256(data).hexdigest()
        self._told = False
        self.text = text = clean(text)
        found = re.search(r'\blibrary\s*\(\s*"?([^")\s]+)', text)
        if not found:
            raise InputError(f"{path}: no Liberty file: it has no `library` group")
        self.name = found[1]
        self._at: dict[str, int] = {}
        for match in re.finditer(r'\bcell\s*\(\s*"?([\w$\[\].-]+)"?\s*\)\s*\{', text):
            self._at.setdefault(match[1], match.start())
        if not self._at:
            raise InputError(f"{path}: this library has no cells")
        self.names = list(self._at)
        self._cells: dict[str, Cell] = {}
        first = min(self._at.values())
        head = text[found.start() : first] + "}"
        self._head = parse(head, str(path), text.count("\n", 0, found.start()) + 1, self._tell)
        try:
            self._read_head()
        except _BROKEN as error:
            raise InputError(f"{path}: its units or voltages cannot be read ({error})") from None

    def __repr__(self):
        return f"<Library {self.name}: {len(self.names)} cells>"

    def _tell(self, text):
        """Warn about the first missing semicolon only; there may be others."""
        if not self._told:
            warnings.warn(
                f"{text}; the end of the line is taken for it", LibertyWarning, stacklevel=3
            )
        self._told = True

    def _assumed(self, key, default):
        text = f"{self.path}: it has no `{key}`; {default} is taken"
        warnings.warn(text, LibertyWarning, stacklevel=4)
        return default

    def _read_head(self):
        units = {}
        for key, default, base, reference in _UNITS:
            text = self._head.text(key) or self._assumed(key, default)
            units[key] = scale(text, base, reference, f"{self.path}: `{key}`")
        self.time_unit, self.voltage_unit, self.leakage_unit = units.values()
        key = "capacitive_load_unit"
        load = self._head.values.get(key) or self._assumed(key, "1 pf").split()
        self.cap_unit = scale("".join(load[:2]), "f", "p", f"{self.path}: `{key}`")
        self.energy_unit = self.cap_unit * self.voltage_unit**2
        self.voltage = self._head.number("nom_voltage")
        if not self.voltage:
            voltages = [g.number("voltage") for g in self._head.all("operating_conditions")]
            self.voltage = next((v for v in voltages if v), 0.0)
        self.voltage *= self.voltage_unit
        self._templates = {g.names[0]: g for g in self._head.groups if "template" in g.kind}

    def cell(self, name: str) -> Cell:
        """The cell of a name.

        Raises
        ------
        InputError
            If there is none, or its text cannot be read.
        """
        if name not in self._cells:
            if name not in self._at:
                raise InputError(f"{self.path}: this library has no cell `{name}`")
            where, start = f"{self.path}, cell {name}", self._at[name]
            line = self.text.count("\n", 0, start) + 1
            group = parse(self._block(start), where, line, self._tell)
            try:
                self._cells[name] = self._cell(group)
            except _BROKEN as error:
                raise InputError(f"{where}: a value or table cannot be read ({error})") from None
        return self._cells[name]

    def source(self, name: str) -> str:
        """The Liberty text of a cell."""
        return self._block(self._at[name])

    @property
    def head(self) -> str:
        """The Liberty text before the first cell."""
        return self.text[: min(self._at.values())]

    @cached_property
    def cells(self) -> Any:
        """All cells that are not marked ``dont_use``, by name."""
        cells = {name: self.cell(name) for name in self.names}
        return {name: cell for name, cell in cells.items() if not cell.dont_use}

    def _block(self, start):
        end = end_of_group(self.text, start)
        if end is None:
            raise InputError(f"{self.path}: ends in the middle of a cell")
        return self.text[start:end]

    def _cell(self, group):
        pins = {}
        for found in group.all("pin") + [p for b in group.all("bus") for p in b.all("pin")]:
            for name in found.names:
                pins[name] = self._pin(name, found)
        sequential = None
        for kind in ("ff", "latch"):
            for part in group.all(kind):
                values = {key: value[0] for key, value in part.values.items()}
                sequential = {"kind": kind, "state": part.names} | values
        leakage = group.number("cell_leakage_power", -1)
        if leakage < 0:
            parts = [part.number("value") for part in group.all("leakage_power")]
            default = self._head.number("default_cell_leakage_power")
            leakage = float(np.mean(parts)) if parts else default
        return Cell(
            name=group.names[0],
            area=group.number("area"),
            leakage=leakage * self.leakage_unit,
            pins=pins,
            sequential=sequential,
            gate=group.text("clock_gating_integrated_cell"),
            dont_use=group.text("dont_use", "false") == "true",
        )

    def _pin(self, name, group):
        timings = [self._arc(t, "cell_rise", "cell_fall") for t in group.all("timing")]
        powers = [
            self._arc(p, "rise_power", "fall_power", self.energy_unit)
            for p in group.all("internal_power")
        ]
        capacitance = group.number("capacitance", -1)
        if capacitance < 0:
            sides = [group.number(f"{edge}_capacitance") for edge in ("rise", "fall")]
            capacitance = max(sides)
        constraint = re.compile("setup|hold|recovery|removal|min_pulse|nochange|three_state")
        return Pin(
            name=name,
            direction=group.text("direction", "input"),
            capacitance=capacitance * self.cap_unit,
            function=group.text("function"),
            arcs=tuple(a for a in timings if not constraint.search(a.kind or "") and a.rise),
            powers=tuple(powers),
            constraints=tuple(
                self._arc(t, "rise_constraint", "fall_constraint")
                for t in group.all("timing")
                if "setup" in (t.text("timing_type") or "")
            ),
            clock=group.text("clock", "false") == "true",
            role=next(
                (
                    role
                    for role in ("clock", "enable")
                    if group.text(f"clock_gate_{role}_pin", "false") == "true"
                ),
                None,
            ),
        )

    def _arc(self, group, rise, fall, unit=None):
        """The `Arc` of a group whose tables are in `unit`, by default the unit of time."""
        both = group.all("power")  # a table for both edges
        tables = {
            kind: self._table(part, unit or self.time_unit)
            for kind in (rise, fall, "rise_transition", "fall_transition")
            for part in (group.all(kind) or (both if kind in (rise, fall) else []))[:1]
        }
        related = group.text("related_pin")
        return Arc(
            related=related,
            kind=group.text("timing_type"),
            sense=group.text("timing_sense"),
            when=group.text("when"),
            rise=tables.get(rise, tables.get(fall)),
            fall=tables.get(fall, tables.get(rise)),
            rise_slew=tables.get("rise_transition"),
            fall_slew=tables.get("fall_transition"),
        )

    def _table(self, group, unit):
        template = self._templates.get(group.names[0] if group.names else "")
        values = _numbers(group.values.get("values", ["0"])) * unit
        axes = []
        for number in ("1", "2"):
            kind = template.text(f"variable_{number}") if template else None
            if kind is None:
                continue
            index = group.values.get(f"index_{number}") or template.values.get(f"index_{number}")
            # A constraint is a table over two slews: that of the clock is treated as the load.
            which = "load" if "capacitance" in kind or "related_pin" in kind else "slew"
            scale = self.cap_unit if "capacitance" in kind else self.time_unit
            axes.append((which, _numbers(index) * scale))
        if not axes or len(values) == 1:
            return Table(None, None, values[:1].reshape(1, 1))
        if len(axes) == 1:
            which, axis = axes[0]
            if which == "slew":
                return Table(axis, None, values.reshape(-1, 1))
            return Table(None, axis, values.reshape(1, -1))
        values = values.reshape(len(axes[0][1]), len(axes[1][1]))
        if axes[0][0] == "load":
            axes, values = axes[::-1], values.T
        return Table(axes[0][1], axes[1][1], values)
