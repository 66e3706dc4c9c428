"""`rmfs certify tap --tap`: two adapters at a line on which a machine is recharged."""

import json
import signal
from pathlib import Path

import pytest

from rmfs_tools.cli import EXIT_DONE, EXIT_LINE
from tests.processes import ROOT, UNSIGNED, Program, Server, done, rmfs
from tests.tapped_line import TappedLine

FUNDS = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"
CALLS = 2
EXIT_NOTHING = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine that is enrolled and funded, its server, and a lab's key."""
    folder = tmp_path_factory.mktemp("live")
    server, unit = folder / "server", folder / "unit"
    done("server", "init", "--server", server)
    done(
        *("machine", "new", unit, "--licence", "N123456"),
        *("--maker", server / "maker.pem", "--server", server / "server.json"),
    )
    done(
        *("server", "enrol", unit / "provisioning.json", "--server", server),
        *("--number", "KN0600065", "--licensee", "Bharat Stationers, Bengaluru"),
        *("--expires", "2031-08-15"),
    )
    done("server", "import-funds", FUNDS, *UNSIGNED, "--server", server)
    done("certify", "key", folder / "lab.pem")
    return folder


def test_recharges_are_judged_while_they_pass_until_ctrl_c(folder: Path) -> None:
    """The server writes keys behind the tap's back; two ports tell in any order."""
    server, unit, keys = folder / "server", folder / "unit", folder / "calls.keys"
    capture, out, package = folder / "seen.pcapng", folder / "out", folder / "p.zip"
    papers = (
        *("--maker", server / "makers" / "maker.pem"),
        *("--server", server / "server.json"),
        *("--machine", unit / "provisioning.json"),
    )
    places = ("--out", out, "--package", package, "--lab", folder / "lab.pem")
    with (
        Server(server, "--key-log", keys) as office,
        TappedLine(office.port) as line,
        Program(
            *("certify", "tap", "--tap", *line.ends, "--capture", capture),
            *("--keys", keys, *papers, *places),
        ) as tap,
    ):
        tap.said("listening at ")
        for _ in range(CALLS):
            dial = ("machine", "dial", unit, line.line, "--recharge", "2000")
            with Program(*dial) as machine:
                line.carry()
                assert machine.ended() == 0, machine.err
        with Program("watch", "-f", capture) as watch:
            # Each link is set up and closed: what the ports hold is heard by then.
            watch.said("UA", 2 * CALLS)
        tap.signal(signal.SIGINT)
        assert tap.ended() == EXIT_DONE, (tap.out, tap.err)
    assert "FAILED    " not in tap.out, tap.out
    assert "could not be opened" not in tap.err
    found = json.loads((out / "results.json").read_text())
    assert found["about"]["remarks"] == []
    exercised = {
        (row["clause"], row["side"])
        for row in found["clauses"]
        if row["verdict"] == "EXERCISED"
    }
    wanted = {("DLG-6", "machine"), ("DLG-7.6", "server"), ("LINK-5.2", "server")}
    assert wanted <= exercised
    assert (out / "report" / "index.html").stat().st_size > 1_000
    assert (out / "junit.xml").exists()
    told = done("certify", "verify", package, "--lab", folder / "lab-public.pem")
    assert "none changed since the lab signed" in told
    # What was captured is judged as it was heard.
    again = ("certify", "tap", capture, "--keys", keys, *papers, "--json")
    assert json.loads(done(*again))["clauses"] == found["clauses"]


def test_an_adapter_that_is_pulled_out_ends_the_tap_with_what_was_heard(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    with (
        TappedLine(0) as line,
        Program("certify", "tap", "--tap", *line.ends, "--out", out) as tap,
    ):
        tap.said("listening at ")
        line.unplug()
        assert tap.ended() == EXIT_LINE, (tap.out, tap.err)
    assert f"the tap ended: {line.ends[0]}: " in tap.err
    assert (out / "results.json").exists()


def test_a_key_log_that_is_none_does_not_end_a_live_tap(tmp_path: Path) -> None:
    (tmp_path / "calls.keys").write_text("none of ours\n")
    keys = ("--keys", tmp_path / "calls.keys")
    with (
        TappedLine(0) as line,
        Program("certify", "tap", "--tap", *line.ends, *keys) as tap,
    ):
        tap.said("listening at ")
        tap.signal(signal.SIGINT)
        assert tap.ended() == EXIT_NOTHING, (tap.out, tap.err)
    assert "line 1" in tap.err
    assert "machine   0 EXERCISED" in tap.out


def test_a_key_of_no_use_is_told_by_its_name(folder: Path) -> None:
    """`maker.pem` of a server's folder is the private half."""
    server = folder / "server"
    papers = ("--maker", server / "maker.pem", "--server", server / "server.json")
    said = rmfs("certify", "tap", "nothing.pcapng", *papers)
    assert (said.code, said.err) == (
        2,
        f"{server / 'maker.pem'}: not a public key in PEM\n",
    )
