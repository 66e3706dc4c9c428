"""Contents and credit keys that the bench as a server has to offer.

A content is made when a case wants one, and signed by the maker key that the bench was
given; how a case may want it otherwise stands in `hw.lab.made_contents`. None of them
changes what the machine does for others: a tariff that begins in 2106, a slogan that is
taken off again, an image that is older than any.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from hw.lab.made_contents import BENDS, made, turned
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
)
from protocol.keys import (
    CreditKey,
    MakerKey,
    ServerCredential,
    ServerIdentity,
    ServerProvisioning,
)
from protocol.messages import OrderKind
from protocol.ports import Entropy
from protocol.values import EpochSeconds

SLOGAN_NUMBER: Final = 10
_TARIFF_NUMBER: Final = 4_000_000_000
_BEGINS: Final = date(2106, 2, 1)
_OLD: Final = (0, 0, 0)
_FACTS: Final = "a case of the catalogue"
_IDS: Final = 256
_KID_MAX: Final = 0x17


class Offers:
    """What the bench can bring to a machine beside money.

    Attributes:
        credit_keys: All that it signs with, by their ids.
        brought: The credit keys that contents bring, by the content ids.
        added: Id of the credit key that only a CREDIT_KEY order brings; those after it
            are drawn when a case wants them.
        content_id: The content that was made last.
    """

    def __init__(
        self,
        identity: ServerIdentity,
        credit_key: CreditKey,
        maker: MakerKey | None,
        entropy: Entropy,
    ) -> None:
        """Have more credit keys than the machine knows.

        Args:
            identity: The bench's channel key.
            credit_key: The one that the machine knows.
            maker: Signs contents; None: the bench makes none.
            entropy: Draws further keys.
        """
        self.credit_keys = {credit_key.key_id: credit_key}
        self.brought: dict[int, CreditKey] = {}
        self.content_id = 0
        self._issued = EpochSeconds(0)
        self._known = credit_key
        self._entropy = entropy
        self._identity = identity
        self._maker = maker
        self.added = self._key(1).key_id

    @property
    def known(self) -> CreditKey:
        """The one that the machine knows from its provisioning."""
        return self._known

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
        self, kind: str, wish: Mapping[str, str], now: EpochSeconds, model: str = ""
    ) -> tuple[int, bytes]:
        """Make a content.

        Args:
            kind: Its kind.
            wish: ``number`` of a slogan or tariff, or of a credit key counted from the
                one that the machine knows; ``day`` of a tariff; ``size`` of an image's
                payload; ``key=other`` under the same id; ``name``, ``kid`` or
                ``dh=other`` of the server; `made_contents`; ``served=wrong``: other
                octets under its id.
            now: Time of issue.
            model: Of the machine under test, if it is known.

        Returns:
            Its id, and the octets that go out under it.

        Raises:
            StepError: The bench has no maker key to sign it with.
        """
        if self._maker is None:
            raise StepError("there is no maker key to sign a content with")
        # Never twice in one second: a machine may hold what it has fetched before.
        issued = self._issued = EpochSeconds(max(now, self._issued + 1))
        body = self._body(ContentKind[kind], wish, issued)
        content = make_content(body, self._maker.realm, issued)
        octets = made(content, self._maker, wish, model)
        self.content_id = content_id(octets)
        if ContentKind[kind] is ContentKind.CREDIT_KEY and not _OTHERWISE & set(wish):
            self.brought[self.content_id] = self._key(_place(wish))
        if wish.get("served") == "wrong":
            octets = turned(octets)
        return self.content_id, octets

    def _key(self, place: int) -> CreditKey:
        """Give a credit key by its distance from the one that the machine knows."""
        key_id = (self._known.key_id + place) % _IDS
        if key_id not in self.credit_keys:
            drawn = CreditKey.generate(key_id, self._known.realm, self._entropy)
            self.credit_keys[key_id] = drawn
        return self.credit_keys[key_id]

    def _update(self, wish: Mapping[str, str], now: EpochSeconds) -> CreditKeyUpdate:
        key = self._key(_place(wish))
        public = key.signing.public
        if "key" in wish:
            drawn = CreditKey.generate(key.key_id, key.realm, self._entropy)
            public = drawn.signing.public
        own = self._identity.credential
        server = ServerCredential(
            own.name[::-1] + "X" if "name" in wish else own.name,
            own.realm,
            (own.kid + 1) % (_KID_MAX + 1) if "kid" in wish else own.kid,
            key.signing.public.point if "dh" in wish else own.dh_point,
        )
        credential = server.with_credit_key(key.key_id, public)
        return CreditKeyUpdate(ServerProvisioning(credential, now))

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
            return self._update(wish, now)
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
        number = int(wish.get("number", str(_TARIFF_NUMBER)), 0)
        begins = date.fromisoformat(wish.get("day", _BEGINS.isoformat()))
        return Tariff(number, begins, "lab", _FACTS, (letter,))


_OTHERWISE: Final = BENDS - {"issued", "model"} | {"key", "name", "kid", "dh"}
"""A CREDIT_KEY of which this is said brings no key."""


def _place(wish: Mapping[str, str]) -> int:
    return int(wish.get("number", "1"), 0)
