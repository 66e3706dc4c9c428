"""Statements of mailing are captured where and when they may be, and follow each other.

The papers are printed by a real machine; what is wrong with them was typed wrong.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dop_gateway.errors import (
    InvalidError,
    NotAllowedError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.licences.model import LicenceKind
from dop_gateway.moves import IllegalMoveError, ObjectionError
from dop_gateway.posting import mailing, mailing_store
from dop_gateway.posting.model import Mailing, MailingState, parse_som_number
from protocol.errors import LocalProtocolError
from protocol.values import Paise
from tests.posting_desk import PostingDesk, posting_desk
from tests.witness.small_server import LICENCE


@pytest.fixture
def desk(store_place: str) -> Iterator[PostingDesk]:
    with posting_desk(store_place) as desk:
        yield desk


def wrong(desk: PostingDesk, **changes: Any) -> list[tuple[str, str]]:
    """Type the machine's next statement with a slip; gives what is told of it."""
    office = changes.pop("office", None)
    with pytest.raises(InvalidError) as refused:
        desk.capture(desk.typed(desk.mailing(), **changes), office=office)
    return [(one.pointer, one.code) for one in refused.value.findings]


def test_a_statement_is_captured_with_its_registers(desk: PostingDesk) -> None:
    desk.frank(3)
    kept = desk.handed_in()
    assert (kept.number, kept.running) == ("N123456-000001", 1)
    assert (kept.items, kept.amount_paise) == (3, 1_500)
    assert kept.closing_ascending_paise == 1_500
    assert kept.closing_descending_paise == 200_000 - 1_500
    assert kept.state is MailingState.CAPTURED
    with desk.store.reading() as connection:
        assert mailing_store.get(connection, kept.number) == kept


def test_each_begins_where_the_one_before_ended(desk: PostingDesk) -> None:
    desk.frank(1)
    first = desk.handed_in()
    desk.frank(2)
    second = desk.handed_in()
    assert second.opening_ascending_paise == first.closing_ascending_paise
    assert second.running == 2


def test_a_recharge_in_between_shows_in_the_control_total(desk: PostingDesk) -> None:
    desk.frank(1)
    desk.handed_in()
    desk.recharge(300_000)
    desk.frank(1)
    assert desk.handed_in().funds_change_paise == 300_000


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"number": "N123456-000000"}, ("/number", "unknown")),
        ({"number": "N999999-000001"}, ("/number", "unknown")),
        ({"number": "17"}, ("/number", "unknown")),
        ({"copies": 1}, ("/copies", "wrong_count")),
        ({"customer": "Badri & Co"}, ("/customer", "not_commercial")),
        ({"closing_ascending_paise": Paise(1_499)}, ("/lines", "not_the_sum")),
        ({"opening_ascending_paise": Paise(1)}, ("/lines", "not_the_sum")),
        (
            {"opening_descending_paise": Paise(1)},
            ("/opening_descending", "not_continuous"),
        ),
        ({"lines": ()}, ("/lines", "wrong_count")),
        ({"shortage_due_paise": Paise(500)}, ("/shortage_collected", "shortage")),
    ],
)
def test_what_was_typed_wrong_is_told_by_its_field(
    desk: PostingDesk, changes: dict[str, Any], told: tuple[str, str]
) -> None:
    desk.frank(1)
    assert told in wrong(desk, **changes)


def test_a_shortage_that_was_collected_is_noted(desk: PostingDesk) -> None:
    desk.frank(1)
    paise = Paise(700)
    kept = desk.handed_in(shortage_due_paise=paise, shortage_collected_paise=paise)
    assert kept.shortage_collected_paise == 700


def test_a_statement_that_is_left_out_is_missed(desk: PostingDesk) -> None:
    desk.frank(1)
    desk.handed_in()
    desk.frank(1)
    desk.mailing()
    desk.frank(1)
    told = wrong(desk)
    assert ("/number", "not_the_next") in told
    assert ("/opening_ascending", "not_continuous") in told


def test_the_same_statement_counts_once(desk: PostingDesk) -> None:
    desk.frank(1)
    printed = desk.typed(desk.mailing())
    desk.capture(printed)
    with pytest.raises(InvalidError, match="has to be captured"):
        desk.capture(printed)


