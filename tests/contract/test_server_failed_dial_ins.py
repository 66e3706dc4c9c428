"""Dial-ins that failed are told to the Department, and no others (RMFS-40)."""

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from protocol.dialogue.server import (
    Closed,
    CredentialMissing,
    Delivered,
    Frozen,
    State,
)
from protocol.exchange import Layouts, parse_layout, read_layouts
from protocol.messages import RefusalCode, UsageRow
from protocol.parameters import business_date
from protocol.registers import RequestKind
from protocol.values import EpochSeconds, Paise
from rmfs_server.exchange.failing import TOLD_ONE_BY_ONE, refused
from rmfs_server.exchange.session import SessionReport, run_session
from rmfs_server.exchange.telling import CALL_OVER_S
from rmfs_server.exchange.windows import Slot
from rmfs_server.exchange.wording import fit_words
from rmfs_server.limits import Limits
from tests.exchange_desk import (
    FIRST,
    SECOND,
    PaperDepartment,
    at,
    exchange_office,
)
from tests.paper_machine import BY, LICENCE, NEW, NOW, Office, PaperMachine
from tests.system import CREDIT_KEY, RUPEES_2000, System, new_system


@pytest.fixture
def dop() -> PaperDepartment:
    return PaperDepartment()


def dial(
    office: Office,
    dop: PaperDepartment,
    slot: Slot = FIRST,
    *,
    later_s: int = 0,
    layouts: Layouts | None = None,
) -> SessionReport:
    exchange = exchange_office(office.store, office.credit_key)
    if layouts is not None:
        department = replace(exchange.department, layouts=layouts)
        exchange = replace(exchange, department=department)
    return run_session(exchange, dop, slot, at(slot, later_s))


def failed(dop: PaperDepartment) -> list[dict[str, Any]]:
    return dop.lines("usage", "failed")


def codes(dop: PaperDepartment) -> list[str]:
    return [line["code"] for line in failed(dop)]


