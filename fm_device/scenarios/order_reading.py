"""Reading orders of a scenario, and what is said of the contents that they bring."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from fm_device.scenarios.form import (
    Table,
    WrongValueError,
    day,
    flag,
    listed,
    one_of,
    rupees,
    shown,
    text,
    whole,
)
from fm_device.scenarios.steps import ORDERS, Action, GiveOrder
from fm_device.scenarios.values import department_number, epoch
from protocol.values import U32_MAX, Paise

_CLOCK_NOW: Final = 0


_ORDER_VALUES: Final[Mapping[str, tuple[str, Callable[[Any], int], Any]]] = {
    "clock": ("at", epoch, _CLOCK_NOW),
    "lock": ("reason", whole(0, 2**63 - 1), 0),
    "unlock": ("reason", whole(0, 2**63 - 1), 0),
    "next-call": ("at", epoch, None),
    "frank-limit": ("value", rupees, None),
    "funds-limit": ("value", rupees, None),
    "retire-credit-key": ("number", whole(1, 255), None),
    "slogan-off": ("number", whole(1, 10), None),
}


def read_order(table: Table) -> Action:
    """Read what a machine is ordered."""
    kind: str = table.take("kind", one_of(ORDERS))
    if kind in _ORDER_VALUES:
        key, read, default = _ORDER_VALUES[kind]
        if default is None:
            return GiveOrder(kind, table.take(key, read))
        return GiveOrder(kind, table.take(key, read, default))
    return GiveOrder(kind, None, dict(_CONTENTS[kind](table)))


def _tariff(table: Table) -> Iterator[tuple[str, Any]]:
    """A tariff made from the factory's: dearer, or with more classes."""
    yield "number", table.take("number", whole(2, U32_MAX))
    yield "valid_from", table.take("valid-from", day)
    yield "dearer_paise", table.take("dearer", rupees, Paise(0))
    yield "without", table.take("without", listed(text), ())
    yield "more_classes", table.take("more-classes", whole(0, 40), 0)


def _slogan(table: Table) -> Iterator[tuple[str, Any]]:
    yield "number", table.take("number", whole(1, 10))
    yield "lines", table.take("lines", listed(text))
    yield "customer", table.take("customer", department_number, 0)


def _version(value: Any) -> tuple[int, ...]:
    parts = text(value).split(".")
    if len(parts) != 3 or not all(  # noqa: PLR2004
        one.isascii() and one.isdecimal() and int(one) < 256  # noqa: PLR2004
        for one in parts
    ):
        raise WrongValueError(f'{shown(value)} is no version: write "0.2.0"')
    return tuple(map(int, parts))


def _firmware(table: Table) -> Iterator[tuple[str, Any]]:
    yield "version", table.take("version", _version)
    yield "boots", table.take("boots", flag, True)  # noqa: FBT003
    yield "payload_octets", table.take("octets", whole(0, 30_000), 2048)


def _credit_key(table: Table) -> Iterator[tuple[str, Any]]:
    yield "number", table.take("number", whole(2, 255))


_CONTENTS: Final = {
    "tariff": _tariff,
    "slogan": _slogan,
    "firmware": _firmware,
    "credit-key": _credit_key,
}
