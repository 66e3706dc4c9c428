"""The Department as a recharge server knows it: keys that may sign its files.

An operator puts the Department's public keys into the server's folder, one PEM a key:
``dop-2026.pem`` is the key that signs as ``dop-2026``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.exchange import SignatureFault, Signed, check_signature
from protocol.keys import Realm, VerifyingKey, read_public_key
from protocol.keys.pem import PEM_OCTETS_MAX
from rmfs_server.folder import read_server

_KEY_FILE: Final = re.compile(r"dop-[A-Za-z0-9-]{1,28}\.pem", re.ASCII)


@dataclass(frozen=True, slots=True)
class Department:
    """Keys by their ids, and the realm in which they sign."""

    keys: Mapping[str, VerifyingKey]
    realm: Realm

    def check(self, octets: bytes) -> Signed | SignatureFault:
        """Check that the Department has signed a file."""
        return check_signature(octets, self.keys, self.realm)


def read_department(folder: Path) -> Department:
    """Read the keys in a server's folder.

    Raises:
        ServerFolderError: There is no server.
        KeyMaterialError: A file holds no public key of P-256.
    """
    keys = {}
    for path in sorted(folder.glob("dop-*.pem")):
        if _KEY_FILE.fullmatch(path.name):
            with path.open("rb") as file:
                pem = file.read(PEM_OCTETS_MAX + 1)
            keys[path.stem] = VerifyingKey(read_public_key(pem))
    return Department(keys, read_server(folder).settings.realm)