def test_a_dial_in_that_was_refused_is_told_once_beside_its_registers(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(150_000)
    _, closed = office.state(machine, RequestKind.RECHARGE, 200_000)
    assert isinstance(closed, Closed)
    dial(office, dop)
    (line,) = failed(dop)
    assert (line["licence"], line["licence_number"]) == (LICENCE, NEW.number)
    assert (line["at"], line["code"]) == (NOW, "FUNDS_SHORT")
    assert line["words"] == (
        "more was asked for than is left of what was paid in; Rs 1,500.00 could be had"
    )
    assert len(dop.lines("usage", "dial_in")) == 1
    dial(office, dop, SECOND)
    assert len(failed(dop)) == len(dop.lines("usage", "dial_in")) == 1


def test_dial_ins_that_got_what_they_asked_for_have_not_failed(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000, 200_000)
    office.inspect(machine)
    dial(office, dop)
    assert len(dop.lines("usage", "dial_in")) == 2
    assert failed(dop) == []


def test_a_dial_in_that_froze_its_machine_is_told_without_registers(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000, 200_000)
    for bent in ({"mark": b"\x09" * 8}, {}):
        _, frozen = office.state(machine, **bent)
        assert isinstance(frozen, Frozen)
    dial(office, dop)
    assert codes(dop) == ["MARK_WRONG", "ACCOUNT_FROZEN"]
    assert len(dop.lines("usage", "dial_in")) == 1
    assert len(dop.lines("discrepancy", "found")) == 1


def test_a_voucher_without_the_machines_word_is_told_when_the_call_is_over(
    office: Office, dop: PaperDepartment
) -> None:
    """The server may have been killed in that call: what it stored tells of it."""
    machine = office.enrolled(500_000)
    _, delivered = office.state(machine, RequestKind.RECHARGE, 200_000)
    assert isinstance(delivered, Delivered)
    dial(office, dop)
    assert dop.lines("usage") == []
    dial(office, dop, SECOND, later_s=CALL_OVER_S)
    (line,) = failed(dop)
    assert (line["at"], line["code"]) == (NOW, "NO_CONFIRMATION")
    assert line["words"].startswith("RECHARGE 1 of Rs 2,000.00 was sent, and")
    assert len(dop.lines("usage", "dial_in")) == 1


def test_a_voucher_that_a_later_dial_in_settles_failed_in_the_first_alone(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000)
    _, delivered = office.state(machine, RequestKind.RECHARGE, 200_000)
    machine.apply(delivered.voucher)
    office.inspect(machine)
    dial(office, dop)
    assert codes(dop) == ["NO_CONFIRMATION"]
    assert len(dop.lines("usage", "dial_in")) == 2
    (credit,) = dop.lines("credit-download")
    assert credit["kind"] == "RECHARGE"


def test_a_confirmation_that_does_not_fit_is_a_failed_dial_in(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000)
    turn, delivered = office.state(machine, RequestKind.RECHARGE, 200_000)
    machine.apply(delivered.voucher)
    less = replace(
        machine.registers,
        descending_paise=Paise(100_000),
        control_total_paise=Paise(100_000),
    )
    machine.registers = less
    answer = office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    assert isinstance(answer, Frozen)
    dial(office, dop)
    assert codes(dop) == [answer.refusal.code.name]


def test_usage_that_does_not_fit_is_a_failed_dial_in(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000, 200_000)
    machine.frank(500)
    statement, signed = machine.state_registers()
    judged = office.books.judge_statement(statement, signed, NOW)
    assert isinstance(judged, tuple)
    wrong = (UsageRow(1, 1, Paise(400)),)
    answer = office.books.store_usage(judged[0], statement, wrong, NOW)
    assert isinstance(answer, Frozen)
    dial(office, dop, later_s=CALL_OVER_S)
    assert codes(dop) == ["USAGE_MISMATCH"]
    assert len(dop.lines("usage", "dial_in")) == 2


def test_a_machine_that_dials_all_day_is_told_by_its_first_calls_and_a_number(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000, 200_000)
    office.state(machine, mark=b"\x09" * 8)
    for _ in range(99):
        office.state(machine)
    dial(office, dop)
    assert codes(dop) == ["MARK_WRONG"] + TOLD_ONE_BY_ONE * ["ACCOUNT_FROZEN"]
    assert failed(dop)[-1]["words"] == (
        "an earlier discrepancy is not resolved; 80 more failed since and are told by "
        "this number alone"
    )
    dial(office, dop, SECOND)
    assert len(codes(dop)) == TOLD_ONE_BY_ONE + 1


def test_registers_of_every_dial_in_are_told_however_many_failed(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(150_000)
    for _ in range(40):
        _, closed = office.state(machine, RequestKind.RECHARGE, 200_000)
        machine.take(closed)
    dial(office, dop)
    assert len(dop.lines("usage", "dial_in")) == 40
    assert len(codes(dop)) == TOLD_ONE_BY_ONE + 1
    assert "20 more failed since" in failed(dop)[-1]["words"]


def test_failures_of_a_file_that_was_refused_are_told_again(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(150_000)
    office.state(machine, RequestKind.RECHARGE, 200_000)
    dial(office, dop)
    name = "usage-US-N-000001.txt"
    dop.acknowledge(name, verdict="REFUSED", code="EXC-01-003", words="no such key")
    dial(office, dop, SECOND)
    told = [[line.record for line in file.lines] for file in dop.files("usage")]
    assert told == [["dial_in", "failed"]] * 2


def test_a_caller_that_proved_nothing_is_not_told(
    office: Office, dop: PaperDepartment
) -> None:
    """Anybody can call in the name of any machine: that stays with the server."""
    machine = office.enrolled(150_000)
    office.administration.revoke(LICENCE, BY)
    answer = office.state(machine, RequestKind.RECHARGE, 200_000)
    assert isinstance(answer, CredentialMissing)
    stranger = PaperMachine(seed=b"a stranger")
    assert office.books.find_credential(stranger.licence) == CredentialMissing()
    dial(office, dop)
    assert dop.lines("usage") == []


@pytest.mark.parametrize("code", RefusalCode)
def test_every_refusal_is_told_in_words(code: RefusalCode) -> None:
    failure = refused(code, Paise(100_000))
    assert failure.code == code.name
    assert ("Rs 1,000.00" in failure.words) == code.name.startswith("FUNDS")
    assert fit_words(failure.words) == failure.words


def test_a_layout_without_failed_dial_ins_tells_the_rest(
    office: Office, dop: PaperDepartment
) -> None:
    folder = files("protocol").joinpath("exchange", "layouts")
    ours = folder.joinpath("usage.toml").read_text("utf-8")
    text = re.sub(r'\[\[line\]\]\nname = "failed".*?\n\]\n', "", ours, flags=re.DOTALL)
    assert list(parse_layout(text).lines) == ["dial_in", "product"]
    layouts = read_layouts({"theirs.toml": text})
    machine = office.enrolled(150_000)
    _, closed = office.state(machine, RequestKind.RECHARGE, 200_000)
    machine.take(closed)
    office.state(machine, mark=b"\x09" * 8)
    dial(office, dop, layouts=layouts)
    assert len(dop.lines("usage", "dial_in")) == 1
    dial(office, dop, SECOND)
    assert failed(dop) == []


@pytest.mark.parametrize(
    ("until", "told"), [(State.GREETED, []), (State.DELIVERED, ["NO_CONFIRMATION"])]
)
def test_a_call_that_the_server_ended_is_told_once_its_machine_has_proved_itself(
    tmp_path: Path, dop: PaperDepartment, until: State, told: list[str]
) -> None:
    """A real machine calls a real server, which goes down in the middle of the call."""
    system = new_system(tmp_path / "system")
    system.exchange.limits = Limits(drain_s=0.0)
    reports = system.begin_dial(RUPEES_2000)
    system.run(lambda: until in states_of(system))
    over: list[bool] = []
    system.exchange.drain(lambda: over.append(True))
    system.run(lambda: bool(reports) and bool(over))
    exchange = exchange_office(system.store, CREDIT_KEY)
    later = EpochSeconds(system.wall.now() + CALL_OVER_S + 1)
    run_session(exchange, dop, Slot(business_date(later), 1), later)
    assert codes(dop) == told
    assert len(dop.lines("usage", "dial_in")) == len(told)


def states_of(system: System) -> list[State]:
    """Say where the dialogues of a server are."""
    dialogues = [call._dialogue for call in system.exchange._calls]
    return [dialogue.state for dialogue in dialogues if dialogue is not None]
