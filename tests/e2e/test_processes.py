"""The product as a person has it: real processes, killed, stopped and pestered."""

import random
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from fm_device.folder import open_machine
from hw.clock import SystemWallClock
from protocol.registers import Registers
from protocol.values import LicenceIdentifier
from rmfs_server.folder import open_books
from rmfs_server.showing import picture_of_licence
from rmfs_server.store import ledger, recharges
from rmfs_server.store.verify import verify_books
from rmfs_tools.cli import EXIT_DONE, EXIT_FAILED, EXIT_LINE, EXIT_USAGE
from tests.processes import ROOT, UNSIGNED, Point, Program, Server, Tap, done, rmfs
from tests.witness.programs import needs

LICENCE: Final = LicenceIdentifier("N123456")
FUND_FILE: Final = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"
DEPOSITED_PAISE: Final = 500_000
PATIENT: Final = ("--attempts", 3)
"""A server that stands still for 4 s is given up on a quick line, and dialled again."""
MIB: Final = 1024 * 1024
DRAIN_S: Final = 3600
"""How long calls may go on: longer than any test waits for an end."""

SABM: Final = bytes.fromhex("7e013febdf7e")
UA_ON_SABM: Final = bytes.fromhex("7e017383577e")
DISC: Final = bytes.fromhex("7e014300667e")
UA_ON_DISC: Final = bytes.fromhex("7e016302477e")


@dataclass(frozen=True)
class Place:
    """A folder with an office's machine and a recharge server in it."""

    folder: Path

    @property
    def machine(self) -> Path:
        return self.folder / "office-1"

    @property
    def server(self) -> Path:
        return self.folder / "rmfs-server"

    def dial(self, line: str, *options: object) -> Program:
        return Program("machine", "dial", self.machine, line, *options)

    def recharge(self, line: str, *options: object) -> Program:
        return self.dial(line, "--recharge", "2000", *options)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A machine that is enrolled and funded, and has not dialled, all by commands."""
    place = Place(tmp_path_factory.mktemp("prepared"))
    said = done("server", "init", "--server", place.server)
    provisioning = place.server / "server.json"
    maker = place.server / "maker.pem"
    assert f"machines need {provisioning}" in said
    assert f"the maker's key is {maker}" in said
    said = done(
        *("machine", "new", place.machine, "--licence", LICENCE),
        *("--maker", maker, "--server", provisioning),
    )
    enrolment = place.machine / "provisioning.json"
    assert f"enrol {enrolment} at the recharge server" in said
    said = done(
        *("server", "enrol", enrolment, "--server", place.server),
        *("--number", "KN0600065", "--licensee", "Bharat Stationers, Bengaluru"),
        *("--expires", "2031-08-15"),
    )
    assert said == "N123456 is enrolled\n"
    said = done(
        "server", "import-funds", FUND_FILE, *UNSIGNED, "--server", place.server
    )
    assert "2 lines, Rs 5,000.00" in said
    return place


@pytest.fixture
def place(prepared: Place, tmp_path: Path) -> Place:
    """A copy of the prepared place, to be ruined at will."""
    shutil.copytree(prepared.folder, tmp_path, dirs_exist_ok=True)
    return Place(tmp_path)


def registers_of(place: Place) -> Registers:
    """Read the machine's memory, whose lock whoever was killed has let go of."""
    with open_machine(place.machine, SystemWallClock(), "test") as machine:
        psd = machine.psd
        return psd.record.registers


def check_money(place: Place) -> None:
    """The oracle after anything: nothing lost, nothing doubled."""
    registers = registers_of(place)
    assert (
        registers.ascending_paise + registers.descending_paise
        == registers.control_total_paise
    )
    with open_books(place.server) as store, store.reading() as connection:
        assert verify_books(connection) == []
        held = {
            account: ledger.balance_paise(connection, account(LICENCE))
            for account in (ledger.funds_of, ledger.reserved_of, ledger.machine_of)
        }
    posted = held[ledger.machine_of]
    assert sum(held.values()) == DEPOSITED_PAISE
    assert registers.control_total_paise in {
        posted,
        posted + held[ledger.reserved_of],
    }


