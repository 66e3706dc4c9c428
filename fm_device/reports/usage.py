"""Reports of what was franked, by product class and by department.

Both are sums of the same rows, and the rows must add up to the rise of the ascending
register in the same time.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from fm_device.reports.document import (
    Column,
    Fit,
    Lines,
    Note,
    Report,
    Section,
    Table,
    document_of,
    show_figure,
    show_moment,
)
from fm_device.reports.facts import MachineFacts, UsageFacts, UsageRow
from protocol.errors import InvariantError
from protocol.values import EpochSeconds, Paise, show_rupees

COLUMNS: Final = (
    Column("Class", Fit.WHOLE),
    Column("Product", Fit.WRAPS),
    Column("Items", Fit.FIGURE),
    Column("Rs", Fit.FIGURE),
)
"""The columns of every table of classes."""


def usage_by_class(machine: MachineFacts, facts: UsageFacts) -> Report:
    """Report items and postage of each class, departments taken together.

    Raises:
        InvariantError: The rows do not add up to the rise of AR.
    """
    _check(facts)
    classes = by_class(facts.rows)
    table = classes_table(classes)
    figures = {**_period(facts), "classes": classes_as_json(classes)}
    document = document_of(
        machine, "Usage by class", (period(facts.from_time, facts.to_time), table)
    )
    return Report("usage-by-class", machine, document, figures)


def usage_by_department(machine: MachineFacts, facts: UsageFacts) -> Report:
    """Report items and postage of each class in each department.

    Raises:
        InvariantError: The rows do not add up to the rise of AR.
    """
    _check(facts)
    departments = [
        (number, name, _of_department(facts.rows, number))
        for number, name in _departments(facts.rows).items()
    ]
    sections = tuple(
        Section(_title(number, name), _cells(classes), _sums("Sum", classes))
        for number, name, classes in departments
    )
    table: Table | Note = Table("", COLUMNS, sections, _sums("Total", facts.rows))
    if not sections:
        table = NOTHING
    figures = {
        **_period(facts),
        "departments": [
            {
                "department": number,
                "name": name,
                "items": _items(classes),
                "amount_paise": amount_of(classes),
                "classes": classes_as_json(classes),
            }
            for number, name, classes in departments
        ],
    }
    document = document_of(
        machine, "Usage by department", (period(facts.from_time, facts.to_time), table)
    )
    return Report("usage-by-department", machine, document, figures)


NOTHING: Final = Note("Nothing was franked in this time.")


def period(from_time: EpochSeconds, to_time: EpochSeconds) -> Lines:
    """Say which time a report is about."""
    return Lines("", (("From", show_moment(from_time)), ("To", show_moment(to_time))))


def by_class(rows: Iterable[UsageRow]) -> tuple[UsageRow, ...]:
    """Add departments up, in the order in which the classes come first."""
    sums: dict[str, UsageRow] = {}
    for row in rows:
        known = sums.get(row.class_letters)
        sums[row.class_letters] = (
            replace(row, department=0, department_name="")
            if known is None
            else replace(
                known,
                items=known.items + row.items,
                amount_paise=Paise(known.amount_paise + row.amount_paise),
            )
        )
    return tuple(sums.values())


def classes_table(classes: tuple[UsageRow, ...]) -> Table | Note:
    """Show one row for each class, and their total."""
    if not classes:
        return NOTHING
    sections = (Section("", _cells(classes)),)
    return Table("", COLUMNS, sections, _sums("Total", classes))


def classes_as_json(classes: tuple[UsageRow, ...]) -> list[dict[str, Any]]:
    """Say the same to a program."""
    return [
        {
            "class": row.class_letters,
            "name": row.class_name,
            "items": row.items,
            "amount_paise": row.amount_paise,
        }
        for row in classes
    ]


def amount_of(rows: Iterable[UsageRow]) -> Paise:
    """Add the postage up."""
    return Paise(sum(row.amount_paise for row in rows))


def check_rise(
    what: str, rows: tuple[UsageRow, ...], opening: Paise, closing: Paise
) -> None:
    """Make sure that rows add up to the rise of the ascending register.

    Raises:
        InvariantError: They do not, or one of them has a negative figure.
    """
    for row in rows:
        if row.items < 0 or row.amount_paise < 0:
            raise InvariantError(
                f"{what}: class {row.class_letters} in department {row.department} has "
                f"{row.items} items for {show_rupees(row.amount_paise)}; nothing is "
                "printed"
            )
    total, rise = amount_of(rows), Paise(closing - opening)
    if total != rise:
        raise InvariantError(
            f"{what}: the classes add up to {show_rupees(total)}, but AR went from "
            f"{show_rupees(opening)} to {show_rupees(closing)}, by "
            f"{show_rupees(rise)}; nothing is printed"
        )


def _check(facts: UsageFacts) -> None:
    check_rise(
        "usage",
        facts.rows,
        facts.opening_ascending_paise,
        facts.closing_ascending_paise,
    )


def _period(facts: UsageFacts) -> dict[str, Any]:
    return {
        "from": facts.from_time,
        "to": facts.to_time,
        "opening_ascending_paise": facts.opening_ascending_paise,
        "closing_ascending_paise": facts.closing_ascending_paise,
        "items": _items(facts.rows),
        "amount_paise": amount_of(facts.rows),
    }


def _departments(rows: tuple[UsageRow, ...]) -> dict[int, str]:
    names = {row.department: row.department_name for row in rows}
    return {number: names[number] for number in sorted(names)}


def _of_department(rows: tuple[UsageRow, ...], department: int) -> tuple[UsageRow, ...]:
    return tuple(row for row in rows if row.department == department)


def _title(number: int, name: str) -> str:
    return f"{number} {name}".rstrip() if number else (name or "No department")


def _cells(rows: tuple[UsageRow, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            row.class_letters,
            row.class_name,
            f"{row.items:,}",
            show_figure(row.amount_paise),
        )
        for row in rows
    )


def _sums(word: str, rows: tuple[UsageRow, ...]) -> tuple[str, ...]:
    return (word, "", f"{_items(rows):,}", show_figure(amount_of(rows)))


def _items(rows: Iterable[UsageRow]) -> int:
    return sum(row.items for row in rows)
