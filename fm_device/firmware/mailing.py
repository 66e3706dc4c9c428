"""The statement of mailing of a machine: what it tells of, and how it is closed.

It tells of what was franked since the statement before. It is closed when it is asked
for: settings and number are stored before anything is handed out, so no two statements
tell of the same frank, and the last one can be printed again when the paper was lost.
Its number is ours: licence identifier and a running number.
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
from fm_device.reports.document import Report
from fm_device.reports.facts import CustomerFacts, MailingFacts, UsageRow
from fm_device.reports.mailing import statements_of_mailing
from protocol.errors import InvariantError
from protocol.values import Paise

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine


def close_mailing(machine: "Machine") -> tuple[Report, ...] | Refusal:
    """Close a statement of mailing, and print it.

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
    opening = machine.desk.mailed
    if registers.ascending_paise == opening.ascending_paise:
        return FirmwareRefusal.NO_MAIL
    closing = Mailed(
        now,
        registers.ascending_paise,
        registers.descending_paise,
        kept_rows(machine),
    )
    by_customer = settings.accounts_on and bool(settings.departments)
    statement = _Statement(opening, closing, by_customer=by_customer)
    last = _last_number(machine)
    made = statement.reports(machine, last)
    machine.set(
        som_number=last + len(made),
        mailed=closing,
        mailed_before=opening,
        mailed_by_customer=by_customer,
    )
    items = sum(row.items for row in statement.rows)
    machine.note(EventCode.STATEMENT_CLOSED, machine.settings.som_number, items)
    return made


def print_again(machine: "Machine") -> tuple[Report, ...] | Refusal:
    """Print the last statement once more, as it was closed."""
    settings = machine.settings
    if not settings.som_number or machine.desk.mailed != settings.mailed:
        return FirmwareRefusal.NO_STATEMENT
    statement = _Statement(
        settings.mailed_before,
        settings.mailed,
        by_customer=settings.mailed_by_customer,
    )
    before = settings.som_number - len(statement.departments)
    return statement.reports(machine, before)


@dataclass(frozen=True, slots=True)
class _Statement:
    """What lies between two closings.

    Attributes:
        opening: The closing before.
        closing: The closing.
        by_customer: Whether each department has a statement of its own.
    """

    opening: Mailed
    closing: Mailed
    by_customer: bool

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
            rows=usage_rows(machine, self.rows),
            customers=customers if self.by_customer else (),
        )
        return statements_of_mailing(machine_facts(machine), facts)


def _last_number(machine: "Machine") -> int:
    """Give the number used last; where the settings were lost, the log knows it.

    No two statements of a licence have one number, though the first after such a loss
    tells of the whole life again.
    """
    began = machine.record.life.began
    logged = (
        entry.detail[0]
        for entry in machine.log.entries()
        if entry.code == EventCode.STATEMENT_CLOSED and entry.time > began
    )
    return max(machine.settings.som_number, next(logged, 0))


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
