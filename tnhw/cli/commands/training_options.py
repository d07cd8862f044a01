"""Options of the command `train`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import datasets


class QuantiseName(StrEnum):
    all = "all"
    each = "each"


class ScheduleName(StrEnum):
    cosine = "cosine"
    one_cycle = "one-cycle"


class RuleName(StrEnum):
    threshold = "threshold"
    ternary = "ternary"
    shift = "shift"
    mac = "mac"
    addernet = "addernet"


Name = Annotated[
    str | None,
    typer.Argument(
        help="Data set: digits, optdigits, denoise, pendigits, letter, mnist, cifar10, or one of a plug-in; or leave it out and give --data-file.",
        metavar="DATASET",
        autocompletion=datasets,
    ),
]
OwnFile = Annotated[
    Path | None,
    typer.Option(
        help="npz file of your own instead of a data set: integers `x` [n, ...], and `y`: labels [n] from 0, or vectors [n, outputs]. "
        "Perhaps also `x_test` and `y_test`. A fifth of `x` is kept for validation."
    ),
]
InputBits = Annotated[
    int | None,
    typer.Option(
        help="With --data-file: bits of an input, which is an unsigned integer.",
        min=1,
        max=8,
        show_default="4",
    ),
]
QuantiseOption = Annotated[
    QuantiseName | None,
    typer.Option(
        "--quantise",
        help="With --data-file, for real `x`: steps over one range for all inputs, or over a range for each. The ends are those of "
        "the training part. The model then takes real inputs.",
    ),
]
Hidden = Annotated[
    str | None,
    typer.Option(
        help="All layers but the last, separated by commas: 32 is dense with 32 outputs; 8c3s2p1 is a convolution with 8 channels, window 3, stride 2, padding 1."
    ),
]
DATA_SETS = "the data set's"

Rule = Annotated[RuleName, typer.Option(help="Rule of the synapses.")]
Bits = Annotated[int, typer.Option(help="Bits of activations between layers.", min=1, max=8)]
Levels = Annotated[int, typer.Option(help="threshold: number of levels K.")]
MinLevel = Annotated[int, typer.Option(help="threshold: synapses with a lower level are left out.")]
Gain = Annotated[
    bool, typer.Option("--gain", help="threshold: train a level and a gain for each synapse.")
]
WeightBits = Annotated[int, typer.Option(help="mac: bits of a weight.")]
Complement = Annotated[
    bool,
    typer.Option(
        "--complement",
        help="Give the first layer the complement of each input (maximum - x) as well.",
    ),
]
Inject = Annotated[int, typer.Option(help="How many layers at the front use MAC synapses.", min=0)]
Epochs = Annotated[
    int | None, typer.Option(help="Passes through the training data.", show_default=DATA_SETS)
]
Rate = Annotated[float | None, typer.Option(help="Learning rate.", show_default=DATA_SETS)]
Batch = Annotated[int | None, typer.Option(help="Rows in a batch.", min=1, show_default=DATA_SETS)]
Schedule = Annotated[
    ScheduleName | None,
    typer.Option(
        help="How the learning rate goes: down as a cosine, or up during a share --warm-up of the training and then down.",
        show_default=DATA_SETS,
    ),
]
WarmUp = Annotated[
    float | None,
    typer.Option(help="one-cycle: share of the training.", show_default=DATA_SETS),
]
Average = Annotated[
    float | None,
    typer.Option(
        help="Share that a moving average of the parameters keeps at each step, such as 0.999; the model has the averages.",
        show_default=DATA_SETS,
    ),
]
Decay = Annotated[float | None, typer.Option(help="Weight decay.", show_default=DATA_SETS)]
Patience = Annotated[
    int | None,
    typer.Option(
        help="Stop after so many epochs without a better validation score, and keep the best epoch's model.",
        min=1,
        show_default=DATA_SETS,
    ),
]
Prune = Annotated[float, typer.Option(help="Fraction of the synapses to remove.")]
Noise = Annotated[
    int | None,
    typer.Option(
        help="Largest random number that is added to inputs during training.",
        show_default=DATA_SETS,
    ),
]
Shifts = Annotated[
    int | None,
    typer.Option(
        help="Images: random shifts by up to so many pixels in each epoch.",
        min=0,
        show_default=DATA_SETS,
    ),
]
Flips = Annotated[
    bool | None,
    typer.Option(help="Images: mirror every second one at random.", show_default=DATA_SETS),
]
Seed = Annotated[
    int, typer.Option(help="Seed of initial parameters and of the order of the data.", min=0)
]
Final = Annotated[
    bool, typer.Option("--final", help="Train on all training data and measure on test data.")
]
Table = Annotated[
    bool,
    typer.Option(
        "--table",
        help="Train final models of every kind of neuron, with seeds 0 to SEEDS - 1, and print a table.",
    ),
]
Tune = Annotated[
    bool,
    typer.Option(
        "--tune",
        help="Search for the best learning rate and initial spread on validation data.",
    ),
]
Seeds = Annotated[int, typer.Option(help="With --table or --tune: how many seeds.", min=1)]
Threads = Annotated[
    int,
    typer.Option(
        help="Threads of PyTorch. Another number gives a slightly different model.", min=1
    ),
]
Device = Annotated[
    str,
    typer.Option(help="Where PyTorch trains, such as cuda. Each gives a slightly different model."),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        help="Write the checkpoint after so many minutes too, not only after each epoch.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="File of the model (.npz); with --table a folder."),
]
