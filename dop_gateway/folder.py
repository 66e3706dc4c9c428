"""A gateway kept in a folder: settings, keys, the database if it is SQLite.

    gateway.toml     settings; written last: no such file, no gateway
    sealing.key      32 octets in hex that second factors are sealed with
    gateway.sqlite   the database, unless gateway.toml names another one

Its owner alone can look into the folder.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from dop_gateway.identity.passwords import PasswordCost
from dop_gateway.parts import Parts, make_parts
from dop_gateway.scopes import scope_exists
from dop_gateway.settings import Settings, parse_settings, write_settings
from dop_gateway.store.migrations import check_version, migrate
from hw.clock import WallClock
from hw.database import Store, open_store
from protocol.errors import LocalProtocolError, RmfsError
from protocol.ports import Entropy

SETTINGS: Final = "gateway.toml"
SEALING_KEY: Final = "sealing.key"
DATABASE: Final = "gateway.sqlite"

_OWNER_ONLY: Final = 0o600
_OWNERS_FOLDER: Final = 0o700
_KEY_OCTETS: Final = 32
_FILE_OCTETS_MAX: Final = 64 * 1024


class GatewayFolderError(RmfsError):
    """The folder holds no gateway, or is not to be used; it says what to do."""


@dataclass(frozen=True, slots=True)
class GatewayFolder:
    """A gateway's folder that was read."""

    folder: Path
    settings: Settings
    sealing_key: bytes

    @property
    def database_url(self) -> str:
        """Where the database is."""
        if self.settings.database:
            return self.settings.database
        path = str(self.folder / DATABASE)
        return URL.create("sqlite", database=path).render_as_string()

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
            carriers=settings.carriers(clock),
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
    made = GatewayFolder(folder.absolute(), settings, key)
    try:
        folder.mkdir(_OWNERS_FOLDER, parents=True, exist_ok=True)
        folder.chmod(_OWNERS_FOLDER)
        _write(folder / SEALING_KEY, key.hex() + "\n")
        if not settings.database:
            # SQLite gives its journals the mode of the database that it finds.
            _write(folder / DATABASE, "")
        with _opened(made) as store:
            migrate(store)
        _write(folder / SETTINGS, write_settings(settings))
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror}"
        raise GatewayFolderError(message) from error


def read_gateway(folder: Path) -> GatewayFolder:
    """Read settings and keys of a gateway.

    Raises:
        GatewayFolderError: There is no gateway, or a file cannot be read.
    """
    if not (folder / SETTINGS).is_file():
        message = f"there is no gateway in {folder}"
        raise GatewayFolderError(f"{message}: make one with rmfs dop init")
    settings = _parse(folder / SETTINGS)
    try:
        key = bytes.fromhex(_read(folder / SEALING_KEY))
    except ValueError:
        key = b""
    if len(key) != _KEY_OCTETS:
        message = f"{folder / SEALING_KEY} does not hold {_KEY_OCTETS} octets in hex"
        raise GatewayFolderError(message)
    return GatewayFolder(folder.absolute(), settings, key)


@contextmanager
def open_gateway(folder: Path, clock: WallClock, entropy: Entropy) -> Iterator[Parts]:
    """Open a gateway for the length of a `with` block.

    Raises:
        GatewayFolderError: There is no gateway, or a file cannot be read.
        StoreError: The database failed, or has another schema.
    """
    found = read_gateway(folder)
    with _opened(found) as store:
        check_version(store)
        yield found.parts(store, clock, entropy)


def migrate_gateway(folder: Path) -> None:
    """Bring the database of a gateway to the newest schema.

    Raises:
        GatewayFolderError: There is no gateway, or a file cannot be read.
        StoreError: The database failed.
    """
    with _opened(read_gateway(folder)) as store:
        migrate(store)


@contextmanager
def _opened(gateway: GatewayFolder) -> Iterator[Store]:
    store = open_store(gateway.database_url)
    try:
        yield store
    finally:
        store.close()


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
