"""What a server has said, noted in the book: whoever has said or heard it.

What was sent may have been taken by the machine or not; both is noted.
"""

from collections.abc import Mapping

from hw.lab.side import number, octets
from hw.lab.situation import Situation
from protocol.errors import RemoteProtocolError
from protocol.messages import Disposition, MessageTable, MessageType, decode_message
from protocol.messages.codec import FieldValue


def note_said(
    now: Situation,
    table: MessageTable,
    fields: Mapping[str, FieldValue],
    body: bytes,
    *,
    can_be_applied: bool,
) -> None:
    """Note a message of the server.

    Args:
        now: Where the dialogue stands; the message goes into it.
        table: Of the message.
        fields: Its fields.
        body: The message.
        can_be_applied: Whether it is a voucher that the machine may apply.
    """
    book = now.book
    if table.type is MessageType.VOUCHER:
        book.voucher = body
        if can_be_applied:
            book.outstanding = body
        else:
            book.wrong_vouchers += 1
    if not _is_well_formed(body):
        return
    if table.type is MessageType.RECEIPT and _can_be_stored(now, fields):
        book.marks = (book.marks[0], octets(fields, "mark"))
        now.serial_said = book.order_serial
        now.receipted = True
    elif table.type is MessageType.ORDER:
        now.serial_said = number(fields, "order_serial")
        ordered = number(fields, "order"), number(fields, "value")
        if now.serial_said > book.order_serial:
            book.orders[now.serial_said] = ordered
    elif table.type is MessageType.REFUSAL:
        cleared = number(fields, "disposition") == Disposition.CLEARED
        book.may_have_ended = book.may_have_ended or cleared
        now.refused_alone = not number(fields, "receipt_follows")


def _can_be_stored(now: Situation, receipt: Mapping[str, FieldValue]) -> bool:
    """Whether a RECEIPT is one that the machine must not refuse."""
    named, due = number(receipt, "recharge_number"), now.answers
    # A voucher may be applied, and its CONFIRMATION not be taken yet.
    answers = named == due or (bool(now.book.outstanding) and named == due + 1)
    return answers and bool(now.statement) and not now.receipted


def _is_well_formed(body: bytes) -> bool:
    """Whether a machine can read a message at all."""
    try:
        decode_message(body)
    except RemoteProtocolError:
        return False
    return True