def test_unregistered_mail_of_a_day_before_is_refused(desk: PostingDesk) -> None:
    """Domain notes 11; registered articles are accounted for one by one."""
    desk.frank(1)
    printed = desk.typed(desk.mailing())
    desk.bench.days_pass(1)
    with pytest.raises(InvalidError, match="day before are refused"):
        desk.capture(printed)
    registered = tuple(replace(line, is_registered=True) for line in printed.lines)
    assert desk.capture(replace(printed, lines=registered)).mail_dated < desk.today


def test_mail_with_a_date_to_come_waits_for_it(desk: PostingDesk) -> None:
    desk.frank(1)
    tomorrow = desk.today + timedelta(days=1)
    assert wrong(desk, mail_dated=tomorrow) == [("/mail_dated", "not_yet")]


def test_mail_is_handed_in_at_the_designated_office(desk: PostingDesk) -> None:
    desk.frank(1)
    printed = desk.typed(desk.mailing())
    with pytest.raises(InvalidError, match="handed in at Bengaluru GPO"):
        desk.capture(printed, "malini", desk.other)
    with pytest.raises(NotFoundError):
        desk.capture(printed, "malini")
    with pytest.raises(NotAllowedError):
        desk.capture(printed, "lata")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"state": "WITHHELD"}, "licence_out_of_force"),
        ({"state": "BLOCKED"}, "licence_out_of_force"),
        ({"machine_state": "LOCKED_OUT"}, "machine_out_of_service"),
    ],
)
def test_licence_and_machine_have_to_be_in_service(
    desk: PostingDesk, values: dict[str, str], code: str
) -> None:
    desk.frank(1)
    desk.change_licence(**values)
    assert wrong(desk) == [("/number", code)]


def test_the_paper_is_held_against_what_the_machine_signed(desk: PostingDesk) -> None:
    """A paper that states less than the machine's dial-ins was not printed by it."""
    desk.frank(2)
    desk.tell(desk.dial_in())
    printed = desk.typed(desk.mailing())
    (line,) = printed.lines
    less = replace(
        printed,
        closing_ascending_paise=Paise(500),
        lines=(replace(line, items=1, amount_paise=Paise(500)),),
    )
    with pytest.raises(InvalidError, match="look at the paper again"):
        desk.capture(less)
    desk.capture(printed)


def test_customers_of_a_commercial_licensee_have_a_statement_each(
    store_place: str,
) -> None:
    with posting_desk(store_place, kind=LicenceKind.COMMERCIAL) as desk:
        desk.frank(3)
        whole = desk.typed(desk.mailing())
        (line,) = whole.lines

        def part(running: int, items: int, customer: str) -> Mailing:
            lines = (replace(line, items=items, amount_paise=Paise(500 * items)),)
            number = f"{LICENCE}-{running:06d}"
            return desk.capture(
                replace(whole, number=number, lines=lines, customer=customer)
            )

        first = part(1, 2, "Badri & Co")
        with pytest.raises(InvalidError, match=r"of which Rs 10\.00 are stated"):
            part(2, 2, "Chitra")
        second = part(2, 1, "Chitra")
        assert first.closing_ascending_paise == second.closing_ascending_paise
        with pytest.raises(InvalidError):
            part(3, 1, "Deepa")


def test_somebody_else_voids_what_was_typed_wrong(desk: PostingDesk) -> None:
    """GW-03: the clerk who captured it does not also take it back."""
    desk.frank(1)
    printed = desk.typed(desk.mailing())
    kept = desk.capture(printed, "prakash")

    def void(login: str) -> Mailing:
        with desk.store.writing("test") as connection:
            return mailing.void(connection, kept.number, desk.by(login))

    with pytest.raises(SamePersonError):
        void("prakash")
    with pytest.raises(NotAllowedError):
        void("meena")
    with pytest.raises(NotFoundError):
        void("malini")
    assert void("padma").state is MailingState.VOIDED
    with pytest.raises(IllegalMoveError):
        void("padma")
    assert desk.capture(printed).running == 1


def test_a_statement_on_which_another_rests_is_not_voided(desk: PostingDesk) -> None:
    desk.frank(1)
    first = desk.handed_in()
    desk.frank(1)
    desk.handed_in()
    with (
        pytest.raises(ObjectionError, match="N123456-000002 was captured after it"),
        desk.store.writing("test") as connection,
    ):
        mailing.void(connection, first.number, desk.by("padma"))


@pytest.mark.parametrize(
    "text", ["", "N123456", "n123456-000001", "N123456-000000", "N123456-0000001"]
)
def test_only_what_our_machines_print_is_a_number(text: str) -> None:
    with pytest.raises(LocalProtocolError):
        parse_som_number(text)
