"""Conversion: the layers of a trained network become layers of a rule of tnhw, with the network itself as the teacher."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..data.scores import percent_correct
from ..errors import CheckFailed, InputError
from ..kernel.names import check_design_name
from ..network import Network
from ..support.config import nearest
from ..support.results import Result, Table
from .distilling import Teacher
from .exporting import export
from .fitting import evaluate, fit
from .originals import Original, of_network
from .recipes import LAYERS, OPTIONS
from .students import student
from .tracing import of_module

__all__ = ["Conversion", "convert"]

KEPT = "mac"  # rule of the layers that are kept
TRIAL = 1  # epochs after which the cost of a layer is measured


@dataclass(frozen=True)
class Conversion(Result):
    """A converted network, and what the conversion cost.

    Attributes
    ----------
    network : Network
    teacher, before, after : float
        Score of the original, and of the converted network before and after it was fine-tuned, in percent: correct
        classes or, without labels, classes that are the original's.
    measured_on : str
    labelled : bool
        Whether the scores are of labels.
    kept : tuple of str
        Layers of the original that are MAC layers now, as they were.
    costs : dict of str to float
        For ``keep="auto"``, if not all layers could be converted: points that the conversion of each layer alone costs
        on validation data.
    """

    network: Network
    teacher: float
    before: float
    after: float
    measured_on: str
    labelled: bool
    kept: tuple[str, ...]
    costs: dict[str, float]

    @property
    def rules(self) -> dict[str, int]:
        """How many layers of each rule the converted network has."""
        return dict(Counter(layer.keys.rule for layer in self.network.layers))

    @property
    def summary(self) -> str:
        return f"{self.network.title}: {self.after:.2f} % after fine-tuning, {self.teacher:.2f} % the original"

    def tables(self) -> list[Table]:
        what = "accuracy" if self.labelled else "same class as the original"
        lines: list[tuple[Any, ...]] = [
            ("network", self.network.title),
            ("measured on", self.measured_on),
        ]
        lines += [
            (f"{what}, original", f"{self.teacher:.2f} %"),
            (f"{what}, before fine-tuning", f"{self.before:.2f} %"),
            (f"{what}, after fine-tuning", f"{self.after:.2f} %"),
            ("layers", ", ".join(f"{count} {rule}" for rule, count in self.rules.items())),
            ("kept as MAC layers", ", ".join(self.kept) or "none"),
        ]
        lines += [
            (f"cost of converting `{name}` alone", f"{cost:.2f} points")
            for name, cost in self.costs.items()
        ]
        return [Table(self.network.name, lines)]

    def to_dict(self) -> dict[str, Any]:
        return {
            "network": self.network.name, "title": self.network.title, "measured_on": self.measured_on,
            "score": "accuracy" if self.labelled else "same class as the original",
            "original_percent": self.teacher, "before_percent": self.before, "after_percent": self.after,
            "layers": self.rules, "kept": list(self.kept), "cost_points": self.costs,
        }  # fmt: skip


def convert(
    model, x, y=None, *, rule="threshold", keep=(), loss=1.0, valid=0.1, test=None, bits=4, input_bits=4,
    epochs=5, rate=0.01, batch=128, temperature=2.0, share=None, seed=0, threads=1, name="converted",
    card=None, report=lambda text: None, **options,
) -> Conversion:  # fmt: skip
    """Replace the layers of a trained network by layers of another rule, and fine-tune them with it as the teacher.

    Parameters
    ----------
    model : torch.nn.Module, tnhw.network.Network or Original
        It is not changed. A torch model is made of `Linear`, `Conv2d`, `BatchNorm`, `ReLU` and `Flatten`.
    x : array [n, ...]
        Inputs as the model takes them: real numbers, for a network its integers.
    y : int array [n], optional
        Labels. Without them the model alone is the teacher, and scores say how often the class is the model's.
    rule : str
        A rule that `tnhw train` knows.
    keep : str, or list of str and int
        Layers that stay MAC layers, by name or number (*Multiplication Injection*); ``"auto"``: as few as are needed to
        lose at most `loss` points on the validation rows.
    loss : float
        Points in percent, 0 or more.
    valid : float or (x, y)
        Share of the rows that are not fitted to, or other rows.
    test : (x, y), optional
        Rows for the scores. Default: the validation rows.
    bits : int
        Of activations between layers, 1 to 8.
    input_bits : int
        Bits of inputs, 1 to 8, for a torch model; a network keeps its own.
    epochs, rate, batch, seed, threads
        As for `tnhw.train.fit`.
    temperature, share : float
        See `tnhw.train.distilling.Teacher`; the default of `share` is 0.5, or 1 without labels.
    name : str
        Of the network.
    card : dict, optional
        More facts for the network's card.
    report : callable
        Called with a line of text for each step.
    **options
        Of the synapses: `levels`, `min_level`, `gain`, `weight_bits`. A rule takes those that it has.

    Raises
    ------
    InputError
        If the model has something that cannot be converted, or an argument is wrong.
    CheckFailed
        If ``keep="auto"`` loses more than `loss` points with all layers kept.
    """
    check_design_name(name)
    if rule not in LAYERS:
        raise InputError(f"there is no rule {rule!r} that is trained; {nearest(rule, LAYERS)}")
    known = {*OPTIONS.get(rule, ()), *OPTIONS[KEPT]}
    if odd := sorted({*options} - known):
        raise InputError(
            f"rule `{rule}` has no option `{odd[0]}`; it has {', '.join(sorted(known))}"
        )
    for what, value in {"bits": bits, "input_bits": input_bits}.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 8:
            raise InputError(f"`{what}` must be an integer of 1 to 8, not {value!r}")
    if not 0 <= loss <= 100:
        raise InputError(f"`loss` must be points from 0 to 100, not {loss}")
    torch.set_num_threads(threads)
    rows, held = _split(x, y, valid, seed)
    original = _original(model, rows[0], input_bits)
    kept = None if isinstance(keep, str) and keep == "auto" else _kept(keep, original)
    report(f"Computing what the original says of {len(rows[0]):,} inputs ...")
    work = _Work(
        original, _Rows.of(original, *rows), _Rows.of(original, *held), rule, bits, options,
        {"temperature": temperature, "share": share if share is not None else 0.5 if y is not None else 1.0},
        {"rate": rate, "batch": batch, "seed": seed, "threads": threads}, epochs, report,
    )  # fmt: skip
    costs: dict[str, float] = {}
    tuned, costs = work.automatic(loss) if kept is None else (work.made(kept), costs)
    if test is not None:
        report(f"Measuring on {len(test[0]):,} test inputs ...")
    measured = work.valid if test is None else _Rows.of(original, *test)
    after = work.score(tuned.model, measured)
    where = f"{len(measured.x):,} {'validation' if test is None else 'test'} inputs"
    recipe = {
        "rule": rule, "kept": [original.parts[number].name for number in tuned.kept], "bits": bits, **options,
        "epochs": epochs, "rate": rate, "batch": batch, **work.teaching,
    }  # fmt: skip
    facts = {
        **original.facts, "recipe": recipe, "seed": seed, "fitted_to": f"{len(rows[0])} rows", "measured_on": where,
        "score": round(after, 3), "unit": "% correct" if measured.labelled else "% of classes as the original",
        "original_score": round(measured.teacher, 3), **_sizes(tuned.model), **(card or {}),
    }  # fmt: skip
    if original.encoder is not None:
        facts["encoder"] = original.encoder.to_dict()
    return Conversion(
        export(tuned.model, name, original.shape, result="class", card=facts), measured.teacher,
        work.score(work.student(tuned.kept), measured), after, where, measured.labelled, tuple(recipe["kept"]), costs,
    )  # fmt: skip


@dataclass(frozen=True)
class _Rows:
    """Inputs as integers, the original's logits for them, and labels or the original's classes."""

    x: np.ndarray
    logits: np.ndarray
    y: np.ndarray
    labelled: bool

    @classmethod
    def of(cls, original, x, y):
        logits = original.logits(x)
        if y is not None and (y.shape != (len(x),) or y.dtype.kind not in "iu"):
            raise InputError(f"`y` must be integers [{len(x)}], not {y.dtype} {list(y.shape)}")
        if y is not None and not 0 <= y.min() <= y.max() < original.classes:
            raise InputError(
                f"`y` must lie in 0 .. {original.classes - 1}, the classes of the original, but holds {y.min()} .. {y.max()}"
            )
        return cls(
            original.integers(x), logits, logits.argmax(1) if y is None else y, y is not None
        )

    @property
    def teacher(self):
        """Score of the original, in percent."""
        return percent_correct(self.logits.argmax(1)[:, None], self.y)


@dataclass(frozen=True)
class _Tuned:
    model: torch.nn.Sequential
    kept: tuple[int, ...]
    valid: float


@dataclass(frozen=True)
class _Work:
    """Converts with different layers kept, always with the same data and settings."""

    original: Original
    rows: _Rows
    valid: _Rows
    rule: str
    bits: int
    options: dict
    teaching: dict
    fitting: dict
    epochs: int
    report: Callable[[str], None]

    def student(self, kept):
        rules = [
            KEPT if number in kept else self.rule for number in range(len(self.original.parts))
        ]
        return student(self.original, rules, bits=self.bits, options=self.options)

    def score(self, model, rows):
        return evaluate(model, rows.x, rows.y, shape=self.original.shape)

    def made(self, kept, epochs=None, what=""):
        """The fine-tuned network with these layers kept, by their numbers."""
        model = self.student(kept)
        teacher = Teacher(torch.as_tensor(self.rows.logits), **self.teaching)

        def report(record):
            self.report(
                f"{what}epoch {record['epoch']} of {record['epochs']}, loss {record['loss']:.4f}, validation {record['score']:.2f}"
            )

        history = fit(
            model, self.rows.x, self.rows.y if self.rows.labelled else None, epochs=epochs or self.epochs,
            shape=self.original.shape, valid=(self.valid.x, self.valid.y), teacher=teacher, report=report, **self.fitting,
        )  # fmt: skip
        return _Tuned(model.eval(), tuple(kept), history[-1]["score"])

    def automatic(self, limit):
        """The network with the fewest layers kept that loses at most `limit` points, and the cost of each layer."""
        wanted = self.valid.teacher - limit
        tuned, costs = self.made((), what="no layer kept: "), {}
        for number in self._order(costs) if tuned.valid < wanted else ():
            kept = sorted({*tuned.kept, number})
            names = ", ".join(self.original.parts[one].name for one in kept)
            tuned = self.made(kept, what=f"kept {names}: ")
            if tuned.valid >= wanted:
                break
        if tuned.valid < wanted:
            raise CheckFailed(
                f"with all layers kept the network loses {self.valid.teacher - tuned.valid:.2f} points, more than {limit:g}: allow a "
                "larger loss, more bits or more epochs"
            )
        return tuned, costs

    def _order(self, costs):
        """Numbers of the layers, the one first that costs most; puts the cost of each into `costs`."""
        numbers = range(len(self.original.parts))
        best = self.made(numbers, TRIAL, "all layers kept: ").valid
        for number in numbers:
            name = self.original.parts[number].name
            others = [one for one in numbers if one != number]
            costs[name] = round(
                best - self.made(others, TRIAL, f"only {name} converted: ").valid, 3
            )
        return sorted(numbers, key=lambda number: -costs[self.original.parts[number].name])


def _original(model, x, bits):
    if isinstance(model, Original):
        return model
    if isinstance(model, Network):
        return of_network(model, x)
    if isinstance(model, torch.nn.Module):
        return of_module(model, x, bits)
    raise InputError(
        f"`model` must be a torch model or a network of tnhw, not {type(model).__name__}"
    )


def _split(x, y, valid, seed):
    """Rows to fit to and rows to hold out, (x, y) each."""
    x, y = np.asarray(x), None if y is None else np.asarray(y)
    if x.ndim < 2 or not len(x) or x.dtype.kind not in "iuf" or not np.isfinite(x).all():
        raise InputError(f"`x` must be finite numbers [n, ...], not {x.dtype} {list(x.shape)}")
    if y is not None and y.shape != x.shape[:1]:
        raise InputError(f"`y` must be labels [{len(x)}], not {list(y.shape)}")
    if isinstance(valid, tuple):
        return (x, y), (np.asarray(valid[0]), None if valid[1] is None else np.asarray(valid[1]))
    held = round(len(x) * valid) if 0 < valid < 1 else 0
    if not 0 < held < len(x):
        raise InputError(
            f"`valid` must be a share above 0 and below 1 that leaves rows on both sides, not {valid} of {len(x)} rows"
        )
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).numpy()
    parts = order[held:], order[:held]
    return tuple((x[part], None if y is None else y[part]) for part in parts)


def _kept(keep, original):
    """Numbers of the layers that are named."""
    names, numbers = [part.name for part in original.parts], set()
    for one in [keep] if isinstance(keep, str | int) else keep:
        if one in names:
            numbers |= {number for number, name in enumerate(names) if name == one}
        elif str(one).isdecimal() and int(one) < len(names):
            numbers.add(int(one))
        else:
            raise InputError(
                f"`keep`: there is no layer {one!r}; the layers are 0 to {len(names) - 1}, or {', '.join(names)}"
            )
    return tuple(sorted(numbers))


def _sizes(model):
    synapses = [layer.p["p"].numel() for layer in model]
    return {
        "synapses": sum(synapses),
        "stored_bits": sum(count * layer.synapse.stored for count, layer in zip(synapses, model, strict=True)),
    }  # fmt: skip
