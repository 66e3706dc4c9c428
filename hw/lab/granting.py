"""Messages as an honest server would fill them in, and what a machine has to say.

A case says some fields, the others follow from them: an amount makes a control total.
"""

from collections.abc import Callable, Mapping
from typing import Final

from hw.clock import WallClock
from hw.lab.book import FIRMWARE_FIELDS
from hw.lab.offers import Offers
from hw.lab.side import Fields, blank, fields_of, number
from hw.lab.situation import Situation
from protocol.messages import (
    CONTENT_PART_OCTETS,
    Disposition,
    LicenceState,
    MessageTable,
    MessageType,
    OrderKind,
)
from protocol.messages.codec import FieldValue
from protocol.messages.tables import MARK_OCTETS
from protocol.ports import Entropy
from protocol.registers import RequestKind, VoucherKind, effect_paise
from protocol.values import Paise

_VOUCHER_FOR: Final = {
    RequestKind.INSPECTION: VoucherKind.RECHARGE,
    RequestKind.RECHARGE: VoucherKind.RECHARGE,
    RequestKind.WITHDRAWAL: VoucherKind.WITHDRAWAL,
    RequestKind.REFUND: VoucherKind.REFUND,
}
_EMPTYING: Final = (VoucherKind.WITHDRAWAL, VoucherKind.REFUND)
UNASKED_PAISE: Final = 10_000
"""What a voucher brings that nobody asked for: Rs 100."""
_NUMBER_MAX: Final = 2**32 - 1
_VERSION: Final = 1


_Filler = Callable[[Mapping[str, FieldValue]], Fields]
"""Fills a message in: what follows from what a case says of some fields."""


