"""Contents and credit keys that the bench as a server has to offer.

A content is made when a case wants one, and signed by the maker key that the bench was
given. None of them changes what the machine does for others: a tariff that begins in
2106, a slogan that is taken off again, an image that is older than any.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from hw.lab.steps import StepError
from protocol.contents import (
    Body,
    ContentKind,
    CreditKeyUpdate,
    FirmwareImage,
    ProductClass,
    Slogan,
    Step,
    Tariff,
    content_id,
    make_content,
    write_content,
)
from protocol.keys import CreditKey, MakerKey, ServerIdentity, ServerProvisioning
from protocol.messages import OrderKind
from protocol.ports import Entropy
from protocol.values import EpochSeconds

SLOGAN_NUMBER: Final = 10
_TARIFF_NUMBER: Final = 4_000_000_000
_BEGINS: Final = date(2106, 2, 1)
_OLD: Final = (0, 0, 0)
_FACTS: Final = "a case of the catalogue"


class Offers:
    """What the bench can bring to a machine beside money.

    Attributes:
        credit_keys: All that it signs with, by their ids.
        added: Id of the credit key that only a CREDIT_KEY order brings.
        content_id: The content that was made last.
    """

    def __init__(
        self,
        identity: ServerIdentity,
        credit_key: CreditKey,
        maker: MakerKey | None,
        entropy: Entropy,
    ) -> None:
        """Have one more credit key than the machine knows.

        Args:
            identity: The bench's channel key.
            credit_key: The one that the machine knows.
            maker: Signs contents; None: the bench makes none.
            entropy: Draws the further key.
        """
        self.added = credit_key.key_id % 255 + 1
        added = CreditKey.generate(self.added, credit_key.realm, entropy)
        self.credit_keys = {credit_key.key_id: credit_key, self.added: added}
        self.content_id = 0
        self._identity = identity
        self._maker = maker

    def value(self, kind: int, now: EpochSeconds) -> int:
        """Say what an order of a kind names, if a case does not say."""
        values = {
            OrderKind.CLOCK: int(now),
            OrderKind.NEXT_CALL: int(now),
            OrderKind.LOCK: 1,
            OrderKind.RETIRE_CREDIT_KEY: self.added,
            OrderKind.SLOGAN_OFF: SLOGAN_NUMBER,
            OrderKind.TARIFF: self.content_id,
            OrderKind.SLOGAN: self.content_id,
            OrderKind.FIRMWARE: self.content_id,
            OrderKind.CREDIT_KEY: self.content_id,
        }
        return values.get(OrderKind(kind), 0) if kind in set(OrderKind) else 0

    def make(
        self, kind: str, wish: Mapping[str, str], now: EpochSeconds
    ) -> tuple[int, bytes]:
        """Make a content.

        Args:
            kind: Its kind.
            wish: ``model``; ``number`` of a slogan; ``size`` of an image's payload;
                ``signature=wrong``; ``served=wrong``: other octets under its id.
            now: Time of issue.

        Returns:
            Its id, and the octets that go out under it.

        Raises:
            StepError: The bench has no maker key to sign it with.
        """
        if self._maker is None:
            raise StepError("there is no maker key to sign a content with")
        body = self._body(ContentKind[kind], wish, now)
        content = make_content(body, self._maker.realm, now)
        content = replace(content, model=wish.get("model", ""))
        octets = write_content(content, self._maker)
        if wish.get("signature") == "wrong":
            octets = _turned(octets, -1)
        self.content_id = content_id(octets)
        if wish.get("served") == "wrong":
            octets = _turned(octets, -1)
        return self.content_id, octets

    def _body(
        self, kind: ContentKind, wish: Mapping[str, str], now: EpochSeconds
    ) -> Body:
        if kind is ContentKind.SLOGAN:
            number = int(wish.get("number", str(SLOGAN_NUMBER)), 0)
            return Slogan(number, "LAB", ("TESTED",), 0, _FACTS)
        if kind is ContentKind.FIRMWARE:
            return FirmwareImage(
                _OLD, _FACTS, payload=bytes(int(wish.get("size", "0"), 0))
            )
        if kind is ContentKind.CREDIT_KEY:
            key = self.credit_keys[self.added]
            credential = self._identity.credential.with_credit_key(
                key.key_id, key.signing.public
            )
            return CreditKeyUpdate(ServerProvisioning(credential, now))
        letter = ProductClass(
            number=1,
            letters="P",
            name="post card",
            source=_FACTS,
            zones=(),
            steps=(Step(5, (50,)),),
            further=None,
            weight_max_g=5,
            additions=(),
        )
        return Tariff(_TARIFF_NUMBER, _BEGINS, "lab", _FACTS, (letter,))


def _turned(octets: bytes, place: int) -> bytes:
    """Turn a bit of one octet."""
    turned = bytearray(octets)
    turned[place] ^= 1
    return bytes(turned)
