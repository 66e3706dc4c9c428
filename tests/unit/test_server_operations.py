"""What operators see of calls: an id for each, figures, and lines in the log."""

import logging
from pathlib import Path

import pytest

from fm_device.dial_in import next_request
from protocol.dialogue.machine import Request
from protocol.link import LinkCounters
from protocol.messages import RefusalCode
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_server.operations.call_record import CallRecords, place_of
from rmfs_server.operations.figures import (
    PLACES_MAX,
    CommitFigures,
    Distribution,
    Figures,
    PlaceFigures,
)
from tests.situations import HandDialled
from tests.system import RUPEES_2000, System, new_system


@pytest.fixture
def system(tmp_path: Path) -> System:
    return new_system(tmp_path / "system")


def recharge(system: System) -> None:
    """Dial in for a recharge, and let the server see the end of the line too."""
    system.dial_until_quiet(RUPEES_2000)
    system.run(lambda: not system.exchange.states())


def test_a_recharge_is_counted_once_in_each_figure(system: System) -> None:
    recharge(system)
    figures = system.exchange.records.figures
    assert (figures.calls, figures.dialogues) == (1, 1)
    assert (figures.vouchers, figures.confirmed) == (1, 1)
    assert (figures.ended, figures.errors) == ({"COMPLETE": 1}, {})
    assert figures.refusals == {}
    assert sum(figures.dialogue_s.counts) == 1
    [place] = figures.places.values()
    assert place.calls == 1
    assert place.octets_received > 400
    assert place.octets_sent > 200
    assert place.lost.total() == 1
    assert place.damage == {}


def test_a_refusal_is_counted_by_its_code_and_gives_no_voucher(system: System) -> None:
    report = system.dial(Request(RequestKind.RECHARGE, Paise(600_000)))
    assert report.refusal is not None
    assert report.refusal.code is RefusalCode.FUNDS_SHORT
    system.run(lambda: not system.exchange.states())
    figures = system.exchange.records.figures
    assert figures.refusals == {"FUNDS_SHORT": 1}
    assert (figures.vouchers, figures.confirmed) == (0, 0)
    assert figures.ended == {"COMPLETE": 1}


def test_a_recharge_without_a_confirmation_is_no_confirmed_one(system: System) -> None:
    call = HandDialled(system, RUPEES_2000)
    call.state_registers()
    call.hang_up()
    system.run(lambda: not system.exchange.states())
    figures = system.exchange.records.figures
    assert (figures.vouchers, figures.confirmed) == (1, 0)
    assert figures.errors == {"LINE": 1}


def test_every_line_of_the_log_about_a_call_has_its_id(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "rmfs_server"):
        recharge(system)
    said = [record.getMessage() for record in caplog.records]
    assert said[0].endswith("is answered")
    assert any("is complete: voucher confirmed" in words for words in said)
    assert said[-1].startswith("the line is lost")
    assert {record.__dict__["call"] for record in caplog.records} == {"run-1"}


def test_a_dialogue_is_in_one_state_until_its_line_is_lost(system: System) -> None:
    seen: set[str] = set()
    reports = system.begin_dial(RUPEES_2000)

    def look() -> bool:
        states = system.exchange.states()
        assert states.total() <= 1
        seen.update(states)
        return bool(reports)

    system.run(look)
    assert {"IDLE", "GREETED", "DELIVERED", "CLOSED"} <= seen
    report = reports[0]
    assert not isinstance(report, BaseException)
    system.dial_until_quiet(next_request(RUPEES_2000, report))


def test_a_call_that_is_turned_away_is_counted_by_its_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    records = CallRecords()
    records.turned_away("tcp:192.0.2.1:40000", "calls")
    records.turned_away("tcp:192.0.2.2:40000", "draining")
    records.turned_away("tcp:192.0.2.3:40000", "calls")
    assert records.figures.turned_away == {"calls": 2, "draining": 1}
    assert "turned away a call from tcp:192.0.2.2:40000: draining" in caplog.messages


@pytest.mark.parametrize(
    ("caller", "place"),
    [
        ("tcp:192.0.2.1:40000", "tcp"),
        ("tcp:[2001:db8::1]:40000", "tcp"),
        ("modem:ttyS0", "modem:ttyS0"),
        ("virtual exchange", "virtual exchange"),
    ],
)
def test_all_of_tcp_is_one_place_and_each_modem_its_own(
    caller: str, place: str
) -> None:
    assert place_of(caller) == place


def test_no_more_places_are_remembered_than_a_bound() -> None:
    figures = Figures()
    for number in range(2 * PLACES_MAX):
        figures.place(f"modem:{number}").calls += 1
    assert len(figures.places) == PLACES_MAX + 1
    assert figures.places["other"].calls == PLACES_MAX
    assert sum(one.calls for one in figures.places.values()) == 2 * PLACES_MAX


def test_damage_is_counted_by_its_kind() -> None:
    place, link = PlaceFigures(), LinkCounters()
    link.framing.fcs_errors, link.framing.aborted = 3, 1
    link.retransmissions = 2
    place.add(link, "CARRIER_LOST")
    place.add(link, "CARRIER_LOST")
    assert place.damage == {"FCS": 6, "ABORTED": 2, "OVERSIZE": 0}
    assert (place.retransmissions, place.lost) == (4, {"CARRIER_LOST": 2})


def test_a_value_is_counted_at_the_first_bound_that_it_does_not_pass() -> None:
    spread = Distribution((1, 2, 4))
    for value in (0.5, 1, 1.5, 4, 4.5, 100):
        spread.add(value)
    assert spread.counts == [2, 1, 1, 2]
    assert spread.total == 111.5


def test_a_commit_is_measured_and_one_that_fails_is_not() -> None:
    times = iter((10.0, 20.0, 20.003))
    figures = CommitFigures(lambda: next(times))
    figures.before_commit("dial-ins")  # its COMMIT fails: nobody tells of it
    figures.before_commit("dial-ins")
    figures.after_commit("dial-ins")
    assert figures.commits == {"dial-ins": 1}
    assert figures.seconds.total == pytest.approx(0.003)
    assert sum(figures.seconds.counts) == 1
