"""`rmfs line`: which ports there are, and whether something answers at a line."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Final

import click

from fm_device.typed_cli import LINE
from protocol.errors import LinkDownError
from rmfs_server.options_cli import FiniteRange

if TYPE_CHECKING:
    from hw.lines.probe import ProbeReport
    from hw.lines.strings import LineAddress

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_LINE: Final = 3


def add_commands(root: click.Group) -> None:
    """Bring the commands about lines."""
    root.add_command(line)


@click.group(epilog="\b\nExample:\n  rmfs line list")
def line() -> None:
    """Find the ports of this computer, and try a line."""


@line.command("list", epilog="\b\nExample:\n  rmfs line list --json")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_lines(*, as_json: bool) -> None:
    """List serial ports and USB devices, each with its line string.

    A USB device is listed whether it carries a line or not.
    """
    from hw.ports.listing import UsbUnavailableError, list_ports, list_usb

    ports = list_ports()
    devices, trouble = [], None
    try:
        devices = list_usb()
    except UsbUnavailableError as error:
        trouble = str(error)
    if as_json:
        what = {
            "serial": [dataclasses.asdict(port) for port in ports],
            "usb": [
                {**dataclasses.asdict(device), **_ids(device.vendor, device.product)}
                for device in devices
            ],
            "usb_trouble": trouble,
        }
        click.echo(json.dumps(what))
        return
    rows = [(port.words, port.line) for port in ports]
    rows += [(device.words, device.line) for device in devices]
    width = max((len(string) for _, string in rows), default=0)
    for words, string in rows:
        click.echo(f"{string:<{width}}  {words}")
    if not ports:
        click.echo("no serial ports")
    if trouble is not None:
        click.echo(f"USB devices cannot be listed: {trouble}")
    elif not devices:
        click.echo("no USB devices")


@line.command(
    "test",
    epilog="\b\nExamples:\n  rmfs line test tcp:127.0.0.1:7120\n"
    "  rmfs line test serial:/dev/ttyUSB0:baud=19200 --json",
)
@click.argument("string", type=LINE)
@click.option(
    "--timeout",
    "timeout_s",
    type=FiniteRange(0.1, 600),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for an answer once the line is up.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def test_line(string: "LineAddress", *, timeout_s: float, as_json: bool) -> int:
    """Dial a line and say whether something there speaks FMP.

    A link is set up and ended again; no machine and no key is needed, and nothing is
    changed. Exit codes: 0 FMP answers; 1 something else does, or nothing; 2 typed
    wrong; 3 there is no line.
    """
    from hw.lines.probe import Finding

    report = _probe(string, timeout_s)
    if as_json:
        what = {
            "line": str(string),
            "finding": report.finding.name.lower(),
            "words": report.finding.value,
            "detail": report.detail,
            "set_up_ms": _milliseconds(report.set_up_s),
            "round_trip_ms": _milliseconds(report.round_trip_s),
            "octets": report.octets,
            "frames": report.frames,
        }
        click.echo(json.dumps(what))
    else:
        click.echo(_show(report))
    if report.finding in (Finding.FMP, Finding.FMP_REFUSES):
        return EXIT_DONE
    return (
        EXIT_LINE if report.finding in (Finding.NO_LINE, Finding.LOST) else EXIT_FAILED
    )


def _probe(string: "LineAddress", timeout_s: float) -> "ProbeReport":
    from hw.lines.build import build_dialler
    from hw.lines.probe import LineProbe, ProbeReport
    from hw.reactor import MonotonicReactor

    reactor = MonotonicReactor()
    reports: list[ProbeReport] = []
    going: list[bool] = []

    def ended(report: ProbeReport) -> None:
        # After Ctrl-C the reactor closes the port, which is no finding.
        if not going:
            reports.append(report)
            reactor.callLater(0, reactor.stop)

    reactor.addSystemEventTrigger("before", "shutdown", lambda: going.append(True))

    dialler = build_dialler(reactor, string)
    reactor.callWhenRunning(lambda: dialler.dial(LineProbe(reactor, timeout_s, ended)))
    reactor.run()
    reactor.close()
    if not reports:
        raise LinkDownError("interrupted before anything was found")
    return reports[0]


def _show(report: "ProbeReport") -> str:
    rows = [report.finding.value]
    if report.detail:
        rows[0] += f" ({report.detail})"
    if report.set_up_s is not None:
        rows.append(f"line up after     {report.set_up_s * 1000:.0f} ms")
    if report.round_trip_s is not None:
        rows.append(f"answer after      {report.round_trip_s * 1000:.0f} ms")
    if report.octets:
        rows.append(f"arrived           {report.octets} octets, {report.frames} frames")
    return "\n".join(rows)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _ids(vendor: int, product: int) -> dict[str, Any]:
    return {"vendor": f"{vendor:04x}", "product": f"{product:04x}"}
