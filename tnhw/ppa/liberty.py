"""Liberty files: cells with area, functions, timing and power tables.

A cell is parsed when it is asked for: a library of ten megabytes opens in a second. What is not needed here
(constraints' tables, noise, test cells) is skipped or stays in the generic :class:`Group`.
"""

import gzip
import hashlib
import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import InputError

__all__ = ["Arc", "Cell", "Group", "Library", "Pin", "Table"]

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"{}();:,]+)|([{}();:,])', re.S)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


@dataclass
class Group:
    """A Liberty group: ``kind(names) { values; groups }``."""

    kind: str
    names: list
    values: dict = field(default_factory=dict)
    groups: list = field(default_factory=list)

    def all(self, kind):
        """Groups of a kind inside this one."""
        return [group for group in self.groups if group.kind == kind]

    def number(self, key, default=0.0):
        value = self.values.get(key)
        return float(value[0]) if value else default

    def text(self, key, default=None):
        value = self.values.get(key)
        return value[0] if value else default


def _parse(text, where):
    tokens = [m.group(1) if m.group(1) is not None else m.group(0) for m in _TOKEN.finditer(text)]
    kinds = [m.lastindex for m in _TOKEN.finditer(text)]
    at = 0

    def is_mark(k, mark):
        return k < len(tokens) and kinds[k] == 3 and tokens[k] == mark

    def group():
        nonlocal at
        found = Group(tokens[at], [])
        at += 2
        while not is_mark(at, ")"):
            if kinds[at] != 3:
                found.names.append(tokens[at])
            at += 1
        at += 2
        while not is_mark(at, "}"):
            if is_mark(at, ";"):
                at += 1
            elif is_mark(at + 1, ":"):
                words, key = [], tokens[at]
                at += 2
                line_end = {";", "}"}
                while not (kinds[at] == 3 and tokens[at] in line_end):
                    words.append(tokens[at])
                    at += 1
                    if kinds[at - 1] != 3 and is_mark(at + 1, ":"):  # a missing semicolon
                        break
                found.values[key] = ["".join(words) if len(words) != 1 else words[0]]
            elif is_mark(at + 1, "("):
                end = at + 2
                while not is_mark(end, ")"):
                    end += 1
                if is_mark(end + 1, "{"):
                    found.groups.append(group())
                else:
                    inside = [tokens[k] for k in range(at + 2, end) if kinds[k] != 3]
                    found.values.setdefault(tokens[at], []).extend(inside)
                    at = end + 1
            else:
                raise InputError(f"{where}: not Liberty near {tokens[at]!r}")
        at += 1
        return found

    try:
        return group()
    except IndexError:
        raise InputError(f"{where}: ends in the middle of a group") from None


def _numbers(texts):
    return np.array([float(n) for text in texts for n in re.split(r"[\s,\\]+", text) if n])


@dataclass(frozen=True)
class Table:
    """A lookup table over input slew (ns) and output load (pF); either may be missing."""

    slews: np.ndarray | None
    loads: np.ndarray | None
    values: np.ndarray  # [slew, load]

    @cached_property
    def _lists(self):
        """Axes and rows as Python numbers: NumPy is slow for one value at a time."""
        axes = [None if a is None else a.tolist() for a in (self.slews, self.loads)]
        return *axes, self.values.tolist()

    def at(self, slew, load):
        """Bilinear interpolation; beyond the ends the last slope goes on, as in static timing."""
        slews, loads, rows = self._lists
        i, part = _place(slews, slew)
        k, share = _place(loads, load)
        left, right = (
            rows[i][at] if part is None else rows[i][at] * (1 - part) + rows[i + 1][at] * part
            for at in (k, k if share is None else k + 1)
        )
        return left if share is None else left * (1 - share) + right * share


def _place(axis, x):
    """Index of a section of an axis, and how far x is in it; None where there is but one value."""
    if axis is None or len(axis) == 1:
        return 0, None
    k = min(max(bisect_left(axis, x) - 1, 0), len(axis) - 2)
    return k, (x - axis[k]) / (axis[k + 1] - axis[k])


