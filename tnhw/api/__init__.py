"""The verbs of the command line as Python functions: a name, a file or an object in, a record out."""

from .comparing import compare
from .generated import Generated
from .verbs import build, generate, prove, simulate

__all__ = ["Generated", "build", "compare", "generate", "prove", "simulate"]
