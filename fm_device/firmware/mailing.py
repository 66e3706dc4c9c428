"""The statement of mailing of a machine: what it tells of, and how it is closed.

It tells of what was franked since the statement before. It is closed when it is asked
for: its rows and number go into the settings, then number and registers into the PSD,
before anything is handed out. So no two statements tell of the same frank, and the last
one can be printed again when the paper was lost. Its number is ours: licence identifier
and a running number.

Where the PSD knows of a later statement than the settings, these were lost or an old
flash was put back. What was franked since is known from the registers, but not of which
class: the supervisor may have it stated by total.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fm_device.firmware.faults import MachineFault
from fm_device.firmware.machine_facts import machine_facts
from fm_device.firmware.refusals import FirmwareRefusal, Refusal
from fm_device.flash.events import EventCode
from fm_device.flash.settings import Mailed, MailedRow
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.pins import Role
from fm_device.psd.records import PsdRecord
from fm_device.reports.document import Report
from fm_device.reports.facts import CustomerFacts, MailingFacts, UsageRow
from fm_device.reports.mailing import statements_of_mailing
from protocol.errors import InvariantError
from protocol.values import Paise

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine


def close_mailing(
    machine: "Machine", *, by_total: bool = False
) -> tuple[Report, ...] | Refusal:
    """Close a statement of mailing, and print it.

    Args:
        machine: Which is on.
        by_total: Where the rows before are lost, state the mail in one row; the
            supervisor does. Otherwise it changes nothing.

    Returns:
        One report, or one for each customer of a commercial licensee; or why none.

    Raises:
        InvariantError: The rows do not add up to the rise of AR; nothing is stored.
        StoreError: It may or may not be closed: `print_again` tells.
    """
    now, settings = machine.psd.time, machine.settings
    registers = machine.record.registers
    if settings.pins_on and not machine.desk.may(Role.OPERATOR):
        return FirmwareRefusal.PIN_NEEDED
    if now is None:
        return FrankRefusal.CLOCK_NOT_SET
    if machine.without_flash:
        return MachineFault.MEMORY_FAILED
    lost = _rows_lost(machine)
    opening = _stated(machine.record) if lost else machine.desk.mailed
    if registers.ascending_paise == opening.ascending_paise:
        return FirmwareRefusal.NO_MAIL
    if lost and not by_total:
        return FirmwareRefusal.MAIL_ROWS_LOST
    if lost and not machine.desk.may(Role.SUPERVISOR):
        return FirmwareRefusal.SUPERVISOR_NEEDED
    closing = Mailed(
        now,
        registers.ascending_paise,
        registers.descending_paise,
        kept_rows(machine),
    )
    by_customer = settings.accounts_on and bool(settings.departments) and not lost
    total_items = registers.items - machine.record.som_items if lost else 0
    statement = _Statement(opening, closing, by_customer, total_items)
    last = max(settings.som_number, machine.record.som_number)
    made = statement.reports(machine, last)
    machine.set(
        som_number=last + len(made),
        mailed=closing,
        mailed_before=opening,
        mailed_by_customer=by_customer,
        mailed_items=registers.items,
        mailed_total_items=total_items,
    )
    _tell_psd(machine)
    items = total_items or sum(row.items for row in statement.rows)
    machine.note(EventCode.STATEMENT_CLOSED, machine.settings.som_number, items)
    return made


def print_again(machine: "Machine") -> tuple[Report, ...] | Refusal:
    """Print the last statement once more, as it was closed.

    Raises:
        InvariantError: The PSD's memory was put back to before it.
        StoreError: The PSD did not know of it yet, and may not know now.
    """
    settings = machine.settings
    if machine.without_flash:
        return MachineFault.MEMORY_FAILED
    if _rows_lost(machine):
        return FirmwareRefusal.MAIL_ROWS_LOST
    if not settings.som_number or machine.desk.mailed != settings.mailed:
        return FirmwareRefusal.NO_STATEMENT
    statement = _Statement(
        settings.mailed_before,
        settings.mailed,
        settings.mailed_by_customer,
        settings.mailed_total_items,
    )
    before = settings.som_number - len(statement.departments)
    made = statement.reports(machine, before)
    # The power may have failed before the PSD knew; nothing was handed out then.
    _tell_psd(machine)
    return made


def _rows_lost(machine: "Machine") -> bool:
    """Whether the PSD knows of a later statement of this life than the settings."""
    return machine.record.som_ascending_paise > machine.desk.mailed.ascending_paise


def _stated(record: PsdRecord) -> Mailed:
    """Give the last statement as the PSD knows it: without its rows."""
    return Mailed(
        record.som_time, record.som_ascending_paise, record.som_descending_paise
    )


def _tell_psd(machine: "Machine") -> None:
    """Let the PSD note the statement that the settings have."""
    settings = machine.settings
    closed = settings.mailed
    machine.psd.note_statement(
        settings.som_number,
        closed.time,
        closed.ascending_paise,
        closed.descending_paise,
        settings.mailed_items,
    )


@dataclass(frozen=True, slots=True)
class _Statement:
    """What lies between two closings.

    Attributes:
        opening: The closing before.
        closing: The closing.
        by_customer: Whether each department has a statement of its own.
        total_items: Items in between where the opening's rows are lost; 0 otherwise.
    """

    opening: Mailed
    closing: Mailed
    by_customer: bool
    total_items: int

    @property
    def rows(self) -> tuple[MailedRow, ...]:
        """What was franked in between: the rows of the closing less the opening's.

        Raises:
            InvariantError: A row has become less: the PSD's memory was put back.
        """
        before = {(row.department, row.product_class): row for row in self.opening.rows}
        rows = []
        for row in self.closing.rows:
            known = before.get((row.department, row.product_class))
            items = row.items - (known.items if known else 0)
            amount = row.amount_paise - (known.amount_paise if known else 0)
            if items < 0 or amount < 0:
                raise InvariantError(
                    f"class {row.product_class} in department {row.department} has "
                    "become less since the last statement of mailing: the PSD's "
                    "memory was put back; nothing is printed"
                )
            if items:
                key = (row.department, row.product_class)
                rows.append(MailedRow(*key, items, Paise(amount)))
        return tuple(rows)

    @property
    def departments(self) -> tuple[int, ...]:
        """Whose statements there are; one of department 0 where all is in one."""
        if not self.by_customer:
            return (0,)
        return tuple(sorted({row.department for row in self.rows}))

    def reports(self, machine: "Machine", number: int) -> tuple[Report, ...]:
        """Print it.

        Args:
            machine: Whose names are printed.
            number: Of the statement before the first of these.

        Raises:
            InvariantError: The rows do not add up to the rise of AR.
        """
        opening, closing = self.opening, self.closing
        customers = tuple(
            CustomerFacts(
                department,
                department_name(machine, department),
                _som_number(machine, number + place),
            )
            for place, department in enumerate(self.departments, start=1)
        )
        facts = MailingFacts(
            som_number=_som_number(machine, number + 1),
            from_time=opening.time,
            to_time=closing.time,
            opening_ascending_paise=opening.ascending_paise,
            opening_descending_paise=opening.descending_paise,
            closing_ascending_paise=closing.ascending_paise,
            closing_descending_paise=closing.descending_paise,
            rows=self._usage_rows(machine),
            customers=customers if self.by_customer else (),
        )
        return statements_of_mailing(machine_facts(machine), facts)

    def _usage_rows(self, machine: "Machine") -> tuple[UsageRow, ...]:
        if not self.total_items:
            return usage_rows(machine, self.rows)
        rise = self.closing.ascending_paise - self.opening.ascending_paise
        return (UsageRow(0, "", "-", "all classes", self.total_items, Paise(rise)),)


def _som_number(machine: "Machine", number: int) -> str:
    return f"{machine.record.life.licence}-{number:06d}"


def kept_rows(machine: "Machine") -> tuple[MailedRow, ...]:
    """Give the usage table of this life as a statement keeps it."""
    return tuple(
        MailedRow(row.department, row.product_class, row.items, row.amount_paise)
        for row in machine.record.rows
    )


def usage_rows(machine: "Machine", rows: Iterable[MailedRow]) -> tuple[UsageRow, ...]:
    """Give rows the letters and names that people know."""
    names = _class_names(machine)
    return tuple(
        UsageRow(
            row.department,
            department_name(machine, row.department),
            *names.get(row.product_class, (str(row.product_class), "not in a tariff")),
            row.items,
            row.amount_paise,
        )
        for row in rows
    )


def _class_names(machine: "Machine") -> dict[int, tuple[str, str]]:
    """Letters and names of the classes; what is in force stands above the rest."""
    tariffs = [*machine.contents.tariffs, *filter(None, [machine.tariff])]
    return {
        found.number: (found.letters, found.name)
        for tariff in tariffs
        for found in tariff.classes
    }


def department_name(machine: "Machine", number: int) -> str:
    """Name a department; one that was taken away is known by its number."""
    found = machine.settings.department(number)
    if found is not None:
        return found.name
    return f"Department {number}" if number else "No department"
