"""Contents that orders bring: what the PSD asks of the memory that holds them.

The octets lie in the firmware's flash, outside the PSD. What is in force is said by the
PSD's record, by content id, which is stored together with the serial of the order: so
an order is applied once, or not at all, wherever the power fails. Before that the PSD
has checked the content's id, signature, realm, model and kind itself.
"""

from typing import Final, Protocol

from fm_device.model import MODEL
from protocol.contents import Content, ContentError, ContentKind, read_content
from protocol.contents import content_id as content_id_of
from protocol.keys import MakerPublicKey
from protocol.messages import Capability, OrderKind

_WITH_CONTENTS: Final = (
    Capability.LIMITS
    | Capability.TARIFF
    | Capability.SLOGAN
    | Capability.FIRMWARE
    | Capability.CREDIT_KEY
)


class ContentStore(Protocol):
    """Memory for contents, and the firmware's word on whether it can use one."""

    def received(self, kind: OrderKind, content_id: int) -> int:
        """Say how many octets are on hand, from the start and without a gap."""

    def store_part(
        self, kind: OrderKind, content_id: int, offset: int, total: int, data: bytes
    ) -> None:
        """Store one part.

        Args:
            kind: What the content is.
            content_id: Its id.
            offset: Place of the part, a multiple of its length.
            total: Octets of the whole content.
            data: 512 octets, the last part of a content shorter.

        Raises:
            StoreError: The write has failed, or there is no room.
        """

    def read(self, content_id: int) -> bytes | None:
        """Read a whole content, checked against its id, or None."""

    def accepts(self, content: Content) -> bool:
        """Say whether the firmware can use a content that is genuine."""


def genuine(octets: bytes, order: OrderKind, value: int, maker: MakerPublicKey) -> bool:
    """Check octets against the order that names them (SPEC.md CONT)."""
    if content_id_of(octets) != value:
        return False
    try:
        content = read_content(octets, maker)
    except ContentError:
        return False
    return content.kind == ContentKind(int(order)) and content.model in ("", MODEL)


def capabilities_of(contents: ContentStore | None) -> Capability:
    """Say what a STATEMENT tells: a PSD without a flash takes no contents (DLG-11)."""
    return Capability.LIMITS if contents is None else _WITH_CONTENTS
