"""Looks at a server's folder: who may read it, and whether its keys fit together."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from protocol.errors import RmfsError
from protocol.keys import (
    MakerPublicKey,
    Realm,
    read_public_key,
    read_server_provisioning,
)
from rmfs_server.department import read_department
from rmfs_server.doctor.findings import Found, fault, good, note, warning
from rmfs_server.exchange import settings as exchange
from rmfs_server.folder import BOOKS, MAKER_KEY, PROVISIONING, SETTINGS, ServerFolder
from rmfs_server.small_files import read_small

_OTHERS: Final = 0o077
_PRIVATE_NAMES: Final = frozenset({SETTINGS, exchange.SETTINGS, "hsm.toml"})
_PRIVATE_KEY: Final = b"PRIVATE KEY-----"


def look_at_modes(folder: Path, uid: int) -> Iterator[Found]:
    """Look at who may read and write the folder and what is private in it.

    Args:
        folder: The server's.
        uid: As whom the server is to run.
    """
    area = "folder"
    wrong = False
    for path in (folder, *sorted(folder.iterdir())):
        try:
            status = path.stat()
            is_private = path == folder or _is_private(path)
        except OSError as error:
            wrong = True
            yield fault(
                area,
                f"{path}: {error.strerror}",
                "run the doctor as the user that the server runs as",
            )
            continue
        if is_private and status.st_mode & _OTHERS:
            wrong = True
            mode = "700" if path.is_dir() else "600"
            yield fault(
                area,
                f"{path} can be read by others: mode {status.st_mode & 0o777:o}",
                f"chmod {mode} {path}; if somebody may have read a key, change it",
            )
        if uid not in (0, status.st_uid):
            wrong = True
            yield fault(
                area,
                f"{path} belongs to user {status.st_uid}, the server is {uid}",
                f"chown {uid} {path}",
            )
    if not wrong:
        yield good(area, f"{folder} and its private files are its owner's alone")


def look_at_provisioning(server: ServerFolder) -> Iterator[Found]:
    """Look at whether machines are told the keys that this server has."""
    area = "keys"
    makers = server.makers
    if not makers:
        yield fault(
            area,
            "no maker is known here: no machine can be enrolled",
            "put the maker's public key into makers/, as NAME.pem",
        )
        return
    faults = list(_look_at_told(server, makers))
    yield from faults
    if not faults:
        yield good(area, f"{len(makers)} makers known; machines are told these keys")
    if not (server.folder / PROVISIONING).is_file():
        yield warning(
            area,
            f"{PROVISIONING} is missing: no machine can be made for this server",
            "put it back from a backup",
        )
    if (server.folder / MAKER_KEY).is_file():
        in_service = server.settings.realm is Realm.PRODUCTION
        yield (warning if in_service else note)(
            area,
            f"the maker's private key is in the folder: {MAKER_KEY}",
            "keep it in the factory; the server has no use for it",
        )


def _look_at_told(
    server: ServerFolder, makers: Sequence[MakerPublicKey]
) -> Iterator[Found]:
    area = "keys"
    own = server.identity.credential
    for path in sorted(server.folder.glob("server*.json")):
        try:
            told = read_server_provisioning(read_small(path), makers).credential
        except RmfsError as error:
            yield fault(
                area, f"{path.name}: {error}", "put it back from a backup (server.json)"
            )
            continue
        if told.ccs != own.ccs:
            yield fault(
                area,
                f"{path.name} is of another server than dh.pem and {SETTINGS}",
                "put back the one that belongs to it: machines refuse this server",
            )
            continue
        for key_id, public in told.credit_keys.items():
            key = server.find_credit_key(key_id)
            if key is not None and key.signing.public != public:
                yield fault(
                    area,
                    f"{path.name} tells another credit key {key_id} than is held",
                    "put the right key back: machines refuse what this one signs",
                )


def look_at_exchange(server: ServerFolder) -> Iterator[Found]:
    """Look at the keys of the exchange with the Department."""
    area = "exchange"
    folder = server.folder
    try:
        keys = read_department(folder).keys
    except RmfsError as error:
        yield fault(area, str(error), "get the key from the Department again")
        return
    if not keys:
        yield warning(
            area,
            "no key of the Department is here: its fund files are taken unsigned only",
            "put its public key into the folder, as dop-NAME.pem",
        )
    if not (folder / exchange.SETTINGS).is_file():
        yield note(
            area,
            "files are carried by hand",
            "rmfs server exchange init-keys sets the exchange up",
        )
        return
    try:
        ours = exchange.read_exchange(folder).ours.key
        public = read_public_key(read_small(folder / exchange.SIGNING_PUBLIC))
    except RmfsError as error:
        yield fault(area, str(error), "put the file back from a backup")
        return
    if public != ours.public.point:
        yield fault(
            area,
            f"{exchange.SIGNING_PUBLIC} is not the public half of "
            f"{exchange.SIGNING_KEY}",
            "put both back from a backup: the Department knows the public one",
        )
        return
    yield good(area, f"our keys fit, {len(keys)} keys of the Department")


def _is_private(path: Path) -> bool:
    if not path.is_file():
        return False
    if path.name in _PRIVATE_NAMES or path.name.startswith(BOOKS):
        return True
    return path.suffix in (".pem", "") and _PRIVATE_KEY in path.read_bytes()
