"""Whose turn it is in a dialogue, and what may be said: both ends' tables in one.

A tap hears both ends, so that it needs one table where each end has its own
(`protocol.dialogue`): a row is a message that one end may send there, and `do` says
whose it is. What has no row was said out of turn.

Source: SPEC.md DLG-1, DLG-15.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Final

from protocol.errors import NoTransitionError
from protocol.link import Role
from protocol.messages import MessageType, RefusalCode
from protocol.messages.codec import FieldValue
from protocol.table import Row, Table


class Turn(Enum):
    """Where a dialogue stands."""

    OPEN = auto()
    """Nothing was said: the machine states."""
    STATED = auto()
    """The server answers the STATEMENT."""
    VOUCHERED = auto()
    """The machine confirms."""
    CONFIRMED = auto()
    """The server answers the CONFIRMATION."""
    REFUSED = auto()
    """The server sends the RECEIPT that it has announced."""
    ORDERING = auto()
    """The server sends the ORDERs that it has announced."""
    SETTLED = auto()
    """The machine wants, reports or parts."""
    WANTED = auto()
    """The server sends the CONTENT."""
    REPORTING = auto()
    """The machine sends the other parts of its USAGE."""
    REPORTED = auto()
    """The server acknowledges the USAGE, or refuses it."""
    ALONE = auto()
    """The machine parts: a REFUSAL came alone, or its USAGE was acknowledged."""
    AHEAD = auto()
    """The machine presents its last voucher, if it has one."""
    PRESENTED = auto()
    """The server acknowledges it."""
    OVER = auto()
    """GOODBYE was said."""


class Stated:
    """A STATEMENT."""


class Vouchered:
    """A VOUCHER."""


class Receipted:
    """A RECEIPT that announces no ORDER."""


class ReceiptedWithOrders:
    """A RECEIPT that announces some."""


class Refused:
    """A REFUSAL that a RECEIPT follows."""


class RefusedAlone:
    """A REFUSAL that none follows."""


class RefusedAsAhead:
    """REFUSAL NUMBER_AHEAD."""


class Confirmed:
    """A CONFIRMATION."""


class Ordered:
    """An ORDER, and more to come."""


class OrderedLast:
    """The last ORDER that was announced."""


class Wanted:
    """A WANT."""


class Served:
    """A CONTENT."""


class ReportedPart:
    """A part of USAGE that is not the last."""


class Reported:
    """The last part of USAGE."""


class Acknowledged:
    """An ACK."""


class Presented:
    """A LAST_VOUCHER."""


class Parted:
    """A GOODBYE."""


Event = object


def _by_machine() -> Role:
    return Role.MACHINE


def _by_server() -> Role:
    return Role.SERVER


def _rows() -> list[Row[Turn, Callable[[], Role]]]:
    machine, server = _by_machine, _by_server
    rows = [
        Row(Turn.OPEN, Stated, machine, Turn.STATED),
        Row(Turn.STATED, Vouchered, server, Turn.VOUCHERED),
        Row(Turn.VOUCHERED, Confirmed, machine, Turn.CONFIRMED),
        Row(Turn.SETTLED, Wanted, machine, Turn.WANTED),
        Row(Turn.WANTED, Served, server, Turn.SETTLED),
        Row(Turn.REPORTED, Acknowledged, server, Turn.ALONE),
        Row(Turn.REPORTED, RefusedAlone, server, Turn.ALONE),
        Row(Turn.STATED, Refused, server, Turn.REFUSED),
        Row(Turn.STATED, RefusedAsAhead, server, Turn.AHEAD),
        Row(Turn.CONFIRMED, RefusedAsAhead, server, Turn.AHEAD),
        Row(Turn.AHEAD, Presented, machine, Turn.PRESENTED),
        Row(Turn.PRESENTED, Acknowledged, server, Turn.ALONE),
        Row(Turn.ORDERING, Ordered, server, Turn.ORDERING),
        Row(Turn.ORDERING, OrderedLast, server, Turn.SETTLED),
        Row(Turn.SETTLED, ReportedPart, machine, Turn.REPORTING),
        Row(Turn.SETTLED, Reported, machine, Turn.REPORTED),
        Row(Turn.REPORTING, ReportedPart, machine, Turn.REPORTING),
        Row(Turn.REPORTING, Reported, machine, Turn.REPORTED),
    ]
    settled = (Turn.STATED, Turn.CONFIRMED, Turn.REFUSED)
    parting = (Turn.SETTLED, Turn.ALONE, Turn.AHEAD)
    rows += [
        Row(turn, RefusedAlone, server, Turn.ALONE)
        for turn in (Turn.STATED, Turn.CONFIRMED)
    ]
    rows += [Row(turn, Receipted, server, Turn.SETTLED) for turn in settled]
    rows += [Row(turn, ReceiptedWithOrders, server, Turn.ORDERING) for turn in settled]
    rows += [Row(turn, Parted, machine, Turn.OVER) for turn in parting]
    return rows


TABLE: Final = Table(Turn.OPEN, _rows())

SERVER_SPEAKS: Final = frozenset(
    {
        Turn.STATED,
        Turn.CONFIRMED,
        Turn.REFUSED,
        Turn.ORDERING,
        Turn.WANTED,
        Turn.REPORTED,
        Turn.PRESENTED,
    }
)

_EVENTS: Final[dict[MessageType, Event]] = {
    MessageType.STATEMENT: Stated(),
    MessageType.VOUCHER: Vouchered(),
    MessageType.CONFIRMATION: Confirmed(),
    MessageType.WANT: Wanted(),
    MessageType.CONTENT: Served(),
    MessageType.ACK: Acknowledged(),
    MessageType.LAST_VOUCHER: Presented(),
    MessageType.GOODBYE: Parted(),
}


def event_of(
    kind: MessageType, fields: Mapping[str, FieldValue], orders_due: int
) -> Event:
    """Say what a message is in the table.

    Args:
        kind: Its type.
        fields: Its fields.
        orders_due: How many ORDERs were announced and have not come.
    """
    match kind:
        case MessageType.RECEIPT:
            return ReceiptedWithOrders() if fields["orders"] else Receipted()
        case MessageType.ORDER:
            return Ordered() if orders_due > 1 else OrderedLast()
        case MessageType.USAGE:
            last = fields["part"] == fields["parts"]
            return Reported() if last else ReportedPart()
        case MessageType.REFUSAL if fields["receipt_follows"]:
            return Refused()
        case MessageType.REFUSAL:
            ahead = fields["code"] == RefusalCode.NUMBER_AHEAD
            return RefusedAsAhead() if ahead else RefusedAlone()
        case _:
            return _EVENTS.get(kind, object())


def next_turn(turn: Turn, side: Role, event: Event) -> Turn | None:
    """Say where a message leads; None when it is out of turn."""
    try:
        row = TABLE.row(turn, event)
    except NoTransitionError:
        return None
    return row.to if row.do() is side else None
