"""`rmfs certify` with a server under test: the bench dials, and plays its machines."""

from pathlib import Path

import pytest

from tests.lab_server import MACHINES, SERVER, ServerAtWork, UnderTest
from tests.processes import Program, done, rmfs

ALL_S = 1800
"""What the whole catalogue may take with commands for what is done at the server."""


def passed(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines() if " PASS " in line]


def test_a_server_is_certified(tmp_path: Path) -> None:
    """The bench's machines are enrolled and funded as any other; then it dials."""
    under_test = UnderTest.made(tmp_path, 3)
    with ServerAtWork(under_test) as server:
        declared = under_test.declare(server.line)
        done("certify", "check", declared)
        ran = rmfs("certify", "run", declared, "DLG-01-01-S-P")
        assert (ran.code, passed(ran.out)) == (0, ["DLG-01-01-S-P"]), ran
        # Two are left: one begins, and the cases need more than there are.
        more = rmfs("certify", "run", declared, "LINK-1")
        assert more.code == 3, more
        assert len(passed(more.out)) == 2
        assert f"all machines of {tmp_path / MACHINES}" in more.err
    books = done("server", "verify", "--server", tmp_path / SERVER)
    assert books == "the books add up\n"


def test_what_a_case_wants_done_at_the_server_is_done_by_commands(
    tmp_path: Path,
) -> None:
    """A licence is blocked, and the process is killed and started again."""
    cases = ("DLG-08-21-S-N", "DLG-01-23-S-P")
    under_test = UnderTest.made(tmp_path, len(cases))
    with ServerAtWork(under_test) as server:
        said = rmfs("certify", "run", under_test.declare(server.line), *cases)
    assert (said.code, set(passed(said.out))) == (0, set(cases)), said


def test_one_host_that_proves_itself_wrongly_again_and_again_is_turned_away(
    tmp_path: Path,
) -> None:
    """That is why a server is told that a bench tests it."""
    cases = ("CHAN-7", "KEY-9")
    under_test = UnderTest.made(tmp_path, 40)
    with ServerAtWork(under_test, wrong_per_line=2) as server:
        declared = under_test.declare(server.line)
        said = rmfs("certify", "run", declared, *cases)
    assert said.code == 1, said
    assert "the line came up, and no link did" in said.out


@pytest.mark.long
def test_a_server_passes_the_whole_catalogue_over_tcp(tmp_path: Path) -> None:
    """How long it takes is printed, for whoever reads it."""
    under_test = UnderTest.made(tmp_path, 520)
    with ServerAtWork(under_test) as server:
        out = tmp_path / "out"
        declared = under_test.declare(server.line)
        with Program("certify", "run", declared, "--strict", "--out", out) as program:
            assert program.ended(ALL_S) == 0, program.out + program.err
    said = program.out.splitlines()[-1]
    print(f"whole catalogue for servers over TCP: {said}")  # noqa: T201
    assert said.startswith("conformance PASS, compatibility PASS")
    books = done("server", "verify", "--server", tmp_path / SERVER)
    assert books == "the books add up\n"
