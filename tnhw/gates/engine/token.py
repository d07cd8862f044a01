"""Flags that travel through the pipeline of an engine with a word of activations."""

from dataclasses import dataclass, fields, replace

from amaranth.hdl import Signal, Value

__all__ = ["Token"]


@dataclass(frozen=True)
class Token:
    """Flags of one word, as the sequencer gives them, or some registers later.

    Parameters
    ----------
    valid : Value
        There is a word.
    last : Value
        It is the last word for a group of outputs.
    ends : Value
        Both of these: with this word the sums of a group are complete.
    closing, leave, layer : Value
        Flags of its group; see :class:`~tnhw.gates.engine.sequencer.Sequencer`.
    idle, invert : Value, optional
        Flags of its tap; None once the activations have been read.
    """

    valid: Value
    last: Value
    ends: Value
    closing: Value
    leave: Value
    layer: Value
    idle: Value | None = None
    invert: Value | None = None

    @classmethod
    def of(cls, sequencer):
        """The token of the word that a sequencer addresses now."""
        return cls(
            valid=sequencer.valid,
            last=sequencer.last,
            ends=sequencer.valid & sequencer.last,
            closing=sequencer.closing,
            leave=sequencer.leave,
            layer=sequencer.layer,
            idle=sequencer.idle,
            invert=sequencer.invert,
        )

    def delayed(self, m, enable, number):
        """The same token one register later; `enable` says when the pipeline moves.

        `idle` and `invert` are needed only for activations, so they are kept for one register.
        """
        before = self if number == 0 else replace(self, idle=None, invert=None)
        # `ends` has a register of its own, so that the enable of the whole engine is one gate behind it.
        before = replace(before, ends=self.valid & self.last)
        values = {field.name: getattr(before, field.name) for field in fields(before)}
        kept = {name: value for name, value in values.items() if value is not None}
        later = {name: Signal.like(value, name=f"{name}_{number}") for name, value in kept.items()}
        with m.If(enable):
            m.d.sync += [later[name].eq(value) for name, value in kept.items()]
        return Token(**later)
