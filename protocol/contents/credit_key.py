"""CREDIT_KEY: a further key by which a server signs vouchers, for PSDs in the field.

The body is the server's provisioning structure (KEY-5.2) with the new credit key in it:
the same octets that a PSD is given in the factory.
"""

from dataclasses import dataclass
from typing import ClassVar

from protocol.contents.fields import ContentError, ContentFault
from protocol.contents.kinds import ContentKind
from protocol.keys import ProvisioningError, ServerProvisioning


@dataclass(frozen=True, slots=True)
class CreditKeyUpdate:
    """The body of a CREDIT_KEY content.

    Attributes:
        server: The server that the PSD trusts already, with the key to be added.
    """

    kind: ClassVar[ContentKind] = ContentKind.CREDIT_KEY

    server: ServerProvisioning

    @property
    def number(self) -> int:
        """The id of the credit key."""
        return self.server.credit_key_id

    def to_body(self) -> bytes:
        """Write the body: the structure of KEY-5.2, 153 octets."""
        return self.server.encode()

    @classmethod
    def from_body(cls, octets: bytes) -> "CreditKeyUpdate":
        """Read a body.

        Raises:
            ContentError: BODY.
        """
        try:
            return cls(ServerProvisioning.decode(octets))
        except ProvisioningError as error:
            raise ContentError(ContentFault.BODY, str(error)) from error
