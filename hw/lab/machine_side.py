"""The bench as a machine: its keys, its memory, and what a server says to it.

It states what an honest machine would, or what a case says. What it knows is its
`MachineMemory`, and the `Account` that it has at the server.
"""

from collections.abc import Mapping
from typing import Final

from hw.clock import WallClock
from hw.lab.account import Account
from hw.lab.fetching import Fetching
from hw.lab.hearing_servers import HearingServers
from hw.lab.machine_memory import MachineMemory
from hw.lab.side import Breach, Fields, unsigned, usage_rows
from hw.lab.signatures import OTHER_REALM, PURPOSE, REALM, RIGHT
from hw.lab.stating import Stating
from protocol.keys import MachineIdentity, ServerCredential
from protocol.keys.signing import sign
from protocol.messages import MessageTable, MessageType
from protocol.messages.codec import FieldValue

_OTHER_PURPOSE: Final = {
    MessageType.STATEMENT: MessageType.CONFIRMATION,
    MessageType.CONFIRMATION: MessageType.STATEMENT,
}


class MachineSide:
    """Fills in and signs what a machine says.

    Attributes:
        memory: What it remembers.
        account: What it knows of its account at the server.
        fetching: Contents that it was ordered to take.
    """

    def __init__(
        self, identity: MachineIdentity, server: ServerCredential, *, clock: WallClock
    ) -> None:
        """Be as new as its provisioning file.

        Args:
            identity: Its keys.
            server: Whom it trusts.
            clock: Its clock.
        """
        self.memory = MachineMemory(identity.credential)
        self.account = Account()
        self.fetching = Fetching()
        self._identity = identity
        self._server = server
        self._stating = Stating(self.memory, self.account, self.fetching, clock=clock)
        self._hearing = HearingServers(self.memory, server, self.account, self.fetching)

    @property
    def identity(self) -> MachineIdentity:
        """The bench's keys as this machine."""
        return self._identity

    @property
    def server(self) -> ServerCredential:
        """Whom it trusts."""
        return self._server

    def become(self, identity: MachineIdentity) -> None:
        """Dial with other keys from the next call on."""
        self._identity = identity
        self.memory.credential = identity.credential

    def begin(self) -> None:
        """Begin a dialogue."""
        self.memory.begin()

    @property
    def is_due_a_voucher(self) -> bool:
        """Whether a voucher is outstanding that the machine has not applied."""
        account = self.account
        is_open = bool(account.open_voucher)
        return is_open and self.memory.recharge_number == account.number

    # What is said.

    def right(self, table: MessageTable, wish: Mapping[str, FieldValue]) -> Fields:
        """Fill a message in as an honest machine would.

        Args:
            table: Of a message of either side; a server's own gives what is expected.
            wish: What the case says of some fields; others follow from it.
        """
        return self._stating.right(table, wish)

    def sign(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        binding: bytes,
        wish: str = RIGHT,
    ) -> bytes:
        """Write a message that ends in a signature, and sign it for a channel.

        Args:
            table: Its layout.
            fields: Its fields.
            binding: Of the channel.
            wish: What the case wants of the signature (`hw.lab.signatures`).
        """
        covered = unsigned(table, fields)
        identity, purpose = self._identity, table.type
        if wish == PURPOSE:
            purpose = _OTHER_PURPOSE[purpose]
        realm = OTHER_REALM[identity.realm] if wish == REALM else identity.realm
        signed = sign(identity.signing, purpose.name, realm, binding + covered)
        return covered + signed

    def said(self, table: MessageTable, fields: Mapping[str, FieldValue]) -> None:
        """Note what was sent."""
        if table.type is MessageType.STATEMENT:
            self.account.stated(fields)
        elif table.type is MessageType.CONFIRMATION:
            self.account.confirmed(fields)
        elif table.type is MessageType.USAGE:
            self.account.said_more()
            self.memory.rows_sent(usage_rows(fields))
        elif table.type is MessageType.WANT:
            self.fetching.said(fields)

    # What is heard.

    def heard(
        self,
        table: MessageTable,
        fields: Mapping[str, FieldValue],
        body: bytes,
        binding: bytes,
    ) -> list[Breach]:
        """Take what the server said; what is broken by it comes back."""
        del binding  # Nothing that a server sends is bound to a channel.
        return self._hearing.heard(table, fields, body)
