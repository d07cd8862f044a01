"""Command `sweep`."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import TnhwError
from .comparing import show_kernels
from .options import Fresh, Json, Out, Workers, say


def sweep(
    file: Annotated[str, typer.Argument(help="Kernel file (.toml) in which the value of a key may be a list.")],
    target: Annotated[
        list[str],
        typer.Option("--target", "-t", help="ice40, ecp5, gowin, xc7 or liberty:PATH; may be repeated."),
    ],
    vectors: Annotated[int, typer.Option(help="How many vectors are simulated to estimate activity.", min=8)] = 32,
    seeds: Annotated[
        int, typer.Option(help="Runs of place and route; 0 stops after synthesis.", min=0)
    ] = 1,
    workers: Workers = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Measure on the cluster of this Dask scheduler (tcp://HOST:PORT) instead of in local processes.")
    ] = None,
    fresh: Fresh = False,
    out: Out = Path("build"),
    as_json: Json = False,
):  # fmt: skip
    """Measure kernels with all combinations of the listed values. An interrupted sweep continues where it stopped."""
    from ...comparison.kernels import measure_all, rows_of
    from ...comparison.results import KernelComparison
    from ...comparison.sweep import kernels_of

    name, kernels = kernels_of(file, say)
    say(f"{len(kernels)} kernels on {len(target)} target{'s' if len(target) > 1 else ''}")
    found = measure_all(
        kernels, target, vectors=vectors, seeds=tuple(range(1, seeds + 1)), workers=workers,
        scheduler=scheduler, cached=not fresh, say=say,
    )  # fmt: skip
    failed = [result for result in found if isinstance(result, TnhwError)]
    if rows := rows_of(found):
        command = " ".join(
            ["tnhw sweep", Path(file).name, *(f"-t {one.partition(':')[0]}" for one in target)]
        )
        settings = {"vectors": vectors, "seeds of place and route": list(range(1, seeds + 1)),
                    "left out": [str(error) for error in failed]}  # fmt: skip
        made = KernelComparison(rows, settings)
        show_kernels(made, out / "sweep" / name, as_json, command)
    if failed:
        say(f"{len(failed)} of {len(found)} measurements failed; the first:")
        failed[0].shown = True
        raise failed[0]
