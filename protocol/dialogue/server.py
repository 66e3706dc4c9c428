"""The server's side of a dial-in: prove the machine, judge it, answer from the books.

Everything that needs the database is an effect whose result comes back as an event, so
that an answer leaves only after what it reports is stored. The dialogue holds no money:
the books decide (`protocol.settling`), it carries octets there and back.

Source: SPEC.md DLG-1 (order), DLG-13 (time-outs), CHAN-9 (errors).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from protocol.channel import (
    PacketType,
    ServerChannelPort,
    packet_type,
    write_error,
)
from protocol.dialogue.shared import (
    EndLink,
    Failed,
    LineLost,
    SendPacket,
    failure_told,
)
from protocol.errors import ErrorCode, NoTransitionError, RemoteProtocolError
from protocol.keys import MachineCredential
from protocol.messages import (
    SIGNATURE_OCTETS,
    WANTS_PER_DIAL_IN_MAX,
    Ack,
    Confirmation,
    ContentPart,
    Goodbye,
    LastVoucher,
    Message,
    MessageType,
    Order,
    Receipt,
    Refusal,
    Statement,
    Usage,
    UsageRow,
    Want,
    decode_message,
)
from protocol.table import Row, Table
from protocol.values import LicenceIdentifier

PEER_TIMEOUT_S: Final = 60.0
"""Longest wait for the machine: 35 times GREETING_3 at 1,200 bit/s."""
STORE_TIMEOUT_S: Final = 30.0
"""Longest wait for the books; then the machine is told to dial later."""
USAGE_PARTS_MAX: Final = 64
"""255 product classes in parts of four: more cannot be."""
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class SignedOctets:
    """A message as it was signed: what the evidence of a recharge consists of.

    Attributes:
        octets: The whole message, signature included.
        binding: The channel's exporter value that the signature covers.
    """

    octets: bytes
    binding: bytes


@dataclass(frozen=True, slots=True)
class Greeting1Received:
    """A GREETING_1 packet came."""

    packet: bytes


@dataclass(frozen=True, slots=True)
class Greeting3Received:
    """A GREETING_3 packet came."""

    packet: bytes


@dataclass(frozen=True, slots=True)
class CredentialFound:
    """The licence identifier is enrolled with this credential, which is not revoked."""

    credential: MachineCredential


@dataclass(frozen=True, slots=True)
class CredentialMissing:
    """The licence identifier is not enrolled, or its credential is revoked."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The books answer with a voucher, stored before: send these bytes."""

    voucher: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The books are closed on the dial-in: a RECEIPT, after a REFUSAL if any."""

    receipt: Receipt
    orders: tuple[Order, ...]
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """A discrepancy is recorded and the account frozen: a REFUSAL and nothing more."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class ConfirmationReceived:
    """A CONFIRMATION whose signature and identity verify."""

    confirmation: Confirmation
    signed: SignedOctets


@dataclass(frozen=True, slots=True)
class WantReceived:
    """The machine misses a part of a content that an order named."""

    want: Want


@dataclass(frozen=True, slots=True)
class ContentFound:
    """The part of a content that was asked for, or the word that it is not here."""

    content: ContentPart


@dataclass(frozen=True, slots=True)
class UsageReceived:
    """One part of the usage table."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class UsageComplete:
    """All parts of the usage table are here."""

    rows: tuple[UsageRow, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the machine sent is committed."""


@dataclass(frozen=True, slots=True)
class LastVoucherReceived:
    """The machine presents the voucher that it applied last."""

    voucher: bytes


@dataclass(frozen=True, slots=True)
class GoodbyeReceived:
    """The machine's last word."""

    goodbye: Goodbye


