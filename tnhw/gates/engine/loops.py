"""The nested loops of a layer: how often each runs, and by how much it changes an address."""

from typing import Generic, NamedTuple, TypeVar

from amaranth.hdl import Const, Mux, Shape, Signal, Value

__all__ = ["Counter", "Loops", "bounds", "move", "select"]

T = TypeVar("T")


class Loops(NamedTuple, Generic[T]):
    """A value for each loop, the innermost first.

    The loops go over words of channels, passes over these (two with complements), columns and rows of the window,
    groups of outputs, and positions across and down.
    """

    word: T
    half: T
    column: T
    row: T
    group: T
    x: T
    y: T


class Counter(NamedTuple):
    """Signals of a loop.

    Parameters
    ----------
    turns : Signal or None
        Number of turns so far; None for a loop that runs only once in every layer.
    advance : Signal or None
        High if the loop takes its next turn after this word: all loops inside it are at their last turn.
    wrap : Value
        High if the loop and all loops inside it are at their last turn.
    """

    turns: Signal | None
    advance: Signal | None
    wrap: Value


def bounds(stage):
    """How often each loop of a layer runs: Loops of int."""
    layer = stage.layer
    return Loops(
        word=stage.words,
        half=stage.halves,
        column=layer.taps[1],
        row=layer.taps[0],
        group=stage.groups,
        x=layer.out_shape[1],
        y=layer.out_shape[0],
    )


def move(stage, number, steps):
    """By how much a position changes when a loop advances and all loops inside it start again.

    Parameters
    ----------
    stage : Stage
    number : int
        Index of the loop, 0 for the innermost.
    steps : Loops of int
        By how much the position changes with a turn of each loop alone.

    Returns
    -------
    int
    """
    turns = bounds(stage)
    back = sum(steps[inner] * (turns[inner] - 1) for inner in range(number))
    return steps[number] - back


def select(values, index):
    """`values[index]` for integers: a constant if all are equal, else a multiplexer of constants."""
    low, high = min(values), max(values)
    shape = Shape(max(1, high.bit_length(), (~low).bit_length()) + (low < 0), low < 0)
    if low == high:
        return Const(low, shape)
    value = Const(values[-1], shape)
    for k in reversed(range(len(values) - 1)):
        value = Mux(index == k, Const(values[k], shape), value)
    return value
