"""Boards: their TOML files, the protocol of the serial line, and the client on the host that speaks it."""

from .board import Board, boards, load_board
from .host import Client

__all__ = ["Board", "Client", "boards", "load_board"]
