"""The keys of a kernel: what its TOML file says, checked one by one.

Keys fall into groups: those that every kernel has; those that its rule reads; those that one architecture or one
kind of arithmetic reads. The keys below are in each kernel and in each manifest, whatever reads them. A further key
of a rule or of an architecture is declared there, see `tnhw.kernel.own_keys`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ..errors import InputError
from ..support.config import Record
from ..synapse import (
    RULES,
    Format,
    rules,  # noqa: F401  (fills RULES)
)

__all__ = ["MAX_SHIFT", "FormatKey", "Keys", "forms"]

MAX_INPUTS = 4096
MAX_OUTPUTS = 1024
MAX_SHIFT = 32


def forms() -> list[str]:
    """Values of `form`: ``auto``, and the forms that the rules offer."""
    offered = [form for rule in reversed(RULES.values()) for form in rule.forms]
    return ["auto", *dict.fromkeys(offered)]


def _format(value: Any) -> Any:
    return value if isinstance(value, Format) or value is None else Format.parse(value)


def _form(value: Any) -> Any:
    known = forms()
    if value in known:
        return value
    quoted = [repr(form) for form in known]
    expected = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})


FormatKey = Annotated[Format, BeforeValidator(_format)]
Form = Annotated[str, BeforeValidator(_form)]


class Keys(Record):
    """The keys of a kernel TOML, and what they say by themselves.

    Attributes of every kernel
    --------------------------
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
        bias port carry everything that :meth:`folded_bias` computes, instead of gates that compute it.
    output : Format, optional
        Format of y, at most 63 bits; without it y = z in the smallest format that holds all of z.
    shift : int
        With `output`: y = clamp((z + 2^(shift-1)) >> shift); negative shifts to the left.
    storage : str
        ``ports``: parameters travel with x; ``memory``: loaded through a stream of their own;
        ``constant``: fixed when the hardware is made.
    parameters : str, optional
        npz file with parameter arrays, relative to the TOML.
    interface : str
        ``stream`` or ``axi-stream``.
    beat : int, optional
        Elements a beat of the AXI streams; all by default.

    Attributes that the rule reads
    ------------------------------
    gain : bool
        Whether a synapse has a gain (rules that offer one).
    form : str
        Gates of the rule, ``auto`` chooses by a fixed table.
    sign : str
        ``runtime``, or ``static`` (signs fixed: those of the parameters for storage ``constant``, else by
        `excitatory`).
    excitatory : int, optional
        With it signs are fixed and none are stored: terms of this many first inputs add, those of the
        others subtract. Parameter arrays have signs of 0 or 1.

    Attributes of arithmetic
    ------------------------
    arithmetic : str
        ``operators``: adders as the target's carry chains; ``heap``: bit heaps of full and half
        adders, for standard cells.
    adder : str
        What ends a bit heap: ``ripple``, the fewest cells, or ``prefix``, the shortest path.

    Attributes of one architecture
    ------------------------------
    sharing : str
        Of a constant ``tile`` in ``heap`` arithmetic: ``pairs`` adds what several outputs add alike once, for area;
        ``none`` has fewer glitches.
    registers : str
        What holds loaded parameters of a ``tile``: ``flip-flop`` or ``latch`` (on standard cells).
    gating : str
        ``predicate``: a synapse that does nothing clocks nothing (``serial``, ``heap``, ``ports``).
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
    form: Form = "auto"
    sign: Literal["auto", "runtime", "static"] = "auto"
    excitatory: Annotated[int, Field(ge=0)] | None = None
    arithmetic: Literal["operators", "heap"] = "operators"
    adder: Literal["ripple", "prefix"] = "ripple"
    sharing: Literal["pairs", "none"] = "pairs"
    registers: Literal["flip-flop", "latch"] = "flip-flop"
    gating: Literal["none", "predicate"] = "none"
    interface: Literal["stream", "axi-stream"] = "stream"
    beat: Annotated[int, Field(ge=1)] | None = None

    @property
    def folded(self) -> bool:
        """Whether the bias port carries what :meth:`folded_bias` computes."""
        return self.bias is not None and self.bias.split()[:1] == ["folded"]

    @cached_property
    def bias_format(self) -> Format | None:
        """Format of the unfolded bias, or None."""
        words = (self.bias or "").split()
        if words[:1] == ["folded"]:
            words = words[1:]
        if len(words) > 1 or (self.bias is not None and not self.bias.strip()):
            raise InputError(f'`bias` must be a format such as "s12", not {self.bias!r}')
        return Format.parse(words[0]) if words else None

    @property
    def half(self) -> int:
        """Rounding constant of the requantisation."""
        return 1 << (self.shift - 1) if self.output is not None and self.shift > 0 else 0

    @cached_property
    def polarity(self) -> tuple[int, ...]:
        """Whether the terms of an input add (1) or subtract (-1): an entry an input."""
        adding = self.inputs if self.excitatory is None else self.excitatory
        return (1,) * adding + (-1,) * (self.inputs - adding)
