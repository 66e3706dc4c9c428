"""Contents that are to be ordered: signed by a known maker, and fit for this server.

What is wrong with one is found here, before anything is stored: a machine that refuses
a content says nothing about why, and stands still in its orders.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from protocol.contents import (
    Body,
    Content,
    ContentError,
    ContentFault,
    CreditKeyUpdate,
    FirmwareImage,
    read_body,
    read_content,
)
from protocol.keys import MakerPublicKey, ServerCredential
from rmfs_server.keyring import CreditKeys
from rmfs_server.refusals import MoveRefusedError


@dataclass(frozen=True, slots=True)
class OrderedContent:
    """A content whose signature and body were read.

    Attributes:
        name: What people call it: kind, number, and what its body says.
    """

    content: Content
    body: Body

    @property
    def name(self) -> str:
        """Name the content for people."""
        body = self.body
        kind = self.content.kind.name
        if isinstance(body, CreditKeyUpdate):
            return f"{kind} {body.number}"
        if isinstance(body, FirmwareImage):
            return f"{kind} {body.show_version()}"
        return f"{kind} {body.number}, {body.name}"

    def check_credit_key(self, keys: CreditKeys) -> None:
        """See that this server could sign with the key that it orders a PSD to trust.

        Raises:
            MoveRefusedError: It does not hold that key.
        """
        if not isinstance(self.body, CreditKeyUpdate):
            return
        held = keys.find(self.body.number)
        if held is None or held.signing.public != self.body.server.credit_key:
            message = f"this server does not hold the key of {self.name}"
            raise MoveRefusedError(f"{message}: make one with rmfs server credit-key")


def read_ordered(
    octets: bytes, makers: Iterable[MakerPublicKey], server: ServerCredential
) -> OrderedContent:
    """Read a content for this server's machines.

    Args:
        octets: Anything that a file held.
        makers: Whose signatures are believed.
        server: Whose credit keys it may bring.

    Raises:
        MoveRefusedError: No maker known here has signed it, it is of another realm or
            server, or its body is wrong; the words say which.
    """
    content = _read_signed(octets, makers)
    try:
        body = read_body(content)
    except ContentError as error:
        raise MoveRefusedError(f"the content cannot be ordered: {error}") from error
    if isinstance(body, CreditKeyUpdate) and body.server.credential.ccs != server.ccs:
        message = f"the content brings a credit key of {body.server.credential.name}"
        raise MoveRefusedError(f"{message}, not of this server, {server.name}")
    return OrderedContent(content, body)


def _read_signed(octets: bytes, makers: Iterable[MakerPublicKey]) -> Content:
    refused = "no maker is known here"
    for maker in makers:
        try:
            return read_content(octets, maker)
        except ContentError as error:
            refused = str(error)
            if error.fault is not ContentFault.SIGNATURE:
                break
    raise MoveRefusedError(f"the content cannot be ordered: {refused}")
