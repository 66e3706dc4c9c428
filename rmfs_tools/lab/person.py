"""The person at the terminal, who does at the unit what no hook does.

Nothing waits in a thread: the answer is read by the reactor, so that a run goes on to
hear its line, and Ctrl-C ends it at a question as anywhere else.
"""

import os
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from hw.lab.hooks import Answer
from hw.reactor import MonotonicReactor
from rmfs_tools.lab.screen import Screen

STDIN: Final = 0
_OCTETS_MAX: Final = 4096
_ANSWERS: Final = {
    "": Answer.DONE,
    "y": Answer.DONE,
    "yes": Answer.DONE,
    "n": Answer.NOT_DONE,
    "no": Answer.NOT_DONE,
    "r": Answer.REFUSED,
    "refused": Answer.REFUSED,
}


class PersonAtTerminal:
    """A `Person` at a terminal, or at a pipe."""

    def __init__(
        self, reactor: MonotonicReactor, screen: Screen, descriptor: int = STDIN
    ) -> None:
        """Prepare; nothing is read before something is asked.

        Args:
            reactor: Tells when there is something to read.
            screen: Shows the questions.
            descriptor: From which answers are read.
        """
        self._reactor = reactor
        self._screen = screen
        self._descriptor = descriptor
        self._waiting: Deferred[Answer] | None = None
        self._ends_with_call = False
        self._typed = b""

    async def ask(self, words: str, *, ends_with_call: bool = False) -> Answer:
        """Ask for something, and wait for the answer.

        Args:
            words: What is to be done.
            ends_with_call: The unit dials in when it is done: that is an answer too.
        """
        self._waiting = Deferred()
        self._ends_with_call = ends_with_call
        self._typed = b""
        done = "it dials, or Enter" if ends_with_call else "Enter when done"
        self._screen.tell(f"Please {words}.")
        self._screen.ask(f"[{done}; n: it cannot be done; r: the unit refuses] ")
        self._reactor.addReader(self)  # type: ignore[no-untyped-call]
        return await self._waiting

    def called(self) -> None:
        """Note that the unit has dialled in."""
        if self._waiting is not None and self._ends_with_call:
            self._screen.tell("it has dialled in")
            self._answer(Answer.DONE)

    # What the reactor tells a reader.

    def fileno(self) -> int:
        """Give the descriptor."""
        return self._descriptor

    def doRead(self) -> None:  # noqa: N802  Twisted's name
        """Take what was typed; the end of it all is a no."""
        octets = os.read(self._descriptor, _OCTETS_MAX)
        self._typed = (self._typed + octets)[-_OCTETS_MAX:]
        if not octets:
            self._answer(Answer.NOT_DONE)
            return
        *lines, self._typed = self._typed.split(b"\n")
        for line in lines:
            answer = _ANSWERS.get(line.decode("utf-8", "replace").strip().lower())
            if answer is not None:
                self._answer(answer)
                return
            self._screen.ask("Enter, n or r: ")

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802  Twisted's name
        """Do nothing: the run ends."""

    def logPrefix(self) -> str:  # noqa: N802  Twisted's name
        """Name this in Twisted's own log."""
        return "person"

    def _answer(self, answer: Answer) -> None:
        self._reactor.removeReader(self)  # type: ignore[no-untyped-call]
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(answer)
