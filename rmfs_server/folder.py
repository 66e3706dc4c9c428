"""A recharge server kept in a folder: settings, keys, the books if they are SQLite.

    server.toml      settings; written last: no such file, no server
    server.json      provisioning for machines: public, signed by the maker
    dh.pem           private key of the channel
    credit-1.pem     private key that signs vouchers, by its id; later ones beside it
    server-2.json    provisioning with a later credit key, for machines made after it
    credit-key-2.fmpc
                     the same as a content, for `rmfs server order ... credit-key`
    maker.pem        private key of the maker, if `init` made one; a real maker's stays
                     in the factory
    makers/*.pem     public keys of makers whose machines may be enrolled, by name
    dop-*.pem        public keys of the Department, which sign its files (`department`)
    layouts/*.toml   layouts of exchange files in the place of the product's own
    exchange.toml    where the Department's server is (`exchange.settings`), with the
                     keys exchange.pem and exchange-ssh beside it
    books.sqlite     the books, unless server.toml names another database

Their owner alone can look into the folder, and read private keys, settings and books.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL

from hw.clock import WallClock
from hw.database import Store, open_store
from protocol.contents import CreditKeyUpdate, make_content, write_content
from protocol.errors import RmfsError
from protocol.keys import (
    CreditKey,
    MachineProvisioning,
    MakerKey,
    MakerPublicKey,
    Realm,
    ServerIdentity,
    ServerProvisioning,
    SigningKey,
    VerifyingKey,
    read_machine_provisioning,
    read_private_key,
    read_public_key,
    write_private_key,
    write_provisioning,
    write_public_key,
)
from protocol.keys.identities import CREDIT_KEY_ID_MAX
from protocol.ports import Entropy
from rmfs_server.contents import OrderedContent, read_ordered
from rmfs_server.store import credit_keys
from rmfs_server.store.migrations import check_version, migrate

SETTINGS: Final = "server.toml"
PROVISIONING: Final = "server.json"
DH_KEY: Final = "dh.pem"
MAKER_KEY: Final = "maker.pem"
MAKERS: Final = "makers"
BOOKS: Final = "books.sqlite"

_CREDIT_FILE: Final = re.compile(r"credit-(?P<key_id>[0-9]{1,3})\.pem", re.ASCII)
_OWNER_ONLY: Final = 0o600
_PUBLIC: Final = 0o644
_OWNERS_FOLDER: Final = 0o700
_FILE_OCTETS_MAX: Final = 64 * 1024


class ServerFolderError(RmfsError):
    """The folder holds no server, or is not to be used; it says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides about a server.

    Attributes:
        name: In its credential; 1 to 16 visible ASCII letters.
        kid: Its number in the channel, 0 to 23.
        credit_key: Id of the key with which machines are enrolled.
        database: URL, or empty for the SQLite file in the folder.
        two_persons: Resolving a discrepancy needs a second person.
    """

    name: str
    realm: Realm
    kid: int = 1
    credit_key: int = 1
    database: str = ""
    two_persons: bool = False


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """A server's folder that was read: who it is and what it signs with."""

    folder: Path
    settings: Settings
    identity: ServerIdentity
    credit_key: CreditKey

    @property
    def makers(self) -> list[MakerPublicKey]:
        """The makers that are known here, by name.

        Raises:
            ServerFolderError: A file cannot be read.
            KeyMaterialError: A key is none.
        """
        return [
            MakerPublicKey(
                path.stem,
                self.settings.realm,
                VerifyingKey(read_public_key(read_small(path))),
            )
            for path in sorted((self.folder / MAKERS).glob("*.pem"))
        ]

    def find_credit_key(self, key_id: int) -> CreditKey | None:
        """Find a credit key in the folder as it is now.

        A server that runs finds one that was made meanwhile.

        Raises:
            ServerFolderError: Its file cannot be read.
            KeyMaterialError: The file holds no key.
        """
        path = self.folder / _credit_file(key_id)
        if not path.is_file():
            return None
        scalar = read_private_key(read_small(path))
        return CreditKey(key_id, self.settings.realm, SigningKey(scalar))

    def read_content(self, file: Path) -> OrderedContent:
        """Read a content that a maker known here has signed for this server.

        Raises:
            MoveRefusedError: It is not; it says why.
            ServerFolderError: A file cannot be read.
        """
        return read_ordered(read_small(file), self.makers, self.identity.credential)

    @property
    def database_url(self) -> str:
        """Where the books are."""
        if self.settings.database:
            return self.settings.database
        path = str(self.folder / BOOKS)
        return URL.create("sqlite", database=path).render_as_string()

    def read_enrolment(self, file: Path) -> MachineProvisioning:
        """Read a machine's provisioning that a maker known here has signed.

        Raises:
            ProvisioningError: It is not; it says why.
            ServerFolderError: A file cannot be read.
        """
        return read_machine_provisioning(read_small(file), self.makers)


