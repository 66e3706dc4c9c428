"""One dial-in inside the PSD: the channel's end, and what each message may change.

The firmware outside decides when to dial and carries sealed packets. Here every message
of the server is opened, its place in the dial-in is checked against a table of its own
(a firmware that mixes up the order, or a server that does, changes nothing), its effect
is stored, and only then an answer is sealed.
"""

# ruff: noqa: SLF001  # the table stands below the class whose actions it names

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from fm_device.psd.contents import ContentStore, capabilities_of, genuine
from fm_device.psd.memory import PsdMemory
from fm_device.psd.orders import Circumstances, carry_out
from fm_device.psd.records import (
    NO_TIME,
    RECHARGES_KEPT,
    PsdRecord,
    RechargeNote,
    one_more,
    usage_reported,
    usage_unreported,
)
from fm_device.psd.states import (
    ReceiptStored,
    Withdrawn,
    WrongCodes,
    moved,
    state_at,
)
from fm_device.psd.timekeeper import time_at, with_time
from hw.clock import WallClock
from protocol.channel import MachineChannelPort, PacketType, packet_type
from protocol.contents import Content, read_content
from protocol.dialogue.machine import (
    Acknowledged,
    ContentTaken,
    OrderTaken,
    PsdAnswer,
    Receipted,
    Refused,
    Request,
    VoucherApplied,
)
from protocol.errors import (
    ErrorCode,
    LocalProtocolError,
    NoTransitionError,
    RemoteProtocolError,
    StoreError,
)
from protocol.keys import ProvisioningError, ServerProvisioning
from protocol.messages import (
    CONTENT_ORDERS,
    SIGNATURE_OCTETS,
    WANTS_PER_DIAL_IN_MAX,
    Ack,
    Confirmation,
    ContentPart,
    Disposition,
    Goodbye,
    LastVoucher,
    MessageType,
    Order,
    OrderKind,
    Receipt,
    Refusal,
    Statement,
    UsageRow,
    Voucher,
    Want,
    decode_message,
)
from protocol.registers import MachineState, Registers, VoucherKind
from protocol.table import Row, Table
from protocol.usage import usage_digest, usage_parts
from protocol.values import EpochSeconds
from protocol.vouchers import VoucherFault, VoucherHolder, check_voucher

PROTOCOL_VERSION: Final = 1
WRONG_VOUCHERS_MAX: Final = 20
"""Vouchers that failed a check until the machine locks itself out, as with PINs."""
_UNSIGNED: Final = bytes(SIGNATURE_OCTETS)


class VoucherRefusedError(RemoteProtocolError):
    """A voucher failed a check: it was counted and no more; `fault` names the check."""

    def __init__(self, fault: VoucherFault) -> None:
        """Say which check failed."""
        super().__init__(
            f"a voucher is not applied: {fault.value}",
            clause="REG-6",
            code=ErrorCode.VOUCHER,
        )
        self.fault = fault


class Stage(Enum):
    """How far a dial-in has come, seen from inside the PSD."""

    GREETING = "the server is not proved yet"
    STATED = "the STATEMENT is sealed"
    ANSWERED = "a voucher was applied or a refusal taken"
    RECEIPTED = "the RECEIPT is stored"
    REPORTED = "the usage is sealed"
    PRESENTED = "the last voucher is sealed"


@dataclass(frozen=True, slots=True)
class StatementSealed:
    """The STATEMENT has been sealed."""


@dataclass(frozen=True, slots=True)
class UsageSealed:
    """The usage rows have been sealed."""


@dataclass(frozen=True, slots=True)
class LastVoucherSealed:
    """The voucher applied last has been sealed."""


_Local = StatementSealed | UsageSealed | LastVoucherSealed


