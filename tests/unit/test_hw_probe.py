"""Trying a line tells an FMP end from anything else, in virtual time."""

import pytest
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import Line, LineLoss
from hw.lines.probe import Finding, LineProbe, ProbeReport
from hw.lines.virtual import VirtualLineParameters
from tests.reactor import step

SABM = bytes.fromhex("7e013febdf7e")
UA = bytes.fromhex("7e017383577e")
DISC = bytes.fromhex("7e014300667e")
UA_ON_DISC = bytes.fromhex("7e016302477e")
DM = bytes.fromhex("7e011fe9fe7e")


class Answerer:
    """Sends what it is told to when it hears something, or hangs up."""

    def __init__(self, answers: dict[bytes, bytes | None]) -> None:
        self._answers = answers
        self.heard: list[bytes] = []

    def line_up(self, line: Line) -> None:
        self._line = line
        if b"" in self._answers:
            self._line.drop()

    def octets_received(self, octets: bytes) -> None:
        self.heard.append(octets)
        answer = self._answers.get(octets)
        if answer:
            self._line.send(answer)

    def line_lost(self, loss: LineLoss) -> None:
        """Do nothing."""


def tried(answers: dict[bytes, bytes | None] | None) -> tuple[ProbeReport, list[bytes]]:
    clock = Clock()
    # 600 octets a second and 100 ms each way.
    line = VirtualLineParameters(bit_s=6000, delay_s=0.1)
    exchange = VirtualExchange(clock, every_call(line))
    answerer = Answerer(answers or {})
    if answers is not None:
        exchange.listen(lambda _caller: answerer)
    reports: list[ProbeReport] = []
    exchange.dial(LineProbe(clock, 20.0, reports.append))
    while step(clock):
        pass
    (report,) = reports
    return report, answerer.heard


def test_an_end_that_accepts_is_asked_no_more_than_a_link() -> None:
    report, heard = tried({SABM: UA, DISC: UA_ON_DISC})
    assert report.finding is Finding.FMP
    assert heard == [SABM, DISC]
    assert report.detail == ""
    assert report.set_up_s == 0
    assert report.round_trip_s == pytest.approx(0.22)
    assert (report.octets, report.frames) == (12, 2)


def test_an_end_that_refuses_a_link_speaks_fmp_all_the_same() -> None:
    report, heard = tried({SABM: DM})
    assert report.finding is Finding.FMP_REFUSES
    assert heard == [SABM]
    assert report.round_trip_s == pytest.approx(0.22)


@pytest.mark.parametrize(
    ("answers", "finding"),
    [
        ({SABM: SABM}, Finding.FRAMES),
        ({SABM: b"NO CARRIER\r\n"}, Finding.OCTETS),
        ({}, Finding.SILENCE),
        ({b"": None}, Finding.LOST),
        (None, Finding.NO_LINE),
    ],
)
def test_anything_else_is_told_apart(
    answers: dict[bytes, bytes | None] | None, finding: Finding
) -> None:
    report, _ = tried(answers)
    assert report.finding is finding
    assert report.round_trip_s is None
    assert (report.set_up_s is None) == (finding is Finding.NO_LINE)
    assert report.detail


def test_a_silent_end_is_asked_again_and_given_up_in_time() -> None:
    _, heard = tried({})
    assert len(heard) > 1
    assert set(heard) == {SABM}
