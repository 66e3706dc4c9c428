"""The PSD's keys: its own identity, the server that it trusts, and its maker.

They lie in a vault of their own, because they change once in a life and the registers
change with every frank. At a re-initialisation both vaults change; so that a power cut
between the two leaves one situation or the other, the ring then holds the old and the
new identity, the record says by licence and generation which one counts, and the one
that does not is wiped at the next power-on (KEY-8.2). A ring always fills its whole
length, so that a shorter one leaves nothing of a longer one behind it.

A PSD that was tampered with has no identity left: its ring holds public keys only.
"""

import struct
from dataclasses import dataclass, replace
from typing import Final

from fm_device.psd.records import Life
from protocol.errors import LocalProtocolError, StoreError
from protocol.keys import (
    MACHINE_IMAGE_OCTETS,
    KeyMaterialError,
    MachineIdentity,
    MakerPublicKey,
    Point,
    ProvisioningError,
    ServerCredential,
    ServerProvisioning,
    VerifyingKey,
)

RING_VERSION: Final = 2
IDENTITIES_MAX: Final = 2
CREDIT_KEYS_MAX: Final = 4
SERVER_OCTETS: Final = 153
_HEAD: Final = struct.Struct(">BBB16s32s32s")
RING_OCTETS: Final = (
    _HEAD.size + IDENTITIES_MAX * MACHINE_IMAGE_OCTETS + CREDIT_KEYS_MAX * SERVER_OCTETS
)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Identities of one or two lives, the server's file for each credit key, the maker.

    Attributes:
        identities: None after zeroisation, two inside a re-initialisation, else one.
        servers: One for each credit key.
        maker: Whose signature contents bear.
    """

    identities: tuple[MachineIdentity, ...]
    servers: tuple[ServerProvisioning, ...]
    maker: MakerPublicKey

    def __post_init__(self) -> None:
        """Check that it can be stored and that all servers are one server.

        Raises:
            LocalProtocolError: There are too many or too few keys, or two servers.
        """
        if len(self.identities) > IDENTITIES_MAX:
            raise LocalProtocolError(f"{len(self.identities)} identities in one PSD")
        if not 1 <= len(self.servers) <= CREDIT_KEYS_MAX:
            raise LocalProtocolError(
                f"{len(self.servers)} server files: 1 to {CREDIT_KEYS_MAX} are possible"
            )
        if len({one.credential.ccs for one in self.servers}) != 1:
            raise LocalProtocolError("the server files are of different servers")
        realms = {one.realm for one in self.identities} | {self.maker.realm}
        if realms != {self.servers[0].credential.realm}:
            raise LocalProtocolError(
                "machine, server and maker are of different realms", clause="KEY-2.2"
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

    def without_identities(self) -> "Keyring":
        """Keep the public keys alone."""
        return replace(self, identities=())

    def with_server(self, server: ServerProvisioning) -> "Keyring | None":
        """Add a credit key, or say None: another server's, a clash, or no room.

        A key that is known already changes nothing.
        """
        known = {one.credit_key_id: one.credit_key for one in self.servers}
        same_server = server.credential.ccs == self.servers[0].credential.ccs
        if same_server and known.get(server.credit_key_id) == server.credit_key:
            return self
        if (
            not same_server
            or server.credential.realm is not self.servers[0].credential.realm
            or server.credit_key_id in known
            or len(self.servers) >= CREDIT_KEYS_MAX
        ):
            return None
        return replace(self, servers=(*self.servers, server))

    def without_credit_key(self, key_id: int) -> "Keyring | None":
        """Retire a credit key, or say None: it is the last one.

        A key that is not known changes nothing.
        """
        kept = tuple(one for one in self.servers if one.credit_key_id != key_id)
        return replace(self, servers=kept) if kept else None

    def encode(self) -> bytes:
        """Flatten the ring to `RING_OCTETS`."""
        point = self.maker.verifying.point
        head = _HEAD.pack(
            RING_VERSION,
            len(self.identities),
            len(self.servers),
            self.maker.name.encode("ascii"),
            point.x,
            point.y,
        )
        identities = [identity.encode() for identity in self.identities]
        servers = [server.encode() for server in self.servers]
        return b"".join((head, *identities, *servers)).ljust(RING_OCTETS, b"\0")

    @classmethod
    def decode(cls, octets: bytes) -> "Keyring":
        """Read a ring back.

        Raises:
            StoreError: The octets are no ring of this version.
        """
        if len(octets) != RING_OCTETS or octets[0] != RING_VERSION:
            raise StoreError("the stored keys are of another firmware")
        _, identities, servers, name, x, y = _HEAD.unpack_from(octets)
        servers_at = _HEAD.size + identities * MACHINE_IMAGE_OCTETS
        end = servers_at + servers * SERVER_OCTETS
        try:
            files = tuple(
                ServerProvisioning.decode(octets[at : at + SERVER_OCTETS])
                for at in range(servers_at, end, SERVER_OCTETS)
            )
            maker = MakerPublicKey(
                name.rstrip(b"\0").decode("ascii"),
                files[0].credential.realm,
                VerifyingKey(Point(x, y)),
            )
            return cls(
                tuple(
                    MachineIdentity.decode(octets[at : at + MACHINE_IMAGE_OCTETS])
                    for at in range(_HEAD.size, servers_at, MACHINE_IMAGE_OCTETS)
                ),
                files,
                maker,
            )
        except (
            KeyMaterialError,
            ProvisioningError,
            LocalProtocolError,
            ValueError,
            IndexError,
        ) as error:
            raise StoreError(f"the stored keys cannot be read: {error}") from error
