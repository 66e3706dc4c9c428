"""Layouts: every mistake is told with its place, and nothing else comes out."""

import re
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.exchange import SHIPPED, LayoutError, parse_layout, read_layouts
from tests.exchange_values import LAYOUTS, WIDE

FOLDER = files("protocol").joinpath("exchange", "layouts")
FUND = FOLDER.joinpath("fund.toml").read_text("utf-8")


def _mistakes(text: str) -> list[str]:
    with pytest.raises(LayoutError) as caught:
        parse_layout(text)
    return [str(mistake) for mistake in caught.value.mistakes]


def _but(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_the_folder_holds_the_layouts_of_all_files_and_no_other() -> None:
    names = sorted(path.name for path in FOLDER.iterdir())
    assert names == [f"{name}.toml" for name in SHIPPED]
    assert list(LAYOUTS) == list(SHIPPED)
    for name in SHIPPED:
        text = FOLDER.joinpath(f"{name}.toml").read_text("utf-8")
        assert "Defined by this product, not by India Post" in text
        assert parse_layout(text).name == name


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('name = "fund"', 'name = "Fund"', "name: 'Fund' is not small letters"),
        ('name = "fund"\n', "", "name: it is missing"),
        ("version = 2", "version = 0", "version: 0 is not from 1 to 999"),
        ("version = 2", 'version = "2"', "version: a whole number is needed"),
        ('"delimited"', '"wide"', "kind: 'wide' is none of 'delimited', 'fixed-width'"),
        ('separator = "|"', 'separator = " "', "separator: ' ' is none of '|', ';'"),
        ('"LF"', '"CR"', "line_end: 'CR' is none of 'LF', 'CRLF'"),
        ('"UTF-8"', '"EBCDIC"', "encoding: 'EBCDIC' is none of 'UTF-8', 'ASCII'"),
        ("signature = true", "signature = 1", "signature: true or false is needed"),
        ("signature =", "signed = 1\nsignature =", "signed: no such key here"),
        ("lines_max = 100_000", "lines_max = -1", "lines_max: -1 is not from 0 to"),
        ("fund-{file_id}.txt", "{file_id}", "file_name: letters, digits, points and"),
        ("fund-{file_id}.txt", "a-{line_id}", "file_name: the header tells no line_id"),
        ('tag = "H"', 'tag = "h"', "header, tag: 'h' is not 1 to 8 capital letters"),
        ('tag = "H"\n', "", "either all records have tags or none; without: header"),
        ('tag = "H"', 'tag = "D"', "tags D and D cannot be told apart"),
        ('tag = "C"', 'tag = "S"', "tags S and S cannot be told apart"),
        ("[header]", "[[header]]", "header: a table is needed"),
        ('name = "correction"', 'name = "deposit"', "line: at least one is needed"),
        ('name = "deposit"\n', "", "line 1, name: None is not small letters"),
        (
            'name = "window", type = "count", max = 3',
            'name = "window", type = "count", max = "3"',
            "header, field window, max: a whole number is needed",
        ),
        (
            'name = "window", type = "count"',
            'name = "window", type = "int"',
            "header, field window, type: 'int' is none of 'identifier', 'code'",
        ),
        (
            'name = "sequence", type = "count"',
            'name = "sequence", type = "count", width = 5',
            "header, field sequence, width: no such key here",
        ),
        (
            'name = "sequence", type = "count"',
            'name = "window", type = "count"',
            "header, field window: it stands twice",
        ),
        (
            "constant = 2",
            'constant = "2"',
            "header, field version, constant: '2' is str, int is needed",
        ),
        (
            'name = "business_date", type = "date"',
            'name = "business_date", type = "date", format = "mm-dd-yyyy"',
            "header, field business_date, format: 'mm-dd-yyyy' is none of",
        ),
        (
            'type = "identifier", unique = true',
            'type = "identifier", unique = true, blank = true',
            "line deposit, field line_id, unique: only a field of lines",
        ),
        (
            'type = "identifier", unique = true',
            'type = "identifier", counts = true',
            "line deposit, field line_id, counts: a field of type count is needed",
        ),
        (
            'values = ["NETBANKING", "SBI_CASH"',
            'values = ["NETBANKING", "SBI|CASH"',
            "line deposit, field mode, values: a spelling holds the separator |",
        ),
        (
            'values = ["NETBANKING", "SBI_CASH"',
            'values = ["NETBANKING", "NETBANKING "',
            "line deposit, field mode, values: NETBANKING : 'NETBANKING '",
        ),
        (
            'sums = "amount_paise"',
            'sums = "amount"',
            "trailer, field total_paise, sums: no line has a field amount of type",
        ),
        (
            'type = "amount", signed = true, sums',
            'type = "amount", sums',
            "trailer, field total_paise, sums: amount_paise may be negative",
        ),
        (
            'name = "count", type = "count", counts = true',
            'name = "count", type = "count"',
            "trailer, field count: a trailer holds counts, sums and constants only",
        ),
        (
            'name = "count", type = "count", counts = true',
            'name = "window", type = "count", counts = true',
            "field window: header and trailer both have a field of this name",
        ),
        ('type = "date", note', 'tpye = "date", note', "type: it is missing"),
        ("fields = [", 'fields = "all"\nrest = [', "header, fields: a list is needed"),
        ("[header]", "[header", "not TOML: "),
    ],
)
def test_a_mistake_is_told_with_its_place(old: str, new: str, mistake: str) -> None:
    found = _mistakes(_but(FUND, old, new))
    assert any(one.startswith(mistake) or mistake in one for one in found), found


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        (", width = 20 }", " }", "header, field file_id, width: it is missing"),
        ("width = 5 }", "width = 0 }", "header, field sequence, width: 0 is not from"),
        ("width = 1 }", 'width = 1, pad = "zero" }', "pad: zeros stand before numbers"),
        ("width = 3 }", 'width = 3, align = "up" }', "align: 'up' is none of 'left'"),
        ('constant = "B"', 'constant = "BBBB"', "'BBBB' is wider than 3 columns"),
        ('tag = "01"', 'tag = "0"', "tags 0 and 03 cannot be told apart"),
        ("signature = false", 'separator = "|"', "separator: no such key here"),
        ('given = "DCR" }', 'given = "DCR", blank = true }', "blank and given go"),
        ("given = 1 }", "given = -1 }", "given: '-1' is not a whole number"),
        ("given = 1 }", "given = 1, width = 2 }", "window, width: no such key here"),
    ],
)
def test_a_mistake_in_a_layout_of_fixed_width_is_told_with_its_place(
    old: str, new: str, mistake: str
) -> None:
    found = _mistakes(_but(WIDE, old, new))
    assert any(mistake in one for one in found), found


