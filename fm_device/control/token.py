"""The bearer token: drawn at every start, in a file that its owner alone can read.

A token file is removed at the end. A file that holds something else than a token of
ours is never written over: a mistyped name must not cost a key.
"""

import base64
import hmac
import os
from pathlib import Path
from typing import Final

from protocol.errors import RmfsError
from protocol.ports import Entropy

PREFIX: Final = "rmfs-control-"
_OCTETS: Final = 32
_OWNER_ONLY: Final = 0o600


class TokenFileError(RmfsError):
    """The token cannot be written there; the message says what to do."""


def draw_token(entropy: Entropy) -> str:
    """Draw a token: 256 bits, in letters that fit a header."""
    octets = base64.urlsafe_b64encode(entropy.octets(_OCTETS))
    return PREFIX + octets.decode("ascii").rstrip("=")


def is_token(given: str, token: str) -> bool:
    """Whether this is the token; how long that takes tells nothing about it."""
    return hmac.compare_digest(given.encode(), token.encode())


def write_token(path: Path, token: str) -> None:
    """Write the token where its owner alone can read it, whole or not at all.

    Raises:
        TokenFileError: The file cannot be written, or something else is there.
    """
    unfinished = path.with_name(path.name + ".new")
    try:
        for one in (path, unfinished):
            if one.is_symlink() or (one.exists() and not _holds_token(one)):
                raise TokenFileError(
                    f"{one} is no token file: choose another name, nothing is "
                    "overwritten"
                )
        unfinished.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(unfinished, flags, _OWNER_ONLY), "w") as file:
            file.write(token + "\n")
        unfinished.rename(path)
    except OSError as error:
        raise TokenFileError(f"{path} cannot be written: {error.strerror}") from error


def remove_token(path: Path, token: str) -> None:
    """Remove the file, unless somebody has put another token there."""
    try:
        if path.read_text("ascii") == token + "\n":
            path.unlink()
    except (OSError, ValueError):
        # What cannot be read or removed any more is not ours to mend at the end.
        return


def _holds_token(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PREFIX)) == PREFIX.encode()
