"""A Remaining Fund file lists all licences: what is said before it has no room.

Requirements: RMFS-33; docs/growing.md.
"""

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from hw.clock import SystemWallClock
from hw.entropy import SeededEntropy
from protocol.exchange import Layouts, shipped_layouts
from protocol.keys import Realm
from rmfs_server.department import LAYOUTS
from rmfs_server.doctor.findings import Found, Level
from rmfs_server.doctor.room import judge_room, look_at_listing
from rmfs_server.exchange.making import NoRoomError
from rmfs_server.exchange.session import SessionReport, run_session
from rmfs_server.exchange.settings import ExchangeSettings, create_exchange
from rmfs_server.folder import Settings, create_server
from rmfs_server.store import sent_files, told_items
from rmfs_server.store.sent_files import NewFile
from tests.exchange_desk import DAY, FIRST, ISSUED, PaperDepartment, at, exchange_office
from tests.paper_machine import NOW, Office

HOST_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsmd+7nVFn5lqRkNjmvFbNbIkI7Yl1t5r6kzqZ1nYqg"
)
SECOND_ISSUE: Mapping[str, Any] = {
    **ISSUED,
    "licence": "N123457",
    "licence_number": "KN0600066",
}
OURS = shipped_layouts()["remaining-fund"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    server = tmp_path / "server"
    entropy = SeededEntropy(b"s")
    settings = Settings("TEST-OEM", Realm.TEST)
    create_server(server, settings, entropy=entropy, clock=SystemWallClock())
    exchange = ExchangeSettings("N", "oem-n-1", "dcr.example", 22, "oem-n", HOST_KEY)
    create_exchange(server, exchange, SeededEntropy(b"x"))
    return server


def give_layout(folder: Path, **bounds: int) -> None:
    """Put an own layout of Remaining Fund files into the server's folder."""
    name = "remaining-fund.toml"
    text = files("protocol").joinpath("exchange", "layouts", name).read_text()
    text = text.replace("100_000", str(bounds.get("lines_max", 100_000)))
    text = text.replace("16_777_216", str(bounds.get("octets_max", 16_777_216)))
    (folder / LAYOUTS).mkdir(exist_ok=True)
    (folder / LAYOUTS / name).write_text(text)


def dial(office: Office, dop: PaperDepartment, **bounds: Any) -> SessionReport:
    """Have the maker run a session, with other bounds of Remaining Fund files."""
    exchange = exchange_office(office.store, office.credit_key)
    layouts = Layouts({**shipped_layouts(), OURS.name: replace(OURS, **bounds)})
    department = replace(exchange.department, layouts=layouts)
    return run_session(replace(exchange, department=department), dop, FIRST, at(FIRST))


def examined(office: Office, folder: Path) -> list[Found]:
    with office.store.reading() as connection:
        return list(look_at_listing(connection, folder))


@pytest.mark.parametrize(
    ("key", "most", "of"), [("lines_max", 1, "lines"), ("octets_max", 150, "octets")]
)
def test_a_file_that_is_too_long_names_its_bound_and_what_to_do(
    office: Office, dop: PaperDepartment, key: str, most: int, of: str
) -> None:
    dop.lay_out("license-issue", ISSUED, SECOND_ISSUE)
    with pytest.raises(NoRoomError) as raised:
        dial(office, dop, **{key: most})
    said = str(raised.value)
    assert said.startswith("no file of this window is made: a file of layout remaining")
    assert f" {of}, and {key} of that layout is {most}; give both sides" in said
    assert "docs/exchange-files.md" in said
    # Nothing went, and nothing is lost: with more room all of it goes.
    assert dop.handed == {}
    dial(office, dop, lines_max=2)
    assert len(dop.lines("remaining-fund")) == 2
    assert len(dop.files("acknowledgement")) == 1


def test_the_doctor_asks_the_layout_of_this_server(
    office: Office, dop: PaperDepartment, folder: Path
) -> None:
    dop.lay_out("license-issue", ISSUED, SECOND_ISSUE)
    dial(office, dop)
    levels = {}
    for most in (1, 2, 3):
        give_layout(folder, lines_max=most)
        (found,) = examined(office, folder)
        levels[most] = found.level
        words = (
            f"of 2 licences has 2 lines; lines_max of layout remaining-fund is {most}"
        )
        assert found.what.endswith(words)
    assert levels == {1: Level.FAULT, 2: Level.WARNING, 3: Level.GOOD}
    (folder / "exchange.toml").unlink()
    assert examined(office, folder) == []


def test_a_layout_that_cannot_be_read_is_told_elsewhere(
    office: Office, folder: Path
) -> None:
    give_layout(folder, lines_max=-1)
    assert examined(office, folder) == []


def test_octets_of_a_line_are_those_of_the_last_long_file(
    office: Office, dop: PaperDepartment, folder: Path
) -> None:
    dop.lay_out("license-issue", ISSUED, SECOND_ISSUE)
    dial(office, dop)
    with office.store.writing("a file of last week") as connection:
        told_items.see_one_moment(connection)
        identity = sent_files.reserve_identity(connection)
        octets = bytes(90_000)
        kind, name = "remaining-fund", "remaining-fund-RF-N-000009.txt"
        ids = ("RF-N-000009", kind, 9, DAY, 2, name, bytes(32))
        sent_files.add(connection, identity, NewFile(*ids, octets, 1_000, NOW))
    give_layout(folder, octets_max=1_024)
    lines, found = examined(office, folder)
    assert (lines.level, found.level) == (Level.GOOD, Level.GOOD)
    assert found.what.endswith(
        "has 180 octets; octets_max of layout remaining-fund is 1,024"
    )


@pytest.mark.parametrize(
    ("licences", "octets", "levels"),
    [
        (79_999, None, [Level.GOOD]),
        (80_000, None, [Level.WARNING]),
        (100_000, 80.0, [Level.WARNING, Level.GOOD]),
        (100_001, 80.0, [Level.FAULT, Level.GOOD]),
        (70_000, 192.0, [Level.GOOD, Level.WARNING]),
        (70_000, 240.0, [Level.GOOD, Level.FAULT]),
    ],
)
def test_it_warns_from_four_fifths_of_a_bound_on(
    licences: int, octets: float | None, levels: list[Level]
) -> None:
    found = list(judge_room(OURS, licences, octets))
    assert [one.level for one in found] == levels
    for one in found:
        has_to_act = one.level is not Level.GOOD
        assert ("second letter" in one.todo) == has_to_act
