"""Conversion: the layers of a trained network become layers of a rule of tnhw, with the network itself as the teacher."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..data.encoding import Encoder
from ..errors import InputError
from ..kernel.names import check_design_name
from ..network import Network
from ..support.config import nearest
from ..support.results import Result, Table
from .exporting import export
from .keeping import KEPT, Plan, Rows, Work
from .originals import of_network
from .recipes import LAYERS, OPTIONS
from .tracing import of_module

__all__ = ["Conversion", "convert"]


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
        Layers of the original that are MAC layers in the converted network.
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
    model, x, y=None, *, rule="threshold", keep=(), loss=1.0, valid=0.1, test=None, bits=4, input_bits=None,
    epochs=5, rate=0.01, batch=128, temperature=2.0, share=None, seed=0, threads=1, name="converted",
    card=None, report=lambda text: None, **options,
) -> Conversion:  # fmt: skip
    """Replace the layers of a trained network by layers of another rule, and fine-tune them with it as the teacher.

    Parameters
    ----------
    model : torch.nn.Module, tnhw.network.Network, or function
        It is not changed. A torch model is made of `Linear`, `Conv2d`, `BatchNorm`, `ReLU` and `Flatten`. A function
        makes a `tnhw.train.originals.Original` of inputs [n, ...].
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
        Bits of inputs, 1 to 8, for real inputs. Default: 4 for a torch model; a network keeps its own.
    epochs, rate, batch, seed, threads
        As for `tnhw.train.fit`.
    temperature, share : float
        See `tnhw.train.distilling.Teacher`; the default of `share` is 0.5, or 1 without labels.
    name, card : str, dict
        Of the network; more facts are put into the card.
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
    _check(name, rule, options, bits, input_bits, loss)
    torch.set_num_threads(threads)
    rows, held = _split(x, y, valid, seed)
    tested = held if test is None else _pair("test: ", test[0], test[1], rows[0].shape[1:])
    original = _original(model, rows[0], input_bits)
    if original.classes < 2:
        raise InputError("the model gives one number; only models that give a class are converted")
    kept = None if isinstance(keep, str) and keep == "auto" else _kept(keep, original)
    plan = Plan(original, rule, bits, options)
    plan.student(kept or ())  # refuses what cannot be made, before the original computes much
    report(f"Computing what the original says of {len(rows[0]):,} inputs ...")
    teaching = {"temperature": temperature, "share": share}
    if share is None:
        teaching["share"] = 1.0 if y is None else 0.5
    fitting = {"rate": rate, "batch": batch, "seed": seed, "threads": threads}
    known, valid = (Rows.of(original, those[0], those[1], report) for those in (rows, held))
    work = Work(plan, known, valid, teaching, epochs, fitting, report)
    tuned, costs = work.automatic(loss) if kept is None else (work.made(kept), {})
    where = f"{len(tested[0]):,} {'validation' if test is None else 'test'} inputs"
    report(f"Measuring on {where} ...")
    measured = valid if test is None else Rows.of(original, tested[0], tested[1], report)
    names = tuple(original.parts[number].name for number in tuned.kept)
    facts = {
        "recipe": {"rule": rule, "kept": list(names), "bits": bits, **options, "epochs": epochs, **teaching, **fitting},
        "fitted_to": f"{len(rows[0]):,} inputs", **(card or {}),
    }  # fmt: skip
    return _made(work, tuned, measured, costs, name, where, names, facts)


def _made(work, tuned, measured, costs, name, where, names, facts):
    """The record of a conversion."""
    original, after = work.plan.original, work.score(tuned.model, measured)
    facts = original.facts | facts | _sizes(tuned.model)
    facts |= {
        "measured_on": where, "score": round(after, 3), "original_score": round(measured.teacher, 3),
        "unit": "% correct" if measured.labelled else "% of classes as the original",
    }  # fmt: skip
    if original.encoder is not None:
        facts["encoder"] = original.encoder.to_dict()
    network = export(tuned.model, name, original.shape, result="class", card=facts)
    before = work.score(work.plan.student(tuned.kept), measured)
    return Conversion(
        network, measured.teacher, before, after, where, measured.labelled, names, costs
    )


def _check(name, rule, options, bits, input_bits, loss):
    check_design_name(name)
    if rule not in LAYERS:
        raise InputError(f"there is no rule {rule!r} that is trained; {nearest(rule, LAYERS)}")
    known = {*OPTIONS.get(rule, ()), *OPTIONS[KEPT]}
    if odd := sorted({*options} - known):
        raise InputError(
            f"rule `{rule}` has no option `{odd[0]}`; it has {', '.join(sorted(known))}"
        )
    given = {"bits": bits} | ({} if input_bits is None else {"input_bits": input_bits})
    for what, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 8:
            raise InputError(f"`{what}` must be an integer of 1 to 8, not {value!r}")
    if not 0 <= loss <= 100:
        raise InputError(f"`loss` must be points from 0 to 100, not {loss}")


def _original(model, x, bits):
    if isinstance(model, torch.nn.Module):
        return of_module(model, x, bits or 4)
    if isinstance(model, Network):
        encoder = Encoder.of_card(model.card, model.inputs, model.name)
        return of_network(model, x, encoder=encoder, bits=bits)
    if callable(model):
        return model(x)
    raise InputError(
        f"`model` must be a torch model or a network of tnhw, not {type(model).__name__}"
    )


def _pair(name, x, y, shape=None):
    """Inputs x [n, ...] and labels y [n] or None as arrays; `shape` is that of one input, if it is known."""
    x, y = np.asarray(x), None if y is None else np.asarray(y)
    if x.ndim < 2 or not len(x) or x.dtype.kind not in "iuf" or not np.isfinite(x).all():
        raise InputError(
            f"{name}`x` must be finite numbers [n, ...], not {x.dtype} {list(x.shape)}"
        )
    if shape is not None and x.shape[1:] != shape:
        raise InputError(
            f"{name}`x` must have inputs of the shape {list(shape)}, not {list(x.shape[1:])}"
        )
    if y is not None and (y.shape != x.shape[:1] or y.dtype.kind not in "iu"):
        raise InputError(f"{name}`y` must be integers [{len(x)}], not {y.dtype} {list(y.shape)}")
    return x, y


def _split(x, y, valid, seed):
    """Rows to fit to and rows to hold out, (x, y) each."""
    x, y = _pair("", x, y)
    if isinstance(valid, tuple):
        return (x, y), _pair("validation: ", valid[0], valid[1], x.shape[1:])
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
    synapses, bits = (sum(column) for column in zip(*(layer.sizes for layer in model), strict=True))
    return {"synapses": synapses, "stored_bits": bits}
