"""What makers tell of funds and of machines that did not fit is kept; both engines.

Source: RMFS-29, RMFS-33.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from dop_gateway.downloads import service as downloads
from dop_gateway.downloads import store as credits_store
from dop_gateway.downloads.model import DownloadState
from dop_gateway.exchange.model import RefusedLine
from dop_gateway.incidents import discrepancies, discrepancy_store
from dop_gateway.incidents import store as incidents
from dop_gateway.incidents.model import IncidentKind, IncidentState
from dop_gateway.incidents.store import Wanted
from dop_gateway.remaining import service, store
from protocol.exchange import ExchangeFile, Line
from tests.deposit_desk import N1, N2, DepositDesk, number_of
from tests.money_desk import BINDING, MakerFiles, SigningMachine, money_desk_at

RS = 100


@pytest.fixture
def opened(store_place: str) -> Iterator[tuple[DepositDesk, SigningMachine]]:
    """Open a Department whose licence has Rs 5,000 at the maker."""
    with money_desk_at(store_place) as (desk, machine):
        desk.deliver(5_000 * RS)
        yield desk, machine


def told(remaining: int, licence: str = N1, **changes: Any) -> dict[str, Any]:
    """Tell what a licence has left."""
    return {
        "licence": licence,
        "licence_number": number_of(N1 if licence == N1 else N2),
        "remaining_paise": remaining,
        "recharge_number": 0,
        "control_total_paise": None,
        **changes,
    }


def take(desk: DepositDesk, file: ExchangeFile) -> list[RefusedLine]:
    """Take a file of remaining funds."""
    with desk.store.writing("take") as connection:
        return service.apply(connection, file, "", desk.by())


def held(desk: DepositDesk) -> int:
    """Give what the licence has by its last snapshot."""
    with desk.store.reading() as connection:
        return store.last_of(connection, [N1])[N1].told.remaining_paise


def test_the_last_snapshot_counts_and_an_older_file_changes_nothing(
    opened: tuple[DepositDesk, SigningMachine],
) -> None:
    desk, _ = opened
    maker = MakerFiles(window=2)
    assert take(desk, maker.remaining(told(300))) == []
    assert held(desk) == 300
    maker.window = 3
    take(desk, maker.remaining(told(200)))
    maker.window = 1
    take(desk, maker.remaining(told(900)))
    assert held(desk) == 200


def test_lines_that_cannot_be_are_refused_each_by_its_reason(
    opened: tuple[DepositDesk, SigningMachine],
) -> None:
    desk, _ = opened
    refused = take(
        desk,
        MakerFiles().remaining(
            told(300),
            told(400),
            told(100, N2, licence_number="KN0699999"),
            told(100, "N999999"),
        ),
    )
    assert [(one.line_id, one.code) for one in refused] == [
        ("2", "RMN-10-003"),
        ("3", "RMN-10-002"),
        ("4", "RMN-10-001"),
    ]
    assert held(desk) == 300


def discrepancy(record: str, line_id: str, **values: Any) -> Line:
    """Write a line of a discrepancy file."""
    licence = {"licence": N1, "licence_number": number_of(N1)}
    return Line(record, {"line_id": line_id, **licence, **values})


def test_what_a_makers_server_found_is_an_incident_until_it_is_ended_there(
    opened: tuple[DepositDesk, SigningMachine],
) -> None:
    """RMFS-29: any discrepancy is reported, and the central resource looks into it."""
    desk, machine = opened
    maker = MakerFiles()
    found = {
        "number": 7,
        "code": "CONTROL_TOTAL_HISTORY",
        "found_at": maker.made_at,
        "recharge_number": 3,
        "control_total_paise": 2_000 * RS,
        "message": machine.statement(),
        "binding": BINDING,
    }
    file = maker.file("discrepancy", [discrepancy("found", "1", **found)])
    with desk.store.writing("take") as connection:
        assert discrepancies.apply(connection, file, desk.by()) == []
        assert discrepancies.apply(connection, file, desk.by()) == []
        (one,) = incidents.list_incidents(connection, Wanted())
        assert discrepancy_store.open_of(connection, [N1]) == {
            N1: ["discrepancy 7 of N: CONTROL_TOTAL_HISTORY"]
        }
    assert (one.kind, one.subject) == (IncidentKind.DISCREPANCY, "N:7")
    assert "it expected CT Rs 2,000.00; the end of recharge 3 is not known" in one.words
    ended = {
        "code": "CONTROL_TOTAL_HISTORY",
        "resolved_at": maker.made_at,
        "resolution": "ADOPT",
        "person": "Ravi",
        "second_person": "Meena",
        "words": "the memory was exchanged",
    }
    lines = [
        discrepancy("resolved", "1", number=7, **ended),
        discrepancy("resolved", "2", number=8, **ended),
    ]
    with desk.store.writing("take") as connection:
        refused = discrepancies.apply(
            connection, maker.file("discrepancy", lines), desk.by()
        )
        (one,) = incidents.list_incidents(connection, Wanted())
        assert discrepancy_store.open_of(connection, [N1]) == {}
    assert [(line.line_id, line.code) for line in refused] == [("2", "DSC-10-002")]
    assert one.state is IncidentState.ACTED
    assert one.action.startswith("Ravi and Meena at the maker: ADOPT")


def test_what_a_person_settled_moves_money_once_the_machine_stands_on_it(
    opened: tuple[DepositDesk, SigningMachine],
) -> None:
    desk, machine = opened
    maker = MakerFiles()
    settled = machine.recharge(2_000 * RS)
    line = discrepancy(
        "settled",
        "1",
        recharge_number=1,
        kind="RECHARGE",
        amount_paise=2_000 * RS,
        at=maker.made_at,
        voucher=settled.voucher,
    )
    with desk.store.writing("take") as connection:
        file = maker.file("discrepancy", [line])
        assert downloads.take_settled(connection, file, desk.by()) == []
        (kept,) = credits_store.held(connection, [N1])
    assert kept.state is DownloadState.UNPROVED
    assert desk.balances().machine == 0
    with desk.store.writing("take") as connection:
        file = maker.downloads(machine.recharge(500 * RS))
        assert downloads.apply(connection, file, "", desk.by()) == []
    assert desk.balances().machine == 2_500 * RS


def test_the_machines_own_word_for_what_a_person_settled_takes_its_place(
    opened: tuple[DepositDesk, SigningMachine],
) -> None:
    desk, machine = opened
    maker = MakerFiles()
    word = machine.recharge(2_000 * RS)
    line = discrepancy(
        "settled",
        "1",
        recharge_number=1,
        kind="RECHARGE",
        amount_paise=2_000 * RS,
        at=maker.made_at,
        voucher=word.voucher,
    )
    with desk.store.writing("take") as connection:
        settled = maker.file("discrepancy", [line])
        downloads.take_settled(connection, settled, desk.by())
        file = maker.downloads(word)
        assert downloads.apply(connection, file, "", desk.by()) == []
        assert credits_store.held(connection, [N1]) == []
    assert desk.balances().machine == 2_000 * RS
