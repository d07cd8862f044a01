"""Which rows of its input image, called lines, a layer must have for a row of results, and which it needs no more."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["freed", "needed"]


def needed(layer: "Layer") -> tuple[int, ...]:
    """For each row of results, how many lines of the image must be there before it is computed.

    For the last one it is the whole image, so that no result comes before the end of its image. For the first one it is a
    line at least, so that nothing is computed for an image that has not begun.
    """
    extent = (layer.taps[0] - 1) * layer.dilations[0] + 1
    reached = [y * layer.strides[0] - layer.pads[0] + extent for y in range(layer.out_shape[0] - 1)]
    height = layer.in_shape[0]
    return (*(min(height, max(1, line)) for line in reached), height)


def freed(layer: "Layer") -> tuple[int, ...]:
    """For each row of results, how many lines of the image no later row needs.

    A line that none needs at all is freed when it is there, as all others.
    """
    firsts = [max(0, y * layer.strides[0] - layer.pads[0]) for y in range(1, layer.out_shape[0])]
    return (*map(min, firsts, needed(layer)), layer.in_shape[0])
