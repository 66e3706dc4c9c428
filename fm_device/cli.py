"""`rmfs machine`: make a machine, frank with it, dial in with it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from protocol.errors import RmfsError

if TYPE_CHECKING:
    from fm_device.dial_in import DialInReport
    from fm_device.psd.device import Psd
    from hw.lines.strings import LineAddress
    from protocol.values import LicenceIdentifier, Paise

EXIT_DONE: Final = 0
EXIT_REFUSED: Final = 1
EXIT_LINE: Final = 3


class _Typed(click.ParamType[Any]):
    """Something that a person types, read by a function of ours."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Read it; what cannot be read is a mistake in typing."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except RmfsError as error:
            self.fail(str(error), param, ctx)


def _rupees(text: str) -> "Paise":
    from protocol.amounts import parse_rupees

    return parse_rupees(text)


def _licence(text: str) -> "LicenceIdentifier":
    from protocol.values import parse_licence_identifier

    return parse_licence_identifier(text)


def _class(text: str) -> int:
    from fm_device.classes import parse_class

    return parse_class(text)


def _line(text: str) -> "LineAddress":
    from hw.lines.strings import parse_line_string

    return parse_line_string(text)


_RUPEES: Final = _Typed("RUPEES", _rupees)
_LICENCE: Final = _Typed("LICENCE", _licence)
_CLASS: Final = _Typed("CLASS", _class)
_LINE: Final = _Typed("LINE", _line)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)
_NEW_FILE: Final = click.Path(path_type=Path, dir_okay=False)


def add_commands(root: click.Group) -> None:
    """Bring the commands of the machine."""
    root.add_command(machine)


@click.group(epilog="\b\nExample:\n  rmfs machine show office-1")
def machine() -> None:
    """Make franking machines, frank with them, dial in with them."""


@machine.command(
    epilog="\b\nExample:\n  rmfs machine new office-1 --licence N123456 "
    "--maker maker.pem --server server.json"
)
@click.argument("folder", type=_FOLDER)
@click.option(
    "--licence", type=_LICENCE, required=True, help="Licence identifier, as N123456."
)
@click.option(
    "--maker", type=_FILE, required=True, help="The maker's private key, in PEM."
)
@click.option(
    "--server",
    type=_FILE,
    required=True,
    help="The recharge server's provisioning, signed by this maker.",
)
@click.option(
    "--serial", default="PSD00001", show_default=True, help="Serial of the PSD."
)
@click.option(
    "--realm",
    type=click.Choice(["test", "production"]),
    default="test",
    show_default=True,
    help="Realm of all keys.",
)
@click.option(
    "--clock-not-set",
    is_flag=True,
    help="Leave the clock to the server's first order, as after a new battery.",
)
def new(
    folder: Path,
    licence: "LicenceIdentifier",
    maker: Path,
    server: Path,
    *,
    serial: str,
    realm: str,
    clock_not_set: bool,
) -> None:
    """Make a machine in a new folder, with new keys and zero registers."""
    from fm_device.folder import PROVISIONING, create_machine, read_papers
    from hw.clock import SystemWallClock
    from hw.entropy import SystemEntropy
    from protocol.keys import Realm

    papers = read_papers(maker, server, Realm[realm.upper()])
    create_machine(
        folder,
        papers,
        psd_serial=serial,
        licence=licence,
        entropy=SystemEntropy(),
        clock=SystemWallClock(),
        set_clock=not clock_not_set,
    )
    click.echo(f"machine {licence} is installed in {folder}")
    click.echo(f"enrol {folder / PROVISIONING} at the recharge server, then dial in")


@machine.command(epilog="\b\nExample:\n  rmfs machine show office-1 --json")
@click.argument("folder", type=_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="For programs; money in paise.")
def show(folder: Path, *, as_json: bool) -> None:
    """Show registers, state, and what is pending."""
    from fm_device.folder import open_machine
    from fm_device.show import machine_as_json, show_machine
    from hw.clock import SystemWallClock

    with open_machine(folder, SystemWallClock(), "machine show") as psd:
        if as_json:
            click.echo(json.dumps(machine_as_json(psd), indent=2))
        else:
            click.echo("\n".join(show_machine(psd)))


