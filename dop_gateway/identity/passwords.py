"""Passwords: Argon2id, and what a new one must be.

The cost is an argument: a deployment can afford a third of a second, a test cannot.

Source: RFC 9106; requirements, section 14 (m = 65,536 KiB, t = 3, p = 4).
"""

import base64
from dataclasses import dataclass
from typing import Final

from pwdlib.hashers.argon2 import Argon2Hasher

from protocol.ports import Entropy

PASSWORD_CHARACTERS_MIN: Final = 12
PASSWORD_CHARACTERS_MAX: Final = 128
WORDS_OF_OURS: Final = ("dakghar", "franking", "indiapost", "postoffice", "rmfs")
"""What everybody would try here first; told in docs/gateway.md."""
_SALT_OCTETS: Final = 16
_GIVEN_OCTETS: Final = 20


@dataclass(frozen=True, slots=True)
class PasswordCost:
    """What one guess costs.

    Attributes:
        memory_kib: Memory.
        passes: Over the memory.
        lanes: At a time.
    """

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4


class Passwords:
    """Makes hashes of passwords, and checks passwords against them."""

    def __init__(self, cost: PasswordCost, entropy: Entropy) -> None:
        """Hash at this cost, with salts from `entropy`."""
        self._hasher = Argon2Hasher(cost.passes, cost.memory_kib, cost.lanes)
        self._entropy = entropy
        # Whoever is unknown is checked too, so that the time tells nothing.
        self._of_nobody = self.hash(self.draw())

    def draw(self) -> str:
        """Draw a password that somebody is given once and has to change: 32 letters."""
        octets = self._entropy.octets(_GIVEN_OCTETS)
        return base64.b32encode(octets).decode("ascii").lower()

    def hash(self, password: str) -> str:
        """Hash a password, as the text that is stored."""
        return self._hasher.hash(password, salt=self._entropy.octets(_SALT_OCTETS))

    def is_right(self, password: str, stored: str | None) -> bool:
        """Whether this is the password; it takes as long where there is none."""
        right = self._hasher.verify(password, stored or self._of_nobody)
        return right and stored is not None

    def is_dated(self, stored: str) -> bool:
        """Whether a hash was made at another cost, and is to be made anew."""
        return self._hasher.check_needs_rehash(stored)


def why_not_strong(password: str, login: str) -> str | None:
    """Say why a password cannot be taken; None if it can.

    Length counts, and that it holds neither the login nor a word that everybody here
    knows, however it is spaced; no rule asks for signs.

    Source: NIST SP 800-63B, section 5.1.1.2.
    """
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        return (
            f"{PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters are "
            "needed"
        )
    if login.casefold() in password.casefold():
        return "the login must not be in it"
    joined = "".join(filter(str.isalnum, password.casefold()))
    ours = next((word for word in WORDS_OF_OURS if word in joined), None)
    if ours is not None:
        return f"{ours} is what everybody would try first"
    if len(set(password)) < PASSWORD_CHARACTERS_MIN // 2:
        return "too few different characters"
    return None
