"""Orders for firmware: what is staged, what is nothing to do, what may come again."""

from fm_device.firmware.update import TRIALS_MAX, Version, packed
from fm_device.flash.events import EventCode
from fm_device.flash.layout import SLOTS
from fm_device.model import FIRMWARE
from protocol.contents import (
    ContentKind,
    FirmwareImage,
    content_id,
    make_content,
    write_content,
)
from protocol.keys import Realm
from protocol.messages import ContentPart, OrderKind, Want
from protocol.registers import MachineState
from tests.machines import ISSUED, Bench, a_machine
from tests.witness.small_server import MAKER_KEY

NEWER = (FIRMWARE[0], FIRMWARE[1] + 1, 0)
NEWEST = (FIRMWARE[0], FIRMWARE[1] + 2, 0)


def _image(version: Version, *, boots: bool = True) -> FirmwareImage:
    return FirmwareImage(version, "notes", boots, b"x" * 700)


def _lose_images(bench: Bench) -> None:
    """Start with a flash whose places for images are empty."""
    bench.machine.switch_off()
    for at in SLOTS[ContentKind.FIRMWARE].addresses:
        bench.flash.write(at, b"\xff" * 24)
    bench.machine.switch_on()


def test_an_image_that_is_not_newer_is_nothing_to_do_and_holds_back_no_lock() -> None:
    bench = a_machine()
    octets = write_content(
        make_content(_image(FIRMWARE), Realm.TEST, ISSUED), MAKER_KEY
    )
    dial = bench.dial()
    dial.say(dial.receipt(orders=2))
    dial.say(dial.order(OrderKind.FIRMWARE, content_id(octets), 1))
    dial.say(dial.order(OrderKind.LOCK, 4, 2))
    while (packet := dial.psd.want()) is not None:
        want, _ = dial.open(packet)
        assert isinstance(want, Want)
        dial.say(ContentPart.cut(want.content_id, want.offset, octets).encode())
    dial.psd.goodbye()
    dial.psd.hang_up()
    for _ in range(2):
        bench.machine.follow_orders()
        bench.restart()
    assert bench.machine.psd.state is MachineState.LOCKED
    assert bench.machine.firmware == FIRMWARE
    codes = (EventCode.FIRMWARE_STAGED, EventCode.FIRMWARE_NOT_NEWER)
    said = (EventCode.FIRMWARE_NOT_NEWER, packed(FIRMWARE), 0)
    assert bench.logged(*codes) == [said]


def test_an_image_that_was_lost_can_be_ordered_again() -> None:
    bench = a_machine()
    bench.bring(_image(NEWER))
    bench.restart()
    assert bench.machine.firmware == NEWER
    _lose_images(bench)
    assert bench.machine.firmware == FIRMWARE
    bench.restart()
    assert bench.machine.firmware == FIRMWARE
    bench.bring(_image(NEWER))
    bench.restart()
    assert bench.machine.firmware == NEWER


def test_an_image_that_was_given_up_is_tried_again_when_it_is_ordered_again() -> None:
    bench = a_machine()
    for times in (1, 2):
        bench.bring(_image(NEWER, boots=False))
        bench.restart()
        assert bench.machine.firmware == FIRMWARE
        bench.restart()
        tried = bench.logged(EventCode.FIRMWARE_TRIED)
        assert len(tried) == times * TRIALS_MAX


def test_an_image_waits_while_another_one_is_on_trial() -> None:
    bench = a_machine()
    bench.bring(_image(NEWER))
    update = bench.machine.update
    update.boot(lambda _content_id: True)
    bench.bring(_image(NEWEST))
    assert bench.machine.record.order_serial == 1
    bench.restart()
    assert bench.machine.firmware == NEWER
    bench.bring(_image(NEWEST))
    bench.restart()
    assert bench.machine.firmware == NEWEST
    assert bench.machine.record.order_serial == 2


def test_of_two_images_of_one_dial_in_the_higher_version_is_staged() -> None:
    bench = a_machine()
    images = [
        write_content(make_content(_image(one), Realm.TEST, ISSUED), MAKER_KEY)
        for one in (NEWER, FIRMWARE)
    ]
    by_id = {content_id(octets): octets for octets in images}
    dial = bench.dial()
    dial.say(dial.receipt(orders=2))
    for serial, octets in enumerate(images, 1):
        dial.say(dial.order(OrderKind.FIRMWARE, content_id(octets), serial))
    while (packet := dial.psd.want()) is not None:
        want, _ = dial.open(packet)
        assert isinstance(want, Want)
        part = ContentPart.cut(want.content_id, want.offset, by_id[want.content_id])
        dial.say(part.encode())
    dial.psd.goodbye()
    dial.psd.hang_up()
    assert bench.machine.record.order_serial == 2
    bench.restart()
    bench.restart()
    assert bench.machine.firmware == NEWER
