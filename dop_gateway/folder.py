"""A gateway kept in a folder: settings, keys, the database if it is SQLite.

    gateway.toml     settings; written last: no such file, no gateway
    sealing.key      32 octets in hex that second factors are sealed with
    exchange.key     private key that signs our files, as PEM
    sftp_host.key    private key of our SFTP drop, as OpenSSH writes it
    bank_ssh.key     private key that we are known by at banks, likewise
    layouts/*.toml   layouts of exchange files in the place of the product's own
    gateway.sqlite   the database, unless gateway.toml names another one

Its owner alone can look into the folder. `rmfs dop migrate` makes what an older version
of this program did not make.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from sqlalchemy import URL

from dop_gateway.exchange.ours import OurSide
from dop_gateway.identity.passwords import PasswordCost
from dop_gateway.parts import Parts, make_parts
from dop_gateway.scopes import scope_exists
from dop_gateway.settings import Settings, parse_settings, write_settings
from dop_gateway.store.migrations import check_version, migrate
from hw.clock import WallClock
from hw.database import Store, open_store
from protocol.errors import LocalProtocolError, RmfsError
from protocol.exchange import read_layouts
from protocol.exchange.signature_line import KEY_ID
from protocol.keys import Realm, SigningKey, read_private_key, write_private_key
from protocol.ports import Entropy

SETTINGS: Final = "gateway.toml"
SEALING_KEY: Final = "sealing.key"
EXCHANGE_KEY: Final = "exchange.key"
SFTP_HOST_KEY: Final = "sftp_host.key"
BANK_SSH_KEY: Final = "bank_ssh.key"
LAYOUTS: Final = "layouts"
DATABASE: Final = "gateway.sqlite"

_OWNER_ONLY: Final = 0o600
_OWNERS_FOLDER: Final = 0o700
_KEY_OCTETS: Final = 32
_FILE_OCTETS_MAX: Final = 64 * 1024


class GatewayFolderError(RmfsError):
    """The folder holds no gateway, or is not to be used; it says what to do."""


@dataclass(frozen=True, slots=True)
class GatewayFolder:
    """A gateway's folder that was read.

    Attributes:
        exchange: What files are made and judged by.
        sftp_host_key: As OpenSSH writes private keys.
        bank_ssh_key: Likewise.
    """

    folder: Path
    settings: Settings
    sealing_key: bytes
    exchange: OurSide
    sftp_host_key: str = field(repr=False)
    bank_ssh_key: str = field(repr=False)

    @property
    def database_url(self) -> str:
        """Where the database is."""
        return _database_url(self.folder, self.settings)

    def parts(self, store: Store, clock: WallClock, entropy: Entropy) -> Parts:
        """Put the gateway together.

        Raises:
            LocalProtocolError: A setting of mail or text messages has another form.
        """
        settings = self.settings
        return make_parts(
            store,
            clock,
            entropy,
            key=self.sealing_key,
            cost=PasswordCost(
                settings.password_memory_kib,
                settings.password_passes,
                settings.password_lanes,
            ),
            scope_exists=scope_exists,
            exchange=self.exchange,
            carriers=settings.carriers(clock),
            rates=settings.rates,
            bank_ssh_key=self.bank_ssh_key,
        )


def create_gateway(folder: Path, settings: Settings, entropy: Entropy) -> None:
    """Make a gateway in a new or empty folder, with new keys and an empty database.

    Raises:
        GatewayFolderError: There is something in the folder, or it cannot be written.
        StoreError: The database failed.
    """
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty: a gateway is made in a new folder"
        raise GatewayFolderError(f"{message}, and never over another one")
    key = entropy.octets(_KEY_OCTETS)
    try:
        folder.mkdir(_OWNERS_FOLDER, parents=True, exist_ok=True)
        folder.chmod(_OWNERS_FOLDER)
        _write(folder / SEALING_KEY, key.hex() + "\n")
        if not settings.database:
            # SQLite gives its journals the mode of the database that it finds.
            _write(folder / DATABASE, "")
        _add_keys(folder, entropy)
        with _opened(_database_url(folder, settings)) as store:
            migrate(store)
        _write(folder / SETTINGS, write_settings(settings))
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror}"
        raise GatewayFolderError(message) from error


def read_gateway(folder: Path) -> GatewayFolder:
    """Read settings, keys and layouts of a gateway.

    Raises:
        GatewayFolderError: There is no gateway, or a file cannot be read.
        KeyMaterialError: `EXCHANGE_KEY` holds no key.
        LayoutError: A layout is none; it says where and why.
    """
    settings = _read_settings(folder)
    try:
        key = bytes.fromhex(_read(folder / SEALING_KEY))
    except ValueError:
        key = b""
    if len(key) != _KEY_OCTETS:
        message = f"{folder / SEALING_KEY} does not hold {_KEY_OCTETS} octets in hex"
        raise GatewayFolderError(message)
    for name in (EXCHANGE_KEY, SFTP_HOST_KEY, BANK_SSH_KEY):
        if not (folder / name).exists():
            message = f"{folder} is of an older version and has no {name}"
            raise GatewayFolderError(f"{message}: rmfs dop migrate makes it")
    ours = _our_side(folder, settings)
    host_key, bank_key = _read(folder / SFTP_HOST_KEY), _read(folder / BANK_SSH_KEY)
    return GatewayFolder(folder.absolute(), settings, key, ours, host_key, bank_key)


@contextmanager
def open_gateway(folder: Path, clock: WallClock, entropy: Entropy) -> Iterator[Parts]:
    """Open a gateway for the length of a `with` block.

    Raises:
        GatewayFolderError: There is no gateway, or a file cannot be read.
        StoreError: The database failed, or has another schema.
    """
    found = read_gateway(folder)
    with _opened(found.database_url) as store:
        check_version(store)
        yield found.parts(store, clock, entropy)


def migrate_gateway(folder: Path, entropy: Entropy) -> None:
    """Bring a gateway to the newest version: keys that it lacks, and its database.

    Raises:
        GatewayFolderError: There is no gateway, or a file cannot be read or written.
        StoreError: The database failed.
    """
    settings = _read_settings(folder)
    try:
        _add_keys(folder, entropy)
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror}"
        raise GatewayFolderError(message) from error
    with _opened(_database_url(folder, settings)) as store:
        migrate(store)


@contextmanager
def _opened(database_url: str) -> Iterator[Store]:
    store = open_store(database_url)
    try:
        yield store
    finally:
        store.close()


def _database_url(folder: Path, settings: Settings) -> str:
    if settings.database:
        return settings.database
    path = str(folder.absolute() / DATABASE)
    return URL.create("sqlite", database=path).render_as_string()


def _add_keys(folder: Path, entropy: Entropy) -> None:
    """Make the keys that are not there; what is there stays."""
    if not (folder / EXCHANGE_KEY).exists():
        scalar = SigningKey.generate(entropy).scalar
        _write(folder / EXCHANGE_KEY, write_private_key(scalar))
    for name in (SFTP_HOST_KEY, BANK_SSH_KEY):
        if not (folder / name).exists():
            key = Ed25519PrivateKey.from_private_bytes(entropy.octets(_KEY_OCTETS))
            octets = key.private_bytes(
                Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
            )
            _write(folder / name, octets.decode("ascii"))


def _our_side(folder: Path, settings: Settings) -> OurSide:
    if settings.realm not in Realm.__members__:
        names = " or ".join(Realm.__members__)
        raise GatewayFolderError(f"{folder / SETTINGS}: realm must be {names}")
    if KEY_ID.fullmatch(settings.exchange_key_id) is None:
        words = "exchange_key_id must be 1 to 32 letters, digits and hyphens"
        raise GatewayFolderError(f"{folder / SETTINGS}: {words}")
    scalar = read_private_key(_read(folder / EXCHANGE_KEY).encode())
    layouts = {
        path.name: _read(path) for path in sorted((folder / LAYOUTS).glob("*.toml"))
    }
    return OurSide(
        settings.exchange_key_id,
        SigningKey(scalar),
        Realm[settings.realm],
        read_layouts(layouts),
    )


def _read_settings(folder: Path) -> Settings:
    if not (folder / SETTINGS).is_file():
        message = f"there is no gateway in {folder}"
        raise GatewayFolderError(
            f"{message}: name its folder with --gateway, or make one with rmfs dop init"
        )
    return _parse(folder / SETTINGS)


def _parse(path: Path) -> Settings:
    try:
        return parse_settings(_read(path))
    except LocalProtocolError as error:
        raise GatewayFolderError(f"{path} cannot be read: {error}") from error


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _FILE_OCTETS_MAX:
            raise GatewayFolderError(f"{path} is too long")
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise GatewayFolderError(f"{path} cannot be read: no UTF-8") from error
    except OSError as error:
        raise GatewayFolderError(f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, _OWNER_ONLY), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
