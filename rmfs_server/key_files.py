"""Where the credit keys of a server are: each in a file, or in an HSM.

    credit-1.pem     the private half of credit key 1
    credit-2.toml    credit key 2 is in the HSM: under which id, and its public half
    hsm.toml         where the HSM is (`hw.hsm.place`)

Where there are both files of one key, the one in the HSM is used: it was put there.
The public half is recorded here when the key is made. What a token calls by the same
id later is believed only as far as that half verifies what it signs.

Source: SPEC.md KEY-8, KEY-10.2.
"""

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hw.clock import MonotonicClock
from hw.hsm import HsmPlace, HsmSigner, parse_place
from protocol.keys import (
    CreditKey,
    KeyMaterialError,
    Realm,
    Signer,
    SigningKey,
    VerifyingKey,
    read_private_key,
    read_public_key,
    write_private_key,
    write_public_key,
)
from protocol.ports import Entropy
from rmfs_server.small_files import ServerFolderError, read_small

if TYPE_CHECKING:
    from hw.hsm.device import Hsm

HSM: Final = "hsm.toml"
KEY_CHECK: Final = "KEY CHECK"
"""Context of what is signed to see a key sign; nothing else has it (KEY-4.2)."""

_OBJECT_ID_OCTETS: Final = 16
_NAME: Final = re.compile(r"credit-(?P<key_id>[0-9]{1,3})\.(pem|toml)", re.ASCII)

