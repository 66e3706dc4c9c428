"""Signing an indicium inside the PSD, and checking the signature anywhere.

Source: SPEC.md INDICIUM-3, KEY-4.
"""

from typing import Final

from protocol.errors import LocalProtocolError
from protocol.indicium.layout import Indicium, SignedIndicium, encode_unsigned
from protocol.keys import MachineCredential, MachineIdentity

INDICIUM_CONTEXT: Final = "INDICIUM"
"""Context of the signature; it covers all octets before it."""


def sign_indicium(indicium: Indicium, identity: MachineIdentity) -> bytes:
    """Sign a frank with the machine's signing key.

    Returns:
        109 octets, as the barcode carries them; the same frank gives the same octets.

    Raises:
        LocalProtocolError: The indicium names another licence, realm or generation.
    """
    if _maker(indicium) != _holder(identity.credential):
        raise LocalProtocolError(
            f"an indicium of {indicium.licence} is not signed by "
            f"{identity.licence_identifier}",
            clause="INDICIUM-3.1",
        )
    unsigned = encode_unsigned(indicium)
    return unsigned + identity.sign(INDICIUM_CONTEXT, unsigned)


def is_signed_by(signed: SignedIndicium, credential: MachineCredential) -> bool:
    """Say whether this machine, in this realm and generation, signed it."""
    return _maker(signed.indicium) == _holder(credential) and credential.verify(
        INDICIUM_CONTEXT, signed.unsigned, signed.signature
    )


def _maker(indicium: Indicium) -> tuple[object, ...]:
    return indicium.licence, indicium.realm, indicium.generation


def _holder(credential: MachineCredential) -> tuple[object, ...]:
    return credential.licence_identifier, credential.realm, credential.generation
