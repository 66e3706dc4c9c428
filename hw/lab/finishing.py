"""The rest of a dialogue, as an honest end would lead it.

As a server the bench grants nothing by itself: a request is refused and cleared, a
voucher that is outstanding is sent again as it is stored. What cases have ordered is
taken back: locks and limits are lifted.
"""

from collections.abc import Awaitable, Callable

from hw.lab.conversation import Conversation
from hw.lab.machine_conversation import MachineConversation
from hw.lab.machine_side import MachineSide
from hw.lab.server_conversation import ServerConversation
from hw.lab.server_side import ServerSide
from hw.lab.side import Fields, number
from hw.lab.taken import ENDED, Taken
from protocol.messages import TABLE_OF, MessageType, RefusalCode
from protocol.messages.codec import FieldValue, encode_fields
from protocol.registers import RequestKind

Next = Callable[[float], Awaitable[Taken]]


async def finish(
    side: ServerSide | MachineSide,
    talk: Conversation,
    within_s: float,
    hear: Next,
    last: Taken | None = None,
) -> str:
    """Lead a dialogue to its end.

    Args:
        side: What the bench is.
        talk: The call.
        within_s: How long to wait for each message.
        hear: Takes the next message.
        last: What was taken last, and is not answered yet.

    Returns:
        What came that has no place there; empty when all went well.

    Raises:
        SilenceError: The unit fell silent.
    """
    if isinstance(side, ServerSide) and isinstance(talk, ServerConversation):
        return await _serve(side, talk, within_s, hear, last)
    if isinstance(side, MachineSide) and isinstance(talk, MachineConversation):
        return await _close(side, talk, within_s, hear)
    return "the bench has another side"


async def _serve(
    side: ServerSide,
    talk: ServerConversation,
    within_s: float,
    hear: Next,
    last: Taken | None,
) -> str:
    answers = _Answers(side, talk)
    if side.statement and not talk.has_sealed:
        answers.statement()
    elif last is not None:
        answers.answer(last)
    while True:
        taken = await hear(within_s)
        if taken.name == ENDED:
            return ""
        if not answers.answer(taken):
            return f"{taken} came"


class _Answers:
    """Says what an honest server would."""

    def __init__(self, side: ServerSide, talk: ServerConversation) -> None:
        self._side = side
        self._talk = talk
        self._answers: dict[str, Callable[[Taken], None]] = {
            "STATEMENT": lambda _: self.statement(),
            "CONFIRMATION": lambda _: self.say(MessageType.RECEIPT),
            "USAGE": self._usage,
            "LAST_VOUCHER": lambda _: self.say(MessageType.ACK),
            "WANT": lambda _: self.say(MessageType.CONTENT),
            "GOODBYE": lambda _: None,
        }

    def answer(self, taken: Taken) -> bool:
        """Answer a message; whether it has a place at all."""
        answer = self._answers.get(taken.name)
        if answer is None:
            return False
        answer(taken)
        return True

    def _usage(self, taken: Taken) -> None:
        if taken.fields.get("part") == taken.fields.get("parts"):
            self.say(MessageType.ACK)

    def statement(self) -> None:
        side = self._side
        if side.book.outstanding:
            self._send(side.book.outstanding)
            return
        if number(side.statement, "request") != RequestKind.INSPECTION:
            self.say(MessageType.REFUSAL, code=int(RefusalCode.AMOUNT_LIMIT))
        orders = side.orders_back()
        self.say(MessageType.RECEIPT, orders=len(orders))
        for order in orders:
            self.say(MessageType.ORDER, **order)

    def say(self, kind: MessageType, **wish: FieldValue) -> None:
        table = TABLE_OF[kind]
        fields: Fields = {**self._side.right(table, dict(wish)), **wish}
        body = encode_fields(table, fields)
        self._side.said(table, fields, body)
        self._send(body)

    def _send(self, body: bytes) -> None:
        self._talk.station.send_packet(self._talk.seal(body))


async def _close(
    side: MachineSide, talk: MachineConversation, within_s: float, hear: Next
) -> str:
    def say(kind: MessageType, **wish: int) -> None:
        table = TABLE_OF[kind]
        fields: Fields = {**side.right(table, dict(wish)), **wish}
        body = (
            side.sign(table, fields, talk.binding)
            if table.is_signed
            else encode_fields(table, fields)
        )
        side.said(table, fields)
        talk.station.send_packet(talk.seal(body))

    def parts() -> int:
        return -(-len(side.memory.due_rows()) // 4)

    if side.memory.voucher is not None:
        say(MessageType.CONFIRMATION)
        taken = await hear(within_s)
        if taken.name != MessageType.RECEIPT.name:
            return f"{taken} came"
    while side.memory.orders_due:
        taken = await hear(within_s)
        if taken.name != MessageType.ORDER.name:
            return f"{taken} came"
    for part in range(1, parts() + 1):
        say(MessageType.USAGE, part=part)
    if parts():
        taken = await hear(within_s)
        if taken.name != MessageType.ACK.name:
            return f"{taken} came"
    say(MessageType.GOODBYE)
    talk.station.disconnect()
    taken = await hear(within_s)
    return "" if taken.name == ENDED else f"{taken} came"
