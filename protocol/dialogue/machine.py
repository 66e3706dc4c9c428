"""The machine's side of a dial-in: firmware that carries sealed octets to its PSD.

The dialogue knows the order of things; the PSD knows keys, registers and money. Every
packet of the server goes to the PSD, which answers with what it did (an event of this
table), and whatever leaves has been sealed by the PSD after it was stored. So nothing
that goes wrong here can touch a register.

Source: SPEC.md DLG-1 (order), DLG-13 (time-outs), DLG-14 (retry after a lost line).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

from protocol.channel import PacketType, packet_type, write_error
from protocol.dialogue.shared import (
    EndLink,
    Failed,
    LineLost,
    SendPacket,
    failure_told,
)
from protocol.errors import ErrorCode, NoTransitionError, RemoteProtocolError
from protocol.messages import (
    WANTS_PER_DIAL_IN_MAX,
    Ack,
    Order,
    Receipt,
    Refusal,
    RefusalCode,
    Voucher,
)
from protocol.registers import Registers, RequestKind
from protocol.table import Row, Table
from protocol.values import Paise

ANSWER_TIMEOUT_S: Final = 60.0
"""Longest wait for a message: 35 times GREETING_3 at 1,200 bit/s (DLG-13)."""
FETCHING_S: Final = 600.0
"""No part is asked for later than this after link set-up: a call has an end (DLG-16.6).

What is missing then is fetched in the next dial-in, and this one can be completed.
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator wants of this dial-in; the amount is 0 for an inspection."""

    kind: RequestKind
    amount_paise: Paise


INSPECTION: Final = Request(RequestKind.INSPECTION, Paise(0))


@dataclass(frozen=True, slots=True)
class Greeted:
    """The PSD has proved the server and sealed its STATEMENT."""

    packet: bytes


@dataclass(frozen=True, slots=True)
class VoucherApplied:
    """The PSD has stored the registers after a voucher and sealed its CONFIRMATION."""

    packet: bytes
    voucher: Voucher
    registers: Registers


@dataclass(frozen=True, slots=True)
class Refused:
    """An authenticated REFUSAL was taken."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Receipted:
    """The PSD has stored the mark of a RECEIPT."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class OrderTaken:
    """An ORDER was read; `applied` says whether its effect and serial are stored."""

    order: Order
    applied: bool


@dataclass(frozen=True, slots=True)
class ContentTaken:
    """A part of a content is stored, or the server has said that it is not here.

    Attributes:
        content_id: Which content.
        received: Octets of it on hand, from its first on.
        total: Octets of the whole; 0 when the server does not have it.
        orders: The orders that were held back by it and have now been looked at again.
    """

    content_id: int
    received: int
    total: int
    orders: tuple[OrderTaken, ...]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server has committed what was sent."""

    ack: Ack


PsdAnswer = (
    VoucherApplied | Refused | Receipted | OrderTaken | ContentTaken | Acknowledged
)


class SecurityDevice(Protocol):
    """What a dial-in asks of the PSD. All keys, registers and checks stay inside."""

    def dial(self, request: Request) -> bytes:
        """Store the pending request and the dial-in number, then greet.

        A request that is pending already stands; the new one is not looked at.

        Returns:
            The GREETING_1 packet.
        """

    def greet(self, packet: bytes) -> bytes:
        """Prove the server by its GREETING_2 and state the registers.

        Returns:
            The GREETING_3 packet with the STATEMENT.

        Raises:
            RemoteProtocolError: The server is not who the provisioning names.
        """

    def receive(self, packet: bytes) -> PsdAnswer | None:
        """Open a GREETING_4 or RECORD packet and do what it says.

        Returns:
            What was done, after it was stored; None for an elective message.

        Raises:
            RemoteProtocolError: Nothing was changed; its code is what to tell.
        """

    def want(self) -> bytes | None:
        """Seal the WANT for the next part of the content that holds an order back.

        Asked when all ORDERs have come and again after each `ContentTaken`.

        Returns:
            The packet, or None when nothing is missing or what is missing is not here.
        """

    def usage(self) -> tuple[bytes, ...]:
        """Seal the usage rows not yet acknowledged: no, one or several packets."""

    def last_voucher(self) -> bytes | None:
        """Seal the voucher applied last, or None when there is none."""

    def goodbye(self) -> bytes:
        """Seal the GOODBYE."""

    def hang_up(self) -> None:
        """Forget the channel's keys."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """The link is up."""

    request: Request


@dataclass(frozen=True, slots=True)
class GreetingReceived:
    """A GREETING_2 packet came."""

    packet: bytes


@dataclass(frozen=True, slots=True)
class RefusedInService:
    """The REFUSAL is about the request alone: a RECEIPT follows."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class RefusedByFreeze:
    """The REFUSAL names a discrepancy: the account is frozen, nothing follows."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class RefusedAsAhead:
    """The server is behind the machine: it wants to see the last voucher."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class PartWanted:
    """Every ORDER has come, and one waits for a part of its content."""

    packet: bytes


