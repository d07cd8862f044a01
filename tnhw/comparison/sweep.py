"""Sweeps: a kernel TOML in which every key may be a list, and the kernels of all combinations."""

from itertools import product
from pathlib import Path

from ..errors import InputError
from ..kernel import Kernel
from ..kernel.keys import Keys
from ..kernel.names import check_name
from ..kernel.own_keys import declared
from ..support.config import nearest, read_toml
from ..synapse import RULES
from .kernels import operands

__all__ = ["MAX_KERNELS", "kernels_of"]

MAX_KERNELS = 2000


def kernels_of(path, say=lambda text: None):
    """The kernels of a sweep TOML.

    The file has the keys of a kernel TOML, each with one value or a list of values, and the key `bits`: with
    ``bits = 8`` x is ``u7``, a weight is ``s8`` and a threshold ``u7`` with a sign, so that both store 8 bits. The
    first key varies slowest. Combinations that are not valid kernels are left out, and `say` gets the reason. Constant
    parameters are random; see :func:`tnhw.comparison.kernels.operands`.

    Returns
    -------
    str, list of Kernel
        Name of the sweep, and its kernels, whose names contain the values that vary.

    Raises
    ------
    InputError
        If a key is unknown, no combination is a valid kernel, or there are more than `MAX_KERNELS` combinations.
    """
    path = Path(path)
    keys = read_toml(path)
    known = {key for model in (Keys, *declared().values()) for key in model.model_fields} | {"bits"}
    if unknown := sorted(set(keys) - known):
        raise InputError(
            f"{path}: unknown key `{unknown[0]}`: {nearest(unknown[0], known)}; a sweep has the keys of a "
            "kernel, and `bits`"
        )
    if "parameters" in keys:
        raise InputError(f"{path}: a sweep takes random parameters: leave `parameters` out")
    name = check_name(keys.pop("name", path.stem))
    lists = {key: value if isinstance(value, list) else [value] for key, value in keys.items()}
    if empty := [key for key, values in lists.items() if not values]:
        raise InputError(f"{path}: `{empty[0]}` is an empty list: give one value or more")
    count = 1
    for values in lists.values():
        count *= len(values)
    if count > MAX_KERNELS:
        raise InputError(
            f"{path}: {count} combinations are more than {MAX_KERNELS}; shorten a list"
        )
    varied = [key for key, values in lists.items() if len(values) > 1]
    kernels, refused = {}, []
    for chosen in product(*lists.values()):
        own = dict(zip(lists, chosen, strict=True))
        title = "_".join([name, *(_word(key, own[key]) for key in varied)])
        try:
            kernels[title] = _kernel(title, own)
        except InputError as error:
            refused.append(error)
            say(f"left out: {error}")
    if not kernels:
        raise InputError(f"{path}: no combination is a valid kernel; the first: {refused[0]}")
    return name, list(kernels.values())


def _word(key, value):
    if isinstance(value, bool):
        return key if value else f"no_{key}"
    text = "".join(c if c.isalnum() else "_" for c in str(value))
    return f"{key}{text}" if isinstance(value, int) else text


def _kernel(name, keys):
    keys = dict(keys)
    bits = keys.pop("bits", None)
    if bits is not None:
        if not isinstance(bits, int) or bits < 2:
            raise InputError(
                f"kernel {name}: `bits` must be an integer of at least 2, not {bits!r}"
            )
        keys.setdefault("input", f"u{bits - 1}")
        rule = RULES.get(str(keys.get("rule")))
        if rule is not None and rule.has_parameter:
            keys.setdefault("parameter", rule.parameter_of(bits))
    if keys.get("storage") != "constant":
        return Kernel(name=name, **keys)
    plain = {
        "storage": "ports",
        "form": "auto",
        "sign": "auto",
        "interface": "stream",
        "beat": None,
    }
    like = Kernel(name=name, **(keys | plain))
    arrays = operands(like, 1)[1]
    return Kernel(name=name, arrays=arrays, **keys)
