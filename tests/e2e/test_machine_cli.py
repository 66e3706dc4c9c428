"""`rmfs machine` as people use it: words, exit codes, and one process at a time."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import click
import pytest

from fm_device.cli import add_commands
from fm_device.folder import LOCK, open_machine
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import SystemWallClock
from hw.entropy import SeededEntropy
from hw.lines.tcp import TcpListener
from hw.reactor import MonotonicReactor
from protocol.errors import StoreError
from protocol.keys import MakerKey, Realm, write_private_key, write_provisioning
from rmfs_tools.cli import EXIT_FAILED, EXIT_LINE, EXIT_USAGE, Contribution, main
from tests.witness import small_server
from tests.witness.small_books import SmallBooks, answering
from tests.witness.small_server import REAL, RUPEES_2000, Dial

OURS = (Contribution(("machine",), add_commands),)


def _rmfs(*arguments: object) -> int:
    return main([str(argument) for argument in arguments], OURS)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    maker = MakerKey.generate("OEM", Realm.TEST, SeededEntropy(b"maker"))
    (tmp_path / "maker.pem").write_text(write_private_key(maker.signing.scalar))
    (tmp_path / "server.json").write_text(
        write_provisioning(small_server.PROVISIONING, maker)
    )
    return tmp_path


@pytest.fixture
def office(files: Path) -> Path:
    assert _make(files) == 0
    return files / "office-1"


def _make(files: Path) -> int:
    return _rmfs(
        "machine",
        "new",
        files / "office-1",
        "--licence",
        "N123456",
        "--maker",
        files / "maker.pem",
        "--server",
        files / "server.json",
    )


@pytest.fixture
def in_service(office: Path) -> Path:
    """A machine with Rs 2,000, recharged without a line."""
    with open_machine(office, SystemWallClock(), "test") as machine:
        psd = machine.psd
        small_server.recharged(psd, REAL)
    return office


def test_a_new_machine_says_what_to_do_next(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office = files / "office-1"
    assert _make(files) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"machine N123456 is installed in {office}\n")
    assert f"enrol {office / 'provisioning.json'} at the recharge server" in said
    assert _rmfs("machine", "show", office) == 0
    assert "Machine N123456  PSD PSD00001  INSTALLED" in capsys.readouterr().out


FRANK = ("machine", "frank")


def test_franks_are_shown_and_counted(
    in_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert _rmfs(*FRANK, in_service, "--on-scale", 18, "--count", 2) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("item 2  L  Rs 5.00")
    assert lines[1].endswith("left Rs 1,990.00")
    assert _rmfs("machine", "show", in_service, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["state"] == "IN_SERVICE"
    assert shown["registers"] == {
        "ascending_paise": 1000,
        "descending_paise": 199_000,
        "control_total_paise": 200_000,
        "items": 2,
        "items_with_zero": 2,
    }
    assert shown["usage"] == [
        {"product_class": 3, "items": 2, "amount_paise": 1000, "reported": False}
    ]


def test_a_refused_frank_says_why_and_how_many_were_made(
    in_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dear = ("--class", "SP", "--zone", "OVER", "--on-scale", 500)
    code = _rmfs(*FRANK, in_service, *dear, "--count", 30)
    assert code == EXIT_FAILED
    said = capsys.readouterr().err
    assert "FUNDS SHORT: recharge the machine (PSD-01-001)" in said
    assert "21 of 30 items are franked" in said


def test_a_machine_not_in_service_asks_for_its_first_dial_in(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _rmfs(*FRANK, office, "--on-scale", 18) == EXIT_FAILED
    assert "NOT IN SERVICE YET: dial in once" in capsys.readouterr().err


@pytest.mark.parametrize(
    "typed",
    [
        ("frank", "FOLDER", "5.00"),
        ("frank", "FOLDER", "--on-scale", "-5"),
        ("frank", "FOLDER", "--class", "XX"),
        ("frank", "FOLDER", "--date", "yesterday"),
        ("frank", "FOLDER", "--scale", "kitchen"),
        ("dial", "FOLDER", "nowhere"),
        ("dial", "FOLDER", "tcp:127.0.0.1:1", "--recharge", "1,000"),
        ("dial", "FOLDER", "tcp:127.0.0.1:1", "--recharge", "100", "--withdraw"),
        ("new", "FOLDER", "--licence", "n123456"),
    ],
)
def test_what_is_typed_wrong_is_said_and_changes_nothing(
    in_service: Path, typed: tuple[str, ...]
) -> None:
    image = (in_service / "nvram.bin").read_bytes()
    arguments = [in_service if word == "FOLDER" else word for word in typed]
    assert _rmfs("machine", *arguments) == EXIT_USAGE
    assert (in_service / "nvram.bin").read_bytes() == image


def test_a_line_that_nobody_answers_leaves_the_amount_free(
    in_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = _rmfs("machine", "dial", in_service, "tcp:127.0.0.1:1", "--recharge", "2000")
    assert code == EXIT_LINE
    said = capsys.readouterr()
    assert "DIAL-IN FAILED (no answer" in said.out
    assert "PENDING" not in said.out
    assert _rmfs("machine", "show", in_service, "--json") == 0
    assert json.loads(capsys.readouterr().out)["pending"] is None


def test_a_pending_credit_is_said_before_dialling(
    in_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_machine(in_service, SystemWallClock(), "test") as machine:
        psd = machine.psd
        Dial(psd, RUPEES_2000, REAL)
    assert _rmfs("machine", "dial", in_service, "tcp:127.0.0.1:1", "--json") == 3
    said = capsys.readouterr()
    words = "PENDING CREDIT Rs 2,000.00: the amount cannot be changed; dial again"
    assert words in said.err
    assert json.loads(said.out)["pending"] == {
        "kind": "RECHARGE",
        "amount_paise": 200_000,
    }
    assert _rmfs("machine", "show", in_service) == 0
    assert words in capsys.readouterr().out


def test_a_capture_is_not_written_over(
    in_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = in_service.parent / "call.pcapng"
    dial = ("machine", "dial", in_service, "tcp:127.0.0.1:1", "--capture", capture)
    assert _rmfs(*dial) == EXIT_LINE
    octets = capture.read_bytes()
    assert _rmfs(*dial) == EXIT_FAILED
    assert "captures are evidence" in capsys.readouterr().err
    assert capture.read_bytes() == octets


def test_a_working_day_is_the_same_for_the_same_seed(
    in_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert _rmfs("machine", "day", in_service, "--letters", 10, "--seed", 7) == 0
    first = capsys.readouterr().out
    assert first.startswith("10 items franked, Rs ")
    assert _rmfs("machine", "day", in_service, "--letters", 10, "--seed", 7) == 0
    assert capsys.readouterr().out == first


def test_a_day_ends_when_the_funds_do(
    in_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = _rmfs("machine", "day", in_service, "--letters", 1000)
    assert code == EXIT_FAILED
    assert "FUNDS SHORT" in capsys.readouterr().err


def test_a_machine_in_service_is_not_re_initialised(
    in_service: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = _rmfs(
        "machine",
        "reinitialise",
        in_service,
        "--licence",
        "N777777",
        "--maker",
        files / "maker.pem",
    )
    assert code == EXIT_FAILED
    assert "withdraw it before" in capsys.readouterr().err


def test_a_second_process_is_told_who_has_the_machine(in_service: Path) -> None:
    program = (
        "import sys\n"
        "from fm_device.cli import add_commands\n"
        "from rmfs_tools.cli import Contribution, main\n"
        "sys.exit(main(sys.argv[1:], (Contribution(('machine',), add_commands),)))\n"
    )
    with open_machine(in_service, SystemWallClock(), "machine dial"):
        holder = (in_service / LOCK).read_text().strip()
        done = subprocess.run(
            [sys.executable, "-c", program, "machine", "frank", in_service],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == EXIT_FAILED
    assert f"is in use by {holder}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_memory_beyond_repair_is_an_error_and_no_traceback(
    in_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (in_service / "nvram.bin").write_bytes(bytes(NVRAM_OCTETS))
    assert _rmfs("machine", "show", in_service) == EXIT_FAILED
    assert "out of order" in capsys.readouterr().err
    with pytest.raises(StoreError), open_machine(in_service, SystemWallClock(), "test"):
        pass


@pytest.fixture
def answered(office: Path) -> Iterator[tuple[SmallBooks, str]]:
    """A small server that answers at a TCP port, in a thread of its own."""
    with open_machine(office, SystemWallClock(), "test") as machine:
        psd = machine.psd
        books = SmallBooks(psd.credential, REAL)
    reactor = MonotonicReactor()
    listener = TcpListener(reactor, "127.0.0.1", 0)
    listener.listen(lambda _: answering(books, reactor))
    thread = Thread(target=lambda: reactor.run(installSignalHandlers=False))
    thread.start()
    yield books, listener.address
    reactor.callFromThread(reactor.stop)
    thread.join()
    listener.close()


def test_a_recharge_over_tcp_prints_what_a_franking_machine_prints(
    office: Path,
    answered: tuple[SmallBooks, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    books, line = answered
    capture = office.parent / "call.pcapng"
    code = _rmfs(
        *("machine", "dial", office, line, "--recharge", 2000, "--capture", capture)
    )
    said = capsys.readouterr()
    assert code == 0, said
    assert said.err.splitlines() == [
        "link is up",
        "server is proved, registers are stated",
        "voucher 1: RECHARGE Rs 2,000.00 stored",
        "receipt is stored",
    ]
    lines = said.out.splitlines()
    assert lines[:-1] == [
        "RECHARGED",
        "Previous funds   Rs 0.00",
        "Funds added      Rs 2,000.00",
        "Funds available  Rs 2,000.00",
        "Funds at the server  Rs 5,000.00",
    ]
    assert "octets" in lines[-1]
    assert books.control_total == 200_000
    assert capture.stat().st_size > 800


def test_a_days_mail_is_reported_in_the_evening(
    office: Path,
    answered: tuple[SmallBooks, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    books, line = answered
    assert _rmfs("machine", "dial", office, line, "--recharge", "2000.00") == 0
    assert _rmfs("machine", "day", office, "--letters", 25, "--line", line) == 0
    capsys.readouterr()
    assert _rmfs("machine", "show", office, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert sum(items for items, _ in books.usage.values()) == 25
    assert (
        sum(paise for _, paise in books.usage.values())
        == (shown["registers"]["ascending_paise"])
    )
    assert all(row["reported"] for row in shown["usage"])


def test_every_command_has_help_with_an_example() -> None:
    root = click.Group()
    add_commands(root)
    machine = root.commands["machine"]
    assert isinstance(machine, click.Group)
    wanted = {"new", "install", "show", "frank", "dial", "day", "reinitialise"}
    assert wanted <= set(machine.commands)
    for name, command in machine.commands.items():
        assert command.help
        assert f"rmfs machine {name} " in (command.epilog or "")
