"""The credit keys that this server holds, and by which it signs for which machine.

A voucher or VOID for a machine is signed by the newest key that this machine has
acknowledged and that is held here; ids rise, so the newest has the highest.

Source: SPEC.md KEY-8.3 to KEY-8.5.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from protocol.errors import InvariantError
from protocol.keys import CreditKey
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.store import credit_keys
from rmfs_server.store.machines import Machine

FindKey = Callable[[int], CreditKey | None]
"""Finds the private half of a credit key by its id, if it is held here."""


def no_later_key(_key_id: int) -> CreditKey | None:
    """Find nothing: the keys of a server that has its first one only."""
    return None


@dataclass(frozen=True, slots=True)
class CreditKeys:
    """The credit keys of a server.

    Attributes:
        first: With which machines are enrolled if nobody says otherwise.
        later: Finds those that were made after it.
    """

    first: CreditKey
    later: FindKey = no_later_key

    def find(self, key_id: int) -> CreditKey | None:
        """Find a key by its id."""
        return self.first if key_id == self.first.key_id else self.later(key_id)

    def signer_for(
        self, connection: Connection, machine: Machine, now: EpochSeconds
    ) -> CreditKey:
        """Choose the key that signs for a machine, and keep its public half.

        Raises:
            InvariantError: The machine knows no key that is held here.
        """
        known = credit_keys.known_to(connection, machine)
        key = self.newest_of(known, machine.licence)
        credit_keys.register(connection, key, now)
        return key

    def newest_of(self, known: Iterable[int], licence: LicenceIdentifier) -> CreditKey:
        """Choose the key that signs for a machine among those that it knows.

        Raises:
            InvariantError: None of them is held here.
        """
        for key_id in sorted(known, reverse=True):
            key = self.find(key_id)
            if key is not None:
                return key
        message = f"no credit key that {licence} knows is held here"
        raise InvariantError(f"{message}: put its file back into the server's folder")
