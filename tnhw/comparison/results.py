"""A comparison as a whole: its rows, and the tables, files and pictures that are made from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ToolMissing
from ..support.results import Result, Table
from . import networks, plots, report
from . import row as records

__all__ = ["KernelComparison", "NetworkComparison"]


class _Comparison(Result):
    """What comparisons of kernels and of networks share: how a notebook shows them."""

    def pictures(self) -> dict[str, str]:
        """Every picture as SVG text, by file name.

        Raises
        ------
        ToolMissing
            If Matplotlib is missing.
        """
        raise NotImplementedError

    def _repr_svg_(self) -> str | None:
        try:
            return next(iter(self.pictures().values()), None)
        except ToolMissing:
            return None

    def _repr_html_(self) -> str:
        return super()._repr_html_() + (self._repr_svg_() or "")


@dataclass(frozen=True, repr=False)
class KernelComparison(_Comparison):
    """Kernels compared on one or more targets.

    Parameters
    ----------
    rows : list of tnhw.comparison.row.Row
        A row for each kernel, target and way to build products. Ratios are to the first row of a target.
    settings : dict
        How the kernels were measured; ``kernels.json`` contains it.
    """

    rows: list
    settings: dict

    @property
    def targets(self) -> list[str]:
        """FPGA families and libraries of standard cells, in the order of the rows."""
        return list(dict.fromkeys(row.target for row in self.rows))

    @property
    def summary(self) -> str:
        """One line: how many rows there are, and on which targets."""
        return f"of kernels: {len(self.rows)} rows on {', '.join(self.targets)}"

    def to_dict(self) -> dict[str, Any]:
        """What ``kernels.json`` holds: definitions, versions of the tools, settings, and rows with their ratios."""
        return records.report(self.rows, settings=self.settings)

    def tables(self) -> list[Table]:
        """A table for each target; empty columns are left out."""
        pairs, made = list(zip(self.rows, records.ratios(self.rows), strict=True)), []
        for target in self.targets:
            own = [(row, ratio) for row, ratio in pairs if row.target == target]
            lines = report.cells_of([row for row, _ in own], [ratio for _, ratio in own])
            made.append(Table(f"{target}, everything counted", lines, headed=True))
        return made

    def pictures(self) -> dict[str, str]:
        """Bars of area, power or logic for each target, and accuracy against cost if accuracies are known."""
        return plots.pictures(self.rows)

    def write(self, folder: str | Path, command: str = "tnhw.compare(...)") -> dict[str, Any]:
        """Write ``kernels.json``, ``kernels.csv``, ``kernels.html`` and the pictures.

        Parameters
        ----------
        folder : path
        command : str
            Command that makes the report again, which the page shows.

        Returns
        -------
        dict
            The same as from `to_dict`.
        """
        page = report.html(self.rows, self.to_dict(), command)
        files = {"kernels.html": page, **self.pictures()}
        return records.write(self.rows, folder, files, settings=self.settings)


@dataclass(frozen=True, repr=False)
class NetworkComparison(_Comparison):
    """Networks compared on the device of one board.

    Parameters
    ----------
    rows : list of tnhw.comparison.networks.Row
        A row for each network, choice of folds and way to build products. Ratios are to the first row with the
        same choice of folds.
    target : str
        Name of the board.
    """

    rows: list
    target: str

    @property
    def summary(self) -> str:
        """One line: how many rows there are, and on which board."""
        return f"of networks: {len(self.rows)} rows on {self.target}"

    def to_dict(self) -> dict[str, Any]:
        """What ``compare.json`` holds: versions of the tools, and rows with their ratios."""
        return networks.report(self.rows)

    def tables(self) -> list[Table]:
        """One table with all rows."""
        return [
            Table(
                f"{self.target}, alone behind few pins", networks.cells_of(self.rows), headed=True
            )
        ]

    def pictures(self) -> dict[str, str]:
        """Bars of the logic cells: one picture, or none without rows."""
        if not self.rows:
            return {}
        found = [
            (f"{row.name}, {row.products}, {row.folds}", {"logic": row.logic}) for row in self.rows
        ]
        title = f"logic on {self.target}"
        name = f"logic_{self.target}.svg"
        return {name: plots.bars(found, ("logic",), "logic cells, carry cells counted", title)}

    def write(self, folder: str | Path) -> dict[str, Any]:
        """Write ``compare.json`` and ``compare.csv``; returns the dict of `to_dict`."""
        return networks.write(self.rows, folder)
