"""The files that a certification leaves: results, JUnit, traffic, pages.

All are made from the results alone, so that the same run gives the same files.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from hw.capture import CaptureWriter
from hw.clock import MemoryWallClock
from hw.lab import catalogue
from hw.lab.catalogue import Case, catalogue_hash
from hw.lab.declaration import Declaration
from hw.lab.player import Result
from hw.lab.stated import Stated
from hw.lab.suite import Outcome
from hw.lab.trace import Trace, Traffic
from hw.lab.verdicts import Verdict
from hw.seen.keylog import BINDING, LABEL
from hw.seen.reading import SeenEvent, SeenFrame, SeenNoFrame, SeenRecord
from rmfs_tools import __version__
from rmfs_tools.lab.pages import Pages

SPECIFICATION: Final = Path(__file__).parents[2] / "protocol" / "SPEC.md"
_SKIPPED: Final = frozenset({Verdict.NOT_APPLICABLE})
_ERRORS: Final = frozenset({Verdict.ERROR, Verdict.INCONCLUSIVE})


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the catalogue.

    Attributes:
        declaration: Of the unit.
        results: In the order in which they came.
        outcome: What they come to.
        began: When, UTC.
        lasted_s: How long it took.
        for_certification: Nothing that applies was left out.
    """

    declaration: Declaration
    results: tuple[Result, ...]
    outcome: Outcome
    began: datetime
    lasted_s: float
    for_certification: bool


def about(run: Run) -> dict[str, Any]:
    """Say who was tested, with what, against what: what a package binds together."""
    declared = run.declaration
    cases = [result.case for result in run.results]
    return {
        "role": declared.role.value,
        "maker": declared.maker,
        "model": declared.model,
        "firmware": declared.firmware,
        "serial": declared.serial,
        "line": str(declared.line),
        "declaration_sha256": sha256(declared.octets).hexdigest(),
        "specification_sha256": sha256(SPECIFICATION.read_bytes()).hexdigest(),
        "catalogue": catalogue.VERSION,
        "catalogue_sha256": catalogue_hash(cases),
        "tool": f"rmfs {__version__}",
        "began": run.began.astimezone(UTC).isoformat(timespec="seconds"),
        "lasted_s": round(run.lasted_s, 3),
        "for_certification": run.for_certification,
        "conformance": run.outcome.conformance.value,
        "compatibility": run.outcome.compatibility.value,
        "counts": run.outcome.counts,
    }


def run_files(run: Run) -> dict[str, bytes]:
    """Make every file of a run, by its name.

    Args:
        run: The run.
    """
    files = {
        "declaration.toml": run.declaration.octets,
        "results.json": as_json_file(
            {"about": about(run), "cases": results(run.results)}
        ),
        "catalogue.json": as_json_file([about_case(one.case) for one in run.results]),
        "junit.xml": junit(run),
    }
    for result in run.results:
        if result.trace.entries:
            name = f"traffic/{result.case.id}"
            for number, octets in captures(
                result.trace, str(run.declaration.line)
            ).items():
                further = f".line-{number}" if number > 1 else ""
                files[f"{name}{further}.pcapng"] = octets
            files[f"{name}.keys"] = key_log(result.trace)
    pages = Pages(about(run))
    files["report/index.html"] = pages.index(run.results)
    for result in run.results:
        files[f"report/{result.case.id}.html"] = pages.case(result)
    return files


def about_case(case: Case) -> dict[str, Any]:
    """Say what a case demands."""
    return {
        "id": case.id,
        "clause": case.clause,
        "role": case.role.value,
        "level": case.level.value,
        "title": case.title,
        "text": case.text,
        "needs": list(case.needs),
        "steps": [step.text for step in case.steps],
        "ends": case.ends.value,
    }


def results(found: Sequence[Result]) -> list[dict[str, Any]]:
    """Show results to programs."""
    return [
        {
            "id": result.case.id,
            "clause": result.case.clause,
            "level": result.case.level.value,
            "title": result.case.title,
            "verdict": result.verdict.value,
            "reason": result.reason,
            "lasted_s": round(result.lasted_s, 3),
            "before": _stated(result.before),
            "after": _stated(result.after),
        }
        for result in found
    ]