def recharges_of(place: Place) -> list[tuple[int, str]]:
    """List paise and state of every recharge in the books."""
    with open_books(place.server) as store, store.reading() as connection:
        return [
            (one.amount_paise, one.state.name)
            for one in recharges.all_of(connection, LICENCE)
        ]


def credited(place: Place) -> list[int]:
    """List what was recharged so far, in paise."""
    return [amount for amount, _ in recharges_of(place)]


def check_quiet(place: Place, *recharges_paise: int) -> None:
    """The oracle at rest: both sides agree that this was credited, each once."""
    check_money(place)
    total = sum(recharges_paise)
    assert recharges_of(place) == [(amount, "POSTED") for amount in recharges_paise]
    assert registers_of(place).control_total_paise == total
    with open_machine(place.machine, SystemWallClock(), "test") as machine:
        psd = machine.psd
        assert psd.record.pending is None
    with open_books(place.server) as store, store.reading() as connection:
        picture = picture_of_licence(connection, LICENCE, SystemWallClock().now())
    assert picture["funds"] == {
        "available_paise": DEPOSITED_PAISE - total,
        "later_paise": 0,
        "reserved_paise": 0,
    }
    assert picture["discrepancies"] == []


# A stranger's path


def test_a_stranger_gets_from_nothing_to_evidence_by_commands_alone(
    place: Place,
) -> None:
    with Server(place.server) as server:
        with place.recharge(server.line, *PATIENT) as machine:
            assert machine.ended() == EXIT_DONE, machine.err
        assert machine.out.startswith("RECHARGED\n")
        assert "Funds available  Rs 2,000.00" in machine.out
        franked = done(
            "machine", "frank", place.machine, "--on-scale", "18", "--count", "2"
        )
        assert "item 2  L  Rs 5.00" in franked
        modem = f"virtual:speed=19200:delay=0.01:ber=1e-5:{server.line}"
        said = done(
            "machine", "dial", place.machine, modem, "--recharge", 300, *PATIENT
        )
        assert "Funds available  Rs 2,290.00" in said
        shown = done("server", "show", LICENCE, "--server", place.server)
        assert "2: RECHARGE Rs 300.00, POSTED by CONFIRMATION" in shown
        server.signal(signal.SIGTERM)
        assert server.ended() == EXIT_DONE
    verified = done("server", "verify", "--server", place.server)
    assert verified == "the books add up\n"
    check_quiet(place, 200_000, 30_000)


@dataclass
class Standing:
    """A place whose machine and server go on from one death to the next."""

    place: Place
    servers: ExitStack
    server: Server

    def restart(self) -> None:
        self.server = self.servers.enter_context(Server(self.place.server))


