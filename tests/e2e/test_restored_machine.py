"""A machine's memory is put back to yesterday: its server finds it at the next dial-in.

DLG-7.2: the mark of a STATEMENT is the one of the last RECEIPT, or the one before while
that is not acknowledged. An image from before the last dial-in has an older one.
"""

from pathlib import Path
from typing import Final

from rmfs_tools.cli import EXIT_DONE, EXIT_FAILED
from tests.processes import ROOT, UNSIGNED, Said, Server, done, rmfs

FUND_FILE: Final = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"
FROZEN: Final = "another machine has used this identity"


def prepared(folder: Path) -> tuple[Path, Path]:
    """A machine and a server by commands; enrolled, funded, and never dialled in."""
    server, machine = folder / "rmfs-server", folder / "office-1"
    done("server", "init", "--server", server)
    papers = ("--maker", server / "maker.pem", "--server", server / "server.json")
    done("machine", "new", machine, "--licence", "N123456", *papers)
    done(
        *("server", "enrol", machine / "provisioning.json", "--server", server),
        *("--number", "KN0600065", "--licensee", "Bharat Stationers, Bengaluru"),
        *("--expires", "2031-08-15"),
    )
    done("server", "import-funds", FUND_FILE, *UNSIGNED, "--server", server)
    return server, machine


def dial_until_judged(machine: Path, line: str, *wanted: str) -> Said:
    """Dial, again where the server took this call for one that a newer overtook.

    It tells calls apart by whole seconds (DLG-14.2), and these follow in one.
    """
    for _ in range(5):
        said = rmfs("machine", "dial", machine, line, *wanted)
        if "SUPERSEDED" not in said.out:
            break
    return said


def test_a_restored_old_image_is_found_and_gets_no_money(tmp_path: Path) -> None:
    folder, machine = prepared(tmp_path)
    image = tmp_path / "yesterday.image"
    with Server(folder) as server:
        line = (server.line, "--attempts", 3)
        done("machine", "dial", machine, *line, "--recharge", "2000")
        done("machine", "dump", machine, image)
        done("machine", "dial", machine, *line, "--inspect")
        done("machine", "dial", machine, *line, "--inspect")

        done("machine", "restore", machine, image)
        again = dial_until_judged(machine, server.line, "--recharge", "1000")
        assert again.code == EXIT_FAILED, again
        assert FROZEN in again.out + again.err
    shown = done("server", "show", "N123456", "--server", folder)
    assert "MARK_WRONG" in shown
    assert "Rs 3,000.00" in shown, "nothing was granted to the copy"
    done("server", "verify", "--server", folder)


def test_the_last_image_of_all_is_no_old_one(tmp_path: Path) -> None:
    folder, machine = prepared(tmp_path)
    with Server(folder) as server:
        line = (server.line, "--attempts", 3)
        done("machine", "dial", machine, *line, "--recharge", "2000")
        done("machine", "dump", machine, tmp_path / "now.image")
        done("machine", "restore", machine, tmp_path / "now.image")
        again = rmfs("machine", "dial", machine, *line, "--inspect")
        assert again.code == EXIT_DONE, again