def _stated(stated: Stated | None) -> dict[str, Any] | None:
    if stated is None:
        return None
    return {**asdict(stated.registers), "recharge_number": stated.recharge_number}


def junit(run: Run) -> bytes:
    """Write the results as JUnit, in the form of Maven Surefire's schema."""
    found = run.results
    suite = ET.Element(
        "testsuite",
        name=f"FMP/1 {run.declaration.role.value}",
        time=f"{run.lasted_s:.3f}",
        tests=str(len(found)),
        errors=str(sum(one.verdict in _ERRORS for one in found)),
        skipped=str(sum(one.verdict in _SKIPPED for one in found)),
        failures=str(sum(one.verdict is Verdict.FAIL for one in found)),
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in about(run).items():
        if isinstance(value, str):
            ET.SubElement(properties, "property", name=name, value=value)
    for result in found:
        _junit_case(suite, result)
    octets: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return octets


def _junit_case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        name=f"{result.case.id} {result.case.title}",
        classname=f"{result.case.role.value}.{result.case.clause}",
        time=f"{result.lasted_s:.3f}",
    )
    words = f"{result.verdict.value}: {result.reason}"
    if result.verdict is Verdict.FAIL:
        kind = ET.SubElement(case, "failure", message=words, type=result.case.clause)
    elif result.verdict in _ERRORS:
        kind = ET.SubElement(case, "error", message=words, type=result.verdict.value)
    elif result.verdict in _SKIPPED:
        ET.SubElement(case, "skipped", message=words)
        return
    else:
        return
    kind.text = "\n".join(step.text for step in result.case.steps)


def captures(trace: Trace, line: str) -> dict[int, bytes]:
    """Write what passed in a case, with a file for each line where lines overlap.

    A capture has one line (docs/decisions/pcapng-writer.md): what passes on a second
    one at the same time could not be told from it.

    Args:
        trace: Of the case.
        line: What the line is called.

    Returns:
        Captures by the number of their line; one, of line 1, where each line came
        behind the one before it.
    """
    numbers = [
        one.line
        for one in trace.entries
        if isinstance(one, Traffic) and not isinstance(one.seen, SeenEvent)
    ]
    if numbers == sorted(numbers):
        return {1: capture(trace, line)}
    return {number: capture(trace, line, number) for number in sorted(set(numbers))}


def capture(trace: Trace, line: str, number: int | None = None) -> bytes:
    """Write what passed in a case as pcapng, each record at its own time.

    Args:
        trace: Of the case.
        line: What the line is called.
        number: Of the line that is wanted; all of them, if it is not said.
    """
    stream = _Kept()
    clock = MemoryWallClock(datetime(1970, 1, 1, tzinfo=UTC))
    with CaptureWriter(stream, clock, line) as writer:
        for entry in trace.entries:
            if isinstance(entry, Traffic) and number in (None, entry.line):
                clock.set(entry.seen.time)
                _write(writer, entry.seen)
    return stream.octets


class _Kept(io.BytesIO):
    """A stream whose octets outlive it."""

    octets: bytes = b""

    def close(self) -> None:
        """Keep what was written."""
        self.octets = self.getvalue()
        super().close()


def _write(writer: CaptureWriter, seen: SeenRecord) -> None:
    if isinstance(seen, SeenEvent):
        writer.write_event(seen.event, seen.words, seen.direction)
    elif seen.direction is None:
        return
    elif isinstance(seen, SeenFrame):
        writer.write_frame(seen.direction, seen.octets)
    elif isinstance(seen, SeenNoFrame):
        writer.write_no_frame(seen.direction, seen.why, seen.octets)


def key_log(trace: Trace) -> bytes:
    """Write the keys of the channels of a case, to read its capture (test realm).

    A remark gives the binding of each: the signatures in the capture cover it, and who
    has it verifies them (SPEC.md DLG-3).
    """
    lines = []
    for g_x, (own, peer) in trace.keys.items():
        keys = (g_x, own.key, own.iv, peer.key, peer.iv)
        lines.append(" ".join((LABEL, *(octets.hex() for octets in keys))))
        lines.append(f"{BINDING} {g_x.hex()} {trace.bindings[g_x].hex()}")
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def as_json_file(value: object) -> bytes:
    """Write a JSON file, for programs and people."""
    return json.dumps(value, indent=1).encode() + b"\n"
