"""A recharge over modems at both ends, in virtual time: the books are whole.

machine - driver - port - modem - line - modem - port - driver - server
"""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fm_device.dial_in import DialInReport, next_request
from fm_device.program import dial_repeatedly
from fm_device.show import show_report
from hw.lines.pool import ListenerPool
from hw.lines.port import LossCause
from hw.modem.book import parse_phone_book
from hw.modem.dialler import ModemDialler
from hw.modem.listener import ModemListener
from hw.modem.network import PhoneNetwork
from hw.modem.settings import ModemSettings
from protocol.dialogue.machine import Outcome, Request
from tests.modem_desk import ModemDesk
from tests.system import RUPEES_2000, System, new_system


@dataclass
class Office:
    """A post office with a modem, and a recharge server with two."""

    system: System
    book: str
    baud: int = 9600
    has_circuits: bool = True
    desks: dict[str, ModemDesk] = field(default_factory=dict)

    def __post_init__(self) -> None:
        reactor = self.system.reactor
        self.network = PhoneNetwork(reactor, parse_phone_book(self.book))
        for number in ("111", "222", "333"):
            self.desks[number] = ModemDesk(
                reactor,
                self.network,
                number,
                baud=self.baud,
                has_circuits=self.has_circuits,
            )
        listeners = [
            ModemListener(reactor, self.desks[number].pair.opener, ModemSettings())
            for number in ("222", "333")
        ]
        ListenerPool(listeners).listen(self.system.exchange.answer)
        self.desks["111"].wait(2)

    def recharge(
        self, attempts: int = 10, request: Request = RUPEES_2000
    ) -> DialInReport:
        dialler = ModemDialler(
            self.system.reactor, self.desks["111"].pair.opener, ModemSettings("222")
        )
        reports: list[DialInReport] = []
        failures: list[object] = []
        dial_repeatedly(
            self.system.psd(),
            request,
            dialler,
            self.system.reactor,
            attempts=attempts,
        ).addCallbacks(reports.append, failures.append)
        self.system.run(lambda: bool(reports or failures))
        assert failures == []
        return reports[0]


def said(report: DialInReport) -> str:
    return "\n".join(show_report(report))


@pytest.mark.parametrize("has_circuits", [True, False], ids=["V.24", "three wires"])
@pytest.mark.parametrize(
    ("baud", "line"),
    [(115_200, "speed = 33600"), (9600, "speed = 1200\nber = 1e-3\ndelay = 0.02")],
    ids=["115,200 clean", "1,200 at BER 1e-3"],
)
def test_a_recharge_completes_over_modems_at_both_ends(
    tmp_path: Path, baud: int, line: str, has_circuits: bool
) -> None:
    system = new_system(tmp_path / "office")
    book = f'[[number]]\ndial = "222"\n{line}\n'
    office = Office(system, book, baud, has_circuits)
    report = office.recharge()
    assert report.outcome is Outcome.CONFIRMED, report
    office.desks["111"].wait(60)
    system.check_quiet(200_000)
    told = [news.words for news in office.desks["111"].news]
    assert any(words.startswith("CONNECT ") for words in told)
    if "ber" in line:
        latest = office.network.latest
        assert latest is not None
        assert latest.up.bit_errors + latest.down.bit_errors > 0


@pytest.mark.parametrize(
    ("outcome", "cause", "words"),
    [
        ("busy", LossCause.BUSY, "busy: 222 (BUSY)"),
        ("no answer", LossCause.NO_ANSWER, "no answer: 222"),
        ("no carrier", LossCause.NO_CARRIER, "no carrier: the two modems did not"),
    ],
)
def test_the_operator_reads_why_a_modem_has_no_line(
    tmp_path: Path, outcome: str, cause: LossCause, words: str
) -> None:
    system = new_system(tmp_path / "office")
    office = Office(system, f'[[number]]\ndial = "222"\noutcome = "{outcome}"\n')
    report = office.recharge(attempts=2)
    assert report.loss.cause is cause
    assert report.may_dial_again
    assert words in said(report)
    system.check_quiet(0)


def test_a_dead_line_and_a_silent_modem_are_told_apart(tmp_path: Path) -> None:
    system = new_system(tmp_path / "office")
    office = Office(system, "dial_tone = false\n")
    assert "no dial tone: 222" in said(office.recharge(attempts=1))
    modem = office.desks["111"].pair.modem
    assert modem is not None
    modem.close()
    words = "the modem does not answer: it says nothing: is it on"
    assert words in said(office.recharge(attempts=1))
    system.check_quiet(0)


@pytest.mark.parametrize("after_s", [0.5, 1.0, 1.5, 2.5, 4.0])
def test_a_carrier_that_is_lost_is_dialled_for_again_and_nothing_is_lost(
    tmp_path: Path, after_s: float
) -> None:
    system = new_system(tmp_path / "office")
    book = f'[[number]]\ndial = "222"\nspeed = 2400\ncut_at = {4.0 + after_s}\n'
    office = Office(system, book)
    first = office.recharge(attempts=1)
    system.check_money()
    assert first.loss.cause in {LossCause.DROPPED_BY_PEER, LossCause.DROPPED_HERE}
    office.network.book = parse_phone_book("")
    office.desks["111"].wait(10)
    if first.outcome is not Outcome.CONFIRMED:
        # The server's modem is ready again after a while.
        office.recharge(request=next_request(RUPEES_2000, first))
    office.desks["111"].wait(60)
    system.check_quiet(200_000)
