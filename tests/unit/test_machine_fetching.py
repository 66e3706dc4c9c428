"""A dial-in brings a content over a virtual line: PSD, flash and panel together."""

from dataclasses import dataclass, field

import pytest
from twisted.internet.task import Clock

from fm_device.dial_in import DialInReport, Progress
from fm_device.flash.contents import ContentSlots
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.model import FIRMWARE
from fm_device.program import dial_repeatedly
from fm_device.psd.device import Psd
from fm_device.show import show_progress
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.lines.exchange import CallPlan, VirtualExchange, every_call
from hw.lines.virtual import VirtualLineParameters
from hw.nvram import MemoryNvram
from protocol.contents import FirmwareImage, content_id, make_content, write_content
from protocol.dialogue.machine import INSPECTION, ContentTaken, OrderTaken, Outcome
from protocol.keys import MakerKey, Realm
from protocol.messages import Order, OrderKind
from protocol.registers import MachineState
from protocol.values import EpochSeconds, OrderSerial
from tests.witness.small_books import SmallBooks, answering
from tests.witness.small_server import (
    MAKER_KEY,
    Channels,
    a_clock,
    a_new_memory,
    switch_on,
)

LINE = VirtualLineParameters(bit_s=33_600, delay_s=0.05)
SLOW_LINE = VirtualLineParameters(bit_s=1_200, delay_s=0.1)


def signed_image(*, payload: int, maker: MakerKey = MAKER_KEY) -> bytes:
    body = FirmwareImage((9, 0, 0), "for a test", payload=bytes(payload))
    content = make_content(body, Realm.TEST, EpochSeconds(1_780_000_000))
    return write_content(content, maker)


IMAGE = signed_image(payload=700)
ORDER = Order(OrderSerial(1), OrderKind.FIRMWARE, content_id(IMAGE))
LOCK = Order(OrderSerial(2), OrderKind.LOCK, 4)


@dataclass
class World:
    """A machine with a flash, and a server that has one content."""

    wall: MemoryWallClock
    nvram: MemoryNvram
    books: SmallBooks
    flash: MemoryNvram = field(default_factory=lambda: MemoryNvram.erased(FLASH_OCTETS))
    reactor: Clock = field(default_factory=Clock)
    progress: list[Progress] = field(default_factory=list)

    def psd(self) -> Psd:
        """The machine, switched on anew; what it accepts is any genuine content."""
        slots = ContentSlots(self.flash, frozenset, lambda _content: True)
        psd = Psd(self.nvram, self.wall, Channels().machine)
        psd.run(FIRMWARE, slots)
        return psd

    def dial(self, plan: CallPlan | None = None, attempts: int = 1) -> DialInReport:
        """Dial; virtual time runs until the last line has ended."""
        exchange = VirtualExchange(self.reactor, plan or every_call(LINE))
        exchange.listen(lambda _: answering(self.books, self.reactor))
        reports: list[DialInReport] = []
        dial_repeatedly(
            self.psd(),
            INSPECTION,
            exchange,
            self.reactor,
            attempts=attempts,
            on_progress=self.progress.append,
        ).addCallback(reports.append)
        while not reports:
            due = min(call.getTime() for call in self.reactor.getDelayedCalls())
            self.reactor.advance(max(0.0, due - self.reactor.seconds()))
        return reports[0]


@pytest.fixture
def world() -> World:
    wall = a_clock()
    nvram = a_new_memory(wall)
    books = SmallBooks(switch_on(nvram, wall).credential)
    books.orders = (ORDER, LOCK)
    books.contents = {content_id(IMAGE): IMAGE}
    return World(wall, nvram, books)


def test_an_order_and_the_one_behind_it_are_done_once_the_content_is_here(
    world: World,
) -> None:
    report = world.dial()
    assert report.outcome is Outcome.INSPECTED
    assert report.orders == ((ORDER, True), (LOCK, True))
    psd = world.psd()
    assert (psd.record.order_serial, psd.state) == (2, MachineState.LOCKED)
    assert [held.content_id for held in psd.record.contents] == [content_id(IMAGE)]
    said = [show_progress(event) for event in world.progress]
    name = f"content {content_id(IMAGE):016x}"
    done = "order 1: FIRMWARE done; order 2: LOCK done"
    assert said[3:] == [
        "order 1: FIRMWARE is to be fetched",
        "order 2: LOCK not done",
        *(f"{name}: {at} of {len(IMAGE)} octets" for at in (512, 1024, 1536)),
        f"{name}: {len(IMAGE)} of {len(IMAGE)} octets; {done}",
    ]


def test_a_content_that_the_server_lacks_leaves_the_dial_in_whole(world: World) -> None:
    world.books.contents = {}
    report = world.dial()
    assert report.outcome is Outcome.INSPECTED
    assert report.orders == ((ORDER, False), (LOCK, False))
    assert show_progress(world.progress[-1]).endswith("is not at the server")
    assert world.psd().record.order_serial == 0


def test_a_content_of_another_maker_holds_back_until_it_is_taken_back(
    world: World,
) -> None:
    forged = signed_image(
        payload=700,
        maker=MakerKey.generate("MAKER", Realm.TEST, SeededEntropy(b"another")),
    )
    wrong = Order(OrderSerial(1), OrderKind.FIRMWARE, content_id(forged))
    world.books.orders = (wrong, LOCK)
    world.books.contents = {content_id(forged): forged}
    assert world.dial().orders == ((wrong, False), (LOCK, False))
    nothing = Order(OrderSerial(1), OrderKind.NOTHING, 0)
    world.books.orders = (nothing, LOCK)
    assert world.dial().orders == ((nothing, True), (LOCK, True))
    assert world.psd().record.contents == ()


def test_the_largest_image_comes_over_a_slow_line_in_two_dial_ins(
    world: World,
) -> None:
    image = signed_image(payload=30_000)
    order = Order(OrderSerial(1), OrderKind.FIRMWARE, content_id(image))
    world.books.orders = (order,)
    world.books.contents = {content_id(image): image}
    first = world.dial(every_call(SLOW_LINE))
    assert first.outcome is Outcome.INSPECTED
    assert first.duration_s < 900, "before a server would hang up"
    taken = [event for event in world.progress if isinstance(event, ContentTaken)]
    before = taken[-1].received
    assert len(image) // 2 < before < len(image)
    world.progress.clear()
    world.dial(every_call(SLOW_LINE))
    taken = [event for event in world.progress if isinstance(event, ContentTaken)]
    assert taken[0].received == before + 512
    assert taken[-1].orders == (OrderTaken(order, applied=True),)
