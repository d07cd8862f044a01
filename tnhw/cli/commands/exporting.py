"""Command `export`: what is written stands in `tnhw.export`."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json, hertz, say, show

__all__ = ["export"]


def export(
    file: Annotated[
        str,
        typer.Argument(
            help="Checkpoint of an interrupted `tnhw train` or ONNX (model), or a kernel TOML, a network or a "
            "name from `tnhw list` (other formats)."
        ),
    ],
    format: Annotated[
        str, typer.Option("--format", "-f", help="What to write; `tnhw list` names them.")
    ] = "model",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Where to write it.")] = None,
    liberty: Annotated[
        Path | None, typer.Option(help="tinytapeout: Liberty file in which the area is measured.")
    ] = None,
    tiles: Annotated[
        str | None, typer.Option(help="tinytapeout: 1x1 to 8x2, if not by size.")
    ] = None,
    clock: Annotated[float | None, typer.Option(help="tinytapeout: MHz (10).")] = None,
    author: Annotated[str | None, typer.Option(help="tinytapeout: for info.yaml.")] = None,
    as_json: Json = False,
):
    """Write a model, kernel or network in a format of others."""
    from ...export import export as write

    record = write(
        file,
        format,
        out,
        say=say,
        liberty=liberty,
        tiles=tiles,
        clock=hertz("--clock", clock),
        author=author,
    )
    rows = [(key, value) for key, value in record.items() if key != "recipe"]
    show(record, as_json, rows, format)