class Session:
    """One dial-in, from `dial` to `hang_up`."""

    def __init__(
        self,
        memory: PsdMemory,
        clock: WallClock,
        channel: MachineChannelPort,
        request: Request,
        *,
        dial_in: int,
        supervisor_present: bool,
        contents: ContentStore | None,
        firmware: tuple[int, int, int],
    ) -> None:
        """Begin.

        Request and number of the dial-in are stored before the greeting is sent.
        """
        self.stage = Stage.GREETING
        self._memory = memory
        self._clock = clock
        self._channel = channel
        self._request = request
        self._dial_in = dial_in
        self._server_proved = False
        self._orders_left = 0
        self._contents = contents
        self._firmware = firmware
        self._held: list[Order] = []
        self._wants = 0
        self._wanted: Want | None = None
        self._circumstances = Circumstances(
            battery_time=clock.now(),
            stated=self._state(memory.record),
            supervisor_present=supervisor_present,
        )

    def greeting(self) -> bytes:
        """Make the GREETING_1 packet."""
        return self._channel.greeting_1()

    def state_registers(self, packet: bytes) -> bytes:
        """Take GREETING_2 and make GREETING_3 with the STATEMENT."""
        self._channel.receive_greeting_2(packet)
        body = self._signed("STATEMENT", self._statement().encode())
        self._step(StatementSealed())
        return self._channel.greeting_3(body)

    def receive(self, packet: bytes) -> PsdAnswer | None:
        """Open a packet and do what its message says; None for an elective one."""
        body = self._opened(packet)
        message = decode_message(body)
        if message is None:
            return None
        try:
            row = TABLE.row(self.stage, message)
        except NoTransitionError as error:
            name = type(message).__name__.upper()
            raise _unexpected(f"{name} when {self.stage.value}") from error
        answer: PsdAnswer = row.do(self, message, body)
        self.stage = row.to
        return answer

    def usage(self) -> tuple[bytes, ...]:
        """Seal the rows that the server has not acknowledged."""
        self._step(UsageSealed())
        rows = [
            UsageRow(row.product_class, row.items, row.amount_paise)
            for row in self._memory.record.usage
            if not row.reported
        ]
        return tuple(
            self._channel.seal(part.encode())
            for part in usage_parts(self._dial_in, rows)
        )

    def last_voucher(self) -> bytes | None:
        """Seal the voucher applied last."""
        self._step(LastVoucherSealed())
        voucher = self._memory.record.last_voucher
        if voucher is None:
            return None
        return self._channel.seal(LastVoucher(voucher).encode())

    def want(self) -> bytes | None:
        """Seal the WANT for what is missing of a content that holds an order back."""
        if self.stage is not Stage.RECEIPTED or not self._held:
            return None
        order = self._held[0]
        due = order.order_serial == self._memory.record.order_serial + 1
        if not due or order.order not in CONTENT_ORDERS:
            return None
        if self._contents is None or self._wants >= WANTS_PER_DIAL_IN_MAX:
            return None
        offset = self._contents.received(order.order, order.value)
        if self._contents.read(order.value) is not None:
            # Whole, and still not applied: it is not what this machine can use.
            return None
        self._wants += 1
        self._wanted = Want(order.value, offset)
        return self._channel.seal(self._wanted.encode())

    def goodbye(self) -> bytes:
        """Seal the GOODBYE."""
        record = self._memory.record
        return self._channel.seal(Goodbye(record.mark, record.order_serial).encode())

    def _opened(self, packet: bytes) -> bytes:
        """Open a packet, the first of which must prove the server (CHAN-8)."""
        due = PacketType.RECORD if self._server_proved else PacketType.GREETING_4
        found = packet_type(packet)
        if self.stage is Stage.GREETING or found is not due:
            raise _unexpected(f"{found.name} when {self.stage.value}")
        if self._server_proved:
            return self._channel.open(packet)
        body = self._channel.receive_greeting_4(packet)
        self._server_proved = True
        return body

    def _step(self, event: _Local) -> None:
        try:
            self.stage = TABLE.row(self.stage, event).to
        except NoTransitionError as error:
            raise LocalProtocolError(str(error)) from error

    def _state(self, record: PsdRecord) -> MachineState:
        return state_at(record, self._time(record))

    def _time(self, record: PsdRecord) -> EpochSeconds | None:
        return time_at(record, self._clock.now())

    def _signed(self, context: str, unsigned: bytes) -> bytes:
        """Sign a message of this channel; it was packed with an empty signature."""
        octets = unsigned[:-SIGNATURE_OCTETS]
        identity = self._memory.identity
        return octets + identity.sign(context, self._channel.binding + octets)

    def _statement(self) -> Statement:
        record = self._memory.record
        usage = [
            UsageRow(row.product_class, row.items, row.amount_paise)
            for row in record.usage
        ]
        major, minor, patch = self._firmware
        return Statement(
            version=PROTOCOL_VERSION,
            capabilities=capabilities_of(self._contents),
            licence=record.life.licence,
            psd_serial=record.psd_serial.encode("ascii"),
            firmware_major=major,
            firmware_minor=minor,
            firmware_patch=patch,
            state=self._circumstances.stated,
            registers=record.registers,
            recharge_number=record.recharge_number,
            order_serial=record.order_serial,
            mark=record.mark,
            usage_digest=usage_digest(usage),
            time=self._time(record) or NO_TIME,
            dial_in=self._dial_in,
            request=self._request.kind,
            amount_paise=self._request.amount_paise,
            signature=_UNSIGNED,
        )

    # The actions of the table: each stores what a message says, then answers.

    def _apply_voucher(self, voucher: Voucher, octets: bytes) -> PsdAnswer:
        record = self._memory.record
        holder = VoucherHolder(
            self._memory.identity.credential,
            self._memory.server,
            record.registers,
            record.recharge_number,
        )
        result = check_voucher(voucher, octets, holder)
        if isinstance(result, VoucherFault):
            self._memory.store(_with_wrong_voucher(record))
            raise VoucherRefusedError(result)
        standing = record.standing
        if voucher.kind is VoucherKind.WITHDRAWAL:
            standing = moved(standing, Withdrawn())
        others = record.other_amounts
        if _is_another(record.pending, voucher):
            others = one_more(others)
        after = replace(
            record,
            registers=result,
            recharge_number=voucher.recharge_number,
            pending=None,
            last_voucher=octets,
            standing=standing,
            other_amounts=others,
            recharges=self._with_recharge(record, voucher, result),
        )
        self._memory.store(after)
        confirmation = Confirmation(
            licence=after.life.licence,
            recharge_number=after.recharge_number,
            registers=result,
            state=self._state(after),
            signature=_UNSIGNED,
        )
        body = self._signed("CONFIRMATION", confirmation.encode())
        return VoucherApplied(self._channel.seal(body), voucher, result)

    def _take_refusal(self, refusal: Refusal, _octets: bytes) -> PsdAnswer:
        record = self._memory.record
        after = record
        if refusal.disposition is Disposition.CLEARED:
            after = replace(after, pending=None)
        if not refusal.receipt_follows:
            # The books differ from what this machine knows: they may be an older copy,
            # which has forgotten what was acknowledged (DLG-9.2).
            after = usage_unreported(after)
        if after != record:
            self._memory.store(after)
        return Refused(refusal)

    def _store_receipt(self, receipt: Receipt, _octets: bytes) -> PsdAnswer:
        record = self._memory.record
        if receipt.recharge_number != record.recharge_number:
            raise _unexpected(
                f"a RECEIPT closes recharge {receipt.recharge_number}, "
                f"this machine stands at {record.recharge_number}"
            )
        kept = receipt.time < record.next_call
        now = self._time(record)
        noted = record if now is None else with_time(record, now)
        self._memory.store(
            replace(
                noted,
                put_back_s=0,
                mark=receipt.mark,
                complete_at=receipt.time,
                closed_number=receipt.recharge_number,
                funds_paise=receipt.funds_paise,
                licence_state=receipt.licence_state,
                next_call=record.next_call if kept else NO_TIME,
                standing=moved(self._state(record), ReceiptStored()),
            )
        )
        self._orders_left = receipt.orders
        return Receipted(receipt)

    def _take_order(self, order: Order, _octets: bytes) -> PsdAnswer:
        if not self._orders_left:
            raise _unexpected("more ORDERs than the RECEIPT announced")
        self._orders_left -= 1
        applied = self._carry_out(order)
        if not applied and order.order_serial > self._memory.record.order_serial:
            self._held.append(order)
        return OrderTaken(order, applied=applied)

    def _take_content(self, part: ContentPart, _octets: bytes) -> PsdAnswer:
        wanted, self._wanted = self._wanted, None
        if wanted is None or (part.content_id, part.offset) != (
            wanted.content_id,
            wanted.offset,
        ):
            raise _unexpected("a CONTENT that was not wanted")
        store = self._contents
        if store is None or not part.total:
            # The server does not have it: nothing more is asked for in this dial-in.
            self._wants = WANTS_PER_DIAL_IN_MAX
            return ContentTaken(part.content_id, part.offset, 0, ())
        kind = self._held[0].order
        try:
            store.store_part(kind, part.content_id, part.offset, part.total, part.data)
        except StoreError:
            # Too long for its place, or not what was ordered: the order waits, and the
            # dial-in goes on (DLG-16.4).
            self._wants = WANTS_PER_DIAL_IN_MAX
            return ContentTaken(part.content_id, part.offset, part.total, ())
        applied: list[OrderTaken] = []
        if store.read(part.content_id) is not None:
            while self._held and self._carry_out(self._held[0]):
                applied.append(OrderTaken(self._held.pop(0), applied=True))
        received = min(store.received(kind, part.content_id), part.total)
        return ContentTaken(part.content_id, received, part.total, tuple(applied))

    def _carry_out(self, order: Order) -> bool:
        """Apply an order if it is next and possible; store its effect and serial."""
        record = self._memory.record
        if order.order_serial != record.order_serial + 1:
            return False
        content = self._content_of(order)
        circumstances = replace(
            self._circumstances,
            battery_time=self._clock.now(),
            content=content,
            ring_changed=self._ring_changed(order, content),
        )
        after = carry_out(record, order, circumstances)
        if after is None:
            return False
        self._memory.store(after)
        return True

    def _content_of(self, order: Order) -> Content | None:
        """Read the content that an order names, if it is whole, genuine and of use."""
        if self._contents is None or order.order not in CONTENT_ORDERS:
            return None
        octets = self._contents.read(order.value)
        maker = self._memory.maker
        if octets is None or not genuine(octets, order.order, order.value, maker):
            return None
        content = read_content(octets, maker)
        return content if self._contents.accepts(content) else None

    def _ring_changed(self, order: Order, content: Content | None) -> bool:
        """Bring a credit key in or take it out; done twice it changes nothing more."""
        if order.order is OrderKind.RETIRE_CREDIT_KEY:
            return self._memory.retire_credit_key(order.value)
        if order.order is not OrderKind.CREDIT_KEY or content is None:
            return False
        try:
            server = ServerProvisioning.decode(content.body)
        except ProvisioningError:
            return False
        return self._memory.add_credit_key(server)

    def _with_recharge(
        self, record: PsdRecord, voucher: Voucher, after: Registers
    ) -> tuple[RechargeNote, ...]:
        note = RechargeNote(
            voucher.recharge_number,
            voucher.kind,
            voucher.amount_paise,
            record.registers.descending_paise,
            after.descending_paise,
            self._time(record) or NO_TIME,
        )
        return (*record.recharges, note)[-RECHARGES_KEPT:]

    def _take_usage_ack(self, ack: Ack, _octets: bytes) -> PsdAnswer:
        if (ack.of_type, ack.number) != (MessageType.USAGE, self._dial_in):
            raise _unexpected(f"an ACK of {ack.of_type.name} {ack.number}")
        self._memory.store(usage_reported(self._memory.record))
        return Acknowledged(ack)

    def _take_voucher_ack(self, ack: Ack, _octets: bytes) -> PsdAnswer:
        if ack.of_type is not MessageType.LAST_VOUCHER:
            raise _unexpected(f"an ACK of {ack.of_type.name} {ack.number}")
        return Acknowledged(ack)


