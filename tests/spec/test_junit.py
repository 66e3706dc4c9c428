"""JUnit as Maven Surefire publishes its form: `surefire.xsd` is that form."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from hw.lab.catalogue import read_catalogue
from hw.lab.declaration import parse_declaration, template
from hw.lab.player import Result
from hw.lab.suite import outcome_of
from hw.lab.trace import Trace
from hw.lab.verdicts import Verdict
from protocol.link import Role
from rmfs_tools.lab.run_files import Run, junit
from rmfs_tools.simulation.clock import SimulatedClock, WorldClock

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("surefire.xsd"))
NASTY = "two & <three> \"four\" 'five' ₹ 6\n"


@cache
def report() -> bytes:
    """A run with every verdict in it, and words that XML has to escape."""
    clock = SimulatedClock()
    trace = Trace(clock.seconds, WorldClock(clock))
    cases = [case for case in read_catalogue() if case.role is Role.MACHINE]
    results = tuple(
        Result(case, verdict, NASTY, trace, 1234.5678)
        for case, verdict in zip(cases, Verdict, strict=False)
    )
    text = template(Role.MACHINE)
    for name in ("maker", "model", "firmware", "serial"):
        text = text.replace(f'{name} = ""', f'{name} = "<{name}> & Sons"')
    declared = parse_declaration(text.encode(), Path(), "unit.toml")
    began = datetime(2026, 11, 22, tzinfo=UTC)
    run = Run(
        declared, results, outcome_of(results), began, 0.0, for_certification=True
    )
    return junit(run)


def test_a_report_with_every_verdict_has_the_form() -> None:
    SCHEMA.validate(report())


def test_the_counts_are_those_of_the_cases() -> None:
    suite = ET.fromstring(report())  # noqa: S314  our own
    found = {
        name: len(suite.findall(f"testcase/{child}"))
        for name, child in (
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        )
    }
    assert found == {"failures": 1, "errors": 2, "skipped": 1}
    assert {name: int(suite.get(name, "")) for name in found} == found
    assert suite.get("tests") == str(len(suite.findall("testcase"))) == str(5)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b' tests="5"', b""),
        (b' skipped="1"', b' skipped="one"'),
        (b' time="1234.568"', b' time="1,234 s"'),
        (b"testcase", b"case"),
        (b' classname="', b' class="'),
    ],
)
def test_another_form_is_found(before: bytes, after: bytes) -> None:
    """The schema can fail: it is no yes to everything."""
    assert before in report()
    assert not SCHEMA.is_valid(report().replace(before, after))
