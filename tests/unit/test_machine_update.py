"""Firmware updates: tried three times at most, then confirmed or rolled back."""

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from fm_device.firmware.update import (
    FACTORY,
    TRIALS_MAX,
    Booted,
    FirmwareUpdate,
    Image,
    ImageGone,
    SelfTestFailed,
    SelfTestPassed,
    Staged,
    TrialsUsedUp,
    UpdateEvent,
    UpdateRecord,
    UpdateRefusal,
    UpdateState,
    moved,
    needed_contents,
    packed,
    refusal_of,
    running_version,
)
from fm_device.flash.contents import ContentSlots
from fm_device.flash.layout import FLASH_OCTETS, UPDATE
from fm_device.psd.vault import Vault
from hw.nvram import MemoryNvram
from protocol.contents import ContentKind, FirmwareImage, content_id
from protocol.errors import NoTransitionError, StoreError

S = UpdateState
EXPECTED: dict[tuple[UpdateState, type], UpdateState] = {
    (S.STAGED, Staged): S.STAGED,
    (S.STAGED, Booted): S.TRIAL,
    (S.STAGED, ImageGone): S.ROLLED_BACK,
    (S.TRIAL, Booted): S.TRIAL,
    (S.TRIAL, SelfTestPassed): S.CONFIRMED,
    (S.TRIAL, SelfTestFailed): S.TRIAL,
    (S.TRIAL, TrialsUsedUp): S.ROLLED_BACK,
    (S.TRIAL, ImageGone): S.ROLLED_BACK,
    **{
        (state, event): to
        for state in (S.IDLE, S.CONFIRMED, S.ROLLED_BACK)
        for event, to in (
            (Staged, S.STAGED),
            (Booted, state),
            (SelfTestPassed, state),
            (SelfTestFailed, state),
            (ImageGone, S.ROLLED_BACK),
        )
    },
}
OLD, NEW = (0, 1, 0), (0, 2, 0)
IMAGE = Image(NEW, 77)


@pytest.mark.parametrize(
    ("state", "event"),
    list(product(S, get_args(UpdateEvent))),
    ids=lambda value: value.name if isinstance(value, S) else value.__name__,
)
def test_every_event_in_every_state_leads_where_it_should(
    state: UpdateState, event: type
) -> None:
    expected = EXPECTED.get((state, event))
    if expected is None:
        with pytest.raises(NoTransitionError):
            moved(state, event())
    else:
        assert moved(state, event()) is expected


def _flash() -> MemoryNvram:
    return MemoryNvram.erased(FLASH_OCTETS)


def _update(flash: MemoryNvram) -> FirmwareUpdate:
    return FirmwareUpdate(flash, OLD)


def _whole(_content_id: int) -> bool:
    return True


def _staged() -> MemoryNvram:
    flash = _flash()
    _update(flash).stage(IMAGE)
    return flash


def test_a_new_machine_runs_the_factorys_image() -> None:
    update = _update(_flash())
    assert update.record == UpdateRecord(S.IDLE, Image(OLD, FACTORY))
    assert update.boot(_whole) == Image(OLD)
    assert update.tested(passed=True).state is S.IDLE
    assert needed_contents(update.record) == frozenset()


def test_a_staged_image_is_tried_at_the_next_start_and_confirmed() -> None:
    flash = _staged()
    update = _update(flash)
    assert (update.record.state, running_version(update.record)) == (S.STAGED, OLD)
    assert update.boot(_whole) == IMAGE
    assert running_version(update.record) == NEW
    update.tested(passed=True)
    again = _update(flash)
    assert again.record == UpdateRecord(S.CONFIRMED, IMAGE)
    assert again.boot(_whole) == IMAGE
    assert needed_contents(again.record) == {77}


def test_an_image_that_never_passes_is_given_up_after_three_starts() -> None:
    flash = _staged()
    for number in range(1, TRIALS_MAX + 1):
        update = _update(flash)
        assert update.boot(_whole) == IMAGE
        assert update.record.trials == number
        if number == 2:  # The others end without a word, as in a loop or a power cut.
            assert update.tested(passed=False).state is S.TRIAL
    update = _update(flash)
    assert update.boot(_whole) == Image(OLD)
    assert (update.record.state, update.record.candidate) == (S.ROLLED_BACK, IMAGE)
    assert running_version(update.record) == OLD
    assert needed_contents(update.record) == frozenset()
    assert update.tested(passed=True).state is S.ROLLED_BACK


def test_an_image_that_is_damaged_before_its_trial_is_not_started() -> None:
    flash = _staged()
    update = _update(flash)
    assert update.boot(lambda _content_id: False) == Image(OLD)
    assert update.record.state is S.ROLLED_BACK


def test_a_confirmed_image_that_is_damaged_leaves_the_factorys() -> None:
    flash = _staged()
    update = _update(flash)
    update.boot(_whole)
    update.tested(passed=True)
    assert _update(flash).boot(lambda _content_id: False) == Image(OLD)
    assert _update(flash).record == UpdateRecord(S.ROLLED_BACK, Image(OLD), IMAGE)


@pytest.mark.parametrize("version", [(0, 0, 9), (0, 1, 0)])
def test_a_version_that_is_not_higher_is_refused(
    version: tuple[int, int, int],
) -> None:
    flash = _flash()
    update = _update(flash)
    image = flash.image()
    assert update.stage(Image(version, 5)) is UpdateRefusal.NOT_NEWER
    assert flash.image() == image


