"""A design with what surrounds it on a board: the harness or self-test, the build plan, the names of the pins."""

import numpy as np

from ..boards.board import BoardTop
from ..boards.harness import Harness, SelfTest
from ..errors import InputError
from . import toolchain

__all__ = ["around", "board_plan", "pins", "stored"]


def stored(hardware, x):
    """What a self-test stores for vectors x [n, inputs]: a dict of payloads of vectors, results and parameters.

    If the hardware has no parameters of its own, they are random, with a fixed seed.
    """
    memory, p = hardware.storage == "memory", None
    if not hardware.initialised:
        p = hardware.random_parameters(np.random.default_rng(0), None if memory else len(x))
    return {
        "vectors": hardware.pack_input(x, None if memory else p),
        "results": hardware.pack_output(hardware.golden(x, p)),
        "load": hardware.pack_parameters(p) if memory and p is not None else [],
    }


def around(component, sizes, board, vectors, baud, clock=None):
    """The harness of a component on a board, or a self-test if there are `vectors`; and the baud rate.

    Parameters
    ----------
    component, sizes
        See `tnhw.boards.harness.Harness`.
    board : Board
    vectors : dict or None
        What `stored` returns.
    baud : int or None
        Bits a second; None for the board's own baud rate.
    clock : int, optional
        Frequency in Hz at which the design runs; by default that of the board's clock.

    Returns
    -------
    Component, int
        The harness or self-test, and bits a second on the serial line: 0 for a self-test.

    Raises
    ------
    InputError
        If the board has no serial line, or no LED for a self-test.
    """
    clock = clock or board.clock.frequency
    if vectors is not None:
        if board.led is None:
            raise InputError(
                f"board {board.name}: a self-test shows its verdict on an LED; name one"
            )
        return SelfTest(component, **vectors, clock=clock), 0
    if board.uart is None:
        raise InputError(
            f"board {board.name}: has no serial line; build a design that tests itself (--self-test N)"
        )
    baud = baud or board.uart.baud
    return Harness(component, sizes, clock=clock, baud=baud), baud


def board_plan(harness, board, dsp, pll=None):
    """Amaranth's build plan for a harness on a board. The same input gives the same plan on every machine.

    `pll` is the setting of the loop from which the design has its clock; see `BoardTop`.
    """
    platform = board.create_platform()
    top = BoardTop(harness, board, pll)
    return platform.prepare(top, toolchain.TOP, emit_src=False, **toolchain.overrides(board, dsp))


def pins(board, uses):
    """The names that Amaranth gives to the ports of the netlist, by line: clock, rx, tx, led, high."""
    result = {}
    for key, resource, number in board.resources(uses):
        line = f"{board.led.line}__" if key == "led" and board.led.line else ""
        result[key] = f"{resource}_{number}__{line}io"
    if "uart" not in result:
        return result
    uart = result.pop("uart").removesuffix("__io")
    return result | {"rx": f"{uart}__rx__io", "tx": f"{uart}__tx__io"}
