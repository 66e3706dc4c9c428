"""The second factor of staff: a code of six digits from an app (TOTP).

A code is taken once: the step that it belongs to is remembered, and no code of it or of
an earlier one is taken again. The secret is sealed with a key of the gateway's folder,
so that a copy of the database alone makes no codes.

Source: RFC 6238; RFC 4226.
"""

import base64
from dataclasses import dataclass
from typing import Final

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol.errors import StoreError
from protocol.ports import Entropy
from protocol.values import EpochSeconds

STEP_S: Final = 30
SECRET_OCTETS: Final = 20
_STEPS_BESIDES: Final = (0, -1, 1)
"""Clocks differ: the step before and the one behind are taken too."""
_NONCE_OCTETS: Final = 12
_ISSUER: Final = "RMFS gateway"


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A second factor that is being set up.

    Attributes:
        sealed: What is stored.
        address: ``otpauth://`` address, for the QR code that an app reads.
    """

    sealed: bytes
    address: str


class SecondFactor:
    """Makes secrets and checks codes."""

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        """Seal secrets with a key of 32 octets."""
        self._sealing = AESGCM(key)
        self._entropy = entropy

    def draw(self, login: str) -> NewSecret:
        """Draw a secret for somebody."""
        secret = self._entropy.octets(SECRET_OCTETS)
        nonce = self._entropy.octets(_NONCE_OCTETS)
        sealed = nonce + self._sealing.encrypt(nonce, secret, login.encode())
        address = self._totp(secret).provisioning_uri(name=login, issuer_name=_ISSUER)
        return NewSecret(sealed, address)

    def step_of(
        self, code: str, sealed: bytes, login: str, now: EpochSeconds, after: int
    ) -> int | None:
        """Find the step that a code belongs to.

        Args:
            code: Six digits, as typed.
            sealed: The secret as stored.
            login: Whose it is.
            now: The time.
            after: The last step of which a code was taken.

        Returns:
            The step, later than `after`; None if the code is wrong or was used.

        Raises:
            StoreError: The secret was sealed with another key, or for somebody else.
        """
        try:
            nonce, text = sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:]
            secret = self._sealing.decrypt(nonce, text, login.encode())
        except (InvalidTag, ValueError) as error:
            message = f"the second factor of {login} cannot be read with this key"
            raise StoreError(message) from error
        totp = self._totp(secret)
        step = now // STEP_S
        fits = [
            step + besides
            for besides in _STEPS_BESIDES
            if pyotp.utils.strings_equal(code, totp.at((step + besides) * STEP_S))
        ]
        return next((one for one in fits if one > after), None)

    @staticmethod
    def _totp(secret: bytes) -> pyotp.TOTP:
        return pyotp.TOTP(base64.b32encode(secret).decode("ascii"), interval=STEP_S)
