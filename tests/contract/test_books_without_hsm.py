"""Books whose credit key is in an HSM that is away: only who needs it is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from hw.entropy import SeededEntropy
from hw.hsm import HsmError, HsmPlace, HsmSigner
from protocol.dialogue.server import Closed, Delivered
from protocol.keys import CreditKey, Realm, SigningKey
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier
from rmfs_server.books import Books
from tests.contract.test_group_commit import desk_at, machines_of
from tests.hsm import CREDIT_ID, a_token, hsm_at
from tests.paper_machine import NOW, Office, PaperMachine

RECHARGE = (RequestKind.RECHARGE, 100_000)


@pytest.fixture
def place(tmp_path: Path, office: Office) -> HsmPlace:
    """Give a token with the credit key that the machines of the office know."""
    place = a_token(tmp_path / "token")
    key = office.credit_key.signing
    assert isinstance(key, SigningKey)
    hsm_at(place).take_key(CREDIT_ID, "credit", key.scalar, key.public.point)
    return place


def books_by(office: Office, place: HsmPlace) -> Books:
    public = office.credit_key.signing.public
    signer = HsmSigner(hsm_at(place), CREDIT_ID, public)
    key = CreditKey(1, Realm.TEST, signer)
    return Books(office.store, key, SeededEntropy(b"marks"))


def balances(office: Office, machine: PaperMachine) -> tuple[int, int, int]:
    return office.balances(LicenceIdentifier(machine.licence))


def test_a_machine_is_recharged_by_a_key_in_an_hsm(
    office: Office, place: HsmPlace
) -> None:
    (machine,) = machines_of(office, 1)
    office.books = books_by(office, place)
    office.recharge(machine, 100_000)
    assert balances(office, machine) == (900_000, 0, 100_000)


def test_only_who_needs_a_signature_is_refused(office: Office, place: HsmPlace) -> None:
    first, second, third = machines_of(office, 3)
    away = books_by(office, replace(place, token="away"))
    with desk_at(away) as desk:
        desk.hold()
        desk.ask(away.about_statement(*first.state_registers(*RECHARGE), NOW))
        desk.ask(away.about_statement(*second.state_registers(), NOW))
        desk.ask(away.about_statement(*third.state_registers(*RECHARGE), NOW))
        answers = desk.let_go(3)
    assert [how for how, _ in answers] == ["failed", "done", "failed"]
    assert isinstance(answers[0][1], HsmError)
    assert isinstance(answers[1][1][1], Closed)
    assert isinstance(answers[2][1], HsmError)
    # Nothing was reserved, and nothing is outstanding.
    assert balances(office, first) == (1_000_000, 0, 0)


def test_a_machine_that_was_refused_is_recharged_once_when_the_hsm_is_back(
    office: Office, place: HsmPlace
) -> None:
    (machine,) = machines_of(office, 1)
    away = books_by(office, replace(place, token="away"))
    for _ in range(2):
        with pytest.raises(HsmError):
            away.judge_statement(*machine.state_registers(*RECHARGE), NOW)
    office.books = books_by(office, place)
    office.recharge(machine, 100_000)
    assert balances(office, machine) == (900_000, 0, 100_000)
    assert machine.number == 1


def test_a_voucher_that_is_outstanding_is_sent_again_without_the_hsm(
    office: Office, place: HsmPlace
) -> None:
    (machine,) = machines_of(office, 1)
    there = books_by(office, place)
    _, given = there.judge_statement(*machine.state_registers(*RECHARGE), NOW)  # type: ignore[misc]
    assert isinstance(given, Delivered)
    away = books_by(office, replace(place, token="away"))
    _, again = away.judge_statement(*machine.state_registers(*RECHARGE), NOW)  # type: ignore[misc]
    assert again == given
    machine.apply(given.voucher)
    assert machine.number == 1
