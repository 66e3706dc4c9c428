"""LINK-10 and LINK-17 of a machine written from SPEC.md alone, frame by frame.

Against the vectors LINK-V23 to V25 and against scripted servers.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.witness import spec_link, spec_link_reports
from tests.witness.spec_link import (
    ADDRESS_A,
    ADDRESS_B,
    Deframer,
    Frame,
    Kind,
    Settings,
    State,
)
from tests.witness.spec_link_reports import (
    WISH,
    LineMeasure,
    Report,
    ReportingLink,
    agree,
    decode_report,
    encode_settings,
)

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors" / "link.json"
ANSWER = Frame(ADDRESS_B, Kind.XID, pf=True, information=encode_settings(WISH))


def vector(name: str) -> Any:
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"]
    return next(vector for vector in vectors if vector["id"] == name)


def server_report(report: Report, *, pf: bool = False) -> Frame:
    information = report.encode()
    return Frame(ADDRESS_B, Kind.SREJ, pf, nr=report.nr, information=information)


def machine_report(report: Report, *, pf: bool = False) -> Frame:
    return replace(server_report(report, pf=pf), address=ADDRESS_A)


def server_i(ns: int, information: bytes) -> Frame:
    return Frame(ADDRESS_A, Kind.I, ns=ns, information=information)


def hear(link: ReportingLink, *frames: Frame, now: float = 0.3) -> None:
    """Frames of the server, in one delivery."""
    stuffed = [spec_link.stuff(frame.encode(128)) for frame in frames]
    link.receive(b"\x7e" + b"\x7e".join(stuffed) + b"\x7e", now)


def said(link: ReportingLink) -> list[Frame | None]:
    octets = link.octets_to_send()
    return [spec_link.decode(raw, 128) for raw in Deframer(n1=1024).take(octets)]


def numbers_of(frames: list[Frame | None]) -> list[int]:
    return [frame.ns for frame in frames if frame and frame.kind is Kind.I]


def connected() -> ReportingLink:
    link = ReportingLink()
    link.dial(0.0)
    hear(link, ANSWER, now=0.05)
    hear(link, Frame(ADDRESS_B, Kind.UA, pf=True), now=0.1)
    assert [frame.kind for frame in said(link) if frame] == [Kind.XID, Kind.SABME]
    assert link.up
    return link


def busy_sender() -> ReportingLink:
    """A machine whose frames 0 to 7 are on the line, with more to come."""
    link = connected()
    hear(link, Frame(ADDRESS_A, Kind.RR))
    link.send(bytes(4096), 0.2)
    assert numbers_of(said(link)) == [0, 1, 2, 3, 4, 5, 6, 7]
    return link


# link.json, V23 to V25.


def test_the_offer_is_written_and_read_as_its_vector() -> None:
    octets = bytes.fromhex(vector("LINK-V23")["frames"][0])
    frame = spec_link.decode(octets)
    assert frame is not None

    assert frame == Frame(
        ADDRESS_B, Kind.XID, pf=True, information=encode_settings(WISH)
    )
    assert agree(WISH, frame.information) == WISH
    assert agree(Settings(), frame.information) == Settings()


@pytest.mark.parametrize(
    ("name", "pf", "report"),
    [
        ("LINK-V24", False, Report(5, 9, frozenset({7, 8, 9}))),
        ("LINK-V25", True, Report(120, 2, frozenset({121, 2}))),
    ],
)
def test_a_report_is_written_and_read_as_its_vector(
    name: str, pf: bool, report: Report
) -> None:
    octets = bytes.fromhex(vector(name)["frames"][0])
    frame = spec_link.decode(octets, 128)
    assert frame is not None

    assert frame == server_report(report, pf=pf)
    assert decode_report(frame) == report


# LINK-10: a scripted server.


@pytest.mark.parametrize(
    ("answer", "in_force"),
    [
        (replace(WISH, n1=512, k=8), replace(WISH, n1=512, k=8)),
        (replace(WISH, n1=2048, k=100), WISH),
        (replace(WISH, t1_s=5.0, n2=10), replace(WISH, t1_s=5.0, n2=10)),
        (replace(WISH, t2_s=2.0), replace(WISH, t2_s=2.0, t1_s=4.0)),
        (replace(WISH, modulus=8), replace(WISH, modulus=8, k=4, reports=False)),
        (replace(WISH, srej=False), replace(WISH, srej=False, reports=False)),
        (replace(WISH, accm=0xA0000), replace(WISH, accm=0xA0000)),
    ],
)
def test_no_answer_widens_what_a_machine_takes(
    answer: Settings, in_force: Settings
) -> None:
    assert agree(WISH, encode_settings(answer)) == in_force


@pytest.mark.parametrize("information", ["", "81", "828000", "82800003060220", "8200"])
def test_a_field_that_does_not_fill_its_lengths_is_no_offer(information: str) -> None:
    assert agree(WISH, bytes.fromhex(information)) is None


def test_who_says_nothing_of_reports_sends_none() -> None:
    assert agree(WISH, b"\x82") == replace(WISH, reports=False)


@pytest.mark.parametrize("kind", [Kind.DM, Kind.FRMR])
def test_a_machine_whose_offer_is_refused_dials_with_the_defaults(kind: Kind) -> None:
    link = ReportingLink()
    link.dial(0.0)
    said(link)
    hear(link, Frame(ADDRESS_B, kind, pf=kind is Kind.DM), now=0.1)

    assert said(link) == [Frame(ADDRESS_B, Kind.SABM, pf=True)]
    assert link.in_force == Settings()


def test_a_machine_without_an_answer_offers_again_before_it_dials_again() -> None:
    link = ReportingLink()
    link.dial(0.0)
    link.tick(3.0)
    hear(link, ANSWER, now=3.1)
    link.tick(6.1)
    hear(link, ANSWER, now=6.2)

    kinds = [frame.kind for frame in said(link) if frame]
    assert kinds == [Kind.XID, Kind.XID, Kind.SABME, Kind.XID, Kind.SABME]


def test_offers_and_dialling_are_repeated_eight_times_in_all() -> None:
    link = ReportingLink()
    link.dial(0.0)
    while link.deadline is not None:
        now = link.deadline
        link.tick(now)
        if link.state is State.NEGOTIATING:
            hear(link, ANSWER, now=now)

    kinds = [frame.kind for frame in said(link) if frame]
    assert kinds == [Kind.XID, *[Kind.XID, Kind.SABME] * 8]
    assert link.state is State.DISCONNECTED


# LINK-17: a scripted server.


def test_what_came_beyond_a_gap_is_reported_at_once_and_each_time() -> None:
    link = connected()
    hear(link, server_i(1, b"\x03b"))
    hear(link, server_i(3, b"\x03d"))

    assert said(link) == [
        machine_report(Report(0, 1, frozenset({1}))),
        machine_report(Report(0, 3, frozenset({1, 3}))),
    ]


def test_a_gap_that_closes_is_acknowledged_at_once() -> None:
    link = connected()
    hear(link, server_i(1, b"\x03b"))
    said(link)
    hear(link, server_i(0, b"\x03a"))

    assert said(link) == [Frame(ADDRESS_A, Kind.RR, nr=2)]
    assert list(link.messages) == [b"a", b"b"]


def test_an_old_frame_is_told_of_at_once_and_not_delivered() -> None:
    link = connected()
    hear(link, server_i(0, b"\x03a"))
    hear(link, server_i(0, b"\x03a"))
    assert said(link) == [Frame(ADDRESS_A, Kind.RR, nr=1)]
    hear(link, server_i(2, b"\x03c"), server_i(0, b"\x03a"))

    assert said(link)[-1] == machine_report(Report(1, 0, frozenset({2})))
    assert list(link.messages) == [b"a"]


@pytest.mark.parametrize(
    ("information", "count"), [(b"\x01a", 1), (b"\x03a", 2)], ids=["midst", "end"]
)
def test_rr_goes_for_one_frame_in_the_midst_and_two_at_the_end(
    information: bytes, count: int
) -> None:
    link = connected()
    for number in range(count):
        assert said(link) == []
        hear(link, server_i(number, information))

    assert said(link) == [Frame(ADDRESS_A, Kind.RR, nr=count)]


def test_a_poll_is_answered_with_a_report() -> None:
    link = connected()
    hear(link, server_i(1, b"\x03b"))
    said(link)
    hear(link, Frame(ADDRESS_A, Kind.RR, pf=True))

    assert said(link) == [machine_report(Report(0, 1, frozenset({1})), pf=True)]


def test_what_went_before_the_frame_that_came_last_is_repeated() -> None:
    link = busy_sender()
    behind = frozenset({3, 4, 5, 6, 7})
    hear(link, server_report(Report(1, 7, behind)))
    assert numbers_of(said(link))[:2] == [1, 2]
    hear(link, server_report(Report(2, 1, behind)))

    assert min(numbers_of(said(link)), default=8) > 7


def test_what_went_after_the_frame_that_came_last_is_not_judged() -> None:
    link = busy_sender()
    hear(link, server_report(Report(0, 1, frozenset({1}))))

    assert [n for n in numbers_of(said(link)) if n < 8] == [0]


def test_a_poll_of_the_peer_says_nothing_of_what_it_holds() -> None:
    link = busy_sender()
    hear(link, server_report(Report(1, 7, frozenset({3, 4, 5, 6, 7}))))
    said(link)
    hear(link, Frame(ADDRESS_A, Kind.RR, pf=True, nr=1))
    hear(link, server_report(Report(1, 2, frozenset({2, 3, 4, 5, 6, 7}))))

    assert [n for n in numbers_of(said(link)) if n < 8] == [1]


def test_a_reject_without_information_repeats_what_it_names() -> None:
    link = busy_sender()
    hear(link, Frame(ADDRESS_B, Kind.SREJ, nr=3))

    assert numbers_of(said(link)) == [3]


def test_an_answered_poll_judges_all_that_went_before_it() -> None:
    link = busy_sender()
    assert link.deadline is not None
    link.tick(20.0)
    assert numbers_of(said(link)) == [0]
    hear(link, server_report(Report(1, 2, frozenset({2})), pf=True), now=20.1)

    assert numbers_of(said(link))[:3] == [1, 3, 4]


def test_a_report_behind_a_lost_poll_repeats_what_went_after_it() -> None:
    link = connected()
    link.send(b"one", 0.2)
    link.send(b"two", 0.2)
    link.send(b"three", 0.2)
    assert [(f.kind, f.ns) for f in said(link) if f] == [
        (Kind.I, 0),
        (Kind.RR, 0),
        (Kind.I, 1),
        (Kind.I, 2),
    ]
    hear(link, server_report(Report(1, 2, frozenset({2}))))

    assert numbers_of(said(link)) == [1]


@pytest.mark.parametrize(
    ("frame", "refused"),
    [
        (
            Frame(ADDRESS_A, Kind.SREJ, information=b"\x01\x01"),
            "0d00000003",
        ),
        (
            Frame(ADDRESS_B, Kind.SREJ, information=bytes(10)),
            "0d00000103",
        ),
        (
            Frame(ADDRESS_B, Kind.SREJ, information=b"\x80"),
            "0d00000103",
        ),
        (
            Frame(ADDRESS_B, Kind.SREJ, nr=9, information=b"\x01"),
            "0d12000108",
        ),
    ],
    ids=["a command", "too long", "no number", "N(R)"],
)
def test_a_report_of_another_form_ends_the_link(frame: Frame, refused: str) -> None:
    link = connected()
    hear(link, frame)

    rejection = bytes.fromhex(refused)
    assert said(link) == [Frame(ADDRESS_A, Kind.FRMR, information=rejection)]
    assert not link.up


def test_a_poll_follows_where_no_later_frame_would_show_a_loss() -> None:
    measure = LineMeasure()
    assert measure.loss_of(64) > spec_link_reports.LOSS_TO_POLL
    link = connected()
    link.send(b"hello", 0.2)

    assert said(link)[-1] == Frame(ADDRESS_B, Kind.RR, pf=True)


def test_the_flight_is_bounded() -> None:
    link = connected()
    hear(link, Frame(ADDRESS_A, Kind.RR))
    link.send(bytes(4096), 0.2)
    gone = [spec_link.stuff(frame.encode(128)) for frame in said(link) if frame]

    assert len(gone) > 1
    assert sum(len(octets) + 1 for octets in gone) <= 512
