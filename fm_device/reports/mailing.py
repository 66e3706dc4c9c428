"""The statement of mailing: what the licensee hands in with the day's mail.

It is printed in two copies: one for the Customer Record Book, one handed in. A
commercial licensee prints two for each customer; a customer is a department. The
statement shows AR and DR before and after, so that two statements show what was
consumed between them. Rows that do not add up to the rise of AR, or that belong to
nobody, make no statement at all, for any customer.

Source: 2010 procedure of the Department, chapters 4 and 5, as cited in docs/reports.md;
the form is ours.
"""

from typing import Any, Final

from fm_device.reports.document import (
    Blanks,
    Lines,
    Note,
    Report,
    document_of,
    show_amount,
)
from fm_device.reports.facts import (
    CustomerFacts,
    MachineFacts,
    MailingFacts,
    UsageRow,
)
from fm_device.reports.usage import (
    amount_of,
    by_class,
    check_rise,
    classes_as_json,
    classes_table,
    period,
)
from protocol.errors import InvariantError
from protocol.values import Paise, show_rupees

COPIES: Final = ("Customer Record Book", "handed in with the mail")

_SIGNED: Final = Blanks(("Signature of the licensee", "Date stamp of the office"))


def statements_of_mailing(
    machine: MachineFacts, facts: MailingFacts
) -> tuple[Report, ...]:
    """Make the statement of a time's mail, or one for each customer who had any.

    Returns:
        One report where there are no customers; otherwise one for each customer with a
        row, in the order of the customers. Each document has both copies.

    Raises:
        InvariantError: The rows do not add up to the rise of AR, or some belong to a
            department that is no customer. There is no statement then.
    """
    check_rise(
        f"statement of mailing {facts.som_number}".rstrip(),
        facts.rows,
        facts.opening_ascending_paise,
        facts.closing_ascending_paise,
    )
    if not facts.customers:
        return (_statement(machine, facts, facts.som_number, None, facts.rows),)
    _check_customers(facts)
    return tuple(
        _statement(machine, facts, customer.som_number, customer, rows)
        for customer in facts.customers
        if (rows := _of_customer(facts, customer))
    )


def _check_customers(facts: MailingFacts) -> None:
    departments = [customer.department for customer in facts.customers]
    if len(set(departments)) != len(departments):
        raise InvariantError(
            f"statement of mailing: {departments} names a department twice, and its "
            "mail would be stated twice; nothing is printed"
        )
    nobodys = [row for row in facts.rows if row.department not in departments]
    if nobodys:
        numbers = sorted({row.department for row in nobodys})
        raise InvariantError(
            f"statement of mailing: {show_rupees(amount_of(nobodys))} was franked in "
            f"departments {numbers}, which are no customers; nothing is printed"
        )


def _of_customer(facts: MailingFacts, customer: CustomerFacts) -> tuple[UsageRow, ...]:
    return tuple(row for row in facts.rows if row.department == customer.department)


def _statement(
    machine: MachineFacts,
    facts: MailingFacts,
    som_number: str,
    customer: CustomerFacts | None,
    rows: tuple[UsageRow, ...],
) -> Report:
    classes = by_class(rows)
    whose = () if customer is None else (("Customer", customer.name),)
    times = period(facts.from_time, facts.to_time)
    document = document_of(
        machine,
        "Statement of mailing",
        (
            Lines("", (("SOM number", som_number), *whose, *times.pairs)),
            classes_table(classes),
            _registers(facts, None if customer is None else amount_of(rows)),
            Note("Hand in with the Customer Record Book and the mail."),
            _SIGNED,
        ),
        reference=som_number,
        copies=COPIES,
    )
    figures: dict[str, Any] = {
        "som_number": som_number,
        "customer": customer and customer.name,
        "department": customer and customer.department,
        "from": facts.from_time,
        "to": facts.to_time,
        "opening_ascending_paise": facts.opening_ascending_paise,
        "opening_descending_paise": facts.opening_descending_paise,
        "closing_ascending_paise": facts.closing_ascending_paise,
        "closing_descending_paise": facts.closing_descending_paise,
        "funds_change_paise": _funds_change(facts),
        "items": sum(row.items for row in rows),
        "amount_paise": amount_of(rows),
        "machine_amount_paise": amount_of(facts.rows),
        "classes": classes_as_json(classes),
    }
    return Report("statement-of-mailing", machine, document, figures)


def _registers(facts: MailingFacts, of_customer: Paise | None) -> Lines:
    """Both registers before and after, and all that lies between them."""
    franked = amount_of(facts.rows)
    parts: tuple[tuple[str, str], ...] = ()
    if of_customer is not None:
        others = Paise(franked - of_customer)
        parts = (
            ("Franked for this customer", show_amount(of_customer)),
            ("Franked for others", show_amount(others)),
        )
    change = _funds_change(facts)
    word = "Recharged" if change > 0 else "Given back"
    moved = ((word, show_amount(Paise(abs(change)))),) if change else ()
    return Lines(
        "Registers of the machine",
        (
            ("AR (ascending) before", show_amount(facts.opening_ascending_paise)),
            *parts,
            ("Franked in all", show_amount(franked)),
            ("AR (ascending) after", show_amount(facts.closing_ascending_paise)),
            ("DR (descending) before", show_amount(facts.opening_descending_paise)),
            *moved,
            ("DR (descending) after", show_amount(facts.closing_descending_paise)),
        ),
    )


def _funds_change(facts: MailingFacts) -> Paise:
    """What vouchers added in between, as the registers tell it; refunds take away."""
    before = facts.opening_ascending_paise + facts.opening_descending_paise
    after = facts.closing_ascending_paise + facts.closing_descending_paise
    return Paise(after - before)
