"""A whole machine in memory, with a scale to lay letters on and a clock to be moved.

`a_machine()` is made, installed and recharged with Rs 2,000 by hand, by the product's
own means; `into` puts it into any state. Everything is deterministic.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fm_device.firmware.consumables import Sensors
from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine, Parts
from fm_device.firmware.printing import MemoryPrinter
from fm_device.flash.events import EventCode
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.folder import put_factory_tariff
from fm_device.psd.device import manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from fm_device.psd.pins import ATTEMPTS_MAX, Role
from fm_device.psd.records import ContentHeld
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from hw.scales.simulated import SimulatedScale
from protocol.contents import Body, content_id, make_content, write_content
from protocol.dialogue.machine import INSPECTION, Request
from protocol.keys import Realm
from protocol.messages import ContentPart, LicenceState, OrderKind, Want
from protocol.parameters import INDIA
from protocol.registers import MachineState, RequestKind
from protocol.values import EpochSeconds, LicenceIdentifier, Paise
from tests.witness.small_server import (
    LICENCE,
    MAKER,
    MAKER_KEY,
    PROVISIONING,
    SERIAL,
    Channels,
    Dial,
    a_clock,
    complete,
)

PIN_CODE = 560001
ISSUED = EpochSeconds(1_780_000_000)
"""When contents were signed; before `a_clock` begins."""
LETTER, SPEED_POST, POST_CARD = 3, 6, 1
"""Classes of the factory tariff."""
FACTORY_ORDERS = {
    "SLOGAN": OrderKind.SLOGAN,
    "TARIFF": OrderKind.TARIFF,
    "FIRMWARE": OrderKind.FIRMWARE,
    "CREDIT_KEY": OrderKind.CREDIT_KEY,
}
"""The order that brings a content, by the name of the content's kind."""
OPERATOR_PIN, SUPERVISOR_PIN, FUNDING_PIN = "1111", "22222", "333333"


@dataclass
class Bench:
    """A machine on a bench, with everything around it that a test may touch."""

    machine: Machine
    scale: SimulatedScale
    clock: MemoryWallClock
    printer: MemoryPrinter
    nvram: MemoryNvram
    flash: MemoryNvram
    channels: Channels

    @property
    def today(self) -> date:
        """The day in India, by the battery clock."""
        return self.clock.utc().astimezone(INDIA).date()

    def at(self, text: str) -> None:
        """Set the battery clock to a moment of Indian time: ``2026-06-01T23:59``."""
        self.clock.set(datetime.fromisoformat(f"{text}+05:30"))

    def days_pass(self, days: int) -> None:
        """Let whole days pass."""
        self.clock.set(self.clock.utc() + timedelta(days=days))

    def restart(self) -> None:
        """Switch off and on."""
        self.machine.switch_off()
        self.machine.switch_on()

    def franked(self, grams: int = 18, *, zone: str = "") -> Printed:
        """Lay an item on the scale and frank it in the class that is chosen."""
        self.scale.put(grams)
        if zone:
            assert self.machine.franking.choose_zone(zone) is None
        done = self.machine.franking.frank()
        assert isinstance(done, Printed), done
        return done

    def logged(self, *codes: EventCode) -> list[tuple[EventCode, int, int]]:
        """Give what the event log has of these codes (or of all), oldest first."""
        return [
            (EventCode(entry.code), *entry.detail)
            for entry in reversed(self.machine.log.entries())
            if not codes or entry.code in codes
        ]

    # What the recharge server does, carried by hand.

    def dial(self, request: Request = INSPECTION) -> Dial:
        """Begin a dial-in; the test says what the server says."""
        return Dial(self.machine.psd, request, self.channels)

    def inspect(self, licence: LicenceState = LicenceState.REGISTERED) -> None:
        """Dial in and be told the state of the licence."""
        dial = self.dial()
        dial.say(dial.receipt(licence_state=licence))
        if dial.psd.usage():
            dial.say(dial.usage_ack())
        dial.psd.goodbye()
        dial.psd.hang_up()

    def recharge(self, amount: int = 200_000) -> None:
        """Recharge in a complete dial-in."""
        dial = self.dial(Request(RequestKind.RECHARGE, Paise(amount)))
        dial.say(dial.voucher())
        complete(dial)
        self.machine.look()

    def withdraw(self) -> None:
        """Give the whole value back in a complete dial-in."""
        left = self.machine.record.registers.descending_paise
        dial = self.dial(Request(RequestKind.WITHDRAWAL, left))
        dial.say(dial.voucher())
        complete(dial)

    def order(self, kind: OrderKind, value: int = 0) -> None:
        """Give one order, and the content that it names if the machine wants it."""
        dial = self.dial()
        dial.say(dial.receipt(orders=1))
        dial.say(dial.order(kind, value))
        dial.psd.goodbye()
        dial.psd.hang_up()
        self.machine.follow_orders()

    def bring(self, body: Body) -> None:
        """Sign a content and bring it by an order: a slogan, a tariff, an image."""
        content = make_content(body, Realm.TEST, ISSUED)
        octets = write_content(content, MAKER_KEY)
        dial = self.dial()
        dial.say(dial.receipt(orders=1))
        dial.say(dial.order(FACTORY_ORDERS[content.kind.name], content_id(octets)))
        while (packet := dial.psd.want()) is not None:
            want, _ = dial.open(packet)
            assert isinstance(want, Want)
            part = ContentPart.cut(want.content_id, want.offset, octets)
            dial.say(part.encode())
        dial.psd.goodbye()
        dial.psd.hang_up()
        self.machine.follow_orders()


