"""The emulated modem in calls: progress, speeds, escape, circuits, rings.

What the best known emulator gets wrong is right here: commands that do nothing, ATO
that answers, speeds that are never told, X levels without effect, no TIES.
"""

import pytest

from hw.modem.book import parse_phone_book
from hw.modem.escape import EscapeMethod
from hw.modem.modem_call import training_s
from hw.modem.results import CONNECT_DIGITS, MODEM_SPEEDS
from hw.ports.port import TerminalCircuits
from tests.modem_desk import DTR_OFF, ON, ModemDesk, connected, one_desk, two_desks

BOOK = parse_phone_book(
    """
[[number]]
dial = "1"
outcome = "busy"
[[number]]
dial = "01"
outcome = "busy"
[[number]]
dial = "2"
outcome = "no answer"
[[number]]
dial = "3"
outcome = "no carrier"
"""
)
DEAD = parse_phone_book("dial_tone = false")


def dialled(command: str, wait_s: float = 70.0) -> str:
    return one_desk(BOOK).say(command, wait_s)


@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("ATX4D1", "BUSY"),
        ("ATX3D1", "BUSY"),
        ("ATX2D1", "NO CARRIER"),
        ("ATX1D1", "NO CARRIER"),
        ("ATX0D1", "NO CARRIER"),
        ("ATX4D2", "NO ANSWER"),
        ("ATX0D2", "NO CARRIER"),
        ("ATX0D2@", "NO ANSWER"),
        ("ATX4D3", "NO CARRIER"),
        ("ATD99", "NO CARRIER"),
        ("ATDT080-25 (55).01", "NO CARRIER"),
        ("ATD1;", "OK"),
        ("ATD1;S7?", "050\r\n\r\nOK"),
        ("ATV0X4D1", "7"),
        ("ATV0X4D2", "8"),
        ("ATV0X4D3", "3"),
    ],
)
def test_x_says_which_tones_the_modem_listens_for(command: str, result: str) -> None:
    assert dialled(command) == result


@pytest.mark.parametrize(
    ("level", "result"),
    [
        (4, "NO DIALTONE"),
        (2, "NO DIALTONE"),
        (3, "NO CARRIER"),
        (1, "NO CARRIER"),
        (0, "NO CARRIER"),
    ],
)
def test_a_dead_line_is_noticed_where_a_dial_tone_is_waited_for(
    level: int, result: str
) -> None:
    assert one_desk(DEAD).say(f"ATX{level}D1", 70) == result


@pytest.mark.parametrize(
    ("command", "least_s", "most_s"),
    [
        ("ATX4DT1", 2.5, 3.5),
        # Ten pulses, and a pause between digits.
        ("ATX4DP01", 5.0, 6.0),
        ("ATX4D,,1", 6.5, 7.5),
        ("ATX4S8=5D,1", 7.5, 8.5),
        ("ATX3S6=9D1", 10.0, 12.0),
        ("ATS11=255D1", 2.8, 3.2),
        ("ATS7=20D2", 21.0, 22.0),
    ],
)
def test_a_call_takes_the_time_that_it_takes(
    command: str, least_s: float, most_s: float
) -> None:
    desk = one_desk(BOOK)
    assert desk.say(command, least_s) == ""
    desk.wait(most_s - least_s)
    assert desk.terminal.octets != b""


@pytest.mark.parametrize("speed", [300, 1200, 2400, 4800, 9600, 7200, 12_000, 14_400])
def test_s37_asks_for_a_speed_and_connect_tells_it(speed: int) -> None:
    codes = {300: 1, 1200: 5, 2400: 6, 4800: 8, 9600: 9, 7200: 12}
    codes |= {12_000: 10, 14_400: 11}
    calling, called = two_desks()
    called.say("ATS0=1V0")
    words = "CONNECT" if speed == 300 else f"CONNECT {speed}"
    assert calling.say(f"ATS37={codes[speed]}D222", 30) == words
    assert called.terminal.octets.endswith(f"2\r{CONNECT_DIGITS[speed]}\r".encode())


def test_the_slower_of_two_modems_decides_and_the_line_may_be_slower_still() -> None:
    calling, called = two_desks(parse_phone_book('[[number]]\ndial="222"\nspeed=2400'))
    called.say("ATS0=1")
    assert calling.say("ATD222", 30) == "CONNECT 2400"


def test_x0_tells_no_speed() -> None:
    calling, called = two_desks()
    called.say("ATS0=1")
    assert calling.say("ATX0D222", 30) == "CONNECT"


