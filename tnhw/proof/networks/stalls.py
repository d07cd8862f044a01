"""Whether the modules of a network give the same results whatever the pauses of senders and the stalls of receivers are.

Each module is looked at alone. If it gives the right beats to each sender and each receiver that keep the contract, and
keeps the contract itself, then so does a row of modules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .alone import result_alone
from .answers import Answers
from .following import Following, Stalled
from .modules import Module
from .states import Contract
from .values import NotUnderstood

__all__ = ["Stalled", "Stalls"]


class Stalls:
    """The proof for the modules of a network.

    Parameters
    ----------
    modules : list of Module
    answers : Answers
    limit : int
        Clocks within which something must happen in a module that nobody stalls.
    most : int
        Images that a module may hold.
    say : callable
        Called with what is being done.
    """

    def __init__(
        self,
        modules: list[Module],
        answers: Answers,
        limit: int,
        most: int,
        say: Callable[[str], Any] = lambda text: None,
    ) -> None:
        self.answers, self._modules, self._say = answers, modules, say
        self._limit, self._most = limit, most
        self.states: dict[str, int] = {}  # of each module

    def prove(self) -> None:
        """Follow all modules in their order.

        Raises
        ------
        Stalled
            If a module goes wrong.
        NotUnderstood
            If it has too many states, or values that are not understood.
        """
        answers = self.answers
        answers.know(0)
        beats, promised = [answers.beat(0, k) for k in range(answers.input["beats"])], 0
        for module in self._modules:
            answer = result_alone(module, answers, beats, self._limit, promised)
            early = answer.early and module is not self._modules[-1]
            counts = len(beats), len(answer.beats), promised, answer.promised
            contract = Contract(*counts, early, self._most)
            following = Following(module, answers, contract, beats, answer.beats, self._limit, self._say)  # fmt: skip
            self.states[module.name] = following.follow()
            beats, promised = answer.beats, answer.promised
        if len(beats) != answers.output["beats"]:
            raise NotUnderstood("a result has another number of beats than the manifest's")
        for k, beat in enumerate(beats):
            if answers.wrong(beat, 0, k) is not None:
                raise NotUnderstood(
                    "the result is another function of the inputs than the definition's"
                )
