"""The keys of a kernel, as its TOML file has them, each checked by itself.

There are keys of every kernel, keys that rules read, and keys that one architecture or one kind of arithmetic reads.
Every kernel and every manifest has all the keys below, even if nothing reads some of them. Further keys of a rule or
an architecture are declared there; see `tnhw.kernel.own_keys`.
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

MAX_INPUTS = 1 << 16
MAX_OUTPUTS = 1024
MAX_SHIFT = 32


def forms() -> list[str]:
    """All values of the key `form`: ``auto``, and the forms that rules offer."""
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
    """The keys of a kernel TOML, and what follows from each of them alone.

    Attributes of every kernel
    --------------------------
    name : str
        Name of the Verilog module and of the folder.
    rule : str
        What a synapse computes: a name in :data:`tnhw.synapse.RULES`.
    architecture : str
        ``parallel``: a vector in each cycle, pipelined; ``serial``: one input in each cycle; ``tile``: a vector in
        each cycle, between two rows of registers.
    inputs, outputs : int
        Number of inputs and of outputs; every output sees all inputs.
    input, parameter : Format
        Formats of x and of the parameter's magnitude; at most 60 bits.
    bias : str, optional
        Format of the bias. For `storage = "ports"`, ``"folded"`` (or ``"folded s12"``) means that the sender adds
        all remainders to the bias, as :meth:`folded_bias` does, so that no gates compute them.
    output : Format, optional
        Format of y, at most 63 bits. Without it y = z, in the smallest format that holds every z.
    shift : int
        With `output`: y = clamp((z + 2^(shift-1)) >> shift); a negative number shifts to the left.
    storage : str
        ``ports``: parameters are sent with each vector; ``memory``: they are loaded through a stream of their own;
        ``constant``: they are fixed when the hardware is made.
    parameters : str, optional
        npz file with parameter arrays, relative to the TOML.
    interface : str
        ``stream`` or ``axi-stream``.
    beat : int, optional
        Elements in a beat of the AXI streams; all by default.

    Attributes that the rule reads
    ------------------------------
    gain : bool
        Whether a synapse has a gain, for rules that offer one.
    form : str
        Which of the rule's equivalent gates to build; ``auto`` chooses by a fixed table.
    sign : str
        ``runtime``, or ``static``: signs are fixed, by the parameters for storage ``constant``, else by `excitatory`.
    excitatory : int, optional
        Fixes the signs, so that none are stored: with 5 the terms of the first 5 inputs are added, and those of the
        others are subtracted. Signs in parameter arrays are then 0 (absent) or 1.

    Attributes of arithmetic
    ------------------------
    arithmetic : str
        ``operators``: adders, which an FPGA builds as carry chains; ``heap``: bit heaps of full and half adders, for
        standard cells.
    adder : str
        Final adder of a bit heap: ``ripple`` has the fewest cells, ``prefix`` the shortest path.

    Attributes of one architecture
    ------------------------------
    sharing : str
        For a ``tile`` with constants in ``heap`` arithmetic: ``pairs`` adds pairs of terms that several outputs have
        in common only once, for area; ``none`` has fewer glitches.
    registers : str
        What holds the loaded parameters of a ``tile``: ``flip-flop``, or ``latch`` on standard cells.
    gating : str
        ``predicate``: registers are not clocked for a synapse whose term is 0. Only for architecture ``serial`` with
        arithmetic ``heap`` and storage ``ports``.
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
        """Whether the bias that is sent includes all remainders, as :meth:`folded_bias` computes it."""
        return self.bias is not None and self.bias.split()[:1] == ["folded"]

    @cached_property
    def bias_format(self) -> Format | None:
        """Format of the bias without remainders, or None if there is no bias."""
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
        """For each input, whether its terms are added (1) or subtracted (-1)."""
        adding = self.inputs if self.excitatory is None else self.excitatory
        return (1,) * adding + (-1,) * (self.inputs - adding)
