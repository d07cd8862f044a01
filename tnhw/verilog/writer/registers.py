"""Registers that take their values under the same conditions are written in one block."""

from .rtlil import Bits, Block, Module

__all__ = ["group"]


def group(module: Module) -> None:
    """Merge the clocked blocks of a module that make the same choices, in place."""
    found: dict[object, tuple[Bits, Block]] = {}
    for number, (clock, block) in enumerate(module.registers):
        shape = _shape(block)
        key = (number,) if shape is None else (clock, shape)
        if key in found:
            _merge(found[key][1], block)
        else:
            found[key] = (clock, block)
    module.registers = list(found.values())


def _shape(block: Block) -> object:
    """The choices of a block, None where it has more than one or assignments before them."""
    choices = [statement for statement in block if isinstance(statement, list)]
    if not choices:
        return ()
    if len(block) > 1:
        return None
    shapes = tuple((condition, _shape(inner)) for condition, inner in choices[0])
    return None if any(shape is None for _, shape in shapes) else shapes


def _merge(one: Block, other: Block) -> None:
    """Add the assignments of a block to those of another one with the same shape."""
    if not (one and isinstance(one[0], list)):
        one += other
        return
    (mine,), (its,) = one, other
    assert isinstance(mine, list) and isinstance(its, list)
    for (_, x), (_, y) in zip(mine, its, strict=True):
        _merge(x, y)
