"""Vouchers of a server whose credit key is in an HSM, and what happens without it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from hw.hsm import show_place
from rmfs_tools.cli import EXIT_LINE
from tests.hsm import RemoteHsm, a_remote_hsm
from tests.processes import ROOT, UNSIGNED, Program, Server, done, rmfs

LICENCE: Final = "N123456"
FUND_FILE: Final = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"


@pytest.fixture
def hsm(tmp_path: Path) -> Iterator[RemoteHsm]:
    with a_remote_hsm(tmp_path / "token") as remote:
        yield remote


@pytest.fixture
def server(tmp_path: Path, hsm: RemoteHsm) -> Path:
    """Give a server whose only credit key was made in the HSM, and a machine of it."""
    folder, machine = tmp_path / "rmfs-server", tmp_path / "office-1"
    place = tmp_path / "hsm.toml"
    place.write_text(show_place(hsm.place))
    done("server", "init", "--server", folder, "--hsm", place)
    done(
        *("machine", "new", machine, "--licence", LICENCE),
        *("--maker", folder / "maker.pem", "--server", folder / "server.json"),
    )
    done(
        *("server", "enrol", machine / "provisioning.json", "--server", folder),
        *("--number", "KN0600065", "--licensee", "Bharat Stationers, Bengaluru"),
        *("--expires", "2031-08-15"),
    )
    done("server", "import-funds", FUND_FILE, *UNSIGNED, "--server", folder)
    return folder


def recharge(server: Path, line: str, rupees: int, *options: object) -> Program:
    machine = server.parent / "office-1"
    return Program("machine", "dial", machine, line, "--recharge", rupees, *options)


def test_a_recharge_waits_until_the_hsm_is_back(server: Path, hsm: RemoteHsm) -> None:
    with Server(server, "--workers", 2) as running:
        with recharge(server, running.line, 2000, "--attempts", 3) as dialled:
            assert dialled.ended() == 0, dialled.err
        hsm.kill()
        with recharge(server, running.line, 1000, "--attempts", 6) as dialled:
            dialled.said("UNAVAILABLE")
            running.said("token 'rmfs' did not sign")
            hsm.start()
            assert dialled.ended() == 0, dialled.err
    assert done("server", "verify", "--server", server) == "the books add up\n"
    shown = done("server", "show", LICENCE, "--server", server)
    for number, rupees in ((1, "2,000.00"), (2, "1,000.00")):
        assert f"recharge   {number}: RECHARGE Rs {rupees}, POSTED" in shown


@pytest.mark.long
def test_an_hsm_that_hangs_makes_a_server_busy(server: Path, hsm: RemoteHsm) -> None:
    with Server(server) as running:
        hsm.hang()
        for _ in range(2):
            with recharge(server, running.line, 1000) as dialled:
                assert dialled.ended() == EXIT_LINE
                assert "SERVER IS BUSY" in dialled.out
        hsm.go_on()
        with recharge(server, running.line, 1000, "--attempts", 6) as dialled:
            assert dialled.ended() == 0, dialled.err
    assert done("server", "verify", "--server", server) == "the books add up\n"
    shown = done("server", "show", LICENCE, "--server", server)
    assert "recharge   1: RECHARGE Rs 1,000.00, POSTED" in shown
    assert "recharge   2" not in shown


def test_an_inspection_needs_no_hsm(server: Path, hsm: RemoteHsm) -> None:
    with Server(server) as running:
        hsm.kill()
        machine = server.parent / "office-1"
        done("machine", "dial", machine, running.line, "--attempts", 3, "--inspect")


def test_a_server_without_its_hsm_does_not_begin(server: Path, hsm: RemoteHsm) -> None:
    hsm.kill()
    said = rmfs("server", "run", "--server", server, "--line", "tcp:127.0.0.1:0")
    assert said.code == 1
    assert said.out == ""
    assert "credit key 1: token 'rmfs' did not sign" in said.err
