"""What may be expected behind a step: keys, how each is read, how it is compared.

Most keys name one value that must be found. `log` names events that must be in the
machine's log since the start; `faults` names every fault that stands, and no other.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fm_device.firmware.faults import MachineFault
from fm_device.scenarios.form import (
    Read,
    Table,
    WrongValueError,
    day,
    flag,
    listed,
    number,
    one_of,
    one_or_more,
    rupees,
    shown,
    text,
    whole,
)
from fm_device.scenarios.vocabulary import (
    BOOTS,
    EVENTS,
    LICENCE_STATES,
    MARKS,
    OUTCOMES,
    PARTS,
    REFUSALS,
    REQUESTS,
    SERVER_REFUSALS,
    SILENCES,
    STATES,
    VERDICTS,
    is_told,
    told,
)
from protocol.values import U32_MAX

_COUNT: Final = whole(0, U32_MAX)


def _or_false(read: Read[Any]) -> Read[Any]:
    """Read a name, or false for nothing."""
    return lambda value: None if value is False else read(value)


def _spent(value: Any) -> Mapping[int, int]:
    if not isinstance(value, Mapping) or not all(key.isdecimal() for key in value):
        raise WrongValueError(f"a table of departments is needed, not {shown(value)}")
    return {int(key): rupees(amount) for key, amount in value.items()}


KEYS: Final[Mapping[str, Read[Any]]] = {
    # What the step itself came to.
    "refused": _or_false(told(*REFUSALS, MachineFault)),
    "fails": text,
    "meanwhile": told(*REFUSALS, MachineFault),
    "done": _COUNT,
    "outcome": one_of(OUTCOMES),
    "server-refusal": _or_false(one_of(SERVER_REFUSALS)),
    "carrier": one_of(("kept", "lost")),
    "pin": one_of(VERDICTS),
    "attempts-left": _COUNT,
    "duration-s": number(0, 86_400),
    # The machine.
    "power": one_of(("on", "off")),
    "state": one_of(STATES),
    "boot": one_of(BOOTS),
    "failed-tests": listed(one_of(PARTS)),
    "faults": listed(told(MachineFault)),
    "silence": one_of(SILENCES),
    "call-due": flag,
    "pending": _or_false(one_of(REQUESTS)),
    "clock-set": flag,
    "clock-error-s": number(0, U32_MAX),
    "firmware": text,
    "tariff": _or_false(_COUNT),
    "slogans": listed(_COUNT),
    "credit-keys": listed(_COUNT),
    "licence": text,
    "log": one_or_more(one_of(EVENTS)),
    # Registers.
    "ascending": rupees,
    "descending": rupees,
    "control-total": rupees,
    "items": _COUNT,
    "imprints": _COUNT,
    "recharges": _COUNT,
    "unprinted": _COUNT,
    "usage-rows": _COUNT,
    "spent": _spent,
    # What came out of the printer.
    "printed": _COUNT,
    "mark": one_of(MARKS),
    "value": rupees,
    "printed-on": day,
    "slogan": _or_false(text),
    # The server.
    "frozen": flag,
    "discrepancies": listed(one_of(SERVER_REFUSALS)),
    "funds": rupees,
    "reserved": rupees,
    "posted": rupees,
    "orders-waiting": _COUNT,
    "licence-state": one_of(LICENCE_STATES),
}


def read_expectations(table: Table) -> Mapping[str, Any]:
    """Read the table `expect` of a step."""
    found = {key: table.take(key, KEYS[key]) for key in KEYS if table.has(key)}
    table.end()
    return {key: found[key] for key in table.keys}


def is_met(key: str, expected: Any, found: Any) -> bool:
    """Compare what was expected with what was found."""
    compare = _COMPARE.get(key)
    return expected == found if compare is None else compare(expected, found)


def _told(expected: str | None, found: Any) -> bool:
    if expected is None or found is None:
        return expected is found
    return is_told(found, expected)


def _all_told(expected: tuple[str, ...], found: tuple[Any, ...]) -> bool:
    return len(expected) == len(found) and all(
        any(is_told(member, name) for member in found) for name in expected
    )


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "refused": _told,
    "meanwhile": _told,
    "faults": _all_told,
    "failed-tests": lambda expected, found: set(expected) == set(found),
    "discrepancies": lambda expected, found: sorted(expected) == sorted(found),
    "log": lambda expected, found: set(expected) <= set(found),
    "fails": lambda expected, found: found is not None and expected in found,
    "clock-error-s": lambda expected, found: found is not None and found <= expected,
    "duration-s": lambda expected, found: found is not None and found <= expected,
    "spent": lambda expected, found: all(
        found.get(department, 0) == amount for department, amount in expected.items()
    ),
}
