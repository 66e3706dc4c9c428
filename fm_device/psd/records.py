"""What a PSD remembers, and the octets that it is stored as.

A `PsdRecord` is one consistent situation: every change makes a new record, and the
vault stores it whole or not at all. Keys are not part of it (`keyring`).

The encoding is flat, big-endian and begins with a version: a fixed part, then the lives
and the usage rows that there are. It never leaves the machine, so SPEC.md says nothing
of it; who changes it raises `RECORD_VERSION`.
"""

import struct
from dataclasses import dataclass, field, replace
from typing import Any, Final

from protocol.dialogue.machine import Request
from protocol.errors import InvariantError, LocalProtocolError, StoreError
from protocol.messages import TABLE_OF, LicenceState, MessageType
from protocol.messages.tables import MARK_OCTETS
from protocol.registers import MachineState, Registers, RequestKind
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    OrderSerial,
    Paise,
    RechargeNumber,
    parse_licence_identifier,
)

RECORD_VERSION: Final = 1
VOUCHER_OCTETS: Final = TABLE_OF[MessageType.VOUCHER].octets
NO_RECHARGE: Final = RechargeNumber(0)
NO_ORDER: Final = OrderSerial(0)
NO_TIME: Final = EpochSeconds(0)
NOTHING: Final = Paise(0)
NO_MARK: Final = bytes(MARK_OCTETS)
"""The mark of a machine that was never given one (DLG-7.4)."""
LIVES_MAX: Final = 16
"""A PSD is re-initialised for another licence at most 15 times."""
CLASSES_MAX: Final = 255

_FIXED: Final = struct.Struct(f">B8sBBQ QQQII II BQ {MARK_OCTETS}s III ?qI QB II B BB")
_LIFE: Final = struct.Struct(">H7sIQQI")
_USAGE: Final = struct.Struct(">BIQ?")
RECORD_OCTETS_MAX: Final = (
    _FIXED.size + VOUCHER_OCTETS + LIVES_MAX * _LIFE.size + CLASSES_MAX * _USAGE.size
)


@dataclass(frozen=True, slots=True)
class Life:
    """One licence's time with this PSD, from its (re-)initialisation.

    Attributes:
        generation: Generation of the keys under this licence, from 1 (KEY-6.3).
        licence: The licence identifier.
        began: When, by the PSD's clock; 0 when that was not set.
        ascending_paise: AR at the beginning: the base of the usage table.
        control_total_paise: CT at the beginning: the base of all vouchers of this life.
        recharge_number: The number before the first voucher of this life.
    """

    generation: int
    licence: LicenceIdentifier
    began: EpochSeconds
    ascending_paise: Paise
    control_total_paise: Paise
    recharge_number: RechargeNumber


@dataclass(frozen=True, slots=True)
class ClassUsage:
    """Items and postage of one product class since this life began.

    Attributes:
        product_class: 1 to 255.
        items: Franks with a value.
        amount_paise: Their postage.
        reported: The server has acknowledged exactly these numbers.
    """

    product_class: int
    items: int
    amount_paise: Paise
    reported: bool


