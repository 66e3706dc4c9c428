"""The comparison of bench and witness can fail: what is changed is noticed.

One case is played, and one of the two readings is changed: one field, one octet, one
frame, one key.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from hw.capture import CaptureDirection
from hw.lab.catalogue import read_catalogue
from hw.seen.decoding import Understood, UnderstoodPacket
from hw.seen.reading import SeenFrame
from tests.oracle.books import open_book
from tests.oracle.channel import Secrets
from tests.oracle.money import Finding, Judge
from tests.oracle.secrets import with_binding
from tests.oracle.witness import Witness
from tests.witness.lab_octets import Octets
from tests.witness.lab_reading import differences
from tests.witness.lab_witnessed import (
    MAKER,
    Played,
    Witnessed,
    by_lines,
    heard_of,
    secrets_of,
    server_paper,
    witnessed_machine,
)
from tests.witness.spec_keys import MachinePaper

CASES: Final = {case.id: case for case in read_catalogue()}
RECHARGE: Final = "DLG-05-01-M-P"
REFUSED: Final = "DLG-05-02-M-N"


@pytest.fixture(scope="module")
def machine() -> Witnessed:
    return witnessed_machine()


@pytest.fixture(scope="module")
def paper(machine: Witnessed) -> MachinePaper:
    return machine.paper


@pytest.fixture(scope="module")
def recharge(machine: Witnessed) -> Played:
    return machine.play(CASES[RECHARGE])


@pytest.fixture(scope="module")
def refused() -> Played:
    return witnessed_machine().play(CASES[REFUSED])


def changed(played: Played, change: "dict[int, Understood | None]") -> list[str]:
    """Differences after some of what the bench understood of line 1 was changed."""
    understood, heard = played.lines[0]
    after = [change.get(at, one) for at, one in enumerate(understood)]
    return differences(heard, [one for one in after if one is not None])


def with_packet(one: Understood, packet: UnderstoodPacket) -> Understood:
    return replace(one, packets=(packet,))


def packets(played: Played) -> Iterator[tuple[int, Understood, UnderstoodPacket]]:
    understood, _ = played.lines[0]
    for at, one in enumerate(understood):
        for packet in one.packets:
            yield at, one, packet


def test_nothing_is_noticed_where_nothing_is_changed(recharge: Played) -> None:
    assert changed(recharge, {}) == []


def test_one_field_that_is_read_otherwise_is_noticed(recharge: Played) -> None:
    tried = 0
    for at, one, packet in packets(recharge):
        for name, value in packet.fields.items():
            if name == "type":
                continue
            other = bytes(len(value)) + b"x" if isinstance(value, bytes) else value + 1
            fields = {**packet.fields, name: other}
            assert changed(
                recharge, {at: with_packet(one, replace(packet, fields=fields))}
            ), name
            tried += 1
    assert tried > 40


def test_one_field_that_is_not_read_is_noticed(recharge: Played) -> None:
    for at, one, packet in packets(recharge):
        for name in packet.fields:
            fields = {each: v for each, v in packet.fields.items() if each != name}
            assert name == "type" or changed(
                recharge, {at: with_packet(one, replace(packet, fields=fields))}
            )


def test_a_frame_that_is_dropped_doubled_or_turned_is_noticed(
    recharge: Played,
) -> None:
    understood, heard = recharge.lines[0]
    turned = {
        CaptureDirection.TO_MACHINE: CaptureDirection.FROM_MACHINE,
        CaptureDirection.FROM_MACHINE: CaptureDirection.TO_MACHINE,
    }
    for at, one in enumerate(understood):
        assert changed(recharge, {at: None})
        doubled = [*understood[:at], one, *understood[at:]]
        assert differences(heard, doubled)
        assert one.direction is not None
        assert changed(recharge, {at: replace(one, direction=turned[one.direction])})


def test_two_frames_in_another_order_are_noticed(recharge: Played) -> None:
    understood, _ = recharge.lines[0]
    for at in range(len(understood) - 1):
        first, second = understood[at], understood[at + 1]
        assert changed(recharge, {at: second, at + 1: first})


def test_one_bit_of_a_frame_or_its_numbers_is_noticed(recharge: Played) -> None:
    understood, _ = recharge.lines[0]
    for at, one in enumerate(understood):
        assert isinstance(one.seen, SeenFrame)
        assert one.frame is not None
        octets = one.seen.octets[:-1] + bytes([one.seen.octets[-1] ^ 1])
        bent = replace(one, seen=replace(one.seen, octets=octets))
        assert changed(recharge, {at: bent})
        frame = one.frame
        for other in (
            frame._replace(send_number=frame.send_number + 1),
            frame._replace(receive_number=frame.receive_number + 1),
            frame._replace(poll_final=not frame.poll_final),
            frame._replace(command=not frame.command),
        ):
            assert changed(recharge, {at: replace(one, frame=other)})


def test_another_code_of_an_error_is_noticed(refused: Played) -> None:
    assert changed(refused, {}) == []
    errors = [(at, one, it) for at, one, it in packets(refused) if it.error]
    assert errors
    for at, one, packet in errors:
        for code in type(packet.error or 0):  # type: ignore[attr-defined]
            other = replace(packet, error=code)
            noticed = changed(refused, {at: with_packet(one, other)})
            assert bool(noticed) is (code is not packet.error)


def test_a_record_that_one_of_the_two_cannot_open_is_noticed(recharge: Played) -> None:
    opened = [(at, one, it) for at, one, it in packets(recharge) if it.body]
    assert opened
    for at, one, packet in opened:
        sealed = replace(packet, body=None, fields={}, table=None, sealed=True)
        assert changed(recharge, {at: with_packet(one, sealed)})


def heard_again(played: Played, octets: list[Octets]) -> list[str]:
    """Differences where the witness has heard other octets than the bench."""
    witness = Witness(secrets_of(played.result.trace))
    heard = [one for each in octets for one in heard_of(witness, each)]
    lines = by_lines(heard)
    return differences(lines[0] if lines else [], played.lines[0][0])


def test_one_bit_of_any_octet_on_the_line_is_noticed(recharge: Played) -> None:
    octets = [one for one in recharge.octets if one.line == 1]
    assert heard_again(recharge, octets) == []
    tried = 0
    for at, one in enumerate(octets):
        for place, octet in enumerate(one.octets):
            bent = bytes([octet ^ 1 << (place + at) % 8])
            other = one.octets[:place] + bent + one.octets[place + 1 :]
            after = [*octets[:at], replace(one, octets=other), *octets[at + 1 :]]
            assert heard_again(recharge, after), (at, place)
            tried += 1
    assert tried > 500


def test_octets_that_the_witness_never_hears_are_noticed(recharge: Played) -> None:
    octets = [one for one in recharge.octets if one.line == 1]
    for at, one in enumerate(octets):
        if one.octets:
            assert heard_again(recharge, [*octets[:at], *octets[at + 1 :]]), at


def judged_again(
    played: Played, known: dict[bytes, Secrets], paper: MachinePaper
) -> list[Finding]:
    """What a judge finds who is told other secrets, in the first call of a case."""
    book = open_book(paper, [server_paper()])
    judge, witness = Judge(book, MAKER), Witness(known)
    for each in played.octets:
        if each.line == 1:
            for heard in heard_of(witness, each):
                judge.take(heard)
    return judge.findings


def test_a_signature_for_another_channel_is_noticed(
    recharge: Played, paper: MachinePaper
) -> None:
    known = secrets_of(recharge.result.trace)
    assert judged_again(recharge, known, paper) == []
    other = {g_x: with_binding(one, bytes(32)) for g_x, one in known.items()}
    assert {one.clause for one in judged_again(recharge, other, paper)} == {"DLG-3"}


def test_another_paper_makes_every_signature_wrong(
    recharge: Played, paper: MachinePaper
) -> None:
    known = secrets_of(recharge.result.trace)
    other = replace(paper, signing_point=paper.dh_point)
    assert judged_again(recharge, known, other)