@dataclass(frozen=True)
class Arc:
    """A timing arc or internal power of a pin.

    Parameters
    ----------
    related : str or None
        The pin from which it comes.
    kind, sense, when : str or None
        ``timing_type``, ``timing_sense`` and condition.
    rise, fall : Table or None
        Delay in ns, or energy of a change in the library's unit.
    rise_slew, fall_slew : Table or None
        Output transition in ns.
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
    """A pin of a cell; capacitance in pF."""

    name: str
    direction: str
    capacitance: float
    function: str | None
    arcs: tuple
    powers: tuple
    constraints: tuple
    clock: bool
    role: str | None  # of a clock gate: `clock`, `enable`


@dataclass(frozen=True)
class Cell:
    """A cell: area in the library's unit (um2), leakage in the library's unit of power."""

    name: str
    area: float
    leakage: float
    pins: dict
    sequential: dict | None  # `kind` ("ff", "latch") and the attributes of that group
    gate: str | None  # kind of integrated clock gate
    dont_use: bool

    @property
    def inputs(self):
        return [pin.name for pin in self.pins.values() if pin.direction == "input"]

    @property
    def outputs(self):
        return [pin.name for pin in self.pins.values() if pin.direction == "output"]


class Library:
    """A Liberty file.

    Parameters
    ----------
    path : path
        ``.lib`` or ``.lib.gz``.

    Attributes
    ----------
    name : str
    text : str
        Without comments.
    digest : str
        SHA-256 of the text of the file.
    names : list of str
        Of all cells.
    time_unit, cap_unit, leakage_unit, voltage : float
        In ns, pF, W and V.
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            if self.path.exists() and not self.path.is_file():
                raise InputError(f"{path}: not a file")
            data = self.path.read_bytes()
            data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            text = data.decode("utf-8", "replace")
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
        except EOFError:
            raise InputError(f"{path}: ends early; is it complete?") from None
        self.digest = hashlib.sha256(data).hexdigest()
        self.text = text = _COMMENT.sub(" ", text)
        found = re.search(r'\blibrary\s*\(\s*"?([^")\s]+)', text)
        if not found:
            raise InputError(f"{path}: no Liberty file: it has no `library` group")
        self.name = found[1]
        self._at = {}
        for match in re.finditer(r'\bcell\s*\(\s*"?([\w$\[\].-]+)"?\s*\)\s*\{', text):
            self._at.setdefault(match[1], match.start())
        if not self._at:
            raise InputError(f"{path}: this library has no cells")
        self.names = list(self._at)
        self._cells = {}
        first = min(self._at.values())
        head = text[found.start() : first] + "}"
        self._head = _parse(head, str(path))
        number, unit = re.fullmatch(r"([\d.]+)(\w+)", self._head.text("time_unit", "1ns")).groups()
        self.time_unit = float(number) * {"ns": 1, "ps": 1e-3, "us": 1e3}[unit]
        load = self._head.values.get("capacitive_load_unit", ["1", "pf"])
        self.cap_unit = float(load[0]) * {"pf": 1, "ff": 1e-3}[load[1].lower()]
        number, unit = re.fullmatch(
            r"([\d.]+)(\w+)", self._head.text("leakage_power_unit", "1nW")
        ).groups()
        self.leakage_unit = float(number) * {"pW": 1e-12, "nW": 1e-9, "uW": 1e-6, "mW": 1e-3}[unit]
        self.voltage = self._head.number("nom_voltage")
        if not self.voltage:
            voltages = [g.number("voltage") for g in self._head.all("operating_conditions")]
            self.voltage = next((v for v in voltages if v), 0.0)
        self._templates = {g.names[0]: g for g in self._head.groups if "template" in g.kind}

    @property
    def energy_unit(self):
        """Joules of the unit of the internal power tables: capacitance unit x volt squared."""
        return self.cap_unit * 1e-12

    def cell(self, name):
        """A cell by name."""
        if name not in self._cells:
            if name not in self._at:
                raise InputError(f"{self.path}: this library has no cell `{name}`")
            group = _parse(self._block(self._at[name]), f"{self.path}, cell {name}")
            self._cells[name] = self._cell(group)
        return self._cells[name]

    def source(self, name):
        """Liberty text of a cell."""
        return self._block(self._at[name])

    @property
    def head(self):
        """Liberty text before the first cell."""
        return self.text[: min(self._at.values())]

    @cached_property
    def cells(self):
        """All cells that are for use, by name."""
        cells = {name: self.cell(name) for name in self.names}
        return {name: cell for name, cell in cells.items() if not cell.dont_use}

    def _block(self, start):
        depth, at = 0, self.text.index("{", start)
        for match in re.compile(r"[{}]").finditer(self.text, at):
            depth += 1 if match[0] == "{" else -1
            if not depth:
                return self.text[start : match.end()]
        raise InputError(f"{self.path}: ends in the middle of a cell")

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
            leakage = float(np.mean(parts)) if parts else 0.0
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
        powers = [self._arc(p, "rise_power", "fall_power") for p in group.all("internal_power")]
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

    def _arc(self, group, rise, fall):
        both = group.all("power")  # one table for both edges
        tables = {
            kind: self._table(part)
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

    def _table(self, group):
        template = self._templates.get(group.names[0] if group.names else "")
        values = _numbers(group.values.get("values", ["0"]))
        axes = []
        for number in ("1", "2"):
            kind = template.text(f"variable_{number}") if template else None
            if kind is None:
                continue
            index = group.values.get(f"index_{number}") or template.values.get(f"index_{number}")
            # Constraints have two slews: the clock's takes the place of a load.
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