FindHsm = Callable[[], "Hsm"]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made, and the file that says where it is.

    Attributes:
        signing: The key.
        name: Of the file; it is private.
        text: What the file says.
    """

    signing: Signer
    name: str
    text: str


class CreditFiles:
    """The credit keys of a folder, as it is now.

    A server that runs finds a key that was made meanwhile. A file is read again when it
    has changed.
    """

    def __init__(self, folder: Path, realm: Realm, clock: MonotonicClock) -> None:
        """Read nothing yet.

        Args:
            folder: The server's.
            realm: Of all its keys.
            clock: Tells the HSM how long a failure is ago.
        """
        self._folder = folder
        self._realm = realm
        self._clock = clock
        self._hsm: Hsm | None = None
        self._read: dict[Path, tuple[tuple[int, ...], Signer]] = {}

    def hsm(self) -> "Hsm":
        """Give the HSM of this server; one object for all keys in it.

        Raises:
            ServerFolderError: It has none.
            HsmError: Its settings cannot be read.
        """
        if self._hsm is None:
            self._hsm = read_hsm(self._folder, self._clock)
        return self._hsm

    def ids(self) -> list[int]:
        """List the ids of all keys that are held here, rising."""
        names = (_NAME.fullmatch(path.name) for path in self._folder.iterdir())
        return sorted({int(name["key_id"]) for name in names if name is not None})

    def find(self, key_id: int) -> CreditKey | None:
        """Find a key by its id, in a file or in the HSM.

        Raises:
            ServerFolderError: Its file cannot be read.
            KeyMaterialError: The file holds no key.
            HsmError: The settings of the HSM cannot be read.
        """
        for name in (in_hsm_file(key_id), private_file(key_id)):
            signer = self._signer(self._folder / name)
            if signer is not None:
                return CreditKey(key_id, self._realm, signer)
        return None

    def has_private_file(self, key_id: int) -> bool:
        """Tell whether the private half of a key is in a file."""
        return (self._folder / private_file(key_id)).exists()

    def _signer(self, path: Path) -> Signer | None:
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}"
            raise ServerFolderError(message) from error
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        known = self._read.get(path)
        if known is None or known[0] != stamp:
            signer = _read_signer(path, self.hsm)
            known = self._read[path] = (stamp, signer)
        return known[1]


def private_file(key_id: int) -> str:
    """Name the file of a credit key whose private half is in it."""
    return f"credit-{key_id}.pem"


def in_hsm_file(key_id: int) -> str:
    """Name the file of a credit key that is in the HSM."""
    return f"credit-{key_id}.toml"


def make_in_file(key_id: int, entropy: Entropy) -> NewKey:
    """Draw a key that will be in a file."""
    signing = SigningKey.generate(entropy)
    return NewKey(signing, private_file(key_id), write_private_key(signing.scalar))


def make_in_hsm(key_id: int, hsm: "Hsm", name: str, entropy: Entropy) -> NewKey:
    """Let an HSM make a key, which never leaves it.

    Args:
        key_id: Its id as a credit key.
        hsm: Where.
        name: Of the server, for whoever looks into the HSM.
        entropy: Draws the id that the key has in the HSM.

    Raises:
        HsmError: The HSM made none.
    """
    object_id = entropy.octets(_OBJECT_ID_OCTETS)
    point = hsm.make_key(object_id, _label(name, key_id))
    return _in_hsm(key_id, HsmSigner(hsm, object_id, VerifyingKey(point)))


def move_into_hsm(
    key_id: int, scalar: bytes, hsm: "Hsm", name: str, entropy: Entropy
) -> NewKey:
    """Put a key that was in a file into an HSM.

    Raises:
        KeyMaterialError: It is no key.
        HsmError: The HSM did not take it.
    """
    public = SigningKey(scalar).public
    object_id = entropy.octets(_OBJECT_ID_OCTETS)
    hsm.take_key(object_id, _label(name, key_id), scalar, public.point)
    return _in_hsm(key_id, HsmSigner(hsm, object_id, public))


def read_hsm(
    folder: Path, clock: MonotonicClock, *, wrong_pin_before: bool = False
) -> "Hsm":
    """Read where the HSM of a server is; nothing is asked of it.

    Raises:
        ServerFolderError: The server has none.
        HsmError: The settings cannot be read.
    """
    path = folder / HSM
    if not path.is_file():
        message = f"the server in {folder} has no HSM"
        raise ServerFolderError(f"{message}: name one with rmfs server hsm set")
    return open_hsm(read_place(path), clock, wrong_pin_before=wrong_pin_before)


def read_place(path: Path) -> HsmPlace:
    """Read where an HSM is.

    Raises:
        ServerFolderError: The file cannot be read.
        HsmError: It says nothing that can be right.
    """
    return parse_place(read_small(path).decode("utf-8", "replace"), str(path))


def open_hsm(
    place: HsmPlace, clock: MonotonicClock, *, wrong_pin_before: bool = False
) -> "Hsm":
    """Get ready to reach an HSM; nothing is asked of it."""
    from hw.hsm.device import Hsm  # noqa: PLC0415 (40 ms, and most have no HSM)

    return Hsm(place, clock, wrong_pin_before=wrong_pin_before)


def _label(name: str, key_id: int) -> str:
    return f"{name} credit {key_id}"


def _in_hsm(key_id: int, signer: HsmSigner) -> NewKey:
    lines = (
        f"# Credit key {key_id} is in the HSM of {HSM}.",
        f'object = "{signer.object_id.hex()}"',
        f"public = {json.dumps(write_public_key(signer.public.point))}",
        "",
    )
    return NewKey(signer, in_hsm_file(key_id), "\n".join(lines))


def _read_signer(path: Path, find_hsm: FindHsm) -> Signer:
    text = read_small(path)
    if path.suffix == ".pem":
        return SigningKey(read_private_key(text))
    try:
        table = tomllib.loads(text.decode("utf-8"))
        object_id = bytes.fromhex(table["object"])
        public = VerifyingKey(read_public_key(table["public"].encode("ascii")))
    except (ValueError, KeyError, TypeError, AttributeError, KeyMaterialError) as error:
        raise ServerFolderError(f"{path} names no key in an HSM: {error}") from error
    return HsmSigner(find_hsm(), object_id, public)