def test_training_takes_longer_at_higher_speeds() -> None:
    times = [training_s(speed) for speed in MODEM_SPEEDS]
    assert times == sorted(times)
    assert times[0] < 2
    assert times[-1] > 10


def test_data_go_at_the_speed_of_the_line() -> None:
    calling, called = connected()
    calling.terminal.port.send(bytes(3360))
    calling.wait(0.9)
    assert 2900 < len(called.terminal.octets) < 3300
    calling.wait(0.2)
    assert called.terminal.octets == bytes(3360)


def test_a_plus_within_data_is_data() -> None:
    calling, called = connected()
    calling.wait(3)
    for octets in (b"a+++", b"+++a", b"++", b"+", b"++++", b"+++"):
        calling.type(octets, 0.5)
    calling.type(b"!", 3)
    assert called.terminal.octets == b"a++++++a++++++++++!"
    assert calling.terminal.octets == b""


def test_three_pluses_between_pauses_are_an_escape_and_ato_goes_back() -> None:
    calling, called = connected()
    calling.wait(1.1)
    calling.type(b"+", 0.3)
    calling.type(b"++", 0.9)
    assert calling.terminal.octets == b""
    calling.wait(0.2)
    assert calling.terminal.octets == b"\r\nOK\r\n"
    assert calling.say("ATI3") == "RMFS emulated modem\r\n\r\nOK"
    assert calling.say("ATD222") == "ERROR"
    assert calling.say("ATA") == "ERROR"
    called.type(b"for later")
    assert calling.type(b"ATO\r") == b"\r\nCONNECT 33600\r\nfor later"
    calling.type(b"hello")
    assert called.terminal.octets.endswith(b"+++hello")


def test_the_guard_time_is_what_s12_says() -> None:
    calling, _ = connected()
    calling.wait(1.1)
    calling.type(b"+++", 1.1)
    calling.say("ATS12=200O")
    calling.wait(4.1)
    assert b"OK" not in calling.type(b"+++", 3.9)
    calling.wait(0.2)
    assert calling.terminal.octets.endswith(b"\r\nOK\r\n")


def test_without_a_guard_time_pauses_are_neither_needed_nor_in_the_way() -> None:
    calling, _ = connected()
    calling.wait(1.1)
    calling.type(b"+++", 1.1)
    calling.say("ATS12=0O")
    for pause_s in (0.0, 0.3, 0.1):
        calling.type(b"+", pause_s)
    assert calling.terminal.octets.endswith(b"\r\nOK\r\n")


def test_an_escape_character_above_127_is_none() -> None:
    calling, _ = connected()
    calling.wait(1.1)
    calling.type(b"+++", 1.1)
    calling.say("ATS2=128O")
    calling.wait(2)
    assert calling.type(b"+++", 3) == b""


def test_ties_needs_no_pauses_and_no_pauses_prevent_it() -> None:
    calling, called = connected_by_ties()
    assert calling.type(b"data+++", 3) == b""
    assert calling.type(b"+++ATI3\x01\r", 3) == b""
    assert calling.type(b"data++++ATI3\rAT\r") == (
        b"\r\nRMFS emulated modem\r\n\r\nOK\r\n\r\nOK\r\n"
    )
    assert called.terminal.octets.startswith(b"data++++++ATI3\x01\rdata++++ATI3\r")


def connected_by_ties() -> tuple[ModemDesk, ModemDesk]:
    desk = one_desk(escape=EscapeMethod.TIES)
    network = desk.modem._phone._network  # type: ignore[attr-defined]
    called = ModemDesk(desk.clock, network, "222").sit_down()
    called.say("ATE0S0=1")
    desk.say("ATD222", 20)
    called.terminal.octets = desk.terminal.octets = b""
    return desk, called


def test_ath_hangs_up_and_both_ends_are_told() -> None:
    calling, called = connected()
    calling.type(b"last words", 1.1)
    calling.type(b"+++", 1.1)
    assert calling.say("ATH", 3) == "OK"
    assert called.terminal.octets == b"last words+++\r\nNO CARRIER\r\n"
    assert not called.terminal.circuits[-1].carrier
    assert not calling.terminal.circuits[-1].carrier
    assert calling.say("ATO") == "ERROR"


def test_a_lost_carrier_is_believed_after_s10() -> None:
    calling, called = connected()
    called.wait(1.1)
    called.type(b"+++", 1.1)
    called.say("ATS10=50O")
    called.terminal.octets = b""
    called.modem._phone._network.latest.cut()  # type: ignore[attr-defined]
    assert called.type(b"", 4.5) == b""
    assert called.type(b"", 1) == b"\r\nNO CARRIER\r\n"
    assert calling.terminal.octets.endswith(b"\r\nNO CARRIER\r\n")


