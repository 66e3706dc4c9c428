"""Whether the credit keys at hand sign, and are those that the books know.

A server looks before it answers its first call: one that holds another key under the
same id would sign vouchers that no machine can apply.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from hw.database import Store
from hw.hsm import HsmSigner
from protocol.errors import RmfsError
from protocol.keys import CreditKey
from rmfs_server.folder import ServerFolder, ServerFolderError
from rmfs_server.key_files import KEY_CHECK
from rmfs_server.store import credit_keys


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A credit key that was looked at.

    Attributes:
        key_id: Its id.
        where: ``file`` or ``hsm``; empty where that cannot be told.
        object_id: What it is called in the HSM, in hex; else empty.
        made_there: It was made in the HSM, and never was anywhere else.
        file_left: Its private half is in a file as well.
        faults: What is wrong with it; nothing, as a rule.
    """

    key_id: int
    where: str = ""
    object_id: str = ""
    made_there: bool = False
    file_left: bool = False
    faults: tuple[str, ...] = ()


def look_at_keys(server: ServerFolder, store: Store) -> list[LookedAt]:
    """Look at every credit key that is held, and let each sign something.

    Raises:
        StoreError: The books cannot be read.
    """
    ids = sorted({server.settings.credit_key, *server.credit_files.ids()})
    with store.reading() as connection:
        return [_look_at(server, connection, key_id) for key_id in ids]


def check_credit_keys(server: ServerFolder, store: Store) -> None:
    """Refuse to go on with a credit key that is not the right one, or cannot sign.

    Raises:
        ServerFolderError: Something is wrong with a key; it says what.
        StoreError: The books cannot be read.
    """
    for one in look_at_keys(server, store):
        for fault in one.faults:
            raise ServerFolderError(f"credit key {one.key_id}: {fault}")


def _look_at(server: ServerFolder, connection: Connection, key_id: int) -> LookedAt:
    try:
        key = server.find_credit_key(key_id)
    except RmfsError as error:
        return LookedAt(key_id, faults=(str(error),))
    if key is None:
        return LookedAt(key_id, faults=("it is not held here",))
    signing, faults = key.signing, tuple(_faults(connection, key))
    if not isinstance(signing, HsmSigner):
        return LookedAt(key_id, "file", file_left=True, faults=faults)
    return LookedAt(
        key_id,
        "hsm",
        signing.object_id.hex(),
        made_there=not faults and signing.hsm.find_key(signing.object_id).made_there,
        file_left=server.credit_files.has_private_file(key_id),
        faults=faults,
    )


def _faults(connection: Connection, key: CreditKey) -> Iterator[str]:
    known = credit_keys.find(connection, key.key_id)
    if known is not None and known != key.signing.public:
        yield "it is another key than the one that has signed vouchers by this id"
    try:
        key.sign(KEY_CHECK, b"")
    except RmfsError as error:
        yield str(error)