@dataclass(frozen=True, slots=True)
class OrdersDone:
    """Every ORDER that the RECEIPT announced has come, and no content is fetched."""


@dataclass(frozen=True, slots=True)
class NothingToSend:
    """There is no usage to report, or no voucher to present."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the operator what has just happened."""

    event: PsdAnswer | Greeted | Failed | LineLost


MachineEffect = SendPacket | EndLink | Tell
MachineEvent = (
    Dialled
    | GreetingReceived
    | VoucherApplied
    | RefusedInService
    | RefusedByFreeze
    | RefusedAsAhead
    | Receipted
    | OrderTaken
    | PartWanted
    | ContentTaken
    | OrdersDone
    | Acknowledged
    | NothingToSend
    | LineLost
    | Failed
)


class State(Enum):
    """Where a dial-in stands, seen from the machine."""

    READY = "not dialled yet"
    GREETING = "waiting for the server's greeting"
    STATED = "waiting for the answer to the STATEMENT"
    AWAITING_RECEIPT = "waiting for the RECEIPT"
    ORDERED = "waiting for ORDERs"
    FETCHING = "waiting for CONTENT"
    REPORTING = "waiting for the ACK of USAGE"
    PRESENTING = "waiting for the ACK of LAST_VOUCHER"
    ENDED = "over"


class Outcome(Enum):
    """How a dial-in ended for the operator."""

    CONFIRMED = "confirmed"
    INSPECTED = "inspected"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"
    """A request is pending: dial again, the amount stands."""


