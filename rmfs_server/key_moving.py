"""What a person changes about where credit keys are: another HSM, a key that moves in.

Source: SPEC.md KEY-10.2.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from hw.clock import MonotonicClock
from hw.hsm import HsmSigner, show_place
from protocol.keys import read_private_key, sign
from protocol.ports import Entropy
from rmfs_server.folder import ServerFolder, ServerFolderError
from rmfs_server.key_files import (
    HSM,
    KEY_CHECK,
    CreditFiles,
    in_hsm_file,
    move_into_hsm,
    open_hsm,
    private_file,
    read_place,
)
from rmfs_server.small_files import read_small, write_new

if TYPE_CHECKING:
    from hw.hsm.device import HsmFacts

_NEW: Final = ".new"


def import_key(server: ServerFolder, key_id: int, entropy: Entropy) -> Path:
    """Put a credit key that is in a file into the HSM; the file stays as it is.

    Args:
        server: Whose key.
        key_id: Its id.
        entropy: Draws the id that it has in the HSM.

    Returns:
        The file that it was in, and that is used no more.

    Raises:
        ServerFolderError: There is no such file, it is in the HSM already, or the
            server has no HSM.
        KeyMaterialError: The file holds no key.
        HsmError: The HSM did not take it.
        HsmWrongKeyError: It took another one.
    """
    file = server.folder / private_file(key_id)
    named = server.folder / in_hsm_file(key_id)
    if named.exists():
        raise ServerFolderError(f"credit key {key_id} is in the HSM already: {named}")
    scalar = read_private_key(read_small(file))
    hsm = server.credit_files.hsm()
    settings = server.settings
    made = move_into_hsm(key_id, scalar, hsm, settings.name, entropy)
    sign(made.signing, KEY_CHECK, settings.realm, b"")
    try:
        write_new(named, made.text, private=True)
    except OSError as error:
        message = f"{named} cannot be written: {error.strerror}"
        raise ServerFolderError(message) from error
    return file


def set_hsm(
    server: ServerFolder, file: Path, clock: MonotonicClock, *, keys_lost: bool = False
) -> "HsmFacts":
    """Let a server use an HSM, or another one with the same keys in it.

    Args:
        server: Which.
        file: Where the HSM is (`hw.hsm.place`); it is copied.
        clock: Tells the HSM how long a failure is ago.
        keys_lost: The old HSM is lost with its keys: the new one need not have them.

    Returns:
        What the HSM says of itself.

    Raises:
        ServerFolderError: A file cannot be read or written.
        HsmError: The HSM does not answer, or lacks a key.
        HsmWrongKeyError: It has another key by the same id.
    """
    place = read_place(file)
    hsm = open_hsm(place, clock)
    facts = hsm.facts()
    if not keys_lost and (server.folder / HSM).exists():
        for signer in _in_hsm(server.credit_files):
            there = HsmSigner(hsm, signer.object_id, signer.public)
            sign(there, KEY_CHECK, server.settings.realm, b"")
    new = server.folder / (HSM + _NEW)
    try:
        new.unlink(missing_ok=True)
        write_new(new, show_place(place), private=True)
        new.replace(server.folder / HSM)
    except OSError as error:
        message = f"{new} cannot be written: {error.strerror}"
        raise ServerFolderError(message) from error
    return facts


def _in_hsm(files: CreditFiles) -> list[HsmSigner]:
    keys = (files.find(key_id) for key_id in files.ids())
    signers = (key.signing for key in keys if key is not None)
    return [signer for signer in signers if isinstance(signer, HsmSigner)]
