"""Differentiable functions: exact integers forward, chosen gradients backward.

Every value is an integer times a power of two, small enough for float32 to hold sums exactly. So the order of a sum
does not matter, and the exported network gives the same bits as the trained model.
"""

import torch
from torch.autograd import Function

__all__ = ["adder", "bank", "by_level", "lifted", "of_level", "power", "rounded", "through"]


CHUNK = 1024  # rows that `bank` computes at a time, so that its rectifiers stay in the cache


class _Through(Function):
    @staticmethod
    def forward(ctx, p, quantised):
        return quantised.clone()

    @staticmethod
    def backward(ctx, g):
        return g, None


def lifted(x, thresholds):
    """Rectifiers max(x - t_k, 0) of x [..., inputs]: [rows, K * inputs]."""
    found = (x.unsqueeze(-2) - thresholds.unsqueeze(-1)).relu_()
    return found.reshape(-1, found.shape[-2] * found.shape[-1])


class _Bank(Function):
    @staticmethod
    def forward(ctx, x, c, theta, w, level, thresholds):
        matrix = by_level(c, level, len(thresholds)).flatten(1)
        ctx.save_for_backward(x, matrix, c, w, level, thresholds)
        return torch.cat([lifted(rows, thresholds) @ matrix.T for rows in x.split(CHUNK)])

    @staticmethod
    def backward(ctx, g):
        x, matrix, c, w, level, thresholds = ctx.saved_tensors
        need_x, need_c, need_theta, need_w = ctx.needs_input_grad[:4]
        g = g if w is None else g / 2
        dx, dc, dtheta = [], torch.zeros_like(matrix), torch.zeros_like(matrix)
        for rows, part in zip(x.split(CHUNK), g.split(CHUNK), strict=True):
            rectified = lifted(rows, thresholds)
            if need_c:
                dc += part.T @ rectified
            above = rectified.sign_()  # they are never negative
            if need_theta:
                dtheta += part.T @ above
            if need_x:
                dx.append((part @ matrix).mul_(above).view(len(rows), -1, x.shape[1]).sum(1))
        dx = torch.cat(dx) if need_x else None
        shape = len(c), len(thresholds), x.shape[1]
        return (
            dx if w is None or dx is None else dx + g @ w,
            of_level(dc.view(shape), level) if need_c else None,
            -c * of_level(dtheta.view(shape), level) if need_theta else None,
            g.T @ x if need_w else None,
            None,
            None,
        )


class _Adder(Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return -torch.cdist(x, w, p=1)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        dx = g @ w - x * g.sum(1, keepdim=True) if ctx.needs_input_grad[0] else None
        return dx, g.T @ x - w * g.sum(0).unsqueeze(1)


def through(p, quantised):
    """`quantised` forward; backward the gradient goes to `p` unchanged (straight-through)."""
    return _Through.apply(p, quantised)


def rounded(values):
    """Nearest integers, ties up, with a straight-through gradient."""
    return _Through.apply(values, torch.floor(values.detach() + 0.5))


def power(k):
    """2^k, exactly on every device, for a tensor k of integers from -126 to 127: the bits of a float32 with the exponent k."""
    return ((k.to(torch.int32) + 127) << 23).view(torch.float32)


def by_level(c, level, count):
    """Numbers c [outputs, inputs] at the level of each synapse, 0 elsewhere: [outputs, count, inputs]."""
    matrices = c.new_zeros(len(c), count, c.shape[1])
    return matrices.scatter_(1, level.unsqueeze(1), c.unsqueeze(1))


def of_level(matrices, level):
    """The numbers [outputs, inputs] that `matrices` [outputs, count, inputs] have at the level of each synapse."""
    return matrices.gather(1, level.unsqueeze(1)).squeeze(1)


def bank(x, c, theta, level, thresholds, w=None):
    """Sums of threshold synapses as one matrix product: z[n, o] = sum over i of c[o, i] * max(x[n, i] - theta[o, i], 0).

    The rectifiers max(x - t_k, 0), [n, K * inputs], are computed once for all outputs. They are multiplied by a matrix
    that has c at the level of each synapse and 0 elsewhere: 5 to 23 times faster than broadcasting over outputs.

    Parameters
    ----------
    x : float32 [n, inputs]
    c : float32 [outputs, inputs]
        Sign or signed gain, 0 for an absent synapse.
    theta : float32 [outputs, inputs]
        Only the gradient goes to it. Its value must be ``thresholds[level]``, and is not read.
    level : int64 [outputs, inputs]
        Index of each synapse's threshold in `thresholds`.
    thresholds : float32 [K]
    w : float32 [outputs, inputs], optional
        If given, gradients are the mean of two: of these sums, and of the sums of ``w * x``. Only the gradient goes to it.

    Returns
    -------
    float32 [n, outputs]
        With exact gradients to x, c and theta.
    """
    return _Bank.apply(x, c, theta, w, level, thresholds)


def adder(x, w):
    """Sums of AdderNet synapses: z[n, o] = -sum over i of abs(x[n, i] - w[o, i]), for x [n, inputs], w [outputs, inputs].

    Gradients are full-precision differences instead of signs (Chen et al., arXiv 1912.13200, section 3.1).
    """
    return _Adder.apply(x, w)