def test_all_mistakes_of_a_layout_are_told_at_once() -> None:
    text = _but(FUND, "version = 2\n", "version = 0\n")
    text = _but(text, "lines_max = 100_000", "lines_max = -1")
    text = _but(text, '"identifier", unique', '"identifyer", unique')
    assert len(_mistakes(text)) == 3


def test_without_tags_lines_are_known_by_their_place() -> None:
    text = re.sub(r'tag = "[HDT]"\n', "", FUND)
    start, end = text.index('[[line]]\nname = "correction"'), text.index("[trailer]")
    text = text[:start] + text[end:]
    assert _mistakes(text) == ["signature: only a file with tags can be signed"]
    layout = parse_layout(_but(text, "signature = true", "signature = false"))
    assert [record.tag for record in layout.records] == ["", "", ""]


@settings(max_examples=300)
@given(data=st.data())
def test_any_change_of_a_layout_gives_a_layout_or_mistakes(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([FUND, WIDE]))
    words = sorted(set(re.findall(r"[A-Za-z0-9_{}\[\]\"=,|.-]+", text)))
    old = data.draw(st.sampled_from(words))
    new = data.draw(
        st.sampled_from([*words, "", "[]", "{}", "-1", "1979-05-27", "nan"])
    )
    at = data.draw(st.integers(1, text.count(old)))
    parts = text.split(old)
    changed = old.join(parts[:at]) + new + old.join(parts[at:])
    try:
        parse_layout(changed)
    except LayoutError as error:
        reasons = [mistake.reason for mistake in error.mistakes]
    else:
        reasons = ["none"]
    assert reasons
    assert all(reasons)


@given(st.text(max_size=60))
def test_any_text_gives_mistakes(text: str) -> None:
    with pytest.raises(LayoutError):
        parse_layout(text)


def test_a_deployment_puts_its_own_layout_in_the_place_of_ours() -> None:
    layouts = read_layouts({"theirs.toml": WIDE})
    assert layouts["fund"].version == 7
    assert {**layouts, "fund": 0} == {**LAYOUTS, "fund": 0}


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('name = "fund"', 'name = "funds"', "name: 'funds' is none of account-state"),
        ('name = "deposit"', 'name = "payment"', "line deposit: it is missing"),
        ('name = "deposit"', 'name = "payment"', "line payment: no program knows such"),
        (
            '    { name = "sequence", type = "count", width = 5 },\n',
            "",
            "header, field sequence: it is missing: put it in, or say what it always",
        ),
        (
            'name = "sequence", type = "count"',
            'name = "sequence", type = "code"',
            "header, field sequence: type code stands where count is known",
        ),
        ('SBI_CASH = "SC", ', "", "field mode: the names are to be NETBANKING, SBI_"),
        ("blank = true, width", "width", "field remark: no program knows it"),
        (
            'type = "letter", width = 1',
            'type = "letter", width = 1, blank = true',
            "header, field receiver: it may not be blank",
        ),
        ("unique = true, ", "", "line correction, field line_id: it is to be unique"),
        (
            'name = "sequence", type = "count"',
            'name = "sequence", type = "count", constant = 4',
            "header, field sequence: the programs tell it",
        ),
    ],
)
def test_a_layout_that_does_not_tell_what_programs_know_is_refused(
    old: str, new: str, mistake: str
) -> None:
    with pytest.raises(LayoutError) as caught:
        read_layouts({"theirs.toml": _but(WIDE, old, new)})
    found = [str(one) for one in caught.value.mistakes]
    assert any(one.startswith("theirs.toml, ") and mistake in one for one in found)


def test_a_layout_may_do_without_what_is_optional_in_ours() -> None:
    usage = FOLDER.joinpath("usage.toml").read_text("utf-8")
    start, end = usage.index('[[line]]\nname = "failed"'), usage.index("[trailer]")
    theirs = read_layouts({"theirs.toml": usage[:start] + usage[end:]})
    assert list(theirs["usage"].lines) == ["dial_in", "product"]
    only_this = [
        record.name
        for layout in LAYOUTS.values()
        for record in layout.records
        if record.optional
    ]
    assert only_this == ["failed"]


def test_two_layouts_of_one_name_are_refused() -> None:
    with pytest.raises(LayoutError, match=r"^b.toml: a.toml is layout fund too$"):
        read_layouts({"b.toml": WIDE, "a.toml": WIDE})
