"""Kernels: z_j = bias_j + sum_i t(x_i, p_ij), as numbers and as hardware.

A :class:`Kernel` is checked when it is made, and does not change afterwards. :meth:`Kernel.golden` is the integer
function that defines what the hardware must compute; :meth:`Kernel.create` makes the hardware.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from amaranth.lib.wiring import Component
from pydantic import PrivateAttr, ValidationError

from ..errors import InputError
from ..gates.kernels import ARCHITECTURES
from ..gates.kernels.axi import AxiStream
from ..hardware import Hardware
from ..hardware.interface import Arrays
from ..pictures import Pictured
from ..pictures.data_flow import formula
from ..pictures.svg import Diagram
from ..support.config import content, explain, read_toml
from ..synapse import Format
from . import own_keys, stimuli
from . import parameters as arrays_of
from .checks import check_interval, check_keys
from .diagram import kernel_diagram
from .keys import Keys
from .streams import Streams

__all__ = ["Kernel"]

# Keys that were added later. At their defaults they are left out of the identity, so that bitstreams that were built
# before still match the kernel.
YOUNGER_KEYS = {"adder", "excitatory", "sharing"}


class Kernel(Pictured, Streams):
    """A kernel: rule x formats x size x architecture x parameter storage.

    It is made from the keys of a kernel TOML, which :class:`tnhw.kernel.keys.Keys` describes, and parameter arrays.

    Parameters
    ----------
    arrays : dict of array_like, optional
        The kernel's own parameters: the arrays of the rule, integers [outputs, inputs], and ``bias`` [outputs], which
        may be left out if it is 0. Needed for storage `constant`.
    where : str, optional
        Beginning of error messages; by default the kernel's name.
    **keys
        See :class:`tnhw.kernel.keys.Keys`, and `tnhw.kernel.own_keys` for keys of one rule or architecture.

    Raises
    ------
    InputError
        If a key or an array is wrong, or they do not go together.
    """

    _made: Component | None = PrivateAttr(None)
    _times: tuple[int, int] | None = PrivateAttr(None)

    def __init__(self, *, arrays: Any = None, where: str | None = None, **keys: Any) -> None:
        where = where or f"kernel {keys.get('name', '')}".strip()
        keys, own = own_keys.read(keys, where)
        try:
            super().__init__(**keys)
        except ValidationError as error:
            raise InputError(explain(type(self), error, where)) from None
        self._own = own
        try:
            check_keys(self)
            _ = self.synapse, self.bias_format  # these raise InputError if keys are wrong
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if arrays is not None:
            checked = self.check_parameters(arrays, where)
            self._arrays = {name: arrays_of.fixed(array) for name, array in checked.items()}
        elif self.storage == "constant":
            raise InputError(
                f"{where}: storage `constant` needs `parameters`: name an npz file, or give arrays"
            )
        try:
            check_interval(self)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None

    @classmethod
    def from_toml(cls, path: str | Path) -> Kernel:
        """Read a kernel from a TOML file, with the parameters in the file that it names.

        Raises
        ------
        InputError
            If a file cannot be read, or a key or an array is wrong.
        """
        path = Path(path)
        keys = read_toml(path)
        own_keys.refuse_unknown(keys, str(path))
        arrays = None
        if isinstance(keys.get("parameters"), str):
            arrays = arrays_of.read(path.parent / keys["parameters"])
        return cls(arrays=arrays, where=str(path), **keys)

    # Copies and comparisons

    def all_keys(self) -> dict[str, Any]:
        """All keys with their values; of the keys of its rule or architecture, only those that were given."""
        return {key: getattr(self, key) for key in Keys.model_fields} | own_keys.given(self._own)

    def with_keys(self, **changes: Any) -> Kernel:
        """The same kernel with other keys: ``kernel.with_keys(interface="axi-stream", beat=4)``."""
        return type(self)(**({"arrays": self.arrays} | self.all_keys() | changes))

    def without_parameters(self) -> Kernel:
        """The same kernel with storage `memory` and no parameters of its own: they have to be loaded."""
        return type(self)(**(self.all_keys() | {"parameters": None, "storage": "memory"}))

    def __reduce__(self):
        return _again, (
            type(self),
            self.all_keys(),
            self.arrays,
        )  # without what has been computed from these

    def __copy__(self):
        return self

    def __deepcopy__(self, memo=None):
        return self

    @cached_property
    def _content(self):
        """All keys except `parameters`, the name of the file, and the arrays themselves."""
        keys = (getattr(self, key) for key in Keys.model_fields if key != "parameters")
        return *keys, content(own_keys.changed(self._own)), content(self._arrays)

    # Hardware

    def create(self, interface: str | None = None) -> Component:
        """The gates: a component with streams `i` and `o`, and `p` for storage `memory`.

        Parameters
        ----------
        interface : str, optional
            ``stream`` or ``axi-stream``, by default the kernel's own.

        Returns
        -------
        amaranth.lib.wiring.Component
            With attributes `latency` (cycles from a vector's last beat to its result) and `interval` (cycles from
            vector to vector), both if nothing stalls.
        """
        interface = interface or self.interface
        if interface == self.interface and self._made is not None:
            component, self._made = self._made, None
            return component
        core = ARCHITECTURES[self.architecture](self)
        component = AxiStream(core) if interface == "axi-stream" else core
        if interface == self.interface:
            self._times = component.latency, component.interval
        return component

    def _timing(self) -> tuple[int, int]:
        if self._times is None:
            self._made = self.create()  # the next call of `create` returns it
        assert self._times is not None
        return self._times

    @property
    def latency(self) -> int:
        """Cycles from the acceptance of a vector's last beat to its (first) result beat, if nothing stalls."""
        return self._timing()[0]

    @property
    def interval(self) -> int:
        """Initiation interval: cycles from vector to vector, if nothing stalls."""
        return self._timing()[1]

    @property
    def images(self) -> int:
        """Vectors that are computed side by side: always 1."""
        return 1

    @property
    def wired_bits(self) -> int:
        """Bits of x and parameter, summed over all synapses, if each synapse has gates of its own; else 0."""
        if self.architecture == "serial":
            return 0
        bits = self.input.bits + (self.parameter.bits if self.parameter else 2)
        return self.inputs * self.outputs * bits

    # Vectors and parameters for tests

    def random_input(self, rng: np.random.Generator, vectors: int) -> np.ndarray:
        """Random vectors over all values of `input`: int64 [vectors, inputs]."""
        return stimuli.random_input(self, rng, vectors)

    def random_parameters(
        self, rng: np.random.Generator, vectors: int | None = None
    ) -> dict[str, np.ndarray]:
        """Random parameters over all allowed values; with `vectors` a set for each of so many vectors."""
        return stimuli.random_parameters(self, rng, vectors)

    def corner_parameters(self) -> list[dict[str, np.ndarray]]:
        """Parameter sets with every array at an end of its range: a list of dicts of arrays."""
        return stimuli.corner_parameters(self)

    def extreme_parameters(self, x: np.ndarray) -> list[dict[str, np.ndarray]]:
        """The first and the last of the corner parameters, and those with the smallest and largest sum for `x`."""
        return stimuli.extreme_parameters(self, x)

    def edges(self, x: np.ndarray, p: Arrays | None, count: int) -> list[int]:
        """Indices of vectors in x [n, inputs] whose results are at a step of the output or at an end."""
        return stimuli.edges(self, x, p, count)

    def edge_vectors(self, x: np.ndarray, p: Arrays | None, count: int) -> np.ndarray:
        """These vectors themselves."""
        return x[self.edges(x, p, count)]

    # What others say of it

    @property
    def title(self) -> str:
        return f"{self.rule} kernel, {self.inputs} inputs, {self.outputs} outputs"

    def diagram(self) -> Diagram:
        """A picture of its data flow."""
        return kernel_diagram(self)

    def __repr__(self) -> str:
        """The keys that are not at their defaults, as a kernel TOML has them."""
        keys = ((key, getattr(self, key), field) for key, field in Keys.model_fields.items())
        shown = {
            key: value
            for key, value, field in keys
            if field.is_required() or value != field.default
        }
        shown |= own_keys.changed(self._own)
        texts = (
            f"{key}={(str(value) if isinstance(value, Format) else value)!r}"
            for key, value in shown.items()
        )
        return f"Kernel({', '.join(texts)})"

    __str__ = __repr__  # pydantic has another one

    def facts(self) -> dict[str, Any]:
        """What the manifest says of the kernel besides names, times and streams: a dict for JSON."""
        keys = {key: getattr(self, key) for key in Keys.model_fields if key != "parameters"}
        keys |= own_keys.changed(self._own)
        formats = {
            "input": self.input,
            "parameter": self.parameter,
            "bias": self.bias_format,
            "sum": self.sum_format,
            "output": self.output_format,
        }
        record: dict[str, Any] = {
            "formula": self._formula(),
            "kernel": {k: str(v) if isinstance(v, Format) else v for k, v in keys.items()},
            "form": self.synapse.form,
            "formats": {key: str(number) if number else None for key, number in formats.items()},
            "word": {name: str(field) for name, field in self.synapse.fields.items()},
            "stored_bits": self.synapse.word_bits,
        }
        if self._arrays is not None:
            record["parameters"] = {
                name: hashlib.sha256(array.astype("<i8").tobytes()).hexdigest()
                for name, array in sorted(self._arrays.items())
            }
        if self.storage == "ports":
            biases = ", then the biases" if self.bias is not None else ""
            record["payload"] = f"above them the parameter words, output by output{biases}"
        if self.storage == "memory":
            record["load"] = (
                f"{'in one beat, ' if self.beats_p == 1 else ''}"
                f"output by output: {self.inputs} parameter words, then the bias with every "
                f"constant folded, modulo 2^{self.sum_format.bits}"
            )
        return record

    def _formula(self) -> str:
        """What output j is, in a line."""
        total = f"sum over i of {formula(self.synapse)}"
        total += " + bias[j]" if self.bias is not None else ""
        if self.output is None:
            return f"y[j] = {total}"
        scaled = f"({total}) / 2^{self.shift}, rounded" if self.shift else total
        return f"y[j] = {scaled}, clamped to {self.output}"

    def options(self) -> dict[str, Any]:
        """Options with which the kernel is made again from its file: none."""
        return {}

    def identity(self) -> Iterator[str]:
        """Lines of text that differ if what the hardware computes differs.

        Parameters are part of them if they are constant, but not if they are loaded.
        """
        fields = Keys.model_fields
        told = {key: getattr(self, key) for key in fields}
        for key in ("parameters", "interface", "beat"):
            del told[key]
        for key in YOUNGER_KEYS:
            if told[key] == fields[key].default:
                del told[key]
        for key, value in sorted((told | own_keys.changed(self._own)).items()):
            yield f"{key}={value}"
        if self.storage == "constant":
            assert self._arrays is not None
            for key, array in sorted(self._arrays.items()):
                yield f"{key}={array.tolist()}"


def _again(cls, keys, arrays):
    return cls(arrays=arrays, **keys)


if TYPE_CHECKING:  # a type checker compares each member with the interface
    _: type[Hardware] = Kernel
