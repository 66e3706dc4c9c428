"""`rmfs modem emulate` as a terminal program and the rest of the product find it."""

import json
import signal
import socket
from pathlib import Path

import pytest
import serial

from rmfs_tools.cli import EXIT_DONE, EXIT_FAILED, EXIT_LINE, EXIT_USAGE
from tests.processes import ROOT, TIMEOUT_S, UNSIGNED, Program, Server, done, rmfs

BOOK = """
own = "100"
speed = 2400

[[number]]
dial = "1930"
outcome = "busy"
"""


def write_book(folder: Path, more: str = "") -> Path:
    path = folder / "book.toml"
    path.write_text(BOOK + more)
    return path


def say(port: serial.Serial, command: str, answer: str) -> str:
    """Type a command line and read until the answer ends as it should."""
    port.write(command.encode() + b"\r")
    said = port.read_until(answer.encode() + b"\r\n")
    assert said.endswith(answer.encode() + b"\r\n"), said
    return str(said.decode())


def test_an_unmodified_terminal_program_uses_a_modem_on_a_pty(tmp_path: Path) -> None:
    place = tmp_path / "modem"
    book = write_book(tmp_path)
    profiles = tmp_path / "profiles.json"
    with Program(
        *("modem", "emulate", "--port", f"pty:{place}", "--book", book, "--json"),
        *("--listen", "tcp:127.0.0.1:0", "--profiles", profiles),
    ) as program:
        ready = json.loads(program.said('{"event": "ready"'))
        assert f"modem 100 answers at pty:{place}" in ready["words"]
        called = ready["words"].rpartition(":")[2]
        with serial.Serial(str(place), 115_200, timeout=TIMEOUT_S) as port:
            assert "RMFS" in say(port, "ATI3", "OK")
            say(port, "ATE0S7=40&W", "OK")
            say(port, "ATDT1930", "BUSY")
            with socket.create_connection(("127.0.0.1", int(called))) as caller:
                assert port.read_until(b"RING\r\n").endswith(b"RING\r\n")
                say(port, "ATA", "CONNECT 2400")
                caller.sendall(b"hello")
                assert port.read(5) == b"hello"
                port.write(b"there")
                assert caller.recv(1) == b"t"
            assert port.read_until(b"NO CARRIER\r\n").endswith(b"NO CARRIER\r\n")
        with serial.Serial(str(place), 115_200, timeout=TIMEOUT_S) as port:
            assert "040" in say(port, "ATS7?", "OK")
        program.signal(signal.SIGTERM)
        assert program.ended() == EXIT_DONE
    assert not place.exists()
    assert json.loads(profiles.read_text())["profiles"]["0"]["registers"]["7"] == 40


# pyserial's thread is made as Python did it before 3.10.
@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")
def test_a_client_of_rfc_2217_sees_the_circuits_of_the_modem(tmp_path: Path) -> None:
    book = write_book(tmp_path)
    with Program(
        *("modem", "emulate", "--port", "rfc2217:127.0.0.1:0", "--book", book)
    ) as program:
        at = program.said("modem 100 answers at ").rpartition(" ")[2]
        with serial.serial_for_url(
            at.replace("rfc2217:", "rfc2217://"), timeout=TIMEOUT_S
        ) as port:
            say(port, "ATE0", "OK")
            assert port.cts
            assert port.dsr
            assert not port.cd
            say(port, "ATD1930", "BUSY")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--port", "tcp:127.0.0.1:0", "--book", "missing"), EXIT_FAILED, "No such"),
        (("--port", "usb:1209:0001"), EXIT_LINE, "a modem cannot be at usb"),
        (("--port", "pty:/dev/null"), EXIT_LINE, "is a file"),
        (("--port", "moped:1"), EXIT_USAGE, "no kind of line called 'moped'"),
        ((), EXIT_USAGE, "--port"),
    ],
)
def test_what_cannot_be_is_told(
    arguments: tuple[str, ...], code: int, words: str
) -> None:
    answer = rmfs("modem", "emulate", *arguments)
    assert answer.code == code
    assert words in answer.err


def test_a_book_that_leads_to_no_line_is_refused(tmp_path: Path) -> None:
    book = write_book(tmp_path, '[[number]]\ndial = "1"\nto = "tcp"\n')
    answer = rmfs("modem", "emulate", "--port", "tcp:127.0.0.1:0", "--book", book)
    assert answer.code == EXIT_FAILED
    assert "the phone book, number 1: 'tcp' names no line" in answer.err


def test_machine_and_server_meet_over_two_modems_on_ptys(tmp_path: Path) -> None:
    server, machine = tmp_path / "server", tmp_path / "office"
    at_server = ("--server", server)
    done("server", "init", *at_server)
    done(
        *("machine", "new", machine, "--licence", "N123456"),
        *("--maker", server / "maker.pem", "--server", server / "server.json"),
    )
    done(
        *("server", "enrol", machine / "provisioning.json", *at_server),
        *("--number", "KN0600065", "--licensee", "Bharat Stationers, Bengaluru"),
        *("--expires", "2031-08-15"),
    )
    funds = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"
    done("server", "import-funds", funds, *UNSIGNED, *at_server)
    here, there = tmp_path / "here", tmp_path / "there"
    emulate = ("modem", "emulate", "--port")
    with Program(
        *(*emulate, f"pty:{there}", "--book", write_book(tmp_path)),
        *("--listen", "tcp:127.0.0.1:0"),
    ) as far:
        called = far.said("modem 100 answers at ").rpartition(" ")[2]
        book = tmp_path / "machine.toml"
        book.write_text(
            f'speed = 2400\n[[number]]\ndial = "18001930"\nto = "{called}"\n'
        )
        with (
            Program(*emulate, f"pty:{here}", "--book", book) as near,
            Server(server, line=f"modem:{there}:rings=1"),
        ):
            near.said("modem 100 answers at ")
            line = f"modem:{here}:dial=18001930"
            recharge = ("--recharge", "2000", "--attempts", 3)
            said = done("machine", "dial", machine, line, *recharge)
            assert said.startswith("RECHARGED\n")
            again = rmfs("machine", "dial", machine, f"modem:{here}:dial=999:wait=5")
            assert "no answer: 999 within 5 s" in again.out + again.err
    assert done("server", "verify", *at_server) == "the books add up\n"
