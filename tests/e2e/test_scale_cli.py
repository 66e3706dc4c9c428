"""`rmfs scale`: one process stands in for a scale, another reads it."""

import json
import os
import pty
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from hw.scales.mt_sics import Command
from hw.scales.port import ScaleFault, Weight
from hw.scales.responder import ScaleResponder
from hw.scales.simulated import SimulatedScale
from rmfs_tools.cli import main
from rmfs_tools.scale_cli import WORDS, obey
from tests.processes import ROOT, Program

PUT = Weight(19, stable=True)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_simulated_scale_is_read_over_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Program("scale", "simulate", "--pty", "--grams", "18.4", "--json") as program:
        device = json.loads(program.said("device"))["device"]
        assert run(capsys, "scale", "read", device) == (0, "19 g\n", "")
        address = f"serial:{device}?baud=2400"
        code, out, err = run(capsys, "scale", "read", address, "--now", "--json")
        assert (code, err) == (0, "")
        assert json.loads(out) == {
            "grams": 19,
            "stable": True,
            "serial_number": "RMFS-SIM-1",
        }
        assert run(capsys, "scale", "read", device, "--zero") == (0, "0 g\n", "")
        program.signal(signal.SIGTERM)
        assert program.ended() == 0


def test_a_simulated_scale_stands_in_on_a_serial_port_too() -> None:
    # The two ends of one terminal: what a null modem would join.
    here, there = pty.openpty()
    try:
        device = os.ttyname(there)
        with Program("scale", "simulate", device, "--grams", "18.4") as program:
            said = program.said("answers at")
            assert said == f"a scale with 18.4 g on it answers at {device}"
            os.write(here, b"SI\r\n")
            assert os.read(here, 100) == b"S S      18.40 g\r\n"
            program.signal(signal.SIGINT)
            assert program.ended() == 0
    finally:
        os.close(here)
        os.close(there)


def test_a_person_can_handle_the_scale_while_it_is_simulated() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "rmfs_tools", "scale", "simulate", "--pty"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        device = process.stdout.readline().split()[-1]
        process.stdin.write("250\n")
        assert process.stderr.readline() == "250 g on the scale\n"
        terminal = os.open(device, os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(terminal, b"S\r\n")
            assert os.read(terminal, 100) == b"S S     250.00 g\r\n"
        finally:
            os.close(terminal)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_scale_that_does_not_answer_is_no_weight(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    device = str(tmp_path / "ttyUSB0")
    code, out, err = run(capsys, "scale", "read", device, "--json")
    assert code == 3
    assert json.loads(out)["fault"] == "no_answer"
    assert "see that it is on and connected" in err
    assert f"could not open port {device}" in err


def test_a_scale_that_cannot_weigh_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    address = "simulated:?grams=5001"
    code, out, err = run(capsys, "scale", "read", address)
    assert (code, out) == (1, "")
    assert err == f"rmfs: {ScaleFault.OVERLOAD.value}\n"


def test_a_port_that_is_not_there_cannot_be_served_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = run(capsys, "scale", "simulate", str(tmp_path / "ttyUSB0"))
    assert (code, out) == (3, "")
    assert "could not open port" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate",),
        ("simulate", "--pty", "/dev/ttyUSB0"),
        ("simulate", "simulated:"),
        ("simulate", "--pty", "--grams", "heavy"),
        ("simulate", "--pty", "--serial-number", 'B"1'),
        ("simulate", "--pty", "--serial-number", "ß"),
        ("read", "ttyUSB0"),
        ("read", "serial:/dev/ttyUSB0?baud=1"),
    ],
)
def test_what_is_typed_wrong_is_told(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, out, err = run(capsys, "scale", *arguments)
    assert (code, out) == (2, "")
    assert "Error: " in err


def test_the_document_names_each_fault_and_each_answer() -> None:
    text = (ROOT / "docs" / "scales.md").read_text("utf-8")
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert {fault.name.lower() for fault in ScaleFault} <= set(rows)
    assert {command.value.decode() for command in Command} <= set(rows)
    scale = SimulatedScale()
    scale.put(Decimal("18.40"))
    answers = ScaleResponder(scale, "B021002593").receive(b"S\r\nI4\r\nZ\r\n")
    for answer in answers.decode().splitlines():
        assert f"`{answer.replace(' ', '_')}`" in text


def test_each_word_does_what_a_person_would_do() -> None:
    scale = SimulatedScale()
    assert obey(scale, "18.4") == "18.4 g on the scale"
    assert scale.weigh() == PUT
    assert obey(scale, "shake") == "the next reading is not at rest"
    assert scale.weigh() == Weight(19, stable=False)
    assert obey(scale, "shake 2") == "the next 2 readings are not at rest"
    assert [scale.weigh_stable() for _ in range(3)][:2] == [ScaleFault.UNSTABLE] * 2
    assert obey(scale, "fault no_answer").startswith("from now on: the scale does not")
    assert scale.weigh() is ScaleFault.NO_ANSWER
    assert obey(scale, "mend") == "the scale has no fault"
    assert scale.weigh() == PUT
    assert obey(scale, "clear") == "the pan is empty"
    scale.put(Decimal(1))
    for line in ("", "nan", "heavy", "shake x", "shake ²", "fault of mine", "clear it"):
        assert obey(scale, line) == f"{line!r} is none of: {WORDS}"
    assert scale.weigh() == Weight(1, stable=True)
