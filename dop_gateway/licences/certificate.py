"""The certificate of a licence: four copies on four sheets, in English and Hindi.

Annexure C of the Department's procedure is not public: the form is OURS, and says so.
What has to be in it is known: domain notes, sections 5 and 6.2 (nos. 5, 6).
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Final

from dop_gateway.exports.page import Sheets
from dop_gateway.exports.showing import india, show_moment
from dop_gateway.licences.card import Card
from dop_gateway.licences.model import Licence, LicenceKind
from dop_gateway.offices.model import Office
from protocol.values import EpochSeconds

COPIES: Final = (
    ("Licensee", "लाइसेंसधारी"),
    ("Licensing authority", "लाइसेंस प्राधिकारी"),
    ("Designated office", "नामित डाकघर"),
    ("Maker of the machine", "मशीन निर्माता"),
)
"""Who has each copy; that there are four is known, for whom is OURS."""
OURS: Final = (
    "This form is defined by this product, not by India Post: Annexure C is not public."
)
_KINDS: Final = {
    LicenceKind.INDIVIDUAL: ("Individual", "व्यक्तिगत"),
    LicenceKind.COMMERCIAL: ("Commercial", "वाणिज्यिक"),
    LicenceKind.DEPARTMENTAL: ("Departmental", "विभागीय"),
    LicenceKind.CLICK_CHARGE: ("Departmental, click charge", "विभागीय, क्लिक प्रभार"),
}
_EDGE_MM: Final = 18.0
_VALUE_MM: Final = 82.0
_TOP_MM: Final = 28.0
_LINE_MM: Final = 6.5
_ROW_GAP_MM: Final = 2.5
_TITLE_PT: Final = 16.0
_SIZE_PT: Final = 10.5
_SMALL_PT: Final = 8.0
_LINES_MAX: Final = 3


def write_certificate(
    licence: Licence, office: Office, division: Office, now: EpochSeconds
) -> bytes:
    """Draw the certificate of a licence as it is now.

    Args:
        licence: The licence.
        office: Its designated office.
        division: Whose head has issued it.
        now: When it is drawn; the same moment gives the same octets.
    """
    title = f"Certificate of licence {licence.number}"
    rows = list(_rows(licence, office, division))
    foot = (OURS, f"Drawn at {show_moment(now)} from the register of licences")
    with closing(Sheets(title, india(now), landscape=False)) as sheets:
        for number, (holder, holder_hi) in enumerate(COPIES, start=1):
            copy = f"Copy {number} of {len(COPIES)}: {holder} / {holder_hi}"
            _draw(sheets, copy, rows, foot)
        return sheets.octets()


def _draw(
    sheets: Sheets,
    copy: str,
    rows: Sequence[tuple[str, str]],
    foot: Sequence[str],
) -> None:
    sheets.add()
    right_mm = sheets.width_mm - _EDGE_MM
    y_mm = _TOP_MM
    sheets.draw(_EDGE_MM, y_mm, "Department of Posts / डाक विभाग", _SIZE_PT, bold=True)
    y_mm += 10
    title = "Certificate of licence to use a franking machine"
    sheets.draw(_EDGE_MM, y_mm, title, _TITLE_PT, bold=True)
    y_mm += 8
    title = "फ्रैंकिंग मशीन के उपयोग का लाइसेंस प्रमाणपत्र"
    sheets.draw(_EDGE_MM, y_mm, title, _TITLE_PT, bold=True)
    y_mm += 6
    sheets.draw(_EDGE_MM, y_mm, copy, _SMALL_PT)
    y_mm += 4
    sheets.rule(_EDGE_MM, right_mm, y_mm, 0)
    y_mm += 9
    for label, value in rows:
        sheets.draw(_EDGE_MM, y_mm, label, _SMALL_PT)
        width_mm = right_mm - _VALUE_MM
        for line in sheets.wrap(value, width_mm, _SIZE_PT, _LINES_MAX):
            sheets.draw(_VALUE_MM, y_mm, line, _SIZE_PT)
            y_mm += _LINE_MM
        y_mm += _ROW_GAP_MM
    sheets.rule(_EDGE_MM, right_mm, y_mm, 0)
    y_mm += 20
    sheets.draw(_VALUE_MM, y_mm, "Licensing authority / लाइसेंस प्राधिकारी", _SIZE_PT)
    y_mm = sheets.height_mm - 22
    for line in foot:
        sheets.draw(_EDGE_MM, y_mm, line, _SMALL_PT)
        y_mm += 5


def _rows(
    licence: Licence, office: Office, division: Office
) -> Iterator[tuple[str, str]]:
    holder = licence.holder
    kind, kind_hi = _KINDS[licence.kind]
    yield "License Identifier / लाइसेंस पहचान", licence.identifier
    yield "License Number (CRN) / लाइसेंस संख्या", licence.number
    yield "Licensee / लाइसेंसधारी", holder.name
    if holder.name_hi is not None:
        yield "", holder.name_hi
    yield "Premises / परिसर", ", ".join((*holder.address, holder.pin))
    contacts = [one for one in (holder.contact, holder.telephone, holder.email) if one]
    if contacts:
        yield "Contact / संपर्क", ", ".join(contacts)
    yield "Type / प्रकार", f"{kind} / {kind_hi}"
    if licence.commercial_as is not None:
        yield "", licence.commercial_as.name.replace("_", " ").capitalize()
    yield "Designated office / नामित डाकघर", _named(office, office.pin)
    yield "Licensing Division / लाइसेंस मंडल", _named(division, division.code)
    yield "Date of issue / जारी करने की तिथि", f"{licence.issued_on:%d-%m-%Y}"
    yield "Valid until / तक मान्य", f"{licence.expires_on:%d-%m-%Y}"
    yield "Status / स्थिति", licence.state.name.capitalize()
    payload = Card(licence.identifier, licence.number).payload
    yield "License card / लाइसेंस कार्ड", payload


def _named(office: Office, code: str | None) -> str:
    names = (
        office.name if office.name_hi is None else f"{office.name} / {office.name_hi}"
    )
    return names if code is None else f"{names}, {code}"
