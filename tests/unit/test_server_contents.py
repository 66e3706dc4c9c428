"""Contents and credit keys on the way from the books into the PSD, over a modem line.

Machine, line, server and books are the product's own; only time is virtual.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from fm_device.dial_in import DialInReport
from fm_device.flash.contents import ContentSlots
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.model import FIRMWARE
from fm_device.psd.device import Psd
from hw.entropy import SeededEntropy
from hw.lines.exchange import CallPlan
from hw.nvram import MemoryNvram
from protocol.contents import (
    Body,
    CreditKeyUpdate,
    ProductClass,
    Slogan,
    Step,
    Tariff,
    make_content,
    write_content,
)
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.keys import CreditKey, Realm, ServerProvisioning
from protocol.messages import (
    ContentPart,
    LicenceState,
    OrderKind,
    Receipt,
    Voucher,
    Want,
)
from protocol.messages import Order as OrderMessage
from protocol.registers import MachineState
from protocol.values import OrderSerial
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.contents import read_ordered
from rmfs_server.showing import picture_of_licence
from rmfs_server.store import orders, recharges
from tests.system import (
    CREDIT_KEY,
    IDENTITY,
    LICENCE,
    MAKER_KEY,
    RUPEES_2000,
    System,
    cut_after,
    new_system,
)
from tests.unmoved import no_money_moves
from tests.witness.rogue_machine import RogueMachine

NEW_KEY = CreditKey.generate(2, Realm.TEST, SeededEntropy(b"a later key"))


@dataclass
class Desk:
    """A system whose machine has a flash, and whose server holds a later key."""

    system: System
    flash: MemoryNvram = field(default_factory=lambda: MemoryNvram.erased(FLASH_OCTETS))

    def __post_init__(self) -> None:
        later = {NEW_KEY.key_id: NEW_KEY}.get
        store = self.system.store
        self.administration = Administration(store, CREDIT_KEY, later)
        books = Books(store, CREDIT_KEY, SeededEntropy(b"marks"), later)
        self.system.exchange.books = books

    def psd(self) -> Psd:
        psd = self.system.psd()
        slots = ContentSlots(self.flash, frozenset, lambda _content: True)
        psd.run(FIRMWARE, slots)
        return psd

    def order(self, body: Body) -> tuple[int, bytes]:
        """Order a content; give its id and its octets."""
        content = make_content(body, Realm.TEST, self.system.wall.now())
        octets = write_content(content, MAKER_KEY)
        ordered = read_ordered(octets, [MAKER_KEY.public], IDENTITY.credential)
        self.administration.order_content(LICENCE, ordered, self.system.by())
        return ordered.content.content_id, octets

    def dial(
        self, request: Request = INSPECTION, plan: CallPlan | None = None
    ) -> DialInReport:
        return self.system.dial(request, psd=self.psd(), plan=plan)

    def read(self, content_id: int) -> bytes | None:
        slots = ContentSlots(self.flash, frozenset, lambda _content: True)
        return slots.read(content_id)

    def acknowledged(self) -> list[bool]:
        with self.system.store.reading() as connection:
            stored = orders.all_of(connection, LICENCE)
        return [one.acknowledged_at is not None for one in stored]

    def credit_key_of(self, number: int) -> int:
        with self.system.store.reading() as connection:
            recharge = recharges.find(connection, LICENCE, number)
        assert recharge is not None
        return Voucher.decode(recharge.voucher).credit_key


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(new_system(tmp_path / "system"))


def tariff(classes: int) -> Tariff:
    letters = tuple(
        ProductClass(
            one, f"L{one}", "Letter", "a test", (), (Step(20, (500,)),), None, 20
        )
        for one in range(1, classes + 1)
    )
    return Tariff(1, date(2026, 12, 1), "Letters", "a test", letters)


def test_contents_of_several_parts_reach_the_machine_in_one_dial_in(
    desk: Desk,
) -> None:
    assert desk.dial().outcome is Outcome.INSPECTED
    content_id, octets = desk.order(tariff(20))
    slogan_id, slogan = desk.order(Slogan(3, "Water", ("SAVE WATER",), 0, "DOP 17"))
    assert len(octets) > 4 * 512
    with no_money_moves(desk.system):
        report = desk.dial()
    assert [(one.order, done) for one, done in report.orders] == [
        (OrderKind.TARIFF, True),
        (OrderKind.SLOGAN, True),
    ]
    assert (desk.read(content_id), desk.read(slogan_id)) == (octets, slogan)
    assert desk.acknowledged() == [True, True]
    assert desk.dial().orders == ()


@pytest.mark.parametrize("octets", range(700, 6_700, 500))
def test_an_order_is_applied_once_wherever_the_line_is_lost(
    desk: Desk, octets: int
) -> None:
    """Wherever it ends, before the GOODBYE or in a part: the next dial-in goes on."""
    assert desk.dial().outcome is Outcome.INSPECTED
    content_id, content = desk.order(tariff(20))
    desk.administration.order(LICENCE, OrderKind.FRANK_LIMIT, 50_000, desk.system.by())
    with no_money_moves(desk.system):
        desk.dial(plan=cut_after(octets))
        applied = desk.system.psd().record.order_serial
        report = desk.dial()
    assert report.outcome is Outcome.INSPECTED
    assert [one.order_serial for one, _ in report.orders] == list(range(applied + 1, 3))
    assert desk.system.psd().record.order_serial == 2
    assert desk.read(content_id) == content
    assert desk.acknowledged() == [True, True]


def test_a_machine_without_the_capability_is_sent_nothing_that_needs_it(
    desk: Desk,
) -> None:
    desk.order(tariff(1))
    report = desk.system.dial(INSPECTION)
    assert report.orders == ()
    assert desk.acknowledged() == [False]
    assert [done for _, done in desk.dial().orders] == [True]


def test_what_was_taken_back_in_the_middle_of_a_download_is_nothing(
    desk: Desk,
) -> None:
    assert desk.dial().outcome is Outcome.INSPECTED
    content_id, _ = desk.order(tariff(20))
    desk.dial(plan=cut_after(3_000))
    assert desk.system.psd().record.order_serial == 0
    desk.administration.take_back(LICENCE, OrderSerial(1), desk.system.by())
    report = desk.dial()
    assert [(one.order, done) for one, done in report.orders] == [
        (OrderKind.NOTHING, True)
    ]
    assert desk.read(content_id) is None
    assert desk.system.psd().record.contents == ()


def test_a_credit_key_is_changed_without_a_voucher_lost(desk: Desk) -> None:
    """KEY-8.3 to KEY-8.5, with the PSD itself as the judge of every signature."""
    credential = IDENTITY.credential.with_credit_key(2, NEW_KEY.signing.public)
    update = ServerProvisioning(credential, desk.system.wall.now())
    desk.order(CreditKeyUpdate(update))
    assert desk.dial(RUPEES_2000).outcome is Outcome.CONFIRMED
    assert desk.acknowledged() == [True]
    desk.administration.order(LICENCE, OrderKind.RETIRE_CREDIT_KEY, 1, desk.system.by())
    assert desk.dial(RUPEES_2000).outcome is Outcome.CONFIRMED
    assert [desk.credit_key_of(number) for number in (1, 2)] == [1, 2]
    assert desk.acknowledged() == [True, True]
    known = desk.system.psd().server.credit_keys
    assert dict(known) == {2: NEW_KEY.signing.public}
    desk.system.check_quiet(400_000)


def test_a_licence_that_is_withheld_stops_the_machine_and_frees_it_again(
    desk: Desk,
) -> None:
    for state, told in (
        (LicenceState.BLOCKED, MachineState.WITHHELD),
        (LicenceState.REGISTERED, MachineState.IN_SERVICE),
    ):
        desk.administration.set_licence(LICENCE, desk.system.by(), state=state)
        desk.dial()
        assert desk.system.psd().state is told
        desk.dial()
        with desk.system.store.reading() as connection:
            shown = picture_of_licence(connection, LICENCE, desk.system.wall.now())
        assert shown["machine"]["state"] == told.name


def test_a_machine_that_asks_for_what_it_was_not_ordered_gets_none_of_it(
    desk: Desk,
) -> None:
    machine = RogueMachine(desk.system)
    content_id, octets = desk.order(tariff(1))
    call, receipt = machine.ask_for(INSPECTION, capabilities=1)
    assert isinstance(receipt, Receipt)
    order = call.answer()
    assert isinstance(order, OrderMessage)
    assert order.value == content_id
    for wanted, total in ((content_id, len(octets)), (content_id ^ 1, 0)):
        part = call.ask(Want(wanted, 0).encode())
        assert isinstance(part, ContentPart)
        assert (part.total, part.data) == (total, octets[:512] if total else b"")
