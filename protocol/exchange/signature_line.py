"""The signature line: ``S|key_id|base64``, in every layout the same.

Its form belongs to no layout, so that a file can be checked by whoever knows none.
"""

import re
from typing import Final

from protocol.exchange.file import SignatureLine
from protocol.exchange.layout import SIGNATURE_TAG
from protocol.exchange.spelling import FieldError, octets
from protocol.keys import SIGNATURE_OCTETS

KEY_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}", re.ASCII)
_FIELDS: Final = 3
_SIGNATURE: Final = octets(format="base64", min=SIGNATURE_OCTETS, max=SIGNATURE_OCTETS)


def read_signature_line(text: str) -> SignatureLine:
    """Read a signature line.

    Raises:
        FieldError: It is none.
    """
    pieces = text.split("|")
    if len(pieces) != _FIELDS or pieces[0] != SIGNATURE_TAG:
        raise FieldError(f"a signature line has {_FIELDS} fields: S, key id, signature")
    _, key_id, signature = pieces
    if KEY_ID.fullmatch(key_id) is None:
        raise FieldError(
            f"key id: {key_id!r} is not 1 to 32 letters, digits and hyphens, the first "
            "not a hyphen"
        )
    try:
        return SignatureLine(key_id, _SIGNATURE.read(signature))
    except FieldError as error:
        raise FieldError(f"signature: {error}") from None


def write_signature_line(line: SignatureLine) -> str:
    """Write a signature line, without its line end.

    Raises:
        FieldError: It would not be read back.
    """
    told = _SIGNATURE.write(line.signature)
    text = f"{SIGNATURE_TAG}|{line.key_id}|{told}"
    read_signature_line(text)
    return text
