"""docs/exchange-files.md shows the layouts that the programs use, and files of each."""

import re

import pytest

from protocol.exchange import (
    FINDINGS_MAX,
    SHIPPED,
    Layout,
    SignatureFault,
    Signed,
    check_signature,
    is_signed,
    read_file,
    sign_file,
    write_file,
)
from protocol.exchange.field_types import TYPES
from protocol.exchange.layout_file import ENCODINGS, LINE_ENDS, SEPARATORS
from protocol.exchange.spelling import DATES, MOMENTS
from protocol.keys import Realm, SigningKey
from rmfs_tools.exchange_document import DOCUMENT, fill
from tests.exchange_values import LAYOUTS

TEXT = DOCUMENT.read_text("utf-8")
EXAMPLES = re.findall(r"```text\n(H\|.*?)```", TEXT, re.DOTALL)
KEY = SigningKey(bytes(31) + b"\x07")


def _format(layout: Layout) -> str:
    (name,) = (one for one in layout.header.fields if one.name == "format")
    return str(name.constant)


def test_the_tables_are_those_of_the_layouts() -> None:
    assert fill(TEXT) == TEXT, "run: python -m rmfs_tools.exchange_document"
    assert sorted(re.findall("<!-- layout: (.*) -->", TEXT)) == list(SHIPPED)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_every_layout_has_an_example_that_is_a_file_of_it(layout: Layout) -> None:
    (example,) = (one for one in EXAMPLES if one.startswith(f"H|{_format(layout)}|"))
    octets = example.encode()
    file = read_file(layout, octets)
    header = {one.name: file.header[one.name] for one in layout.header.told}
    written = write_file(layout, header, file.lines)
    if is_signed(octets):
        assert check_signature(octets, {"dop-1": KEY.public}, Realm.TEST) == Signed(
            "dop-1"
        )
        written = sign_file(written, KEY, "dop-1", Realm.TEST)
    assert written == octets


def test_every_kind_of_line_is_shown() -> None:
    shown = {example.split("|", 2)[1]: example for example in EXAMPLES}
    for layout in LAYOUTS.values():
        for tag in layout.by_tag:
            assert f"\n{tag}|" in f"\n{shown[_format(layout)]}"


def test_the_document_says_whose_formats_they_are_and_where_their_bounds_are() -> None:
    fund = LAYOUTS["fund"]
    for words in (
        "defined by this product, not by India Post",
        "Annexure F",
        f"({fund.octets_max:,} octets)",
        f"{fund.lines_max:,} lines of content",
        f"{fund.line_octets_max:,} octets a line",
        f"the first {FINDINGS_MAX} of them",
    ):
        assert words in TEXT


def test_the_codes_of_signatures_are_told() -> None:
    told = re.findall(r"^\| `(EXC-[0-9]{2}-[0-9]{3})` \|", TEXT, re.MULTILINE)
    assert told == [fault.code for fault in SignatureFault]


def test_the_document_tells_all_that_a_layout_may_say() -> None:
    text = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL).replace("\\|", "|")
    told = set(re.findall(r"`([^`\n]+)`", text))
    wanted = {*TYPES, *SEPARATORS, *LINE_ENDS, *ENCODINGS, *DATES, *MOMENTS}
    assert wanted <= told
