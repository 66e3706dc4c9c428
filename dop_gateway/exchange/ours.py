"""Our own side of the exchange: who we are, what we sign with, how files look."""

from dataclasses import dataclass

from protocol.exchange import DEPARTMENT, Layout, Layouts, sign_file
from protocol.keys import Realm, SigningKey


@dataclass(frozen=True, slots=True)
class OurSide:
    """What files are made and judged by.

    Attributes:
        key_id: By which the other parties know our key.
        key: Signs our files.
        realm: In which everybody signs.
        layouts: Of this deployment.
        code: Names us in headers.
    """

    key_id: str
    key: SigningKey
    realm: Realm
    layouts: Layouts
    code: str = DEPARTMENT

    def signed(self, layout: Layout, octets: bytes) -> bytes:
        """Sign a file, if files of its layout are signed.

        Raises:
            LocalProtocolError: It is signed already, or no file.
        """
        if not layout.signed:
            return octets
        return sign_file(octets, self.key, self.key_id, self.realm)
