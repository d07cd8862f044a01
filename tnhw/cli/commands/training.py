"""Command `train`; torch is imported only when it runs."""

import json
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from ...errors import InputError
from ...support.terminal import printable
from . import training_options as O
from .options import Data, Json, say

__all__ = ["add_commands", "train"]


SECONDS = 5  # between lines of progress, where stderr is not a terminal


def add_commands(app):
    """Add `train` to a typer app."""
    app.command()(train)


def train(
    dataset: O.Name = None,
    rule: O.Rule = O.RuleName.threshold,
    hidden: O.Hidden = None,
    bits: O.Bits = 4,
    levels: O.Levels = 8,
    min_level: O.MinLevel = 1,
    gain: O.Gain = False,
    weight_bits: O.WeightBits = 4,
    complement: O.Complement = False,
    inject: O.Inject = 0,
    epochs: O.Epochs = None,
    rate: O.Rate = None,
    batch: O.Batch = None,
    schedule: O.Schedule = None,
    warm_up: O.WarmUp = None,
    average: O.Average = None,
    decay: O.Decay = None,
    patience: O.Patience = None,
    prune: O.Prune = 0.0,
    noise: O.Noise = None,
    shifts: O.Shifts = None,
    flips: O.Flips = None,
    seed: O.Seed = 0,
    final: O.Final = False,
    table: O.Table = False,
    tune: O.Tune = False,
    seeds: O.Seeds = 5,
    device: O.Device = "cpu",
    threads: O.Threads = 1,
    minutes: O.Minutes = None,
    data: Data = None,
    data_file: O.OwnFile = None,
    input_bits: O.InputBits = None,
    quantise: O.QuantiseOption = None,
    out: O.Out = None,
    as_json: Json = False,
):
    """Train a network and write it as a model of integers."""
    from ...train import part

    kind = _kind(str(rule), gain, complement, min_level, weight_bits)
    changes: dict[str, object] = {"bits": bits, "levels": levels, "prune": prune, "inject": inject}
    given = {
        "epochs": epochs, "rate": rate, "noise": noise, "batch": batch, "schedule": schedule and schedule.value,
        "warm_up": warm_up, "average": average, "decay": decay, "patience": patience,
        "shifts": shifts, "flips": flips,
    }  # fmt: skip
    changes |= {key: value for key, value in given.items() if value is not None}
    if hidden is not None:
        changes["hidden"] = tuple(part for part in hidden.split(",") if part)
    own = {"complement": True} if complement else {}
    if data_file is not None and out is not None and out.resolve() == data_file.resolve():
        raise InputError(f"-o {out}: is the file of the data; name another one for the model")
    if data_file is None:
        loaded = _named(dataset, data, input_bits, quantise)
    else:
        loaded = _owned(data_file, dataset, data, input_bits, quantise)
    recipe = _recipe(loaded.dataset, kind, changes, own, weight_bits, min_level)
    if minutes is not None and (table or tune):
        raise InputError("--minutes is for one model: --table and --tune write no checkpoints")
    if (table or tune) and part("processes").launched():
        raise InputError("--table and --tune train in one process; start them without torchrun")
    where = {"device": device, "threads": threads}
    if table:
        _print_table(_tabled(loaded, range(seeds), out, changes, where), as_json)
    elif tune:
        with _progress() as line:
            best = part("training").tune(
                recipe, loaded, range(seeds), report=lambda made: line(str(made)), **where
            )
        _print(best, as_json)
    else:
        path = out or Path("build", "models", f"{loaded.dataset.word}_{kind}.npz".replace("-", "_"))
        network = _trained(recipe, seed, loaded, path, final, {"minutes": minutes} | where)
        if network is not None:
            _print({"model": str(path)} | network.card, as_json)


def _tabled(data, seeds, folder, changes, where):
    """Rows of the table of every kind of neuron."""
    from ...train import part

    with _progress() as line:
        return part("training").table(
            data, seeds=seeds, folder=folder, changes=changes, **where,
            report=lambda card: line(f"{card['kind']}, seed {card['seed']}: {card['score']:.2f}"),
        )  # fmt: skip


def _named(dataset, folder, input_bits, quantise):
    """The data set of a name."""
    from ...data import datasets

    if dataset is None:
        raise InputError("name a data set from `tnhw list`, or a file of your own with --data-file")
    if input_bits is not None or quantise is not None:
        raise InputError(
            "--input-bits and --quantise are for --data-file: a data set has a format of its own"
        )
    return datasets.load(dataset, folder)