@machine.command(
    epilog="\b\nExample:\n  rmfs machine frank office-1 5.00 --class L --count 20"
)
@click.argument("folder", type=_FOLDER)
@click.argument("value", type=_RUPEES)
@click.option(
    "--class",
    "product_class",
    type=_CLASS,
    default="L",
    show_default=True,
    help="P, ILC, L, BP, RL, SP, or a number from 1 to 255.",
)
@click.option(
    "--count",
    type=click.IntRange(1, 100_000),
    default=1,
    show_default=True,
    help="How many franks of this value.",
)
def frank(folder: Path, value: "Paise", product_class: int, count: int) -> int:
    """Frank items of VALUE rupees; 0 makes zero imprints."""
    from fm_device.folder import open_machine
    from fm_device.psd.franking import FrankRefusal
    from fm_device.show import show_frank
    from hw.clock import SystemWallClock

    with open_machine(folder, SystemWallClock(), "machine frank") as psd:
        for number in range(count):
            done = psd.frank(value, product_class)
            if isinstance(done, FrankRefusal):
                click.echo(f"{done.words} ({done.code})", err=True)
                click.echo(f"{number} of {count} items are franked", err=True)
                return EXIT_REFUSED
            click.echo(show_frank(done))
    return EXIT_DONE


@machine.command(
    epilog="\b\nExample:\n  rmfs machine dial office-1 tcp:127.0.0.1:7001 "
    "--recharge 2000"
)
@click.argument("folder", type=_FOLDER)
@click.argument("line", type=_LINE)
@click.option("--recharge", type=_RUPEES, help="Rupees to be added.")
@click.option("--withdraw", is_flag=True, help="Give the whole value back; final.")
@click.option("--refund", type=_RUPEES, help="Rupees to be given back.")
@click.option("--inspect", is_flag=True, help="Ask for nothing; the default.")
@click.option(
    "--attempts",
    type=click.IntRange(1, 10),
    default=1,
    show_default=True,
    help="Dial again after 2, 4, 8 ... seconds when the line fails.",
)
@click.option("--supervisor", is_flag=True, help="The supervisor is at the machine.")
@click.option("--capture", type=_NEW_FILE, help="Write the frames as pcapng here.")
@click.option("--json", "as_json", is_flag=True, help="For programs; money in paise.")
def dial(
    folder: Path,
    line: "LineAddress",
    recharge: "Paise | None",
    refund: "Paise | None",
    capture: Path | None,
    *,
    attempts: int,
    withdraw: bool,
    inspect: bool,
    supervisor: bool,
    as_json: bool,
) -> int:
    """Dial in at LINE: recharge, withdraw, or be inspected.

    What is pending from an earlier dial-in is asked for again, whatever is typed here.
    """
    from fm_device.folder import open_machine
    from hw.clock import SystemWallClock
    from protocol.registers import RequestKind

    wanted = [
        (RequestKind.RECHARGE, recharge is not None),
        (RequestKind.REFUND, refund is not None),
        (RequestKind.WITHDRAWAL, withdraw),
        (RequestKind.INSPECTION, inspect),
    ]
    kinds = [kind for kind, is_wanted in wanted if is_wanted]
    if len(kinds) > 1:
        message = "choose one of --recharge, --withdraw, --refund and --inspect"
        raise click.UsageError(message)
    kind = kinds[0] if kinds else RequestKind.INSPECTION
    clock = SystemWallClock()
    with open_machine(folder, clock, "machine dial") as psd:
        psd.supervisor_present = supervisor
        report = _dial(
            psd, kind, recharge or refund, line, attempts=attempts, capture=capture
        )
    return EXIT_REFUSED if report is None else _tell(report, as_json=as_json)


