"""Options of a proof, checked before anything runs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .. import tools
from ..errors import InputError
from .formulas.solver import SOLVERS, default_solver
from .lemmas.netlist import MODELS

__all__ = ["METHODS", "PROPERTIES", "ProofOptions"]

PROPERTIES = ("function", "stream")
METHODS = ("lemmas", "whole")


def _silent(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class ProofOptions:
    """Options of a proof.

    Parameters
    ----------
    properties : iterable of str
        What to prove: ``function``, ``stream`` or both.
    method : str
        How to prove the function: by ``lemmas``, or as a ``whole``, in one formula, for small kernels.
    netlist : str, optional
        Device family (``ice40``, ``ecp5``, ``gowin``) for which the netlist after synthesis is proven equal too.
    solver : str, optional
        ``z3``, ``bitwuzla``, ``yices`` or ``boolector``; by default Bitwuzla if it is installed, else z3.
    limit : float
        Seconds for one question to the solver.
    say : callable
        Called with a line of text for each step.

    Raises
    ------
    InputError
        If an option is wrong.
    ToolMissing
        If the solver is not installed.
    """

    properties: Iterable[str] = PROPERTIES
    method: str = "lemmas"
    netlist: str | None = None
    solver: str | None = None
    limit: float = 120
    say: Callable[[str], object] = _silent

    def __post_init__(self):
        object.__setattr__(self, "properties", tuple(self.properties))
        object.__setattr__(self, "solver", self.solver or default_solver())
        if self.solver not in SOLVERS:
            raise InputError(f"the solver must be {', '.join(SOLVERS)}, not {self.solver!r}")
        for name in self.properties:
            if name not in PROPERTIES:
                raise InputError(f"the property must be {' or '.join(PROPERTIES)}, not {name!r}")
        if not self.properties and not self.netlist:
            raise InputError("there is nothing to prove: name a property or a netlist")
        if self.method not in METHODS:
            raise InputError(f"the method must be {' or '.join(METHODS)}, not {self.method!r}")
        if self.netlist is not None and self.netlist not in MODELS:
            raise InputError(f"the netlist must be for {', '.join(MODELS)}, not {self.netlist!r}")
        if not self.limit > 0:
            raise InputError(f"the limit must be a positive number of seconds, not {self.limit:g}")
        tools.find(SOLVERS[self.solver][0])