def _owned(file, dataset, folder, input_bits, quantise):
    """The data set of a file of the user's own."""
    from ...data import own_set

    if dataset is not None or folder is not None:
        raise InputError("give either a data set, perhaps with --data, or --data-file")
    bits = 4 if input_bits is None else input_bits
    loaded = own_set.load(file, bits, None if quantise is None else quantise.value)
    parts = {"training": loaded.x_train, "validation": loaded.x_valid, "test": loaded.x_test}
    counts = ", ".join(f"{len(x):,} for {name}" for name, x in parts.items())
    say(f"rows: {counts}; an input has the format {loaded.dataset.input}; {loaded.dataset.summary}")
    return loaded


def _recipe(dataset, kind, changes, own, weight_bits, min_level):
    """The recipe of a kind of neuron; for a MAC with a number of bits that `KINDS` lacks, that of `mac` is changed."""
    from ...train import part

    recipes = part("recipes")
    if kind not in recipes.KINDS:
        kind, own = "mac", own | {"weight_bits": weight_bits}
    if kind == "threshold":
        own = own | {"min_level": min_level}
    return recipes.recipe_for(dataset, kind, **changes, **own)


def _trained(recipe, seed, data, path, final, fitting):
    """Train one model and write it. Until then there is a checkpoint next to the model's file. Of several processes, only the
    first writes, and gives the network."""
    from ...train import part

    if path.suffix != ".npz":
        raise InputError(f"{path}: a model is an `.npz` file; name one with -o")
    checkpoint = path.with_suffix(".checkpoint")
    with part("processes").joined() as first, _progress() as line:
        network = part("training").train(
            recipe, seed, data=data, name=path.stem, final=final, command=_command(),
            checkpoint=checkpoint, report=lambda record: line(_epoch(record)), **fitting,
        )  # fmt: skip
    if not first:
        return None
    network.save(path)
    checkpoint.unlink(missing_ok=True)
    return network


def _kind(rule, gain, complement, min_level, weight_bits):
    """Name of the kind of neuron that the options ask for, as in `tnhw.train.recipes.KINDS`."""
    if rule != "threshold" and (gain or min_level > 1):
        raise InputError(f"--gain and --min-level are for the rule `threshold`, not `{rule}`")
    if gain:
        if min_level > 1:
            raise InputError("--min-level is for thresholds without --gain")
        return "gain-complement" if complement else "gain"
    if rule == "threshold" and min_level == 2:
        return "threshold4"
    return rule if rule != "mac" or weight_bits == 4 else f"mac{weight_bits}"


def _command():
    """The command line for the model's card: without the folders of data and result."""
    words, kept = sys.argv[1:], []
    while words:
        word = words.pop(0)
        if word in ("--data", "-o", "--out"):
            words = words[1:]
        elif word == "--data-file":
            kept += [word, Path(words.pop(0)).name]
        elif word.startswith("--data-file="):
            kept += ["--data-file", Path(word.partition("=")[2]).name]
        elif word != "--json" and not word.startswith(("--data=", "--out=", "-o")):
            kept.append(word)
    return shlex.join(["tnhw", *kept]) if kept[:1] == ["train"] else ""


def _epoch(record):
    text = f"epoch {record['epoch']} of {record['epochs']}, loss {record['loss']:.4f}"
    return text + (f", validation {record['score']:.2f}" if "score" in record else "")


@contextmanager
def _progress():
    """A function that shows a line on stderr: in place in a terminal, else one every few seconds."""
    from rich.console import Console

    console, last = Console(stderr=True), -SECONDS

    def line(text):
        nonlocal last
        if monotonic() - last >= SECONDS:
            last = monotonic()
            print(printable(text), file=sys.stderr, flush=True)

    if not console.is_terminal:
        yield line
        return
    with console.status("training") as status:
        yield status.update


def _print(record, as_json):
    if as_json:
        print(json.dumps(record, indent=2))
        return
    for key, value in record.items():
        if key not in ("recipe", "encoder"):
            print(printable(f"{key:12} {value}"))


def _print_table(rows, as_json):
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'neuron':16} {'test, ' + rows[0]['unit']:>16} {'+-':>6} {'synapses':>9} {'bits':>5}")
    for row in rows:
        error = "-" if row["error"] is None else f"{row['error']:.2f}"
        print(
            f"{row['kind']:16} {row['mean']:16.2f} {error:>6} {row['synapses']:9} {row['bits']:5.1f}"
        )
    count = len(rows[0]["scores"])
    print(f"+- is the standard error over seeds 0 to {count - 1}; bits are stored, a synapse")