def create_server(
    folder: Path,
    settings: Settings,
    *,
    entropy: Entropy,
    clock: WallClock,
    maker_key: Path | None = None,
    maker_name: str = "maker",
) -> ServerFolder:
    """Make a server in a new or empty folder, with new keys and empty books.

    Args:
        folder: Where.
        settings: What the operator decides.
        entropy: Source of the keys.
        clock: Time of issue.
        maker_key: PEM of the maker's private key; it signs and is not copied. Without
            one a maker is made, too.
        maker_name: Name of the maker in provisioning files.

    Raises:
        ServerFolderError: There is something in the folder, or it cannot be written.
        LocalProtocolError: A name or number in the settings is out of range.
        KeyMaterialError: The maker's key is none.
        StoreError: The database failed.
    """
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty: a server is made in a new folder"
        raise ServerFolderError(f"{message}, and never over another one")
    realm = settings.realm
    identity = ServerIdentity.generate(settings.name, realm, settings.kid, entropy)
    signing = SigningKey.generate(entropy)
    credit_key = CreditKey(settings.credit_key, realm, signing)
    maker = (
        MakerKey.generate(maker_name, realm, entropy)
        if maker_key is None
        else MakerKey(
            maker_name, realm, SigningKey(read_private_key(read_small(maker_key)))
        )
    )
    credential = identity.credential.with_credit_key(
        credit_key.key_id, credit_key.signing.public
    )
    provisioning = write_provisioning(
        ServerProvisioning(credential, clock.now()), maker
    )
    files = {
        DH_KEY: write_private_key(identity.dh_private),
        _credit_file(credit_key.key_id): write_private_key(signing.scalar),
        f"{MAKERS}/{maker_name}.pem": write_public_key(maker.signing.public.point),
        PROVISIONING: provisioning,
    }
    if maker_key is None:
        files[MAKER_KEY] = write_private_key(maker.signing.scalar)
    made = ServerFolder(folder.absolute(), settings, identity, credit_key)
    try:
        folder.mkdir(_OWNERS_FOLDER, parents=True, exist_ok=True)
        folder.chmod(_OWNERS_FOLDER)
        (folder / MAKERS).mkdir()
        for name, text in files.items():
            write_new(folder / name, text, private=name.count("/") == 0)
        if not settings.database:
            # SQLite gives its journals the mode of the database that it finds.
            write_new(folder / BOOKS, "", private=True)
        _open_books(made, first=True).close()
        write_new(folder / SETTINGS, _show_settings(settings), private=True)
        (folder / PROVISIONING).chmod(_PUBLIC)
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror}"
        raise ServerFolderError(message) from error
    return made


def read_server(folder: Path) -> ServerFolder:
    """Read who a server is, and its keys.

    Raises:
        ServerFolderError: There is no server, or its settings cannot be read.
        KeyMaterialError: A key is none.
    """
    if not (folder / SETTINGS).is_file():
        message = f"there is no recharge server in {folder}"
        raise ServerFolderError(f"{message}: make one with rmfs server init")
    settings = read_settings(folder)
    dh_private = read_private_key(read_small(folder / DH_KEY))
    scalar = read_private_key(read_small(folder / _credit_file(settings.credit_key)))
    return ServerFolder(
        folder.absolute(),
        settings,
        ServerIdentity(settings.name, settings.realm, settings.kid, dh_private),
        CreditKey(settings.credit_key, settings.realm, SigningKey(scalar)),
    )


def read_settings(folder: Path) -> Settings:
    """Read the settings alone.

    Raises:
        ServerFolderError: They cannot be read.
    """
    return _parse_settings(folder / SETTINGS)


@dataclass(frozen=True, slots=True)
class NewCreditKey:
    """A credit key that was made, and the files that tell machines of it."""

    key_id: int
    provisioning: Path
    content: Path


