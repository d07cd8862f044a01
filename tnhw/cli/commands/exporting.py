"""Command `export`; the formats are in `tnhw.export`."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json, hertz, say, show

__all__ = ["export"]


def export(
    file: Annotated[
        str,
        typer.Argument(
            help="For the format `model`: the checkpoint of an interrupted `tnhw train`, or an ONNX file. For other formats: "
            "a kernel file, a network, or a name from `tnhw list`."
        ),
    ],
    format: Annotated[
        str, typer.Option("--format", "-f", help="The format to write; `tnhw list` shows all.")
    ] = "model",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File or folder to write.")
    ] = None,
    liberty: Annotated[
        Path | None, typer.Option(help="tinytapeout: Liberty file with which the area is measured.")
    ] = None,
    tiles: Annotated[
        str | None,
        typer.Option(
            help="tinytapeout: number of tiles, 1x1 to 8x2. Default: as many as the size needs."
        ),
    ] = None,
    clock: Annotated[
        float | None, typer.Option(help="tinytapeout: clock frequency in MHz. Default: 10.")
    ] = None,
    author: Annotated[
        str | None, typer.Option(help="tinytapeout: name of the author, for info.yaml.")
    ] = None,
    as_json: Json = False,
):
    """Write a kernel or network in a format that other tools read, or a checkpoint as a model."""
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
