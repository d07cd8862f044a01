"""Models of torch as `convert` needs them: their `forward` is traced, and each operation is understood or refused."""

import copy
import operator

import numpy as np
import torch
from torch import fx, nn
from torch.nn import functional

from ..data.encoding import Encoder
from ..errors import InputError
from .originals import SAMPLE, Original, Part, columns, steps

__all__ = ["of_module"]

CLIPS = {nn.ReLU, nn.ReLU6, functional.relu, functional.relu6, torch.relu, "relu"}
NORMS = {nn.BatchNorm1d, nn.BatchNorm2d}
SHAPES = {nn.Flatten, torch.flatten, torch.reshape, "flatten", "view", "reshape"}
ENDS = {nn.Softmax, nn.LogSoftmax, functional.softmax, functional.log_softmax, "softmax", "log_softmax"}  # fmt: skip
SAME = {nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, functional.dropout, "contiguous"}
JOINS = {operator.add, operator.iadd, torch.add, torch.cat, torch.concat, torch.stack, "add", "add_"}  # fmt: skip
JOINED = "joins branches, as a residual connection does; only layers in a row are converted"


def of_module(model, x, bits=4):
    """A model of torch.

    Parameters
    ----------
    model : torch.nn.Module
        Made of `Linear`, `Conv2d`, `BatchNorm`, `ReLU` and `Flatten`, in any nesting; its class may have a `forward` of
        its own.
    x : float array [n, ...]
        Inputs as the model takes them, like those that it will get. They become integers in equal steps from the
        smallest to the largest number in them.
    bits : int
        Bits of these integers.

    Raises
    ------
    InputError
        If it holds something that cannot be converted: the message names the module and says why.
    """
    graph = _traced(model)
    values = _Values(graph, _tensor(model, x[:SAMPLE])).of
    walk = _Walk(graph, values)
    parts, shape = walk.whole(), x.shape[1:]
    image = not parts[0].dense
    order = np.arange(np.prod(shape)).reshape(shape).transpose(1, 2, 0).ravel() if image else None
    encoder = Encoder(0, steps(x, bits), order)
    output = next(node for node in graph.graph.nodes if node.op == "output")
    output.args = (walk.node,)
    graph.recompile()

    def logits(x):
        with torch.no_grad():
            return graph(_tensor(model, x)).float().cpu().numpy()

    return Original(
        parts, (*shape[1:], shape[0]) if image else (int(np.prod(shape)),), bits, encoder.encode, logits,
        encoder.encode(x[:SAMPLE]), encoder, {"original": f"{type(model).__name__} of torch"},
    )  # fmt: skip


class _Values(fx.Interpreter):
    """What every node of a graph computes for the sample."""

    def __init__(self, graph, x):
        super().__init__(graph, garbage_collect_values=False)
        self.of = {}
        try:
            with torch.no_grad():
                self.run(x)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            text = str(error).splitlines()[0]
            raise InputError(f"the model does not run on inputs {list(x.shape)}: {text}") from None

    def run_node(self, node):
        value = self.of[node] = super().run_node(node)
        return value