def test_what_was_confirmed_is_what_the_next_version_is_held_against() -> None:
    flash = _staged()
    update = _update(flash)
    update.boot(_whole)
    assert update.stage(Image((0, 3, 0), 78)) is UpdateRefusal.ON_TRIAL
    update.tested(passed=True)
    assert update.stage(Image((0, 2, 0), 79)) is UpdateRefusal.NOT_NEWER
    assert refusal_of(update.record, (0, 2, 1)) is None
    update.stage(Image((0, 2, 1), 80))
    assert needed_contents(update.record) == {77, 80}


def test_a_later_order_replaces_an_image_that_was_never_started() -> None:
    flash = _staged()
    better = Image((0, 2, 1), 78)
    _update(flash).stage(better)
    assert _update(flash).boot(_whole) == better


def test_staging_the_same_image_again_writes_nothing() -> None:
    flash = _staged()
    image = flash.image()
    _update(flash).stage(IMAGE)
    assert flash.image() == image


def test_an_image_that_was_given_up_may_be_ordered_again() -> None:
    update = _update(_staged())
    update.boot(lambda _content_id: False)
    assert update.record.state is S.ROLLED_BACK
    assert update.stage(IMAGE) == UpdateRecord(S.STAGED, Image(OLD), IMAGE)


def test_an_image_that_an_order_named_is_needed_until_it_was_given_up() -> None:
    update = _update(_flash())
    assert needed_contents(update.record, ordered=77) == {77}
    update.stage(IMAGE)
    assert needed_contents(update.record) == {77}
    update.boot(lambda _content_id: False)
    assert needed_contents(update.record) == frozenset()


def test_the_dial_in_whose_order_was_followed_is_kept_whatever_became_of_it() -> None:
    flash = _flash()
    assert _update(flash).stage(Image(OLD, 5), 3) is UpdateRefusal.NOT_NEWER
    done = UpdateRecord(S.IDLE, Image(OLD), followed=3, followed_id=5)
    assert _update(flash).record == done
    _update(flash).stage(IMAGE, 4)
    update = _update(flash)
    update.boot(_whole)
    assert update.stage(Image((0, 3, 0), 78), 5) is UpdateRefusal.ON_TRIAL
    update.tested(passed=True)
    done = replace(done, followed=4, followed_id=IMAGE.content_id)
    assert update.record == replace(done, state=S.CONFIRMED, settled=IMAGE)
    update.boot(lambda _content_id: False)
    assert update.record == replace(done, state=S.ROLLED_BACK, candidate=IMAGE)


def test_after_a_roll_back_there_is_a_place_for_another_image() -> None:
    flash = _flash()
    update = _update(flash)
    slots = ContentSlots(
        flash, lambda: needed_contents(update.record), lambda _content: True
    )
    for number, passed in ((2, True), (3, False), (4, False), (5, True)):
        octets = bytes([number]) * 300
        name = content_id(octets)
        slots.store_part(ContentKind.FIRMWARE, name, 0, 300, octets)
        update.stage(Image((0, number, 0), name))
        for _ in range(1 if passed else TRIALS_MAX):
            update.boot(lambda one: slots.read(one) is not None)
            update.tested(passed=passed)
        update.boot(lambda one: slots.read(one) is not None)
        expected = number if passed else 2
        assert running_version(update.record) == (0, expected, 0)


def test_a_version_is_packed_as_the_head_of_a_content_has_it() -> None:
    assert packed((1, 2, 3)) == FirmwareImage((1, 2, 3), "notes").number == 0x010203


def test_a_repaired_copy_is_told_once_and_counted() -> None:
    flash = _staged()
    flash.write(UPDATE.addresses[0] + 20, b"\xaa\xaa")
    assert (_update(flash).repaired, _update(flash).damage) == (1, 1)
    assert _update(flash).repaired == 0


def test_a_machine_that_got_a_newer_image_at_its_maker_runs_that() -> None:
    update = FirmwareUpdate(_staged(), (1, 0, 0))
    assert update.record == UpdateRecord(S.IDLE, Image((1, 0, 0)))


def test_a_lost_state_is_the_factorys_image() -> None:
    flash = _staged()
    for address in UPDATE.addresses:
        flash.write(address + 20, b"\xaa\xaa")
    assert _update(flash).record == UpdateRecord(S.IDLE, Image(OLD))


@pytest.mark.parametrize(
    "octets",
    [
        b"x",
        UpdateRecord(S.IDLE, Image(OLD)).encode() + b"\x00",
        b"\x01" + UpdateRecord(S.IDLE, Image(OLD)).encode()[1:],
        b"\x02\x09" + UpdateRecord(S.IDLE, Image(OLD)).encode()[2:],
        UpdateRecord(S.TRIAL, Image(OLD)).encode(),
    ],
)
def test_a_state_of_another_form_is_refused(octets: bytes) -> None:
    flash = _flash()
    Vault.create(flash, UPDATE, octets)
    with pytest.raises(StoreError, match="cannot be read"):
        _update(flash)


@pytest.mark.parametrize("state", S)
def test_every_record_is_read_as_it_was_written(state: UpdateState) -> None:
    settled = Image((9, 8, 7), 2**64 - 1)
    record = UpdateRecord(state, settled, IMAGE, 3, 2**32 - 1, 2**64 - 1)
    assert UpdateRecord.decode(record.encode()) == record


def test_every_refusal_has_a_code_of_its_own_and_words() -> None:
    assert len({refusal.code for refusal in UpdateRefusal}) == len(UpdateRefusal)
    assert all(refusal.words for refusal in UpdateRefusal)
