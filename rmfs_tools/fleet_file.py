"""The file of a fleet: read strictly, with the place of whatever is not possible.

A key that is left out has its usual value. The form is ours; docs/fleets.md tells how
to write one.
"""

import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from fm_device.classes import parse_class
from fm_device.postage import factory_tariff
from fm_device.presets import PresetError
from fm_device.presets.fields import known_keys, number, refused, rows, table, text
from fm_device.psd.device import PIN_CODE_MAX, PIN_CODE_MIN
from fm_device.scenarios.form import suggestion
from fm_device.scenarios.library import library_names
from protocol.errors import LocalProtocolError
from protocol.values import (
    AMOUNT_PAISE_MAX,
    LicenceIdentifier,
    Paise,
    parse_licence_identifier,
)
from rmfs_tools.fleet import FleetError, FleetPlan, MailKind

FILE_OCTETS_MAX: Final = 65_536
MACHINES_MAX: Final = 10_000
_PREFIX_LETTERS: Final = 3
_KINDS_MAX: Final = 64
_ITEMS_MAX: Final = 100_000
_GRAMS_MAX: Final = 35_000
_SHARE_MAX: Final = 1_000_000


def read_octets(path: Path) -> bytes:
    """Read what may be a fleet's file; of one that is too long, enough to see it.

    Raises:
        FleetError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(FILE_OCTETS_MAX + 1)
    except OSError as error:
        raise FleetError(f"{path} cannot be read: {error.strerror}") from error


def read_fleet_file(octets: bytes) -> FleetPlan:
    """Read a fleet that a person has written.

    Raises:
        FleetError: It is not TOML, or no fleet; it says where.
    """
    if len(octets) > FILE_OCTETS_MAX:
        raise FleetError(f"a fleet's file has {FILE_OCTETS_MAX:,} octets at most")
    try:
        found = tomllib.loads(octets.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FleetError(f"it is not TOML in UTF-8: {error}") from error
    return plan_fleet(found)


def plan_fleet(found: dict[str, Any]) -> FleetPlan:
    """Make a plan from what a file holds.

    Raises:
        FleetError: It is no fleet; it says where.
    """
    try:
        return _plan(found)
    except PresetError as error:
        raise FleetError(str(error)) from error


def _plan(found: dict[str, Any]) -> FleetPlan:
    known_keys(found, "", (*_TOP, "dial", "funds", "mail"))
    top = table({name: found[name] for name in _TOP if name in found}, "", _TOP)
    dial = table(found.get("dial", {}), "dial", _DIAL)
    funds = table(found.get("funds", {}), "funds", _FUNDS)
    mail = found.get("mail", {})
    if not isinstance(mail, dict):
        raise refused(mail, "mail", "a table, written [mail]")
    known_keys(mail, "mail", ("items_a_day", "kinds"))
    for name in ("count", "first_licence"):
        if name not in top:
            raise PresetError(name, "it is missing")
    count, first = top["count"], top["first_licence"]
    if int(first[1:]) + count > 10 ** len(first[1:]):
        raise PresetError("first_licence", f"{first} leaves no room for {count}")
    least, most = _least_and_most(mail.get("items_a_day", [40, 400]), _ITEMS_MAX)(
        "mail.items_a_day"
    )
    begins, ends = dial.get("from", 21 * 60), dial.get("until", 22 * 60 + 30)
    if begins > ends:
        raise PresetError("dial.until", "it is before dial.from")
    return FleetPlan(
        title=top.get("title", ""),
        count=count,
        first_licence=first,
        serial_prefix=top.get("serial_prefix", "FLT"),
        circle=top.get("circle", "KN"),
        seed=top.get("seed", 1),
        pin_code=top.get("pin_code", 560001),
        dial_from=begins,
        dial_until=ends,
        deposit_paise=Paise(funds.get("deposit_paise", 5_000_000)),
        recharge_below_paise=Paise(funds.get("recharge_below_paise", 200_000)),
        recharge_paise=Paise(funds.get("recharge_paise", 1_000_000)),
        items_least=least,
        items_most=most,
        kinds=_kinds(mail.get("kinds", _USUAL_MAIL)),
        scenarios=tuple(top.get("scenarios", ())),
    )


def _licence(value: Any, place: str) -> LicenceIdentifier:
    try:
        return parse_licence_identifier(value if isinstance(value, str) else "")
    except LocalProtocolError as error:
        raise refused(value, place, "a licence identifier, as N200001") from error


def _letters(count: int) -> Callable[[Any, str], str]:
    def read(value: Any, place: str) -> str:
        if not isinstance(value, str) or not (
            value.isascii() and value.isalpha() and value.isupper()
        ):
            raise refused(value, place, f"{count} capital letters")
        if len(value) != count:
            raise refused(value, place, f"{count} capital letters")
        return value

    return read


def _minute(value: Any, place: str) -> int:
    try:
        at = datetime.strptime(value, "%H:%M")  # noqa: DTZ007  # a time of any day
    except (TypeError, ValueError) as error:
        raise refused(value, place, 'a time of the Indian day, as "21:30"') from error
    return at.hour * 60 + at.minute


def _scenarios(value: Any, place: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise refused(value, place, "a list of names")
    possible = library_names()
    for index, name in enumerate(value):
        if name not in possible:
            near = suggestion(name, possible)
            raise PresetError(
                f"{place}[{index}]", f"no scenario is called {name!r}{near}"
            )
    return list(value)


def _class(value: Any, place: str) -> int:
    try:
        return parse_class(value if isinstance(value, str) else "")
    except LocalProtocolError as error:
        raise PresetError(place, str(error)) from error


def _least_and_most(value: Any, most: int) -> Callable[[str], tuple[int, int]]:
    def read(place: str) -> tuple[int, int]:
        both = 2
        if not isinstance(value, list) or len(value) != both:
            raise refused(value, place, "the least and the most, as [40, 400]")
        low, high = (number(0, most)(one, place) for one in value)
        if low > high:
            raise refused(value, place, "first the least, then the most")
        return low, high

    return read


def _grams(value: Any, place: str) -> tuple[int, int]:
    return _least_and_most(value, _GRAMS_MAX)(place)


def _kinds(value: Any) -> tuple[MailKind, ...]:
    tariff = factory_tariff()
    kinds = []
    found = rows(value, "mail.kinds", _KIND, ("class", "grams", "share"), _KINDS_MAX)
    for index, row in enumerate(found):
        least, most = row["grams"]
        zone = row.get("zone", "")
        kind = MailKind(row["class"], zone, least, most, row["share"])
        product_class = tariff.find(kind.product_class)
        if product_class is None:
            raise PresetError(f"mail.kinds[{index}].class", "no tariff has it")
        if kind.zone not in (product_class.zones or ("",)):
            zones = ", ".join(product_class.zones) or "none"
            raise PresetError(f"mail.kinds[{index}].zone", f"its zones are: {zones}")
        kinds.append(kind)
    if not kinds:
        raise PresetError("mail.kinds", "a fleet without mail has nothing to do")
    return tuple(kinds)


_MONEY: Final = number(0, AMOUNT_PAISE_MAX)
_TOP: Final = {
    "title": text(80),
    "count": number(1, MACHINES_MAX),
    "first_licence": _licence,
    "serial_prefix": _letters(_PREFIX_LETTERS),
    "circle": _letters(2),
    "seed": number(0, 2**32),
    "pin_code": number(PIN_CODE_MIN, PIN_CODE_MAX),
    "scenarios": _scenarios,
}
_DIAL: Final = {"from": _minute, "until": _minute}
_FUNDS: Final = {
    "deposit_paise": _MONEY,
    "recharge_below_paise": _MONEY,
    "recharge_paise": _MONEY,
}
_KIND: Final = {
    "class": _class,
    "zone": text(8),
    "grams": _grams,
    "share": number(1, _SHARE_MAX),
}
_USUAL_MAIL: Final = [
    {"class": "L", "grams": [5, 60], "share": 75},
    {"class": "P", "grams": [3, 3], "share": 10},
    {"class": "BP", "grams": [50, 400], "share": 15},
]
