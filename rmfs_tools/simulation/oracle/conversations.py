"""What a server heard in a call and has not answered yet.

A conversation keeps the books as they were when the message came, and as they were
after every transaction since, until the answer: the last of these transactions is the
judgement itself, so the message was judged by what was there before it.

Source:
    protocol/SPEC.md DLG-1.3, DLG-14.2.
"""

from typing import Final

from rmfs_tools.simulation.oracle.judge import View
from rmfs_tools.simulation.oracle.messages import Confirmation, Statement

CONVERSATIONS_MAX: Final = 6
"""Calls of one licence that are remembered; an older one is not looked at any more."""

_VIEWS_MAX: Final = 16


class Conversation:
    """One call at the server.

    Args:
        call: Its number.
        statement: The STATEMENT that came in it.
        view: The books when it came.
        reported: How many discrepancies of the licence had been reported then.
    """

    def __init__(
        self, call: int, statement: Statement, view: View | None, reported: int
    ) -> None:
        self.call = call
        self.number = statement.number
        self.message: Statement | Confirmation | None = None
        self.views: list[View] = []
        self.reported = reported
        self.goodbye: bytes | None = None
        self.superseded = False
        self.heard_superseded = False
        self.refused = False
        self.frozen = False
        self.usage_unanswered = False
        self.ask(statement, view, reported)

    def ask(
        self, message: Statement | Confirmation, view: View | None, reported: int
    ) -> None:
        """Take a message that wants a judgement."""
        self.message = message
        self.number = message.number
        self.views = [] if view is None else [view]
        self.reported = reported

    def commit(self, view: View) -> None:
        """Take the books after a transaction."""
        if self.message is not None and len(self.views) < _VIEWS_MAX:
            self.views.append(view)

    def judged_by(self) -> list[View]:
        """Give the books by which the message may have been judged, newest last."""
        return self.views[:-1] if len(self.views) > 1 else self.views

    def answered(self) -> None:
        """The answer went out."""
        self.message = None
        self.views = []
