"""The rules: one file for each, with numpy and gates. Every file in this folder is a rule of tnhw."""

from importlib import import_module
from pkgutil import iter_modules

__all__ = sorted(module.name for module in iter_modules(__path__))

for _name in __all__:
    import_module(f"{__name__}.{_name}")  # a class that derives from Rule is registered
