"""`rmfs scale`: read a scale, or stand in for one.

What `simulate` is told on its standard input while it runs is what a person would do at
a scale: put something on it, clear it, shake it, break it, mend it (`obey`).
"""

import json
import os
import select
import signal
import sys
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, Protocol

import click

from fm_device.typed_cli import Typed
from protocol.errors import RmfsError

if TYPE_CHECKING:
    from hw.scales.port import Scale, ScaleFault
    from hw.scales.responder import ScaleResponder
    from hw.scales.simulated import SimulatedScale
    from hw.scales.strings import ScaleAddress, SerialAddress

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_LINE: Final = 3
WORDS: Final = "GRAMS, clear, shake [READINGS], fault NAME, mend"
_INPUT_OCTETS: Final = 4096
_DIGITS_MAX: Final = 6


def _scale(text: str) -> "ScaleAddress":
    from hw.scales.strings import parse_scale

    return parse_scale(f"serial:{text}" if text.startswith("/") else text)


def _port(text: str) -> "SerialAddress":
    from hw.scales.strings import ScaleStringError, SerialAddress

    address = _scale(text)
    if not isinstance(address, SerialAddress):
        raise ScaleStringError(text, "a simulated scale is served on a serial port")
    return address


def _grams(text: str) -> Decimal:
    try:
        grams = Decimal(text)
    except InvalidOperation:
        grams = Decimal("NaN")
    if not grams.is_finite():
        message = f"{text!r} is no weight in grams; write 18 or 18.4"
        raise RmfsError(message)
    return grams


def _serial_number(text: str) -> str:
    from hw.scales.mt_sics import encode_serial_number

    encode_serial_number(text)
    return text


def add_commands(root: click.Group) -> None:
    """Bring the commands about scales."""
    root.add_command(scale)


@click.group(epilog="\b\nExample:\n  rmfs scale read /dev/ttyUSB0")
def scale() -> None:
    """Read a scale on a serial port, or stand in for one."""


