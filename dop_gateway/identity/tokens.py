"""Bearer tokens: 256 bits that are shown once; what is stored is their hash."""

import base64
from hashlib import sha256
from typing import Final

from protocol.ports import Entropy

_OCTETS: Final = 32


def draw_token(entropy: Entropy) -> str:
    """Draw a token, in 43 letters that fit a header and a cookie."""
    octets = base64.urlsafe_b64encode(entropy.octets(_OCTETS))
    return octets.decode("ascii").rstrip("=")


def token_hash(token: str) -> bytes:
    """Give what is stored of a token, 32 octets.

    A plain hash is enough: nobody can guess 256 bits, however quick the hash is.
    """
    return sha256(token.encode()).digest()
