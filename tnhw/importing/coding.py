"""From tensors to codes: what is before a node becomes a layer, whose results are integers that stand for its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..data.encoding import Encoder
from ..errors import InputError
from ..synapse import Format
from . import stairs
from .encoder import find_encoder, given_codes
from .graph import Graph, Node, node_text
from .grids import Codes, codes_of
from .joining import repeated
from .linear import Sums
from .specs import INPUT, Spec
from .tensors import (
    SHAPES,
    TURNING,
    Held,
    Input,
    Tensor,
    as_image,
    broadcasting,
    function_of,
    in_raster,
)

__all__ = ["Coding", "Read"]

MOST_BITS = 10  # of codes between layers
RESCALED = 8  # bits of codes of which each one is looked at
SAME = 1e-5  # of a step: differences that float32 makes


@dataclass(frozen=True)
class Read:
    """A tensor as a node reads it.

    Attributes
    ----------
    held : Held
        Of which layers it has results, and what these stand for.
    order : int array
        It has the shape of the tensor, and says which of these results stands for each element.
    """

    held: Held
    order: np.ndarray

    @property
    def codes(self) -> Codes:
        return self.held.codes


class Coding:
    """The layers of a graph, one after the other as they are found.

    Attributes
    ----------
    specs : list of Spec
    rows : list of (str, str)
        Each node, and what it became.
    input, encoder, values
        Of the network's input, once a node has read it.
    order : int array, and shape : list of int
        Which element of the graph's input each element of the network's input is, and the shape of the latter.
    """

    def __init__(self, graph: Graph, given: str | None, say: Callable[[str], None]) -> None:
        self.graph, self.given, self.say = graph, given, say
        self.specs: list[Spec] = []
        self._count = 0
        self.rows: list[tuple[str, str]] = []
        self.input: Codes | None = None
        self.encoder: Encoder | None = None
        self.values: np.ndarray | None = None
        self.order = np.arange(int(np.prod(graph.shape)))
        self.shape: list[int] = []

    def number(self) -> int:
        """The number of the next layer, for its name."""
        self._count += 1
        return self._count - 1

    def fail(self, node: Node, why: str) -> InputError:
        return InputError(f"{self.graph.where}: {node_text(node)}: {why}")

    def read(self, tensor: Tensor, reader: Node, zero: bool = False) -> Read:
        """Make a layer of what is before a node, unless there is one.

        Parameters
        ----------
        tensor : Tensor
        reader : Node
        zero : bool
            Whether the code 0 must stand for 0.0.

        Raises
        ------
        InputError
            If no integers stand for the values of the tensor.
        """
        source = tensor.source
        if isinstance(source, Input):
            return self._input(tensor, reader, zero)
        if isinstance(source, Held):
            codes = self._rescaled(tensor) if tensor.scaled else source.codes
            if codes is not None and not (zero and codes.offset):
                return Read(replace(source, codes=codes), tensor.order)
            tensor = self.summed(tensor)
            source = tensor.source
        is_exact = source.is_integer and not tensor.is_quantised and not tensor.scaled
        if is_exact and source.is_uniform:
            return Read(self._exact(tensor, source, zero, reader), tensor.order)
        if not tensor.is_quantised and not source.is_integer:
            raise self.fail(
                reader,
                f"no quantiser is between it and {source.text}, so the values are real numbers; train with quantisation, or "
                "quantise after training with `tnhw import --calibrate`",
            )
        found = self.stairs(tensor)
        codes = codes_of(found.values, zero, self._what(tensor))
        return Read(self.finish(tensor, codes, found), tensor.order)

    def summed(self, tensor: Tensor) -> Tensor:
        """A tensor of what is held, as one of the sums of a layer that repeats it."""
        held = tensor.source
        assert isinstance(held, Held)
        sums = repeated(held, self.number(), f"a layer that repeats `{tensor.name}`")
        return replace(tensor, source=sums, order=in_raster(held, tensor.order))

    def has_codes(self, tensor: Tensor) -> bool:
        """Whether it is known which integers stand for a tensor of the input."""
        return bool(tensor.is_quantised or self.given or self.graph.input_type)

    def _rescaled(self, tensor):
        """Codes of a tensor whose values lie on a rising line of those that are held: the integers stay. None for others."""
        codes = tensor.source.codes
        if codes.number.bits > RESCALED:
            return None
        z = np.arange(codes.number.min, codes.number.max + 1)
        sums = repeated(tensor.source, 0, "")
        function = function_of(self.graph, replace(tensor, source=sums))
        values = function(np.repeat(z[:, None], len(sums.scale), axis=1).astype(float))
        slope = (values[-1, 0] - values[0, 0]) / (len(z) - 1)
        offset = values[0, 0] - slope * z[0]
        distance = np.abs(values - (slope * z[:, None] + offset)).max()
        if slope <= 0 or distance > SAME * slope:
            return None
        return Codes(
            codes.number, float(slope), float(offset) if abs(offset) > SAME * slope else 0.0
        )

    def _what(self, tensor):
        text = node_text(tensor.steps[-1].node) if tensor.steps else tensor.source.text
        return f"{self.graph.where}: {text}"

    def _exact(self, tensor, sums, zero, reader):
        """Sums of few bits that are codes themselves."""
        offset = float(sums.offset[0])
        if zero and offset:
            raise self.fail(reader, "pads values, but 0 is not on their grid; use padding 0")
        number = Format.of_interval(int(sums.low.min()), int(sums.high.max()))
        codes = Codes(number, float(sums.scale[0]), offset)
        return self.add(tensor, {"output": str(number)}, {}, codes, None)

    def finish(self, tensor: Tensor, codes: Codes, found: stairs.Stairs) -> Held:
        """Make a layer of sums whose results are the codes of a tensor."""
        sums = tensor.source
        if codes.number.bits > MOST_BITS:
            raise InputError(
                f"{self._what(tensor)}: its values need codes of {codes.number.bits} bits; at most {MOST_BITS} can be built: put a "
                "quantiser of fewer bits behind it"
            )
        steps, falling = stairs.steps_of(found, codes)
        keys, arrays, text = stairs.stage(steps, falling, found.low, found.high, codes.number)
        for step in tensor.steps:
            if (
                step.node.op_type not in SHAPES
                and (row := (node_text(step.node), text)) not in self.rows
            ):
                self.rows.append(row)
        assert isinstance(sums, Sums)
        return self.add(tensor, keys, arrays, codes, found)

    def add(
        self,
        tensor: Tensor,
        keys: dict,
        arrays: dict[str, np.ndarray],
        codes: Codes | None,
        found: stairs.Stairs | None,
        line: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Held:
        """Add a layer with the sums of a tensor and a stage behind them, or find the same one.

        `line` has slope and offset of each channel, for sums that are the result of the network.
        """
        sums = tensor.source
        name = tensor.unordered or tensor.name
        new = Spec(
            sums.keys | keys, sums.arrays | arrays, sums.sources, sums.size, name, tensor.order, codes, found, sums.low, sums.high, sums.text,
            sums.rank, line,
        )  # fmt: skip
        for number, spec in enumerate(self.specs):
            if spec.tensor and spec.equals(new):
                return self._held(number, spec)
        names = [spec.keys["name"] for spec in self.specs]
        if new.keys["name"] in names:  # other codes of the same sums
            new.keys["name"] = f"{new.keys['kind']}{self.number()}"
        self.specs.append(new)
        self.say(
            f"{new.keys['name']}: {new.keys['kind']}, {new.keys['rule']}, {new.outputs} outputs"
        )
        return self._held(len(self.specs) - 1, new)

    @staticmethod
    def _held(number, spec):
        return Held((number,), (spec.outputs,), spec.size, spec.codes, spec.rank)

    def stairs(self, tensor: Tensor) -> stairs.Stairs:
        """Where the values of a tensor change, as the sums behind it climb."""
        sums = tensor.source
        span = int(sums.high.max()) - int(sums.low.min())
        turning = [step.node for step in tensor.steps if step.node.op_type in TURNING]
        if turning and span > stairs.most_at_once(len(sums.scale)):
            raise self.fail(
                turning[0], "may rise and fall, and its sums are too many to see whether it does"
            )
        return stairs.find(
            function_of(self.graph, tensor), int(sums.low.min()), int(sums.high.max()), len(sums.scale), sums.error, self._what(tensor)
        )  # fmt: skip

    # The input

    def _input(self, tensor, reader, zero):
        steps = [step for step in tensor.steps if step.node.op_type not in SHAPES]
        for step in steps:
            if step.node.op_type == "BatchNormalization" or any(
                value.size != 1 for value in broadcasting(step.node, dict(step.constants))
            ):
                raise self.fail(
                    step.node, "treats the elements of the input differently, which cannot be built"
                )
        codes, encoder, values = self._input_codes(tensor, steps, reader, zero)
        if self.input is None:
            self.input, self.encoder, self.values = codes, encoder, values
        elif codes != self.input or not np.array_equal(encoder.steps, self.encoder.steps):
            raise self.fail(
                reader,
                "reads the input with another quantiser than a node before it; put one quantiser before both",
            )
        for step in steps if tensor.is_quantised else []:
            if (row := (node_text(step.node), f"the input, {codes.number}")) not in self.rows:
                self.rows.append(row)
        return self._placed(tensor.order, codes, reader)

    def _placed(self, order, codes, reader):
        """Set the order and the shape in which the network gets its input by the first node that reads it."""
        is_image = order.ndim > 2
        raster = as_image(order).ravel() if is_image else order.ravel()
        if not self.shape:
            self.order, self.shape = raster, [len(raster)]
        elif is_image and not np.array_equal(self.order, raster):
            raise self.fail(
                reader,
                "reads the input as an image, but a node before it in another order, which cannot be built",
            )
        size = None
        if is_image:
            self.shape = list(as_image(order).shape)
            size = (self.shape[0], self.shape[1])
        channels = order.shape[1] if is_image else len(raster)
        held = Held((INPUT,), (channels,), size, codes, order.ndim)
        return Read(held, np.argsort(self.order)[order])

    def _input_codes(self, tensor, steps, reader, zero):
        def function(values):
            return self.graph.apply(steps, values.astype(np.float32))

        what = f"{self.graph.where}: {node_text(steps[-1].node) if steps else self.graph.input}"
        annotated = None if tensor.is_quantised else self.graph.input_type
        if given := self.given or annotated:
            return given_codes(function, given, zero, what)
        if tensor.is_quantised:
            return *find_encoder(function, zero, what), None
        raise self.fail(
            reader,
            "its input is not quantised: put a quantiser at the input, or say with `tnhw import --input FORMAT` (for example u8) "
            "which integers it gets",
        )
