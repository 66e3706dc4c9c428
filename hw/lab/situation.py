"""Where a dialogue of the bench with a machine stands, seen from the bench as a server.

What was sent may have been taken or not; what may have been is noted as such.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hw.lab.book import Book, new_book
from protocol.keys import MachineProvisioning
from protocol.messages import UsageRow
from protocol.messages.codec import FieldValue


@dataclass(slots=True)
class Situation:
    """One machine, and one dialogue with it after the other.

    Attributes:
        machine: The machine under test, as its maker provisioned it.
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

    machine: MachineProvisioning
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

    def begin_life(self, machine: MachineProvisioning) -> None:
        """Open a book for the next life of the machine."""
        self.machine = machine
        self.book = new_book(machine, self.book.dial_in)
        self.book.is_known = True
        self.begin()
