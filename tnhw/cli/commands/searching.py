"""Command `search`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import InputError
from .options import BoardName, Data, Json, say, show_result
from .training import _named, _owned
from .training_options import InputBits, Name, OwnFile, QuantiseOption, Threads


class Objective(StrEnum):
    speed = "speed"
    cells = "cells"


def _list(option, help):
    return typer.Option(option, help=f"{help} One, or several separated by commas.", metavar="LIST")


def _values(option, kind, text):
    """What an option with a list gives, or None if it was left out."""
    if text is None:
        return None
    try:
        return [kind(word.strip()) for word in text.split(",")]
    except ValueError:
        what = "numbers" if kind is float else "whole numbers"
        raise InputError(f"{option} takes {what}, separated by commas, not {text!r}") from None


ObjectiveOption = Annotated[
    Objective,
    typer.Option(
        help="What is weighed against accuracy: speed of the fastest design that fits, or cells of the smallest."
    ),
]
Speed = Annotated[
    float,
    typer.Option(help="With --objective cells: vectors a second that a design must compute."),
]
Accuracy = Annotated[
    float | None,
    typer.Option(
        help="Accuracy that you want on the validation part, in percent: the cheapest network that has it is built too."
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(help="Minutes to search.", show_default="15, without --trials"),
]
Trials = Annotated[
    int | None, typer.Option(help="Networks to try, those of earlier calls among them.", min=1)
]
Rule = Annotated[
    str | None,
    _list(
        "--rule",
        "Kinds of neurons: threshold, threshold4 (8 levels in 4 bits), gain, gain-complement, ternary, shift, mac, addernet.",
    ),
]
Levels = Annotated[str | None, _list("--levels", "threshold: numbers of levels.")]
Bits = Annotated[str | None, _list("--bits", "Bits of activations between layers.")]
WeightBits = Annotated[str | None, _list("--weight-bits", "mac: bits of a weight.")]
Width = Annotated[
    str | None, _list("--width", "Outputs of a hidden layer; channels of a convolution.")
]
HiddenLayers = Annotated[str | None, _list("--hidden-layers", "Numbers of hidden layers.")]
Inject = Annotated[str | None, _list("--inject", "How many layers at the front use MAC synapses.")]
Epochs = Annotated[str | None, _list("--epochs", "Passes through the training data.")]
Rate = Annotated[str | None, _list("--rate", "Learning rates.")]
SeedOption = Annotated[int, typer.Option(help="Seed of the proposals and of training.", min=0)]
NoBuild = Annotated[
    bool, typer.Option("--no-build", help="Train the ends of the front, and build nothing.")
]
Folder = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="Folder of the search. Default: build/search/DATA_BOARD."),
]


def search(
    board: BoardName,
    dataset: Name = None,
    objective: ObjectiveOption = Objective.speed,
    speed: Speed = 0.0,
    accuracy: Accuracy = None,
    budget: Budget = None,
    trials: Trials = None,
    rule: Rule = None,
    levels: Levels = None,
    bits: Bits = None,
    weight_bits: WeightBits = None,
    width: Width = None,
    hidden_layers: HiddenLayers = None,
    inject: Inject = None,
    epochs: Epochs = None,
    rate: Rate = None,
    seed: SeedOption = 0,
    threads: Threads = 1,
    no_build: NoBuild = False,
    data: Data = None,
    data_file: OwnFile = None,
    input_bits: InputBits = None,
    quantise: QuantiseOption = None,
    out: Folder = None,
    as_json: Json = False,
):
    """Search for networks that are accurate and cheap on a board. The same command again continues the search."""
    from ...api import search as verb

    if data_file is None:
        loaded = _named(dataset, data, input_bits, quantise)
    else:
        loaded = _owned(data_file, dataset, data, input_bits, quantise)

    def stopped(result):
        say(f"interrupted: {result.counts}; the same command goes on")
        if not as_json:
            show_result(result, False)

    whole = {
        "levels": levels, "bits": bits, "weight_bits": weight_bits, "width": width,
        "hidden_layers": hidden_layers, "inject": inject, "epochs": epochs,
    }  # fmt: skip
    space: dict[str, Any] = {
        key: _values(f"--{key.replace('_', '-')}", int, text) for key, text in whole.items()
    }
    result = verb(
        loaded, board, objective=str(objective), speed=speed, accuracy=accuracy,
        budget=budget, trials=trials, rule=_values("--rule", str, rule), rate=_values("--rate", float, rate), **space,
        seed=seed, threads=threads, build=not no_build, out=out, say=say, stopped=stopped,
    )  # fmt: skip
    show_result(result, as_json)
    if not as_json:
        for line in result.next_commands():
            say(f"next: {line}")
        say(f"report: {result.folder / 'report.html'}")
