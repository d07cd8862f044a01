"""The record that `generate` returns."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..support.results import Result, Table

__all__ = ["Generated"]


@dataclass(frozen=True, repr=False)
class Generated(Result):
    """Emitted Verilog of a kernel or a design, with its description.

    Parameters
    ----------
    name : str
        Name of the module and of its files.
    folder : Path
        Folder with ``<name>.v``, ``manifest.json``, ``<name>.core`` and ``vectors.json``.
    manifest : dict
        Contents of ``manifest.json``: formats, ports, latency, hashes.
    options : dict
        Options that make the same design of its network again; empty for a kernel.
    package : Path or None
        Folder of the IP package, for a kernel with AXI4-Stream.
    """

    name: str
    folder: Path
    manifest: dict
    options: dict
    package: Path | None = None

    @property
    def verilog(self) -> Path:
        """The Verilog file."""
        return self.folder / f"{self.name}.v"

    @property
    def latency(self) -> int:
        """Cycles from the acceptance of a vector's last beat to its (first) result beat, if nothing stalls."""
        return self.manifest["latency"]

    @property
    def interval(self) -> int:
        """Cycles from vector to vector, if nothing stalls; from group to group of `images` vectors side by side."""
        return self.manifest["interval"]

    @property
    def images(self) -> int:
        """Vectors that are computed side by side."""
        return self.manifest.get("images", 1)

    @property
    def _pace(self) -> str:
        vectors = f"{self.images} vectors" if self.images > 1 else "a vector"
        return f"{vectors} every {self.interval} cycles"

    @property
    def summary(self) -> str:
        """One line: where the Verilog is, its latency and its interval."""
        timing = f"latency {self.latency}, {self._pace}"
        return f"{self.name}: {self.verilog}, {timing}"

    def to_dict(self) -> dict[str, Any]:
        """The folder and the manifest, for JSON."""
        return {"folder": str(self.folder), "manifest": self.manifest}

    def tables(self) -> list[Table]:
        """One table: where the files are, formats, latency, interval, and streams."""
        lines: list[tuple[Any, ...]] = (
            [] if self.package is None else [("IP package", self.package)]
        )
        formats = self.manifest["formats"].items()
        lines += [
            ("Verilog", self.verilog),
            ("formats", ", ".join(f"{key} {text}" for key, text in formats if text)),
            ("latency", f"{self.latency} cycles"),
            (
                "interval",
                f"{self.interval} cycles"
                + (f" for {self.images} vectors" if self.images > 1 else " a vector"),
            ),
            *self.options.items(),
        ]
        lines += [
            (f"stream {stream['name']}", f"{stream['carries']}, {stream['width']} bits a beat, "
             f"{stream['beats']} beats")
            for stream in self.manifest["streams"]
        ]  # fmt: skip
        return [Table(self.name, lines)]
