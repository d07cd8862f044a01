"""Differentiable pieces: exact integers forward, chosen gradients backward.

Every value is an integer times a power of two, small enough for float32 to hold the sums exactly, so
that the order of a sum does not matter and a trained model exports bit for bit.
"""

import torch
from torch.autograd import Function

__all__ = ["adder", "bank", "mix", "rounded", "through"]


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


class _Bank(Function):
    @staticmethod
    def forward(ctx, x, c, theta, level, thresholds):
        rows, inputs = x.shape
        lifted = (x.unsqueeze(1) - thresholds.unsqueeze(1)).relu_().view(rows, -1)
        matrix = torch.zeros(len(c), len(thresholds), inputs)
        matrix = matrix.scatter_(1, level.unsqueeze(1), c.unsqueeze(1)).view(len(c), -1)
        ctx.save_for_backward(lifted, matrix, c, level)
        return lifted @ matrix.T

    @staticmethod
    def backward(ctx, g):
        lifted, matrix, c, level = ctx.saved_tensors
        outputs, inputs = c.shape
        need_x, need_c, need_theta = ctx.needs_input_grad[:3]
        dx = dc = dtheta = None
        above = lifted.sign()  # lifted is never negative

        def of_level(sums):
            return sums.view(outputs, -1, inputs).gather(1, level.unsqueeze(1)).squeeze(1)

        if need_c:
            dc = of_level(g.T @ lifted)
        if need_theta:
            dtheta = -c * of_level(g.T @ above)
        if need_x:
            dx = ((g @ matrix).mul_(above)).view(len(g), -1, inputs).sum(1)
        return dx, dc, dtheta, None, None


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
    """`exact` forward; backward the mean of both gradients."""
    return _Mix.apply(exact, surrogate)


def bank(x, c, theta, level, thresholds):
    """Threshold kernel as one matrix product: z[n, o] = sum over i of c[o, i] * max(x[n, i] - theta[o, i], 0).

    The rectifiers max(x - t_k, 0) are made once for all outputs [n, K * inputs], and a matrix that has c
    at the level of each synapse sums them: 5 to 23 times faster than broadcasting over outputs.

    Parameters
    ----------
    x : float32 [n, inputs]
    c : float32 [outputs, inputs]
        Sign or signed gain, 0 for an absent synapse.
    theta : float32 [outputs, inputs]
        Takes the gradient; its value is ``thresholds[level]`` and is not read.
    level : int64 [outputs, inputs]
    thresholds : float32 [K]

    Returns
    -------
    float32 [n, outputs], with exact gradients to x, c and theta
    """
    return _Bank.apply(x, c, theta, level, thresholds)


def adder(x, w):
    """AdderNet kernel: z[n, o] = -sum over i of abs(x[n, i] - w[o, i]).

    Gradients are full-precision differences instead of signs (Chen et al., arXiv 1912.13200, section 3.1).
    """
    return _Adder.apply(x, w)
