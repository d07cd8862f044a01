"""Command `convert`; what it does is in `tnhw.train.converting`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import Data, File, Json, say, show
from .training import RuleName, Seed, Threads

__all__ = ["convert"]


def convert(
    model: File,
    rule: Annotated[
        RuleName, typer.Option(help="Rule of the layers of the converted network.")
    ] = RuleName.threshold,
    data_file: Annotated[
        Path | None,
        typer.Option(
            help="npz file with inputs `x` [n, ...] as the network takes them, and perhaps labels `y` [n]."
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="A data set instead: digits, optdigits, pendigits or mnist."),
    ] = None,
    data: Data = None,
    keep: Annotated[
        str | None,
        typer.Option(
            help="Layers that stay MAC layers: numbers from 0 or names, separated by commas; or `auto`, as few as --loss allows."
        ),
    ] = None,
    loss: Annotated[
        float,
        typer.Option(help="With --keep auto: points of accuracy that may be lost.", min=0, max=100),
    ] = 1.0,
    levels: Annotated[
        int | None, typer.Option(help="threshold: number of levels K.", show_default="8")
    ] = None,
    min_level: Annotated[
        int | None,
        typer.Option(help="threshold: synapses with a lower level are left out.", show_default="1"),
    ] = None,
    gain: Annotated[
        bool, typer.Option("--gain", help="threshold: train a level and a gain for each synapse.")
    ] = False,
    weight_bits: Annotated[
        int | None, typer.Option(help="MAC layers: bits of a weight.", show_default="4")
    ] = None,
    bits: Annotated[
        int, typer.Option(help="Bits of activations between layers.", min=1, max=8)
    ] = 4,
    input: Annotated[
        str | None,
        typer.Option(
            help="Format of the inputs of a quantised graph that does not quantise them, as for `tnhw import`."
        ),
    ] = None,
    input_bits: Annotated[
        int | None,
        typer.Option(
            help="Bits of inputs, for real inputs. Default: those of the network; 4 if it is not quantised.",
            min=1,
            max=8,
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option(help="Passes through the data for fine-tuning.", min=1)
    ] = 5,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = 0.01,
    temperature: Annotated[
        float, typer.Option(help="By which the outputs of the original are divided to teach.")
    ] = 2.0,
    share: Annotated[
        float | None,
        typer.Option(
            help="Share of the original in what is learned; the rest is that of the labels. Default: 0.5, or 1 without labels."
        ),
    ] = None,
    valid: Annotated[
        float,
        typer.Option(
            help="With --data-file: share of the inputs that is not fitted to, but measured on."
        ),
    ] = 0.1,
    seed: Seed = 0,
    threads: Threads = 1,
    name: Annotated[str | None, typer.Option(help="Name of the converted network.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="npz file to write. Default: the network's name, here."),
    ] = None,
    as_json: Json = False,
):
    """Replace the neurons of a trained network, and fine-tune it with the original as the teacher."""
    from ...api import convert as verb

    given = {
        "levels": levels,
        "min_level": min_level,
        "gain": gain or None,
        "weight_bits": weight_bits,
    }
    settings: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if dataset is None:
        settings["valid"] = valid
    if keep is not None:
        settings["keep"] = "auto" if keep == "auto" else [one for one in keep.split(",") if one]
    made = verb(
        model, data_file=data_file, dataset=dataset, data=data, input=input, input_bits=input_bits, name=name, out=out,
        report=say, rule=str(rule), loss=loss, bits=bits, epochs=epochs, rate=rate,
        temperature=temperature, share=share, seed=seed, threads=threads, **settings,
    )  # fmt: skip
    path = out or Path(f"{made.network.name}.npz")
    if out is None:
        made.network.save(path)
    if as_json:
        show({"file": str(path)} | made.to_dict(), True, [])
        return
    ((title, lines, _),) = made.tables()
    show(None, False, [*lines, ("file", str(path))], title)