@dataclass(frozen=True, slots=True)
class PsdRecord:
    """Everything that a PSD remembers but its keys.

    Attributes:
        psd_serial: 8 ASCII letters or digits.
        standing: The state by what was done to the machine; never BLOCKED, which
            follows from the time (`states.state_at`).
        fault: `states.Fault`, or 0.
        lock_reason: What the last LOCK order gave as its reason.
        registers: AR, DR, CT and the counters.
        recharge_number: Number of the voucher applied last; never falls.
        closed_number: Recharge number of the last RECEIPT: the server's books are
            closed up to it.
        pending: The request that is frozen until it is settled, or None.
        mark: The mark of the last RECEIPT.
        order_serial: The highest order applied.
        dial_in: Number of the last dial-in that was begun.
        complete_at: Server's time of the last RECEIPT; 0 before the first.
        clock_offset_s: What is added to the battery clock, or None: not set.
        next_call: Dial in by then; 0 for no such date.
        funds_paise: Funds at the server, as the last RECEIPT told.
        licence_state: The licence as the last RECEIPT told, or None.
        wrong_vouchers: Vouchers that failed a check.
        other_amounts: Vouchers whose amount was not the pending one.
        last_voucher: The octets of the voucher applied last, or None.
        lives: The lives of this PSD, the current one last.
        usage: The classes that were franked in this life, sorted.
    """

    psd_serial: str
    standing: MachineState
    registers: Registers
    lives: tuple[Life, ...]
    fault: int = 0
    lock_reason: int = 0
    recharge_number: RechargeNumber = NO_RECHARGE
    closed_number: RechargeNumber = NO_RECHARGE
    pending: Request | None = None
    mark: bytes = NO_MARK
    order_serial: OrderSerial = NO_ORDER
    dial_in: int = 0
    complete_at: EpochSeconds = NO_TIME
    clock_offset_s: int | None = None
    next_call: EpochSeconds = NO_TIME
    funds_paise: Paise = NOTHING
    licence_state: LicenceState | None = None
    wrong_vouchers: int = 0
    other_amounts: int = 0
    last_voucher: bytes | None = field(default=None, repr=False)
    usage: tuple[ClassUsage, ...] = ()

    @property
    def life(self) -> Life:
        """The current life."""
        return self.lives[-1]

    @property
    def unclosed(self) -> bool:
        """Whether a voucher is applied on which the server's books are still open."""
        return self.closed_number != self.recharge_number

    @property
    def balanced(self) -> bool:
        """Whether the registers and the usage table agree (REG-2, DLG-9)."""
        used = sum(row.amount_paise for row in self.usage)
        began_at = self.life.ascending_paise
        return (
            self.registers.balanced
            and self.registers.ascending_paise == began_at + used
        )

    def check_successor(self, following: "PsdRecord") -> None:
        """Make sure that no change, whatever its cause, can lose or make money.

        Raises:
            InvariantError: `following` is out of balance, or something that never falls
                has fallen.
        """
        # A machine that was found out of balance still keeps books on its fault.
        kept = (
            following.registers == self.registers
            and usage_reported(following).usage == usage_reported(self).usage
        )
        if not following.balanced and not kept:
            raise InvariantError("the registers to be stored do not balance")
        if (
            not following.registers.not_before(self.registers)
            or following.recharge_number < self.recharge_number
            or following.dial_in < self.dial_in
            or len(following.lives) < len(self.lives)
        ):
            raise InvariantError("a counter to be stored is less than the stored one")
        moved = following.registers.control_total_paise
        if (
            moved != self.registers.control_total_paise
            and following.recharge_number == self.recharge_number
        ):
            raise InvariantError("the control total changes without a voucher")

    def encode(self) -> bytes:
        """Flatten the record."""
        pending = self.pending
        fixed = _FIXED.pack(
            RECORD_VERSION,
            self.psd_serial.encode("ascii"),
            self.standing,
            self.fault,
            self.lock_reason,
            self.registers.ascending_paise,
            self.registers.descending_paise,
            self.registers.control_total_paise,
            self.registers.items,
            self.registers.items_with_zero,
            self.recharge_number,
            self.closed_number,
            0 if pending is None else pending.kind,
            0 if pending is None else pending.amount_paise,
            self.mark,
            self.order_serial,
            self.dial_in,
            self.complete_at,
            self.clock_offset_s is not None,
            self.clock_offset_s or 0,
            self.next_call,
            self.funds_paise,
            self.licence_state or 0,
            self.wrong_vouchers,
            self.other_amounts,
            self.last_voucher is not None,
            len(self.lives),
            len(self.usage),
        )
        lives = [
            _LIFE.pack(
                life.generation,
                life.licence.encode("ascii"),
                life.began,
                life.ascending_paise,
                life.control_total_paise,
                life.recharge_number,
            )
            for life in self.lives
        ]
        usage = [
            _USAGE.pack(row.product_class, row.items, row.amount_paise, row.reported)
            for row in self.usage
        ]
        return b"".join((fixed, self.last_voucher or b"", *lives, *usage))

    @classmethod
    def decode(cls, octets: bytes) -> "PsdRecord":
        """Read a record back.

        Raises:
            StoreError: The octets are no record of this version. The vault's checksum
                was right, so another firmware wrote them.
        """
        try:
            return _decode(octets)
        except (struct.error, ValueError, LocalProtocolError) as error:
            message = f"the stored record cannot be read by this firmware: {error}"
            raise StoreError(message) from error


