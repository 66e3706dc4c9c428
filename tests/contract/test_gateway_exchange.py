"""Files go to makers in windows and come back answered, on both engines."""

import json
from datetime import date

import pytest
from sqlalchemy import select, text

from dop_gateway.audit import trail
from dop_gateway.audit.tables import audit
from dop_gateway.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    TooManyError,
)
from dop_gateway.exchange import applying, file_store, jobs, parties, received
from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.model import FileState, PartyKey, PartyState
from dop_gateway.exchange.received import Brought, Verdict
from dop_gateway.incidents import store as incidents
from dop_gateway.incidents.model import IncidentKind, IncidentState
from dop_gateway.incidents.tables import incident
from dop_gateway.jobs.model import Ending
from dop_gateway.parameters import service as parameters
from hw.database import Store
from protocol.errors import InvariantError
from protocol.exchange import check_signature, content_hash, sign_file
from protocol.keys import Realm, SigningKey
from tests.gateway_desk import OURS, Gateway, new_gateway
from tests.gateway_exchange import (
    MONDAY,
    SOURCES,
    Maker,
    add_tables,
    at,
    balance,
    by,
    let_wait,
    register,
    rows,
    told,
)

FOUR = ["license-issue", "license-modification", "fund", "acknowledgement"]


@pytest.fixture
def gateway(store_place: str) -> Gateway:
    """Give a gateway on Monday, the 16th of November, at 09:00."""
    made = new_gateway(store_place)
    add_tables(made)
    return made


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def drop(gateway: Gateway, maker: Maker) -> Drop:
    return register(gateway, maker)


def make(gateway: Gateway, day: int = 16, hour: int = 9, minute: int = 30) -> None:
    moment = at(gateway, day, hour, minute)
    assert jobs.make(gateway.parts, moment, SOURCES).ending is Ending.DONE


def check(gateway: Gateway, day: int = 16, hour: int = 10, minute: int = 0) -> str:
    moment = at(gateway, day, hour, minute)
    return jobs.check(gateway.parts, moment, SOURCES).words


def take_all(drop: Drop) -> dict[str, bytes]:
    return {name: drop.read(name) for name in drop.names()}


def found(gateway: Gateway, kind: IncidentKind) -> list[tuple[str, IncidentState]]:
    with gateway.store.reading() as connection:
        rows = connection.execute(
            select(incident.c.subject, incident.c.state)
            .where(incident.c.kind == kind.name)
            .order_by(incident.c.id)
        ).all()
    return [(row.subject, IncidentState[row.state]) for row in rows]


def states(store: Store) -> list[tuple[str, FileState]]:
    with store.reading() as connection:
        numbers = connection.execute(text("SELECT id FROM exchange_file ORDER BY id"))
        files = [file_store.get(connection, one) for one in numbers.scalars()]
    return [(one.name.rsplit(".", 1)[0], one.state) for one in files]


def answer_of(maker: Maker, drop: Drop) -> dict[str, tuple[str, str | None]]:
    """Read all acknowledgements that lie in a drop: verdict and code by file name."""
    told = {}
    for name in drop.names():
        if name.startswith("acknowledgement-"):
            for line in maker.read(name, drop.read(name)).lines:
                if line.record == "file":
                    values = line.values
                    told[str(values["file_name"])] = (
                        str(values["verdict"]),
                        values["code"],
                    )
    return told  # type: ignore[return-value]


