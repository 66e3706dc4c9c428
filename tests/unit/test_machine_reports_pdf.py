"""The reports of a machine as PDF, read back by an outside program (poppler)."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fm_device.reports.document import NO_BREAK, Report
from fm_device.reports.facts import EventFacts, UsageRow
from fm_device.reports.funds import funds, last_recharges, recharge_receipt
from fm_device.reports.mailing import statements_of_mailing
from fm_device.reports.pdf import encode_pdf
from fm_device.reports.service import configuration, error_log
from fm_device.reports.text import show_document
from fm_device.reports.usage import usage_by_class, usage_by_department
from protocol.registers import Registers
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX, EpochSeconds, Paise
from tests.witness.programs import needs
from tests.witness.sample_reports import (
    CONFIGURATION,
    CUSTOMERS,
    EVENTS,
    FUNDS,
    MACHINE,
    MAILING,
    NOON,
    RECHARGES,
    USAGE,
)

PER_CUSTOMER = statements_of_mailing(MACHINE, replace(MAILING, customers=CUSTOMERS))
REPORTS = {
    report.document.title: report
    for report in (
        funds(MACHINE, FUNDS),
        recharge_receipt(MACHINE, RECHARGES[-1]),
        last_recharges(MACHINE, RECHARGES),
        configuration(MACHINE, CONFIGURATION),
        error_log(MACHINE, EVENTS),
        statements_of_mailing(MACHINE, MAILING)[0],
        usage_by_class(MACHINE, USAGE),
        usage_by_department(MACHINE, USAGE),
    )
}
FORM = "Simulated machine. Form defined by this product, not by India Post."
MANY = tuple(
    UsageRow(
        number // 10,
        f"Department number {number // 10}" if number >= 10 else "",
        f"C{number}",
        f"product {number} " * (1 + number % 9),
        number,
        Paise(number * 123_457),
    )
    for number in range(1, 501)
)
MANY_USED = replace(
    USAGE,
    rows=MANY,
    closing_ascending_paise=Paise(1_000 + 125_250 * 123_457),
)


def read_back(path: Path, *documents: Report) -> list[str]:
    """The text of each page, laid out as on paper."""
    pdftotext = needs("pdftotext")
    path.write_bytes(encode_pdf(*(report.document for report in documents)))
    read = subprocess.run(
        [pdftotext, "-layout", "-enc", "UTF-8", path, "-"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert not read.stderr
    *pages, rest = read.stdout.split("\f")
    assert not rest
    return pages


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_the_sheet_has_the_figures_of_the_document(
    report: Report, tmp_path: Path
) -> None:
    pages = read_back(tmp_path / "report.pdf", report)
    assert len(pages) == max(1, len(report.document.copies))
    # The text form of the same document, whose figures the golden texts have.
    text = show_document(report.document)
    figures = set(re.findall(r"-?\d[\d,]*\.\d\d\b|\d\d-\d\d-\d{4}|\b\d+\b", text))
    names = {value for _, value in report.document.head}
    for page in pages:
        words = " ".join(page.split())
        for expected in (report.document.title, FORM, "Page 1 of 1", *names, *figures):
            assert expected in words


def test_the_statement_of_mailing_is_one_file_with_both_copies(tmp_path: Path) -> None:
    one, two = read_back(tmp_path / "som.pdf", REPORTS["Statement of mailing"])
    assert "Copy 1 of 2: Customer Record Book" in one
    assert "Copy 2 of 2: handed in with the mail" in two
    for page in (one, two):
        assert re.search(r"AR \(ascending\) before +Rs 10\.00", page)
        assert re.search(r"AR \(ascending\) after +Rs 2,465\.30", page)
        assert re.search(r"DR \(descending\) after +Rs 3,534\.70", page)
        assert re.search(r"Total +443 +2,455\.30", page)
        assert re.search(r"Signature of the licensee +Date stamp of the office", page)
    without_mark = [page.partition("Statement")[2].split() for page in (one, two)]
    assert without_mark[0] == without_mark[1]


def test_the_statements_of_all_customers_can_be_one_file(tmp_path: Path) -> None:
    pages = read_back(tmp_path / "som.pdf", *PER_CUSTOMER)
    assert len(pages) == 6
    for number, page in enumerate(pages):
        assert CUSTOMERS[number // 2].name in page
        assert CUSTOMERS[number // 2].som_number in page
        assert f"Copy {number % 2 + 1} of 2" in page
        assert "Page 1 of 1" in page


def test_five_hundred_rows_break_over_pages_and_lose_nothing(tmp_path: Path) -> None:
    pages = read_back(tmp_path / "many.pdf", usage_by_class(MACHINE, MANY_USED))
    assert len(pages) > 10
    for number, page in enumerate(pages, start=1):
        assert re.search(r"Class +Product +Items +Rs", page)
        assert f"Page {number} of {len(pages)}" in page
        assert FORM in page
    text = "".join(pages)
    for row in MANY:
        amount = f"{row.amount_paise // 100:,}.{row.amount_paise % 100:02}"
        assert re.search(rf"C{row.items} +product.* {row.items} +{amount}\n", text)
    assert re.search(r"Total +125,250 +154,629,892\.50", pages[-1])
    # The total never stands alone.
    assert re.search(r"C500 ", pages[-1])


def test_a_department_that_goes_over_a_page_has_its_name_again(tmp_path: Path) -> None:
    pages = read_back(tmp_path / "many.pdf", usage_by_department(MACHINE, MANY_USED))
    continued = [page for page in pages if " (continued)" in page]
    assert continued
    for page in continued:
        lines = [line for line in page.splitlines() if line]
        head = next(n for n, line in enumerate(lines) if line.startswith("Class "))
        assert re.fullmatch(r"\d+ Department number \d+ \(continued\)", lines[head + 1])
    for department in range(1, 51):
        assert sum(f"{department} Department number" in page for page in pages) >= 1


def test_a_long_name_goes_on_in_the_next_line(tmp_path: Path) -> None:
    office = "Head Post Office of the largest city in the southern half of the plateau"
    machine = replace(MACHINE, office=office)
    (page,) = read_back(tmp_path / "long.pdf", funds(machine, FUNDS))
    for word in office.split():
        assert word in page
    assert office not in page


def test_an_entry_longer_than_a_page_goes_over_pages(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(2_000))
    event = EventFacts(1, EpochSeconds(NOON), "PSD-01-001", words)
    pages = read_back(tmp_path / "long.pdf", error_log(MACHINE, (event,)))
    assert len(pages) > 2
    text = " ".join("".join(pages).split())
    assert all(f"word{number}" in text for number in range(2_000))


def test_the_largest_amounts_stay_on_the_sheet(tmp_path: Path) -> None:
    largest = Paise(AMOUNT_PAISE_MAX)
    full = Registers(largest, Paise(0), largest, U32_MAX, U32_MAX)
    row = UsageRow(1, "Accounts", "L", "letter", U32_MAX, largest)
    facts = replace(
        USAGE,
        rows=(row,),
        opening_ascending_paise=Paise(0),
        closing_ascending_paise=largest,
    )
    first, second = read_back(
        tmp_path / "large.pdf",
        funds(MACHINE, replace(FUNDS, registers=full)),
        usage_by_department(MACHINE, facts),
    )
    assert first.count("Rs 90,071,992,547,409.91") == 2
    whole = re.findall(r"4,294,967,295 +90,071,992,547,409\.91\n", second)
    assert len(whole) == 3


def test_letters_that_the_fonts_lack_are_replaced_and_the_report_is_printed(
    tmp_path: Path,
) -> None:
    machine = replace(MACHINE, office="\u092e\u0948\u0938\u0942\u0930 \x1b GPO \xfc")
    (page,) = read_back(tmp_path / "office.pdf", funds(machine, FUNDS))
    assert re.search(r"Office +\?+ \? GPO \xfc", page)


def test_the_same_facts_give_the_same_octets_in_another_process() -> None:
    program = (
        "import sys\n"
        "from fm_device.reports.funds import funds\n"
        "from fm_device.reports.pdf import encode_pdf\n"
        "from tests.witness.sample_reports import FUNDS, MACHINE\n"
        "sys.stdout.buffer.write(encode_pdf(funds(MACHINE, FUNDS).document))\n"
    )
    here = encode_pdf(REPORTS["Funds"].document)
    again = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    assert again == [here, here]


def test_the_file_is_of_the_moment_of_the_report_and_says_what_it_is(
    tmp_path: Path,
) -> None:
    program = needs("pdfinfo")
    path = tmp_path / "som.pdf"
    path.write_bytes(encode_pdf(REPORTS["Statement of mailing"].document))
    info = subprocess.run(
        [program, "-isodates", path], capture_output=True, check=True, text=True
    ).stdout
    assert re.search(r"Title: +Statement of mailing, N123456-000012\n", info)
    assert re.search(r"CreationDate: +2026-11-22T(12:00:00\+05:?30|06:30:00Z)\n", info)
    assert re.search(r"Page size: .*A4", info)


def test_no_break_spaces_do_not_reach_the_paper(tmp_path: Path) -> None:
    assert all(
        NO_BREAK not in page
        for report in REPORTS.values()
        for page in read_back(tmp_path / "spaces.pdf", report)
    )
