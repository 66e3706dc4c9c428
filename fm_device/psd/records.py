"""What a PSD remembers, as values.

A `PsdRecord` is one consistent situation: every change makes a new record, and the
vault stores it whole or not at all, as the octets that `record_codec` makes of it. Keys
are not part of it (`keyring`).
"""

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import Final

from protocol.dialogue.machine import Request
from protocol.errors import InvariantError
from protocol.messages import LicenceState, OrderKind
from protocol.messages.tables import MARK_OCTETS
from protocol.registers import MachineState, Registers, VoucherKind
from protocol.values import (
    U32_MAX,
    EpochSeconds,
    LicenceIdentifier,
    OrderSerial,
    Paise,
    RechargeNumber,
)

NO_RECHARGE: Final = RechargeNumber(0)
NO_ORDER: Final = OrderSerial(0)
NO_TIME: Final = EpochSeconds(0)
NOTHING: Final = Paise(0)
NO_MARK: Final = bytes(MARK_OCTETS)
"""The mark of a machine that was never given one (DLG-7.4)."""
LIVES_MAX: Final = 16
"""A PSD is re-initialised for another licence at most 15 times."""
CLASSES_MAX: Final = 255
DEPARTMENTS_MAX: Final = 50
USAGE_ROWS_MAX: Final = 512
"""Pairs of a department and a class: 50 departments with ten classes each, and more."""
RECHARGES_KEPT: Final = 5
"""As many as a machine's recharge report lists (PB Connect+, refill summary)."""
CONTENTS_MAX: Final = 16
PIN_OCTETS: Final = 16
NO_PIN: Final = bytes(PIN_OCTETS)
PIN_ROLES: Final = 3


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
class KeptUsage:
    """Items and postage of one class in one department since this life began.

    Every other count is summed from these: classes for the server, departments and
    statements of mailing for the operator. So no two of them can disagree.

    Attributes:
        department: 1 to 50, or 0 for none.
        product_class: 1 to 255.
        items: Franks with a value.
        amount_paise: Their postage.
        reported: The server has acknowledged exactly these numbers.
    """

    department: int
    product_class: int
    items: int
    amount_paise: Paise
    reported: bool


