"""`rmfs certify` as a lab uses it: real processes, real lines, a real package."""

import json
import os
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hw.lab.catalogue import read_catalogue, selected
from hw.lab.declaration import read_declaration
from hw.lab.player import Result
from hw.lab.suite import outcome_of, run_suite
from rmfs_tools.lab.out_places import OutPlaces
from rmfs_tools.lab.reference import machine_stand
from rmfs_tools.lab.run_files import Run
from rmfs_tools.lab.virtual_time import run as on_time
from rmfs_tools.lab.zoo.units import faulty_units
from rmfs_tools.planting import plant
from tests.free_ports import free_port
from tests.lab_office import Office, OnBench
from tests.processes import ROOT, Program, Server, done, rmfs

CASES = ("DLG-05-02-M-N", "DLG-05-01-M-P")
BY_MODEM_S = 240
"""Five dial-ins by modem take 17 s each; a loaded computer takes longer."""
ALL_S = 180
"""What the whole catalogue may take over TCP, on a machine that does nothing else."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return Office.made(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def office(prepared: Office, tmp_path: Path) -> Office:
    return prepared.copy(tmp_path)


def tcp() -> str:
    return f"tcp:127.0.0.1:{free_port()}"


def passed(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines() if " PASS " in line]


def test_a_machine_passes_cases_over_tcp_and_leaves_pages_and_traffic(
    office: Office,
) -> None:
    out = office.folder / "out"
    with OnBench(office, tcp()) as on:
        said = rmfs("certify", "run", on.declaration, *CASES, "--out", out)
    assert said.code == 0, said
    assert set(passed(said.out)) == set(CASES)
    assert "2 of 2 cases apply: about" in said.err
    assert "case 1 of 2, about " in said.err
    results = json.loads((out / "results.json").read_text())
    assert results["about"]["serial"] == "PSD00001"
    assert [case["verdict"] for case in results["cases"]] == ["PASS", "PASS"]
    suite = ET.fromstring((out / "junit.xml").read_bytes())  # noqa: S314  our own
    assert suite.get("tests") == "2"
    for case in CASES:
        assert (out / "report" / f"{case}.html").stat().st_size > 1_000
        read = done("watch", out / "traffic" / f"{case}.pcapng")
        assert "SABM" in read


def test_a_result_is_told_to_programs(office: Office) -> None:
    with OnBench(office, tcp()) as on:
        said = rmfs("certify", "run", on.declaration, CASES[0], "--json")
    assert said.code == 0, said
    found = json.loads(said.out)
    assert [case["id"] for case in found["cases"]] == ["DLG-05-02-M-N"]
    assert found["about"]["counts"]["PASS"] == 1


def test_a_pty_carries_a_certification(office: Office) -> None:
    line = f"pty:{office.folder}/line"
    with OnBench(office, line) as on:
        said = rmfs("certify", "run", on.declaration, *CASES)
    assert (said.code, set(passed(said.out))) == (0, set(CASES)), said


def test_a_slow_line_carries_a_certification(office: Office) -> None:
    line = tcp()
    with OnBench(office, line, f"virtual:speed=2400:{line}") as on:
        said = rmfs("certify", "run", on.declaration, CASES[0])
    assert (said.code, passed(said.out)) == (0, [CASES[0]]), said


def test_simulated_usb_carries_a_certification(office: Office) -> None:
    with OnBench(office, f"usb:simulated:{tcp()}") as on:
        said = rmfs("certify", "run", on.declaration, *CASES)
    assert (said.code, set(passed(said.out))) == (0, set(CASES)), said


@pytest.mark.long
def test_emulated_modems_carry_a_certification(office: Office) -> None:
    """Each dial-in finds the modems again that the one before has let go of."""
    here, there = office.folder / "here", office.folder / "there"
    far_book, near_book = office.folder / "far.toml", office.folder / "near.toml"
    emulate = ("modem", "emulate", "--port")
    far_book.write_text("")
    called = ("--listen", "tcp:127.0.0.1:0")
    with Program(*emulate, f"pty:{there}", "--book", far_book, *called) as far:
        place = far.said("modem 100 answers at ").rpartition(" ")[2]
        near_book.write_text(
            f'speed = 9600\n[[number]]\ndial = "1800"\nto = "{place}"\n'
        )
        with Program(*emulate, f"pty:{here}", "--book", near_book) as near:
            near.said("modem 100 answers at ")
            bench = f"modem:{there}:rings=1"
            with OnBench(office, bench, f"modem:{here}:dial=1800") as on:
                text = on.declaration.read_text()
                on.declaration.write_text(text.replace("_s = 20 ", "_s = 60 "))
                with Program("certify", "run", on.declaration, CASES[0]) as run:
                    code = run.ended(BY_MODEM_S)
    assert (code, passed(run.out)) == (0, [CASES[0]]), (run.out, run.err)


def test_a_machine_that_holds_another_servers_keys_is_not_played_with(
    office: Office,
) -> None:
    """Exit code 3: the bench could not get to know it, so nothing is said of it."""
    other = office.folder / "other"
    done("server", "init", "--server", other)
    for name in ("dh.pem", "credit-1.pem"):
        shutil.copy(other / name, office.bench / name)
    with OnBench(office, tcp()) as on:
        said = rmfs("certify", "run", on.declaration, CASES[0])
    assert said.code == 3, said
    assert "the machine does not dial in as it should" in said.err
    assert passed(said.out) == []


def test_a_line_that_is_taken_is_an_error_of_the_bench(office: Office) -> None:
    line = tcp()
    with OnBench(office, line) as on, Server(office.bench, line=line):
        said = rmfs("certify", "run", on.declaration, CASES[0])
    assert said.code == 3, said
    assert "cannot listen at" in said.err


def test_a_faulty_machine_fails_the_case_of_its_clause_and_exits_with_1(
    office: Office, tmp_path: Path
) -> None:
    """One of the zoo, as a program: it applies vouchers whatever their signature."""
    (faulty,) = (
        unit for unit in faulty_units() if unit.id == "voucher-signature-not-checked"
    )
    root = tmp_path / "faulty"
    root.mkdir()
    plant(faulty.id, faulty.edits, ROOT, root)
    assert CASES[0] in faulty.caught_by
    out = office.folder / "out"
    with OnBench(office, tcp(), root=root) as on:
        said = rmfs("certify", "run", on.declaration, *CASES, "--out", out)
    assert said.code == 1, said
    assert passed(said.out) == [CASES[1]]
    assert "conformance FAIL" in said.out
    page = (out / "report" / f"{CASES[0]}.html").read_text()
    assert "! take ERROR VOUCHER" in page


def test_what_fails_or_comes_out_otherwise_than_expected_exits_with_1(
    office: Office,
) -> None:
    """Better than expected is told too."""
    expected = office.folder / "expected.json"
    expected.write_text(json.dumps({CASES[0]: "FAIL"}))
    with OnBench(office, tcp()) as on:
        better = rmfs(
            "certify", "run", on.declaration, CASES[0], "--expected", expected
        )
        expected.write_text(json.dumps({CASES[0]: "PASS"}))
        known = rmfs("certify", "run", on.declaration, CASES[0], "--expected", expected)
    assert better.code == 1, better
    assert f"{CASES[0]} was expected to be FAIL, and is PASS" in better.err
    assert known.code == 0, known


def test_a_should_counts_with_strict_alone(office: Office) -> None:
    """It is declared to dial when a NEXT_CALL is due, and does not."""
    with OnBench(office, tcp()) as on:
        text = on.declaration.read_text()
        text = text.replace("dials_when_due = false", "dials_when_due = true")
        on.declaration.write_text(text)
        run = ("certify", "run", on.declaration, "DLG-10-24")
        lenient, strict = rmfs(*run), rmfs(*run, "--strict")
    assert (lenient.code, strict.code) == (0, 1), (lenient, strict)
    assert "compatibility FAIL" in lenient.out
    assert "takes long: the date is 5 s ahead" in lenient.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("NONE-1",), "no case begins with NONE-1"),
        (("--expected", "nowhere.json"), "nowhere.json"),
        (("--for-certification", "p.zip"), "--lab belong together"),
    ],
)
def test_what_was_typed_wrong_exits_with_2(
    office: Office, arguments: tuple[str, ...], words: str
) -> None:
    office.declare("tcp:127.0.0.1:0")
    said = rmfs("certify", "run", office.declaration, *arguments)
    assert said.code == 2, said
    assert words in said.err


def test_a_declaration_of_another_unit_exits_with_2(office: Office) -> None:
    office.declare("tcp:127.0.0.1:0", serial="PSD00099")
    for command in ("check", "run"):
        said = rmfs("certify", command, office.declaration)
        assert said.code == 2, said
        assert '[unit] serial is "PSD00099"' in said.err
    office.declare("tcp:127.0.0.1:0")
    assert "cases apply, about" in done("certify", "check", office.declaration)


def test_a_dry_run_says_what_would_be_played_and_what_not(office: Office) -> None:
    office.declare("tcp:127.0.0.1:0", does=())
    said = rmfs("certify", "run", office.declaration, "--dry-run")
    assert said.code == 0, said
    assert "not declared: tariff" in said.out
    assert " cases apply: about " in said.err
    found = json.loads(
        done("certify", "run", office.declaration, "--dry-run", "--json", "LINK-12")
    )
    assert {case["why_not"] for case in found["cases"]} == {""}
    assert max(case["estimate_s"] for case in found["cases"]) > 25


def test_an_interrupted_run_keeps_the_results_so_far(office: Office) -> None:
    out = office.folder / "out"
    with OnBench(office, tcp()) as on:
        run = ("certify", "run", on.declaration, "DLG-5", "LINK-12", "--out", out)
        with Program(*run) as program:
            program.said("takes long: T3 is 30 s")
            program.signal(signal.SIGINT)
            assert program.ended() == 130, program.err
    assert "interrupted: " in program.err
    results = json.loads((out / "results.json").read_text())
    assert len(results["cases"]) == len(passed(program.out)) >= 2
    assert (out / "report" / "index.html").exists()


def test_ctrl_c_at_a_question_to_the_person_ends_the_run(office: Office) -> None:
    office.declare(tcp())
    read, write = os.pipe()
    run = (
        "certify",
        "run",
        office.declaration,
        "DLG-5",
        "--out",
        office.folder / "out",
    )
    with Program(*run, stdin=read) as program:
        os.close(read)
        program.said("Please have the machine dial in: INSPECTION.")
        program.signal(signal.SIGINT)
        assert program.ended() == 130, program.err
    os.close(write)
    assert (office.folder / "out" / "results.json").exists()


def test_a_person_has_the_machine_dial_and_says_that_it_refuses(
    office: Office,
) -> None:
    """Its call is an answer; where it refuses what a case needs first, exit code 4."""
    line = tcp()
    office.declare(line)
    read, write = os.pipe()
    run = ("certify", "run", office.declaration, CASES[0])
    with Program(*run, stdin=read) as program:
        os.close(read)
        for times in (1, 2):
            program.said("Please have the machine dial in: INSPECTION.", times)
            rmfs("machine", "dial", office.unit, line)
            program.said("it has dialled in", times)
        program.said("Please have the machine dial in: RECHARGE of Rs")
        os.write(write, b"what?\nr\n")
        program.said("Please have the machine dial in: INSPECTION.", 3)
        os.write(write, b"r\n")
        assert program.ended() == 4, (program.out, program.err)
    os.close(write)
    assert "Enter, n or r:" in program.err
    assert "INCONCLUSIVE" in program.out
    assert "the person said that the unit refuses" in program.out


def test_any_changed_bit_of_a_package_is_found(office: Office) -> None:
    """The package of one case in virtual time: the real one is a long test."""
    stand = machine_stand()
    cases = selected(read_catalogue(), [CASES[0]])
    results = on_time(stand.clock, run_suite(stand.bench, cases, None, _nobody))
    declared = read_declaration(office.declare("tcp:127.0.0.1:0"))
    began = datetime(2026, 11, 22, tzinfo=UTC)
    run = Run(declared, results, outcome_of(results), began, 1.0, True)  # noqa: FBT003
    package = office.folder / "p.zip"
    OutPlaces(None, package, office.lab).write(run)
    check_package(office, package)


def check_package(office: Office, package: Path) -> None:
    """Verify it, then with a bit changed here and there, and with another lab's key."""
    verify = ("certify", "verify", package)
    said = done(*verify, "--lab", office.lab_public)
    assert "none changed since the lab signed" in said
    octets = package.read_bytes()
    for place in (0, 40, len(octets) // 3, len(octets) // 2, len(octets) - 8):
        changed = bytearray(octets)
        changed[place] ^= 1
        package.write_bytes(changed)
        assert rmfs(*verify, "--lab", office.lab_public).code == 1, place
    package.write_bytes(octets)
    done("certify", "key", office.folder / "other.pem")
    other = rmfs(*verify, "--lab", office.folder / "other-public.pem")
    assert other.code == 1
    assert "not the key by which this lab is known" in other.err


def _nobody(_: Result) -> None:
    """Nobody is told."""


@pytest.mark.long
def test_the_whole_catalogue_over_tcp(office: Office) -> None:
    """How long it takes is printed, and compared with the goal by whoever reads it."""
    package = office.folder / "p.zip"
    with OnBench(office, tcp()) as on:
        run = ("certify", "run", on.declaration, "--lab", office.lab)
        with Program(*run, "--for-certification", package) as program:
            assert program.ended(900) == 0, program.out + program.err
    told = json.loads(
        done("certify", "verify", package, "--lab", office.lab_public, "--json")
    )
    lasted_s = told["about"]["lasted_s"]
    print(f"whole catalogue over TCP: {lasted_s} s; the goal is {ALL_S} s")  # noqa: T201
    assert told["about"]["for_certification"]
    check_package(office, package)
