"""Values for exchange files of any layout, and a layout that is like none of ours."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from protocol.exchange import FileHeader, Layout, Line, shipped_layouts
from protocol.exchange.layout import Field, Record
from protocol.values import EpochSeconds

LAYOUTS: Final = shipped_layouts()

HEADER: Final = FileHeader(
    file_id="FND-N-000012",
    sender="DCR",
    receiver="N",
    sequence=12,
    business_date=date(2026, 11, 17),
    window=1,
    made_at=EpochSeconds(1_794_886_200),
)

WIDE: Final = Path(__file__).with_name("fund_in_fixed_width.toml").read_text("utf-8")
"""Fixed width, other order, other spellings, totals in the header, no trailer."""


def _without_tags() -> str:
    text = files("protocol").joinpath("exchange", "layouts", "fund.toml").read_text()
    start, end = text.index('[[line]]\nname = "correction"'), text.index("[trailer]")
    text = re.sub(r'tag = "[A-Z]"\n', "", text[:start] + text[end:])
    text = text.replace("signature = true", "signature = false")
    return text.replace('separator = "|"', 'separator = ";"').replace(
        'title = "Fund"', 'title = "Fund without tags"'
    )


UNTAGGED: Final = _without_tags()
"""The fund file of ours with other separators, no tags and no corrections."""

_SIZE: Final = 12


def values_of(one: Field) -> st.SearchStrategy[Any]:
    """Values that a field may have, not all that it may."""
    spelling, size = one.spelling, one.width.columns if one.width else _SIZE
    if spelling.names:
        return st.sampled_from(spelling.names)
    days = st.dates(date(2010, 8, 16), date(2099, 12, 31))
    narrow = one.name in {"circle", "division", "address_pin", "office_pin"}
    few = {
        "identifier": st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,7}", fullmatch=True),
        "code": st.text("aB1-:/", min_size=1, max_size=2 if narrow else min(size, 7)),
        "text": st.text("aBc-,&", min_size=1, max_size=min(size, _SIZE))
        if one.width
        else st.text("aé-ನ,ಭ&", min_size=1, max_size=size).filter(_is_nfc),
        "letter": st.sampled_from("NPF"),
        "licence": st.from_regex("[A-Z][0-9]{6}", fullmatch=True),
        "licence-number": st.from_regex("[A-Z]{2}[0-9]{7}", fullmatch=True),
        "amount": st.integers(0, 10**9),
        "count": st.integers(0, 3),
        "date": days,
        "moment": st.integers(0, 2**32 - 1),
        "octets": st.binary(min_size=1, max_size=16)
        if one.name not in {"sha256", "binding"}
        else st.binary(min_size=32, max_size=32),
    }
    return few[one.kind]


def _is_nfc(text: str) -> bool:
    return unicodedata.is_normalized("NFC", text)


@st.composite
def records(draw: st.DrawFn, record: Record) -> dict[str, Any]:
    """Values of a record; a field that may be blank often is."""
    return {
        one.name: None if one.blank and draw(st.booleans()) else draw(values_of(one))
        for one in record.told
    }


@st.composite
def contents(draw: st.DrawFn, layout: Layout) -> tuple[dict[str, Any], list[Line]]:
    """A header and some lines that go together."""
    header = draw(records(layout.header))
    lines: list[Line] = []
    for place in range(draw(st.integers(0, 5))):
        name = draw(st.sampled_from(sorted(layout.lines)))
        values = draw(records(layout.lines[name]))
        if any(one.unique for one in layout.lines[name].fields):
            values["line_id"] = f"L{place}"
        lines.append(Line(name, values))
    if layout.name in _AGREED:
        _AGREED[layout.name](header, lines)
    return header, lines


def _fund(header: dict[str, Any], lines: list[Line]) -> None:
    for line in lines:
        values: Any = line.values
        values["amount_paise"] += 1
        dates = values["value_date"], values["available_from"], header["business_date"]
        values["value_date"], header["business_date"], _ = sorted(dates)
        values["available_from"] = max(dates)
        if line.record == "correction":
            values["corrects_file_id"] = "EARLIER"
    for line in lines:
        days = [header["business_date"], line.values["value_date"]]
        header["business_date"] = max(days)


def _account_statement(header: dict[str, Any], lines: list[Line]) -> None:
    amounts: Any = [line.values["amount_paise"] for line in lines]
    header["closing_paise"] = header["opening_paise"] + sum(amounts)


def _acknowledgement(header: dict[str, Any], lines: list[Line]) -> None:
    for line in lines:
        values: Any = line.values
        if line.record == "file":
            values["code"] = None if values["verdict"] == "TAKEN" else "EXC-01-001"


def _license_modification(header: dict[str, Any], lines: list[Line]) -> None:
    for line in lines:
        values: Any = line.values
        if values["status"] in {"BLOCKED", "WITHHELD"}:
            told = ("line_id", "licence", "status")
            values.update({name: None for name in values if name not in told})


def _usage(header: dict[str, Any], lines: list[Line]) -> None:
    of = [line.values["line_id"] for line in lines if line.record == "dial_in"]
    lines.sort(key=lambda line: line.record)
    if not of:
        lines.clear()
    for line in lines:
        if line.record == "product":
            values: Any = line.values
            values["dial_in_line_id"] = of[0]


_AGREED: Final[dict[str, Callable[[dict[str, Any], list[Line]], None]]] = {
    "account-statement": _account_statement,
    "acknowledgement": _acknowledgement,
    "fund": _fund,
    "license-modification": _license_modification,
    "usage": _usage,
}
"""What makes fields agree that mean something together."""
