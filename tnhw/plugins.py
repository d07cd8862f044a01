"""Rules, architectures and data sets of your own: modules that are imported before a kernel or a data set is loaded.

When it is imported, a module registers its rules, by deriving from `tnhw.synapse.Rule`, its architectures, by
``tnhw.kernel.ARCHITECTURES["name"] = Class``, and its data sets, by ``tnhw.data.register(Dataset(...))``. There are two
ways to name it: in the variable ``TNHW_PLUGINS`` (modules separated by commas, also from the current folder), or as an
entry point of the group ``tnhw.plugins`` in an installed package. Nothing else is imported.
"""

import sys
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from .errors import InputError
from .support import environment

__all__ = ["GROUP", "VARIABLE", "load"]

GROUP = "tnhw.plugins"
VARIABLE = "TNHW_PLUGINS"


def load():
    """Import every module that is named, each once.

    Raises
    ------
    InputError
        If a module cannot be imported, or registers an architecture of a wrong class.
    """
    from .kernel import Kernel  # noqa: F401  (first, so that plug-ins add to its rules)

    _load(environment.text(VARIABLE) or "")


@cache
def _load(named):
    from .gates.kernels import ARCHITECTURES, Architecture

    for entry in entry_points(group=GROUP):
        _import(lambda entry=entry: entry.load(), f"entry point `{entry.name}` of {GROUP}")
    modules = [name.strip() for name in named.split(",") if name.strip()]
    if modules and "" not in sys.path:
        sys.path.insert(0, "")
    for name in modules:
        _import(lambda name=name: import_module(name), f"{VARIABLE}: the module `{name}`")
    for name, made in ARCHITECTURES.items():
        if not issubclass(made, Architecture):
            raise InputError(
                f"architecture `{name}`: its class {made.__name__} must derive from tnhw.gates.kernels.Architecture"
            )


def _import(load, what):
    try:
        load()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise InputError(f"{what} cannot be imported ({said}); correct it or remove it") from error
