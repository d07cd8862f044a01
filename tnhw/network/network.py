"""Networks: layers in a row, from an input vector to a class or a result vector.

A network is one npz file: a member ``header`` (JSON), and the parameter arrays of each layer under the names
``<layer>.<array>``. Nothing in the file is ever unpickled.
"""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from ..errors import InputError
from ..kernel import parameters as arrays_of
from ..kernel.keys import FormatKey
from ..kernel.names import check_design_name
from ..pictures import Pictured
from ..pictures.svg import Diagram
from ..support.config import ByContent, Record, content, explain, parse_json, plain_copy, validate
from ..support.files import write_files
from ..synapse import Format
from .layer import Layer, LayerKeys

__all__ = ["Network"]

KIND = "tnhw-network"
VERSION = 1
MAX_LAYERS = 128
MAX_INPUTS = 1 << 16
MAX_NESTING = 64

Extent = Annotated[int, Field(ge=1, le=MAX_INPUTS)]


class _Header(Record):
    """The header of a network's file."""

    kind: Literal["tnhw-network"]
    version: Literal[1]
    name: str
    input: FormatKey
    shape: Annotated[list[Extent], Field(min_length=1, max_length=3)]
    result: Literal["class", "vector"] = "class"
    layers: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_LAYERS)]
    card: dict[str, Any] = {}


