"""`rmfs certify tap`, as a lab uses it: captures, live files, papers, a package."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from xmlschema import XMLSchema

from hw.capture import CaptureWriter, create_capture
from hw.clock import MemoryWallClock, SystemWallClock
from protocol.link import Role
from protocol.link.frames import Frame, FrameKind, encode_frame
from protocol.link.parameters import MODULO_8
from rmfs_tools.cli import EXIT_DONE, EXIT_FAILED, EXIT_LINE, EXIT_USAGE, main
from tests.processes import ROOT, done
from tests.seen import (
    DOWN,
    UP,
    RawTap,
    Recording,
    SeenSink,
    record,
    run_dial,
)
from tests.system import RUPEES_2000, new_system

EXIT_NOTHING = 4


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    system = new_system(tmp_path_factory.mktemp("tap") / "system")
    return record(system, RUPEES_2000, "call")


def tapped(
    capsys: pytest.CaptureFixture[str], *arguments: object, code: int = EXIT_DONE
) -> Any:
    """What `rmfs certify tap --json` prints."""
    assert main(["certify", "tap", *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def verdicts(found: Any, side: str) -> dict[str, str]:
    return {
        row["clause"]: row["verdict"] for row in found["clauses"] if row["side"] == side
    }


def a_window_of_five(path: Path) -> Path:
    """Write a capture of a machine that sends five I frames at once."""
    clock = MemoryWallClock(datetime(2026, 11, 22, 6, 1, 2, tzinfo=UTC))
    up = [Frame(FrameKind.SABM, command=True, poll_final=True)]
    up += [
        Frame(FrameKind.INFORMATION, command=True, send_number=number, information=part)
        for number, part in enumerate(
            (b"\x01a", b"\x00b", b"\x00c", b"\x00d", b"\x00e")
        )
    ]
    ua = encode_frame(Frame(FrameKind.UA, False, True), Role.SERVER, MODULO_8)  # noqa: FBT003
    with CaptureWriter(path.open("xb"), clock, "a line") as writer:
        for place, frame in enumerate(up):
            writer.write_frame(UP, encode_frame(frame, Role.MACHINE, MODULO_8))
            if place == 0:
                writer.write_frame(DOWN, ua)
    return path


def test_a_good_call_is_judged_on_all_layers_and_fails_nothing(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tapped(capsys, recording.capture, "--keys", recording.keys)
    assert found["failures"] == []
    assert found["about"]["remarks"] == []
    machine, server = verdicts(found, "machine"), verdicts(found, "server")
    for clause in ("LINK-6.1", "CHAN-6.4", "DLG-1.7", "DLG-6", "REG-2"):
        assert machine[clause] == "EXERCISED", clause
    for clause in ("LINK-5.8", "CHAN-4.4", "DLG-1.3", "DLG-7.6", "REG-8"):
        assert server[clause] == "EXERCISED", clause
    assert machine["LINK-7.2"] == "unseen"


def test_without_a_key_log_dialogues_are_not_judged_and_it_says_so(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tapped(capsys, recording.capture)
    assert found["about"]["dialogues_judged"] is False
    assert any("no key log" in words for words in found["about"]["remarks"])
    layers = {row["layer"] for row in found["clauses"] if row["verdict"] == "EXERCISED"}
    assert layers == {"link", "channel"}


def test_the_same_call_twice_in_two_captures_is_no_good_evidence(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.pcapng"
    other.write_bytes(recording.capture.read_bytes())
    both = (recording.capture, other, "--keys", recording.keys)
    found = tapped(capsys, *both, code=EXIT_FAILED)
    assert {"CHAN-1.2", "DLG-4.4"} & {one["clause"] for one in found["failures"]}


def test_a_failure_names_clause_side_and_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = a_window_of_five(tmp_path / "five.pcapng")
    assert main(["certify", "tap", str(capture)]) == EXIT_FAILED
    said = capsys.readouterr()
    assert f"FAILED    LINK-6.3   machine  {capture}, record 7, 2026-11-22" in said.out
    assert "expected at most k = 4 that wait; seen 5 I frames" in said.out
    assert "machine   " in said.out
    assert "records judged" in said.err


def test_a_folder_has_the_page_and_the_results(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    five = a_window_of_five(tmp_path / "<five>.pcapng")
    out = tmp_path / "out"
    arguments = (recording.capture, five, "--keys", recording.keys, "--out", out)
    found = tapped(capsys, *arguments, code=EXIT_FAILED)
    assert json.loads((out / "results.json").read_text()) == found
    suite = ET.fromstring((out / "junit.xml").read_bytes())  # noqa: S314  our own
    failed = suite.findall("testcase/failure")
    assert [one.get("type") for one in failed] == ["LINK-6.3"]
    assert "record 7" in (failed[0].text or "")
    assert suite.get("failures") == "1"
    assert suite.get("tests") == str(len(found["clauses"]))
    XMLSchema(ROOT / "tests" / "spec" / "surefire.xsd").validate(suite)
    page = (out / "report" / "index.html").read_text()
    assert "LINK-6.3" in page
    assert 'class="verdict fail">FAILED' in page
    assert 'class="verdict pass">EXERCISED' in page
    assert "&lt;five&gt;.pcapng" in page
    assert "<five>" not in page
    assert main(["certify", "tap", *map(str, arguments)]) == EXIT_FAILED
    assert "is there already" in capsys.readouterr().err


def test_a_package_holds_the_traffic_and_any_changed_bit_is_found(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done("certify", "key", tmp_path / "lab.pem")
    package = tmp_path / "tap.zip"
    call = (recording.capture, "--keys", recording.keys)
    tapped(capsys, *call, "--package", package, "--lab", tmp_path / "lab.pem")
    verify = ("certify", "verify", package, "--lab", tmp_path / "lab-public.pem")
    told = json.loads(done(*verify, "--json"))
    assert told["about"]["role"] == "tap"
    octets = bytearray(package.read_bytes())
    at = octets.index(recording.capture.read_bytes()[100:200])
    octets[at] ^= 1
    package.write_bytes(octets)
    assert main([*map(str, verify)]) == EXIT_FAILED
    assert "traffic/001-call.pcapng" in capsys.readouterr().err


def test_two_files_of_octets_are_listened_to_as_a_line_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = new_system(tmp_path / "system")
    tap = RawTap(SeenSink())
    run_dial(system, system.psd(), RUPEES_2000, tap)
    (tmp_path / "up").write_bytes(tap.raw[UP])
    (tmp_path / "down").write_bytes(tap.raw[DOWN])
    copy = tmp_path / "copy.pcapng"
    ends = ("--tap", tmp_path / "up", tmp_path / "down")
    live = tapped(capsys, *ends, "--capture", copy)
    read = tapped(capsys, copy)
    assert verdicts(live, "machine")["LINK-6.1"] == "EXERCISED"
    assert verdicts(live, "server") == verdicts(read, "server")


def test_a_port_that_is_lost_ends_the_tap_with_what_was_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = (str(tmp_path / "a"), str(tmp_path / "b"))
    assert main(["certify", "tap", "--tap", *ends]) == EXIT_LINE
    said = capsys.readouterr()
    assert "the tap ended" in said.err
    assert "0 EXERCISED" in said.out


def test_a_capture_that_ends_too_early_is_judged_to_there_and_told(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cut").write_bytes(recording.capture.read_bytes()[:-1])
    found = tapped(capsys, tmp_path / "cut", "--keys", recording.keys)
    assert any("in the midst of a record" in one for one in found["about"]["remarks"])


def test_a_damaged_capture_is_refused_with_the_place(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    octets = bytearray(recording.capture.read_bytes())
    second = int.from_bytes(octets[4:8], "little")
    octets[second + 4 : second + 8] = b"\xff\xff\xff\xff"
    (tmp_path / "damaged").write_bytes(octets)
    assert main(["certify", "tap", str(tmp_path / "damaged")]) == EXIT_USAGE
    err = capsys.readouterr().err
    assert f"{tmp_path / 'damaged'}: this is no capture of a line" in err


def test_a_capture_of_something_else_judges_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ethernet = tmp_path / "ethernet.pcapng"
    with create_capture(ethernet, SystemWallClock(), "eth0") as writer:
        writer.write_frame(UP, bytes(60))
    # LINKTYPE_ETHERNET in place of LINKTYPE_USER0.
    octets = ethernet.read_bytes().replace(b"\x93\x00\x00\x00", b"\x01\x00\x00\x00", 1)
    ethernet.write_bytes(octets)
    assert main(["certify", "tap", str(ethernet)]) == EXIT_NOTHING
    assert "holds no frames of a line" in capsys.readouterr().err


def test_a_huge_capture_is_read_in_pieces(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thousand idle polls, each of which counts."""
    clock = MemoryWallClock(datetime(2026, 11, 22, 6, 1, 2, tzinfo=UTC))
    huge = tmp_path / "huge.pcapng"
    with CaptureWriter(huge.open("xb"), clock, "a line") as writer:
        for _ in range(20_000):
            writer.write_frame(UP, b"\x01\x11")
    found = tapped(capsys, huge)
    assert found["about"]["records"] == 20_000
    assert verdicts(found, "machine")["LINK-4.4"] == "EXERCISED"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name captures, or tap a line"),
        (("a", "--tap", "b", "c"), "name captures, or tap a line"),
        (("a", "--capture", "b"), "--capture records a --tap"),
        (("a", "--server", "b"), "need --maker"),
        (("a", "--package", "b"), "--package and --lab belong together"),
        (("nothing-here",), "cannot be read"),
        (("nothing-here", "--keys", "nor-here"), "cannot be read"),
        (("a", "--server", "b", "--maker", "c"), "cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["certify", "tap", *arguments]) == EXIT_USAGE
    assert words in capsys.readouterr().err
