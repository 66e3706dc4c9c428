"""A scanned frank is held against all that the Department knows; nothing crashes it."""

import base64
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from dop_gateway.franks.model import FrankVerdict, Purpose
from dop_gateway.franks.tables import seen_frank
from dop_gateway.franks.verifying import read_scan, verify
from dop_gateway.incidents.tables import incident
from protocol.indicium import INDICIUM_OCTETS, PrintedFacts, decode_indicium
from protocol.values import Paise
from tests.posting_desk import PostingDesk, posting_desk


@pytest.fixture
def desk(store_place: str) -> Iterator[PostingDesk]:
    with posting_desk(store_place) as desk:
        yield desk


@pytest.fixture
def one_desk(sqlite_url: str) -> Iterator[PostingDesk]:
    with posting_desk(sqlite_url) as desk:
        yield desk


def scanned(
    desk: PostingDesk,
    scan: bytes | str,
    *,
    purpose: Purpose = Purpose.MAIL,
    printed: PrintedFacts | None = None,
    elsewhere: bool = False,
    is_registered: bool = False,
) -> FrankVerdict:
    with desk.store.writing("test") as connection:
        return verify(
            connection,
            scan,
            desk.other if elsewhere else desk.office,
            desk.today,
            desk.by("meena"),
            purpose=purpose,
            printed=printed,
            is_registered=is_registered,
        )


def names(verdict: FrankVerdict) -> list[str]:
    return [one.name for one in verdict.findings]


def test_a_frank_of_today_at_its_office_is_genuine(desk: PostingDesk) -> None:
    (octets,) = desk.frank()
    verdict = scanned(desk, octets)
    assert verdict.is_genuine, verdict.findings
    assert (verdict.code, verdict.name) == ("IND-20-000", "GENUINE")
    assert verdict.is_believed
    assert verdict.signed is not None
    assert verdict.signed.indicium.value_paise == 500


def test_hex_and_base64_of_a_scanner_are_read(desk: PostingDesk) -> None:
    first, second = desk.frank(2)
    assert scanned(desk, f" {first.hex().upper()}\n").is_genuine
    assert scanned(desk, base64.b64encode(second).decode()).is_genuine


def test_the_same_frank_is_taken_once(desk: PostingDesk) -> None:
    (octets,) = desk.frank()
    assert scanned(desk, octets, purpose=Purpose.CHECK).is_genuine
    assert scanned(desk, octets).is_genuine
    again = scanned(desk, octets)
    assert names(again) == ["COPIED"]
    assert again.before is not None
    with desk.store.reading() as connection:
        count = connection.execute(
            select(func.count()).select_from(seen_frank)
        ).scalar_one()
    assert count == 1


def test_what_the_machine_did_not_sign_is_forged_and_not_remembered(
    desk: PostingDesk,
) -> None:
    (octets,) = desk.frank()
    # The last octet of the value: Rs 5.00 becomes more.
    changed = octets[:36] + bytes((octets[36] ^ 0x40,)) + octets[37:]
    assert changed != octets
    verdict = scanned(desk, changed)
    assert not verdict.is_genuine
    assert not verdict.is_believed
    assert scanned(desk, octets).is_genuine


def test_what_is_printed_beside_it_must_be_what_it_says(desk: PostingDesk) -> None:
    (octets,) = desk.frank()
    verdict = scanned(desk, octets, printed=PrintedFacts(value_paise=Paise(2_500)))
    assert names(verdict) == ["ALTERED"]


def test_mail_of_yesterday_is_refused_unless_it_is_registered(
    desk: PostingDesk,
) -> None:
    """Domain notes 11: unregistered articles with a previous date are refused."""
    first, second = desk.frank(2)
    desk.bench.days_pass(1)
    assert names(scanned(desk, first)) == ["STALE"]
    assert scanned(desk, second, is_registered=True).is_genuine


def test_mail_is_handed_in_at_the_designated_office(desk: PostingDesk) -> None:
    (octets,) = desk.frank()
    verdict = scanned(desk, octets, elsewhere=True)
    assert names(verdict) == ["WRONG_OFFICE"]
    assert "Bengaluru GPO" in verdict.findings[0].detail


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"state": "BLOCKED"}, "LICENCE_OUT_OF_FORCE"),
        ({"state": "WITHHELD"}, "LICENCE_OUT_OF_FORCE"),
        ({"machine_state": "WITHDRAWN"}, "MACHINE_OUT_OF_SERVICE"),
        ({"machine_state": "FAULT"}, "MACHINE_OUT_OF_SERVICE"),
    ],
)
def test_licence_and_machine_have_to_be_in_service(
    desk: PostingDesk, values: dict[str, str], found: str
) -> None:
    (octets,) = desk.frank()
    desk.change_licence(**values)
    assert names(scanned(desk, octets)) == [found]