class MachineDialogue:
    """One dial-in of a machine, without I/O.

    Give it what happens (`link_up`, `receive_packet`, `line_lost`, `handle_timer`) and
    carry out the effects in order. `deadline` is when `handle_timer` is due.
    """

    def __init__(self, psd: SecurityDevice, request: Request) -> None:
        """Prepare a dial-in that asks for `request`."""
        self.state = State.READY
        self.deadline: float | None = None
        self.voucher: Voucher | None = None
        self.registers: Registers | None = None
        self.refusal: Refusal | None = None
        self.receipt: Receipt | None = None
        self.failure: Failed | None = None
        self._psd = psd
        self._request = request
        self._orders_left = 0
        self._unanswered = 0
        self._wants_left = WANTS_PER_DIAL_IN_MAX
        self._fetch_until = 0.0

    def link_up(self, now: float) -> list[MachineEffect]:
        """Begin: the link is connected."""
        self._fetch_until = now + FETCHING_S
        return self._step(Dialled(self._request), now)

    def receive_packet(self, packet: bytes, now: float) -> list[MachineEffect]:
        """Take a packet of the server; nothing that it holds raises."""
        try:
            event = self._read(packet)
            return [] if event is None else self._step(event, now)
        except NoTransitionError as error:
            return self._fail(ErrorCode.UNEXPECTED, str(error), now)
        except RemoteProtocolError as error:
            return self._fail(error.code, str(error), now)

    def line_lost(self, reason: str, now: float) -> list[MachineEffect]:
        """The link or the line ended; what is pending stays pending."""
        if self.state is State.ENDED:
            return []
        return self._step(LineLost(reason), now)

    def handle_timer(self, now: float) -> list[MachineEffect]:
        """Give up when the server did not answer in time."""
        if self.deadline is None or now < self.deadline:
            return []
        waited = f"no answer in {ANSWER_TIMEOUT_S:.0f} s while {self.state.value}"
        return self._fail(ErrorCode.TIMEOUT, waited, now)

    @property
    def outcome(self) -> Outcome:
        """How the dial-in ended, or IN_DOUBT while it has not."""
        if self.refusal is not None:
            return Outcome.REFUSED
        if self.receipt is None:
            return Outcome.IN_DOUBT
        return Outcome.INSPECTED if self.voucher is None else Outcome.CONFIRMED

    def _read(self, packet: bytes) -> MachineEvent | None:
        kind = packet_type(packet)
        if kind is PacketType.ERROR:
            return failure_told(packet, "server")
        if kind is PacketType.GREETING_2:
            return GreetingReceived(packet)
        if self.state not in _WAITING_FOR_RECORDS:
            raise NoTransitionError(f"{kind.name} while {self.state.value}")
        answer = self._psd.receive(packet)
        return _refused(answer.refusal) if isinstance(answer, Refused) else answer

    def _step(self, event: MachineEvent, now: float) -> list[MachineEffect]:
        effects: list[MachineEffect] = []
        following: MachineEvent | None = event
        while following is not None:
            row = TABLE.row(self.state, following)
            self.state = row.to
            self.deadline = None if row.to is State.ENDED else now + ANSWER_TIMEOUT_S
            effects += row.do(self, following)
            following = self._following(now)
        if self.state is State.ENDED:
            self._psd.hang_up()
        return effects

    def _following(self, now: float) -> MachineEvent | None:
        """Say what is true at once in the state just entered."""
        if self.state is State.ORDERED and self._orders_left == 0:
            return self._next_part(now)
        if self.state is State.FETCHING and not self._unanswered:
            return self._next_part(now)
        if self.state in (State.REPORTING, State.PRESENTING) and not self._unanswered:
            return NothingToSend()
        return None

    def _next_part(self, now: float) -> PartWanted | OrdersDone:
        """Ask the PSD what it misses, as long as this dial-in may fetch."""
        if not self._wants_left or now > self._fetch_until:
            return OrdersDone()
        packet = self._psd.want()
        return OrdersDone() if packet is None else PartWanted(packet)

    def _fail(self, code: ErrorCode, detail: str, now: float) -> list[MachineEffect]:
        if self.state is State.ENDED:
            return []
        return self._step(Failed(code, detail, by_peer=False), now)

    # The actions of the table: each gives the effects of one row.

    def _dial(self, event: Dialled) -> list[MachineEffect]:
        return [SendPacket(self._psd.dial(event.request))]

    def _greet(self, event: GreetingReceived) -> list[MachineEffect]:
        packet = self._psd.greet(event.packet)
        return [SendPacket(packet), Tell(Greeted(packet))]

    def _confirm(self, event: VoucherApplied) -> list[MachineEffect]:
        self.voucher = event.voucher
        self.registers = event.registers
        return [SendPacket(event.packet), Tell(event)]

    def _take_refusal(self, event: RefusedInService) -> list[MachineEffect]:
        self.refusal = event.refusal
        return [Tell(Refused(event.refusal))]

    def _take_freeze(self, event: RefusedByFreeze) -> list[MachineEffect]:
        self.refusal = event.refusal
        return [Tell(Refused(event.refusal)), *self._part(event)]

    def _present(self, event: RefusedAsAhead) -> list[MachineEffect]:
        self.refusal = event.refusal
        packet = self._psd.last_voucher()
        self._unanswered = 0 if packet is None else 1
        sent = [] if packet is None else [SendPacket(packet)]
        return [Tell(Refused(event.refusal)), *sent]

    def _take_receipt(self, event: Receipted) -> list[MachineEffect]:
        self.receipt = event.receipt
        self._orders_left = event.receipt.orders
        return [Tell(event)]

    def _take_order(self, event: OrderTaken) -> list[MachineEffect]:
        self._orders_left -= 1
        return [Tell(event)]

    def _want(self, event: PartWanted) -> list[MachineEffect]:
        self._wants_left -= 1
        self._unanswered = 1
        return [SendPacket(event.packet)]

    def _take_content(self, event: ContentTaken) -> list[MachineEffect]:
        self._unanswered = 0
        return [Tell(event)]

    def _report(self, _event: OrdersDone) -> list[MachineEffect]:
        packets = self._psd.usage()
        self._unanswered = len(packets)
        return [SendPacket(packet) for packet in packets]

    def _part(self, event: MachineEvent) -> list[MachineEffect]:
        told = [Tell(event)] if isinstance(event, Acknowledged) else []
        return [*told, SendPacket(self._psd.goodbye()), EndLink()]

    def _give_up(self, event: Failed) -> list[MachineEffect]:
        self.failure = event
        told = [] if event.by_peer else [SendPacket(write_error(event.code))]
        return [*told, EndLink(), Tell(event)]

    def _lose(self, event: LineLost) -> list[MachineEffect]:
        return [Tell(event)]


