"""One layer of a network: a kernel, and which of the activations before it are its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, PlainValidator

from ..errors import InputError
from ..kernel import Kernel
from ..kernel import parameters as arrays_of
from ..kernel.keys import MAX_SHIFT, FormatKey
from ..kernel.names import check_name
from ..support.config import ByContent, Record, content
from ..synapse import Format
from . import lines
from .rectifiers import Rectifiers, rectifiers
from .requantisers import REQUANTISERS, Requantiser

__all__ = ["Layer", "LayerKeys"]

MANY = 1_000_000  # terms from which matrix products are faster

Size = Annotated[int, Field(ge=1, le=64)]


def _directions(key: str, count: int, low: int, high: int) -> Any:
    """The type of a key that is a number for all directions, or a list of `count` numbers, each from `low` to `high`."""

    def check(value: Any) -> int | list[int]:
        numbers = value if isinstance(value, list) else [value]
        if not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers) or (
            isinstance(value, list) and len(value) != count
        ):
            raise ValueError(f"`{key}` must be an integer or a list of {count}, not {value!r:.60}")
        for number in numbers:
            if not low <= number <= high:
                word, end = ("greater", low) if number < low else ("less", high)
                raise ValueError(f"`{key}` must be {word} than or equal to {end}, not {number}")
        return value

    return Annotated[int | list[int], PlainValidator(check)]


class LayerKeys(Record):
    """The keys of a layer in a network's file.

    Attributes
    ----------
    name : str
        Used in messages and in the names of Verilog modules.
    kind : str
        ``dense``: every output sees all inputs; ``conv``: a window that moves over an image.
    rule, parameter, gain, output, shift
        As for a kernel. Without `output` the layer gives its exact sums.
    requantise : str
        How sums become results: ``shift``, ``staircase`` or ``scale``; see `tnhw.network.requantisers`.
    outputs : int
        Number of outputs; of a convolution, channels of the result.
    complement : bool
        Whether each input x is followed by a second synapse that sees its complement ``max + min - x``. The
        inputs of the kernel are all x, then all complements; in a convolution, so at every tap.
    kernel, stride, dilation, padding : for ``conv``
        Height and width of the window; its step, and the distance of its taps, each a number or one for down and one
        for across; and the rows and columns around the image that contribute no term: a number, or four for top, left,
        bottom and right.
    """

    name: str
    kind: Literal["dense", "conv"]
    rule: str
    outputs: Annotated[int, Field(ge=1, le=1024)]
    parameter: FormatKey | None = None
    gain: bool = False
    complement: bool = False
    output: FormatKey | None = None
    shift: Annotated[int, Field(ge=-MAX_SHIFT, le=MAX_SHIFT)] = 0
    requantise: Literal["shift", "staircase", "scale"] = "shift"
    kernel: Annotated[list[Size], Field(min_length=2, max_length=2)] | None = None
    stride: _directions("stride", 2, 1, 64) | None = None  # type: ignore[valid-type]
    dilation: _directions("dilation", 2, 1, 64) | None = None  # type: ignore[valid-type]
    padding: _directions("padding", 4, 0, 63) | None = None  # type: ignore[valid-type]


class Layer(ByContent):
    """A layer at its place in a network.

    Parameters
    ----------
    keys : LayerKeys
    input : Format
        Format of an input element.
    in_shape : (int, int, int)
        Height, width, channels of its input; a dense layer sees them as one row.
    arrays : dict of arrays
        The arrays of the rule, each [outputs, inputs], or [outputs, height, width, channels] for a
        convolution; ``bias`` [outputs]; and those of `requantise`. All are integers.

    Raises
    ------
    InputError
        If keys, shape and arrays do not go together; the message names the layer.

    Attributes
    ----------
    kernel : Kernel
        Computes the outputs at one position; only with ``requantise = "shift"`` it requantises them too.
    requantiser : Requantiser
        What happens to the sums at each output channel.
    in_shape, out_shape : (int, int, int)
        Height, width, channels. For a dense layer, height and width are 1.
    taps : (int, int)
        Height and width of the window; (1, 1) for a dense layer.
    strides, dilations : (int, int)
        Its step, and the distance of its taps, down and across.
    pads : (int, int, int, int)
        Rows and columns of padding at the top, left, bottom and right.
    """

    def __init__(
        self, keys: LayerKeys, input: Format, in_shape: Sequence[int], arrays: Mapping[str, Any]
    ) -> None:
        self.keys, self.input = keys, input
        where = f"layer `{keys.name}`"
        try:
            check_name(keys.name)
            self._place(in_shape)
            if keys.output is not None and keys.output.bits > 32:
                raise InputError(f"`output` must have at most 32 bits, not {keys.output}")
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        kind = REQUANTISERS[keys.requantise]
        flat = {
            name: self._flat(name, array, where)
            for name, array in arrays.items()
            if name not in kind.names
        }
        self.kernel = self._kernel(flat, where, storage="constant")
        try:
            self.requantiser: Requantiser = kind(
                keys, self.kernel, {name: arrays[name] for name in kind.names if name in arrays}
            )
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if any(self.pads) and self.kernel.synapse.term(0, self.kernel.arrays).any():
            raise InputError(
                f"{where}: `padding` contributes no term, but rule `{keys.rule}` with these "
                "parameters has one for x = 0; use padding 0"
            )

    def _kernel(self, arrays, where, **storage):
        keys = self.keys
        return Kernel(
            arrays=arrays,
            where=where,
            name="layer",  # not the layer's own name, which may be one that a module must not have
            rule=keys.rule,
            architecture="serial",
            inputs=self.fan_in,
            outputs=keys.outputs,
            input=self.input,
            parameter=keys.parameter,
            gain=keys.gain,
            output=keys.output if keys.requantise == "shift" else None,
            shift=keys.shift if keys.requantise == "shift" else 0,
            **storage,
        )

    @cached_property
    def loadable(self) -> Kernel:
        """The kernel in a form whose parameters can be loaded: its formats hold whatever may be loaded.

        The format of its bias holds the sum of all terms at their extremes, and the layer's own biases.
        """
        arrays, ends = self.kernel.arrays, self.kernel.synapse.interval()
        ends = [self.fan_in * int(end) for end in ends]
        bias = Format.of_interval(min(*ends, *arrays["bias"]), max(*ends, *arrays["bias"]))
        return self._kernel(arrays, f"layer `{self.name}`", storage="memory", bias=str(bias))

    def _place(self, in_shape):
        """Set shapes and everything about the window from the keys and the shape of the input."""
        keys = self.keys
        window = ("kernel", "stride", "dilation", "padding")
        given = [key for key in window if getattr(keys, key) is not None]
        self.strides, self.dilations, self.pads = (1, 1), (1, 1), (0, 0, 0, 0)
        if keys.kind == "dense":
            if given:
                raise InputError(f"a dense layer has no `{given[0]}`: leave it out")
            self.in_shape = (1, 1, int(np.prod(in_shape)))
            self.taps = (1, 1)
        else:
            if keys.kernel is None:
                raise InputError("a convolution needs `kernel`, its height and width")
            self.in_shape = tuple(in_shape)
            self.taps = tuple(keys.kernel)
            self.strides = _each(keys.stride or 1, 2)
            self.dilations = _each(keys.dilation or 1, 2)
            self.pads = _each(keys.padding or 0, 4)
        extents = [(k - 1) * d + 1 for k, d in zip(self.taps, self.dilations, strict=True)]
        for pad, extent in zip(self.pads, extents * 2, strict=True):
            if pad >= max(2, extent):
                raise InputError(
                    f"`padding` must be less than the window {list(self.taps)}, not {keys.padding}"
                )
        size = [
            (n + before + after - extent) // stride + 1
            for n, before, after, extent, stride in zip(
                self.in_shape[:2], self.pads[:2], self.pads[2:], extents, self.strides, strict=True
            )
        ]
        if min(size) < 1:
            raise InputError(
                f"a window of {list(self.taps)} does not fit into {list(self.in_shape[:2])}"
            )
        self.out_shape = (*size, keys.outputs)

    def _flat(self, name, array, where):
        """An array in the shape that the kernel takes, [outputs, inputs]."""
        array = np.asarray(array)
        if self.keys.kind == "dense" or name == "bias":
            return array
        expected = (self.keys.outputs, *self.taps, self.channels)
        if array.shape != expected:
            raise InputError(
                f"{where}: `{name}` must have the shape {expected} = [outputs, height, width, "
                f"channels], not {array.shape}"
            )
        return array.reshape(self.keys.outputs, -1)

    @property
    def _content(self):
        return content((self.keys, self.in_shape, self.kernel, self.requantiser))

    def __repr__(self):
        sizes = " to ".join("x".join(map(str, shape)) for shape in (self.in_shape, self.out_shape))
        formats = f"{self.input} in, {self.output_format} out"
        return f"<Layer {self.name}: {self.keys.kind} {self.keys.rule}, {sizes}; {formats}>"

    @property
    def name(self) -> str:
        return self.keys.name

    @property
    def output_format(self) -> Format:
        """Format of a result."""
        return self.requantiser.format

    @property
    def channels(self) -> int:
        """Inputs of the kernel at one tap: the channels, or twice as many with `complement`."""
        return self.in_shape[2] * (1 + self.keys.complement)

    @property
    def fan_in(self) -> int:
        """Inputs of the kernel."""
        return self.taps[0] * self.taps[1] * self.channels

    @property
    def positions(self) -> int:
        """Positions of the window for one image; 1 for a dense layer."""
        return self.out_shape[0] * self.out_shape[1]

    @cached_property
    def lines_needed(self) -> tuple[int, ...]:
        """See `tnhw.network.lines.needed`."""
        return lines.needed(self)

    @cached_property
    def lines_freed(self) -> tuple[int, ...]:
        """See `tnhw.network.lines.freed`."""
        return lines.freed(self)

    @property
    def least_lines(self) -> int:
        """The fewest rows of its input images that the layer must hold."""
        before = (0, *self.lines_freed)
        return max(now - then for now, then in zip(self.lines_needed, before, strict=False))

    @property
    def synapses(self) -> int:
        """Stored synapses; an input and its complement have one each."""
        return self.fan_in * self.keys.outputs

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Parameter arrays in the shapes in which they were given; they cannot be written to."""
        own = {name: self.shaped(name, array) for name, array in self.kernel.arrays.items()}
        return own | self.requantiser.arrays

    def shaped(self, name: str, array: np.ndarray) -> np.ndarray:
        """An array of the kernel in the shape that the layer takes: the inverse of what the kernel needs."""
        if self.keys.kind == "dense" or name == "bias":
            return array
        return array.reshape(self.keys.outputs, *self.taps, self.channels)

    @cached_property
    def rows(self) -> np.ndarray:
        """Index of every tap into the pixels of a padded image: int array [positions, taps]."""
        top, left, bottom, right = self.pads
        high, wide = self.in_shape[0] + top + bottom, self.in_shape[1] + left + right
        pixels = np.arange(high * wide).reshape(high, wide)
        return arrays_of.fixed(np.stack([pixels[place].ravel() for place in self._places], axis=1))

    def _padded(self, x: Any) -> np.ndarray:
        """Activations x [n, ...] with their complements and padding: [n, height, width, channels]."""
        x = np.asarray(x).reshape(len(x), *self.in_shape)
        if self.keys.complement:
            x = np.concatenate([x, self.input.max + self.input.min - x], axis=-1)
        top, left, bottom, right = self.pads
        return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))

    def patches(self, x: Any) -> np.ndarray:
        """Inputs of the kernel at every position for activations x [n, ...]: [n * positions, fan_in]."""
        x = self._padded(x)
        x = x.reshape(len(x), -1, self.channels)[:, self.rows]
        return x.reshape(len(x) * self.positions, self.fan_in)

    def sums(self, x: Any) -> np.ndarray:
        """Exact sums z for activations x [n, ...]: int64 [n, *out_shape]."""
        if len(x) * self.positions * self.synapses < MANY or self._rectifiers is None:
            return self.kernel.sums(self.patches(x)).reshape(len(x), *self.out_shape)
        x = arrays_of.vectors(
            np.reshape(x, (len(x), -1)), prod(self.in_shape), self.input, f"layer `{self.name}`"
        )
        return self._rectifiers.sums(self._padded(x), self._places)

    @cached_property
    def _rectifiers(self) -> Rectifiers | None:
        arrays = dict(self.kernel.arrays)
        return rectifiers(self.kernel.synapse, arrays, arrays.pop("bias"), prod(self.taps))

    @property
    def _places(self) -> list[tuple[slice, slice]]:
        """Rows and columns of a padded image that each tap sees."""
        down, across = (
            [
                slice(tap * distance, tap * distance + (count - 1) * stride + 1, stride)
                for tap in range(taps)
            ]
            for taps, distance, stride, count in zip(
                self.taps, self.dilations, self.strides, self.out_shape[:2], strict=True
            )
        )
        return [(rows, columns) for rows in down for columns in across]

    def golden(self, x: Any) -> np.ndarray:
        """Outputs of the layer for activations x [n, ...]: int64 [n, *out_shape]."""
        return self.requantiser.golden(self.sums(x))


def _each(value, count):
    """A number for each direction, of one for all or a list of them."""
    return tuple(value) if isinstance(value, list) else (value,) * count