def test_a_window_makes_four_files_for_each_maker_empty_ones_too(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    other = Maker("P", SigningKey((12).to_bytes(32, "big")), "oem-p-1")
    others = register(gateway, other, "maker-p")
    make(gateway)
    for one, theirs in ((maker, drop), (other, others)):
        files = take_all(theirs)
        read = [one.read(name, octets) for name, octets in files.items()]
        assert [file.layout.name for file in read] == FOUR
        for file in read:
            header = file.header
            assert (header["sender"], header["receiver"]) == ("DCR", one.letter)
            assert (header["sequence"], header["window"]) == (1, 1)
            assert header["business_date"] == MONDAY
            assert not file.lines
    keys = {"dop-1": OURS.key.public}
    signed = [check_signature(one, keys, Realm.TEST) for one in files.values()]
    assert {type(one).__name__ for one in signed} == {"Signed"}


def test_the_same_window_made_again_is_the_same_files(
    gateway: Gateway, drop: Drop
) -> None:
    let_wait(gateway, 1, 2)
    make(gateway)
    first = {name: drop.open(name)[1] for name in drop.names()}
    let_wait(gateway, 3)
    make(gateway)
    again = {name: drop.open(name)[1] for name in drop.names()}
    assert again == first
    make(gateway, hour=13)
    assert len(drop.names()) == 2 * len(FOUR)
    assert rows(gateway, "SELECT id, file_id FROM told ORDER BY id") == [
        (1, "FND-N-000001"),
        (2, "FND-N-000001"),
        (3, "FND-N-000002"),
    ]


def test_a_file_that_was_read_lies_there_until_it_is_acknowledged(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    let_wait(gateway, 1, 2)
    make(gateway)
    files = take_all(drop)
    assert [state for _, state in states(gateway.store)] == [FileState.TAKEN] * 4
    # A maker that crashed while it read has them again.
    assert take_all(drop) == files
    drop.take(*maker.acknowledgement(files, {"fund-FND-N-000001.txt": ["2"]}))
    assert rows(gateway, "SELECT id, answers, code FROM told ORDER BY id") == [
        (1, 1, None),
        (2, 1, "OEM-01-001"),
    ]
    assert drop.names() == []
    assert dict(states(gateway.store))["fund-FND-N-000001"] is (
        FileState.ACKNOWLEDGED_IN_PART
    )


def test_an_acknowledgement_answers_once_however_often_it_comes(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    let_wait(gateway, 1)
    make(gateway)
    files = take_all(drop)
    name, octets = maker.acknowledgement(files)
    drop.take(name, octets)
    assert drop.take(name, octets).verdict is Verdict.REPEATED
    drop.take(*maker.acknowledgement(files, {"fund-FND-N-000001.txt": ["1"]}))
    assert rows(gateway, "SELECT answers, code FROM told") == [(1, None)]


def test_what_is_not_acknowledged_by_the_end_of_the_next_window_is_offered_again(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    make(gateway)
    before = take_all(drop)
    assert "0 offered again" in check(gateway)
    make(gateway, hour=13)
    assert "4 offered again" in check(gateway, hour=14)
    assert {name: drop.read(name) for name in before} == before
    late = found(gateway, IncidentKind.NOT_ACKNOWLEDGED)
    assert late[2] == ("N/fund-FND-N-000001.txt", IncidentState.OPEN)
    assert len(late) == len(FOUR)
    # The same end of a window again changes nothing.
    assert "0 offered again" in check(gateway, hour=14)
    drop.take(*maker.acknowledgement(before))
    ended = found(gateway, IncidentKind.NOT_ACKNOWLEDGED)
    assert {state for _, state in ended} == {IncidentState.ACTED}


def test_a_file_that_the_maker_refuses_whole_stays_offered_and_is_told(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    let_wait(gateway, 1)
    make(gateway)
    name = "fund-FND-N-000001.txt"
    octets = drop.read(name)
    line = told(name, "FND-N-000001", octets, "REFUSED")
    drop.take(*maker.file("acknowledgement", [line]))
    assert name in drop.names()
    assert rows(gateway, "SELECT answers FROM told") == [(0,)]
    assert found(gateway, IncidentKind.NOT_ACKNOWLEDGED) == [
        (f"N/{name}", IncidentState.OPEN)
    ]
    drop.take(*maker.acknowledgement({name: octets}))
    assert rows(gateway, "SELECT answers FROM told") == [(1,)]


@pytest.mark.parametrize(
    "answer",
    [
        ("FND-N-000099", False, "TAKEN", "EXC-03-001"),
        ("FND-N-000001", True, "TAKEN", "EXC-03-002"),
        ("FND-N-000001", False, "TAKEN_IN_PART", "EXC-03-003"),
    ],
)
def test_an_answer_that_is_none_is_told_and_changes_nothing(
    gateway: Gateway,
    maker: Maker,
    drop: Drop,
    answer: tuple[str, bool, str, str],
) -> None:
    file_id, spoilt, verdict, code = answer
    let_wait(gateway, 1)
    make(gateway)
    octets = drop.read("fund-FND-N-000001.txt")
    line = told("fund-x.txt", file_id, octets + b" " if spoilt else octets, verdict)
    drop.take(*maker.file("acknowledgement", [line]))
    make(gateway, hour=13)
    (name,) = [
        one for one in drop.names() if one.startswith("acknowledgement-ACK-N-000002")
    ]
    refused = maker.read(name, drop.read(name)).lines[1]
    assert refused.values["code"] == code
    assert rows(gateway, "SELECT answers FROM told") == [(0,)]
    assert found(gateway, IncidentKind.NOT_ACKNOWLEDGED)


def test_what_comes_is_applied_and_acknowledged_in_the_same_session(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    at(gateway, 16, 9, 40)
    name, octets = maker.file("remaining-fund", [balance("1"), balance("2")])
    assert drop.take(name, octets).verdict is Verdict.NEW
    assert rows(gateway, "SELECT * FROM applied ORDER BY 2") == [
        ("RF-N-000001", "1"),
        ("RF-N-000001", "2"),
    ]
    (answer,) = drop.names()
    read = maker.read(answer, drop.read(answer))
    (line,) = read.lines
    assert line.values["sha256"] == content_hash(octets)
    assert (line.values["file_id"], line.values["verdict"]) == ("RF-N-000001", "TAKEN")
    assert (read.header["window"], read.header["sequence"]) == (1, 1)
    # It lies there until it is acknowledged; whoever asks again is told again.
    assert drop.names() == [answer]
    assert drop.take(name, octets).verdict is Verdict.REPEATED
    assert answer_of(maker, drop) == {name: ("TAKEN", None)}
    assert len(rows(gateway, "SELECT * FROM applied")) == 2


def test_lines_that_are_not_taken_are_told_one_by_one(maker: Maker, drop: Drop) -> None:
    drop.take(*maker.file("remaining-fund", [balance("1"), balance("99")]))
    (answer,) = drop.names()
    file, refused = maker.read(answer, drop.read(answer)).lines
    assert (file.values["verdict"], file.values["code"]) == (
        "TAKEN_IN_PART",
        "EXC-02-011",
    )
    assert (refused.values["line_id"], refused.values["code"]) == ("99", "MON-01-001")


def test_a_gap_waits_and_is_told_until_the_missing_file_comes(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    first = maker.file("usage")
    second = maker.file("remaining-fund", [balance("2")])
    files = [maker.file("remaining-fund", [balance(str(one))]) for one in (3, 4)]
    assert drop.take(*files[1]).verdict is Verdict.WAITING
    assert drop.take(*files[0]).verdict is Verdict.WAITING
    assert rows(gateway, "SELECT * FROM applied") == []
    assert drop.names() == []
    assert found(gateway, IncidentKind.SEQUENCE_GAP) == [
        ("N remaining-fund 1", IncidentState.OPEN)
    ]
    # What waits is not told again either, and files of other kinds go on.
    assert drop.take(*files[0]).verdict is Verdict.REPEATED
    assert drop.take(*first).verdict is Verdict.NEW
    assert drop.take(*second).verdict is Verdict.NEW
    assert rows(gateway, "SELECT line_id FROM applied") == [("2",), ("3",), ("4",)]
    assert found(gateway, IncidentKind.SEQUENCE_GAP) == [
        ("N remaining-fund 1", IncidentState.ACTED)
    ]
    assert set(answer_of(maker, drop)) == {name for name, _ in (first, second, *files)}


def test_a_person_gives_up_a_file_that_will_never_come(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    maker.file("usage")
    drop.take(*maker.file("usage"))
    with gateway.store.writing("test") as connection:
        with pytest.raises(ConflictError, match="skip less"):
            parties.skip(connection, "N", "usage", 2, by(gateway))
        with pytest.raises(InvalidError, match="N sends no usages, but acknowledgem"):
            parties.skip(connection, "N", "usages", 2, by(gateway))
        with pytest.raises(ConflictError, match="waits: what comes next"):
            parties.skip(connection, "N", "credit-download", 9, by(gateway, "lost"))
        assert parties.skip(connection, "N", "usage", 1, by(gateway, "lost")) == 1
        with pytest.raises(ConflictError, match="up to 2"):
            parties.skip(connection, "N", "usage", 1, by(gateway))
    drop.catch_up()
    assert states(gateway.store)[0] == ("usage-US-N-000002", FileState.APPLIED)


def test_a_file_is_never_replaced(gateway: Gateway, maker: Maker, drop: Drop) -> None:
    name, octets = maker.file("remaining-fund", [balance("1")])
    drop.take(name, octets)
    _, other = maker.file("remaining-fund", [balance("7")], sequence=1)
    assert drop.take(name, other).row.code == "EXC-02-007"
    # Nor under another name, nor as another file with its number.
    assert drop.take("remaining-fund-RF-N-X.txt", other).row.code == "EXC-02-007"
    number = maker.file("remaining-fund", sequence=1, file_id="RF-N-X")
    assert drop.take(*number).row.code == "EXC-02-008"
    assert rows(gateway, "SELECT line_id FROM applied") == [("1",)]
    assert [subject for subject, _ in found(gateway, IncidentKind.FILE_REPLACED)] == [
        f"N/{name}",
        "N/remaining-fund-RF-N-X.txt",
    ]


def wrong_files(maker: Maker) -> dict[str, tuple[str, bytes]]:
    """Make files that are wrong, each by the code that tells it."""
    name, octets = maker.file("usage", sequence=1)
    stranger = Maker("N", SigningKey((77).to_bytes(32, "big")), "oem-n-1")
    unknown = Maker("N", SigningKey((77).to_bytes(32, "big")), "oem-n-9")
    other = Maker("P", maker.key, maker.key_id)
    torn = maker.file("usage", sequence=1, signed=False)[1].replace(b"T|0", b"T|7")
    torn = sign_file(torn, maker.key, maker.key_id, Realm.TEST)
    return {
        "EXC-01-001": (name, octets[: len(octets) // 4]),
        "EXC-01-002": (name, octets[:-9]),
        "EXC-01-003": unknown.file("usage"),
        "EXC-01-004": stranger.file("usage"),
        "EXC-02-001": ("notes.txt", octets),
        "EXC-02-003": (name, torn),
        "EXC-02-004": (name, other.file("usage")[1]),
        "EXC-02-005": maker.file("usage", sequence=1, receiver="SBI"),
        "EXC-02-006": ("fund-FND-N-000001.txt", octets),
        "EXC-02-009": maker.file("usage", sequence=0, file_id="US-N-HAND"),
    }


@pytest.mark.parametrize("code", list(wrong_files(Maker())))
def test_a_wrong_file_is_refused_told_and_takes_no_number(
    gateway: Gateway, maker: Maker, drop: Drop, code: str
) -> None:
    name, octets = wrong_files(maker)[code]
    result = drop.take(name, octets)
    assert (result.verdict, result.row.code) == (Verdict.REFUSED, code)
    verdict, told_code = answer_of(maker, drop)[name]
    assert (verdict, told_code) == ("REFUSED", code)
    assert found(gateway, IncidentKind.FILE_REFUSED) == [
        (f"N/{name}", IncidentState.OPEN)
    ]
    # The same again is the same row, and is told again.
    assert drop.take(name, octets).row.number == result.row.number
    assert answer_of(maker, drop)[name] == ("REFUSED", code)
    # The right one with its number is taken.
    assert drop.take(*maker.file("usage", sequence=1)).verdict is Verdict.NEW


def test_a_file_that_was_refused_for_its_key_is_taken_once_the_key_is_known(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    new = Maker("N", SigningKey((21).to_bytes(32, "big")), "oem-n-2")
    name, octets = new.file("usage")
    assert drop.take(name, octets).row.code == "EXC-01-003"
    with gateway.store.writing("test") as connection:
        point = new.key.public.point
        key = PartyKey("N", "oem-n-2", point.x, point.y, MONDAY, None)
        parties.add_key(connection, key, by(gateway))
        parties.end_key(connection, "N", "oem-n-1", date(2026, 11, 15), by(gateway))
    assert drop.take(name, octets).verdict is Verdict.NEW
    # The old one signs no more.
    assert drop.take(*maker.file("usage", sequence=2)).row.code == "EXC-01-003"


def test_a_crash_between_taking_and_applying_loses_nothing(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    files = [maker.file("remaining-fund", [balance(str(one))]) for one in (1, 2)]
    with gateway.store.writing("test") as connection:
        for name, octets in files:
            brought = Brought("N", name, octets)
            received.take(connection, OURS, brought, by(gateway))
    # The gateway was killed here; the next one catches up when it starts.
    done = applying.catch_up_all(gateway.store, OURS, SOURCES, by(gateway))
    assert done == len(files)
    assert rows(gateway, "SELECT line_id FROM applied") == [("1",), ("2",)]
    assert set(answer_of(maker, drop)) == {name for name, _ in files}


def test_a_file_that_a_feature_fails_on_holds_up_its_kind_and_no_other(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    def fails(*_: object) -> list[object]:
        raise InvariantError("the ledger does not balance")

    broken = Drop(
        gateway.parts,
        type(SOURCES)(
            SOURCES.outgoing,
            {**SOURCES.incoming, "usage": fails},  # type: ignore[dict-item]
        ),
        "N",
    )
    assert broken.take(*maker.file("usage")).verdict is Verdict.NEW
    broken.take(*maker.file("usage"))
    broken.take(*maker.file("remaining-fund", [balance("1")]))
    assert [state for _, state in states(gateway.store)][:3] == [
        FileState.RECEIVED,
        FileState.RECEIVED,
        FileState.APPLIED,
    ]
    ((subject, _),) = found(gateway, IncidentKind.FILE_STUCK)
    assert subject == "N/usage-US-N-000001.txt"
    # It is mended, and tried again.
    drop.catch_up()
    kinds = {state for name, state in states(gateway.store) if "usage" in name}
    assert kinds == {FileState.APPLIED}


def test_a_line_that_cannot_be_written_does_not_hold_up_the_others(
    gateway: Gateway, drop: Drop
) -> None:
    let_wait(gateway, -1, 2)
    make(gateway)
    assert rows(gateway, "SELECT id, file_id FROM told ORDER BY id") == [
        (-1, None),
        (2, "FND-N-000001"),
    ]
    ((subject, _),) = found(gateway, IncidentKind.LINE_REFUSED)
    assert subject == "N fund -1"
    assert "fund-FND-N-000001.txt" in drop.names()


def test_the_end_of_a_window_names_each_file_that_did_not_come(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    make(gateway)
    at(gateway, 16, 9, 45)
    drop.take(*maker.file("usage"))
    assert "3 files missing" in check(gateway)
    assert "0 files missing" in check(gateway)
    missing = [subject for subject, _ in found(gateway, IncidentKind.FILE_MISSING)]
    assert missing == [
        f"N {layout} 2026-11-16 1"
        for layout in ("credit-download", "remaining-fund", "acknowledgement")
    ]
    # It comes late: the incident is over, the window stays missed.
    at(gateway, 16, 10, 30)
    drop.take(*maker.file("remaining-fund"))
    with gateway.store.writing("test") as connection:
        late = incidents.find_open(connection, IncidentKind.FILE_MISSING, missing[1])
    assert late is not None
    assert late.state is IncidentState.ACTED


def test_a_holiday_has_no_window_and_a_maker_that_is_new_missed_none(
    gateway: Gateway, maker: Maker
) -> None:
    at(gateway, 16, 11)
    register(gateway, maker)
    assert "0 files missing" in check(gateway)
    sunday = at(gateway, 22, 9, 30)
    assert "0 files missing" not in jobs.check(gateway.parts, sunday, SOURCES).words


def test_files_before_the_first_window_are_made_where_that_is_switched_on(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    moment = at(gateway, 16, 6)
    off = jobs.make_early(gateway.parts, moment, SOURCES)
    assert off.ending is Ending.NOTHING_TO_DO
    with gateway.store.writing("test") as connection:
        switch, on = "exchange.early_run", True
        parameters.set_value(connection, switch, on, MONDAY, by(gateway))
    assert jobs.make_early(gateway.parts, moment, SOURCES).ending is Ending.DONE
    (fund,) = [name for name in drop.names() if name.startswith("fund-")]
    header = maker.read(fund, drop.read(fund)).header
    assert (header["window"], header["sequence"]) == (0, 1)
    # Until the end of the first window it has to be acknowledged.
    make(gateway)
    assert "4 offered again" in check(gateway)


def test_a_party_that_is_closed_gets_and_brings_nothing(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    with gateway.store.writing("test") as connection:
        parties.set_state(connection, "N", PartyState.CLOSED, by(gateway))
    moment = at(gateway, 16, 9, 30)
    outcome = jobs.make(gateway.parts, moment, SOURCES)
    assert outcome.ending is Ending.NOTHING_TO_DO
    with pytest.raises(ConflictError, match="any more"):
        drop.take(*maker.file("usage"))
    with pytest.raises(NotFoundError):
        drop.read("fund-FND-N-000001.txt")


def test_a_party_cannot_fill_our_books(
    gateway: Gateway, drop: Drop, maker: Maker
) -> None:
    with gateway.store.writing("test") as connection:
        for number in range(received.FILES_A_DAY_MAX):
            brought = Brought("N", "notes.txt", b"%d" % number)
            received.take(connection, OURS, brought, by(gateway))
    with pytest.raises(TooManyError):
        drop.take("notes.txt", b"one more")
    at(gateway, 17, 0, 1)
    assert drop.take(*maker.file("usage")).verdict is Verdict.NEW


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE exchange_octets SET octets = octets",
        "DELETE FROM exchange_octets",
        "UPDATE exchange_file SET name = 'x'",
        "UPDATE exchange_file SET state = 'RECEIVED' WHERE direction = 'IN'",
        "DELETE FROM exchange_file",
        "UPDATE exchange_sequence SET last = 0",
        "UPDATE party SET kind = 'BANK'",
        "DELETE FROM party_key",
        "UPDATE exchange_refused_line SET code = 'x'",
        "DELETE FROM exchange_window",
    ],
)
def test_what_went_and_came_stays_written(
    gateway: Gateway, maker: Maker, drop: Drop, change: str
) -> None:
    drop.take(*maker.file("remaining-fund", [balance("99")]))
    check(gateway)
    with (
        pytest.raises(InvariantError, match=r"only grows|keeps|stays"),
        gateway.store.writing("by hand") as connection,
    ):
        connection.execute(text(change))


def test_every_step_of_a_file_is_in_the_audit_trail(
    gateway: Gateway, maker: Maker, drop: Drop
) -> None:
    make(gateway)
    drop.take(*maker.acknowledgement(take_all(drop)))
    with gateway.store.reading() as connection:
        moves = connection.execute(
            select(audit.c.move, audit.c.detail).where(
                audit.c.subject_kind == "exchange file"
            )
        ).all()
        assert list(trail.verify(connection)) == []
    assert {row.move for row in moves} == {
        "make",
        "read",
        "take",
        "apply",
        "acknowledge",
    }
    assert json.loads(moves[0].detail)["name"] == "license-issue-LI-N-000001.txt"