def a_machine(
    state: MachineState = MachineState.IN_SERVICE,
    *,
    funds: int = 200_000,
    clock: MemoryWallClock | None = None,
    clock_is_set: bool = True,
    tariff: bool = True,
    sensors: Sensors | None = None,
    serial: str = SERIAL,
    licence: LicenceIdentifier = LICENCE,
    real: bool = False,
) -> Bench:
    """Make a machine in a state; in service it has `funds` paise in DR.

    Args:
        state: Where its life stands; see `into`.
        funds: What it was recharged with before it was put into that state.
        clock: The battery clock; 10:00 on 1 June 2026 in India if there is none.
        clock_is_set: Whether the factory has set the PSD's clock.
        tariff: Whether the factory has put its tariff into the flash.
        sensors: What is around it; everything full and closed if not told.
        serial: Serial number of the PSD.
        licence: The licence identifier.
        real: Dial with the product's own channel instead of a double without curves.
    """
    wall = clock or a_clock()
    nvram = MemoryNvram.erased(NVRAM_OCTETS)
    flash = MemoryNvram.erased(FLASH_OCTETS)
    contents: tuple[ContentHeld, ...] = ()
    if tariff:
        contents = (put_factory_tariff(flash, MAKER_KEY, ISSUED),)
    manufacture(
        nvram,
        psd_serial=serial,
        licence=licence,
        realm=Realm.TEST,
        servers=[PROVISIONING],
        maker=MAKER,
        entropy=SeededEntropy(serial.encode()),
        clock=wall if clock_is_set else None,
        contents=contents,
    )
    scale, printer = SimulatedScale(), MemoryPrinter()
    channels = Channels(real=real)
    parts = Parts(nvram, flash, wall, scale, printer, channels.machine)
    machine = Machine(parts, sensors)
    machine.switch_on()
    bench = Bench(machine, scale, wall, printer, nvram, flash, channels)
    into(bench, state, funds)
    return bench


def into(bench: Bench, state: MachineState, funds: int = 200_000) -> None:
    """Put a new machine into a state, by what leads there in its life."""
    if state is MachineState.UNINSTALLED:
        return
    bench.machine.psd.install(PIN_CODE)
    if state is MachineState.INSTALLED:
        return
    if funds:
        bench.recharge(funds)
    else:
        bench.inspect()
    _LEAD_TO[state](bench)
    bench.machine.look()
    assert bench.machine.psd.state is state


def _locked_out(bench: Bench) -> None:
    desk = bench.machine.desk
    desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    for _ in range(ATTEMPTS_MAX):
        desk.enter(Role.OPERATOR, "9999")
        bench.clock.advance(3_600)


def _fault(bench: Bench) -> None:
    bench.machine.desk.tampered()


_LEAD_TO = {
    MachineState.IN_SERVICE: lambda _bench: None,
    MachineState.BLOCKED: lambda bench: bench.days_pass(31),
    MachineState.LOCKED: lambda bench: bench.order(OrderKind.LOCK, 4),
    MachineState.WITHHELD: lambda bench: bench.inspect(LicenceState.WITHHELD),
    MachineState.WITHDRAWN: lambda bench: bench.withdraw(),
    MachineState.LOCKED_OUT: _locked_out,
    MachineState.FAULT: _fault,
}