@scale.command(
    epilog="\b\nExamples:\n  rmfs scale read /dev/ttyUSB0\n"
    "  rmfs scale read 'serial:/dev/ttyS0?baud=2400&bits=7&parity=even' --json"
)
@click.argument("device", type=Typed("DEVICE", _scale))
@click.option("--zero", is_flag=True, help="Zero the scale first.")
@click.option("--now", is_flag=True, help="Do not wait until the scale is at rest.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def read(device: "ScaleAddress", *, zero: bool, now: bool, as_json: bool) -> int:
    """Read the weight on a scale that speaks MT-SICS: grams, rounded up."""
    from hw.clock import SystemMonotonicClock
    from hw.scales.build import build_scale
    from hw.scales.port import ScaleFault

    found = build_scale(device, SystemMonotonicClock())
    try:
        fault = found.zero() if zero else None
        reading = fault or (found.weigh() if now else found.weigh_stable())
        if isinstance(reading, ScaleFault):
            return _tell_fault(found, reading, as_json=as_json)
        if as_json:
            what = {"grams": reading.grams, "stable": reading.stable}
            click.echo(json.dumps({**what, **_about(found)}))
        else:
            rest = "" if reading.stable else ", not at rest"
            click.echo(f"{reading.grams} g{rest}")
        return EXIT_DONE
    finally:
        found.close()


@scale.command(
    epilog="\b\nExamples:\n  rmfs scale simulate --pty --grams 18\n"
    "  rmfs scale simulate /dev/ttyUSB1 --grams 18.4"
)
@click.argument("device", type=Typed("DEVICE", _port), required=False)
@click.option("--pty", is_flag=True, help="Make a pseudo-terminal and tell its name.")
@click.option(
    "--grams",
    type=Typed("GRAMS", _grams),
    default="0",
    show_default=True,
    help="What lies on the scale at first.",
)
@click.option(
    "--serial-number",
    type=Typed("TEXT", _serial_number),
    default="RMFS-SIM-1",
    show_default=True,
    help="What the scale calls itself.",
)
@click.option("--json", "as_json", is_flag=True, help="Tell the device as JSON.")
def simulate(
    device: "SerialAddress | None",
    *,
    pty: bool,
    grams: Decimal,
    serial_number: str,
    as_json: bool,
) -> int:
    """Answer as a scale does, on a serial port or a new pseudo-terminal.

    It goes on until Ctrl-C or SIGTERM. Lines on the standard input change it meanwhile:
    a number puts so many grams on it; clear, shake 3, fault overload, mend.
    """
    from hw.scales.responder import ScaleResponder
    from hw.scales.serial_port import PortError, SystemPort, TerminalPort
    from hw.scales.simulated import SimulatedScale

    if pty == (device is not None):
        message = "name a DEVICE, or --pty for a new one"
        raise click.UsageError(message)
    simulated = SimulatedScale()
    simulated.put(grams)
    responder = ScaleResponder(simulated, serial_number)
    try:
        port: SystemPort | TerminalPort
        if device is None:
            port = TerminalPort()
            name = port.device
        else:
            port = SystemPort(device.settings)
            name = device.settings.device
        click.echo(
            json.dumps({"device": name, "serial_number": serial_number})
            if as_json
            else f"a scale with {grams} g on it answers at {name}"
        )
        try:
            _serve(port, responder, simulated)
        finally:
            port.close()
    except PortError as error:
        click.echo(f"rmfs: {error}", err=True)
        return EXIT_LINE
    return EXIT_DONE


def obey(scale: "SimulatedScale", line: str) -> str:
    """Do to a simulated scale what a line says, and tell what was done.

    Args:
        scale: The scale.
        line: One of `WORDS`.

    Returns:
        What was done, or that the line was not understood.
    """
    from hw.scales.port import ScaleFault

    match line.split():
        case ["clear"]:
            scale.remove()
            return "the pan is empty"
        case ["shake"]:
            scale.shake(1)
            return "the next reading is not at rest"
        case ["shake", count] if count.isascii() and count.isdecimal():
            scale.shake(int(count[:_DIGITS_MAX]))
            return f"the next {count[:_DIGITS_MAX]} readings are not at rest"
        case ["fault", name] if name.upper() in ScaleFault.__members__:
            fault = ScaleFault[name.upper()]
            scale.fail(fault)
            return f"from now on: {fault.value}"
        case ["mend"]:
            scale.mend()
            return "the scale has no fault"
        case [number]:
            try:
                grams = _grams(number)
            except RmfsError:
                return f"{line!r} is none of: {WORDS}"
            scale.put(grams)
            return f"{grams} g on the scale"
    return f"{line!r} is none of: {WORDS}"


class _Port(Protocol):
    """What is served on."""

    def read(self, timeout_s: float) -> bytes: ...
    def write(self, octets: bytes) -> None: ...
    def fileno(self) -> int: ...


def _serve(
    port: _Port, responder: "ScaleResponder", simulated: "SimulatedScale"
) -> None:
    """Answer at the port and obey the standard input, until a signal."""
    stopped, stop = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(stop, b"x"))
    # A program that was started with its standard input closed has none at all.
    keyboard = -1 if sys.stdin is None else sys.stdin.fileno()
    heard: list[_Port | int] = [port, stopped]
    if keyboard >= 0:
        heard.append(keyboard)
    typed = b""
    while True:
        ready, _, _ = select.select(heard, [], [])
        if stopped in ready:
            return
        if port in ready:
            port.write(responder.receive(port.read(0.0)))
        if keyboard in ready:
            octets = os.read(keyboard, _INPUT_OCTETS)
            if not octets:
                heard.remove(keyboard)
            *lines, typed = (typed + octets)[-_INPUT_OCTETS:].split(b"\n")
            for line in lines:
                said = obey(simulated, line.decode("utf-8", "replace").strip())
                click.echo(said, err=True)


def _about(found: "Scale") -> dict[str, str]:
    from hw.scales.serial import SerialScale

    known = isinstance(found, SerialScale) and found.serial_number
    return {"serial_number": known} if known else {}


def _tell_fault(found: "Scale", fault: "ScaleFault", *, as_json: bool) -> int:
    from hw.scales.port import ScaleFault
    from hw.scales.serial import SerialScale

    trouble = found.trouble if isinstance(found, SerialScale) else ""
    if as_json:
        what = {"fault": fault.name.lower(), "words": fault.value}
        more = {"trouble": trouble} if trouble else {}
        click.echo(json.dumps({**what, **more, **_about(found)}))
    words = f"{fault.value} ({trouble})" if trouble else fault.value
    click.echo(f"rmfs: {words}", err=True)
    silent = fault in (ScaleFault.NO_ANSWER, ScaleFault.GARBLED)
    return EXIT_LINE if silent else EXIT_FAILED
