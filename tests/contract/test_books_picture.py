"""What operators are told of the books, on both engines."""

import pytest

from protocol.messages import RefusalCode
from protocol.values import EpochSeconds
from rmfs_server.operations.books_picture import picture_of_books, picture_of_machines
from rmfs_server.operations.status import show_status
from tests.frozen_books import deliver, freeze
from tests.paper_machine import NOW, Office

LATER = EpochSeconds(NOW + 3 * 3600)


def test_books_without_a_machine_have_nothing_open(office: Office) -> None:
    told = picture_of_books(office.store, NOW)
    assert (told["recharges_open"], told["oldest_open_at"], told["frozen"]) == (
        0,
        None,
        0,
    )
    assert (told["exchange"]["went"], told["exchange"]["went_at"]) == (None, None)
    assert picture_of_machines(office.store) == {"licences": 0, "machines": 0}


def test_a_voucher_that_is_not_confirmed_is_open(office: Office) -> None:
    machine = office.enrolled(500_000, 100_000)
    assert picture_of_books(office.store, NOW)["recharges_open"] == 0
    deliver(office, machine, 100_000)
    told = picture_of_books(office.store, NOW)
    assert (told["recharges_open"], told["oldest_open_at"]) == (1, NOW)
    assert picture_of_machines(office.store) == {"licences": 1, "machines": 1}


def test_a_machine_with_a_discrepancy_is_frozen_once(office: Office) -> None:
    machine = office.enrolled(500_000, 100_000)
    code = freeze(office, machine, recharge_number=7)
    assert code is RefusalCode.NUMBER_AHEAD
    assert picture_of_books(office.store, NOW)["frozen"] == 1


@pytest.mark.parametrize("running", [True, False])
def test_a_person_is_told_the_same(office: Office, running: bool) -> None:
    deliver(office, office.enrolled(500_000, 100_000), 100_000)
    books = {**picture_of_machines(office.store), **picture_of_books(office.store, NOW)}
    process = {"name": "5f0c21", "worker": 2, "process": 4711}
    processes = [process] if running else []
    said = list(show_status({"processes": processes, "books": books}, LATER))
    assert said == [
        "worker 2   process 4711 DOES NOT ANSWER"
        if running
        else "not running on this computer",
        "books      1 machines of 1 licences, 0 frozen",
        "recharges  1 granted and not settled, the oldest for 3 hours",
        "exchange   no file has gone yet; 3 things to tell",
    ]