def add_credit_key(
    server: ServerFolder,
    *,
    maker_key: Path,
    entropy: Entropy,
    clock: WallClock,
) -> NewCreditKey:
    """Make the next credit key of a server, and what tells machines of it.

    Nothing is signed with it before a machine has acknowledged its order.

    Args:
        server: Whose key.
        maker_key: PEM of the private key of a maker that is known here.
        entropy: Source of the key.
        clock: Time of issue.

    Raises:
        ServerFolderError: The maker is not known here, all ids are used up, or a file
            is there already or cannot be written.
        KeyMaterialError: The maker's key is none.
        StoreError: The books cannot be opened.
    """
    makers_own = SigningKey(read_private_key(read_small(maker_key)))
    known = (one for one in server.makers if one.verifying == makers_own.public)
    maker_public = next(known, None)
    if maker_public is None:
        message = f"{maker_key} is the key of no maker that is known here"
        raise ServerFolderError(f"{message}: see {server.folder / MAKERS}")
    maker = MakerKey(maker_public.name, server.settings.realm, makers_own)
    with open_books(server.folder) as store, store.reading() as connection:
        used = {*_credit_files(server.folder), *credit_keys.all_ids(connection)}
    key_id = max(used) + 1
    if key_id > CREDIT_KEY_ID_MAX:
        raise ServerFolderError(
            f"all credit keys up to {CREDIT_KEY_ID_MAX} are used up"
        )
    signing = SigningKey.generate(entropy)
    now = clock.now()
    credential = server.identity.credential.with_credit_key(key_id, signing.public)
    told = ServerProvisioning(credential, now)
    content = make_content(CreditKeyUpdate(told), server.settings.realm, now)
    made = NewCreditKey(
        key_id,
        server.folder / f"server-{key_id}.json",
        server.folder / f"credit-key-{key_id}.fmpc",
    )
    text = write_private_key(signing.scalar)
    try:
        write_new(server.folder / _credit_file(key_id), text, private=True)
        write_new(made.provisioning, write_provisioning(told, maker), private=False)
        _write_octets(made.content, write_content(content, maker), _PUBLIC)
    except OSError as error:
        message = f"{error.filename} cannot be written: {error.strerror}"
        raise ServerFolderError(message) from error
    return made


@contextmanager
def open_books(folder: Path) -> Iterator[Store]:
    """Open the books of a server's folder for the length of a `with` block.

    Raises:
        ServerFolderError: There is no server.
        StoreError: The database failed, or has another schema.
    """
    store = _open_books(read_server(folder), first=False)
    try:
        yield store
    finally:
        store.close()


def migrate_books(folder: Path) -> None:
    """Bring the books of a server's folder to the newest schema.

    Raises:
        ServerFolderError: There is no server.
        StoreError: The database failed.
    """
    _open_books(read_server(folder), first=True).close()


def _open_books(server: ServerFolder, *, first: bool) -> Store:
    store = open_store(server.database_url)
    try:
        if first:
            migrate(store)
        else:
            check_version(store)
    except RmfsError:
        store.close()
        raise
    return store


def _credit_file(key_id: int) -> str:
    return f"credit-{key_id}.pem"


def _credit_files(folder: Path) -> list[int]:
    names = (_CREDIT_FILE.fullmatch(path.name) for path in folder.iterdir())
    return [int(name["key_id"]) for name in names if name is not None]


def _show_settings(settings: Settings) -> str:
    values = {
        "name": settings.name,
        "realm": settings.realm.name,
        "kid": settings.kid,
        "credit_key": settings.credit_key,
        "database": settings.database,
        "two_persons": settings.two_persons,
    }
    # A JSON string, number or truth is one of TOML, too.
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(("# Settings of this recharge server.", *lines, ""))


def _parse_settings(path: Path) -> Settings:
    try:
        table = tomllib.loads(read_small(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ServerFolderError(f"{path} cannot be read: {error}") from error
    kinds: Mapping[str, type] = {
        "name": str,
        "realm": str,
        "kid": int,
        "credit_key": int,
        "database": str,
        "two_persons": bool,
    }
    for name, kind in kinds.items():
        if type(table.get(name)) is not kind:
            raise ServerFolderError(f"{path}: {name} must be a {kind.__name__}")
    unknown = sorted(table.keys() - kinds.keys())
    if unknown:
        raise ServerFolderError(f"{path}: there is no setting {unknown[0]}")
    return _settings(path, table)


def _settings(path: Path, table: Mapping[str, Any]) -> Settings:
    try:
        realm = Realm[table["realm"]]
    except KeyError as error:
        raise ServerFolderError(f"{path}: realm is TEST or PRODUCTION") from error
    return Settings(**{**table, "realm": realm})


def read_small(path: Path) -> bytes:
    """Read a file of a server's folder: settings or a key.

    Raises:
        ServerFolderError: It cannot be read, or is far too long.
    """
    try:
        if path.stat().st_size > _FILE_OCTETS_MAX:
            raise ServerFolderError(f"{path} is too long")
        return path.read_bytes()
    except OSError as error:
        raise ServerFolderError(f"{path} cannot be read: {error.strerror}") from error


def write_new(path: Path, text: str, *, private: bool) -> None:
    """Write a file that is not there yet, and wait until it is on the disk.

    Raises:
        OSError: It is there, or cannot be written.
    """
    _write_octets(path, text.encode("utf-8"), _OWNER_ONLY if private else _PUBLIC)


def _write_octets(path: Path, octets: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(descriptor)