Action = Callable[[MachineDialogue, Any], list[MachineEffect]]

_WAITING_FOR_RECORDS: Final = frozenset(
    {
        State.STATED,
        State.AWAITING_RECEIPT,
        State.ORDERED,
        State.FETCHING,
        State.REPORTING,
        State.PRESENTING,
    }
)


def _refused(
    refusal: Refusal,
) -> RefusedInService | RefusedByFreeze | RefusedAsAhead:
    if refusal.receipt_follows:
        return RefusedInService(refusal)
    if refusal.code is RefusalCode.NUMBER_AHEAD:
        return RefusedAsAhead(refusal)
    return RefusedByFreeze(refusal)


def _rows() -> Iterator[Row[State, Action]]:
    machine = MachineDialogue
    yield Row(State.READY, Dialled, machine._dial, State.GREETING)
    yield Row(State.GREETING, GreetingReceived, machine._greet, State.STATED)
    yield Row(State.STATED, VoucherApplied, machine._confirm, State.AWAITING_RECEIPT)
    yield Row(State.STATED, Receipted, machine._take_receipt, State.ORDERED)
    yield Row(
        State.STATED, RefusedInService, machine._take_refusal, State.AWAITING_RECEIPT
    )
    yield Row(State.STATED, RefusedByFreeze, machine._take_freeze, State.ENDED)
    yield Row(State.STATED, RefusedAsAhead, machine._present, State.PRESENTING)
    yield Row(State.AWAITING_RECEIPT, Receipted, machine._take_receipt, State.ORDERED)
    yield Row(
        State.AWAITING_RECEIPT, RefusedByFreeze, machine._take_freeze, State.ENDED
    )
    yield Row(State.ORDERED, OrderTaken, machine._take_order, State.ORDERED)
    yield Row(State.ORDERED, PartWanted, machine._want, State.FETCHING)
    yield Row(State.ORDERED, OrdersDone, machine._report, State.REPORTING)
    yield Row(State.FETCHING, ContentTaken, machine._take_content, State.FETCHING)
    yield Row(State.FETCHING, PartWanted, machine._want, State.FETCHING)
    yield Row(State.FETCHING, OrdersDone, machine._report, State.REPORTING)
    yield Row(State.REPORTING, Acknowledged, machine._part, State.ENDED)
    yield Row(State.REPORTING, NothingToSend, machine._part, State.ENDED)
    yield Row(State.REPORTING, RefusedByFreeze, machine._take_freeze, State.ENDED)
    yield Row(State.PRESENTING, Acknowledged, machine._part, State.ENDED)
    yield Row(State.PRESENTING, NothingToSend, machine._part, State.ENDED)
    for state in State:
        if state is not State.ENDED:
            yield Row(state, Failed, machine._give_up, State.ENDED)
            yield Row(state, LineLost, machine._lose, State.ENDED)


TABLE: Final = Table(State.READY, _rows())
