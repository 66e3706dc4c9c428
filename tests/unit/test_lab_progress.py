"""A run says where it is, and how long it will still take."""

import pytest

from hw.clock import MemoryMonotonicClock
from hw.lab.catalogue import Case, Ends, read_catalogue
from hw.lab.steps import parse_step
from hw.lab.verdicts import Level
from hw.lines.strings import parse_line_string
from protocol.link import Role
from rmfs_tools.lab.progress import (
    Progress,
    case_s,
    line_bit_s,
    run_s,
    show_duration,
)

AREA = "DLG"
TCP = parse_line_string("tcp:127.0.0.1:7200")


def case(number: int, *steps: str, slow: str = "") -> Case:
    return Case(
        id=f"{AREA}-01-{number:02}-M-P",
        clause="DLG-1.1",
        role=Role.MACHINE,
        level=Level.MUST,
        text="",
        title="",
        needs=(),
        steps=tuple(parse_step(step) for step in steps),
        ends=Ends.SERVED,
        slow=slow,
    )


@pytest.mark.parametrize(
    ("line", "bit_s"),
    [
        ("tcp:127.0.0.1:7200", None),
        ("pty:./line", None),
        ("serial:/dev/ttyS0:baud=2400", 2400),
        ("rfc2217:127.0.0.1:7200:baud=19200", 19_200),
        ("modem:/dev/ttyS0:dial=1:baud=115200", 33_600),
        ("virtual:speed=1200:tcp:127.0.0.1:7200", 1200),
        ("virtual:speed=9600:virtual:speed=1200:tcp:127.0.0.1:7200", 1200),
        ("usb:simulated:tcp:127.0.0.1:7200", None),
    ],
)
def test_the_speed_of_a_line_is_read_from_its_name(line: str, bit_s: int) -> None:
    assert line_bit_s(parse_line_string(line)) == bit_s


def test_a_case_takes_its_dial_ins_and_its_waits() -> None:
    one = case(1, "dial", "wait 7", "! take nothing within=3", "dial")
    assert case_s(one, TCP) == pytest.approx(3 * 0.05 + 10)
    slow_line = parse_line_string("virtual:speed=1000:tcp:127.0.0.1:7200")
    assert case_s(one, slow_line) == pytest.approx(3 * 6.05 + 10)
    modem = parse_line_string("modem:/dev/ttyS0:dial=1")
    assert case_s(one, modem) > case_s(one, TCP) + 50
    assert case_s(case(1, "dial", slow="it waits"), TCP) == pytest.approx(5.1)
    again = case(1, "dial", "dial by-itself", "! frame take SABM p=1 after=2.9")
    assert case_s(again, TCP) == pytest.approx(3 * 0.05 + 2 + 2.9)
    slow = case(1, "dial", "wait 3", slow="the waits are 2 s and 4.5 s")
    assert case_s(slow, TCP) == pytest.approx(4.6)


def test_every_case_of_the_catalogue_has_an_estimate() -> None:
    estimates = {one.id: case_s(one, TCP) for one in read_catalogue()}
    assert min(estimates.values()) > 0
    assert max(estimates.values()) < 70


def test_the_estimate_follows_what_the_cases_have_taken() -> None:
    clock = MemoryMonotonicClock()
    cases = [case(number, "dial", f"wait 20.{number:02}") for number in range(1, 11)]
    said: list[str] = []
    progress = Progress(cases, TCP, clock, said.append, every_case=True)
    assert progress.left_s == pytest.approx(run_s(cases, TCP))
    progress.begins(cases[0])
    for one in cases[1:6]:
        clock.advance(41)
        progress.begins(one)
    # Each was to take 20.4 s and took 41: what is left will be slower too.
    assert 170 < progress.left_s < 210
    assert said[-1] == f"case 6 of 10, about 3 min left: {cases[5].id}"


def test_where_nothing_is_written_over_little_is_said() -> None:
    clock = MemoryMonotonicClock()
    cases = [case(number, "dial") for number in range(1, 9)]
    cases.append(case(9, "dial", "wait 30", slow="T3 is 30 s"))
    said: list[str] = []
    progress = Progress(cases, TCP, clock, said.append, every_case=False)
    for one in cases:
        progress.begins(one)
        clock.advance(4)
    assert [words.split(",")[0] for words in said] == [
        "case 1 of 9",
        "case 6 of 9",
        "case 9 of 9",
    ]
    assert said[-1].endswith("DLG-01-09-M-P takes long: T3 is 30 s")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "about 5 s"), (12, "about 10 s"), (59, "about 60 s"), (150, "about 2 min")],
)
def test_a_duration_is_told_as_roughly_as_it_is_known(
    seconds: float, words: str
) -> None:
    assert show_duration(seconds) == words
