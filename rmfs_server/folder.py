"""A recharge server kept in a folder: settings, keys, the books if they are SQLite.

    server.toml      settings; written last: no such file, no server
    server.json      provisioning for machines: public, signed by the maker
    dh.pem           private key of the channel
    credit-1.pem     private key that signs vouchers, by its id; later ones beside it
    credit-1.toml    or where it is in the HSM of hsm.toml (`key_files`)
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
    running/         sockets at which the processes that run are asked (`operations`)

Their owner alone can look into the folder, and read private keys, settings and books.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL

from hw.clock import SystemMonotonicClock, WallClock
from hw.database import CommitHook, Store, open_store
from hw.hsm import HsmPlace, show_place
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
from rmfs_server.key_files import (
    HSM,
    CreditFiles,
    make_in_file,
    make_in_hsm,
    open_hsm,
    private_file,
)
from rmfs_server.small_files import ServerFolderError, read_small, write_new
from rmfs_server.store import credit_keys
from rmfs_server.store.migrations import check_version, migrate

__all__ = [
    "BOOKS",
    "DH_KEY",
    "MAKERS",
    "MAKER_KEY",
    "PROVISIONING",
    "SETTINGS",
    "NewCreditKey",
    "ServerFolder",
    "ServerFolderError",
    "Settings",
    "add_credit_key",
    "create_server",
    "migrate_books",
    "open_books",
    "read_server",
    "read_settings",
    "read_small",
    "write_new",
]

SETTINGS: Final = "server.toml"
PROVISIONING: Final = "server.json"
DH_KEY: Final = "dh.pem"
MAKER_KEY: Final = "maker.pem"
MAKERS: Final = "makers"
BOOKS: Final = "books.sqlite"
RUN: Final = "run"

SETTING_KINDS: Final[Mapping[str, type]] = {
    "name": str,
    "realm": str,
    "kid": int,
    "credit_key": int,
    "database": str,
    "two_persons": bool,
}
"""The settings in server.toml, outside of the table of `rmfs server run`."""

_PUBLIC: Final = 0o644
_OWNERS_FOLDER: Final = 0o700


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
    credit_files: CreditFiles

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
            HsmError: The settings of the HSM cannot be read.
        """
        return self.credit_files.find(key_id)

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
    hsm: HsmPlace | None = None,
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
        hsm: Where the credit key is made; None: in a file.

    Raises:
        ServerFolderError: There is something in the folder, or it cannot be written.
        LocalProtocolError: A name or number in the settings is out of range.
        KeyMaterialError: The maker's key is none.
        StoreError: The database failed.
        HsmError: The HSM made no key.
    """
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty: a server is made in a new folder"
        raise ServerFolderError(f"{message}, and never over another one")
    realm, clock_s = settings.realm, SystemMonotonicClock()
    identity = ServerIdentity.generate(settings.name, realm, settings.kid, entropy)
    key_id = settings.credit_key
    new_key = (
        make_in_file(key_id, entropy)
        if hsm is None
        else make_in_hsm(key_id, open_hsm(hsm, clock_s), settings.name, entropy)
    )
    credit_key = CreditKey(key_id, realm, new_key.signing)
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
        new_key.name: new_key.text,
        f"{MAKERS}/{maker_name}.pem": write_public_key(maker.signing.public.point),
        PROVISIONING: provisioning,
    }
    if hsm is not None:
        files[HSM] = show_place(hsm)
    if maker_key is None:
        files[MAKER_KEY] = write_private_key(maker.signing.scalar)
    files_of_keys = CreditFiles(folder.absolute(), realm, clock_s)
    made = ServerFolder(
        folder.absolute(), settings, identity, credit_key, files_of_keys
    )
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
    credit_files = CreditFiles(
        folder.absolute(), settings.realm, SystemMonotonicClock()
    )
    credit_key = credit_files.find(settings.credit_key)
    if credit_key is None:
        path = folder / private_file(settings.credit_key)
        message = f"{path} cannot be read: there is no such file"
        raise ServerFolderError(f"{message}, and none that names a key in an HSM")
    return ServerFolder(
        folder.absolute(),
        settings,
        ServerIdentity(settings.name, settings.realm, settings.kid, dh_private),
        credit_key,
        credit_files,
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
    in_hsm: bool = False,
) -> NewCreditKey:
    """Make the next credit key of a server, and what tells machines of it.

    Nothing is signed with it before a machine has acknowledged its order.

    Args:
        server: Whose key.
        maker_key: PEM of the private key of a maker that is known here.
        entropy: Source of the key.
        clock: Time of issue.
        in_hsm: It is made in the server's HSM and never leaves it.

    Raises:
        ServerFolderError: The maker is not known here, all ids are used up, a file is
            there already or cannot be written, or the server has no HSM.
        KeyMaterialError: The maker's key is none.
        StoreError: The books cannot be opened.
        HsmError: The HSM made no key.
    """
    makers_own = SigningKey(read_private_key(read_small(maker_key)))
    known = (one for one in server.makers if one.verifying == makers_own.public)
    maker_public = next(known, None)
    if maker_public is None:
        message = f"{maker_key} is the key of no maker that is known here"
        raise ServerFolderError(f"{message}: see {server.folder / MAKERS}")
    maker = MakerKey(maker_public.name, server.settings.realm, makers_own)
    with open_books(server.folder) as store, store.reading() as connection:
        used = {*server.credit_files.ids(), *credit_keys.all_ids(connection)}
    key_id = max(used) + 1
    if key_id > CREDIT_KEY_ID_MAX:
        raise ServerFolderError(
            f"all credit keys up to {CREDIT_KEY_ID_MAX} are used up"
        )
    new_key = (
        make_in_hsm(key_id, server.credit_files.hsm(), server.settings.name, entropy)
        if in_hsm
        else make_in_file(key_id, entropy)
    )
    public = new_key.signing.public
    now = clock.now()
    credential = server.identity.credential.with_credit_key(key_id, public)
    told = ServerProvisioning(credential, now)
    content = make_content(CreditKeyUpdate(told), server.settings.realm, now)
    made = NewCreditKey(
        key_id,
        server.folder / f"server-{key_id}.json",
        server.folder / f"credit-key-{key_id}.fmpc",
    )
    try:
        write_new(server.folder / new_key.name, new_key.text, private=True)
        write_new(made.provisioning, write_provisioning(told, maker), private=False)
        write_new(made.content, write_content(content, maker), private=False)
    except OSError as error:
        message = f"{error.filename} cannot be written: {error.strerror}"
        raise ServerFolderError(message) from error
    return made


@contextmanager
def open_books(folder: Path, hook: CommitHook | None = None) -> Iterator[Store]:
    """Open the books of a server's folder for the length of a `with` block.

    Args:
        folder: The server's folder.
        hook: Called around each commit.

    Raises:
        ServerFolderError: There is no server.
        StoreError: The database failed, or has another schema.
    """
    store = _open_books(read_server(folder), first=False, hook=hook)
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


def _open_books(
    server: ServerFolder, *, first: bool, hook: CommitHook | None = None
) -> Store:
    store = open_store(server.database_url, hook)
    try:
        if first:
            migrate(store)
        else:
            check_version(store)
    except RmfsError:
        store.close()
        raise
    return store


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
    table.pop(RUN, None)  # options of `rmfs server run`: `configuration`
    for name, kind in SETTING_KINDS.items():
        if type(table.get(name)) is not kind:
            raise ServerFolderError(f"{path}: {name} must be a {kind.__name__}")
    unknown = sorted(table.keys() - SETTING_KINDS.keys())
    if unknown:
        raise ServerFolderError(f"{path}: there is no setting {unknown[0]}")
    return _settings(path, table)


def _settings(path: Path, table: Mapping[str, Any]) -> Settings:
    try:
        realm = Realm[table["realm"]]
    except KeyError as error:
        raise ServerFolderError(f"{path}: realm is TEST or PRODUCTION") from error
    return Settings(**{**table, "realm": realm})
