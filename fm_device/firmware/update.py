"""Which firmware image runs: staged by an order, tried, then confirmed or rolled back.

    IDLE          the image that was confirmed last, or the factory's, runs
    STAGED        an order has brought a higher version: the next start tries it
    TRIAL         the new image runs for the first time; at most three starts
    CONFIRMED     it has passed its self-test: as IDLE, on the new image
    ROLLED_BACK   it has not: as IDLE, on the old image, and the panel says so

A start of an image on trial is counted before the image runs. So an image that stops,
loops, or pulls the power down with it uses its starts up like one that says itself that
it does not work, and after the third the old image runs.

A version that is not higher than the one that runs is not staged, and the order that
named it is done: nobody brings an old fault back by staging old firmware, and no order
waits for it. The state lies in a vault of the flash, and every
change of it is one commit: a power cut leaves the state before or after.

The images are contents (SPEC.md CONT) in the flash; the factory's image is in the
machine and cannot be lost. What an image does is decided by whoever runs it.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from fm_device.flash.layout import UPDATE
from fm_device.psd.vault import Vault, write_failed
from hw.nvram import Nvram
from protocol.coded import Coded
from protocol.errors import StoreError
from protocol.table import Row, Table

TRIALS_MAX: Final = 3
FACTORY: Final = 0
"""The content id of the image that no order brought."""

Version = tuple[int, int, int]


class UpdateState(IntEnum):
    """How far an update is; the number is what is stored."""

    IDLE = 1
    STAGED = 2
    TRIAL = 3
    CONFIRMED = 4
    ROLLED_BACK = 5


@dataclass(frozen=True, slots=True)
class Staged:
    """An order has put a new image in the flash."""


@dataclass(frozen=True, slots=True)
class Booted:
    """The machine starts, and there is an image to start."""


@dataclass(frozen=True, slots=True)
class SelfTestPassed:
    """The image that runs has passed its self-test."""


@dataclass(frozen=True, slots=True)
class SelfTestFailed:
    """The image that runs says itself that it does not work."""


@dataclass(frozen=True, slots=True)
class TrialsUsedUp:
    """The machine starts, and the image on trial has had its three starts."""


@dataclass(frozen=True, slots=True)
class ImageGone:
    """The machine starts, and the image that it would run is not whole any more."""


UpdateEvent = (
    Staged | Booted | SelfTestPassed | SelfTestFailed | TrialsUsedUp | ImageGone
)


def _nothing() -> None:
    """Do nothing more: the new state is stored with what belongs to it."""


def _rows() -> Iterator[Row[UpdateState, Callable[[], None]]]:
    state = UpdateState
    moves: tuple[tuple[UpdateState, type, UpdateState], ...] = (
        *((settled, Staged, state.STAGED) for settled in _SETTLED),
        # A later order brings a better one before the first was ever started.
        (state.STAGED, Staged, state.STAGED),
        (state.STAGED, Booted, state.TRIAL),
        (state.STAGED, ImageGone, state.ROLLED_BACK),
        (state.TRIAL, Booted, state.TRIAL),
        (state.TRIAL, SelfTestPassed, state.CONFIRMED),
        # It is started again: what made it fail may have been a loose cable.
        (state.TRIAL, SelfTestFailed, state.TRIAL),
        (state.TRIAL, TrialsUsedUp, state.ROLLED_BACK),
        (state.TRIAL, ImageGone, state.ROLLED_BACK),
        # The image that runs stays: there is no other one to go to.
        *(
            (settled, event, settled)
            for settled in _SETTLED
            for event in (Booted, SelfTestPassed, SelfTestFailed)
        ),
        # But the factory's, when it is damaged in the flash.
        *((settled, ImageGone, state.ROLLED_BACK) for settled in _SETTLED),
    )
    for before, event, after in moves:
        yield Row(before, event, _nothing, after)


_SETTLED: Final = (UpdateState.IDLE, UpdateState.CONFIRMED, UpdateState.ROLLED_BACK)

TABLE: Final = Table(UpdateState.IDLE, _rows())


def moved(state: UpdateState, event: UpdateEvent) -> UpdateState:
    """Say where an event leads.

    Raises:
        NoTransitionError: The event has no place in this state.
    """
    return TABLE.row(state, event).to


class UpdateRefusal(Coded):
    """Why an image is not staged: a code for service, words for the operator."""

    NOT_NEWER = (
        "FMW-18-002",
        "FIRMWARE NOT NEWER than the one that runs: nothing to do",
    )
    ON_TRIAL = (
        "FMW-18-003",
        "FIRMWARE ON TRIAL: switch off and on, then dial in again",
    )


@dataclass(frozen=True, slots=True)
class Image:
    """A firmware image.

    Attributes:
        version: Major, minor, patch; an octet each.
        content_id: The content that it lies in, or `FACTORY`.
    """

    version: Version
    content_id: int = FACTORY


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """What is stored.

    Attributes:
        state: How far an update is.
        settled: The image that was confirmed last, or the factory's.
        candidate: The image that is staged or on trial; after ROLLED_BACK, the one
            that was given up or lost; else None.
        trials: Starts that the candidate has had.
        followed: The dial-in whose order for an image was followed last.
        followed_id: The content id of that image.
    """

    state: UpdateState
    settled: Image
    candidate: Image | None = None
    trials: int = 0
    followed: int = 0
    followed_id: int = FACTORY

    @property
    def running(self) -> Image:
        """The image that runs since the last start."""
        if self.state is UpdateState.TRIAL and self.candidate is not None:
            return self.candidate
        return self.settled

    def encode(self) -> bytes:
        """Flatten the record."""
        candidate = self.candidate or Image((0, 0, 0))
        return _RECORD.pack(
            _VERSION,
            self.state,
            self.trials,
            self.candidate is not None,
            *self.settled.version,
            self.settled.content_id,
            *candidate.version,
            candidate.content_id,
            self.followed,
            self.followed_id,
        )

    @classmethod
    def decode(cls, octets: bytes) -> "UpdateRecord":
        """Read a record back.

        Raises:
            StoreError: The octets are no record of this product.
        """
        try:
            return _decode(octets)
        except (struct.error, ValueError) as error:
            message = f"the state of the firmware update cannot be read: {error}"
            raise StoreError(message) from error


_VERSION: Final = 2
_RECORD: Final = struct.Struct(">BBB?3BQ3BQIQ")


def packed(version: Version) -> int:
    """Put a version into one number, as the event log holds it."""
    major, minor, patch = version
    return major << 16 | minor << 8 | patch


def running_version(record: UpdateRecord) -> Version:
    """Say which version runs: what a STATEMENT tells (DLG-4)."""
    return record.running.version


def needed_contents(record: UpdateRecord, ordered: int | None = None) -> frozenset[int]:
    """Say which images must not be overwritten in the flash.

    An image that was given up is not among them; the one behind it is. If it were
    kept, two places for images would be full for good.

    Args:
        record: The state of the update.
        ordered: The image that an order named which was not followed yet, or None: it
            is needed too.
    """
    images = [record.settled]
    if record.candidate is not None and record.state is not UpdateState.ROLLED_BACK:
        images.append(record.candidate)
    needed = {image.content_id for image in images}
    if ordered is not None:
        needed.add(ordered)
    return frozenset(needed - {FACTORY})


def refusal_of(record: UpdateRecord, version: Version) -> UpdateRefusal | None:
    """Say why an image of a version would not be staged; None when it would."""
    if record.state is UpdateState.TRIAL:
        return UpdateRefusal.ON_TRIAL
    if version <= record.settled.version:
        return UpdateRefusal.NOT_NEWER
    return None


class FirmwareUpdate:
    """The update state in a flash; what a call changes is stored when it returns."""

    def __init__(self, flash: Nvram, factory: Version) -> None:
        """Read the state; a flash without one runs the factory's image.

        A factory's image that is newer than what was confirmed (the machine got it at
        the maker's) runs in its place.

        Args:
            flash: The whole flash.
            factory: Version of the image that is in the machine itself.

        Raises:
            StoreError: The flash fails, or another firmware's state cannot be read.
        """
        self._factory = factory
        first = UpdateRecord(UpdateState.IDLE, Image(factory))
        try:
            self._vault = Vault(flash, UPDATE)
        except StoreError:
            self._vault = Vault.create(flash, UPDATE, first.encode())
        self._record = UpdateRecord.decode(self._vault.content)
        if factory > self._record.settled.version:
            self._store(first)

    @property
    def record(self) -> UpdateRecord:
        """The record stored last.

        Raises:
            StoreError: A write has failed: only a power-on tells what is stored.
        """
        if self._vault.in_doubt:
            raise write_failed()
        return self._record

    @property
    def repaired(self) -> int:
        """How many damaged copies this power-on has repaired."""
        return self._vault.repaired

    @property
    def damage(self) -> int:
        """How many damaged copies were repaired so far."""
        return self._vault.damage

    def stage(self, image: Image, dial_in: int = 0) -> UpdateRecord | UpdateRefusal:
        """Have the next start try an image; one that was given up is tried again.

        The same image staged again changes nothing: an order may be followed anew after
        a power cut. An order is followed when its image is staged, or is not newer.

        Args:
            image: The image.
            dial_in: The dial-in whose order named it, or 0: no order did.

        Returns:
            What is stored, or why nothing is staged.

        Raises:
            StoreError: The write has failed.
        """
        record = self.record
        refusal = refusal_of(record, image.version)
        if refusal is UpdateRefusal.ON_TRIAL:
            return refusal
        if dial_in:
            followed_id = image.content_id
            record = replace(record, followed=dial_in, followed_id=followed_id)
        if refusal is not None:
            self._store(record)
            return refusal
        if (record.state, record.candidate) == (UpdateState.STAGED, image):
            return self._store(record)
        return self._move(Staged(), replace(record, candidate=image, trials=0))

    def boot(self, is_whole: Callable[[int], bool]) -> Image:
        """Say which image this start runs; a trial is counted before it runs.

        Args:
            is_whole: Whether a content is in the flash, whole.

        Raises:
            StoreError: The write has failed.
        """
        record = self.record
        candidate = record.candidate
        if record.state not in _SETTLED and candidate is not None:
            whole = is_whole(candidate.content_id)
            if whole and record.trials < TRIALS_MAX:
                counted = replace(record, trials=record.trials + 1)
                return self._move(Booted(), counted).running
            record = self._move(TrialsUsedUp() if whole else ImageGone(), record)
        settled = record.settled
        if settled.content_id != FACTORY and not is_whole(settled.content_id):
            lost = replace(
                record, settled=Image(self._factory), candidate=settled, trials=0
            )
            record = self._move(ImageGone(), lost)
        return record.running

    def tested(self, *, passed: bool) -> UpdateRecord:
        """Take the result of the self-test of the image that runs.

        Raises:
            NoTransitionError: Nothing was started: `boot` comes first.
            StoreError: The write has failed.
        """
        record = self.record
        if not passed:
            return self._move(SelfTestFailed(), record)
        candidate = record.candidate
        if record.state is UpdateState.TRIAL and candidate is not None:
            record = replace(record, settled=candidate, candidate=None, trials=0)
        return self._move(SelfTestPassed(), record)

    def _move(self, event: UpdateEvent, record: UpdateRecord) -> UpdateRecord:
        """Store a record, in the state where the event leads from the present one."""
        return self._store(replace(record, state=moved(self.record.state, event)))

    def _store(self, record: UpdateRecord) -> UpdateRecord:
        if record != self._record:
            self._vault.commit(record.encode())
            self._record = record
        return record


def _decode(octets: bytes) -> UpdateRecord:
    version, state, trials, has_candidate, *rest = _RECORD.unpack(octets)
    *images, followed, followed_id = rest
    if version != _VERSION:
        raise ValueError(f"version {version}")
    if UpdateState(state) not in _SETTLED and not has_candidate:
        raise ValueError("an update without an image")
    settled = Image((images[0], images[1], images[2]), images[3])
    candidate = Image((images[4], images[5], images[6]), images[7])
    return UpdateRecord(
        UpdateState(state),
        settled,
        candidate if has_candidate else None,
        trials,
        followed,
        followed_id,
    )
