"""What the outputs of a layer see of its input: all of it, or windows of an image.

A synapse is given one of these, and asks it for sums. Both give the same gradients as a formula over all windows
would; a convolution makes neither a matrix of its windows nor one of the rectifiers in them. Its rectifiers are
computed once for each input, and one product gives what they add to all outputs that see them, for all taps. These
parts are then added to the outputs that they belong to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import torch
from torch import nn
from torch.autograd import Function

from .functions import bank, by_level, lifted, of_level

__all__ = ["FLAT", "Flat", "Window"]

ROWS = (
    1024  # inputs whose rectifiers are computed at a time on a CPU, so that they stay in the cache
)
ROWS_ELSEWHERE = 1 << 16  # the same on other devices


class Flat:
    """All outputs see all inputs: x [n, ...], sums [n, outputs]."""

    def columns(self, x):
        """What each row of sums sees, [rows, inputs]."""
        return x.flatten(1)

    def product(self, x, w):
        """Sums of ``w * x``, for w [outputs, inputs]."""
        return x.flatten(1) @ w.T

    def bank(self, x, c, theta, level, thresholds, w=None):
        """Sums of threshold synapses, as `tnhw.train.functions.bank` gives them for columns of x."""
        return bank(x.flatten(1), c, theta, level, thresholds, w)


FLAT = Flat()


@dataclass(frozen=True)
class Window(Flat):
    """A square window that moves over images [n, channels, h, w]: sums [n * oh * ow, outputs], image by image, row by row.

    Inputs of an output are ordered by channels, then by the taps of the window.
    """

    kernel: int
    stride: int = 1
    padding: int = 0

    def size(self, x):
        """Height and width of the result for images x."""
        return tuple(
            (size + 2 * self.padding - self.kernel) // self.stride + 1 for size in x.shape[2:]
        )

    def columns(self, x):
        columns = nn.functional.unfold(x, self.kernel, padding=self.padding, stride=self.stride)
        return columns.transpose(1, 2).flatten(0, 1)

    def product(self, x, w):
        return _Product.apply(x, w, self)

    def bank(self, x, c, theta, level, thresholds, w=None):
        return _Bank.apply(x, c, theta, w, level, thresholds, self)

    def phases(self, shape: torch.Size) -> Iterator["_Phase"]:
        """The inputs of images of a shape in groups, each of which is seen through taps of its own."""
        found: dict[tuple[int, ...], list] = {}
        for tap in range(self.kernel**2):
            places = [step - self.padding for step in divmod(tap, self.kernel)]
            place = tuple(step % self.stride for step in places)
            found.setdefault(place, []).append((tap, [step // self.stride for step in places]))
        for place, taps in found.items():
            size = [
                ceil((n - first) / self.stride) for n, first in zip(shape[2:], place, strict=True)
            ]
            if min(size) > 0:
                yield _Phase(self, place, size, taps)

    def parts(self, x, features):
        """Slices of images x, such that there are not too many values of `features` for each input at a time."""
        rows = ROWS * 512 // features if x.device.type == "cpu" else ROWS_ELSEWHERE
        step = max(1, rows // x[0, 0].numel())
        return [slice(start, start + step) for start in range(0, len(x), step)]


@dataclass(frozen=True)
class _Phase:
    """Every `stride`-th row and column of images, from a first one.

    Attributes
    ----------
    window : Window
    place, size : (int, int), [int, int]
        First row and column, and how many there are.
    taps : list of (int, [int, int])
        Numbers of the taps that see these inputs; and how much farther an input is, in these rows and columns, than
        the output that sees it.
    """

    window: Window
    place: tuple
    size: list
    taps: list

    @property
    def inputs(self):
        """Index of these rows and columns."""
        return tuple(slice(first, None, self.window.stride) for first in self.place)

    def matrix(self, w, blocks):
        """Weights [outputs, blocks, inputs] as what these inputs are multiplied by: [blocks * channels, taps * outputs]."""
        w = w.view(len(w), blocks, -1, self.window.kernel**2)[..., [tap for tap, _ in self.taps]]
        return w.permute(1, 2, 3, 0).reshape(blocks * w.shape[2], -1)

    def unmatrix(self, matrix, blocks, w):
        """Add a matrix as `matrix` gives it to gradients w [outputs, blocks, inputs], in place."""
        w = w.view(len(w), blocks, -1, self.window.kernel**2)
        matrix = matrix.view(blocks, w.shape[2], len(self.taps), len(w)).permute(3, 0, 1, 2)
        w[..., [tap for tap, _ in self.taps]] += matrix

    def _pairs(self, size):
        """For each tap, where it is in the rows of `matrix`, and slices of inputs and of outputs [oh, ow] that belong together."""
        for number, (_, offsets) in enumerate(self.taps):
            pairs = [
                (max(0, far), min(count, out + far))
                for far, count, out in zip(offsets, self.size, size, strict=True)
            ]
            if all(low < high for low, high in pairs):
                seen = tuple(slice(low, high) for low, high in pairs)
                to = tuple(
                    slice(low - far, high - far)
                    for (low, high), far in zip(pairs, offsets, strict=True)
                )
                yield number, seen, to

    def add(self, products, sums):
        """Add products [n * inputs, taps * outputs] to the sums [n, oh, ow, outputs] that they belong to, in place."""
        products = products.view(len(sums), *self.size, len(self.taps), -1)
        for number, (rows, columns), (to_rows, to_columns) in self._pairs(sums.shape[1:3]):
            sums[:, to_rows, to_columns] += products[:, rows, columns, number]

    def gather(self, g):
        """Gradients g [n, oh, ow, outputs] of the sums as those of the products."""
        found = g.new_zeros(len(g), *self.size, len(self.taps), g.shape[3])
        for number, (rows, columns), (to_rows, to_columns) in self._pairs(g.shape[1:3]):
            found[:, rows, columns, number] = g[:, to_rows, to_columns]
        return found.view(-1, len(self.taps) * g.shape[3])


class _Product(Function):
    @staticmethod
    def forward(ctx, x, w, window):
        ctx.save_for_backward(x, w)
        ctx.window = window
        last, sums = (
            x.permute(0, 2, 3, 1).contiguous(),
            x.new_zeros(len(x), *window.size(x), len(w)),
        )
        for phase in window.phases(x.shape):
            matrix = phase.matrix(w, 1)
            for part in window.parts(x, x.shape[1]):
                seen = last[(part, *phase.inputs)]
                phase.add(seen.reshape(-1, x.shape[1]) @ matrix, sums[part])
        return sums.flatten(0, 2)

    @staticmethod
    def backward(ctx, g):
        (x, w), window = ctx.saved_tensors, ctx.window
        last, g = x.permute(0, 2, 3, 1).contiguous(), g.view(len(x), *window.size(x), len(w))
        dx, dw = torch.zeros_like(last), torch.zeros_like(w)
        for phase in window.phases(x.shape):
            matrix = phase.matrix(w, 1)
            own = torch.zeros_like(matrix)
            for part in window.parts(x, x.shape[1]):
                seen, wanted = last[(part, *phase.inputs)], phase.gather(g[part])
                if ctx.needs_input_grad[0]:
                    dx[(part, *phase.inputs)] = (wanted @ matrix.T).view(seen.shape)
                own.addmm_(seen.reshape(-1, x.shape[1]).T, wanted)
            phase.unmatrix(own, 1, dw)
        return dx.permute(0, 3, 1, 2), dw, None


class _Bank(Function):
    @staticmethod
    def forward(ctx, x, c, theta, w, level, thresholds, window):
        ctx.save_for_backward(x, c, w, level, thresholds)
        ctx.window, count = window, len(thresholds)
        matrices = by_level(c, level, count)
        last, sums = (
            x.permute(0, 2, 3, 1).contiguous(),
            x.new_zeros(len(x), *window.size(x), len(c)),
        )
        for phase in window.phases(x.shape):
            matrix = phase.matrix(matrices, count)
            for part in window.parts(x, count * x.shape[1]):
                seen = last[(part, *phase.inputs)]
                phase.add(lifted(seen, thresholds) @ matrix, sums[part])
        return sums.flatten(0, 2)

    @staticmethod
    def backward(ctx, g):
        (x, c, w, level, thresholds), window = ctx.saved_tensors, ctx.window
        need_x, need_c, need_theta, need_w = ctx.needs_input_grad[:4]
        g = g.view(len(x), *window.size(x), len(c)) / (1 if w is None else 2)
        count = len(thresholds)
        matrices, last = by_level(c, level, count), x.permute(0, 2, 3, 1).contiguous()
        dx, dw = torch.zeros_like(last), torch.zeros_like(c)
        dc, dtheta = torch.zeros_like(matrices), torch.zeros_like(matrices)
        for phase in window.phases(x.shape):
            matrix = phase.matrix(matrices, count)
            plain = None if w is None else phase.matrix(w, 1)
            of_c, of_theta, of_w = (
                torch.zeros_like(matrix[: blocks * x.shape[1]]) for blocks in (count, count, 1)
            )
            for part in window.parts(x, count * x.shape[1]):
                seen, wanted = last[(part, *phase.inputs)], phase.gather(g[part])
                rectified = lifted(seen, thresholds)
                if need_c:
                    of_c.addmm_(rectified.T, wanted)
                above = rectified.sign_()  # they are never negative
                if need_theta:
                    of_theta.addmm_(above.T, wanted)
                if need_w:
                    of_w.addmm_(seen.reshape(-1, x.shape[1]).T, wanted)
                if need_x:
                    own = (wanted @ matrix.T).mul_(above).view(-1, count, x.shape[1]).sum(1)
                    own = own if w is None else own.addmm_(wanted, plain.T)
                    dx[(part, *phase.inputs)] = own.view(seen.shape)
            phase.unmatrix(of_c, count, dc)
            phase.unmatrix(of_theta, count, dtheta)
            phase.unmatrix(of_w, 1, dw)

        return (
            dx.permute(0, 3, 1, 2) if need_x else None,
            of_level(dc, level) if need_c else None,
            -c * of_level(dtheta, level) if need_theta else None,
            dw if need_w else None,
            None,
            None,
            None,
        )
