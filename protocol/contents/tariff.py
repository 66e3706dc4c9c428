"""TARIFF: what a mail item costs, by class, weight and zone, from a day on.

A class has steps, each with a largest weight and a price for every zone, and where the
last step ends, maybe a price for each further so many grams. A service that the class
includes, such as registration, is added to the price of the steps::

    letter      up to 20 g 500 paise, each further 20 g 500 paise, at most 500 g
    book post   up to 50 g 400 paise, each further 50 g 300 paise

Weights are whole grams; a weight belongs to the first step that reaches it. A tariff
holds from midnight in India on its day, until another begins.

The prices in tariffs of the Department are public; how a machine holds them is not: the
form is ours (SPEC.md CONT-4), and so are the numbers of the classes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import ClassVar, Final

from protocol.contents.fields import (
    BadFieldError,
    Node,
    check_canonical,
    check_count,
    check_text,
    check_whole,
    read_json,
    write_canonical,
)
from protocol.contents.kinds import ContentKind
from protocol.errors import LocalProtocolError
from protocol.parameters import INDIA
from protocol.values import U32_MAX, EpochSeconds, Paise

CLASS_NUMBER_MAX: Final = 255
CLASSES_MAX: Final = 64
ZONES_MAX: Final = 16
STEPS_MAX: Final = 32
ADDITIONS_MAX: Final = 8
WEIGHT_MAX_G: Final = 65_535
"""The weight in a frank's barcode has two octets."""
POSTAGE_PAISE_MAX: Final = U32_MAX
"""The value in a frank's barcode has four octets: Rs 42,949,672.95."""
NAME_CHARACTERS_MAX: Final = 40
SOURCE_CHARACTERS_MAX: Final = 240
_FIRST_DAY: Final = date(1970, 1, 2)
_LAST_DAY: Final = date(2106, 2, 7)
"""The days whose midnight in India fits 4 octets of seconds since 1970."""