def with_usage(record: PsdRecord, value: Paise, product_class: int) -> PsdRecord:
    """Add one frank with a value to the usage table."""
    rows = {row.product_class: row for row in record.usage}
    before = rows.get(
        product_class, ClassUsage(product_class, 0, NOTHING, reported=True)
    )
    rows[product_class] = ClassUsage(
        product_class,
        before.items + 1,
        Paise(before.amount_paise + value),
        reported=False,
    )
    return replace(record, usage=tuple(rows[number] for number in sorted(rows)))


def usage_reported(record: PsdRecord) -> PsdRecord:
    """Note that the server has stored the usage table as it is."""
    return _all_rows(record, reported=True)


def usage_unreported(record: PsdRecord) -> PsdRecord:
    """Note that nobody knows which rows the server has: all go out again."""
    return _all_rows(record, reported=False)


def _all_rows(record: PsdRecord, *, reported: bool) -> PsdRecord:
    rows = tuple(replace(row, reported=reported) for row in record.usage)
    return replace(record, usage=rows)


def _decode(octets: bytes) -> PsdRecord:
    if not octets or octets[0] != RECORD_VERSION:
        raise ValueError("another version")
    (
        _version,
        psd_serial,
        standing,
        fault,
        lock_reason,
        *register_values,
        recharge_number,
        closed_number,
        pending_kind,
        pending_amount,
        mark,
        order_serial,
        dial_in,
        complete_at,
        clock_set,
        clock_offset_s,
        next_call,
        funds_paise,
        licence_state,
        wrong_vouchers,
        other_amounts,
        has_voucher,
        lives,
        classes,
    ) = _FIXED.unpack_from(octets)
    voucher_octets = VOUCHER_OCTETS if has_voucher else 0
    lives_at = _FIXED.size + voucher_octets
    usage_at = lives_at + lives * _LIFE.size
    if len(octets) != usage_at + classes * _USAGE.size or not lives:
        raise ValueError(f"{len(octets)} octets")
    pending = Request(RequestKind(pending_kind), Paise(pending_amount))
    return PsdRecord(
        psd_serial=psd_serial.decode("ascii"),
        standing=MachineState(standing),
        fault=fault,
        lock_reason=lock_reason,
        registers=Registers(*register_values),
        recharge_number=RechargeNumber(recharge_number),
        closed_number=RechargeNumber(closed_number),
        pending=pending if pending_kind else None,
        mark=mark,
        order_serial=OrderSerial(order_serial),
        dial_in=dial_in,
        complete_at=EpochSeconds(complete_at),
        clock_offset_s=clock_offset_s if clock_set else None,
        next_call=EpochSeconds(next_call),
        funds_paise=Paise(funds_paise),
        licence_state=LicenceState(licence_state) if licence_state else None,
        wrong_vouchers=wrong_vouchers,
        other_amounts=other_amounts,
        last_voucher=octets[_FIXED.size : lives_at] if has_voucher else None,
        lives=tuple(
            _life(*_LIFE.unpack_from(octets, lives_at + number * _LIFE.size))
            for number in range(lives)
        ),
        usage=tuple(
            ClassUsage(*_USAGE.unpack_from(octets, usage_at + number * _USAGE.size))
            for number in range(classes)
        ),
    )


def _life(generation: int, licence: bytes, *numbers: Any) -> Life:
    return Life(generation, parse_licence_identifier(licence.decode("ascii")), *numbers)
