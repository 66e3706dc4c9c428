"""A simulated bank kept in a folder: its keys, its books, and what it has put out.

    bank.toml      code, account, realm, key id, login of the gateway
    signing.key    private key that signs its files, as PEM
    signing.pub    the public one: `rmfs dop bank set` is told it
    ssh_host.key   private key of its SFTP server, as OpenSSH writes it
    ssh_host.pub   the public one: `rmfs dop bank set` is told it
    gateway.pub    public key of who may fetch; without it nobody may
    books.json     what the bank knows from day to day
    out/           what may be fetched

It is a sample: whoever can read the folder can be this bank.
"""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from dop_gateway.simulators.bank import (
    BankBooks,
    Entry,
    Fault,
    MadeDay,
    MadeFile,
    PaidIn,
    Seal,
    make_day,
)
from protocol.errors import RmfsError
from protocol.exchange import shipped_layouts
from protocol.keys import (
    Realm,
    SigningKey,
    public_point,
    read_private_key,
    write_private_key,
    write_public_key,
)
from protocol.ports import Entropy

SETTINGS: Final = "bank.toml"
SIGNING_KEY: Final = "signing.key"
SIGNING_PUBLIC: Final = "signing.pub"
HOST_KEY: Final = "ssh_host.key"
HOST_PUBLIC: Final = "ssh_host.pub"
GATEWAY_PUBLIC: Final = "gateway.pub"
BOOKS: Final = "books.json"
OUT: Final = "out"
_SEED_OCTETS: Final = 32
_OWNER_ONLY: Final = 0o600


class BankFolderError(RmfsError):
    """The folder holds no simulated bank, or cannot be used; it says what to do."""


@dataclass(frozen=True, slots=True)
class BankSettings:
    """What a simulated bank is.

    Attributes:
        login: Account of the gateway at its SFTP server.
    """

    code: str = "SBI"
    account: str = "30012345678"
    realm: str = Realm.TEST.name
    key_id: str = "SBI-1"
    login: str = "dop"
    opening_paise: int = 0


@dataclass(frozen=True, slots=True)
class BankFolder:
    """A simulated bank's folder that was read."""

    folder: Path
    settings: BankSettings

    @property
    def out(self) -> Path:
        """What may be fetched."""
        return self.folder / OUT

    def seal(self) -> Seal:
        """Give what its files are made with.

        Raises:
            BankFolderError: The key cannot be read.
            KeyMaterialError: It is none.
        """
        scalar = read_private_key(_read(self.folder / SIGNING_KEY))
        settings = self.settings
        realm = Realm[settings.realm]
        return Seal(shipped_layouts(), SigningKey(scalar), settings.key_id, realm)

    def books(self) -> BankBooks:
        """Give its books.

        Raises:
            BankFolderError: They cannot be read.
        """
        try:
            return _parse_books(json.loads(_read(self.folder / BOOKS)))
        except (ValueError, TypeError, KeyError) as error:
            raise BankFolderError(f"{self.folder / BOOKS} cannot be read") from error

    def make(
        self, day: date, payments: Iterable[PaidIn], faults: Iterable[Fault]
    ) -> MadeDay:
        """Let a day pass: its files are put out, then the books are closed.

        Raises:
            BankFolderError: The folder cannot be read or written.
            LocalProtocolError: A payment cannot be written.
        """
        made = make_day(self.books(), day, payments, self.seal(), faults=faults)
        try:
            for one in made.files:
                # Who fetches in between finds a name that no layout has.
                half = self.out / f"{one.name}.part"
                half.write_bytes(one.octets)
                half.replace(self.out / one.name)
        except OSError as error:
            raise _unwritable(self.out, error) from error
        self._write_books(made.books)
        return made

    def _write_books(self, books: BankBooks) -> None:
        _replace(self.folder / BOOKS, _show_books(books))


def create_bank(folder: Path, settings: BankSettings, entropy: Entropy) -> BankFolder:
    """Make a simulated bank in a new or empty folder.

    Raises:
        BankFolderError: There is something in the folder, or it cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BankFolderError(f"{folder} is not empty: a bank is made in a new folder")
    scalar = SigningKey.generate(entropy).scalar
    host = Ed25519PrivateKey.from_private_bytes(entropy.octets(_SEED_OCTETS))
    private = host.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = host.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    made = BankFolder(folder.absolute(), settings)
    opening_paise = settings.opening_paise
    try:
        made.out.mkdir(parents=True, exist_ok=True)
        _secret(folder / SIGNING_KEY, write_private_key(scalar))
        (folder / SIGNING_PUBLIC).write_text(write_public_key(public_point(scalar)))
        _secret(folder / HOST_KEY, private.decode("ascii"))
        (folder / HOST_PUBLIC).write_text(public.decode("ascii") + "\n")
        books = BankBooks(settings.code, settings.account, balance_paise=opening_paise)
        _replace(folder / BOOKS, _show_books(books))
        lines = (
            f"{name} = {json.dumps(one)}" for name, one in asdict(settings).items()
        )
        (folder / SETTINGS).write_text("\n".join((*lines, "")), "utf-8")
    except OSError as error:
        raise _unwritable(folder, error) from error
    return made


def read_bank(folder: Path) -> BankFolder:
    """Read a simulated bank.

    Raises:
        BankFolderError: There is none, or its settings cannot be read.
    """
    if not (folder / SETTINGS).is_file():
        message = f"there is no simulated bank in {folder}"
        raise BankFolderError(f"{message}: make one with rmfs bank init")
    try:
        table = tomllib.loads(_read(folder / SETTINGS).decode("utf-8"))
        return BankFolder(folder.absolute(), BankSettings(**table))
    except (ValueError, TypeError) as error:
        raise BankFolderError(f"{folder / SETTINGS} cannot be read: {error}") from error


def _show_books(books: BankBooks) -> str:
    table = asdict(books)
    for name in ("owed", "owed_after"):
        for one in table[name]:
            one["octets"] = one["octets"].hex()
    return json.dumps(table, indent=1) + "\n"


def _parse_books(table: dict[str, Any]) -> BankBooks:
    for name in ("owed", "owed_after"):
        table[name] = tuple(
            MadeFile(one["name"], bytes.fromhex(one["octets"])) for one in table[name]
        )
    for name in ("recent", "entries"):
        table[name] = tuple(Entry(**one) for one in table[name])
    return BankBooks(**table)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BankFolderError(f"{path} cannot be read: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    half = path.with_suffix(".part")
    try:
        half.write_text(text, "utf-8")
        half.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _secret(path: Path, text: str) -> None:
    path.touch(_OWNER_ONLY)
    path.write_text(text, "utf-8")


def _unwritable(path: Path, error: OSError) -> BankFolderError:
    return BankFolderError(f"{path} cannot be written: {error.strerror}")