class Network(Pictured, ByContent):
    """A network with its parameters.

    Parameters
    ----------
    name : str
    input : Format or str
        Format of an element of the input vector.
    shape : list of int
        Shape of the input: [inputs], or [height, width, channels]; elements are in raster order,
        channels last.
    layers : list of dict
        See `tnhw.network.layer.LayerKeys`; `name` may be left out.
    arrays : list of dict of arrays
        Parameters of each layer, integers; for their shapes see `Layer`.
    result : str
        ``class``: the index of the largest output, the first if several are equal; ``vector``: the outputs
        of the last layer.
    card : dict
        Facts about the model for people: data, licence, recipe, seed, accuracy. It must go into JSON.

    Attributes
    ----------
    layers : tuple of Layer

    Raises
    ------
    InputError
        If a key is wrong, or a layer does not fit what is before it; the message names the layer.
    """

    def __init__(
        self,
        name: Any,
        input: Any,
        shape: Any,
        layers: Any,
        arrays: Sequence[Mapping[str, Any]],
        result: Any = "class",
        card: Any = None,
        *,
        where: str | None = None,
    ) -> None:
        where = where or f"network {name}"
        if _deep(card):
            raise InputError(f"{where}: `card` is nested deeper than {MAX_NESTING} levels")
        try:
            header = _Header(
                kind=KIND,  # type: ignore[arg-type]
                version=VERSION,  # type: ignore[arg-type]
                name=name,
                input=input,
                shape=list(shape),
                result=result,
                layers=list(layers),
                card=plain_copy(card or {}),
            )
        except ValidationError as error:
            raise InputError(explain(_Header, error, where)) from None
        if len(arrays) != len(header.layers):
            raise InputError(
                f"{where}: {len(header.layers)} layers, but parameters for {len(arrays)}"
            )
        self._header = header
        try:
            check_design_name(name)
            self.layers = tuple(self._layers(header, arrays))
        except InputError as error:
            raise InputError(f"{where}: {error}") from None

    @staticmethod
    def _layers(header, arrays):
        number, shape = header.input, tuple(header.shape)
        if len(shape) == 2 or int(np.prod(shape)) > MAX_INPUTS:
            raise InputError(
                f"`shape` must be [inputs] or [height, width, channels], at most {MAX_INPUTS} "
                f"elements, not {list(shape)}"
            )
        names = set()
        for position, (keys, own) in enumerate(zip(header.layers, arrays, strict=True)):
            keys = {"name": f"{keys.get('kind', 'layer')}{position}", **keys}
            keys = validate(LayerKeys, keys, f"layer `{keys['name']}`")
            last = position == len(header.layers) - 1
            if keys.name in names:
                raise InputError(f"layer `{keys.name}`: another layer has the same name")
            if keys.output is None and not last:
                raise InputError(f"layer `{keys.name}`: only the last layer may lack `output`")
            if keys.kind == "conv" and len(shape) != 3:
                raise InputError(
                    f"layer `{keys.name}`: a convolution needs an image [height, width, channels] "
                    f"before it, not {list(shape)}"
                )
            names.add(keys.name)
            layer = Layer(keys, number, shape, own)
            number = keys.output
            shape = layer.out_shape if keys.kind == "conv" else layer.out_shape[2:]
            yield layer
        if header.result == "class" and layer.positions > 1:
            raise InputError(
                f'layer `{keys.name}`: a convolution cannot be the last layer with `result = "class"`'
            )

    # Facts

    @property
    def _content(self):
        header = self._header
        return content(
            (header.name, header.input, header.shape, header.result, header.card, self.layers)
        )

    @property
    def name(self) -> str:
        return self._header.name

    @property
    def input(self) -> Format:
        """Format of an input element."""
        return self._header.input

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the input: (inputs,) or (height, width, channels)."""
        return tuple(self._header.shape)

    @property
    def result(self) -> str:
        return self._header.result

    @property
    def title(self) -> str:
        """What the network is, in one line: sizes, rules, number of synapses."""
        rules = list(dict.fromkeys(layer.keys.rule for layer in self.layers))
        sizes = [str(self.inputs)] + [
            "x".join(map(str, layer.out_shape))
            if layer.keys.kind == "conv"
            else str(layer.keys.outputs)
            for layer in self.layers
        ]
        return f"{'-'.join(sizes)}, {' and '.join(rules)}, {self.synapses} synapses"

    def diagram(self) -> Diagram:
        """A picture of its layers in a design of 64 lanes."""
        from .folding import fold  # imported here, because that module imports this one

        return fold(self).diagram()

    def __repr__(self):
        return f"<Network {self.name}: {self.title}; {self.input} in, {self.result} out>"

    @property
    def card(self) -> dict[str, Any]:
        """Facts about the model for people: a copy of the dict."""
        return copy.deepcopy(self._header.card)

    @property
    def inputs(self) -> int:
        """Elements of an input vector."""
        return int(np.prod(self.shape))

    @property
    def outputs(self) -> int:
        """Outputs of the last layer; for a classifier, the number of classes."""
        return int(np.prod(self.layers[-1].out_shape))

    @property
    def synapses(self) -> int:
        return sum(layer.synapses for layer in self.layers)

    @property
    def operations(self) -> int:
        """Terms that are computed for one vector."""
        return sum(layer.synapses * layer.positions for layer in self.layers)

    @cached_property
    def output_format(self) -> Format:
        """Format of an element of the result."""
        if self.result == "class":
            return Format.of_interval(0, max(1, self.outputs - 1))
        return self.layers[-1].output_format

    # Mathematics

    def golden(self, x: Any) -> np.ndarray:
        """Outputs of the last layer for vectors x [n, inputs]: int64 [n, outputs].

        For one vector x [inputs] they are an array [outputs]; `classes` and `results` also take one vector.

        Raises
        ------
        InputError
            If `x` has a wrong shape, type or value.
        """
        if arrays_of.one_vector(x):
            return self.golden([x])[0]
        x = self.check_x(x)
        for layer in self.layers:
            x = layer.golden(x)
        return x.reshape(len(x), -1)

    def classes(self, x: Any) -> np.ndarray:
        """Index of the largest output of each vector, the first if several are equal: int64 [n], or one integer."""
        return self.golden(x).argmax(axis=-1)

    def results(self, x: Any) -> np.ndarray:
        """What the hardware must answer: int64 [n, 1] with classes, or [n, outputs]."""
        return self.classes(x)[..., None] if self.result == "class" else self.golden(x)

    def trace(self, x: Any) -> list[np.ndarray]:
        """Exact sums z of every layer, a list of int64 arrays [n, *out_shape] ([n, outputs] if dense)."""
        x, sums = self.check_x(x), []
        for layer in self.layers:
            z = layer.sums(x)
            sums.append(z if layer.keys.kind == "conv" else z.reshape(len(x), -1))
            x = layer.requantiser.golden(z)
        return sums

    def with_arrays(self, arrays: Mapping[str, Any]) -> Network:
        """The same network with other parameters: a dict of arrays by ``layer.array``, as in its file.

        Raises
        ------
        InputError
            If an array is missing, unknown, or does not fit.
        """
        names = {f"{layer.name}.{name}" for layer in self.layers for name in layer.arrays}
        if names != set(arrays):
            odd = sorted(names ^ set(arrays))[0]
            state = "missing" if odd in names else "not one of this network's"
            raise InputError(f"network {self.name}: the array `{odd}` is {state}")
        own = [{n: arrays[f"{layer.name}.{n}"] for n in layer.arrays} for layer in self.layers]
        return Network(
            self.name,
            self.input,
            list(self.shape),
            [_plain(layer.keys) for layer in self.layers],
            own,
            self.result,
        )

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Parameters by ``layer.array``; the arrays cannot be written to."""
        return {
            f"{layer.name}.{name}": array
            for layer in self.layers
            for name, array in layer.arrays.items()
        }

    def random_input(self, rng: np.random.Generator, vectors: int) -> np.ndarray:
        """Random vectors over all values of `input`: int64 [vectors, inputs]."""
        number = self.input
        return rng.integers(number.min, number.max, (vectors, self.inputs), np.int64, endpoint=True)

    def check_x(self, x: Any) -> np.ndarray:
        """Check vectors and return them as int64 [n, inputs]; raises InputError if they do not fit."""
        return arrays_of.vectors(x, self.inputs, self.input, f"network {self.name}")

    # Files

    @property
    def header(self) -> dict[str, Any]:
        """What its file holds besides the arrays: a dict for JSON."""
        return copy.deepcopy(
            _plain(self._header) | {"layers": [_plain(layer.keys) for layer in self.layers]}
        )

    def save(self, path: str | Path) -> None:
        """Write the npz file, completely or not at all. The same network gives the same bytes."""
        members: dict[str, Any] = {
            "header": np.array(json.dumps(self.header, sort_keys=True, indent=1))
        }
        for layer in self.layers:
            for name, array in sorted(layer.arrays.items()):
                number = Format.of_interval(int(array.min()), int(array.max()))
                members[f"{layer.name}.{name}"] = array.astype(number.numpy)
        file, data = Path(path), io.BytesIO()
        np.savez_compressed(data, **members)
        write_files(file.parent, {file.name: data.getvalue()})

    @classmethod
    def load(cls, path: str | Path) -> Network:
        """Read a network from an npz file.

        Raises
        ------
        InputError
            If the file is missing, is not a network, or holds keys or arrays that do not go together.
        """
        members = arrays_of.read(path)
        if "header" not in members:
            raise InputError(
                f"{path}: not a network: it has no member `header`; export one with `tnhw train`"
            )
        keys = parse_json(str(members.pop("header")), f"{path}: `header`")
        header = validate(_Header, keys, f"{path}: `header`")
        names = [
            str(keys.get("name", f"{keys.get('kind')}{k}")) for k, keys in enumerate(header.layers)
        ]
        arrays: list[dict[str, np.ndarray]] = [{} for _ in names]
        for member, array in members.items():
            layer, _, name = member.rpartition(".")
            if layer not in names:
                raise InputError(f"{path}: the array `{member}` belongs to no layer")
            arrays[names.index(layer)][name] = array
        return cls(
            header.name,
            header.input,
            header.shape,
            header.layers,
            arrays,
            header.result,
            header.card,
            where=str(path),
        )


def _plain(record):
    """Keys that were given for a record, for JSON; formats as text."""
    values = {key: getattr(record, key) for key in record.model_fields_set}
    return {key: str(v) if isinstance(v, Format) else v for key, v in sorted(values.items())}


def _deep(value):
    """Whether dicts and lists are nested deeper than `MAX_NESTING`, too deeply for recursive functions."""
    level = [value]
    for _ in range(MAX_NESTING):
        level = [
            one
            for holder in level
            if isinstance(holder, (dict, list))
            for one in (holder.values() if isinstance(holder, dict) else holder)
        ]
    return bool(level)
