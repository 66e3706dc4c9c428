"""`rmfs machine` at the desk: PINs, settings, departments, service, the world around.

What a person changes here is logged by the machine with the role that changed it.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fm_device.item_cli import scale_of
from fm_device.opened_cli import as_json_option, ask_pin, give_pin, opened, told
from fm_device.typed_cli import EXIT_DONE, EXIT_REFUSED, FOLDER, RUPEES, SCALE

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine
    from fm_device.firmware.refusals import Refusal
    from hw.scales.strings import ScaleAddress
    from protocol.values import Paise

_NEW_FLASH = "new-flash"
_SERVICES = (
    "ink",
    "tape",
    "jam",
    "battery",
    "scale",
    "housing",
    "batch",
    _NEW_FLASH,
)
_supervisor_pin = click.option(
    "--supervisor-pin", help="The supervisor's PIN; asked for where there is one."
)


def add_desk_commands(machine: click.Group) -> None:
    """Bring the commands of the desk."""
    commands = (pin, settings, department, slogan, service, sense, tamper)
    for command in commands:
        machine.add_command(command)


@click.command(epilog="\b\nExample:\n  rmfs machine pin office-1 set operator")
@click.argument("folder", type=FOLDER)
@click.argument("action", type=click.Choice(["set", "clear", "check"]))
@click.argument("role", type=click.Choice(["operator", "supervisor", "funding"]))
@click.option("--pin", "given", help="The PIN of ROLE; asked for if it is missing.")
@_supervisor_pin
def pin(
    folder: Path, action: str, role: str, given: str | None, supervisor_pin: str | None
) -> int:
    """Set, take away or check the PIN of a role: 4 to 8 digits.

    The operator franks, the supervisor sets, whoever has the funding PIN recharges. A
    role without a PIN is open to everybody.
    """
    from fm_device.psd.pins import Role

    whose = Role[role.upper()]
    with opened(folder, "machine pin") as machine:
        if action == "check":
            answer = machine.desk.enter(whose, given or ask_pin(whose))
            click.echo(f"{answer.verdict.words} ({answer.verdict.code})")
            return EXIT_DONE if machine.desk.may(whose) else EXIT_REFUSED
        refusal = give_pin(machine, Role.SUPERVISOR, supervisor_pin)
        if refusal is not None:
            return told(refusal)
        new = None
        if action == "set":
            new = given or ask_pin(whose, is_new=True)
        done = "set" if new else "taken away"
        return told(
            machine.desk.set_pin(whose, new), f"the PIN of the {role} is {done}"
        )


@click.command(
    "set", epilog="\b\nExample:\n  rmfs machine set office-1 high-value=500 pins=on"
)
@click.argument("folder", type=FOLDER)
@click.argument("assignments", nargs=-1, metavar="[NAME=VALUE]...")
@_supervisor_pin
@as_json_option
def settings(
    folder: Path,
    assignments: tuple[str, ...],
    supervisor_pin: str | None,
    *,
    as_json: bool,
) -> int:
    """Set what the supervisor sets; with nothing to set, show it and what is possible.

    Names: high-value, low-funds, date-ahead, next-day-from, pins, departments,
    auto-dial, office, medium.
    """
    from fm_device.desk_settings import (
        SETTINGS,
        SettingTypedError,
        read_settings,
        show_settings,
    )
    from fm_device.flash.settings import SettingsError
    from fm_device.psd.pins import Role

    try:
        changes = read_settings(assignments)
    except SettingTypedError as error:
        raise click.UsageError(str(error)) from error
    with opened(folder, "machine set") as machine:
        if changes:
            refusal = give_pin(machine, Role.SUPERVISOR, supervisor_pin)
            try:
                refusal = refusal or machine.desk.change(**changes)
            except SettingsError as error:
                raise click.UsageError(str(error)) from error
            if refusal is not None:
                return told(refusal)
        shown = show_settings(machine.settings)
        if machine.settings.pins_on and not machine.psd.has_pin(Role.OPERATOR):
            click.echo("the operator has no PIN yet: franking is open to all", err=True)
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return EXIT_DONE
    for setting in SETTINGS:
        possible = "" if changes else f"  ({setting.possible})"
        if not changes or setting.field in changes:
            click.echo(f"{setting.name}={shown[setting.name]}{possible}")
    return EXIT_DONE


@click.command(
    epilog="\b\nExample:\n  rmfs machine department office-1 add 3 --name Sales "
    "--limit 500"
)
@click.argument("folder", type=FOLDER)
@click.argument("action", type=click.Choice(["list", "add", "drop"]))
@click.argument("number", type=click.IntRange(1, 50), required=False)
@click.option("--name", help="Name of the department, or of the customer.")
@click.option("--limit", type=RUPEES, help="Rupees until the next statement.")
@click.option("--pin-needed", is_flag=True, help="Its operator must give a PIN.")
@_supervisor_pin
@as_json_option
def department(
    folder: Path,
    action: str,
    number: int | None,
    limit: "Paise | None",
    *,
    name: str | None,
    supervisor_pin: str | None,
    pin_needed: bool,
    as_json: bool,
) -> int:
    """List, add or drop departments; `add` changes the one that has the number.

    To a commercial licensee a department is a customer. A department whose mail no
    statement of mailing tells of yet cannot be dropped.
    """
    from fm_device.psd.pins import Role

    if action != "list" and number is None:
        raise click.UsageError(f"which department is to be {action}ed? Give its number")
    if action == "add" and not name:
        raise click.UsageError("a department needs a --name")
    with opened(folder, "machine department") as machine:
        if number is not None and action != "list":
            refusal = give_pin(machine, Role.SUPERVISOR, supervisor_pin)
            if refusal is None and action == "drop":
                refusal = machine.desk.drop_department(number)
            elif refusal is None:
                refusal = _add(
                    machine, number, name or "", limit, pin_needed=pin_needed
                )
            if refusal is not None:
                return told(refusal)
        _list_departments(machine, as_json=as_json)
    return EXIT_DONE


def _add(
    machine: "Machine",
    number: int,
    name: str,
    limit: "Paise | None",
    *,
    pin_needed: bool,
) -> "Refusal | None":
    from fm_device.flash.settings import Department, SettingsError
    from protocol.values import Paise

    try:
        wanted = Department(number, name, limit or Paise(0), pin_needed=pin_needed)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    return machine.desk.put_department(wanted)


def _list_departments(machine: "Machine", *, as_json: bool) -> None:
    from protocol.values import Paise, show_rupees

    known = machine.settings.departments
    spent = {one.number: machine.desk.spent_paise(one.number) for one in known}
    if as_json:
        found = [
            {
                "number": one.number,
                "name": one.name,
                "limit_paise": one.limit_paise,
                "pin_needed": one.pin_needed,
                "spent_paise": spent[one.number],
            }
            for one in known
        ]
        click.echo(json.dumps(found, indent=2))
        return
    if not known:
        click.echo("no departments", err=True)
    for one in known:
        limit = show_rupees(one.limit_paise) if one.limit_paise else "no limit"
        pin_words = ", PIN needed" if one.pin_needed else ""
        click.echo(
            f"{one.number:2} {one.name}: {show_rupees(Paise(spent[one.number]))} since "
            f"the last statement, {limit}{pin_words}"
        )


@click.command(epilog="\b\nExample:\n  rmfs machine slogan office-1 choose 2")
@click.argument("folder", type=FOLDER)
@click.argument("action", type=click.Choice(["list", "choose", "off"]))
@click.argument("number", type=click.IntRange(1, 10), required=False)
@as_json_option
def slogan(folder: Path, action: str, number: int | None, *, as_json: bool) -> int:
    """List the slogans on hand, choose the one that is printed, or print none.

    Slogans come by an order of the recharge server, with the approval of the licensing
    authority; none can be typed in.
    """
    if action == "choose" and number is None:
        raise click.UsageError("which slogan? Give its number")
    with opened(folder, "machine slogan") as machine:
        if action != "list":
            chosen = number if action == "choose" else 0
            refusal = machine.franking.choose_slogan(chosen or 0)
            if refusal is not None:
                return told(refusal)
        _list_slogans(machine, as_json=as_json)
    return EXIT_DONE


def _list_slogans(machine: "Machine", *, as_json: bool) -> None:
    chosen, on_hand = machine.settings.slogan, machine.contents.slogans
    if as_json:
        found = [
            {
                "number": one.number,
                "name": one.name,
                "lines": list(one.lines),
                "customer": one.customer,
                "approved": one.approved,
                "chosen": one.number == chosen,
            }
            for one in on_hand
        ]
        click.echo(json.dumps(found, indent=2))
        return
    if not on_hand:
        click.echo("no slogans", err=True)
    for one in on_hand:
        mark = "*" if one.number == chosen else " "
        whose = f", for department {one.customer} only" if one.customer else ""
        lines = " / ".join(one.lines)
        click.echo(f"{mark}{one.number:2} {one.name}: {lines} ({one.approved}{whose})")


@click.command(epilog="\b\nExample:\n  rmfs machine service office-1 ink")
@click.argument("folder", type=FOLDER)
@click.argument("what", type=click.Choice(_SERVICES))
@click.option("--scale", type=SCALE, help="Zero this scale, as serial:/dev/ttyS0.")
@click.option("--supervisor-pin", help="Noted in the log: the supervisor did it.")
@click.option(
    "--yes",
    is_flag=True,
    help="new-flash: give up a flash that is not faulty, with all that is in it.",
)
def service(
    folder: Path,
    what: str,
    scale: "ScaleAddress | None",
    supervisor_pin: str | None,
    *,
    yes: bool,
) -> int:
    """Do what service does, and log it: a new cartridge, roll or battery, a jam.

    `scale` zeroes the scale, `housing` notes that the outer housing was opened, `batch`
    begins the batch counters anew. A new battery loses the clock: dial in to have it
    set. `new-flash` puts an erased flash into a machine whose own is faulty: with the
    factory's settings; the tariff has to be ordered again.
    """
    if what == _NEW_FLASH:
        return _new_flash(folder, supervisor_pin, yes=yes)
    from fm_device.firmware.desk import Service
    from fm_device.psd.pins import Role

    done = Service["SCALE_ZEROED" if what == "scale" else what.upper()]
    with opened(folder, "machine service", scale_of(scale, 0)) as machine:
        refusal = None
        if supervisor_pin is not None:
            refusal = give_pin(machine, Role.SUPERVISOR, supervisor_pin)
        refusal = refusal or machine.desk.serve(done)
        for fault in machine.faults:
            click.echo(f"{fault.words} ({fault.code})", err=True)
        return told(refusal, f"{what}: done and logged")


def _new_flash(folder: Path, supervisor_pin: str | None, *, yes: bool) -> int:
    from fm_device.firmware.refusals import FirmwareRefusal
    from fm_device.new_flash import OLD_FLASH, put_new_flash
    from fm_device.psd.pins import Role
    from hw.clock import SystemWallClock

    def allow(machine: "Machine") -> "Refusal | None":
        if supervisor_pin is None:
            return None
        return give_pin(machine, Role.SUPERVISOR, supervisor_pin)

    refusal = put_new_flash(folder, SystemWallClock(), meant=yes, allow=allow)
    done = f"a new flash is in, the old one is {OLD_FLASH}"
    code = told(refusal, f"{done}; have the tariff ordered again")
    if refusal is FirmwareRefusal.FLASH_NOT_FAULTY:
        click.echo("--yes confirms it", err=True)
    return code


@click.command(
    epilog="\b\nExample:\n  rmfs machine sense office-1 ink_ul=0 cover_open=true"
)
@click.argument("folder", type=FOLDER)
@click.argument("sensed", nargs=-1, metavar="[NAME=VALUE]...")
@as_json_option
def sense(folder: Path, sensed: tuple[str, ...], *, as_json: bool) -> int:
    """Let the machine's sensors tell something else: the simulated world around it.

    Names: ink_ul, tape_mm, cover_open, paper_jam, paper_present, printer_c,
    printer_answers, battery_age_days, scale.
    """
    from fm_device.desk_settings import (
        SettingTypedError,
        read_sensors,
        sensors_as_json,
    )

    try:
        changes = read_sensors(sensed)
    except SettingTypedError as error:
        raise click.UsageError(str(error)) from error
    with opened(folder, "machine sense") as machine:
        machine.sense(**changes)
        found = sensors_as_json(machine.sensors)
        faults = machine.faults
    if as_json:
        found["faults"] = [fault.code for fault in faults]
        click.echo(json.dumps(found, indent=2))
        return EXIT_DONE
    for name, value in found.items():
        click.echo(f"{name}={str(value).lower().replace(' ', '-')}")
    for fault in faults:
        click.echo(f"{fault.words} ({fault.code})", err=True)
    return EXIT_DONE


@click.command(epilog="\b\nExample:\n  rmfs machine tamper office-1 --yes")
@click.argument("folder", type=FOLDER)
@click.option("--yes", is_flag=True, help="Its keys are erased for good.")
def tamper(folder: Path, *, yes: bool) -> int:
    """Open the PSD by force: its keys are erased, and the machine franks no more."""
    if not yes:
        raise click.UsageError(
            "this erases the machine's keys for good; say --yes if that is meant"
        )
    with opened(folder, "machine tamper") as machine:
        machine.desk.tampered()
        left = machine.record.registers.descending_paise
    from protocol.values import show_rupees

    return told(None, f"the keys are erased; {show_rupees(left)} is left in DR")
