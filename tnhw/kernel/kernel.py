"""Kernels: z_j = bias_j + sum_i t(x_i, p_ij), as numbers and as hardware.

A :class:`Kernel` is made once, checked at the door and frozen. :meth:`Kernel.golden` is the integer
function that defines what the hardware must do; :meth:`Kernel.create` makes the hardware.
"""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib.data import ArrayLayout, StructLayout
from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError

from ..errors import InputError
from ..gates.kernels import Parallel, Serial, Tile
from ..gates.kernels.axi import AxiStream
from ..gates.summing.terms import lane_constant
from ..hardware import Hardware
from ..support.config import Record, content, explain, nearest, read_toml
from ..synapse import (
    RULES,
    Format,
    rules,  # noqa: F401  (fills RULES)
)
from . import packing, stimuli
from . import parameters as arrays_of
from .diagram import kernel_diagram
from .names import check_design_name

__all__ = ["ARCHITECTURES", "Kernel", "folded", "modulo"]

ARCHITECTURES = {"parallel": Parallel, "serial": Serial, "tile": Tile}
MAX_INPUTS = 4096
MAX_OUTPUTS = 1024
MAX_PARALLEL_SYNAPSES = 16384
MAX_SHIFT = 32
# NumPy computes modulo 2^64. With these a difference of x and a parameter, scaled by a gain, is exact, as are
# the constants that inversions leave; `_check_interval` bounds everything that is summed.
MAX_BITS = {"input": 60, "parameter": 60, "output": 63}
# Their defaults are what kernels were before: identities, and boards that know a kernel by its own, stay.
YOUNGER_KEYS = {"adder", "excitatory", "sharing"}


def _format(value):
    return value if isinstance(value, Format) or value is None else Format.parse(value)


FormatKey = Annotated[Format, BeforeValidator(_format)]


