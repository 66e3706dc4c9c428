"""Secrets of messages that wait: a copy of the database alone does not give them away.

A password or a code waits for minutes or days until it is sent. It is sealed with a key
of the gateway's folder, for this template and this address, and forgotten once it is
sent or given up.

Source: NIST SP 800-38D (AES-GCM); GW-07.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dop_gateway.outbox.model import To
from dop_gateway.outbox.templates import Template
from protocol.errors import RmfsError
from protocol.ports import Entropy

_SEALED: Final = "sealed:"
_NONCE_OCTETS: Final = 12


class SealError(RmfsError):
    """A secret was sealed with another key, or for somebody else."""


class Sealing:
    """Seals secret variables, and opens them for who sends."""

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        """Seal with a key of 32 octets."""
        self._sealing = AESGCM(key)
        self._entropy = entropy

    def seal(
        self, template: Template, variables: Mapping[str, str], to: To
    ) -> dict[str, str]:
        """Seal those that are secret, as they are stored."""
        return {
            name: self._seal(value, _about(template, name, to))
            if _is_secret(template, name)
            else value
            for name, value in variables.items()
        }

    def open(
        self, template: Template, variables: Mapping[str, str], to: To
    ) -> dict[str, str]:
        """Open what was sealed; what was stored before there were seals is as it is.

        Raises:
            SealError: It was sealed with another key, or for somebody else.
        """
        return {
            name: self._open(value, _about(template, name, to))
            if _is_secret(template, name) and value.startswith(_SEALED)
            else value
            for name, value in variables.items()
        }

    def _seal(self, secret: str, about: bytes) -> str:
        nonce = self._entropy.octets(_NONCE_OCTETS)
        octets = nonce + self._sealing.encrypt(nonce, secret.encode(), about)
        return _SEALED + base64.b64encode(octets).decode("ascii")

    def _open(self, text: str, about: bytes) -> str:
        try:
            octets = base64.b64decode(text.removeprefix(_SEALED), validate=True)
            nonce, sealed = octets[:_NONCE_OCTETS], octets[_NONCE_OCTETS:]
            return self._sealing.decrypt(nonce, sealed, about).decode()
        except (InvalidTag, ValueError, binascii.Error) as error:
            message = "a secret of a message cannot be read with this gateway's key"
            raise SealError(message) from error


def _is_secret(template: Template, name: str) -> bool:
    return name in template.variables and template.variables[name].is_secret


def _about(template: Template, name: str, to: To) -> bytes:
    return f"message\n{template.id}\n{name}\n{to.address}".encode()