def test_a_modem_with_s10_255_never_believes_it() -> None:
    calling, called = two_desks()
    called.say("ATS10=255S0=1")
    calling.say("ATD222", 20)
    called.modem._phone._network.latest.cut()  # type: ignore[attr-defined]
    called.wait(100)
    assert b"NO CARRIER" not in called.terminal.octets


@pytest.mark.parametrize(
    ("digit", "answer", "carrier"),
    [(0, b"", True), (1, b"\r\nOK\r\n", True), (2, b"\r\nNO CARRIER\r\n", False)],
)
def test_d_says_what_dtr_means(digit: int, answer: bytes, carrier: bool) -> None:
    calling, called = two_desks()
    calling.say(f"AT&D{digit}")
    called.say("ATS0=1")
    calling.say("ATD222", 20)
    before = len(calling.terminal.octets)
    calling.terminal.port.set_circuits(DTR_OFF)
    calling.wait(1)
    assert calling.terminal.octets[before:] == answer
    assert calling.terminal.circuits[-1].carrier is carrier


def test_d3_brings_the_stored_profile_back() -> None:
    desk = one_desk()
    desk.say("AT&D3S8=9&W")
    desk.say("ATS8=5")
    desk.terminal.port.set_circuits(DTR_OFF)
    desk.wait(1)
    desk.terminal.port.set_circuits(ON)
    assert desk.say("ATS8?").startswith("009")


def test_a_short_gap_in_dtr_is_not_heeded() -> None:
    calling, _ = connected()
    calling.terminal.port.set_circuits(DTR_OFF)
    calling.wait(0.03)
    calling.terminal.port.set_circuits(ON)
    calling.wait(2)
    assert calling.terminal.circuits[-1].carrier
    assert calling.terminal.octets == b""


def test_c_and_s_say_what_the_circuits_show() -> None:
    desk = one_desk()
    seen = desk.terminal.circuits[-1]
    assert seen.clear_to_send
    assert seen.data_set_ready
    assert not seen.carrier
    desk.say("AT&C0&S1")
    seen = desk.terminal.circuits[-1]
    assert seen.carrier
    assert not seen.data_set_ready


def test_a_modem_rings_counts_and_forgets() -> None:
    calling, called = two_desks()
    calling.say("ATD222", 10)
    assert called.terminal.octets.endswith(b"\r\nRING\r\n\r\nRING\r\n")
    assert any(circuits.ringing for circuits in called.terminal.circuits)
    assert called.say("ATS1?").startswith("002")
    calling.type(b"x")
    assert calling.terminal.octets.endswith(b"\r\nNO CARRIER\r\n")
    assert not called.terminal.circuits[-1].ringing
    called.wait(8)
    assert called.say("ATS1?").startswith("000")


def test_a_modem_answers_by_itself_after_as_many_rings_as_s0_says() -> None:
    calling, called = two_desks()
    called.say("ATS0=3")
    calling.say("ATD222", 13)
    assert called.terminal.octets.count(b"RING") == 2
    calling.wait(25)
    assert called.terminal.octets.count(b"RING") == 3
    assert called.terminal.octets.endswith(b"\r\nCONNECT 33600\r\n")


def test_a_modem_without_dtr_does_not_answer_by_itself() -> None:
    calling, called = two_desks()
    called.say("ATS0=1")
    called.terminal.port.set_circuits(TerminalCircuits())
    called.wait(1)
    assert calling.say("ATD222", 70) == "NO ANSWER"


def test_ata_takes_the_call_that_rings_and_without_one_waits_in_vain() -> None:
    calling, called = two_desks()
    calling.say("ATD222", 4)
    assert called.say("ATA", 20) == "CONNECT 33600"
    assert one_desk().say("ATS7=9A", 10) == "NO CARRIER"


def test_the_caller_is_told_behind_the_first_ring_to_who_asks() -> None:
    calling, called = two_desks()
    assert called.say("AT+VCID=1") == "OK"
    assert called.say("AT+VCID?") == "+VCID:1\r\n\r\nOK"
    calling.say("ATD222", 10)
    assert called.terminal.octets.count(b"\r\nNMBR = 111\r\n") == 1


def test_a_modem_that_is_in_use_is_busy() -> None:
    calling, called = two_desks()
    called.say("ATH1")
    assert calling.say("ATD222", 10) == "BUSY"
    called.say("ATH")
    called.say("ATD9", 3)
    assert calling.say("ATD222", 10) == "BUSY"


