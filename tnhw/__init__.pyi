"""What editors and type checkers read of `tnhw`: the names that `__init__.py` imports when they are asked for."""

from .api import build as build
from .api import compare as compare
from .api import convert as convert
from .api import folds as folds
from .api import generate as generate
from .api import prove as prove
from .api import search as search
from .api import simulate as simulate
from .catalogue import load as load
from .kernel import Kernel as Kernel
from .network import Design as Design
from .network import Layer as Layer
from .network import Network as Network
from .pictures import draw as draw
from .synapse import RULES as RULES
from .synapse import Format as Format

__version__: str
