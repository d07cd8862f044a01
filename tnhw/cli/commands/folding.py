"""Command `folds`: the designs of a network between which a board leaves a choice."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import ToolMissing
from .options import BoardName, Json, Out, networks, say, show_result


def folds(
    file: Annotated[
        str, typer.Argument(help="A network: its file or its name.", autocompletion=networks)
    ],
    board: BoardName,
    images: Annotated[
        int, typer.Option(help="The most images to compute side by side.")
    ] = 8,
    dsp: Annotated[bool, typer.Option("--dsp", help="Compute products in DSP blocks.")] = False,
    out: Out = Path("build"),
    as_json: Json = False,
):  # fmt: skip
    """List the folds of a network that are worth building for a board: speed against cells, by the cost model."""
    from ...api import folds as choices

    found = choices(file, board, images=images, dsp=dsp)
    try:
        path = found.write(out / found.network)
    except ToolMissing as error:
        path = None
        say(str(error))
    show_result(found, as_json)
    if path is not None:
        say(f"wrote {path}")
