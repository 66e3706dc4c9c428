"""The licence card and the certificate: forms of our own, which say so."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dop_gateway.jobs.model import Ending
from dop_gateway.licences import standing
from dop_gateway.licences.card import Card, read_card
from dop_gateway.licences.certificate import COPIES, OURS, write_certificate
from dop_gateway.licences.jobs import expire, remind, warn
from dop_gateway.licences.model import CommercialAs, LicenceKind
from dop_gateway.outbox.tables import message
from hw.clock import epoch_seconds
from protocol.errors import LocalProtocolError
from protocol.parameters import INDIA
from protocol.values import LicenceIdentifier, LicenceNumber
from tests.gateway_desk import new_gateway
from tests.licence_desk import LicenceDesk, licence_desk_at, licence_desk_in
from tests.witness.programs import needs

CARD = Card(LicenceIdentifier("N123456"), LicenceNumber("KN0600065"))
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[LicenceDesk]:
    with licence_desk_at(sqlite_url) as desk:
        yield desk


def test_a_card_holds_identifier_number_and_a_check_character() -> None:
    """RMFS-21: the card is scanned; what it holds is ours."""
    payload = CARD.payload
    assert payload[:-1] == "N123456KN0600065"
    assert read_card(payload) == CARD
    assert read_card(f" {payload.lower()}\n") == CARD


def test_a_card_with_one_wrong_character_is_found() -> None:
    payload = CARD.payload
    for place, right in enumerate(payload):
        for wrong in _ALPHABET:
            if wrong == right:
                continue
            with pytest.raises(LocalProtocolError, match="scan it again"):
                read_card(payload[:place] + wrong + payload[place + 1 :])


@pytest.mark.parametrize("told", ["", "N123456", "N123456KN060006é5", "-" * 17])
def test_what_is_no_card_is_refused(told: str) -> None:
    with pytest.raises(LocalProtocolError, match="licence card"):
        read_card(told)


def test_a_certificate_has_four_copies_and_says_whose_form_it_is(
    desk: LicenceDesk, tmp_path: Path
) -> None:
    issued = replace(
        desk.issue(),
        kind=LicenceKind.COMMERCIAL,
        commercial_as=CommercialAs.MAILING_AGENT,
    )
    octets = write_certificate(issued, desk.office, desk.division, desk.now)
    assert octets == write_certificate(issued, desk.office, desk.division, desk.now)
    tool = needs("pdftotext")
    path = tmp_path / "certificate.pdf"
    path.write_bytes(octets)
    text = subprocess.run(
        [tool, "-layout", "-enc", "UTF-8", path, "-"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    pages = text.rstrip("\f").split("\f")
    assert len(pages) == len(COPIES)
    for number, page in enumerate(pages, start=1):
        assert f"Copy {number} of 4" in page
        assert OURS in page
        for told in (
            *("N123456", "KN0600001", "Bharat Stationers", "16-11-2026"),
            *("15-11-2031", "Mailing agent", "KN06", desk.office.name),
        ):
            assert told in page


def test_hindi_on_a_certificate_is_drawn_in_glyphs_of_its_own_font(
    desk: LicenceDesk,
) -> None:
    issued = desk.issue()
    plain = replace(issued, holder=replace(issued.holder, name_hi=None))
    with_hindi = write_certificate(issued, desk.office, desk.division, desk.now)
    without = write_certificate(plain, desk.office, desk.division, desk.now)
    assert b"NotoSansDevanagari" in with_hindi
    assert len(with_hindi) > len(without)


def test_the_jobs_say_what_they_did(sqlite_url: str) -> None:
    gateway = new_gateway(sqlite_url)
    gateway.administrator()
    for job in (expire, warn, remind):
        outcome = job(gateway.parts, gateway.clock.now())
        assert outcome.ending is Ending.NOTHING_TO_DO


def test_what_is_over_expires_by_the_job_many_at_once(desk: LicenceDesk) -> None:
    issued = [desk.issue(f"N00000{number}") for number in range(3)]
    desk.today = issued[0].expires_on.replace(day=16)
    with desk.store.writing("test") as connection:
        assert standing.expire_due(connection, desk.today, desk.program, 2) == 2
        assert standing.expire_due(connection, desk.today, desk.program, 2) == 1


def test_a_licensee_is_told_once_that_a_licence_ends(sqlite_url: str) -> None:
    gateway = new_gateway(sqlite_url)
    desk = licence_desk_in(gateway.store)
    issued = desk.issue()
    day = issued.expires_on - timedelta(days=60)

    def remind_on(day: date) -> Ending:
        noon = datetime.combine(day, time(12), INDIA)
        return remind(gateway.parts, epoch_seconds(noon)).ending

    assert remind_on(day - timedelta(days=1)) is Ending.NOTHING_TO_DO
    assert remind_on(day) is Ending.DONE
    assert remind_on(day) is Ending.NOTHING_TO_DO
    with desk.store.reading() as connection:
        told = connection.execute(select(message.c.template, message.c.channel)).all()
    assert sorted(told) == [("licence-expiring", "MAIL"), ("licence-expiring", "SMS")]
