"""The rules: one file each, numpy and gates side by side. A file that is put here is a rule of tnhw."""

from importlib import import_module
from pkgutil import iter_modules

__all__ = sorted(module.name for module in iter_modules(__path__))

for _name in __all__:
    import_module(f"{__name__}.{_name}")  # deriving from Rule registers it
