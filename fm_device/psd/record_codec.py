"""The octets that a PSD's record is stored as.

The encoding is flat, big-endian and begins with a version: a fixed part, then the last
voucher, the lives, the usage rows, the recharges and the contents that there are. It
never leaves the machine, so SPEC.md says nothing of it; who changes it raises
`RECORD_VERSION`.
"""

import struct
from typing import Any, Final

from fm_device.psd.records import (
    CONTENTS_MAX,
    LIVES_MAX,
    PIN_OCTETS,
    PIN_ROLES,
    RECHARGES_KEPT,
    USAGE_ROWS_MAX,
    ContentHeld,
    KeptUsage,
    Life,
    OpenFrank,
    PsdRecord,
    RechargeNote,
)
from protocol.dialogue.machine import Request
from protocol.errors import LocalProtocolError, StoreError
from protocol.messages import TABLE_OF, LicenceState, MessageType, OrderKind
from protocol.messages.tables import MARK_OCTETS
from protocol.registers import MachineState, Registers, RequestKind, VoucherKind
from protocol.values import (
    EpochSeconds,
    OrderSerial,
    Paise,
    RechargeNumber,
    parse_licence_identifier,
)

RECORD_VERSION: Final = 3
VOUCHER_OCTETS: Final = TABLE_OF[MessageType.VOUCHER].octets

_FIXED: Final = struct.Struct(
    f">B8sBBQ QQQII II BQ {MARK_OCTETS}s III ?qI QB II"
    f" I QQ ?BBQHI {PIN_ROLES}sI {PIN_ROLES * PIN_OCTETS}s III? B BHBB IIQQI"
)
_LIFE: Final = struct.Struct(">H7sIQQI")
_USAGE: Final = struct.Struct(">BBIQ?")
_RECHARGE: Final = struct.Struct(">IBQQQI")
_CONTENT: Final = struct.Struct(">BIQII")
RECORD_OCTETS_MAX: Final = (
    _FIXED.size
    + VOUCHER_OCTETS
    + LIVES_MAX * _LIFE.size
    + USAGE_ROWS_MAX * _USAGE.size
    + RECHARGES_KEPT * _RECHARGE.size
    + CONTENTS_MAX * _CONTENT.size
)


def encode_record(record: PsdRecord) -> bytes:
    """Flatten a record.

    Raises:
        StoreError: A number is larger than its place.
    """
    try:
        return _encode(record)
    except struct.error as error:
        message = f"the record does not fit its octets: {error}"
        raise StoreError(message) from error


def decode_record(octets: bytes) -> PsdRecord:
    """Read a record back.

    Raises:
        StoreError: The octets are no record of this version. The vault's checksum was
            right, so another firmware wrote them.
    """
    try:
        return _decode(octets)
    except (struct.error, ValueError, LocalProtocolError) as error:
        message = f"the stored record cannot be read by this firmware: {error}"
        raise StoreError(message) from error


