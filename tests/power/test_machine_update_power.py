"""The power fails while firmware is brought, staged, tried, and confirmed or given up.

Whatever is cut, the version that a machine tells is that of an image that is there. A
good image ends confirmed, a bad one ends rolled back with the old version running; a
start that is cut short uses up one of the three that an image on trial has.
"""

from collections import Counter

import pytest

from fm_device.firmware.boot import BootState
from fm_device.firmware.franking import Printed
from fm_device.firmware.update import FACTORY, TRIALS_MAX, UpdateState
from fm_device.flash.events import EventCode
from fm_device.model import FIRMWARE
from protocol.contents import FirmwareImage
from tests.machines import Bench, a_machine
from tests.power_cuts import (
    EVERY,
    CutBench,
    Strike,
    after_every_cut,
    copy_of,
    strikes_of,
    struck_by,
    switch_on,
)

NEW, NEWER = (0, 3, 0), (0, 4, 0)
PAYLOAD = bytes(range(250))
"""Long enough for an image of a few parts."""


def image(version: tuple[int, int, int], *, boots: bool = True) -> FirmwareImage:
    return FirmwareImage(version, "for a test", boots=boots, payload=PAYLOAD)


@pytest.fixture(scope="module")
def in_service() -> Bench:
    bench = a_machine()
    bench.machine.switch_off()
    return bench


def ordered(bench: Bench, body: FirmwareImage) -> CutBench:
    ready = copy_of(bench)
    ready.office.bring(body)
    return ready


@pytest.fixture(scope="module")
def staged(in_service: Bench) -> CutBench:
    """A good image is staged, and the machine is off."""
    ready = ordered(in_service, image(NEW))
    switch_on(ready)
    bring(ready)
    ready.machine.switch_off()
    return ready


@pytest.fixture(scope="module")
def staged_bad(in_service: Bench) -> CutBench:
    """An image that does not work is staged, and the machine is off."""
    ready = ordered(in_service, image(NEW, boots=False))
    switch_on(ready)
    bring(ready)
    ready.machine.switch_off()
    return ready


def bring(bench: CutBench) -> None:
    bench.office.call(bench)


def bring_and_start(bench: CutBench) -> None:
    bring(bench)
    bench.machine.switch_off()
    bench.machine.switch_on()


def off(_bench: CutBench) -> None:
    """A start is cut from its first write on."""


def check_version(bench: CutBench) -> UpdateState:
    """The version told is that of an image that is there; the machine franks by it."""
    machine = bench.machine
    running = machine.update.record.running
    assert machine.boot is BootState.READY
    assert machine.firmware == running.version
    assert running.content_id == FACTORY or machine.contents.is_whole(
        running.content_id
    )
    if running.content_id == FACTORY:
        assert running.version == FIRMWARE
    dial = bench.dial()
    told = dial.statement
    dial.psd.hang_up()
    version = (told.firmware_major, told.firmware_minor, told.firmware_patch)
    assert version == running.version
    assert isinstance(machine.franking.frank(), Printed)
    assert machine.record.balanced
    return machine.update.record.state


def finish(bench: CutBench) -> UpdateState:
    """Dial in and start once more: the update is through, one way or the other."""
    bring(bench)
    bench.switch_on_again()
    return check_version(bench)


@EVERY
def test_a_good_image_ends_confirmed_wherever_the_power_fails(
    in_service: Bench, *, every: bool
) -> None:
    """Fetched, ordered, staged, tried: one cut anywhere, and the update still comes."""
    ready = ordered(in_service, image(NEW))
    seen: Counter[UpdateState] = Counter()
    for found in after_every_cut(
        ready, bring_and_start, every=every, stride=17, only=1 if every else 4
    ):
        state = check_version(found.bench)
        assert state in (UpdateState.IDLE, UpdateState.CONFIRMED)
        is_new = state is UpdateState.CONFIRMED
        assert found.bench.machine.firmware == (NEW if is_new else FIRMWARE)
        seen[state] += 1
        assert finish(found.bench) is UpdateState.CONFIRMED
        assert found.bench.machine.firmware == NEW
        assert found.bench.machine.record.order_serial == 1
        confirmed = found.bench.logged(EventCode.FIRMWARE_CONFIRMED)
        assert len(confirmed) <= 1
        assert not found.bench.logged(EventCode.FIRMWARE_ROLLED_BACK)
    assert len(seen) == 2


