"""The bench as a server: what it says to the machine under test, and hears of it.

It grants what a case says, and nothing else; between cases it serves as an honest
server would, and grants nothing. What it knows of the machine is its `Book`.
"""

from collections.abc import Mapping
from dataclasses import replace

from hw.clock import WallClock
from hw.lab.book import Book, new_book, orders_back
from hw.lab.granting import Granting
from hw.lab.hearing_machines import HearingMachines
from hw.lab.noting import note_said
from hw.lab.offers import Offers
from hw.lab.side import Breach, Fields, number, unsigned
from hw.lab.signatures import OTHER_REALM, PURPOSE, REALM, RIGHT
from hw.lab.situation import Situation
from protocol.contents.container import CONTEXT as CONTENT_CONTEXT
from protocol.errors import RemoteProtocolError
from protocol.keys import (
    CreditKey,
    MachineProvisioning,
    MakerKey,
    ServerCredential,
    ServerIdentity,
)
from protocol.messages import (
    MessageTable,
    MessageType,
    OrderKind,
    Voucher,
)
from protocol.messages.codec import FieldValue
from protocol.ports import Entropy
from protocol.registers import Registers
from protocol.values import RechargeNumber
from protocol.vouchers import VOUCHER_CONTEXT, VoucherHolder, check_voucher


class ServerSide:
    """Fills in and signs what a server says.

    Attributes:
        identity: The bench's channel key.
        offers: Contents and credit keys.
    """

    def __init__(
        self,
        identity: ServerIdentity,
        credit_key: CreditKey,
        machine: MachineProvisioning,
        *,
        clock: WallClock,
        entropy: Entropy,
        maker: MakerKey | None = None,
    ) -> None:
        """Open a book.

        Args:
            identity: The bench's channel key.
            credit_key: Signs vouchers.
            machine: The machine under test.
            clock: Tells the time for RECEIPTs and vouchers.
            entropy: Draws marks, and a further credit key.
            maker: Signs contents; None: the bench has none to offer.
        """
        self.identity = identity
        self.offers = Offers(identity, credit_key, maker, entropy)
        self._credit_key = credit_key
        self._clock = clock
        self._machine = machine
        self._now = Situation(machine.credential, new_book(machine))
        self._hearing = HearingMachines(self._now)
        self._granting = Granting(
            self._now,
            self.offers,
            credit_key=credit_key.key_id,
            clock=clock,
            entropy=entropy,
        )

    @property
    def machine(self) -> MachineProvisioning:
        """The machine under test, as its maker provisioned it."""
        return self._machine

    @property
    def book(self) -> Book:
        """What is known of it."""
        return self._now.book

    @property
    def statement(self) -> Mapping[str, FieldValue]:
        """The fields of its STATEMENT in this dialogue."""
        return self._now.statement

    def begin(self) -> None:
        """Begin a dialogue."""
        self._now.begin()

    def begin_life(self, machine: MachineProvisioning) -> None:
        """Open a book for the next life of the machine."""
        book = new_book(machine, self.book.dial_in)
        book.is_known = True
        self._machine = machine
        self._now.begin_life(machine.credential, book)

    def make_content(self, kind: str, wish: Mapping[str, str]) -> None:
        """Make a content, and have it on hand.

        Raises:
            StepError: The bench has no maker key.
            LocalProtocolError: What is wished does not fit into a content.
        """
        model = self.machine.model
        content_id, octets = self.offers.make(kind, wish, self._clock.now(), model)
        self.book.contents[content_id] = octets

    def orders_back(self) -> list[Fields]:
        """Say which orders undo what cases have ordered; as of the STATEMENT."""
        return orders_back(self.book, self.statement)

    # What is said.

    def right(self, table: MessageTable, wish: Mapping[str, FieldValue]) -> Fields:
        """Fill a message in as an honest server would.

        Args:
            table: Of a message of either side; a machine's own gives what is expected.
            wish: What the case says of some fields; others follow from it.
        """
        return self._granting.right(table, wish)

    def sign(
        self, table: MessageTable, fields: Mapping[str, FieldValue], wish: str = RIGHT
    ) -> bytes:
        """Write a VOUCHER, and sign it.

        Args:
            table: Its layout.
            fields: Its values.
            wish: `hw.lab.signatures`.
        """
        covered = unsigned(table, fields)
        named = number({"credit_key": self._credit_key.key_id, **fields}, "credit_key")
        key = self.offers.credit_keys.get(named, self._credit_key)
        if wish == REALM:
            key = replace(key, realm=OTHER_REALM[key.realm])
        context = CONTENT_CONTEXT if wish == PURPOSE else VOUCHER_CONTEXT
        return covered + key.sign(context, covered)

    def said(
        self, table: MessageTable, fields: Mapping[str, FieldValue], body: bytes
    ) -> None:
        """Note what was sent and may have been taken."""
        is_voucher = table.type is MessageType.VOUCHER
        applies = is_voucher and self._can_be_applied(body)
        note_said(self._now, table, fields, body, can_be_applied=applies)

    def _can_be_applied(self, body: bytes) -> bool:
        """Whether a voucher passes all checks of REG-6, so that it may be applied."""
        try:
            voucher = Voucher.decode(body)
        except RemoteProtocolError:
            return False
        holder = VoucherHolder(
            self.machine.credential,
            self._known_server(),
            self.book.registers,
            RechargeNumber(self.book.recharge_number),
        )
        return isinstance(check_voucher(voucher, body, holder), Registers)

    def _known_server(self) -> ServerCredential:
        """Say what the machine knows of the bench: its credit keys as ordered."""
        key, brought = self._credit_key, self.offers.brought
        known = self.identity.credential.with_credit_key(key.key_id, key.signing.public)
        for serial, (kind, value) in sorted(self.book.orders.items()):
            if serial > self.book.order_serial:
                break
            if kind == OrderKind.CREDIT_KEY and value in brought:
                added = brought[value]
                known = known.with_credit_key(added.key_id, added.signing.public)
            elif kind == OrderKind.RETIRE_CREDIT_KEY and len(known.credit_keys) > 1:
                known = known.without_credit_key(value)
        return known

    # What is heard.

    def heard(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        """Take what the machine said into the book; what is broken by it comes back."""
        return self._hearing.heard(table, fields, body, binding)
