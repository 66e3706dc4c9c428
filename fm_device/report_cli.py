"""`rmfs machine` on paper and on its display: reports, log, tariff, faults, price."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fm_device.item_cli import choose_item, item_options, scale_of
from fm_device.opened_cli import as_json_option, give_pin, opened, told
from fm_device.typed_cli import EXIT_DONE, FOLDER, NEW_FILE

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine
    from fm_device.firmware.refusals import Refusal
    from fm_device.flash.events import Event
    from fm_device.reports.document import Report
    from hw.scales.strings import ScaleAddress
    from protocol.contents import ProductClass, Tariff

_REPORTS = (
    "funds",
    "recharge",
    "recharges",
    "mailing",
    "classes",
    "departments",
    "configuration",
    "errors",
)


def add_report_commands(machine: click.Group) -> None:
    """Bring the commands that show and print."""
    for command in (report, log, tariff, faults, price):
        machine.add_command(command)


@click.command(
    epilog="\b\nExample:\n  rmfs machine report office-1 mailing --pdf today.pdf"
)
@click.argument("folder", type=FOLDER)
@click.argument("name", type=click.Choice(_REPORTS))
@click.option("--pdf", type=NEW_FILE, help="Write it as PDF here, instead of as text.")
@click.option(
    "--width",
    type=click.IntRange(32, 200),
    default=40,
    show_default=True,
    help="Characters in a line of the text.",
)
@click.option("--again", is_flag=True, help="The last statement of mailing once more.")
@click.option(
    "--customer",
    type=click.IntRange(0, 50),
    help="With --again: only the statement of this department.",
)
@click.option(
    "--by-total",
    is_flag=True,
    help="A statement of mailing in one row, where the rows before it are lost.",
)
@click.option("--pin", help="The operator's PIN, where the machine asks for one.")
@click.option("--supervisor-pin", help="With --by-total: the supervisor's PIN.")
@as_json_option
def report(
    folder: Path,
    name: str,
    pdf: Path | None,
    *,
    width: int,
    again: bool,
    customer: int | None,
    by_total: bool,
    pin: str | None,
    supervisor_pin: str | None,
    as_json: bool,
) -> int:
    """Print a report of the machine; `mailing` closes a statement of mailing.

    A statement tells of all franks since the one before, so it is made once; --again
    prints the last one once more. A commercial licensee gets one for each customer.
    Where the flash with the rows was lost, the supervisor has the mail since the last
    statement stated --by-total.
    """
    from fm_device.firmware.reporting import report as print_report

    if (again or customer is not None) and name != "mailing":
        raise click.UsageError("only a statement of mailing is printed --again")
    if customer is not None and not again:
        raise click.UsageError("--customer needs --again: all are closed together")
    if by_total and (again or name != "mailing"):
        raise click.UsageError("only a new statement of mailing is made --by-total")
    if pdf is not None and (pdf.exists() or not pdf.absolute().parent.is_dir()):
        raise click.UsageError(f"{pdf}: choose a new file in a folder that exists")
    with opened(folder, "machine report") as machine:
        if name == "mailing":
            refusal = _give_pins(machine, pin, supervisor_pin, by_total=by_total)
            if refusal is not None:
                return told(refusal)
        made = print_report(
            machine, name, customer=customer, again=again, by_total=by_total
        )
    if not isinstance(made, tuple):
        return told(made)
    if not made:
        click.echo(f"department {customer} has no statement of that time", err=True)
    _hand_out(made, pdf, width=width, as_json=as_json)
    return EXIT_DONE


def _give_pins(
    machine: "Machine", pin: str | None, supervisor_pin: str | None, *, by_total: bool
) -> "Refusal | None":
    """Open what a statement of mailing needs: the operator's, or the supervisor's."""
    from fm_device.psd.pins import Role

    if by_total:
        refusal = give_pin(machine, Role.SUPERVISOR, supervisor_pin)
        if refusal is not None:
            return refusal
    if machine.settings.pins_on and not machine.desk.may(Role.OPERATOR):
        return give_pin(machine, Role.OPERATOR, pin)
    return None


def _hand_out(
    made: "tuple[Report, ...]", pdf: Path | None, *, width: int, as_json: bool
) -> None:
    from fm_device.folder import write_file
    from fm_device.reports.pdf import encode_pdf
    from fm_device.reports.text import show_document

    if pdf is not None and made:
        write_file(pdf, encode_pdf(*(one.document for one in made)))
        click.echo(f"{pdf} is written", err=True)
    if as_json:
        click.echo(json.dumps([one.as_json() for one in made], indent=2))
    elif pdf is None:
        texts = [show_document(one.document, width) for one in made]
        click.echo("\n\n".join(texts), nl=False)


@click.command(epilog="\b\nExample:\n  rmfs machine log office-1 --count 20")
@click.argument("folder", type=FOLDER)
@click.option(
    "--count",
    type=click.IntRange(1, 1024),
    default=50,
    show_default=True,
    help="How many, the newest first.",
)
@as_json_option
def log(folder: Path, count: int, *, as_json: bool) -> None:
    """Show the event log: what happened to the machine, and who did what to it."""
    with opened(folder, "machine log") as machine:
        entries = machine.log.entries(count)
    if as_json:
        click.echo(json.dumps([_event_as_json(entry) for entry in entries], indent=2))
        return
    for entry in entries:
        click.echo(_show_event(entry))


def _event_as_json(event: "Event") -> dict[str, Any]:
    from fm_device.firmware.event_words import event_facts
    from fm_device.flash.events import EventCode

    facts = event_facts(event)
    known = event.code in set(EventCode)
    return {
        "number": event.number,
        "time": event.time,
        "code": facts.code,
        "event": EventCode(event.code).name if known else None,
        "words": facts.words,
        "detail": facts.detail,
        "numbers": list(event.detail),
    }


def _show_event(event: "Event") -> str:
    from fm_device.firmware.event_words import event_facts
    from fm_device.show import show_time

    facts = event_facts(event)
    told_more = f" ({facts.detail})" if facts.detail else ""
    return (
        f"{facts.number:6}  {show_time(facts.time):23}  {facts.code:10}  "
        f"{facts.words}{told_more}"
    )


@click.command(epilog="\b\nExample:\n  rmfs machine tariff office-1")
@click.argument("folder", type=FOLDER)
@as_json_option
def tariff(folder: Path, *, as_json: bool) -> int:
    """Show the tariff in force with its prices, and what comes after it."""
    from fm_device.postage.pricing import PostageRefusal
    from fm_device.psd.franking import FrankRefusal

    with opened(folder, "machine tariff") as machine:
        in_force, on_hand = machine.tariff, machine.contents.tariffs
        has_clock = machine.psd.time is not None
    coming = sorted(
        (one for one in on_hand if _is_later(one, in_force)),
        key=lambda one: (one.valid_from, one.number),
    )
    if as_json:
        found = {
            "in_force": None if in_force is None else json.loads(in_force.to_body()),
            "coming": [json.loads(one.to_body()) for one in coming],
        }
        click.echo(json.dumps(found, indent=2))
        return EXIT_DONE
    if in_force is not None:
        click.echo("\n".join(_show_tariff(in_force, "in force")))
    for one in coming:
        click.echo("\n".join(_show_tariff(one, "comes")))
    if in_force is not None:
        return EXIT_DONE
    return told(PostageRefusal.NO_TARIFF if has_clock else FrankRefusal.CLOCK_NOT_SET)


def _is_later(one: "Tariff", in_force: "Tariff | None") -> bool:
    if in_force is None:
        return True
    begins = (one.valid_from, one.number)
    return begins > (in_force.valid_from, in_force.number)


def _show_tariff(shown: "Tariff", word: str) -> list[str]:
    begin = f"{shown.valid_from:%d-%m-%Y}"
    lines = [f"Tariff {shown.number}, {word} from {begin}: {shown.name}"]
    for one in shown.classes:
        lines += _show_class(one)
    return lines


def _show_class(shown: "ProductClass") -> list[str]:
    lines = [f"{shown.letters:4} {shown.name}, at most {shown.weight_max_g} g"]
    if shown.zones:
        lines.append(" " * 24 + "".join(f"{zone:>12}" for zone in shown.zones))
    lines += [_priced(f"up to {one.up_to_g} g", one.paise) for one in shown.steps]
    if shown.further is not None:
        words = f"each further {shown.further.every_g} g"
        lines.append(_priced(words, shown.further.paise))
    lines += [_priced(f"and {one.name}", (one.paise,)) for one in shown.additions]
    return lines


def _priced(words: str, paise: tuple[int, ...]) -> str:
    from protocol.values import Paise, show_rupees

    prices = "".join(f"{show_rupees(Paise(one)):>12}" for one in paise)
    return f"     {words:19}{prices}"


@click.command(epilog="\b\nExample:\n  rmfs machine faults office-1")
@click.argument("folder", type=FOLDER)
@as_json_option
def faults(folder: Path, *, as_json: bool) -> None:
    """Show every code that the machine says, in words, and which faults stand now."""
    with opened(folder, "machine faults") as machine:
        standing = frozenset(fault.code for fault in machine.faults)
    found = _codes(standing)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for one in found:
        mark = "*" if one["stands"] else " "
        click.echo(f"{mark} {one['code']}  {one['kind']:8} {one['words']}")


def _codes(standing: frozenset[str]) -> list[dict[str, Any]]:
    from fm_device.firmware.dates import DateRefusal
    from fm_device.firmware.dialling import DialRefusal
    from fm_device.firmware.faults import MachineFault
    from fm_device.firmware.refusals import FirmwareRefusal
    from fm_device.firmware.update import UpdateRefusal
    from fm_device.postage.pricing import PostageRefusal
    from fm_device.psd.franking import FrankRefusal
    from fm_device.psd.pins import PinVerdict

    refusals: list[Refusal] = [
        *FrankRefusal,
        *PostageRefusal,
        *DateRefusal,
        *FirmwareRefusal,
        *DialRefusal,
        *UpdateRefusal,
        *(verdict for verdict in PinVerdict if verdict is not PinVerdict.RIGHT),
    ]
    told_by = {fault: fault.kind.value for fault in MachineFault}
    rows = [(fault, told_by[fault]) for fault in MachineFault]
    known = {one.code: (one, "refusal") for one in refusals}
    every: list[tuple[Refusal, str]] = [*rows, *known.values()]
    return [
        {
            "code": one.code,
            "name": one.name,
            "kind": kind,
            "words": one.words,
            "stands": one.code in standing,
        }
        for one, kind in sorted(every, key=lambda row: row[0].code)
    ]


@click.command(
    epilog="\b\nExample:\n  rmfs machine price office-1 --class SP --zone 500 "
    "--on-scale 45"
)
@click.argument("folder", type=FOLDER)
@item_options
@as_json_option
def price(
    folder: Path,
    product_class: int,
    scale: "ScaleAddress | None",
    *,
    zone: str,
    on_scale: int,
    day: Any,
    as_json: bool,
) -> int:
    """Weigh what lies on the scale and say what it costs; nothing is franked."""
    from fm_device.postage.pricing import Postage
    from protocol.values import show_rupees

    with opened(folder, "machine price", scale_of(scale, on_scale)) as machine:
        refusal = choose_item(machine.franking, product_class, zone, day)
        if refusal is not None:
            return told(refusal)
        found = machine.franking.price()
    if not isinstance(found, Postage):
        return told(found)
    if as_json:
        shown = {
            "value_paise": found.value_paise,
            "product_class": found.product_class.number,
            "letters": found.product_class.letters,
            "weight_g": found.weight_g,
            "zone": found.zone or None,
            "tariff": found.tariff_number,
        }
        click.echo(json.dumps(shown, indent=2))
    else:
        where = f" {found.zone}" if found.zone else ""
        weight = f" {found.weight_g} g" if found.weight_g else ""
        what = f"{found.product_class.letters}{where}{weight}"
        click.echo(f"{what}: {show_rupees(found.value_paise)}")
    return EXIT_DONE
