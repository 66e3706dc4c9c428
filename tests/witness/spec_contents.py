"""Contents that orders bring, read as chapter CONT of `protocol/SPEC.md` says.

Written from the text alone, as the rest of the outsider's machine is: a reader of the
container and of its four bodies, and the postage that a tariff gives.
"""

import json
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

from tests.witness.spec_keys import REALM_NAMES, Maker, is_point, verifies

SIGNATURE_OCTETS: Final = 64
HEAD: Final = struct.Struct(">4sBBcB16sIIII")
CONTENT_OCTETS: Final = range(HEAD.size + SIGNATURE_OCTETS, 65_536 + 1)
TARIFF, SLOGAN, FIRMWARE, CREDIT_KEY = 16, 17, 18, 19
NUMBER_MAX: Final = 2**32 - 1
"""Largest number of four octets; also the highest postage (CONT-4.2)."""
PAYLOAD_OCTETS_MAX: Final = 30_000
INDIA: Final = timedelta(hours=5, minutes=30)
FIRST_DAY: Final = date(1970, 1, 2)
LAST_DAY: Final = date(2106, 2, 7)


class ContentRefusedError(Exception):
    """Octets are no content; `fault` is the first by CONT-2.1, as CONT-9 names it."""

    def __init__(self, fault: str, why: str) -> None:
        super().__init__(f"{fault}: {why}")
        self.fault = fault


# CONT-4 to CONT-7: what a body says.


@dataclass(frozen=True)
class Step:
    """A price for each zone, up to a weight."""

    up_to_g: int
    paise: tuple[int, ...]


@dataclass(frozen=True)
class Further:
    """A price for each zone, for every started so many grams behind the last step."""

    every_g: int
    paise: tuple[int, ...]


