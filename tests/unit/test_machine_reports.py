"""The reports of a machine as text and as JSON, and what they refuse to say.

The golden texts are the examples of docs/reports.md: one copy serves readers and test.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_device.reports.document import (
    NO_BREAK,
    Document,
    Fit,
    Lines,
    Note,
    Report,
    Table,
    plain,
    wrap,
)
from fm_device.reports.facts import UsageRow
from fm_device.reports.funds import funds, last_recharges, recharge_receipt
from fm_device.reports.mailing import statements_of_mailing
from fm_device.reports.service import configuration, error_log
from fm_device.reports.text import show_document
from fm_device.reports.usage import usage_by_class, usage_by_department
from protocol.errors import InvariantError, LocalProtocolError
from protocol.registers import Registers, VoucherKind
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX, Paise
from tests.witness.sample_reports import (
    CONFIGURATION,
    CUSTOMERS,
    EVENTS,
    FUNDS,
    MACHINE,
    MAILING,
    NOON,
    RECHARGES,
    ROWS,
    USAGE,
    a_recharge,
)

DOCS = Path(__file__).parents[2] / "docs" / "reports.md"
EXAMPLE = re.compile(r"<!-- report: ([a-z-]+) -->\n\n```text\n(.*?)```", re.DOTALL)

PER_CUSTOMER = statements_of_mailing(MACHINE, replace(MAILING, customers=CUSTOMERS))
REPORTS: Final[dict[str, Report]] = {
    "funds": funds(MACHINE, FUNDS),
    "recharge-receipt": recharge_receipt(MACHINE, RECHARGES[-1]),
    "last-recharges": last_recharges(MACHINE, RECHARGES),
    "configuration": configuration(MACHINE, CONFIGURATION),
    "error-log": error_log(MACHINE, EVENTS),
    "statement-of-mailing": statements_of_mailing(MACHINE, MAILING)[0],
    "statement-of-a-customer": PER_CUSTOMER[1],
    "usage-by-class": usage_by_class(MACHINE, USAGE),
    "usage-by-department": usage_by_department(MACHINE, USAGE),
}
LARGEST = Paise(AMOUNT_PAISE_MAX)
FULL = Registers(LARGEST, Paise(0), LARGEST, U32_MAX, U32_MAX)


def the_text(report: Report, width: int = 40) -> str:
    return show_document(report.document, width)


def test_every_report_has_its_example_in_the_manual() -> None:
    assert [name for name, _ in EXAMPLE.findall(DOCS.read_text())] == list(REPORTS)


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_printed_as_the_manual_shows_it(name: str) -> None:
    golden = dict(EXAMPLE.findall(DOCS.read_text()))[name]
    report = REPORTS[name]
    first = replace(report.document, copies=report.document.copies[:1])
    # The manual shows the first of two copies.
    assert show_document(first).replace("COPY 1 OF 1", "COPY 1 OF 2") == golden


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_every_report_says_whose_form_it_is(report: Report) -> None:
    words = " ".join(the_text(report).split())
    copies = max(1, len(report.document.copies))
    said = "Simulated machine. Form defined by this product, not by India Post."
    assert words.count(said) == copies
    assert report.as_json()["form"] == "defined by this product, not by India Post"


def test_a_machine_that_is_no_simulation_does_not_say_that_it_is_one() -> None:
    machine = replace(MACHINE, simulated=False)
    words = " ".join(the_text(funds(machine, FUNDS)).split())
    assert words.endswith("- Form defined by this product, not by India Post.")


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_a_report_as_json_survives_json_and_names_the_machine(report: Report) -> None:
    as_json = report.as_json()
    assert json.loads(json.dumps(as_json)) == as_json
    assert as_json["report"] == report.name
    assert as_json["machine"]["licence_identifier"] == "N123456"
    assert as_json["printed_at"] == NOON


def test_the_receipt_as_json_is_in_paise() -> None:
    as_json = REPORTS["recharge-receipt"].as_json()
    assert as_json["amount_paise"] == 200_000
    assert as_json["before_paise"] + 200_000 == as_json["after_paise"] == 400_000
    assert as_json["kind"] == "RECHARGE"


def test_the_statement_as_json_has_registers_and_classes() -> None:
    as_json = REPORTS["statement-of-mailing"].as_json()
    assert as_json["som_number"] == "N123456-000012"
    assert as_json["customer"] is as_json["department"] is None
    assert (as_json["items"], as_json["amount_paise"]) == (443, 245_530)
    assert as_json["funds_change_paise"] == 200_000
    assert as_json["classes"][0] == {
        "class": "L",
        "name": "letter",
        "items": 430,
        "amount_paise": 215_000,
    }


def test_the_statement_of_mailing_has_two_copies_that_differ_in_their_mark() -> None:
    one, two = the_text(REPORTS["statement-of-mailing"]).split("\n\n\n=")
    assert "COPY 1 OF 2: CUSTOMER RECORD BOOK" in one
    assert "COPY 2 OF 2: HANDED IN WITH THE MAIL" in two
    rest = [text.partition("Licence identifier")[2].rstrip() for text in (one, two)]
    assert rest[0] == rest[1] != ""


def test_each_customer_with_mail_gets_a_statement_and_they_add_up() -> None:
    figures = [report.as_json() for report in PER_CUSTOMER]
    assert [figure["customer"] for figure in figures] == [
        "Bharat Stationers",
        "Deccan Traders",
        "Malnad Coffee Growers",
    ]
    assert [figure["amount_paise"] for figure in figures] == [200_000, 41_400, 4_130]
    rise = MAILING.closing_ascending_paise - MAILING.opening_ascending_paise
    assert sum(figure["amount_paise"] for figure in figures) == rise
    assert {figure["machine_amount_paise"] for figure in figures} == {rise}
    assert [report.document.copies for report in PER_CUSTOMER] == [
        ("Customer Record Book", "handed in with the mail")
    ] * 3


def test_a_statement_that_does_not_add_up_is_not_made() -> None:
    wrong = replace(MAILING, closing_ascending_paise=Paise(246_580))
    with pytest.raises(InvariantError) as error:
        statements_of_mailing(MACHINE, wrong)
    assert str(error.value) == (
        "statement of mailing N123456-000012: the classes add up to Rs 2,455.30, but "
        "AR went from Rs 10.00 to Rs 2,465.80, by Rs 2,455.80; nothing is printed"
    )


def test_mail_of_no_customer_stops_the_statements_of_all() -> None:
    with pytest.raises(InvariantError, match=r"Rs 41\.30 was franked in dep.* \[2\]"):
        statements_of_mailing(MACHINE, replace(MAILING, customers=CUSTOMERS[:2]))


def test_a_department_of_two_customers_stops_the_statements() -> None:
    twice = (*CUSTOMERS, replace(CUSTOMERS[1], name="Another"))
    with pytest.raises(InvariantError, match=r"names a department twice"):
        statements_of_mailing(MACHINE, replace(MAILING, customers=twice))


def test_a_negative_row_stops_a_report_even_when_the_sum_is_right() -> None:
    rows = (
        replace(ROWS[0], amount_paise=Paise(300_000)),
        replace(ROWS[1], amount_paise=Paise(-85_000)),
        *ROWS[2:],
    )
    with pytest.raises(InvariantError, match=r"class L in department 1 has 30 items"):
        usage_by_class(MACHINE, replace(USAGE, rows=rows))


def test_usage_that_does_not_add_up_is_not_reported() -> None:
    wrong = replace(USAGE, rows=ROWS[1:])
    with pytest.raises(InvariantError, match=r"usage: .* nothing is printed"):
        usage_by_class(MACHINE, wrong)
    with pytest.raises(InvariantError, match=r"usage: .* nothing is printed"):
        usage_by_department(MACHINE, wrong)


def test_a_receipt_that_does_not_add_up_is_not_printed() -> None:
    wrong = replace(RECHARGES[-1], after_paise=Paise(400_001))
    with pytest.raises(InvariantError) as error:
        recharge_receipt(MACHINE, wrong)
    assert str(error.value) == (
        "recharge 6: Rs 2,000.00 and a RECHARGE of Rs 2,000.00 do not make "
        "Rs 4,000.01; nothing is printed"
    )
    with pytest.raises(InvariantError, match="recharge 6"):
        last_recharges(MACHINE, (*RECHARGES[:-1], wrong))


def test_only_the_last_five_recharges_are_shown_the_newest_first() -> None:
    shown = last_recharges(MACHINE, RECHARGES[::-1]).as_json()["recharges"]
    assert [recharge["recharge_number"] for recharge in shown] == [6, 5, 4, 3, 2]


@pytest.mark.parametrize(
    ("kind", "before", "after", "line"),
    [
        (VoucherKind.WITHDRAWAL, 200_000, 0, "Funds given back +Rs 2,000.00"),
        (VoucherKind.REFUND, 250_000, 50_000, "Funds given back +Rs 2,000.00"),
        (VoucherKind.VOID, 50_000, 50_000, "Funds added +Rs 0.00"),
    ],
)
def test_a_receipt_says_which_way_the_value_went(
    kind: VoucherKind, before: int, after: int, line: str
) -> None:
    receipt = recharge_receipt(MACHINE, a_recharge(7, kind, 200_000, before, after))
    assert re.search(line, the_text(receipt))


def test_a_receipt_whose_server_funds_are_not_known_says_so() -> None:
    unknown = replace(RECHARGES[-1], server_funds_paise=None)
    assert "Left at the server             not known" in the_text(
        recharge_receipt(MACHINE, unknown)
    )


def test_registers_that_do_not_agree_are_shown_with_a_warning() -> None:
    wrong = replace(FUNDS.registers, control_total_paise=Paise(599_999))
    report = funds(MACHINE, replace(FUNDS, registers=wrong))
    assert "The registers do not agree: call the\nmaker's service." in the_text(report)
    assert report.as_json()["balanced"] is False


def test_a_refund_between_two_statements_is_shown_as_given_back() -> None:
    refunded = replace(MAILING, closing_descending_paise=Paise(103_470))
    text = the_text(statements_of_mailing(MACHINE, refunded)[0])
    assert re.search(r"Given back +Rs 500\.00", text)


def test_nothing_to_report_is_said_in_words() -> None:
    none = replace(
        MAILING, rows=(), closing_ascending_paise=MAILING.opening_ascending_paise
    )
    unused = replace(
        USAGE, rows=(), closing_ascending_paise=USAGE.opening_ascending_paise
    )
    machine = replace(MACHINE, pin_code=0)
    for report, words in (
        (statements_of_mailing(machine, none)[0], "Nothing was franked in this time."),
        (usage_by_class(machine, unused), "Nothing was franked in this time."),
        (usage_by_department(machine, unused), "Nothing was franked in this time."),
        (last_recharges(machine, ()), "None yet."),
        (error_log(machine, ()), "No events."),
    ):
        assert words in the_text(report)
        assert re.search(r"PIN code +not set", the_text(report))


@pytest.mark.parametrize("width", [32, 40, 57, 80])
@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_no_line_is_wider_than_the_paper_and_no_figure_is_lost(
    report: Report, width: int
) -> None:
    text = the_text(report, width)
    assert max(len(line) for line in text.splitlines()) <= width
    words = set(text.replace("\n", " ").split())
    for part in _parts(report.document):
        assert set(part.replace(NO_BREAK, " ").split()) <= words


def test_paper_that_is_too_narrow_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="32 at least"):
        the_text(REPORTS["funds"], 31)


def test_the_largest_amounts_and_counters_are_printed_whole() -> None:
    report = funds(MACHINE, replace(FUNDS, registers=FULL))
    for width in (32, 40):
        lines = the_text(report, width).splitlines()
        assert sum("Rs 90,071,992,547,409.91" in line for line in lines) == 2
        assert any("4,294,967,295" in line for line in lines)


def test_a_table_of_the_largest_amounts_is_folded_not_cut() -> None:
    row = UsageRow(1, "Accounts", "L", "letter", U32_MAX, LARGEST)
    facts = replace(
        USAGE,
        rows=(row,),
        opening_ascending_paise=Paise(0),
        closing_ascending_paise=LARGEST,
    )
    lines = the_text(usage_by_department(MACHINE, facts)).splitlines()
    at = lines.index("L      letter              4,294,967,295")
    amount = "90,071,992,547,409.91".rjust(40)
    assert lines[at - 4 : at] == [
        "Class  Product                     Items",
        "Rs".rjust(40),
        "-" * 40,
        "1 Accounts",
    ]
    assert lines[at + 1] == amount
    assert lines[at + 4 : at + 7] == [
        "-" * 40,
        "Total                      4,294,967,295",
        amount,
    ]


def test_a_long_name_goes_on_in_the_next_line() -> None:
    name = "Customer relations, grievances and the whole of the northern zone"
    heavy = replace(
        ROWS[0],
        department=1,
        department_name=name,
        class_name="letter of the heaviest kind",
    )
    rows = (heavy, ROWS[3])
    total = sum(row.amount_paise for row in rows)
    facts = replace(USAGE, rows=rows, closing_ascending_paise=Paise(1_000 + total))
    lines = the_text(usage_by_department(MACHINE, facts)).splitlines()
    at = lines.index("1 Customer relations, grievances and the")
    assert lines[at + 1 : at + 4] == [
        "whole of the northern zone",
        "L      letter of the       400  2,000.00",
        "       heaviest kind",
    ]


def test_a_name_cannot_steer_the_printer() -> None:
    machine = replace(MACHINE, office="Bengaluru\x1b[2J\nGPO")
    assert "Office                 Bengaluru?[2J?GPO" in the_text(funds(machine, FUNDS))


@given(
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.integers(min_value=1, max_value=20),
)
def test_wrapping_loses_no_character_and_fits(text: str, width: int) -> None:
    lines = wrap(text, width, len)
    assert all(len(line) <= width for line in lines)
    there = plain(text).replace(NO_BREAK, "").replace(" ", "")
    assert "".join(lines).replace(" ", "") == there


def test_what_holds_together_is_divided_only_where_the_paper_is_narrower() -> None:
    assert wrap(f"is Rs{NO_BREAK}2,000.00 now", 11, len) == ["is", "Rs 2,000.00", "now"]
    assert wrap("a N123456-000012", 10, len) == ["a", "N123456-00", "0012"]


def _parts(document: Document) -> list[str]:
    """Every name, value and cell of a document."""
    parts = [text for pair in document.head for text in pair]
    for block in document.blocks:
        if isinstance(block, Lines):
            parts += [text for pair in block.pairs for text in pair]
        elif isinstance(block, Note):
            parts.append(block.text)
        elif isinstance(block, Table):
            parts += [
                cell
                for row in block.all_rows
                for cell, column in zip(row, block.columns, strict=True)
                if column.fit is not Fit.WRAPS
            ]
    return parts