@dataclass(frozen=True, slots=True)
class Superseded:
    """A newer call of the same machine has won: this one may write nothing more."""


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The books could not answer; what was asked may or may not be committed."""

    detail: str


@dataclass(frozen=True, slots=True)
class FindCredential:
    """Look the machine up: `CredentialFound` or `CredentialMissing` comes back."""

    licence: LicenceIdentifier


@dataclass(frozen=True, slots=True)
class JudgeStatement:
    """Judge and store: `Delivered`, `Closed` or `Frozen` comes back."""

    statement: Statement
    signed: SignedOctets


@dataclass(frozen=True, slots=True)
class JudgeConfirmation:
    """Judge, post and store: `Closed` or `Frozen` comes back."""

    confirmation: Confirmation
    signed: SignedOctets


@dataclass(frozen=True, slots=True)
class FindContent:
    """Look a part of a content up: `ContentFound` comes back, found or not."""

    content_id: int
    offset: int


@dataclass(frozen=True, slots=True)
class StoreUsage:
    """Check and store the usage rows: `Stored` or `Frozen` comes back."""

    statement: Statement
    rows: tuple[UsageRow, ...]


@dataclass(frozen=True, slots=True)
class StoreLastVoucher:
    """Store a presented voucher for the person who resolves: `Stored` comes back."""

    voucher: bytes


@dataclass(frozen=True, slots=True)
class StoreGoodbye:
    """Store the acknowledged mark and orders; nothing is waited for."""

    goodbye: Goodbye


@dataclass(frozen=True, slots=True)
class Note:
    """Count and log how the dialogue ended early; never a secret, never an octet."""

    code: ErrorCode | None
    detail: str


ServerEffect = (
    SendPacket
    | FindCredential
    | JudgeStatement
    | JudgeConfirmation
    | FindContent
    | StoreUsage
    | StoreLastVoucher
    | StoreGoodbye
    | EndLink
    | Note
)
BooksAnswer = (
    CredentialFound
    | CredentialMissing
    | Delivered
    | Closed
    | Frozen
    | ContentFound
    | Stored
    | Superseded
    | StoreFailed
)
ServerEvent = (
    Greeting1Received
    | Greeting3Received
    | ConfirmationReceived
    | WantReceived
    | UsageReceived
    | UsageComplete
    | LastVoucherReceived
    | GoodbyeReceived
    | BooksAnswer
    | LineLost
    | Failed
)


class State(Enum):
    """Where a dial-in stands, seen from the server."""

    READY = "waiting for GREETING_1"
    GREETED = "waiting for GREETING_3"
    IDENTIFYING = "looking the machine up"
    JUDGING = "judging the STATEMENT"
    DELIVERED = "waiting for the CONFIRMATION"
    POSTING = "posting the CONFIRMATION"
    CLOSED = "waiting for WANT, USAGE or GOODBYE"
    SERVING = "looking a content up"
    STORING_USAGE = "storing the usage"
    FROZEN = "waiting for LAST_VOUCHER or GOODBYE"
    STORING_VOUCHER = "storing the presented voucher"
    ENDED = "over"

    __hash__ = object.__hash__  # each is there once; the hash of its name costs a call


_WAITING_FOR_BOOKS: Final = frozenset(
    {
        State.IDENTIFYING,
        State.JUDGING,
        State.POSTING,
        State.SERVING,
        State.STORING_USAGE,
        State.STORING_VOUCHER,
    }
)


class ServerDialogue:
    """One dial-in at the server, without I/O.

    Give it packets (`receive_packet`), answers of the books (`receive_answer`), the end
    of the line and the time; carry out the effects in order. One effect at a time asks
    the books; until its answer is given, the machine has nothing to say.
    """

    def __init__(self, channel: ServerChannelPort, now: float) -> None:
        """Wait for a machine on a fresh link, with a channel of its own."""
        self.state = State.READY
        self.deadline: float | None = now + PEER_TIMEOUT_S
        self.licence: LicenceIdentifier | None = None
        self._channel = channel
        self._greeting_answered = False
        self._credential: MachineCredential | None = None
        self._statement: Statement | None = None
        self._parts: list[Usage] = []
        self._reported = False
        self._wants_left = WANTS_PER_DIAL_IN_MAX

    def receive_packet(self, packet: bytes, now: float) -> list[ServerEffect]:
        """Take a packet of the machine; nothing that it holds raises."""
        if self.state is State.ENDED:
            return []
        try:
            event = self._read(packet)
            return [] if event is None else self._step(event, now)
        except NoTransitionError as error:
            return self._fail(ErrorCode.UNEXPECTED, str(error), now)
        except RemoteProtocolError as error:
            return self._fail(error.code, str(error), now)

    def receive_answer(self, answer: BooksAnswer, now: float) -> list[ServerEffect]:
        """Take what the books answer to the last question."""
        if self.state is State.ENDED:
            return []
        try:
            return self._step(answer, now)
        except RemoteProtocolError as error:
            return self._fail(error.code, str(error), now)

    def line_lost(self, reason: str, now: float) -> list[ServerEffect]:
        """The link or the line ended; what is stored stands."""
        if self.state is State.ENDED:
            return []
        return self._step(LineLost(reason), now)

    def go_down(self, now: float) -> list[ServerEffect]:
        """Tell the machine to dial later, whatever is waited for."""
        if self.state is State.ENDED:
            return []
        return self._fail(ErrorCode.UNAVAILABLE, "the server is going down", now)

    def handle_timer(self, now: float) -> list[ServerEffect]:
        """Give up when the machine or the books did not answer in time."""
        if self.deadline is None or now < self.deadline:
            return []
        late = self.state in _WAITING_FOR_BOOKS
        code = ErrorCode.UNAVAILABLE if late else ErrorCode.TIMEOUT
        return self._fail(code, f"time ran out while {self.state.value}", now)

    def _read(self, packet: bytes) -> ServerEvent | None:
        kind = packet_type(packet)
        if kind is PacketType.ERROR:
            return failure_told(packet, "machine")
        if kind is PacketType.GREETING_1:
            return Greeting1Received(packet)
        if kind is PacketType.GREETING_3:
            return Greeting3Received(packet)
        if kind is not PacketType.RECORD or self.state not in _WAITING_FOR_RECORDS:
            raise NoTransitionError(f"{kind.name} while {self.state.value}")
        body = self._channel.open(packet)
        message = decode_message(body)
        return None if message is None else self._event_of(message, body)

    def _event_of(self, message: Message, body: bytes) -> ServerEvent:
        if isinstance(message, Confirmation):
            self._check_signed(message, body, "CONFIRMATION")
            return ConfirmationReceived(message, self._signed(body))
        if isinstance(message, Want):
            return self._count(message)
        if isinstance(message, Usage):
            return self._gather(message)
        if isinstance(message, LastVoucher):
            return LastVoucherReceived(message.voucher)
        if isinstance(message, Goodbye):
            return GoodbyeReceived(message)
        name = type(message).__name__.upper()
        raise NoTransitionError(f"{name} while {self.state.value}")

    def _count(self, want: Want) -> ServerEvent:
        """Take a WANT, but not without end (DLG-16.6)."""
        if not self._wants_left or self._reported:
            raise RemoteProtocolError(
                "a WANT too many, or after a part of USAGE",
                clause="DLG-16.6",
                code=ErrorCode.UNEXPECTED,
            )
        self._wants_left -= 1
        return WantReceived(want)

    def _gather(self, usage: Usage) -> ServerEvent:
        """Take the parts of a usage table in their order (DLG-9.2)."""
        expected = len(self._parts) + 1
        parts = self._parts[0].parts if self._parts else usage.parts
        if (
            self._statement is None
            or usage.dial_in != self._statement.dial_in
            or (usage.part, usage.parts) != (expected, parts)
            or not expected <= parts <= USAGE_PARTS_MAX
        ):
            raise RemoteProtocolError(
                f"USAGE part {usage.part} of {usage.parts} where {expected} is due",
                clause="DLG-9.2",
                code=ErrorCode.UNEXPECTED,
            )
        self._reported = True
        if expected < parts:
            return UsageReceived(usage)
        rows = tuple(row for part in (*self._parts, usage) for row in part.rows)
        return UsageComplete(rows)

    def _step(self, event: ServerEvent, now: float) -> list[ServerEffect]:
        row = TABLE.row(self.state, event)
        self.state = row.to
        if row.to is State.ENDED:
            self.deadline = None
        else:
            late = row.to in _WAITING_FOR_BOOKS
            self.deadline = now + (STORE_TIMEOUT_S if late else PEER_TIMEOUT_S)
        effects: list[ServerEffect] = row.do(self, event)
        return effects

    def _fail(self, code: ErrorCode, detail: str, now: float) -> list[ServerEffect]:
        return self._step(Failed(code, detail, by_peer=False), now)

    def _signed(self, octets: bytes) -> SignedOctets:
        return SignedOctets(octets, self._channel.binding)

    def _check_signed(
        self, message: Statement | Confirmation, octets: bytes, context: str
    ) -> None:
        """Check identity and signature of a message of this channel (DLG-3)."""
        credential = self._credential
        if credential is None or message.licence != credential.licence_identifier:
            raise RemoteProtocolError(
                f"a {context} of {message.licence} in the channel of {self.licence}",
                clause="DLG-3.1",
                code=ErrorCode.STATEMENT,
            )
        signed = self._channel.binding + octets[:-SIGNATURE_OCTETS]
        if not credential.verify(context, signed, message.signature):
            raise RemoteProtocolError(
                f"the signature of a {context} does not verify",
                clause="DLG-3.2",
                code=ErrorCode.STATEMENT,
            )

    # The actions of the table: each gives the effects of one row.

    def _greet(self, event: Greeting1Received) -> list[ServerEffect]:
        return [SendPacket(self._channel.receive_greeting_1(event.packet))]

    def _identify(self, event: Greeting3Received) -> list[ServerEffect]:
        self.licence = self._channel.receive_greeting_3(event.packet)
        return [FindCredential(self.licence)]

    def _take_statement(self, event: CredentialFound) -> list[ServerEffect]:
        self._credential = event.credential
        body = self._channel.prove_machine(event.credential)
        check_version(body)
        message = decode_message(body)
        if not isinstance(message, Statement):
            raise RemoteProtocolError(
                "the first record holds no STATEMENT",
                clause="DLG-1.2",
                code=ErrorCode.UNEXPECTED,
            )
        self._check_signed(message, body, "STATEMENT")
        if message.psd_serial != event.credential.psd_serial.encode("ascii"):
            raise RemoteProtocolError(
                "the STATEMENT names another PSD than the enrolment",
                clause="DLG-3.1",
                code=ErrorCode.STATEMENT,
            )
        self._statement = message
        return [JudgeStatement(message, self._signed(body))]

    def _refuse_stranger(self, _event: CredentialMissing) -> list[ServerEffect]:
        return self._end(ErrorCode.UNKNOWN_MACHINE, f"{self.licence} is not enrolled")

    def _deliver(self, event: Delivered) -> list[ServerEffect]:
        return [self._answer(event.voucher)]

    def _post(self, event: ConfirmationReceived) -> list[ServerEffect]:
        return [JudgeConfirmation(event.confirmation, event.signed)]

    def _close(self, event: Closed) -> list[ServerEffect]:
        bodies = [] if event.refusal is None else [event.refusal.encode()]
        bodies += [event.receipt.encode(), *(order.encode() for order in event.orders)]
        return [self._answer(body) for body in bodies]

    def _freeze(self, event: Frozen) -> list[ServerEffect]:
        return [self._answer(event.refusal.encode())]

    def _find_content(self, event: WantReceived) -> list[ServerEffect]:
        return [FindContent(event.want.content_id, event.want.offset)]

    def _serve(self, event: ContentFound) -> list[ServerEffect]:
        return [self._answer(event.content.encode())]

    def _keep_part(self, event: UsageReceived) -> list[ServerEffect]:
        self._parts.append(event.usage)
        return []

    def _store_usage(self, event: UsageComplete) -> list[ServerEffect]:
        if self._statement is None:
            return []
        return [StoreUsage(self._statement, event.rows)]

    def _acknowledge_usage(self, _event: Stored) -> list[ServerEffect]:
        number = 0 if self._statement is None else self._statement.dial_in
        return [self._answer(Ack(MessageType.USAGE, number).encode())]

    def _store_voucher(self, event: LastVoucherReceived) -> list[ServerEffect]:
        return [StoreLastVoucher(event.voucher)]

    def _acknowledge_voucher(self, _event: Stored) -> list[ServerEffect]:
        return [self._answer(Ack(MessageType.LAST_VOUCHER, 0).encode())]

    def _part(self, event: GoodbyeReceived) -> list[ServerEffect]:
        return [StoreGoodbye(event.goodbye)]

    def _step_aside(self, _event: Superseded) -> list[ServerEffect]:
        return self._end(ErrorCode.SUPERSEDED, "a newer call of this machine has won")

    def _apologise(self, event: StoreFailed) -> list[ServerEffect]:
        return self._end(ErrorCode.UNAVAILABLE, event.detail)

    def _give_up(self, event: Failed) -> list[ServerEffect]:
        if event.by_peer:
            return [EndLink(), Note(event.code, event.detail)]
        return self._end(event.code, event.detail)

    def _lose(self, event: LineLost) -> list[ServerEffect]:
        return [Note(None, event.reason)]

    def _end(self, code: ErrorCode, detail: str) -> list[ServerEffect]:
        return [SendPacket(write_error(code)), EndLink(), Note(code, detail)]

    def _answer(self, body: bytes) -> SendPacket:
        """Seal a body: the first travels with message_4, the rest in records."""
        if self._greeting_answered:
            return SendPacket(self._channel.seal(body))
        self._greeting_answered = True
        return SendPacket(self._channel.greeting_4(body))


Action = Callable[[ServerDialogue, Any], list[ServerEffect]]

_WAITING_FOR_RECORDS: Final = frozenset({State.DELIVERED, State.CLOSED, State.FROZEN})
_VERSION_OFFSET: Final = 1


def check_version(body: bytes) -> None:
    """Look at the version before the length, which another version may change.

    Raises:
        RemoteProtocolError: A STATEMENT of another version.
    """
    if (
        len(body) > _VERSION_OFFSET
        and body[0] == MessageType.STATEMENT
        and body[_VERSION_OFFSET] != VERSION
    ):
        raise RemoteProtocolError(
            f"protocol version {body[_VERSION_OFFSET]} is not spoken here",
            clause="DLG-11.1",
            code=ErrorCode.VERSION,
        )


def _rows() -> Iterator[Row[State, Action]]:
    server = ServerDialogue
    yield Row(State.READY, Greeting1Received, server._greet, State.GREETED)
    yield Row(State.GREETED, Greeting3Received, server._identify, State.IDENTIFYING)
    yield Row(State.IDENTIFYING, CredentialFound, server._take_statement, State.JUDGING)
    yield Row(
        State.IDENTIFYING, CredentialMissing, server._refuse_stranger, State.ENDED
    )
    yield Row(State.JUDGING, CredentialMissing, server._refuse_stranger, State.ENDED)
    yield Row(State.JUDGING, Delivered, server._deliver, State.DELIVERED)
    yield Row(State.JUDGING, Closed, server._close, State.CLOSED)
    yield Row(State.JUDGING, Frozen, server._freeze, State.FROZEN)
    yield Row(State.DELIVERED, ConfirmationReceived, server._post, State.POSTING)
    yield Row(State.POSTING, Closed, server._close, State.CLOSED)
    yield Row(State.POSTING, Frozen, server._freeze, State.FROZEN)
    yield Row(State.CLOSED, WantReceived, server._find_content, State.SERVING)
    yield Row(State.SERVING, ContentFound, server._serve, State.CLOSED)
    yield Row(State.CLOSED, UsageReceived, server._keep_part, State.CLOSED)
    yield Row(State.CLOSED, UsageComplete, server._store_usage, State.STORING_USAGE)
    yield Row(State.CLOSED, GoodbyeReceived, server._part, State.ENDED)
    yield Row(State.STORING_USAGE, Stored, server._acknowledge_usage, State.CLOSED)
    yield Row(State.STORING_USAGE, Frozen, server._freeze, State.FROZEN)
    yield Row(
        State.FROZEN, LastVoucherReceived, server._store_voucher, State.STORING_VOUCHER
    )
    yield Row(State.FROZEN, GoodbyeReceived, server._part, State.ENDED)
    yield Row(State.STORING_VOUCHER, Stored, server._acknowledge_voucher, State.FROZEN)
    for state in State:
        if state is State.ENDED:
            continue
        yield Row(state, Failed, server._give_up, State.ENDED)
        yield Row(state, LineLost, server._lose, State.ENDED)
        if state is not State.READY:
            yield Row(state, Superseded, server._step_aside, State.ENDED)
        if state in _WAITING_FOR_BOOKS:
            yield Row(state, StoreFailed, server._apologise, State.ENDED)


TABLE: Final = Table(State.READY, _rows())