Action = Callable[[Session, Any, bytes], PsdAnswer]


def _sealed(_session: Session, _event: _Local, _octets: bytes) -> PsdAnswer:
    raise LocalProtocolError("what the PSD seals itself is no message of the server")


def _rows() -> Iterator[Row[Stage, Action]]:
    session = Session
    yield Row(Stage.GREETING, StatementSealed, _sealed, Stage.STATED)
    yield Row(Stage.STATED, Voucher, session._apply_voucher, Stage.ANSWERED)
    for stage in (Stage.STATED, Stage.ANSWERED):
        yield Row(stage, Refusal, session._take_refusal, Stage.ANSWERED)
        yield Row(stage, Receipt, session._store_receipt, Stage.RECEIPTED)
    yield Row(Stage.ANSWERED, LastVoucherSealed, _sealed, Stage.PRESENTED)
    yield Row(Stage.PRESENTED, Ack, session._take_voucher_ack, Stage.PRESENTED)
    yield Row(Stage.RECEIPTED, Order, session._take_order, Stage.RECEIPTED)
    yield Row(Stage.RECEIPTED, ContentPart, session._take_content, Stage.RECEIPTED)
    yield Row(Stage.RECEIPTED, UsageSealed, _sealed, Stage.REPORTED)
    yield Row(Stage.REPORTED, Ack, session._take_usage_ack, Stage.REPORTED)
    yield Row(Stage.REPORTED, Refusal, session._take_refusal, Stage.REPORTED)


TABLE: Final = Table(Stage.GREETING, _rows())
"""Which message has a place at which stage; the server's come as their own type."""


def _unexpected(message: str) -> RemoteProtocolError:
    return RemoteProtocolError(message, clause="DLG-1", code=ErrorCode.UNEXPECTED)


def _with_wrong_voucher(record: PsdRecord) -> PsdRecord:
    """Count a voucher that failed a check; too many lock the machine out."""
    count = one_more(record.wrong_vouchers)
    after = replace(record, wrong_vouchers=count)
    if count < WRONG_VOUCHERS_MAX:
        return after
    return replace(after, standing=moved(record.standing, WrongCodes()))


def _is_another(pending: Request | None, voucher: Voucher) -> bool:
    """Say whether a voucher brings something else than what is pending."""
    if voucher.kind is VoucherKind.VOID:
        return False
    asked = None if pending is None else (int(pending.kind), pending.amount_paise)
    return asked != (int(voucher.kind), voucher.amount_paise)
