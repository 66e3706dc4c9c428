"""What a tap knows of one machine, over all its calls and lines.

It keeps both books that the bench keeps: what follows for the machine from what it was
sent, and what follows for the server from what it has said. Each begins with the first
STATEMENT that is heard, and begins anew when dial-ins may have passed unheard.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hw.lab.account import Account
from hw.lab.book import Book
from hw.lab.fetching import Fetching
from hw.lab.hearing_machines import HearingMachines
from hw.lab.hearing_servers import HearingServers
from hw.lab.machine_memory import MachineMemory
from hw.lab.noting import note_said
from hw.lab.side import Findings, number, octets, registers_of
from hw.lab.situation import Situation
from protocol.keys import (
    MachineCredential,
    Realm,
    ServerCredential,
    VerifyingKey,
    public_point,
)
from protocol.messages import MessageTable, MessageType, OrderKind
from protocol.messages.codec import FieldValue
from protocol.messages.tables import MARK_OCTETS
from protocol.registers import (
    ZERO_REGISTERS,
    VoucherKind,
    after_voucher,
)
from protocol.values import LicenceIdentifier, Paise

Fields = Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True)
class Papers:
    """What a tap was given beside captures.

    Attributes:
        server: The server with its credit keys, or None.
        machines: Credentials by licence identifier.
        bindings: Of channels, by G_X, as a lab's key logs have them.
    """

    server: ServerCredential | None = None
    machines: Mapping[str, MachineCredential] = field(default_factory=dict)
    bindings: Mapping[bytes, bytes] = field(default_factory=dict)


NO_PAPERS: Final = Papers()


class KnownMachine:
    """One machine, and what was heard of it.

    Attributes:
        now: Where its dialogue stands.
        memory: What it remembers, as far as it has said so.
        account: What it knows of its account.
        spoken_on: Whoever judges the line of its last STATEMENT.
        stated_at_s: When that came.
        order_serial: The highest that it has named.
        was_answered: A STATEMENT of it was answered, and not with an ERROR.
        owes_refusal: Its STATEMENT was one that the server has to refuse.
    """

    def __init__(self, statement: Fields, papers: Papers) -> None:
        """Hear of a machine for the first time.

        Args:
            statement: Its STATEMENT.
            papers: What is known of it and of the server.

        Raises:
            LocalProtocolError: It has names of no form.
        """
        licence = octets(statement, "licence").decode("ascii", "replace")
        known = papers.machines.get(licence)
        serial = octets(statement, "psd_serial").decode("ascii", "replace")
        self.credential = known or _unproved(LicenceIdentifier(licence), serial)
        self.spoken_on: object = None
        self.stated_at_s = 0.0
        self.owes_refusal = False
        self.was_answered = False
        self.order_serial = 0
        self._is_proved = known is not None
        self._server = papers.server if known is not None else None
        book = Book(ZERO_REGISTERS, 0, rows_are_known=False)
        self.now = Situation(self.credential, book)
        self._hearing = HearingMachines(self.now)
        self._before = book.registers, book.recharge_number, book.dial_in
        self._begin_account()

    def _begin_account(self) -> None:
        self.memory = MachineMemory(self.credential)
        self.account = Account(in_doubt=True)
        self._fetching = Fetching()
        self._listen()

    def _listen(self) -> None:
        both = (self.account, self._fetching)
        self._verifying = HearingServers(self.memory, self._server, *both)
        self._believing = HearingServers(self.memory, None, *both)

    @property
    def is_followed(self) -> bool:
        """Whether all its dial-ins were heard since the last STATEMENT."""
        return self.now.book.is_known and not self.now.book.has_gap

    def states(
        self, table: MessageTable, fields: Fields, body: bytes, binding: bytes
    ) -> Findings:
        """Take a STATEMENT; with papers and binding its signature is verified."""
        book = self.now.book
        self._before = book.registers, book.recharge_number, book.dial_in
        if book.is_known and number(fields, "dial_in") != book.dial_in + 1:
            book.has_gap, book.rows_are_known, book.orders = True, False, {}
            self._begin_account()
        was_used = number(fields, "dial_in") > 1 or any(octets(fields, "mark"))
        if not book.is_known and not was_used:
            self._is_new(fields)
        self.now.begin()
        found = self._hearing.heard(table, fields, body, self._known(binding))
        memory = self.memory
        memory.begin()
        memory.registers = registers_of(fields)
        memory.recharge_number = number(fields, "recharge_number")
        memory.order_serial = number(fields, "order_serial")
        memory.dial_in = number(fields, "dial_in")
        memory.orders_due = 0
        self._names(fields)
        self.account.stated(fields)
        return found

    def was_not_believed(self) -> None:
        """Take a STATEMENT back that the server has refused with an ERROR."""
        book = self.now.book
        book.registers, book.recharge_number, book.dial_in = self._before
        book.has_gap, book.rows_are_known, book.orders = True, False, {}
        self._begin_account()

    def _names(self, fields: Fields) -> None:
        """Take the serial of a STATEMENT or GOODBYE."""
        if "order_serial" in fields:
            self.order_serial = max(self.order_serial, number(fields, "order_serial"))

    def _known(self, binding: bytes) -> bytes:
        """Give a binding if there is a key to verify with."""
        return binding if self._is_proved else b""

    def _is_new(self, fields: Fields) -> None:
        """Know all of a machine that dials for the first time."""
        book = self.now.book
        book.rows_are_known = True
        book.enrolled_paise = number(fields, "ascending_paise")
        book.marks = (bytes(MARK_OCTETS),)
        self.account = Account()
        self._listen()

    def says(
        self, table: MessageTable, fields: Fields, body: bytes, binding: bytes
    ) -> Findings:
        """Take another message of the machine."""
        found = self._hearing.heard(table, fields, body, self._known(binding))
        self._names(fields)
        if table.type is MessageType.CONFIRMATION:
            self.memory.registers = registers_of(fields)
            self.memory.recharge_number = number(fields, "recharge_number")
            self.account.confirmed(fields)
        elif table.type is MessageType.USAGE:
            self.account.said_more()
        elif table.type is MessageType.WANT:
            self._fetching.said(fields)
        return found

    def hears(self, table: MessageTable, fields: Fields, body: bytes) -> Findings:
        """Take a message of the server."""
        self.was_answered = True
        is_voucher = table.type is MessageType.VOUCHER
        # Credit keys may have come by orders, of which papers say nothing (KEY-8.6).
        knows = self._server is not None and (
            not is_voucher or number(fields, "credit_key") in self._server.credit_keys
        )
        servers = self._verifying if knows else self._believing
        found = servers.heard(table, fields, body)
        if is_voucher:
            words = "no registers can be what it makes of them"
            found.look("REG-6", self._possible(fields), words)
        applies = is_voucher and not found
        note_said(self.now, table, fields, body, can_be_applied=applies)
        return found

    def _possible(self, voucher: Fields) -> bool:
        """Whether a voucher that fits leaves registers that are possible."""
        kind = VoucherKind(number(voucher, "kind"))
        amount = Paise(number(voucher, "amount_paise"))
        return after_voucher(self.now.book.registers, kind, amount) is not None

    @property
    def lock_in_force(self) -> bool:
        """Whether the last LOCK or UNLOCK that was applied is a LOCK."""
        book = self.now.book
        applied = {
            serial: kind
            for serial, (kind, _) in book.orders.items()
            if serial <= book.order_serial
            and kind in {OrderKind.LOCK, OrderKind.UNLOCK}
        }
        return bool(applied) and applied[max(applied)] == OrderKind.LOCK


def _unproved(licence: LicenceIdentifier, serial: str) -> MachineCredential:
    """Name a machine of which nothing but its STATEMENT is known.

    Its keys are placeholders, and nothing is verified with them.
    """
    scalars = (number.to_bytes(32, "big") for number in (1, 2))
    agreeing, signing = (public_point(scalar) for scalar in scalars)
    return MachineCredential(
        licence, serial, Realm.TEST, agreeing, VerifyingKey(signing)
    )
