"""Where a dialogue stands, as the bench sees it: from what was sent and what came.

The tables say which situation follows, and which messages have a place in it (DLG-15);
what is not in them changes nothing.
"""

from collections.abc import Mapping
from typing import Final

from hw.lab.side import number
from hw.lab.steps import Step
from hw.lab.taken import Taken
from hw.lab.verbs import BESIDE, BY_FRAMES, NOTHING, words_of
from protocol.link import Role
from protocol.messages import MessageType

NO_CALL: Final = "no call"
LINE: Final = "line"
LINKED: Final = "linked"
GREETED: Final = "greeted"
STATED: Final = "stated"
DELIVERED: Final = "delivered"
CONFIRMED: Final = "confirmed"
REFUSED: Final = "refused"
FROZEN: Final = "frozen"
RECEIPTED: Final = "receipted"
FETCHING: Final = "fetching"
REPORTING: Final = "reporting"
PRESENTING: Final = "presenting"
GOODBYE: Final = "goodbye"
FAILED: Final = "failed"

STATES: Final[dict[Role, tuple[str, ...]]] = {
    Role.MACHINE: (
        *(NO_CALL, LINE, LINKED, GREETED, STATED, DELIVERED, CONFIRMED, REFUSED),
        *(FROZEN, RECEIPTED, FETCHING, REPORTING, PRESENTING, GOODBYE, FAILED),
    ),
    Role.SERVER: (
        *(NO_CALL, LINE, LINKED, GREETED, STATED, DELIVERED, CONFIRMED, REFUSED),
        *(FROZEN, RECEIPTED, FETCHING, REPORTING, PRESENTING, GOODBYE, FAILED),
    ),
}
"""All situations; a machine is GREETED when it waits for GREETING_2, a server when it
has sent that."""

_CAME: Final[dict[str, str]] = {
    "GREETING_1": GREETED,
    "GREETING_2": GREETED,
    "STATEMENT": STATED,
    "VOUCHER": DELIVERED,
    "CONFIRMATION": CONFIRMED,
    "RECEIPT": RECEIPTED,
    "WANT": FETCHING,
    "CONTENT": RECEIPTED,
    "USAGE": REPORTING,
    "LAST_VOUCHER": PRESENTING,
    "GOODBYE": GOODBYE,
    "ERROR": FAILED,
    "end": FAILED,
}
_SENT: Final[dict[str, str]] = {
    "GREETING_1": LINKED,
    "STATEMENT": STATED,
    "VOUCHER": DELIVERED,
    "CONFIRMATION": CONFIRMED,
    "RECEIPT": RECEIPTED,
    "WANT": FETCHING,
    "CONTENT": RECEIPTED,
    "USAGE": REPORTING,
    "LAST_VOUCHER": PRESENTING,
    "GOODBYE": GOODBYE,
    "ERROR": FAILED,
}
IN_PLACE: Final[dict[Role, dict[str, frozenset[str]]]] = {
    Role.MACHINE: {
        STATED: frozenset({"VOUCHER", "RECEIPT", "REFUSAL"}),
        CONFIRMED: frozenset({"RECEIPT"}),
        REFUSED: frozenset({"RECEIPT"}),
        FETCHING: frozenset({"CONTENT"}),
        REPORTING: frozenset({"ACK"}),
        PRESENTING: frozenset({"ACK"}),
    },
    Role.SERVER: {
        LINKED: frozenset({"GREETING_1", "STATEMENT"}),
        GREETED: frozenset({"STATEMENT"}),
        DELIVERED: frozenset({"CONFIRMATION"}),
        RECEIPTED: frozenset({"WANT", "USAGE", "GOODBYE"}),
        FROZEN: frozenset({"LAST_VOUCHER", "GOODBYE"}),
    },
}
"""What the bench may say, when it says the right thing."""
_UNIT_WAITS: Final[dict[Role, frozenset[str]]] = {
    Role.MACHINE: frozenset(
        {GREETED, STATED, CONFIRMED, REFUSED, FETCHING, REPORTING, PRESENTING}
    ),
    Role.SERVER: frozenset({LINKED, GREETED, DELIVERED, FROZEN}),
}
"""Where the unit waits for the bench, and has nothing more to say by itself."""


class Dialogue:
    """Follows one call after the other.

    Attributes:
        state: Where it stands.
    """

    def __init__(self, role: Role) -> None:
        """Begin without a call.

        Args:
            role: Of the unit under test.
        """
        self.state = NO_CALL
        self._role = role
        self._orders_due = 0

    def has_place(self, message: str) -> bool:
        """Whether a message that is right in itself may be sent now."""
        if message == "ORDER":
            return self._orders_due > 0 and self.state == RECEIPTED
        return message in IN_PLACE[self._role].get(self.state, frozenset())

    @property
    def unit_waits(self) -> bool:
        """Whether the unit waits for the bench, and nothing of it is on its way."""
        if self.state == RECEIPTED:
            # A machine takes orders as they are announced; a server has sent them all.
            return (self._orders_due > 0) is (self._role is Role.MACHINE)
        return self.state in _UNIT_WAITS[self._role]

    def did(self, step: Step) -> None:
        """Take what the bench has done."""
        match step.verb:
            case "dial":
                if words_of(step)[:1] != (NOTHING,) and BESIDE not in step.words:
                    self.state = LINE if BY_FRAMES in step.words else LINKED
            case "drop" | "power" | "become" | "forget" | "usage":
                self.state = NO_CALL
            case "disconnect":
                self.state = FAILED
            case "again":
                self.state = LINKED
            case "frame":
                if step.words[0] == "up":
                    self.state = LINKED
            case "send":
                self._sent(step.words[0], step.fields)

    def _sent(self, message: str, fields: Mapping[str, str]) -> None:
        if self.state in {GOODBYE, FAILED}:
            return
        if message == "REFUSAL":
            alone = fields.get("receipt_follows") == "0"
            self.state = FROZEN if alone else REFUSED
        elif message == "RECEIPT":
            self.state = RECEIPTED
            self._orders_due = _small(fields.get("orders", "0"))
        elif message == "ORDER":
            self._orders_due -= 1
        elif message == "ACK":
            self.state = GOODBYE
        else:
            self.state = _SENT.get(message, self.state)

    def came(self, taken: Taken) -> None:
        """Take what has come."""
        if taken.name == "REFUSAL" and taken.fields:
            follows = number(taken.fields, "receipt_follows")
            self.state = REFUSED if follows else FROZEN
        elif taken.name == "ACK" and taken.fields:
            of = number(taken.fields, "of_type")
            self.state = FROZEN if of == MessageType.LAST_VOUCHER else RECEIPTED
        elif taken.name == "ORDER":
            self._orders_due -= 1
        elif taken.name in _CAME:
            if taken.name == "RECEIPT" and taken.fields:
                self._orders_due = number(taken.fields, "orders")
            self.state = _CAME[taken.name]


def _small(text: str) -> int:
    """Read how many orders are announced; something bent announces none."""
    return int(text) if text.isdigit() else 0
