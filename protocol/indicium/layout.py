"""The octets in a frank's barcode: 45 that say what was franked, 64 that sign them.

109 octets are what a Data Matrix of 40 x 40 modules holds of any octets (114 codewords,
less the switch to octets, their length, and the three that say "octets, not letters"):
hence a generation of one octet, and a printed date told as days after the date of the
clock. A date before that of the clock cannot be written down at all.

The layout is this product's own: what India Post's machines print is not public.

Source: SPEC.md INDICIUM-2.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, IntEnum
from typing import Final

from protocol.errors import LocalProtocolError, RmfsError
from protocol.keys import SIGNATURE_OCTETS, KeyMaterialError, Realm, decode_realm
from protocol.messages import Field, Kind
from protocol.parameters import business_date
from protocol.values import (
    AMOUNT_PAISE_MAX,
    U32_MAX,
    EpochSeconds,
    LicenceIdentifier,
    Paise,
    parse_licence_identifier,
)

VERSION: Final = 1
GENERATION_MAX: Final = 0xFF
PRODUCT_CLASS_MAX: Final = 0xFF
WEIGHT_G_MAX: Final = 0xFFFF
ADVANCE_DAYS_MAX: Final = 0xFF
PIN_CODE_MIN: Final = 100_000
PIN_CODE_MAX: Final = 999_999

_DIGITS: Final = 6


class FrankKind(IntEnum):
    """What a frank is good for (INDICIUM-2.3)."""

    VALID = 1
    """It pays its value."""
    ZERO = 2
    """A zero imprint: it is counted and pays nothing."""


def _uint(
    name: str, octets: int, meaning: str, values: type[IntEnum] | None = None
) -> Field:
    return Field(name, octets, Kind.UINT, meaning, values)


UNSIGNED_FIELDS: Final = (
    _uint("version", 1, "layout, 1"),
    _uint("kind", 1, "VALID 1, ZERO 2", FrankKind),
    _uint("realm", 1, "realm, KEY-2", Realm),
    _uint("licence_letter", 1, "licence identifier: its letter, ASCII"),
    _uint("licence_number", 3, "licence identifier: its six digits"),
    _uint("generation", 1, "generation of the machine's credential, KEY-6.3"),
    _uint("item", 4, "number of this frank among all imprints: *items with zero*"),
    _uint("items", 4, "*items* after this frank"),
    Field("ascending_paise", 7, Kind.AMOUNT, "AR after this frank"),
    Field("descending_paise", 7, Kind.AMOUNT, "DR after this frank"),
    Field("value_paise", 4, Kind.AMOUNT, "value, 0 for a zero imprint"),
    _uint("product_class", 1, "product class, 1 to 255"),
    Field("time", 4, Kind.TIME, "clock of the PSD at the frank"),
    _uint("advance", 1, "days from the Indian date of *time* to the printed date"),
    _uint("pin_code", 3, "PIN code of the originating office"),
    _uint("weight_g", 2, "weight in grams, 0 when not weighed"),
)
FIELDS: Final = (
    *UNSIGNED_FIELDS,
    Field("signature", SIGNATURE_OCTETS, Kind.SIGNATURE, "r, s"),
)
"""The one source of codec and SPEC.md."""

UNSIGNED_OCTETS: Final = sum(field.octets for field in UNSIGNED_FIELDS)
INDICIUM_OCTETS: Final = UNSIGNED_OCTETS + SIGNATURE_OCTETS


class IndiciumFault(Enum):
    """Why octets are no indicium; the words are for people."""

    LENGTH = "they have another length than an indicium"
    FIELD = "a field is impossible"


class IndiciumError(RmfsError):
    """Octets are no indicium; `fault` says why, the message adds the detail."""

    def __init__(self, fault: IndiciumFault, detail: str) -> None:
        """Say what is wrong."""
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Indicium:
    """What a frank says of itself and of its machine.

    Attributes:
        kind: What it is good for.
        realm: Test or production.
        licence: Identifier of the machine.
        generation: Of the machine's credential; 1 to 255.
        item: Its number among all imprints, zero imprints included; from 1.
        items: Franks with a value, this one included.
        ascending_paise: AR after it.
        descending_paise: DR after it.
        value_paise: What it pays; at most 2**32 - 1.
        product_class: 1 to 255.
        time: Clock of the PSD.
        printed_on: The date on it: that of the clock in India, or up to 255 days later.
        pin_code: Of the originating office; six digits, the first not 0.
        weight_g: Grams; 0 when nothing was weighed.

    Raises:
        LocalProtocolError: A field is out of range, or two contradict each other.
    """

    kind: FrankKind
    realm: Realm
    licence: LicenceIdentifier
    generation: int
    item: int
    items: int
    ascending_paise: Paise
    descending_paise: Paise
    value_paise: Paise
    product_class: int
    time: EpochSeconds
    printed_on: date
    pin_code: int
    weight_g: int = 0

    def __post_init__(self) -> None:
        parse_licence_identifier(self.licence)
        for name, value, least, most in (
            ("generation", self.generation, 1, GENERATION_MAX),
            ("item", self.item, 1, U32_MAX),
            ("items", self.items, 0, self.item),
            ("ascending_paise", self.ascending_paise, 0, AMOUNT_PAISE_MAX),
            ("descending_paise", self.descending_paise, 0, AMOUNT_PAISE_MAX),
            ("control total", self.control_total_paise, 0, AMOUNT_PAISE_MAX),
            ("value_paise", self.value_paise, 0, U32_MAX),
            ("product_class", self.product_class, 1, PRODUCT_CLASS_MAX),
            ("time", self.time, 1, U32_MAX),
            ("advance", self.advance_days, 0, ADVANCE_DAYS_MAX),
            ("pin_code", self.pin_code, PIN_CODE_MIN, PIN_CODE_MAX),
            ("weight_g", self.weight_g, 0, WEIGHT_G_MAX),
        ):
            if not least <= value <= most:
                raise LocalProtocolError(
                    f"{name} is {value}: {least} to {most} is possible",
                    clause="INDICIUM-2.2",
                )
        _check_kind(self)

    @property
    def control_total_paise(self) -> Paise:
        """CT: AR and DR together."""
        return Paise(self.ascending_paise + self.descending_paise)

    @property
    def advance_days(self) -> int:
        """Days from the clock's date in India to the printed one."""
        return (self.printed_on - business_date(self.time)).days


