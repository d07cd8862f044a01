"""The verbs of the command line as Python functions: they take a name, a file or an object, and return a record."""

from .comparing import compare
from .converting import convert
from .folding import folds
from .generated import Generated
from .searching import search
from .verbs import build, generate, prove, simulate

__all__ = [
    "Generated", "build", "compare", "convert", "folds", "generate", "prove", "search", "simulate",
]  # fmt: skip
