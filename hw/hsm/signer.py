"""A private key in an HSM, for whoever signs without asking where a key is."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from hw.hsm.errors import HsmWrongKeyError
from protocol.keys import SIGNATURE_OCTETS, VerifyingKey, signature_to_der

if TYPE_CHECKING:
    from hw.hsm.device import Hsm

_PREHASHED = ec.ECDSA(Prehashed(hashes.SHA256()))


@dataclass(frozen=True)
class HsmSigner:
    """A key in an HSM; the same port as `protocol.keys.SigningKey`.

    Every signature is verified before it is used. A voucher that no machine can verify
    would be stored and sent again for ever, and one that was signed by another key
    would be worse: a session may be a new one, and the token in it another.

    Attributes:
        hsm: Where the key is.
        object_id: Its CKA_ID.
        public: Its public half, as it was recorded when the key was made.
    """

    hsm: "Hsm" = field(repr=False)
    object_id: bytes
    public: VerifyingKey

    def sign_octets(self, covered: bytes) -> bytes:
        """Sign octets that have their context in front already: 64 octets.

        Raises:
            HsmError: The HSM did not sign: nothing was changed, ask again later.
            HsmWrongKeyError: Another key has signed.
        """
        digest = sha256(covered).digest()
        signature = self.hsm.sign(self.object_id, digest)
        if len(signature) != SIGNATURE_OCTETS or not self._verifies(signature, digest):
            self.hsm.forget()
            message = f"key {self.object_id.hex()} in {self.hsm} is another key"
            raise HsmWrongKeyError(f"{message} than the one that was made there")
        return signature

    def _verifies(self, signature: bytes, digest: bytes) -> bool:
        der = signature_to_der(signature)
        try:
            self.public.point.public_key.verify(der, digest, _PREHASHED)
        except InvalidSignature:
            return False
        return True