@dataclass(frozen=True, slots=True)
class SignedIndicium:
    """An indicium as it came out of a barcode; that it is genuine is not said.

    Attributes:
        indicium: What the octets say.
        signature: r and s.
        octets: All of it.
    """

    indicium: Indicium
    signature: bytes
    octets: bytes

    @property
    def unsigned(self) -> bytes:
        """The octets that the signature covers (INDICIUM-3.1).

        They name a frank; a signature names nothing (KEY-4.4).
        """
        return self.octets[:UNSIGNED_OCTETS]


def encode_unsigned(indicium: Indicium) -> bytes:
    """Pack what the signature covers: 45 octets."""
    return b"".join(
        value.to_bytes(field.octets, "big")
        for field, value in zip(UNSIGNED_FIELDS, _numbers(indicium), strict=True)
    )


def decode_unsigned(octets: bytes) -> Indicium:
    """Read what the signature covers.

    Raises:
        IndiciumError: The length is wrong, or a field is impossible.
    """
    if len(octets) != UNSIGNED_OCTETS:
        detail = f"{len(octets)} octets, {UNSIGNED_OCTETS} are needed"
        raise IndiciumError(IndiciumFault.LENGTH, detail)
    numbers: dict[str, int] = {}
    offset = 0
    for field in UNSIGNED_FIELDS:
        end = offset + field.octets
        numbers[field.name] = int.from_bytes(octets[offset:end], "big")
        offset = end
    if numbers["version"] != VERSION:
        detail = f"version {numbers['version']}, this reads {VERSION}"
        raise IndiciumError(IndiciumFault.FIELD, detail)
    try:
        return _indicium(numbers)
    except (LocalProtocolError, KeyMaterialError, ValueError) as error:
        raise IndiciumError(IndiciumFault.FIELD, str(error)) from error


def decode_indicium(octets: bytes) -> SignedIndicium:
    """Read the octets of a barcode without believing them.

    Raises:
        IndiciumError: The length is wrong, or a field is impossible.
    """
    if len(octets) != INDICIUM_OCTETS:
        detail = f"{len(octets)} octets, {INDICIUM_OCTETS} are needed"
        raise IndiciumError(IndiciumFault.LENGTH, detail)
    return SignedIndicium(
        decode_unsigned(octets[:UNSIGNED_OCTETS]),
        octets[UNSIGNED_OCTETS:],
        octets,
    )


def _numbers(indicium: Indicium) -> tuple[int, ...]:
    return (
        VERSION,
        indicium.kind,
        indicium.realm,
        ord(indicium.licence[0]),
        int(indicium.licence[1:]),
        indicium.generation,
        indicium.item,
        indicium.items,
        indicium.ascending_paise,
        indicium.descending_paise,
        indicium.value_paise,
        indicium.product_class,
        indicium.time,
        indicium.advance_days,
        indicium.pin_code,
        indicium.weight_g,
    )


def _indicium(numbers: dict[str, int]) -> Indicium:
    time = EpochSeconds(numbers["time"])
    letter, number = chr(numbers["licence_letter"]), numbers["licence_number"]
    return Indicium(
        kind=FrankKind(numbers["kind"]),
        realm=decode_realm(numbers["realm"]),
        # A number of seven digits makes an identifier that is refused.
        licence=parse_licence_identifier(f"{letter}{number:0{_DIGITS}}"),
        generation=numbers["generation"],
        item=numbers["item"],
        items=numbers["items"],
        ascending_paise=Paise(numbers["ascending_paise"]),
        descending_paise=Paise(numbers["descending_paise"]),
        value_paise=Paise(numbers["value_paise"]),
        product_class=numbers["product_class"],
        time=time,
        printed_on=business_date(time) + timedelta(days=numbers["advance"]),
        pin_code=numbers["pin_code"],
        weight_g=numbers["weight_g"],
    )


def _check_kind(indicium: Indicium) -> None:
    zero = indicium.kind is FrankKind.ZERO
    # A frank counts in *items* only when it has a value; a zero imprint is one of the
    # imprints that do not.
    counted = (
        indicium.items < indicium.item
        if zero
        else indicium.items >= 1 and indicium.value_paise <= indicium.ascending_paise
    )
    if zero != (indicium.value_paise == 0) or not counted:
        raise LocalProtocolError(
            f"a {indicium.kind.name} frank of {indicium.value_paise} paise, "
            f"item {indicium.item}, {indicium.items} with a value, "
            f"AR {indicium.ascending_paise} paise",
            clause="INDICIUM-2.3",
        )