class Kernel(Record):
    """A kernel: rule x formats x size x architecture x parameter storage.

    Attributes (the keys of a kernel TOML)
    --------------------------------------
    name : str
        Verilog module and folder name.
    rule : str
        Which synapse: a name in :data:`tnhw.synapse.RULES`.
    architecture : str
        ``parallel``: a vector a cycle, pipelined; ``serial``: one input a cycle; ``tile``: a vector
        a cycle between two rows of registers.
    inputs, outputs : int
        Size; every output sees all inputs.
    input, parameter : Format
        Formats of x and of the parameter's magnitude; at most 60 bits.
    bias : str, optional
        Format of the bias. For `storage = "ports"`, ``"folded"`` (or ``"folded s12"``) makes the
        bias port carry everything that :meth:`fold` computes, instead of gates that compute it.
    gain : bool
        Whether a synapse has a gain (rules that offer one).
    output : Format, optional
        Format of y, at most 63 bits; without it y = z in the smallest format that holds all of z.
    shift : int
        With `output`: y = clamp((z + 2^(shift-1)) >> shift); negative shifts to the left.
    storage : str
        ``ports``: parameters travel with x; ``memory``: loaded through a stream of their own;
        ``constant``: fixed when the hardware is made.
    parameters : str, optional
        npz file with parameter arrays, relative to the TOML.
    form : str
        Gates of the rule, ``auto`` chooses by a fixed table.
    sign : str
        ``runtime``, or ``static`` (signs fixed: those of the parameters for storage ``constant``, else by
        `excitatory`).
    excitatory : int, optional
        With it signs are fixed and none are stored: terms of this many first inputs add, those of the
        others subtract. Parameter arrays have signs of 0 or 1.
    arithmetic : str
        ``operators``: adders as the target's carry chains; ``heap``: bit heaps of full and half
        adders, for standard cells.
    adder : str
        What ends a bit heap: ``ripple``, the fewest cells, or ``prefix``, the shortest path.
    sharing : str
        Of a constant ``tile`` in ``heap`` arithmetic: ``pairs`` adds what several outputs add alike once, for area;
        ``none`` has fewer glitches.
    registers : str
        What holds loaded parameters of a ``tile``: ``flip-flop`` or ``latch`` (on standard cells).
    gating : str
        ``predicate``: a synapse that does nothing clocks nothing (``serial``, ``heap``, ``ports``).
    interface : str
        ``stream`` or ``axi-stream``.
    beat : int, optional
        Elements a beat of the AXI streams; all by default.
    """

    name: str
    rule: str
    architecture: str = "parallel"
    inputs: Annotated[int, Field(ge=1, le=MAX_INPUTS)]
    outputs: Annotated[int, Field(ge=1, le=MAX_OUTPUTS)] = 1
    input: FormatKey
    parameter: FormatKey | None = None
    bias: str | None = None
    gain: bool = False
    output: FormatKey | None = None
    shift: Annotated[int, Field(ge=-MAX_SHIFT, le=MAX_SHIFT)] = 0
    storage: Literal["ports", "memory", "constant"] = "ports"
    parameters: str | None = None
    form: Literal["auto", "subtract", "max", "complement", "product", "booth", "rows", "split"] = (
        "auto"
    )
    sign: Literal["auto", "runtime", "static"] = "auto"
    excitatory: Annotated[int, Field(ge=0)] | None = None
    arithmetic: Literal["operators", "heap"] = "operators"
    adder: Literal["ripple", "prefix"] = "ripple"
    sharing: Literal["pairs", "none"] = "pairs"
    registers: Literal["flip-flop", "latch"] = "flip-flop"
    gating: Literal["none", "predicate"] = "none"
    interface: Literal["stream", "axi-stream"] = "stream"
    beat: Annotated[int, Field(ge=1)] | None = None

    _arrays: dict | None = PrivateAttr(None)
    _measured: dict = PrivateAttr(default_factory=dict)

    def __init__(self, *, arrays=None, where=None, **keys):
        where = where or f"kernel {keys.get('name', '')}".strip()
        try:
            super().__init__(**keys)
        except ValidationError as error:
            raise InputError(explain(type(self), error, where)) from None
        try:
            self._check()
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if arrays is not None:
            checked = self._checked(arrays, where)
            self._arrays = {name: arrays_of.fixed(array) for name, array in checked.items()}
        elif self.storage == "constant":
            raise InputError(
                f"{where}: storage `constant` needs `parameters`: name an npz file, or give arrays"
            )
        try:
            self._check_interval()
        except InputError as error:
            raise InputError(f"{where}: {error}") from None

    @classmethod
    def from_toml(cls, path):
        """Kernel of a TOML file, with the parameters that it names."""
        path = Path(path)
        keys = read_toml(path)
        if unknown := sorted(set(keys) - set(cls.model_fields)):
            hint = nearest(unknown[0], cls.model_fields)
            raise InputError(f"{path}: unknown key `{unknown[0]}`: {hint}")
        arrays = None
        if isinstance(keys.get("parameters"), str):
            arrays = arrays_of.read(path.parent / keys["parameters"])
        return cls(arrays=arrays, where=str(path), **keys)

    def __reduce__(self):
        keys = {key: getattr(self, key) for key in type(self).model_fields}
        return _again, (type(self), keys, self.arrays)  # what it has worked out stays behind

    def __copy__(self):
        return self

    def __deepcopy__(self, memo=None):
        return self

    @cached_property
    def _content(self):
        """All keys but the file that the arrays are from, and the arrays."""
        keys = (getattr(self, key) for key in type(self).model_fields if key != "parameters")
        return *keys, content(self._arrays)

    # Checks

    def _check(self):
        check_design_name(self.name)
        for key, most in MAX_BITS.items():
            number = getattr(self, key)
            if number is not None and number.bits > most:
                raise InputError(
                    f"`{key}` must have at most {most} bits, not {number}: the golden model computes "
                    "in 64"
                )
        for key, known in (("rule", RULES), ("architecture", ARCHITECTURES)):
            if getattr(self, key) not in known:
                given = getattr(self, key)
                raise InputError(
                    f"`{key}` must be one that tnhw has, not {given!r}; " + nearest(given, known)
                )
        if self.shift and self.output is None:
            raise InputError("`shift` needs `output`, the format of the shifted result")
        if self.folded and self.storage != "ports":
            raise InputError('`bias = "folded"` is for storage `ports`; elsewhere it always is')
        if self.sign == "static" and self.storage != "constant" and self.excitatory is None:
            raise InputError(
                '`sign = "static"` needs storage `constant`, or `excitatory`, the number of inputs that add'
            )
        if self.sign == "runtime" and self.storage == "constant":
            raise InputError("storage `constant` fixes the signs: leave `sign` out")
        self._check_excitatory()
        if self.interface == "axi-stream" and self.storage == "ports":
            raise InputError("storage `ports` has plain streams only: leave `interface` out")
        if (self.interface, self.architecture, self.storage) == ("axi-stream", "tile", "memory"):
            raise InputError(
                "architecture `tile` takes all parameters in one plain beat: leave `interface` out"
            )
        if self.beat is not None and self.interface != "axi-stream":
            raise InputError('`beat` is for `interface = "axi-stream"`')
        if self.beat is not None and self.beat > max(self.inputs, self.outputs):
            raise InputError(
                f"`beat` must be at most {max(self.inputs, self.outputs)}, all elements, "
                f"not {self.beat}"
            )
        if self.adder == "prefix" and self.arithmetic != "heap":
            raise InputError('`adder = "prefix"` is for arithmetic `heap`: leave `adder` out')
        if self.sharing == "none" and (self.architecture, self.arithmetic) != ("tile", "heap"):
            raise InputError(
                "`sharing` is for architecture `tile`, arithmetic `heap`, storage `constant`: leave it out"
            )
        if self.registers == "latch" and (self.architecture, self.storage) != ("tile", "memory"):
            raise InputError('`registers = "latch"` is for architecture `tile`, storage `memory`')
        wanted = ("serial", "heap", "ports", False)
        given = (self.architecture, self.arithmetic, self.storage, self.folded)
        if self.gating == "predicate" and given != wanted:
            raise InputError(
                '`gating = "predicate"` is for architecture `serial`, arithmetic `heap`, storage `ports` '
                "and a bias that is not folded"
            )
        if self.architecture != "serial" and self.inputs * self.outputs > MAX_PARALLEL_SYNAPSES:
            raise InputError(
                f"`inputs` x `outputs` = {self.inputs * self.outputs} is more than architecture "
                f"`{self.architecture}` takes ({MAX_PARALLEL_SYNAPSES}); use `serial`"
            )
        if self.form != "auto" and not RULES[self.rule].forms:
            raise InputError(f"rule `{self.rule}` has no forms: leave `form` out")
        _ = self.synapse, self.bias_format

    def _check_excitatory(self):
        if self.excitatory is None:
            return
        if self.excitatory > self.inputs:
            raise InputError(
                f"`excitatory` must be at most {self.inputs}, all inputs, not {self.excitatory}"
            )
        if self.sign == "runtime":
            raise InputError("`excitatory` fixes the signs: leave `sign` out")
        if self.storage == "constant":
            raise InputError(
                "storage `constant` takes the signs of its parameters: leave `excitatory` out"
            )
        if self.architecture == "serial":
            raise InputError(
                "`excitatory` is for architectures that sum all inputs at once: leave it out for `serial`"
            )

    def _check_interval(self):
        ends = list(self.synapse.interval())
        if max(abs(int(end)) for end in ends) < 1 << 63:  # else numpy cannot sum them
            ends += self._interval
        widened = max(0, -self.shift) if self.output is not None else 0
        largest = max(abs(int(end)) for end in ends) + self.half
        if largest << widened >= 1 << 62:
            raise InputError(
                f"the result needs {largest.bit_length() + 1 + widened} bits, more than the 63 of the "
                "golden model; use narrower formats or fewer inputs"
            )

    def _checked(self, arrays, where, *, vectors=False):
        ranges = dict(self.synapse.ranges)
        bias = self.bias_format
        if bias is not None:
            ranges["bias"] = (bias.min, bias.max)
        elif self.storage == "constant":
            ranges["bias"] = (-(1 << 60), 1 << 60)
        elif np.any(arrays.get("bias", 0)):
            raise InputError(f'{where}: parameters have a bias: give `bias` a format such as "s12"')
        else:
            ranges["bias"] = (0, 0)
        shape = (self.outputs, self.inputs)
        return arrays_of.check(arrays, ranges, shape, where, vectors=vectors)

    def with_keys(self, **changes):
        """The same kernel with other keys: ``kernel.with_keys(interface="axi-stream", beat=4)``."""
        keys = {key: getattr(self, key) for key in type(self).model_fields}
        return type(self)(**({"arrays": self.arrays} | keys | changes))

    def without_parameters(self):
        """The same kernel with storage `memory`, whose parameters are there only after a load."""
        keys = {key: getattr(self, key) for key in type(self).model_fields}
        return type(self)(**(keys | {"parameters": None, "storage": "memory"}))

    # Structure

    @property
    def folded(self):
        """Whether the bias port carries what :meth:`fold` computes."""
        return self.bias is not None and self.bias.split()[:1] == ["folded"]

    @cached_property
    def bias_format(self):
        """Format of the unfolded bias, or None."""
        words = (self.bias or "").split()
        if words[:1] == ["folded"]:
            words = words[1:]
        if len(words) > 1 or (self.bias is not None and not self.bias.strip()):
            raise InputError(f'`bias` must be a format such as "s12", not {self.bias!r}')
        return Format.parse(words[0]) if words else None

    @cached_property
    def synapse(self):
        """The rule, for this kernel's formats."""
        cls = RULES[self.rule]
        form = self.form
        if form == "auto":
            wired = self.storage == "constant" and self.architecture != "serial"
            form = cls.choose_form(wired, self.storage != "ports" or self.folded)
        rule = cls(self.input, self.parameter, self.gain, form)
        if self.excitatory is not None:
            rule = rule.without_sign()
        if self.arithmetic == "heap":
            rule = rule.on_cells()
            return rule.in_logic() if self.form == "auto" else rule
        return rule

    @cached_property
    def _interval(self):
        """Exact range of z."""
        if self.storage == "constant":
            low, high = self.synapse.interval(self._arrays)
            bias = self._arrays["bias"].astype(object)
            low = low.astype(object).sum(axis=1) + bias
            high = high.astype(object).sum(axis=1) + bias
            return min(low), max(high)
        low, high = (int(end) for end in self.synapse.interval())
        bias, adding = self.bias_format, sum(sign > 0 for sign in self.polarity)
        subtracting = self.inputs - adding
        return (
            low * adding - high * subtracting + (bias.min if bias else 0),
            high * adding - low * subtracting + (bias.max if bias else 0),
        )

    @cached_property
    def polarity(self):
        """Whether the terms of an input add (1) or subtract (-1): a tuple, an entry an input."""
        adding = self.inputs if self.excitatory is None else self.excitatory
        return (1,) * adding + (-1,) * (self.inputs - adding)

    @property
    def half(self):
        """Rounding constant of the requantisation."""
        return 1 << (self.shift - 1) if self.output is not None and self.shift > 0 else 0

    @property
    def z_format(self):
        """Smallest format that holds every z."""
        return Format.of_interval(*self._interval)

    @property
    def sum_format(self):
        """Format of z with the rounding constant added: what the hardware accumulates."""
        return Format.of_interval(*(end + self.half for end in self._interval))

    @property
    def output_format(self):
        """Format of y."""
        return self.output or self.z_format

    @property
    def arrays(self):
        """Parameter arrays, or None: a dict of int64 arrays that cannot be written to."""
        return dict(self._arrays) if self._arrays is not None else None

    # Mathematics

    def golden(self, x, p=None):
        """What the hardware must compute.

        Parameters
        ----------
        x : array_like of int, [n, inputs]
        p : dict of arrays, optional
            Parameters; for storage `ports` also one set a vector ([n, outputs, inputs]). By
            default the kernel's own.

        Returns
        -------
        int64 array [n, outputs]
        """
        return self.requantise(self.sums(x, p))

    def requantise(self, z):
        """y of exact sums z, an array of any shape."""
        if self.output is None:
            return z
        rounded = (z + self.half) >> self.shift if self.shift > 0 else z << -self.shift
        return self.output.clamp(rounded)

    def sums(self, x, p=None):
        """Exact z, [n, outputs], before any requantisation; arguments as for :meth:`golden`."""
        x, p = self._check_x(x), self._parameters(p)
        z = np.empty((len(x), self.outputs), np.int64)
        step = max(1, (1 << 22) // (self.inputs * self.outputs))
        for start in range(0, len(x), step):
            rows = slice(start, start + step)
            own = {name: a[rows] if _per_vector(name, a) else a for name, a in p.items()}
            terms = self.synapse.term(x[rows, None, :], own)
            if self.excitatory is not None:
                terms = terms * self.polarity
            z[rows] = terms.sum(axis=-1) + own["bias"]
        return z

    def fold(self, p=None):
        """Bias with everything that depends on parameters alone, modulo the accumulator's width.

        It is what tnhw's loader stores for storage `memory`, and what the bias port takes with
        ``bias = "folded"``: bias + folds of the terms + constants of the gates + rounding.

        Returns
        -------
        int64 array [outputs], or [n, outputs] for one set of parameters a vector
        """
        p = self._parameters(p)
        bias = folded(self.synapse, p, self.half, self.polarity)
        return modulo(bias, self.sum_format.bits)

    def random_parameters(self, rng, vectors=None):
        """Random parameters over everything that is allowed; one set a vector if asked."""
        return stimuli.random_parameters(self, rng, vectors)

    def corner_parameters(self):
        """Parameter sets with every array at an end of its range: a list of dicts of arrays."""
        return stimuli.corner_parameters(self)

    def extreme_parameters(self, x):
        """Of the corner parameters the first, the last, and those with the smallest and the largest sum."""
        return stimuli.extreme_parameters(self, x)

    def edges(self, x, p, count):
        """Numbers of vectors in x [n, inputs] whose results are at a step of the output or at an end."""
        return stimuli.edges(self, x, p, count)

    def random_input(self, rng, vectors):
        """Random vectors, [vectors, inputs]."""
        return stimuli.random_input(self, rng, vectors)

    def _check_x(self, x):
        return arrays_of.vectors(x, self.inputs, self.input, f"kernel {self.name}")

    def _parameters(self, p):
        if p is None and self._arrays is None:
            raise InputError(f"kernel {self.name}: has no parameters of its own: give them")
        if p is None or self.storage == "constant":
            return self._arrays
        where = f"kernel {self.name}"
        return self._checked(p, where, vectors=self.storage == "ports")

    # Hardware

    def create(self, interface=None):
        """Hardware: a component with streams `i` and `o`, and `p` for storage `memory`.

        Parameters
        ----------
        interface : str, optional
            ``stream`` or ``axi-stream`` instead of the kernel's own.

        Returns
        -------
        amaranth.lib.wiring.Component
            With attributes `latency` (cycles from a vector's last beat to its result) and
            `interval` (cycles from vector to vector, nobody stalling).
        """
        interface = interface or self.interface
        component = self._measured.pop(interface, None)
        if component is None:
            core = ARCHITECTURES[self.architecture](self)
            component = AxiStream(core) if interface == "axi-stream" else core
        if interface == self.interface:
            self.__dict__.setdefault("_timing", (component.latency, component.interval))
        return component

    @cached_property
    def _timing(self):
        component = self.create()
        self._measured[self.interface] = component  # the next `create` hands it out
        return component.latency, component.interval

    @property
    def latency(self):
        """Cycles from the acceptance of a vector's last beat to its (first) result beat."""
        return self._timing[0]

    @property
    def interval(self):
        """Initiation interval: cycles from vector to vector when nobody stalls."""
        return self._timing[1]

    @property
    def initialised(self):
        """Whether parameters are there before any load."""
        return self._arrays is not None

    def constants(self, output, input):
        """Parameters of one synapse as integers."""
        return {name: int(self._arrays[name][output, input]) for name in self.synapse.ranges}

    @cached_property
    def initial_words(self):
        """Packed parameter words, [outputs][inputs]."""
        return self.synapse.pack(self._arrays).tolist()

    @cached_property
    def initial_starts(self):
        """Folded biases, [outputs]."""
        return self.fold(self._arrays).tolist()

    def start(self, output):
        """Constant that gates add to one output's terms, apart from what the terms owe."""
        if self.storage == "constant":
            return int(self._arrays["bias"][output]) + self.half
        return self.half

    # What others say of it

    @property
    def title(self):
        return f"{self.rule} kernel, {self.inputs} inputs, {self.outputs} outputs"

    @property
    def wired_bits(self):
        """Bits of x and parameters of all synapses, if each has gates of its own; else 0."""
        if self.architecture == "serial":
            return 0
        bits = self.input.bits + (self.parameter.bits if self.parameter else 2)
        return self.inputs * self.outputs * bits

    def diagram(self):
        """A picture of its data flow."""
        return kernel_diagram(self)

    def facts(self):
        """What the manifest says of it: a dict."""
        keys = {key: getattr(self, key) for key in type(self).model_fields if key != "parameters"}
        formats = {
            "input": self.input,
            "parameter": self.parameter,
            "bias": self.bias_format,
            "sum": self.sum_format,
            "output": self.output_format,
        }
        record = {
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
        if self.storage == "memory":
            record["load"] = (
                f"{'in one beat, ' if self.beats_p == 1 else ''}"
                f"output by output: {self.inputs} parameter words, then the bias with every "
                f"constant folded, modulo 2^{self.sum_format.bits}"
            )
        return record

    def options(self):
        """What makes it again from its file: nothing."""
        return {}

    def identity(self):
        """Lines that tell what the hardware computes from others.

        Parameters count where they are fixed; those that are loaded do not.
        """
        no_matter = {"parameters", "interface", "beat"}
        for key in sorted(set(type(self).model_fields) - no_matter):
            value = getattr(self, key)
            if key in YOUNGER_KEYS and value == type(self).model_fields[key].default:
                continue
            yield f"{key}={value}"
        if self.storage == "constant":
            for key, array in sorted(self._arrays.items()):
                yield f"{key}={array.tolist()}"

    # Streams

    @property
    def beats_in(self):
        """Beats of stream `i` a vector."""
        return self.inputs if self.architecture == "serial" else 1

    @property
    def port_bias(self):
        """Format of the bias in stream `i`, or None."""
        if self.folded:
            return Format(self.sum_format.bits)
        return self.bias_format if self.storage == "ports" else None

    @cached_property
    def layout_i(self):
        """Payload of stream `i`: elements, with fields `x` and `p` for storage `ports`."""
        serial = self.architecture == "serial"
        x = self.input.shape if serial else ArrayLayout(self.input.shape, self.inputs)
        if self.storage != "ports":
            return x
        word = self.synapse.word
        words = ArrayLayout(word if serial else ArrayLayout(word, self.inputs), self.outputs)
        p = {"synapses": words}
        if self.port_bias is not None:
            p["bias"] = ArrayLayout(self.port_bias.shape, self.outputs)
        return StructLayout({"x": x, "p": StructLayout(p)})

    @cached_property
    def layout_o(self):
        """Payload of stream `o`: the result vector, output 0 in the low bits."""
        return ArrayLayout(self.output_format.shape, self.outputs)

    @property
    def width_i(self):
        """Payload of stream `i` in bits."""
        return Shape.cast(self.layout_i).width

    @property
    def width_o(self):
        """Payload of stream `o` in bits."""
        return Shape.cast(self.layout_o).width

    @property
    def width_p(self):
        """Payload of stream `p` in bits: a parameter word, or a folded bias; all of a tile."""
        if self.architecture == "tile":
            row = self.inputs * self.synapse.word_bits + self.sum_format.bits
            return self.outputs * row
        return max(self.synapse.word_bits, self.sum_format.bits)

    @property
    def beats_p(self):
        """Beats of stream `p` a load."""
        return 1 if self.architecture == "tile" else self.outputs * (self.inputs + 1)

    def pack_input(self, x, p=None):
        """Payloads of stream `i` for vectors x [n, inputs], in order: list of int.

        `p` is for storage `ports`, and may hold one set of parameters a vector.
        """
        p = self._parameters(p) if self.storage == "ports" else None
        return packing.input_beats(self, self._check_x(x), p)

    def pack_parameters(self, p=None):
        """Payloads of stream `p` for a load: list of int."""
        return packing.load_beats(self, self._parameters(p))

    def pack_output(self, y):
        """Payloads of stream `o` for results y [n, outputs]: list of int."""
        return packing.output_payloads(self, y)

    def unpack_output(self, payloads):
        """Results [n, outputs] of payloads of stream `o`."""
        return packing.output_vectors(self, payloads)


def _again(cls, keys, arrays):
    return cls(arrays=arrays, **keys)


def folded(synapse, p, half=0, polarity=1):
    """Bias with everything that depends on parameters alone, int64 [..., outputs].

    bias + folds of the terms + constants of the gates + `half`, the rounding of the requantisation; `polarity`
    is 1 or -1, of all inputs or of each.
    """
    owed = polarity * (synapse.fold(p) + lane_constant(synapse))
    return p["bias"] + owed.sum(axis=-1) + half


def modulo(values, bits):
    """Values of an int64 array modulo 2^bits, from 0 up; `bits` may be up to 63."""
    return values & ((1 << bits) - 1)


def _per_vector(name, array):
    return array.ndim == (2 if name == "bias" else 3)


if TYPE_CHECKING:  # a type checker says whether each member of the interface is there and fits
    _: type[Hardware] = Kernel
