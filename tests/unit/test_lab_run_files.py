"""What a certification leaves: files that other programs and people can read."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

from hw.capture import CaptureDirection
from hw.clock import MemoryWallClock
from hw.lab.catalogue import read_catalogue, selected
from hw.lab.declaration import parse_declaration, template
from hw.lab.player import Player, Result
from hw.lab.suite import outcome_of
from hw.lab.trace import Trace, Traffic
from hw.lab.verdicts import Verdict
from hw.seen.keylog import parse_key_log
from hw.seen.reading import CaptureReader
from protocol.link import Role
from rmfs_tools.lab.reference import machine_stand
from rmfs_tools.lab.run_files import Run, captures, run_files
from rmfs_tools.lab.virtual_time import run

CASE = "DLG-05-02-M-N"
MAKER = 'Franks & Sons <"Nagpur">'


@cache
def a_run(maker: str = MAKER) -> Run:
    text = template(Role.MACHINE).replace('maker = "maker.pem"', "maker = 'maker.pem'")
    for name in ("maker", "model", "firmware", "serial"):
        text = text.replace(f'{name} = ""', f"{name} = '{maker}'")
    declared = parse_declaration(text.encode(), Path(), "unit.toml")
    stand = machine_stand()
    (case,) = selected(read_catalogue(), [CASE])
    stand.bench.begin_case()
    result = run(stand.clock, Player(stand.bench, stand.bench.side, case).play())
    return Run(
        declaration=declared,
        results=(result,),
        outcome=outcome_of((result,)),
        began=datetime(2026, 11, 22, tzinfo=UTC),
        lasted_s=1.5,
        for_certification=True,
    )


def test_the_same_run_gives_the_same_files() -> None:
    assert run_files(a_run()) == run_files(a_run())


def test_the_capture_holds_what_passed_and_the_key_log_opens_it() -> None:
    files = run_files(a_run())
    reader = CaptureReader()
    records = list(reader.records(files[f"traffic/{CASE}.pcapng"]))
    (result,) = a_run().results
    passed = [one.seen for one in result.trace.entries if isinstance(one, Traffic)]
    assert len(records) == len(passed)
    keys = parse_key_log(
        files[f"traffic/{CASE}.keys"].decode().splitlines(keepends=True)
    )
    assert keys == result.trace.keys


def heard(*lines: int) -> Trace:
    """A trace in which a SABM passes on each of these lines, in order."""
    trace = Trace(lambda: 0.0, MemoryWallClock(datetime(2026, 11, 22, tzinfo=UTC)))
    taps = [trace.new_tap() for _ in range(max(lines))]
    for line in lines:
        tap = taps[line - 1]
        tap.octets(CaptureDirection.FROM_MACHINE, bytes.fromhex("7e013febdf7e"))
    return trace


def test_lines_that_overlap_have_captures_of_their_own() -> None:
    assert list(captures(heard(1, 1, 2), "a line")) == [1]
    overlapping = captures(heard(1, 2, 1), "a line")
    counts = {
        number: len(list(CaptureReader().records(octets)))
        for number, octets in overlapping.items()
    }
    assert counts == {1: 2, 2: 1}


def test_junit_counts_every_verdict_once() -> None:
    suite = ET.fromstring(run_files(a_run())["junit.xml"])  # noqa: S314  our own
    counts = {name: suite.get(name) for name in ("tests", "errors", "failures")}
    assert counts == {"tests": "1", "errors": "0", "failures": "0"}
    assert suite.get("skipped") == "0"
    (case,) = suite.findall("testcase")
    assert (case.get("classname"), list(case)) == ("machine.DLG-5.3", [])


def test_a_page_shows_clause_steps_octets_and_registers() -> None:
    page = run_files(a_run())[f"report/{CASE}.html"].decode()
    for words in ("If any check fails", "take ERROR VOUCHER", "STATEMENT", "CT Rs"):
        assert words in page


def test_what_a_maker_writes_cannot_become_part_of_a_page() -> None:
    page = run_files(a_run())["report/index.html"].decode()
    assert "Franks &amp; Sons &lt;" in page
    assert "<&quot;Nagpur" not in page


def test_a_case_that_does_not_apply_is_skipped_for_junit() -> None:
    run_ = a_run()
    (result,) = run_.results
    skipped = Result(
        result.case, Verdict.NOT_APPLICABLE, "not declared", result.trace, 0.0
    )
    again = Run(
        run_.declaration,
        (skipped,),
        outcome_of((skipped,)),
        run_.began,
        run_.lasted_s,
        for_certification=True,
    )
    suite = ET.fromstring(run_files(again)["junit.xml"])  # noqa: S314  our own
    assert suite.get("skipped") == "1"
    assert [child.tag for child in suite.findall("testcase/*")] == ["skipped"]
