"""`rmfs machine`: make a machine, frank with it, dial in with it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fm_device.control.cli import add_control
from fm_device.desk_cli import add_desk_commands
from fm_device.frank_cli import add_frank_commands
from fm_device.image_cli import add_image_commands
from fm_device.key_log_cli import told_keys
from fm_device.opened_cli import give_pin, told
from fm_device.panel.cli import add_panel
from fm_device.report_cli import add_report_commands
from fm_device.typed_cli import (
    EXIT_DONE,
    EXIT_LINE,
    EXIT_REFUSED,
    FILE,
    FOLDER,
    LICENCE,
    LINE,
    NEW_FILE,
    RUPEES,
)

if TYPE_CHECKING:
    from fm_device.dial_in import DialInReport
    from fm_device.firmware.machine import Machine
    from hw.lines.strings import LineAddress
    from protocol.values import LicenceIdentifier, Paise


def add_commands(root: click.Group) -> None:
    """Bring the commands of the machine."""
    root.add_command(machine)
    add_frank_commands(machine)
    add_image_commands(machine)
    add_desk_commands(machine)
    add_report_commands(machine)
    add_panel(machine)
    add_control(machine)


@click.group(epilog="\b\nExample:\n  rmfs machine show office-1")
def machine() -> None:
    """Make franking machines, frank with them, dial in with them."""


@machine.command(
    epilog="\b\nExample:\n  rmfs machine new office-1 --licence N123456 "
    "--maker maker.pem --server server.json"
)
@click.argument("folder", type=FOLDER)
@click.option(
    "--licence", type=LICENCE, required=True, help="Licence identifier, as N123456."
)
@click.option(
    "--maker", type=FILE, required=True, help="The maker's private key, in PEM."
)
@click.option(
    "--server",
    type=FILE,
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
    "--pin-code",
    type=click.IntRange(100_000, 999_999),
    default=560_001,
    show_default=True,
    help="PIN code of the post office where its mail is handed in.",
)
@click.option(
    "--not-installed",
    is_flag=True,
    help="Leave it in its box: `rmfs machine install` unpacks it.",
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
    pin_code: int,
    not_installed: bool,
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
        pin_code=pin_code,
        installed=not not_installed,
    )
    click.echo(
        f"machine {licence} is {'made' if not_installed else 'installed'} in {folder}"
    )
    click.echo(f"enrol {folder / PROVISIONING} at the recharge server, then dial in")


@machine.command(epilog="\b\nExample:\n  rmfs machine install office-1")
@click.argument("folder", type=FOLDER)
@click.option(
    "--pin-code",
    type=click.IntRange(100_000, 999_999),
    default=560_001,
    show_default=True,
    help="PIN code of the post office where its mail is handed in.",
)
def install(folder: Path, pin_code: int) -> None:
    """Install a machine at the licensee's premises."""
    from fm_device.folder import open_machine
    from hw.clock import SystemWallClock

    with open_machine(folder, SystemWallClock(), "machine install") as opened:
        opened.psd.install(pin_code)
        click.echo(f"machine {opened.record.life.licence} is installed; dial in")


@machine.command(epilog="\b\nExample:\n  rmfs machine show office-1 --json")
@click.argument("folder", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="For programs; money in paise.")
def show(folder: Path, *, as_json: bool) -> None:
    """Show registers, state, and what is pending."""
    from fm_device.folder import open_machine
    from fm_device.show import machine_as_json, show_machine
    from hw.clock import SystemWallClock

    with open_machine(folder, SystemWallClock(), "machine show") as opened:
        if as_json:
            click.echo(json.dumps(machine_as_json(opened), indent=2))
        else:
            click.echo("\n".join(show_machine(opened)))


@machine.command(
    epilog="\b\nExample:\n  rmfs machine dial office-1 tcp:127.0.0.1:7001 "
    "--recharge 2000"
)
@click.argument("folder", type=FOLDER)
@click.argument("line", type=LINE)
@click.option("--recharge", type=RUPEES, help="Rupees to be added.")
@click.option("--withdraw", is_flag=True, help="Give the whole value back; final.")
@click.option("--refund", type=RUPEES, help="Rupees to be given back.")
@click.option("--inspect", is_flag=True, help="Ask for nothing; the default.")
@click.option(
    "--attempts",
    type=click.IntRange(1, 10),
    default=1,
    show_default=True,
    help="Dial again after 2, 4, 8 ... seconds when the line fails.",
)
@click.option("--pin", help="The funding PIN, where the machine asks for one.")
@click.option(
    "--supervisor",
    is_flag=True,
    help="The supervisor is at the machine, and asked for the PIN, where there is one.",
)
@click.option("--supervisor-pin", help="That PIN, for scripts.")
@click.option(
    "--capture", type=NEW_FILE, help="Write what passes on the line here, as pcapng."
)
@click.option(
    "--key-log",
    type=NEW_FILE,
    help="Write the keys of the call here, to read a capture; test machines only.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; money in paise.")
def dial(
    folder: Path,
    line: "LineAddress",
    recharge: "Paise | None",
    refund: "Paise | None",
    *,
    capture: Path | None,
    key_log: Path | None,
    pin: str | None,
    supervisor_pin: str | None,
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
    from fm_device.psd.pins import Role
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
    with (
        told_keys(key_log) as keys,
        open_machine(folder, clock, "machine dial", channel=keys.channel) as opened,
    ):
        keys.check(opened.psd.credential.realm)
        if supervisor or supervisor_pin is not None:
            refusal = give_pin(opened, Role.SUPERVISOR, supervisor_pin)
            if refusal is not None:
                return told(refusal)
            opened.psd.supervisor_present = True
        if pin is not None:
            refusal = give_pin(opened, Role.FUNDING, pin)
            if refusal is not None:
                return told(refusal)
        report = dial_in(
            opened, kind, recharge or refund, line, attempts=attempts, capture=capture
        )
    return EXIT_REFUSED if report is None else tell(report, as_json=as_json)


@machine.command(
    epilog="\b\nExample:\n  rmfs machine reinitialise office-1 --licence N777777 "
    "--maker maker.pem"
)
@click.argument("folder", type=FOLDER)
@click.option(
    "--licence", type=LICENCE, required=True, help="The new licence identifier."
)
@click.option(
    "--maker", type=FILE, required=True, help="The maker's private key, in PEM."
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


def dial_in(
    machine: "Machine",
    kind: Any,
    amount: "Paise | None",
    line: "LineAddress",
    *,
    attempts: int = 1,
    capture: Path | None = None,
) -> "DialInReport | None":
    """Plan and run one dial-in; None when the machine does not even begin it."""
    from fm_device.firmware.dialling import DialPlan
    from fm_device.program import run_dial_in
    from fm_device.show import show_progress
    from hw.clock import SystemWallClock
    from protocol.values import Paise

    plan = machine.calls.plan(kind, amount or Paise(0))
    if not isinstance(plan, DialPlan):
        click.echo(f"{plan.words} ({plan.code})", err=True)
        return None
    if plan.notice:
        click.echo(plan.notice, err=True)
    report = run_dial_in(
        machine.psd,
        plan.request,
        line,
        attempts=attempts,
        clock=SystemWallClock(),
        capture=capture,
        on_progress=lambda event: click.echo(show_progress(event), err=True),
    )
    machine.calls.done(report)
    return report


def tell(report: "DialInReport", *, as_json: bool) -> int:
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
