"""What orders have put in force, read from the flash: tariffs, slogans, images.

The PSD's record names contents by id, in one commit with the serial of the order; the
flash holds their octets. Here they are read once, and again when the record names
others. A content that cannot be read any more is not in force: the machine says so and
fetches nothing by itself, because only an order can name it anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fm_device.firmware.update import (
    FACTORY,
    FirmwareUpdate,
    Image,
    UpdateRefusal,
    needed_contents,
    refusal_of,
)
from fm_device.flash.contents import ContentSlots
from fm_device.psd.records import ContentHeld, PsdRecord
from hw.nvram import Nvram
from protocol.contents import (
    Body,
    Content,
    ContentError,
    FirmwareImage,
    Slogan,
    Tariff,
    read_body,
    read_content,
)
from protocol.keys import MakerPublicKey
from protocol.messages import OrderKind


@dataclass(frozen=True, slots=True)
class _InForce:
    """What a record names, by kind.

    Attributes:
        named: What it names.
        tariffs: The tariffs on hand, as they came.
        slogans: The slogans on hand, by number.
        lost: What is not on hand.
    """

    named: tuple[ContentHeld, ...]
    tariffs: tuple[Tariff, ...]
    slogans: tuple[Slogan, ...]
    lost: tuple[ContentHeld, ...]


class Contents:
    """The contents of one machine, as the PSD's record says and the flash holds."""

    def __init__(
        self,
        flash: Nvram,
        record: Callable[[], PsdRecord],
        update: FirmwareUpdate,
    ) -> None:
        """Join flash and record.

        Args:
            flash: The firmware's memory.
            record: Gives the PSD's record, whenever asked.
            update: Knows which images are needed, and which version runs.
        """
        self.slots: Final = ContentSlots(flash, self._kept, self._accepts)
        self._record = record
        self._update = update
        self._read: dict[int, Body] = {}
        self._known: _InForce | None = None
        self._maker: MakerPublicKey | None = None

    def trust(self, maker: MakerPublicKey) -> None:
        """Say who signs contents; the PSD knows, once it is on."""
        self._maker = maker

    @property
    def tariffs(self) -> tuple[Tariff, ...]:
        """The tariffs on hand, as they came."""
        return self._in_force().tariffs

    @property
    def slogans(self) -> tuple[Slogan, ...]:
        """The slogans on hand, by number."""
        return self._in_force().slogans

    @property
    def ordered_image(self) -> tuple[Image, int] | None:
        """The image of the order to be followed, and its dial-in, if it is on hand."""
        ordered = self._ordered
        body = None if ordered is None else self._body(ordered.content_id)
        if ordered is None or not isinstance(body, FirmwareImage):
            return None
        return Image(body.version, ordered.content_id), ordered.dial_in

    @property
    def _ordered(self) -> ContentHeld | None:
        """The image that the last order named, until that order was followed.

        The power may fail between the order, which the PSD stores, and the staging: the
        number of the dial-in tells, with the image that it brought. Two numbers are not
        held against each other, as a preset may have put one back.
        """
        held = self._record().held(OrderKind.FIRMWARE)
        if not held:
            return None
        last, update = held[-1], self._update.record
        done = (update.followed, update.followed_id)
        return None if (last.dial_in, last.content_id) == done else last

    @property
    def lost(self) -> tuple[ContentHeld, ...]:
        """What the record names and the flash does not hold any more."""
        return self._in_force().lost

    def is_whole(self, content_id: int) -> bool:
        """Whether a content is in the flash, whole and genuine."""
        return self._body(content_id) is not None

    def boots(self, image: Image) -> bool:
        """Whether an image passes its own self-test; the factory's always does."""
        body = self._body(image.content_id) if image.content_id != FACTORY else None
        return not isinstance(body, FirmwareImage) or body.boots

    def _in_force(self) -> _InForce:
        """Say what the record names: anew when it names others, or something is lost.

        A record that names others has another tuple of them.
        """
        named, known = self._record().contents, self._known
        if known is None or known.named is not named or known.lost:
            known = self._known = self._sorted(named)
        return known

    def _sorted(self, named: tuple[ContentHeld, ...]) -> _InForce:
        found = [(one, self._body(one.content_id)) for one in named]
        return _InForce(
            named,
            tuple(
                body
                for one, body in found
                if one.kind is OrderKind.TARIFF and isinstance(body, Tariff)
            ),
            tuple(
                sorted(
                    (
                        body
                        for one, body in found
                        if one.kind is OrderKind.SLOGAN and isinstance(body, Slogan)
                    ),
                    key=lambda slogan: slogan.number,
                )
            ),
            tuple(one for one, body in found if body is None),
        )

    def _body(self, content_id: int) -> Body | None:
        known = self._read.get(content_id)
        if known is None:
            known = self._parsed(content_id)
            if known is not None:
                kept = self._kept() | {content_id}
                self._read = {one: self._read[one] for one in self._read if one in kept}
                self._read[content_id] = known
        return known

    def _parsed(self, content_id: int) -> Body | None:
        octets = self.slots.read(content_id)
        if octets is None or self._maker is None:
            return None
        try:
            return read_body(read_content(octets, self._maker))
        except ContentError:
            return None

    def _kept(self) -> frozenset[int]:
        record = self._record()
        ordered = self._ordered
        named = frozenset(
            one.content_id
            for one in record.contents
            if one.kind is not OrderKind.FIRMWARE
        )
        image = None if ordered is None else ordered.content_id
        return named | needed_contents(self._update.record, image)

    def _accepts(self, content: Content) -> bool:
        try:
            body = read_body(content)
        except ContentError:
            return False
        if isinstance(body, FirmwareImage):
            # One that is not newer is nothing to do; it holds back no order.
            refusal = refusal_of(self._update.record, body.version)
            return refusal is not UpdateRefusal.ON_TRIAL
        return True