class Granting:
    """Fills messages in."""

    def __init__(
        self,
        situation: Situation,
        offers: Offers,
        *,
        credit_key: int,
        clock: WallClock,
        entropy: Entropy,
    ) -> None:
        """Know what messages follow from.

        Args:
            situation: Where the dialogue stands.
            offers: Contents and credit keys.
            credit_key: Id of the one that vouchers name.
            clock: Tells the time for RECEIPTs and vouchers.
            entropy: Draws marks.
        """
        self._now = situation
        self._offers = offers
        self._credit_key = credit_key
        self._clock = clock
        self._entropy = entropy
        self._fillers: Final[dict[MessageType, _Filler]] = {
            MessageType.VOUCHER: self._voucher,
            MessageType.REFUSAL: self._refusal,
            MessageType.RECEIPT: lambda _: self._receipt(),
            MessageType.ORDER: self._order,
            MessageType.ACK: lambda _: self._ack(),
            MessageType.CONTENT: lambda _: self._content(),
            MessageType.STATEMENT: lambda _: self._expected_statement(),
            MessageType.CONFIRMATION: lambda _: self._confirmation(),
            MessageType.USAGE: lambda _: {
                "dial_in": self._now.book.dial_in,
                "part": self._now.usage_next,
            },
            MessageType.LAST_VOUCHER: lambda _: (
                {"voucher": self._now.book.applied} if self._now.book.applied else {}
            ),
            MessageType.WANT: lambda _: {"content_id": self._offers.content_id},
            MessageType.GOODBYE: lambda _: {
                "mark": self._now.book.marks[-1],
                "order_serial": self._now.serial_said,
            },
        }

    def right(self, table: MessageTable, wish: Mapping[str, FieldValue]) -> Fields:
        """Fill a message in as an honest server would.

        Args:
            table: Of a message of either side; a machine's own gives what is expected.
            wish: What the case says of some fields; others follow from it.
        """
        fields = blank(table)
        fill = self._fillers.get(table.type)
        if fill is not None:
            fields |= fill(wish)
        return fields

    def _receipt(self) -> Fields:
        return {
            "recharge_number": self._now.answers,
            "mark": self._entropy.octets(MARK_OCTETS),
            "time": self._clock.now(),
            "licence_state": int(LicenceState.REGISTERED),
        }

    def _ack(self) -> Fields:
        of_type, serial = self._now.acknowledges
        return {"of_type": of_type, "number": serial}

    def _order(self, wish: Mapping[str, FieldValue]) -> Fields:
        kind = wish.get("order", int(OrderKind.NOTHING))
        now = self._clock.now()
        return {
            "order_serial": self._now.serial_said + 1,
            "order": kind,
            "value": self._offers.value(kind if isinstance(kind, int) else 0, now),
        }

    def _voucher(self, wish: Mapping[str, FieldValue]) -> Fields:
        stated = self._now.statement
        request = RequestKind(number(stated, "request") if stated else 0)
        kind = _VOUCHER_FOR[request]
        amount = number(stated, "amount_paise") if stated else 0
        if request == RequestKind.INSPECTION:
            amount = UNASKED_PAISE
        asked, kind = kind, _known_kind(wish.get("kind", kind), kind)
        if kind is not asked and kind in _EMPTYING:
            amount = self._now.book.registers.descending_paise
        amount = 0 if kind is VoucherKind.VOID else amount
        paise = wish.get("amount_paise", amount)
        effect = effect_paise(kind, Paise(paise if isinstance(paise, int) else 0))
        credential = self._now.credential
        before = self._now.book.registers.control_total_paise
        return {
            "kind": int(kind),
            "licence": credential.licence_identifier.encode("ascii"),
            "credential_hash": credential.credential_hash,
            "recharge_number": min(self._now.book.recharge_number + 1, _NUMBER_MAX),
            "amount_paise": amount,
            "control_total_before_paise": before,
            "control_total_after_paise": max(0, before + effect),
            "time": self._clock.now(),
            "credit_key": self._credit_key,
        }

    def _refusal(self, wish: Mapping[str, FieldValue]) -> Fields:
        code = wish.get("code", 1)
        is_discrepancy = isinstance(code, int) and code >= 32  # noqa: PLR2004  DLG-8.1
        kept = Disposition.KEPT if self._now.book.outstanding else Disposition.CLEARED
        return {
            "recharge_number": min(self._now.book.recharge_number + 1, _NUMBER_MAX),
            "code": code,
            "disposition": int(kept),
            "receipt_follows": 0 if is_discrepancy else 1,
        }

    def _content(self) -> Fields:
        if not self._now.want:
            return {}
        content_id = number(self._now.want, "content_id")
        offset = number(self._now.want, "offset")
        content = self._now.book.contents.get(content_id, b"")
        part = content[offset : offset + CONTENT_PART_OCTETS]
        return {
            "content_id": content_id,
            "offset": offset,
            "total": len(content) if part else 0,
            "data": part.ljust(CONTENT_PART_OCTETS, b"\0"),
        }

    def _expected_statement(self) -> Fields:
        book, credential = self._now.book, self._now.credential
        request, amount = book.pending or (int(RequestKind.INSPECTION), 0)
        return {
            "version": _VERSION,
            "licence": credential.licence_identifier.encode("ascii"),
            "psd_serial": credential.psd_serial.encode("ascii"),
            **dict(zip(FIRMWARE_FIELDS, book.firmware, strict=True)),
            **fields_of(book.registers),
            "recharge_number": book.recharge_number,
            "order_serial": book.order_serial,
            "mark": book.marks[-1],
            "usage_digest": book.digest,
            "time": self._clock.now(),
            "dial_in": book.dial_in + 1,
            "request": request,
            "amount_paise": amount,
        }

    def _confirmation(self) -> Fields:
        fields: Fields = {
            "licence": self._now.credential.licence_identifier.encode("ascii"),
            "recharge_number": self._now.book.recharge_number + 1,
            **fields_of(self._now.book.registers),
        }
        applied = self._now.book.after()
        if applied is not None:
            fields |= fields_of(applied)
        return fields


def _known_kind(value: FieldValue, otherwise: VoucherKind) -> VoucherKind:
    try:
        return VoucherKind(value if isinstance(value, int) else -1)
    except ValueError:
        return otherwise
