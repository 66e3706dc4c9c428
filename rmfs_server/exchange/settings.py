"""Where the Department's server is, and who we are there: files in a server's folder.

exchange.toml         letter of the maker, key id, address, account, host key
exchange.pem          private key that signs our files
exchange-public.pem   its public half: for the Department
exchange-ssh          private key of the account, Ed25519 in OpenSSH's form
exchange-ssh.pub      its public half: for the Department
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import asyncssh
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from protocol.keys import (
    SigningKey,
    read_private_key,
    write_private_key,
    write_public_key,
)
from protocol.ports import Entropy
from rmfs_server.exchange.office import OurSide
from rmfs_server.exchange.sftp import SftpAddress
from rmfs_server.folder import (
    ServerFolderError,
    read_server,
    read_small,
    write_new,
)

SETTINGS: Final = "exchange.toml"
SIGNING_KEY: Final = "exchange.pem"
SIGNING_PUBLIC: Final = "exchange-public.pem"
SSH_KEY: Final = "exchange-ssh"
SSH_PUBLIC: Final = "exchange-ssh.pub"

_LETTER: Final = re.compile(r"[A-Z]", re.ASCII)
_KEY_ID: Final = re.compile(r"[A-Za-z0-9-]{1,32}", re.ASCII)
_PORT_MAX: Final = 65_535
_ED25519_OCTETS: Final = 32


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """What an operator says of the exchange.

    Attributes:
        letter: Of this maker, as in the identifiers of its machines.
        key_id: By which the Department knows the key that signs our files.
        user: Our account at the Department's server.
        host_key: Of that server, as ``ssh-ed25519 AAAA...``; no other is believed.
        to_us: Folder of what the Department lays out.
        from_us: Folder of what is handed over.
    """

    letter: str
    key_id: str
    host: str
    port: int
    user: str
    host_key: str
    to_us: str = "/to-oem"
    from_us: str = "/from-oem"


@dataclass(frozen=True, slots=True)
class ExchangeFolder:
    """The exchange of a server's folder, as it was read."""

    settings: ExchangeSettings
    ours: OurSide
    address: SftpAddress


def create_exchange(folder: Path, settings: ExchangeSettings, entropy: Entropy) -> None:
    """Make the keys of the exchange, and write down where the Department's server is.

    Raises:
        ServerFolderError: There is no server, the exchange is there already, a setting
            is out of bounds, or a file cannot be written.
    """
    read_server(folder)
    _check(settings)
    if (folder / SETTINGS).exists():
        message = f"{folder / SETTINGS} is there already"
        raise ServerFolderError(f"{message}: its keys are known to the Department")
    signing = SigningKey.generate(entropy)
    ssh_key = Ed25519PrivateKey.from_private_bytes(entropy.octets(_ED25519_OCTETS))
    private = ssh_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = ssh_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    files = {
        SIGNING_KEY: write_private_key(signing.scalar),
        SIGNING_PUBLIC: write_public_key(signing.public.point),
        SSH_KEY: private.decode("ascii"),
        SSH_PUBLIC: f"{public.decode('ascii')} {settings.key_id}\n",
        # Written last: without it there is no exchange.
        SETTINGS: _show(settings),
    }
    try:
        for name, text in files.items():
            # What an attempt left behind that was cut off.
            (folder / name).unlink(missing_ok=True)
            write_new(
                folder / name, text, private=name not in (SIGNING_PUBLIC, SSH_PUBLIC)
            )
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror}"
        raise ServerFolderError(message) from error


def read_exchange(folder: Path) -> ExchangeFolder:
    """Read settings and keys of the exchange.

    Raises:
        ServerFolderError: There is none, or a file cannot be read.
        KeyMaterialError: A key is none.
    """
    path = folder / SETTINGS
    if not path.is_file():
        message = f"there is no {path}"
        raise ServerFolderError(
            f"{message}: make it with rmfs server exchange init-keys"
        )
    settings = _parse(path)
    signing = SigningKey(read_private_key(read_small(folder / SIGNING_KEY)))
    address = SftpAddress(
        settings.host,
        settings.port,
        settings.user,
        settings.host_key,
        read_small(folder / SSH_KEY),
        settings.to_us,
        settings.from_us,
    )
    ours = OurSide(settings.letter, settings.key_id, signing)
    return ExchangeFolder(settings, ours, address)


def _check(settings: ExchangeSettings) -> None:
    if _LETTER.fullmatch(settings.letter) is None:
        raise ServerFolderError("the letter of the maker is one capital letter")
    if _KEY_ID.fullmatch(settings.key_id) is None:
        message = "a key id has 1 to 32 letters, digits and hyphens"
        raise ServerFolderError(message)
    if not 1 <= settings.port <= _PORT_MAX:
        raise ServerFolderError(f"port {settings.port} is not from 1 to {_PORT_MAX}")
    if not settings.host or not settings.user:
        raise ServerFolderError("the Department's host and our account are needed")
    try:
        asyncssh.import_public_key(settings.host_key)
    except asyncssh.KeyImportError as error:
        message = f"the host key cannot be read: {error}"
        raise ServerFolderError(f"{message}; ssh-keyscan shows it") from error


def _show(settings: ExchangeSettings) -> str:
    lines = [
        f"{name} = {json.dumps(value)}" for name, value in asdict(settings).items()
    ]
    return "\n".join(("# The exchange of files with the Department.", *lines, ""))


def _parse(path: Path) -> ExchangeSettings:
    try:
        table = tomllib.loads(read_small(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ServerFolderError(f"{path} cannot be read: {error}") from error
    settings = _settings(path, table)
    _check(settings)
    return settings


def _settings(path: Path, table: Mapping[str, Any]) -> ExchangeSettings:
    fields = ExchangeSettings.__dataclass_fields__
    for name in fields:
        wanted = int if name == "port" else str
        if type(table.get(name)) is not wanted:
            raise ServerFolderError(f"{path}: {name} must be a {wanted.__name__}")
    unknown = sorted(table.keys() - fields.keys())
    if unknown:
        raise ServerFolderError(f"{path}: there is no setting {unknown[0]}")
    return ExchangeSettings(**table)
