"""Boards: their TOML records, the protocol of the serial line, and the host's side of it."""

from .board import Board, boards, load_board
from .host import Client

__all__ = ["Board", "Client", "boards", "load_board"]