def test_a_key_ends_an_attempt_but_not_the_line_feed_behind_the_line() -> None:
    calling, called = two_desks()
    called.say("ATS0=1")
    assert calling.type(b"ATD222\r\n", 20) == b"\r\nCONNECT 33600\r\n"
    desk = one_desk(BOOK)
    desk.say("ATD2", 5)
    assert desk.type(b" ") == b"\r\nNO CARRIER\r\n"


def test_a_ring_does_not_tear_a_line_that_is_being_typed() -> None:
    calling, called = two_desks()
    called.terminal.octets = b""
    calling.say("ATD222", 1)
    called.type(b"ATS7", 5)
    assert called.type(b"?\r", 0.3) == b"\r\n050\r\n\r\nOK\r\n"


def test_silence_of_s30_ends_a_call() -> None:
    calling, called = two_desks()
    called.say("ATS0=1")
    calling.say("ATS30=1D222", 20)
    calling.type(b"x", 8)
    assert not calling.terminal.octets.endswith(b"NO CARRIER\r\n")
    calling.wait(3)
    assert calling.terminal.octets.endswith(b"NO CARRIER\r\n")


def test_a_terminal_that_is_too_fast_is_stopped_by_cts() -> None:
    calling, called = connected()
    calling.terminal.port.send(bytes(8000))
    calling.wait(0.8)
    assert not calling.terminal.circuits[-1].clear_to_send
    calling.wait(3)
    assert calling.terminal.circuits[-1].clear_to_send
    assert len(called.terminal.octets) == 8000


def test_a_terminal_that_is_too_fast_is_stopped_by_xoff() -> None:
    calling, called = two_desks()
    called.say("ATS0=1")
    calling.say("AT&K4D222", 20)
    calling.terminal.octets = called.terminal.octets = b""
    calling.terminal.port.send(bytes(8000))
    calling.wait(4)
    assert calling.terminal.octets[:2] == b"\x13\x11"
    calling.terminal.port.send(b"\x13")
    calling.wait(0.1)
    assert called.type(b"held", 1) == b""
    assert calling.terminal.octets[-1:] == b"\x11"
    calling.type(b"\x11")
    assert calling.terminal.octets.endswith(b"held")
    assert called.terminal.octets == bytes(8000)


def test_a_terminal_that_is_not_ready_is_sent_nothing() -> None:
    calling, called = connected()
    not_ready = TerminalCircuits(request_to_send=False, terminal_ready=True)
    calling.terminal.port.set_circuits(not_ready)
    calling.wait(0.1)
    called.type(b"held", 1)
    assert calling.terminal.octets == b""
    calling.terminal.port.set_circuits(ON)
    calling.wait(0.1)
    assert calling.terminal.octets == b"held"


def test_octets_for_which_there_is_no_room_are_lost_and_counted() -> None:
    calling, called = two_desks()
    called.say("ATS0=1")
    calling.say("ATS37=5D222", 20)
    called.terminal.octets = b""
    calling.terminal.port.send(bytes(65_000))
    calling.wait(600)
    lost = calling.modem.octets_lost
    assert lost > 0
    assert len(called.terminal.octets) + lost == 65_000


def test_pulling_the_port_out_ends_the_call() -> None:
    calling, called = connected()
    calling.pair.unplug()
    calling.wait(3)
    assert called.terminal.octets == b"\r\nNO CARRIER\r\n"
    assert called.say("ATD111", 70) == "NO ANSWER"


@pytest.mark.parametrize(
    ("command", "answer"),
    [(b"ATD333\r", b"\r\nNO DIALTONE\r\n"), (b"ATH1\r", b"\r\nOK\r\n")],
)
def test_going_off_hook_ends_the_ringing_and_finds_the_caller_on_the_line(
    command: bytes, answer: bytes
) -> None:
    calling, called = two_desks()
    calling.type(b"ATD222\r", 5)
    assert called.terminal.octets.endswith(b"RING\r\n")
    assert called.type(command, 13) == answer
    assert called.type(b"ATA\r", 15) == b"\r\nCONNECT 33600\r\n"
    assert calling.terminal.octets.endswith(b"CONNECT 33600\r\n")


def test_two_that_dial_one_modem_at_the_same_moment_are_told_apart() -> None:
    calling, called = two_desks()
    network = calling.modem._phone._network  # type: ignore[attr-defined]
    other = ModemDesk(calling.clock, network, "333").sit_down()
    called.say("ATS0=1")
    for desk in (calling, other):
        desk.terminal.port.send(b"ATD222\r")
    calling.wait(30)
    assert calling.terminal.octets.endswith(b"CONNECT 33600\r\n")
    assert other.terminal.octets.endswith(b"BUSY\r\n")