@machine.command(
    epilog="\b\nExample:\n  rmfs machine day office-1 --letters 40 "
    "--line tcp:127.0.0.1:7001"
)
@click.argument("folder", type=_FOLDER)
@click.option(
    "--letters",
    type=click.IntRange(1, 100_000),
    required=True,
    help="How many items the office sends today.",
)
@click.option("--seed", default=1, show_default=True, help="Chooses the items.")
@click.option("--line", type=_LINE, help="Dial in here in the evening.")
def day(folder: Path, letters: int, seed: int, line: "LineAddress | None") -> int:
    """Frank a mixed day's mail, and dial in afterwards."""
    from fm_device.day import frank_day
    from fm_device.folder import open_machine
    from hw.clock import SystemWallClock
    from protocol.registers import RequestKind
    from protocol.values import show_rupees

    with open_machine(folder, SystemWallClock(), "machine day") as psd:
        done = frank_day(psd, letters, seed)
        click.echo(f"{done.items} items franked, {show_rupees(done.amount_paise)}")
        if done.refusal is not None:
            click.echo(f"{done.refusal.words} ({done.refusal.code})", err=True)
        if line is None:
            return EXIT_DONE if done.refusal is None else EXIT_REFUSED
        report = _dial(psd, RequestKind.INSPECTION, None, line)
    return EXIT_REFUSED if report is None else _tell(report, as_json=False)


@machine.command(
    epilog="\b\nExample:\n  rmfs machine reinitialise office-1 --licence N777777 "
    "--maker maker.pem"
)
@click.argument("folder", type=_FOLDER)
@click.option(
    "--licence", type=_LICENCE, required=True, help="The new licence identifier."
)
@click.option(
    "--maker", type=_FILE, required=True, help="The maker's private key, in PEM."
)
def reinitialise(folder: Path, licence: "LicenceIdentifier", maker: Path) -> None:
    """Give a withdrawn machine new keys for another licence."""
    from fm_device.folder import PROVISIONING, reinitialise_machine
    from hw.clock import SystemWallClock
    from hw.entropy import SystemEntropy

    reinitialise_machine(
        folder,
        maker,
        licence=licence,
        entropy=SystemEntropy(),
        clock=SystemWallClock(),
    )
    click.echo(f"the machine begins a new life as {licence}")
    click.echo(f"enrol {folder / PROVISIONING} at the recharge server, then dial in")


def _dial(
    psd: "Psd",
    kind: Any,
    amount: "Paise | None",
    line: "LineAddress",
    *,
    attempts: int = 1,
    capture: Path | None = None,
) -> "DialInReport | None":
    """Plan and run one dial-in; None when the machine does not even begin it."""
    from fm_device.firmware.dialling import DialRefusal, plan_dial_in
    from fm_device.program import run_dial_in
    from fm_device.show import show_progress
    from hw.clock import SystemWallClock
    from protocol.values import Paise

    plan = plan_dial_in(psd, kind, amount or Paise(0))
    if isinstance(plan, DialRefusal):
        click.echo(f"{plan.words} ({plan.code})", err=True)
        return None
    if plan.notice:
        click.echo(plan.notice, err=True)
    return run_dial_in(
        psd,
        plan.request,
        line,
        attempts=attempts,
        clock=SystemWallClock(),
        capture=capture,
        on_progress=lambda event: click.echo(show_progress(event), err=True),
    )


def _tell(report: "DialInReport", *, as_json: bool) -> int:
    """Print a report; the exit code says how it ended."""
    from fm_device.show import report_as_json, show_report
    from protocol.dialogue.machine import Outcome

    if as_json:
        click.echo(json.dumps(report_as_json(report), indent=2))
    else:
        click.echo("\n".join(show_report(report)))
    if report.outcome in (Outcome.CONFIRMED, Outcome.INSPECTED):
        return EXIT_DONE
    return EXIT_LINE if report.may_dial_again else EXIT_REFUSED