def test_a_frank_after_the_last_day_of_the_licence_is_told(store_place: str) -> None:
    with posting_desk(store_place, valid_days=1) as desk:
        desk.bench.days_pass(1)
        (last,) = desk.frank()
        assert scanned(desk, last).is_genuine
        desk.bench.days_pass(1)
        (late,) = desk.frank()
        assert names(scanned(desk, late)) == ["LICENCE_OUT_OF_FORCE"]


def test_a_machine_set_to_another_pin_code_is_told(desk: PostingDesk) -> None:
    (octets,) = desk.frank()
    desk.change_licence(office=desk.other)
    assert names(scanned(desk, octets, elsewhere=True)) == ["WRONG_PIN_CODE"]


def test_a_memory_that_was_put_back_is_found_by_two_franks(desk: PostingDesk) -> None:
    memory = desk.memory()
    (first,) = desk.frank(grams=18)
    desk.put_back(memory)
    (second,) = desk.frank(grams=40)
    assert scanned(desk, first).is_genuine
    twin = scanned(desk, second)
    assert names(twin) == ["CLONED"]
    with desk.store.reading() as connection:
        kinds = connection.execute(select(incident.c.kind)).scalars().all()
    assert kinds == ["REGISTERS_DISAGREE"]


def test_a_memory_that_was_put_back_is_found_by_a_dial_in(desk: PostingDesk) -> None:
    """No second frank is needed: the machine has signed its registers to its maker."""
    memory = desk.memory()
    desk.frank(3, grams=18)
    desk.tell(desk.dial_in())
    desk.put_back(memory)
    _, _, third = desk.frank(3, grams=40)
    verdict = scanned(desk, third)
    assert names(verdict) == ["AGAINST_DIAL_IN"]
    assert verdict.code == "FRK-20-002"


def test_franks_around_dial_ins_and_recharges_fit(desk: PostingDesk) -> None:
    franks = desk.frank(2)
    told = [desk.dial_in()]
    franks += desk.frank(1, grams=40)
    desk.recharge()
    franks += desk.frank(2)
    told.append(desk.dial_in())
    desk.tell(*told)
    for octets in reversed(franks):
        assert scanned(desk, octets).is_genuine


def test_a_machine_that_nobody_knows_is_unknown(desk: PostingDesk) -> None:
    (octets,) = desk.frank()
    stranger = octets[:4] + bytes((octets[4] ^ 1,)) + octets[5:]
    assert names(scanned(desk, stranger)) == ["UNKNOWN_MACHINE"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(min_size=INDICIUM_OCTETS, max_size=INDICIUM_OCTETS),
        st.text(max_size=300),
        st.binary(max_size=120).map(bytes.hex),
    )
)
def test_no_octets_and_no_text_crash_it(
    one_desk: PostingDesk, scan: bytes | str
) -> None:
    verdict = scanned(one_desk, scan)
    assert verdict.findings
    assert all(one.code and one.detail and one.advice for one in verdict.findings)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, INDICIUM_OCTETS - 1), octet=st.integers(1, 255))
def test_no_octet_of_a_frank_can_be_changed(
    one_desk: PostingDesk, place: int, octet: int
) -> None:
    if not one_desk.files:
        one_desk.kept = one_desk.frank()
        one_desk.files = 1
    (octets,) = one_desk.kept
    changed = octets[:place] + bytes((octets[place] ^ octet,)) + octets[place + 1 :]
    verdict = scanned(one_desk, changed, purpose=Purpose.CHECK)
    assert not verdict.is_believed


def test_the_text_of_a_scanner_is_bounded() -> None:
    assert read_scan("41" * 1_000_000) != b""
    assert read_scan("no such thing!") == b""


def test_a_frank_says_what_it_said_when_it_was_made(desk: PostingDesk) -> None:
    (octets,) = desk.frank()
    verdict = scanned(desk, octets)
    assert verdict.signed == decode_indicium(octets)
    assert replace(verdict, findings=()).is_genuine
