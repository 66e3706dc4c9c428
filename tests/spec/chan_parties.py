"""The parties of the channel and key tests: made from fixed seeds, never secret."""

from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256

from protocol.channel import MachineChannel, ServerChannel
from protocol.keys import (
    CreditKey,
    MachineIdentity,
    MakerKey,
    Realm,
    ServerCredential,
    ServerIdentity,
    SigningKey,
)
from protocol.values import LicenceIdentifier
from tests.witness.edhoc_peer import Party

N123456 = LicenceIdentifier("N123456")
SERVER_KID = 5


class SeededEntropy:
    """Entropy for tests: SHA-256 of a seed and a count."""

    def __init__(self, seed: str) -> None:
        self.seed = seed.encode()
        self.draws = 0

    def octets(self, count: int) -> bytes:
        self.draws += 1
        block = sha256(self.seed + self.draws.to_bytes(4, "big")).digest()
        return (block * (count // 32 + 1))[:count]


@dataclass(frozen=True)
class Parties:
    machine: MachineIdentity
    server: ServerIdentity
    credit: CreditKey
    maker: MakerKey

    @property
    def trusted(self) -> ServerCredential:
        """The server as the machine knows it."""
        return self.server.credential.with_credit_key(
            self.credit.key_id, self.credit.signing.public
        )

    @property
    def credit_scalar(self) -> bytes:
        """The private half of the credit key, which is in memory here."""
        assert isinstance(self.credit.signing, SigningKey)
        return self.credit.signing.scalar

    def in_realm(self, realm: Realm) -> "Parties":
        """The same private keys in another realm: the realm alone must part them."""
        return Parties(
            replace(self.machine, realm=realm),
            replace(self.server, realm=realm),
            replace(self.credit, realm=realm),
            replace(self.maker, realm=realm),
        )


@lru_cache
def parties(seed: str = "first", realm: Realm = Realm.TEST) -> Parties:
    return Parties(
        MachineIdentity.generate(
            N123456, "PSD00001", realm, SeededEntropy(f"{seed} machine")
        ),
        ServerIdentity.generate(
            "rmfs.example", realm, SERVER_KID, SeededEntropy(f"{seed} server")
        ),
        CreditKey.generate(1, realm, SeededEntropy(f"{seed} credit")),
        MakerKey.generate("Maker", realm, SeededEntropy(f"{seed} maker")),
    )


def witness_machine(of: Parties) -> Party:
    """The machine as the witness plays it."""
    credential = of.machine.credential
    return Party(
        credential.kid, credential.ccs, credential.dh_point.x, of.machine.dh_private
    )


def witness_server(of: Parties) -> Party:
    """The server as the witness plays it."""
    credential = of.server.credential
    return Party(
        bytes([credential.kid]),
        credential.ccs,
        credential.dh_point.x,
        of.server.dh_private,
    )


def opened(of: Parties) -> tuple[MachineChannel, ServerChannel]:
    """Both ends of a real channel after all four greetings."""
    machine, server = MachineChannel(of.machine, of.trusted), ServerChannel(of.server)
    machine.receive_greeting_2(server.receive_greeting_1(machine.greeting_1()))
    server.receive_greeting_3(machine.greeting_3(b"statement"))
    server.prove_machine(of.machine.credential)
    machine.receive_greeting_4(server.greeting_4(b"voucher"))
    return machine, server
