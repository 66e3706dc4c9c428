"""The reports that a machine prints: from what it holds to the facts of `reports`.

Every report is printed by the print head, on sheets, and takes its ink.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from fm_device.firmware.consumables import after_report
from fm_device.firmware.event_words import event_facts, is_error
from fm_device.firmware.faults import MachineFault
from fm_device.firmware.machine_facts import machine_facts
from fm_device.firmware.mailing import (
    close_mailing,
    kept_rows,
    print_again,
    usage_rows,
)
from fm_device.firmware.refusals import FirmwareRefusal, Refusal
from fm_device.flash.settings import Department
from fm_device.psd.pins import Role
from fm_device.psd.records import NO_TIME, NOTHING, RechargeNote
from fm_device.reports.document import Report, show_moment
from fm_device.reports.facts import (
    ConfigurationFacts,
    ConfigurationGroup,
    FundsFacts,
    RechargeFacts,
    UsageFacts,
)
from fm_device.reports.funds import funds, last_recharges, recharge_receipt
from fm_device.reports.service import configuration, error_log
from fm_device.reports.usage import usage_by_class, usage_by_department
from protocol.contents import Tariff
from protocol.errors import LocalProtocolError
from protocol.parameters import business_date
from protocol.values import Paise, show_rupees

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine

MAILING: Final = "mailing"

_PRINT_STOPS: Final = frozenset(
    {
        MachineFault.COVER_OPEN,
        MachineFault.PAPER_JAM,
        MachineFault.PRINTER_DEAD,
        MachineFault.PRINTER_HOT,
        MachineFault.PRINTER_COLD,
        MachineFault.INK_OUT,
    }
)
"""Faults under which no sheet is printed; a report needs no scale and no tariff."""


def report(
    machine: "Machine",
    name: str,
    *,
    customer: int | None = None,
    again: bool = False,
    by_total: bool = False,
) -> tuple[Report, ...] | Refusal:
    """Print a report.

    Args:
        machine: Which is on.
        name: One of `REPORTS`.
        customer: Hand out only the statement of this department; all are made.
        again: Print the last statement of mailing once more instead of closing one.
        by_total: Close a statement of mailing though the rows before it are lost.

    Returns:
        The report; statements of mailing may be several. Or why there is none.

    Raises:
        LocalProtocolError: There is no such report.
        InvariantError: Its figures do not add up; nothing is stored.
        StoreError: The statement may or may not be closed; ask for it `again`.
    """
    make = REPORTS.get(name)
    if make is None:
        raise LocalProtocolError(f"{name!r} is none of {', '.join(REPORTS)}")
    machine.look()
    stop = next((fault for fault in machine.faults if fault in _PRINT_STOPS), None)
    if stop is not None:
        return stop
    if name != MAILING:
        made = make(machine)
    elif again:
        made = print_again(machine)
    else:
        made = close_mailing(machine, by_total=by_total)
    if not isinstance(made, tuple):
        return made
    machine.use(after_report(machine.sensors))
    if customer is None:
        return made
    return tuple(one for one in made if one.figures.get("department") == customer)


# Value.


def _funds(machine: "Machine") -> tuple[Report, ...]:
    registers, settings = machine.record.registers, machine.settings
    facts = FundsFacts(
        registers,
        batch_items=registers.items - settings.batch_items,
        batch_paise=Paise(registers.ascending_paise - settings.batch_ascending_paise),
    )
    return (funds(machine_facts(machine), facts),)


def _recharge(machine: "Machine") -> tuple[Report, ...] | Refusal:
    recharges = _recharges(machine)
    if not recharges:
        return FirmwareRefusal.NO_RECHARGE
    return (recharge_receipt(machine_facts(machine), recharges[-1]),)


def _last_recharges(machine: "Machine") -> tuple[Report, ...]:
    return (last_recharges(machine_facts(machine), _recharges(machine)),)


def _recharges(machine: "Machine") -> tuple[RechargeFacts, ...]:
    record = machine.record

    def left(note: RechargeNote) -> Paise | None:
        # What a RECEIPT has told since; of an older recharge nobody knows any more.
        is_last = note.number == record.recharge_number == record.closed_number
        return record.funds_paise if is_last else None

    return tuple(
        RechargeFacts(
            note.number,
            note.kind,
            note.amount_paise,
            note.before_paise,
            note.after_paise,
            note.time,
            left(note),
        )
        for note in record.recharges
    )


# Usage.


def _classes(machine: "Machine") -> tuple[Report, ...]:
    return (usage_by_class(machine_facts(machine), _usage(machine)),)


def _departments(machine: "Machine") -> tuple[Report, ...]:
    return (usage_by_department(machine_facts(machine), _usage(machine)),)


def _usage(machine: "Machine") -> UsageFacts:
    """Tell of everything since this life began, as the recharge server has it."""
    record = machine.record
    return UsageFacts(
        record.life.began,
        machine.psd.time or NO_TIME,
        record.life.ascending_paise,
        record.registers.ascending_paise,
        usage_rows(machine, kept_rows(machine)),
    )


# The machine itself.


def _configuration(machine: "Machine") -> tuple[Report, ...]:
    groups = (
        ConfigurationGroup("Franking", _franking_pairs(machine)),
        ConfigurationGroup("Contents", _content_pairs(machine)),
        ConfigurationGroup("Operators", _operator_pairs(machine)),
        *_department_groups(machine.settings.departments),
        ConfigurationGroup("Recharge server", _server_pairs(machine)),
        ConfigurationGroup("Memory", _memory_pairs(machine)),
    )
    facts = ConfigurationFacts(groups)
    return (configuration(machine_facts(machine), facts),)


_Pairs = tuple[tuple[str, str], ...]


def _franking_pairs(machine: "Machine") -> _Pairs:
    settings = machine.settings
    return (
        ("Printed on", settings.medium.value),
        ("Confirm above", _amount(settings.high_value_paise, "never")),
        ("Warn below", _amount(settings.low_funds_paise, "never")),
        ("Date ahead at most", f"{settings.date_advance_max_days} days"),
        ("Next day offered from", show_minute(settings.auto_advance_minute)),
        ("Slogan", str(settings.slogan or "none")),
    )


def _content_pairs(machine: "Machine") -> _Pairs:
    in_force = machine.tariff
    coming = [one for one in machine.contents.tariffs if _is_coming(machine, one)]
    return (
        ("Tariff", "none" if in_force is None else _show_tariff(in_force)),
        *(("Coming tariff", _show_tariff(tariff)) for tariff in coming),
        *(
            (f"Slogan {slogan.number}", slogan.name)
            for slogan in machine.contents.slogans
        ),
        ("Firmware update", machine.update.record.state.name.lower().replace("_", " ")),
    )


def _operator_pairs(machine: "Machine") -> _Pairs:
    settings, psd = machine.settings, machine.psd
    return (
        ("PIN to frank", _yes(settings.pins_on)),
        *(
            (f"PIN, {role.name.lower()}", "set" if psd.has_pin(role) else "none")
            for role in Role
        ),
        ("Department needed", _yes(settings.accounts_on)),
    )


def _department_groups(
    departments: tuple[Department, ...],
) -> tuple[ConfigurationGroup, ...]:
    if not departments:
        return ()
    pairs = tuple(
        (
            f"{one.number} {one.name}",
            _amount(one.limit_paise) + (", PIN" if one.pin_needed else ""),
        )
        for one in departments
    )
    return (ConfigurationGroup("Departments", pairs),)


def _server_pairs(machine: "Machine") -> _Pairs:
    record, dial = machine.record, machine.settings.auto_dial
    return (
        ("Server", machine.psd.server.name),
        ("Daily dial-in", "never" if dial is None else show_minute(dial.minute)),
        *(() if dial is None else (("Line", dial.line),)),
        ("Last dial-in", show_moment(record.complete_at)),
        ("One frank at most", _amount(record.frank_max_paise)),
        ("Funds at most", _amount(record.funds_max_paise)),
    )


def _memory_pairs(machine: "Machine") -> _Pairs:
    psd, settings = machine.psd, machine.settings
    changed = settings.battery_changed or machine.record.lives[0].began
    return (
        ("Writes of the PSD", f"{psd.commits:,}"),
        ("Copies repaired", f"{psd.damage:,}"),
        ("Franks unprinted", f"{machine.record.unprinted:,}"),
        ("Battery put in", show_moment(changed)),
    )


def show_minute(minute: int | None) -> str:
    """Show a minute of the Indian day: ``22:00 IST``."""
    return "never" if minute is None else f"{minute // 60:02d}:{minute % 60:02d} IST"


def _amount(amount: Paise, nothing: str = "no limit") -> str:
    return nothing if amount == NOTHING else show_rupees(amount)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _show_tariff(tariff: Tariff) -> str:
    return f"{tariff.number}, from {tariff.valid_from:%d-%m-%Y}"


def _is_coming(machine: "Machine", tariff: Tariff) -> bool:
    now = machine.psd.time
    return now is not None and tariff.valid_from > business_date(now)


def _errors(machine: "Machine") -> tuple[Report, ...]:
    facts = tuple(map(event_facts, filter(is_error, machine.log.entries())))
    return (error_log(machine_facts(machine), facts),)


REPORTS: Final[dict[str, Callable[["Machine"], tuple[Report, ...] | Refusal]]] = {
    "funds": _funds,
    "recharge": _recharge,
    "recharges": _last_recharges,
    MAILING: close_mailing,
    "classes": _classes,
    "departments": _departments,
    "configuration": _configuration,
    "errors": _errors,
}
"""Every report by its name."""
