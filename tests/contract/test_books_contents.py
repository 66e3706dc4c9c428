"""Orders that bring contents, wait, or are taken back; and credit keys that change.

On both engines, with machines on paper. No money moves in any of it.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from hw.entropy import SeededEntropy
from protocol.contents import (
    Content,
    CreditKeyUpdate,
    FirmwareImage,
    ProductClass,
    Slogan,
    Step,
    Tariff,
    make_content,
    write_content,
)
from protocol.dialogue.server import Closed, ContentFound, Delivered, Superseded
from protocol.keys import (
    CreditKey,
    MakerKey,
    Realm,
    ServerIdentity,
    ServerProvisioning,
)
from protocol.messages import (
    Capability,
    Goodbye,
    LicenceState,
    OrderKind,
    Voucher,
)
from protocol.registers import MachineState, RequestKind, VoucherKind
from protocol.values import U32_MAX, LicenceIdentifier, OrderSerial
from rmfs_server.books import Turn
from rmfs_server.contents import OrderedContent, read_ordered
from rmfs_server.evidence import collect, verify_evidence
from rmfs_server.refusals import (
    AlreadyWaitingError,
    MoveRefusedError,
    NotNewerError,
)
from rmfs_server.showing import picture_of_licence, picture_of_orders, show_licence
from rmfs_server.store import acts, orders, schema
from tests.paper_machine import BY, LICENCE, NEW, NOW, Office, PaperMachine, office_at

SECOND = LicenceIdentifier("N000002")
EVERYTHING = sum(Capability)
RECHARGE = RequestKind.RECHARGE

_ENTROPY = SeededEntropy(b"maker and server")
MAKER = MakerKey.generate("maker", Realm.TEST, _ENTROPY)
OTHER_MAKER = MakerKey.generate("maker", Realm.TEST, _ENTROPY)
PRODUCTION = MakerKey.generate("maker", Realm.PRODUCTION, _ENTROPY)
SERVER = ServerIdentity.generate("TEST-OEM", Realm.TEST, 1, _ENTROPY)
STRANGER = ServerIdentity.generate("OTHER-OEM", Realm.TEST, 1, _ENTROPY)
LATER = {key: CreditKey.generate(key, Realm.TEST, _ENTROPY) for key in range(2, 6)}

MONEY = (
    "account",
    "balance",
    "journal",
    "entry",
    "recharge",
    "usage",
    "discrepancy",
    "credit_key",
    "licence",
    "signed_message",
)


@pytest.fixture
def office(store_place: str) -> Iterator[Office]:
    with office_at(store_place, later_keys=LATER.get) as office:
        yield office


@pytest.fixture
def machine(office: Office) -> PaperMachine:
    machine = PaperMachine()
    machine.capabilities = EVERYTHING
    office.administration.enrol(machine.provisioning, NEW, BY)
    office.deposit(500_000)
    office.recharge(machine, 100_000)
    return machine


def second(office: Office) -> PaperMachine:
    machine = PaperMachine(SECOND, "PSD00002", seed=b"second")
    machine.capabilities = EVERYTHING
    office.administration.enrol(machine.provisioning, NEW, BY)
    return machine


def tariff(number: int = 1, classes: int = 1) -> Tariff:
    return Tariff(
        number,
        date(2026, 12, 1),
        "Letters",
        "a test",
        tuple(
            ProductClass(
                one, f"L{one}", "Letter", "a test", (), (Step(20, (500,)),), None, 20
            )
            for one in range(1, classes + 1)
        ),
    )


def slogan(number: int = 1) -> Slogan:
    return Slogan(number, "Save water", ("SAVE WATER",), 0, "DOP 17")


def key_update(key_id: int, server: ServerIdentity = SERVER) -> CreditKeyUpdate:
    credential = server.credential.with_credit_key(key_id, LATER[key_id].signing.public)
    return CreditKeyUpdate(ServerProvisioning(credential, NOW))


def signed(body: Any, maker: MakerKey = MAKER, /, **bent: Any) -> bytes:
    content: Content = make_content(body, maker.realm, NOW)
    return write_content(replace(content, **bent), maker)


def read(octets: bytes) -> OrderedContent:
    makers = [OTHER_MAKER.public, MAKER.public]
    return read_ordered(octets, makers, SERVER.credential)


def order(office: Office, body: Any, licence: LicenceIdentifier = LICENCE) -> int:
    """Order a content that the maker has signed; give its id."""
    ordered = read(signed(body))
    office.administration.order_content(licence, ordered, BY)
    return ordered.content.content_id


def dial(office: Office, machine: PaperMachine) -> tuple[Turn, Closed]:
    turn, closed = office.state(machine)
    assert isinstance(closed, Closed)
    return turn, closed


def complete(office: Office, machine: PaperMachine) -> list[OrderKind]:
    """Dial in to the end, take every order, and list what they were."""
    return [one.order for one in office.inspect(machine).orders]


def fetched(office: Office, turn: Turn, content_id: int) -> bytes | None:
    """Fetch a content part by part, or find that it is not here."""
    octets = b""
    while True:
        found = office.books.find_content(turn, content_id, len(octets))
        assert isinstance(found, ContentFound)
        part = found.content
        assert (part.content_id, part.offset) == (content_id, len(octets))
        if not part.total:
            return None
        octets += part.data
        if len(octets) == part.total:
            return octets


def credit_key_of(octets: bytes) -> int:
    return Voucher.decode(octets).credit_key


def grant(office: Office, machine: PaperMachine, amount: int) -> bytes:
    """Let a voucher be granted and leave it outstanding."""
    _, answer = office.state(machine, RECHARGE, amount)
    assert isinstance(answer, Delivered)
    return answer.voucher


def rows(office: Office, *names: str) -> dict[str, list[Any]]:
    with office.store.reading() as connection:
        return {
            name: sorted(
                map(tuple, connection.execute(select(schema.metadata.tables[name]))),
                key=repr,
            )
            for name in names
        }


def picture(office: Office) -> list[dict[str, Any]]:
    with office.store.reading() as connection:
        found: list[dict[str, Any]] = picture_of_orders(connection, LICENCE)["orders"]
    return found


def held_back(office: Office) -> list[str | None]:
    return [one["held_back"] for one in picture(office)]


# Contents


def test_a_content_of_several_parts_is_served_to_the_octet(
    office: Office, machine: PaperMachine
) -> None:
    long = tariff(classes=20)
    assert len(signed(long)) > 4 * 512
    content_id = order(office, long)
    turn, closed = dial(office, machine)
    (given,) = closed.orders
    assert (given.order, given.value) == (OrderKind.TARIFF, content_id)
    assert fetched(office, turn, content_id) == signed(long)


def test_the_highest_content_id_is_kept_and_found(
    office: Office, machine: PaperMachine
) -> None:
    """No database has unsigned numbers of 64 bits."""
    number = 1
    while read(signed(tariff(number))).content.content_id < 2**63:
        number += 1
    content_id = order(office, tariff(number))
    turn, closed = dial(office, machine)
    assert closed.orders[0].value == content_id >= 2**63
    assert fetched(office, turn, content_id) == signed(tariff(number))


@pytest.mark.parametrize("offset", [1, 511, 65_536, 2**32 - 1])
def test_what_is_no_part_of_a_content_is_not_here(
    office: Office, machine: PaperMachine, offset: int
) -> None:
    content_id = order(office, tariff())
    turn, _ = dial(office, machine)
    found = office.books.find_content(turn, content_id, offset)
    assert isinstance(found, ContentFound)
    assert (found.content.total, found.content.data) == (0, b"")


@pytest.mark.parametrize("content_id", [0, 1, 2**64 - 1])
def test_a_content_that_nobody_ordered_is_not_here(
    office: Office, machine: PaperMachine, content_id: int
) -> None:
    turn, _ = dial(office, machine)
    assert fetched(office, turn, content_id) is None


def test_two_machines_are_served_their_own_contents_only(
    office: Office, machine: PaperMachine
) -> None:
    other = second(office)
    mine, its = order(office, tariff(1)), order(office, tariff(2), SECOND)
    ours = [order(office, slogan(), licence) for licence in (LICENCE, SECOND)]
    turn, closed = dial(office, machine)
    its_turn, its_closed = dial(office, other)
    assert [one.value for one in closed.orders] == [mine, ours[0]]
    assert [one.value for one in its_closed.orders] == [its, ours[1]]
    assert fetched(office, turn, mine) == signed(tariff(1))
    assert fetched(office, turn, its) is None
    assert fetched(office, its_turn, its) == signed(tariff(2))
    assert fetched(office, its_turn, mine) is None
    assert ours[0] == ours[1]
    assert len(rows(office, "content")["content"]) == 3


def test_a_call_that_was_overtaken_is_served_nothing_more(
    office: Office, machine: PaperMachine
) -> None:
    content_id = order(office, tariff())
    turn, _ = dial(office, machine)
    dial(office, machine)
    assert office.books.find_content(turn, content_id, 0) == Superseded()


def test_a_content_is_served_again_to_a_machine_that_has_lost_it(
    office: Office, machine: PaperMachine
) -> None:
    content_id = order(office, tariff())
    complete(office, machine)
    turn, closed = dial(office, machine)
    assert closed.orders == ()
    assert fetched(office, turn, content_id) == signed(tariff())


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "too short"),
        (b"FMP/1" * 50, "form"),
        (signed(tariff())[:-1], "too short"),
        (signed(tariff())[:-1] + b"\x00", "signature"),
        (
            signed(tariff(), MakerKey.generate("maker", Realm.TEST, _ENTROPY)),
            "signature",
        ),
        (signed(tariff(), PRODUCTION), "realm"),
        (signed(tariff(), number=2), "number"),
        (signed(slogan(), body=b"{}"), "missing"),
        (signed(key_update(2, STRANGER)), "OTHER-OEM"),
    ],
)
def test_a_content_that_is_wrong_is_refused_with_words(
    octets: bytes, words: str
) -> None:
    with pytest.raises(MoveRefusedError, match=words):
        read(octets)


def test_a_content_is_refused_where_no_maker_is_known() -> None:
    with pytest.raises(MoveRefusedError, match="no maker"):
        read_ordered(signed(tariff()), [], SERVER.credential)


def test_a_content_for_another_model_is_not_ordered(
    office: Office, machine: PaperMachine
) -> None:
    image = FirmwareImage((1, 2, 0), "a test")
    other = read(signed(image, model="OTHER-9"))
    with pytest.raises(MoveRefusedError, match=r"OTHER-9.*PAPER-1"):
        office.administration.order_content(LICENCE, other, BY)
    assert rows(office, "content", "machine_order") == {
        "content": [],
        "machine_order": [],
    }
    right = read(signed(image, model="PAPER-1"))
    assert office.administration.order_content(LICENCE, right, BY) == 1
    assert right.name == "FIRMWARE 1.2.0"


def test_a_credit_key_that_is_not_held_is_not_ordered(
    office: Office, machine: PaperMachine
) -> None:
    """KEY-8.5: nothing could be signed with it, once the machine knows it."""
    forged = LATER[3].signing.public
    credential = SERVER.credential.with_credit_key(2, forged)
    update = CreditKeyUpdate(ServerProvisioning(credential, NOW))
    with pytest.raises(MoveRefusedError, match="does not hold"):
        order(office, update)


# Orders


def test_an_order_is_sent_until_it_is_acknowledged_and_applied_once(
    office: Office, machine: PaperMachine
) -> None:
    """DLG-10.2: the GOODBYE is lost; the next STATEMENT says what was applied."""
    order(office, tariff())
    office.administration.order(LICENCE, OrderKind.FRANK_LIMIT, 50_000, BY)
    _, closed = dial(office, machine)
    assert [one.order_serial for one in closed.orders] == [1, 2]
    _, closed = dial(office, machine)
    assert [one.order_serial for one in closed.orders] == [1, 2]
    machine.take(closed)
    _, closed = dial(office, machine)
    assert closed.orders == ()
    assert closed.receipt.orders == 0
    assert all(one["acknowledged_at"] for one in picture(office))


def test_an_order_that_was_taken_back_is_sent_as_nothing(
    office: Office, machine: PaperMachine
) -> None:
    content_id = order(office, tariff())
    office.administration.order(LICENCE, OrderKind.LOCK, 3, BY)
    was = office.administration.take_back(LICENCE, OrderSerial(1), BY)
    assert (was.order.order, was.sent_at) == (OrderKind.TARIFF, None)
    turn, closed = dial(office, machine)
    assert [(one.order_serial, one.order, one.value) for one in closed.orders] == [
        (1, OrderKind.NOTHING, 0),
        (2, OrderKind.LOCK, 3),
    ]
    assert fetched(office, turn, content_id) is None
    kept = picture(office)[0]
    assert (kept["kind"], kept["content"]) == ("TARIFF", f"{content_id:016x}")
    assert (kept["sent_at"], bool(kept["taken_back_at"])) == (None, True)
    with office.store.reading() as connection:
        act = acts.all_of(connection, LICENCE)[-1]
    assert (act.move, act.by.reason) == ("take_back", "a test")
    assert act.detail == {
        "kind": "TARIFF",
        "content": f"{content_id:016x}",
        "serial": 1,
        "was_sent": False,
    }


def test_an_order_that_was_sent_is_taken_back_with_a_warning(
    office: Office, machine: PaperMachine
) -> None:
    content_id = order(office, tariff())
    turn, _ = dial(office, machine)
    assert fetched(office, turn, content_id) == signed(tariff())
    was = office.administration.take_back(LICENCE, OrderSerial(1), BY)
    assert was.sent_at == NOW
    assert fetched(office, turn, content_id) is None
    assert complete(office, machine) == [OrderKind.NOTHING]
    with office.store.reading() as connection:
        shown = "\n".join(show_licence(picture_of_licence(connection, LICENCE, NOW)))
    assert "taken back after it was sent: it may be applied" in shown


def test_what_is_over_or_unknown_is_not_taken_back(
    office: Office, machine: PaperMachine
) -> None:
    office.administration.order(LICENCE, OrderKind.LOCK, 3, BY)
    office.administration.order(LICENCE, OrderKind.UNLOCK, 0, BY)
    machine.take(dial(office, machine)[1])
    dial(office, machine)
    office.administration.order(LICENCE, OrderKind.LOCK, 3, BY)
    office.administration.take_back(LICENCE, OrderSerial(3), BY)
    for serial, words in (
        (1, "acknowledged"),
        (3, "before"),
        (4, "no order 4"),
    ):
        with pytest.raises(MoveRefusedError, match=words):
            office.administration.take_back(LICENCE, OrderSerial(serial), BY)


def test_an_order_that_restored_books_never_sent_is_given_again(
    office: Office, machine: PaperMachine
) -> None:
    """The machine has applied three orders that the books have lost."""
    machine.order_serial = OrderSerial(3)
    office.administration.order(LICENCE, OrderKind.LOCK, 4, BY)
    office.administration.order(LICENCE, OrderKind.UNLOCK, 0, BY)
    _, closed = dial(office, machine)
    sent = [(one.order, one.value, one.order_serial) for one in closed.orders]
    assert sent == [(OrderKind.LOCK, 4, 4), (OrderKind.UNLOCK, 0, 5)]
    assert [one["taken_back_at"] is None for one in picture(office)] == [
        False,
        False,
        True,
        True,
    ]
    with office.store.reading() as connection:
        kept = acts.all_of(connection, LICENCE)[-2:]
    assert [(one.move, one.detail) for one in kept] == [
        ("renumber", {"serial": 1, "now": 4}),
        ("renumber", {"serial": 2, "now": 5}),
    ]
    machine.take(closed)
    assert complete(office, machine) == []


def test_a_machine_with_the_last_serial_is_served_and_given_no_order(
    office: Office, machine: PaperMachine
) -> None:
    office.administration.order(LICENCE, OrderKind.LOCK, 4, BY)
    machine.order_serial = OrderSerial(U32_MAX)
    assert complete(office, machine) == []
    assert picture(office)[0]["taken_back_at"] is not None
    with pytest.raises(MoveRefusedError, match="no serial is left for an order"):
        office.administration.order(LICENCE, OrderKind.UNLOCK, 0, BY)
    assert complete(office, machine) == []


def test_the_last_serial_is_given_and_sent(
    office: Office, machine: PaperMachine
) -> None:
    machine.order_serial = OrderSerial(U32_MAX - 1)
    complete(office, machine)
    office.administration.order(LICENCE, OrderKind.LOCK, 4, BY)
    with pytest.raises(MoveRefusedError, match="no serial is left for an order"):
        office.administration.order(LICENCE, OrderKind.UNLOCK, 0, BY)
    (sent,) = office.inspect(machine).orders
    assert (sent.order_serial, sent.order) == (U32_MAX, OrderKind.LOCK)


def test_a_key_that_restored_books_never_sent_does_not_sign(
    office: Office, machine: PaperMachine
) -> None:
    machine.order_serial = OrderSerial(3)
    order(office, key_update(2))
    assert credit_key_of(grant(office, machine, 100_000)) == 1


def test_an_order_that_a_whole_dial_in_has_not_brought_is_told(
    office: Office, machine: PaperMachine
) -> None:
    order(office, slogan())
    office.administration.order(LICENCE, OrderKind.LOCK, 4, BY)
    turn, closed = dial(office, machine)
    assert [one["not_taken"] for one in picture(office)] == [False, False]
    machine.mark = closed.receipt.mark
    office.books.store_goodbye(turn, Goodbye(machine.mark, OrderSerial(0)), NOW)
    assert [one["not_taken"] for one in picture(office)] == [True, False]
    with office.store.reading() as connection:
        shown = "\n".join(show_licence(picture_of_licence(connection, LICENCE, NOW)))
    assert "Save water" in shown
    assert "sent, not taken: the machine's event log tells why; take it back" in shown
    office.administration.take_back(LICENCE, OrderSerial(1), BY)
    assert [one["not_taken"] for one in picture(office)] == [False, False]
    assert complete(office, machine) == [OrderKind.NOTHING, OrderKind.LOCK]


@pytest.mark.parametrize("version", [(0, 9, 9), (1, 0, 0)])
def test_a_firmware_that_is_not_newer_is_not_ordered(
    office: Office, machine: PaperMachine, version: tuple[int, int, int]
) -> None:
    with pytest.raises(NotNewerError, match="order one with a higher version"):
        order(office, FirmwareImage(version, "a test"))
    order(office, FirmwareImage((1, 0, 1), "a test"))
    assert complete(office, machine) == [OrderKind.FIRMWARE]


def test_an_order_without_its_capability_waits_and_all_behind_it(
    office: Office, machine: PaperMachine
) -> None:
    machine.capabilities = EVERYTHING & ~Capability.TARIFF
    complete(office, machine)
    office.administration.order(LICENCE, OrderKind.LOCK, 1, BY)
    order(office, tariff())
    office.administration.order(LICENCE, OrderKind.UNLOCK, 0, BY)
    assert complete(office, machine) == [OrderKind.LOCK]
    assert held_back(office) == [
        None,
        "the machine's firmware lacks the capability TARIFF",
        "waits behind order 2",
    ]
    with office.store.reading() as connection:
        shown = "\n".join(show_licence(picture_of_licence(connection, LICENCE, NOW)))
    assert "held back: the machine's firmware lacks the capability TARIFF" in shown
    machine.capabilities |= Capability.TARIFF
    assert complete(office, machine) == [OrderKind.TARIFF, OrderKind.UNLOCK]


def test_taking_back_what_is_held_lets_the_rest_go(
    office: Office, machine: PaperMachine
) -> None:
    machine.capabilities = 0
    complete(office, machine)
    order(office, tariff())
    office.administration.order(LICENCE, OrderKind.UNLOCK, 0, BY)
    assert complete(office, machine) == []
    office.administration.take_back(LICENCE, OrderSerial(1), BY)
    assert complete(office, machine) == [OrderKind.NOTHING, OrderKind.UNLOCK]
    assert held_back(office) == [None, None]


@pytest.mark.parametrize(
    ("kind", "value", "capability"),
    [
        (OrderKind.FRANK_LIMIT, 50_000, Capability.LIMITS),
        (OrderKind.FUNDS_LIMIT, 0, Capability.LIMITS),
        (OrderKind.SLOGAN_OFF, 3, Capability.SLOGAN),
    ],
)
def test_an_order_with_a_value_needs_its_capability_too(
    office: Office,
    machine: PaperMachine,
    kind: OrderKind,
    value: int,
    capability: Capability,
) -> None:
    office.administration.order(LICENCE, kind, value, BY)
    machine.capabilities = EVERYTHING & ~capability
    assert complete(office, machine) == []
    machine.capabilities = int(capability)
    (given,) = office.inspect(machine).orders
    assert (given.order, given.value) == (kind, value)


def test_nothing_is_said_to_wait_before_a_machine_has_dialled(office: Office) -> None:
    office.administration.enrol(PaperMachine().provisioning, NEW, BY)
    order(office, tariff())
    assert held_back(office) == [None]


def test_the_confirmation_of_a_recharge_is_answered_with_the_orders_too(
    office: Office, machine: PaperMachine
) -> None:
    order(office, tariff())
    turn, answer = office.state(machine, RECHARGE, 100_000)
    machine.apply(answer.voucher)
    closed = office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    assert isinstance(closed, Closed)
    assert [one.order for one in closed.orders] == [OrderKind.TARIFF]


def test_an_order_that_waits_as_the_last_is_not_repeated_for_a_fleet(
    office: Office, machine: PaperMachine
) -> None:
    lock, unlock = OrderKind.LOCK, OrderKind.UNLOCK
    office.administration.order(LICENCE, lock, 1, BY, repeat=False)
    with pytest.raises(AlreadyWaitingError, match="order 1"):
        office.administration.order(LICENCE, lock, 1, BY, repeat=False)
    office.administration.order(LICENCE, unlock, 0, BY, repeat=False)
    assert office.administration.order(LICENCE, lock, 1, BY, repeat=False) == 3
    office.administration.take_back(LICENCE, OrderSerial(3), BY)
    assert office.administration.order(LICENCE, lock, 1, BY, repeat=False) == 4


@pytest.mark.parametrize(
    "state", [LicenceState.BLOCKED, LicenceState.WITHHELD, LicenceState.CANCELLED]
)
def test_a_receipt_tells_in_which_state_the_licence_is(
    office: Office, machine: PaperMachine, state: LicenceState
) -> None:
    """A machine franks no more once it has been told (DLG-4)."""
    assert dial(office, machine)[1].receipt.licence_state is LicenceState.REGISTERED
    office.administration.set_licence(LICENCE, BY, state=state)
    assert dial(office, machine)[1].receipt.licence_state is state
    _, answer = office.state(machine, RECHARGE, 100_000)
    assert isinstance(answer, Closed)
    assert answer.receipt.licence_state is state


def test_no_money_moves_whatever_is_ordered(
    office: Office, machine: PaperMachine
) -> None:
    dial(office, machine)
    before = rows(office, *MONEY)
    balances = office.balances()
    content_id = order(office, tariff(classes=20))
    order(office, key_update(2))
    for kind, value in (
        (OrderKind.FRANK_LIMIT, 50_000),
        (OrderKind.FUNDS_LIMIT, 1_000_000),
        (OrderKind.SLOGAN_OFF, 2),
    ):
        office.administration.order(LICENCE, kind, value, BY)
    office.administration.take_back(LICENCE, OrderSerial(3), BY)
    assert rows(office, *MONEY) == before
    turn, closed = dial(office, machine)
    fetched(office, turn, content_id)
    office.books.store_goodbye(turn, machine.take(closed), NOW)
    del before["signed_message"]
    assert rows(office, *before) == before
    assert office.balances() == balances


# Credit keys


def test_a_voucher_is_signed_by_the_newest_key_that_is_acknowledged(
    office: Office, machine: PaperMachine
) -> None:
    """KEY-8.5: not by one that is only ordered, nor by one that was only sent."""
    order(office, key_update(2))
    voucher = grant(office, machine, 100_000)
    assert credit_key_of(voucher) == 1
    machine.apply(voucher)
    _, closed = dial(office, machine)
    machine.take(closed)
    voucher = grant(office, machine, 100_000)
    assert credit_key_of(voucher) == 2
    machine.apply(voucher)
    complete(office, machine)
    assert office.findings() == []


def test_a_machine_that_does_not_know_the_new_key_gets_the_old_one(
    office: Office, machine: PaperMachine
) -> None:
    other = second(office)
    office.deposit(500_000, SECOND)
    order(office, key_update(3))
    complete(office, machine)
    assert credit_key_of(grant(office, machine, 100_000)) == 3
    assert credit_key_of(grant(office, other, 100_000)) == 1


def test_a_key_whose_order_was_taken_back_never_signs(
    office: Office, machine: PaperMachine
) -> None:
    order(office, key_update(2))
    dial(office, machine)
    office.administration.take_back(LICENCE, OrderSerial(1), BY)
    complete(office, machine)
    complete(office, machine)
    assert credit_key_of(grant(office, machine, 100_000)) == 1


def test_a_void_by_a_newer_key_is_proved_with_both(
    office: Office, machine: PaperMachine
) -> None:
    voucher = grant(office, machine, 100_000)
    order(office, key_update(2))
    with office.store.writing("the machine's word") as connection:
        orders.send(connection, LICENCE, 0, NOW, EVERYTHING)
        orders.acknowledge(connection, LICENCE, 1, NOW)
    machine.order_serial = OrderSerial(1)
    void = office.administration.void(LICENCE, BY)
    assert (credit_key_of(voucher), credit_key_of(void)) == (1, 2)
    machine.apply(void)
    complete(office, machine)
    with office.store.reading() as connection:
        files = collect(connection, LICENCE, 2)
    assert verify_evidence(files) == []
    assert b"void.der" in files["README.txt"]
    assert b"credit-key-void.pem -signature void.der" in files["README.txt"]
    swapped = {**files, "credit-key-void.pem": files["credit-key.pem"]}
    assert "void.octets" in {one.file for one in verify_evidence(swapped)}
    del swapped["credit-key-void.pem"]
    assert "void.octets" in {one.file for one in verify_evidence(swapped)}
    assert Voucher.decode(void).kind is VoucherKind.VOID
    assert office.findings() == []


def test_the_last_credit_key_is_not_retired(
    office: Office, machine: PaperMachine
) -> None:
    retire = OrderKind.RETIRE_CREDIT_KEY
    with pytest.raises(MoveRefusedError, match="last"):
        office.administration.order(LICENCE, retire, 1, BY)
    order(office, key_update(2))
    with pytest.raises(MoveRefusedError, match="last"):
        office.administration.order(LICENCE, retire, 1, BY)
    with pytest.raises(MoveRefusedError, match="it holds 1"):
        office.administration.order(LICENCE, retire, 2, BY)
    complete(office, machine)
    assert office.administration.order(LICENCE, retire, 1, BY) == 2
    with pytest.raises(MoveRefusedError, match="last"):
        office.administration.order(LICENCE, retire, 2, BY)


def test_a_key_is_not_retired_while_its_voucher_is_outstanding(
    office: Office, machine: PaperMachine
) -> None:
    """KEY-8.4: the stored octets are sent again as they are."""
    retire = OrderKind.RETIRE_CREDIT_KEY
    order(office, key_update(2))
    complete(office, machine)
    voucher = grant(office, machine, 100_000)
    assert credit_key_of(voucher) == 2
    with pytest.raises(MoveRefusedError, match="outstanding"):
        office.administration.order(LICENCE, retire, 2, BY)
    void = office.administration.void(LICENCE, BY)
    assert credit_key_of(void) == 2
    with pytest.raises(MoveRefusedError, match="outstanding"):
        office.administration.order(LICENCE, retire, 2, BY)
    machine.apply(void)
    complete(office, machine)
    office.administration.order(LICENCE, retire, 2, BY)
    assert credit_key_of(grant(office, machine, 100_000)) == 1


def test_a_key_whose_retirement_was_sent_signs_no_more_even_if_taken_back(
    office: Office, machine: PaperMachine
) -> None:
    retire = OrderKind.RETIRE_CREDIT_KEY
    order(office, key_update(2))
    complete(office, machine)
    office.administration.order(LICENCE, retire, 2, BY)
    office.administration.take_back(LICENCE, OrderSerial(2), BY)
    first = grant(office, machine, 100_000)
    assert credit_key_of(first) == 2
    machine.apply(first)
    complete(office, machine)
    office.administration.order(LICENCE, retire, 2, BY)
    dial(office, machine)
    office.administration.take_back(LICENCE, OrderSerial(3), BY)
    assert credit_key_of(grant(office, machine, 100_000)) == 1


def test_a_key_that_was_retired_may_be_ordered_again(
    office: Office, machine: PaperMachine
) -> None:
    order(office, key_update(2))
    complete(office, machine)
    office.administration.order(LICENCE, OrderKind.RETIRE_CREDIT_KEY, 2, BY)
    complete(office, machine)
    order(office, key_update(2))
    complete(office, machine)
    assert credit_key_of(grant(office, machine, 100_000)) == 2


def test_no_more_keys_are_ordered_than_a_psd_has_room_for(
    office: Office, machine: PaperMachine
) -> None:
    for key_id in (2, 3):
        order(office, key_update(key_id))
    complete(office, machine)
    complete(office, machine)
    order(office, key_update(4))
    with pytest.raises(MoveRefusedError, match="4 credit keys"):
        order(office, key_update(5))
    order(office, key_update(4))
    office.administration.order(LICENCE, OrderKind.RETIRE_CREDIT_KEY, 1, BY)
    order(office, key_update(5))
    kinds = complete(office, machine)
    assert kinds[-2:] == [OrderKind.RETIRE_CREDIT_KEY, OrderKind.CREDIT_KEY]


def test_a_machine_made_with_a_later_key_is_enrolled_with_it(office: Office) -> None:
    machine = PaperMachine()
    enrol = office.administration.enrol
    with pytest.raises(MoveRefusedError, match="credit key 9 is not held"):
        enrol(machine.provisioning, NEW, BY, 9)
    enrol(machine.provisioning, NEW, BY, 3)
    office.deposit(500_000)
    assert credit_key_of(grant(office, machine, 100_000)) == 3


def test_a_new_life_is_granted_by_a_key_that_its_psd_has_kept(
    office: Office, machine: PaperMachine
) -> None:
    order(office, key_update(2))
    order(office, key_update(3))
    complete(office, machine)
    complete(office, machine)
    office.administration.order(LICENCE, OrderKind.RETIRE_CREDIT_KEY, 1, BY)
    complete(office, machine)
    next_life = withdrawn(office, machine)
    enrol = office.administration.enrol
    with pytest.raises(MoveRefusedError, match="it holds 2, 3"):
        enrol(next_life.provisioning, NEW, BY, 1)
    enrol(next_life.provisioning, NEW, BY)
    office.deposit(500_000, SECOND)
    voucher = grant(office, next_life, 100_000)
    assert credit_key_of(voucher) == 3
    next_life.apply(voucher)
    complete(office, next_life)
    retire = OrderKind.RETIRE_CREDIT_KEY
    office.administration.order(SECOND, retire, 3, BY)
    complete(office, next_life)
    assert credit_key_of(grant(office, next_life, 100_000)) == 2


def withdrawn(office: Office, machine: PaperMachine) -> PaperMachine:
    """End the life of a machine, and give its PSD the next one."""
    left = machine.registers.descending_paise
    turn, delivered = office.state(machine, RequestKind.WITHDRAWAL, left)
    assert isinstance(delivered, Delivered)
    machine.apply(delivered.voucher)
    machine.state = MachineState.WITHDRAWN
    closed = office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    assert isinstance(closed, Closed)
    office.books.store_goodbye(turn, machine.take(closed), NOW)
    next_life = PaperMachine(
        SECOND, seed=b"next", registers=machine.registers, number=machine.number
    )
    next_life.capabilities = EVERYTHING
    return next_life