@EVERY
def test_a_bad_image_ends_rolled_back_wherever_the_power_fails(
    in_service: Bench, *, every: bool
) -> None:
    ready = ordered(in_service, image(NEW, boots=False))
    seen: Counter[UpdateState] = Counter()
    for found in after_every_cut(
        ready, bring_and_start, every=every, stride=17, only=1 if every else 4
    ):
        state = check_version(found.bench)
        assert state in (UpdateState.IDLE, UpdateState.ROLLED_BACK)
        assert found.bench.machine.firmware == FIRMWARE
        seen[state] += 1
        assert finish(found.bench) is UpdateState.ROLLED_BACK
        assert found.bench.machine.firmware == FIRMWARE
    assert len(seen) == 2


def test_an_image_that_was_given_up_is_never_staged_again(
    staged_bad: CutBench,
) -> None:
    for found in after_every_cut(staged_bad, switch_on, prepare=off, only=4):
        bench = found.bench
        assert check_version(bench) is UpdateState.ROLLED_BACK
        for _ in range(2):
            bench.switch_on_again()
            assert not bench.supply.memories.count("psd")
            assert check_version(bench) is UpdateState.ROLLED_BACK
        told = bench.logged(EventCode.FIRMWARE_STAGED)
        assert len(told) == 1


def test_an_image_whose_three_starts_are_cut_short_is_given_up(
    staged: CutBench,
) -> None:
    """An image that pulls the power down with it says nothing of itself."""
    for cut in cuts_on_trial(staged):
        bench: CutBench = staged
        for trial in range(1, TRIALS_MAX + 1):
            bench = struck_by(bench, switch_on, again(bench, cut), prepare=off)
            whole = copy_of(bench)
            whole.supply.arm(None)
            whole.machine.switch_on()
            record = whole.machine.update.record
            if trial < TRIALS_MAX:
                assert (record.state, whole.machine.firmware) == (
                    UpdateState.CONFIRMED,
                    NEW,
                )
        bench.switch_on_again()
        assert check_version(bench) is UpdateState.ROLLED_BACK
        assert bench.machine.firmware == FIRMWARE


def cuts_on_trial(bench: CutBench) -> list[Strike]:
    """Cuts after the trial was counted and before the image was confirmed.

    The start writes the trial thrice, an entry of the log for it, one for the power,
    and then the three copies of the confirmation.
    """
    found = strikes_of(bench, switch_on, prepare=off)
    whole = [one for one, _ in found if one.cut.torn_octets is None]
    assert len(whole) >= 8
    return whole[2:5]


def again(bench: CutBench, cut: Strike) -> Strike:
    """The same cut; a start that finds copies that lag behind repairs them first."""
    found = strikes_of(bench, switch_on, prepare=off)
    return next(one for one, _ in found if one.cut == cut.cut)


def test_two_images_of_one_dial_in_end_with_the_newer_one_confirmed(
    in_service: Bench,
) -> None:
    """The second order comes before the first image was ever started."""
    ready = ordered(in_service, image(NEW))
    ready.office.bring(image(NEWER))
    versions: Counter[tuple[int, int, int]] = Counter()
    for found in after_every_cut(ready, bring_and_start, only=4):
        check_version(found.bench)
        versions[found.bench.machine.firmware] += 1
        assert finish(found.bench) is UpdateState.CONFIRMED
        assert found.bench.machine.firmware == NEWER
        assert found.bench.machine.record.order_serial == 2
    assert set(versions) == {FIRMWARE, NEW, NEWER}


def test_a_bad_image_after_a_good_one_leaves_the_good_one_running(
    staged: CutBench,
) -> None:
    ready = copy_of(staged)
    switch_on(ready)
    ready.machine.switch_off()
    ready.office.bring(image(NEWER, boots=False))
    for found in after_every_cut(ready, bring_and_start, only=3):
        check_version(found.bench)
        assert found.bench.machine.firmware == NEW
        assert finish(found.bench) is UpdateState.ROLLED_BACK
        assert found.bench.machine.firmware == NEW
