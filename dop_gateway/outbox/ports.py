"""What the outbox asks of the world: take a message over, or say why not.

An attempt is bounded in time, far below `dop_gateway.outbox.model.LEASE_S`. What goes
wrong outside is an outcome, never an exception. Words of an outcome name no address:
they are stored, and shown to operators.
"""

from typing import Protocol

from dop_gateway.outbox.model import Outcome
from dop_gateway.outbox.templates import Letter, Text


class Mailer(Protocol):
    """Takes e-mails over."""

    def send(self, reference: str, letter: Letter, to: str) -> Outcome:
        """Try once.

        Args:
            reference: Of the message; the same each time that it is tried.
            letter: What is said.
            to: An e-mail address.
        """
        ...


class TextMessages(Protocol):
    """Takes text messages over: an operator, or who stands before one."""

    def send(self, reference: str, text: Text, to: str) -> Outcome:
        """Try once.

        Args:
            reference: Of the message; the same each time that it is tried.
            text: What is said, with the number of its template.
            to: Ten digits of a mobile number in India.
        """
        ...
