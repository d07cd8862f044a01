"""Command `convert`; what it does is in `tnhw.train.converting`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import Data, Json, datasets, networks, say, show
from .training_options import Bits, RuleName, Seed, Threads

__all__ = ["convert"]


Model = Annotated[
    str,
    typer.Argument(
        help="A network: an ONNX or QONNX file, an npz file, or a name from `tnhw list`.",
        autocompletion=networks,
    ),
]
Rule = Annotated[RuleName, typer.Option(help="Rule of the layers of the converted network.")]
DataFile = Annotated[
    Path | None,
    typer.Option(
        help="npz file of your own: inputs `x`, as the network takes them, and perhaps labels `y`, one for each; scores are of `x_test` and `y_test`, if it has them."
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(help="A data set of `tnhw list` with labels instead.", autocompletion=datasets),
]
Keep = Annotated[
    str | None,
    typer.Option(
        help="Layers that stay MAC layers: numbers from 0 or names, separated by commas; or `auto`: as few as --loss allows."
    ),
]
Loss = Annotated[
    float,
    typer.Option(help="With --keep auto: points of accuracy that may be lost.", min=0, max=100),
]
Levels = Annotated[
    int | None, typer.Option(help="threshold: number of levels K.", show_default="8")
]
MinLevel = Annotated[
    int | None,
    typer.Option(help="threshold: synapses with a lower level are left out.", show_default="1"),
]
Gain = Annotated[
    bool, typer.Option("--gain", help="threshold: train a level and a gain for each synapse.")
]
WeightBits = Annotated[
    int | None, typer.Option(help="MAC layers: bits of a weight.", show_default="4")
]
Input = Annotated[
    str | None,
    typer.Option(
        help="Format of the inputs of a quantised graph that does not quantise them, as for `tnhw import`."
    ),
]
InputBits = Annotated[
    int | None,
    typer.Option(
        help="Bits of inputs, for real inputs. Default: those of the network; 4 if it is not quantised.",
        min=1,
        max=8,
    ),
]
Epochs = Annotated[int, typer.Option(help="Passes through the data for fine-tuning.", min=1)]
Rate = Annotated[float, typer.Option(help="Learning rate.")]
Temperature = Annotated[
    float, typer.Option(help="Number by which outputs are divided before the original teaches.")
]
Share = Annotated[
    float | None,
    typer.Option(
        help="Share of the original in the loss; the rest is that of the labels. Default: 0.5, or 1 without labels."
    ),
]
Valid = Annotated[
    float,
    typer.Option(
        help="With --data-file: share of the inputs that is not fitted to, but measured on."
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        help="Name of the converted network. Default: that of the file, or made of the original's."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="npz file to write. Default: the network's name, here."),
]


def convert(
    model: Model,
    rule: Rule = RuleName.threshold,
    data_file: DataFile = None,
    dataset: Dataset = None,
    data: Data = None,
    keep: Keep = None,
    loss: Loss = 1.0,
    levels: Levels = None,
    min_level: MinLevel = None,
    gain: Gain = False,
    weight_bits: WeightBits = None,
    bits: Bits = 4,
    input: Input = None,
    input_bits: InputBits = None,
    epochs: Epochs = 5,
    rate: Rate = 0.01,
    temperature: Temperature = 2.0,
    share: Share = None,
    valid: Valid = 0.1,
    seed: Seed = 0,
    threads: Threads = 1,
    name: Name = None,
    out: Out = None,
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