class _Walk:
    """Goes along the nodes of a graph, and makes a part of each layer with weights."""

    def __init__(self, graph, values):
        self.modules, self.values = dict(graph.named_modules()), values
        self.nodes = list(graph.graph.nodes)
        self.parts = []
        self.name, self.weights, self.window = "", None, (1, 0)  # of the layer that has no clip yet
        self.scale = None  # of each channel, between the clip before and the next layer
        self.node = None  # which computes the tensor here
        self.ended = False

    def whole(self):
        """All parts."""
        for node in self.nodes:
            if node.op == "placeholder" and self.node is None:
                self.node = node
            elif node.op in ("call_module", "call_function", "call_method"):
                if isinstance(self.values[node], torch.Tensor):
                    self._step(node)
            elif node.op == "output" and node.args[0] is not self.node and not self.ended:
                raise InputError("the model gives something else than the result of its last layer")
        if self.weights is None:
            what = (
                f"a ReLU behind its last layer, `{self.name}`"
                if self.parts
                else "no Linear and no Conv2d"
            )
            raise InputError(
                f"the model has {what}; only a model that ends in a layer is converted"
            )
        if self.values[self.node].ndim != 2:
            raise InputError(
                f"module `{self.name}`: the last layer must be a Linear, one output a class"
            )
        self._close()
        return tuple(self.parts)

    def _step(self, node):
        kind = type(self.modules[node.target]) if node.op == "call_module" else node.target
        sources = [n for n in node.all_input_nodes if isinstance(self.values[n], torch.Tensor)]
        if kind in JOINS or len(sources) > 1 or sources != [self.node]:
            raise self._refused(node, JOINED)
        if self.ended:
            raise self._refused(node, "it is behind the softmax, which must be last")
        if kind in (nn.Linear, nn.Conv2d):
            self._open(node, self.modules[node.target])
        elif kind in NORMS:
            self._normalise(node, self.modules[node.target])
        elif kind in CLIPS:
            self._clip(node)
        elif kind in ENDS:
            self.ended = True
            return
        elif kind in SHAPES:
            before, after = self.values[self.node], self.values[node]
            if after.shape != before.flatten(1).shape and after.shape != before.shape:
                raise self._refused(
                    node,
                    f"it makes {list(after.shape[1:])} of {list(before.shape[1:])}; only flattening is known",
                )
        elif kind not in SAME:
            known = "Linear, Conv2d, BatchNorm, ReLU, Flatten and Dropout are"
            pool = "Pool" in str(kind) or "pool" in str(kind)
            raise self._refused(
                node,
                f"it is not converted: {known}" + ("; a stride replaces pooling" if pool else ""),
            )
        self.node = node

    def _open(self, node, module):
        """A layer with weights begins."""
        if self.weights is not None:
            raise self._refused(
                node,
                f"there is no ReLU between `{self.name}` and it, and a converted layer clips at 0",
            )
        weights = module.weight.detach().float().cpu()
        if weights.ndim == 4:
            self.window = self._window(node, module)
        elif self.values[self.node].ndim != 2:
            raise self._refused(
                node,
                f"its inputs are {list(self.values[self.node].shape[1:])}; put a Flatten before it",
            )
        else:
            self.window = (1, 0)
        if self.scale is not None:
            weights = columns(weights, self.scale)
        self.name, self.weights, self.scale = str(node.target), weights, None

    def _window(self, node, module):
        """Stride and padding of a convolution."""
        each = [
            {*pair} if isinstance(pair, tuple) else {pair}
            for pair in (module.stride, module.padding, module.kernel_size)
        ]
        text = module.extra_repr()
        if module.groups != 1 or {*module.dilation} != {1} or module.padding_mode != "zeros":
            raise self._refused(
                node, f"groups, dilation and other padding than zeros are not converted ({text})"
            )
        if any(len(one) > 1 for one in each) or isinstance(module.padding, str):
            raise self._refused(
                node, f"only windows that are the same in both directions are converted ({text})"
            )
        return each[0].pop(), each[1].pop()

    def _normalise(self, node, module):
        """Fold a normalisation into the layer before it, or behind a ReLU into the next one."""
        if module.running_var is None:
            raise self._refused(node, "it has no running statistics")
        factor = (module.running_var + module.eps).rsqrt().detach().float().cpu()
        if module.weight is not None:
            factor = factor * module.weight.detach().float().cpu()
        if self.weights is None:
            self.scale = factor if self.scale is None else self.scale * factor
        elif len(factor) != len(self.weights):
            raise self._refused(
                node,
                f"it scales {len(factor)} numbers, but `{self.name}` has {len(self.weights)} channels",
            )
        else:
            self.weights = (self.weights.transpose(0, -1) * factor).transpose(0, -1)

    def _clip(self, node):
        if self.weights is not None:
            self._close()
        elif self.scale is not None:
            raise self._refused(node, "it is behind a normalisation that has a ReLU before it")

    def _close(self):
        sums = self.values[self.node].float().cpu()
        self.parts.append(Part(self.name, self.weights, sums, *self.window))
        self.weights = None

    def _refused(self, node, why):
        if node.op == "call_module":
            where = f"module `{node.target}` ({type(self.modules[node.target]).__name__})"
        else:
            stack = node.meta.get("nn_module_stack") or {"": ("", None)}
            owner = [*stack.values()][-1][0]
            where = f"{f'module `{owner}`' if owner else 'the model'}, operation `{node.name}`"
        return InputError(f"{where}: {why}")


def _traced(model):
    """The graph of a model in evaluation mode, with copies of its modules."""
    model = copy.deepcopy(model).eval()
    if type(model).__module__.startswith("torch.nn.") and not isinstance(model, nn.Sequential):
        model = nn.Sequential(model)
    try:
        return fx.symbolic_trace(model)
    except Exception as error:  # whatever the model's own code raises
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"the model's `forward` cannot be traced by torch.fx: {text}") from None


def _tensor(model, x):
    known = next(model.parameters(), torch.zeros(0))
    return torch.as_tensor(np.asarray(x)).to(known.device, known.dtype)
