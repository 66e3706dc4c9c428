"""The PSD's keys: its own identity, and the server that it trusts.

They lie in a vault of their own, because they change once in a life and the registers
change with every frank. At a re-initialisation both vaults change; so that a power cut
between the two leaves one situation or the other, the ring then holds the old and the
new identity, the record says by licence and generation which one counts, and the one
that does not is wiped at the next power-on (KEY-8.2).
"""

from dataclasses import dataclass, replace
from typing import Final

from fm_device.psd.records import Life
from protocol.errors import LocalProtocolError, StoreError
from protocol.keys import (
    MACHINE_IMAGE_OCTETS,
    KeyMaterialError,
    MachineIdentity,
    ProvisioningError,
    ServerCredential,
    ServerProvisioning,
)

RING_VERSION: Final = 1
IDENTITIES_MAX: Final = 2
CREDIT_KEYS_MAX: Final = 4
SERVER_OCTETS: Final = 153
RING_OCTETS_MAX: Final = (
    3 + IDENTITIES_MAX * MACHINE_IMAGE_OCTETS + CREDIT_KEYS_MAX * SERVER_OCTETS
)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Identities of one or two lives, and the server's file for each credit key."""

    identities: tuple[MachineIdentity, ...]
    servers: tuple[ServerProvisioning, ...]

    def __post_init__(self) -> None:
        """Check that it can be stored and that all servers are one server.

        Raises:
            LocalProtocolError: There are too many or too few keys, or two servers.
        """
        if not 1 <= len(self.identities) <= IDENTITIES_MAX:
            raise LocalProtocolError(f"{len(self.identities)} identities in one PSD")
        if not 1 <= len(self.servers) <= CREDIT_KEYS_MAX:
            raise LocalProtocolError(
                f"{len(self.servers)} server files: 1 to {CREDIT_KEYS_MAX} are possible"
            )
        if len({one.credential.ccs for one in self.servers}) != 1:
            raise LocalProtocolError("the server files are of different servers")
        realms = {one.realm for one in self.identities}
        if realms != {self.servers[0].credential.realm}:
            raise LocalProtocolError(
                "machine and server are of different realms", clause="KEY-2.2"
            )

    @property
    def server(self) -> ServerCredential:
        """The server with all its credit keys."""
        credential = self.servers[0].credential
        for other in self.servers[1:]:
            credential = credential.with_credit_key(
                other.credit_key_id, other.credit_key
            )
        return credential

    def identity(self, life: Life) -> MachineIdentity:
        """Find the keys of one life.

        Raises:
            StoreError: The ring has none; the two vaults do not belong together.
        """
        for identity in self.identities:
            named = (identity.licence_identifier, identity.generation)
            if named == (life.licence, life.generation):
                return identity
        raise StoreError(
            f"the PSD holds no keys of {life.licence}, generation {life.generation}"
        )

    def only(self, life: Life) -> "Keyring":
        """Keep the keys of one life."""
        return replace(self, identities=(self.identity(life),))

    def encode(self) -> bytes:
        """Flatten the ring."""
        counts = bytes((RING_VERSION, len(self.identities), len(self.servers)))
        identities = [identity.encode() for identity in self.identities]
        servers = [server.encode() for server in self.servers]
        return b"".join((counts, *identities, *servers))

    @classmethod
    def decode(cls, octets: bytes) -> "Keyring":
        """Read a ring back.

        Raises:
            StoreError: The octets are no ring of this version.
        """
        if len(octets) < 3 or octets[0] != RING_VERSION:  # noqa: PLR2004  # the counts
            raise StoreError("the stored keys are of another firmware")
        servers_at = 3 + octets[1] * MACHINE_IMAGE_OCTETS
        try:
            return cls(
                tuple(
                    MachineIdentity.decode(octets[at : at + MACHINE_IMAGE_OCTETS])
                    for at in range(3, servers_at, MACHINE_IMAGE_OCTETS)
                ),
                tuple(
                    ServerProvisioning.decode(octets[at : at + SERVER_OCTETS])
                    for at in range(servers_at, len(octets), SERVER_OCTETS)
                ),
            )
        except (KeyMaterialError, ProvisioningError, LocalProtocolError) as error:
            raise StoreError(f"the stored keys cannot be read: {error}") from error