@pytest.fixture(scope="module")
def mourned(
    prepared: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    place = Place(tmp_path_factory.mktemp("standing"))
    shutil.copytree(prepared.folder, place.folder, dirs_exist_ok=True)
    with ExitStack() as servers:
        server = servers.enter_context(Server(place.server))
        with place.dial(server.line, "--recharge", "100", *PATIENT) as machine:
            assert machine.ended() == EXIT_DONE, machine.out
        done("machine", "frank", place.machine, "--on-scale", "18")
        yield Standing(place, servers, server)


@pytest.fixture
def standing(mourned: Standing) -> Standing:
    """What all deaths before this one have left: a server that runs."""
    if not mourned.server.is_running:
        mourned.restart()
    return mourned


def test_openssl_verifies_what_evidence_exports_by_its_own_readme(
    standing: Standing, tmp_path: Path
) -> None:
    openssl = needs("openssl")
    out = tmp_path / "evidence-1"
    books = standing.place.server
    said = done("evidence", LICENCE, 1, "--server", books, "--out", out)
    assert f"{out} verifies: POSTED" in said
    readme = (out / "README.txt").read_text("ascii")
    commands = [line for line in readme.splitlines() if line.startswith("openssl ")]
    assert len(commands) == 3

    def run(command: str) -> str:
        name, *arguments = shlex.split(command)
        assert name == "openssl"
        checked = subprocess.run(
            [openssl, *arguments],
            cwd=out,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return checked.stdout

    assert [run(command) for command in commands] == ["Verified OK\n"] * 3
    forged = bytearray((out / "statement.signed").read_bytes())
    forged[-1] ^= 1
    (out / "statement.signed").write_bytes(forged)
    assert run(commands[0]) == "Verification failure\n"
    assert rmfs("evidence", "--verify", out).code == EXIT_FAILED


# Killed


SERVER_DIES_AT: Final = (
    Point("GREETING_1", passed=True),
    Point("STATEMENT", passed=True),
    Point("VOUCHER", passed=False),
    Point("VOUCHER", passed=True),
    Point("CONFIRMATION", passed=True),
    Point("RECEIPT", passed=False),
    Point("RECEIPT", passed=True),
    Point("GOODBYE", passed=True),
)

MACHINE_DIES_AT: Final = (
    Point("GREETING_2", passed=True),
    Point("STATEMENT", passed=False),
    Point("VOUCHER", passed=False),
    Point("VOUCHER", passed=True),
    Point("CONFIRMATION", passed=False),
    Point("CONFIRMATION", passed=True),
    Point("RECEIPT", passed=True),
    Point("GOODBYE", passed=True),
)


@pytest.mark.parametrize("point", SERVER_DIES_AT, ids=str)
def test_a_recharge_is_credited_once_though_the_server_was_killed(
    standing: Standing, point: Point
) -> None:
    place = standing.place
    before = credited(place)
    with Tap() as tap, place.dial(tap.line, "--recharge", "100") as machine:
        tap.answer(standing.server.port)
        assert tap.carry(until=point)
        standing.server.kill()
        tap.hang_up()
        code = machine.ended()
        heard_to_the_end = point in SERVER_DIES_AT[-2:]
        assert code == (EXIT_DONE if heard_to_the_end else EXIT_LINE), machine.out
        assert heard_to_the_end or "dial again" in machine.out
    check_money(place)
    with Tap() as tap, place.dial(tap.line) as machine:
        standing.restart()
        tap.answer(standing.server.port)
        tap.carry()
        assert machine.ended() == EXIT_DONE, machine.out
    check_quiet(place, *before, 10_000)


@pytest.mark.parametrize("point", MACHINE_DIES_AT, ids=str)
def test_a_recharge_is_credited_once_though_the_machine_was_killed(
    standing: Standing, point: Point
) -> None:
    """The line stays up, so that the server has the dead call and the new one."""
    place = standing.place
    before = credited(place)
    with Tap() as tap, place.dial(tap.line, "--recharge", "100") as machine:
        tap.answer(standing.server.port)
        assert tap.carry(until=point)
        machine.kill()
        check_money(place)
        with place.dial(standing.server.line, *PATIENT) as again:
            assert again.ended() == EXIT_DONE, again.out
        check_quiet(place, *before, 10_000)


def test_the_books_of_a_server_killed_in_a_call_are_clean_by_command(
    place: Place,
) -> None:
    with (
        Tap() as tap,
        place.recharge(tap.line) as machine,
        Server(place.server) as server,
    ):
        tap.answer(server.port)
        assert tap.carry(until=Point("VOUCHER", passed=False))
        server.kill()
        tap.hang_up()
        assert machine.ended() == EXIT_LINE
    assert done("server", "verify", "--server", place.server) == "the books add up\n"
    shown = done("server", "show", LICENCE, "--server", place.server)
    assert "1: RECHARGE Rs 2,000.00, RESERVED" in shown
    check_money(place)


def test_a_second_process_is_told_who_has_the_machine(place: Place) -> None:
    with (
        Tap() as tap,
        place.recharge(tap.line) as machine,
        Server(place.server) as server,
    ):
        tap.answer(server.port)
        assert tap.carry(until=Point("VOUCHER", passed=False))
        # It does not lose patience with its line before the second process has looked.
        machine.signal(signal.SIGSTOP)
        second = rmfs("machine", "show", place.machine)
        assert second.code == EXIT_FAILED
        assert f"in use by process {machine.pid} (machine dial)" in second.err
        machine.signal(signal.SIGINT)
        machine.signal(signal.SIGCONT)
        assert machine.ended() == EXIT_LINE
        assert "dial again" in machine.out
        with place.dial(server.line, *PATIENT) as again:
            assert again.ended() == EXIT_DONE, again.out
    check_quiet(place, 200_000)


# Told to stop


def test_a_server_without_a_call_stops_at_once_and_nobody_answers_then(
    place: Place,
) -> None:
    with Server(place.server, "--drain-s", DRAIN_S) as server:
        server.signal(signal.SIGTERM)
        assert server.ended() == EXIT_DONE
        assert "0 calls, 0 dialogues, 0 turned away, 0 wrong" in server.err
    with place.recharge(server.line) as machine:
        assert machine.ended() == EXIT_LINE
    assert machine.out.startswith(f"DIAL-IN FAILED (no answer: {server.line}: ")
    assert "dial again" in machine.out
    check_money(place)


def wait_until_refused(port: int) -> None:
    """Call until nobody listens: the port may be open for a moment after the signal.

    A call from the address that it goes to may get that very port, and reach itself.
    """
    deadline = time.monotonic() + 20
    place, here = ("127.0.0.1", port), ("127.0.0.2", 0)
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(place, 20, here) as caller:
                assert caller.recv(1) == b""
        except ConnectionResetError:
            continue
        except ConnectionRefusedError:
            return
    raise AssertionError("new calls are still answered")


def test_a_call_on_a_slow_line_ends_well_while_new_calls_find_nobody(
    place: Place,
) -> None:
    slow = "virtual:speed=4800:delay=0.02:"
    with (
        Tap() as tap,
        Server(
            place.server, "--drain-s", DRAIN_S, line=f"{slow}tcp:127.0.0.1:0"
        ) as server,
        place.recharge(f"{slow}{tap.line}") as machine,
    ):
        tap.answer(server.port)
        # The call cannot be over before the server is told to stop.
        assert tap.carry(until=Point("GREETING_1", passed=True))
        server.signal(signal.SIGTERM)
        server.said("no more calls: 1 are up")
        wait_until_refused(server.port)
        tap.carry()
        assert machine.ended() == EXIT_DONE, machine.err
        assert machine.out.startswith("RECHARGED\n")
        assert server.ended() == EXIT_DONE
    check_quiet(place, 200_000)


def test_a_call_that_outlasts_the_drain_is_sent_away_and_is_credited_once(
    place: Place,
) -> None:
    with (
        Tap() as tap,
        place.recharge(tap.line) as machine,
        Server(place.server, "--drain-s", "0.2") as server,
    ):
        tap.answer(server.port)
        assert tap.carry(until=Point("VOUCHER", passed=True))
        server.signal(signal.SIGTERM)
        server.said("UNAVAILABLE")
        tap.carry()
        assert server.ended(within_s=30) == EXIT_DONE
        assert machine.ended() == EXIT_LINE
        assert "STORED, BUT NOT CLOSED AT THE SERVER (broken off" in machine.out
        assert "UNAVAILABLE" in machine.out
        assert "dial again" in machine.out
    check_money(place)
    with Server(place.server) as server, place.dial(server.line, *PATIENT) as again:
        assert again.ended() == EXIT_DONE, again.out
    check_quiet(place, 200_000)


def linked(server: Server) -> socket.socket:
    """Call a server, set a link up, and say no more."""
    peer = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    peer.sendall(SABM)
    assert peer.recv(64) == UA_ON_SABM
    return peer


def stops_beside_a_silent_peer_in_s(place: Place) -> float:
    """Let a peer end its link and not hang up; how long its server takes to end."""
    with Server(place.server, "--drain-s", "0.2") as server, linked(server) as peer:
        peer.sendall(DISC)
        assert peer.recv(64) == UA_ON_DISC
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.ended() == EXIT_DONE
        return time.monotonic() - began


def test_a_silent_peer_does_not_keep_a_server_from_stopping(place: Place) -> None:
    """It never hangs up, though the server did; TCP alone would wait 5 s for it.

    A busy computer may need as long for other reasons, but not each time.
    """
    assert any(stops_beside_a_silent_peer_in_s(place) < 4 for _ in range(5))


# Lines that cannot be


def test_a_wrong_line_string_is_answered_with_the_right_form(place: Place) -> None:
    unknown, no_number = "com1", "virtual:speed=fast:tcp:127.0.0.1:7120"
    run = ("server", "run", "--server", place.server, "--line")
    with place.dial(unknown) as machine, Program(*run, no_number) as server:
        for program, line in ((machine, unknown), (server, no_number)):
            assert program.ended() == EXIT_USAGE
            assert f"{line!r} names no line" in program.err
            assert "tcp:HOST:PORT" in program.err


def test_a_port_in_use_is_named_and_nothing_is_listened_at(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        line = f"tcp:127.0.0.1:{holder.getsockname()[1]}"
        said = rmfs("server", "run", "--server", place.server, "--line", line)
    assert said.code == EXIT_FAILED
    assert said.out == ""
    assert f"rmfs: cannot listen at {line}: " in said.err
    assert "another program listens there" in said.err
    assert "Traceback" not in said.err


# Pestered


def test_more_calls_than_allowed_are_turned_away(place: Place) -> None:
    with Server(place.server, "--calls", "1") as server, linked(server) as first:
        with place.recharge(server.line) as machine:
            assert machine.ended() == EXIT_LINE
            assert "SERVER IS BUSY" in machine.out
            assert "nothing was changed, dial again later" in machine.out
        server.said("turned away a call from tcp:127.0.0.1:")
        first.close()
        with place.recharge(server.line, *PATIENT) as machine:
            assert machine.ended() == EXIT_DONE, machine.out
    check_quiet(place, 200_000)


def test_a_line_of_garbage_can_still_set_a_link_up(place: Place) -> None:
    with Server(place.server) as server:
        garbage = random.Random(64).randbytes(64 * 1024)
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as peer:
            peer.sendall(garbage + SABM)
            assert peer.recv(65_536).endswith(UA_ON_SABM)


def test_garbage_costs_a_server_neither_memory_nor_its_other_calls(
    place: Place,
) -> None:
    with Server(place.server) as server:
        done("machine", "dial", place.machine, server.line, *PATIENT)
        before = server.resident_octets()
        peers = [
            socket.create_connection(("127.0.0.1", server.port), timeout=60)
            for _ in range(5)
        ]
        with place.recharge(server.line, *PATIENT) as machine:
            source = random.Random(5)
            for _ in range(16):
                for peer in peers:
                    peer.sendall(source.randbytes(MIB // 16))
            for peer in peers:
                peer.shutdown(socket.SHUT_WR)
            for peer in peers:
                while peer.recv(65_536):
                    pass
                peer.close()
            assert machine.ended() == EXIT_DONE, machine.out
        assert server.resident_octets() - before < 30 * MIB
        assert server.is_running
    check_quiet(place, 200_000)
