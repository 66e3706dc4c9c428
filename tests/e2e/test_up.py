"""`rmfs up`: everybody on one machine, as processes, and a recharge through all."""

import json
import signal
from pathlib import Path

from tests.free_ports import free_port
from tests.processes import Program, done, rmfs

THERE = "Everybody is there"


def start(folder: Path, *ports: object) -> Program:
    program = Program("up", "--folder", folder, *ports)
    try:
        program.said(THERE)
    except AssertionError:
        program.signal(signal.SIGTERM)
        program.ended()
        program.close()
        raise
    return program


def stop(program: Program) -> int:
    program.signal(signal.SIGINT)
    return program.ended()


def test_money_goes_from_the_bank_to_a_machine_and_back_through_real_programs(
    tmp_path: Path,
) -> None:
    """GW-12: the whole flow runs on one computer, over SFTP and TCP."""
    folder = tmp_path / "up"
    names = ("gateway", "drop", "bank", "dial-in")
    ports = {f"--{name}-port": free_port() for name in names}
    server, gateway = folder / "server", folder / "gateway"
    machine = folder / "machines" / "N123456"
    line = f"tcp:127.0.0.1:{ports['--dial-in-port']}"
    program = start(folder, *(word for one in ports.items() for word in one))
    with program:
        done("machine", "dial", machine, line, "--recharge", 2000)
        # Within a window its files may be made already, by the exchange that runs.
        done("server", "exchange", "once", "--by-hand", "--server", server)
        asked = ("dop", "bank", "fetch", "SBI", "--gateway", gateway)
        fetched = rmfs(*asked, "--reason", "a test", "--json")
        # No file of today stands at the bank; that of the deposits was taken before.
        assert fetched.code == 1, fetched
        found = json.loads(done("dop", "reconcile", "--gateway", gateway, "--json"))
        assert found["unexplained_paise"] == 0
        assert found["whole"]["places"]["MACHINE"] == 200_000
        assert found["whole"]["places"]["REMAINING"] == 1_300_000
        assert stop(program) == 0
    with start(folder) as program:
        assert "Making everybody" not in program.out
        assert stop(program) == 0


def test_ports_are_chosen_once_and_a_folder_of_others_is_left_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / "thesis.txt").write_text("mine", "utf-8")
    said = rmfs("up", "--folder", tmp_path)
    assert said.code == 1
    assert "choose another --folder" in said.err
    (tmp_path / "ports.json").write_text(
        '{"gateway": 1, "drop": 2, "bank": 3, "dial_in": 4}', "utf-8"
    )
    said = rmfs("up", "--folder", tmp_path, "--bank-port", 5)
    assert said.code == 2
    assert "leave them out" in said.err


def test_a_program_that_does_not_start_ends_all_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(
        '{"gateway": 1, "drop": 2, "bank": 3, "dial_in": 4}', "utf-8"
    )
    said = rmfs("up", "--folder", tmp_path)
    assert said.code == 1
    assert "bank did not start: " in said.err
    assert "no simulated bank" in said.err
