"""The Department as a recharge server knows it: its keys, and how its files look.

An operator puts the Department's public keys into the server's folder, one PEM a key:
``dop-2026.pem`` is the key that signs as ``dop-2026``. Layouts that take the place of
ours stand beside them in ``layouts/``, one TOML each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.exchange import (
    Layouts,
    SignatureFault,
    Signed,
    check_signature,
    read_layouts,
)
from protocol.exchange.layout_file import LAYOUT_CHARACTERS_MAX
from protocol.keys import Realm, VerifyingKey, read_public_key
from rmfs_server.folder import ServerFolderError, read_server

LAYOUTS: Final = "layouts"
_KEY_FILE: Final = re.compile(r"dop-[A-Za-z0-9-]{1,28}\.pem", re.ASCII)


@dataclass(frozen=True, slots=True)
class Department:
    """What its files are judged by.

    Attributes:
        keys: Public keys by their ids.
        realm: In which they sign.
        layouts: Of the files that are exchanged with it.
    """

    keys: Mapping[str, VerifyingKey]
    realm: Realm
    layouts: Layouts

    def check(self, octets: bytes) -> Signed | SignatureFault:
        """Check that the Department has signed a file."""
        return check_signature(octets, self.keys, self.realm)


def read_department(folder: Path) -> Department:
    """Read the keys and layouts in a server's folder.

    Raises:
        ServerFolderError: There is no server, or a file cannot be read.
        KeyMaterialError: A file holds no public key of P-256.
        LayoutError: A layout is none; it says where and why.
    """
    realm = read_server(folder).settings.realm
    keys = {}
    for path in sorted(folder.glob("dop-*.pem")):
        if _KEY_FILE.fullmatch(path.name):
            keys[path.stem] = VerifyingKey(read_public_key(_read(path)))
    texts = {
        path.name: _read(path).decode("utf-8", errors="replace")
        for path in sorted((folder / LAYOUTS).glob("*.toml"))
    }
    return Department(keys, realm, read_layouts(texts))


def _read(path: Path) -> bytes:
    """Read a small file; one octet more than may be, so that it is seen."""
    try:
        with path.open("rb") as file:
            return file.read(LAYOUT_CHARACTERS_MAX + 1)
    except OSError as error:
        raise ServerFolderError(f"{path} cannot be read: {error.strerror}") from error