def _encode(record: PsdRecord) -> bytes:
    pending = record.pending
    fixed = _FIXED.pack(
        RECORD_VERSION,
        record.psd_serial.encode("ascii"),
        record.standing,
        record.fault,
        record.lock_reason,
        record.registers.ascending_paise,
        record.registers.descending_paise,
        record.registers.control_total_paise,
        record.registers.items,
        record.registers.items_with_zero,
        record.recharge_number,
        record.closed_number,
        0 if pending is None else pending.kind,
        0 if pending is None else pending.amount_paise,
        record.mark,
        record.order_serial,
        record.dial_in,
        record.complete_at,
        record.clock_offset_s is not None,
        record.clock_offset_s or 0,
        record.next_call,
        record.funds_paise,
        record.licence_state or 0,
        record.wrong_vouchers,
        record.other_amounts,
        record.pin_code,
        record.frank_max_paise,
        record.funds_max_paise,
        *_open_fields(record.open_frank),
        record.unprinted,
        record.wrong_pins,
        record.pin_wait_until,
        record.pins,
        record.latest,
        record.shown,
        record.put_back_s,
        record.lock_ordered,
        (record.last_voucher is not None),
        len(record.lives),
        len(record.rows),
        len(record.recharges),
        len(record.contents),
        record.som_number,
        record.som_time,
        record.som_ascending_paise,
        record.som_descending_paise,
        record.som_items,
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
        for life in record.lives
    ]
    rows = [
        _USAGE.pack(
            row.department,
            row.product_class,
            row.items,
            row.amount_paise,
            row.reported,
        )
        for row in record.rows
    ]
    recharges = [
        _RECHARGE.pack(
            note.number,
            note.kind,
            note.amount_paise,
            note.before_paise,
            note.after_paise,
            note.time,
        )
        for note in record.recharges
    ]
    contents = [
        _CONTENT.pack(
            content.kind,
            content.number,
            content.content_id,
            content.valid_from,
            content.dial_in,
        )
        for content in record.contents
    ]
    parts = (fixed, record.last_voucher or b"", *lives, *rows, *recharges, *contents)
    return b"".join(parts)


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
        pin_code,
        frank_max_paise,
        funds_max_paise,
        is_open,
        open_class,
        open_department,
        open_value,
        open_weight_g,
        unprinted,
        wrong_pins,
        pin_wait_until,
        pins,
        latest,
        shown,
        put_back_s,
        lock_ordered,
        has_voucher,
        lives,
        rows,
        recharges,
        contents,
        som_number,
        som_time,
        som_ascending_paise,
        som_descending_paise,
        som_items,
    ) = _FIXED.unpack_from(octets)
    at = _FIXED.size + (VOUCHER_OCTETS if has_voucher else 0)
    parts = []
    for count, form in (
        (lives, _LIFE),
        (rows, _USAGE),
        (recharges, _RECHARGE),
        (contents, _CONTENT),
    ):
        end = at + count * form.size
        parts.append(list(form.iter_unpack(octets[at:end])))
        at = end
    if len(octets) != at or not lives:
        raise ValueError(f"{len(octets)} octets")
    pending = Request(RequestKind(pending_kind), Paise(pending_amount))
    opened = OpenFrank(open_class, open_department, Paise(open_value), open_weight_g)
    voucher = octets[_FIXED.size : _FIXED.size + VOUCHER_OCTETS]
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
        pin_code=pin_code,
        frank_max_paise=Paise(frank_max_paise),
        funds_max_paise=Paise(funds_max_paise),
        open_frank=opened if is_open else None,
        unprinted=unprinted,
        wrong_pins=wrong_pins,
        pin_wait_until=EpochSeconds(pin_wait_until),
        pins=pins,
        last_voucher=voucher if has_voucher else None,
        lives=tuple(_life(*life) for life in parts[0]),
        rows=tuple(KeptUsage(*row) for row in parts[1]),
        recharges=tuple(_note(*note) for note in parts[2]),
        contents=tuple(
            ContentHeld(OrderKind(kind), *numbers) for kind, *numbers in parts[3]
        ),
        latest=EpochSeconds(latest),
        shown=EpochSeconds(shown),
        put_back_s=put_back_s,
        lock_ordered=lock_ordered,
        som_number=som_number,
        som_time=EpochSeconds(som_time),
        som_ascending_paise=Paise(som_ascending_paise),
        som_descending_paise=Paise(som_descending_paise),
        som_items=som_items,
    )


def _life(generation: int, licence: bytes, *numbers: Any) -> Life:
    return Life(generation, parse_licence_identifier(licence.decode("ascii")), *numbers)


def _note(number: int, kind: int, *numbers: Any) -> RechargeNote:
    return RechargeNote(RechargeNumber(number), VoucherKind(kind), *numbers)


def _open_fields(frank: OpenFrank | None) -> tuple[bool, int, int, int, int]:
    if frank is None:
        return False, 0, 0, 0, 0
    place = (frank.product_class, frank.department)
    return (True, *place, frank.value_paise, frank.weight_g)
