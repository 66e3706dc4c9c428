"""What a tap leaves: results for programs, a page for people, and the traffic."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from hw.lab.tap.sheet import Failure, Look, TapVerdict, read_looks
from hw.lab.verdicts import Level
from protocol.link import Role
from rmfs_tools import __version__
from rmfs_tools.lab.pages import environment
from rmfs_tools.lab.run_files import SPECIFICATION, as_json_file
from rmfs_tools.lab.tapping import TapFileError, Tapped

EXIT_JUDGED: Final = 0
EXIT_FAILED: Final = 1
EXIT_NOTHING: Final = 4
_CLASSES: Final = {
    TapVerdict.EXERCISED: "pass",
    TapVerdict.FAILED: "fail",
    TapVerdict.UNSEEN: "not-applicable",
}


def about(tapped: Tapped, began: datetime) -> dict[str, Any]:
    """Say what was listened to, and what it comes to.

    Args:
        tapped: What was judged.
        began: When the judging began.
    """
    counts = {side: Counter[str]() for side in Role}
    for _, side, verdict in tapped.by.verdicts():
        counts[side][verdict.value] += 1
    return {
        "role": "tap",
        "sources": tapped.sources,
        "records": tapped.by.records,
        "dialogues_judged": tapped.has_keys,
        "specification_sha256": sha256(SPECIFICATION.read_bytes()).hexdigest(),
        "tool": f"rmfs {__version__}",
        "began": began.astimezone(UTC).isoformat(timespec="seconds"),
        "counts": {
            side.value: {one.value: counts[side][one.value] for one in TapVerdict}
            for side in Role
        },
        "remarks": tapped.remarks,
    }


def results(tapped: Tapped) -> dict[str, Any]:
    """Give every clause with what is known of it, and every failure."""
    lines = tapped.by.sheet.lines
    return {
        "clauses": [
            {
                "clause": look.clause,
                "layer": look.layer.value,
                "level": look.level.value,
                "side": side.value,
                "verdict": verdict.value,
                "right": lines[look.clause, side].right,
                "wrong": lines[look.clause, side].wrong,
                "what": look.what,
            }
            for look, side, verdict in tapped.by.verdicts()
        ],
        "failures": [_failure(one) for one in tapped.by.sheet.failures],
    }


def exit_code(tapped: Tapped, *, strict: bool) -> int:
    """Say how a program ends.

    Args:
        tapped: What was judged.
        strict: A SHOULD counts as a MUST.
    """
    levels = {look.clause: look.level for look in read_looks()}
    lines = tapped.by.sheet.lines
    failed = {
        levels.get(clause, Level.MUST)
        for (clause, _), line in lines.items()
        if line.verdict is TapVerdict.FAILED
    }
    if Level.MUST in failed or (strict and failed):
        return EXIT_FAILED
    judged = any(line.right or line.wrong for line in lines.values())
    return EXIT_JUDGED if judged else EXIT_NOTHING


def tap_files(
    tapped: Tapped, began: datetime, traffic: dict[str, Path]
) -> dict[str, bytes]:
    """Make every file, by its name.

    Args:
        tapped: What was judged.
        began: When the judging began.
        traffic: Files that go with it, by their names there.

    Raises:
        TapFileError: One of these cannot be read.
    """
    told = about(tapped, began)
    files = {
        "results.json": as_json_file({"about": told, **results(tapped)}),
        "junit.xml": junit(tapped),
        "report/index.html": page(tapped, told),
    }
    for name, path in traffic.items():
        try:
            files[f"traffic/{name}"] = path.read_bytes()
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}"
            raise TapFileError(message) from error
    return files


def page(tapped: Tapped, told: dict[str, Any]) -> bytes:
    """Write the page: the matrix of clauses and sides, and every failure."""
    rows: dict[str, list[tuple[Look, dict[str, TapVerdict]]]] = {}
    by_look: dict[str, dict[str, TapVerdict]] = {}
    for look, side, verdict in tapped.by.verdicts():
        by_look.setdefault(look.clause, {})[side.value] = verdict
    for look in read_looks():
        area = look.clause.split("-")[0]
        rows.setdefault(area, []).append((look, by_look[look.clause]))
    return (
        environment()
        .get_template("tap.html")
        .render(
            about=told,
            areas=rows,
            failures=tapped.by.sheet.failures,
            css=_CLASSES,
        )
        .encode()
    )


def junit(tapped: Tapped) -> bytes:
    """Write the matrix as JUnit, as a run does: a clause of a side is a test.

    Args:
        tapped: What was judged; what was unseen is skipped.
    """
    found = tapped.by.verdicts()
    counts = Counter(verdict for _, _, verdict in found)
    suite = ET.Element(
        "testsuite",
        name="FMP/1 tap",
        time="0.000",
        tests=str(len(found)),
        errors="0",
        skipped=str(counts[TapVerdict.UNSEEN]),
        failures=str(counts[TapVerdict.FAILED]),
    )
    for look, side, verdict in found:
        name = f"{look.clause} {look.what}"
        of = f"{side.value}.{look.clause}"
        case = ET.SubElement(suite, "testcase", name=name, classname=of, time="0.000")
        if verdict is TapVerdict.UNSEEN:
            ET.SubElement(case, "skipped", message=verdict.value)
        elif verdict is TapVerdict.FAILED:
            wrong = tapped.by.sheet.lines[look.clause, side].failures
            words = [
                f"{one.place}: expected {one.expected}; seen {one.seen}"
                for one in wrong
            ]
            kind = ET.SubElement(case, "failure", message=words[0], type=look.clause)
            kind.text = "\n".join(words)
    octets: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return octets


def traffic_names(captures: Iterable[Path], keys: Iterable[Path]) -> dict[str, Path]:
    """Name captures and key logs for a package, no two alike."""
    return {
        f"{place:03}-{path.name}": path
        for place, path in enumerate((*captures, *keys), start=1)
    }


def _failure(one: Failure) -> dict[str, Any]:
    return {
        "clause": one.clause,
        "side": one.side.value,
        "capture": one.place.capture,
        "record": one.place.number,
        "time": one.place.time.astimezone(UTC).isoformat(),
        "expected": one.expected,
        "seen": one.seen,
    }
