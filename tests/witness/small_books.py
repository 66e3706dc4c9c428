"""A recharge server with books of five numbers, at the far end of a virtual line.

It knows one machine, grants whatever is asked, stores a voucher before it sends it,
sends stored bytes again, and settles by number: enough to see that no paisa is lost or
doubled wherever a line is cut. It shares no code with `rmfs_server`.
"""

from dataclasses import dataclass, field

from twisted.internet.interfaces import IReactorTime

from hw.lines.port import LineLoss, LineUser
from hw.link_driver import LinkDriver
from protocol.channel import PacketType, packet_type
from protocol.keys import MachineCredential
from protocol.link import BULK, Link, Role
from protocol.messages import (
    Ack,
    Confirmation,
    ContentPart,
    LicenceState,
    Message,
    MessageType,
    Order,
    Receipt,
    Statement,
    Usage,
    Voucher,
    Want,
    decode_message,
)
from protocol.registers import RequestKind, effect_paise
from protocol.values import EpochSeconds, Paise, RechargeNumber
from tests.witness.small_server import Channels, voucher_for


@dataclass
class SmallBooks:
    """What the server has stored; calls come and go, this stays."""

    credential: MachineCredential
    channels: Channels = field(default_factory=Channels)
    number: int = 0
    control_total: int = 0
    granted: int = 0
    outstanding: bytes | None = None
    marks: list[bytes] = field(default_factory=list)
    usage: dict[int, tuple[int, int]] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    contents: dict[int, bytes] = field(default_factory=dict)

    def settle(self, number: int) -> None:
        """Post the outstanding voucher when the machine has applied it."""
        if self.outstanding is None:
            assert number == self.number
            return
        voucher = Voucher.decode(self.outstanding)
        if number == voucher.recharge_number:
            effect = effect_paise(voucher.kind, voucher.amount_paise)
            self.number, self.outstanding = number, None
            self.control_total += effect

    def answer_to(self, statement: Statement) -> bytes | None:
        """Grant, or send again what was granted; None: nothing is asked."""
        self.settle(statement.recharge_number)
        if self.outstanding is None and statement.request is not RequestKind.INSPECTION:
            self.outstanding = voucher_for(statement, self.credential)
            self.granted += 1
        return self.outstanding

    def receipt(self, time: EpochSeconds) -> Receipt:
        """Close the books; the mark is fresh each time."""
        self.marks.append(b"m%07d" % len(self.marks))
        return Receipt(
            RechargeNumber(self.number),
            self.marks[-1],
            time,
            Paise(500_000),
            LicenceState.REGISTERED,
            len(self.orders),
        )


class SmallCall:
    """One call at the server: a `LinkUser`."""

    def __init__(self, books: SmallBooks) -> None:
        self._books = books
        self._channel = books.channels.server()
        self._greeted = False
        self._driver: LinkDriver | None = None
        self._time = EpochSeconds(0)
        self._rows: list[Usage] = []

    @property
    def deadline(self) -> float | None:
        return None

    def link_up(self, driver: LinkDriver, now: float) -> None:
        self._driver = driver

    def message_received(self, message: bytes, now: float) -> None:
        kind = packet_type(message)
        if kind is PacketType.GREETING_1:
            self._send(self._channel.receive_greeting_1(message))
        elif kind is PacketType.GREETING_3:
            self._channel.receive_greeting_3(message)
            body = self._channel.prove_machine(self._books.credential)
            self._take(Statement.decode(body))
        elif kind is PacketType.RECORD:
            found = decode_message(self._channel.open(message))
            assert found is not None
            self._take(found)

    def link_down(self, reason: str, now: float) -> None:
        if self._driver is not None:
            self._driver.settle()
            self._driver.drop()

    def line_lost(self, loss: LineLoss, now: float) -> None:
        self._driver = None

    def handle_timer(self, now: float) -> None:
        pass

    def _take(self, message: Message) -> None:
        books = self._books
        if isinstance(message, Statement):
            self._time = EpochSeconds(message.time or 1)
            voucher = books.answer_to(message)
            if voucher is None:
                self._close()
            else:
                self._say(voucher)
        elif isinstance(message, Confirmation):
            books.settle(message.recharge_number)
            self._close()
        elif isinstance(message, Want):
            content = books.contents.get(message.content_id)
            cut = ContentPart.cut(message.content_id, message.offset, content)
            self._say(cut.encode())
        elif isinstance(message, Usage):
            self._rows.append(message)
            if message.part == message.parts:
                for part in self._rows:
                    for row in part.rows:
                        books.usage[row.product_class] = (row.items, row.amount_paise)
                self._say(Ack(MessageType.USAGE, message.dial_in).encode())

    def _close(self) -> None:
        self._say(self._books.receipt(self._time).encode())
        for order in self._books.orders:
            self._say(order.encode())

    def _say(self, body: bytes) -> None:
        if self._greeted:
            self._send(self._channel.seal(body))
        else:
            self._greeted = True
            self._send(self._channel.greeting_4(body))

    def _send(self, packet: bytes) -> None:
        assert self._driver is not None
        self._driver.send_message(packet)


def answering(books: SmallBooks, reactor: IReactorTime) -> LineUser:
    """Make what answers a call."""
    return LinkDriver(Link(Role.SERVER, BULK), reactor, SmallCall(books), connect=False)
