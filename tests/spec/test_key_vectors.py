"""key.json: the witness makes it, the product reads the same out of it."""

import json
from pathlib import Path
from typing import Any

from protocol.keys import (
    MachineIdentity,
    MakerKey,
    Realm,
    ServerIdentity,
    SigningKey,
    read_machine_provisioning,
    read_server_provisioning,
    sign,
    signed_octets,
    verify,
    write_provisioning,
)
from tests.witness import key_vectors

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"
KEY: dict[str, Any] = json.loads((VECTORS / "key.json").read_text("utf-8"))
MAKER = MakerKey(
    KEY["maker_key"]["name"],
    Realm.TEST,
    SigningKey(bytes.fromhex(KEY["maker_key"]["private"])),
)


def of(value: str) -> bytes:
    return bytes.fromhex(value)


def test_the_published_vectors_are_those_that_the_witness_makes() -> None:
    assert key_vectors.make() == KEY


def test_the_stored_identity_of_the_vectors_is_the_machine() -> None:
    vector = KEY["machine"]

    identity = MachineIdentity.decode(of(vector["image"]))

    assert identity.dh_private == of(vector["dh_private"])
    assert identity.signing.scalar == of(vector["signing_private"])
    assert identity.ccs == of(vector["ccs"])
    assert identity.credential.credential_hash == of(vector["credential_hash"])
    assert identity.encode() == of(vector["image"])


def test_the_server_of_the_vectors_has_this_credential() -> None:
    vector = KEY["server"]
    identity = ServerIdentity("rmfs.example", Realm.TEST, 5, of(vector["dh_private"]))

    assert identity.ccs == of(vector["ccs"])
    assert identity.credential.credential_hash == of(vector["credential_hash"])


def test_every_signature_of_the_vectors_is_made_and_verified() -> None:
    for vector in KEY["signatures"]:
        key = SigningKey(of(vector["private"]))
        realm = Realm(ord(vector["realm"]))
        octets, signature = of(vector["octets"]), of(vector["signature"])

        assert signed_octets(vector["context"], realm, octets) == of(vector["covered"])
        assert sign(key, vector["context"], realm, octets) == signature
        assert verify(key.public, vector["context"], realm, octets, signature)


def test_the_files_of_the_vectors_are_read_and_written_to_the_octet() -> None:
    machine_text = json.dumps(KEY["machine_file"], indent=2) + "\n"
    server_text = json.dumps(KEY["server_file"], indent=2) + "\n"

    machine = read_machine_provisioning(machine_text.encode(), [MAKER.public])
    server = read_server_provisioning(server_text.encode(), [MAKER.public])

    assert write_provisioning(machine, MAKER) == machine_text
    assert write_provisioning(server, MAKER) == server_text
    assert machine.credential.ccs == of(KEY["machine"]["ccs"])
    assert server.credential.ccs == of(KEY["server"]["ccs"])