_LETTERS: Final = re.compile(r"[A-Z][A-Z0-9]{0,3}", re.ASCII)
_ZONE: Final = re.compile(r"[A-Z0-9]{1,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Step:
    """Prices up to a weight.

    Attributes:
        up_to_g: The largest weight of this step.
        paise: The price for each zone of the class, or the one price.
    """

    up_to_g: int
    paise: tuple[int, ...]

    def __post_init__(self) -> None:
        check_whole("up_to_g", self.up_to_g, 1, WEIGHT_MAX_G)
        _check_prices(self.paise)

    def fields(self) -> dict[str, object]:
        """Name the fields as a body has them."""
        return {"up_to_g": self.up_to_g, "paise": list(self.paise)}


@dataclass(frozen=True, slots=True)
class Further:
    """Prices of what is heavier than the last step.

    Attributes:
        every_g: A started weight of so much costs once more.
        paise: The price of each, for each zone of the class, or the one price.
    """

    every_g: int
    paise: tuple[int, ...]

    def __post_init__(self) -> None:
        check_whole("every_g", self.every_g, 1, WEIGHT_MAX_G)
        _check_prices(self.paise)

    def fields(self) -> dict[str, object]:
        """Name the fields as a body has them."""
        return {"every_g": self.every_g, "paise": list(self.paise)}


@dataclass(frozen=True, slots=True)
class Addition:
    """A service that a class includes, and its price: registration, Rs 5."""

    name: str
    paise: int

    def __post_init__(self) -> None:
        check_text("name", self.name, NAME_CHARACTERS_MAX)
        check_whole("paise", self.paise, 0, POSTAGE_PAISE_MAX)

    def fields(self) -> dict[str, object]:
        """Name the fields as a body has them."""
        return {"name": self.name, "paise": self.paise}


@dataclass(frozen=True, slots=True)
class ProductClass:
    """One class of mail.

    Attributes:
        number: 1 to 255, as in USAGE (DLG-9) and in the frank's barcode.
        letters: As printed in the frank: ``P``, ``ILC``, ``SP``.
        name: As people say it.
        source: Where its prices come from, and how sure that is.
        zones: Codes of its zones in the order of the prices; none if distance does
            not matter.
        steps: By rising weight.
        further: What is added above the last step; None if nothing is heavier.
        weight_max_g: The heaviest item.
        additions: Services that the class includes.

    Raises:
        BadFieldError: A field is out of range, or fields do not fit each other.
    """

    number: int
    letters: str
    name: str
    source: str
    zones: tuple[str, ...]
    steps: tuple[Step, ...]
    further: Further | None
    weight_max_g: int
    additions: tuple[Addition, ...] = ()

    def __post_init__(self) -> None:
        check_whole("number", self.number, 1, CLASS_NUMBER_MAX)
        if _LETTERS.fullmatch(self.letters) is None:
            raise BadFieldError(
                "letters", f"{self.letters!a} is not 1 to 4 capitals, as in SP"
            )
        check_text("name", self.name, NAME_CHARACTERS_MAX)
        check_text("source", self.source, SOURCE_CHARACTERS_MAX)
        self._check_zones()
        check_whole("weight_max_g", self.weight_max_g, 1, WEIGHT_MAX_G)
        self._check_steps()
        check_count("additions", self.additions, 0, ADDITIONS_MAX)
        highest = max(
            self.postage_paise(weight_g, zone)
            for zone in self.zones or ("",)
            for weight_g in {step.up_to_g for step in self.steps} | {self.weight_max_g}
        )
        if highest > POSTAGE_PAISE_MAX:
            raise BadFieldError(
                "steps", f"the postage comes to {highest} paise: a frank cannot hold it"
            )

    @property
    def is_flat(self) -> bool:
        """Whether every weight that the class allows costs the same."""
        return len(self.steps) == 1 and self.further is None

    def postage_paise(self, weight_g: int, zone: str) -> Paise:
        """Compute the postage of a weight that the class allows.

        Args:
            weight_g: 1 to `weight_max_g`.
            zone: One of `zones`, or empty when there are none.

        Raises:
            LocalProtocolError: The class has no such weight or zone.
        """
        if not 1 <= weight_g <= self.weight_max_g:
            raise LocalProtocolError(f"{weight_g} g is not in 1 to {self.weight_max_g}")
        if zone not in (self.zones or ("",)):
            raise LocalProtocolError(f"{zone!a} is no zone of {self.letters}")
        column = self.zones.index(zone) if self.zones else 0
        reaching = (step for step in self.steps if weight_g <= step.up_to_g)
        step = next(reaching, self.steps[-1])
        paise = step.paise[column] + sum(one.paise for one in self.additions)
        if self.further is not None and weight_g > step.up_to_g:
            started = -(-(weight_g - step.up_to_g) // self.further.every_g)
            paise += started * self.further.paise[column]
        return Paise(paise)

    def fields(self) -> dict[str, object]:
        """Name the fields as a body has them."""
        return {
            "number": self.number,
            "letters": self.letters,
            "name": self.name,
            "source": self.source,
            "zones": list(self.zones),
            "steps": [step.fields() for step in self.steps],
            "further": None if self.further is None else self.further.fields(),
            "weight_max_g": self.weight_max_g,
            "additions": [addition.fields() for addition in self.additions],
        }

    def _check_zones(self) -> None:
        check_count("zones", self.zones, 0, ZONES_MAX)
        for index, zone in enumerate(self.zones):
            if _ZONE.fullmatch(zone) is None:
                raise BadFieldError(
                    f"zones[{index}]", f"{zone!a} is not 1 to 8 capitals or digits"
                )
            if zone in self.zones[:index]:
                raise BadFieldError(f"zones[{index}]", f"{zone} stands here twice")

    def _check_steps(self) -> None:
        check_count("steps", self.steps, 1, STEPS_MAX)
        prices = len(self.zones) or 1
        reached_g = 0
        for index, step in enumerate(self.steps):
            _check_columns(f"steps[{index}].paise", step.paise, prices)
            if step.up_to_g <= reached_g:
                raise BadFieldError(
                    f"steps[{index}].up_to_g",
                    f"{step.up_to_g} is not more than {reached_g} before it",
                )
            reached_g = step.up_to_g
        if self.further is None:
            if self.weight_max_g != reached_g:
                raise BadFieldError(
                    "weight_max_g",
                    f"{self.weight_max_g} is not where the last step ends, "
                    f"{reached_g}, and there is no further step",
                )
            return
        _check_columns("further.paise", self.further.paise, prices)
        if self.weight_max_g <= reached_g:
            raise BadFieldError(
                "weight_max_g",
                f"{self.weight_max_g} is not more than {reached_g}, where the last "
                "step ends: the further step is never used",
            )


@dataclass(frozen=True, slots=True)
class Tariff:
    """The body of a TARIFF content.

    Attributes:
        number: Numbers rise: a tariff with a number is that tariff for ever.
        valid_from: It holds from midnight in India at the start of this day.
        name: As people call it.
        source: Where it comes from, and how sure that is.
        classes: By rising number.

    Raises:
        BadFieldError: A field is out of range, or a class stands twice.
    """

    kind: ClassVar[ContentKind] = ContentKind.TARIFF

    number: int
    valid_from: date
    name: str
    source: str
    classes: tuple[ProductClass, ...]

    def __post_init__(self) -> None:
        check_whole("number", self.number, 1, U32_MAX)
        if not _FIRST_DAY <= self.valid_from <= _LAST_DAY:
            raise BadFieldError(
                "valid_from", f"{self.valid_from} is not in {_FIRST_DAY} to {_LAST_DAY}"
            )
        check_text("name", self.name, NAME_CHARACTERS_MAX)
        check_text("source", self.source, SOURCE_CHARACTERS_MAX)
        check_count("classes", self.classes, 1, CLASSES_MAX)
        before = 0
        letters: set[str] = set()
        for index, one in enumerate(self.classes):
            if one.number <= before:
                raise BadFieldError(
                    f"classes[{index}].number",
                    f"{one.number} is not more than {before} before it",
                )
            if one.letters in letters:
                raise BadFieldError(
                    f"classes[{index}].letters", f"{one.letters} stands here twice"
                )
            before = one.number
            letters.add(one.letters)

    @property
    def begins(self) -> EpochSeconds:
        """The midnight in India from which the tariff holds."""
        return EpochSeconds(
            int(datetime.combine(self.valid_from, time(), INDIA).timestamp())
        )

    def find(self, product_class: int) -> ProductClass | None:
        """Find a class by its number."""
        return next((one for one in self.classes if one.number == product_class), None)

    def fields(self) -> dict[str, object]:
        """Name the fields as a body has them."""
        return {
            "number": self.number,
            "valid_from": self.valid_from.isoformat(),
            "name": self.name,
            "source": self.source,
            "classes": [one.fields() for one in self.classes],
        }

    def to_body(self) -> bytes:
        """Write the body: canonical JSON (CONT-3)."""
        return write_canonical(self.fields())

    @classmethod
    def from_fields(cls, fields: Mapping[str, object]) -> "Tariff":
        """Read fields that a person or a body names.

        Raises:
            ContentError: BODY, with the place.
        """
        return _read_tariff(Node(fields))

    @classmethod
    def from_body(cls, octets: bytes) -> "Tariff":
        """Read a body.

        Raises:
            ContentError: BODY, with the place.
        """
        return _read_body(octets)


@lru_cache(maxsize=16)
def _read_body(octets: bytes) -> Tariff:
    # Machines of a fleet hold the same few tariffs, and read them at each start.
    tariff = _read_tariff(read_json(octets))
    check_canonical(octets, tariff.to_body())
    return tariff


def _read_tariff(node: Node) -> Tariff:
    found = node.members("number", "valid_from", "name", "source", "classes")
    classes = tuple(_read_class(one) for one in found["classes"].items())
    return node.build(
        lambda: Tariff(
            found["number"].whole(),
            found["valid_from"].day(),
            found["name"].text(),
            found["source"].text(),
            classes,
        )
    )


def _read_class(node: Node) -> ProductClass:
    found = node.members(
        "number",
        "letters",
        "name",
        "source",
        "zones",
        "steps",
        "further",
        "weight_max_g",
        "additions",
    )
    steps = tuple(_read_step(one) for one in found["steps"].items())
    further = found["further"]
    more = None if further.value is None else _read_further(further)
    additions = tuple(_read_addition(one) for one in found["additions"].items())
    return node.build(
        lambda: ProductClass(
            found["number"].whole(),
            found["letters"].text(),
            found["name"].text(),
            found["source"].text(),
            found["zones"].texts(),
            steps,
            more,
            found["weight_max_g"].whole(),
            additions,
        )
    )


def _read_step(node: Node) -> Step:
    found = node.members("up_to_g", "paise")
    return node.build(lambda: Step(found["up_to_g"].whole(), found["paise"].wholes()))


def _read_further(node: Node) -> Further:
    found = node.members("every_g", "paise")
    return node.build(
        lambda: Further(found["every_g"].whole(), found["paise"].wholes())
    )


def _read_addition(node: Node) -> Addition:
    found = node.members("name", "paise")
    return node.build(lambda: Addition(found["name"].text(), found["paise"].whole()))


def _check_prices(paise: tuple[int, ...]) -> None:
    check_count("paise", paise, 1, ZONES_MAX)
    for index, price in enumerate(paise):
        check_whole(f"paise[{index}]", price, 0, POSTAGE_PAISE_MAX)


def _check_columns(place: str, paise: tuple[int, ...], prices: int) -> None:
    if len(paise) != prices:
        raise BadFieldError(place, f"there are {len(paise)}, {prices} are needed")