@dataclass(frozen=True, slots=True)
class ClassUsage:
    """Items and postage of one product class since this life began, summed.

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
class OpenFrank:
    """A frank that is debited, and whose print is not known to be complete.

    Its item number is the item counter with zero imprints, as nothing is franked
    before it is closed.
    """

    product_class: int
    department: int
    value_paise: Paise
    weight_g: int


@dataclass(frozen=True, slots=True)
class RechargeNote:
    """What a voucher did, for the operator's reports.

    Attributes:
        number: The recharge number.
        kind: What the voucher did.
        amount_paise: Its amount.
        before_paise: DR before it.
        after_paise: DR after it.
        time: When it was applied, by the PSD's clock; 0 when that was not set.
    """

    number: RechargeNumber
    kind: VoucherKind
    amount_paise: Paise
    before_paise: Paise
    after_paise: Paise
    time: EpochSeconds


@dataclass(frozen=True, slots=True)
class ContentHeld:
    """A content that an order has put in force; its octets lie in the flash.

    Attributes:
        kind: TARIFF, SLOGAN or FIRMWARE.
        number: The kind's own number: of the tariff, of the slogan, of the version.
        content_id: First 8 octets of SHA-256 over the content, as a number.
        valid_from: When it begins to hold; 0 for from the beginning.
        dial_in: The dial-in whose order brought it; 0 for the factory.
    """

    kind: OrderKind
    number: int
    content_id: int
    valid_from: EpochSeconds = NO_TIME
    dial_in: int = 0


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
        rows: What was franked in this life, sorted by department and class.
        pin_code: Of the post office where the mail is tendered; 0 until installed.
        frank_max_paise: Largest value of one frank, by order; 0 for no limit.
        funds_max_paise: DR that the operator may recharge up to; 0 for no limit.
        open_frank: A frank whose print is not known to be complete, or None.
        unprinted: Franks that were accounted when the power failed before their print
            was complete.
        wrong_pins: Wrong attempts in a row, one octet for each role.
        pin_wait_until: No PIN is looked at before; 0 for no wait.
        pins: Keyed digests of the PINs, one for each role; zero octets for none.
        recharges: The last five vouchers applied, the newest last.
        contents: What orders have put in force.
        latest: The PSD's clock at its latest frank or receipt; 0 before. A clock that
            shows much less was turned back.
        shown: The PSD's clock at its last frank, or one refused as BLOCKED, or receipt;
            0 before.
        put_back_s: What the clock was seen to go back by since the last receipt.
        lock_ordered: Whether a LOCK order is in force, also behind a lock-out.
        som_number: Number of the last statement of mailing of this life that was handed
            out; 0 before the first. Its rows are in the flash.
        som_time: When that was closed.
        som_ascending_paise: AR then; 0 before the first.
        som_descending_paise: DR then.
        som_items: The item counter then.
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
    rows: tuple[KeptUsage, ...] = ()
    pin_code: int = 0
    frank_max_paise: Paise = NOTHING
    funds_max_paise: Paise = NOTHING
    open_frank: OpenFrank | None = None
    unprinted: int = 0
    wrong_pins: bytes = bytes(PIN_ROLES)
    pin_wait_until: EpochSeconds = NO_TIME
    pins: bytes = field(default=NO_PIN * PIN_ROLES, repr=False)
    recharges: tuple[RechargeNote, ...] = ()
    contents: tuple[ContentHeld, ...] = ()
    latest: EpochSeconds = NO_TIME
    shown: EpochSeconds = NO_TIME
    put_back_s: int = 0
    lock_ordered: bool = False
    som_number: int = 0
    som_time: EpochSeconds = NO_TIME
    som_ascending_paise: Paise = NOTHING
    som_descending_paise: Paise = NOTHING
    som_items: int = 0

    @property
    def usage(self) -> tuple[ClassUsage, ...]:
        """The classes that were franked in this life, sorted."""
        sums: dict[int, ClassUsage] = {}
        for row in self.rows:
            known = sums.get(row.product_class)
            sums[row.product_class] = ClassUsage(
                row.product_class,
                row.items + (known.items if known else 0),
                Paise(row.amount_paise + (known.amount_paise if known else 0)),
                row.reported and (known is None or known.reported),
            )
        return tuple(sums[number] for number in sorted(sums))

    def held(self, kind: OrderKind) -> tuple[ContentHeld, ...]:
        """The contents of one kind, in the order in which they came."""
        return tuple(content for content in self.contents if content.kind is kind)

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
        used = sum([row.amount_paise for row in self.rows])
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
        if not following.balanced and not (
            following.registers == self.registers
            and usage_reported(following).rows == usage_reported(self).rows
        ):
            raise InvariantError("the registers to be stored do not balance")
        if (
            not following.registers.not_before(self.registers)
            or following.recharge_number < self.recharge_number
            or following.dial_in < self.dial_in
            or len(following.lives) < len(self.lives)
        ):
            raise InvariantError("a counter to be stored is less than the stored one")
        if len(following.lives) == len(self.lives) and (
            following.order_serial < self.order_serial
            or (following.mark == NO_MARK and self.mark != NO_MARK)
        ):
            raise InvariantError("mark and order serial go back in a new life only")
        self._check_stated(following)
        moved = following.registers.control_total_paise
        if (
            moved != self.registers.control_total_paise
            and following.recharge_number == self.recharge_number
        ):
            raise InvariantError("the control total changes without a voucher")

    def _check_stated(self, following: "PsdRecord") -> None:
        stated = following.som_number, following.som_ascending_paise
        if len(following.lives) > len(self.lives):
            if any(stated):
                raise InvariantError("a new life begins without a statement of mailing")
        elif stated[0] < self.som_number or stated[1] < self.som_ascending_paise:
            raise InvariantError("statements of mailing go back in a new life only")


def one_more(count: int) -> int:
    """Count one more; a counter that is full stays full."""
    return min(count + 1, U32_MAX)


def with_usage(
    record: PsdRecord, value: Paise, product_class: int, department: int
) -> tuple[KeptUsage, ...] | None:
    """Add one frank with a value to the rows, or say None: there is no room left."""
    key = (department, product_class)
    rows = list(record.rows)
    at = bisect_left(rows, key, key=_row_key)
    if at < len(rows) and _row_key(rows[at]) == key:
        row = rows[at]
        if row.items >= U32_MAX:
            return None
        amount = Paise(row.amount_paise + value)
        rows[at] = KeptUsage(*key, row.items + 1, amount, reported=False)
        return tuple(rows)
    if len(rows) >= USAGE_ROWS_MAX:
        return None
    rows.insert(at, KeptUsage(*key, 1, value, reported=False))
    return tuple(rows)


def usage_reported(record: PsdRecord) -> PsdRecord:
    """Note that the server has stored the usage table as it is."""
    return _all_rows(record, reported=True)


def usage_unreported(record: PsdRecord) -> PsdRecord:
    """Note that nobody knows which rows the server has: all go out again."""
    return _all_rows(record, reported=False)


def _all_rows(record: PsdRecord, *, reported: bool) -> PsdRecord:
    rows = tuple(
        row if row.reported is reported else replace(row, reported=reported)
        for row in record.rows
    )
    return replace(record, rows=rows)


def _row_key(row: KeptUsage) -> tuple[int, int]:
    return row.department, row.product_class