@dataclass(frozen=True)
class Class:
    """A product class of a tariff (CONT-4)."""

    number: int
    letters: str
    name: str
    zones: tuple[str, ...]
    steps: tuple[Step, ...]
    further: Further | None
    weight_max_g: int
    additions_paise: int

    @property
    def any_weight(self) -> bool:
        """Whether it may be franked without weighing (CONT-8.4)."""
        return len(self.steps) == 1 and self.further is None

    def postage(self, weight_g: int, zone: str = "") -> int:
        """Paise for an item of whole grams (CONT-8.2); ValueError if it has none."""
        if not 1 <= weight_g <= self.weight_max_g:
            raise ValueError(f"{self.name} of {weight_g} g")
        column = self.zones.index(zone) if self.zones else 0
        for step in self.steps:
            if weight_g <= step.up_to_g:
                return step.paise[column] + self.additions_paise
        last, further = self.steps[-1], self.further
        if further is None:
            raise ValueError("no step reaches so far")
        times = -((last.up_to_g - weight_g) // further.every_g)
        price = last.paise[column] + times * further.paise[column]
        return price + self.additions_paise


@dataclass(frozen=True)
class Tariff:
    """CONT-4."""

    number: int
    valid_from: date
    name: str
    classes: tuple[Class, ...]

    def of(self, number: int) -> Class:
        """The class with this number; KeyError without."""
        return {each.number: each for each in self.classes}[number]


@dataclass(frozen=True)
class Slogan:
    """CONT-5."""

    number: int
    name: str
    lines: tuple[str, ...]
    customer: int


@dataclass(frozen=True)
class Firmware:
    """CONT-6."""

    version: tuple[int, int, int]
    boots: bool
    payload: bytes


@dataclass(frozen=True)
class CreditKey:
    """CONT-7: what a SERVER file says, but for the time of issue."""

    realm: str
    kid: int
    server_name: str
    dh_point: bytes
    credit_key_id: int
    credit_point: bytes


Body = Tariff | Slogan | Firmware | CreditKey


@dataclass(frozen=True)
class Content:
    """A content that its maker has signed (CONT-1.1)."""

    kind: int
    model: str
    number: int
    issued_s: int
    valid_from_s: int
    body: Body


def content_id(octets: bytes) -> int:
    """The name of these octets (CONT-1.2)."""
    return int.from_bytes(sha256(octets).digest()[:8], "big")


def day_of(time_s: int) -> date:
    """The day in India."""
    return (datetime.fromtimestamp(time_s, UTC) + INDIA).date()


def day_begins_s(day: date) -> int:
    """When a day in India begins, in seconds since 1970."""
    return int((datetime.combine(day, time.min, UTC) - INDIA).timestamp())


def in_force(tariffs: Iterable[Tariff], day: date) -> Tariff | None:
    """The tariff of a day, of those that a machine holds, as they came (CONT-8.1)."""
    begun = [tariff for tariff in tariffs if tariff.valid_from <= day]
    # Of those that are alike `max` takes the first, which came last.
    return max(reversed(begun), key=lambda t: t.valid_from, default=None)


# CONT-2: reading, in the order of the clause.


def read_content(octets: bytes, maker: Maker) -> Content:
    """Verify octets and say what is in them, or raise ContentRefusedError."""
    if len(octets) not in CONTENT_OCTETS:
        raise ContentRefusedError("SIZE", f"{len(octets)} octets")
    front, signature = octets[:-SIGNATURE_OCTETS], octets[-SIGNATURE_OCTETS:]
    fields = HEAD.unpack(front[: HEAD.size])
    magic, version, kind, realm, zero, model, number, issued_s, from_s, length = fields
    if (magic, version, zero) != (b"FMPC", 1, 0):
        raise ContentRefusedError("FORM", "magic, version or zero octet")
    body = front[HEAD.size :]
    if length != len(body):
        raise ContentRefusedError("SIZE", "the length does not fit the size")
    if realm != maker.realm.encode("ascii"):
        raise ContentRefusedError("REALM", "another realm than the maker's")
    if not verifies(maker.point, "CONTENT", maker.realm, front, signature):
        raise ContentRefusedError("SIGNATURE", "it does not verify")
    if kind not in _BODIES:
        raise ContentRefusedError("FORM", f"kind {kind}")
    model_name = _model(model)
    try:
        said, number_said, from_said = _BODIES[kind](body)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ContentRefusedError("BODY", str(error)) from error
    if (number, from_s) != (number_said, from_said):
        raise ContentRefusedError("DIFFERS", "number or day of the head")
    if isinstance(said, CreditKey) and said.realm != maker.realm:
        raise ContentRefusedError("DIFFERS", "a server of another realm")
    return Content(kind, model_name, number, issued_s, from_s, said)


def _model(octets: bytes) -> str:
    text = octets.rstrip(b"\x00")
    if not all(0x20 <= octet <= 0x7E for octet in text) or text != text.strip(b" "):
        raise ContentRefusedError("FORM", "the model")
    return text.decode("ascii")


# CONT-3: one form of JSON. Whoever reads it raises ValueError.


def _members(body: bytes, *names: str) -> dict[str, Any]:
    if not all(0x20 <= octet <= 0x7E for octet in body):
        raise ValueError("octets outside 20 to 7E")
    value = json.loads(body)
    if json.dumps(value, sort_keys=True, separators=(",", ":")).encode() != body:
        raise ValueError("not in the one form")
    return _named(value, *names)


def _named(value: Any, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError(f"an object of {names} is needed")
    return value


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise ValueError(f"a text of {longest} is needed")
    if not all(" " <= character <= "~" for character in value):
        raise ValueError("a character outside 20 to 7E")
    if value != value.strip(" "):
        raise ValueError("a space at an end of a text")
    return value


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"a whole number from {least} to {most} is needed")
    return value


def _list(value: Any, least: int, most: int) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise ValueError(f"a list of {least} to {most} is needed")
    return value


def _code(value: Any, form: str) -> str:
    if not isinstance(value, str) or re.fullmatch(form, value) is None:
        raise ValueError(f"{value!r} is not of the form {form}")
    return value


def _rising(numbers: list[int]) -> None:
    if any(after <= before for before, after in pairwise(numbers)):
        raise ValueError("numbers that do not rise")


def _once(values: list[str]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("something stands twice")
    return tuple(values)


def _prices(value: Any, zones: tuple[str, ...]) -> tuple[int, ...]:
    count = len(zones) or 1
    return tuple(_whole(price, 0, NUMBER_MAX) for price in _list(value, count, count))


def _class(value: Any) -> Class:
    said = _named(
        value,
        *("number", "letters", "name", "source", "zones"),
        *("steps", "further", "weight_max_g", "additions"),
    )
    _text(said["source"], 240)
    zones = _once([_code(z, "[A-Z0-9]{1,8}") for z in _list(said["zones"], 0, 16)])
    steps = [_step(step, zones) for step in _list(said["steps"], 1, 32)]
    _rising([step.up_to_g for step in steps])
    further = None if said["further"] is None else _further(said["further"], zones)
    additions = [_named(one, "name", "paise") for one in _list(said["additions"], 0, 8)]
    for addition in additions:
        _text(addition["name"], 40)
    product = Class(
        number=_whole(said["number"], 1, 255),
        letters=_code(said["letters"], "[A-Z][A-Z0-9]{0,3}"),
        name=_text(said["name"], 40),
        zones=zones,
        steps=tuple(steps),
        further=further,
        weight_max_g=_whole(said["weight_max_g"], 1, 65_535),
        additions_paise=sum(_whole(a["paise"], 0, NUMBER_MAX) for a in additions),
    )
    last_g = steps[-1].up_to_g
    if (product.weight_max_g == last_g) != (further is None):
        raise ValueError("the last step and the largest weight")
    if product.weight_max_g < last_g:
        raise ValueError("a step beyond the largest weight")
    weights = [*(step.up_to_g for step in steps), product.weight_max_g]
    dearest = max(product.postage(w, z) for w in weights for z in zones or ("",))
    if dearest > NUMBER_MAX:
        raise ValueError("a postage that no barcode holds")
    return product


def _step(value: Any, zones: tuple[str, ...]) -> Step:
    said = _named(value, "up_to_g", "paise")
    return Step(_whole(said["up_to_g"], 1, 65_535), _prices(said["paise"], zones))


def _further(value: Any, zones: tuple[str, ...]) -> Further:
    said = _named(value, "every_g", "paise")
    return Further(_whole(said["every_g"], 1, 65_535), _prices(said["paise"], zones))


# Each gives what the body says, and the number and day that the head has to repeat.


def _tariff(body: bytes) -> tuple[Body, int, int]:
    said = _members(body, "number", "valid_from", "name", "source", "classes")
    _text(said["source"], 240)
    day = date.fromisoformat(_code(said["valid_from"], "[0-9]{4}-[0-9]{2}-[0-9]{2}"))
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"the day {day}")
    classes = [_class(each) for each in _list(said["classes"], 1, 64)]
    _rising([each.number for each in classes])
    _once([each.letters for each in classes])
    number = _whole(said["number"], 1, NUMBER_MAX)
    tariff = Tariff(number, day, _text(said["name"], 40), tuple(classes))
    return tariff, number, day_begins_s(day)


def _slogan(body: bytes) -> tuple[Body, int, int]:
    said = _members(body, "number", "name", "lines", "customer", "approved")
    _text(said["approved"], 40)
    number = _whole(said["number"], 1, 10)
    lines = tuple(_text(line, 24) for line in _list(said["lines"], 1, 3))
    name, customer = _text(said["name"], 24), _whole(said["customer"], 0, 65_535)
    return Slogan(number, name, lines, customer), number, 0


def _firmware(body: bytes) -> tuple[Body, int, int]:
    said = _members(body, "version", "notes", "boots", "payload")
    _text(said["notes"], 240)
    parts = [_whole(part, 0, 255) for part in _list(said["version"], 3, 3)]
    boots = said["boots"]
    if boots is not True and boots is not False:
        raise ValueError("boots is true or false")
    payload = bytes.fromhex(_code(said["payload"], "([0-9a-f]{2})*"))
    if len(payload) > PAYLOAD_OCTETS_MAX:
        raise ValueError("the payload is too long")
    major, minor, patch = parts
    image = Firmware((major, minor, patch), boots, payload)
    return image, major << 16 | minor << 8 | patch, 0


def _credit_key(body: bytes) -> tuple[Body, int, int]:
    realm, kid, name = body[2:3].decode("ascii"), body[3:4], body[4:20]
    if len(body) != 153 or body[:2] != b"\x01S" or realm not in REALM_NAMES:
        raise ValueError("no SERVER structure of 153 octets")
    text = name.rstrip(b"\x00")
    if not text or not all(0x21 <= octet <= 0x7E for octet in text):
        raise ValueError("the name of the server")
    dh_point, credit_point = body[20:84], body[85:149]
    if kid[0] > 0x17 or not is_point(dh_point) or not is_point(credit_point):
        raise ValueError("kid or a public key")
    key_id = body[84]
    server = text.decode("ascii")
    key = CreditKey(realm, kid[0], server, dh_point, key_id, credit_point)
    return key, key_id, 0


_BODIES: Final = {
    TARIFF: _tariff,
    SLOGAN: _slogan,
    FIRMWARE: _firmware,
    CREDIT_KEY: _credit_key,
}
