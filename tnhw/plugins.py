"""Rules and architectures of the user's own: modules that are imported before a kernel is loaded.

A module registers what it has when it is imported: a rule by deriving from `tnhw.synapse.Rule`, an
architecture by ``tnhw.kernel.ARCHITECTURES["name"] = Class``. Two ways name it: the variable
``TNHW_PLUGINS`` (modules, with commas between; the current folder is looked in), or an entry point of the
group ``tnhw.plugins`` in an installed package. Nothing is imported that neither names.
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
        If one cannot be imported, or does not register what it has.
    """
    from .kernel import Kernel  # noqa: F401  (before them, so that they add to what there is)

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
