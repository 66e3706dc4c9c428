"""One dial-in inside the PSD: the channel's end, and what each message may change.

The firmware outside decides when to dial and carries sealed packets. Here every message
of the server is opened, its place in the dial-in is checked against a table of its own
(a firmware that mixes up the order, or a server that does, changes nothing), its effect
is stored, and only then an answer is sealed. What a voucher does to the record is said
in `crediting`, what orders do in `ordering`.
"""

# ruff: noqa: SLF001  # the table stands below the class whose actions it names

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from fm_device.psd.contents import ContentStore, capabilities_of
from fm_device.psd.crediting import with_voucher, with_wrong_voucher
from fm_device.psd.memory import PsdMemory
from fm_device.psd.ordering import Ordering
from fm_device.psd.orders import Circumstances
from fm_device.psd.records import (
    NO_TIME,
    PsdRecord,
    usage_reported,
    usage_unreported,
)
from fm_device.psd.states import (
    ReceiptStored,
    moved,
    state_at,
)
from fm_device.psd.timekeeper import time_at, time_held
from hw.clock import WallClock
from protocol.channel import MachineChannelPort, PacketType, packet_type
from protocol.dialogue.machine import (
    Acknowledged,
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
)
from protocol.messages import (
    SIGNATURE_OCTETS,
    Ack,
    Confirmation,
    ContentPart,
    Disposition,
    Goodbye,
    LastVoucher,
    MessageType,
    Order,
    Receipt,
    Refusal,
    Statement,
    UsageRow,
    Voucher,
    decode_message,
)
from protocol.registers import MachineState
from protocol.table import Row, Table
from protocol.usage import usage_digest, usage_parts
from protocol.values import EpochSeconds
from protocol.vouchers import VoucherFault, VoucherHolder, check_voucher

PROTOCOL_VERSION: Final = 1
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
        self._contents = contents
        self._firmware = firmware
        record, battery_time = memory.record, clock.now()
        self._circumstances = Circumstances(
            battery_time=battery_time,
            stated=state_at(record, time_at(record, battery_time)),
            supervisor_present=supervisor_present,
        )
        self._ordering = Ordering(memory, contents, self._circumstances_now)

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
        want = self._ordering.want() if self.stage is Stage.RECEIPTED else None
        return None if want is None else self._channel.seal(want.encode())

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

    def _circumstances_now(self) -> Circumstances:
        return replace(self._circumstances, battery_time=self._clock.now())

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
        # What was found out of balance keeps its registers: no value makes them
        # possible (REG-6, 5), and a VOID moves none.
        keeps = record.balanced or result == record.registers
        if not isinstance(result, VoucherFault) and not keeps:
            result = VoucherFault.REGISTERS
        if isinstance(result, VoucherFault):
            self._memory.store(with_wrong_voucher(record))
            raise VoucherRefusedError(result)
        after = with_voucher(record, voucher, octets, result, self._time(record))
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
        noted = {} if now is None else time_held(record, now)
        # A complete dial-in ends the silence, and what was added to it.
        noted["put_back_s"] = 0
        self._memory.store(
            replace(
                record,
                **noted,
                mark=receipt.mark,
                complete_at=receipt.time,
                closed_number=receipt.recharge_number,
                funds_paise=receipt.funds_paise,
                licence_state=receipt.licence_state,
                next_call=record.next_call if kept else NO_TIME,
                standing=moved(state_at(record, now), ReceiptStored()),
            )
        )
        self._ordering.announce(receipt.orders)
        return Receipted(receipt)

    def _take_order(self, order: Order, _octets: bytes) -> PsdAnswer:
        return self._ordering.take(order)

    def _take_content(self, part: ContentPart, _octets: bytes) -> PsdAnswer:
        return self._ordering.take_content(part)

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
