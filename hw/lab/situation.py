"""Where a dialogue of the bench with a machine stands, seen from the bench as a server.

What was sent may have been taken or not; what may have been is noted as such.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hw.lab.book import Book
from protocol.keys import MachineCredential
from protocol.messages import UsageRow
from protocol.messages.codec import FieldValue


@dataclass(slots=True)
class Situation:
    """One machine, and one dialogue with it after the other.

    Attributes:
        credential: What the machine under test is known by.
        book: What is known of it.
        statement: The fields of its STATEMENT in this dialogue.
        answers: The recharge number that a RECEIPT has to name.
        serial_said: Of the last ORDER, or the highest applied.
        acknowledges: Type and number of what an ACK has to name.
        receipted: A RECEIPT was sent that the machine must take.
        refused_alone: A REFUSAL was sent that no RECEIPT follows.
        want: The last WANT.
        usage: Rows of USAGE in this dialogue.
        usage_next: The part that comes next, from 1.
    """

    credential: MachineCredential
    book: Book
    statement: Mapping[str, FieldValue] = field(default_factory=dict)
    answers: int = 0
    serial_said: int = 0
    acknowledges: tuple[int, int] = (0, 0)
    receipted: bool = False
    refused_alone: bool = False
    want: Mapping[str, FieldValue] = field(default_factory=dict)
    usage: list[UsageRow] = field(default_factory=list)
    usage_next: int = 1

    def begin(self) -> None:
        """Forget what belonged to an earlier dialogue."""
        self.statement = {}
        self.want = {}
        self.acknowledges = (0, 0)
        self.receipted = False
        self.refused_alone = False

    def begin_life(self, credential: MachineCredential, book: Book) -> None:
        """Go on with the book of the machine's next life.

        Args:
            credential: What it is known by from now on.
            book: Of this life.
        """
        self.credential = credential
        self.book = book
        self.begin()
