"""Usage is believed for what machines signed, whatever their makers tell."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from dop_gateway import ledger
from dop_gateway.incidents.tables import incident
from dop_gateway.ledger import AccountKind
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import MachineState
from dop_gateway.usage import service, store
from dop_gateway.usage.judging import read_statement
from dop_gateway.usage.tables import usage_dial_in, usage_product
from protocol.messages import UsageRow
from protocol.values import Paise
from tests.machines import LETTER, SPEED_POST
from tests.posting_desk import DialInTold, PostingDesk, posting_desk
from tests.witness.small_server import LICENCE


@pytest.fixture
def desk(store_place: str) -> Iterator[PostingDesk]:
    with posting_desk(store_place) as desk:
        yield desk
        with desk.store.reading() as connection:
            assert list(ledger.verify(connection)) == []


def in_machine(desk: PostingDesk) -> int:
    with desk.store.reading() as connection:
        return ledger.balances(connection, LICENCE).machine


def new_products(desk: PostingDesk) -> list[tuple[int, int, int, int]]:
    """Give dial-in, class, new items and new postage of all that was taken."""
    product, dial_in = usage_product.c, usage_dial_in.c
    with desk.store.reading() as connection:
        rows = connection.execute(
            select(
                dial_in.number,
                product.product_class,
                product.new_items,
                product.new_paise,
            )
            .select_from(usage_product.join(usage_dial_in))
            .order_by(dial_in.number, product.product_class)
        )
        return [tuple(row) for row in rows]


def incidents(desk: PostingDesk) -> list[str]:
    with desk.store.reading() as connection:
        return list(connection.execute(select(incident.c.kind)).scalars())


def test_what_a_machine_franked_goes_from_machine_to_postage_once(
    desk: PostingDesk,
) -> None:
    """RMFS-33: a usage file tells of it; the machine has signed every word."""
    desk.frank(3)
    told = desk.dial_in()
    desk.tell(told)
    assert in_machine(desk) == 200_000 - 1_500 == told.descending_paise
    desk.tell(told)
    assert in_machine(desk) == 200_000 - 1_500
    assert new_products(desk) == [(told.number, LETTER, 3, 1_500)]


def test_usage_is_told_by_machine_day_and_class(desk: PostingDesk) -> None:
    desk.frank(2)
    first = desk.dial_in()
    desk.bench.days_pass(1)
    desk.bench.machine.look()
    desk.frank(1)
    desk.bench.machine.franking.choose_class(SPEED_POST)
    second = desk.dial_in()
    desk.tell(first, second)
    assert new_products(desk) == [
        (first.number, LETTER, 2, 1_000),
        (second.number, LETTER, 1, 500),
    ]


def test_dial_ins_may_come_in_any_order(desk: PostingDesk) -> None:
    told: list[DialInTold] = []
    for _ in range(3):
        desk.frank(1)
        told.append(desk.dial_in())
    desk.tell(told[2])
    desk.tell(told[0])
    desk.tell(told[1])
    assert [row[2:] for row in new_products(desk)] == [(1, 500)] * 3
    assert in_machine(desk) == 200_000 - 1_500


def test_a_dial_in_that_broke_before_its_usage_tells_registers_only(
    desk: PostingDesk,
) -> None:
    desk.frank(2)
    broken = desk.dial_in(with_usage=False)
    desk.tell(broken)
    assert in_machine(desk) == 200_000 - 1_000
    assert new_products(desk) == []
    whole = desk.dial_in()
    desk.tell(whole)
    assert new_products(desk) == [(whole.number, LETTER, 2, 1_000)]


def test_usage_before_its_credit_waits_for_it(desk: PostingDesk) -> None:
    """A maker that reports usage and no credit leaves a rest that is not lost."""
    desk.frank(1)
    desk.dial_in()
    with desk.store.writing("test") as connection:
        taken = ledger.movements.withdrawn(LICENCE, 200_000, "test:out", "a test")
        ledger.post(connection, taken, desk.by("gateway"))
    desk.tell(desk.dial_in())
    assert in_machine(desk) == 0
    desk.credited(200_000)
    with desk.store.writing("test") as connection:
        assert service.post_used(connection, LICENCE, desk.by("gateway")) == 0
    assert in_machine(desk) == 200_000 - 500


def changed(octets: bytes, place: int) -> bytes:
    return octets[:place] + bytes((octets[place] ^ 1,)) + octets[place + 1 :]


ALTERED: list[tuple[str, str, str]] = [
    ("ascending_paise", "USG-20-007", "USAGE_NOT_SIGNED"),
    ("descending_paise", "USG-20-007", "USAGE_NOT_SIGNED"),
    ("control_total_paise", "USG-20-007", "USAGE_NOT_SIGNED"),
    ("items", "USG-20-007", "USAGE_NOT_SIGNED"),
    ("number", "USG-20-007", "USAGE_NOT_SIGNED"),
    ("binding", "USG-20-006", "USAGE_NOT_SIGNED"),
    ("statement", "USG-20-006", "USAGE_NOT_SIGNED"),
]


@pytest.mark.parametrize(("field", "code", "kind"), ALTERED)
def test_what_no_machine_signed_is_refused_and_becomes_an_incident(
    desk: PostingDesk, field: str, code: str, kind: str
) -> None:
    desk.frank(2)
    told = desk.dial_in()
    value: Any = getattr(told, field)
    other: Any = changed(value, 20) if isinstance(value, bytes) else value + 1
    changes: dict[str, Any] = {field: other}
    lie = replace(told, **changes)
    (refused,) = desk.take(desk.usage_file(lie))
    assert refused.code == code, refused.words
    assert incidents(desk) == [kind]
    assert in_machine(desk) == 200_000
    assert new_products(desk) == []
    desk.tell(told)
    assert in_machine(desk) == 200_000 - 1_000


def test_products_that_the_machine_did_not_sign_are_refused(desk: PostingDesk) -> None:
    desk.frank(2)
    told = desk.dial_in()
    lies = (
        (UsageRow(LETTER, 3, Paise(1_000)),),
        (UsageRow(LETTER, 2, Paise(999)),),
        (UsageRow(SPEED_POST, 2, Paise(1_000)),),
        (*told.products, UsageRow(SPEED_POST, 1, Paise(1))),
        (*told.products, *told.products),
    )
    for products in lies:
        (refused,) = desk.take(desk.usage_file(replace(told, products=products)))
        assert refused.code == "USG-20-009", refused.words
    assert new_products(desk) == []


def test_a_dial_in_is_told_with_one_statement_only(desk: PostingDesk) -> None:
    """A machine whose memory was put back dials in again with the same number."""
    memory = desk.memory()
    desk.frank(2)
    first = desk.dial_in()
    desk.tell(first)
    desk.put_back(memory)
    again = desk.dial_in()
    assert again.number == first.number
    (refused,) = desk.take(desk.usage_file(again))
    assert refused.code == "USG-20-012"
    assert incidents(desk) == ["REGISTERS_DISAGREE"]


def test_registers_that_went_back_are_refused(desk: PostingDesk) -> None:
    memory = desk.memory()
    desk.frank(2)
    desk.tell(desk.dial_in())
    desk.put_back(memory)
    desk.dial_in()
    lower = desk.dial_in()
    (refused,) = desk.take(desk.usage_file(lower))
    assert refused.code == "USG-20-011"


def test_a_licence_of_another_maker_or_number_is_refused(desk: PostingDesk) -> None:
    desk.frank(1)
    told = desk.dial_in()
    for changes, code in (
        ({"licence": "N999999"}, "USG-20-001"),
        ({"licence_number": "KN0600066"}, "USG-20-002"),
    ):
        (refused,) = desk.take(desk.usage_file(told, **changes))
        assert refused.code == code
    file = desk.usage_file(told)
    foreign = replace(file, header={**file.header, "sender": "P"})
    assert [one.code for one in desk.take(foreign)] == ["USG-20-001"]


def test_octets_of_nothing_are_refused(desk: PostingDesk) -> None:
    told = desk.dial_in()
    for octets in (b"\x00", b"\x10", told.statement[:-1], b"\x40" * 160):
        (refused,) = desk.take(desk.usage_file(replace(told, statement=octets)))
        assert refused.code == "USG-20-004"


def test_the_last_dial_in_is_found_around_a_moment(desk: PostingDesk) -> None:
    desk.frank(1)
    first = desk.dial_in()
    desk.bench.days_pass(1)
    desk.frank(1)
    second = desk.dial_in()
    desk.tell(first, second)
    with desk.store.reading() as connection:
        before = store.before_moment(connection, LICENCE, first.at)
        after = store.after_moment(connection, LICENCE, first.at)
        last = store.last(connection, LICENCE)
    assert before is not None
    assert after is not None
    assert (before.number, after.number) == (first.number, second.number)
    assert last == after


def test_the_books_name_the_account_that_usage_leaves(desk: PostingDesk) -> None:
    desk.frank(1)
    desk.tell(desk.dial_in())
    with desk.store.reading() as connection:
        moved = ledger.sums_by_kind(connection, AccountKind.MACHINE, [LICENCE])
    assert moved[LICENCE, ledger.JournalKind.USED] == -500


def machine_state(desk: PostingDesk) -> MachineState:
    with desk.store.reading() as connection:
        return licences.get(connection, LICENCE).machine_state


def test_a_machine_is_where_its_newest_dial_in_says(desk: PostingDesk) -> None:
    desk.change_licence(machine_state="UNINSTALLED")
    older = desk.dial_in()
    newer = desk.dial_in()
    desk.tell(newer)
    assert machine_state(desk) is MachineState.IN_SERVICE
    desk.change_licence(machine_state="LOCKED_OUT")
    desk.tell(older)
    assert machine_state(desk) is MachineState.LOCKED_OUT
    desk.tell(desk.dial_in())
    assert machine_state(desk) is MachineState.IN_SERVICE


def test_a_machine_that_was_silent_is_freed_by_its_call(desk: PostingDesk) -> None:
    desk.change_licence(machine_state="BLOCKED")
    desk.bench.days_pass(31)
    desk.bench.machine.look()
    desk.tell(desk.dial_in())
    assert machine_state(desk) is MachineState.IN_SERVICE


def test_a_machine_that_was_withdrawn_and_serves_is_an_incident(
    desk: PostingDesk,
) -> None:
    desk.change_licence(machine_state="WITHDRAWN")
    desk.tell(desk.dial_in())
    assert machine_state(desk) is MachineState.WITHDRAWN
    assert incidents(desk) == ["REGISTERS_DISAGREE"]


def test_a_cancelled_machine_still_tells_its_registers(desk: PostingDesk) -> None:
    desk.frank(1)
    desk.cancel_licence()
    desk.tell(desk.dial_in())
    assert machine_state(desk) is MachineState.CANCELLED
    assert in_machine(desk) == 200_000 - 500


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=512),
        st.binary(min_size=159, max_size=159).map(lambda rest: b"\x10" + rest),
    )
)
def test_no_octets_of_a_maker_crash_the_reading(octets: bytes) -> None:
    message = read_statement(octets)
    assert message is None or message.encode() == octets


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_files_in_any_order_come_to_the_same(
    sqlite_url: str, order: tuple[int, ...]
) -> None:
    """Broken calls, classes that begin late, recharges: the order never matters."""
    with posting_desk(sqlite_url) as desk:
        desk.frank(1)
        told = [desk.dial_in()]
        desk.frank(2)
        told.append(desk.dial_in(with_usage=False))
        desk.franked_worth(30_000)
        told.append(desk.dial_in())
        for one in order:
            desk.tell(told[one])
        assert new_products(desk) == [
            (told[0].number, LETTER, 1, 500),
            (told[2].number, LETTER, 3, 31_000),
        ]
        assert in_machine(desk) == told[2].descending_paise
